// Every rule of autodiff against central differences: a small function of every op, the loss a
// weighted sum of what it gives. The reference interpreter evaluates the gradients twice, as
// differences and as the graphs that the pass made of them. Elementwise ops need no case of their
// own, all others are asked for by name. Then random programs, and what the pass made compiled.
#include "ir/interp.h"
#include "passes/pass.h"
#include "tests/support/expectation.h"
#include "tests/support/graph_text.h"
#include "tests/support/random_module.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// The loss is the sum of %y times random weights; it is differentiated by every float argument.
typedef struct rule_case {
    lg_opcode op;
    const char *arguments, *type, *body; // the body defines %y of this type
} rule_case;

#define CASE(op, arguments, type, body) {LG_OP_##op, arguments, type, body}

// clang-format off
static const rule_case cases[] = {
    CASE(cast, "%a: f32[3]", "bf16[3]", "%y = cast %a : bf16[3]"),
    CASE(cast, "%a: f32[3]", "f32[3]", "%0 = cast %a : i32[3]\n%1 = cast %0 : f32[3]\n%y = add %1, %a : f32[3]"),
    CASE(reshape, "%a: f32[2,3]", "f32[6,1]", "%y = reshape %a : f32[6,1]"),
    CASE(transpose, "%a: f32[2,3,4]", "f32[4,2,3]", "%y = transpose %a {perm=[2,0,1]} : f32[4,2,3]"),
    CASE(broadcast, "%a: f32[1,3,1]", "f32[2,3,4]", "%y = broadcast %a : f32[2,3,4]"),
    CASE(broadcast, "%a: f32[1,3]", "f32[1,3]", "%y = broadcast %a : f32[1,3]"),
    CASE(slice, "%a: f32[4,5]", "f32[2,3]", "%y = slice %a {start=[1,2], limit=[3,5]} : f32[2,3]"),
    CASE(slice, "%a: f32[10,5]", "f32[3,2]", "%y = slice %a {start=[1,0], limit=[9,5], step=[3,4]} : f32[3,2]"),
    CASE(slice, "%a: f32[5]", "f32[1]", "%y = slice %a {start=3, limit=5, step=4} : f32[1]"),
    CASE(slice, "%a: f32[4,5]", "f32[4,5]",
         "%0 = slice %a {start=[0,0], limit=[4,2]} : f32[4,2]\n%1 = slice %a {start=[0,2], limit=[4,5]} : f32[4,3]\n"
         "%2 = exp %0 : f32[4,2]\n%3 = tanh %1 : f32[4,3]\n%y = concat %2, %3 {axis=1} : f32[4,5]"),
    CASE(pad, "%a: f32[2,3]", "f32[4,6]", "%y = pad %a {low=[2,1], high=[0,2], value=3} : f32[4,6]"),
    CASE(pad, "%a: f32[2,3]", "f32[5,8]", "%y = pad %a {low=[2,1], high=[0,0], interior=[1,2]} : f32[5,8]"),
    CASE(reverse, "%a: f32[2,3,2]", "f32[2,3,2]", "%y = reverse %a {axes=[0,1]} : f32[2,3,2]"),
    CASE(concat, "%a: f32[2,3], %b: f32[2,1]", "f32[2,7]", "%y = concat %a, %b, %a {axis=1} : f32[2,7]"),
    CASE(gather, "%a: f32[2,5,2]", "f32[2,4,2]",
         "%i = constant {values=[3,0,3,9]} : i32[4]\n%y = gather %a, %i {axis=1} : f32[2,4,2]"),
    CASE(scatter_add, "%a: f32[2,4,2]", "f32[2,5,2]",
         "%i = constant {values=[3,0,3,9]} : i32[4]\n%y = scatter_add %a, %i {axis=1} : f32[2,5,2]"),
    CASE(relayout, "%a: f32[2,3]", "f32[2,3]", "%y = relayout %a : f32[2,3]"),
    CASE(reduce_sum, "%a: f32[2,3,4]", "f32[1,3,1]", "%y = reduce_sum %a {axes=[0,2]} : f32[1,3,1]"),
    CASE(reduce_max, "%a: f32[2,3,4]", "f32[1,3,1]", "%y = reduce_max %a {axes=[0,2]} : f32[1,3,1]"),
    CASE(reduce_max, "%a: f32[2,1]", "f32[1,1]", // equal elements share
         "%0 = broadcast %a : f32[2,3]\n%y = reduce_max %0 {axes=[0,1]} : f32[1,1]"),
    CASE(matmul, "%a: f32[2,3], %b: f32[3,4]", "f32[2,4]", "%y = matmul %a, %b : f32[2,4]"),
    CASE(matmul, "%a: f32[3,2], %b: f32[3,4]", "f32[2,4]", "%y = matmul %a, %b {ta} : f32[2,4]"),
    CASE(matmul, "%a: f32[2,3], %b: f32[4,3]", "f32[2,4]", "%y = matmul %a, %b {tb} : f32[2,4]"),
    CASE(matmul, "%a: f32[3,2], %b: f32[4,3]", "f32[2,4]", "%y = matmul %a, %b {ta, tb} : f32[2,4]"),
    CASE(matmul, "%a: f32[5,2,3], %b: f32[1,3,4]", "f32[5,2,4]", "%y = matmul %a, %b : f32[5,2,4]"),
    CASE(matmul, "%a: f32[5,2,3], %b: f32[1,4,3]", "f32[5,2,4]", "%y = matmul %a, %b {tb} : f32[5,2,4]"),
    CASE(matmul, "%a: f32[5,3,2], %b: f32[1,3,4]", "f32[5,2,4]", "%y = matmul %a, %b {ta} : f32[5,2,4]"),
    CASE(matmul, "%a: f32[1,2,2,3], %b: f32[3,1,3,4]", "f32[3,2,2,4]", "%y = matmul %a, %b : f32[3,2,2,4]"),
    CASE(conv2d, "%a: f32[2,5,4,3], %b: f32[4,3,3,3]", "f32[2,5,4,4]", "%y = conv2d %a, %b {pad=[1,1]} : f32[2,5,4,4]"),
    CASE(conv2d, "%a: f32[1,7,6,4], %b: f32[6,2,3,2]", "f32[1,3,6,6]",
         "%y = conv2d %a, %b {stride=[2,1], pad=[1,1], dilation=[2,2], groups=2} : f32[1,3,6,6]"),
    CASE(conv2d_input_grad, "%a: f32[1,2,3,4], %b: f32[4,3,3,3]", "f32[1,4,6,3]",
         "%y = conv2d_input_grad %a, %b {stride=[2,2], pad=[1,1]} : f32[1,4,6,3]"),
    CASE(conv2d_filter_grad, "%a: f32[1,4,6,3], %b: f32[1,2,3,4]", "f32[4,3,3,3]",
         "%y = conv2d_filter_grad %a, %b {stride=[2,2], pad=[1,1]} : f32[4,3,3,3]"),
    // layers: softmax with the maximum taken off, logsumexp, batch norm of a batch, l2 norm
    CASE(exp, "%a: f32[3,5]", "f32[3,5]",
         "%0 = reduce_max %a {axes=1} : f32[3,1]\n%1 = broadcast %0 : f32[3,5]\n%2 = sub %a, %1 : f32[3,5]\n"
         "%3 = exp %2 : f32[3,5]\n%4 = reduce_sum %3 {axes=1} : f32[3,1]\n%5 = broadcast %4 : f32[3,5]\n"
         "%y = div %3, %5 : f32[3,5]"),
    CASE(log, "%a: f32[3,5]", "f32[3,1]",
         "%0 = reduce_max %a {axes=1} : f32[3,1]\n%1 = broadcast %0 : f32[3,5]\n%2 = sub %a, %1 : f32[3,5]\n"
         "%3 = exp %2 : f32[3,5]\n%4 = reduce_sum %3 {axes=1} : f32[3,1]\n%5 = log %4 : f32[3,1]\n"
         "%y = add %5, %0 : f32[3,1]"),
    CASE(rsqrt, "%a: f32[6,2], %b: f32[1,2], %c: f32[1,2]", "f32[6,2]",
         "%k = constant {value=0.16666666666666666} : f32[1,2]\n%e = constant {value=0.001} : f32[1,2]\n"
         "%0 = reduce_sum %a {axes=0} : f32[1,2]\n%1 = mul %0, %k : f32[1,2]\n%2 = mul %a, %a : f32[6,2]\n"
         "%3 = reduce_sum %2 {axes=0} : f32[1,2]\n%4 = mul %3, %k : f32[1,2]\n%5 = mul %1, %1 : f32[1,2]\n"
         "%6 = sub %4, %5 : f32[1,2]\n%7 = add %6, %e : f32[1,2]\n%8 = rsqrt %7 : f32[1,2]\n"
         "%9 = mul %b, %8 : f32[1,2]\n%10 = mul %1, %9 : f32[1,2]\n%11 = sub %c, %10 : f32[1,2]\n"
         "%12 = broadcast %9 : f32[6,2]\n%13 = broadcast %11 : f32[6,2]\n%14 = mul %a, %12 : f32[6,2]\n"
         "%y = add %14, %13 : f32[6,2]"),
};
// clang-format on
enum { CASES = sizeof cases / sizeof *cases };

// ---- the loss of a func @f that returns y, and its gradients

static lg_value *total_of(lg_function *f, lg_value *y)
{
    int64_t axes[LG_MAX_RANK] = {0};
    for (int i = 0; i < y->type.rank; i++)
        axes[i] = i;
    lg_attr all = lg_attr_ints(LG_ATTR_axes, y->type.rank, axes);
    lg_type scalar = lg_type_make(y->type.dtype, 0, NULL);
    lg_value *sum = lg_build(f, NULL, LG_OP_reduce_sum, 1, &y, 1, &all, NULL, f->where);
    return lg_build(f, NULL, LG_OP_reshape, 1, &sum, 0, NULL, &scalar, f->where);
}

static void return_gradient(lg_function *f, lg_value *loss, lg_value *by)
{
    if (!lg_dtype_is_float(by->type.dtype))
        return;
    lg_value *g = lg_build(f, NULL, LG_OP_gradient, LG_OPERANDS(loss, by), 0, NULL, NULL, f->where);
    lg_function_return(f, lg_format(f->module->arena, "g%d", f->results.count), g);
}

static void add_gradients(lg_function *f)
{
    int arguments = f->arguments.count;
    lg_value *y = f->results.items[0];
    lg_value *weights = lg_function_argument(f, "weights", y->type);
    lg_value *weighted =
        lg_build(f, NULL, LG_OP_mul, LG_OPERANDS(y, weights), 0, NULL, NULL, f->where);
    lg_value *loss = total_of(f, weighted);
    for (int i = 0; i < arguments; i++)
        return_gradient(f, loss, f->arguments.items[i]);
}

// ---- both ways to evaluate

// Numbers of 0.3 to 2, far from kinks at 0; `positive`: no others.
static lg_array *argument(lg_arena *arena, const lg_type *type, int seed, bool positive)
{
    lg_array *array = lg_array_new(arena, type);
    lg_array_randomize(array, (uint64_t)seed);
    for (int64_t i = 0; lg_dtype_is_float(type->dtype) && i < lg_type_elements(type); i++) {
        double x = array->data[i].f, size = 0.3 + 0.5 * fmin(fabs(x), 3.4);
        array->data[i].f = x < 0 && !positive ? -size : size;
    }
    return array;
}

static lg_array **evaluate(lg_arena *arena, const lg_module *module, bool positive)
{
    const lg_function *f = module->first;
    lg_diag *diag = lg_diag_new();
    lg_environment environment = {0};
    lg_array **arguments = LG_NEW_ARRAY(arena, lg_array *, f->arguments.count + 1);
    lg_array **results = LG_NEW_ARRAY(arena, lg_array *, f->results.count + 1);
    for (int i = 0; i < f->arguments.count; i++)
        arguments[i] = argument(arena, &f->arguments.items[i]->type, i + 1, positive);
    LG_FOR_SYMBOLS (symbol, module)
        lg_environment_set(
            arena, &environment, symbol,
            argument(arena, &symbol->value->type, symbol->value->index + 100, positive));
    bool ok = lg_interpret(arena, f, arguments, results, &environment, diag);
    if (!ok)
        lg_diag_print(diag, stderr);
    ck_assert(ok);
    lg_diag_free(diag);
    return results;
}

static void run_autodiff(lg_module *module)
{
    lg_unit unit = {.module = module};
    lg_diag *diag = lg_diag_new();
    lg_pipeline_options options = {.target = lg_target_find("x86-64-v3"), .verify = true};
    bool ok = lg_pipeline_run(&unit, "inline,autodiff", &options, diag);
    if (!ok)
        lg_diag_print(diag, stderr);
    ck_assert(ok);
    ck_assert(lg_unit_properties(&unit) & LG_HAS_NO_GRADIENTS);
    lg_diag_free(diag);
}

// Differences of order one are good to 1e-7 or so of the largest number in them.
static void compare(const lg_array *wanted, const lg_array *got, double tolerance, const char *name)
{
    int64_t count = lg_type_elements(&wanted->type);
    double largest = 1;
    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(wanted->data[i].f));
    for (int64_t i = 0; i < count; i++)
        ck_assert_msg(fabs(wanted->data[i].f - got->data[i].f) <= tolerance * largest ||
                          (isnan(wanted->data[i].f) && isnan(got->data[i].f)),
                      "%s: element %d is %.10g, by differences %.10g", name, (int)i, got->data[i].f,
                      wanted->data[i].f);
}

static void check_module(lg_module *module, bool positive, double tolerance, const char *name)
{
    lg_arena *arena = lg_arena_new();
    lg_array **wanted = evaluate(arena, module, positive);
    run_autodiff(module);
    lg_array **got = evaluate(arena, module, positive);
    for (int i = 0; i < module->first->results.count; i++)
        compare(wanted[i], got[i], tolerance, name);
    lg_arena_free(arena);
}

// ---- the tests

static lg_module *module_of_case(const rule_case *c)
{
    lg_arena *arena = lg_arena_new();
    lg_module *module = lg_module_of_text(lg_format(
        arena, "func @f(%s) -> (%%y: %s) {\n%s\nreturn %%y\n}\n", c->arguments, c->type, c->body));
    lg_arena_free(arena);
    add_gradients(module->first);
    return module;
}

START_TEST(rules_agree_with_differences)
{
    lg_module *module = module_of_case(&cases[_i]);
    check_module(module, false, 1e-7, cases[_i].body);
    lg_module_free(module);
}
END_TEST

// A func of `code` alone, or NULL where its operands or result are no floats.
static lg_module *module_of_elementwise(lg_opcode code)
{
    lg_module *module = lg_module_new("test");
    lg_function *f = lg_function_new(module, LG_FUNC, "f");
    static const char *const names[] = {"a", "b", "c"};
    lg_value *operands[3];
    int count = lg_op_info_of(code)->operands;
    ck_assert(count > 0 && count <= 3);
    for (int i = 0; i < count; i++) {
        lg_type type = LG_TYPE(code == LG_OP_select && i == 0 ? LG_BOOL : LG_F32, 2, 9);
        operands[i] = lg_function_argument(f, names[i], type);
    }
    lg_diag *diag = lg_diag_new();
    lg_op *op = lg_op_new(f, NULL, code, count, operands, 0, NULL, NULL, f->where, diag);
    lg_diag_free(diag);
    if (!op || !lg_dtype_is_float(op->results[0]->type.dtype)) {
        lg_module_free(module);
        return NULL;
    }
    lg_function_return(f, "y", op->results[0]);
    add_gradients(f);
    return module;
}

START_TEST(elementwise_rules_agree_with_differences)
{
    int checked = 0;
    for (int code = 0; code < LG_OPCODE_COUNT; code++) {
        if (lg_op_info_of((lg_opcode)code)->class != LG_CLASS_ELEMENTWISE)
            continue;
        bool positive = code == LG_OP_log || code == LG_OP_sqrt || code == LG_OP_rsqrt;
        lg_module *module = module_of_elementwise((lg_opcode)code);
        if (!module)
            continue;
        check_module(module, positive, 1e-7, lg_op_info_of((lg_opcode)code)->name);
        lg_module_free(module);
        checked++;
    }
    ck_assert_int_ge(checked, 18);
}
END_TEST

// An op that is new has to be thought of here.
START_TEST(every_op_has_a_case)
{
    static const lg_opcode without[] = {LG_OP_argmax, LG_OP_winograd_filter, LG_OP_winograd_conv2d,
                                        LG_OP_split, LG_OP_split_conv2d};
    for (int code = 0; code < LG_OPCODE_COUNT; code++) {
        lg_op_class class = lg_op_info_of((lg_opcode)code)->class;
        bool seen =
            class == LG_CLASS_ELEMENTWISE || class == LG_CLASS_SOURCE || class == LG_CLASS_CONTROL;
        for (int i = 0; i < CASES; i++)
            seen |= cases[i].op == (lg_opcode)code;
        for (size_t i = 0; i < sizeof without / sizeof *without; i++)
            seen |= without[i] == (lg_opcode)code;
        ck_assert_msg(seen, "%s has no case", lg_op_info_of((lg_opcode)code)->name);
    }
}
END_TEST

// Kinks, where differences know nothing.
START_TEST(kinks_are_decided)
{
    lg_module *module = lg_module_of_text(
        "func @f() -> (%r: f32[], %a: f32[], %s: f32[], %m: f32[], %n: f32[]) {\n"
        "%x = constant {value=0} : f32[]\n%z = constant {value=0} : f32[]\n"
        "%0 = relu %x : f32[]\n%1 = gradient %0, %x : f32[]\n"
        "%2 = abs %x : f32[]\n%3 = gradient %2, %x : f32[]\n"
        "%4 = sqrt %x : f32[]\n%5 = gradient %4, %x : f32[]\n"
        "%6 = max %x, %z : f32[]\n%7 = gradient %6, %x : f32[]\n%8 = gradient %6, %z : f32[]\n"
        "return %1, %3, %5, %7, %8\n}\n");
    lg_arena *arena = lg_arena_new();
    run_autodiff(module);
    lg_array **results = evaluate(arena, module, false);
    const double wanted[] = {0, 0, 0, 1, 0};
    for (int i = 0; i < 5; i++)
        ck_assert_msg(results[i]->data[0].f == wanted[i], "%d: %g", i, results[i]->data[0].f);
    lg_arena_free(arena);
    lg_module_free(module);
}
END_TEST

// The derivative by x of |d loss / d x|^2, as in a gradient penalty.
START_TEST(second_derivatives_agree_with_differences)
{
    static const char *const texts[] = {
        "func @f(%x: f32[4], %w: f32[4]) -> (%y: f32[4]) {\n"
        "%0 = mul %x, %w : f32[4]\n%y = sigmoid %0 : f32[4]\nreturn %y\n}\n",
        "func @f(%x: f32[1,4,4,2], %w: f32[3,2,3,3]) -> (%y: f32[1,2,2,3]) {\n"
        "%0 = conv2d %x, %w {stride=[2,2], pad=[1,1]} : f32[1,2,2,3]\n"
        "%y = tanh %0 : f32[1,2,2,3]\nreturn %y\n}\n",
        "func @f(%x: f32[3,4], %w: f32[4,2]) -> (%y: f32[3,2]) {\n"
        "%0 = matmul %x, %w : f32[3,2]\n%y = exp %0 : f32[3,2]\nreturn %y\n}\n",
    };
    lg_module *module = lg_module_of_text(texts[_i]);
    lg_function *f = module->first;
    lg_value *x = f->arguments.items[0], *loss = total_of(f, f->results.items[0]);
    lg_value *g = lg_build(f, NULL, LG_OP_gradient, LG_OPERANDS(loss, x), 0, NULL, NULL, f->where);
    lg_value *square = lg_build(f, NULL, LG_OP_mul, LG_OPERANDS(g, g), 0, NULL, NULL, f->where);
    lg_value *penalty = total_of(f, square);
    return_gradient(f, penalty, x);
    return_gradient(f, penalty, f->arguments.items[1]);
    check_module(module, false, 1e-5, texts[_i]);
    lg_module_free(module);
}
END_TEST

// The sum of all results, by all arguments and symbols.
static lg_module *random_gradients(int seed)
{
    lg_module *module = lg_random_module((uint64_t)seed, 4 + seed % 10);
    lg_function *f = module->first;
    lg_value *loss = NULL;
    for (int i = 0; i < f->results.count; i++) {
        lg_value *y = f->results.items[i];
        if (y->type.dtype != LG_F32)
            continue;
        lg_value *total = total_of(f, y);
        loss =
            !loss ? total
                  : lg_build(f, NULL, LG_OP_add, LG_OPERANDS(loss, total), 0, NULL, NULL, f->where);
    }
    for (int i = 0; loss && i < f->arguments.count; i++)
        return_gradient(f, loss, f->arguments.items[i]);
    LG_FOR_SYMBOLS (symbol, module)
        if (loss)
            return_gradient(f, loss, symbol->value);
    return module;
}

START_TEST(random_programs_agree_with_differences)
{
    for (int seed = 1 + 20 * _i; seed <= 20 + 20 * _i; seed++) {
        char name[32];
        snprintf(name, sizeof name, "random module %d", seed);
        lg_module *module = random_gradients(seed);
        check_module(module, false, 1e-5, name);
        lg_module_free(module);
    }
}
END_TEST

// Down to the kernels and to code.
static void expect(lg_module *module, const char *name)
{
    static const char *const levels[] = {"O0", "O2"};
    run_autodiff(module);
    lg_expectation *expectation = lg_expectation_new(module);
    for (int i = 0; i < 2; i++)
        lg_expectation_check(expectation, lg_pipeline_named(levels[i], LG_TARGET_CPU),
                             lg_target_find("x86-64-v3"), LG_WAY_INTERPRETED, name);
    lg_expectation_free(expectation);
}

START_TEST(gradients_lower)
{
    lg_module *module = module_of_case(&cases[_i]);
    expect(module, cases[_i].body);
    lg_module_free(module);
}
END_TEST

START_TEST(elementwise_gradients_lower)
{
    for (int code = 0; code < LG_OPCODE_COUNT; code++) {
        bool positive = code == LG_OP_log || code == LG_OP_sqrt || code == LG_OP_rsqrt;
        lg_module *module = lg_op_info_of((lg_opcode)code)->class == LG_CLASS_ELEMENTWISE
                                ? module_of_elementwise((lg_opcode)code)
                                : NULL;
        if (!module)
            continue;
        if (!positive && code != LG_OP_div) // numbers near 0 are beyond any tolerance
            expect(module, lg_op_info_of((lg_opcode)code)->name);
        lg_module_free(module);
    }
}
END_TEST

static char *fault_of(const char *text)
{
    lg_unit unit = {.module = lg_module_of_text(text)};
    lg_diag *diag = lg_diag_new();
    lg_pipeline_options options = {.target = lg_target_find("x86-64-v3")};
    ck_assert(!lg_pipeline_run(&unit, "inline,autodiff", &options, diag));
    char *said = lg_text_of_diag(diag);
    lg_diag_free(diag);
    lg_module_free(unit.module);
    return said;
}

// What only later passes make has no derivative, and says so at its line.
START_TEST(kernels_are_refused)
{
    char *said = fault_of("func @f(%x: f32[1,4,4,1], %w: f32[1,1,3,3]) -> (%g: f32[1,1,3,3]) {\n"
                          "  %0 = winograd_filter %w : f32[1,1,4,4]\n"
                          "  %1 = winograd_conv2d %x, %0 {pad=[1,1]} : f32[1,4,4,1]\n"
                          "  %2 = reduce_sum %1 {axes=[0,1,2,3]} : f32[1,1,1,1]\n"
                          "  %3 = reshape %2 : f32[]\n"
                          "  %4 = gradient %3, %w : f32[1,1,3,3]\n"
                          "  return %4\n}\n");
    ck_assert_msg(strstr(said, "3:8: error: autodiff: winograd_conv2d has no derivative") != NULL,
                  "%s", said);
    free(said);
    said = fault_of("func @f(%x: f32[1,4,4,2], %w: bf16[2,1,1,1,1,2]) -> (%g: f32[1,4,4,2]) {\n"
                    "  %0 = split_conv2d %x, %w : f32[1,4,4,1]\n"
                    "  %1 = reduce_sum %0 {axes=[0,1,2,3]} : f32[1,1,1,1]\n"
                    "  %2 = reshape %1 : f32[]\n"
                    "  %3 = gradient %2, %x : f32[1,4,4,2]\n"
                    "  return %3\n}\n");
    ck_assert_msg(strstr(said, "2:8: error: autodiff: split_conv2d has no derivative") != NULL,
                  "%s", said);
    free(said);
    said = fault_of("func @f(%x: f32[]) -> (%g: f32[]) {\n"
                    "  %0 = call @k(%x) : f32[]\n  %1 = gradient %0, %x : f32[]\n  return %1\n}\n"
                    "kernel @k(%x: f32[]) -> (%y: f32[]) {\n"
                    "  %0 = neg %x : f32[]\n  return %0\n}\n");
    ck_assert_msg(strstr(said, "2:8: error: autodiff: call has no derivative") != NULL, "%s", said);
    free(said);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("autodiff");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, rules_agree_with_differences, 0, CASES);
    tcase_add_test(tests, elementwise_rules_agree_with_differences);
    tcase_add_test(tests, every_op_has_a_case);
    tcase_add_test(tests, kinks_are_decided);
    tcase_add_loop_test(tests, second_derivatives_agree_with_differences, 0, 3);
    tcase_add_loop_test(tests, random_programs_agree_with_differences, 0, 10);
    tcase_add_loop_test(tests, gradients_lower, 0, CASES);
    tcase_add_test(tests, elementwise_gradients_lower);
    tcase_add_test(tests, kernels_are_refused);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
