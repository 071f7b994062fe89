// What the cost models of register-tiled schedules share, in cycles of one core with two vector
// units for fma and two load ports.
#ifndef LG_PASSES_SCHEDULE_COST_H
#define LG_PASSES_SCHEDULE_COST_H

#include <stdint.h>

// One step of the reduced axis for a tile: one fma an accumulator, a load for each row and vector.
double lg_cost_of_step(double rows, double vectors, double lanes);
// How much longer `jobs` equal jobs take than if they divided evenly: the mean over 1 to 16
// threads.
double lg_cost_of_imbalance(double jobs);

#endif
