#include "tools/bench_rows.h"
#include "tools/median.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

// ---- numbers

double lg_bench_cost(double value)
{
    return value > 0 && value < 1e30 ? value : 0;
}

double lg_bench_rate(double amount, double seconds)
{
    return seconds > 0 ? 1e-9 * amount / seconds : 0;
}

double lg_bench_percent(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : 0;
}

bool lg_bench_is_compute_bound(const lg_roofline *roofline, const lg_bench_row *row)
{
    return row->flops / roofline->rate[LG_ROOF_PEAK] >=
           row->bytes / lg_roofline_bandwidth(roofline);
}

int lg_bench_word(const char *kernel)
{
    int length = (int)strlen(kernel), end = length;
    while (end > 0 && isdigit((unsigned char)kernel[end - 1]))
        end--;
    return end > 1 && end < length && kernel[end - 1] == '_' ? end - 1 : length;
}

const char *lg_bench_text(lg_arena *arena, const char *text)
{
    char *clean = lg_copy(arena, text, strlen(text) + 1);
    json_t *valid = json_string(text);
    for (char *at = clean; *at; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte < 0x20 || byte == 0x7f || (!valid && byte >= 0x80))
            *at = '?';
    }
    json_decref(valid);
    return clean;
}

// ---- rows

static lg_bench_row *launch_rows(lg_arena *arena, const lg_bench *b)
{
    uint32_t count = b->entry->launch_count;
    lg_bench_row *rows = LG_NEW_ARRAY(arena, lg_bench_row, count + 1);
    double *values = LG_NEW_ARRAY(arena, double, b->runs);
    for (uint32_t i = 0; i < count; i++) {
        const lg_launch_desc *launch = &b->entry->launches[i];
        for (int run = 0; run < b->runs; run++)
            values[run] = b->seconds[(size_t)run * count + i];
        rows[i] = (lg_bench_row){
            .kernel = lg_bench_text(arena, launch->kernel),
            .label = lg_bench_text(arena, launch->label),
            .launches = 1,
            .seconds = lg_median(values, b->runs),
            .flops = lg_bench_cost(launch->flops),
            .bytes = lg_bench_cost(launch->bytes),
        };
        if (b->roofline)
            rows[i].roof = lg_roofline_seconds(b->roofline, rows[i].flops, rows[i].bytes);
    }
    return rows;
}

static void add(lg_bench_row *sum, const lg_bench_row *row)
{
    sum->launches += row->launches;
    sum->seconds += row->seconds;
    sum->flops += row->flops;
    sum->bytes += row->bytes;
    sum->roof += row->roof;
}

static int slower_first(const void *a, const void *b)
{
    const lg_bench_row *x = a, *y = b;
    if (x->seconds != y->seconds)
        return x->seconds < y->seconds ? 1 : -1;
    return strcmp(x->kernel, y->kernel);
}

// Adds up the launches of a kernel; returns how many kernels there are.
static int merge_kernels(lg_bench_row *rows, int count)
{
    int kernels = 0;
    for (int i = 0; i < count; i++) {
        int k = 0;
        while (k < kernels && strcmp(rows[k].kernel, rows[i].kernel) != 0)
            k++;
        if (k < kernels)
            add(&rows[k], &rows[i]);
        else
            rows[kernels++] = rows[i];
    }
    qsort(rows, (size_t)kernels, sizeof *rows, slower_first);
    return kernels;
}

lg_bench_result *lg_bench_result_new(lg_arena *arena, const lg_bench *bench, bool by_launch)
{
    lg_bench_result *r = LG_NEW(arena, lg_bench_result);
    r->bench = bench;
    r->model = lg_bench_text(arena, bench->artifact->model);
    r->target = lg_bench_text(arena, bench->artifact->target);
    r->compiler = lg_bench_text(arena, bench->artifact->compiler);
    r->entry = lg_bench_text(arena, bench->entry->name);
    r->by_launch = by_launch;
    r->rows = launch_rows(arena, bench);
    r->count = (int)bench->entry->launch_count;
    r->all = (lg_bench_row){.kernel = "all kernels", .label = ""};
    for (int i = 0; i < r->count; i++)
        add(&r->all, &r->rows[i]);
    if (!by_launch)
        r->count = merge_kernels(r->rows, r->count);
    double *totals = LG_NEW_ARRAY(arena, double, bench->runs);
    memcpy(totals, bench->totals, (size_t)bench->runs * sizeof *totals);
    r->median = lg_median(totals, bench->runs);
    r->minimum = totals[0];
    return r;
}
