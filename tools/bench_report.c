#include "tools/bench_report.h"

#include <jansson.h>
#include <string.h>

#define MB (1.0 / (1 << 20))

// ---- the table: a column where there is something to put in it

static void print_heading(const lg_bench_result *r, int width, FILE *out)
{
    fprintf(out, "%-*s  launches        ms      %%   GFLOP/s      GB/s", width, "kernel");
    if (r->bench->roofline)
        fprintf(out, "  %% roof");
    if (r->former_median > 0)
        fprintf(out, "  speedup");
    fprintf(out, "  first launch\n");
}

static void print_row(const lg_bench_result *r, int width, const lg_bench_row *row, FILE *out)
{
    fprintf(out, "%-*s  %8d %9.3f %6.1f %9.1f %9.1f", width, row->kernel, row->launches,
            1e3 * row->seconds, lg_bench_percent(row->seconds, r->median),
            lg_bench_rate(row->flops, row->seconds), lg_bench_rate(row->bytes, row->seconds));
    if (r->bench->roofline)
        fprintf(out, " %7.1f", lg_bench_percent(row->roof, row->seconds));
    if (r->former_median > 0 && row->former > 0 && row->seconds > 0)
        fprintf(out, "  %6.2fx", row->former / row->seconds);
    else if (r->former_median > 0)
        fprintf(out, "  %7s", "-");
    fprintf(out, *row->label ? "  %s\n" : "\n", row->label);
}

static void print_machine(const lg_bench_result *r, FILE *out)
{
    const lg_roofline *roof = r->bench->roofline;
    fprintf(out, "machine: peak %.1f GFLOP/s (%.1f to %.1f meanwhile)\n",
            1e-9 * roof->rate[LG_ROOF_PEAK], 1e-9 * roof->lowest[LG_ROOF_PEAK],
            1e-9 * roof->highest[LG_ROOF_PEAK]);
    fprintf(
        out,
        "         %.1f GB/s from memory (%.1f only reading), %.1f GB/s from L2; memory: %.0f MiB",
        1e-9 * lg_roofline_bandwidth(roof), 1e-9 * roof->rate[LG_ROOF_READ],
        1e-9 * roof->rate[LG_ROOF_CACHE], MB * (double)roof->memory_bytes);
    if (roof->memory_bytes < roof->l3_bytes)
        fprintf(out, ", some of it perhaps in the L3 of %.0f MiB", MB * (double)roof->l3_bytes);
    fputc('\n', out);
    fprintf(out, "roofline: %.3f ms for all kernels; %.1f %% of it reached\n", 1e3 * r->all.roof,
            lg_bench_percent(r->all.roof, r->median));
}

void lg_bench_print_table(const lg_bench_result *r, FILE *out)
{
    const lg_bench *b = r->bench;
    fprintf(out, "%s for %s, entry point %s: %d run%s, ", r->model, r->target, r->entry, b->runs,
            b->runs == 1 ? "" : "s");
    if (b->device)
        fprintf(out, "%s\n\n", b->device);
    else
        fprintf(out, "%d thread%s\n\n", b->threads, b->threads == 1 ? "" : "s");
    int width = (int)strlen(r->all.kernel);
    for (int i = 0; i < r->count; i++)
        if ((int)strlen(r->rows[i].kernel) > width)
            width = (int)strlen(r->rows[i].kernel);
    print_heading(r, width, out);
    for (int i = 0; i < r->count; i++)
        print_row(r, width, &r->rows[i], out);
    print_row(r, width, &r->all, out);
    fprintf(out, "\ntotal: median %.3f ms, min %.3f ms; %.3f GFLOP, %.1f GFLOP/s\n",
            1e3 * r->median, 1e3 * r->minimum, 1e-9 * r->all.flops,
            lg_bench_rate(r->all.flops, r->median));
    if (r->former_median > 0)
        fprintf(out, "before: median %.3f ms; speedup %.2fx\n", 1e3 * r->former_median,
                r->former_median / r->median);
    if (b->roofline)
        print_machine(r, out);
}

// ---- JSON. A NULL on the way, for lack of memory, ends up as a NULL of the whole.

static json_t *json_of_roofline(const lg_bench_result *r)
{
    const lg_roofline *roof = r->bench->roofline;
    return json_pack(
        "{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:I, s:f, s:f}", "peak_gflops",
        1e-9 * roof->rate[LG_ROOF_PEAK], "lowest_peak_gflops", 1e-9 * roof->lowest[LG_ROOF_PEAK],
        "highest_peak_gflops", 1e-9 * roof->highest[LG_ROOF_PEAK], "memory_gbs",
        1e-9 * lg_roofline_bandwidth(roof), "read_gbs", 1e-9 * roof->rate[LG_ROOF_READ],
        "update_gbs", 1e-9 * roof->rate[LG_ROOF_UPDATE], "l2_gbs", 1e-9 * roof->rate[LG_ROOF_CACHE],
        "memory_bytes", (json_int_t)roof->memory_bytes, "l2_bytes", (json_int_t)roof->cache_bytes,
        "l3_bytes", (json_int_t)roof->l3_bytes, "ms", 1e3 * r->all.roof, "percent",
        lg_bench_percent(r->all.roof, r->median));
}

static json_t *json_of_row(const lg_bench_result *r, const lg_bench_row *row)
{
    json_t *json = json_pack("{s:s, s:s, s:i, s:f, s:f, s:f, s:f, s:f}", "kernel", row->kernel,
                             "label", row->label, "launches", row->launches, "ms",
                             1e3 * row->seconds, "flops", row->flops, "bytes", row->bytes, "gflops",
                             lg_bench_rate(row->flops, row->seconds), "gbs",
                             lg_bench_rate(row->bytes, row->seconds));
    if (r->bench->roofline)
        json_object_update_new(
            json,
            json_pack("{s:f, s:f, s:s}", "roofline_ms", 1e3 * row->roof, "roofline_percent",
                      lg_bench_percent(row->roof, row->seconds), "bound",
                      lg_bench_is_compute_bound(r->bench->roofline, row) ? "compute" : "memory"));
    if (row->former > 0)
        json_object_set_new(json, "before_ms", json_real(1e3 * row->former));
    return json;
}

bool lg_bench_print_json(const lg_bench_result *r, FILE *out)
{
    const lg_bench *b = r->bench;
    json_t *rows = json_array();
    for (int i = 0; i < r->count; i++)
        json_array_append_new(rows, json_of_row(r, &r->rows[i]));
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:f, s:f, s:f, s:f}", "model", r->model,
                  "compiler", r->compiler, "target", r->target, "entry", r->entry, "runs", b->runs,
                  "threads", b->threads, "median_ms", 1e3 * r->median, "min_ms", 1e3 * r->minimum,
                  "flops", r->all.flops, "bytes", r->all.bytes);
    if (r->former_median > 0)
        json_object_set_new(json, "before_median_ms", json_real(1e3 * r->former_median));
    if (b->device)
        json_object_set_new(json, "device", json_string(b->device));
    if (b->roofline)
        json_object_set_new(json, "roofline", json_of_roofline(r));
    bool whole = rows && json && json_array_size(rows) == (size_t)r->count;
    json_object_set_new(json, "kernels", rows);
    whole = whole && json_dumpf(json, out, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) == 0;
    json_decref(json);
    fputc('\n', out);
    return whole;
}
