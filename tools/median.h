// Medians of measurements: what a noisy machine leaves of them.
#ifndef LG_TOOLS_MEDIAN_H
#define LG_TOOLS_MEDIAN_H

// Sorts `count` values, smallest first.
void lg_sort(double *values, int count);
// Sorts the values and returns the middle one, or the mean of the two in the middle. `count` > 0.
double lg_median(double *values, int count);

#endif
