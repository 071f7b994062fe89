// What NVRTC makes of the emitted text. Where it is not installed this is skipped, but for what a
// user is told then.
#include "codegen/nvrtc.h"
#include "tests/support/cuda_host.h"
#include "tests/support/cuda_programs.h"

#include <stdlib.h>
#include <string.h>

#include <check.h>

static lg_nvrtc *open_nvrtc(void)
{
    lg_diag *diag = lg_diag_new();
    lg_nvrtc *nvrtc = lg_nvrtc_open(diag);
    if (!nvrtc)
        lg_diag_print(diag, stderr);
    ck_assert_ptr_nonnull(nvrtc);
    lg_diag_free(diag);
    return nvrtc;
}

static char *compile(lg_nvrtc *nvrtc, const char *text, const char *arch, lg_cuda_binary kind,
                     size_t *length)
{
    lg_diag *diag = lg_diag_new();
    void *data = NULL;
    bool ok = lg_nvrtc_compile(nvrtc, "kernels.cu", text, arch, kind, &data, length, diag);
    if (!ok)
        lg_diag_print(diag, stderr);
    ck_assert_msg(ok, "%s", text);
    lg_diag_free(diag);
    return data;
}

static void compile_program(lg_program *program)
{
    lg_nvrtc *nvrtc = open_nvrtc();
    char *text = lg_cuda_text(program);
    size_t length;
    char *ptx = compile(nvrtc, text, "compute_80", LG_CUDA_PTX, &length);
    ck_assert_uint_eq(length, strlen(ptx));
    int entries = 0;
    for (const char *at = ptx; (at = strstr(at, ".entry ")); at++)
        entries++;
    ck_assert_int_eq(entries, lg_program_kernel_count(program));
    free(ptx);
    free(text);
    lg_nvrtc_close(nvrtc);
    lg_program_free(program);
}

START_TEST(every_scalar_function_compiles)
{
    compile_program(lg_cuda_scalar_program());
}
END_TEST

START_TEST(written_kernels_compile)
{
    compile_program(lg_cuda_written_program(LGPNC_TESTS_DIR "/cuda/kernels.ir"));
}
END_TEST

START_TEST(nothing_is_fused_that_the_ir_does_not_fuse)
{
    lg_nvrtc *nvrtc = open_nvrtc();
    size_t length;
    char *ptx =
        compile(nvrtc, "extern \"C\" __global__ void f(float *x) { x[0] = x[1] * x[2] + x[3]; }",
                "compute_80", LG_CUDA_PTX, &length);
    ck_assert_ptr_null(strstr(ptx, "fma."));
    free(ptx);
    lg_nvrtc_close(nvrtc);
}
END_TEST

START_TEST(a_cubin_is_machine_code)
{
    lg_nvrtc *nvrtc = open_nvrtc();
    size_t length;
    char *cubin =
        compile(nvrtc, "extern \"C\" __global__ void f() {}", "sm_80", LG_CUDA_CUBIN, &length);
    ck_assert(length > 4 && memcmp(cubin, "\177ELF", 4) == 0);
    free(cubin);
    lg_nvrtc_close(nvrtc);
}
END_TEST

static void check_refused(lg_nvrtc *nvrtc, const char *text, const char *arch, lg_cuda_binary kind,
                          const char *expected)
{
    lg_diag *diag = lg_diag_new();
    void *data = NULL;
    size_t length = 0, shown_length;
    char *shown = NULL;
    ck_assert(!lg_nvrtc_compile(nvrtc, "kernels.cu", text, arch, kind, &data, &length, diag));
    ck_assert_ptr_null(data);
    FILE *out = open_memstream(&shown, &shown_length);
    lg_diag_print(diag, out);
    fclose(out);
    ck_assert_msg(strstr(shown, expected) != NULL, "no `%s` in\n%s", expected, shown);
    free(shown);
    lg_diag_free(diag);
}

START_TEST(a_failure_shows_the_log)
{
    lg_nvrtc *nvrtc = open_nvrtc();
    check_refused(nvrtc, "void f() { nonsense; }", "compute_80", LG_CUDA_PTX,
                  "identifier \"nonsense\" is undefined");
    check_refused(nvrtc, "", "compute_1", LG_CUDA_PTX, "invalid value for --gpu-architecture");
    check_refused(nvrtc, "", "compute_80", LG_CUDA_CUBIN, "such as sm_80, not compute_80");
    lg_nvrtc_close(nvrtc);
}
END_TEST

int main(void)
{
    lg_diag *diag = lg_diag_new();
    lg_nvrtc *nvrtc = lg_nvrtc_open(diag);
    if (!nvrtc) {
        lg_diag_print(diag, stderr);
        fputs("NVRTC not found: compile checks skipped\n", stderr);
    }
    bool found = nvrtc != NULL;
    lg_nvrtc_close(nvrtc);
    lg_diag_free(diag);
    if (!found)
        return 77;

    Suite *suite = suite_create("nvrtc");
    TCase *tests = tcase_create("nvrtc");
    tcase_add_test(tests, every_scalar_function_compiles);
    tcase_add_test(tests, written_kernels_compile);
    tcase_add_test(tests, nothing_is_fused_that_the_ir_does_not_fuse);
    tcase_add_test(tests, a_cubin_is_machine_code);
    tcase_add_test(tests, a_failure_shows_the_log);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
