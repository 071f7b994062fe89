// What `bench` prints of the times that it took.
#ifndef LG_TOOLS_BENCH_REPORT_H
#define LG_TOOLS_BENCH_REPORT_H

#include "tools/bench_rows.h"

#include <stdio.h>

void lg_bench_print_table(const lg_bench_result *result, FILE *out);
// The same as one JSON object. Fails on lack of memory only.
bool lg_bench_print_json(const lg_bench_result *result, FILE *out);

#endif
