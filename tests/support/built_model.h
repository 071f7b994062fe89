// A model that a test writes in the DSL, and its functions on numbers, by the reference
// interpreter.
#ifndef LG_TESTS_SUPPORT_BUILT_MODEL_H
#define LG_TESTS_SUPPORT_BUILT_MODEL_H

#include "frontend/lgpnc.h"
#include "tests/support/reference.h"

// The module of a builder, or NULL; `messages`, to be freed, gets what was reported. `training` may
// be NULL.
lg_module *lg_module_of_builder(void (*build)(lg_name_scope *s), unsigned functions,
                                const lg_training *training, char **messages);

// A module and its symbols at their initial values.
typedef struct lg_built_model {
    lg_module *module;
    lg_reference reference;
} lg_built_model;

// Ends the test when the builder reports something.
lg_built_model lg_built_model_new(void (*build)(lg_name_scope *s), unsigned functions,
                                  const lg_training *training);
void lg_built_model_free(lg_built_model *model);

// Runs a function on the elements of all its arguments, one behind the other.
void lg_built_model_run(lg_built_model *model, const char *function, const double *elements);

// One element of a result of the last run, and of a symbol.
double lg_built_model_result(const lg_built_model *model, const char *name, int64_t element);
double lg_built_model_symbol(const lg_built_model *model, const char *name, int64_t element);

// Ends the test when a number is off by more than 1e-6 (of itself, where it is larger than 1).
void lg_expect_number(const char *what, double got, double wanted);

#endif
