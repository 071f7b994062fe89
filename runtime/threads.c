// Threads take parts of a range until none is left: on a machine that does other work too, nobody
// waits for a thread that is not running while there are parts to do.
#include "runtime/threads.h"

#ifdef _OPENMP
#include <omp.h>
#endif
#include <time.h>

enum { PARTS_OF_A_THREAD = 8 };

static void run_parallel(void *context, uint32_t launch, lg_kernel_fn kernel, void *const *buffers,
                         int64_t count)
{
    (void)launch;
    const lg_threads *threads = context;
    int team = count < threads->count ? (int)count : threads->count;
    if (team <= 1) {
        kernel(buffers, 0, count);
        return;
    }
    int64_t part = count / ((int64_t)team * PARTS_OF_A_THREAD);
    part = part > 0 ? part : 1;
    int64_t parts = (count + part - 1) / part;
#ifdef _OPENMP
#pragma omp parallel for schedule(dynamic) num_threads(team)
#endif
    for (int64_t i = 0; i < parts; i++) {
        int64_t begin = i * part;
        kernel(buffers, begin, count - begin < part ? count : begin + part);
    }
}

static int default_count(void)
{
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
}

void lg_threads_init(lg_threads *threads, int count)
{
    threads->parallel = (lg_parallel){threads, run_parallel};
    threads->count = count > 0 ? count : default_count();
}

double lg_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void run_timed(void *context, uint32_t launch, lg_kernel_fn kernel, void *const *buffers,
                      int64_t count)
{
    lg_timing *timing = context;
    double start = lg_now();
    if (timing->inner)
        timing->inner->run(timing->inner->context, launch, kernel, buffers, count);
    else
        kernel(buffers, 0, count);
    if (launch < timing->launches)
        timing->seconds[launch] += lg_now() - start;
}

void lg_timing_init(lg_timing *timing, const lg_parallel *inner, double *seconds, uint32_t launches)
{
    *timing = (lg_timing){{timing, run_timed}, inner, seconds, launches};
    for (uint32_t i = 0; i < launches; i++)
        seconds[i] = 0;
}
