// A range is cut into one part a thread: the parts of a kernel are of equal work, and the next run
// finds its data in the same core's cache.
#include "runtime/threads.h"

#ifdef _OPENMP
#include <omp.h>
#endif
#include <time.h>

static void run_parallel(void *context, uint32_t launch, lg_kernel_fn kernel, void *const *buffers,
                         int64_t count)
{
    (void)launch;
    const lg_threads *threads = context;
    int parts = count < threads->count ? (int)count : threads->count;
    if (parts <= 1) {
        kernel(buffers, 0, count);
        return;
    }
#ifdef _OPENMP
#pragma omp parallel for schedule(static) num_threads(parts)
#endif
    for (int i = 0; i < parts; i++) {
        // count * i / parts without overflow, the longer parts first
        int64_t size = count / parts, longer = count % parts;
        int64_t begin = size * i + (i < longer ? i : longer);
        kernel(buffers, begin, begin + size + (i < longer));
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
