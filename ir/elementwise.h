// The expression of an elementwise op, for who evaluates or counts it.
#ifndef LG_IR_ELEMENTWISE_H
#define LG_IR_ELEMENTWISE_H

#include "ir/graph.h"
#include "ir/kernel.h"

// The expression of `op` over variables that stand for its operands: the id of the ith is i.
lg_kx *lg_elementwise_expression(lg_arena *arena, const lg_op *op);

#endif
