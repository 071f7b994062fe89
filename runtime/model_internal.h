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
    // Values of inputs that came with the weights (runtime/model_inputs.c).
    lg_named_tensor *values; // names are the artifact's
    size_t value_count;
    bool values_replaced; // those built in belong to other weights
};

// The name of the input that a checkpoint's tensor is the value of, or NULL: it is something else.
const char *lg_input_of_tensor(const char *tensor);
// Forgets all values of inputs, those built in, too: other weights come.
void lg_model_forget_values(lg_model *model);

// lg_model_load_weights of a file that is open.
bool lg_model_take_weights(lg_model *model, const lg_safetensors *file, const char *path,
                           const lg_parallel *parallel, lg_weights_report *report, lg_error *e);

#endif
