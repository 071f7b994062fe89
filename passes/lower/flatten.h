// Kernels that go through whole tensors element by element, as kernels on vectors.
#ifndef LG_PASSES_LOWER_FLATTEN_H
#define LG_PASSES_LOWER_FLATTEN_H

#include "ir/graph.h"

// A kernel function of the same module that computes what `kernel` does, with every tensor as one
// axis of all its elements; NULL if it is not made of such.
lg_function *lg_flatten_kernel(const lg_function *kernel, lg_arena *scratch);

#endif
