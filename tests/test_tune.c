// Choices of schedules: their text, the candidates of convolutions (each computes the same), and
// the file of measured ones.
#include "passes/schedule/conv_choice.h"
#include "tests/support/expectation.h"
#include "tests/support/graph_text.h"
#include "tests/support/temporary.h"
#include "tools/tune_cache.h"

#include <stdlib.h>
#include <string.h>

#include <check.h>

static const char *const targets[] = {"x86-64-v2", "x86-64-v3", "x86-64-v4", "aarch64"};
enum { TARGETS = sizeof targets / sizeof *targets };

// ---- texts

static const char *const names[] = {"rows", "vectors"};
static const lg_choice_form form = {"direct", 2, names};

START_TEST(choice_prints_and_parses)
{
    lg_arena *arena = lg_arena_new();
    int64_t values[] = {14, 2}, read[2];
    const char *text = lg_choice_print(arena, &form, values);
    ck_assert_str_eq(text, "direct{rows=14,vectors=2}");
    ck_assert(lg_choice_parse(text, &form, read));
    ck_assert_int_eq(read[0], 14);
    ck_assert_int_eq(read[1], 2);
    ck_assert(lg_choice_parse("direct{vectors=3,rows=9}", &form, read));
    ck_assert_int_eq(read[0], 9);
    lg_arena_free(arena);
}
END_TEST

START_TEST(damaged_choice_is_refused)
{
    static const char *const texts[] = {"",
                                        "direct",
                                        "direct{",
                                        "direct{}",
                                        "direct{rows=1}",
                                        "direct{rows=1,rows=1}",
                                        "direct{rows=1,vectors=2,rows=1}",
                                        "direct{rows=1,vectors=2",
                                        "direct{rows=1,vectors=2}x",
                                        "direct{rows=0,vectors=2}",
                                        "direct{rows=-1,vectors=2}",
                                        "direct{rows=1,vectors=99999999999999999999}",
                                        "direct{rows=1,lanes=2}",
                                        "direkt{rows=1,vectors=2}"};
    int64_t values[2];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_msg(!lg_choice_parse(texts[i], &form, values), "%s", texts[i]);
}
END_TEST

// ---- candidates

static const char conv_text[] = "param @w: f32[%d,%d,%d,%d]\n"
                                "func @infer(%%x: f32[1,%d,%d,%d]) -> (%%y: f32[1,%d,%d,%d]) {\n"
                                "  %%0 = conv2d %%x, @w {stride=[%d,%d], pad=[%d,%d]} : "
                                "f32[1,%d,%d,%d]\n"
                                "  %%1 = relu %%0 : f32[1,%d,%d,%d]\n"
                                "  return %%1\n"
                                "}\n";

static const struct conv_case {
    int outputs, channels, kernel, stride, height, width;
} cases[] = {
    {40, 33, 3, 1, 7, 10}, {33, 32, 1, 2, 8, 18}, {64, 3, 3, 1, 6, 9}, {17, 48, 1, 1, 5, 14}};
enum { CASES = sizeof cases / sizeof *cases };

static lg_module *module_of_case(const struct conv_case *c)
{
    char *text = NULL;
    int pad = c->kernel / 2, h = (c->height + 2 * pad - c->kernel) / c->stride + 1;
    int w = (c->width + 2 * pad - c->kernel) / c->stride + 1;
    ck_assert_int_gt(asprintf(&text, conv_text, c->outputs, c->channels, c->kernel, c->kernel,
                              c->height, c->width, c->channels, h, w, c->outputs, c->stride,
                              c->stride, pad, pad, h, w, c->outputs, h, w, c->outputs),
                     0);
    lg_module *module = lg_module_of_text(text);
    free(text);
    return module;
}

// Every third of the candidates of every rank, on every target, against the reference interpreter,
// which a sanitizer slows down by ten.
#ifdef __SANITIZE_ADDRESS__
enum { EVERY = 9 };
#else
enum { EVERY = 3 };
#endif

START_TEST(every_candidate_computes_the_same)
{
    const lg_target *target = lg_target_find(targets[_i % TARGETS]);
    lg_module *module = module_of_case(&cases[_i / TARGETS]);
    lg_expectation_check_candidates(module, target, _i % 3, LG_MAX_CONV_CANDIDATES, EVERY);
    lg_module_free(module);
}
END_TEST

static const lg_conv_shape shape = {.images = 1,
                                    .height = 64,
                                    .width = 64,
                                    .channels = 256,
                                    .outputs = 256,
                                    .groups = 1,
                                    .kernel = {3, 3},
                                    .stride = {1, 1},
                                    .dilation = {1, 1},
                                    .block = 16,
                                    .blocks = 16,
                                    .results = 1};

START_TEST(candidates_are_ranked_different_and_parse)
{
    const lg_target *target = lg_target_find("x86-64-v4");
    lg_arena *arena = lg_arena_new();
    lg_conv_choice candidates[LG_MAX_CONV_CANDIDATES], read;
    int count = lg_conv_candidates(&shape, target, 0, candidates);
    ck_assert_int_gt(count, 8);
    for (int i = 0; i < count; i++) {
        char *text = lg_conv_choice_print(arena, &candidates[i]);
        ck_assert_msg(lg_conv_choice_parse(text, &shape, target, &read), "%s", text);
        ck_assert_str_eq(lg_conv_choice_print(arena, &read), text);
        if (i > 0)
            ck_assert(lg_conv_cycles(&shape, target, &candidates[i - 1]) <=
                      lg_conv_cycles(&shape, target, &candidates[i]));
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(lg_conv_choice_print(arena, &candidates[j]), text);
    }
    lg_arena_free(arena);
}
END_TEST

START_TEST(choice_that_does_not_fit_is_refused)
{
    static const char *const texts[] = {
        "direct{rows=15,vectors=2,chunk=1,columns=64,lines=1,splits=1,unroll=4}",
        "direct{rows=14,vectors=2,chunk=17,columns=64,lines=1,splits=1,unroll=4}",
        "direct{rows=14,vectors=2,chunk=1,columns=60,lines=1,splits=1,unroll=4}",
        "direct{rows=14,vectors=2,chunk=1,columns=64,lines=65,splits=1,unroll=4}",
        "direct{rows=14,vectors=2,chunk=1,columns=64,lines=1,splits=3,unroll=4}",
        "direct{rows=14,vectors=2,chunk=1,columns=64,lines=1,splits=1,unroll=3}",
        "direct{rows=14,vectors=9223372036854775807,chunk=1,columns=64,lines=1,splits=1,unroll=4}"};
    lg_conv_choice choice;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_msg(!lg_conv_choice_parse(texts[i], &shape, lg_target_find("x86-64-v4"), &choice),
                      "%s", texts[i]);
}
END_TEST

START_TEST(measured_choice_is_used)
{
    lg_arena *arena = lg_arena_new();
    const char *text = "direct{rows=5,vectors=1,chunk=3,columns=32,lines=3,splits=2,unroll=2}";
    lg_choice entry = {lg_conv_key(arena, &shape), text};
    lg_choices choices = {.count = 1, .items = &entry};
    lg_target target = *lg_target_find("x86-64-v4");
    target.choices = &choices;
    lg_conv_choice choice;
    ck_assert(lg_conv_choose(&shape, &target, 0, &choice));
    ck_assert(choice.measured);
    ck_assert_str_eq(lg_conv_choice_print(arena, &choice), text);
    // Where the filter lies in wider panels it can't be.
    ck_assert(lg_conv_choose(&shape, &target, 2, &choice));
    ck_assert(!choice.measured);
    ck_assert_int_eq(choice.vectors, 2);
    lg_arena_free(arena);
}
END_TEST

// ---- the file

static const lg_tune_place here = {"A Processor 1", "x86-64-v4", 2, "0.1.0"};

static const char *found(const lg_tune_cache *cache, lg_tune_place place, const char *key)
{
    static char text[64];
    lg_choices choices;
    lg_tune_cache_choices(cache, &place, &choices);
    const char *choice = lg_choices_find(&choices, key);
    snprintf(text, sizeof text, "%s", choice ? choice : "none");
    free((void *)choices.items);
    return text;
}

START_TEST(file_is_read_as_written)
{
    lg_temporary folder = lg_temporary_new();
    const char *path = lg_temporary_path(&folder, "tune");
    lg_diag *diag = lg_diag_new();
    lg_tune_cache *cache = lg_tune_cache_new(), *read = lg_tune_cache_new();
    lg_tune_place one = here, other = here;
    one.threads = 1;
    other.compiler = "0.2.0";
    lg_tune_cache_put(cache, &(lg_tune_entry){here, "k", "old", 1.1});
    lg_tune_cache_put(cache, &(lg_tune_entry){here, "k", "new", 1.2});
    lg_tune_cache_put(cache, &(lg_tune_entry){one, "k", "single", 1.2});
    lg_tune_cache_put(cache, &(lg_tune_entry){one, "only", "single", 1.2});
    lg_tune_cache_put(cache, &(lg_tune_entry){other, "k", "later", 1.3});
    lg_tune_cache_put(cache, &(lg_tune_entry){here, "gone", "x", 1.3});
    lg_tune_cache_put(cache, &(lg_tune_entry){here, "gone", NULL, 1});
    ck_assert(lg_tune_cache_write(cache, path, diag));
    ck_assert(lg_tune_cache_read(read, path, true, diag));
    ck_assert_int_eq(read->entries.count, 4);
    ck_assert_str_eq(found(read, here, "k"), "new");
    ck_assert_str_eq(found(read, one, "k"), "single");
    ck_assert_str_eq(found(read, here, "only"), "single"); // better than nothing
    ck_assert_str_eq(found(read, other, "k"), "later");
    ck_assert_str_eq(found(read, other, "only"), "none");
    ck_assert_str_eq(found(read, here, "gone"), "none");
    char *messages = lg_text_of_diag(diag);
    ck_assert_str_eq(messages, "");
    free(messages);
    lg_tune_cache_free(cache);
    lg_tune_cache_free(read);
    lg_diag_free(diag);
    lg_temporary_free(&folder);
}
END_TEST

START_TEST(damaged_lines_are_reported_and_left_out)
{
    static const char *const damaged[] = {"nonsense",
                                          "a\tb\t2\tc\tk\tchoice",
                                          "a\tb\t2\tc\tk\tchoice\t1.1\textra",
                                          "a\tb\tx\tc\tk\tchoice\t1.1",
                                          "a\tb\t0\tc\tk\tchoice\t1.1",
                                          "a\tb\t2\tc\tk\tchoice\tnan",
                                          "a\tb\t2\tc\t\tchoice\t1.1"};
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        lg_temporary folder = lg_temporary_new();
        const char *path = lg_temporary_path(&folder, "tune");
        FILE *out = fopen(path, "w");
        ck_assert_ptr_nonnull(out);
        fprintf(out, "# heading\n\n%s\nA Processor 1\tx86-64-v4\t2\t0.1.0\tk\tgood\t1.5\n",
                damaged[i]);
        fclose(out);
        lg_diag *diag = lg_diag_new();
        lg_tune_cache *cache = lg_tune_cache_new();
        ck_assert(lg_tune_cache_read(cache, path, true, diag));
        ck_assert_int_eq(cache->entries.count, 1);
        ck_assert_str_eq(found(cache, here, "k"), "good");
        char *messages = lg_text_of_diag(diag);
        ck_assert_msg(strstr(messages, ":3: no entry"), "%s: %s", damaged[i], messages);
        ck_assert_int_eq(lg_diag_errors(diag), 0);
        free(messages);
        lg_tune_cache_free(cache);
        lg_diag_free(diag);
        lg_temporary_free(&folder);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tune");
    TCase *choices = tcase_create("choices");
    tcase_add_test(choices, choice_prints_and_parses);
    tcase_add_test(choices, damaged_choice_is_refused);
    tcase_add_test(choices, candidates_are_ranked_different_and_parse);
    tcase_add_test(choices, choice_that_does_not_fit_is_refused);
    tcase_add_test(choices, measured_choice_is_used);
    suite_add_tcase(suite, choices);
    TCase *candidates = tcase_create("candidates");
    tcase_add_loop_test(candidates, every_candidate_computes_the_same, 0, CASES * TARGETS);
    suite_add_tcase(suite, candidates);
    TCase *file = tcase_create("file");
    tcase_add_test(file, file_is_read_as_written);
    tcase_add_test(file, damaged_lines_are_reported_and_left_out);
    suite_add_tcase(suite, file);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
