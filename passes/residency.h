// Which values of a fused func stay in a memory of a given size, and which calls are made again
// because of those that don't: the func is run in thought, call by call.
#ifndef LG_PASSES_RESIDENCY_H
#define LG_PASSES_RESIDENCY_H

#include "passes/liveness.h"

// What one func asks of its memory; several sizes are tried on it.
typedef struct lg_residency_problem lg_residency_problem;

// In front of the step `at`, `call` is made again; its results stand for those it made before.
typedef struct lg_again {
    int at;
    lg_op *call;
} lg_again;

typedef struct lg_residency {
    LG_LIST(lg_again) again; // in the order in which they are made
    int64_t peak;            // bytes; more than the capacity if the func can't run within it
    double time;             // of the calls made again, as lg_call_time has it
} lg_residency;

// `live` must outlive the problem, which is in `arena`. `balance` as for lg_call_time.
lg_residency_problem *lg_residency_problem_new(const lg_liveness *live, double balance,
                                               lg_arena *arena);
// Of all calls, each made once.
double lg_residency_time(const lg_residency_problem *problem);
// Runs the func within `capacity` bytes. Of a value that may go, `chain` of the time of the calls
// that would have to be made before its own, because their results are gone too, counts as its
// cost. Stops after `most_time`, with a peak that is too high.
lg_residency lg_residency_within(const lg_residency_problem *problem, int64_t capacity,
                                 double chain, double most_time, lg_arena *arena);

#endif
