// Parts of --check-each: what a module computes on random numbers, and where two modules part ways.
#ifndef LG_PASSES_CHECK_INTERNAL_H
#define LG_PASSES_CHECK_INTERNAL_H

#include "ir/interp.h"
#include "passes/pass.h"

// What one func did: a result, or a symbol that it wrote.
typedef struct lg_outcome {
    const char *function, *name;
    int result; // -1: `name` is a symbol
    lg_array *array;
} lg_outcome;

// A copy of a module and what its funcs did.
typedef struct lg_evaluation {
    lg_arena *arena;
    lg_module *module;
    bool is_run;
    lg_environment symbols; // before the funcs ran; packed ones are filled
    LG_LIST(lg_outcome) outcomes;
} lg_evaluation;

// NULL after reporting that it is too much for the interpreter. Nothing has run yet.
lg_evaluation *lg_evaluation_new(const lg_module *module, lg_diag *diag);
// Runs the funcs, once; false after reporting why the interpreter can't.
bool lg_evaluation_run(lg_evaluation *evaluation, lg_diag *diag);
void lg_evaluation_free(lg_evaluation *evaluation); // NULL is fine

const lg_outcome *lg_evaluation_find(const lg_evaluation *evaluation, const char *function,
                                     const char *name, int result); // or NULL

// The random content of the `index`th argument of a func, and of a symbol: by name, so that they
// are the same before and after a pass. Variances are positive.
lg_array *lg_check_argument(lg_arena *arena, const char *function, int index, const lg_type *type);
lg_array *lg_check_symbol(lg_arena *arena, const char *name, const lg_type *type);

// The largest difference of two arrays of one shape; `relative` to the largest number of `a`.
// Infinite where shapes or a NaN differ.
double lg_array_difference(const lg_array *a, const lg_array *b, double *relative);

// Notes the first op of the func on either side whose value is not found on the other and on which
// the result hangs that differs.
void lg_check_shrink(const lg_evaluation *before, const lg_evaluation *after,
                     const lg_outcome *outcome, lg_diag *diag);

// Runs the entries of a planned program with the kernel interpreter and compares with `graph`.
// False after reporting a difference or a fault of a kernel.
bool lg_check_program(const lg_evaluation *graph, const lg_program *program, const char *pass,
                      lg_diag *diag);

// Reports a result or a symbol that is off.
bool lg_check_fault(const char *pass, const lg_outcome *outcome, double absolute, double relative,
                    lg_diag *diag);

#endif
