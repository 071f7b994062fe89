// Whole networks as users run them: built, compiled and run by this machine's processor, and by its
// GPU where it has one, compared with PyTorch's results (tests/goldens/make_lgpn.sh). Every row of
// the target table that the machine can run, and one network at every level of optimisation; one
// thread and three give the same bits.
#include "runtime/safetensors.h"
#include "runtime/threads.h"
#include "tests/support/compiled.h"
#include "tests/support/network.h"

#include <check.h>
#include <math.h>
#include <string.h>

static const struct {
    const char *folder, *spec;
} networks[] = {
    {"square", "lgpn:image=32,width=8,feat=32,dim=16,blocks=1-1-1-1,batch=2"},
    {"mixed_graph", "lgpn:image=32,width=8,feat=32,dim=16,blocks=1-1-1-1"},
    {"odd", "lgpn:image=37,width=8,feat=32,dim=16,blocks=1-1-1-1,batch=3"},
};

static const struct {
    const char *level, *cpu;
} builds[] = {
    {"O0", "x86-64-v3"}, {"O1", "x86-64-v4"}, {"O2", "x86-64-v2"}, {"O2", "x86-64-v3"},
    {"O2", "x86-64-v4"}, {"O3", "x86-64-v3"}, {"O1", "cuda"},      {"O2", "cuda"},
};

enum { NETWORKS = sizeof networks / sizeof *networks, BUILDS = sizeof builds / sizeof *builds };

static const char *golden(const char *folder, const char *name)
{
    static _Thread_local char path[512];
    snprintf(path, sizeof path, "%s/goldens/lgpn/%s/%s.safetensors", LGPNC_TESTS_DIR, folder, name);
    return path;
}

// Runs @infer on the tensors of the file that are named as its inputs.
static void run(lg_network *c, const lg_safetensors *data, int threads, void **outputs)
{
    lg_error e = {""};
    const lg_entry_desc *infer = lg_model_entry(c->model, "infer", &e);
    const void *inputs[4];
    for (uint32_t i = 0; i < infer->input_count; i++)
        inputs[i] = lg_safetensors_find(data, infer->inputs[i].name)->data;
    for (uint32_t i = 0; i < infer->output_count; i++)
        outputs[i] = malloc(infer->outputs[i].bytes);
    lg_threads pool;
    lg_threads_init(&pool, threads);
    ck_assert(lg_model_call(c->model, infer, inputs, outputs, &pool.parallel, &e));
    lg_threads_free(&pool);
}

// 1e-4 of the tensor's maximum is promised; correlations are sigmoids of 1000 times a logit.
static void compare(const lg_tensor_desc *desc, const float *got, const float *expected,
                    const char *build)
{
    double worst = 0, scale = 0;
    for (uint64_t i = 0; i < desc->bytes / sizeof *got; i++) {
        double difference = fabs((double)got[i] - (double)expected[i]);
        worst = difference <= worst ? worst : difference; // NaN stays
        scale = fmax(scale, fabs((double)expected[i]));
    }
    double tolerance = (strncmp(desc->name, "cg", 2) == 0 ? 1e-4 : 1e-5) * scale;
    ck_assert_msg(worst <= tolerance, "%s: %s differs by %g of %g", build, desc->name, worst,
                  scale);
}

START_TEST(results_equal_pytorch)
{
    const char *folder = networks[_i % NETWORKS].folder, *cpu = builds[_i / NETWORKS].cpu;
    bool odd = _i % NETWORKS == NETWORKS - 1,
         usual = strcmp(builds[_i / NETWORKS].level, "O2") == 0;
    if (!lg_cpu_runs(cpu) || !(odd || usual))
        return;
    lg_network c = lg_network_new(networks[_i % NETWORKS].spec, LG_MODEL_INFER,
                                  builds[_i / NETWORKS].level, cpu);
    lg_error e = {""};
    ck_assert_msg(lg_model_load_weights(c.model, golden(folder, "weights"), NULL, NULL, &e), "%s",
                  e.message);
    lg_safetensors *data = lg_safetensors_open(golden(folder, "case"), &e);
    ck_assert_msg(data != NULL, "%s", e.message);
    const lg_entry_desc *infer = lg_model_entry(c.model, "infer", &e);
    void *one[8], *three[8];
    ck_assert_uint_eq(infer->output_count, 8);
    run(&c, data, 1, one);
    run(&c, data, 3, three);
    for (uint32_t i = 0; i < infer->output_count; i++) {
        compare(&infer->outputs[i], one[i], lg_safetensors_find(data, infer->outputs[i].name)->data,
                folder);
        ck_assert_mem_eq(one[i], three[i], infer->outputs[i].bytes);
        free(one[i]);
        free(three[i]);
    }
    lg_safetensors_close(data);
    lg_network_free(&c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("compiled networks");
    TCase *results = tcase_create("results");
    tcase_add_loop_test(results, results_equal_pytorch, 0, NETWORKS * BUILDS);
    suite_add_tcase(suite, results);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
