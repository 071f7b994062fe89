// Images and their sums over pixels, where no convolution makes them.
#ifndef LG_PASSES_SCHEDULE_SUMS_H
#define LG_PASSES_SCHEDULE_SUMS_H

#include "passes/schedule/schedule.h"

bool lg_schedule_sums_applies(const lg_schedule *s);
void lg_schedule_sums(lg_schedule *s);

#endif
