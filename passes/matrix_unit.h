// Which convolutions the matrix unit of a CPU takes, for passes that would do something else with
// them.
#ifndef LG_PASSES_MATRIX_UNIT_H
#define LG_PASSES_MATRIX_UNIT_H

#include "ir/graph.h"
#include "passes/target.h"

enum { LG_MATRIX_PARTS = 2 }; // of every number, where nothing else is asked for

// Can the matrix unit of `target`, if it has one, compute the convolution as far as its shape goes?
bool lg_matrix_unit_suits(const lg_op *conv, const lg_target *target);
// What that would cost, in cycles of one core, with the filter packed (lg_split_cycles).
double lg_matrix_cycles(const lg_op *conv, const lg_target *target, int parts);
// Both of it, and the vector unit would take longer.
bool lg_matrix_unit_pays(const lg_op *conv, const lg_target *target, int parts);

#endif
