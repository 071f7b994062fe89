// Four small kernels, written as kernel IR and compiled like those of a model: what they reach is
// what the code generator can reach when nothing stands in its way, not what some library can.
//
// A sample is the best of three runs, so that one interruption does not make a machine slow. A roof
// is the median of its samples: machines drift, most of all virtual ones, and the best moment of
// all is none that the kernels, whose times are medians too, ever saw.
#include "tools/roofline.h"
#include "tools/median.h"

#include "codegen/codegen.h"
#include "runtime/pages.h"
#include "runtime/threads.h"
#include "tools/cli.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    JOBS = 1024,         // of every kernel: parts for any number of threads
    STEPS = 2000,        // of a job of PEAK: 1.6 GFLOP in all with AVX-512
    STREAMS = 8,         // sums that a reading kernel keeps
    RUNS = 3,            // of a sample
    MOST_SAMPLES = 1024, // that are kept: the last
    MOST_MEMORY = 256,   // MiB; a whole L3 of a server takes longer than anyone wants to wait
    LEAST_MEMORY = 16
};

struct lg_meter {
    lg_jit *jit;
    lg_pages memory;
    float *constants, *sums;
    const lg_parallel *parallel;
    double amount[LG_ROOF_COUNT]; // FLOPs or bytes of a run
    double samples[LG_ROOF_COUNT][MOST_SAMPLES];
    int sample_count[LG_ROOF_COUNT];
    lg_roofline roofline;
};

// ---- the program

static const char *const entry_names[] = {"peak", "read", "update", "cache"};
_Static_assert(sizeof entry_names / sizeof *entry_names == LG_ROOF_COUNT, "an entry a roof");

// Chains of fmas that do not wait for each other. They begin with different numbers, so that no
// compiler finds them equal, and stay near 1.2.
static void print_peak(FILE *out, const lg_target *target)
{
    int lanes = target->lanes, chains = target->registers * 3 / 4;
    fprintf(out,
            "kernel @peak(%%x: f32[%d], %%sum: out f32[%d,%d]) {\n"
            "  parallel %%i in 0..%d {\n"
            "    alloc %%acc: f32x%d[%d] register\n",
            chains + 2, JOBS, lanes, JOBS, lanes, chains);
    fprintf(out,
            "    let %%a = %%x[%d]\n    let %%b = %%x[%d]\n"
            "    unroll %%r in 0..%d {\n      %%acc[%%r] = %%x[%%r] + f32(lanes(%d))\n    }\n",
            chains, chains + 1, chains, lanes);
    fprintf(out,
            "    for %%t in 0..%d {\n      unroll %%q in 0..%d {\n"
            "        %%acc[%%q] = fma(%%acc[%%q], %%a, %%b)\n      }\n    }\n",
            STEPS, chains);
    fprintf(out,
            "    unroll %%s in 1..%d {\n      %%acc[0] = %%acc[0] + %%acc[%%s]\n    }\n"
            "    %%sum[%%i, 0 : %d] = %%acc[0]\n  }\n}\n",
            chains, lanes);
}

// Sums `count` floats of %x from `row` on, a job.
static void print_read(FILE *out, const lg_target *target, lg_roof roof, const char *dims,
                       const char *row, int64_t count)
{
    int lanes = target->lanes;
    fprintf(out,
            "kernel @%s(%%x: f32[%s], %%sum: out f32[%d,%d]) {\n"
            "  parallel %%i in 0..%d {\n"
            "    alloc %%acc: f32x%d[%d] register\n"
            "    unroll %%r in 0..%d {\n      %%acc[%%r] = f32(lanes(%d))\n    }\n",
            entry_names[roof], dims, JOBS, lanes, JOBS, lanes, STREAMS, STREAMS, lanes);
    fprintf(out,
            "    for %%j in 0..%" PRId64 " step %d {\n      unroll %%q in 0..%d {\n"
            "        %%acc[%%q] = %%acc[%%q] + %%x[%s%%j + %%q * %d : %d]\n      }\n    }\n",
            count, STREAMS * lanes, STREAMS, row, lanes, lanes);
    fprintf(out,
            "    unroll %%s in 1..%d {\n      %%acc[0] = %%acc[0] + %%acc[%%s]\n    }\n"
            "    %%sum[%%i, 0 : %d] = %%acc[0]\n  }\n}\n",
            STREAMS, lanes);
}

static void print_update(FILE *out, const lg_target *target, const char *dims, int64_t count)
{
    fprintf(out,
            "kernel @update(%%x: inout f32[%s]) {\n"
            "  parallel %%i in 0..%d {\n"
            "    for %%j in 0..%" PRId64 " step %d {\n"
            "      %%x[%%i, %%j : %d] = fma(%%x[%%i, %%j : %d], 0.5, 0.6)\n    }\n  }\n}\n",
            dims, JOBS, count, target->lanes, target->lanes, target->lanes);
}

static void print_entry(FILE *out, const lg_meter *m, const lg_target *target, lg_roof roof,
                        const char *dims)
{
    fprintf(out, "entry @%s workspace %" PRId64 " {\n", entry_names[roof],
            roof == LG_ROOF_PEAK ? 0 : m->roofline.memory_bytes);
    if (roof == LG_ROOF_PEAK)
        fprintf(out, "  input 0 @x: f32[%d]\n", target->registers * 3 / 4 + 2);
    else
        fprintf(out, "  slot @x: f32[%s] workspace 0 uses 0..0\n", dims);
    if (roof != LG_ROOF_UPDATE)
        fprintf(out, "  output 0 @sum: f32[%d,%d]\n", JOBS, target->lanes);
    fprintf(out, "  launch @%s(@x%s)\n}\n", entry_names[roof],
            roof == LG_ROOF_UPDATE ? "" : ", @sum");
}

static void print_program(FILE *out, const lg_meter *m, const lg_target *target)
{
    int64_t memory = m->roofline.memory_bytes / (int64_t)sizeof(float) / JOBS;
    int64_t cache = m->roofline.cache_bytes / (int64_t)sizeof(float);
    char rows[64], row[64];
    snprintf(rows, sizeof rows, "%d,%" PRId64, JOBS, memory);
    snprintf(row, sizeof row, "%" PRId64, cache);
    print_peak(out, target);
    print_read(out, target, LG_ROOF_READ, rows, "%i, ", memory);
    print_update(out, target, rows, memory);
    print_read(out, target, LG_ROOF_CACHE, row, "", cache);
    for (lg_roof roof = 0; roof < LG_ROOF_COUNT; roof++)
        print_entry(out, m, target, roof, roof == LG_ROOF_CACHE ? row : rows);
}

static bool compile(lg_meter *m, const lg_target *target, lg_diag *diag)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    if (!out)
        return lg_error_at(diag, (lg_location){0}, "no memory");
    print_program(out, m, target);
    bool whole = !ferror(out);
    if (fclose(out) != 0 || !whole) {
        free(text);
        return lg_error_at(diag, (lg_location){0}, "no memory");
    }
    lg_cpu_target here;
    lg_program *program = lg_parse_program("<roofline>", text, length, diag);
    bool good = program && lg_verify_program(program, diag) &&
                lg_cpu_target_resolve(&here, "native", NULL, diag);
    lg_codegen_options options = {
        .prefix = "roofline", .model = "roofline", .compiler = "lgpnc", .target = &here};
    m->jit = good ? lg_jit_new(program, &options, diag) : NULL;
    if (program)
        lg_program_free(program);
    free(text);
    return m->jit != NULL;
}

// ---- sizes

static int64_t system_bytes(int name, int64_t unit)
{
    long value = sysconf(name);
    return value > 0 ? value * unit : 0;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

// Memory: twice the L3 where that is affordable, and never a large part of what is free. The cache:
// half of the smaller of what schedules and the system think L2 is.
static void choose_sizes(lg_meter *m, const lg_target *target)
{
    lg_roofline *r = &m->roofline;
    int64_t free_bytes = system_bytes(_SC_AVPHYS_PAGES, sysconf(_SC_PAGESIZE));
    int64_t l2 = target->l2;
    r->l3_bytes = 0;
#ifdef _SC_LEVEL3_CACHE_SIZE
    r->l3_bytes = system_bytes(_SC_LEVEL3_CACHE_SIZE, 1);
    int64_t real = system_bytes(_SC_LEVEL2_CACHE_SIZE, 1);
    l2 = real > 0 && real < l2 ? real : l2;
#endif
    int64_t most = clamp(free_bytes / 4, (int64_t)LEAST_MEMORY << 20, (int64_t)MOST_MEMORY << 20);
    int64_t wanted = clamp(2 * r->l3_bytes, 64 << 20, most < 64 << 20 ? 64 << 20 : most);
    int64_t unit = (int64_t)JOBS * STREAMS * target->lanes * (int64_t)sizeof(float);
    r->memory_bytes = (wanted < most ? wanted : most) / unit * unit;
    int64_t stride = (int64_t)STREAMS * target->lanes * (int64_t)sizeof(float);
    r->cache_bytes = l2 / 2 / stride * stride;
}

static bool allocate(lg_meter *m, const lg_target *target, lg_diag *diag)
{
    lg_error error;
    int chains = target->registers * 3 / 4;
    m->constants = calloc((size_t)chains + 2, sizeof(float));
    m->sums = calloc((size_t)JOBS * (size_t)target->lanes, sizeof(float));
    if (!m->constants || !m->sums)
        return lg_error_at(diag, (lg_location){0}, "no memory");
    if (!lg_pages_map(&m->memory, (size_t)m->roofline.memory_bytes, &error))
        return lg_cli_fail(diag, &error);
    for (int i = 0; i < chains; i++)
        m->constants[i] = 1 + 0.01F * (float)i;
    m->constants[chains] = 0.75F;
    m->constants[chains + 1] = 0.3F;
    m->amount[LG_ROOF_PEAK] = 2.0 * chains * target->lanes * STEPS * JOBS;
    m->amount[LG_ROOF_READ] = (double)m->roofline.memory_bytes;
    m->amount[LG_ROOF_UPDATE] = 2 * m->amount[LG_ROOF_READ];
    m->amount[LG_ROOF_CACHE] = (double)JOBS * (double)m->roofline.cache_bytes;
    return true;
}

// ---- measuring

// Seconds of the best of `runs`.
static double run(lg_meter *m, lg_roof roof, int runs)
{
    const lg_artifact *artifact = lg_jit_artifact(m->jit);
    const lg_entry_desc *entry = &artifact->entries[roof];
    assert(strcmp(entry->name, entry_names[roof]) == 0);
    const void *inputs[] = {m->constants};
    void *outputs[] = {m->sums};
    lg_call call = {
        .inputs = inputs, .outputs = outputs, .workspace = m->memory.data, .parallel = m->parallel};
    double best = 0;
    for (int i = 0; i < runs; i++) {
        double start = lg_now();
        entry->run(&call);
        double seconds = lg_now() - start;
        best = i == 0 || seconds < best ? seconds : best;
    }
    return best > 0 ? best : 1e-9;
}

static void sample(lg_meter *m, lg_roof roof)
{
    int count = ++m->sample_count[roof], kept = count < MOST_SAMPLES ? count : MOST_SAMPLES;
    m->samples[roof][(count - 1) % MOST_SAMPLES] = m->amount[roof] / run(m, roof, RUNS);
    double sorted[MOST_SAMPLES];
    memcpy(sorted, m->samples[roof], (size_t)kept * sizeof *sorted);
    m->roofline.rate[roof] = lg_median(sorted, kept);
    m->roofline.lowest[roof] = sorted[0];
    m->roofline.highest[roof] = sorted[kept - 1];
}

void lg_meter_sample(lg_meter *meter, bool only_peak)
{
    for (lg_roof roof = 0; roof < (only_peak ? LG_ROOF_PEAK + 1 : LG_ROOF_COUNT); roof++)
        sample(meter, roof);
}

lg_meter *lg_meter_new(const lg_target *target, const lg_parallel *parallel, lg_diag *diag)
{
    assert(target->kind == LG_TARGET_CPU);
    lg_meter *m = calloc(1, sizeof *m);
    if (!m) {
        lg_error_at(diag, (lg_location){0}, "no memory");
        return NULL;
    }
    m->parallel = parallel;
    choose_sizes(m, target);
    if (!allocate(m, target, diag) || !compile(m, target, diag)) {
        lg_meter_free(m);
        return NULL;
    }
    // Memory that nothing has written is one page of zeros, over and over: touch it, on the threads
    // that will read it.
    run(m, LG_ROOF_UPDATE, 1);
    return m;
}

void lg_meter_free(lg_meter *meter)
{
    if (!meter)
        return;
    lg_jit_free(meter->jit);
    lg_pages_unmap(&meter->memory);
    free(meter->constants);
    free(meter->sums);
    free(meter);
}

// ---- reading it

const lg_roofline *lg_meter_roofline(const lg_meter *meter)
{
    return &meter->roofline;
}

double lg_roofline_bandwidth(const lg_roofline *roofline)
{
    double read = roofline->rate[LG_ROOF_READ], update = roofline->rate[LG_ROOF_UPDATE];
    return read > update ? read : update;
}

double lg_roofline_seconds(const lg_roofline *roofline, double flops, double bytes)
{
    double compute = flops / roofline->rate[LG_ROOF_PEAK];
    double memory = bytes / lg_roofline_bandwidth(roofline);
    return compute > memory ? compute : memory;
}
