// What bench makes of times: rows, JSON, the comparison, the plot and the trace, of an artifact
// that is made up. Names hold what XML and JSON must escape.
#include "runtime/threads.h"
#include "tests/support/temporary.h"
#include "tools/bench_compare.h"
#include "tools/bench_report.h"
#include "tools/chrome_trace.h"
#include "tools/roofline_plot.h"
#include "tools/roofline_svg.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

enum { LAUNCHES = 4, RUNS = 3 };

static const lg_launch_desc launches[LAUNCHES] = {
    {"conv2d_7", "a.\"b\" <&>", 4e9, 1e6},
    {"conv2d_7", "second", 2e9, 1e6},
    {"relayout", "", 0, 1e8},
    {"mul_2", "not UTF-8: \xff", NAN, 1e6},
};
static const lg_entry_desc entry = {
    .name = "infer", .launch_count = LAUNCHES, .launches = launches};
static const lg_artifact artifact = {
    .compiler = "test", .model = "net<&>", .target = "x86-64-v3", .entry_count = 1};

// 100 GFLOP/s, 10 GB/s.
static const lg_roofline machine = {.rate = {1e11, 8e9, 1e10, 5e10},
                                    .memory_bytes = 256 << 20,
                                    .cache_bytes = 1 << 19,
                                    .l3_bytes = 300 << 20};
static double seconds[RUNS * LAUNCHES] = {0.05,  0.02,  0.010, 0.001, 0.06,  0.04,
                                          0.020, 0.001, 0.90,  0.03,  0.030, 0.001};
static double totals[RUNS] = {0.09, 0.13, 0.97};
static const lg_bench bench = {&artifact, &entry, RUNS, 2, NULL, seconds, totals, &machine};

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fabs(b);
}

// ---- rows

START_TEST(rows_are_medians_and_sums)
{
    lg_arena *arena = lg_arena_new();
    lg_bench_result *r = lg_bench_result_new(arena, &bench, false);
    ck_assert_int_eq(r->count, 3);
    ck_assert_str_eq(r->rows[0].kernel, "conv2d_7");
    ck_assert_int_eq(r->rows[0].launches, 2);
    ck_assert(near(r->rows[0].seconds, 0.06 + 0.03));
    ck_assert(near(r->rows[0].roof, 0.04 + 0.02)); // the peak
    ck_assert_str_eq(r->rows[1].kernel, "relayout");
    ck_assert(near(r->rows[1].roof, 0.01)); // memory
    ck_assert(r->rows[2].flops == 0);       // what was no number
    ck_assert_str_eq(r->rows[2].label, "not UTF-8: ?");
    ck_assert(near(r->median, 0.13) && near(r->minimum, 0.09));
    ck_assert_int_eq(r->all.launches, 4);
    r = lg_bench_result_new(arena, &bench, true);
    ck_assert_int_eq(r->count, LAUNCHES);
    ck_assert_str_eq(r->rows[1].label, "second");
    ck_assert(totals[0] == 0.09); // not sorted in place
    lg_arena_free(arena);
}
END_TEST

static char *text_of(const lg_bench_result *r, bool as_json)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    ck_assert_ptr_nonnull(out);
    if (as_json)
        ck_assert(lg_bench_print_json(r, out));
    else
        lg_roofline_draw(r, out);
    fclose(out);
    return text;
}

START_TEST(json_is_read_back_and_compared)
{
    lg_temporary folder = lg_temporary_new();
    lg_diag *diag = lg_diag_new();
    lg_arena *arena = lg_arena_new();
    char *text = text_of(lg_bench_result_new(arena, &bench, false), true);
    json_t *json = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(json);
    double percent = json_real_value(
        json_object_get(json_array_get(json_object_get(json, "kernels"), 0), "roofline_percent"));
    ck_assert(fabs(percent - 100 * 0.06 / 0.09) < 1e-6);
    json_decref(json);

    lg_former *former = lg_former_read(lg_temporary_write(&folder, "a", text, strlen(text)), diag);
    ck_assert_ptr_nonnull(former);
    lg_bench_result *now = lg_bench_result_new(arena, &bench, false);
    now->rows[0].kernel = "conv2d_9"; // another number, the same tensor
    now->rows[1].label = "new";
    lg_former_compare(former, now);
    ck_assert(fabs(now->rows[0].former - 0.09) < 1e-9);
    ck_assert(now->rows[1].former == 0);
    ck_assert(fabs(now->former_median - 0.13) < 1e-9);
    lg_former_free(former);
    free(text);
    lg_arena_free(arena);
    lg_diag_free(diag);
    lg_temporary_free(&folder);
}
END_TEST

// ---- the plot

// Are tags closed in order, attributes quoted and special characters escaped? Returns how many
// elements are called `name`.
static int count_elements(const char *xml, const char *name)
{
    char open[64][16];
    int depth = 0, found = 0;
    const char *at = strstr(xml, "?>") + 2;
    for (; (at = strchr(at, '<')); at++) {
        bool closes = at[1] == '/';
        const char *word = at + 1 + closes, *end = strchr(at, '>');
        ck_assert_ptr_nonnull(end);
        ck_assert_msg(!memchr(at + 1, '<', (size_t)(end - at - 1)), "a < inside of a tag");
        int length = (int)strspn(word, "abcdefghijklmnopqrstuvwxyz");
        ck_assert_int_gt(length, 0);
        ck_assert_int_lt(length, 16);
        found += !closes && (size_t)length == strlen(name) && !strncmp(word, name, (size_t)length);
        if (closes) {
            ck_assert_int_gt(depth--, 0);
            ck_assert(strlen(open[depth]) == (size_t)length);
            ck_assert_int_eq(strncmp(open[depth], word, (size_t)length), 0);
        } else if (end[-1] != '/') {
            ck_assert_int_lt(depth, 64);
            snprintf(open[depth++], sizeof *open, "%.*s", length, word);
        }
    }
    ck_assert_int_eq(depth, 0);
    for (at = xml; (at = strchr(at, '&')); at++)
        ck_assert(!strncmp(at, "&amp;", 5) || !strncmp(at, "&lt;", 4) || !strncmp(at, "&gt;", 4) ||
                  !strncmp(at, "&quot;", 6) || !strncmp(at, "&#39;", 5));
    return found;
}

START_TEST(plot_is_xml_with_a_tooltip_each)
{
    lg_arena *arena = lg_arena_new();
    char *svg = text_of(lg_bench_result_new(arena, &bench, true), false);
    // Two launches have FLOPs, and there is the sum.
    ck_assert_int_eq(count_elements(svg, "title"), 3);
    ck_assert_ptr_nonnull(strstr(svg, "a.&quot;b&quot; &lt;&amp;&gt;"));
    ck_assert_ptr_nonnull(strstr(svg, "not shown, for lack of FLOPs: 2"));
    free(svg);
    lg_bench nothing = bench;
    lg_entry_desc empty = {.name = "infer"};
    nothing.entry = &empty;
    svg = text_of(lg_bench_result_new(arena, &nothing, false), false);
    ck_assert_int_eq(count_elements(svg, "title"), 0);
    ck_assert(!strstr(svg, "nan") && !strstr(svg, "inf"));
    free(svg);
    lg_arena_free(arena);
}
END_TEST

START_TEST(axes_and_ticks)
{
    lg_axis axis = {.from = 100, .to = 400};
    lg_axis_show(&axis, 0);
    lg_axis_show(&axis, -1);
    lg_axis_show(&axis, INFINITY);
    lg_axis_show(&axis, 1);
    lg_axis_show(&axis, 1000);
    ck_assert(near(axis.low, 1) && near(axis.high, 1000));
    ck_assert(near(lg_axis_pixel(&axis, 1), 100) && near(lg_axis_pixel(&axis, 10), 200));
    lg_tick ticks[LG_MOST_TICKS];
    int count = lg_axis_ticks(&axis, ticks), powers = 0;
    ck_assert_int_eq(count, 28);
    for (int i = 0; i < count; i++) {
        powers += ticks[i].is_power;
        ck_assert(!ticks[i].is_power || ticks[i].is_labelled);
        ck_assert(i == 0 || ticks[i].value > ticks[i - 1].value);
    }
    ck_assert_int_eq(powers, 4);

    lg_axis single = {0};
    lg_axis_show(&single, 7);
    lg_axis_pad(&single);
    ck_assert(near(single.high / single.low, 10)); // a decade at least
    lg_axis none = {0}, wide = {.low = 1e-300, .high = 1e300};
    lg_axis_pad(&none);
    ck_assert(none.low > 0 && none.high > none.low);
    count = lg_axis_ticks(&wide, ticks);
    ck_assert_int_eq(count, LG_MOST_TICKS);
}
END_TEST

START_TEST(labels_meet_nothing)
{
    enum { DOTS = 30, WIDTH = 60, HEIGHT = 14 };
    lg_dot dots[DOTS];
    lg_box boxes[DOTS * LG_LABEL_BOXES], placed[DOTS];
    for (int i = 0; i < DOTS; i++) {
        int column = i % 6, row = i / 6;
        dots[i] = (lg_dot){100 + 13 * column, 100 + 17 * row, 2 + i % 5};
    }
    lg_obstacles around = {
        .frame = {0, 0, 300, 250}, .dots = dots, .dot_count = DOTS, .boxes = boxes};
    int count = 0;
    for (int i = 0; i < DOTS; i++) {
        lg_label label;
        if (!lg_label_place(&around, i, WIDTH, HEIGHT, &label))
            continue;
        ck_assert(label.box.left >= 0 && label.box.right <= 300 && label.box.bottom <= 250);
        ck_assert(near(label.box.right - label.box.left, WIDTH));
        for (int j = 0; j < DOTS; j++)
            ck_assert(!lg_box_meets_dot(&label.box, &dots[j]));
        for (int j = 0; j < count; j++)
            ck_assert(!lg_box_meets(&label.box, &placed[j]));
        placed[count++] = label.box;
    }
    ck_assert_int_gt(count, 3);
    ck_assert_int_lt(count, DOTS); // there is not room for all, and none is forced in
}
END_TEST

// ---- the trace

static void count_kernel(void *const *buffers, int64_t begin, int64_t end, uint32_t worker)
{
    (void)worker;
    for (int64_t i = begin; i < end; i++)
        ((int *)buffers[0])[i]++;
}

START_TEST(trace_has_every_part_of_one_run)
{
    enum { COUNT = 100 };
    lg_temporary folder = lg_temporary_new();
    lg_diag *diag = lg_diag_new();
    lg_arena *arena = lg_arena_new();
    lg_threads threads;
    lg_threads_init(&threads, 2);
    lg_trace *trace = lg_trace_new(&threads.parallel, diag);
    const lg_parallel *parallel = lg_trace_parallel(trace);
    int counts[COUNT] = {0};
    void *buffers[] = {counts};
    for (int run = 0; run < 100; run++) { // more than are kept
        lg_trace_begin(trace);
        for (uint32_t launch = 0; launch < LAUNCHES; launch++)
            parallel->run(parallel->context, launch, count_kernel, buffers, COUNT);
        lg_trace_end(trace);
    }
    for (int i = 0; i < COUNT; i++)
        ck_assert_int_eq(counts[i], 100 * LAUNCHES);

    const char *path = lg_temporary_path(&folder, "t.json");
    ck_assert(lg_trace_write(trace, lg_bench_result_new(arena, &bench, false), path, diag));
    json_t *json = json_load_file(path, 0, NULL), *event;
    ck_assert_ptr_nonnull(json);
    size_t i;
    json_int_t iterations = 0;
    int whole = 0;
    json_array_foreach(json_object_get(json, "traceEvents"), i, event)
    {
        const char *category = json_string_value(json_object_get(event, "cat"));
        json_t *args = json_object_get(event, "args");
        whole += category && !strcmp(category, "launch");
        if (category && !strcmp(category, "part"))
            iterations += json_integer_value(json_object_get(args, "end")) -
                          json_integer_value(json_object_get(args, "begin"));
    }
    ck_assert_int_eq(whole, LAUNCHES);
    ck_assert_int_eq(iterations, LAUNCHES * COUNT);
    json_decref(json);
    lg_trace_free(trace);
    lg_threads_free(&threads);
    lg_arena_free(arena);
    lg_diag_free(diag);
    lg_temporary_free(&folder);
}
END_TEST

// ---- the machine

START_TEST(machine_is_measured_for_every_vector_width)
{
    lg_diag *diag = lg_diag_new();
    lg_threads threads;
    lg_threads_init(&threads, 2);
    const lg_target *target;
    for (int i = 0; (target = lg_target_at(i)); i++) {
        if (target->kind != LG_TARGET_CPU)
            continue;
        lg_meter *meter = lg_meter_new(target, &threads.parallel, diag);
        ck_assert_ptr_nonnull(meter);
        lg_meter_sample(meter, true);
        ck_assert(lg_meter_roofline(meter)->rate[LG_ROOF_READ] == 0);
        lg_meter_sample(meter, false);
        for (lg_roof roof = 0; roof < LG_ROOF_COUNT; roof++) {
            const lg_roofline *r = lg_meter_roofline(meter);
            ck_assert(r->lowest[roof] > 0 && r->lowest[roof] <= r->rate[roof]);
            ck_assert(r->rate[roof] <= r->highest[roof] && isfinite(r->highest[roof]));
        }
        lg_meter_free(meter);
    }
    lg_threads_free(&threads);
    lg_diag_free(diag);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bench");
    TCase *tests = tcase_create("all");
    tcase_add_test(tests, rows_are_medians_and_sums);
    tcase_add_test(tests, json_is_read_back_and_compared);
    tcase_add_test(tests, plot_is_xml_with_a_tooltip_each);
    tcase_add_test(tests, axes_and_ticks);
    tcase_add_test(tests, labels_meet_nothing);
    tcase_add_test(tests, trace_has_every_part_of_one_run);
    tcase_add_test(tests, machine_is_measured_for_every_vector_width);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
