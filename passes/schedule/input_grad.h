// The gradient of the image of a convolution with a stride, in register tiles on a CPU
// (passes/schedule/conv.c).
#ifndef LG_PASSES_SCHEDULE_INPUT_GRAD_H
#define LG_PASSES_SCHEDULE_INPUT_GRAD_H

#include "ir/graph.h"
#include "passes/target.h"

// Does the schedule suit the op, once gradient and filter lie as it wants? One of a
// conv2d_input_grad of a stride, without groups and dilation; of no other op.
bool lg_input_grad_suits(const lg_op *op, const lg_target *target);
// Rows (axis 0) or columns (1) of zeros around the gradient that the op reads.
int64_t lg_input_grad_border(const lg_op *op, int axis);

#endif
