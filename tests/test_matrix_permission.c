// Leave to use the matrix unit: an entry point that has MATRIX registers asks Linux for it, one
// that has none does not, and a refusal is a status or a message, never a crash.
#include "runtime/loader.h"
#include "runtime/matrix_unit.h"
#include "tests/support/compiled.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

static const char text[] = "program \"matrix\" packed 0\n"
                           "kernel @matrix(%y: out f32[256]) {\n"
                           "  alloc %acc: f32x256[1] matrix\n"
                           "  zero %acc[0]\n"
                           "  store %y[0], %acc[0]\n"
                           "}\n"
                           "kernel @vector(%y: out f32[256]) {\n"
                           "  %y[0] = 3.0\n"
                           "}\n";
enum { SUMS = 256, ARCH_GET_XCOMP_PERM = 0x1022, NOT_HERE = 99 };

// The machine code for `kernel`, run in this process; y[0] was 7 before.
static int run(const char *kernel, float *first)
{
    lg_program *program = lg_program_of_text(text);
    lg_diag *diag = lg_diag_new();
    lg_cpu_target target;
    for (lg_kernel *k = program->first; k; k = k->next)
        lg_wrap_kernel(program, k);
    lg_codegen_options options = {
        .prefix = "test", .model = "test", .compiler = "test", .target = &target};
    bool good = lg_cpu_target_resolve(&target, "sapphirerapids", NULL, diag);
    lg_jit *jit = good ? lg_jit_new(program, &options, diag) : NULL;
    lg_diag_print(diag, stderr);
    ck_assert_ptr_nonnull(jit);
    float y[SUMS] = {7};
    void *outputs[] = {y};
    lg_call call = {.outputs = outputs};
    const lg_artifact *artifact = lg_jit_artifact(jit);
    int status = -1;
    for (uint32_t i = 0; i < artifact->entry_count; i++)
        if (!strcmp(artifact->entries[i].name, kernel))
            status = artifact->entries[i].run(&call);
    *first = y[0];
    lg_jit_free(jit);
    lg_diag_free(diag);
    lg_program_free(program);
    return status;
}

static bool is_granted(void)
{
    uint64_t granted = 0;
    return syscall(LG_SYS_ARCH_PRCTL, ARCH_GET_XCOMP_PERM, &granted) == 0 &&
           granted >> LG_XFEATURE_XTILEDATA & 1;
}

// From here on arch_prctl fails in this process, as a container's filter may have it.
static bool forbid(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, LG_SYS_ARCH_PRCTL, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// `body` in a process of its own, since what it is granted or refused cannot be taken back: its
// exit status. 0: as it should be.
static void in_a_child(int (*body)(void))
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(body());
    int status;
    ck_assert(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    if (WEXITSTATUS(status) == NOT_HERE)
        puts("SKIPPED: this process may not filter its system calls");
    else
        ck_assert_int_eq(WEXITSTATUS(status), 0);
}

static int ask(void)
{
    float first;
    if (run("vector", &first) != LG_ENTRY_DONE || first != 3)
        return 1;
    bool was_granted = is_granted(); // to whoever started this test
    if (run("matrix", &first) != LG_ENTRY_DONE || first != 0)
        return 2;
    return was_granted || is_granted() ? 0 : 3;
}

START_TEST(entry_asks)
{
    in_a_child(ask);
}
END_TEST

static int be_refused(void)
{
    float first;
    if (!forbid())
        return NOT_HERE;
    if (run("vector", &first) != LG_ENTRY_DONE || first != 3)
        return 1;
    return run("matrix", &first) == LG_ENTRY_REFUSED && first == 7 ? 0 : 2;
}

START_TEST(entry_is_refused)
{
    in_a_child(be_refused);
}
END_TEST

static int be_told(void)
{
    lg_artifact artifact = {
        .abi = LG_ARTIFACT_ABI, .bytes = sizeof artifact, .target = "sapphirerapids"};
    lg_error e;
    if (!forbid())
        return NOT_HERE;
    bool told = !lg_artifact_check(&artifact, "net.so", &e);
    fprintf(stderr, "%s\n", told ? e.message : "not refused");
    return told && strstr(e.message, "net.so: compiled for sapphirerapids") &&
                   strstr(e.message, "Operation not permitted") &&
                   strstr(e.message, "--cpu=x86-64-v4")
               ? 0
               : 1;
}

START_TEST(check_tells)
{
    in_a_child(be_told);
}
END_TEST

int main(void)
{
    if (!lg_matrix_unit_exists())
        return 77;
    Suite *suite = suite_create("matrix permission");
    TCase *tests = tcase_create("matrix permission");
    tcase_add_test(tests, entry_asks);
    tcase_add_test(tests, entry_is_refused);
    tcase_add_test(tests, check_tells);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
