// Depthwise convolution on a CPU: every channel has a filter of its own.
#ifndef LG_PASSES_SCHEDULE_DEPTHWISE_H
#define LG_PASSES_SCHEDULE_DEPTHWISE_H

#include "passes/schedule/schedule.h"

// Is the conv2d `op` depthwise, with one output a channel, and are there enough channels to fill
// vectors? Its filter then lies in panels of one vector (lg_filter_layout).
bool lg_depthwise_suits(const lg_op *op, const lg_target *target);
bool lg_schedule_depthwise_applies(const lg_function *function, const lg_target *target);
void lg_schedule_depthwise(lg_schedule *s);

#endif
