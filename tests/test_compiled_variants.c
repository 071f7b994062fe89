// Variants of LGPN and its baseline, compiled: @infer of each is built, and of two networks losses
// and all gradients are what the reference interpreter says of the same autodiff.
#include "tests/support/compiled.h"
#include "tests/support/made_inputs.h"
#include "tests/support/network.h"
#include "tests/support/reference.h"
#include "tools/init_weights.h"

#include <check.h>
#include <math.h>

#define LGPN "lgpn:image=16,width=8,feat=16,dim=8,blocks=1-1-1-1,batch=2"

static const char *const built[] = {LGPN ",pooling=0,generated_graph=1", LGPN ",gcn=0",
                                    LGPN ",high_resolution=0,continuous=1",
                                    "fen_pn:image=16,layers=4,width=8,channels=8,batch=2"};

static const char *const trained[] = {LGPN ",gcn=0,high_resolution=0",
                                      "fen_pn:image=16,layers=4,width=8,channels=8,batch=2"};

enum { BUILT = sizeof built / sizeof *built, TRAINED = sizeof trained / sizeof *trained };

// ---- a compiled network on initial weights and made up inputs

static void initialize(lg_network *n)
{
    lg_error e;
    ck_assert(lg_model_keep_params(n->model, &e));
    LG_FOR_SYMBOLS (symbol, n->unit.module) {
        void *memory = lg_model_param(n->model, symbol->name, NULL);
        if (memory)
            lg_init_symbol(symbol, 1, memory);
    }
    ck_assert_msg(lg_model_repack(n->model, NULL, &e), "%s", e.message);
}

static void *make_input(const lg_tensor_desc *desc)
{
    void *data = malloc(desc->bytes);
    for (uint64_t i = 0; i < desc->bytes / 4; i++) {
        double made = lg_made_input(desc->name, (int64_t)i);
        if (desc->dtype == LG_ABI_F32)
            ((float *)data)[i] = (float)made;
        else
            ((int32_t *)data)[i] = (int32_t)made;
    }
    return data;
}

// The outputs, to be freed with free_all.
static void **call(lg_network *n, const lg_entry_desc *entry)
{
    lg_error e;
    const void *inputs[8];
    void **outputs = calloc(entry->output_count, sizeof *outputs);
    ck_assert_uint_le(entry->input_count, 8);
    for (uint32_t i = 0; i < entry->input_count; i++)
        inputs[i] = make_input(&entry->inputs[i]);
    for (uint32_t i = 0; i < entry->output_count; i++)
        outputs[i] = malloc(entry->outputs[i].bytes);
    ck_assert_msg(lg_model_call(n->model, entry, inputs, outputs, NULL, &e), "%s", e.message);
    for (uint32_t i = 0; i < entry->input_count; i++)
        free((void *)inputs[i]);
    return outputs;
}

static void free_all(void **values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        free(values[i]);
    free(values);
}

// ---- tests

static double largest(const lg_array *array)
{
    double most = 0;
    for (int64_t i = 0; i < lg_type_elements(&array->type); i++)
        most = fmax(most, fabs(array->data[i].f));
    return most;
}

// As far off as `tolerance` of (the largest of the tensor + `more`), at most.
static void compare(const char *name, const float *got, const lg_array *wanted, double tolerance,
                    double more)
{
    double scale = largest(wanted) + more;
    for (int64_t i = 0; i < lg_type_elements(&wanted->type); i++)
        ck_assert_msg(fabs((double)got[i] - wanted->data[i].f) <= tolerance * scale,
                      "%s[%lld] is %g, not %g (of %g)", name, (long long)i, (double)got[i],
                      wanted->data[i].f, scale);
}

static lg_reference run_reference(const lg_module *module, const char *function)
{
    lg_reference reference = lg_reference_new(module);
    lg_reference_init(&reference, 1);
    lg_reference_choose(&reference, function);
    lg_reference_run_made(&reference);
    return reference;
}

START_TEST(inference_is_the_interpreters)
{
    if (!lg_cpu_runs("x86-64-v3"))
        return;
    lg_error e;
    lg_network n = lg_network_new(built[_i], LG_MODEL_INFER, "O2", "x86-64-v3");
    const lg_entry_desc *entry = lg_model_entry(n.model, "infer", &e);
    initialize(&n);
    void **outputs = call(&n, entry);
    lg_module *module = lg_network_module(built[_i], LG_MODEL_INFER);
    lg_reference reference = run_reference(module, "infer");
    for (uint32_t i = 0; i < entry->output_count; i++) {
        bool steep = strncmp(entry->outputs[i].name, "cg", 2) == 0;
        compare(entry->outputs[i].name, outputs[i], reference.results[i], steep ? 1e-3 : 1e-5, 0);
    }
    lg_reference_free(&reference);
    lg_module_free(module);
    free_all(outputs, entry->output_count);
    lg_network_free(&n);
}
END_TEST

START_TEST(gradients_are_the_interpreters)
{
    if (!lg_cpu_runs("x86-64-v3"))
        return;
    lg_error e;
    lg_network n = lg_network_new(trained[_i], LG_MODEL_LOSS_AND_GRAD, "O2", "x86-64-v3");
    const lg_entry_desc *entry = lg_model_entry(n.model, "loss_and_grad", &e);
    initialize(&n);
    void **outputs = call(&n, entry);
    lg_module *module = lg_network_module(trained[_i], LG_MODEL_LOSS_AND_GRAD);
    lg_reference_differentiate(module);
    lg_reference reference = run_reference(module, "loss_and_grad");
    double most = 0;
    for (uint32_t i = 0; i < entry->output_count; i++)
        if (strncmp(entry->outputs[i].name, "grad.", 5) == 0)
            most = fmax(most, largest(reference.results[i]));
    for (uint32_t i = 0; i < entry->output_count; i++) {
        bool gradient = strncmp(entry->outputs[i].name, "grad.", 5) == 0;
        compare(entry->outputs[i].name, outputs[i], reference.results[i], gradient ? 1e-4 : 1e-5,
                gradient ? 0.01 * most : 0);
    }
    lg_reference_free(&reference);
    lg_module_free(module);
    free_all(outputs, entry->output_count);
    lg_network_free(&n);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("compiled variants");
    TCase *tests = tcase_create("variants");
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, inference_is_the_interpreters, 0, BUILT);
    tcase_add_loop_test(tests, gradients_are_the_interpreters, 0, TRAINED);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
