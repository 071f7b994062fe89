// The times that `bench` took, as rows: one a kernel or one a launch, beside what the machine and a
// former run could do. Everything that is printed or drawn is made of these.
#ifndef LG_TOOLS_BENCH_ROWS_H
#define LG_TOOLS_BENCH_ROWS_H

#include "ir/arena.h"
#include "runtime/artifact.h"
#include "tools/roofline.h"

#include <stdbool.h>

// What was measured.
typedef struct lg_bench {
    const lg_artifact *artifact;
    const lg_entry_desc *entry;
    int runs, threads;
    const char *device;          // the GPU that ran it, NULL: this processor
    double *seconds;             // [runs][entry->launch_count]
    double *totals;              // [runs], of the whole entry point
    const lg_roofline *roofline; // NULL: not measured
} lg_bench;

typedef struct lg_bench_row {
    const char *kernel, *label; // the label of its first launch, or ""
    int launches;
    double seconds, flops, bytes;
    double roof;   // least seconds, each launch for itself; 0: no roofline
    double former; // seconds of the run that this one is compared with; 0: none
} lg_bench_row;

typedef struct lg_bench_result {
    const lg_bench *bench;
    const char *model, *target, *compiler, *entry; // clean, as all names here are
    lg_bench_row *rows;                            // kernels: the slowest first; launches: in order
    int count;
    bool by_launch;
    lg_bench_row all;       // all rows added up
    double median, minimum; // seconds of the whole entry point
    double former_median;   // 0: none
} lg_bench_result;

// The time of a launch is the median over the runs, that of a kernel the sum of its launches'.
lg_bench_result *lg_bench_result_new(lg_arena *arena, const lg_bench *bench, bool by_launch);

// A cost as an artifact states it, 0 for what cannot be one: artifacts come from files.
double lg_bench_cost(double value);
// Per second, in units of 1e9; 0 where there is no time.
double lg_bench_rate(double amount, double seconds);
// Of the roofline, or of anything: 100 * part / whole, 0 where there is no whole.
double lg_bench_percent(double part, double whole);
// Would the row be bound by computing rather than by memory?
bool lg_bench_is_compute_bound(const lg_roofline *roofline, const lg_bench_row *row);

// Bytes of what a kernel's name begins with: 6 of conv2d_45.
int lg_bench_word(const char *kernel);
// `text` with what is no UTF-8 or not to be printed replaced by `?`: names come from files.
const char *lg_bench_text(lg_arena *arena, const char *text);

#endif
