#include "tools/bench_report.h"

#include "ir/arena.h"
#include "runtime/report.h"

#include <stdlib.h>
#include <string.h>

typedef struct row {
    const char *kernel, *label;
    int launches;
    double seconds, flops, bytes;
} row;

// ---- numbers

static int compare_seconds(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, compare_seconds);
    return 0.5 * (values[(count - 1) / 2] + values[count / 2]);
}

static int slower_first(const void *a, const void *b)
{
    const row *x = a, *y = b;
    if (x->seconds != y->seconds)
        return x->seconds < y->seconds ? 1 : -1;
    return strcmp(x->kernel, y->kernel);
}

static row *launch_rows(const lg_bench *b, lg_arena *arena)
{
    uint32_t count = b->entry->launch_count;
    row *rows = LG_NEW_ARRAY(arena, row, count + 1);
    double *values = LG_NEW_ARRAY(arena, double, b->runs);
    for (uint32_t i = 0; i < count; i++) {
        const lg_launch_desc *launch = &b->entry->launches[i];
        for (int run = 0; run < b->runs; run++)
            values[run] = b->seconds[(size_t)run * count + i];
        rows[i] = (row){launch->kernel,          launch->label, 1,
                        median(values, b->runs), launch->flops, launch->bytes};
    }
    return rows;
}

// Adds up the launches of a kernel; returns how many kernels there are.
static int merge_kernels(row *rows, int count)
{
    int kernels = 0;
    for (int i = 0; i < count; i++) {
        int k = 0;
        while (k < kernels && strcmp(rows[k].kernel, rows[i].kernel) != 0)
            k++;
        if (k == kernels) {
            rows[kernels++] = rows[i];
            continue;
        }
        rows[k].launches++;
        rows[k].seconds += rows[i].seconds;
        rows[k].flops += rows[i].flops;
        rows[k].bytes += rows[i].bytes;
    }
    qsort(rows, (size_t)kernels, sizeof *rows, slower_first);
    return kernels;
}

static double rate(double amount, double seconds)
{
    return seconds > 0 ? 1e-9 * amount / seconds : 0;
}

// ---- printing

static void print_table(const lg_bench *b, const row *rows, int count, const row *sum, double total,
                        FILE *out)
{
    fprintf(out, "%s for %s, entry point %s: %d runs, %d threads\n\n", b->artifact->model,
            b->artifact->target, b->entry->name, b->runs, b->threads);
    int width = (int)strlen("all kernels");
    for (int i = 0; i < count; i++)
        width = (int)strlen(rows[i].kernel) > width ? (int)strlen(rows[i].kernel) : width;
    fprintf(out, "%-*s  launches        ms      %%   GFLOP/s      GB/s  first launch\n", width,
            "kernel");
    for (int i = 0; i < count; i++)
        fprintf(out, "%-*s  %8d %9.3f %6.1f %9.1f %9.1f  %s\n", width, rows[i].kernel,
                rows[i].launches, 1e3 * rows[i].seconds, 100 * rows[i].seconds / total,
                rate(rows[i].flops, rows[i].seconds), rate(rows[i].bytes, rows[i].seconds),
                rows[i].label);
    fprintf(out, "%-*s  %8d %9.3f %6.1f %9.1f %9.1f\n\n", width, "all kernels", sum->launches,
            1e3 * sum->seconds, 100 * sum->seconds / total, rate(sum->flops, sum->seconds),
            rate(sum->bytes, sum->seconds));
    fprintf(out, "total: median %.3f ms, min %.3f ms; %.3f GFLOP, %.1f GFLOP/s\n", 1e3 * total,
            1e3 * b->totals[0], 1e-9 * sum->flops, rate(sum->flops, total));
}

static void print_json(const lg_bench *b, const row *rows, int count, const row *sum, double total,
                       FILE *out)
{
    fprintf(out, "{\"model\": ");
    lg_json_string(out, b->artifact->model);
    fprintf(out, ", \"target\": \"%s\", \"entry\": \"%s\", \"runs\": %d, \"threads\": %d",
            b->artifact->target, b->entry->name, b->runs, b->threads);
    fprintf(out, ", \"median_ms\": %.6f, \"min_ms\": %.6f, \"flops\": %.17g, \"kernels\": [",
            1e3 * total, 1e3 * b->totals[0], sum->flops);
    for (int i = 0; i < count; i++) {
        fprintf(out, "%s\n  {\"kernel\": ", i ? "," : "");
        lg_json_string(out, rows[i].kernel);
        fprintf(out, ", \"label\": ");
        lg_json_string(out, rows[i].label);
        fprintf(out, ", \"launches\": %d, \"ms\": %.6f, \"flops\": %.17g, \"bytes\": %.17g}",
                rows[i].launches, 1e3 * rows[i].seconds, rows[i].flops, rows[i].bytes);
    }
    fprintf(out, "]}\n");
}

void lg_bench_report(const lg_bench *b, lg_bench_form form, bool by_launch, FILE *out)
{
    lg_arena *arena = lg_arena_new();
    row *rows = launch_rows(b, arena), sum = {0};
    int count = (int)b->entry->launch_count;
    for (int i = 0; i < count; i++) {
        sum.launches++;
        sum.seconds += rows[i].seconds;
        sum.flops += rows[i].flops;
        sum.bytes += rows[i].bytes;
    }
    if (!by_launch)
        count = merge_kernels(rows, count);
    double total = median(b->totals, b->runs);
    if (form == LG_BENCH_JSON)
        print_json(b, rows, count, &sum, total, out);
    else
        print_table(b, rows, count, &sum, total, out);
    lg_arena_free(arena);
}
