// A pipeline as text: `fold-bn,inline,fuse{max-ops=32,off},layout`. An option without a value is 1.
#ifndef LG_PASSES_PIPELINE_TEXT_H
#define LG_PASSES_PIPELINE_TEXT_H

#include "passes/pass.h"

typedef struct lg_stage {
    const lg_pass_info *pass;
    LG_LIST(lg_pass_option) options;
    lg_location where; // in the pipeline text
} lg_stage;

typedef struct lg_pipeline {
    LG_LIST(lg_stage) stages;
} lg_pipeline;

// Parses `text`; every name that no pass or option has is reported, with the nearest that is one.
bool lg_pipeline_parse(lg_arena *arena, const char *text, int loaded_count,
                       const lg_pass_info *const *loaded, lg_pipeline *pipeline, lg_diag *diag);

// The pass of that name, built in or loaded. Else NULL after reporting what there is; `what` says
// where the name stood ("pass", "--print-after").
const lg_pass_info *lg_pipeline_find(const char *name, int loaded_count,
                                     const lg_pass_info *const *loaded, lg_location where,
                                     const char *what, lg_diag *diag);

#endif
