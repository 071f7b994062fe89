// Results of a kernel that one loop over their elements makes.
#ifndef LG_PASSES_SCHEDULE_FAMILIES_H
#define LG_PASSES_SCHEDULE_FAMILIES_H

#include "passes/schedule/nest.h"

// Results of one shape and layout that are made of common values: the moments and the parameter
// that an optimizer's step writes.
typedef struct lg_family {
    const lg_value *values[LG_MAX_NEST_VALUES];
    int count;
} lg_family;

typedef LG_LIST(lg_family) lg_families;

// Divides the results of a kernel function whose ops go element by element; false if some don't, or
// a family is too large or of several shapes.
bool lg_families_find(const lg_function *function, lg_arena *scratch, lg_families *families);

#endif
