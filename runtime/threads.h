// Threads for compiled code: the lg_parallel of runtime/artifact.h over OpenMP, and a wrapper that
// times every launch.
#ifndef LG_RUNTIME_THREADS_H
#define LG_RUNTIME_THREADS_H

#include "runtime/artifact.h"

typedef struct lg_threads {
    lg_parallel parallel;
    int count;
} lg_threads;

// `count` threads; 0 is as many as OpenMP would take (OMP_NUM_THREADS, else one a core). Pass
// &threads->parallel to a call; `threads` must stay where it is.
void lg_threads_init(lg_threads *threads, int count);

// Seconds a launch, summed over runs.
typedef struct lg_timing {
    lg_parallel parallel;
    const lg_parallel *inner; // NULL: serial
    double *seconds;          // one a launch, the caller's; zeroed by lg_timing_init
    uint32_t launches;
} lg_timing;

void lg_timing_init(lg_timing *timing, const lg_parallel *inner, double *seconds,
                    uint32_t launches);

// Seconds on a clock that only goes forward.
double lg_now(void);

#endif
