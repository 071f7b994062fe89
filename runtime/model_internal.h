// What the files that know the inside of a model share.
#ifndef LG_RUNTIME_MODEL_INTERNAL_H
#define LG_RUNTIME_MODEL_INTERNAL_H

#include "runtime/model.h"
#include "runtime/pages.h"
#include "runtime/safetensors.h"

struct lg_model {
    const lg_artifact *artifact;
    lg_executor executor; // without a `run`: the entries' own code runs
    char *name;
    const void *packed; // built in, or packed_pages
    lg_pages packed_pages, workspace;
    lg_pages params_pages; // where lg_model_keep_params was called:
    void **params;         // one pointer a parameter of the artifact into them, else NULL
};

// lg_model_load_weights of a file that is open.
bool lg_model_take_weights(lg_model *model, const lg_safetensors *file, const char *path,
                           const lg_parallel *parallel, lg_weights_report *report, lg_error *e);

#endif
