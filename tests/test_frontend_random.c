// Random numbers in the DSL, by the reference interpreter: uniform and normal ones against what
// chance allows, and dropout.
#include "tests/support/built_model.h"

#include <check.h>

enum { DRAWS = 1 << 16 };

static void build_uniform(lg_name_scope *s)
{
    output(s, "first", uniform(s, 16, DRAWS / 16));
    output(s, "second", uniform(s, DRAWS));
    output(s, "scalar", lg_uniform(s, LG_HERE, LG_SCALAR_SHAPE));
}

static double *draw(lg_built_model *m, double seed, double counter, const char *call)
{
    lg_reference_set(&m->reference, "random.seed", 0, seed);
    lg_reference_set(&m->reference, "random.counter", 0, counter);
    lg_built_model_run(m, "infer", NULL);
    double *numbers = malloc(DRAWS * sizeof *numbers);
    ck_assert_ptr_nonnull(numbers);
    for (int i = 0; i < DRAWS; i++)
        numbers[i] = lg_built_model_result(m, call, i);
    return numbers;
}

static double correlation(const double *a, const double *b, int count)
{
    double product = 0;
    for (int i = 0; i < count; i++)
        product += (a[i] - 0.5) * (b[i] - 0.5);
    return product * 12 / count; // the variance is 1/12
}

// 5 deviations of a sum of DRAWS independent numbers: chance fails one seed in a million.
static const double five_sigma = 5.0 / 256;

static void check_uniform(const double *numbers, const char *what)
{
    int bins[256] = {0}, ones[24] = {0};
    double sum = 0, chi = 0;
    for (int i = 0; i < DRAWS; i++) {
        ck_assert(numbers[i] >= 0 && numbers[i] < 1);
        int bits = (int)(numbers[i] * 0x1p24);
        bins[bits >> 16]++;
        for (int b = 0; b < 24; b++)
            ones[b] += bits >> b & 1;
        sum += numbers[i];
    }
    for (int i = 0; i < 256; i++)
        chi += (bins[i] - DRAWS / 256.0) * (bins[i] - DRAWS / 256.0) / (DRAWS / 256.0);
    ck_assert_msg(fabs(sum / DRAWS - 0.5) < five_sigma / (sqrt)(12), "%s: mean %g", what,
                  sum / DRAWS);
    ck_assert_msg(fabs(chi - 255) < 5 * (sqrt)(2 * 255), "%s: chi squared %g", what, chi);
    for (int b = 0; b < 24; b++)
        ck_assert_msg(fabs(ones[b] * 2.0 / DRAWS - 1) < five_sigma, "%s: bit %d is set %d times",
                      what, b, ones[b]);
    for (int lag = 1; lag <= 4096; lag *= 2) // neighbours, and those in the rows above
        ck_assert_msg(fabs(correlation(numbers, numbers + lag, DRAWS - lag)) < 1.1 * five_sigma,
                      "%s: elements %d apart correlate", what, lag);
}

START_TEST(random_numbers_are_uniform_and_independent)
{
    lg_built_model m = lg_built_model_new(build_uniform, LG_MODEL_INFER, NULL);
    static const double keys[][2] = {{0, 0}, {0, 1}, {1, 0}, {7, 1000000}, {0x1p40, 1}};
    enum { KEYS = sizeof keys / sizeof *keys };
    double *streams[2 * KEYS];
    for (int i = 0; i < KEYS; i++) {
        streams[2 * i] = draw(&m, keys[i][0], keys[i][1], "first");
        streams[2 * i + 1] = draw(&m, keys[i][0], keys[i][1], "second");
    }
    for (int i = 0; i < 2 * KEYS; i++) {
        char what[64];
        snprintf(what, sizeof what, "seed %g, counter %g, call %d", keys[i / 2][0], keys[i / 2][1],
                 i % 2);
        check_uniform(streams[i], what);
        for (int j = 0; j < i; j++)
            ck_assert_msg(fabs(correlation(streams[i], streams[j], DRAWS)) < five_sigma,
                          "streams %d and %d correlate", i, j);
    }
    for (int i = 0; i < 2 * KEYS; i++)
        free(streams[i]);
    lg_built_model_free(&m);
}
END_TEST

static void build_normal(lg_name_scope *s)
{
    output(s, "first", normal(s, DRAWS));
    output(s, "second", normal(s, DRAWS));
}

// Mean, variance and fourth moment within five deviations; what lies within one, two and three.
static void check_normal(const double *x)
{
    static const double shares[] = {0.682689, 0.954500, 0.997300};
    double sums[3] = {0};
    int within[3] = {0};
    for (int i = 0; i < DRAWS; i++) {
        ck_assert(fabs(x[i]) < 5.8);
        sums[0] += x[i];
        sums[1] += x[i] * x[i];
        sums[2] += pow(x[i], 4);
        for (int k = 0; k < 3; k++)
            within[k] += fabs(x[i]) < k + 1;
    }
    ck_assert(fabs(sums[0] / DRAWS) < five_sigma);
    ck_assert(fabs(sums[1] / DRAWS - 1) < five_sigma * (sqrt)(2));
    ck_assert(fabs(sums[2] / DRAWS - 3) < five_sigma * (sqrt)(96));
    for (int k = 0; k < 3; k++)
        ck_assert(fabs(within[k] / (double)DRAWS - shares[k]) < five_sigma / 2);
}

START_TEST(normal_numbers_have_the_moments_of_theirs)
{
    lg_built_model m = lg_built_model_new(build_normal, LG_MODEL_INFER, NULL);
    double *a = draw(&m, 3, 9, "first"), *b = draw(&m, 3, 9, "second"), product = 0;
    check_normal(a);
    check_normal(b);
    for (int i = 0; i < DRAWS; i++)
        product += a[i] * b[i];
    ck_assert(fabs(product / DRAWS) < five_sigma);
    free(a);
    free(b);
    lg_built_model_free(&m);
}
END_TEST

enum { ALL = LG_MODEL_INFER | LG_MODEL_LOSS_AND_GRAD | LG_MODEL_TRAIN_STEP };

static void build_dropout(lg_name_scope *s)
{
    lg_value *x = input(s, "x", LG_F32, 1), *ones = broadcast(s, x, 200, 300);
    lg_value *a = dropout(s, ones, 0.2), *b = dropout(s, ones, 0.2);
    loss(s, "mean", mean_all(s, a));
    loss(s, "kept", mean_all(s, cast(s, greater(s, a, 0), LG_F32)));
    loss(s, "most", sum(s, reduce_max(s, a, 0, 1), 0, 1));
    loss(s, "both_kept", mean_all(s, cast(s, greater(s, mul(s, a, b), 0), LG_F32)));
    output(s, "y", mean_all(s, a));
}

START_TEST(dropout_scales_what_it_keeps_and_is_repeatable)
{
    static const double inputs[] = {1, 0.1};
    lg_built_model m = lg_built_model_new(build_dropout, ALL, NULL);
    lg_built_model_run(&m, "infer", inputs);
    lg_expect_number("dropout in inference", lg_built_model_result(&m, "y", 0), 1);
    lg_built_model_run(&m, "loss_and_grad", inputs);
    double before = lg_built_model_result(&m, "loss_mean", 0);
    ck_assert_double_eq_tol(before, 1, 5 * 0.5 / (sqrt)(60000));
    ck_assert_double_eq_tol(lg_built_model_result(&m, "loss_kept", 0), 0.8,
                            5 * 0.4 / (sqrt)(60000));
    ck_assert_double_eq_tol(lg_built_model_result(&m, "loss_both_kept", 0), 0.64,
                            5 * 0.48 / (sqrt)(60000));
    lg_expect_number("what is kept", lg_built_model_result(&m, "loss_most", 0), 1.25);
    ck_assert_double_eq(lg_built_model_symbol(&m, "random.counter", 0), 0);
    lg_built_model_run(&m, "train_step", inputs); // draws what @loss_and_grad drew
    ck_assert_double_eq(lg_built_model_result(&m, "loss_mean", 0), before);
    ck_assert_double_eq(lg_built_model_symbol(&m, "random.counter", 0), 1);
    lg_built_model_run(&m, "train_step", inputs);
    ck_assert_double_ne(lg_built_model_result(&m, "loss_mean", 0), before);
    lg_reference_set(&m.reference, "random.counter", 0, 0);
    lg_built_model_run(&m, "loss_and_grad", inputs);
    ck_assert_double_eq(lg_built_model_result(&m, "loss_mean", 0), before);
    lg_reference_set(&m.reference, "random.seed", 0, 5);
    lg_built_model_run(&m, "loss_and_grad", inputs);
    ck_assert_double_ne(lg_built_model_result(&m, "loss_mean", 0), before);
    lg_built_model_free(&m);

    lg_training none = LG_TRAINING_DEFAULTS;
    none.no_dropout = true;
    m = lg_built_model_new(build_dropout, ALL, &none);
    lg_built_model_run(&m, "train_step", inputs);
    lg_expect_number("without dropout", lg_built_model_result(&m, "loss_mean", 0), 1);
    ck_assert_ptr_null(lg_module_symbol(m.module, "random.seed"));
    lg_built_model_free(&m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("random numbers in the DSL");
    TCase *tests = tcase_create("random numbers in the DSL");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, random_numbers_are_uniform_and_independent);
    tcase_add_test(tests, normal_numbers_have_the_moments_of_theirs);
    tcase_add_test(tests, dropout_scales_what_it_keeps_and_is_repeatable);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
