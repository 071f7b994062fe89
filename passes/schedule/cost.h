// What the cost models of register-tiled schedules share, in cycles of one core with two vector
// units for fma and two load ports.
#ifndef LG_PASSES_SCHEDULE_COST_H
#define LG_PASSES_SCHEDULE_COST_H

#include <stdbool.h>
#include <stdint.h>

// One step of the reduced axis for a tile: one fma an accumulator, a load for each row and vector.
double lg_cost_of_step(double rows, double vectors, double lanes);
// A filter of so many bytes that `jobs` jobs read comes from memory, where no run finds that of the
// one before, for each of the threads that share it, which read at their own times: `first`. It
// comes `again`, from behind L2, for every further job, unless it `stays` in L2 from job to job.
typedef struct lg_filter_cost {
    double first, again;
} lg_filter_cost;
lg_filter_cost lg_cost_of_filter(double bytes, double jobs, bool stays);
// How much longer `jobs` equal jobs take than if they divided evenly: the mean over 1 to 16
// threads.
double lg_cost_of_imbalance(double jobs);

#endif
