// The gradient of a convolution's filter on a CPU (passes/schedule/filter_grad.c).
#ifndef LG_PASSES_SCHEDULE_FILTER_GRAD_H
#define LG_PASSES_SCHEDULE_FILTER_GRAD_H

#include "passes/schedule/schedule.h"

// Does the schedule suit the conv2d_filter_grad `op`, once image and gradient lie as it wants: in
// lg_image_layout, the image with a border as wide as the padding?
bool lg_filter_grad_suits(const lg_op *op, const lg_target *target);
bool lg_schedule_filter_grad_applies(const lg_function *function, const lg_target *target);
// The kernel's result is [parts,elements] where the pixels are divided among jobs, to be added up
// by a kernel behind it (lower does that).
void lg_schedule_filter_grad(lg_schedule *s);

#endif
