// Random modules through pipelines: whatever the shape rules let through is lowered to a program
// that computes the same, for every target and by passes in any order that the manager takes.
#include "tests/support/expectation.h"
#include "tests/support/graph_text.h"
#include "tests/support/random_module.h"

#include "tests/support/compiled.h"

#include <stdlib.h>
#include <string.h>

#include <check.h>

enum { SEEDS = 120, ORDERS = 60 };

static const char *const targets[] = {"x86-64-v3", "x86-64-v4", "cuda"};

// Ends the test with the module and what is wrong where it does not hold.
static void expect(const lg_module *module, const char *pipeline, const char *target, lg_way way)
{
    char *text = NULL;
    size_t size = 0;
    FILE *faults = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(faults);
    lg_expectation *expectation = lg_expectation_new(module);
    bool ok = lg_expectation_holds(expectation, pipeline, lg_target_find(target), way, faults);
    lg_expectation_free(expectation);
    fclose(faults);
    if (!ok) {
        lg_print_module(module, stderr);
        ck_abort_msg("\n%s", text);
    }
    free(text);
}

START_TEST(random_module)
{
    lg_module *module = lg_random_module((uint64_t)_i, 5 + _i % 21);
    for (int t = 0; t < 3; t++) {
        const lg_target *target = lg_target_find(targets[t]);
        const char *level = _i % 4 == 0 ? "O1" : "O2";
        expect(module, lg_pipeline_named(level, target->kind), targets[t], LG_WAY_INTERPRETED);
    }
    lg_module_free(module);
}
END_TEST

START_TEST(random_module_compiled)
{
    const char *target = targets[_i % 2];
    if (!lg_cpu_runs(target))
        return;
    lg_module *module = lg_random_module((uint64_t)_i + 1000, 20);
    expect(module, lg_pipeline_named("O2", LG_TARGET_CPU), target, LG_WAY_COMPILED);
    lg_module_free(module);
}
END_TEST

// ---- passes in any order

static int pick(uint64_t *state, int count)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (int)((*state >> 33) % (uint64_t)count);
}

// Some of the passes that rewrite graphs, in any order, then what is left to do to get a program.
static const char *random_pipeline(uint64_t *state)
{
    static const char *const before[] = {"fold-bn",
                                         "inline",
                                         "simplify",
                                         "fold",
                                         "cse",
                                         "dce",
                                         "prepack",
                                         "stack-siblings",
                                         "legalize",
                                         "merge-siblings",
                                         "fold{max-elements=1}",
                                         "merge-siblings{align=1}"};
    static const char *const fuse[] = {"fuse", "fuse{off}", "fuse{stage-flops=0}",
                                       "fuse{max-ops=1}", "fuse{max-ops=0,stage-flops=100}"};
    static const char *const layout[] = {"layout,",
                                         "layout{plain},",
                                         "layout,merge-kernels,",
                                         "merge-kernels,layout,",
                                         "merge-kernels,",
                                         "layout,cse,dce,simplify,",
                                         ""};
    static const char *const plan[] = {"",
                                       ",plan-memory",
                                       ",plan-memory{in-place=0}",
                                       ",plan-memory{reuse=0}",
                                       ",plan-memory{in-place=0,reuse=0}",
                                       ",plan-memory,plan-memory"};
    static char text[512];
    int used = snprintf(text, sizeof text, "inline,");
    for (int i = pick(state, 8); i > 0; i--)
        used += snprintf(text + used, sizeof text - (size_t)used, "%s,", before[pick(state, 12)]);
    snprintf(text + used, sizeof text - (size_t)used, "%s,%slower%s", fuse[pick(state, 5)],
             layout[pick(state, 7)], plan[pick(state, 6)]);
    return text;
}

START_TEST(any_order)
{
    uint64_t state = (uint64_t)_i * 977 + 5;
    lg_module *module = lg_random_module((uint64_t)_i + 5000, 18);
    for (int i = 0; i < 3; i++)
        expect(module, random_pipeline(&state), targets[i], LG_WAY_INTERPRETED);
    lg_module_free(module);
}
END_TEST

// Runs the first half of O2, prints, parses, and runs O2 or the rest of it on what was printed.
START_TEST(through_text)
{
    static const char *const halves[][2] = {
        {"inline,simplify,dce,legalize,prepack,fuse,layout,merge-kernels", "lower,plan-memory"},
        {"inline,simplify,dce,legalize,prepack,fuse", "layout,merge-kernels,lower,plan-memory"},
        {"inline,merge-siblings,legalize,prepack", "O2"},
        {"inline,prepack,fuse{off},layout{plain}", "lower,plan-memory"},
        {"inline,prepack,fuse,layout,merge-kernels", "layout,merge-kernels,lower,plan-memory"},
        {"inline,prepack,fuse,layout,merge-kernels", "simplify,cse,dce,lower"}};
    const char *const *half = halves[_i % 6];
    const lg_target *target = lg_target_find(targets[_i % 3]);
    lg_unit unit = {.module = lg_random_module((uint64_t)_i + 9000, 16)};
    lg_diag *diag = lg_diag_new();
    lg_pipeline_options options = {.target = target, .verify = true};
    bool ok = lg_pipeline_run(&unit, half[0], &options, diag);
    char *messages = lg_text_of_diag(diag);
    ck_assert_msg(ok, "%s", messages);
    char *text = lg_text_of_module(unit.module);
    lg_module *parsed = lg_module_of_text(text);
    char *again = lg_text_of_module(parsed);
    ck_assert_str_eq(text, again);
    const char *named = lg_pipeline_named(half[1], target->kind);
    expect(parsed, named ? named : half[1], target->name, LG_WAY_INTERPRETED);
    free(text);
    free(again);
    free(messages);
    lg_module_free(parsed);
    lg_module_free(unit.module);
    lg_diag_free(diag);
}
END_TEST

// ---- modules as nobody but a person writes them, straight to `lower`

#define KERNELS                                                                                    \
    "kernel @k(%a: f32[3,5]) -> (%b: f32[3,5]) {\n  %0 = exp %a : f32[3,5]\n  return %0\n}\n"      \
    "kernel @two(%a: f32[3,5]) -> (%b: f32[3,5], %c: f32[3,5]) {\n"                                \
    "  %0 = exp %a : f32[3,5]\n  return %a, %0\n}\n"                                               \
    "kernel @same(%a: f32[3,5]) -> (%b: f32[3,5], %c: f32[3,5]) {\n"                               \
    "  %0 = exp %a : f32[3,5]\n  return %0, %0\n}\n"                                               \
    "kernel @none(%a: f32[3,5]) -> () {\n  return\n}\n"
#define FUNC_F "func @f(%x: f32[3,5]) -> (%y: f32[3,5], %z: f32[3,5]) {\n"

static const char *const by_hand[] = {
    // results that no kernel makes, or one twice
    KERNELS FUNC_F "  %0 = call @k(%x) : f32[3,5]\n  return %0, %x\n}\n",
    KERNELS FUNC_F "  %0 = call @k(%x) : f32[3,5]\n  return %0, %0\n}\n",
    KERNELS FUNC_F "  %0, %1 = call @two(%x) : f32[3,5], f32[3,5]\n  return %1, %0\n}\n",
    KERNELS FUNC_F "  %0, %1 = call @same(%x) : f32[3,5], f32[3,5]\n  return %1, %0\n}\n",
    "param @w: f32[3,5]\n" KERNELS FUNC_F "  %0 = call @k(@w) : f32[3,5]\n  return %0, @w\n}\n",
    // movement between kernels, dead ops, a kernel without results
    KERNELS FUNC_F "  call @none(%x)\n  %0 = call @k(%x) : f32[3,5]\n"
                   "  %1 = reshape %0 : f32[5,3]\n  %2 = transpose %1 {perm=[1,0]} : f32[3,5]\n"
                   "  %3 = slice %2 {start=[0,0], limit=[2,5]} : f32[2,5]\n"
                   "  %4 = call @k(%2) : f32[3,5]\n  return %2, %4\n}\n",
    KERNELS FUNC_F
    "  %0 = call @k(%x) : f32[3,5]\n  %1 = slice %0 {start=[0,0], limit=[2,5]} : f32[2,5]\n"
    "  %2 = slice %x {start=[0,0], limit=[1,5]} : f32[1,5]\n"
    "  %3 = concat %1, %2 {axis=0} : f32[3,5]\n  %4 = call @k(%3) : f32[3,5]\n"
    "  return %3, %4\n}\n",
    // states: read after they are written, swapped, written from views, arguments and results
    "state @s: f32[3,5]\n" KERNELS FUNC_F
    "  %0 = call @k(@s) : f32[3,5]\n  write @s, %0\n  %1 = call @k(@s) : f32[3,5]\n"
    "  return %0, %1\n}\n",
    "state @s: f32[3,5]\nstate @t: f32[3,5]\n" KERNELS FUNC_F
    "  write @s, @t\n  write @t, @s\n  %0 = call @k(@t) : f32[3,5]\n  return @s, %0\n}\n",
    "state @s: f32[3,5]\nstate @t: f32[3,5]\n" KERNELS FUNC_F
    "  %0 = call @k(@s) : f32[3,5]\n  write @t, %0\n  write @s, @t\n  return @s, @t\n}\n",
    "state @s: f32[5,3]\nstate @t: f32[3,5]\n" KERNELS FUNC_F
    "  write @t, %x\n  %0 = call @k(@t) : f32[3,5]\n  %1 = reshape %0 : f32[5,3]\n"
    "  write @s, %1\n  return %0, @t\n}\n",
    "state @s: f32[5,5]\nkernel @turn(%a: f32[5,5]) -> (%b: f32[5,5]) {\n"
    "  %0 = transpose %a {perm=[1,0]} : f32[5,5]\n  return %0\n}\n"
    "func @f() -> () {\n  %0 = call @turn(@s) : f32[5,5]\n  write @s, %0\n  return\n}\n",
};

START_TEST(written_by_hand)
{
    lg_module *module = lg_module_of_text(by_hand[_i]);
    for (int i = 0; i < 3; i++) {
        expect(module, "lower,plan-memory", targets[i], LG_WAY_INTERPRETED);
        expect(module, "layout,lower", targets[i], LG_WAY_INTERPRETED);
        expect(module, "fuse,layout,lower,plan-memory", targets[i], LG_WAY_INTERPRETED);
    }
    lg_module_free(module);
}
END_TEST

// What can't be lowered is said, where it stands.
START_TEST(refused)
{
    static const struct {
        const char *kernel, *message;
    } rows[] = {
        {"  %0 = call @c(%a) : f32[2]\n  return %0\n", "@k: call: a kernel calls nothing"},
        {"  %0 = add %a, @w : f32[2]\n  return %0\n",
         "@k: add: a kernel takes symbols as arguments"},
        {"  write @w, %a\n  return %a\n", "@k: write: a kernel returns what a func writes"},
    };
    char text[1024];
    snprintf(text, sizeof text,
             "state @w: f32[2]\nkernel @c(%%a: f32[2]) -> (%%b: f32[2]) {\n  return %%a\n}\n"
             "func @f(%%x: f32[2]) -> (%%y: f32[2]) {\n  %%0 = call @k(%%x) : f32[2]\n"
             "  return %%0\n}\nkernel @k(%%a: f32[2]) -> (%%b: f32[2]) {\n%s}\n",
             rows[_i / 3].kernel);
    static const char *const pipelines[] = {"fuse,layout,lower", "lower", "layout,lower"};
    lg_unit unit = {.module = lg_module_of_text(text)};
    lg_diag *diag = lg_diag_new();
    lg_pipeline_options options = {.target = lg_target_find("x86-64-v3"), .verify = true};
    ck_assert(!lg_pipeline_run(&unit, pipelines[_i % 3], &options, diag));
    char *messages = lg_text_of_diag(diag);
    const char *wanted = _i % 3 ? "needs fused kernels" : rows[_i / 3].message;
    ck_assert_msg(strstr(messages, wanted) != NULL, "%s", messages);
    free(messages);
    lg_diag_free(diag);
    lg_module_free(unit.module);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("random_programs");
    TCase *tests = tcase_create("random_programs");
    tcase_add_loop_test(tests, random_module, 0, SEEDS);
    tcase_add_loop_test(tests, random_module_compiled, 0, 12);
    tcase_add_loop_test(tests, any_order, 0, ORDERS);
    tcase_add_loop_test(tests, through_text, 0, 36);
    tcase_add_loop_test(tests, written_by_hand, 0, sizeof by_hand / sizeof *by_hand);
    tcase_add_loop_test(tests, refused, 0, 9);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
