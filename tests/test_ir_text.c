// The text form of the graph IR: what is printed reads back to the byte, every fault is told where
// it is, no bytes crash the parser, and the documentation is what the compiler has.
#include "tests/support/graph_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

// ---- a module with every op

static const char corpus_head[] =
    "module @corpus\n\n"
    "param @conv1.weight: f32[64,3,7,7] {normal=0.05}\n"
    "param @head-0:bias_1: bf16[10] {uniform=0.1}\n"
    "param @gone: f32[1] dead {constant=1.0}\n"
    "state @s: f32[2,3]\n"
    "state @steps: i64[] {constant=-3.0}\n"
    "packed @conv1.packed: f32[64,3,7,7]{0/16 2 3 1 0%16}\n\n"
    "func @main() -> () {\n  return\n}\n\n"
    "func @names(%0: f32[1], %2: f32[1], %a.b_1: f32[1]) -> (%0: f32[1], %x.y: f32[1]) {\n"
    "  %1 = add %0, %2 : f32[1]\n"
    "  %3 = add %1, %a.b_1 : f32[1]\n"
    "  return %3, %0\n}\n\n"
    "kernel @callee(%x: f32[2,3]) -> (%y: f32[2,3], %z: f32[2,3]) {\n"
    "  %0 = call @later(%x) : f32[2,3]\n"
    "  return %0, @s\n}\n\n"
    "composite batch_norm @later(%x: f32[2,3]) -> (%y: f32[2,3]) {\n"
    "  return %x\n}\n";

static void write_elementwise(FILE *out, const lg_op_info *info, lg_opcode code, const char *dtype)
{
    fprintf(out, "\nfunc @%s_%s(%%a: %s[2,3], %%c: bool[2,3]) -> () {\n  %%0 = %s %s", info->name,
            dtype, dtype, info->name, code == LG_OP_select ? "%c" : "%a");
    for (int i = 1; i < info->operands; i++)
        fputs(", %a", out);
    bool to_bool = code >= LG_OP_eq && code <= LG_OP_ge;
    fprintf(out, " : %s[2,3]\n  return\n}\n", to_bool ? "bool" : dtype);
}

static char *make_corpus(void)
{
    static const struct {
        lg_opcode code;
        const char *arguments, *line, *message;
    } cases[] = {
#define CASE(op, arguments, line, message) {LG_OP_##op, arguments, line, message},
#include "tests/support/op_cases.def"
#undef CASE
    };
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(out);
    fputs(corpus_head, out);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (!cases[i].message)
            fprintf(out, "\nfunc @case%zu(%s) -> () {\n  %s\n  return\n}\n", i, cases[i].arguments,
                    cases[i].line);
    for (int code = 0; code < LG_OPCODE_COUNT; code++) {
        const lg_op_info *info = lg_op_info_of((lg_opcode)code);
        if (info->class == LG_CLASS_ELEMENTWISE) // every one takes f32 or i32
            write_elementwise(out, info, (lg_opcode)code,
                              strstr("not rem and or xor shl shr", info->name) ? "i32" : "f32");
    }
    fclose(out);
    return text;
}

START_TEST(corpus_reads_back_to_the_byte)
{
    char *text = make_corpus();
    lg_module *module = lg_module_of_text(text);
    char *printed = lg_text_of_module(module);
    ck_assert_str_eq(printed, text);
    bool seen[LG_OPCODE_COUNT] = {0};
    LG_FOR_FUNCTIONS (function, module)
        LG_FOR_OPS (op, function)
            seen[op->code] = true;
    for (int code = 0; code < LG_OPCODE_COUNT; code++)
        ck_assert_msg(seen[code], "the corpus lacks %s", lg_op_info_of((lg_opcode)code)->name);
    free(printed);
    free(text);
    lg_module_free(module);
}
END_TEST

START_TEST(clone_prints_the_same)
{
    char *text = make_corpus();
    lg_module *module = lg_module_of_text(text), *clone = lg_module_clone(module);
    lg_module_free(module); // the clone must not need it
    char *printed = lg_text_of_module(clone);
    ck_assert_str_eq(printed, text);
    lg_diag *diag = lg_diag_new();
    ck_assert(lg_verify_module(clone, diag));
    lg_diag_free(diag);
    free(printed);
    free(text);
    lg_module_free(clone);
}
END_TEST

// Spelled freely, the same module: comments, spaces, result names, defaults, order of attributes.
START_TEST(free_spelling_is_normalised)
{
    lg_module *module =
        lg_module_of_text("; a comment\n"
                          "func @f ( %x : f32 [ 1 , 8,8,3 ] ) -> (%y: f32[1,8,8,3]) { // another\n"
                          "  %conv = conv2d %x,@w{pad=[1,1],stride=[1,1],groups=1}:f32[1,8,8,3]\n\n"
                          "  %relu.1 = relu %conv :\n    f32[1,8,8,3]\n"
                          "  return %relu.1 }\n"
                          "param @w: f32[3,3,3,3] {constant=0}\n");
    char *printed = lg_text_of_module(module);
    ck_assert_str_eq(printed, "module @main\n\nparam @w: f32[3,3,3,3]\n\n"
                              "func @f(%x: f32[1,8,8,3]) -> (%y: f32[1,8,8,3]) {\n"
                              "  %0 = conv2d %x, @w {pad=[1,1]} : f32[1,8,8,3]\n"
                              "  %1 = relu %0 : f32[1,8,8,3]\n"
                              "  return %1\n}\n");
    free(printed);
    lg_module_free(module);
}
END_TEST

// ---- faults

typedef struct fault_case {
    const char *text, *faults;
} fault_case;

static const fault_case fault_cases[] = {
    {"", ""},
    {"hello\nworld\nparam @a: f32[2\n",
     "1:1: expected a symbol (param, state, packed) or a function (func, composite, kernel)\n"
     "4:1: expected `,`, found the end of the file\n"},
    {"param @a: f33[2]\nparam @b: f32[0]\nparam @c: f32[1,1,1,1,1,1,1]\nparam @d: f32[-2]\n",
     "1:11: expected a type like f32[1,3]; element types are f32, bf16, f16, i32, i64, u8 and "
     "bool\n"
     "2:11: a dimension must be at least 1\n"
     "3:26: a shape has at most 6 dimensions\n"
     "4:11: a dimension must be at least 1\n"},
    {"param @a: f32[99999999999999999999]\nparam @b: f32[1099511627777]\n"
     "param @c: f32[1048576,1048577]\n",
     "1:15: `99999999999999999999` does not fit in 64 bits\n"
     "1:11: the shape has more than 2^40 elements\n"
     "2:11: the shape has more than 2^40 elements\n"
     "3:11: the shape has more than 2^40 elements\n"},
    {"param @a: f32[8,8]{0}\nparam @b: f32[8,8]{0/2 1 0%4}\nparam @c: f32[8]{1}\n"
     "param @d: f32[8]{0@4:11}\nparam @e: f32[8]{0@:3}\nparam @f: f32[8]{0/0 0%0}\n"
     "param @g: f32[8]{7}\nparam @h: f32[1048576]{0/1099511627776 0%1099511627776+3}\n",
     "1:11: the layout must name every axis once, whole or as outer and inner part of one block\n"
     "2:11: the layout must name every axis once, whole or as outer and inner part of one block\n"
     "3:11: the layout names an axis that the shape does not have\n"
     "4:11: a window of the layout does not lie within its extent\n"
     "5:19: expected a window, @offset:extent\n"
     "6:11: a block of the layout is not positive, or too large\n"
     "7:18: an axis is 0 to 5\n"
     "8:55: expected an integer, found `+`\n"},
    {"param @a: f32[2] {random=1}\nparam @b: f32[2] {normal=-1}\nparam @c: f32[2] {normal=inf}\n"
     "param @b: f32[2]\n",
     "1:19: a symbol starts as constant, normal or uniform\n"
     "2:26: must be finite, and of a distribution not negative\n"
     "3:26: must be finite, and of a distribution not negative\n"
     "4:7: @b is defined twice\n"},
    {"func @f(%a: f32[2]) -> (%y: f32[2]) {\n"
     "  %0 = rellu %a : f32[2]\n"
     "  %1 = relu %0 : f32[2]\n"
     "  %2 = relu %b : f32[2]\n"
     "  %2 = exp %2, %c : f32[2]\n"
     "  %3 = relu @d : f32[2]\n"
     "  %4, %5 = relu %a : f32[2], f32[2]\n"
     "  %6 = relu %a : f32[2], f32[2]\n"
     "  %7 = relu %a {axes=[1 : f32[2]\n"
     "  %8 = relu %a {colour=1} : f32[2]\n"
     "  %9 = reduce_sum %a {axes=0, axes=1} : f32[1]\n"
     "  %10 = relu %a : f32[2] : f32[2]\n"
     "  %11 = call @nobody(%a) : f32[2]\n"
     "  %a = relu %a : f32[2]\n"
     "  7\n"
     "  return %1, %11\n"
     "}\n",
     "2:8: there is no op `rellu`; did you mean `relu`?\n"
     "4:13: %b is not defined above\n"
     "5:16: %c is not defined above\n"
     "5:3: %2 is defined twice\n"
     "6:13: there is no symbol @d\n"
     "7:12: relu gives 1 result, 2 named\n"
     "8:8: 1 results are named, 2 types given\n"
     "9:25: expected `,`, found `:`\n"
     "10:17: there is no attribute `colour`\n"
     "11:31: attribute `axes` is given twice\n"
     "12:26: expected the end of the line\n"
     "13:14: there is no function @nobody\n"
     "14:3: %a is defined twice\n"
     "15:3: expected the name of an op\n"
     "16:3: @f has 1 result, 2 returned\n"},
    {"func @f() -> (%y: f32[2]) {\n  %0 = constant {value=1} : f32[3]\n  return %0\n}\n"
     "func @f() -> () {\n  return\n}\n"
     "func @g() -> () {\n}\n"
     "func @h() -> () {\n  return\n  return\n}\n"
     "func @i(%a: f32[1], %a: f32[1]) -> () {\n  %0 = nonsense\n}\n"
     "func @j() -> () {\n"
     "func @k() -> () {\n  return\n}\n",
     "5:6: @f is defined twice\n"
     "14:21: %a is defined twice\n"
     "3:10: result %y of @f is f32[2], returned is f32[3]\n"
     "9:1: @g ends without return\n"
     "12:3: expected `}`: return is the last line of a function\n"
     "18:1: expected `}`, found `func`\n"},
    {"kernel @a() -> () {\n  call @b()\n  return\n}\nkernel @b() -> () {\n  call @a()\n"
     "  return\n}\nfunc @c() -> () {\n  call @b()\n  return\n}\n",
     "1:8: @a calls itself, or what calls itself\n"
     "5:8: @b calls itself, or what calls itself\n"
     "9:6: @c calls itself, or what calls itself\n"},
    {"state @s: f32[1] dead\nstate @t: f32[1]\n"
     "func @f(%a: f32[1]) -> (%y: f32[1]) {\n  write @s, %a\n  write @t, %a\n  write @t, @t\n"
     "  return %a\n}\n",
     "4:3: @f: @s is marked dead but used\n"
     "6:3: @f: @t is written twice\n"},
    {"func @f() -> () {\n  %0 = constant {value=1e999} : f32[1]\n"
     "  %1 = constant {value=\"x} : f32[1]\n  \001\n  return\n}\n",
     "2:24: `1e999` is too large; write inf for infinity\n"
     "3:24: the string does not end on its line\n"
     "3:24: expected a number, found `\"x} : f32[1]`\n"
     "4:3: expected the name of an op\n"},
};

START_TEST(faults_are_told_where_they_are)
{
    int failed = 0;
    for (size_t i = 0; i < sizeof fault_cases / sizeof *fault_cases; i++) {
        const fault_case *c = &fault_cases[i];
        char *faults = lg_faults_of_text(c->text);
        if (strcmp(faults, c->faults) != 0) {
            printf("%s\ngives:\n%sexpected:\n%s\n", c->text, faults, c->faults);
            failed++;
        }
        free(faults);
    }
    ck_assert_int_eq(failed, 0);
}
END_TEST

START_TEST(calls_nested_too_deep_are_refused)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(out);
    for (int i = 0; i < 66; i++) // heights 65 to 0
        fprintf(out, "kernel @k%d() -> () {\n  call @k%d()\n  return\n}\n", i, i + 1);
    fprintf(out, "kernel @k66() -> () {\n  return\n}\n");
    fclose(out);
    char *faults = lg_faults_of_text(text);
    ck_assert_str_eq(faults, "1:8: @k0: calls are nested deeper than 64\n"
                             "5:8: @k1: calls are nested deeper than 64\n");
    free(faults);
    free(text);
}
END_TEST

// ---- any bytes at all

// Parses a copy that ends where the text ends, so that a sanitizer sees a read beyond it. What
// parses must print and read back.
static void try_bytes(const char *bytes, size_t length)
{
    char *exact = malloc(length + 1);
    ck_assert_ptr_nonnull(exact);
    char *text = realloc(memcpy(exact, bytes, length), length ? length : 1);
    lg_diag *diag = lg_diag_new();
    lg_diag_add_source(diag, "fuzz.ir", text, length);
    lg_module *module = lg_parse_module("fuzz.ir", text, length, diag);
    ck_assert_int_eq(module != NULL, lg_diag_errors(diag) == 0);
    if (module) {
        lg_verify_module(module, diag);
        char *once = lg_text_of_module(module);
        lg_module *again = lg_module_of_parsed(once);
        char *twice = lg_text_of_module(again);
        ck_assert_str_eq(once, twice);
        free(once);
        free(twice);
        lg_module_free(again);
    }
    free(lg_text_of_diag(diag));
    lg_module_free(module);
    lg_diag_free(diag);
    free(text);
}

// One of each kind of line, short enough for every truncation.
static const char seed_text[] =
    "module @m\n"
    "param @w: f32[4,2,3,3] {normal=0.05}\n"
    "packed @p: f32[4,2,3,3]{0/2 1 2+1@4:9 3 0%2} dead\n"
    "func @f(%x: f32[1,8,8,2], %0: i32[3]) -> (%y: f32[1,6,6,4], %z: f32[3]) {\n"
    "  %1 = conv2d %x, @w {stride=[1,1]} : f32[1,6,6,4] ; comment\n"
    "  %2, %3 = call @k(%1) : f32[1,6,6,4], f32[3]\n"
    "  write @w, @w\n"
    "  return %2, %3 // done\n"
    "}\n"
    "composite norm @k(%x: f32[1,6,6,4]) -> (%y: f32[1,6,6,4], %z: f32[3]) {\n"
    "  %0 = constant {values=[1.5,-inf,2e-3]} : f32[3]\n"
    "  %1 = matmul %x, %x {tb} : f32[1,6,6,6]\n"
    "  return %x, %0\n"
    "}\n";

START_TEST(truncations_do_no_harm)
{
    for (size_t length = 0; length < sizeof seed_text; length++)
        try_bytes(seed_text, length);
    char *corpus = make_corpus();
    for (size_t length = 0, end = strlen(corpus); length < end; length += 97)
        try_bytes(corpus, length);
    free(corpus);
}
END_TEST

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

START_TEST(changed_bytes_do_no_harm)
{
    static const char alphabet[] = "%@{}[]()=:,+-./;\"0129efx_ \n";
    char text[sizeof seed_text];
    size_t length = sizeof seed_text - 1;
    uint32_t state = 2463534242;
    for (int round = 0; round < 3000; round++) {
        memcpy(text, seed_text, length);
        for (uint32_t changes = 1 + next_random(&state) % 4; changes > 0; changes--) {
            uint32_t at = next_random(&state) % length, what = next_random(&state);
            text[at] =
                what & 1 ? alphabet[(what >> 1) % (sizeof alphabet - 1)] : (char)(what >> 1 & 255);
        }
        try_bytes(text, length);
    }
}
END_TEST

// Whole words in other places find more than bytes do.
START_TEST(words_in_wrong_places_do_no_harm)
{
    uint32_t state = 88675123;
    size_t length = sizeof seed_text - 1;
    char text[2 * sizeof seed_text];
    for (int round = 0; round < 3000; round++) {
        size_t from = next_random(&state) % length, to = next_random(&state) % length;
        size_t size = 1 + next_random(&state) % 12;
        if (from + size > length)
            size = length - from;
        memcpy(text, seed_text, to);
        memcpy(text + to, seed_text + from, size);
        memcpy(text + to + size, seed_text + to, length - to);
        try_bytes(text, length + size);
    }
}
END_TEST

// ---- the documentation

static char *read_documentation(void)
{
    FILE *in = fopen(LGPNC_TESTS_DIR "/../docs/ir.md", "rb");
    ck_assert_ptr_nonnull(in);
    char *text = calloc(1, 1 << 20);
    ck_assert_ptr_nonnull(text);
    size_t length = fread(text, 1, (1 << 20) - 1, in);
    ck_assert_uint_gt(length, 0);
    fclose(in);
    return text;
}

START_TEST(documented_reference_is_the_tables)
{
    static const char marker[] = "<!-- generated: lgpnc opt --help-ops -->\n";
    char *text = read_documentation(), *reference = NULL;
    char *start = strstr(text, marker), *end = strstr(text, "<!-- end of generated -->");
    ck_assert(start && end);
    size_t size = 0;
    FILE *out = open_memstream(&reference, &size);
    ck_assert_ptr_nonnull(out);
    lg_print_op_reference(out);
    fclose(out);
    *end = '\0';
    ck_assert_str_eq(start + strlen(marker), reference);
    free(reference);
    free(text);
}
END_TEST

START_TEST(documented_example_is_right)
{
    char *text = read_documentation(), *start = strstr(text, "```ir\n");
    ck_assert_ptr_nonnull(start);
    start += strlen("```ir\n");
    char *end = strstr(start, "```");
    ck_assert_ptr_nonnull(end);
    *end = '\0';
    lg_module *module = lg_module_of_text(start);
    char *printed = lg_text_of_module(module);
    ck_assert_str_eq(printed, start);
    free(printed);
    lg_module_free(module);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ir_text");
    TCase *tests = tcase_create("ir_text");
    tcase_add_test(tests, corpus_reads_back_to_the_byte);
    tcase_add_test(tests, clone_prints_the_same);
    tcase_add_test(tests, free_spelling_is_normalised);
    tcase_add_test(tests, faults_are_told_where_they_are);
    tcase_add_test(tests, calls_nested_too_deep_are_refused);
    tcase_add_test(tests, truncations_do_no_harm);
    tcase_add_test(tests, changed_bytes_do_no_harm);
    tcase_add_test(tests, words_in_wrong_places_do_no_harm);
    tcase_add_test(tests, documented_reference_is_the_tables);
    tcase_add_test(tests, documented_example_is_right);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
