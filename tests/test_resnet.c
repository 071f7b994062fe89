// ResNet as built by models/resnet.c: torchvision's tensors and counts, PyTorch's results and steps
// of training. The weights of the goldens are the initial ones, which tests/goldens/resnet_ref.py
// makes on its own from their description, so this holds `lgpnc init` to it as well.
#include "tests/support/network.h"
#include "tests/support/reference.h"
#include "tests/support/training_golden.h"

#include <check.h>

static int64_t parameters(const lg_module *module)
{
    int64_t total = 0;
    LG_FOR_SYMBOLS (symbol, module)
        total += symbol->role == LG_ROLE_PARAM ? lg_type_elements(&symbol->value->type) : 0;
    return total;
}

START_TEST(parameter_counts_are_torchvisions)
{
    static const struct {
        const char *spec;
        int64_t count;
        int tensors; // of the state_dict
    } rows[] = {{"resnet:depth=18", 11689512, 122}, {"resnet", 25557032, 320}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lg_module *module = lg_network_module(rows[i].spec, LG_MODEL_INFER);
        ck_assert_int_eq(parameters(module), rows[i].count);
        ck_assert_int_eq(module->last_symbol->value->index + 1, rows[i].tensors);
        ck_assert_ptr_nonnull(lg_module_symbol(module, "layer4.0.downsample.1.running_var"));
        ck_assert_ptr_null(lg_module_symbol(module, "layer4.1.downsample.1.running_var"));
        lg_module_free(module);
    }
}
END_TEST

static lg_safetensors *open_golden(const char *name)
{
    char path[512];
    lg_error e = {""};
    snprintf(path, sizeof path, "%s/goldens/resnet/small/%s.safetensors", LGPNC_TESTS_DIR, name);
    lg_safetensors *opened = lg_safetensors_open(path, &e);
    ck_assert_msg(opened != NULL, "%s", e.message);
    return opened;
}

START_TEST(results_equal_pytorch)
{
    lg_safetensors *expected = open_golden("case");
    lg_module *module =
        lg_network_module("resnet:depth=18,image=40,classes=5,batch=2", LG_MODEL_INFER);
    lg_reference reference = lg_reference_new(module);
    lg_reference_init(&reference, 1);
    lg_reference_run(&reference, expected);
    double scale, difference = lg_reference_difference(&reference, expected, "logits", &scale);
    ck_assert_msg(difference <= 3e-6 * scale, "differs by %g of %g", difference, scale);
    lg_reference_free(&reference);
    lg_safetensors_close(expected);
    lg_module_free(module);
}
END_TEST

// ---- training

static const char tiny[] = "resnet:depth=18,width=8,image=33,classes=5,batch=2";

// Free it.
static lg_reference run_once(lg_module *module, const char *function, lg_safetensors *steps)
{
    lg_reference_differentiate(module);
    lg_reference r = lg_reference_new(module);
    lg_reference_init(&r, 1);
    lg_reference_choose(&r, function);
    lg_reference_run(&r, steps);
    return r;
}

START_TEST(gradients_equal_pytorch)
{
    lg_training_golden golden = {.folder = "resnet/small", .steps = open_golden("training")};
    lg_module *module = lg_network_module(tiny, LG_MODEL_LOSS_AND_GRAD);
    lg_reference r = run_once(module, "loss_and_grad", golden.steps);
    int gradients = lg_training_compare_gradients(&golden, 1e-6, 1e-5, lg_reference_result_value,
                                                  lg_reference_result_elements, &r);
    ck_assert_int_eq(gradients, 62); // all of the parameters
    lg_reference_free(&r);
    lg_module_free(module);
    lg_safetensors_close(golden.steps);
}
END_TEST

START_TEST(two_steps_of_adam_equal_pytorchs)
{
    lg_training_golden golden = {.folder = "resnet/small", .steps = open_golden("training")};
    lg_module *module = lg_network_module(tiny, LG_MODEL_TRAIN_STEP);
    lg_reference r = run_once(module, "train_step", golden.steps);
    lg_training_compare(&golden, "loss", "loss", 1, 1e-6, lg_reference_result_value, &r);
    lg_reference_run(&r, golden.steps);
    lg_training_compare(&golden, "second_loss", "loss", 1, 1e-5, lg_reference_result_value, &r);
    int compared = 0;
    LG_FOR_SYMBOLS (symbol, module) {
        char expected[256];
        snprintf(expected, sizeof expected, "step2.%s", symbol->name);
        if (!lg_safetensors_find(golden.steps, expected))
            continue;
        lg_training_compare(&golden, expected, symbol->name, lg_type_elements(&symbol->value->type),
                            1e-5, lg_reference_symbol_value, &r);
        compared++;
    }
    ck_assert_int_eq(compared, 122); // the state_dict
    lg_reference_free(&r);
    lg_module_free(module);
    lg_safetensors_close(golden.steps);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resnet");
    TCase *tests = tcase_create("resnet");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, parameter_counts_are_torchvisions);
    tcase_add_test(tests, results_equal_pytorch);
    tcase_add_test(tests, gradients_equal_pytorch);
    tcase_add_test(tests, two_steps_of_adam_equal_pytorchs);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
