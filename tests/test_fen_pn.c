// FEN and PN as built by models/fen_pn.c are those of PyTorch (tests/goldens/fen_pn_ref.py):
// results, losses and gradients, and with them the spectrum as products of matrices. Gradients
// were made in float64; weights are initial ones, which the golden makes from their description.
#include "tests/support/network.h"
#include "tests/support/reference.h"

#include <check.h>

#define SMALL "fen_pn:image=18,layers=4,width=8,channels=8,batch=3"

static lg_safetensors *open_golden(void)
{
    lg_error e = {""};
    lg_safetensors *file =
        lg_safetensors_open(LGPNC_TESTS_DIR "/goldens/fen_pn/small/case.safetensors", &e);
    ck_assert_msg(file != NULL, "%s", e.message);
    return file;
}

START_TEST(results_equal_pytorch)
{
    static const char *const names[] = {"real_fake", "node_logits", "feature", "fingerprint",
                                        "continuous"};
    lg_safetensors *golden = open_golden();
    lg_module *module = lg_network_module(SMALL, LG_MODEL_INFER);
    lg_reference reference = lg_reference_new(module);
    lg_reference_init(&reference, 1);
    lg_reference_run(&reference, golden);
    ck_assert_int_eq(reference.function->results.count, 5);
    for (int i = 0; i < 5; i++) {
        double scale, difference = lg_reference_difference(&reference, golden, names[i], &scale);
        ck_assert_msg(difference <= 1e-6 * scale, "%s differs by %g of %g", names[i], difference,
                      scale);
    }
    lg_reference_free(&reference);
    lg_safetensors_close(golden);
    lg_module_free(module);
}
END_TEST

static double element(const lg_safetensors *file, const char *prefix, const char *name, int64_t i)
{
    char full[128];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    const lg_safetensor *tensor = lg_safetensors_find(file, full);
    ck_assert_msg(tensor != NULL, "%s", full);
    return (double)((const float *)tensor->data)[i];
}

// Of the n elements of a gradient the golden has m: those at i * n / m.
static void compare_gradient(const lg_array *result, const lg_safetensors *golden,
                             const char *parameter, double largest)
{
    char name[128];
    snprintf(name, sizeof name, "grad.%s", parameter);
    int64_t elements = lg_type_elements(&result->type);
    int64_t count = lg_safetensors_find(golden, name)->shape[0];
    double scale = element(golden, "largest.", parameter, 0) + 0.01 * largest;
    for (int64_t i = 0; i < count; i++) {
        double got = result->data[i * elements / count].f;
        double wanted = element(golden, "grad.", parameter, i);
        ck_assert_msg(fabs(got - wanted) <= 1e-6 * scale, "%s[%lld] is %.9g, not %.9g", name,
                      (long long)i, got, wanted);
    }
}

START_TEST(losses_and_gradients_equal_pytorch)
{
    lg_safetensors *golden = open_golden();
    lg_module *module = lg_network_module(SMALL, LG_MODEL_LOSS_AND_GRAD);
    lg_reference_differentiate(module);
    lg_reference reference = lg_reference_new(module);
    lg_reference_init(&reference, 1);
    lg_reference_choose(&reference, "loss_and_grad");
    lg_reference_run(&reference, golden);
    double largest = 0;
    int gradients = 0;
    LG_FOR_SYMBOLS (symbol, module)
        if (symbol->role == LG_ROLE_PARAM)
            largest = fmax(largest, element(golden, "largest.", symbol->name, 0));
    for (int i = 0; i < reference.function->results.count; i++) {
        const char *name = reference.function->result_names.items[i];
        const lg_array *result = reference.results[i];
        if (strncmp(name, "grad.", 5) == 0) {
            compare_gradient(result, golden, name + 5, largest);
            gradients++;
        } else {
            double wanted = element(golden, "", name, 0);
            ck_assert_msg(fabs(result->data[0].f - wanted) <= 1e-6 * fabs(wanted),
                          "%s is %.9g, not %.9g", name, result->data[0].f, wanted);
        }
    }
    ck_assert_int_eq(gradients, 34); // of FEN 12, of PN 22
    lg_reference_free(&reference);
    lg_safetensors_close(golden);
    lg_module_free(module);
}
END_TEST

// At 64 pixels PN has 4608 features before its first linear layer, as the original.
START_TEST(full_size)
{
    lg_module *module = lg_network_module("fen_pn", LG_MODEL_INFER);
    const lg_symbol *first = lg_module_symbol(module, "PN.linear0.weight");
    ck_assert_ptr_nonnull(first);
    ck_assert_int_eq(first->value->type.dims[1], 4608);
    int convolutions = 0;
    LG_FOR_OPS (op, lg_module_function(module, "infer"))
        convolutions += op->code == LG_OP_conv2d;
    ck_assert_int_eq(convolutions, 17 + 5);
    lg_module_free(module);
    module = lg_network_module("fen_pn:continuous=0", LG_MODEL_INFER | LG_MODEL_TRAIN_STEP);
    ck_assert_int_eq(lg_module_function(module, "infer")->results.count, 4);
    ck_assert_int_eq(lg_module_function(module, "train_step")->results.count, 4);
    lg_module_free(module);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fen_pn");
    TCase *tests = tcase_create("fen_pn");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, results_equal_pytorch);
    tcase_add_test(tests, losses_and_gradients_equal_pytorch);
    tcase_add_test(tests, full_size);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
