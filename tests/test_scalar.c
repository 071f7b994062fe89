// Scalar functions: values worked out by hand for every row of ir/scalars.def, the corners that
// targets disagree about, and the narrow floats bit by bit.
#include "ir/kernel.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static lg_number f(double value)
{
    return (lg_number){.f = value};
}

static lg_number i(int64_t value)
{
    return (lg_number){.i = value};
}

typedef struct float_case {
    lg_scalar fn;
    double args[3], result;
} float_case;

static const float_case float_cases[] = {
    {LG_S_ADD, {1.5, 2}, 3.5},
    {LG_S_SUB, {1.5, 2}, -0.5},
    {LG_S_MUL, {1.5, -2}, -3},
    {LG_S_DIV, {3, -2}, -1.5},
    {LG_S_DIV, {1, 0}, INFINITY},
    {LG_S_MIN, {1, 2}, 1},
    {LG_S_MAX, {1, 2}, 2},
    {LG_S_MAX, {NAN, 0}, NAN},
    {LG_S_MIN, {NAN, 5}, NAN},
    {LG_S_MAX, {0, NAN}, NAN},
    {LG_S_MIN, {0, NAN}, NAN},
    {LG_S_FMA, {2, 3, 4}, 10},
    {LG_S_NEG, {2}, -2},
    {LG_S_ABS, {-2.5}, 2.5},
    {LG_S_SQRT, {6.25}, 2.5},
    {LG_S_SQRT, {-1}, NAN},
    {LG_S_EXP, {1}, 2.718281828459},
    {LG_S_EXP, {-INFINITY}, 0},
    {LG_S_LOG, {10}, 2.30258509299},
    {LG_S_LOG, {0}, -INFINITY},
    {LG_S_TANH, {1}, 0.76159415595},
    {LG_S_COS, {1}, 0.540302305868},
    {LG_S_FLOOR, {-1.5}, -2},
    {LG_S_FLOOR, {1.5}, 1},
    {LG_S_BF16, {1.00390625}, 1}, // halves to even
    {LG_S_BF16, {1.01171875}, 1.015625},
    {LG_S_BF16, {-1.00390626}, -1.0078125},
    {LG_S_BF16, {0x1.ffp127}, INFINITY},
    {LG_S_BF16, {NAN}, NAN},
};

START_TEST(floats)
{
    for (size_t n = 0; n < sizeof float_cases / sizeof *float_cases; n++) {
        const float_case *c = &float_cases[n];
        lg_number args[3] = {f(c->args[0]), f(c->args[1]), f(c->args[2])};
        double got = lg_scalar_evaluate(c->fn, LG_F32, args).f;
        bool right = isnan(c->result)   ? isnan(got)
                     : isinf(c->result) ? got == c->result
                                        : fabs(got - c->result) < 1e-10;
        ck_assert_msg(right, "%s(%g, %g): %.12g, not %.12g", lg_scalar_info_of(c->fn)->name,
                      c->args[0], c->args[1], got, c->result);
    }
    lg_number zeros[2] = {f(0), f(-0.0)};
    ck_assert(!signbit(lg_scalar_evaluate(LG_S_MAX, LG_F32, zeros).f));
    ck_assert(signbit(lg_scalar_evaluate(LG_S_NEG, LG_F32, zeros).f));
}
END_TEST

typedef struct integer_case {
    lg_scalar fn;
    lg_dtype dtype;
    int64_t args[2], result;
} integer_case;

static const integer_case integer_cases[] = {
    {LG_S_ADD, LG_I32, {INT32_MAX, 1}, INT32_MIN},
    {LG_S_ADD, LG_I64, {INT64_MAX, 1}, INT64_MIN},
    {LG_S_ADD, LG_U8, {255, 2}, 1},
    {LG_S_SUB, LG_I32, {INT32_MIN, 1}, INT32_MAX},
    {LG_S_SUB, LG_I64, {3, 5}, -2},
    {LG_S_MUL, LG_I32, {65536, 65536}, 0},
    {LG_S_MUL, LG_I64, {INT64_MAX, 2}, -2},
    {LG_S_DIV, LG_I32, {7, 2}, 3},
    {LG_S_DIV, LG_I32, {-7, 2}, -4},
    {LG_S_DIV, LG_I32, {7, -2}, -4},
    {LG_S_DIV, LG_I32, {-8, 2}, -4},
    {LG_S_DIV, LG_I32, {5, 0}, 0},
    {LG_S_DIV, LG_I32, {INT32_MIN, -1}, INT32_MIN},
    {LG_S_DIV, LG_I64, {INT64_MIN, -1}, INT64_MIN},
    {LG_S_MOD, LG_I32, {7, 3}, 1},
    {LG_S_MOD, LG_I32, {-7, 3}, 2},
    {LG_S_MOD, LG_I32, {7, -3}, -2},
    {LG_S_MOD, LG_I64, {5, 0}, 0},
    {LG_S_MOD, LG_I64, {INT64_MIN, -1}, 0},
    {LG_S_MOD, LG_BOOL, {1, 1}, 0},
    {LG_S_MIN, LG_I32, {-1, 1}, -1},
    {LG_S_MAX, LG_I64, {-1, 1}, 1},
    {LG_S_NEG, LG_I32, {INT32_MIN, 0}, INT32_MIN},
    {LG_S_ABS, LG_I32, {-5, 0}, 5},
    {LG_S_ABS, LG_I64, {INT64_MIN, 0}, INT64_MIN},
    {LG_S_NOT, LG_I32, {5, 0}, -6},
    {LG_S_NOT, LG_BOOL, {1, 0}, 0},
    {LG_S_AND, LG_I32, {12, 10}, 8},
    {LG_S_OR, LG_I32, {12, 10}, 14},
    {LG_S_XOR, LG_I32, {12, 10}, 6},
    {LG_S_XOR, LG_BOOL, {1, 1}, 0},
    {LG_S_SHL, LG_I32, {1, 31}, INT32_MIN},
    {LG_S_SHL, LG_I32, {1, 33}, 2},
    {LG_S_SHL, LG_I64, {1, 65}, 2},
    {LG_S_SHL, LG_BOOL, {1, 1}, 1},
    {LG_S_SHR, LG_I32, {-1, 28}, 15},
    {LG_S_SHR, LG_I64, {-1, 60}, 15},
    {LG_S_SHR, LG_I32, {8, 35}, 1},
    {LG_S_EQ, LG_I32, {3, 3}, 1},
    {LG_S_NE, LG_I32, {3, 3}, 0},
    {LG_S_EQ, LG_BOOL, {0, 1}, 0},
    {LG_S_LT, LG_I32, {-1, 0}, 1},
    {LG_S_LE, LG_I64, {1, 1}, 1},
    {LG_S_GT, LG_I64, {1, 1}, 0},
    {LG_S_GE, LG_I64, {1, 1}, 1},
};

START_TEST(integers)
{
    for (size_t n = 0; n < sizeof integer_cases / sizeof *integer_cases; n++) {
        const integer_case *c = &integer_cases[n];
        lg_number args[2] = {i(c->args[0]), i(c->args[1])};
        int64_t got = lg_scalar_evaluate(c->fn, c->dtype, args).i;
        ck_assert_msg(got == c->result, "%s of %s(%lld, %lld): %lld, not %lld",
                      lg_scalar_info_of(c->fn)->name, lg_dtype_name(c->dtype),
                      (long long)c->args[0], (long long)c->args[1], (long long)got,
                      (long long)c->result);
    }
}
END_TEST

START_TEST(comparisons_and_select)
{
    static const lg_scalar false_of_nan[] = {LG_S_EQ, LG_S_LT, LG_S_LE, LG_S_GT, LG_S_GE};
    lg_number nan[2] = {f(NAN), f(1)};
    for (int n = 0; n < 5; n++)
        ck_assert_int_eq(lg_scalar_evaluate(false_of_nan[n], LG_F32, nan).i, 0);
    ck_assert_int_eq(lg_scalar_evaluate(LG_S_NE, LG_F32, nan).i, 1);
    ck_assert_int_eq(lg_scalar_evaluate(LG_S_LT, LG_F32, (lg_number[]){f(1), f(2)}).i, 1);
    ck_assert(lg_scalar_evaluate(LG_S_SELECT, LG_F32, (lg_number[]){i(1), f(2), f(3)}).f == 2);
    ck_assert(lg_scalar_evaluate(LG_S_SELECT, LG_F32, (lg_number[]){i(0), f(2), f(3)}).f == 3);
}
END_TEST

// Every row has a case above, so that a new one cannot go without.
START_TEST(all_rows_have_cases)
{
    bool seen[LG_SCALAR_COUNT] = {[LG_S_SELECT] = true};
    for (size_t n = 0; n < sizeof float_cases / sizeof *float_cases; n++)
        seen[float_cases[n].fn] = true;
    for (size_t n = 0; n < sizeof integer_cases / sizeof *integer_cases; n++)
        seen[integer_cases[n].fn] = true;
    for (int fn = 0; fn < LG_SCALAR_COUNT; fn++)
        ck_assert_msg(seen[fn], "%s has no case", lg_scalar_info_of((lg_scalar)fn)->name);
}
END_TEST

START_TEST(what_is_defined_on_what)
{
    ck_assert(lg_scalar_accepts(LG_S_ADD, LG_I32) && lg_scalar_accepts(LG_S_ADD, LG_F32));
    ck_assert(!lg_scalar_accepts(LG_S_ADD, LG_BOOL) && !lg_scalar_accepts(LG_S_LT, LG_BOOL));
    ck_assert(lg_scalar_accepts(LG_S_EXP, LG_F32) && !lg_scalar_accepts(LG_S_EXP, LG_I32));
    ck_assert(lg_scalar_accepts(LG_S_XOR, LG_BOOL) && !lg_scalar_accepts(LG_S_XOR, LG_F32));
    ck_assert(lg_scalar_accepts(LG_S_SELECT, LG_BOOL) && lg_scalar_accepts(LG_S_EQ, LG_F16));
}
END_TEST

START_TEST(casts)
{
    ck_assert_int_eq(lg_number_cast(f(-1.9), LG_F32, LG_I32).i, -1);
    ck_assert_int_eq(lg_number_cast(f(1e10), LG_F32, LG_I32).i, INT32_MAX);
    ck_assert_int_eq(lg_number_cast(f(-1e10), LG_F32, LG_I32).i, INT32_MIN);
    ck_assert_int_eq(lg_number_cast(f(1e30), LG_F32, LG_I64).i, INT64_MAX);
    ck_assert_int_eq(lg_number_cast(f(-INFINITY), LG_F32, LG_I64).i, INT64_MIN);
    ck_assert_int_eq(lg_number_cast(f(NAN), LG_F32, LG_I64).i, 0);
    ck_assert_int_eq(lg_number_cast(f(300), LG_F32, LG_U8).i, 255);
    ck_assert_int_eq(lg_number_cast(f(-3), LG_F32, LG_U8).i, 0);
    ck_assert_int_eq(lg_number_cast(f(0.25), LG_F32, LG_BOOL).i, 1);
    ck_assert_int_eq(lg_number_cast(i(300), LG_I32, LG_U8).i, 44);
    ck_assert_int_eq(lg_number_cast(i((int64_t)1 << 31), LG_I64, LG_I32).i, INT32_MIN);
    ck_assert_int_eq(lg_number_cast(i(-7), LG_I32, LG_BOOL).i, 1);
    ck_assert(lg_number_cast(i(-7), LG_I32, LG_F32).f == -7);
}
END_TEST

static uint16_t stored(lg_dtype dtype, double value)
{
    uint16_t code;
    lg_number_store(dtype, &code, f(value));
    return code;
}

START_TEST(narrow_floats)
{
    static const struct {
        lg_dtype dtype;
        double value;
        uint16_t code;
    } cases[] = {
        {LG_F16, 1, 0x3c00},           {LG_F16, -2, 0xc000},          {LG_F16, 65504, 0x7bff},
        {LG_F16, 65519.9, 0x7bff},     {LG_F16, 65520, 0x7c00},       {LG_F16, 1e300, 0x7c00},
        {LG_F16, -INFINITY, 0xfc00},   {LG_F16, 0x1p-14, 0x0400},     {LG_F16, 0x1p-24, 0x0001},
        {LG_F16, 0x1p-25, 0x0000},     {LG_F16, 0x1.8p-25, 0x0001},   {LG_F16, 0x1.ff8p-15, 0x03ff},
        {LG_F16, 0x1.ffcp-15, 0x0400}, {LG_F16, 1 + 0x1p-11, 0x3c00}, {LG_F16, 1 + 0x3p-11, 0x3c02},
        {LG_F16, -0.0, 0x8000},        {LG_F16, 5e-324, 0x0000},      {LG_BF16, 1, 0x3f80},
        {LG_BF16, 1 + 0x1p-8, 0x3f80}, {LG_BF16, 1 + 0x3p-8, 0x3f82}, {LG_BF16, 0x1.ffp127, 0x7f80},
        {LG_BF16, 0x1.fep127, 0x7f7f}, {LG_BF16, 0x1p-133, 0x0001},   {LG_BF16, 0x1p-134, 0x0000},
        {LG_BF16, -3.5, 0xc060},       {LG_BF16, 1e300, 0x7f80},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++)
        ck_assert_msg(stored(cases[n].dtype, cases[n].value) == cases[n].code,
                      "%s of %a: %04x, not %04x", lg_dtype_name(cases[n].dtype), cases[n].value,
                      stored(cases[n].dtype, cases[n].value), cases[n].code);
    for (int dtype = LG_BF16; dtype <= LG_F16; dtype++) {
        uint16_t nan = stored((lg_dtype)dtype, NAN);
        ck_assert(isnan(lg_number_load((lg_dtype)dtype, &nan).f));
        for (int code = 0; code < 0x10000; code++) { // every value comes back as it was
            uint16_t bits = (uint16_t)code;
            double value = lg_number_load((lg_dtype)dtype, &bits).f;
            if (!isnan(value))
                ck_assert_uint_eq(stored((lg_dtype)dtype, value), bits);
        }
    }
}
END_TEST

START_TEST(memory_of_integers)
{
    char memory[8];
    lg_number_store(LG_I32, memory, i(-5));
    ck_assert_int_eq(lg_number_load(LG_I32, memory).i, -5);
    lg_number_store(LG_I64, memory, i(INT64_MIN));
    ck_assert(lg_number_load(LG_I64, memory).i == INT64_MIN);
    lg_number_store(LG_U8, memory, i(257));
    ck_assert_int_eq(lg_number_load(LG_U8, memory).i, 1);
    lg_number_store(LG_BOOL, memory, i(4));
    ck_assert_int_eq(memory[0], 1);
    lg_number_store(LG_F32, memory, f(0.1));
    ck_assert(lg_number_load(LG_F32, memory).f == (double)0.1f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scalar");
    TCase *tests = tcase_create("all");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, floats);
    tcase_add_test(tests, integers);
    tcase_add_test(tests, comparisons_and_select);
    tcase_add_test(tests, all_rows_have_cases);
    tcase_add_test(tests, what_is_defined_on_what);
    tcase_add_test(tests, casts);
    tcase_add_test(tests, narrow_floats);
    tcase_add_test(tests, memory_of_integers);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
