// A former run of `bench --json`, to be held against this one.
#ifndef LG_TOOLS_BENCH_COMPARE_H
#define LG_TOOLS_BENCH_COMPARE_H

#include "ir/diag.h"
#include "tools/bench_rows.h"

// What `bench --json` wrote.
typedef struct lg_former lg_former;

// NULL after reporting what is wrong with the file. Free with lg_former_free.
lg_former *lg_former_read(const char *path, lg_diag *diag);
void lg_former_free(lg_former *former); // NULL is allowed

// Sets `former` of the rows that the former run has too, and the times of the whole.
void lg_former_compare(lg_former *former, lg_bench_result *result);

#endif
