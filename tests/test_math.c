// exp, log, tanh and cos of compiled code against libm in f64: 2 ulp at most, over floats of every
// magnitude, and the same special values.
#include "tests/support/compiled.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

enum { VALUES = 1 << 20, HALF = VALUES / 2, STEP = 4099 }; // STEP * VALUES is all of 2^32

static const struct {
    lg_scalar fn;
    double (*exact)(double);
} functions[] = {{LG_S_EXP, exp}, {LG_S_LOG, log}, {LG_S_TANH, tanh}, {LG_S_COS, cos}};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

static float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// The special values first, then floats all over the number line, then many near zero to ten.
static void fill(float *values)
{
    static const float special[] = {0.0f,  -0.0f,      1.0f,     -1.0f,    INFINITY,    -INFINITY,
                                    NAN,   1e-45f,     -1e-45f,  1e-38f,   0x1p-126f,   88.72284f,
                                    89.0f, -87.3365f,  -103.97f, -104.0f,  3.4028e38f,  -3.4028e38f,
                                    0.55f, 0.5500001f, 65535.9f, 65536.1f, 16367173.0f, 1.5707964f};
    enum { SPECIAL = sizeof special / sizeof *special };
    for (int i = 0; i < VALUES; i++) {
        uint32_t bits = (uint32_t)i * STEP;
        values[i] = i < SPECIAL ? special[i]
                    : i % 2     ? float_of_bits(bits)
                                : (float)(i - HALF) * 1.9073e-5f;
    }
}

// How many units in the last place of the exact result, as a float, `got` is off.
static double ulp_error(float got, double exact)
{
    float rounded = (float)exact;
    if (isnan(exact) || isinf(rounded))
        return (isnan(exact) && isnan(got)) || got == rounded ? 0 : INFINITY;
    if (exact == 0)
        return got == 0 && !signbit(got) == !signbit(exact) ? 0 : INFINITY;
    double unit = ldexp(1, ilogb(exact) < -126 ? -149 : ilogb(exact) - 23);
    return fabs((double)got - exact) / unit;
}

static lg_program *make_program(int lanes)
{
    lg_program *program = lg_program_new("math");
    for (int i = 0; i < FUNCTIONS; i++) {
        lg_kernel *kernel = lg_kernel_new(program, lg_scalar_info_of(functions[i].fn)->name);
        int64_t dims[] = {VALUES};
        lg_kbuffer *x = lg_kernel_param(kernel, "x", LG_SCOPE_IN, LG_F32, 1, dims);
        lg_kbuffer *y = lg_kernel_param(kernel, "y", LG_SCOPE_OUT, LG_F32, 1, dims);
        lg_kbuilder k;
        lg_k_begin(&k, kernel);
        lg_kx *index = lg_k_for(&k, LG_LOOP_PARALLEL, "i", VALUES / lanes);
        index = lg_kx_muli(&k, index, lanes);
        lg_kx *value = lg_kx_load(&k, x, &index, lanes);
        lg_k_store(&k, y, &index, lanes, lg_kx_apply(&k, functions[i].fn, value, NULL, NULL));
        lg_k_end(&k);
    }
    return program;
}

static void check_all(const char *cpu, int lanes)
{
    lg_program *program = make_program(lanes);
    lg_compiled *compiled = lg_compiled_new(program, cpu);
    float *x = malloc(VALUES * sizeof *x), *y = malloc(VALUES * sizeof *y);
    ck_assert(x && y);
    fill(x);
    for (int i = 0; i < FUNCTIONS; i++) {
        const char *name = lg_scalar_info_of(functions[i].fn)->name;
        lg_compiled_run(compiled, lg_program_kernel(program, name), (void *[]){x, y});
        double worst = 0;
        float at = 0;
        for (int j = 0; j < VALUES; j++) {
            double error = ulp_error(y[j], functions[i].exact((double)x[j]));
            if (error > worst)
                worst = error, at = x[j];
        }
        ck_assert_msg(worst <= 2, "%s %s of %d lanes: %g ulp at %a", cpu, name, lanes, worst,
                      (double)at);
    }
    free(x);
    free(y);
    lg_compiled_free(compiled);
    lg_program_free(program);
}

START_TEST(within_two_ulp)
{
    static const struct {
        const char *cpu;
        int lanes;
    } cases[] = {
        {"x86-64-v2", 4}, {"x86-64-v3", 1}, {"x86-64-v3", 8}, {"x86-64-v4", 16}, {"aarch64", 4}};
    if (lg_cpu_runs(cases[_i].cpu))
        check_all(cases[_i].cpu, cases[_i].lanes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("math");
    TCase *tests = tcase_create("math");
    tcase_add_loop_test(tests, within_two_ulp, 0, 5);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
