// A hash table from pointers (values, ops, symbols, functions) to what a pass notes about them.
// It lives in the pass's scratch arena. Looked up, never walked: no result may hang on addresses.
#ifndef LG_PASSES_MAP_H
#define LG_PASSES_MAP_H

#include "ir/arena.h"

#include <stdint.h>

typedef struct lg_map_entry {
    const void *key;
    union {
        void *pointer;
        int64_t number;
    } as;
} lg_map_entry;

typedef struct lg_map {
    lg_arena *arena;
    lg_map_entry *entries; // a power of two of them
    int count, capacity;
} lg_map;

// The entry of `key`, or NULL. Valid until the next lg_map_at.
lg_map_entry *lg_map_find(const lg_map *map, const void *key);
// The entry of `key`, made (zero) where there is none. Start with `{.arena = arena}`.
lg_map_entry *lg_map_at(lg_map *map, const void *key);

// The note itself; NULL or 0 where there is none.
void *lg_map_pointer(const lg_map *map, const void *key);
int64_t lg_map_number(const lg_map *map, const void *key);

#endif
