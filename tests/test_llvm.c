// Compiled kernels against the reference: every scalar function on every element type and width,
// every conversion between memory and values, every kind of statement, and random kernels.
#include "tests/support/compiled.h"
#include "tests/support/random_kernel.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

static const char *const cpus[] = {"x86-64-v2", "x86-64-v3", "x86-64-v4", "sapphirerapids",
                                   "aarch64"};
enum { CPUS = sizeof cpus / sizeof *cpus, MATRIX_CPU = 3 };

static lg_compiled *compile(lg_program *program, int cpu)
{
    return lg_cpu_runs(cpus[cpu]) ? lg_compiled_new(program, cpus[cpu]) : NULL;
}

static int64_t magnitude_order(float value)
{
    int32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits < 0 ? -(int64_t)(bits & 0x7fffffff) : bits;
}

// Equal up to `ulp` floats between them; the sign of a zero counts, NaN is NaN.
static bool floats_match(float got, float want, int ulp)
{
    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got);
    if (got == 0 && want == 0)
        return !signbit(got) == !signbit(want);
    return llabs(magnitude_order(got) - magnitude_order(want)) <= ulp;
}

// May `value` be 0 when it is rounded to bf16? The instruction takes denormals for 0.
static bool vanishes(int cpu, double value)
{
    return cpu == MATRIX_CPU && fabs(value) < (double)FLT_MIN;
}

// ---- scalar functions

enum { COUNT = 768 }; // a multiple of all lane counts

static const lg_dtype dtypes[] = {LG_F32, LG_I32, LG_I64, LG_BOOL};
static const int lane_counts[] = {1, 3, 8, 16};

static const double floats[] = {0.0,  -0.0, 1.0, -1.0,  0.5,  -2.5,     3.0e38,    -1e-40, 1e-30,
                                7.25, 100,  NAN, -17.5, 1e10, INFINITY, -INFINITY, 0.3,    -0.7};
static const int64_t integers[] = {
    0,   1,    -1,      2,         7,         -7,        31,        33,       64,
    255, -256, 1000003, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, -1000003, 12345678901};

// The `i`th test value of a type; `salt` decorrelates the arguments of a function.
static lg_number test_value(lg_dtype dtype, int i, int salt)
{
    unsigned at = (unsigned)i * (unsigned)(2 * salt + 1) + (unsigned)(i / 18 * salt);
    if (dtype == LG_F32)
        return (lg_number){.f = (double)(float)floats[at % 18]};
    if (dtype == LG_BOOL)
        return (lg_number){.i = (at >> salt) & 1};
    return lg_number_cast((lg_number){.i = integers[at % 18]}, LG_I64, dtype);
}

static lg_kernel *scalar_kernel(lg_program *program, lg_scalar fn, lg_dtype dtype, int lanes)
{
    const lg_scalar_info *info = lg_scalar_info_of(fn);
    char name[64];
    snprintf(name, sizeof name, "%s_%s_%d", info->name, lg_dtype_name(dtype), lanes);
    lg_kernel *kernel = lg_kernel_new(program, name);
    int64_t dims[] = {COUNT};
    lg_kbuffer *in[3];
    for (int i = 0; i < info->arity; i++) {
        bool condition = fn == LG_S_SELECT && i == 0;
        in[i] = lg_kernel_param(kernel, "in", LG_SCOPE_IN, condition ? LG_BOOL : dtype, 1, dims);
    }
    lg_dtype result = info->to_bool ? LG_BOOL : dtype;
    lg_kbuffer *out = lg_kernel_param(kernel, "out", LG_SCOPE_OUT, result, 1, dims);
    lg_kbuilder k;
    lg_k_begin(&k, kernel);
    lg_kx *at = lg_k_loop(&k, LG_LOOP_SERIAL, "i", lg_kx_int(&k, 0), lg_kx_int(&k, COUNT), lanes);
    lg_kx *args[3] = {NULL};
    for (int i = 0; i < info->arity; i++)
        args[i] = lg_kx_load(&k, in[i], &at, lanes);
    lg_k_store(&k, out, &at, lanes, lg_kx_apply(&k, fn, args[0], args[1], args[2]));
    lg_k_end(&k);
    return kernel;
}

static void check_scalar(const lg_compiled *compiled, const lg_kernel *kernel, lg_scalar fn,
                         lg_dtype dtype, int cpu)
{
    const lg_scalar_info *info = lg_scalar_info_of(fn);
    int64_t memory[4][COUNT];
    void *buffers[4];
    lg_dtype result_type = info->to_bool ? LG_BOOL : dtype;
    int bytes = lg_dtype_bytes(dtype), result_bytes = lg_dtype_bytes(result_type);
    for (int a = 0; a < info->arity; a++) {
        bool condition = fn == LG_S_SELECT && a == 0;
        for (int i = 0; i < COUNT; i++)
            lg_number_store(condition ? LG_BOOL : dtype,
                            (char *)memory[a] + i * (condition ? 1 : bytes),
                            test_value(condition ? LG_BOOL : dtype, i, a));
        buffers[a] = memory[a];
    }
    buffers[info->arity] = memory[3];
    lg_compiled_run(compiled, kernel, buffers);
    bool rounded = fn == LG_S_EXP || fn == LG_S_LOG || fn == LG_S_TANH || fn == LG_S_COS;
    for (int i = 0; i < COUNT; i++) {
        lg_number args[3] = {{0}};
        for (int a = 0; a < info->arity; a++)
            args[a] = test_value(fn == LG_S_SELECT && a == 0 ? LG_BOOL : dtype, i, a);
        lg_number want = lg_scalar_evaluate(fn, dtype, args);
        lg_number got = lg_number_load(result_type, (char *)memory[3] + i * result_bytes);
        bool equal = result_type == LG_F32
                         ? floats_match((float)got.f, (float)want.f, rounded ? 2 : 1)
                         : got.i == want.i;
        equal = equal || (fn == LG_S_BF16 && got.f == 0 && vanishes(cpu, args[0].f));
        if (!equal) // an assertion each would take seconds
            ck_abort_msg("@%s of value %d: %a / %lld instead of %a / %lld", kernel->name, i, got.f,
                         (long long)got.i, want.f, (long long)want.i);
    }
}

START_TEST(scalar_functions)
{
    lg_program *program = lg_program_new("scalars");
    for (int fn = 0; fn < LG_SCALAR_COUNT; fn++)
        for (int t = 0; t < 4; t++)
            for (int l = 0; l < 4; l++)
                if (lg_scalar_accepts((lg_scalar)fn, dtypes[t]))
                    scalar_kernel(program, (lg_scalar)fn, dtypes[t], lane_counts[l]);
    lg_compiled *compiled = compile(program, _i);
    const lg_kernel *kernel = program->first;
    for (int fn = 0; compiled && fn < LG_SCALAR_COUNT; fn++)
        for (int t = 0; t < 4; t++)
            for (int l = 0; l < 4; l++)
                if (lg_scalar_accepts((lg_scalar)fn, dtypes[t])) {
                    check_scalar(compiled, kernel, (lg_scalar)fn, dtypes[t], _i);
                    kernel = kernel->next;
                }
    if (compiled)
        lg_compiled_free(compiled);
    lg_program_free(program);
}
END_TEST

// ---- memory and values

enum { PATTERNS = 1 << 16 };

static void make_conversion(lg_program *program, lg_dtype from, lg_dtype to, int lanes)
{
    lg_kernel *kernel = lg_kernel_new(program, "convert");
    int64_t dims[] = {PATTERNS};
    lg_kbuffer *x = lg_kernel_param(kernel, "x", LG_SCOPE_IN, from, 1, dims);
    lg_kbuffer *y = lg_kernel_param(kernel, "y", LG_SCOPE_OUT, to, 1, dims);
    lg_kbuilder k;
    lg_k_begin(&k, kernel);
    lg_kx *at = lg_kx_muli(&k, lg_k_for(&k, LG_LOOP_PARALLEL, "i", PATTERNS / lanes), lanes);
    lg_kx *value = lg_kx_load(&k, x, &at, lanes);
    lg_k_store(&k, y, &at, lanes, lg_kx_cast(&k, lg_kernel_dtype(to), value));
    lg_k_end(&k);
}

// Every pattern of 16 bits, in the upper or all bytes of an element.
static void fill_patterns(lg_dtype dtype, char *memory)
{
    for (int i = 0; i < PATTERNS; i++) {
        if (dtype == LG_F32) { // all exponents, and mantissas around what narrow formats round
            uint32_t bits = (uint32_t)i << 16 | ((uint32_t)i * 2654435761u >> 16 & 0xffff);
            bits = i % 4 == 0 ? (uint32_t)i << 16 | 0x8000u : bits;
            memcpy(memory + 4 * i, &bits, 4);
        } else if (lg_dtype_bytes(dtype) == 2) {
            memcpy(memory + 2 * i, &(uint16_t){(uint16_t)i}, 2);
        } else {
            lg_number value = {.i = (int64_t)((uint64_t)i * 0x9e3779b97f4a7c15u)};
            lg_number_store(dtype, memory + (int64_t)i * lg_dtype_bytes(dtype),
                            lg_number_cast(value, LG_I64, dtype));
        }
    }
}

static void check_conversion(const lg_compiled *compiled, const lg_kernel *kernel, int cpu)
{
    lg_dtype from = kernel->params.items[0]->dtype, to = kernel->params.items[1]->dtype;
    char *x = malloc(PATTERNS * 8), *y = malloc(PATTERNS * 8);
    ck_assert(x && y);
    fill_patterns(from, x);
    lg_compiled_run(compiled, kernel, (void *[]){x, y});
    for (int i = 0; i < PATTERNS; i++) {
        lg_number value = lg_number_load(from, x + i * lg_dtype_bytes(from));
        lg_number number = lg_number_cast(value, lg_kernel_dtype(from), lg_kernel_dtype(to));
        if (lg_kernel_dtype(to) == LG_F32) // where the interpreter has f64
            number.f = (double)(float)number.f;
        char want_bytes[8];
        lg_number_store(to, want_bytes, number);
        lg_number want = lg_number_load(to, want_bytes);
        lg_number got = lg_number_load(to, y + i * lg_dtype_bytes(to));
        bool equal =
            lg_dtype_is_float(to) ? floats_match((float)got.f, (float)want.f, 0) : got.i == want.i;
        equal = equal || (to == LG_BF16 && got.f == 0 && vanishes(cpu, number.f));
        if (!equal)
            ck_abort_msg("%s to %s, pattern %04x: %a / %lld instead of %a / %lld",
                         lg_dtype_name(from), lg_dtype_name(to), (unsigned)i, got.f,
                         (long long)got.i, want.f, (long long)want.i);
    }
    free(x);
    free(y);
}

START_TEST(conversions)
{
    lg_program *program = lg_program_new("conversions");
    for (int from = 0; from < LG_DTYPE_COUNT; from++)
        for (int to = 0; to < LG_DTYPE_COUNT; to++)
            make_conversion(program, (lg_dtype)from, (lg_dtype)to, (from + to) % 2 ? 1 : 8);
    lg_compiled *compiled = compile(program, _i);
    for (const lg_kernel *kernel = program->first; compiled && kernel; kernel = kernel->next)
        check_conversion(compiled, kernel, _i);
    if (compiled)
        lg_compiled_free(compiled);
    lg_program_free(program);
}
END_TEST

// ---- kernels against the interpreter

typedef struct memory {
    char *bytes[8];
    void *buffers[8];
} memory;

static int64_t buffer_bytes(const lg_kbuffer *buffer)
{
    int64_t bytes = lg_dtype_bytes(buffer->dtype);
    for (int d = 0; d < buffer->rank; d++)
        bytes *= buffer->dims[d];
    return bytes;
}

// Small multiples of 1/4, so that short computations are exact in f32 as in f64.
static memory new_memory(const lg_kernel *kernel, unsigned seed)
{
    memory m = {0};
    ck_assert_int_le(kernel->params.count, 8);
    for (int i = 0; i < kernel->params.count; i++) {
        const lg_kbuffer *buffer = kernel->params.items[i];
        int64_t bytes = buffer_bytes(buffer);
        m.buffers[i] = m.bytes[i] = malloc((size_t)bytes);
        ck_assert_ptr_nonnull(m.bytes[i]);
        bool real = lg_dtype_is_float(buffer->dtype);
        for (int64_t at = 0; at < bytes; at += lg_dtype_bytes(buffer->dtype)) {
            seed = seed * 1664525u + 1013904223u;
            int small = (int)(seed >> 24) % 17 - (buffer->dtype == LG_U8 ? 0 : 8);
            lg_number value = real ? (lg_number){.f = small / 4.0} : (lg_number){.i = small};
            lg_number_store(buffer->dtype, m.bytes[i] + at, value);
        }
    }
    return m;
}

static void free_memory(memory *m)
{
    for (int i = 0; i < 8; i++)
        free(m->bytes[i]);
}

static void compare(const lg_kernel *kernel, const memory *got, const memory *want, const char *cpu)
{
    for (int i = 0; i < kernel->params.count; i++) {
        const lg_kbuffer *buffer = kernel->params.items[i];
        int size = lg_dtype_bytes(buffer->dtype);
        for (int64_t at = 0; at < buffer_bytes(buffer); at += size) {
            lg_number a = lg_number_load(buffer->dtype, got->bytes[i] + at);
            lg_number b = lg_number_load(buffer->dtype, want->bytes[i] + at);
            bool equal = !lg_dtype_is_float(buffer->dtype)
                             ? a.i == b.i
                             : fabs(a.f - b.f) <= 2e-5 * fmax(1, fabs(b.f)) || a.f == b.f ||
                                   (isnan(a.f) && isnan(b.f));
            if (equal)
                continue;
            lg_print_kernel(kernel, stderr);
            ck_abort_msg("%s: %%%s[%lld]: %g / %lld instead of %g / %lld", cpu, buffer->name,
                         (long long)(at / size), a.f, (long long)a.i, b.f, (long long)b.i);
        }
    }
}

static void check_kernel(const lg_compiled *compiled, const lg_kernel *kernel, unsigned seed,
                         const char *cpu)
{
    memory got = new_memory(kernel, seed), want = new_memory(kernel, seed);
    lg_diag *diag = lg_diag_new();
    if (!lg_kernel_interpret(kernel, want.buffers, diag)) {
        lg_diag_print(diag, stderr);
        lg_print_kernel(kernel, stderr);
        ck_abort_msg("the interpreter refuses @%s", kernel->name);
    }
    lg_compiled_run(compiled, kernel, got.buffers);
    compare(kernel, &got, &want, cpu);
    lg_diag_free(diag);
    free_memory(&got);
    free_memory(&want);
}

static void check_program(lg_program *program, int cpu)
{
    lg_diag *diag = lg_diag_new();
    if (!lg_verify_program(program, diag)) {
        lg_diag_print(diag, stderr);
        ck_abort_msg("the program is not valid");
    }
    lg_diag_free(diag);
    lg_compiled *compiled = compile(program, cpu);
    for (const lg_kernel *kernel = program->first; compiled && kernel; kernel = kernel->next)
        check_kernel(compiled, kernel, 7, cpus[cpu]);
    if (compiled)
        lg_compiled_free(compiled);
    lg_program_free(program);
}

static const char statements[] =
    "kernel @loops(%x: f32[6,40], %z: out f32[6,40]) {\n"
    "  parallel %i in 0..6 {\n"
    "    for %j in 0..32 step 8 { %z[%i, %j : 8] = max(%x[%i, %j : 8], 0.0) }\n"
    "    for %k in 32..33 { %z[%i, %k] = %x[%i, %k] * 2.0 }\n"
    "    for %m in 33..33 { %z[%i, %m] = 99.0 }\n"
    "    unroll %u in 0..3 { %z[%i, 33 + %u] = -1.0 }\n"
    "    %z[%i, 36 : 4] = %x[%i, 36 : 4] + 1.0\n"
    "    for %v in %i..6 step 2 { %z[%i, %v] = 5.0 }\n"
    "    for %w in %i..3 { %z[%i, 20 + %w] = f32(%w) }\n"
    "  }\n"
    "}\n"
    "kernel @registers(%x: f32[4,24], %y: f32[24,16], %z: out f32[4,16]) {\n"
    "  alloc %acc: f32x8[4,2] register\n"
    "  unroll %a in 0..4 { unroll %b in 0..2 { %acc[%a, %b] = 0.0 } }\n"
    "  for %k in 0..24 step 4 {\n"
    "    unroll %u in 0..4 {\n"
    "      unroll %c in 0..2 {\n"
    "        let %w = %y[%k + %u, %c * 8 : 8]\n"
    "        unroll %d in 0..4 { %acc[%d, %c] = fma(%x[%d, %k + %u], %w, %acc[%d, %c]) }\n"
    "      }\n"
    "    }\n"
    "  }\n"
    "  unroll %e in 0..4 { unroll %f in 0..2 { %z[%e, %f * 8 : 8] = %acc[%e, %f] } }\n"
    "}\n"
    "kernel @branches(%x: f32[9], %n: i32[9], %z: inout f32[9]) {\n"
    "  for %i in 0..9 {\n"
    "    if %n[%i] > 0i32 & %i % 2 == 0 {\n"
    "      %z[%i] = %x[%i]\n"
    "    } else {\n"
    "      if %n[%i] < -3i32 { %z[%i] = select(%x[%i] > 0.0, 1.0, -1.0) }\n"
    "    }\n"
    "  }\n"
    "  unroll %u in 0..4 { if %u % 2 == 1 { %z[%u] = f32(%u) } }\n"
    "}\n"
    "kernel @tiles(%x: f32[5,12], %z: out f32[5,12]) {\n"
    "  parallel %i in 0..5 {\n"
    "    alloc %row: f32[12] tile\n"
    "    alloc %best: f32[] register\n"
    "    %best[] = maximum(%x[%i, 0 : 12])\n"
    "    for %j in 0..12 step 4 { %row[%j : 4] = %x[%i, %j : 4] - %best[] }\n"
    "    %z[%i, 0 : 12] = %row[11 - lanes(12)]\n"
    "  }\n"
    "}\n"
    "kernel @reductions(%x: f32[32], %n: i32[32], %z: out f32[16], %s: out i32[8]) {\n"
    "  unroll %i in 0..2 { %z[%i] = sum(%x[%i : 8]) }\n"
    "  %z[2] = sum(%x[0 : 3])\n"
    "  %z[3] = sum(%x[0 : 7])\n"
    "  %z[4] = maximum(%x[0 : 16])\n"
    "  %z[5] = maximum(%x[3 : 5])\n"
    "  %z[6 : 5] = low(%x[8 : 16], 5)\n"
    "  %z[11] = low(%x[8 : 16], 1)\n"
    "  %z[12 : 4] = %x[lanes(4) * 7 + 2] + 1.0\n"
    "  %s[0] = sum(%n[0 : 16])\n"
    "  %s[1] = maximum(%n[0 : 6])\n"
    "  %s[2] = i32(sum(i64(%n[0 : 8])))\n"
    "  %s[3 : 5] = low(%n[0 : 8], 5) * 3i32\n"
    "}\n"
    "kernel @gathers(%x: f32[4,8], %at: i32[8], %z: out f32[3,8]) {\n"
    "  %z[0, 0 : 8] = %x[3, max(i64(%at[0 : 8]), lanes(8) * 0) % 8]\n"
    "  %z[1, 0 : 8] = %x[lanes(8) / 2, 7 - lanes(8)]\n"
    "  for %i in 0..8 { %z[2, %i] = %x[%i / 2 % 4, (%i * 3 + 1) % 8] }\n"
    "}\n"
    "kernel @narrow(%h: f16[16], %b: inout bf16[16], %c: inout u8[16], %m: out bool[16]) {\n"
    "  %m[0 : 16] = %h[0 : 16] > 0.0 & %c[0 : 16] != 3i32\n"
    "  %b[0 : 16] = %h[0 : 16] * 1.5\n"
    "  %c[0 : 16] = %c[0 : 16] * 40i32\n"
    "}\n";

START_TEST(statement_kinds)
{
    check_program(lg_program_of_text(statements), _i);
}
END_TEST

// What the schedule wrote is what runs: LLVM neither unrolls the loop of three nor splits vectors,
// and max is one instruction.
static const char loop_of_three[] =
    "kernel @conv(%x: f32[3,6], %w: f32[3,16], %z: out f32[6,16]) {\n"
    "  alloc %acc: f32x8[6,2] register\n"
    "  unroll %a in 0..6 { unroll %b in 0..2 { %acc[%a, %b] = 0.0 } }\n"
    "  for %k in 0..3 {\n"
    "    unroll %c in 0..6 { unroll %d in 0..2 {\n"
    "      %acc[%c, %d] = fma(%x[%k, %c], %w[%k, %d * 8 : 8], %acc[%c, %d])\n"
    "    } }\n"
    "  }\n"
    "  unroll %e in 0..6 { unroll %f in 0..2 { %z[%e, %f * 8 : 8] = max(%acc[%e, %f], 0.0) } }\n"
    "}\n";

static int count_lines(const char *text, const char *with)
{
    int count = 0;
    for (const char *at = text; (at = strstr(at, with)); at += strlen(with))
        count++;
    return count;
}

// The assembly of a program of one kernel. The caller frees.
static char *assembly_for(const char *cpu, const char *kernel)
{
    lg_program *program = lg_program_of_text(kernel);
    lg_wrap_kernel(program, program->first);
    lg_cpu_target target;
    lg_diag *diag = lg_diag_new();
    ck_assert(lg_cpu_target_resolve(&target, cpu, "x86_64-pc-linux-gnu", diag));
    lg_codegen_options options = {.prefix = "t", .model = "t", .compiler = "t", .target = &target};
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    ck_assert(lg_emit_text(program, &options, LG_TEXT_ASM, out, diag));
    fclose(out);
    lg_diag_free(diag);
    lg_program_free(program);
    return text;
}

static char *assembly(const char *kernel)
{
    return assembly_for("x86-64-v3", kernel);
}

START_TEST(loops_stay_loops)
{
    char *text = assembly(loop_of_three);
    ck_assert_int_eq(count_lines(text, "\tvfmadd"), 12);
    ck_assert_int_eq(count_lines(text, "\tvmaxps"), 12);
    ck_assert_int_eq(count_lines(text, "\tvcmp"), 0);
    ck_assert_int_eq(count_lines(text, "(%rsp), %ymm"), 0); // no spills
    free(text);
}
END_TEST

// A store to an image cannot change a scale, but it can change an operand in whose place it is.
START_TEST(stores_touch_their_buffer)
{
    char *scales =
        assembly("kernel @k(%x: f32[96,8], %s: f32[8], %t: f32[8], %z: out f32[96,8]) {\n"
                 "  for %i in 0..96 {\n"
                 "    %z[%i, 0 : 8] = %x[%i, 0 : 8] + %s[0 : 8] * %t[0 : 8]\n"
                 "  }\n}\n");
    char *images = assembly("kernel @k(%x: f32[96,8], %s: f32[96,8], %t: f32[96,8], "
                            "%z: out f32[96,8]) {\n"
                            "  for %i in 0..96 {\n"
                            "    %z[%i, 0 : 8] = %x[%i, 0 : 8] + %s[0, 0 : 8] * %t[0, 0 : 8]\n"
                            "  }\n}\n");
    ck_assert(strstr(scales, "vmulps") < strstr(scales, ".LBB0_1:"));
    ck_assert(strstr(images, "vmulps") > strstr(images, ".LBB0_1:"));
    free(scales);
    free(images);
}
END_TEST

// ---- the matrix unit

// A 2 x 2 block of accumulators over two parts of each operand, and what goes before and after:
// numbers are taken apart, sums are added to. In @blocks registers of blocks that have ended are
// used again.
static const char matrices[] =
    "kernel @parts(%x: f32[3,33,32], %w: bf16[3,2,2,16,16,2], %s: f32[16], "
    "%z: out f32[3,2,2,16,16]) {\n"
    "  parallel %i in 0..3 {\n"
    "    alloc %p: bf16[2,33,32] tile\n"
    "    alloc %sums: f32[2,2,16,16] tile\n"
    "    for %r in 0..33 { unroll %h in 0..2 {\n"
    "      let %v = %x[%i, %r, %h * 16 : 16]\n"
    "      let %near = bf16(%v)\n"
    "      %p[0, %r, %h * 16 : 16] = %near\n"
    "      %p[1, %r, %h * 16 : 16] = %v - %near\n"
    "    } }\n"
    "    alloc %acc: f32x256[2,2] matrix\n"
    "    alloc %a: bf16x512[2] matrix\n"
    "    alloc %b: bf16x512[2] matrix\n"
    "    unroll %zi in 0..2 { unroll %zj in 0..2 { zero %acc[%zi, %zj] } }\n"
    "    for %k in 0..3 { for %q in 0..2 {\n"
    "      unroll %la in 0..2 { load %a[%la], %p[%q, %la * 16 + (%k + 1) / 3, 0] }\n"
    "      unroll %lb in 0..2 { load %b[%lb], %w[%k, 0, %lb, 0, 0, 0] }\n"
    "      unroll %di in 0..2 { unroll %dj in 0..2 { dot %acc[%di, %dj], %a[%di], %b[%dj] } }\n"
    "      unroll %lc in 0..2 { load %b[%lc], %w[%k, 1, %lc, 0, 0, 0] }\n"
    "      unroll %ei in 0..2 { unroll %ej in 0..2 { dot %acc[%ei, %ej], %a[%ei], %b[%ej] } }\n"
    "    } }\n"
    "    unroll %si in 0..2 { unroll %sj in 0..2 {\n"
    "      store %sums[%si, %sj, 0, 0], %acc[%si, %sj]\n"
    "    } }\n"
    "    for %m in 0..64 {\n"
    "      %z[%i, %m / 32, %m / 16 % 2, %m % 16, 0 : 16] = "
    "%sums[%m / 32, %m / 16 % 2, %m % 16, 0 : 16] + %s[0 : 16] * %s[0]\n"
    "    }\n"
    "  }\n"
    "}\n"
    "kernel @blocks(%x: bf16[2,512], %z: inout f32[4,256]) {\n"
    "  alloc %acc: f32x256[] matrix\n"
    "  zero %acc[]\n"
    "  unroll %i in 0..2 {\n"
    "    alloc %a: bf16x512[3] matrix\n"
    "    alloc %b: bf16x512[] matrix\n"
    "    alloc %own: f32x256[2] matrix\n"
    "    load %a[2], %x[%i, 0]\n"
    "    load %b[], %x[1 - %i, 0]\n"
    "    zero %own[1]\n"
    "    dot %own[1], %a[2], %b[]\n"
    "    dot %acc[], %a[2], %b[]\n"
    "    store %z[%i, 0], %own[1]\n"
    "  }\n"
    "  alloc %c: bf16x512[6] matrix\n"
    "  alloc %d: bf16x512[] matrix\n"
    "  load %c[5], %x[1, 0]\n"
    "  load %d[], %x[1, 0]\n"
    "  dot %acc[], %c[5], %d[]\n"
    "  store %z[2, 0], %acc[]\n"
    "  for %j in 0..256 step 16 { %z[3, %j : 16] = %z[2, %j : 16] * 2.0 }\n"
    "}\n";

START_TEST(matrix_statements)
{
    if (!lg_cpu_runs(cpus[MATRIX_CPU]))
        fprintf(stderr, "no matrix unit here: its kernels are compiled, not run\n");
    check_program(lg_program_of_text(matrices), MATRIX_CPU);
}
END_TEST

static char *between(char *text, const char *first, const char *last)
{
    char *at = strstr(text, first);
    ck_assert_ptr_nonnull(at);
    char *end = strstr(at, last);
    ck_assert_ptr_nonnull(end);
    end[strlen(last)] = '\0';
    return at;
}

// Dots stand where the IR has them, loads between them, and registers stay where they are.
START_TEST(matrix_instructions)
{
    static const struct {
        const char *name;
        int count;
    } expected[] = {{"\ttileloadd", 4}, {"\ttdpbf16ps", 4}, {"\ttileloadd", 2}, {"\ttdpbf16ps", 4}};
    char *text = assembly_for(cpus[MATRIX_CPU], matrices);
    ck_assert_int_eq(count_lines(text, "\tldtilecfg"), 1);
    ck_assert_int_eq(count_lines(text, "\ttilerelease"), 1);
    ck_assert_int_eq(count_lines(text, "\ttilezero"), 4);
    ck_assert_int_eq(count_lines(text, "\ttilestored"), 4);
    char *loop = between(text, "\ttilezero\t%tmm3", "\ttilestored");
    ck_assert_int_eq(count_lines(loop, "\ttileloadd"), 6);
    for (int i = 0; i < 4; i++) {
        char *other = strstr(loop, expected[i ^ 1].name);
        for (int n = 0; n < expected[i].count; n++) {
            char *at = strstr(loop, expected[i].name);
            ck_assert_msg(at && (!other || at < other), "%d of group %d:\n%s", n, i, loop);
            loop = at + 1;
        }
    }
    free(text);
}
END_TEST

// A part is rounded by one instruction and stored as it is, and the rest is not 0.
START_TEST(parts_are_rounded_once)
{
    char *text = assembly_for(cpus[MATRIX_CPU], "kernel @k(%x: f32[16], %p: out bf16[2,16]) {\n"
                                                "  let %near = bf16(%x[0 : 16])\n"
                                                "  %p[0, 0 : 16] = %near\n"
                                                "  %p[1, 0 : 16] = %x[0 : 16] - %near\n"
                                                "}\n");
    char *body = between(text, "t_k_k:", "retq");
    ck_assert_int_eq(count_lines(body, "\tvcvtneps2bf16"), 2);
    ck_assert_int_eq(count_lines(body, "\tvsubps"), 1);
    ck_assert_int_eq(count_lines(body, "\tvpand"), 0);
    free(text);
}
END_TEST

START_TEST(needs_a_matrix_unit)
{
    lg_program *program = lg_program_of_text(matrices);
    lg_cpu_target target;
    lg_diag *diag = lg_diag_new();
    ck_assert(lg_cpu_target_resolve(&target, "x86-64-v4", "x86_64-pc-linux-gnu", diag));
    lg_codegen_options options = {.prefix = "t", .model = "t", .compiler = "t", .target = &target};
    ck_assert_ptr_null(lg_jit_new(program, &options, diag));
    ck_assert_int_eq(lg_diag_errors(diag), 2);
    lg_diag_free(diag);
    lg_program_free(program);
}
END_TEST

START_TEST(random_kernels)
{
    lg_program *program = lg_program_new("random");
    for (unsigned seed = 0; seed < 60; seed++)
        lg_random_kernel(program, seed);
    check_program(program, _i);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("llvm");
    TCase *tests = tcase_create("llvm");
    tcase_add_loop_test(tests, scalar_functions, 0, CPUS);
    tcase_add_loop_test(tests, conversions, 0, CPUS);
    tcase_add_loop_test(tests, statement_kinds, 0, CPUS);
    tcase_add_test(tests, loops_stay_loops);
    tcase_add_test(tests, stores_touch_their_buffer);
    tcase_add_test(tests, matrix_statements);
    tcase_add_test(tests, matrix_instructions);
    tcase_add_test(tests, parts_are_rounded_once);
    tcase_add_test(tests, needs_a_matrix_unit);
    tcase_add_loop_test(tests, random_kernels, 0, CPUS);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
