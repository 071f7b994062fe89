// A table from names to what they name, for the places where a list is too slow to search: the
// symbols of a module and the values of a function being parsed. Names are kept, not copied.
#ifndef LG_IR_NAMES_H
#define LG_IR_NAMES_H

#include "ir/arena.h"

typedef struct lg_name_entry {
    const char *name;
    void *value;
} lg_name_entry;

// All zeros is an empty table.
typedef struct lg_names {
    lg_name_entry *entries;
    size_t capacity, used;
} lg_names;

// The entry of `name`, or NULL.
lg_name_entry *lg_names_find(const lg_names *names, const char *name);
// Sets what `name` names. A name set to NULL stays in the table with that value.
void lg_names_set(lg_arena *arena, lg_names *names, const char *name, void *value);

#endif
