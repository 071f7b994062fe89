// What schedules know of a machine: one row a target. A schedule asks for sizes and chooses tiles
// from them; it never asks for a name.
#ifndef LG_PASSES_TARGET_H
#define LG_PASSES_TARGET_H

#include <stdbool.h>
#include <stdint.h>

typedef enum lg_target_kind { LG_TARGET_CPU, LG_TARGET_CUDA } lg_target_kind;

typedef struct lg_target {
    const char *name; // "x86-64-v3"
    lg_target_kind kind;
    const char *triple;  // LLVM triple, NULL for CUDA
    const char *cpu;     // LLVM CPU name or compute capability
    int lanes;           // of an f32 vector
    int registers;       // vector registers
    bool matrix_unit;    // multiplies blocks of bf16 in registers of their own
    int64_t l1, l2;      // bytes a core
    int64_t tile_memory; // bytes that one iteration may keep in TILE or SHARED buffers
    const char *summary;
    // What was measured on the machine at hand, for a copy of a row; NULL: what the schedules' own
    // models say. It outlives what is compiled with it.
    const struct lg_choices *choices;
    int cores; // that share a kernel's jobs, as far as cost models ask: 4, of this machine its own
} lg_target;

// The row named `name`, or NULL. "native" is not a row: codegen resolves it to one.
const lg_target *lg_target_find(const char *name);
// The rows in order; NULL behind the last.
const lg_target *lg_target_at(int index);

#endif
