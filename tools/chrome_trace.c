// Every thread writes down the parts that it runs in a list of its own, so noting one costs two
// looks at the clock and no lock. A kernel is wrapped: what the threads are handed is `run_part`,
// and the buffers they are handed hold the kernel and its buffers.
//
// Format: "Trace Event Format" of Chromium, complete events (ph X), times in microseconds.
#include "tools/chrome_trace.h"

#include "runtime/threads.h"
#include "tools/cli.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

enum { MOST_RUNS = 64, PROCESS = 1, LAUNCH_TRACK = 0 };

typedef struct slice {
    double start, stop;
    int64_t begin, end; // iterations, of a part
    uint32_t launch;
} slice;

typedef struct slices {
    slice *items;
    size_t count, capacity;
    size_t runs[MOST_RUNS + 1]; // where each run begins
    bool incomplete;
} slices;

struct lg_trace {
    lg_parallel parallel;
    const lg_parallel *inner;
    size_t threads;
    slices *parts; // [threads], by worker
    slices launches;
    double start[MOST_RUNS], stop[MOST_RUNS];
    int runs;
    bool is_kept; // the run at hand
};

static void note(slices *list, slice item)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 256;
        slice *items = realloc(list->items, capacity * sizeof *items);
        if (!items) {
            list->incomplete = true;
            return;
        }
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = item;
}

// ---- running

typedef struct wrapped {
    lg_trace *trace;
    lg_kernel_fn kernel;
    void *const *buffers;
    uint32_t launch;
} wrapped;

static void run_part(void *const *buffers, int64_t begin, int64_t end, uint32_t worker)
{
    const wrapped *w = (const wrapped *)buffers;
    slice part = {.start = lg_now(), .begin = begin, .end = end, .launch = w->launch};
    w->kernel(w->buffers, begin, end, worker);
    part.stop = lg_now();
    if (worker < w->trace->threads)
        note(&w->trace->parts[worker], part);
}

static void run_launch(void *context, uint32_t launch, lg_kernel_fn kernel, void *const *buffers,
                       int64_t count)
{
    lg_trace *t = context;
    if (!t->is_kept) {
        t->inner->run(t->inner->context, launch, kernel, buffers, count);
        return;
    }
    wrapped w = {t, kernel, buffers, launch};
    slice whole = {.start = lg_now(), .end = count, .launch = launch};
    t->inner->run(t->inner->context, launch, run_part, (void *const *)&w, count);
    whole.stop = lg_now();
    note(&t->launches, whole);
}

lg_trace *lg_trace_new(const lg_parallel *inner, lg_diag *diag)
{
    lg_trace *t = calloc(1, sizeof *t);
    size_t threads = inner->threads > 0 ? (size_t)inner->threads : 1;
    slices *parts = calloc(threads, sizeof *parts);
    if (!t || !parts) {
        free(t);
        free(parts);
        lg_error_at(diag, (lg_location){0}, "no memory for the trace");
        return NULL;
    }
    t->parallel = *inner;
    t->parallel.context = t;
    t->parallel.run = run_launch;
    t->inner = inner;
    t->threads = threads;
    t->parts = parts;
    return t;
}

void lg_trace_free(lg_trace *trace)
{
    if (!trace)
        return;
    for (size_t i = 0; i < trace->threads; i++)
        free(trace->parts[i].items);
    free(trace->parts);
    free(trace->launches.items);
    free(trace);
}

const lg_parallel *lg_trace_parallel(lg_trace *trace)
{
    return &trace->parallel;
}

void lg_trace_begin(lg_trace *t)
{
    t->is_kept = t->runs < MOST_RUNS;
    if (t->is_kept)
        t->start[t->runs] = lg_now();
}

void lg_trace_end(lg_trace *t)
{
    if (!t->is_kept)
        return;
    t->stop[t->runs++] = lg_now();
    for (size_t i = 0; i < t->threads; i++)
        t->parts[i].runs[t->runs] = t->parts[i].count;
    t->launches.runs[t->runs] = t->launches.count;
    t->is_kept = false;
}

// ---- writing

typedef struct writer {
    const lg_trace *trace;
    const lg_bench_result *result;
    lg_arena *arena;
    json_t *events; // an event that is NULL for lack of memory is missed in `count`
    size_t count;
    int run;
} writer;

static void add_event(writer *w, json_t *event)
{
    json_array_append_new(w->events, event);
    w->count++;
}

static void name_track(writer *w, size_t track, const char *name)
{
    add_event(w, json_pack("{s:s, s:s, s:i, s:I, s:{s:s}}", "ph", "M", "name", "thread_name", "pid",
                           PROCESS, "tid", (json_int_t)track, "args", "name", name));
    add_event(w, json_pack("{s:s, s:s, s:i, s:I, s:{s:I}}", "ph", "M", "name", "thread_sort_index",
                           "pid", PROCESS, "tid", (json_int_t)track, "args", "sort_index",
                           (json_int_t)track));
}

// `args` is taken over.
static void add_slice(writer *w, size_t track, const char *category, const char *name, double start,
                      double stop, json_t *args)
{
    double zero = w->trace->start[w->run];
    add_event(w, json_pack("{s:s, s:s, s:s, s:f, s:f, s:i, s:I, s:o}", "ph", "X", "cat", category,
                           "name", name, "ts", 1e6 * (start - zero), "dur", 1e6 * (stop - start),
                           "pid", PROCESS, "tid", (json_int_t)track, "args", args));
}

// What a launch is called: what it computes, where that is known.
static const char *name_of(const writer *w, uint32_t launch)
{
    const lg_launch_desc *desc = &w->result->bench->entry->launches[launch];
    return lg_bench_text(w->arena, *desc->label ? desc->label : desc->kernel);
}

static void add_launch(writer *w, const slice *s)
{
    const lg_bench *b = w->result->bench;
    if (s->launch >= b->entry->launch_count)
        return;
    const lg_launch_desc *desc = &b->entry->launches[s->launch];
    double seconds = s->stop - s->start;
    double flops = lg_bench_cost(desc->flops), bytes = lg_bench_cost(desc->bytes);
    json_t *args = json_pack(
        "{s:s, s:s, s:I, s:I, s:f, s:f, s:f, s:f}", "kernel", lg_bench_text(w->arena, desc->kernel),
        "label", lg_bench_text(w->arena, desc->label), "launch", (json_int_t)s->launch,
        "iterations", (json_int_t)s->end, "flops", flops, "bytes", bytes, "GFLOP/s",
        lg_bench_rate(flops, seconds), "GB/s", lg_bench_rate(bytes, seconds));
    if (b->roofline)
        json_object_set_new(
            args, "% of the roofline",
            json_real(lg_bench_percent(lg_roofline_seconds(b->roofline, flops, bytes), seconds)));
    add_slice(w, LAUNCH_TRACK, "launch", name_of(w, s->launch), s->start, s->stop, args);
}

static void add_part(writer *w, size_t track, const slice *s)
{
    if (s->launch >= w->result->bench->entry->launch_count)
        return;
    add_slice(w, track, "part", name_of(w, s->launch), s->start, s->stop,
              json_pack("{s:I, s:I, s:I}", "launch", (json_int_t)s->launch, "begin",
                        (json_int_t)s->begin, "end", (json_int_t)s->end));
}

static void add_events(writer *w)
{
    const lg_trace *t = w->trace;
    int run = w->run;
    add_event(w, json_pack("{s:s, s:s, s:i, s:{s:s}}", "ph", "M", "name", "process_name", "pid",
                           PROCESS, "args", "name", w->result->model));
    name_track(w, LAUNCH_TRACK, "launches");
    add_slice(w, LAUNCH_TRACK, "run", w->result->entry, t->start[run], t->stop[run],
              json_pack("{s:f, s:f}", "flops", w->result->all.flops, "median ms",
                        1e3 * w->result->median));
    for (size_t i = t->launches.runs[run]; i < t->launches.runs[run + 1]; i++)
        add_launch(w, &t->launches.items[i]);
    for (size_t thread = 0; thread < t->threads; thread++) {
        const slices *parts = &t->parts[thread];
        name_track(w, thread + 1, lg_format(w->arena, "thread %zu", thread));
        for (size_t i = parts->runs[run]; i < parts->runs[run + 1]; i++)
            add_part(w, thread + 1, &parts->items[i]);
    }
}

static int run_nearest(const lg_trace *t, double median)
{
    int best = 0;
    for (int run = 1; run < t->runs; run++)
        if (fabs(t->stop[run] - t->start[run] - median) <
            fabs(t->stop[best] - t->start[best] - median))
            best = run;
    return best;
}

static bool is_complete(const lg_trace *t)
{
    bool complete = !t->launches.incomplete;
    for (size_t i = 0; i < t->threads; i++)
        complete = complete && !t->parts[i].incomplete;
    return complete;
}

static void print_json(const void *json, FILE *out)
{
    json_dumpf(json, out, JSON_COMPACT | JSON_REAL_PRECISION(12));
    fputc('\n', out);
}

bool lg_trace_write(const lg_trace *trace, const lg_bench_result *result, const char *path,
                    lg_diag *diag)
{
    writer w = {.trace = trace,
                .result = result,
                .arena = lg_arena_new(),
                .events = json_array(),
                .run = run_nearest(trace, result->median)};
    add_events(&w);
    bool whole = is_complete(trace) && w.events && json_array_size(w.events) == w.count;
    json_t *json = json_pack("{s:O, s:s}", "traceEvents", w.events, "displayTimeUnit", "ms");
    bool good = whole && json ? lg_cli_write(path, print_json, json, diag)
                              : lg_error_at(diag, (lg_location){.file = path}, "no memory");
    json_decref(json);
    json_decref(w.events);
    lg_arena_free(w.arena);
    return good;
}
