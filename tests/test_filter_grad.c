// The gradient of a filter: whatever its schedule may choose computes the same, and no choice that
// does not fit gets through.
#include "passes/schedule/filter_grad_choice.h"
#include "tests/support/expectation.h"
#include "tests/support/graph_text.h"

#include <stdlib.h>
#include <string.h>

#include <check.h>

static const char *const targets[] = {"x86-64-v2", "x86-64-v3", "x86-64-v4"};
enum { TARGETS = sizeof targets / sizeof *targets };

static const char *const cases[] = {
    "func @f(%x: f32[2,7,12,20], %g: f32[2,7,12,40]) -> (%p: f32[40,20,3,3]) {\n"
    "%0 = conv2d_filter_grad %x, %g {pad=[1,1]} : f32[40,20,3,3]\nreturn %0\n}\n",
    "func @f(%x: f32[3,7,8,40], %g: f32[3,4,4,32]) -> (%p: f32[32,40,1,1]) {\n"
    "%0 = conv2d_filter_grad %x, %g {stride=[2,2]} : f32[32,40,1,1]\nreturn %0\n}\n",
    "func @f(%x: f32[1,6,8,3], %g: f32[1,6,8,33]) -> (%p: f32[33,3,5,5]) {\n"
    "%0 = conv2d_filter_grad %x, %g {pad=[2,2]} : f32[33,3,5,5]\nreturn %0\n}\n",
    "func @f(%x: f32[2,6,6,64], %g: f32[2,6,6,32]) -> (%p: f32[32,32,3,1]) {\n"
    "%0 = conv2d_filter_grad %x, %g {pad=[1,0], groups=2} : f32[32,32,3,1]\nreturn %0\n}\n"};
enum { CASES = sizeof cases / sizeof *cases };

START_TEST(every_candidate_computes_the_same)
{
    const lg_target *target = lg_target_find(targets[_i % TARGETS]);
    lg_module *module = lg_module_of_text(cases[_i / TARGETS]);
    lg_expectation_check_candidates(module, target, _i % 2, LG_MAX_FILTER_GRAD_CANDIDATES, 2);
    lg_module_free(module);
}
END_TEST

static const lg_filter_grad_shape shape = {.images = 2,
                                           .height = 64,
                                           .width = 64,
                                           .channels = 256,
                                           .outputs = 64,
                                           .groups = 1,
                                           .kernel = {3, 3},
                                           .stride = {1, 1},
                                           .dilation = {1, 1}};

START_TEST(candidates_are_ranked_different_and_parse)
{
    const lg_target *target = lg_target_find("x86-64-v4");
    lg_arena *arena = lg_arena_new();
    lg_filter_grad_choice candidates[LG_MAX_FILTER_GRAD_CANDIDATES], read;
    int count = lg_filter_grad_candidates(&shape, target, candidates);
    ck_assert_int_gt(count, 8);
    for (int i = 0; i < count; i++) {
        char *text = lg_filter_grad_choice_print(arena, &candidates[i]);
        ck_assert_msg(lg_filter_grad_choice_parse(text, &shape, target, &read), "%s", text);
        ck_assert_str_eq(lg_filter_grad_choice_print(arena, &read), text);
        if (i > 0)
            ck_assert(lg_filter_grad_cycles(&shape, target, &candidates[i - 1]) <=
                      lg_filter_grad_cycles(&shape, target, &candidates[i]));
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(lg_filter_grad_choice_print(arena, &candidates[j]), text);
    }
    lg_arena_free(arena);
}
END_TEST

// What fits, with one field changed so that it does not.
static const struct {
    const char *field;
    long long fits, does_not;
} changes[] = {{"rows", 6, 7},         {"rows", 6, 17},        {"vectors", 4, 5},
               {"along", 1, 3},        {"row_blocks", 4, 5},   {"row_blocks", 4, 16},
               {"lane_blocks", 4, 3},  {"lane_blocks", 4, 8},  {"columns", 32, 24},
               {"columns", 32, 128},   {"lines", 4, 65},       {"images", 1, 2},
               {"parts", 2, 257},      {"parts", 2, 33},       {"unroll", 4, 5},
               {"rows", 6, INT64_MAX}, {"parts", 2, INT64_MAX}};
enum { CHANGES = sizeof changes / sizeof *changes };

START_TEST(choice_that_does_not_fit_is_refused)
{
    static const char good[] = "filter_grad{rows=6,vectors=4,along=1,row_blocks=4,lane_blocks=4,"
                               "columns=32,lines=4,images=1,parts=2,unroll=4}";
    const lg_target *target = lg_target_find("x86-64-v4");
    lg_filter_grad_choice choice;
    ck_assert(lg_filter_grad_choice_parse(good, &shape, target, &choice));
    char from[64], text[256];
    snprintf(from, sizeof from, "%s=%lld", changes[_i].field, changes[_i].fits);
    const char *at = strstr(good, from);
    ck_assert_ptr_nonnull(at);
    snprintf(text, sizeof text, "%.*s%s=%lld%s", (int)(at - good), good, changes[_i].field,
             changes[_i].does_not, at + strlen(from));
    ck_assert_msg(!lg_filter_grad_choice_parse(text, &shape, target, &choice), "%s", text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("filter_grad");
    TCase *tcase = tcase_create("filter_grad");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, every_candidate_computes_the_same, 0, CASES * TARGETS);
    tcase_add_test(tcase, candidates_are_ranked_different_and_parse);
    tcase_add_loop_test(tcase, choice_that_does_not_fit_is_refused, 0, CHANGES);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
