// The text of the kernel IR: every construct prints back to the byte, every fault is told with its
// place and the rest is still looked at, and no bytes whatever bring the parser down.
#include "ir/kernel.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static char *print(const lg_program *program)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    lg_print_program(program, out);
    fclose(out);
    return text;
}

static char *messages(const lg_diag *diag)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    lg_diag_print(diag, out);
    fclose(out);
    return text;
}

// ---- every construct

static const char corpus[] =
    "program \"lgpn:image=32\" packed 1234\n"
    "param @GTC.conv1.weight: f32[64,3,7,7]\n"
    "state @steps: i64[]\n"
    "\n"
    "kernel @relu_sum(%x: f32[12,100], %y: bf16[12,100], %z: out f32[12,100]) {\n"
    "  cost flops=2400.0 bytes=14400.0\n"
    "  // z = relu(x + y)\n"
    "  //\n"
    "  parallel %i in 0..12 {\n"
    "    for %j in 0..96 step 8 {\n"
    "      %z[%i, %j : 8] = max(%x[%i, %j : 8] + %y[%i, %j : 8], 0.0)\n"
    "    }\n"
    "    %z[%i, 96 : 4] = max(%x[%i, 96 : 4] + %y[%i, 96 : 4], 0.0)\n"
    "  }\n"
    "}\n"
    "\n"
    "kernel @scopes(%s: inout f32[], %c: u8[100], %t: i64[4], %m: out bool[4]) {\n"
    "  alloc %acc: f32x8[6,2] register\n"
    "  alloc %row: f32[58] tile\n"
    "  alloc %one: i32[] register\n"
    "  let %n = max(%t[0], 1)\n"
    "  let %h = %n - 1\n"
    "  for %a in %h..%n * 2 + 1 step 2 {\n"
    "    unroll %r in 0..6 {\n"
    "      %acc[%r, 0] = fma(%acc[%r, 0], %row[%r : 8], %s[])\n"
    "    }\n"
    "    if %a < 3 & %n >= 4 | not(%n == 7) {\n"
    "      %s[] = sum(%row[0 : 8]) + maximum(low(%row[0 : 8], 3))\n"
    "    } else {\n"
    "      %one[] = %c[%a] + 3i32 - -4i32\n"
    "    }\n"
    "  }\n"
    "  %m[1] = true\n"
    "  prefetch %c[%n + 2]\n"
    "  %s[] = sum(%row[lanes(8) * 2 + %n]) + f32(i32(%n)) / -1.5e-07\n"
    "  %row[3] = select(%s[] > -inf, inf, nan)\n"
    "  %row[4] = f32(bool(%n)) - (%s[] - 1.0) - (%s[] + 0.1)\n"
    "  let %big = -9223372036854775808 + (%n + (%n << 2 >> 1) % 5) * -3 ^ %n\n"
    "  let %deep = (%n * (%n / (%n % 3)) | 1) & 2\n"
    "}\n"
    "\n"
    "kernel @matrices(%a: bf16[16,32], %b: bf16[16,16,2], %c: inout f32[16,16]) {\n"
    "  alloc %acc: f32x256[2,1] matrix\n"
    "  alloc %left: bf16x512[] matrix\n"
    "  alloc %right: bf16x512[1] matrix\n"
    "  unroll %i in 0..2 {\n"
    "    zero %acc[%i, 0]\n"
    "  }\n"
    "  load %left[], %a[0, 0]\n"
    "  load %right[0], %b[0, 0, 0]\n"
    "  dot %acc[1, 0], %left[], %right[0]\n"
    "  store %c[0, 0], %acc[1, 0]\n"
    "  %c[0, 0] = bf16(%c[0, 1]) - %c[0, 1]\n"
    "}\n"
    "\n"
    "kernel @cuda(%x: f32[4,256], %y: out f32[4,256]) {\n"
    "  block %b in 0..4 {\n"
    "    alloc %s: f32[256] shared\n"
    "    thread %t in 0..256 {\n"
    "      %s[%t] = exp(%x[%b, %t])\n"
    "    }\n"
    "    barrier\n"
    "    thread %u in 0..256 {\n"
    "      %y[%b, %u] = neg(%s[255 - %u])\n"
    "    }\n"
    "  }\n"
    "}\n"
    "\n"
    "kernel @nothing() {\n"
    "}\n"
    "\n"
    "entry @infer workspace 4096 {\n"
    "  input 0 @image: f32[12,100]\n"
    "  output 0 @12: f32[12,100]\n"
    "  slot @x3: bf16[1,12,4,25]{0 1+1 3/8 2+1 3%8} workspace 1024 uses 0..7\n"
    "  slot @part: f32[1,8,8,16]{0 1 3/8@4:9 2 3%8} packed 64\n"
    "  slot @w0: f32[64,3,7,7] param 0\n"
    "  launch @relu_sum(@image, @x3, @12) \"GTC.layer1.0.conv1\"\n"
    "  launch @nothing()\n"
    "}\n"
    "\n"
    "entry @pack workspace 0 {\n"
    "}\n";

static lg_program *parse(const char *text, size_t length, lg_diag *diag)
{
    return lg_parse_program("test.ir", text, length, diag);
}

START_TEST(every_construct_prints_back)
{
    lg_diag *diag = lg_diag_new();
    lg_program *program = parse(corpus, strlen(corpus), diag);
    char *faults = messages(diag);
    ck_assert_msg(program, "%s", faults);
    char *text = print(program);
    ck_assert_str_eq(text, corpus);
    free(text);
    free(faults);
    lg_program_free(program);
    lg_diag_free(diag);
}
END_TEST

START_TEST(fields_are_what_the_text_says)
{
    lg_diag *diag = lg_diag_new();
    lg_program *program = parse(corpus, strlen(corpus), diag);
    ck_assert_ptr_nonnull(program);
    ck_assert_int_eq(program->packed, 1234);
    const lg_entry *entry = lg_program_entry(program, "infer");
    ck_assert_int_eq(entry->input_count, 1);
    ck_assert_int_eq(entry->output_count, 1);
    ck_assert_int_eq(entry->slots.items[2]->offset, 1024);
    ck_assert_int_eq(entry->slots.items[2]->last_use, 7);
    ck_assert_ptr_eq(entry->launches.items[0].slots[2], entry->slots.items[1]);
    const lg_kernel *kernel = lg_program_kernel(program, "relu_sum");
    ck_assert(kernel->flops == 2400);
    const lg_kstmt *loop = kernel->body.first->next->next;
    ck_assert_int_eq(loop->as.loop.role, LG_LOOP_PARALLEL);
    ck_assert_int_eq(loop->as.loop.var->high, 11);
    const lg_kstmt *inner = loop->as.loop.body.first;
    ck_assert_int_eq(inner->as.loop.var->high, 88);
    ck_assert_int_eq(inner->as.loop.body.first->as.store.lanes, 8);
    const lg_kernel *scopes = lg_program_kernel(program, "scopes");
    ck_assert_int_eq(scopes->locals.items[0]->lanes, 8);
    ck_assert_int_eq(scopes->locals.items[0]->id, 4);
    ck_assert_int_eq(scopes->vars.items[0]->low, 1);
    lg_program_free(program);
    lg_diag_free(diag);
}
END_TEST

START_TEST(documentation_has_the_table_of_functions)
{
    char *table = NULL, *document = NULL;
    size_t length = 0, size = 0;
    FILE *out = open_memstream(&table, &length);
    lg_print_scalar_reference(out);
    fclose(out);
    FILE *file = fopen(LGPNC_TESTS_DIR "/../docs/ir.md", "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_gt(getdelim(&document, &size, '\0', file), 0);
    fclose(file);
    ck_assert_msg(strstr(document, table), "docs/ir.md lacks:\n%s", table);
    free(table);
    free(document);
}
END_TEST

// ---- faults

typedef struct fault {
    const char *text;
    const char *expected[3]; // parts of the messages, in order
} fault;

#define KERNEL(body) "kernel @k(%x: f32[4,8], %y: out f32[4,8]) {\n" body "}\n"

static const fault faults[] = {
    {"nonsense\n", {"test.ir:1:1: error: expected program, param, state, kernel or entry"}},
    {"kernel @k(%x: f33[4]) {\n}\n", {"1:15: error: expected an element type, found `f33`"}},
    {"kernel @k(%x: f32x8[4]) {\n}\n", {"1:15: error: only register buffers hold vectors"}},
    {"kernel @k(%x: f32[0]) {\n}\n", {"1:19: error: a buffer's size must be between 1"}},
    {"kernel @k(%x: f32[1099511627776,2]) {\n}\n", {"must be between 1 and 1"}},
    {"kernel @k(%x: f32[4], %x: f32[4]) {\n}\n", {"1:23: error: %x is defined twice"}},
    {"kernel @a-b() {\n}\n", {"1:8: error: the name of a kernel"}},
    {"kernel @k() {\n}\nkernel @k() {\n}\n", {"3:8: error: kernel @k is defined twice"}},
    {KERNEL("  %y[0, 0] = %q\n  %y[0] = 1.0\n"),
     {"2:14: error: %q is not defined before", "3:5: error: %y has 2 dimensions, not 1"}},
    {KERNEL("  let %a = exp(1)\n  let %b = %a + 1.0\n  let %c = 1 + 1.0\n"),
     {"2:12: error: exp does not take i64", "4:14: error: the operands of add are i64 and f32"}},
    {KERNEL("  for %i in 0..4.5 {\n    %y[0, %q] = 1.0\n  }\n  bogus\n"),
     {"2:16: error: the bound of a loop is an i64 scalar", "5:3: error: expected a statement"}},
    {KERNEL("  for %i in 0..4 step 0 {\n  }\n"), {"2:23: error: a step must be between 1"}},
    {KERNEL("  %y[0, 0] = %x[0, 0 : 8]\n"),
     {"2:14: error: a vector of 8 lanes goes to 1 elements"}},
    {KERNEL("  %y[0, 0] = 1\n"), {"2:14: error: %y takes f32, not i64"}},
    {KERNEL("  %y[0.5, 0] = 1.0\n"), {"2:6: error: an index is i64, not f32"}},
    {KERNEL("  %y[lanes(4), 0 : 4] = 1.0\n"), {"2:18: error: `: 4` has no place here"}},
    {KERNEL("  let %a = gelu(1.0)\n"), {"2:12: error: no function is called `gelu`"}},
    {KERNEL("  let %a = -%b\n"), {"2:12: error: `-` before what is not a number"}},
    {KERNEL("  let %a = 3000000000i32\n"), {"2:12: error: the constant does not fit in i32"}},
    {KERNEL("  let %a = 1e300\n"), {"2:12: error: the constant does not fit in f32"}},
    {KERNEL("  let %a = f16(1.0)\n"), {"2:12: error: arithmetic happens in f32"}},
    {KERNEL("  let %a = sum(1.0)\n"), {"2:12: error: the operand must be a vector"}},
    {KERNEL("  alloc %a: f32x8[4] tile\n"), {"2:9: error: only register buffers hold vectors"}},
    {KERNEL("  alloc %a: f32x8[4] matrix\n"),
     {"2:9: error: a matrix register holds f32x256 or bf16x512"}},
    {KERNEL("  alloc %a: f32x256[] matrix\n  load %a[], %y[0, 0]\n  zero %y[0, 0]\n"),
     {"3:8: error: %a is not an operand, bf16x512 matrix",
      "4:8: error: %y is not an accumulator, f32x256 matrix"}},
    {KERNEL("  alloc %a: f32x256[] matrix\n  store %y[0, 0], %y[0, 0]\n  store %y[0, lanes(4)], "
            "%a[]\n  dot %a[], %a[], %a[]\n"),
     {"3:19: error: %y is not an accumulator, f32x256 matrix",
      "4:9: error: where a block of %y begins is one element",
      "5:13: error: %a is not an operand, bf16x512 matrix"}},
    {KERNEL("  alloc %a: f32x256[] matrix\n  store %y[0, 0 : 4], %a[]\n  store %y[0, 0]\n"),
     {"3:9: error: where a block of %y begins is one element", "5:1: error: expected `,`"}},
    {KERNEL("  prefetch %a[0]\n"), {"2:12: error: %a is not a buffer"}},
    {KERNEL("  prefetch %y[0, 0 : 4]\n"), {"2:12: error: one element of %y is prefetched"}},
    {KERNEL("  alloc %a: f32[4] heap\n"), {"2:20: error: expected a scope"}},
    {KERNEL("  if 1 {\n  }\n"), {"2:6: error: a condition is a bool scalar"}},
    {"kernel @k() {\n  for %i in 0..4 {\n", {"error: expected `}`, found the end of the file"}},
    {"entry @e workspace 0 {\n  launch @k()\n  slot @a: f32[4] nowhere 3\n}\n",
     {"2:10: error: kernel @k is not defined", "3:19: error: expected a place"}},
    {"entry @e workspace -1 {\n}\n", {"error: "}},
    {"kernel @k(%x: f32[4]) {\n}\nentry @e workspace 0 {\n  launch @k()\n}\n",
     {"4:10: error: kernel @k takes 1 buffers, not 0"}},
};

START_TEST(faults_are_told_with_their_place)
{
    const fault *f = &faults[_i];
    lg_diag *diag = lg_diag_new();
    ck_assert_ptr_null(parse(f->text, strlen(f->text), diag));
    char *text = messages(diag);
    const char *at = text;
    int count = 0;
    for (; count < 3 && f->expected[count]; count++) {
        at = strstr(at, f->expected[count]);
        ck_assert_msg(at, "no `%s` in:\n%s", f->expected[count], text);
    }
    ck_assert_msg(lg_diag_errors(diag) == count, "%d messages, not %d:\n%s", lg_diag_errors(diag),
                  count, text);
    free(text);
    lg_diag_free(diag);
}
END_TEST

// ---- any bytes

// The text gives a program that prints back to a fixed point, or messages.
static void survive(const char *text, size_t length)
{
    lg_diag *diag = lg_diag_new();
    lg_program *program = parse(text, length, diag);
    ck_assert_int_eq(program == NULL, lg_diag_errors(diag) > 0);
    if (program) {
        lg_verify_program(program, diag); // may find faults, must not fall over them
        char *once = print(program);
        lg_program_free(program);
        program = parse(once, strlen(once), diag);
        ck_assert_msg(program, "not read back:\n%s", once);
        char *twice = print(program);
        ck_assert_str_eq(once, twice);
        free(once);
        free(twice);
        lg_program_free(program);
    }
    lg_diag_free(diag);
}

START_TEST(truncated_texts)
{
    for (size_t length = 0; length < sizeof corpus; length += 3) {
        void *text = malloc(length ? length : 1); // its own block, so that a read behind it is seen
        memcpy(text, corpus, length);
        survive(text, length);
        free(text);
    }
}
END_TEST

START_TEST(changed_bytes)
{
    static const char bytes[] = "%@[](){}:,.=-+*/<> \"\n0189aefix\0\377";
    uint64_t state = 7;
    size_t length = sizeof corpus - 1;
    char *text = malloc(length);
    for (int round = 0; round < 1500; round++) {
        memcpy(text, corpus, length);
        for (int change = 0; change <= round % 4; change++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            text[(state >> 40) % length] = bytes[(state >> 20) % (sizeof bytes - 1)];
        }
        survive(text, length);
    }
    free(text);
}
END_TEST

// `count` times `part` inside a kernel.
static void survive_repeated(const char *start, const char *part, int count, const char *end)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    fprintf(out, "kernel @k(%%x: f32[4]) {\n%s", start);
    for (int i = 0; i < count; i++)
        fputs(part, out);
    fprintf(out, "%s}\n", end);
    fclose(out);
    lg_diag *diag = lg_diag_new();
    ck_assert_ptr_null(parse(text, length, diag));
    ck_assert_int_ge(lg_diag_errors(diag), 1);
    lg_diag_free(diag);
    free(text);
}

START_TEST(depth_is_bounded)
{
    survive_repeated("let %a = ", "(", 100000, "\n");
    survive_repeated("let %a = ", "neg(", 100000, "\n");
    survive_repeated("let %a = 1", " + 1", 100000, "\n");
    survive_repeated("let %a = ", "%x[", 100000, "\n");
    survive_repeated("", "if true {\n", 100000, "\n");
    survive_repeated("", "if true {\n} else {\n", 100000, "\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kernel_text");
    TCase *tests = tcase_create("text");
    tcase_add_test(tests, every_construct_prints_back);
    tcase_add_test(tests, fields_are_what_the_text_says);
    tcase_add_test(tests, documentation_has_the_table_of_functions);
    tcase_add_loop_test(tests, faults_are_told_with_their_place, 0,
                        (int)(sizeof faults / sizeof *faults));
    tcase_add_test(tests, truncated_texts);
    tcase_add_test(tests, changed_bytes);
    tcase_add_test(tests, depth_is_bounded);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
