// A program as machine code of a GPU, in parts that NVRTC compiles side by side: it takes a tenth
// of a second and more a kernel, and a training step has hundreds.
#ifndef LG_CODEGEN_CUDA_COMPILE_H
#define LG_CODEGEN_CUDA_COMPILE_H

#include "codegen/cuda.h"

typedef struct lg_cuda_parts {
    int count, kernels; // of each part; the last may have fewer
    void **cubins;
} lg_cuda_parts;

// Compiles `program` (verified) for `arch` ("sm_90"). False after reporting; free `parts` with
// lg_cuda_parts_free in any case.
bool lg_cuda_compile(const lg_program *program, const char *arch, lg_cuda_parts *parts,
                     lg_diag *diag);
void lg_cuda_parts_free(lg_cuda_parts *parts);

#endif
