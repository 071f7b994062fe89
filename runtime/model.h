// A model ready to run: an artifact, its packed weights and a workspace. One run at a time; for two
// at once make two models of one artifact.
#ifndef LG_RUNTIME_MODEL_H
#define LG_RUNTIME_MODEL_H

#include "runtime/artifact.h"
#include "runtime/error.h"
#include "runtime/tensor.h"

typedef struct lg_model lg_model;

// `artifact` has passed lg_artifact_check and outlives the model; `name` stands for it in messages
// and is copied. Built-in weights are used where there are any; otherwise lg_model_load_weights
// comes before the first run. NULL with a message; free with lg_model_free.
lg_model *lg_model_new(const lg_artifact *artifact, const char *name, lg_error *e);
void lg_model_free(lg_model *model); // NULL is allowed
const lg_artifact *lg_model_artifact(const lg_model *model);
const char *lg_model_name(const lg_model *model);

// Do entry points other than `pack` have their weights?
bool lg_model_has_weights(const lg_model *model);

// ---- weights (runtime/weights.c)

// What a checkpoint held beside what the model reads. Callbacks may be NULL.
typedef struct lg_weights_report {
    void *context;
    // Each missing, misshapen or mistyped tensor, a line each; the lg_error then has the count and
    // as many as it can hold.
    void (*fault)(void *context, const char *text);
    // Each tensor that is not read; `dead`: the model has it, but nothing depends on it.
    void (*extra)(void *context, const char *name, bool dead);
    size_t dead, unknown; // set by lg_model_load_weights
} lg_weights_report;

// Reads a checkpoint (safetensors, state_dict names) and packs it by running the artifact's `pack`.
// Fails on tensors that are missing or have another shape or type, and on NaN and infinity.
// `report` may be NULL.
bool lg_model_load_weights(lg_model *model, const char *path, const lg_parallel *parallel,
                           lg_weights_report *report, lg_error *e);
// The same from memory: one tensor a parameter of the artifact, in its order; not checked.
bool lg_model_pack(lg_model *model, void *const *params, const lg_parallel *parallel, lg_error *e);
// The packed weights, lg_artifact.packed_bytes of them, or NULL before there are any.
const void *lg_model_packed(const lg_model *model);

// ---- running

// NULL with a message that lists what there is.
const lg_entry_desc *lg_model_entry(const lg_model *model, const char *entry, lg_error *e);

// Runs on memory that fits the entry's descriptions. `parallel` may be NULL.
bool lg_model_call(lg_model *model, const lg_entry_desc *entry, const void *const *inputs,
                   void *const *outputs, const lg_parallel *parallel, lg_error *e);

// A tensor by name.
typedef struct lg_named_tensor {
    const char *name;
    lg_tensor *tensor;
} lg_named_tensor;

// Finds the inputs by name and checks type and shape: every input once, nothing else, all faults in
// one message. `outputs` has room for entry->output_count and gets new tensors, in the entry's
// order, to be freed by the caller with lg_tensor_free.
bool lg_model_run(lg_model *model, const char *entry, const lg_named_tensor *inputs,
                  size_t input_count, lg_tensor **outputs, const lg_parallel *parallel,
                  lg_error *e);

#endif
