// Which kernels get LLVM's optimisation, and how large they are.
#include "codegen/effort.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define KERNEL(name, cost, loop)                                                                   \
    "kernel @" name "(%x: f32[64], %y: out f32[64]) {\n" cost "  " loop                            \
    " %i in 0..64 {\n    %y[%i] = %x[%i] + 1.0\n  }\n}\n\n"

#define ENTRY(name, launches)                                                                      \
    "entry @" name " workspace 0 {\n  input 0 @a: f32[64]\n  output 0 @b: f32[64]\n" launches      \
    "}\n\n"

static const char text[] =
    "program \"p\" packed 0\n\n" KERNEL("large", "  cost flops=1000000.0 bytes=512.0\n", "unroll")
        KERNEL("small", "  cost flops=64.0 bytes=16.0\n", "for")
            KERNEL("elsewhere", "  cost flops=64.0 bytes=16.0\n", "for")
                KERNEL("unknown", "", "for")
                    ENTRY("step", "  launch @large(@a, @b)\n  launch @small(@a, @b)\n"
                                  "  launch @elsewhere(@a, @b)\n  launch @unknown(@a, @b)\n")
                        ENTRY("infer", "  launch @elsewhere(@a, @b)\n");

// A kernel is light where no entry point spends time in it; one that all of @infer hangs on is not.
START_TEST(test_light_kernels_matter_nowhere)
{
    lg_arena *arena = lg_arena_new();
    lg_diag *diag = lg_diag_new();
    lg_program *program = lg_parse_program("test", text, strlen(text), diag);
    ck_assert_ptr_nonnull(program);
    lg_effort *efforts = lg_efforts(arena, program);
    static const bool light[] = {false, true, false, false};
    static const int64_t size[] = {65, 2, 2, 2};
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(efforts[i].light, light[i]);
        ck_assert_int_eq(efforts[i].size, size[i]);
    }
    lg_program_free(program);
    lg_diag_free(diag);
    lg_arena_free(arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("effort");
    TCase *tests = tcase_create("effort");
    tcase_add_test(tests, test_light_kernels_matter_nowhere);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
