// What a run of a pipeline shows on demand: the IR after a pass, numbered files of it, and the
// table of passes with time and changes.
#ifndef LG_PASSES_REPORT_H
#define LG_PASSES_REPORT_H

#include "passes/pass.h"

// Is `name` in the comma-separated `list` (which may be NULL)?
bool lg_list_has(const char *list, const char *name);

// Prints the unit behind a heading, to the stream or as `NN-name.ir` (.kir for a program) in the
// dump folder, which is made if it is missing. False after reporting a file that can't be written.
bool lg_report_unit(const lg_unit *unit, int number, const char *name, int changes,
                    const lg_pipeline_options *options, lg_diag *diag);

typedef struct lg_pass_timing {
    const char *name;
    double seconds;
    int changes, ops_before, ops_after;
} lg_pass_timing;

int lg_unit_ops(const lg_unit *unit); // ops in all functions
void lg_report_timing(const lg_pass_timing *rows, int count, FILE *out);

#endif
