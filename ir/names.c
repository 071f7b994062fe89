// Open addressing, linear probing, at most half full. Nothing is ever taken out.
#include "ir/names.h"

#include <stdint.h>
#include <string.h>

static uint64_t hash(const char *name)
{
    uint64_t h = 0xcbf29ce484222325; // FNV-1a
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 0x100000001b3;
    return h ^ h >> 32;
}

// The slot of `name`, or the free one where it would go.
static lg_name_entry *probe(const lg_names *names, const char *name)
{
    size_t mask = names->capacity - 1, at = (size_t)hash(name) & mask;
    while (names->entries[at].name && strcmp(names->entries[at].name, name) != 0)
        at = (at + 1) & mask;
    return &names->entries[at];
}

lg_name_entry *lg_names_find(const lg_names *names, const char *name)
{
    if (!names->capacity)
        return NULL;
    lg_name_entry *entry = probe(names, name);
    return entry->name ? entry : NULL;
}

static void grow(lg_arena *arena, lg_names *names)
{
    lg_names old = *names;
    names->capacity = old.capacity ? old.capacity * 2 : 16;
    names->entries = LG_NEW_ARRAY(arena, lg_name_entry, names->capacity);
    for (size_t i = 0; i < old.capacity; i++)
        if (old.entries[i].name)
            *probe(names, old.entries[i].name) = old.entries[i];
}

void lg_names_set(lg_arena *arena, lg_names *names, const char *name, void *value)
{
    if (names->used * 2 >= names->capacity)
        grow(arena, names);
    lg_name_entry *entry = probe(names, name);
    names->used += !entry->name;
    *entry = (lg_name_entry){name, value};
}
