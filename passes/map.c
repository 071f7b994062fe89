// Open addressing with linear probing, at most half full.
#include "passes/map.h"

#include <assert.h>

static int slot_of(const lg_map *map, const void *key)
{
    uint64_t hash = (uint64_t)(uintptr_t)key * 0x9e3779b97f4a7c15u;
    int slot = (int)(hash >> 33) & (map->capacity - 1);
    while (map->entries[slot].key && map->entries[slot].key != key)
        slot = (slot + 1) & (map->capacity - 1);
    return slot;
}

lg_map_entry *lg_map_find(const lg_map *map, const void *key)
{
    if (map->count == 0)
        return NULL;
    lg_map_entry *entry = &map->entries[slot_of(map, key)];
    return entry->key ? entry : NULL;
}

static void grow(lg_map *map)
{
    lg_map bigger = {.arena = map->arena, .capacity = map->capacity ? 2 * map->capacity : 32};
    bigger.entries = LG_NEW_ARRAY(map->arena, lg_map_entry, bigger.capacity);
    bigger.count = map->count;
    for (int i = 0; i < map->capacity; i++)
        if (map->entries[i].key)
            bigger.entries[slot_of(&bigger, map->entries[i].key)] = map->entries[i];
    *map = bigger;
}

lg_map_entry *lg_map_at(lg_map *map, const void *key)
{
    assert(key);
    if (2 * (map->count + 1) > map->capacity)
        grow(map);
    lg_map_entry *entry = &map->entries[slot_of(map, key)];
    if (!entry->key) {
        entry->key = key;
        map->count++;
    }
    return entry;
}

void *lg_map_pointer(const lg_map *map, const void *key)
{
    const lg_map_entry *entry = lg_map_find(map, key);
    return entry ? entry->as.pointer : NULL;
}

int64_t lg_map_number(const lg_map *map, const void *key)
{
    const lg_map_entry *entry = lg_map_find(map, key);
    return entry ? entry->as.number : 0;
}
