// From the graph to kernels: every func of tests/lowering/*.ir is a case. It is lowered for each
// target by each pipeline, and what the program computes is compared with the reference interpreter
// of the graph. Every op has a case; elementwise ops get theirs made here.
#include "tests/support/compiled.h"
#include "tests/support/expectation.h"
#include "tests/support/foreign.h"

#include <stdlib.h>
#include <string.h>

#include <check.h>

static const char *const files[] = {"conv",     "chain",    "sums",  "matmul",   "reduce",
                                    "movement", "winograd", "split", "gradient", "filter_grad"};
enum { FILES = sizeof files / sizeof *files };

static const char *const targets[] = {"x86-64-v2", "x86-64-v3", "x86-64-v4", "sapphirerapids",
                                      "cuda"};
enum { TARGETS = sizeof targets / sizeof *targets };

// What every case is run through; O0 and O1 depend on less of the target than O2.
static const struct way {
    const char *target, *level;
} ways[] = {{"x86-64-v3", "O0"}, {"cuda", "O0"},           {"x86-64-v4", "O1"},
            {"x86-64-v2", "O2"}, {"x86-64-v3", "O2"},      {"x86-64-v4", "O2"},
            {"aarch64", "O2"},   {"sapphirerapids", "O2"}, {"cuda", "O2"}};
enum { WAYS = sizeof ways / sizeof *ways };

// Of its ways a case gets every second, its neighbour the others: there are many alike. A sanitizer
// slows the interpreters down by ten.
#ifdef __SANITIZE_ADDRESS__
enum { EVERY = 6 };
#else
enum { EVERY = 2 };
#endif

// ---- cases

// Read before Check runs, so that its asserts are no use here; NULL after saying why.
static lg_module *module_of_file(const char *name)
{
    char path[512], *text = NULL;
    size_t size = 0;
    snprintf(path, sizeof path, "%s/lowering/%s.ir", LGPNC_TESTS_DIR, name);
    FILE *in = fopen(path, "r");
    ssize_t length = in ? getdelim(&text, &size, '\0', in) : -1;
    lg_diag *diag = lg_diag_new();
    lg_module *module = NULL;
    if (length < 0)
        lg_error_at(diag, (lg_location){0}, "cannot read %s", path);
    else
        module = lg_parse_module(name, text, (size_t)length, diag);
    if (module)
        lg_verify_module(module, diag);
    bool ok = lg_diag_errors(diag) == 0;
    lg_diag_print(diag, stderr);
    lg_diag_free(diag);
    if (in)
        fclose(in);
    free(text);
    return ok ? module : NULL;
}

static bool add_elementwise(lg_module *module, lg_opcode code, lg_dtype dtype)
{
    const lg_op_info *info = lg_op_info_of(code);
    char name[64];
    snprintf(name, sizeof name, "%s_%s", info->name, lg_dtype_name(dtype));
    lg_function *f = lg_function_new(module, LG_FUNC, name);
    lg_value *operands[3] = {NULL};
    for (int i = 0; i < info->operands && i < 3; i++) {
        lg_type type = LG_TYPE(code == LG_OP_select && i == 0 ? LG_BOOL : dtype, 3, 37);
        operands[i] = lg_function_argument(f, (const char *[]){"a", "b", "c"}[i], type);
    }
    lg_diag *diag = lg_diag_new();
    lg_op *op =
        lg_op_new(f, NULL, code, info->operands, operands, 0, NULL, NULL, (lg_location){0}, diag);
    lg_diag_free(diag);
    if (op)
        lg_function_return(f, "r", op->results[0]);
    else
        lg_function_remove(f);
    return op != NULL;
}

// A func for every elementwise op on every element type it takes.
static lg_module *elementwise_module(void)
{
    lg_module *module = lg_module_new("elementwise");
    for (int code = 0; code < LG_OPCODE_COUNT; code++)
        for (int t = 0; lg_op_info_of((lg_opcode)code)->expression && t < LG_DTYPE_COUNT; t++)
            add_elementwise(module, (lg_opcode)code, (lg_dtype)t);
    return module;
}

static int count_functions(const lg_module *module)
{
    int count = 0;
    LG_FOR_FUNCTIONS (f, module)
        count += f->kind == LG_FUNC;
    return count;
}

enum { MODULES = FILES + 1 };

// The modules with the cases, read once: Check's tests have a number and nothing else.
static lg_module *modules[MODULES];

// The `i`th func of all modules, in a module of its own.
static lg_module *case_module(int i)
{
    for (int m = 0; m < MODULES; m++)
        LG_FOR_FUNCTIONS (f, modules[m])
            if (f->kind == LG_FUNC && i-- == 0)
                return lg_module_extract(modules[m], f->name);
    ck_abort_msg("no such case");
    return NULL;
}

static int count_cases(void)
{
    int count = 0;
    for (int m = 0; m < MODULES; m++)
        count += count_functions(modules[m]);
    return count;
}

// ---- tests

START_TEST(case_is_lowered)
{
    lg_module *module = case_module(_i);
    lg_expectation *expectation = lg_expectation_new(module);
    char *text = NULL;
    size_t size = 0;
    FILE *faults = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(faults);
    bool ok = true;
    for (int i = _i % EVERY; i < WAYS; i += EVERY) {
        const lg_target *target = lg_target_find(ways[i].target);
        const char *pipeline = lg_pipeline_named(ways[i].level, target->kind);
        ok &= lg_expectation_holds(expectation, pipeline, target, LG_WAY_INTERPRETED, faults);
    }
    fclose(faults);
    ck_assert_msg(ok, "\n%s", text);
    free(text);
    lg_expectation_free(expectation);
    lg_module_free(module);
}
END_TEST

static bool is_native(const lg_target *target)
{
    lg_cpu_target native;
    lg_diag *diag = lg_diag_new();
    bool ok = lg_cpu_target_resolve(&native, "native", NULL, diag) &&
              strcmp(native.name, target->name) == 0;
    lg_diag_free(diag);
    return ok;
}

// All cases of a module in one program, at O2, so that the weights of all go through one @pack; for
// another target than this machine's own every sixth case.
START_TEST(module_is_compiled)
{
    const lg_target *target = lg_target_find(targets[_i % TARGETS]);
    if (!lg_cpu_runs(target->name))
        return;
    int every = is_native(target) ? 1 : 6;
    lg_module *module = lg_module_thin(modules[_i / TARGETS], every, _i % every);
    lg_expectation *expectation = lg_expectation_new(module);
    lg_expectation_check(expectation, lg_pipeline_named("O2", target->kind), target,
                         LG_WAY_COMPILED, "cases");
    lg_expectation_free(expectation);
    lg_module_free(module);
}
END_TEST

// On ARM, emulated: all convolutions, of the others every sixth case.
START_TEST(module_is_emulated)
{
    int every = _i == 0 ? 1 : 6;
    lg_module *module = lg_module_thin(modules[_i], every, _i % every);
    lg_expectation *expectation = lg_expectation_new(module);
    lg_expectation_check(expectation, lg_pipeline_named("O2", LG_TARGET_CPU),
                         lg_target_find("aarch64"), LG_WAY_EMULATED, "cases");
    lg_expectation_free(expectation);
    lg_module_free(module);
}
END_TEST

// On the GPU, where there is one: all cases of a module at every level.
START_TEST(module_runs_on_the_gpu)
{
    static const char *const levels[] = {"O0", "O1", "O2"};
    const lg_target *target = lg_target_find("cuda");
    lg_expectation *expectation = lg_expectation_new(modules[_i / 3]);
    lg_expectation_check(expectation, lg_pipeline_named(levels[_i % 3], target->kind), target,
                         LG_WAY_DEVICE, "cases");
    lg_expectation_free(expectation);
}
END_TEST

static bool has_case(lg_opcode code)
{
    for (int m = 0; m < MODULES; m++)
        LG_FOR_FUNCTIONS (f, modules[m])
            LG_FOR_OPS (op, f)
                if (op->code == code)
                    return true;
    return code == LG_OP_call; // every kernel is called
}

START_TEST(every_op_has_a_case)
{
    for (int code = 0; code < LG_OPCODE_COUNT; code++)
        ck_assert_msg(has_case((lg_opcode)code), "no case of %s in tests/lowering/",
                      lg_op_info_of((lg_opcode)code)->name);
}
END_TEST

int main(void)
{
    for (int m = 0; m < FILES; m++)
        if (!(modules[m] = module_of_file(files[m])))
            return EXIT_FAILURE;
    modules[FILES] = elementwise_module();
    Suite *suite = suite_create("lowering");
    TCase *cases = tcase_create("cases");
    tcase_add_test(cases, every_op_has_a_case);
    tcase_add_loop_test(cases, case_is_lowered, 0, count_cases());
    suite_add_tcase(suite, cases);
    TCase *compiled = tcase_create("compiled");
    tcase_add_loop_test(compiled, module_is_compiled, 0, MODULES * TARGETS);
    if (lg_foreign_runs(lg_target_find("aarch64")))
        tcase_add_loop_test(compiled, module_is_emulated, 0, MODULES);
    suite_add_tcase(suite, compiled);
    if (lg_cpu_runs("cuda")) {
        TCase *gpu = tcase_create("gpu");
        tcase_add_loop_test(gpu, module_runs_on_the_gpu, 0, MODULES * 3);
        suite_add_tcase(suite, gpu);
    }
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    for (int m = 0; m < MODULES; m++)
        lg_module_free(modules[m]);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
