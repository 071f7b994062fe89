// Shared by the files of the CUDA emitter.
#ifndef LG_CODEGEN_CUDA_INTERNAL_H
#define LG_CODEGEN_CUDA_INTERNAL_H

#include "codegen/cuda.h"

// Helper functions of the emitted text, a bit for each element type they are used with.
typedef enum lg_cuda_helper {
#define CUDA_HELPER(stem, types, text) LG_CUDA_HELPER_##stem,
#include "codegen/cuda_helpers.def"
#undef CUDA_HELPER
    LG_CUDA_HELPER_COUNT
} lg_cuda_helper;

typedef struct lg_cuda_emitter {
    lg_arena *scratch;
    FILE *out;
    const lg_kernel *kernel;
    const char **var_names, **buffer_names; // by id
    bool in_thread;
    int indent;
    unsigned helpers[LG_CUDA_HELPER_COUNT]; // bits 1 << lg_dtype
} lg_cuda_emitter;

// ---- what kernels ask of a device (cuda_measure.c)

// How every kernel is launched, in the order of the program; or NULL after reporting.
lg_cuda_launch *lg_cuda_measure_all(lg_arena *arena, const lg_program *program, lg_diag *diag);
int64_t lg_cuda_buffer_elements(const lg_kbuffer *buffer);
// Does the expression read memory?
bool lg_cuda_loads(const lg_kx *x);

// ---- names (cuda_names.c): identifiers of C++ that are unique where they stand

// One for every kernel of the program, in its order.
const char **lg_cuda_kernel_names(lg_arena *arena, const lg_program *program);
// Fills var_names and buffer_names for emitter->kernel.
void lg_cuda_name_locals(lg_cuda_emitter *emitter);

// ---- helper functions (cuda_helpers.c)

// Writes `lg_STEM_TYPE` and notes that its definition is needed.
void lg_cuda_use_helper(lg_cuda_emitter *emitter, lg_cuda_helper helper, lg_dtype dtype);
// The helper that is named as the scalar function `name`.
lg_cuda_helper lg_cuda_helper_named(const char *name);
void lg_cuda_emit_helpers(const lg_cuda_emitter *emitter, FILE *out);

// ---- expressions (cuda_expr.c)

// Does every value of this i64 expression or variable fit an int? Index arithmetic is done in 32
// bits where that is known: 64-bit arithmetic takes a GPU several instructions.
bool lg_cuda_fits_int(int64_t low, int64_t high);
const char *lg_cuda_var_type(const lg_kvar *var);
// The C type of an element in memory.
const char *lg_cuda_element_type(lg_dtype dtype);
void lg_cuda_expression(lg_cuda_emitter *emitter, const lg_kx *x);
// `buffer[...]`, the place in memory or the register.
void lg_cuda_element(lg_cuda_emitter *emitter, const lg_kbuffer *buffer, lg_kx *const *index);
// ---- statements (cuda_statement.c)

void lg_cuda_block(lg_cuda_emitter *emitter, const lg_kblock *block);

#endif
