// ResNet as built by models/resnet.c: torchvision's tensors and counts, PyTorch's results. The
// weights of the golden are the initial ones, which tests/goldens/resnet_ref.py makes on its own
// from their description, so this holds `lgpnc init` to it as well.
#include "tests/support/network.h"
#include "tests/support/reference.h"

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

START_TEST(results_equal_pytorch)
{
    char path[512];
    lg_error e = {""};
    snprintf(path, sizeof path, "%s/goldens/resnet/small/case.safetensors", LGPNC_TESTS_DIR);
    lg_safetensors *expected = lg_safetensors_open(path, &e);
    ck_assert_msg(expected != NULL, "%s", e.message);
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

int main(void)
{
    Suite *suite = suite_create("resnet");
    TCase *tests = tcase_create("resnet");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, parameter_counts_are_torchvisions);
    tcase_add_test(tests, results_equal_pytorch);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
