// Shape rules: every case of the table gives no message or exactly its own, at the op; every row of
// the op table has right and wrong cases.
#include "tests/support/graph_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

typedef struct op_case {
    lg_opcode code;
    const char *arguments, *line, *message;
} op_case;

static const op_case cases[] = {
#define CASE(op, arguments, line, message) {LG_OP_##op, arguments, line, message},
#include "tests/support/op_cases.def"
#undef CASE
};

enum { CASES = sizeof cases / sizeof *cases };

static const char *module_of(char text[2048], const char *arguments, const char *line)
{
    snprintf(text, 2048,
             "module @cases\n\nstate @s: f32[2,3]\n\n"
             "func @main() -> () {\n  return\n}\n\n"
             "kernel @callee(%%x: f32[2,3]) -> (%%y: f32[2,3], %%z: f32[2,3]) {\n"
             "  return %%x, %%x\n}\n\n"
             "func @case(%s) -> () {\n  %s\n  return\n}\n",
             arguments, line);
    return text;
}

START_TEST(every_case_gives_its_message)
{
    char text[2048], expected[512];
    for (int i = 0; i < CASES; i++) {
        const op_case *c = &cases[i];
        char *faults = lg_faults_of_text(module_of(text, c->arguments, c->line));
        const char *equals = strstr(c->line, " = ");
        int column = 3 + (equals ? (int)(equals + 3 - c->line) : 0);
        expected[0] = '\0';
        if (c->message)
            snprintf(expected, sizeof expected, "14:%d: %s\n", column, c->message);
        ck_assert_msg(strcmp(faults, expected) == 0, "%s\ngives:    %sexpected: %s", c->line,
                      *faults ? faults : "no message\n", *expected ? expected : "none");
        free(faults);
    }
}
END_TEST

START_TEST(every_row_has_a_right_and_a_wrong_case)
{
    bool right[LG_OPCODE_COUNT] = {0}, wrong[LG_OPCODE_COUNT] = {0};
    for (int i = 0; i < CASES; i++)
        *(cases[i].message ? &wrong[cases[i].code] : &right[cases[i].code]) = true;
    for (int code = 0; code < LG_OPCODE_COUNT; code++) {
        const lg_op_info *info = lg_op_info_of((lg_opcode)code);
        ck_assert_msg(info->class == LG_CLASS_ELEMENTWISE || (right[code] && wrong[code]),
                      "op_cases.def lacks a case of %s", info->name);
    }
}
END_TEST

// Writes the line of an elementwise op on operands of `dtype`, and its arguments.
static void write_elementwise(lg_opcode code, const char *dtype, const char *result,
                              char *arguments, char *line)
{
    const lg_op_info *info = lg_op_info_of(code);
    bool is_select = code == LG_OP_select;
    sprintf(arguments, "%%c: bool[2,3], %%a: %s[2,3]", dtype);
    int at = sprintf(line, "%%0 = %s %s", info->name, is_select ? "%c" : "%a");
    for (int i = 1; i < info->operands; i++)
        at += sprintf(line + at, ", %%a");
    sprintf(line + at, " : %s[2,3]", result);
}

// An op takes an element type exactly if its column says so, and gives what its column says.
START_TEST(elementwise_rows_follow_their_columns)
{
    static const struct {
        lg_opcode code;
        const char *takes, *gives;
    } rows[] = {
#define ELEMENTWISE(name, arity, operands, result, summary, ...) {LG_OP_##name, #operands, #result},
#define OP(name, class, operands, attributes, summary)
#include "ir/ops.def"
#undef ELEMENTWISE
#undef OP
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        for (int d = 0; d < LG_DTYPE_COUNT; d++) {
            lg_dtype dtype = (lg_dtype)d;
            bool is_float = lg_dtype_is_float(dtype), is_bool = dtype == LG_BOOL;
            bool taken = strcmp(rows[row].takes, "FLOAT") == 0    ? is_float
                         : strcmp(rows[row].takes, "NUMBER") == 0 ? !is_bool
                         : strcmp(rows[row].takes, "BITS") == 0   ? !is_float
                                                                  : true;
            bool to_bool = strcmp(rows[row].gives, "BOOL") == 0;
            char arguments[64], line[128], text[2048];
            write_elementwise(rows[row].code, lg_dtype_name(dtype),
                              to_bool ? "bool" : lg_dtype_name(dtype), arguments, line);
            char *faults = lg_faults_of_text(module_of(text, arguments, line));
            ck_assert_msg(taken == !*faults, "%s: %s", line, faults);
            free(faults);
        }
    }
}
END_TEST

// What only a caller in C can get wrong.
START_TEST(faults_of_callers)
{
    lg_module *module = lg_module_new("m"), *other = lg_module_new("other");
    lg_function *f = lg_function_new(module, LG_FUNC, "f");
    lg_function *foreign = lg_function_new(other, LG_KERNEL, "k");
    lg_value *a = lg_function_argument(f, "a", LG_TYPE(LG_F32, 2));
    lg_diag *diag = lg_diag_new();
    lg_location where = {"model.c", 7, 0};
    lg_attr twice[] = {lg_attr_number(LG_ATTR_value, 1), lg_attr_number(LG_ATTR_value, 2)};
    lg_attr callee = lg_attr_function(LG_ATTR_callee, foreign);
    lg_type zero = LG_TYPE(LG_F32, 2, 0);
    ck_assert_ptr_null(
        lg_op_new(f, NULL, LG_OP_reshape, LG_OPERANDS(a), 0, NULL, NULL, where, diag));
    ck_assert_ptr_null(
        lg_op_new(f, NULL, LG_OP_constant, 0, NULL, 2, twice, &a->type, where, diag));
    ck_assert_ptr_null(lg_op_new(f, NULL, LG_OP_call, 0, NULL, 1, &callee, NULL, where, diag));
    ck_assert_ptr_null(
        lg_op_new(f, NULL, LG_OP_broadcast, LG_OPERANDS(a), 0, NULL, &zero, where, diag));
    char *text = lg_text_of_diag(diag);
    ck_assert_str_eq(text,
                     "model.c:7: error: reshape: needs the type of its result to be declared\n"
                     "model.c:7: error: constant: attribute `value` is given twice\n"
                     "model.c:7: error: call: the callee is not a function of this module\n"
                     "model.c:7: error: broadcast: a dimension must be at least 1\n");
    free(text);
    lg_diag_free(diag);
    lg_module_free(module);
    lg_module_free(other);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("infer");
    TCase *tests = tcase_create("infer");
    tcase_add_test(tests, every_case_gives_its_message);
    tcase_add_test(tests, every_row_has_a_right_and_a_wrong_case);
    tcase_add_test(tests, elementwise_rows_follow_their_columns);
    tcase_add_test(tests, faults_of_callers);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
