// The reference interpreter of the graph IR against values worked out by hand, one case or more for
// every row of ir/ops.def: a new row without a case fails. Convolution is also held against
// another formulation, and its gradients against central differences.
#include "ir/interp.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct op_case {
    lg_opcode op;
    const char *result; // its type
    const char *body;   // ends with the value returned
    int count;
    double expected[16];
} op_case;

#define CASE(op, result, body, ...)                                                                \
    {                                                                                              \
        LG_OP_##op, result, body, (int)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)),         \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define F3 "%a = constant {values=[-1.5,0,2]} : f32[3]\n"
#define G3 "%b = constant {values=[2,0.5,2]} : f32[3]\n"
#define I3 "%a = constant {values=[-7,5,6]} : i32[3]\n"
#define J3 "%b = constant {values=[2,0,6]} : i32[3]\n"
#define M23 "%a = constant {values=[1,2,3,4,5,6]} : f32[2,3]\n"
#define R " %r = "
#define CORNER "%w = constant {values=[4,0,0,0,0,0,0,0,0]} : f32[1,1,3,3]\n"
#define IMAGE "%a = constant {values=[1,2,3,4,5,6,7,8,9]} : f32[1,3,3,1]\n"
#define FILTER "%b = constant {values=[1,10,100,1000]} : f32[1,1,2,2]\n"
#define GRADIENT "%g = constant {values=[1,2,3,4]} : f32[1,2,2,1]\n"

// clang-format off
static const op_case cases[] = {
    CASE(neg, "f32[3]", F3 R "neg %a : f32[3]", 1.5, 0, -2),
    CASE(abs, "f32[3]", F3 R "abs %a : f32[3]", 1.5, 0, 2),
    CASE(abs, "i32[3]", I3 R "abs %a : i32[3]", 7, 5, 6),
    CASE(sign, "f32[3]", F3 R "sign %a : f32[3]", -1, 0, 1),
    CASE(sign, "i32[3]", I3 R "sign %a : i32[3]", -1, 1, 1),
    CASE(exp, "f32[3]", F3 R "exp %a : f32[3]", 0.22313016014843, 1, 7.38905609893065),
    CASE(log, "f32[3]", G3 R "log %b : f32[3]", 0.693147180559945, -0.693147180559945, 0.693147180559945),
    CASE(sqrt, "f32[3]", G3 R "sqrt %b : f32[3]", 1.4142135623731, 0.70710678118655, 1.4142135623731),
    CASE(rsqrt, "f32[3]", G3 R "rsqrt %b : f32[3]", 0.70710678118655, 1.4142135623731, 0.70710678118655),
    CASE(tanh, "f32[3]", F3 R "tanh %a : f32[3]", -0.905148253644866, 0, 0.964027580075817),
    CASE(sigmoid, "f32[3]", F3 R "sigmoid %a : f32[3]", 0.182425523806356, 0.5, 0.880797077977882),
    CASE(relu, "f32[3]", F3 R "relu %a : f32[3]", 0, 0, 2),
    CASE(relu, "f32[1]", "%a = constant {value=nan} : f32[1]\n" R "relu %a : f32[1]", NAN),
    CASE(floor, "f32[3]", F3 R "floor %a : f32[3]", -2, 0, 2),
    CASE(cos, "f32[3]", F3 R "cos %a : f32[3]", 0.0707372016677, 1, -0.4161468365471),
    CASE(not, "i32[3]", I3 R "not %a : i32[3]", 6, -6, -7),
    CASE(not, "u8[1]", "%a = constant {value=1} : u8[1]\n" R "not %a : u8[1]", 254),
    CASE(add, "f32[3]", F3 G3 R "add %a, %b : f32[3]", 0.5, 0.5, 4),
    CASE(add, "u8[1]", "%a = constant {value=200} : u8[1]\n" R "add %a, %a : u8[1]", 144),
    CASE(sub, "f32[3]", F3 G3 R "sub %a, %b : f32[3]", -3.5, -0.5, 0),
    CASE(mul, "f32[3]", F3 G3 R "mul %a, %b : f32[3]", -3, 0, 4),
    CASE(div, "f32[3]", F3 G3 R "div %a, %b : f32[3]", -0.75, 0, 1),
    CASE(div, "i32[3]", I3 J3 R "div %a, %b : i32[3]", -4, 0, 1),
    CASE(rem, "i32[3]", I3 J3 R "rem %a, %b : i32[3]", 1, 0, 0),
    CASE(max, "f32[3]", F3 G3 R "max %a, %b : f32[3]", 2, 0.5, 2),
    CASE(max, "f32[2]", "%a = constant {values=[nan,1.0]} : f32[2]\n%b = constant {values=[1.0,nan]} : f32[2]\n"
         R "max %a, %b : f32[2]", NAN, NAN),
    CASE(min, "f32[3]", F3 G3 R "min %a, %b : f32[3]", -1.5, 0, 2),
    CASE(and, "i32[3]", I3 J3 R "and %a, %b : i32[3]", 0, 0, 6),
    CASE(or, "i32[3]", I3 J3 R "or %a, %b : i32[3]", -5, 5, 6),
    CASE(xor, "i32[3]", I3 J3 R "xor %a, %b : i32[3]", -5, 5, 0),
    CASE(shl, "i32[3]", I3 J3 R "shl %a, %b : i32[3]", -28, 5, 384),
    CASE(shr, "i32[3]", I3 J3 R "shr %a, %b : i32[3]", 1073741822, 5, 0),
    CASE(eq, "bool[3]", F3 G3 R "eq %a, %b : bool[3]", 0, 0, 1),
    CASE(ne, "bool[3]", F3 G3 R "ne %a, %b : bool[3]", 1, 1, 0),
    CASE(lt, "bool[3]", F3 G3 R "lt %a, %b : bool[3]", 1, 1, 0),
    CASE(le, "bool[3]", F3 G3 R "le %a, %b : bool[3]", 1, 1, 1),
    CASE(gt, "bool[3]", I3 J3 R "gt %a, %b : bool[3]", 0, 1, 0),
    CASE(ge, "bool[3]", I3 J3 R "ge %a, %b : bool[3]", 0, 1, 1),
    CASE(select, "f32[3]", F3 G3 "%c = lt %a, %b : bool[3]\n" R "select %c, %a, %b : f32[3]", -1.5, 0, 2),
    CASE(constant, "i64[2]", R "constant {value=7} : i64[2]", 7, 7),
    CASE(iota, "i32[2,3]", R "iota {axis=1} : i32[2,3]", 0, 1, 2, 0, 1, 2),
    CASE(iota, "f32[2,3]", R "iota {axis=0} : f32[2,3]", 0, 0, 0, 1, 1, 1),
    CASE(cast, "i32[3]", F3 R "cast %a : i32[3]", -1, 0, 2),
    CASE(cast, "bool[3]", F3 R "cast %a : bool[3]", 1, 0, 1),
    CASE(cast, "f32[3]", I3 R "cast %a : f32[3]", -7, 5, 6),
    CASE(reshape, "f32[3,2]", M23 R "reshape %a : f32[3,2]", 1, 2, 3, 4, 5, 6),
    CASE(transpose, "f32[3,2]", M23 R "transpose %a {perm=[1,0]} : f32[3,2]", 1, 4, 2, 5, 3, 6),
    CASE(transpose, "f32[3,1,2]", "%a = constant {values=[1,2,3,4,5,6]} : f32[1,2,3]\n"
         R "transpose %a {perm=[2,0,1]} : f32[3,1,2]", 1, 4, 2, 5, 3, 6),
    CASE(broadcast, "f32[2,3]", "%a = constant {values=[1,2]} : f32[2,1]\n"
         R "broadcast %a : f32[2,3]", 1, 1, 1, 2, 2, 2),
    CASE(slice, "f32[1,2]", M23 R "slice %a {start=[1,0],limit=[2,3],step=[1,2]} : f32[1,2]", 4, 6),
    CASE(pad, "f32[1,6]", "%a = constant {values=[1,2]} : f32[1,2]\n"
         R "pad %a {low=[0,1], high=[0,1], interior=[3,2], value=7} : f32[1,6]", 7, 1, 7, 7, 2, 7),
    CASE(pad, "f32[2,5]", "%a = constant {values=[1,2]} : f32[1,2]\n"
         R "pad %a {low=[1,1],high=[0,2],value=9} : f32[2,5]", 9, 9, 9, 9, 9, 9, 1, 2, 9, 9),
    CASE(reverse, "f32[2,3]", M23 R "reverse %a {axes=[0,1]} : f32[2,3]", 6, 5, 4, 3, 2, 1),
    CASE(reverse, "f32[2,3]", M23 R "reverse %a {axes=[1]} : f32[2,3]", 3, 2, 1, 6, 5, 4),
    CASE(concat, "f32[2,4]", M23 "%b = constant {values=[7,8]} : f32[2,1]\n"
         R "concat %a, %b {axis=1} : f32[2,4]", 1, 2, 3, 7, 4, 5, 6, 8),
    CASE(gather, "f32[2,3]", M23 "%i = constant {values=[2,-5,9]} : i32[3]\n"
         R "gather %a, %i {axis=1} : f32[2,3]", 3, 1, 3, 6, 4, 6),
    CASE(scatter_add, "f32[2,2]", M23 "%i = constant {values=[0,7,0]} : i32[3]\n"
         R "scatter_add %a, %i {axis=1} : f32[2,2]", 4, 2, 10, 5),
    CASE(relayout, "f32[2,3]", M23 R "relayout %a : f32[2,3]", 1, 2, 3, 4, 5, 6),
    CASE(reduce_sum, "f32[2,1]", M23 R "reduce_sum %a {axes=[1]} : f32[2,1]", 6, 15),
    CASE(reduce_sum, "f32[1,3]", M23 R "reduce_sum %a {axes=[0]} : f32[1,3]", 5, 7, 9),
    CASE(reduce_sum, "f32[1,1]", M23 R "reduce_sum %a {axes=[0,1]} : f32[1,1]", 21),
    CASE(reduce_max, "f32[1,3]", M23 R "reduce_max %a {axes=[0]} : f32[1,3]", 4, 5, 6),
    CASE(reduce_max, "f32[1]", "%a = constant {values=[1.0,nan,2.0]} : f32[3]\n"
         R "reduce_max %a {axes=[0]} : f32[1]", NAN),
    CASE(reduce_max, "i32[1]", "%a = constant {values=[-7,-5]} : i32[2]\n"
         R "reduce_max %a {axes=[0]} : i32[1]", -5),
    CASE(argmax, "i32[1,3]", "%a = constant {values=[1,5,3,1,2,6]} : f32[2,3]\n"
         R "argmax %a {axis=0} : i32[1,3]", 0, 0, 1),
    CASE(matmul, "f32[2,2]", M23 "%b = constant {values=[1,0,0,1,1,1]} : f32[3,2]\n"
         R "matmul %a, %b : f32[2,2]", 4, 5, 10, 11),
    CASE(matmul, "f32[2,2]", M23 "%b = constant {values=[1,0,1,0,1,1]} : f32[2,3]\n"
         R "matmul %a, %b {tb} : f32[2,2]", 4, 5, 10, 11),
    CASE(matmul, "f32[3,1]", M23 "%b = constant {values=[1,10]} : f32[2,1]\n"
         R "matmul %a, %b {ta} : f32[3,1]", 41, 52, 63),
    CASE(matmul, "f32[2,1,1]", "%a = constant {values=[1,2]} : f32[1,1,2]\n"
         "%b = constant {values=[1,2,3,4]} : f32[2,2,1]\n" R "matmul %a, %b : f32[2,1,1]", 5, 11),
    CASE(conv2d, "f32[1,2,2,1]", IMAGE FILTER R "conv2d %a, %b : f32[1,2,2,1]", 5421, 6532, 8754, 9865),
    CASE(conv2d, "f32[1,2,2,1]", IMAGE FILTER R "conv2d %a, %b {pad=[1,1],stride=[2,2]} : f32[1,2,2,1]",
         1000, 3200, 7040, 9865),
    CASE(conv2d, "f32[1,1,1,1]", IMAGE FILTER R "conv2d %a, %b {dilation=[2,2]} : f32[1,1,1,1]", 9731),
    CASE(conv2d_input_grad, "f32[1,3,3,1]", GRADIENT FILTER
         R "conv2d_input_grad %g, %b : f32[1,3,3,1]", 1, 12, 20, 103, 1234, 2040, 300, 3400, 4000),
    CASE(conv2d_filter_grad, "f32[1,1,2,2]", IMAGE GRADIENT
         R "conv2d_filter_grad %a, %g : f32[1,1,2,2]", 37, 47, 67, 77),
    CASE(gradient, "f32[3]", F3 "%0 = mul %a, %a : f32[3]\n%1 = mul %0, %a : f32[3]\n"
         "%2 = reduce_sum %1 {axes=[0]} : f32[1]\n%3 = reshape %2 : f32[]\n"
         R "gradient %3, %a : f32[3]", 6.75, 0, 12),
    CASE(gradient, "f32[3]", F3 "%0 = mul %a, %a : f32[3]\n"
         "%2 = reduce_sum %a {axes=[0]} : f32[1]\n%3 = reshape %2 : f32[]\n"
         R "gradient %3, %0 : f32[3]", 0, 0, 0),
    CASE(gradient, "f32[]", "%a = constant {value=2} : f32[]\n%0 = mul %a, %a : f32[]\n"
         "%1 = mul %0, %a : f32[]\n%2 = gradient %1, %a : f32[]\n%3 = mul %2, %2 : f32[]\n"
         R "gradient %3, %a : f32[]", 288), // of (3 a^2)^2
    CASE(winograd_filter, "f32[1,1,4,4]", CORNER R "winograd_filter %w : f32[1,1,4,4]",
         4, -2, -2, 0, -2, 1, 1, 0, -2, 1, 1, 0, 0, 0, 0, 0),
    CASE(winograd_conv2d, "f32[1,2,2,1]", CORNER
         "%u = winograd_filter %w : f32[1,1,4,4]\n"
         "%x = constant {values=[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]} : f32[1,4,4,1]\n"
         R "winograd_conv2d %x, %u : f32[1,2,2,1]", 0, 4, 16, 20),
    // 1 + 3/4 of the last place of bf16 + 2^-18 goes up; half of one is a tie and stays even.
    CASE(split, "bf16[3,2]", "%a = constant {values=[1.005863189697265625,1.00390625]} : f32[2]\n"
         R "split %a : bf16[3,2]", 1.0078125, 1, -0.001953125, 0.00390625, 3.814697265625e-06, 0),
    CASE(split_conv2d, "f32[1,2,2,2]", "%w = constant {values=[1,10,100,1000,2,20,200,2000,"
         "0.5,0,0,0,0,0,0,0.25]} : bf16[2,2,1,1,2,2]\n"
         "%x = constant {values=[1,2,3,4,5,6,7,8,9,10,11,12]} : f32[1,2,3,2]\n"
         R "split_conv2d %x, %w : f32[1,2,2,2]",
         4321.5, 8643, 6544.5, 13087.5, 10990.5, 21976.5, 13213.5, 26421),
    CASE(call, "f32[3]", F3 R "call @twice(%a) : f32[3]", -3, 0, 4),
    CASE(write, "f32[3]", "%one = constant {value=1} : f32[3]\n%s = add @state, %one : f32[3]\n"
         "write @state, %s\n" R "add @state, %one : f32[3]", 11, 12, 13),
};
// clang-format on

static lg_module *parse(const char *text, lg_diag *diag)
{
    lg_module *module = lg_parse_module("test", text, strlen(text), diag);
    if (!module || !lg_verify_module(module, diag)) {
        lg_diag_print(diag, stderr);
        ck_abort_msg("the module does not hold:\n%s", text);
    }
    return module;
}

static double value_of(const lg_array *array, int64_t n)
{
    return lg_dtype_is_float(array->type.dtype) ? array->data[n].f : (double)array->data[n].i;
}

static void set_state(lg_arena *arena, const lg_module *module, lg_environment *environment)
{
    const lg_symbol *state = lg_module_symbol(module, "state");
    lg_array *array = lg_array_new(arena, &state->value->type);
    for (int n = 0; n < 3; n++)
        array->data[n].f = 10 + n;
    lg_environment_set(arena, environment, state, array);
}

static void run_case(const op_case *c)
{
    lg_arena *arena = lg_arena_new();
    lg_diag *diag = lg_diag_new();
    char *text = lg_format(arena,
                           "state @state: f32[3]\n"
                           "composite double @twice(%%x: f32[3]) -> (%%y: f32[3]) {\n"
                           "%%d = add %%x, %%x : f32[3]\nreturn %%d\n}\n"
                           "func @f() -> (%%r: %s) {\n%s\nreturn %%r\n}\n",
                           c->result, c->body);
    lg_module *module = parse(text, diag);
    lg_environment environment = {0};
    set_state(arena, module, &environment);
    lg_array *result;
    ck_assert(
        lg_interpret(arena, lg_module_function(module, "f"), NULL, &result, &environment, diag));
    ck_assert_int_eq(lg_type_elements(&result->type), c->count);
    double tolerance = c->op == LG_OP_gradient ? 1e-5 : 1e-9; // differences
    for (int n = 0; n < c->count; n++) {
        double got = value_of(result, n), wanted = c->expected[n];
        ck_assert_msg(isnan(wanted) ? isnan(got) : fabs(got - wanted) < tolerance,
                      "%s: element %d is %.12g, not %.12g", c->body, n, got, wanted);
    }
    double state = environment.arrays.items[0]->data[0].f;
    ck_assert(state == (c->op == LG_OP_write ? 11 : 10));
    lg_module_free(module);
    lg_diag_free(diag);
    lg_arena_free(arena);
}

START_TEST(by_hand)
{
    bool seen[LG_OPCODE_COUNT] = {false};
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        run_case(&cases[n]);
        seen[cases[n].op] = true;
    }
    for (int op = 0; op < LG_OPCODE_COUNT; op++)
        ck_assert_msg(seen[op], "%s has no case", lg_op_info_of((lg_opcode)op)->name);
}
END_TEST

// ---- longer functions

START_TEST(long_arrays_and_freed_values)
{
    lg_arena *arena = lg_arena_new();
    lg_diag *diag = lg_diag_new();
    lg_module *module = parse("func @f(%x: f32[1300]) -> (%y: f32[1300], %x2: f32[1300]) {\n"
                              "%a = relu %x : f32[1300]\n%b = exp %a : f32[1300]\n"
                              "%unused = neg %b : f32[1300]\n"
                              "%c = sub %b, %a : f32[1300]\nreturn %c, %x\n}\n",
                              diag);
    lg_function *function = lg_module_function(module, "f");
    lg_array *x = lg_array_new(arena, &function->arguments.items[0]->type), *results[2];
    lg_array_randomize(x, 7);
    ck_assert(lg_interpret(arena, function, &x, results, &(lg_environment){0}, diag));
    for (int n = 0; n < 1300; n++) {
        double a = x->data[n].f > 0 ? x->data[n].f : 0;
        ck_assert(results[0]->data[n].f == exp(a) - a);
        ck_assert(results[1]->data[n].f == x->data[n].f);
    }
    lg_module_free(module);
    lg_diag_free(diag);
    lg_arena_free(arena);
}
END_TEST

START_TEST(a_symbol_without_value_is_reported)
{
    lg_arena *arena = lg_arena_new();
    lg_diag *diag = lg_diag_new();
    lg_module *module = parse("param @w: f32[2]\nfunc @f() -> (%y: f32[2]) {\n"
                              "%a = neg @w : f32[2]\n%b = neg %a : f32[2]\nreturn %b\n}\n",
                              diag);
    lg_array *result;
    ck_assert(!lg_interpret(arena, lg_module_function(module, "f"), NULL, &result,
                            &(lg_environment){0}, diag));
    ck_assert_int_eq(lg_diag_errors(diag), 1);
    lg_module_free(module);
    lg_diag_free(diag);
    lg_arena_free(arena);
}
END_TEST

START_TEST(random_content_is_repeatable_and_spread)
{
    lg_arena *arena = lg_arena_new();
    lg_type floats = LG_TYPE(LG_F32, 4000), integers = LG_TYPE(LG_I32, 4000);
    lg_array *a = lg_array_new(arena, &floats), *b = lg_array_new(arena, &floats);
    lg_array *c = lg_array_new(arena, &integers);
    lg_array_randomize(a, 1);
    lg_array_randomize(b, 1);
    lg_array_randomize(c, 1);
    double sum = 0, square = 0;
    for (int n = 0; n < 4000; n++) {
        ck_assert(a->data[n].f == b->data[n].f && a->data[n].f == (double)(float)a->data[n].f);
        ck_assert(c->data[n].i >= 0 && c->data[n].i < 8);
        sum += a->data[n].f;
        square += a->data[n].f * a->data[n].f;
    }
    ck_assert(fabs(sum / 4000) < 0.05 && fabs(square / 4000 - 1) < 0.1);
    lg_array_randomize(b, 2);
    ck_assert(a->data[0].f != b->data[0].f);
    lg_arena_free(arena);
}
END_TEST

// ---- convolution

typedef struct conv_case {
    int64_t n, h, w, c, o, kh, kw, stride[2], pad[2], dilation[2], groups;
} conv_case;

static const conv_case conv_cases[] = {
    {1, 5, 7, 3, 4, 3, 3, {1, 1}, {1, 1}, {1, 1}, 1},
    {2, 6, 5, 4, 6, 3, 2, {2, 1}, {0, 2}, {1, 2}, 2},
    {3, 4, 4, 3, 3, 1, 1, {2, 2}, {0, 0}, {1, 1}, 3},
    {1, 9, 8, 2, 1, 4, 3, {3, 2}, {3, 1}, {2, 1}, 1},
};

// The module with the convolution, its gradients by the two gradient ops.
static lg_module *conv_module(lg_arena *arena, const conv_case *c, lg_diag *diag)
{
    int64_t oh = (c->h + 2 * c->pad[0] - c->dilation[0] * (c->kh - 1) - 1) / c->stride[0] + 1;
    int64_t ow = (c->w + 2 * c->pad[1] - c->dilation[1] * (c->kw - 1) - 1) / c->stride[1] + 1;
    const char *x =
        lg_format(arena, "f32[%d,%d,%d,%d]", (int)c->n, (int)c->h, (int)c->w, (int)c->c);
    const char *w = lg_format(arena, "f32[%d,%d,%d,%d]", (int)c->o, (int)(c->c / c->groups),
                              (int)c->kh, (int)c->kw);
    const char *y = lg_format(arena, "f32[%d,%d,%d,%d]", (int)c->n, (int)oh, (int)ow, (int)c->o);
    const char *attributes =
        lg_format(arena, "{stride=[%d,%d],pad=[%d,%d],dilation=[%d,%d],groups=%d}",
                  (int)c->stride[0], (int)c->stride[1], (int)c->pad[0], (int)c->pad[1],
                  (int)c->dilation[0], (int)c->dilation[1], (int)c->groups);
    return parse(lg_format(arena,
                           "func @y(%%x: %s, %%w: %s) -> (%%y: %s) {\n"
                           "%%0 = conv2d %%x, %%w %s : %s\nreturn %%0\n}\n"
                           "func @dx(%%g: %s, %%w: %s) -> (%%dx: %s) {\n"
                           "%%0 = conv2d_input_grad %%g, %%w %s : %s\nreturn %%0\n}\n"
                           "func @dw(%%x: %s, %%g: %s) -> (%%dw: %s) {\n"
                           "%%0 = conv2d_filter_grad %%x, %%g %s : %s\nreturn %%0\n}\n",
                           x, w, y, attributes, y, y, w, x, attributes, x, x, y, w, attributes, w),
                 diag);
}

// An element of an image or filter, 0 outside.
static double at(const lg_array *array, int64_t a, int64_t b, int64_t c, int64_t d)
{
    const int64_t *dims = array->type.dims;
    if (b < 0 || b >= dims[1] || c < 0 || c >= dims[2])
        return 0;
    return array->data[((a * dims[1] + b) * dims[2] + c) * dims[3] + d].f;
}

// The definition, output by output.
static double convolve_at(const conv_case *c, const lg_array *x, const lg_array *w, int64_t n,
                          int64_t oh, int64_t ow, int64_t o)
{
    double sum = 0;
    int64_t per_group = c->c / c->groups, group = o / (c->o / c->groups);
    for (int64_t k = 0; k < per_group; k++)
        for (int64_t i = 0; i < c->kh; i++)
            for (int64_t j = 0; j < c->kw; j++)
                sum +=
                    at(w, o, k, i, j) * at(x, n, oh * c->stride[0] - c->pad[0] + i * c->dilation[0],
                                           ow * c->stride[1] - c->pad[1] + j * c->dilation[1],
                                           group * per_group + k);
    return sum;
}

static lg_array *run2(lg_arena *arena, const lg_module *module, const char *name, lg_array *a,
                      lg_array *b, lg_diag *diag)
{
    lg_array *result;
    ck_assert(lg_interpret(arena, lg_module_function(module, name), (lg_array *[]){a, b}, &result,
                           &(lg_environment){0}, diag));
    return result;
}

static double dot(const lg_array *a, const lg_array *b)
{
    double sum = 0;
    for (int64_t n = 0; n < lg_type_elements(&a->type); n++)
        sum += a->data[n].f * b->data[n].f;
    return sum;
}

// d(sum of g conv(x, w)) / d(every element of `changed`, which is x or w), by central differences.
static void check_gradient(lg_arena *arena, const lg_module *module, lg_array *x, lg_array *w,
                           const lg_array *g, lg_array *changed, const lg_array *gradient,
                           lg_diag *diag)
{
    for (int64_t n = 0; n < lg_type_elements(&changed->type); n++) {
        double kept = changed->data[n].f, losses[2];
        for (int side = 0; side < 2; side++) {
            changed->data[n].f = kept + (side ? 0.5 : -0.5); // exact: the loss is linear
            losses[side] = dot(run2(arena, module, "y", x, w, diag), g);
        }
        changed->data[n].f = kept;
        ck_assert(fabs(losses[1] - losses[0] - gradient->data[n].f) < 1e-9);
    }
}

START_TEST(convolution_and_gradients)
{
    const conv_case *c = &conv_cases[_i];
    lg_arena *arena = lg_arena_new();
    lg_diag *diag = lg_diag_new();
    lg_module *module = conv_module(arena, c, diag);
    const lg_function *function = lg_module_function(module, "y");
    lg_array *x = lg_array_new(arena, &function->arguments.items[0]->type);
    lg_array *w = lg_array_new(arena, &function->arguments.items[1]->type);
    lg_array_randomize(x, 1);
    lg_array_randomize(w, 2);
    lg_array *y = run2(arena, module, "y", x, w, diag);
    const int64_t *dims = y->type.dims;
    for (int64_t n = 0; n < lg_type_elements(&y->type); n++)
        ck_assert(fabs(y->data[n].f - convolve_at(c, x, w, n / (dims[1] * dims[2] * dims[3]),
                                                  n / (dims[2] * dims[3]) % dims[1],
                                                  n / dims[3] % dims[2], n % dims[3])) < 1e-12);
    lg_array *g = lg_array_new(arena, &y->type);
    lg_array_randomize(g, 3);
    check_gradient(arena, module, x, w, g, x, run2(arena, module, "dx", g, w, diag), diag);
    check_gradient(arena, module, x, w, g, w, run2(arena, module, "dw", x, g, diag), diag);
    int64_t products = lg_type_elements(&y->type) * (c->c / c->groups) * c->kh * c->kw;
    ck_assert(lg_function_flops(function) == 2 * (double)products);
    lg_module_free(module);
    lg_diag_free(diag);
    lg_arena_free(arena);
}
END_TEST

START_TEST(cost)
{
    lg_diag *diag = lg_diag_new();
    lg_module *module = parse("composite double @twice(%x: f32[3,1]) -> (%y: f32[3,1]) {\n"
                              "%d = add %x, %x : f32[3,1]\nreturn %d\n}\n"
                              "func @f(%a: f32[3,4], %b: f32[5,4]) -> (%r: f32[3,1]) {\n"
                              "%0 = matmul %a, %b {tb} : f32[3,5]\n"       // 120
                              "%1 = sigmoid %0 : f32[3,5]\n"               // 60
                              "%2 = reduce_max %1 {axes=[1]} : f32[3,1]\n" // 15
                              "%3 = call @twice(%2) : f32[3,1]\n"          // 3
                              "return %3\n}\n",
                              diag);
    ck_assert(lg_function_flops(lg_module_function(module, "f")) == 198);
    lg_module_free(module);
    lg_diag_free(diag);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("interp");
    TCase *tests = tcase_create("all");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, by_hand);
    tcase_add_test(tests, long_arrays_and_freed_values);
    tcase_add_test(tests, a_symbol_without_value_is_reported);
    tcase_add_test(tests, random_content_is_repeatable_and_spread);
    tcase_add_loop_test(tests, convolution_and_gradients, 0,
                        (int)(sizeof conv_cases / sizeof *conv_cases));
    tcase_add_test(tests, cost);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
