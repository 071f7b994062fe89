// How much of LLVM's time each kernel is worth, and in which order they are best compiled.
#ifndef LG_CODEGEN_EFFORT_H
#define LG_CODEGEN_EFFORT_H

#include "ir/kernel.h"

typedef struct lg_effort {
    bool light;   // what it computes hardly matters: code generation without optimisation will do
    int64_t size; // statements that the emitter writes, what the time in LLVM goes with
} lg_effort;

// One for each kernel of a verified program, in its order, in `arena`, and room for one
// more. Depends on the program
// alone. Kernels of unknown cost (no FLOPs and no bytes) are never light.
lg_effort *lg_efforts(lg_arena *arena, const lg_program *program);

#endif
