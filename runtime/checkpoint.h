// Checkpoints: all parameters and states of a model, and how far training had come, in one
// safetensors file that appears whole or not at all.
//
// Names, shapes and order are those of PyTorch's state_dict (training's own states come behind), so
// that PyTorch loads it. Last come values of inputs that belong to the weights
// (lg_model_input_value): "lgpnc.input.graph" is what the input `graph` was in training; no module
// of PyTorch is called so. The metadata has
//
//     "lgpnc_checkpoint"  "1": the version of this form
//     "model"             what was trained: "lgpn:image=64,width=16"
//     "progress"          JSON text of whoever trains, read back as it was written
//     "xxh64"             checksum of all tensors, their names and the metadata
//
// A file with a checksum is refused where it is wrong; one without it (of PyTorch, of `lgpnc init`)
// has weights only and is read as such.
#ifndef LG_RUNTIME_CHECKPOINT_H
#define LG_RUNTIME_CHECKPOINT_H

#include "runtime/model.h"
#include "runtime/safetensors.h"

#define LG_INPUT_PREFIX "lgpnc.input." // of tensors that are values of inputs

// Writes what the model keeps (lg_model_keep_params) to `path`: to a temporary beside it that is
// flushed to the disk and renamed, the folder flushed too. On failure (the disk is full, say) what
// was at `path` is as it was, and the message says so. `progress` may be NULL.
bool lg_checkpoint_save(const lg_model *model, const char *path, const char *progress, lg_error *e);

// lg_model_load_weights, which see, and the progress: in `*progress` (may be NULL), to be freed by
// the caller; NULL where the file has none. On failure the model may be half loaded, unless the
// file itself was refused.
bool lg_checkpoint_load(lg_model *model, const char *path, char **progress,
                        const lg_parallel *parallel, lg_weights_report *report, lg_error *e);

// Whether the checksum, where the file has one, is that of its contents.
bool lg_checkpoint_verify(const lg_safetensors *file, const char *path, lg_error *e);

#endif
