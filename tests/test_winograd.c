// Winograd's forms: the matrices give the convolution, and compiled code keeps the error bounds
// that docs/performance.md states, on inputs like those of a network: rectified, normally
// distributed.
#include "ir/winograd.h"
#include "tests/support/accuracy.h"
#include "tests/support/compiled.h"
#include "tests/support/network.h"

#include <check.h>
#include <stdlib.h>

enum { SIZE = 24, INPUTS = 128, OUTPUTS = 32, PIXELS = SIZE * SIZE };

static const int sizes[] = {2, 4, 6};

// ---- the matrices

// One axis: the m sums of a filter of 3 along n = m + 2 inputs.
START_TEST(matrices_convolve)
{
    lg_winograd w;
    lg_winograd_make(&w, sizes[_i]);
    ck_assert(w.m == sizes[_i] && w.n == w.m + 2);
    for (int tap = 0; tap < LG_WINOGRAD_FILTER; tap++)
        for (int input = 0; input < w.n; input++)
            for (int i = 0; i < w.m; i++) { // of unit vectors, all there is to a bilinear form
                double y = 0;
                for (int j = 0; j < w.n; j++)
                    y += w.output[i][j] * w.filter[j][tap] * w.input[j][input];
                ck_assert_double_eq_tol(y, i + tap == input, 1e-14);
            }
}
END_TEST

// What schedules build on: the rows of p and -p differ in the signs of every other element.
START_TEST(points_come_in_pairs)
{
    lg_winograd w;
    lg_winograd_make(&w, sizes[_i]);
    for (int j = 1; j < w.n - 1; j += 2)
        for (int i = 0; i < w.n; i++) {
            double sign = w.input[j][i] == w.input[j + 1][i] ? 1 : -1;
            ck_assert_double_eq(w.input[j][i], sign * w.input[j + 1][i]);
            if (i < w.m)
                ck_assert_double_eq(w.output[i][j], (i % 2 ? -1 : 1) * w.output[i][j + 1]);
        }
}
END_TEST

// ---- the error of compiled code

static const char text[] = "param @w: f32[32,128,3,3]\n"
                           "func @infer(%x: f32[1,24,24,128]) -> (%y: f32[1,24,24,32]) {\n"
                           "  %0 = conv2d %x, @w {pad=[1,1]} : f32[1,24,24,32]\n"
                           "  return %0\n"
                           "}\n";

static const lg_conv_case shape = {1, SIZE, SIZE, INPUTS, OUTPUTS, 3, 1, 1, 1};

static void run_conv(const char *option, const char *cpu, const float *x, const float *filter,
                     float *y)
{
    lg_network net = lg_network_of_text(text, option, cpu);
    lg_error e = {""};
    void *params[] = {(void *)(uintptr_t)filter};
    const void *inputs[] = {x};
    void *outputs[] = {y};
    ck_assert(lg_model_pack(net.model, params, NULL, &e));
    ck_assert(lg_model_call(net.model, lg_model_entry(net.model, "infer", &e), inputs, outputs,
                            NULL, &e));
    lg_network_free(&net);
}

static const struct {
    const char *option;
    double most, mean;
} bounds[] = {
    {"winograd{tile=2}", 4e-6, 4e-7},
    {"winograd{tile=4}", 2e-5, 1.5e-6},
    {"winograd{tile=6}", 8e-5, 4e-6},
};

START_TEST(errors_keep_their_bounds)
{
    static const char *const cpus[] = {"x86-64-v2", "x86-64-v3", "x86-64-v4"};
    float *x = lg_normal_floats((size_t)PIXELS * INPUTS, 1, true, 1);
    float *filter = lg_normal_floats((size_t)OUTPUTS * INPUTS * 9, 0.05, false, 2);
    float *y = lg_normal_floats((size_t)PIXELS * OUTPUTS, 0, false, 3);
    double *right = lg_conv_case_in_f64(&shape, x, filter);
    for (int c = 0; c < 3; c++) {
        if (!lg_cpu_runs(cpus[c]))
            continue;
        run_conv(bounds[_i].option, cpus[c], x, filter, y);
        lg_accuracy error = lg_accuracy_of(y, right, (size_t)PIXELS * OUTPUTS);
        ck_assert_msg(error.most < bounds[_i].most && error.mean < bounds[_i].mean,
                      "%s on %s: %g, mean %g", bounds[_i].option, cpus[c], error.most, error.mean);
        ck_assert_msg(error.mean > 1e-9, "%s on %s is exact: nothing was computed",
                      bounds[_i].option, cpus[c]);
        if (getenv("LGPNC_SHOW"))
            printf("%s on %s: %g, mean %g\n", bounds[_i].option, cpus[c], error.most, error.mean);
    }
    free(x);
    free(filter);
    free(y);
    free(right);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("winograd");
    TCase *matrices = tcase_create("matrices"), *errors = tcase_create("errors");
    tcase_add_loop_test(matrices, matrices_convolve, 0, 3);
    tcase_add_loop_test(matrices, points_come_in_pairs, 0, 3);
    tcase_add_loop_test(errors, errors_keep_their_bounds, 0, 3);
    suite_add_tcase(suite, matrices);
    suite_add_tcase(suite, errors);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
