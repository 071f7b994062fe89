// lgpnc bench: where the time goes, kernel by kernel.
#include "tools/arguments.h"
#include "tools/bench_compare.h"
#include "tools/bench_report.h"
#include "tools/chrome_trace.h"
#include "tools/cli.h"
#include "tools/model_arguments.h"
#include "tools/roofline_svg.h"
#include "tools/session.h"
#include "tools/supervise.h"

#include <stdlib.h>
#include <string.h>

enum { OUTPUT_TRACE, OUTPUT_PLOT, OUTPUTS };

typedef struct bench_arguments {
    lg_model_arguments of;
    const char *compare;
    const char *outputs[OUTPUTS]; // NULL: not wanted
    int repeat;
    bool json, launches, no_roofline;
} bench_arguments;

enum { KEY_LAUNCHES = 256, KEY_TRACE, KEY_PLOT, KEY_NO_ROOFLINE, KEY_COMPARE, SEED = 1 };

static const struct argp_option option_rows[] = {
    {"weights", 'w', "W.safetensors", 0, "the checkpoint; default: random weights", 0},
    {"threads", 't', "N", 0, "threads; default: one a core", 0},
    {"repeat", 'r', "N", 0, "runs to take the median of (10), after one that is not counted", 0},
    {"function", 'f', "NAME", 0, "the function to time (infer)", 0},
    {"launches", KEY_LAUNCHES, NULL, 0, "a row for each launch in order, not for each kernel", 0},
    {"json", 'j', NULL, 0, "one JSON object", 0},
    {"compare", KEY_COMPARE, "FILE.json", 0, "show the speedup over a former run's --json", 0},
    {"roofline", KEY_PLOT, "F.svg", 0, "draw all kernels below the roofs of this machine", 0},
    {"no-roofline", KEY_NO_ROOFLINE, NULL, 0, "do not measure the machine", 0},
    {"chrome-trace", KEY_TRACE, "F.json", 0,
     "write a timeline of the median run, for chrome://tracing and ui.perfetto.dev", 0},
    {0},
};

static void set_output(bench_arguments *a, int output, const char *option, const char *path,
                       struct argp_state *state)
{
    if (strcmp(path, "-") == 0)
        argp_error(state, "%s: standard output has the times; name a file", option);
    a->outputs[output] = path;
}

static void check_arguments(const bench_arguments *a, struct argp_state *state)
{
    const char *trace = a->outputs[OUTPUT_TRACE], *plot = a->outputs[OUTPUT_PLOT];
    if (!a->of.model)
        argp_error(state, "no MODEL given");
    else if ((plot || trace) && strcmp(a->of.compile.cpu, "cuda") == 0)
        argp_error(state, "--roofline and --chrome-trace are for CPUs, not for --cpu=cuda");
    else if (plot && a->no_roofline)
        argp_error(state, "--roofline and --no-roofline exclude each other");
    else if (plot && trace && strcmp(plot, trace) == 0)
        argp_error(state, "--roofline and --chrome-trace name the same file");
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    bench_arguments *a = state->input;
    switch (key) {
    case 'r':
        a->repeat = (int)lg_argument_number(state, "--repeat", value, 1, 100000);
        return 0;
    case KEY_LAUNCHES:
        a->launches = true;
        return 0;
    case 'j':
        a->json = true;
        return 0;
    case KEY_COMPARE:
        a->compare = value;
        return 0;
    case KEY_PLOT:
        set_output(a, OUTPUT_PLOT, "--roofline", value, state);
        return 0;
    case KEY_NO_ROOFLINE:
        a->no_roofline = true;
        return 0;
    case KEY_TRACE:
        set_output(a, OUTPUT_TRACE, "--chrome-trace", value, state);
        return 0;
    case ARGP_KEY_END:
        check_arguments(a, state);
        return 0;
    default:
        return lg_model_option(key, value, state, &a->of);
    }
}

// Random inputs and room for the outputs, in the entry's order.
typedef struct call_memory {
    uint32_t inputs, outputs;
    lg_tensor **tensors; // the inputs, then the outputs
    void **data;
} call_memory;

static bool allocate(call_memory *m, const lg_entry_desc *entry, lg_diag *diag)
{
    *m = (call_memory){.inputs = entry->input_count, .outputs = entry->output_count};
    uint32_t count = m->inputs + m->outputs;
    m->tensors = calloc(count + 1, sizeof(lg_tensor *));
    m->data = calloc(count + 1, sizeof(void *));
    if (!m->tensors || !m->data)
        return lg_error_at(diag, (lg_location){0}, "no memory");
    for (uint32_t i = 0; i < count; i++) {
        const lg_tensor_desc *desc =
            i < m->inputs ? &entry->inputs[i] : &entry->outputs[i - m->inputs];
        m->tensors[i] = lg_random_tensor(desc, SEED, diag);
        if (!m->tensors[i])
            return false;
        m->data[i] = m->tensors[i]->data;
    }
    return true;
}

static void release(call_memory *m)
{
    for (uint32_t i = 0; m->tensors && i < m->inputs + m->outputs; i++)
        lg_tensor_free(m->tensors[i]);
    free(m->tensors);
    free(m->data);
}

// ---- measuring

typedef struct bench_run {
    const bench_arguments *arguments;
    lg_session *session;
    lg_progress *progress;
    lg_bench bench;
    call_memory memory;
    lg_meter *meter; // NULL: no roofline is wanted
    lg_trace *trace; // NULL: none is wanted
} bench_run;

// What the vectors of the code are for.
static const lg_target *target_of(const lg_session *session)
{
    const lg_target *target = session->compilation.target;
    if (!target)
        target = lg_target_find(lg_model_artifact(session->model)->target);
    return target;
}

static bool prepare(bench_run *r, lg_diag *diag)
{
    lg_bench *b = &r->bench;
    const lg_parallel *parallel = &r->session->threads.parallel;
    b->seconds = calloc((size_t)b->runs * b->entry->launch_count + 1, sizeof(double));
    b->totals = calloc((size_t)b->runs, sizeof(double));
    if (!b->seconds || !b->totals)
        return lg_error_at(diag, (lg_location){0}, "no memory for the times");
    if (!allocate(&r->memory, b->entry, diag))
        return false;
    const lg_target *target = target_of(r->session);
    bool measured = !r->arguments->no_roofline && !r->session->device; // the GPU's roofs are not
    if (measured && target && !(r->meter = lg_meter_new(target, parallel, diag)))
        return false;
    b->roofline = r->meter ? lg_meter_roofline(r->meter) : NULL;
    if (r->arguments->outputs[OUTPUT_TRACE])
        r->trace = lg_trace_new(parallel, diag);
    return r->trace || !r->arguments->outputs[OUTPUT_TRACE];
}

static void sample_machine(bench_run *r)
{
    if (!r->meter)
        return;
    lg_progress_step(r->progress, "measuring the machine");
    lg_meter_sample(r->meter, false);
}

// The same on a GPU: all of it by the host's clock, then once more with the GPU's between launches.
// What is copied there and back is not in the times.
static bool time_on_device(bench_run *r, int row)
{
    lg_bench *b = &r->bench;
    double start = lg_now();
    bool good = lg_cuda_device_run(r->session->device, NULL);
    b->totals[row] = lg_now() - start;
    return good && lg_cuda_device_run(r->session->device,
                                      b->seconds + (size_t)row * b->entry->launch_count);
}

// One run; the times go to row `row`.
static bool time_run(bench_run *r, int row, lg_diag *diag)
{
    lg_bench *b = &r->bench;
    lg_error error;
    lg_timing timing;
    const lg_parallel *parallel =
        r->trace ? lg_trace_parallel(r->trace) : &r->session->threads.parallel;
    lg_timing_init(&timing, parallel, b->seconds + (size_t)row * b->entry->launch_count,
                   b->entry->launch_count);
    double start = lg_now();
    bool good = lg_model_call(r->session->model, b->entry, (const void *const *)r->memory.data,
                              r->memory.data + r->memory.inputs, &timing.parallel, &error);
    b->totals[row] = lg_now() - start;
    if (!good)
        return lg_cli_fail(diag, &error);
    return !r->session->device || time_on_device(r, row);
}

// The machine's peak is measured between the runs too, a few times a second: it drifts, and a roof
// of another minute would be another machine's. Memory is not: it would empty the caches that the
// model finds warm from one run to the next. Even the peak slows down a run of microseconds that
// comes right behind it, hence not before each.
static bool time_runs(bench_run *r, lg_diag *diag)
{
    sample_machine(r);
    double sampled = lg_now();
    for (int run = -1; run < r->bench.runs; run++) {
        lg_progress_step(r->progress, "run %d of %d", run + 1, r->bench.runs);
        if (r->meter && lg_now() - sampled > 0.25) {
            lg_meter_sample(r->meter, true);
            sampled = lg_now();
        }
        if (r->trace && run >= 0)
            lg_trace_begin(r->trace);
        if (!time_run(r, run < 0 ? 0 : run, diag)) // the first of all is not kept
            return false;
        if (r->trace && run >= 0)
            lg_trace_end(r->trace);
    }
    sample_machine(r);
    return true;
}

// ---- telling

static void print_plot(const void *result, FILE *out)
{
    lg_roofline_draw(result, out);
}

static bool report(const bench_run *r, lg_former *former, lg_diag *diag)
{
    const bench_arguments *a = r->arguments;
    lg_arena *arena = lg_arena_new();
    lg_bench_result *result = lg_bench_result_new(arena, &r->bench, a->launches);
    if (former)
        lg_former_compare(former, result);
    bool good = true;
    if (a->json)
        good = lg_bench_print_json(result, stdout) ||
               lg_error_at(diag, (lg_location){0}, "no memory for the JSON");
    else
        lg_bench_print_table(result, stdout);
    good &= lg_cli_flush("the results", diag);
    if (a->outputs[OUTPUT_TRACE])
        good &= lg_trace_write(r->trace, result, a->outputs[OUTPUT_TRACE], diag);
    if (a->outputs[OUTPUT_PLOT] && result->bench->roofline)
        good &= lg_cli_write(a->outputs[OUTPUT_PLOT], print_plot, result, diag);
    lg_arena_free(arena);
    return good;
}

static bool bench_entry(const bench_arguments *a, lg_session *session, lg_former *former,
                        lg_progress *progress, lg_diag *diag)
{
    const lg_entry_desc *entry = session->entry;
    bench_run r = {.arguments = a, .session = session, .progress = progress};
    r.bench = (lg_bench){.artifact = lg_model_artifact(session->model),
                         .entry = entry,
                         .runs = a->repeat,
                         .threads = session->threads.count,
                         .device = session->device ? lg_cuda_device_name(session->device) : NULL};
    bool good = prepare(&r, diag) && time_runs(&r, diag);
    lg_progress_end(progress);
    good = good && report(&r, former, diag);
    lg_trace_free(r.trace);
    lg_meter_free(r.meter);
    release(&r.memory);
    free(r.bench.seconds);
    free(r.bench.totals);
    return good;
}

static bool bench(const bench_arguments *a, lg_session *session, lg_progress *progress,
                  lg_diag *diag)
{
    bool good = true;
    for (int i = 0; i < OUTPUTS; i++)
        good &= !a->outputs[i] || lg_cli_can_write(a->outputs[i], diag);
    lg_former *former = a->compare ? lg_former_read(a->compare, diag) : NULL;
    good = good && (former || !a->compare) &&
           lg_session_open_random(session, a->of.model, a->of.weights, SEED, a->of.threads,
                                  &a->of.compile, progress, diag) &&
           bench_entry(a, session, former, progress, diag);
    lg_former_free(former);
    return good;
}

static int work(void *context)
{
    const bench_arguments *a = context;
    lg_progress progress;
    lg_progress_init(&progress, a->of.compile.verbose);
    lg_diag *diag = lg_diag_new();
    lg_session session = {0};
    bool good = bench(a, &session, &progress, diag);
    lg_progress_end(&progress);
    lg_session_close(&session);
    return lg_cli_finish(diag, good);
}

int lg_command_bench(int argc, char **argv)
{
    static const struct argp_child children[] = {{&lg_compile_argp, 0, NULL, 0}, {0}};
    static const struct argp parser = {
        .options = option_rows,
        .parser = parse_option,
        .children = children,
        .args_doc = "MODEL|ARTIFACT.so",
        .doc = "Times every kernel of a model on random inputs: medians over the runs, with "
               "GFLOP/s (a multiply-add counts as 2), GB/s (operands and results once) and the "
               "part of this machine's roofline that it reaches. With --cpu=cuda they run on the "
               "GPU."
               "\vExamples:\n  lgpnc bench lgpn:image=128 --threads=1 --repeat=20\n"
               "  lgpnc bench lgpn --roofline=lgpn.svg --chrome-trace=lgpn.json\n"
               "  lgpnc bench lgpn --json >before.json\n"
               "  lgpnc bench lgpn --disable=fuse --compare=before.json"};
    bench_arguments a = {.repeat = 10, .of.compile = lg_compile_defaults()};
    argp_parse(&parser, argc, argv, 0, NULL, &a);
    return lg_supervise_all(a.outputs, OUTPUTS, work, &a);
}
