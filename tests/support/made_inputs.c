#include "tests/support/made_inputs.h"

#include <string.h>

// In 0..1.
static double noise(uint64_t index)
{
    uint64_t z = (index + 1) * 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return (double)((z ^ (z >> 31)) >> 40) / (1 << 24);
}

double lg_made_input(const char *name, int64_t index)
{
    enum { NODES = 55 };
    if (strcmp(name, "image") == 0)
        return 2 * noise((uint64_t)index) - 1;
    if (strcmp(name, "graph") == 0)
        return index / NODES == index % NODES || (index / NODES + index % NODES) % 3 == 0;
    if (strcmp(name, "labels") == 0)
        return (double)(index * 7 / 3 % 2);
    if (strcmp(name, "fake") == 0)
        return (double)(index % 2 == 0);
    if (strcmp(name, "values") == 0)
        return noise((uint64_t)index + 1000);
    return strcmp(name, "learning_rate") == 0 ? 1e-4 : 0;
}
