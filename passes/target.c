// The table of targets.
#include "passes/target.h"

#include <stddef.h>
#include <string.h>

enum { CORES = 4 };

static const lg_target targets[] = {
#define TARGET(name, kind, triple, cpu, lanes, registers, unit, l1, l2, tile_memory, summary)      \
    {name, LG_TARGET_##kind, triple,  cpu,  lanes, registers, unit, l1,                            \
     l2,   tile_memory,      summary, NULL, CORES},
#include "passes/targets.def"
#undef TARGET
};

enum { TARGET_COUNT = (int)(sizeof targets / sizeof targets[0]) };

const lg_target *lg_target_at(int index)
{
    return index >= 0 && index < TARGET_COUNT ? &targets[index] : NULL;
}

const lg_target *lg_target_find(const char *name)
{
    for (int i = 0; i < TARGET_COUNT; i++)
        if (strcmp(targets[i].name, name) == 0)
            return &targets[i];
    return NULL;
}
