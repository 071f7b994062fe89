// Training as users run it: the functions of a small LGPN compiled for this machine's processor,
// and for its GPU where it has one, against what PyTorch computes (tests/goldens/make_lgpn.sh). One
// thread and three give the same bits, and a step is the gradient function followed by Adam.
#include "runtime/threads.h"
#include "tests/support/compiled.h"
#include "tests/support/network.h"
#include "tests/support/training_golden.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// What is compiled: compiling is what takes the time here. Other levels and instruction sets are
// compared with the reference interpreter kernel by kernel (test_lowering).
static const struct {
    int which; // of lg_training_cases
    const char *level, *cpu;
    unsigned functions;
} builds[] = {{0, "O0", "x86-64-v3", LG_MODEL_LOSS_AND_GRAD},
              {0, "O2", "x86-64-v3", LG_MODEL_LOSS_AND_GRAD | LG_MODEL_TRAIN_STEP},
              {1, "O2", "x86-64-v3", LG_MODEL_LOSS_AND_GRAD},
              {2, "O2", "x86-64-v3", LG_MODEL_LOSS_AND_GRAD},
              {0, "O0", "cuda", LG_MODEL_LOSS_AND_GRAD},
              {0, "O2", "cuda", LG_MODEL_LOSS_AND_GRAD | LG_MODEL_TRAIN_STEP},
              {1, "O2", "cuda", LG_MODEL_LOSS_AND_GRAD},
              {2, "O2", "cuda", LG_MODEL_LOSS_AND_GRAD}};

enum { BUILDS = sizeof builds / sizeof *builds, MOST_INPUTS = 8 };

// A network with the golden's weights, and what a function of it gave.
typedef struct trained {
    lg_training_golden golden;
    lg_network network;
    const lg_entry_desc *entry;
    float **outputs;
} trained;

static trained start(int build)
{
    int which = builds[build].which;
    trained t = {.golden = lg_training_golden_open(&lg_training_cases[which])};
    t.network = lg_network_new(lg_training_cases[which].spec, builds[build].functions,
                               builds[build].level, builds[build].cpu);
    lg_error e = {""};
    ck_assert_msg(lg_model_keep_params(t.network.model, &e), "%s", e.message);
    const lg_artifact *artifact = lg_model_artifact(t.network.model);
    for (uint32_t i = 0; i < artifact->param_count; i++) {
        const lg_tensor_desc *desc = &artifact->params[i];
        const lg_safetensor *tensor = lg_training_golden_find(&t.golden, desc->name);
        if (tensor) { // else a state of training itself, which is 0
            ck_assert_uint_eq(tensor->bytes, desc->bytes);
            memcpy(lg_model_params(t.network.model)[i], tensor->data, desc->bytes);
        }
    }
    ck_assert_msg(lg_model_repack(t.network.model, NULL, &e), "%s", e.message);
    return t;
}

static void free_outputs(trained *t)
{
    for (uint32_t i = 0; t->outputs && i < t->entry->output_count; i++)
        free(t->outputs[i]);
    free(t->outputs);
    t->outputs = NULL;
}

static void stop(trained *t)
{
    free_outputs(t);
    lg_network_free(&t->network);
    lg_training_golden_close(&t->golden);
}

static void run(trained *t, const char *name, int threads)
{
    lg_error e = {""};
    free_outputs(t);
    t->entry = lg_model_entry(t->network.model, name, &e);
    ck_assert_msg(t->entry != NULL, "%s", e.message);
    ck_assert_uint_le(t->entry->input_count, MOST_INPUTS);
    const void *inputs[MOST_INPUTS];
    for (uint32_t i = 0; i < t->entry->input_count; i++)
        inputs[i] = lg_training_golden_find(&t->golden, t->entry->inputs[i].name)->data;
    t->outputs = calloc(t->entry->output_count, sizeof *t->outputs);
    ck_assert_ptr_nonnull(t->outputs);
    for (uint32_t i = 0; i < t->entry->output_count; i++) {
        t->outputs[i] = malloc(t->entry->outputs[i].bytes);
        ck_assert_ptr_nonnull(t->outputs[i]);
    }
    lg_threads pool;
    lg_threads_init(&pool, threads);
    bool ok =
        lg_model_call(t->network.model, t->entry, inputs, (void **)t->outputs, &pool.parallel, &e);
    ck_assert_msg(ok, "%s", e.message);
    lg_threads_free(&pool);
}

static uint32_t output_index(const trained *t, const char *name)
{
    uint32_t i = 0;
    while (i < t->entry->output_count && strcmp(t->entry->outputs[i].name, name) != 0)
        i++;
    ck_assert_msg(i < t->entry->output_count, "there is no result %s", name);
    return i;
}

static double output_value(void *context, const char *name, int64_t index)
{
    const trained *t = context;
    return (double)t->outputs[output_index(t, name)][index];
}

static int64_t output_elements(void *context, const char *name)
{
    const trained *t = context;
    return (int64_t)(t->entry->outputs[output_index(t, name)].bytes / sizeof(float));
}

static double param_value(void *context, const char *name, int64_t index)
{
    const trained *t = context;
    const lg_tensor_desc *desc;
    const void *data = lg_model_param(t->network.model, name, &desc);
    ck_assert_msg(data != NULL, "%s", name);
    return desc->dtype == LG_ABI_I64 ? (double)((const int64_t *)data)[index]
                                     : (double)((const float *)data)[index];
}

// ---- tests

// Where the gradient is noise Adam makes a whole step of it: of each parameter's elements those are
// compared whose gradient is well above the tolerance.
static void compare_step(trained *t, const lg_tensor_desc *desc)
{
    char expected[256], gradient[256];
    snprintf(expected, sizeof expected, "step1.%s", desc->name);
    snprintf(gradient, sizeof gradient, "grad.%s", desc->name);
    const lg_safetensor *after = lg_safetensors_find(t->golden.steps, expected);
    const lg_safetensor *slope = lg_safetensors_find(t->golden.steps, gradient);
    int64_t elements = (int64_t)(desc->bytes / (desc->dtype == LG_ABI_I64 ? 8 : 4));
    if (after && !slope) // running statistics
        lg_training_compare(&t->golden, expected, desc->name, elements, 1e-5, param_value, t);
    int64_t kept = after && slope ? (int64_t)(after->bytes / sizeof(float)) : 0;
    for (int64_t i = 0; i < kept; i++) {
        int64_t at = i * elements / kept;
        if (fabsf(((const float *)slope->data)[at]) < 1e-2F)
            continue;
        double got = param_value(t, desc->name, at), wanted = ((const float *)after->data)[i];
        ck_assert_msg(fabs(got - wanted) <= 2e-6, "%s[%lld] is %.9g, not %.9g", desc->name,
                      (long long)at, got, wanted);
    }
}

static void check_step(trained *t)
{
    run(t, "train_step", 2);
    const lg_artifact *artifact = lg_model_artifact(t->network.model);
    for (uint32_t i = 0; i < artifact->param_count; i++)
        compare_step(t, &artifact->params[i]);
    ck_assert_double_eq(param_value(t, "optimizer.step", 0), 1);
}

// One NaN in any trained parameter reaches the loss: nothing on the way (ReLU, pooling) makes a
// number of it, or training would go on with a fault.
static void check_nan_is_seen(trained *t)
{
    static const char *const names[] = {"GTC.conv1.weight",
                                        "GTC.bn1.bias",
                                        "GTC.layer1.0.conv2.weight",
                                        "GTC.layer2.0.downsample.0.weight",
                                        "GTC.layer4.0.bn3.weight",
                                        "head_1.0.weight",
                                        "head_55.2.bias",
                                        "classifier_real_fake.0.bias"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        lg_error e;
        const lg_tensor_desc *desc;
        float *first = lg_model_param(t->network.model, names[i], &desc);
        ck_assert_msg(first != NULL, "%s", names[i]);
        float kept = *first;
        for (int broken = 1; broken >= 0; broken--) {
            *first = broken ? NAN : kept;
            ck_assert_msg(lg_model_repack(t->network.model, NULL, &e), "%s", e.message);
            run(t, "loss_and_grad", 2);
            ck_assert_msg(!isnan(output_value(t, "loss", 0)) == !broken,
                          "a NaN in %s does not reach the loss", names[i]);
        }
    }
}

START_TEST(a_step_is_that_of_pytorch)
{
    if (!lg_cpu_runs(builds[_i].cpu))
        return;
    trained t = start(_i);
    run(&t, "loss_and_grad", 1);
    // A thread of a GPU adds up one behind the other what a CPU adds up lane by lane.
    double of_gradient = strcmp(builds[_i].cpu, "cuda") == 0 ? 5e-5 : 1.1e-5;
    int gradients = lg_training_compare_gradients(&t.golden, 1e-5, of_gradient, output_value,
                                                  output_elements, &t);
    ck_assert_int_gt(gradients, 300);
    float **one = t.outputs;
    t.outputs = NULL;
    run(&t, "loss_and_grad", 3);
    for (uint32_t i = 0; i < t.entry->output_count; i++) {
        ck_assert_msg(memcmp(one[i], t.outputs[i], t.entry->outputs[i].bytes) == 0,
                      "%s depends on the number of threads", t.entry->outputs[i].name);
        free(one[i]);
    }
    free(one);
    if (builds[_i].functions & LG_MODEL_TRAIN_STEP) {
        check_nan_is_seen(&t);
        check_step(&t);
    }
    stop(&t);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("compiled training");
    TCase *tests = tcase_create("compiled training");
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, a_step_is_that_of_pytorch, 0, BUILDS);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
