// The reference interpreter and the verifier of the kernel IR: kernels whose results are known, and
// kernels with one fault each, which must be reported by what is wrong with them.
#include "ir/kernel.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static lg_program *parse(const char *text, lg_diag *diag)
{
    lg_program *program = lg_parse_program("test", text, strlen(text), diag);
    if (!program)
        lg_diag_print(diag, stderr);
    ck_assert_msg(program != NULL, "does not parse:\n%s", text);
    return program;
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

// Runs the only kernel of `text`, which must hold.
static void run(const char *text, void *const *buffers)
{
    lg_diag *diag = lg_diag_new();
    lg_program *program = parse(text, diag);
    bool right =
        lg_verify_program(program, diag) && lg_kernel_interpret(program->first, buffers, diag);
    if (!right)
        lg_diag_print(diag, stderr);
    ck_assert(right);
    lg_program_free(program);
    lg_diag_free(diag);
}

// ---- kernels that are right

START_TEST(vectors_and_tails)
{
    float x[3][11], y[3][11];
    for (int n = 0; n < 33; n++)
        x[n / 11][n % 11] = (float)(n % 7) - 3;
    run("kernel @k(%x: f32[3,11], %y: out f32[3,11]) {\n"
        "  parallel %i in 0..3 {\n"
        "    for %j in 0..8 step 4 {\n"
        "      %y[%i, %j : 4] = max(%x[%i, %j : 4] * 2.0, 0.0)\n"
        "    }\n"
        "    %y[%i, 8 : 3] = max(%x[%i, 8 : 3] * 2.0, 0.0)\n"
        "  }\n"
        "}\n",
        (void *[]){x, y});
    for (int n = 0; n < 33; n++)
        ck_assert(y[n / 11][n % 11] == fmaxf(2 * x[n / 11][n % 11], 0));
}
END_TEST

START_TEST(register_tile_matmul)
{
    float a[4][5], b[5][16], c[4][16];
    for (int n = 0; n < 20; n++)
        a[n / 5][n % 5] = (float)n;
    for (int n = 0; n < 80; n++)
        b[n / 16][n % 16] = (float)(n % 13);
    run("kernel @k(%a: f32[4,5], %b: f32[5,16], %c: out f32[4,16]) {\n"
        "  parallel %t in 0..2 {\n"
        "    alloc %acc: f32x8[2,2] register\n"
        "    unroll %i in 0..2 {\n"
        "      unroll %j in 0..2 {\n"
        "        %acc[%i, %j] = 0.0\n"
        "      }\n"
        "    }\n"
        "    for %k in 0..5 {\n"
        "      unroll %i2 in 0..2 {\n"
        "        unroll %j2 in 0..2 {\n"
        "          %acc[%i2, %j2] = fma(%a[%t * 2 + %i2, %k], %b[%k, %j2 * 8 : 8], %acc[%i2, %j2])\n"
        "        }\n"
        "      }\n"
        "    }\n"
        "    unroll %i3 in 0..2 {\n"
        "      unroll %j3 in 0..2 {\n"
        "        %c[%t * 2 + %i3, %j3 * 8 : 8] = %acc[%i3, %j3]\n"
        "      }\n"
        "    }\n"
        "  }\n"
        "}\n",
        (void *[]){a, b, c});
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 16; j++) {
            float sum = 0;
            for (int k = 0; k < 5; k++)
                sum += a[i][k] * b[k][j];
            ck_assert(c[i][j] == sum);
        }
}
END_TEST

START_TEST(expressions_of_every_kind)
{
    float x[8] = {1, 2, 3, 4, 5, 6, 7, 8}, y[12];
    uint8_t u[4] = {250, 1, 2, 3};
    int64_t m[4];
    uint16_t h[2];
    run("kernel @k(%x: f32[8], %y: out f32[12], %u: inout u8[4], %m: out i64[4], %h: out bf16[2]) {\n"
        "  %y[0] = sum(%x[0 : 7])\n"
        "  %y[1] = maximum(neg(%x[2 : 5]))\n"
        "  %y[2] = sum(low(%x[0 : 8], 3))\n"
        "  %y[3] = sum(%x[lanes(4) * 2])\n"
        "  %y[4 : 4] = %x[7 - lanes(4)]\n"
        "  %y[8] = select(%x[0] < %x[1], 5.0, 6.0)\n"
        "  let %v = %x[0 : 2] + 1.0\n"
        "  %y[9 : 2] = %v * %v\n"
        "  if %u[1] == 3i32 & not(false) {\n"
        "    %y[11] = 1.0\n"
        "  } else {\n"
        "    %y[11] = f32(i64(%x[2] / 2.0)) + f32(bool(%x[3]))\n"
        "  }\n"
        "  %u[0] = %u[0] + 10i32\n"
        "  %m[0] = -7 / 2\n"
        "  %m[2] = i64(i32(%x[7])) << 40\n"
        "  %h[0] = 1.00390625\n"
        "  %h[1] = 3.0\n"
        "}\n",
        (void *[]){x, y, u, m, h});
    static const float expected[12] = {28, -3, 6, 16, 8, 7, 6, 5, 5, 4, 9, 2};
    for (int n = 0; n < 12; n++)
        ck_assert_msg(y[n] == expected[n], "%d: %g", n, (double)y[n]);
    ck_assert(u[0] == 4 && m[0] == -4 && m[2] == (int64_t)8 << 40);
    ck_assert(h[0] == 0x3f80 && h[1] == 0x4040);
}
END_TEST

// The block of the image begins inside of a dimension and goes over its end; the scratch buffer
// rounds.
START_TEST(matrix_products)
{
    float x[17][32], y[2][16][16];
    uint16_t w[16][16][2];
    for (int n = 0; n < 17 * 32; n++)
        x[n / 32][n % 32] = (float)(n * 37 % 101) / 8;
    for (int n = 0; n < 512; n++)
        lg_number_store(LG_BF16, &w[n / 32][n / 2 % 16][n % 2],
                        (lg_number){.f = (double)(n * 53 % 29) - 14});
    run("kernel @k(%x: f32[17,32], %w: bf16[16,16,2], %y: out f32[2,16,16]) {\n"
        "  alloc %s: bf16[17,2,16] tile\n"
        "  alloc %acc: f32x256[2] matrix\n"
        "  alloc %a: bf16x512[] matrix\n"
        "  alloc %b: bf16x512[] matrix\n"
        "  for %r in 0..17 {\n"
        "    %s[%r, 0, 0 : 16] = %x[%r, 0 : 16]\n"
        "    %s[%r, 1, 0 : 16] = %x[%r, 16 : 16]\n"
        "  }\n"
        "  load %b[], %w[0, 0, 0]\n"
        "  unroll %i in 0..2 {\n"
        "    zero %acc[%i]\n"
        "    load %a[], %s[%i, 0, 0]\n"
        "    dot %acc[%i], %a[], %b[]\n"
        "    dot %acc[%i], %a[], %b[]\n"
        "    store %y[%i, 0, 0], %acc[%i]\n"
        "  }\n"
        "}\n",
        (void *[]){x, w, y});
    for (int i = 0; i < 2; i++)
        for (int m = 0; m < 16; m++)
            for (int n = 0; n < 16; n++) {
                double sum = 0;
                for (int k = 0; k < 32; k++) {
                    lg_number number = {.f = (double)x[i + m][k]};
                    number = lg_scalar_evaluate(LG_S_BF16, LG_F32, &number);
                    sum += 2 * number.f * lg_number_load(LG_BF16, &w[k / 2][n][k % 2]).f;
                }
                ck_assert(y[i][m][n] == (float)sum);
            }
}
END_TEST

START_TEST(barriers_order_threads)
{
    float x[2][8], y[2][8];
    for (int n = 0; n < 16; n++)
        x[n / 8][n % 8] = (float)n;
    run("kernel @k(%x: f32[2,8], %y: out f32[2,8]) {\n"
        "  block %b in 0..2 {\n"
        "    alloc %s: f32[8] shared\n"
        "    alloc %own: f32[] register\n"
        "    thread %t in 0..8 {\n"
        "      %s[%t] = %x[%b, %t]\n"
        "      %own[] = %x[%b, %t] * 10.0\n"
        "    }\n"
        "    barrier\n"
        "    for %round in 0..2 {\n"
        "      thread %u in 0..8 {\n"
        "        %own[] = %own[] + %s[7 - %u]\n"
        "      }\n"
        "    }\n"
        "    thread %v in 0..8 {\n"
        "      %y[%b, %v] = %own[]\n"
        "    }\n"
        "  }\n"
        "}\n",
        (void *[]){x, y});
    for (int b = 0; b < 2; b++)
        for (int t = 0; t < 8; t++)
            ck_assert(y[b][t] == 10 * x[b][t] + 2 * x[b][7 - t]);
}
END_TEST

START_TEST(an_entry_runs_its_launches)
{
    float in[4] = {1, 2, 3, 4}, out[4], scale[1] = {3};
    char packed[64] = {0};
    _Alignas(64) char workspace[64];
    memcpy(packed, &(float){0.5f}, sizeof(float));
    lg_diag *diag = lg_diag_new();
    lg_program *program = parse("program \"test\" packed 64\n"
                                "param @scale: f32[1]\n"
                                "kernel @mul(%x: f32[4], %s: f32[1], %y: out f32[4]) {\n"
                                "  parallel %i in 0..4 {\n"
                                "    %y[%i] = %x[%i] * %s[0]\n"
                                "  }\n"
                                "}\n"
                                "entry @infer workspace 64 {\n"
                                "  input 0 @x: f32[4]\n"
                                "  output 0 @y: f32[4]\n"
                                "  slot @scale: f32[1] param 0\n"
                                "  slot @half: f32[1] packed 0\n"
                                "  slot @t: f32[4] workspace 0 uses 0..1\n"
                                "  launch @mul(@x, @scale, @t)\n"
                                "  launch @mul(@t, @half, @y)\n"
                                "}\n",
                                diag);
    ck_assert(lg_verify_program(program, diag));
    lg_memory memory = {.inputs = (void *[]){in},
                        .outputs = (void *[]){out},
                        .params = (void *[]){scale},
                        .packed = packed,
                        .workspace = workspace};
    ck_assert(lg_entry_interpret(program->entries.items[0], &memory, diag));
    for (int n = 0; n < 4; n++)
        ck_assert(out[n] == 1.5f * in[n]);
    lg_program_free(program);
    lg_diag_free(diag);
}
END_TEST

// ---- faults that only a run shows

typedef struct fault {
    const char *body, *message;
} fault;

static const fault run_faults[] = {
    {"%y[%n] = 0.0\n", "index 0 of %y is 8, the size is 8, in `%y[%n] = 0.0`"},
    {"%y[%n - 9] = 0.0\n", "index 0 of %y is -1, the size is 8"},
    {"for %i in 0..9 {\n%y[%i] = 0.0\n}\n",
     "index 0 of %y is 8, the size is 8 (%i = 8), in `%y[%i] = 0.0`"},
    {"%y[%n - 3 : 4] = 0.0\n", "index 0 of %y is 8 in a vector, the size is 8"},
    {"%y[0] = sum(%x[%n - lanes(3)])\n", "index 0 of %x is 8, the size is 8"},
    {"alloc %t: f32[4] tile\n%y[0] = %t[1]\n", "element 1 of %t is read before it is written"},
    {"alloc %t: f32[4] tile\n%t[0 : 3] = 0.0\n%y[0 : 4] = %t[0 : 4]\n",
     "element 3 of %t is read before"},
    {"alloc %r: f32x4[2] register\n%r[0] = 0.0\n%y[0 : 4] = %r[1]\n",
     "element 4 of %r is read before"},
    {"for %i in 0..2 {\nalloc %r: f32[] register\nif %i == 0 {\n%r[] = 1.0\n}\n%y[%i] = %r[]\n}\n",
     "element 0 of %r is read before it is written (%i = 1)"},
    {"parallel %i in 0..3 {\n%y[%i / 2] = 0.0\n}\n",
     "element 0 of %y was written by iteration 0 and is written by iteration 1"},
    {"parallel %i in 0..3 {\n%z[%i] = %z[%i + 1]\n}\n",
     "element 1 of %z was read by iteration 0 and is written by iteration 1"},
    {"parallel %i in 0..3 {\n%z[%i + 1] = 1.0\n%y[%i] = %z[%i]\n}\n",
     "element 1 of %z was written by iteration 0 and is read by iteration 1"},
    {"parallel %i in 0..3 {\n%y[%i : 2] = 1.0\n}\n", "element 1 of %y was written by iteration 0"},
    {"block %b in 0..1 {\nalloc %s: f32[4] shared\nthread %t in 0..4 {\n%s[%t] = 1.0\n}\n"
     "thread %u in 0..4 {\n%y[%u] = %s[3 - %u]\n}\n}\n",
     "element 3 of %s was written by thread 3 of block 0 and is read by thread 0 of block 0 with no "
     "barrier"},
    {"block %b in 0..1 {\nalloc %s: f32[1] shared\nthread %t in 0..4 {\n%s[0] = 1.0\n}\n}\n",
     "element 0 of %s was written by thread 0 of block 0 and is written by thread 1"},
    {"block %b in 0..2 {\nthread %t in 0..4 {\n%y[%t] = 1.0\n}\n}\n",
     "element 0 of %y was written by thread 0 of block 0 and is written by thread 0 of block 1"},
    {"block %b in 0..1 {\nalloc %r: f32[] register\nthread %t in 0..4 {\nif %t == 0 {\n"
     "%r[] = 1.0\n}\n}\nthread %u in 0..4 {\n%y[%u] = %r[]\n}\n}\n",
     "element 0 of %r is read before it is written"},
    {"alloc %a: f32x256[2] matrix\nalloc %t: f32[256] tile\nzero %a[0]\nstore %t[0], %a[1]\n",
     "element 256 of %a is read before it is written"},
    {"alloc %a: f32x256[] matrix\nalloc %t: f32[2,200] tile\nzero %a[]\n"
     "for %i in 0..2 {\nstore %t[0, %i * 190], %a[]\n}\n",
     "a run of 256 elements of %t begins at element 190 of 400 (%i = 1)"},
    {"alloc %a: bf16x512[] matrix\nalloc %t: bf16[3,200] tile\nload %a[], %t[%n - 8, 88]\n",
     "element 88 of %t is read before it is written"},
    {"alloc %a: bf16x512[] matrix\nalloc %t: bf16[3,200] tile\nload %a[], %t[%n - 8, 89]\n",
     "a run of 512 elements of %t begins at element 89 of 600"},
    {"alloc %a: bf16x512[] matrix\nalloc %t: bf16[512] tile\nload %a[], %t[%n - 9]\n",
     "index 0 of %t is -1, the size is 512"},
};

START_TEST(a_run_reports)
{
    const fault *c = &run_faults[_i];
    float x[8] = {0}, y[8], z[8] = {0};
    int64_t n = 8;
    char text[1024];
    bool whole = strncmp(c->body, "par", 3) == 0 || strncmp(c->body, "blo", 3) == 0;
    snprintf(text, sizeof text,
             "kernel @k(%%x: f32[8], %%y: out f32[8], %%z: inout f32[8], %%m: i64[1]) {\n%s%s}\n",
             whole ? "" : "let %n = %m[0]\n", c->body);
    lg_diag *diag = lg_diag_new();
    lg_program *program = parse(text, diag);
    ck_assert_msg(lg_verify_program(program, diag), "%s", c->body);
    ck_assert_msg(!lg_kernel_interpret(program->first, (void *[]){x, y, z, &n}, diag), "%s",
                  c->body);
    ck_assert_int_eq(lg_diag_errors(diag), 1);
    char *told = messages(diag);
    ck_assert_msg(strstr(told, c->message) && strstr(told, "kernel @k: "), "%s\nnot: %s", told,
                  c->message);
    free(told);
    lg_program_free(program);
    lg_diag_free(diag);
}
END_TEST

// Two parameters that are the same memory are watched as one.
START_TEST(in_place_conflicts_are_seen)
{
    float x[8] = {0};
    lg_diag *diag = lg_diag_new();
    lg_program *program = parse("kernel @k(%x: f32[8], %y: out f32[8]) {\n"
                                "  parallel %i in 0..8 {\n"
                                "    %y[%i] = %x[7 - %i]\n"
                                "  }\n"
                                "}\n",
                                diag);
    ck_assert(!lg_kernel_interpret(program->first, (void *[]){x, x}, diag));
    float y[8];
    ck_assert(lg_kernel_interpret(program->first, (void *[]){x, y}, diag));
    lg_program_free(program);
    lg_diag_free(diag);
}
END_TEST

// ---- faults that the verifier finds

static const fault kernel_faults[] = {
    {"%x[0] = 1.0\n", "%x is a parameter that is only read"},
    {"%z[0] = %y[0]\n", "%y is an out parameter and is read"},
    {"for %i in 0..2 {\nparallel %j in 0..2 {\n%y[%j] = 1.0\n}\n}\n",
     "must be the only statement of its kernel"},
    {"parallel %i in 0..2 {\n%y[%i] = 1.0\n}\n%y[7] = 0.0\n", "must be the only statement"},
    {"parallel %i in 1..2 {\n%y[%i] = 1.0\n}\n", "must run from 0 to a constant in steps of 1"},
    {"parallel %i in 0..%m[0] {\n%y[%i] = 1.0\n}\n", "must run from 0 to a constant"},
    {"thread %i in 0..2 {\n%y[%i] = 1.0\n}\n", "a thread loop stands inside a block loop"},
    {"block %b in 0..2 {\nthread %t in 0..2 {\nthread %u in 0..2 {\n%y[%u] = 1.0\n}\n}\n}\n",
     "no other thread loop"},
    {"block %b in 0..1 {\nthread %t in 0..2 {\n%y[%t] = 1.0\n}\nthread %u in 0..3 {\n"
     "%z[%u] = 1.0\n}\n}\n",
     "has 3 threads, another thread loop 2"},
    {"block %b in 0..1 {\nthread %t in 0..2 {\nbarrier\n}\n}\n", "a barrier stands between"},
    {"barrier\n", "a barrier stands between"},
    {"alloc %s: f32[4] shared\n", "shared memory is for kernels with a block loop"},
    {"block %b in 0..1 {\nthread %t in 0..2 {\nalloc %s: f32[4] shared\n}\n}\n",
     "is allocated by a thread"},
    {"block %b in 0..1 {\nalloc %r: f32[] register\n%r[] = 1.0\n%y[0] = %r[]\n}\n",
     "is read outside of thread loops"},
    {"unroll %i in 0..%m[0] {\n%y[%i] = 1.0\n}\n", "the bounds of an unroll loop"},
    {"unroll %i in 0..1000 {\nunroll %j in 0..1000 {\n%y[%j] = 1.0\n}\n}\n", "when unrolled"},
    {"alloc %r: f32[4] register\nfor %i in 0..4 {\n%r[%i] = 1.0\n}\n",
     "is not made of constants and variables of unroll loops"},
    {"alloc %r: f32[4] register\nunroll %i in 0..4 {\n%r[%i + 1] = 1.0\n}\n",
     "index 0 of %r may be 1 to 4, its size is 4"},
    {"alloc %r: f32[100000] register\n", "has more than 4096 registers"},
    {"alloc %t: f32[100000000] tile\n", "bytes"},
    {"alloc %t: f32[4] tile\nprefetch %t[0]\n", "one element of a parameter is prefetched"},
    {"prefetch %y[lanes(4)]\n", "one element of a parameter is prefetched"},
    {"%y[lanes(4)] = 1.0\n", "a store has no vector index"},
    {"alloc %a: f32x256[] matrix\nzero %a[]\n%a[] = 0.0\n", "%a is a matrix register: only zero"},
    {"alloc %a: f32x256[] matrix\nzero %a[]\nlet %v = %a[]\n", "%a is a matrix register: only"},
    {"alloc %a: f32x256[3] matrix\nalloc %b: bf16x512[3,2] matrix\n",
     "9 matrix registers are alive, there are 8"},
    {"alloc %a: f32x256[2] matrix\nfor %i in 0..2 {\nzero %a[%i]\n}\n",
     "index 0 of the register buffer %a is not made of constants"},
    {"alloc %a: f32x256[2] matrix\nzero %a[2]\n", "index 0 of %a may be 2 to 2, its size is 2"},
    {"if true {\nalloc %a: f32x256[] matrix\n}\nzero %a[]\n", "%a is not in scope"},
    {"alloc %c: f32x256[] matrix\nalloc %a: bf16x512[2] matrix\ndot %c[], %a[0], %a[1]\n",
     "both operands of a dot are of %a; they need a buffer each"},
    {"alloc %a: f32x256[] matrix\nstore %x[0], %a[]\n", "%x is a parameter that is only read"},
    {"block %b in 0..1 {\nalloc %a: f32x256[] matrix\n}\n",
     "%a is a matrix register of a CPU in a kernel with a block loop"},
};

START_TEST(the_verifier_reports)
{
    const fault *c = &kernel_faults[_i];
    char text[1024];
    snprintf(text, sizeof text,
             "kernel @k(%%x: f32[8], %%y: out f32[8], %%z: inout f32[8], %%m: i64[1]) {\n%s}\n",
             c->body);
    lg_diag *diag = lg_diag_new();
    lg_program *program = parse(text, diag);
    ck_assert_msg(!lg_verify_program(program, diag), "%s", c->body);
    char *told = messages(diag);
    ck_assert_msg(strstr(told, c->message) && strstr(told, "kernel @k: "), "%s\nnot: %s", told,
                  c->message);
    free(told);
    lg_program_free(program);
    lg_diag_free(diag);
}
END_TEST

// What the parser cannot write: trees that a schedule built wrong.
START_TEST(the_verifier_reports_wrong_trees)
{
    lg_program *program = lg_program_new("test");
    lg_diag *diag = lg_diag_new();
    lg_kernel *kernel = lg_kernel_new(program, "k");
    lg_kbuffer *y = lg_kernel_param(kernel, "y", LG_SCOPE_OUT, LG_F32, 1, (int64_t[]){4});
    lg_kbuilder k;
    lg_k_begin(&k, kernel);
    lg_kx *i = lg_k_for(&k, LG_LOOP_SERIAL, "i", 4);
    lg_k_end(&k);
    lg_k_store(&k, y, &i, 1, lg_kx_float(&k, 1)); // %i is not alive any more
    ck_assert(!lg_verify_kernel(kernel, diag));
    lg_kstmt *store = kernel->body.last;
    lg_kx *zero = lg_kx_int(&k, 0);
    store->as.store.index = &zero;
    ck_assert(lg_verify_kernel(kernel, diag));
    store->as.store.value = lg_kx_lanes(&k, 3);
    ck_assert(!lg_verify_kernel(kernel, diag));
    char *told = messages(diag);
    ck_assert_msg(strstr(told, "%i is not in scope") && strstr(told, "of 3 lanes goes to 1") &&
                      strstr(told, "a value of i64 goes to %y of f32"),
                  "%s", told);
    free(told);
    lg_diag_free(diag);
    lg_program_free(program);
}
END_TEST

// Registers of a block that has ended are free again.
START_TEST(matrix_registers_are_reused)
{
    lg_diag *diag = lg_diag_new();
    lg_program *program = parse("kernel @k(%y: out f32[256], %w: out bf16[512]) {\n"
                                "  alloc %a: f32x256[2] matrix\n"
                                "  if true {\n    alloc %b: f32x256[6] matrix\n  }\n"
                                "  for %i in 0..2 {\n    alloc %c: f32x256[2,3] matrix\n  }\n"
                                "  alloc %d: bf16x512[] matrix\n"
                                "}\n",
                                diag);
    ck_assert(lg_verify_program(program, diag));
    lg_program_free(program);
    lg_diag_free(diag);
}
END_TEST

// A block of a matrix that a schedule reads from what it may only write.
START_TEST(the_verifier_reports_wrong_matrices)
{
    lg_program *program = lg_program_new("test");
    lg_diag *diag = lg_diag_new();
    lg_kernel *kernel = lg_kernel_new(program, "k");
    lg_kbuffer *w = lg_kernel_param(kernel, "w", LG_SCOPE_OUT, LG_BF16, 1, (int64_t[]){512});
    lg_kbuilder k;
    lg_k_begin(&k, kernel);
    lg_kbuffer *a = lg_k_alloc(&k, "a", LG_SCOPE_MATRIX, LG_BF16, LG_MATRIX_NUMBERS, 0, NULL);
    lg_kbuffer *odd = lg_k_alloc(&k, "odd", LG_SCOPE_MATRIX, LG_F32, 8, 0, NULL);
    lg_kx *zero = lg_kx_int(&k, 0), *two = lg_kx_lanes(&k, 2);
    lg_k_matrix_load(&k, a, NULL, w, &zero);
    lg_k_matrix_load(&k, a, NULL, w, &two);
    kernel->body.last->as.matrix.operands[0].buffer = odd;
    ck_assert(!lg_verify_kernel(kernel, diag));
    char *told = messages(diag);
    static const char *const expected[] = {
        "%odd is a matrix register and holds f32x256 or bf16x512",
        "%w is an out parameter and is read; make it inout",
        "%odd is not an operand, bf16x512 matrix", "where a block of %w begins is one element"};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        ck_assert_msg(strstr(told, expected[i]), "%s\nnot: %s", told, expected[i]);
    free(told);
    lg_diag_free(diag);
    lg_program_free(program);
}
END_TEST

// Entries: all but one line are right.
static const struct {
    const char *slots, *launches, *message;
} entry_faults[] = {
    {"", "launch @copy(@a, @a, @y)\n", "takes 2 buffers, not 3"},
    {"", "launch @copy(@a, @x)\n", "%y is written and given the input @x"},
    {"", "launch @copy(@a, @short)\n", "%y has 16 bytes of f32, slot @short 8 of f32"},
    {"", "launch @copy(@x, @late)\n", "slot @late is alive from launch 5 to 6 only"},
    {"slot @b: f32[4] workspace 0 uses 1..3\n", "", "overlap"},
    {"slot @b: f32[4] workspace 8 uses 9..9\n", "", "offset 8 is not a multiple of 64"},
    {"slot @b: f32[4] workspace 640 uses 9..9\n", "", "are outside of the workspace of 640"},
    {"slot @b: f32[4] packed 64\n", "", "are outside of the packed weights of 64"},
    {"slot @b: f32[4] param 0\n", "", "slot @b has 16 bytes, parameter w 12"},
    {"slot @b: f32[4] param 1\n", "", "is parameter 1 of 1"},
    {"slot @b: f32[4] workspace 512 uses 3..2\n", "", "is used from launch 3 to 2"},
    {"", "", NULL},
    {"slot @b: f32[4]{0@0:4} workspace 0 uses 1..3\n", "", NULL}, // a window of the same buffer
};

START_TEST(entries_are_verified)
{
    char text[2048];
    snprintf(text, sizeof text,
             "program \"test\" packed 64\n"
             "param @w: f32[3]\n"
             "kernel @copy(%%x: f32[4], %%y: out f32[4]) {\n"
             "  parallel %%i in 0..4 {\n    %%y[%%i] = %%x[%%i]\n  }\n}\n"
             "entry @infer workspace 640 {\n"
             "  input 0 @x: f32[4]\n"
             "  output 0 @y: f32[4]\n"
             "  slot @a: f32[4] workspace 0 uses 0..1\n"
             "  slot @short: f32[2] workspace 128 uses 0..4\n"
             "  slot @late: f32[4] workspace 192 uses 5..6\n"
             "  %s  launch @copy(@x, @a)\n  %s  launch @copy(@a, @y)\n}\n",
             entry_faults[_i].slots, entry_faults[_i].launches);
    lg_diag *diag = lg_diag_new();
    lg_program *program = lg_parse_program("test", text, strlen(text), diag);
    bool right = program && lg_verify_program(program, diag);
    char *told = messages(diag);
    if (entry_faults[_i].message)
        ck_assert_msg(!right && strstr(told, entry_faults[_i].message), "%s\nnot: %s", told,
                      entry_faults[_i].message);
    else
        ck_assert_msg(right, "%s", told);
    free(told);
    lg_program_free(program);
    lg_diag_free(diag);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

int main(void)
{
    Suite *suite = suite_create("kernel_interp");
    TCase *tests = tcase_create("all");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, vectors_and_tails);
    tcase_add_test(tests, register_tile_matmul);
    tcase_add_test(tests, expressions_of_every_kind);
    tcase_add_test(tests, matrix_products);
    tcase_add_test(tests, barriers_order_threads);
    tcase_add_test(tests, an_entry_runs_its_launches);
    tcase_add_loop_test(tests, a_run_reports, 0, COUNT(run_faults));
    tcase_add_test(tests, in_place_conflicts_are_seen);
    tcase_add_loop_test(tests, the_verifier_reports, 0, COUNT(kernel_faults));
    tcase_add_test(tests, the_verifier_reports_wrong_trees);
    tcase_add_test(tests, matrix_registers_are_reused);
    tcase_add_test(tests, the_verifier_reports_wrong_matrices);
    tcase_add_loop_test(tests, entries_are_verified, 0, COUNT(entry_faults));
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
