// A model ready to run: an artifact, its packed weights and a workspace, and where it trains the
// parameters and states too. One run at a time; for two at once make two models of one artifact.
//
// Who only predicts needs the packed weights and nothing else. Who trains:
//
//     lg_model *model = lg_model_new(artifact, name, e);
//     lg_model_keep_params(model, e) && lg_model_load_weights(model, path, parallel, NULL, e);
//     lg_model_call(model, train_step, inputs, outputs, parallel, e); // again and again
//     lg_model_repack(model, parallel, e);                            // then
//     lg_model_call(model, infer, ...);                               // sees what was learnt
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
// The same of one: packed weights, and parameters where it reads or writes those.
bool lg_model_entry_has_weights(const lg_model *model, const lg_entry_desc *entry);

// ---- weights (runtime/weights.c)

// What a checkpoint held beside what the model reads. Callbacks may be NULL.
typedef struct lg_weights_report {
    void *context;
    // Each missing, misshapen or mistyped tensor, a line each; the lg_error then has the count and
    // as many as it can hold.
    void (*fault)(void *context, const char *text);
    // Each tensor that is not read; `dead`: the model has it, but nothing depends on it.
    void (*extra)(void *context, const char *name, bool dead);
    // Set by lg_model_load_weights. A state of training is not unknown to a model that infers.
    size_t dead, unknown;
} lg_weights_report;

// Reads a checkpoint (safetensors, state_dict names) and packs it by running the artifact's `pack`.
// Fails on tensors that are missing or have another shape or type, on NaN and infinity, and on
// checkpoints of ours that were damaged (runtime/checkpoint.h). Training's own states,
// `optimizer.*` and `random.*`, may be missing and are 0 then. Values of inputs are those of the
// checkpoint from now on, and of no other. `report` may be NULL.
bool lg_model_load_weights(lg_model *model, const char *path, const lg_parallel *parallel,
                           lg_weights_report *report, lg_error *e);
// The same from memory: one tensor a parameter of the artifact, in its order; not checked, and not
// kept.
bool lg_model_pack(lg_model *model, void *const *params, const lg_parallel *parallel, lg_error *e);
// The packed weights, lg_artifact.packed_bytes of them, or NULL before there are any.
const void *lg_model_packed(const lg_model *model);

// ---- values of inputs that go with the weights (runtime/model_inputs.c)
//
// An input may be part of what was trained: LGPN's graph is counted from the generative models that
// it was trained on. Its value goes into the checkpoint beside the weights, from there into what is
// built, and is what a caller gives who has nothing else to give.

// The value of that name, type and shape that came with the weights, built in or of a checkpoint,
// or NULL. `input` is of the model's artifact. Aligned to LG_ABI_ALIGNMENT.
const void *lg_model_input_value(const lg_model *model, const lg_tensor_desc *input);
// From now on that is a copy of `value`, and is saved with the weights. False where memory is
// short.
bool lg_model_set_input_value(lg_model *model, const lg_tensor_desc *input, const void *value,
                              lg_error *e);

// ---- parameters and states in memory (runtime/model_params.c)

// From now on the model has memory for all parameters and states, which start as 0: to be called
// before lg_model_load_weights, which then fills it. Entry points that read or write parameters use
// it. Does nothing the second time.
bool lg_model_keep_params(lg_model *model, lg_error *e);
// One pointer a tensor of lg_artifact.params, each aligned to LG_ABI_ALIGNMENT; NULL if the model
// does not keep them. Who changes them calls lg_model_repack.
void *const *lg_model_params(const lg_model *model);
// The tensor of that name, or NULL; `desc` (may be NULL) gets its description.
void *lg_model_param(const lg_model *model, const char *name, const lg_tensor_desc **desc);
// Frees them: only what reads packed weights can be run from now on.
void lg_model_drop_params(lg_model *model);
// Sets to 0 what is called `prefix`...: "optimizer." forgets moments and the count of steps.
void lg_model_clear_params(lg_model *model, const char *prefix);
// The first f32 parameter or running statistic that holds a NaN or an infinity, or NULL: what a
// step leaves whose loss is finite and whose gradient is not. One pass over them.
const char *lg_model_not_finite_param(const lg_model *model);
// Is it a state of training itself, `optimizer.*` or `random.*`, of which inference has none?
bool lg_is_training_state(const char *name);
// Packs what the parameters are now: after training steps, before entry points that read packed
// weights. Does nothing where nothing is packed.
bool lg_model_repack(lg_model *model, const lg_parallel *parallel, lg_error *e);

// ---- running

// Who runs the entry points of an artifact that has no code for this machine's processor: a GPU's
// driver, say. `run` is called as lg_entry_desc.run is, returns 0, and reports what goes wrong.
typedef struct lg_executor {
    void *context;
    int (*run)(void *context, const lg_entry_desc *entry, const lg_call *call);
} lg_executor;

// From now on `executor` (copied) runs all entry points. It then holds what `pack` wrote.
void lg_model_set_executor(lg_model *model, const lg_executor *executor);

// Does it read or write parameters, so that the model has to keep them?
bool lg_entry_uses_params(const lg_entry_desc *entry);
// NULL with a message that lists what there is.
const lg_entry_desc *lg_model_entry(const lg_model *model, const char *entry, lg_error *e);

// Runs on memory that fits the entry's descriptions. An entry that writes parameters changes those
// that the model keeps. `parallel` may be NULL.
bool lg_model_call(lg_model *model, const lg_entry_desc *entry, const void *const *inputs,
                   void *const *outputs, const lg_parallel *parallel, lg_error *e);

// Lets the next call find its workspace zeroed: for who looks at what is written there.
void lg_model_clear_workspace(lg_model *model);

// A tensor by name.
typedef struct lg_named_tensor {
    const char *name;
    lg_tensor *tensor;
} lg_named_tensor;

// Finds the inputs by name and checks type and shape: every input once, nothing else, all faults in
// one message. An input that is missing has its value of lg_model_input_value, where there is one.
// `outputs` has room for entry->output_count and gets new tensors, in the entry's order, to be
// freed by the caller with lg_tensor_free.
bool lg_model_run(lg_model *model, const char *entry, const lg_named_tensor *inputs,
                  size_t input_count, lg_tensor **outputs, const lg_parallel *parallel,
                  lg_error *e);

#endif
