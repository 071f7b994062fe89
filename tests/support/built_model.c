#include "tests/support/built_model.h"

#include <check.h>

lg_module *lg_module_of_builder(void (*build)(lg_name_scope *s), unsigned functions,
                                const lg_training *training, char **messages)
{
    const lg_model_info info = {.bytes = sizeof info, .name = "test", .build = build};
    size_t length;
    lg_diag *diag = lg_diag_new();
    lg_module *module = lg_model_instantiate(&info, NULL, "test", functions, training, diag);
    FILE *out = open_memstream(messages, &length);
    lg_diag_print(diag, out);
    fclose(out);
    lg_diag_free(diag);
    return module;
}

lg_built_model lg_built_model_new(void (*build)(lg_name_scope *s), unsigned functions,
                                  const lg_training *training)
{
    char *messages = NULL;
    lg_built_model m = {.module = lg_module_of_builder(build, functions, training, &messages)};
    ck_assert_msg(m.module != NULL, "%s", messages);
    free(messages);
    m.reference = lg_reference_new(m.module);
    lg_reference_init(&m.reference, 1);
    return m;
}

void lg_built_model_free(lg_built_model *model)
{
    lg_reference_free(&model->reference);
    lg_module_free(model->module);
}

void lg_built_model_run(lg_built_model *model, const char *function, const double *elements)
{
    lg_reference_choose(&model->reference, function);
    lg_reference_run_on(&model->reference, elements);
}

double lg_built_model_result(const lg_built_model *model, const char *name, int64_t element)
{
    return lg_reference_result(&model->reference, name)->data[element].f;
}

double lg_built_model_symbol(const lg_built_model *model, const char *name, int64_t element)
{
    return lg_reference_get(&model->reference, name, element);
}

void lg_expect_number(const char *what, double got, double wanted)
{
    ck_assert_msg(fabs(got - wanted) <= 1e-6 * fmax(1, fabs(wanted)), "%s is %.9g, not %.9g", what,
                  got, wanted);
}
