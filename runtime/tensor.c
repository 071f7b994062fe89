// Every byte count in the runtime comes from lg_shape_bytes, which is where overflow is refused;
// code behind it may multiply freely.
#include "runtime/tensor.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {
    [LG_ABI_F32] = {"f32", 4},   [LG_ABI_BF16] = {"bf16", 2}, [LG_ABI_F16] = {"f16", 2},
    [LG_ABI_I32] = {"i32", 4},   [LG_ABI_I64] = {"i64", 8},   [LG_ABI_U8] = {"u8", 1},
    [LG_ABI_BOOL] = {"bool", 1},
};

size_t lg_abi_dtype_size(enum lg_abi_dtype dtype)
{
    return dtypes[dtype].size;
}

const char *lg_abi_dtype_name(enum lg_abi_dtype dtype)
{
    return dtypes[dtype].name;
}

char *lg_shape_text(int rank, const int64_t *shape, char text[static 192])
{
    int used = snprintf(text, 192, "[");
    for (int i = 0; i < rank; i++)
        used += snprintf(text + used, 192 - (size_t)used, "%s%" PRId64, i ? "," : "", shape[i]);
    snprintf(text + used, 192 - (size_t)used, "]");
    return text;
}

bool lg_shape_bytes(enum lg_abi_dtype dtype, int rank, const int64_t *shape, size_t *bytes,
                    lg_error *e)
{
    if (rank < 0 || rank > LG_ABI_MAX_RANK)
        return lg_fail(e, "rank %d is not supported; at most %d axes are", rank, LG_ABI_MAX_RANK);
    bool empty = false;
    for (int i = 0; i < rank; i++) {
        if (shape[i] < 0)
            return lg_fail(e, "axis %d has a negative extent, %" PRId64, i, shape[i]);
        empty |= shape[i] == 0;
    }
    int64_t total = (int64_t)dtypes[dtype].size;
    for (int i = 0; i < rank && !empty; i++) {
        char text[192];
        if (__builtin_mul_overflow(total, shape[i], &total))
            return lg_fail(e, "shape %s is too large for this machine's memory",
                           lg_shape_text(rank, shape, text));
    }
    *bytes = empty ? 0 : (size_t)total;
    return true;
}

lg_tensor *lg_tensor_new(enum lg_abi_dtype dtype, int rank, const int64_t *shape, lg_error *e)
{
    size_t bytes;
    if (!lg_shape_bytes(dtype, rank, shape, &bytes, e))
        return NULL;
    lg_tensor *tensor = calloc(1, sizeof *tensor);
    void *data = NULL;
    // The slack keeps aligned_alloc's size a multiple of the alignment, and never zero.
    if (tensor && bytes <= PTRDIFF_MAX - 2 * LG_ABI_ALIGNMENT)
        data = aligned_alloc(LG_ABI_ALIGNMENT, (bytes / LG_ABI_ALIGNMENT + 1) * LG_ABI_ALIGNMENT);
    if (!data) {
        free(tensor);
        char text[192];
        lg_fail(e, "no memory for a tensor %s of %zu bytes", lg_shape_text(rank, shape, text),
                bytes);
        return NULL;
    }
    memset(data, 0, bytes);
    *tensor =
        (lg_tensor){.dtype = dtype, .rank = rank, .data = data, .bytes = bytes, .owned = true};
    for (int i = 0; i < rank; i++)
        tensor->shape[i] = shape[i];
    return tensor;
}

void lg_tensor_free(lg_tensor *tensor)
{
    if (tensor && tensor->owned)
        free(tensor->data);
    free(tensor);
}

size_t lg_tensor_count(const lg_tensor *tensor)
{
    return tensor->bytes / dtypes[tensor->dtype].size;
}

int lg_tensor_desc_find(const lg_tensor_desc *descs, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(descs[i].name, name) == 0)
            return (int)i;
    return -1;
}

bool lg_tensor_desc_fits(const lg_tensor_desc *wanted, enum lg_abi_dtype dtype, int rank,
                         const int64_t *shape)
{
    if (wanted->dtype != dtype || (int)wanted->rank != rank)
        return false;
    for (int d = 0; d < rank; d++)
        if (wanted->shape[d] != shape[d])
            return false;
    return true;
}

// An exponent of all ones, tested on the bits: this also works in code built with -ffast-math.
static bool is_nonfinite(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (bits & 0x7f800000u) == 0x7f800000u;
}

size_t lg_floats_first_nonfinite(const float *values, size_t count)
{
    // Blocks of a fixed size and without a branch, so that compilers make vectors of them.
    enum { BLOCK = 64 };
    size_t i = 0;
    for (; i + BLOCK <= count; i += BLOCK) {
        uint32_t any = 0;
        for (size_t j = 0; j < BLOCK; j++)
            any |= is_nonfinite(values[i + j]);
        if (any)
            break;
    }
    while (i < count && !is_nonfinite(values[i]))
        i++;
    return i;
}
