// Internal to the safetensors reader and writer: the format's names of element types.
#ifndef LG_RUNTIME_SAFETENSORS_DTYPES_H
#define LG_RUNTIME_SAFETENSORS_DTYPES_H

#include "runtime/artifact.h"

static const struct {
    const char *name;
    enum lg_abi_dtype dtype;
} safetensors_dtypes[] = {
    {"F32", LG_ABI_F32}, {"BF16", LG_ABI_BF16}, {"F16", LG_ABI_F16},   {"I32", LG_ABI_I32},
    {"I64", LG_ABI_I64}, {"U8", LG_ABI_U8},     {"BOOL", LG_ABI_BOOL},
};

enum { SAFETENSORS_DTYPES = sizeof safetensors_dtypes / sizeof *safetensors_dtypes };

#endif
