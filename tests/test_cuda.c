// The CUDA target without a GPU: what the emitted text says, that it computes on the CPU what the
// reference interpreter computes, what is refused, and the manifest.
#include "codegen/cuda.h"
#include "tests/support/cuda_host.h"
#include "tests/support/cuda_programs.h"

#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <jansson.h>

#define IN_PROGRAM(text) "program \"p\" packed 0\n" text

// ---- meaning

typedef struct on_host {
    lg_cuda_host *host;
    int index; // of the next kernel
} on_host;

static void run_on_host(void *context, const lg_kernel *kernel, void **buffers)
{
    on_host *h = context;
    (void)kernel;
    lg_cuda_host_launch(h->host, h->index++, buffers);
}

static void check_program(lg_program *program)
{
    on_host h = {lg_cuda_host_new(program), 0};
    lg_cuda_check_kernels(program, run_on_host, &h);
    ck_assert_int_gt(h.index, 0);
    lg_cuda_host_free(h.host);
    lg_program_free(program);
}

START_TEST(every_scalar_function_computes_what_the_reference_does)
{
    check_program(lg_cuda_scalar_program());
}
END_TEST

START_TEST(written_kernels_compute_what_the_reference_does)
{
    check_program(lg_cuda_written_program(LGPNC_TESTS_DIR "/cuda/kernels.ir"));
}
END_TEST

// ---- text

static const char scale_ir[] =
    IN_PROGRAM("kernel @scale_rows(%x: f32[12,100], %s: f32[12], %y: out f32[12,100]) {\n"
               "  // y = relu(x * s)\n"
               "  block %row in 0..12 {\n"
               "    alloc %scale: f32[1] shared\n"
               "    %scale[0] = %s[%row]\n"
               "    barrier\n"
               "    thread %t in 0..32 {\n"
               "      alloc %kept: f32[2] register\n"
               "      unroll %u in 0..2 {\n"
               "        %kept[%u] = %x[%row, %t + %u * 32] * %scale[0]\n"
               "      }\n"
               "      for %j in 0..64 step 32 {\n"
               "        if %j + %t < 60 {\n"
               "          %y[%row, %j + %t] = max(%kept[1], %x[%t / 16, 0])\n"
               "        } else {\n"
               "          %y[%row, 99] = 1.5 - (2.0 - %scale[0])\n"
               "        }\n"
               "      }\n"
               "    }\n"
               "  }\n"
               "}\n");

static const char scale_cuda[] =
    "// The kernels of p. Written by lgpnc; compile with --fmad=false, launch as the\n"
    "// manifest beside this file says.\n"
    "\n"
    "static __device__ __forceinline__ float lg_max_f32(float a, float b)\n"
    "{\n"
    "    return b > a ? b : a >= b ? a : a + b;\n"
    "}\n"
    "\n"
    "// @scale_rows: grid 12, block 32, 4 bytes of shared memory\n"
    "//   x: in f32[12,100]\n"
    "//   s: in f32[12]\n"
    "//   y: out f32[12,100]\n"
    "extern \"C\" __global__ void __launch_bounds__(32)\n"
    "scale_rows(const float *__restrict__ x,\n"
    "           const float *__restrict__ s,\n"
    "           float *__restrict__ y)\n"
    "{\n"
    "    // y = relu(x * s)\n"
    "    const int row = (int)blockIdx.x;\n"
    "    __shared__ float scale[1];\n"
    "    if (threadIdx.x == 0)\n"
    "        scale[0] = s[row];\n"
    "    __syncthreads();\n"
    "    {\n"
    "        const int t = (int)threadIdx.x;\n"
    "        float kept[2];\n"
    "        #pragma unroll\n"
    "        for (int u = 0; u < 2; u++) {\n"
    "            kept[u] = x[row * 100 + t + u * 32] * scale[0];\n"
    "        }\n"
    "        for (int j = 0; j < 64; j += 32) {\n"
    "            if (j + t < 60) {\n"
    "                y[row * 100 + j + t] = lg_max_f32(kept[1], x[t / 16 * 100]);\n"
    "            } else {\n"
    "                y[row * 100 + 99] = 1.5f - (2.0f - scale[0]);\n"
    "            }\n"
    "        }\n"
    "    }\n"
    "}\n"
    "\n";

START_TEST(a_kernel_reads_like_its_ir)
{
    lg_program *program = lg_cuda_parse(scale_ir);
    char *text = lg_cuda_text(program);
    ck_assert_str_eq(text, scale_cuda);
    free(text);
    lg_program_free(program);
}
END_TEST

// A kernel whose statements are `body`, in one block of four threads, with memory to use.
static lg_program *parse_body(const char *body)
{
    char text[2048];
    snprintf(text, sizeof text,
             IN_PROGRAM("kernel @test_kernel(%%x: f32[3000000,1000], %%n: i64[9], %%m: i32[9], "
                        "%%y: out f32[9], %%o: out i64[9]) {\n"
                        "block %%b in 0..2 {\nthread %%t in 0..4 {\n%s\n}\n}\n}\n"),
             body);
    return lg_cuda_parse(text);
}

START_TEST(a_statement_says_what_it_must)
{
    static const struct {
        const char *ir, *cuda;
    } rows[] = {
        // Beyond 32 bits the sum is taken in 64.
        {"%y[%t] = %x[%b * 4 + %t, 7]", "x[(long long)(b * 4 + t) * 1000 + 7]"},
        {"%o[%t] = %t * 3000000000", "o[t] = (long long)t * 3000000000LL"},
        {"for %i in 0..4000000000 {\n%o[%t] = %i\n}", "for (long long i = 0;"},
        // Nothing is known of what was read: it may be negative and it may wrap.
        {"%o[%t] = %n[%t] / 3", "lg_div_i64(n[t], 3)"},
        {"%o[%t] = %n[%t] * %n[0]", "lg_mul_i64(n[t], n[0])"},
        {"%o[%t] = i64(%m[%t] + 1i32)", "(long long)lg_add_i32(m[t], 1)"},
        {"%o[%t] = %t % 3", "o[t] = t % 3;"},
        {"%o[%t] = (%t - 2) / 3", "lg_div_i32(t"},
        {"%y[%t] = -inf", "-__int_as_float(0x7f800000)"},
        {"%y[%t] = 0.1", "y[t] = 0.1f;"},
        {"for %i in 0..%n[0] {\n%o[0] = %i\n}", "lg_end_i = n[0]; i < lg_end_i; i++"},
        {"// over \\", "// over \\ ."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lg_program *program = parse_body(rows[i].ir);
        char *text = lg_cuda_text(program);
        ck_assert_msg(strstr(text, rows[i].cuda) != NULL, "`%s` is not in\n%s", rows[i].cuda, text);
        free(text);
        lg_program_free(program);
    }
}
END_TEST

START_TEST(what_may_alias_is_not_restrict)
{
    lg_program *program =
        lg_cuda_parse(IN_PROGRAM("kernel @copy_row(%x: f32[4], %w: f32[4], %y: out f32[4]) {\n"
                                 "  block %b in 0..1 {\n    thread %t in 0..4 {\n"
                                 "      %y[%t] = %x[%t] * %w[%t]\n    }\n  }\n}\n"
                                 "entry @infer workspace 64 {\n"
                                 "  input 0 @image: f32[4]\n  output 0 @result: f32[4]\n"
                                 "  slot @first: f32[4] workspace 0 uses 0..2\n"
                                 "  launch @copy_row(@image, @image, @first)\n"
                                 "  launch @copy_row(@first, @image, @first) \"in place\"\n"
                                 "  launch @copy_row(@first, @image, @result)\n}\n"));
    char *text = lg_cuda_text(program);
    ck_assert_ptr_nonnull(strstr(text, "(const float *x,"));
    ck_assert_ptr_nonnull(strstr(text, "const float *__restrict__ w,"));
    ck_assert_ptr_nonnull(strstr(text, "float *y)"));
    free(text);
    lg_program_free(program);
}
END_TEST

// ---- what is refused

START_TEST(what_cuda_cannot_say_is_refused)
{
    static const struct {
        const char *body, *message;
    } rows[] = {
        {"parallel %i in 0..4 {\n}", "kernel @bad has a parallel loop; lower it for a CUDA target"},
        {"%x[0 : 4] = %x[4 : 4] + %x[8 : 4]", "uses vectors; lower it for a CUDA target"},
        {"block %i in 0..3 {\nthread %t in 0..2048 {\n}\n}",
         "has 2048 threads a block; a block holds 1 to 1024"},
        {"block %i in 0..4000000000 {\n}", "has 4000000000 blocks; a grid holds 1 to 2147483647"},
        {"block %i in 0..0 {\n}", "has 0 blocks; a grid holds 1 to"},
        {"block %i in 0..2 {\nalloc %s: f32[12289] shared\n}",
         "keeps 49156 bytes in shared memory; 49152 is the most"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[512], *shown = NULL;
        size_t length;
        snprintf(text, sizeof text, IN_PROGRAM("kernel @bad(%%x: inout f32[16]) {\n%s\n}\n"),
                 rows[i].body);
        lg_diag *diag = lg_diag_new();
        lg_program *program = lg_parse_program("bad.ir", text, strlen(text), diag);
        ck_assert_msg(program != NULL, "%s", text);
        FILE *out = open_memstream(&shown, &length);
        ck_assert(!lg_emit_cuda(program, out, diag));
        ck_assert(!lg_emit_cuda_manifest(program, out, diag));
        ck_assert_int_eq(ftell(out), 0);
        lg_diag_print(diag, out);
        fclose(out);
        ck_assert_msg(strstr(shown, rows[i].message) != NULL, "no `%s` in\n%s", rows[i].message,
                      shown);
        free(shown);
        lg_program_free(program);
        lg_diag_free(diag);
    }
}
END_TEST

// ---- manifest

static json_t *manifest_of(const lg_program *program)
{
    char *text = NULL;
    size_t length;
    lg_diag *diag = lg_diag_new();
    FILE *out = open_memstream(&text, &length);
    ck_assert(lg_emit_cuda_manifest(program, out, diag));
    fclose(out);
    json_error_t error;
    json_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(json != NULL, "line %d: %s\n%s", error.line, error.text, text);
    free(text);
    lg_diag_free(diag);
    return json;
}

static const char manifest_ir[] =
    "program \"odd\\name\" packed 256\n"
    "param @conv.weight: f32[4]\n"
    "kernel @exp(%x: f32[2,4], %w: f32[4], %y: out f32[2,4]) {\n"
    "  block %b in 0..2 {\n    thread %t in 0..4 {\n      %y[%b, %t] = %x[%b, %t] * %w[%t]\n"
    "    }\n  }\n}\n"
    "entry @infer workspace 128 {\n"
    "  input 0 @image: f32[2,4]\n  output 0 @result: f32[2,4]\n"
    "  slot @weight: f32[4] packed 64\n"
    "  slot @hidden: f32[2,4] workspace 64 uses 0..1\n"
    "  launch @exp(@image, @weight, @hidden) \"GTC.conv1\"\n"
    "  launch @exp(@hidden, @weight, @result)\n}\n";

START_TEST(the_manifest_says_how_to_launch)
{
    lg_program *program = lg_cuda_parse(manifest_ir);
    json_t *json = manifest_of(program);
    json_t *entry = json_array_get(json_object_get(json, "entries"), 0);
    json_t *hidden = json_array_get(json_object_get(entry, "slots"), 3);
    const char *name, *symbol, *place, *label, *kernel, *param, *access;
    int grid, block, packed, offset, bytes, workspace, slots[3], parameter_bytes;
    ck_assert_int_eq(json_unpack(json, "{s:s,s:i,s:[{s:s}]}", "program", &name, "packed_bytes",
                                 &packed, "params", "name", &param),
                     0);
    ck_assert_str_eq(name, "odd\\name");
    ck_assert_str_eq(param, "conv.weight");
    ck_assert_int_eq(packed, 256);
    ck_assert_int_eq(json_unpack(json_array_get(json_object_get(json, "kernels"), 0),
                                 "{s:s,s:[i],s:[i],s:[{s:s,s:i}]}", "symbol", &symbol, "grid",
                                 &grid, "block", &block, "parameters", "access", &access, "bytes",
                                 &parameter_bytes),
                     0);
    ck_assert_str_eq(symbol, "exp_kernel"); // exp is a function of CUDA
    ck_assert(grid == 2 && block == 4 && parameter_bytes == 32 && strcmp(access, "in") == 0);
    ck_assert_int_eq(
        json_unpack(hidden, "{s:s,s:i,s:i}", "place", &place, "offset", &offset, "bytes", &bytes),
        0);
    ck_assert(strcmp(place, "workspace") == 0 && offset == 64 && bytes == 32);
    ck_assert_int_eq(json_unpack(entry, "{s:i,s:[{s:s,s:s,s:[i,i,i]}]}", "workspace_bytes",
                                 &workspace, "launches", "kernel", &kernel, "label", &label,
                                 "slots", &slots[0], &slots[1], &slots[2]),
                     0);
    ck_assert_str_eq(kernel, symbol);
    ck_assert_str_eq(label, "GTC.conv1");
    ck_assert(workspace == 128 && slots[0] == 0 && slots[1] == 2 && slots[2] == 3);
    json_decref(json);
    lg_program_free(program);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cuda");
    TCase *tests = tcase_create("cuda");
    tcase_add_test(tests, every_scalar_function_computes_what_the_reference_does);
    tcase_add_test(tests, written_kernels_compute_what_the_reference_does);
    tcase_add_test(tests, a_kernel_reads_like_its_ir);
    tcase_add_test(tests, a_statement_says_what_it_must);
    tcase_add_test(tests, what_may_alias_is_not_restrict);
    tcase_add_test(tests, what_cuda_cannot_say_is_refused);
    tcase_add_test(tests, the_manifest_says_how_to_launch);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
