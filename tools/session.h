// A model that can be run: compiled in memory from what the user wrote, for this processor or for
// the GPU, or opened as a shared library that `build` made; with its weights and its threads.
#ifndef LG_TOOLS_SESSION_H
#define LG_TOOLS_SESSION_H

#include "codegen/cuda_device.h"
#include "runtime/loader.h"
#include "runtime/model.h"
#include "runtime/threads.h"
#include "tools/compile.h"

typedef struct lg_session {
    lg_compilation compilation; // of a model
    lg_jit *jit;
    lg_cuda_device *device; // instead of `jit`, of a model for CUDA
    lg_library library;     // of an artifact
    lg_model *model;
    const lg_entry_desc *entry; // the function wanted
    lg_threads threads;
} lg_session;

// `spec` is a model (tools/compile.h) or a file that ends in .so, opened for running the first of
// `options->functions`. Needs weights where that does: those of the checkpoint `weights`, else
// those built in; the model keeps its parameters where the function uses them. False after
// reporting; close the session in any case. `session` must stay where it is.
bool lg_session_open(lg_session *session, const char *spec, const char *weights, int threads,
                     const lg_compile_options *options, lg_progress *progress, lg_diag *diag);
// The same with random weights of `seed` where no checkpoint is named and none are built in.
bool lg_session_open_random(lg_session *session, const char *spec, const char *weights,
                            uint64_t seed, int threads, const lg_compile_options *options,
                            lg_progress *progress, lg_diag *diag);
void lg_session_close(lg_session *session);

// A training begins: forgets the optimizer's moments and what was drawn, and takes `seed` for what
// is drawn from now on. The parameters stay; a model that keeps none is left as it is. False after
// reporting.
bool lg_session_begin_training(lg_session *session, int64_t seed, lg_diag *diag);

// Loads a checkpoint into `model`: reports every tensor that does not fit, and counts those that
// nothing reads in a note.
bool lg_load_weights(lg_model *model, const char *path, const lg_parallel *parallel, lg_diag *diag);

// A tensor of `desc` with random values: normal ones of deviation 1; integers, which may be
// indices, are 0. NULL after reporting; free with lg_tensor_free.
lg_tensor *lg_random_tensor(const lg_tensor_desc *desc, uint64_t seed, lg_diag *diag);

#endif
