// The reference interpreter on a whole module: weights and inputs from safetensors files, results
// compared with those in a file.
#ifndef LG_TESTS_SUPPORT_REFERENCE_H
#define LG_TESTS_SUPPORT_REFERENCE_H

#include "ir/interp.h"
#include "runtime/safetensors.h"

typedef struct lg_reference {
    lg_arena *arena;
    const lg_function *function; // @infer, or another of the module that a test sets
    lg_environment environment;
    lg_array **results;
} lg_reference;

// Every function here ends the test, with a message, when it cannot do its work.
lg_reference lg_reference_new(const lg_module *module);
void lg_reference_free(lg_reference *reference);

// Replaces the gradients of all functions of a module by what computes them; without that the
// interpreter takes central differences.
void lg_reference_differentiate(lg_module *module);

// Lets it run another function of the module, on the same symbols.
void lg_reference_choose(lg_reference *reference, const char *function);

// Gives every symbol that is not dead its tensor of the file, and checks all shapes. Training's own
// states (optimizer.*, random.*) are zeros where the file has none.
void lg_reference_load(lg_reference *reference, const lg_safetensors *weights);
// Gives every symbol its initial value (tools/init_weights.h).
void lg_reference_init(lg_reference *reference, uint64_t seed);

// Runs on one array an argument.
void lg_reference_call(lg_reference *reference, lg_array *const *arguments);
// The same on the arguments' tensors in `inputs`.
void lg_reference_run(lg_reference *reference, const lg_safetensors *inputs);
// The same on the elements of all arguments, one behind the other.
void lg_reference_run_on(lg_reference *reference, const double *elements);
// The same on made up ones (tests/support/made_inputs.h).
void lg_reference_run_made(lg_reference *reference);

// Sets one element of a symbol, and reads it.
void lg_reference_set(lg_reference *reference, const char *symbol, int64_t element, double value);
double lg_reference_get(const lg_reference *reference, const char *symbol, int64_t element);

lg_array *lg_reference_result(const lg_reference *reference, const char *name);
// What tests/support/training_golden.h compares; `reference` is one.
double lg_reference_result_value(void *reference, const char *name, int64_t element);
int64_t lg_reference_result_elements(void *reference, const char *name);
double lg_reference_symbol_value(void *reference, const char *symbol, int64_t element);
// The largest difference between the result and the tensor of its name in `expected`; `scale` gets
// the largest magnitude in the tensor.
double lg_reference_difference(const lg_reference *reference, const lg_safetensors *expected,
                               const char *name, double *scale);

#endif
