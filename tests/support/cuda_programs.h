// Programs for the tests of the CUDA target, and memory to run their kernels on.
#ifndef LG_TESTS_SUPPORT_CUDA_PROGRAMS_H
#define LG_TESTS_SUPPORT_CUDA_PROGRAMS_H

#include "ir/kernel.h"

// One kernel for every scalar function on every element type it takes, and for every cast, load and
// store of a narrow type; each thread has another pair of arguments that are likely to go wrong.
lg_program *lg_cuda_scalar_program(void);
// The program in a file (tests/cuda/kernels.ir); ends the test when it does not parse or verify.
lg_program *lg_cuda_written_program(const char *path);
// One kernel from its text, likewise.
lg_program *lg_cuda_parse(const char *text);

// Memory for one run of `kernel`, one buffer a parameter: inputs filled, outputs zero.
void **lg_cuda_buffers_new(const lg_kernel *kernel);
void lg_cuda_buffers_free(const lg_kernel *kernel, void **buffers);
// Ends the test where a result differs by more than rounding.
void lg_cuda_compare(const lg_kernel *kernel, void *const *actual, void *const *expected);

// Runs every kernel of the program, in order, with `run` and in the reference interpreter, and
// compares; ends the test where they differ.
void lg_cuda_check_kernels(const lg_program *program,
                           void (*run)(void *context, const lg_kernel *kernel, void **buffers),
                           void *context);

#endif
