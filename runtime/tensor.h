// Dense tensors in memory: a type, a shape, and elements in C order (last axis fastest).
#ifndef LG_RUNTIME_TENSOR_H
#define LG_RUNTIME_TENSOR_H

#include "runtime/artifact.h"
#include "runtime/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct lg_tensor {
    enum lg_abi_dtype dtype;
    int rank; // 0 is a scalar: one element
    int64_t shape[LG_ABI_MAX_RANK];
    void *data; // aligned to LG_ABI_ALIGNMENT when owned; never NULL
    size_t bytes;
    bool owned; // data is freed with the tensor
} lg_tensor;

// A zeroed tensor; NULL with a message when the shape is negative, too large, or memory is short.
// Free with lg_tensor_free.
lg_tensor *lg_tensor_new(enum lg_abi_dtype dtype, int rank, const int64_t *shape, lg_error *e);

// NULL is allowed.
void lg_tensor_free(lg_tensor *tensor);

// Product of the shape; the shape has been checked (lg_tensor_new, lg_shape_bytes).
size_t lg_tensor_count(const lg_tensor *tensor);

// Bytes of a tensor of this type and shape. Fails on a rank above LG_ABI_MAX_RANK, a negative
// extent, and a size above PTRDIFF_MAX.
bool lg_shape_bytes(enum lg_abi_dtype dtype, int rank, const int64_t *shape, size_t *bytes,
                    lg_error *e);

// "[1,256,256,3]" into `text`; returns `text`. 192 bytes hold any shape.
char *lg_shape_text(int rank, const int64_t *shape, char text[static 192]);

size_t lg_abi_dtype_size(enum lg_abi_dtype dtype);      // bytes of one element
const char *lg_abi_dtype_name(enum lg_abi_dtype dtype); // "f32", "bf16", ...

// Index of the first NaN or infinity, or `count` when all values are finite.
size_t lg_floats_first_nonfinite(const float *values, size_t count);

// ---- descriptions of an artifact

// The place of the one called `name`, or -1.
int lg_tensor_desc_find(const lg_tensor_desc *descs, uint32_t count, const char *name);

// Has a tensor of this type and shape what is described?
bool lg_tensor_desc_fits(const lg_tensor_desc *wanted, enum lg_abi_dtype dtype, int rank,
                         const int64_t *shape);

#endif
