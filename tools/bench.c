// lgpnc bench: where the time goes, kernel by kernel.
#include "tools/arguments.h"
#include "tools/bench_report.h"
#include "tools/cli.h"
#include "tools/session.h"
#include "tools/supervise.h"

#include <stdlib.h>

typedef struct bench_arguments {
    const char *model, *weights, *entry;
    int threads, repeat;
    bool json, launches;
    lg_compile_options compile;
} bench_arguments;

enum { KEY_ENTRY = 256, KEY_LAUNCHES, SEED = 1 };

static const struct argp_option option_rows[] = {
    {"weights", 'w', "W.safetensors", 0, "the checkpoint; default: random weights", 0},
    {"threads", 't', "N", 0, "threads; default: one a core", 0},
    {"repeat", 'r', "N", 0, "runs to take the median of (10), after one that is not counted", 0},
    {"entry", KEY_ENTRY, "NAME", 0, "the entry point to time (infer)", 0},
    {"launches", KEY_LAUNCHES, NULL, 0, "a row for each launch in order, not for each kernel", 0},
    {"json", 'j', NULL, 0, "one JSON object", 0},
    {0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    bench_arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->compile;
        return 0;
    case 'w':
        a->weights = value;
        return 0;
    case 't':
        a->threads = (int)lg_argument_number(state, "--threads", value, 1, 1024);
        return 0;
    case 'r':
        a->repeat = (int)lg_argument_number(state, "--repeat", value, 1, 100000);
        return 0;
    case KEY_ENTRY:
        a->entry = value;
        return 0;
    case KEY_LAUNCHES:
        a->launches = true;
        return 0;
    case 'j':
        a->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (a->model)
            argp_error(state, "one MODEL only, `%s' is the second", value);
        a->model = value;
        return 0;
    case ARGP_KEY_END:
        if (!a->model)
            argp_error(state, "no MODEL given");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
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

// Run `run` of b->runs into b->seconds; the first of all is not kept.
static bool time_runs(lg_session *session, const lg_entry_desc *entry, call_memory *m, lg_bench *b,
                      lg_progress *progress, lg_diag *diag)
{
    lg_error error;
    for (int run = -1; run < b->runs; run++) {
        lg_timing timing;
        lg_progress_step(progress, "run %d of %d", run + 1, b->runs);
        int row = run < 0 ? 0 : run;
        lg_timing_init(&timing, &session->threads.parallel,
                       b->seconds + (size_t)row * entry->launch_count, entry->launch_count);
        double start = lg_now();
        if (!lg_model_call(session->model, entry, (const void *const *)m->data, m->data + m->inputs,
                           &timing.parallel, &error))
            return lg_cli_fail(diag, &error);
        b->totals[row] = lg_now() - start;
    }
    return true;
}

static bool bench_entry(const bench_arguments *a, lg_session *session, lg_progress *progress,
                        lg_diag *diag)
{
    lg_error error;
    const lg_entry_desc *entry = lg_model_entry(session->model, a->entry, &error);
    if (!entry)
        return lg_cli_fail(diag, &error);
    lg_bench b = {.artifact = lg_model_artifact(session->model),
                  .entry = entry,
                  .runs = a->repeat,
                  .threads = session->threads.count};
    b.seconds = calloc((size_t)b.runs * entry->launch_count + 1, sizeof(double));
    b.totals = calloc((size_t)b.runs, sizeof(double));
    call_memory memory;
    bool good = allocate(&memory, entry, diag);
    if (good && !(b.seconds && b.totals))
        good = lg_error_at(diag, (lg_location){0}, "no memory for the times");
    good = good && time_runs(session, entry, &memory, &b, progress, diag);
    lg_progress_end(progress);
    if (good)
        lg_bench_report(&b, a->json ? LG_BENCH_JSON : LG_BENCH_TABLE, a->launches, stdout);
    release(&memory);
    free(b.seconds);
    free(b.totals);
    return good;
}

static int work(void *context)
{
    const bench_arguments *a = context;
    lg_progress progress;
    lg_progress_init(&progress, a->compile.verbose);
    lg_diag *diag = lg_diag_new();
    lg_session session = {0};
    bool good = lg_session_open_random(&session, a->model, a->weights, SEED, a->threads,
                                       &a->compile, &progress, diag) &&
                bench_entry(a, &session, &progress, diag);
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
               "GFLOP/s (a multiply-add counts as 2) and GB/s (operands and results once)."
               "\vExample:\n  lgpnc bench lgpn:image=128 --threads=1 --repeat=20"};
    bench_arguments a = {.repeat = 10, .entry = "infer", .compile = lg_compile_defaults()};
    argp_parse(&parser, argc, argv, 0, NULL, &a);
    return lg_supervise(NULL, work, &a);
}
