// Random kernels for comparing two ways to run them. They are valid by construction: indices stay
// inside, what is read was written, iterations of the parallel loop write rows of their own. Values
// stay small and comparisons look at integers only, so that rounding cannot choose a branch.
#ifndef LG_TESTS_SUPPORT_RANDOM_KERNEL_H
#define LG_TESTS_SUPPORT_RANDOM_KERNEL_H

#include "ir/kernel.h"

// Appends a kernel that depends on `seed` alone.
lg_kernel *lg_random_kernel(lg_program *program, unsigned seed);

#endif
