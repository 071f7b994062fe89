// Constants fitted to measurements of an AVX-512 machine (docs/tuning.md). Loads of a whole cache
// line cost something even where there are ports for them: tiles of 14 x 2, 9 x 3 and 6 x 4 in L1
// reach 0.74, 0.80 and 0.81 of the peak. Those of narrower vectors hide behind the fmas.
#include "passes/schedule/cost.h"

#include "ir/integer.h"

enum { CACHE_LINE = 64 };

static const double cycles_of_fma = 0.45, cycles_of_load = 0.4, latency_of_fma = 4, load_ports = 2;

double lg_cost_of_step(double rows, double vectors, double lanes)
{
    double loads = rows + vectors, cycles = cycles_of_fma * rows * vectors;
    if (4 * lanes >= CACHE_LINE)
        cycles += cycles_of_load * loads;
    cycles = cycles > loads / load_ports ? cycles : loads / load_ports;
    return cycles > latency_of_fma ? cycles : latency_of_fma;
}

lg_filter_cost lg_cost_of_filter(double bytes, double jobs, bool stays)
{
    static const double memory_rate = 4, again_rate = 8, readers = 2; // bytes a cycle; threads
    double first = jobs < readers ? jobs : readers;
    return (lg_filter_cost){.first = first * bytes / memory_rate,
                            .again = stays ? 0 : (jobs - first) * bytes / again_rate};
}

double lg_cost_of_imbalance(double jobs)
{
    static const int threads[] = {1, 2, 4, 8, 16};
    double sum = 0;
    for (int i = 0; i < 5; i++)
        sum += (double)(threads[i] * lg_ceil_div((int64_t)jobs, threads[i])) / jobs;
    return sum / 5;
}
