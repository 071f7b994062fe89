// The form of a filter for Winograd's convolution, as a kernel of its own.
#ifndef LG_PASSES_SCHEDULE_WINOGRAD_FILTER_H
#define LG_PASSES_SCHEDULE_WINOGRAD_FILTER_H

#include "passes/schedule/schedule.h"

bool lg_schedule_winograd_filter_applies(const lg_function *function, const lg_target *target);
void lg_schedule_winograd_filter(lg_schedule *s);

#endif
