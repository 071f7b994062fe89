#include "tools/memory_need.h"

#include "codegen/scratch.h"

int64_t lg_entry_memory_need(const lg_entry *entry)
{
    int64_t bytes = lg_entry_workspace(entry);
    for (int i = 0; i < entry->slots.count; i++)
        if (entry->slots.items[i]->place != LG_PLACE_WORKSPACE)
            bytes += lg_type_bytes(&entry->slots.items[i]->type);
    return bytes;
}

const lg_entry *lg_program_largest_need(const lg_program *program, int64_t *need)
{
    const lg_entry *largest = NULL;
    *need = 0;
    for (int i = 0; i < program->entries.count; i++) {
        const lg_entry *entry = program->entries.items[i];
        int64_t bytes = lg_entry_memory_need(entry);
        if (entry->workspace == 0 || bytes <= *need)
            continue;
        largest = entry;
        *need = bytes;
    }
    return largest;
}
