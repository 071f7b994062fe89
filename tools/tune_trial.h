// One way of compiling a model, ready to be timed kernel by kernel.
#ifndef LG_TOOLS_TUNE_TRIAL_H
#define LG_TOOLS_TUNE_TRIAL_H

#include "passes/schedule/choice.h"
#include "tools/session.h"

typedef struct lg_trial {
    lg_session session;
    lg_choices choices;         // what the schedules were told
    const lg_entry_desc *entry; // that is run
    const lg_entry *launches;   // the same in the compilation: kernels with their choices
    lg_tensor **tensors;        // inputs with random numbers, then outputs
    void **data;
    double *seconds; // of each launch, in the run before
} lg_trial;

// Compiles `spec` with `choices` and packs random weights, or those of `weights`. False after
// reporting; close the trial in any case. `trial` must stay where it is.
bool lg_trial_open(lg_trial *trial, const char *spec, const char *weights, int threads,
                   const lg_compile_options *options, const lg_choices *choices, lg_diag *diag);
// Runs once and takes the time of every launch.
bool lg_trial_run(lg_trial *trial, lg_diag *diag);
void lg_trial_close(lg_trial *trial);

// Of launch `i`: its kernel's key and choice, or NULL where there was nothing to choose.
const char *lg_trial_key(const lg_trial *trial, int i);
const char *lg_trial_choice(const lg_trial *trial, int i);

#endif
