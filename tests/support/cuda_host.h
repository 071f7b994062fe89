// Emitted CUDA C run on the CPU, to compare what it computes with the reference interpreter where
// there is no GPU. The text is compiled as it is with the C compiler, behind definitions of the
// few words of CUDA it uses: a thread of a block is a thread, __syncthreads a barrier, blocks run
// one after the other.
#ifndef LG_TESTS_SUPPORT_CUDA_HOST_H
#define LG_TESTS_SUPPORT_CUDA_HOST_H

#include "codegen/cuda.h"

typedef struct lg_cuda_host lg_cuda_host;

// Emits, compiles and loads the kernels of `program`; ends the test when it cannot.
lg_cuda_host *lg_cuda_host_new(const lg_program *program);
void lg_cuda_host_free(lg_cuda_host *host);
// Runs kernel number `index` of the program on one buffer a parameter.
void lg_cuda_host_launch(lg_cuda_host *host, int index, void *const *buffers);

// What lg_emit_cuda writes, to be freed; ends the test when it reports an error.
char *lg_cuda_text(const lg_program *program);

#endif
