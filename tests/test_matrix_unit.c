// The matrix unit: convolutions as products of bf16 parts keep the error bounds that
// docs/performance.md states, on inputs like those of a network (rectified, normally distributed),
// for every shape of image, filter and epilogue; one thread and two give the same bits.
#include "runtime/matrix_unit.h"
#include "runtime/threads.h"
#include "tests/support/accuracy.h"
#include "tests/support/compiled.h"
#include "tests/support/network.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const char cpu[] = "sapphirerapids";

static const struct {
    lg_conv_case conv;
    bool residual; // adds an image, then relu
} cases[] = {
    {{1, 14, 14, 128, 32, 3, 1, 1, 1}, false}, // what the table of docs/performance.md shows
    {{1, 14, 14, 128, 64, 1, 1, 0, 1}, false}, {{2, 7, 7, 128, 64, 3, 1, 1, 1}, false},
    {{1, 33, 20, 128, 32, 3, 1, 1, 1}, false}, {{1, 33, 20, 128, 48, 3, 2, 1, 1}, false},
    {{2, 14, 14, 128, 64, 1, 2, 0, 1}, false}, {{1, 14, 14, 128, 64, 3, 1, 1, 4}, false},
    {{1, 14, 14, 128, 64, 3, 1, 1, 1}, true},  {{2, 7, 7, 128, 256, 1, 1, 0, 1}, true},
};
enum { CASES = sizeof cases / sizeof *cases };

static const struct {
    const char *option;
    double most, mean;
} bounds[] = {{"matrix-unit{parts=2}", 4e-5, 5e-6}, {"matrix-unit{parts=3}", 4e-6, 3e-7}};

// The module of a case: %r is added only where there is a residual.
static void print_text(const lg_conv_case *c, bool residual, char *text, size_t size)
{
    int tall = lg_conv_case_side(c, c->height), wide = lg_conv_case_side(c, c->width);
    char y[64];
    snprintf(y, sizeof y, "f32[%d,%d,%d,%d]", c->batch, tall, wide, c->outputs);
    int used =
        snprintf(text, size,
                 "param @w: f32[%d,%d,%d,%d]\n"
                 "func @infer(%%x: f32[%d,%d,%d,%d], %%r: %s) -> (%%y: %s) {\n"
                 "  %%0 = conv2d %%x, @w {stride=[%d,%d], pad=[%d,%d], groups=%d} : %s\n",
                 c->outputs, c->inputs / c->groups, c->kernel, c->kernel, c->batch, c->height,
                 c->width, c->inputs, y, y, c->stride, c->stride, c->pad, c->pad, c->groups, y);
    snprintf(text + used, size - (size_t)used,
             residual ? "  %%1 = add %%0, %%r : %s\n  %%2 = relu %%1 : %s\n  return %%2\n}\n"
                      : "  return %%0\n}\n",
             y, y);
}

static void run(const lg_network *net, float *filter, const float *x, const float *r, float *y,
                int thread_count)
{
    lg_error e = {""};
    lg_threads threads;
    void *params[] = {filter}, *outputs[] = {y};
    const void *inputs[] = {x, r};
    lg_threads_init(&threads, thread_count);
    ck_assert_msg(lg_model_pack(net->model, params, NULL, &e), "%s", e.message);
    ck_assert_msg(lg_model_call(net->model, lg_model_entry(net->model, "infer", &e), inputs,
                                outputs, thread_count == 1 ? NULL : &threads.parallel, &e),
                  "%s", e.message);
    lg_threads_free(&threads);
}

static bool uses_matrix_unit(const lg_network *net)
{
    return lg_entry_uses_matrix_unit(lg_program_entry(net->unit.program, "infer"));
}

static void add_and_rectify(double *y, const float *r, size_t count)
{
    for (size_t i = 0; i < count; i++)
        y[i] = y[i] + (double)r[i] > 0 ? y[i] + (double)r[i] : 0;
}

// Case _i % CASES with the parts of row _i / CASES.
START_TEST(errors_keep_their_bounds)
{
    const lg_conv_case *c = &cases[_i % CASES].conv;
    bool residual = cases[_i % CASES].residual;
    double most = bounds[_i / CASES].most, mean = bounds[_i / CASES].mean;
    size_t count = lg_conv_case_outputs(c);
    size_t pixels = (size_t)c->batch * (size_t)c->height * (size_t)c->width;
    size_t taps = (size_t)c->kernel * (size_t)c->kernel;
    size_t weights = (size_t)c->outputs * (size_t)(c->inputs / c->groups) * taps;
    float *x = lg_normal_floats(pixels * (size_t)c->inputs, 1, true, 1);
    float *filter = lg_normal_floats(weights, 0.05, false, 2);
    float *r = lg_normal_floats(count, 1, false, 3);
    float *y = calloc(count, sizeof *y), *again = calloc(count, sizeof *again);
    ck_assert(y && again);
    double *right = lg_conv_case_in_f64(c, x, filter);
    if (residual)
        add_and_rectify(right, r, count);

    char text[1024];
    print_text(c, residual, text, sizeof text);
    lg_network net = lg_network_of_text(text, bounds[_i / CASES].option, cpu);
    ck_assert_msg(uses_matrix_unit(&net), "no matrix registers for\n%s", text);
    run(&net, filter, x, r, y, 1);
    run(&net, filter, x, r, again, 2);
    lg_accuracy error = lg_accuracy_of(y, right, count);
    if (getenv("LGPNC_SHOW"))
        printf("%s, case %d: %g, mean %g\n", bounds[_i / CASES].option, _i % CASES, error.most,
               error.mean);
    ck_assert_msg(error.most < most && error.mean < mean, "%g, mean %g:\n%s", error.most,
                  error.mean, text);
    ck_assert_msg(error.mean > 1e-9, "exact: nothing was computed");
    ck_assert_mem_eq(y, again, count * sizeof *y);
    lg_network_free(&net);
    free(x);
    free(filter);
    free(r);
    free(y);
    free(again);
    free(right);
}
END_TEST

int main(void)
{
    if (!lg_cpu_runs(cpu)) {
        puts("SKIPPED: this machine has no matrix unit");
        return 77;
    }
    Suite *suite = suite_create("matrix unit");
    TCase *errors = tcase_create("errors");
    tcase_add_loop_test(errors, errors_keep_their_bounds, 0, 2 * CASES);
    suite_add_tcase(suite, errors);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
