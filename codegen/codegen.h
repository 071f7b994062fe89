// Machine code from kernel IR: what the rest of the compiler may ask of codegen/.
//
// A program is spelled as LLVM IR, one function a kernel and one an entry point, beside the
// constant table `lg_artifact` of runtime/artifact.h. The same code is linked in memory (lg_jit)
// or written out (lg_emit_*, lg_link_*). Emission decides nothing: loops, tiles and unrolling are
// as the kernel IR has them. Kernels are compiled one an LLVM module on several threads; the result
// does not depend on how many.
#ifndef LG_CODEGEN_CODEGEN_H
#define LG_CODEGEN_CODEGEN_H

#include "ir/kernel.h"
#include "runtime/artifact.h"

#include <stdbool.h>
#include <stdio.h>

// ---- targets (codegen/cpu_target.c)

// A CPU as LLVM and the table of passes/target.h name it.
typedef struct lg_cpu_target {
    const char *name;     // the row of the target table: "x86-64-v3", "aarch64"
    char triple[96];      // "x86_64-pc-linux-gnu"
    const char *cpu;      // LLVM's name of it
    const char *tune;     // LLVM's name of the one to schedule for, or ""
    const char *features; // beyond those of `cpu`: "+f16c", or ""
} lg_cpu_target;

// Resolves --cpu and --triple; NULL or "" for `triple` is this machine's system. "native" is the
// best row this machine can run. False with a message when there is no such CPU, the triple is of
// another architecture, or this machine has no vector unit that is supported.
bool lg_cpu_target_resolve(lg_cpu_target *target, const char *cpu, const char *triple,
                           lg_diag *diag);
// True if the target is of another architecture than this machine, so that it cannot run here.
bool lg_cpu_target_is_foreign(const lg_cpu_target *target);
// True if this machine has every instruction of the target.
bool lg_cpu_target_runs_here(const lg_cpu_target *target);
// True if the target has the feature beyond those of its CPU: "+amx-bf16".
bool lg_cpu_target_has(const lg_cpu_target *target, const char *feature);
// The architecture of the triple: "x86_64", "aarch64".
const char *lg_cpu_target_architecture(const lg_cpu_target *target);

// ---- compiling

typedef struct lg_codegen_options {
    const char *prefix;   // of every symbol, a C identifier: "lgpn"
    const char *model;    // becomes lg_artifact.model
    const char *compiler; // becomes lg_artifact.compiler: "lgpnc 0.1.0"
    const lg_cpu_target *target;
    int threads; // that compile; 0: one a core
    const void
        *packed; // packed weights to build in (program->packed bytes), or NULL. Not by lg_jit
    const lg_tensor_desc *values; // of inputs, to build in: lg_tensor_desc.value. Not by lg_jit
    int value_count;
    const char *cc; // command that links for the target, or NULL: lg_emit_shared looks for one
} lg_codegen_options;

// True if `text` can be the prefix of symbols: a C identifier that no reserved word collides with.
bool lg_prefix_is_valid(const char *text);

// Everything below expects a program that passed lg_verify_program.

// ---- in memory (codegen/jit.c)

typedef struct lg_jit lg_jit;

// Compiles and links into this process; NULL with a message. Free with lg_jit_free.
lg_jit *lg_jit_new(const lg_program *program, const lg_codegen_options *options, lg_diag *diag);
void lg_jit_free(lg_jit *jit);
// Valid until lg_jit_free.
const lg_artifact *lg_jit_artifact(const lg_jit *jit);

// ---- text (codegen/whole.c): one module with all of the program

typedef enum lg_text_kind { LG_TEXT_LLVM, LG_TEXT_ASM } lg_text_kind;

bool lg_emit_text(const lg_program *program, const lg_codegen_options *options, lg_text_kind kind,
                  FILE *out, lg_diag *diag);

// ---- files (codegen/link.c). They appear whole or not at all; temporary files lie in a folder
// beside the output and are gone afterwards, also on failure.

// A relocatable object that exports PREFIX_artifact and needs libm only, and its header, which has
// a function PREFIX_ENTRY for each entry point. `header` may be NULL. Runs no other program,
// whatever the target is.
bool lg_emit_object(const lg_program *program, const lg_codegen_options *options, const char *path,
                    const char *header, lg_diag *diag);
// A shared library that exports lgpnc_artifact(). It is linked by `options->cc`, else for this
// machine by $CC or cc, and for another one by the compiler named after its triple.
bool lg_emit_shared(const lg_program *program, const lg_codegen_options *options, const char *path,
                    lg_diag *diag);
// An executable that takes image files, linked likewise; `runtime_folder` holds
// liblgpnc_standalone.a and liblgpnc_runtime.a, those of another architecture in a folder of its
// name.
bool lg_emit_executable(const lg_program *program, const lg_codegen_options *options,
                        const char *path, const char *runtime_folder, lg_diag *diag);

// The header of lg_emit_object (codegen/header.c).
void lg_emit_header(const lg_program *program, const lg_codegen_options *options, FILE *out);

#endif
