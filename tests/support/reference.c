#include "tests/support/reference.h"

#include "passes/pass.h"
#include "tests/support/made_inputs.h"
#include "tools/init_weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

lg_reference lg_reference_new(const lg_module *module)
{
    lg_reference reference = {.arena = lg_arena_new(), .function = module->first};
    lg_function *infer = lg_module_function(module, "infer");
    if (infer)
        reference.function = infer;
    return reference;
}

void lg_reference_differentiate(lg_module *module)
{
    lg_diag *diag = lg_diag_new();
    lg_unit unit = {.module = module};
    lg_pipeline_options options = {.target = lg_target_find("x86-64-v3"), .verify = true};
    bool ok = lg_pipeline_run(&unit, "inline,autodiff,dce", &options, diag);
    lg_diag_print(diag, stderr);
    lg_diag_free(diag);
    ck_assert(ok);
}

void lg_reference_choose(lg_reference *reference, const char *function)
{
    reference->function = lg_module_function(reference->function->module, function);
    ck_assert_msg(reference->function != NULL, "there is no function %s", function);
}

void lg_reference_free(lg_reference *reference)
{
    lg_arena_free(reference->arena);
}

// The tensor `name` of a file, as an array of this type.
static lg_array *load(lg_arena *arena, const lg_safetensors *file, const char *name,
                      const lg_type *type)
{
    const lg_safetensor *tensor = lg_safetensors_find(file, name);
    ck_assert_msg(tensor != NULL, "the file has no tensor %s", name);
    ck_assert_msg(tensor->rank == type->rank && (int)tensor->dtype == (int)type->dtype,
                  "%s has another type in the file", name);
    for (int i = 0; i < type->rank; i++)
        ck_assert_msg(tensor->shape[i] == type->dims[i],
                      "%s: axis %d is %lld in the file, not %lld", name, i,
                      (long long)tensor->shape[i], (long long)type->dims[i]);
    lg_array *array = lg_array_new(arena, type);
    lg_array_load(array, type, tensor->data);
    return array;
}

static bool starts_as_zeros(const char *name)
{
    return strncmp(name, "optimizer.", 10) == 0 || strncmp(name, "random.", 7) == 0;
}

void lg_reference_load(lg_reference *reference, const lg_safetensors *weights)
{
    LG_FOR_SYMBOLS (symbol, reference->function->module) {
        const lg_type *type = &symbol->value->type;
        if (symbol->dead)
            continue;
        bool absent = starts_as_zeros(symbol->name) && !lg_safetensors_find(weights, symbol->name);
        lg_array *array = absent ? lg_array_new(reference->arena, type)
                                 : load(reference->arena, weights, symbol->name, type);
        lg_environment_set(reference->arena, &reference->environment, symbol, array);
    }
}

static lg_number number_of(const lg_type *type, double value)
{
    return lg_dtype_is_float(type->dtype) ? (lg_number){.f = value}
                                          : (lg_number){.i = (int64_t)value};
}

static lg_array *array_of(const lg_reference *reference, const char *name, int64_t element)
{
    const lg_symbol *symbol = lg_module_symbol(reference->function->module, name);
    ck_assert_msg(symbol != NULL, "there is no symbol %s", name);
    lg_array *array = lg_environment_get(&reference->environment, symbol);
    ck_assert_msg(array && element < lg_type_elements(&array->type), "%s", name);
    return array;
}

void lg_reference_set(lg_reference *reference, const char *symbol, int64_t element, double value)
{
    lg_array *array = array_of(reference, symbol, element);
    array->data[element] = number_of(&array->type, value);
}

double lg_reference_get(const lg_reference *reference, const char *symbol, int64_t element)
{
    const lg_array *array = array_of(reference, symbol, element);
    lg_number number = array->data[element];
    return lg_dtype_is_float(array->type.dtype) ? number.f : (double)number.i;
}

void lg_reference_init(lg_reference *reference, uint64_t seed)
{
    LG_FOR_SYMBOLS (symbol, reference->function->module) {
        const lg_type *type = &symbol->value->type;
        void *data = calloc((size_t)lg_type_elements(type), (size_t)lg_dtype_bytes(type->dtype));
        ck_assert_ptr_nonnull(data);
        lg_init_symbol(symbol, seed, data);
        lg_array *array = lg_array_new(reference->arena, type);
        lg_array_load(array, type, data);
        lg_environment_set(reference->arena, &reference->environment, symbol, array);
        free(data);
    }
}

void lg_reference_call(lg_reference *reference, lg_array *const *arguments)
{
    const lg_function *function = reference->function;
    reference->results = LG_NEW_ARRAY(reference->arena, lg_array *, function->results.count);
    lg_diag *diag = lg_diag_new();
    bool ok = lg_interpret(reference->arena, function, arguments, reference->results,
                           &reference->environment, diag);
    lg_diag_print(diag, stderr);
    lg_diag_free(diag);
    ck_assert(ok);
}

void lg_reference_run(lg_reference *reference, const lg_safetensors *inputs)
{
    const lg_function *function = reference->function;
    lg_array **arguments = LG_NEW_ARRAY(reference->arena, lg_array *, function->arguments.count);
    for (int i = 0; i < function->arguments.count; i++) {
        const lg_value *argument = function->arguments.items[i];
        arguments[i] = load(reference->arena, inputs, argument->name, &argument->type);
    }
    lg_reference_call(reference, arguments);
}

// Calls it on `elements` of all arguments, one behind the other, or on made up ones.
static void run_on(lg_reference *reference, const double *elements)
{
    const lg_function *function = reference->function;
    lg_array **arguments = LG_NEW_ARRAY(reference->arena, lg_array *, function->arguments.count);
    for (int i = 0; i < function->arguments.count; i++) {
        const lg_value *argument = function->arguments.items[i];
        arguments[i] = lg_array_new(reference->arena, &argument->type);
        for (int64_t k = 0; k < lg_type_elements(&argument->type); k++) {
            double element = elements ? *elements++ : lg_made_input(argument->name, k);
            arguments[i]->data[k] = number_of(&argument->type, element);
        }
    }
    lg_reference_call(reference, arguments);
}

void lg_reference_run_on(lg_reference *reference, const double *elements)
{
    run_on(reference, elements);
}

void lg_reference_run_made(lg_reference *reference)
{
    run_on(reference, NULL);
}

lg_array *lg_reference_result(const lg_reference *reference, const char *name)
{
    const lg_function *function = reference->function;
    for (int i = 0; i < function->results.count; i++)
        if (strcmp(function->result_names.items[i], name) == 0)
            return reference->results[i];
    ck_abort_msg("there is no result %s", name);
    return NULL;
}

double lg_reference_result_value(void *reference, const char *name, int64_t element)
{
    return lg_reference_result(reference, name)->data[element].f;
}

int64_t lg_reference_result_elements(void *reference, const char *name)
{
    return lg_type_elements(&lg_reference_result(reference, name)->type);
}

double lg_reference_symbol_value(void *reference, const char *symbol, int64_t element)
{
    return lg_reference_get(reference, symbol, element);
}

double lg_reference_difference(const lg_reference *reference, const lg_safetensors *expected,
                               const char *name, double *scale)
{
    const lg_array *result = lg_reference_result(reference, name);
    const lg_array *wanted = load(reference->arena, expected, name, &result->type);
    double most = 0;
    *scale = 0;
    for (int64_t i = 0; i < lg_type_elements(&result->type); i++) {
        double difference = fabs(result->data[i].f - wanted->data[i].f);
        // A NaN is as far off as can be.
        most = difference <= most ? most : isnan(difference) ? INFINITY : difference;
        *scale = fmax(*scale, fabs(wanted->data[i].f));
    }
    return most;
}
