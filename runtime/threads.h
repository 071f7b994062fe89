// Threads for compiled code: the lg_parallel of runtime/artifact.h over a pool, and a wrapper that
// times every launch.
#ifndef LG_RUNTIME_THREADS_H
#define LG_RUNTIME_THREADS_H

#include "runtime/artifact.h"

typedef struct lg_pool lg_pool;

typedef struct lg_threads {
    lg_parallel parallel;
    int count;
    lg_pool *pool; // made by the first launch that has work for it
} lg_threads;

// `count` threads; 0 is OMP_NUM_THREADS where it is set, else one a core this process may use. Pass
// &threads->parallel to a call; `threads` must stay where it is until lg_threads_free. Of two calls
// that use it at once, one runs on its own thread alone.
void lg_threads_init(lg_threads *threads, int count);
// Ends the threads; nothing may be running.
void lg_threads_free(lg_threads *threads);

// Seconds a launch, summed over runs.
typedef struct lg_timing {
    lg_parallel parallel;
    const lg_parallel *inner; // NULL: serial
    double *seconds;          // one a launch, the caller's; zeroed by lg_timing_init
    uint32_t launches;
} lg_timing;

void lg_timing_init(lg_timing *timing, const lg_parallel *inner, double *seconds,
                    uint32_t launches);

// Cores that this process may use, at least 1.
int lg_core_count(void);

// Seconds on a clock that only goes forward.
double lg_now(void);

#endif
