// Winograd's forms: the matrices give the convolution, and compiled code keeps the error bounds
// that docs/performance.md states, on inputs like those of a network: rectified, normally
// distributed.
#include "codegen/codegen.h"
#include "ir/winograd.h"
#include "passes/pass.h"
#include "runtime/model.h"
#include "tests/support/compiled.h"

#include <check.h>
#include <math.h>
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

// Normally distributed; Box and Muller's method on a linear congruential generator.
static double draw(uint64_t *state)
{
    double uniform[2];
    for (int i = 0; i < 2; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        uniform[i] = ((double)(*state >> 11) + 0.5) / 9007199254740992.0;
    }
    return sqrt(-2 * log(uniform[0])) * cos(6.283185307179586 * uniform[1]);
}

static float *data(size_t count, double scale, bool rectified, uint64_t seed)
{
    float *values = calloc(count, sizeof *values);
    ck_assert_ptr_nonnull(values);
    for (size_t i = 0; i < count; i++) {
        double value = scale * draw(&seed);
        values[i] = (float)(rectified && value < 0 ? 0 : value);
    }
    return values;
}

// The convolution of pixel (h, w) with filter `o` in f64.
static double direct(const float *x, const float *filter, int h, int w, int o)
{
    double sum = 0;
    for (int tap = 0; tap < 9; tap++) {
        int at[] = {h + tap / 3 - 1, w + tap % 3 - 1};
        if (at[0] < 0 || at[0] >= SIZE || at[1] < 0 || at[1] >= SIZE)
            continue;
        for (int c = 0; c < INPUTS; c++)
            sum += (double)x[(at[0] * SIZE + at[1]) * INPUTS + c] *
                   (double)filter[(o * INPUTS + c) * 9 + tap];
    }
    return sum;
}

// Largest and mean error, relative to the root of the mean square.
static void measure(const float *x, const float *filter, const float *y, double *most, double *mean)
{
    double squares = 0;
    *most = *mean = 0;
    for (int p = 0; p < PIXELS; p++)
        for (int o = 0; o < OUTPUTS; o++) {
            double right = direct(x, filter, p / SIZE, p % SIZE, o);
            double error = fabs(right - (double)y[p * OUTPUTS + o]);
            squares += right * right;
            *mean += error;
            *most = error > *most ? error : *most;
        }
    double scale = sqrt(squares / (PIXELS * OUTPUTS));
    *most /= scale;
    *mean /= scale * (PIXELS * OUTPUTS);
}

static void run_conv(const char *option, const char *cpu, const float *x, const float *filter,
                     float *y)
{
    lg_diag *diag = lg_diag_new();
    lg_unit unit = {.module = lg_parse_module("conv", text, sizeof text - 1, diag)};
    lg_cpu_target cpu_target;
    lg_pipeline_options passes = {.target = lg_target_find(cpu), .set = option};
    bool ok = unit.module && lg_cpu_target_resolve(&cpu_target, cpu, NULL, diag) &&
              lg_pipeline_run(&unit, lg_pipeline_named("O2", LG_TARGET_CPU), &passes, diag);
    lg_codegen_options options = {
        .prefix = "net", .model = "conv", .compiler = "test", .target = &cpu_target};
    lg_jit *jit = ok ? lg_jit_new(unit.program, &options, diag) : NULL;
    lg_diag_print(diag, stderr);
    ck_assert_ptr_nonnull(jit);
    lg_error e = {""};
    lg_model *model = lg_model_new(lg_jit_artifact(jit), "conv", &e);
    ck_assert_msg(model != NULL, "%s", e.message);
    void *params[] = {(void *)(uintptr_t)filter};
    const void *inputs[] = {x};
    void *outputs[] = {y};
    ck_assert(lg_model_pack(model, params, NULL, &e));
    ck_assert(lg_model_call(model, lg_model_entry(model, "infer", &e), inputs, outputs, NULL, &e));
    lg_model_free(model);
    lg_jit_free(jit);
    lg_program_free(unit.program);
    lg_module_free(unit.module);
    lg_diag_free(diag);
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
    float *x = data((size_t)PIXELS * INPUTS, 1, true, 1);
    float *filter = data((size_t)OUTPUTS * INPUTS * 9, 0.05, false, 2);
    float *y = data((size_t)PIXELS * OUTPUTS, 0, false, 3);
    for (int c = 0; c < 3; c++) {
        double most, mean;
        if (!lg_cpu_runs(cpus[c]))
            continue;
        run_conv(bounds[_i].option, cpus[c], x, filter, y);
        measure(x, filter, y, &most, &mean);
        ck_assert_msg(most < bounds[_i].most && mean < bounds[_i].mean, "%s on %s: %g, mean %g",
                      bounds[_i].option, cpus[c], most, mean);
        ck_assert_msg(mean > 1e-9, "%s on %s is exact: nothing was computed", bounds[_i].option,
                      cpus[c]);
        if (getenv("LGPNC_SHOW"))
            printf("%s on %s: %g, mean %g\n", bounds[_i].option, cpus[c], most, mean);
    }
    free(x);
    free(filter);
    free(y);
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
