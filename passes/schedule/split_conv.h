// Convolutions whose numbers are taken apart into bf16 (split_conv2d) on the matrix unit.
#ifndef LG_PASSES_SCHEDULE_SPLIT_CONV_H
#define LG_PASSES_SCHEDULE_SPLIT_CONV_H

#include "passes/schedule/schedule.h"
#include "passes/schedule/split_jobs.h"

// The layout of the filter bf16[parts,o,c/2,kh,kw,2]: operands of the matrix unit, for 16 outputs
// and 32 inputs each.
const lg_layout *lg_split_layout(lg_arena *arena);

bool lg_schedule_split_conv_applies(const lg_function *function, const lg_target *target);
void lg_schedule_split_conv(lg_schedule *s);

#endif
