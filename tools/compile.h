// From what the user wrote to a program that can be emitted: the one way through the compiler that
// all commands share.
#ifndef LG_TOOLS_COMPILE_H
#define LG_TOOLS_COMPILE_H

#include "codegen/codegen.h"
#include "passes/pass.h"
#include "passes/schedule/choice.h"
#include "tools/progress.h"
#include "tools/tune_cache.h"

#include <argp.h>

enum { LG_MOST_LOADED_PASSES = 64, LG_MOST_FUNCTIONS = 8 };

typedef struct lg_compile_options {
    const char *functions[LG_MOST_FUNCTIONS]; // wanted of the model, none: "infer"
    int function_count;
    bool no_dropout;    // in training functions
    const char *passes; // pipeline text, or NULL
    const char *level;  // "O0" .. "O3"; NULL: "O2" unless there are passes
    const char *cpu;    // "native", "x86-64-v3"; "cuda" compiles for CUDA
    const char *triple; // LLVM's name of the system, NULL: this one
    const char *print_after, *dump_dir, *disable;
    char set[256]; // options for passes of the pipeline, "depth-first{mode=2}", or ""
    bool check_each, time_passes;
    const char *loads[LG_MOST_LOADED_PASSES]; // shared objects with a pass
    int load_count;
    bool verbose;
    const char *tune_cache;    // file of measured choices, NULL: the user's own
    bool no_tune_cache;        // use none
    int64_t memory_limit;      // MiB that a function may need; 0: any
    bool to_run_here;          // refuse a target whose code this machine cannot run
    int threads;               // for which the choices were measured; 0: one a core
    const lg_choices *choices; // these and no file's, or NULL
} lg_compile_options;

// The options of compiling (tools/compile_options.c has the table) as an argp child; its input is
// an lg_compile_options, which starts as lg_compile_defaults().
extern const struct argp lg_compile_argp;
lg_compile_options lg_compile_defaults(void);

typedef struct lg_compilation {
    lg_module *module;   // NULL when the input was kernel IR
    lg_program *program; // verified; NULL when the pipeline ends before `lower`
    const lg_target *target;
    lg_target tuned; // the row of the table with the choices measured for it: `target`
    lg_choices choices;
    lg_tune_cache *cache; // has the choices' texts
    lg_cpu_target cpu;    // not of CUDA
    lg_codegen_options codegen;
    char prefix[64]; // of symbols, from the model's name
} lg_compilation;

// `spec`: a built-in model with options, a C file, an IR file (tools/load_model.h), or kernel IR in
// a file that ends in .kir, which no pass runs on. Loads, runs the pipeline, verifies. False after
// reporting; `c` is to be freed with lg_compilation_free in any case. `spec` and `options` outlive
// `c`; `c` must stay where it is.
bool lg_compile_model(lg_compilation *c, const char *spec, const lg_compile_options *options,
                      lg_progress *progress, lg_diag *diag);
// The same without passes: the module as built, with the functions that the options name. NULL for
// `options` are the defaults.
bool lg_compile_load(lg_compilation *c, const char *spec, const lg_compile_options *options,
                     lg_progress *progress, lg_diag *diag);
void lg_compilation_free(lg_compilation *c);

// Reports that the pipeline did not lower to kernels, and returns false, if it did not.
bool lg_compile_needs_program(const lg_compilation *c, const char *what, lg_diag *diag);

// All of the program in memory, linked for the target, or for this machine where that is another.
lg_jit *lg_compile_jit(const lg_compilation *c, lg_diag *diag);
// An artifact that has only the entry point `entry` and its kernels. NULL after reporting.
lg_jit *lg_compile_jit_entry(const lg_compilation *c, const char *entry, lg_diag *diag);

#endif
