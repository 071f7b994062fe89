// Where the time of one run goes, as a timeline: a trace-event file for chrome://tracing and
// ui.perfetto.dev. Launches stand on one track, the parts that each thread took on one a thread.
#ifndef LG_TOOLS_CHROME_TRACE_H
#define LG_TOOLS_CHROME_TRACE_H

#include "ir/diag.h"
#include "runtime/artifact.h"
#include "tools/bench_rows.h"

typedef struct lg_trace lg_trace;

// Notes what `inner` (not NULL) runs, which outlives it. NULL after reporting.
lg_trace *lg_trace_new(const lg_parallel *inner, lg_diag *diag);
void lg_trace_free(lg_trace *trace); // NULL is allowed

// To be passed to a call instead of `inner`.
const lg_parallel *lg_trace_parallel(lg_trace *trace);

// The runs begin and end so; of very many only the first are kept.
void lg_trace_begin(lg_trace *trace);
void lg_trace_end(lg_trace *trace);

// The run whose time is nearest to `result`'s median. False after reporting.
bool lg_trace_write(const lg_trace *trace, const lg_bench_result *result, const char *path,
                    lg_diag *diag);

#endif
