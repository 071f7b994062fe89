// The safetensors format: an 8-byte little-endian header length, a JSON header that names
// tensors with type, shape and byte range, and the data. https://github.com/huggingface/safetensors
#ifndef LG_RUNTIME_SAFETENSORS_H
#define LG_RUNTIME_SAFETENSORS_H

#include "runtime/tensor.h"

// A tensor in a file that is open, or one to be written.
typedef struct lg_safetensor {
    const char *name;
    enum lg_abi_dtype dtype;
    int rank;
    int64_t shape[LG_ABI_MAX_RANK];
    const void *data; // aligned to the element's size; NULL allowed in lg_safetensors_create
    size_t bytes;     // on writing: computed, ignored
} lg_safetensor;

// ---- reading ----

typedef struct lg_safetensors lg_safetensors;

// Maps the file and checks its header in full; what is returned can be used without more checks.
// When every name starts with "module." (PyTorch's DataParallel) the prefix is taken off.
// NULL with a message that lists the faults; close with lg_safetensors_close.
lg_safetensors *lg_safetensors_open(const char *path, lg_error *e);

// Unmaps: data and names become invalid. NULL is allowed.
void lg_safetensors_close(lg_safetensors *file);

size_t lg_safetensors_count(const lg_safetensors *file);

// In the order of the header; i < count.
const lg_safetensor *lg_safetensors_at(const lg_safetensors *file, size_t i);

// NULL when there is none of that name. Logarithmic in the number of tensors.
const lg_safetensor *lg_safetensors_find(const lg_safetensors *file, const char *name);

// A value of "__metadata__", or NULL.
const char *lg_safetensors_metadata(const lg_safetensors *file, const char *key);

// Fails when an f32, bf16 or f16 tensor holds a NaN or an infinity, naming all such tensors.
bool lg_safetensors_check_finite(const lg_safetensors *file, lg_error *e);

// ---- writing ----

typedef struct lg_metadata {
    const char *key, *value;
} lg_metadata;

// Writes all tensors from their `data`, atomically, in one go.
bool lg_safetensors_write(const char *path, const lg_safetensor *tensors, size_t count,
                          const lg_metadata *metadata, size_t metadata_count, lg_error *e);

// Writes tensor by tensor, so that only one need be in memory. The data is stored by decreasing
// element size, which keeps all of it aligned, so the writer tells which is due:
//
//     lg_safetensors_writer *w = lg_safetensors_create(path, tensors, count, NULL, 0, e);
//     ptrdiff_t i;
//     while (w && (i = lg_safetensors_next(w)) >= 0)
//         if (!lg_safetensors_append(w, data_of(i), e))
//             return lg_safetensors_discard(w);
//     return w && lg_safetensors_commit(w, e);
//
// `tensors` must outlive the writer.
typedef struct lg_safetensors_writer lg_safetensors_writer;

lg_safetensors_writer *lg_safetensors_create(const char *path, const lg_safetensor *tensors,
                                             size_t count, const lg_metadata *metadata,
                                             size_t metadata_count, lg_error *e);
ptrdiff_t lg_safetensors_next(const lg_safetensors_writer *writer); // -1 when all are written
bool lg_safetensors_append(lg_safetensors_writer *writer, const void *data, lg_error *e);

// Renames into place and frees the writer, also on failure. All tensors must be written.
bool lg_safetensors_commit(lg_safetensors_writer *writer, lg_error *e);

// Drops the file and frees the writer. NULL is allowed. Returns false.
bool lg_safetensors_discard(lg_safetensors_writer *writer);

#endif
