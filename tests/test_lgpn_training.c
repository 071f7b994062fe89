// A step of LGPN is PyTorch's (tests/goldens/make_lgpn.sh): losses, every gradient, running
// statistics and the parameters after Adam, by the reference interpreter after autodiff. Gradients
// were recorded in float64; those that are zero in exact arithmetic (the half of `a` that the
// softmax cancels, the biases of match_lst, the bias of a batch norm under another) are so here.
#include "tests/support/network.h"
#include "tests/support/reference.h"
#include "tests/support/training_golden.h"

#include <check.h>

// ---- the interpreter on the golden's tensors

static lg_array *array_of(lg_arena *arena, const lg_safetensor *tensor, const lg_type *type)
{
    lg_array *array = lg_array_new(arena, type);
    if (tensor) {
        ck_assert_int_eq((int)tensor->dtype, (int)type->dtype);
        ck_assert_uint_eq(tensor->bytes,
                          (size_t)lg_type_elements(type) * (size_t)lg_dtype_bytes(type->dtype));
        lg_array_load(array, type, tensor->data);
    }
    return array;
}

// Symbols that the golden has not are training's own, and start as zeros.
static void load_symbols(lg_reference *r, const lg_training_golden *golden)
{
    LG_FOR_SYMBOLS (symbol, r->function->module)
        lg_environment_set(r->arena, &r->environment, symbol,
                           array_of(r->arena, lg_training_golden_find(golden, symbol->name),
                                    &symbol->value->type));
}

static void run(lg_reference *r, const char *name, const lg_training_golden *golden)
{
    lg_array *arguments[400];
    lg_reference_choose(r, name);
    ck_assert_int_le(r->function->arguments.count, 400);
    for (int i = 0; i < r->function->arguments.count; i++) {
        const lg_value *argument = r->function->arguments.items[i];
        const lg_safetensor *tensor = lg_training_golden_find(golden, argument->name);
        ck_assert_msg(tensor != NULL, "%s", argument->name);
        arguments[i] = array_of(r->arena, tensor, &argument->type);
    }
    lg_reference_call(r, arguments);
}

// ---- tests

START_TEST(losses_and_gradients_equal_pytorch)
{
    lg_training_golden golden = lg_training_golden_open(&lg_training_cases[_i]);
    lg_module *module = lg_network_module(lg_training_cases[_i].spec, LG_MODEL_LOSS_AND_GRAD);
    lg_reference_differentiate(module);
    lg_reference r = lg_reference_new(module);
    load_symbols(&r, &golden);
    run(&r, "loss_and_grad", &golden);
    // The goldens are rounded to f32.
    int gradients = lg_training_compare_gradients(&golden, 1e-7, 1e-6, lg_reference_result_value,
                                                  lg_reference_result_elements, &r);
    ck_assert_int_gt(gradients, 300);
    lg_reference_free(&r);
    lg_module_free(module);
    lg_training_golden_close(&golden);
}
END_TEST

static bool is_statistic(const char *name)
{
    return strstr(name, ".running_") || strstr(name, ".num_batches_tracked");
}

// All but what a step leaves alone has a golden of its state after one step.
START_TEST(a_step_writes_what_pytorch_has_after_it)
{
    lg_training_golden golden = lg_training_golden_open(&lg_training_cases[_i]);
    lg_module *module = lg_network_module(lg_training_cases[_i].spec, LG_MODEL_TRAIN_STEP);
    lg_reference_differentiate(module);
    lg_reference r = lg_reference_new(module);
    load_symbols(&r, &golden);
    run(&r, "train_step", &golden);
    int statistics = 0, parameters = 0;
    LG_FOR_SYMBOLS (symbol, module) {
        char expected[256];
        snprintf(expected, sizeof expected, "step1.%s", symbol->name);
        if (!lg_safetensors_find(golden.steps, expected))
            continue;
        lg_training_compare(&golden, expected, symbol->name, lg_type_elements(&symbol->value->type),
                            1e-6, lg_reference_symbol_value, &r);
        statistics += is_statistic(symbol->name);
        parameters += !is_statistic(symbol->name);
    }
    ck_assert_int_ge(statistics, 3 * 20);
    ck_assert(parameters > 300 || _i > 0);
    lg_reference_free(&r);
    lg_module_free(module);
    lg_training_golden_close(&golden);
}
END_TEST

// ---- Adam on its own, fed with the recorded gradients

static const lg_safetensors *recorded; // what build_adam declares

static void build_adam(lg_name_scope *s)
{
    const lg_optimizer adam = LG_TRAINING_DEFAULTS.optimizer;
    for (size_t i = 0; i < lg_safetensors_count(recorded); i++) {
        const lg_safetensor *tensor = lg_safetensors_at(recorded, i);
        if (strncmp(tensor->name, "grad.", 5) != 0)
            continue;
        lg_shape shape = {tensor->rank, tensor->shape};
        lg_value *gradient = lg_input(s, LG_HERE, tensor->name, LG_F32, shape);
        lg_value *p = parameter(s, tensor->name + 5, LG_F32, shape, LG_INIT_CONSTANT, 0);
        optimizer_step(s, &adam, p, gradient, learning_rate(s));
    }
    loss(s, "none", mul(s, lg_input(s, LG_HERE, "loss", LG_F32, LG_SCALAR_SHAPE), 1));
}

START_TEST(adam_on_recorded_gradients_steps_as_pytorch)
{
    const lg_model_info info = {.bytes = sizeof info, .name = "adam", .build = build_adam};
    lg_training_golden golden = lg_training_golden_open(&lg_training_cases[0]);
    recorded = golden.steps;
    lg_diag *diag = lg_diag_new();
    lg_module *module = lg_model_instantiate(&info, NULL, "adam", LG_MODEL_TRAIN_STEP, NULL, diag);
    lg_diag_print(diag, stderr);
    lg_diag_free(diag);
    ck_assert_ptr_nonnull(module);
    lg_reference r = lg_reference_new(module);
    load_symbols(&r, &golden);
    for (int step = 1; step <= 3; step++) {
        run(&r, "train_step", &golden);
        LG_FOR_SYMBOLS (symbol, module) {
            char expected[256];
            snprintf(expected, sizeof expected, "step%d.%s", step, symbol->name);
            if (symbol->role == LG_ROLE_PARAM && step != 2)
                lg_training_compare(&golden, expected, symbol->name,
                                    lg_type_elements(&symbol->value->type), 3e-7,
                                    lg_reference_symbol_value, &r);
        }
    }
    lg_reference_free(&r);
    lg_module_free(module);
    lg_training_golden_close(&golden);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("LGPN training");
    TCase *tests = tcase_create("LGPN training");
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, losses_and_gradients_equal_pytorch, 0, LG_TRAINING_CASES);
    tcase_add_loop_test(tests, a_step_writes_what_pytorch_has_after_it, 0, LG_TRAINING_CASES);
    tcase_add_test(tests, adam_on_recorded_gradients_steps_as_pytorch);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
