// Expressions of the kernel IR: what simplifies to what, as text; and that simplifying never
// changes a value, on random index formulas over every value of their variables.
#include "ir/kernel.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

// i in 0..8, j in 0..4, n in 0..100, s in 3..11, one in 0..1, u of unknown range; x is f32, v
// f32x8.
typedef struct fixture {
    lg_program *program;
    lg_kbuilder k;
    lg_kx *i, *j, *n, *s, *one, *u, *x, *v;
    lg_kbuffer *buffer;
} fixture;

static void set_up(fixture *f)
{
    f->program = lg_program_new("test");
    lg_kernel *kernel = lg_kernel_new(f->program, "test");
    lg_kbuffer *counts = lg_kernel_param(kernel, "counts", LG_SCOPE_IN, LG_I64, 0, NULL);
    f->buffer = lg_kernel_param(kernel, "b", LG_SCOPE_IN, LG_F32, 1, (int64_t[]){64});
    lg_k_begin(&f->k, kernel);
    f->i = lg_k_for(&f->k, LG_LOOP_SERIAL, "i", 8);
    f->j = lg_k_for(&f->k, LG_LOOP_SERIAL, "j", 4);
    f->n = lg_k_for(&f->k, LG_LOOP_SERIAL, "n", 100);
    f->s = lg_k_loop(&f->k, LG_LOOP_SERIAL, "s", lg_kx_int(&f->k, 3), lg_kx_int(&f->k, 11), 1);
    f->one = lg_k_for(&f->k, LG_LOOP_SERIAL, "one", 1);
    f->u = lg_k_let(&f->k, "u", lg_kx_load(&f->k, counts, NULL, 1));
    f->x = lg_k_let(&f->k, "x", lg_kx_load(&f->k, f->buffer, &f->i, 1));
    f->v = lg_k_let(&f->k, "v", lg_kx_load(&f->k, f->buffer, (lg_kx *[]){lg_kx_int(&f->k, 0)}, 8));
}

static char *text_of(const lg_kx *x)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    lg_print_kx(x, out);
    fclose(out);
    return text;
}

static void expect(int line, const lg_kx *x, const char *expected)
{
    char *text = text_of(x);
    bool equal = strcmp(text, expected) == 0;
    char message[512];
    snprintf(message, sizeof message, "line %d: `%s`, not `%s`", line, text, expected);
    free(text);
    ck_assert_msg(equal, "%s", message);
}

#define IS(expression, expected) expect(__LINE__, (expression), expected)
#define ADD(a, b) lg_kx_add(k, (a), (b))
#define ADDI(a, b) lg_kx_addi(k, (a), (b))
#define SUB(a, b) lg_kx_apply(k, LG_S_SUB, (a), (b), NULL)
#define MULI(a, b) lg_kx_muli(k, (a), (b))
#define DIVI(a, b) lg_kx_divi(k, (a), (b))
#define MODI(a, b) lg_kx_modi(k, (a), (b))
#define INT(a) lg_kx_int(k, (a))
#define FLOAT(a) lg_kx_float(k, (a))
#define FN(fn, a, b) lg_kx_apply(k, LG_S_##fn, (a), (b), NULL)
#define FN3(fn, a, b, c) lg_kx_apply(k, LG_S_##fn, (a), (b), (c))

START_TEST(sums_have_one_form)
{
    fixture f;
    set_up(&f);
    lg_kbuilder *k = &f.k;
    IS(ADD(f.i, f.j), "%i + %j");
    IS(ADD(ADD(f.i, INT(3)), ADD(f.j, INT(-5))), "%i + %j - 2");
    IS(ADD(MULI(f.i, 8), MULI(f.i, -7)), "%i");
    IS(SUB(f.i, f.i), "0");
    IS(SUB(INT(7), f.i), "7 - %i");
    IS(SUB(INT(0), f.i), "%i * -1");
    IS(SUB(f.j, MULI(f.i, 3)), "%j - %i * 3");
    IS(MULI(ADD(MULI(ADDI(f.i, 1), 4), f.j), 2), "%i * 8 + %j * 2 + 8");
    IS(MULI(f.i, 0), "0");
    IS(ADD(f.one, f.i), "%i");
    IS(FN(MUL, f.i, f.j), "%i * %j");
    IS(ADD(FN(MUL, f.i, f.j), FN(MUL, f.i, f.j)), "%i * %j * 2");
    IS(FN(NEG, SUB(f.i, f.j), NULL), "%i * -1 + %j");
    IS(ADD(lg_kx_lanes(k, 8), f.i), "lanes(8) + %i");
    IS(ADDI(lg_kx_lanes(k, 8), 0), "lanes(8)");
    lg_program_free(f.program);
}
END_TEST

START_TEST(quotients_and_remainders)
{
    fixture f;
    set_up(&f);
    lg_kbuilder *k = &f.k;
    lg_kx *flat = ADD(MULI(f.n, 8), f.i);
    IS(DIVI(flat, 8), "%n");
    IS(MODI(flat, 8), "%i");
    IS(DIVI(flat, 16), "%n / 2");
    IS(MODI(flat, 16), "%n % 2 * 8 + %i");
    IS(DIVI(flat, 4), "%n * 2 + %i / 4");
    IS(MODI(flat, 4), "%i % 4");
    IS(DIVI(ADDI(f.n, 5), 8), "(%n + 5) / 8");
    IS(DIVI(ADDI(f.n, 13), 8), "(%n + 5) / 8 + 1");
    IS(DIVI(ADDI(f.s, -3), 8), "0");
    IS(MODI(ADDI(f.s, -3), 8), "%s - 3");
    IS(MODI(SUB(INT(7), f.i), 8), "7 - %i");
    IS(DIVI(DIVI(f.n, 4), 5), "%n / 20");
    IS(DIVI(ADDI(DIVI(f.n, 4), 2), 5), "(%n + 8) / 20");
    IS(DIVI(MODI(f.n, 32), 8), "%n / 8 % 4");
    IS(MODI(MODI(f.n, 32), 8), "%n % 8");
    IS(MODI(f.n, 100), "%n");
    IS(DIVI(MULI(f.n, 9), 8), "%n + %n / 8");
    IS(DIVI(f.u, 1), "%u");
    IS(DIVI(MULI(f.u, 8), 8), "%u * 8 / 8");
    IS(MODI(f.u, 1), "0");
    lg_program_free(f.program);
}
END_TEST

START_TEST(quotient_and_remainder_meet_again)
{
    fixture f;
    set_up(&f);
    lg_kbuilder *k = &f.k;
    IS(ADD(MULI(DIVI(f.n, 8), 8), MODI(f.n, 8)), "%n");
    IS(ADD(MODI(f.n, 8), MULI(DIVI(f.n, 8), 8)), "%n");
    IS(ADD(ADD(MULI(DIVI(f.n, 8), 16), MULI(MODI(f.n, 8), 2)), f.i), "%n * 2 + %i");
    lg_kx *flat = ADD(MULI(f.n, 4), f.i);
    IS(ADD(MULI(DIVI(flat, 12), 12), MODI(flat, 12)), "%n * 4 + %i");
    lg_kx *parts = ADD(MULI(DIVI(f.n, 30), 30), MULI(MODI(DIVI(f.n, 5), 6), 5));
    IS(ADD(parts, MODI(f.n, 5)), "%n");
    IS(ADD(MULI(DIVI(f.n, 8), 9), MODI(f.n, 8)), "%n / 8 * 9 + %n % 8");
    lg_program_free(f.program);
}
END_TEST

START_TEST(order_is_decided_by_ranges)
{
    fixture f;
    set_up(&f);
    lg_kbuilder *k = &f.k;
    IS(FN(LT, f.i, INT(8)), "true");
    IS(FN(LT, f.i, INT(7)), "%i < 7");
    IS(FN(GE, f.i, f.s), "%i >= %s");
    IS(FN(LE, f.i, ADD(f.i, f.j)), "true");
    IS(FN(GT, f.i, ADD(f.i, f.j)), "false");
    IS(FN(EQ, f.i, f.i), "true");
    IS(FN(NE, ADDI(f.i, 8), f.j), "true");
    IS(FN(EQ, f.u, f.u), "true");
    IS(FN(LT, f.u, ADDI(f.u, 1)), "%u < %u + 1");
    IS(FN(MIN, ADDI(f.i, 4), f.j), "%j");
    IS(FN(MAX, f.i, INT(0)), "%i");
    IS(FN(MIN, f.i, INT(5)), "min(%i, 5)");
    IS(FN(MIN, FN(MAX, f.u, INT(0)), INT(5)), "min(max(%u, 0), 5)");
    IS(FN(LT, FN(MIN, FN(MAX, f.u, INT(0)), INT(5)), INT(6)), "true");
    IS(FN3(SELECT, FN(LT, f.i, INT(8)), f.i, f.j), "%i");
    IS(FN3(SELECT, FN(LT, f.i, INT(3)), f.j, f.j), "%j");
    IS(FN(AND, FN(LT, f.i, INT(8)), FN(LT, f.i, INT(3))), "%i < 3");
    IS(FN(OR, FN(LT, f.i, INT(8)), FN(LT, f.i, INT(3))), "true");
    lg_program_free(f.program);
}
END_TEST

START_TEST(floats_fold_where_exact)
{
    fixture f;
    set_up(&f);
    lg_kbuilder *k = &f.k;
    IS(FN(ADD, FLOAT(0.5), FLOAT(0.25)), "0.75");
    IS(FN(ADD, FLOAT(1.0), FLOAT(1e-10)), "1.0");
    IS(FN(ADD, f.x, FLOAT(0)), "%x");
    IS(FN(MUL, FLOAT(1), f.v), "%v");
    IS(FN(MUL, f.x, FLOAT(0)), "%x * 0.0");
    IS(FN(SUB, FLOAT(0), f.x), "0.0 - %x");
    IS(FN(DIV, f.x, FLOAT(1)), "%x");
    IS(FN(MAX, FLOAT(2), FLOAT(-3)), "2.0");
    IS(FN(EXP, FLOAT(1), NULL), "exp(1.0)");
    IS(FN3(FMA, FLOAT(1), f.x, f.v), "fma(1.0, %x, %v)");
    IS(FN(MAX, f.v, FLOAT(0)), "max(%v, 0.0)");
    IS(lg_kx_sum(k, f.x), "%x");
    IS(lg_kx_low(k, lg_kx_load(k, f.buffer, &f.i, 8), 3), "low(%b[%i : 8], 3)");
    lg_program_free(f.program);
}
END_TEST

START_TEST(casts_and_constants)
{
    fixture f;
    set_up(&f);
    lg_kbuilder *k = &f.k;
    IS(lg_kx_cast(k, LG_F32, f.x), "%x");
    IS(lg_kx_cast(k, LG_I32, INT(3)), "3i32");
    IS(lg_kx_cast(k, LG_F32, INT(3)), "3.0");
    IS(lg_kx_cast(k, LG_I64, lg_kx_cast(k, LG_I32, f.x)), "i64(i32(%x))");
    IS(lg_kx_number(k, LG_BF16, 0.5), "0.5");
    IS(lg_kx_number(k, LG_U8, 200), "200i32");
    IS(lg_kx_number(k, LG_BOOL, 1), "true");
    lg_kx *wide = lg_kx_integer(k, LG_I32, INT32_MAX);
    IS(FN(ADD, wide, lg_kx_integer(k, LG_I32, 1)), "-2147483648i32");
    IS(ADDI(INT(INT64_MAX), 1), "-9223372036854775808");
    lg_program_free(f.program);
}
END_TEST

START_TEST(types_of_operands_are_checked)
{
    static const struct {
        lg_scalar fn;
        lg_ktype types[3];
        const char *message;
    } cases[] = {
        {LG_S_ADD, {{LG_F32, 8}, {LG_F32, 4}}, "the operands of add are vectors of 8 and 4 lanes"},
        {LG_S_ADD,
         {{LG_F32, 1}, {LG_I64, 1}},
         "the operands of add are f32 and i64; cast one of them"},
        {LG_S_EXP, {{LG_I32, 1}}, "exp does not take i32"},
        {LG_S_AND, {{LG_F32, 1}, {LG_F32, 1}}, "and does not take f32"},
        {LG_S_SELECT,
         {{LG_F32, 1}, {LG_F32, 1}, {LG_F32, 1}},
         "the first operand of select is f32, not bool"},
        {LG_S_LT, {{LG_F32, 8}, {LG_F32, 1}}, NULL},
        {LG_S_SELECT, {{LG_BOOL, 8}, {LG_I32, 1}, {LG_I32, 8}}, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lg_ktype result;
        char message[160] = "";
        bool right = lg_kx_check_apply(cases[i].fn, cases[i].types, &result, message);
        ck_assert_int_eq(right, cases[i].message == NULL);
        ck_assert_str_eq(message, cases[i].message ? cases[i].message : "");
        ck_assert(!right || result.lanes == 8);
    }
}
END_TEST

START_TEST(names_are_unique)
{
    fixture f;
    set_up(&f);
    lg_kbuilder *k = &f.k;
    IS(lg_k_let(k, "i", FLOAT(1)), "%i_1");
    IS(lg_k_let(k, "i", FLOAT(1)), "%i_2");
    IS(lg_k_let(k, "i_2", FLOAT(1)), "%i_2_1");
    IS(lg_k_let(k, "layer1.0/conv.", FLOAT(1)), "%layer1.0_conv_");
    IS(lg_k_let(k, "", FLOAT(1)), "%v_1");
    ck_assert_str_eq(lg_kernel_new(f.program, "test")->name, "test_1");
    lg_program_free(f.program);
}
END_TEST

// ---- random formulas, evaluated beside their simplified form

enum { VARIABLES = 3, FORMULAS = 3000, DEPTH = 5 };

typedef struct generator {
    uint64_t state;
    lg_kbuilder k;
    lg_kx *variables[VARIABLES];
    int64_t low[VARIABLES], high[VARIABLES];
} generator;

static int64_t pick(generator *g, int64_t count)
{
    g->state = g->state * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)((g->state >> 33) % (uint64_t)count);
}

// The formula as it was asked for.
typedef struct formula {
    lg_scalar fn; // LG_SCALAR_COUNT: a variable or a constant
    int variable; // or -1
    int64_t constant;
    struct formula *a, *b;
} formula;

static formula *leaf(generator *g, bool constant)
{
    formula *f = LG_NEW(g->k.kernel->arena, formula);
    f->fn = LG_SCALAR_COUNT;
    f->variable = constant ? -1 : (int)pick(g, VARIABLES);
    f->constant = pick(g, 13) - 4;
    return f;
}

static formula *random_formula(generator *g, int depth)
{
    static const lg_scalar fns[] = {LG_S_ADD, LG_S_ADD, LG_S_ADD, LG_S_SUB, LG_S_MUL, LG_S_DIV,
                                    LG_S_DIV, LG_S_MOD, LG_S_MOD, LG_S_MIN, LG_S_MAX};
    if (depth == 0 || pick(g, 6) == 0)
        return leaf(g, pick(g, 4) == 0);
    formula *f = LG_NEW(g->k.kernel->arena, formula);
    f->fn = fns[pick(g, sizeof fns / sizeof *fns)];
    f->a = random_formula(g, depth - 1);
    if (f->fn == LG_S_MUL || f->fn == LG_S_DIV || f->fn == LG_S_MOD) {
        static const int64_t factors[] = {1, 2, 3, 4, 6, 8, 12, 16};
        f->b = leaf(g, true);
        f->b->constant = factors[pick(g, 8)];
    } else {
        f->b = random_formula(g, depth - 1);
    }
    return f;
}

static lg_kx *build(generator *g, const formula *f)
{
    if (f->fn != LG_SCALAR_COUNT)
        return lg_kx_apply(&g->k, f->fn, build(g, f->a), build(g, f->b), NULL);
    return f->variable < 0 ? lg_kx_int(&g->k, f->constant) : g->variables[f->variable];
}

static int64_t value_of(const formula *f, const int64_t *values)
{
    if (f->fn == LG_SCALAR_COUNT)
        return f->variable < 0 ? f->constant : values[f->variable];
    lg_number args[] = {{.i = value_of(f->a, values)}, {.i = value_of(f->b, values)}};
    return lg_scalar_evaluate(f->fn, LG_I64, args).i;
}

static int64_t value_of_kx(const generator *g, const lg_kx *x, const int64_t *values)
{
    if (x->kind == LG_KX_INT)
        return x->as.integer;
    if (x->kind == LG_KX_VAR) {
        for (int i = 0; i < VARIABLES; i++)
            if (g->variables[i]->as.var == x->as.var)
                return values[i];
    }
    if (x->kind != LG_KX_APPLY)
        ck_abort_msg("a node of kind %d", (int)x->kind);
    lg_number args[2] = {{.i = 0}};
    for (int i = 0; i < lg_scalar_info_of(x->as.apply.fn)->arity; i++)
        args[i].i = value_of_kx(g, x->as.apply.args[i], values);
    return lg_scalar_evaluate(x->as.apply.fn, LG_I64, args).i;
}

static void check_formula(generator *g)
{
    const formula *f = random_formula(g, DEPTH);
    const lg_kx *x = build(g, f);
    int64_t low, high, v[VARIABLES];
    lg_kx_range(x, &low, &high);
    for (v[0] = g->low[0]; v[0] <= g->high[0]; v[0]++)
        for (v[1] = g->low[1]; v[1] <= g->high[1]; v[1]++)
            for (v[2] = g->low[2]; v[2] <= g->high[2]; v[2]++) {
                int64_t expected = value_of(f, v), found = value_of_kx(g, x, v);
                if (found != expected || found < low || found > high) // an assert a point is slow
                    ck_abort_msg("`%s` in %lld..%lld is %lld, not %lld at %lld %lld %lld",
                                 text_of(x), (long long)low, (long long)high, (long long)found,
                                 (long long)expected, (long long)v[0], (long long)v[1],
                                 (long long)v[2]);
            }
}

START_TEST(simplifying_keeps_the_value)
{
    lg_program *program = lg_program_new("random");
    generator g = {.state = 42, .low = {0, -3, 2}, .high = {7, 3, 9}};
    lg_k_begin(&g.k, lg_kernel_new(program, "random"));
    for (int i = 0; i < VARIABLES; i++)
        g.variables[i] = lg_k_loop(&g.k, LG_LOOP_SERIAL, "i", lg_kx_int(&g.k, g.low[i]),
                                   lg_kx_int(&g.k, g.high[i] + 1), 1);
    for (int i = 0; i < FORMULAS; i++)
        check_formula(&g);
    lg_program_free(program);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kernel_expr");
    TCase *tests = tcase_create("expressions");
    tcase_add_test(tests, sums_have_one_form);
    tcase_add_test(tests, quotients_and_remainders);
    tcase_add_test(tests, quotient_and_remainder_meet_again);
    tcase_add_test(tests, order_is_decided_by_ranges);
    tcase_add_test(tests, floats_fold_where_exact);
    tcase_add_test(tests, casts_and_constants);
    tcase_add_test(tests, types_of_operands_are_checked);
    tcase_add_test(tests, names_are_unique);
    tcase_add_test(tests, simplifying_keeps_the_value);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
