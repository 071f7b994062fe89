// The graph IR in memory: what the functions of ir/graph.c keep right, what the verifier finds when
// something else does not, and types with their layouts.
#include "ir/lexer.h"
#include "tests/support/graph_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

static const lg_location nowhere = {0};

static lg_value *relu(lg_function *function, lg_op *before, lg_value *a)
{
    return lg_build(function, before, LG_OP_relu, LG_OPERANDS(a), 0, NULL, NULL, nowhere);
}

static lg_value *add(lg_function *function, lg_value *a, lg_value *b)
{
    return lg_build(function, NULL, LG_OP_add, LG_OPERANDS(a, b), 0, NULL, NULL, nowhere);
}

// ---- types

START_TEST(layouts_say_how_large_a_buffer_is)
{
    static const struct {
        const char *text;
        int64_t bytes;
        int64_t dims[6];
    } cases[] = {
        {"f32[]", 4, {0}},
        {"bf16[2,3]", 12, {2, 3}},
        {"f32[1,56,56,64]{0 1+1 3/8 2+1 3%8}", 4 * 58 * 8 * 58 * 8, {1, 58, 8, 58, 8}},
        {"f32[64,30,3,3]{0/16 1/8 2 3 1%8 0%16}", 4 * 64 * 32 * 9, {4, 4, 3, 3, 8, 16}},
        {"u8[1,8,8,16]{0 1 3/8@4:9 2 3%8}", 8 * 9 * 8 * 8, {1, 8, 9, 8, 8}},
        {"i64[5]{0+2@1:12}", 96, {12}},
    };
    lg_arena *arena = lg_arena_new();
    lg_diag *diag = lg_diag_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lg_lexer lexer = {0};
        lg_type type, same;
        lg_lexer_begin(&lexer, "t", cases[i].text, strlen(cases[i].text), diag);
        ck_assert_msg(lg_type_parse(&lexer, arena, &type), "%s", cases[i].text);
        ck_assert_str_eq(lg_type_text(arena, &type), cases[i].text);
        ck_assert_int_eq(lg_type_bytes(&type), cases[i].bytes);
        for (int d = 0; d < lg_type_physical_rank(&type); d++)
            ck_assert_int_eq(lg_type_physical_dim(&type, d), cases[i].dims[d]);
        lg_lexer_begin(&lexer, "t", cases[i].text, strlen(cases[i].text), diag);
        ck_assert(lg_type_parse(&lexer, arena, &same) && lg_type_equal(&type, &same));
        same.layout = type.layout ? NULL : same.layout;
        ck_assert_int_eq(lg_type_equal(&type, &same), type.layout == NULL);
    }
    lg_diag_free(diag);
    lg_arena_free(arena);
}
END_TEST

START_TEST(types_from_outside_are_checked)
{
    lg_type good = LG_TYPE(LG_F32, 1 << 20, 1 << 20), many = LG_TYPE(LG_F32, 1 << 20, 1 << 20, 2);
    lg_type zero = LG_TYPE(LG_F32, 0), deep = {.rank = 7};
    ck_assert_ptr_null(lg_type_fault(&good));
    ck_assert_ptr_nonnull(lg_type_fault(&many));
    ck_assert_ptr_nonnull(lg_type_fault(&zero));
    ck_assert_ptr_nonnull(lg_type_fault(&deep));
    lg_layout layout = {1, {{.part = LG_PART_WHOLE, .axis = 0, .border = 1}}};
    lg_type bordered = LG_TYPE(LG_F32, 3);
    bordered.layout = &layout;
    ck_assert_ptr_null(lg_type_fault(&bordered));
    layout.dims[0].border = INT64_MAX;
    ck_assert_ptr_nonnull(lg_type_fault(&bordered));
    layout.dims[0] = (lg_layout_dim){.offset = INT64_MAX, .extent = 5};
    ck_assert_ptr_nonnull(lg_type_fault(&bordered));
    layout.dims[0] = (lg_layout_dim){.offset = 2, .extent = 5};
    ck_assert_ptr_null(lg_type_fault(&bordered));
    layout.dims[0].axis = 1;
    ck_assert_ptr_nonnull(lg_type_fault(&bordered));
}
END_TEST

// ---- modules

START_TEST(names_become_unique)
{
    lg_module *module = lg_module_new("m");
    lg_function *f = lg_function_new(module, LG_KERNEL, "k");
    const lg_function *g = lg_function_new(module, LG_KERNEL, "k");
    ck_assert_str_eq(f->name, "k");
    ck_assert_str_ne(g->name, "k");
    const lg_value *a = lg_function_argument(f, "x", LG_TYPE(LG_F32, 2));
    const lg_value *b = lg_function_argument(f, "x", LG_TYPE(LG_F32, 2));
    ck_assert_str_eq(a->name, "x");
    ck_assert_str_ne(b->name, "x");
    ck_assert_ptr_eq(lg_module_function(module, "k"), f);
    lg_function_remove(f);
    ck_assert_ptr_null(lg_module_function(module, "k"));
    ck_assert(module->first == g && module->last == g);
    lg_module_free(module);
}
END_TEST

START_TEST(symbols_keep_their_order)
{
    lg_module *module = lg_module_new("m");
    lg_symbol *made[100];
    char name[16];
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "s%d", i);
        made[i] = lg_symbol_new(module, LG_ROLE_STATE, name, LG_TYPE(LG_F32, i + 1));
    }
    for (int i = 0; i < 100; i += 2)
        lg_symbol_remove(module, made[i]);
    lg_symbol_remove(module, made[99]);
    ck_assert_ptr_null(lg_module_symbol(module, "s42"));
    ck_assert_ptr_null(lg_module_symbol(module, "s99"));
    lg_symbol *again = lg_symbol_new(module, LG_ROLE_PARAM, "s42", LG_TYPE(LG_F32, 1));
    ck_assert_ptr_eq(lg_module_symbol(module, "s42"), again);
    int index = 0;
    LG_FOR_SYMBOLS (symbol, module) {
        ck_assert_int_eq(symbol->value->index, index++);
        ck_assert_ptr_eq(lg_module_symbol(module, symbol->name), symbol);
    }
    ck_assert_int_eq(index, 50);
    ck_assert_ptr_eq(module->last_symbol, again);
    lg_module_free(module);
}
END_TEST

START_TEST(ops_are_inserted_moved_and_removed)
{
    lg_module *module = lg_module_new("m");
    lg_function *f = lg_function_new(module, LG_FUNC, "f");
    lg_value *x = lg_function_argument(f, "x", LG_TYPE(LG_F32, 2));
    lg_value *a = relu(f, NULL, x), *c = add(f, a, a);
    lg_value *b = relu(f, c->op, x);
    lg_function_return(f, NULL, c);
    lg_function_return(f, "again", c);
    ck_assert(f->first == a->op && a->op->next == b->op && b->op->next == c->op &&
              f->last == c->op && c->op->previous == b->op && b->op->previous == a->op);
    ck_assert_int_eq(lg_count_uses(f, a), 2);
    ck_assert_int_eq(lg_count_uses(f, c), 2);
    lg_op_move(b->op, a->op);
    ck_assert(f->first == b->op && b->op->next == a->op && !b->op->previous);
    lg_op_move(b->op, b->op);
    ck_assert(f->first == b->op && b->op->next == a->op);
    lg_op_move(b->op, NULL);
    ck_assert(f->last == b->op && !b->op->next && c->op->next == b->op);
    lg_op_move(b->op, a->op);
    lg_replace_uses(f, a, b);
    lg_op_remove(a->op);
    char *text = lg_text_of_module(module);
    ck_assert_str_eq(text, "module @m\n\nfunc @f(%x: f32[2]) -> (%0: f32[2], %again: f32[2]) {\n"
                           "  %0 = relu %x : f32[2]\n"
                           "  %1 = add %0, %0 : f32[2]\n"
                           "  return %1, %1\n}\n");
    free(text);
    lg_module_free(module);
}
END_TEST

START_TEST(attributes_are_copied_sorted_and_normalised)
{
    lg_module *module = lg_module_new("m");
    lg_function *f = lg_function_new(module, LG_FUNC, "f");
    lg_value *x = lg_function_argument(f, "x", LG_TYPE(LG_F32, 1, 8, 8, 4));
    lg_value *w = lg_function_argument(f, "w", LG_TYPE(LG_F32, 6, 2, 3, 3));
    int64_t stride[] = {2, 1}, pad[] = {0, 0};
    lg_attr attrs[] = {lg_attr_int(LG_ATTR_groups, 2), lg_attr_ints(LG_ATTR_pad, 2, pad),
                       lg_attr_ints(LG_ATTR_stride, 2, stride)};
    const lg_op *op =
        lg_build(f, NULL, LG_OP_conv2d, LG_OPERANDS(x, w), 3, attrs, NULL, nowhere)->op;
    stride[0] = 99;
    ck_assert_int_eq(op->attr_count, 2);
    ck_assert_int_eq(op->attrs[0].name, LG_ATTR_stride);
    ck_assert_int_eq(op->attrs[1].name, LG_ATTR_groups);
    ck_assert_int_eq(lg_op_int_at(op, LG_ATTR_stride, 0), 2);
    ck_assert_int_eq(lg_op_int_at(op, LG_ATTR_dilation, 1), 1);
    ck_assert_int_eq(lg_op_int(op, LG_ATTR_groups), 2);
    ck_assert_ptr_null(lg_op_attr(op, LG_ATTR_pad));
    ck_assert_int_eq(op->results[0]->type.dims[1], 3);
    lg_module_free(module);
}
END_TEST

START_TEST(results_take_over_a_declared_layout)
{
    lg_module *module = lg_module_new("m");
    lg_function *f = lg_function_new(module, LG_FUNC, "f");
    lg_value *x = lg_function_argument(f, "x", LG_TYPE(LG_F32, 2, 3));
    lg_layout layout = {2, {{.axis = 1}, {.axis = 0}}};
    lg_type declared = x->type;
    declared.layout = &layout;
    const lg_value *y = lg_build(f, NULL, LG_OP_relu, LG_OPERANDS(x), 0, NULL, &declared, nowhere);
    ck_assert(y->type.layout && y->type.layout != &layout);
    ck_assert(lg_type_equal(&y->type, &declared));
    ck_assert_ptr_null(relu(f, NULL, (lg_value *)y)->type.layout);
    lg_module_free(module);
}
END_TEST

START_TEST(clones_are_apart)
{
    lg_module *module = lg_module_new("m");
    lg_function *k = lg_function_new(module, LG_KERNEL, "k");
    lg_value *a = lg_function_argument(k, "a", LG_TYPE(LG_F32, 2));
    lg_function_return(k, "y", relu(k, NULL, a));
    lg_function *f = lg_function_new(module, LG_FUNC, "f");
    lg_value *x = lg_function_argument(f, "x", LG_TYPE(LG_F32, 2));
    const lg_op *call = lg_build_call(f, NULL, k, (lg_value *[]){x}, nowhere);
    lg_function_return(f, "y", call->results[0]);
    lg_module *clone = lg_module_clone(module);
    const lg_function *f2 = lg_module_function(clone, "f");
    ck_assert_ptr_eq(lg_op_callee(f2->first), lg_module_function(clone, "k"));
    char *before = lg_text_of_module(clone);
    relu(f, NULL, x);
    lg_symbol_new(module, LG_ROLE_PARAM, "w", LG_TYPE(LG_F32, 2));
    char *after = lg_text_of_module(clone);
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
    lg_module_free(module);
    lg_module_free(clone);
}
END_TEST

// ---- the verifier

static const char verified_text[] = "param @w: f32[2]\n"
                                    "kernel @k(%a: f32[2]) -> (%y: f32[2]) {\n"
                                    "  %0 = relu %a : f32[2]\n"
                                    "  return %0\n}\n"
                                    "func @f(%x: f32[2]) -> (%y: f32[2]) {\n"
                                    "  %0 = exp %x : f32[2]\n"
                                    "  %1 = add %0, @w : f32[2]\n"
                                    "  %2 = call @k(%1) : f32[2]\n"
                                    "  return %2\n}\n";

typedef struct broken {
    lg_module *module;
    lg_function *k, *f;
    lg_op *exp, *add, *call; // of f
} broken;

static void use_before_definition(broken *b)
{
    lg_op_move(b->exp, b->call);
}

static void use_of_a_removed_op(broken *b)
{
    lg_op_remove(b->exp);
}

static void use_of_anothers_argument(broken *b)
{
    b->add->operands[0] = b->k->arguments.items[0];
}

static void use_of_nothing(broken *b)
{
    b->add->operands[0] = NULL;
}

static void use_of_a_removed_symbol(broken *b)
{
    lg_symbol_remove(b->module, b->module->first_symbol);
}

static void use_of_a_dead_symbol(broken *b)
{
    b->module->first_symbol->dead = true;
}

static void type_of_a_result(broken *b)
{
    b->exp->results[0]->type.dims[0] = 3;
}

static void type_of_an_argument(broken *b)
{
    b->k->arguments.items[0]->type.dims[0] = 0;
}

static void callee_removed(broken *b)
{
    lg_function_remove(b->k);
}

static void callee_with_more_results(broken *b)
{
    lg_function_return(b->k, "z", b->k->arguments.items[0]);
}

static void op_of_another_function(broken *b)
{
    b->exp->function = b->k;
}

static void attribute_that_is_not_allowed(broken *b)
{
    static lg_attr axis;
    axis = lg_attr_int(LG_ATTR_axis, 0);
    b->exp->attrs = &axis;
    b->exp->attr_count = 1;
}

static void name_that_does_not_print(broken *b)
{
    b->f->name = "two words";
}

static void name_taken(broken *b)
{
    b->k->name = "f";
}

static void broken_list(broken *b)
{
    b->add->previous = NULL;
}

static void result_of_another_op(broken *b)
{
    b->exp->results[0]->op = b->add;
}

static void composite_without_a_name(broken *b)
{
    b->k->kind = LG_COMPOSITE;
}

static void recursion(broken *b)
{
    b->call->attrs[0].as.function = b->f;
    b->f->kind = LG_KERNEL;
}

START_TEST(verifier_finds_what_is_broken)
{
    static const struct {
        void (*damage)(broken *);
        const char *message; // the first
    } cases[] = {
        {use_before_definition, "t.ir:8:8: error: @f: a result of exp is used but not defined"},
        {use_of_a_removed_op, "t.ir:8:8: error: @f: a result of exp is used but not defined"},
        {use_of_anothers_argument, "t.ir:8:8: error: @f: an argument of another function is used"},
        {use_of_nothing, "t.ir:8:8: error: @f: a value is missing"},
        {use_of_a_removed_symbol, "t.ir:8:8: error: @f: @w is not a symbol of the module"},
        {use_of_a_dead_symbol, "t.ir:8:8: error: @f: @w is marked dead but used"},
        {type_of_a_result, "t.ir:7:8: error: exp: the result is f32[2], declared is f32[3]"},
        {type_of_an_argument, "t.ir:2:8: error: @k: a dimension must be at least 1"},
        {callee_removed, "t.ir:9:8: error: @f: the callee is not a function of the module"},
        {callee_with_more_results, "t.ir:9:8: error: @f: call has 1 results instead of 2"},
        {op_of_another_function, "t.ir:7:8: error: @f: exp says it is of another function"},
        {attribute_that_is_not_allowed, "t.ir:7:8: error: exp: has no attribute `axis`"},
        {name_that_does_not_print, "t.ir:6:6: error: `@two words` cannot be a name"},
        {name_taken, "t.ir:6:6: error: @f is defined twice"},
        {broken_list, "t.ir:8:8: error: @f: the list of ops is broken at add"},
        {result_of_another_op, "t.ir:7:8: error: @f: a result of exp does not know its op"},
        {composite_without_a_name, "t.ir:2:8: error: @k: a composite, and nothing else, says"},
        {recursion, "t.ir:6:6: error: @f calls itself"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        broken b = {.module = lg_module_of_text(verified_text)};
        b.k = lg_module_function(b.module, "k");
        b.f = lg_module_function(b.module, "f");
        b.exp = b.f->first;
        b.add = b.exp->next;
        b.call = b.add->next;
        cases[i].damage(&b);
        lg_diag *diag = lg_diag_new();
        ck_assert(!lg_verify_module(b.module, diag));
        char *text = lg_text_of_diag(diag);
        ck_assert_msg(strncmp(text, cases[i].message, strlen(cases[i].message)) == 0,
                      "case %zu: expected %s, got %s", i, cases[i].message, text);
        free(text);
        lg_diag_free(diag);
        lg_module_free(b.module);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("graph");
    TCase *tests = tcase_create("graph");
    tcase_add_test(tests, layouts_say_how_large_a_buffer_is);
    tcase_add_test(tests, types_from_outside_are_checked);
    tcase_add_test(tests, names_become_unique);
    tcase_add_test(tests, symbols_keep_their_order);
    tcase_add_test(tests, ops_are_inserted_moved_and_removed);
    tcase_add_test(tests, attributes_are_copied_sorted_and_normalised);
    tcase_add_test(tests, results_take_over_a_declared_layout);
    tcase_add_test(tests, clones_are_apart);
    tcase_add_test(tests, verifier_finds_what_is_broken);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
