// Kernels compiled in memory, for tests that call them on buffers of their own.
#ifndef LG_TESTS_SUPPORT_COMPILED_H
#define LG_TESTS_SUPPORT_COMPILED_H

#include "codegen/codegen.h"

typedef struct lg_compiled lg_compiled;

// Whether this machine runs code for a row of the target table; "cuda": whether a GPU and NVRTC are
// here. To be asked for that one before this process uses either.
bool lg_cpu_runs(const char *name);

// An entry point that launches `kernel`: buffers that are only read are its inputs, the others its
// outputs, in order.
lg_entry *lg_wrap_kernel(lg_program *program, lg_kernel *kernel);

// The inputs and outputs of that entry point, among the buffers of the kernel.
typedef struct lg_ports {
    void *inputs[32], *outputs[32];
} lg_ports;
lg_ports lg_ports_of(const lg_kernel *kernel, void *const *buffers);

// Wraps and compiles every kernel of `program` for the row `cpu`; ends the test when it cannot.
lg_compiled *lg_compiled_new(lg_program *program, const char *cpu);
void lg_compiled_free(lg_compiled *compiled);

// Runs a kernel; one buffer a parameter, as for lg_kernel_interpret.
void lg_compiled_run(const lg_compiled *compiled, const lg_kernel *kernel, void *const *buffers);

// What `lg_parse_program` makes of the text; ends the test when there is an error.
lg_program *lg_program_of_text(const char *text);

#endif
