// What a convolution costs on the vector unit of a CPU, for passes that weigh it against other
// ways.
#ifndef LG_PASSES_WINOGRAD_H
#define LG_PASSES_WINOGRAD_H

#include "ir/graph.h"
#include "passes/target.h"

// Cycles of one core for a conv2d of f32 whose filter @pack has packed, done directly.
double lg_direct_cycles(const lg_op *conv, const lg_target *target);
// The same of the cheapest way: directly, or by Winograd's tiles of 2 or 4 where they suit.
double lg_vector_cycles(const lg_op *conv, const lg_target *target);

#endif
