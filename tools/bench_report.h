// What `bench` prints of the times that it took.
#ifndef LG_TOOLS_BENCH_REPORT_H
#define LG_TOOLS_BENCH_REPORT_H

#include "runtime/artifact.h"

#include <stdbool.h>
#include <stdio.h>

typedef struct lg_bench {
    const lg_artifact *artifact;
    const lg_entry_desc *entry;
    int runs, threads;
    double *seconds; // [runs][entry->launch_count]
    double *totals;  // [runs], of the whole entry point
} lg_bench;

typedef enum lg_bench_form { LG_BENCH_TABLE, LG_BENCH_JSON } lg_bench_form;

// A row for each kernel, the slowest first, or for each launch in order. The time of a launch is
// the median over the runs, that of a kernel the sum of its launches'. Reorders b->totals.
void lg_bench_report(const lg_bench *b, lg_bench_form form, bool by_launch, FILE *out);

#endif
