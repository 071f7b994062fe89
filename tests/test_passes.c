// Every pass of the table on many modules: those of tests/passes and random ones. A new row is
// tested here without anyone remembering. And the manager: what it refuses, prints and finds.
#include "ir/arena.h"
#include "passes/pass.h"
#include "passes/pipeline_text.h"
#include "tests/support/random_module.h"

#include <check.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static lg_module *parse(const char *text)
{
    lg_diag *diag = lg_diag_new();
    lg_module *module = lg_parse_module("<test>", text, strlen(text), diag);
    if (!module)
        lg_diag_print(diag, stderr);
    lg_diag_free(diag);
    ck_assert_ptr_nonnull(module);
    return module;
}

static char *read_text(const char *path, size_t *length)
{
    FILE *in = fopen(path, "rb");
    char *text = NULL;
    ck_assert_ptr_nonnull(in);
    FILE *out = open_memstream(&text, length);
    for (int c; (c = fgetc(in)) != EOF;)
        fputc(c, out);
    fclose(in);
    fclose(out);
    return text;
}

// What lg_diag_print says; the caller frees it.
static char *messages_of(lg_diag *diag)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    lg_diag_print(diag, out);
    fclose(out);
    return text;
}

static char *text_of(const lg_module *module)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    lg_print_module(module, out);
    fclose(out);
    return text;
}

// ---- every pass on every module

static bool is_graph_pass(const lg_pass_info *pass)
{
    return !((pass->needs | pass->makes) & (LG_IS_LOWERED | LG_IS_PLANNED));
}

// The passes that make what `pass` needs, as the start of a pipeline that ends in `pass`; what
// needs something stands behind the clean-ups.
static const char *pipeline_to(lg_arena *arena, const lg_pass_info *pass)
{
    const char *text = "";
    const lg_pass_info *maker;
    for (int bit = 0; lg_property_text(bit); bit++)
        for (int i = 0; pass->needs & 1u << bit && (maker = lg_pass_at(i)); i++)
            if (maker->makes & 1u << bit) {
                text = lg_format(arena, "%s%s,", text, pipeline_to(arena, maker));
                break;
            }
    return lg_format(arena, "%s%s", text, pass->name);
}

// Runs the pass on `module`, compared with the interpreter; a clean-up pass finds nothing to do
// the second time.
static void check_pass(const lg_pass_info *pass, lg_module *module, const char *name)
{
    lg_arena *arena = lg_arena_new();
    lg_diag *diag = lg_diag_new();
    lg_unit unit = {.module = module};
    lg_pipeline_options options = {
        .target = lg_target_find("x86-64-v3"), .verify = true, .check_each = true};
    bool ok = lg_pipeline_run(&unit, pipeline_to(arena, pass), &options, diag);
    int changes = 0;
    if (ok && pass->makes == 0)
        ok = lg_pass_run(pass, &unit, 0, NULL, options.target, &changes, diag);
    char *messages = messages_of(diag);
    ck_assert_msg(ok, "%s on %s: %s", pass->name, name, messages);
    ck_assert_msg(changes == 0, "%s on %s: %d changes the second time", pass->name, name, changes);
    free(messages);
    lg_diag_free(diag);
    lg_arena_free(arena);
}

START_TEST(keeps_the_meaning_of_files)
{
    const lg_pass_info *pass = lg_pass_at(_i);
    glob_t files;
    int modules = 0;
    if (!is_graph_pass(pass))
        return;
    ck_assert_int_eq(glob(LGPNC_TESTS_DIR "/passes/*.ir", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        size_t length;
        char *text = read_text(files.gl_pathv[i], &length);
        lg_diag *diag = lg_diag_new();
        lg_module *module = lg_parse_module(files.gl_pathv[i], text, length, diag);
        if (module) { // others hold kernels, or faults to be found
            check_pass(pass, module, files.gl_pathv[i]);
            lg_module_free(module);
            modules++;
        }
        lg_diag_free(diag);
        free(text);
    }
    globfree(&files);
    ck_assert_int_ge(modules, 9);
}
END_TEST

START_TEST(keeps_the_meaning_of_random_modules)
{
    const lg_pass_info *pass = lg_pass_at(_i);
    if (!is_graph_pass(pass))
        return;
    for (int seed = 1; seed <= 40; seed++) {
        char name[32];
        snprintf(name, sizeof name, "random module %d", seed);
        lg_module *module = lg_random_module((uint64_t)seed, 5 + seed);
        lg_diag *diag = lg_diag_new();
        ck_assert(lg_verify_module(module, diag));
        lg_diag_free(diag);
        check_pass(pass, module, name);
        lg_module_free(module);
    }
}
END_TEST

// Down to the kernels, which run on the reference interpreter of the kernel IR.
START_TEST(pipelines_compute_what_the_graph_does)
{
    char level[] = "O0";
    level[1] = (char)('0' + _i);
    for (int seed = 1; seed <= 20; seed++) {
        lg_diag *diag = lg_diag_new();
        lg_unit unit = {.module = lg_random_module((uint64_t)seed, 5 + seed)};
        lg_pipeline_options options = {
            .target = lg_target_find("x86-64-v3"), .verify = true, .check_each = true};
        const char *text = lg_pipeline_named(level, LG_TARGET_CPU);
        bool ok = lg_pipeline_run(&unit, text, &options, diag);
        char *messages = messages_of(diag);
        ck_assert_msg(ok, "-%s on random module %d: %s", level, seed, messages);
        ck_assert_ptr_nonnull(unit.program);
        free(messages);
        lg_program_free(unit.program);
        lg_module_free(unit.module);
        lg_diag_free(diag);
    }
}
END_TEST

// ---- the manager

static const char *const small = "param @w: f32[4]\n"
                                 "func @infer(%x: f32[4]) -> (%y: f32[4]) {\n"
                                 "  %0 = neg %x : f32[4]\n"
                                 "  %1 = add %0, @w : f32[4]\n"
                                 "  %2 = relu %1 : f32[4]\n"
                                 "  return %2\n"
                                 "}\n";

// Makes relu of what was added: wrong, but well-formed.
static bool run_wrong(lg_unit *unit, lg_pass_ctx *ctx)
{
    LG_FOR_OPS (op, unit->module->first) {
        if (op->code != LG_OP_add)
            continue;
        lg_value *product =
            lg_build(op->function, op, LG_OP_mul, 2, op->operands, 0, NULL, NULL, op->where);
        lg_replace_uses(op->function, op->results[0], product);
        ctx->changes++;
    }
    return true;
}

// Leaves a use before its definition.
static bool run_broken(lg_unit *unit, lg_pass_ctx *ctx)
{
    lg_op_move(unit->module->first->first, NULL);
    ctx->changes++;
    return true;
}

static bool run_failing(lg_unit *unit, lg_pass_ctx *ctx)
{
    (void)unit;
    (void)ctx;
    return false;
}

static const lg_pass_info wrong = {"wrong", "adds by multiplying", "", run_wrong, 0, 0, 0};
static const lg_pass_info broken = {"broken", "breaks the order", "", run_broken, 0, 0, 0};
static const lg_pass_info failing = {"failing", "says no", "", run_failing, 0, 0, 0};
static const lg_pass_info *const loaded[] = {&wrong, &broken, &failing};

static lg_pipeline_options with_loaded(void)
{
    return (lg_pipeline_options){
        .target = lg_target_find("x86-64-v3"), .loaded_count = 3, .loaded = loaded};
}

// The messages of a run that must fail.
static char *run_failing_pipeline(const char *module_text, const char *pipeline,
                                  const lg_pipeline_options *options)
{
    lg_diag *diag = lg_diag_new();
    lg_unit unit = {.module = parse(module_text)};
    ck_assert(!lg_pipeline_run(&unit, pipeline, options, diag));
    ck_assert_int_gt(lg_diag_errors(diag), 0);
    char *messages = messages_of(diag);
    lg_module_free(unit.module);
    lg_diag_free(diag);
    return messages;
}

static void expect_fault(const char *pipeline, const lg_pipeline_options *options,
                         const char *message)
{
    char *messages = run_failing_pipeline(small, pipeline, options);
    ck_assert_msg(strstr(messages, message), "no `%s` in: %s", message, messages);
    free(messages);
}

START_TEST(names_the_pass_that_changed_the_meaning)
{
    lg_pipeline_options options = with_loaded();
    options.check_each = true;
    char *messages = run_failing_pipeline(small, "fold,wrong,dce", &options);
    ck_assert_ptr_nonnull(
        strstr(messages, "pass `wrong` changed what @infer computes: result `y`"));
    ck_assert_ptr_nonnull(strstr(messages, "value is lost: %1 = add %0, @w : f32[4]"));
    ck_assert_ptr_nonnull(strstr(messages, "value is new: %1 = mul %0, @w : f32[4]"));
    free(messages);
}
END_TEST

START_TEST(names_the_pass_that_broke_the_ir)
{
    lg_pipeline_options options = with_loaded();
    options.verify = true;
    expect_fault("simplify,broken,dce", &options, "before pass `broken`");
}
END_TEST

START_TEST(tells_what_is_wrong_with_a_pipeline)
{
    lg_pipeline_options options = with_loaded();
    expect_fault("dce,simplfy", &options,
                 "<pipeline>:1:5: error: pipeline: there is no pass "
                 "`simplfy`; did you mean `simplify`?");
    expect_fault("zzzzzzzz", &options, "there are: wrong, broken, failing, fold-bn, inline");
    expect_fault("dce,,cse", &options, "<pipeline>:1:5: error: expected the name of a pass");
    expect_fault("fold{max-element=3}", &options,
                 "1:6: error: pass `fold` has no option "
                 "`max-element`; did you mean `max-elements`?");
    expect_fault("dce{x}", &options, "pass `dce` takes no options");
    expect_fault("fold{max-elements=many}", &options, "1:19: error: `many` is not an integer");
    expect_fault("fold{max-elements=99999999999999999999}", &options, "is not an integer");
    expect_fault("fold{max-elements=3", &options, "1:20: error: expected `,` or `}`");
    expect_fault("dce cse", &options, "1:5: error: expected `,` between passes");
    expect_fault("failing", &options, "pass `failing` failed");
    options.disable = "nothing";
    expect_fault("dce", &options, "disable: there is no pass `nothing`");
    options.disable = NULL;
    options.print_after = "simplifi";
    expect_fault("dce", &options, "print-after: there is no pass `simplifi`; did you mean");
}
END_TEST

START_TEST(options_are_read_from_text_and_row)
{
    lg_arena *arena = lg_arena_new();
    lg_diag *diag = lg_diag_new();
    lg_pipeline pipeline = {0};
    ck_assert(
        lg_pipeline_parse(arena, " dce , fuse { max-ops = 4 , off } ", 0, NULL, &pipeline, diag));
    ck_assert_int_eq(pipeline.stages.count, 2);
    const lg_stage *stage = &pipeline.stages.items[1];
    ck_assert_int_eq(stage->options.count, 2);
    ck_assert_int_eq(stage->options.items[0].value, 4);
    ck_assert_int_eq(stage->options.items[1].value, 1);
    ck_assert_int_eq(stage->where.column, 8);
    lg_pass_ctx ctx = {.option_count = 2, .options = stage->options.items};
    ck_assert_int_eq(lg_pass_option_value(&ctx, "max-ops", 8), 4);
    ck_assert_int_eq(lg_pass_option_value(&ctx, "max-padding", 7), 7);
    const char *at = "most=-7: in a row; or none; fast=1: 3 = 3";
    lg_option_row row;
    ck_assert(lg_option_next(&at, &row));
    ck_assert_int_eq(row.initial, -7);
    ck_assert_int_eq(row.name_length, 4);
    ck_assert_int_eq(row.help_length, (int)strlen("in a row; or none"));
    ck_assert(lg_option_next(&at, &row));
    ck_assert_str_eq(row.help, "3 = 3");
    ck_assert(!lg_option_next(&at, &row));
    lg_diag_free(diag);
    lg_arena_free(arena);
}
END_TEST

START_TEST(disabled_passes_do_not_run)
{
    lg_pipeline_options options = with_loaded();
    options.disable = "wrong,broken";
    lg_diag *diag = lg_diag_new();
    lg_unit unit = {.module = parse(small)};
    char *before = text_of(unit.module);
    ck_assert(lg_pipeline_run(&unit, "wrong,dce,broken", &options, diag));
    char *after = text_of(unit.module);
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
    lg_module_free(unit.module);
    lg_diag_free(diag);
}
END_TEST

START_TEST(prints_after_passes_that_changed_something)
{
    char *text = NULL;
    size_t length = 0;
    lg_pipeline_options options = with_loaded();
    options.print_after = "all";
    options.print_to = open_memstream(&text, &length);
    lg_diag *diag = lg_diag_new();
    lg_unit unit = {.module = parse(small)};
    ck_assert(lg_pipeline_run(&unit, "cse,prepack", &options, diag));
    fclose(options.print_to);
    ck_assert_ptr_nonnull(strstr(text, "// ---- 2. after prepack: 1 change\nmodule @"));
    ck_assert_ptr_null(strstr(text, "after cse"));
    free(text);
    lg_module_free(unit.module);
    lg_diag_free(diag);
}
END_TEST

START_TEST(dumps_numbered_files)
{
    char folder[] = "/tmp/test_passes.XXXXXX", path[64];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    lg_pipeline_options options = with_loaded();
    options.dump_dir = folder;
    lg_diag *diag = lg_diag_new();
    lg_unit unit = {.module = parse(small)};
    ck_assert(lg_pipeline_run(&unit, "cse,prepack", &options, diag));
    snprintf(path, sizeof path, "%s/02-prepack.ir", folder);
    size_t length;
    char *dumped = read_text(path, &length), *text = text_of(unit.module);
    ck_assert_str_eq(dumped, text);
    free(dumped);
    free(text);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(folder), 0); // nothing else in it
    lg_module_free(unit.module);
    lg_diag_free(diag);
    options.dump_dir = "/nowhere/at/all";
    expect_fault("prepack", &options, "cannot make the folder /nowhere/at/all");
}
END_TEST

START_TEST(refuses_to_check_what_is_too_large)
{
    lg_pipeline_options options = with_loaded();
    options.check_each = true;
    char *messages =
        run_failing_pipeline("func @infer(%x: f32[2000,2000]) -> (%y: f32[2000,2000]) {\n"
                             "  %0 = matmul %x, %x : f32[2000,2000]\n"
                             "  return %0\n"
                             "}\n",
                             "dce", &options);
    ck_assert_ptr_nonnull(strstr(messages, "too many for the reference interpreter"));
    ck_assert_ptr_nonnull(strstr(messages, "smaller options"));
    free(messages);
}
END_TEST

START_TEST(composites_that_call_themselves_end)
{
    lg_diag *diag = lg_diag_new();
    const char *text = "composite loop @loop(%a: f32[1]) -> (%y: f32[1]) {\n"
                       "  %0 = call @loop(%a) : f32[1]\n"
                       "  return %0\n"
                       "}\n"
                       "func @infer(%x: f32[1]) -> (%y: f32[1]) {\n"
                       "  %0 = call @loop(%x) : f32[1]\n"
                       "  return %0\n"
                       "}\n";
    lg_unit unit = {.module = lg_parse_module("<test>", text, strlen(text), diag)};
    lg_pipeline_options options = with_loaded();
    if (unit.module && lg_verify_module(unit.module, diag))
        ck_assert(!lg_pipeline_run(&unit, "inline", &options, diag));
    ck_assert_int_gt(lg_diag_errors(diag), 0);
    if (unit.module)
        lg_module_free(unit.module);
    lg_diag_free(diag);
}
END_TEST

START_TEST(tables_are_sound)
{
    const lg_pass_info *pass;
    for (int i = 0; (pass = lg_pass_at(i)); i++) {
        lg_option_row row;
        ck_assert_ptr_eq(lg_pass_find(pass->name), pass);
        ck_assert_int_eq(strcspn(pass->name, " ,{}="), strlen(pass->name));
        const char *at = pass->options;
        while (lg_option_next(&at, &row))
            ck_assert_int_gt(row.name_length * row.help_length, 0);
        ck_assert_int_eq(strlen(at), 0);
    }
    for (int level = 0; level < 4; level++)
        for (int kind = LG_TARGET_CPU; kind <= LG_TARGET_CUDA; kind++) {
            char name[] = "O0";
            name[1] = (char)('0' + level);
            lg_arena *arena = lg_arena_new();
            lg_diag *diag = lg_diag_new();
            lg_pipeline pipeline = {0};
            const char *text = lg_pipeline_named(name, kind);
            ck_assert(lg_pipeline_parse(arena, text, 0, NULL, &pipeline, diag));
            ck_assert_int_gt(pipeline.stages.count, 3);
            lg_diag_free(diag);
            lg_arena_free(arena);
        }
    ck_assert_ptr_null(lg_pipeline_named("O9", LG_TARGET_CPU));
    ck_assert_ptr_null(lg_target_find("z80"));
}
END_TEST

int main(void)
{
    int passes = 0;
    while (lg_pass_at(passes))
        passes++;
    Suite *suite = suite_create("passes");
    TCase *meaning = tcase_create("meaning");
    tcase_add_loop_test(meaning, keeps_the_meaning_of_files, 0, passes);
    tcase_add_loop_test(meaning, keeps_the_meaning_of_random_modules, 0, passes);
    tcase_add_loop_test(meaning, pipelines_compute_what_the_graph_does, 0, 4);
    suite_add_tcase(suite, meaning);
    TCase *manager = tcase_create("manager");
    tcase_add_test(manager, names_the_pass_that_changed_the_meaning);
    tcase_add_test(manager, names_the_pass_that_broke_the_ir);
    tcase_add_test(manager, tells_what_is_wrong_with_a_pipeline);
    tcase_add_test(manager, options_are_read_from_text_and_row);
    tcase_add_test(manager, disabled_passes_do_not_run);
    tcase_add_test(manager, prints_after_passes_that_changed_something);
    tcase_add_test(manager, dumps_numbered_files);
    tcase_add_test(manager, refuses_to_check_what_is_too_large);
    tcase_add_test(manager, composites_that_call_themselves_end);
    tcase_add_test(manager, tables_are_sound);
    suite_add_tcase(suite, manager);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
