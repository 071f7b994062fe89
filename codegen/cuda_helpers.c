// The helper functions of the emitted text, from their table. A text is written once for all
// element types; the type's own words are put in as it is printed.
#include "codegen/cuda_internal.h"

#include <assert.h>
#include <string.h>

enum {
    FLOATS = 1 << LG_F32,
    INTEGERS = 1 << LG_I32 | 1 << LG_I64,
    NUMBERS = FLOATS | INTEGERS,
};

typedef struct helper_row {
    const char *stem;
    unsigned types;
    const char *text;
} helper_row;

static const helper_row helpers[LG_CUDA_HELPER_COUNT] = {
#define CUDA_HELPER(stem, types, text) {#stem, types, text},
#include "codegen/cuda_helpers.def"
#undef CUDA_HELPER
};

void lg_cuda_use_helper(lg_cuda_emitter *emitter, lg_cuda_helper helper, lg_dtype dtype)
{
    assert(helpers[helper].types >> dtype & 1);
    emitter->helpers[helper] |= 1u << dtype;
    fprintf(emitter->out, "lg_%s_%s", helpers[helper].stem, lg_dtype_name(dtype));
}

lg_cuda_helper lg_cuda_helper_named(const char *name)
{
    int found = 0;
    while (found < LG_CUDA_HELPER_COUNT && strcmp(helpers[found].stem, name) != 0)
        found++;
    assert(found < LG_CUDA_HELPER_COUNT);
    return (lg_cuda_helper)found;
}

// What `letter` stands for in a helper for `dtype`.
static const char *word(char letter, lg_dtype dtype)
{
    bool wide = dtype == LG_I64;
    switch (letter) {
    case 'T':
        return dtype == LG_F32 ? "float" : wide ? "long long" : "int";
    case 'U':
        return wide ? "unsigned long long" : "unsigned";
    case 'B':
        return wide ? "64" : "32";
    case 'N':
        return lg_dtype_name(dtype);
    default:
        assert(!"a letter of codegen/cuda_helpers.def");
        return "";
    }
}

static void print_helper(const char *text, lg_dtype dtype, FILE *out)
{
    fputs("static __device__ __forceinline__ ", out);
    for (const char *at = text; *at; at++) {
        if (*at == '$')
            fputs(word(*++at, dtype), out);
        else
            fputc(*at, out);
    }
    fputc('\n', out);
}

void lg_cuda_emit_helpers(const lg_cuda_emitter *emitter, FILE *out)
{
    for (int i = 0; i < LG_CUDA_HELPER_COUNT; i++)
        for (int dtype = 0; dtype < LG_DTYPE_COUNT; dtype++)
            if (emitter->helpers[i] >> dtype & 1)
                print_helper(helpers[i].text, (lg_dtype)dtype, out);
}
