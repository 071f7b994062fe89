// One program as an artifact in memory, in a shared library, in an object beside a C program, and
// in an executable: the same bits everywhere, serial and threaded, and what does not fit is
// refused.
#include "runtime/loader.h"
#include "runtime/model.h"
#include "runtime/safetensors.h"
#include "runtime/threads.h"
#include "tests/support/compiled.h"
#include "tests/support/temporary.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <check.h>

// y = relu(x W + b); the weights are packed transposed, with b behind them. `dead` is read by no
// one.
static const char text[] = "program \"tiny:in=5\" packed 192\n"
                           "param @fc.weight: f32[8,5]\n"
                           "param @fc.bias: f32[8]\n"
                           "state @dead.weight: f32[3]\n"
                           "\n"
                           "kernel @pack_fc(%w: f32[8,5], %p: out f32[48]) {\n"
                           "  parallel %o in 0..8 {\n"
                           "    for %i in 0..5 {\n"
                           "      %p[%i * 8 + %o] = %w[%o, %i]\n"
                           "    }\n"
                           "  }\n"
                           "}\n"
                           "\n"
                           "kernel @pack_bias(%b: f32[8], %p: inout f32[48]) {\n"
                           "  %p[40 : 8] = %b[0 : 8]\n"
                           "}\n"
                           "\n"
                           "kernel @fc(%x: f32[37,5], %p: f32[48], %t: out f32[37,8]) {\n"
                           "  cost flops=2960.0 bytes=2000.0\n"
                           "  parallel %r in 0..37 {\n"
                           "    alloc %acc: f32x8[] register\n"
                           "    %acc[] = %p[40 : 8]\n"
                           "    for %i in 0..5 {\n"
                           "      %acc[] = fma(%x[%r, %i], %p[%i * 8 : 8], %acc[])\n"
                           "    }\n"
                           "    %t[%r, 0 : 8] = %acc[]\n"
                           "  }\n"
                           "}\n"
                           "\n"
                           "kernel @relu(%t: f32[37,8], %y: out f32[37,8]) {\n"
                           "  parallel %r in 0..37 {\n"
                           "    %y[%r, 0 : 8] = max(%t[%r, 0 : 8], 0.0)\n"
                           "  }\n"
                           "}\n"
                           "\n"
                           "entry @pack workspace 0 {\n"
                           "  slot @fc.weight: f32[8,5] param 0\n"
                           "  slot @fc.bias: f32[8] param 1\n"
                           "  slot @p: f32[48] packed 0\n"
                           "  launch @pack_fc(@fc.weight, @p)\n"
                           "  launch @pack_bias(@fc.bias, @p)\n"
                           "}\n"
                           "\n"
                           "entry @infer workspace 1216 {\n"
                           "  input 0 @x: f32[37,5]\n"
                           "  output 0 @y: f32[37,8]\n"
                           "  slot @p: f32[48] packed 0\n"
                           "  slot @t: f32[37,8] workspace 0 uses 0..1\n"
                           "  launch @fc(@x, @p, @t) \"fc\"\n"
                           "  launch @relu(@t, @y)\n"
                           "}\n";

enum { ROWS = 37, IN = 5, OUT = 8 };

static float x[ROWS * IN], weight[OUT * IN], bias[OUT], expected[ROWS * OUT];

// Quarters, so that the expected values are exact.
static void make_data(void)
{
    for (int i = 0; i < ROWS * IN; i++)
        x[i] = (float)(i * 7 % 23 - 11) / 4;
    for (int i = 0; i < OUT * IN; i++)
        weight[i] = (float)(i * 5 % 17 - 8) / 4;
    for (int i = 0; i < OUT; i++)
        bias[i] = (float)(i - 3) / 2;
    for (int r = 0; r < ROWS; r++)
        for (int o = 0; o < OUT; o++) {
            float sum = bias[o];
            for (int i = 0; i < IN; i++)
                sum += x[r * IN + i] * weight[o * IN + i];
            expected[r * OUT + o] = sum > 0 ? sum : 0;
        }
}

typedef struct fixture {
    lg_diag *diag;
    lg_program *program;
    lg_cpu_target target;
    lg_codegen_options options;
    lg_temporary folder;
} fixture;

static fixture f;

static void set_up(void)
{
    make_data();
    f.diag = lg_diag_new();
    f.program = lg_program_of_text(text);
    ck_assert(lg_verify_program(f.program, f.diag));
    if (!lg_cpu_target_resolve(&f.target, "native", NULL, f.diag))
        exit(77);
    f.options = (lg_codegen_options){
        .prefix = "tiny", .model = "tiny:in=5", .compiler = "lgpnc test", .target = &f.target};
    f.folder = lg_temporary_new();
}

static void tear_down(void)
{
    lg_diag_free(f.diag);
    lg_program_free(f.program);
    lg_temporary_free(&f.folder);
}

static void expect(bool good)
{
    if (good)
        return;
    lg_diag_print(f.diag, stderr);
    ck_abort_msg("errors above");
}

static void check_run(lg_model *model, const lg_parallel *parallel)
{
    lg_error e = {""};
    lg_tensor image = {LG_ABI_F32, 2, {ROWS, IN}, x, sizeof x, false};
    lg_named_tensor inputs[] = {{"x", &image}};
    lg_tensor *y = NULL;
    ck_assert_msg(lg_model_run(model, "infer", inputs, 1, &y, parallel, &e), "%s", e.message);
    ck_assert_mem_eq(y->data, expected, sizeof expected);
    lg_tensor_free(y);
}

static lg_model *new_model(const lg_artifact *artifact)
{
    lg_error e = {""};
    ck_assert_msg(lg_artifact_check(artifact, "tiny", &e), "%s", e.message);
    lg_model *model = lg_model_new(artifact, "tiny", &e);
    ck_assert_ptr_nonnull(model);
    return model;
}

static void pack(lg_model *model)
{
    lg_error e = {""};
    ck_assert(lg_model_pack(model, (void *[]){weight, bias, NULL}, NULL, &e));
}

// ---- in memory

START_TEST(descriptions)
{
    lg_jit *jit = lg_jit_new(f.program, &f.options, f.diag);
    expect(jit != NULL);
    const lg_artifact *a = lg_jit_artifact(jit);
    ck_assert_uint_eq(a->abi, LG_ARTIFACT_ABI);
    ck_assert_uint_eq(a->bytes, sizeof *a);
    ck_assert_str_eq(a->model, "tiny:in=5");
    ck_assert_str_eq(a->compiler, "lgpnc test");
    ck_assert_str_eq(a->target, f.target.name);
    ck_assert(a->entry_count == 2 && a->param_count == 3);
    ck_assert(a->packed_bytes == 192 && a->packed == NULL);
    ck_assert_str_eq(a->params[0].name, "fc.weight");
    ck_assert(a->params[0].rank == 2 && a->params[0].shape[0] == 8 && a->params[0].shape[1] == 5);
    ck_assert(a->params[0].bytes == 160 && a->params[0].unused == 0 && a->params[2].unused == 1);
    ck_assert(a->params[0].state == 0 && a->params[2].state == 1);
    const lg_entry_desc *infer = &a->entries[1];
    ck_assert_str_eq(infer->name, "infer");
    ck_assert(infer->input_count == 1 && infer->output_count == 1 && infer->launch_count == 2);
    ck_assert_str_eq(infer->inputs[0].name, "x");
    ck_assert_ptr_null(infer->inputs[0].value);
    ck_assert_str_eq(infer->outputs[0].name, "y");
    ck_assert(infer->outputs[0].dtype == LG_ABI_F32 && infer->outputs[0].shape[1] == OUT);
    ck_assert_str_eq(infer->launches[0].kernel, "fc");
    ck_assert_str_eq(infer->launches[0].label, "fc");
    ck_assert(infer->launches[0].flops == 2960 && infer->launches[0].bytes == 2000);
    ck_assert_uint_eq(infer->workspace_bytes, 1216);
    ck_assert_uint_eq(infer->flags, LG_ENTRY_READS_PACKED);
    ck_assert_uint_eq(a->entries[0].flags,
                      LG_ENTRY_READS_PARAMS | LG_ENTRY_READS_PACKED | LG_ENTRY_WRITES_PACKED);
    lg_jit_free(jit);
}
END_TEST

START_TEST(serial_and_threaded)
{
    lg_jit *jit = lg_jit_new(f.program, &f.options, f.diag);
    expect(jit != NULL);
    lg_model *model = new_model(lg_jit_artifact(jit));
    pack(model);
    check_run(model, NULL);
    for (int count = 1; count <= 5; count++) {
        lg_threads threads;
        lg_threads_init(&threads, count);
        check_run(model, &threads.parallel);
        lg_threads_free(&threads);
    }
    lg_timing timing;
    double seconds[2];
    lg_timing_init(&timing, NULL, seconds, 2);
    check_run(model, &timing.parallel);
    ck_assert(seconds[0] >= 0 && seconds[1] >= 0 && seconds[0] + seconds[1] > 0);
    lg_model_free(model);
    lg_jit_free(jit);
}
END_TEST

START_TEST(inputs_that_do_not_fit)
{
    lg_jit *jit = lg_jit_new(f.program, &f.options, f.diag);
    expect(jit != NULL);
    lg_model *model = new_model(lg_jit_artifact(jit));
    lg_error e;
    lg_tensor *y;
    lg_tensor wrong = {LG_ABI_F32, 2, {IN, ROWS}, x, sizeof x, false};
    lg_named_tensor inputs[] = {{"x", &wrong}, {"z", &wrong}};
    ck_assert(!lg_model_run(model, "infer", inputs, 2, &y, NULL, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "x: is f32[5,37], wanted is f32[37,5]"));
    ck_assert_ptr_nonnull(strstr(e.message, "z: there is no input of that name"));
    ck_assert(!lg_model_run(model, "infer", inputs, 0, &y, NULL, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "x: missing"));
    ck_assert(!lg_model_run(model, "train", inputs, 0, &y, NULL, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "no function train"));
    wrong.shape[0] = ROWS, wrong.shape[1] = IN;
    ck_assert(!lg_model_run(model, "infer", inputs, 1, &y, NULL, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "--weights"));
    lg_model_free(model);
    lg_jit_free(jit);
}
END_TEST

// ---- weights

static const char *write_weights(const lg_safetensor *tensors, size_t count)
{
    lg_error e;
    const char *path = lg_temporary_path(&f.folder, "w.safetensors");
    ck_assert_msg(lg_safetensors_write(path, tensors, count, NULL, 0, &e), "%s", e.message);
    return path;
}

START_TEST(weights_from_a_checkpoint)
{
    lg_jit *jit = lg_jit_new(f.program, &f.options, f.diag);
    expect(jit != NULL);
    lg_model *model = new_model(lg_jit_artifact(jit));
    float three[3] = {0};
    lg_safetensor good[] = {
        {"fc.bias", LG_ABI_F32, 1, {OUT}, bias, 0},
        {"fc.weight", LG_ABI_F32, 2, {OUT, IN}, weight, 0},
        {"dead.weight", LG_ABI_F32, 1, {3}, three, 0},
        {"other", LG_ABI_F32, 1, {3}, three, 0},
    };
    lg_error e = {""};
    lg_weights_report report = {0};
    ck_assert_msg(lg_model_load_weights(model, write_weights(good, 4), NULL, &report, &e), "%s",
                  e.message);
    ck_assert(report.dead == 1 && report.unknown == 1);
    check_run(model, NULL);

    good[0].name = "fc.bias2";
    good[1].shape[0] = IN, good[1].shape[1] = OUT;
    ck_assert(!lg_model_load_weights(model, write_weights(good, 4), NULL, NULL, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "2 of the 3 tensors"));
    ck_assert_ptr_nonnull(strstr(e.message, "fc.bias: missing, wanted is f32[8]"));
    ck_assert_ptr_nonnull(strstr(e.message, "fc.weight: is f32[5,8], wanted is f32[8,5]"));

    good[0].name = "fc.bias";
    good[1].shape[0] = OUT, good[1].shape[1] = IN;
    float nan_bias[OUT] = {0, __builtin_nanf("")};
    good[0].data = nan_bias;
    ck_assert(!lg_model_load_weights(model, write_weights(good, 4), NULL, NULL, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "fc.bias"));
    lg_model_free(model);
    lg_jit_free(jit);
}
END_TEST

// ---- what is refused

START_TEST(another_abi)
{
    lg_artifact other = {.abi = LG_ARTIFACT_ABI + 1, .bytes = sizeof other, .target = "x"};
    lg_error e;
    ck_assert(!lg_artifact_check(&other, "a.so", &e));
    ck_assert_ptr_nonnull(strstr(e.message, "a.so: made for version 5"));
    ck_assert_ptr_nonnull(strstr(e.message, "this runtime has version 4"));
    other.abi = LG_ARTIFACT_ABI;
    ck_assert(!lg_artifact_check(&other, "a.so", &e));
    ck_assert_ptr_nonnull(strstr(e.message, "compiled for x"));
    other.bytes = 1;
    ck_assert(!lg_artifact_check(&other, "a.so", &e));
}
END_TEST

START_TEST(targets)
{
    lg_cpu_target t;
    ck_assert(lg_cpu_target_resolve(&t, "x86-64-v3", NULL, f.diag));
    ck_assert_str_eq(t.name, "x86-64-v3");
    ck_assert(lg_cpu_target_resolve(&t, "aarch64", "", f.diag));
    ck_assert_ptr_nonnull(strstr(t.triple, "aarch64"));
    ck_assert(!lg_cpu_target_resolve(&t, "pentium", NULL, f.diag));
    ck_assert(!lg_cpu_target_resolve(&t, "x86-64-v3", "aarch64-linux-gnu", f.diag));
    ck_assert(!lg_cpu_target_resolve(&t, "native", "riscv64-linux-gnu", f.diag));
    ck_assert_int_eq(lg_diag_errors(f.diag), 3);
}
END_TEST

// ---- files

START_TEST(shared_library)
{
    float packed[48];
    lg_error e = {""};
    lg_jit *jit = lg_jit_new(f.program, &f.options, f.diag);
    expect(jit != NULL);
    lg_model *model = new_model(lg_jit_artifact(jit));
    pack(model);
    memcpy(packed, lg_model_packed(model), sizeof packed);
    lg_model_free(model);
    lg_jit_free(jit);

    const char *path = lg_temporary_path(&f.folder, "tiny.so");
    for (int built_in = 0; built_in < 2; built_in++) {
        f.options.packed = built_in ? packed : NULL;
        expect(lg_emit_shared(f.program, &f.options, path, f.diag));
        ck_assert_int_eq(lg_temporary_count(&f.folder), 1);
        lg_library library;
        ck_assert_msg(lg_library_open(&library, path, &e), "%s", e.message);
        model = new_model(library.artifact);
        ck_assert(lg_model_has_weights(model) == built_in);
        if (!built_in)
            pack(model);
        check_run(model, NULL);
        ck_assert_ptr_null(lg_model_input_value(model, &library.artifact->entries[1].inputs[0]));
        lg_model_free(model);
        lg_library_close(&library);
    }
}
END_TEST

// A value of an input is built in where name, type and shape are the input's, and is what a call
// without that input gets.
START_TEST(values_of_inputs)
{
    lg_error e = {""};
    lg_tensor_desc values[] = {{"x", LG_ABI_F32, 2, {IN, ROWS}, sizeof x, .value = weight},
                               {"y", LG_ABI_F32, 2, {ROWS, IN}, sizeof x, .value = weight},
                               {"x", LG_ABI_F32, 2, {ROWS, IN}, sizeof x, .value = x}};
    f.options.values = values;
    f.options.value_count = 3;
    const char *path = lg_temporary_path(&f.folder, "tiny.so");
    expect(lg_emit_shared(f.program, &f.options, path, f.diag));
    lg_library library;
    ck_assert_msg(lg_library_open(&library, path, &e), "%s", e.message);
    const lg_tensor_desc *input = &library.artifact->entries[1].inputs[0];
    ck_assert_ptr_nonnull(input->value);
    ck_assert_uint_eq((uintptr_t)input->value % LG_ABI_ALIGNMENT, 0);
    ck_assert_mem_eq(input->value, x, sizeof x);
    lg_model *model = new_model(library.artifact);
    pack(model);
    ck_assert_ptr_eq(lg_model_input_value(model, input), input->value);
    lg_tensor *y;
    ck_assert_msg(lg_model_run(model, "infer", NULL, 0, &y, NULL, &e), "%s", e.message);
    lg_tensor_free(y);
    check_run(model, NULL);
    lg_model_free(model);
    lg_library_close(&library);
}
END_TEST

START_TEST(files_that_are_no_artifacts)
{
    lg_error e = {""};
    lg_library library;
    ck_assert(!lg_library_open(&library, "/nowhere/a.so", &e));
    ck_assert_ptr_nonnull(strstr(e.message, "/nowhere/a.so"));
    ck_assert(!lg_library_open(&library, lg_temporary_write(&f.folder, "b.so", "xx", 2), &e));
    ck_assert_ptr_nonnull(strstr(e.message, "b.so"));
}
END_TEST

static const char embedder[] =
    "#include \"tiny.h\"\n"
    "#include <stdio.h>\n"
    "static _Alignas(64) float packed[TINY_PACKED_BYTES / 4];\n"
    "static _Alignas(64) char workspace[TINY_INFER_WORKSPACE_BYTES];\n"
    "int main(void)\n"
    "{\n"
    "    float x[37 * 5], w[8 * 5], b[8], y[37 * 8];\n"
    "    if (fread(x, 4, 185, stdin) != 185 || fread(w, 4, 40, stdin) != 40 ||\n"
    "        fread(b, 4, 8, stdin) != 8)\n"
    "        return 3;\n"
    "    void *params[] = {w, b, 0};\n"
    "    if (tiny_pack(params, packed, 0, 0) != 0 || tiny_infer(x, y, packed, workspace, 0) != 0)\n"
    "        return 4;\n"
    "    return fwrite(y, 4, 296, stdout) == 296 ? 0 : 5;\n"
    "}\n";

static void command(const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    ck_assert_msg(system(line) == 0, "%s", line);
}

// The weights are the object's own, and no program is run for it: not on this machine's CPU and not
// on another.
START_TEST(objects_need_no_compiler)
{
    static const char *const cpus[] = {"x86-64-v3", "aarch64"};
    static const float packed[48] = {1};
    char path[160];
    snprintf(path, sizeof path, "%s/a \"b\\.o", f.folder.folder);
    lg_cpu_target target;
    f.options.packed = packed;
    f.options.target = &target;
    const char *folders = getenv("PATH");
    ck_assert_ptr_nonnull(folders);
    char *search = strdup(folders);
    setenv("CC", "/nowhere/cc", 1);
    setenv("PATH", "/nowhere", 1);
    for (int i = 0; i < 2; i++) {
        expect(lg_cpu_target_resolve(&target, cpus[i], NULL, f.diag));
        expect(lg_emit_object(f.program, &f.options, path, NULL, f.diag));
        ck_assert(!lg_emit_shared(f.program, &f.options, path, f.diag));
        ck_assert_int_eq(lg_diag_errors(f.diag), i + 1);
        ck_assert_int_eq(lg_temporary_count(&f.folder), 1);
    }
    unsetenv("CC");
    setenv("PATH", search, 1);
    free(search);
}
END_TEST

START_TEST(object_and_header)
{
    char object[160], header[160];
    const char *folder = f.folder.folder;
    snprintf(object, sizeof object, "%s/tiny.o", folder);
    snprintf(header, sizeof header, "%s/tiny.h", folder);
    expect(lg_emit_object(f.program, &f.options, object, header, f.diag));
    ck_assert_int_eq(lg_temporary_count(&f.folder), 2);

    // Another model beside it: nothing but the prefixes must be different.
    char other[160];
    snprintf(other, sizeof other, "%s/other.o", folder);
    f.options.prefix = "other";
    expect(lg_emit_object(f.program, &f.options, other, NULL, f.diag));

    float data[ROWS * IN + OUT * IN + OUT];
    memcpy(data, x, sizeof x);
    memcpy(data + ROWS * IN, weight, sizeof weight);
    memcpy(data + ROWS * IN + OUT * IN, bias, sizeof bias);
    lg_temporary_write(&f.folder, "in", data, sizeof data);
    lg_temporary_write(&f.folder, "main.c", embedder, sizeof embedder - 1);
    command("cd %s && cc -std=c11 -Wall -Wextra -Werror main.c tiny.o other.o -lm -o main && "
            "./main <in >out",
            folder);
    float y[ROWS * OUT];
    FILE *out = fopen(lg_temporary_path(&f.folder, "out"), "rb");
    ck_assert(out && fread(y, sizeof y, 1, out) == 1);
    fclose(out);
    ck_assert_mem_eq(y, expected, sizeof y);
    // Only the table is visible.
    command("cd %s && test \"$(nm -g --defined-only tiny.o | wc -l)\" = 1", folder);
}
END_TEST

START_TEST(same_bytes_from_any_number_of_threads)
{
    char one[160], four[160];
    snprintf(one, sizeof one, "%s/one.so", f.folder.folder);
    snprintf(four, sizeof four, "%s/four.so", f.folder.folder);
    f.options.threads = 1;
    expect(lg_emit_shared(f.program, &f.options, one, f.diag));
    f.options.threads = 4;
    expect(lg_emit_shared(f.program, &f.options, four, f.diag));
    command("cmp %s %s", one, four);
}
END_TEST

START_TEST(unwritable_output)
{
    ck_assert(!lg_emit_shared(f.program, &f.options, "/nowhere/a.so", f.diag));
    ck_assert(!lg_emit_shared(f.program, &f.options, f.folder.folder, f.diag));
    f.options.prefix = "no-name";
    const char *path = lg_temporary_path(&f.folder, "a.so");
    ck_assert(!lg_emit_shared(f.program, &f.options, path, f.diag));
    f.options.prefix = "tiny";
    setenv("CC", "false", 1);
    ck_assert(!lg_emit_shared(f.program, &f.options, path, f.diag));
    setenv("CC", "/nowhere/cc", 1);
    ck_assert(!lg_emit_shared(f.program, &f.options, path, f.diag));
    unsetenv("CC");
    ck_assert_int_eq(lg_diag_errors(f.diag), 5);
    ck_assert_int_eq(lg_temporary_count(&f.folder), 0);
}
END_TEST

START_TEST(texts)
{
    char *llvm = NULL, *assembly = NULL;
    size_t length;
    FILE *out = open_memstream(&llvm, &length);
    expect(lg_emit_text(f.program, &f.options, LG_TEXT_LLVM, out, f.diag));
    fclose(out);
    ck_assert_ptr_nonnull(strstr(llvm, "define internal void @tiny_k_fc(ptr"));
    ck_assert_ptr_nonnull(strstr(llvm, "@tiny_artifact = "));
    out = open_memstream(&assembly, &length);
    expect(lg_emit_text(f.program, &f.options, LG_TEXT_ASM, out, f.diag));
    fclose(out);
    ck_assert_ptr_nonnull(strstr(assembly, "tiny_k_relu:"));
    free(llvm);
    free(assembly);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("artifact");
    TCase *tests = tcase_create("artifact");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, descriptions);
    tcase_add_test(tests, serial_and_threaded);
    tcase_add_test(tests, inputs_that_do_not_fit);
    tcase_add_test(tests, weights_from_a_checkpoint);
    tcase_add_test(tests, another_abi);
    tcase_add_test(tests, targets);
    tcase_add_test(tests, shared_library);
    tcase_add_test(tests, values_of_inputs);
    tcase_add_test(tests, files_that_are_no_artifacts);
    tcase_add_test(tests, objects_need_no_compiler);
    tcase_add_test(tests, object_and_header);
    tcase_add_test(tests, same_bytes_from_any_number_of_threads);
    tcase_add_test(tests, unwritable_output);
    tcase_add_test(tests, texts);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
