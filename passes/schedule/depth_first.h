// What the pass and the schedule of depth-first chains agree on.
#ifndef LG_PASSES_SCHEDULE_DEPTH_FIRST_H
#define LG_PASSES_SCHEDULE_DEPTH_FIRST_H

#include "passes/schedule/schedule.h"

enum { LG_MAX_CHAIN = 4 };

// Applies to a chain of convolutions with their epilogues and one result.
bool lg_schedule_depth_first_applies(const lg_function *function, const lg_target *target);
void lg_schedule_depth_first(lg_schedule *s);

// How a chain of convolutions, each reading the one before, is computed.
typedef struct lg_chain_plan {
    int64_t rows;  // of the result in a strip
    int64_t run;   // of the result in a job
    int64_t bytes; // of the strips between the convolutions
    double again;  // FLOPs of rows that two jobs compute
} lg_chain_plan;

// Of convolutions in the order of computation; `count` is 2..LG_MAX_CHAIN.
lg_chain_plan lg_chain_plan_of(const lg_op *const *ops, int count, const lg_target *target);

#endif
