// The CUDA target on a GPU, kernel by kernel: the driver runs what NVRTC makes of the emitted text,
// and it must compute what the reference interpreter computes. Whole programs and networks run on
// the GPU in test_lowering, test_compiled_networks and test_compiled_training.
#include "codegen/cuda_device.h"
#include "tests/support/compiled.h"
#include "tests/support/cuda_programs.h"

#include <stdlib.h>

#include <check.h>

static void expect(bool ok, lg_diag *diag, const char *what)
{
    if (!ok)
        lg_diag_print(diag, stderr);
    ck_assert_msg(ok, "%s", what);
}

typedef struct on_device {
    lg_cuda_device *device;
    const lg_program *program;
    lg_diag *diag;
} on_device;

static void run_on_device(void *context, const lg_kernel *kernel, void **buffers)
{
    const on_device *d = context;
    lg_ports ports = lg_ports_of(kernel, buffers);
    lg_memory memory = {.inputs = ports.inputs, .outputs = ports.outputs};
    expect(lg_cuda_device_interpret(d->device, lg_program_entry(d->program, kernel->name), &memory),
           d->diag, kernel->name);
}

static void check_program(lg_program *program)
{
    for (lg_kernel *kernel = program->first; kernel; kernel = kernel->next)
        lg_wrap_kernel(program, kernel);
    lg_diag *diag = lg_diag_new();
    on_device d = {lg_cuda_device_new(program, diag), program, diag};
    expect(d.device != NULL, diag, "the program is not loaded");
    lg_cuda_check_kernels(program, run_on_device, &d);
    lg_cuda_device_free(d.device);
    lg_diag_free(diag);
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

// The clock of the GPU: every launch takes some time, and far from all of a minute.
START_TEST(launches_are_timed)
{
    lg_program *program =
        lg_cuda_parse("program \"p\" packed 0\n"
                      "kernel @fill(%y: out f32[1024]) {\n  block %b in 0..4 {\n"
                      "    thread %t in 0..256 {\n      %y[%b * 256 + %t] = 2.0\n    }\n  }\n}\n");
    lg_entry *entry = lg_wrap_kernel(program, program->first);
    lg_diag *diag = lg_diag_new();
    lg_cuda_device *device = lg_cuda_device_new(program, diag);
    double seconds = -1;
    float result[1024];
    expect(device && lg_cuda_device_choose(device, entry) && lg_cuda_device_run(device, &seconds) &&
               lg_cuda_device_read(device, LG_PLACE_OUTPUT, 0, result),
           diag, "the kernel does not run");
    ck_assert_double_gt(seconds, 0);
    ck_assert_double_lt(seconds, 60);
    ck_assert_float_eq(result[1023], 2.0F);
    lg_cuda_device_free(device);
    lg_diag_free(diag);
    lg_program_free(program);
}
END_TEST

int main(void)
{
    if (!lg_cpu_runs("cuda")) {
        fputs("no GPU with NVRTC here: nothing was run\n", stderr);
        return 77;
    }
    Suite *suite = suite_create("cuda device");
    TCase *tests = tcase_create("cuda device");
    tcase_add_test(tests, every_scalar_function_computes_what_the_reference_does);
    tcase_add_test(tests, written_kernels_compute_what_the_reference_does);
    tcase_add_test(tests, launches_are_timed);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
