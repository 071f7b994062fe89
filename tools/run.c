// lgpnc run: .npy files in, .npy files out, and the time it takes. A function that writes
// parameters (@train_step) makes steps: each on what the last one left, and what all of them left
// is saved.
#include "tools/arguments.h"
#include "tools/cli.h"
#include "tools/folder.h"
#include "tools/median.h"
#include "tools/model_arguments.h"
#include "tools/session.h"
#include "tools/supervise.h"

#include "runtime/checkpoint.h"
#include "runtime/npy.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_INPUTS = 64 };

typedef struct run_arguments {
    lg_model_arguments of;
    const char *output_dir, *save;
    lg_argument_pair inputs[MOST_INPUTS];
    int input_count, repeat, steps; // 0: not given
    float rate;                     // learning rate; negative: not given
    int64_t random_seed;            // -1: every input comes from a file
} run_arguments;

enum { KEY_RANDOM = 256, KEY_STEPS, KEY_SAVE, KEY_RATE };

static const struct argp_option option_rows[] = {
    {"weights", 'w', "W.safetensors", 0, "the checkpoint; needed unless ARTIFACT has weights", 0},
    {"input", 'i', "NAME=F.npy", 0,
     "an input; one option for each. A graph that the checkpoint has is taken from there, unless "
     "it is given",
     0},
    {"random-inputs", KEY_RANDOM, "SEED", 0, "random values for inputs that have none", 0},
    {"output-dir", 'd', "DIR", 0, "write DIR/NAME.npy for every output; made if it is missing", 0},
    {"function", 'f', "NAME", 0,
     "what to run: infer (default), loss_and_grad, train_step, or one of the IR file", 0},
    {"learning-rate", KEY_RATE, "RATE", 0, "the input learning_rate", 0},
    {"lr", 0, NULL, OPTION_ALIAS, NULL, 0},
    {"steps", KEY_STEPS, "N", 0, "of train_step: N steps, each on what the last one left (1)", 0},
    {"save", KEY_SAVE, "S.safetensors", 0, "write parameters and states as the last step left them",
     0},
    {"threads", 't', "N", 0, "threads; default: one a core. The results do not depend on it", 0},
    {"repeat", 'r', "N", 0, "run N times; time is told as median and minimum", 0},
    {0},
};

static void add_input(run_arguments *a, char *value, struct argp_state *state)
{
    if (a->input_count == MOST_INPUTS)
        argp_error(state, "more than %d inputs", MOST_INPUTS);
    else
        a->inputs[a->input_count++] = lg_argument_named_file(state, "--input", value);
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    run_arguments *a = state->input;
    switch (key) {
    case 'i':
        add_input(a, value, state);
        return 0;
    case KEY_RANDOM:
        a->random_seed = lg_argument_number(state, "--random-inputs", value, 0, INT64_MAX);
        return 0;
    case 'd':
        a->output_dir = value;
        return 0;
    case KEY_RATE:
        a->rate = (float)lg_argument_real(state, "--learning-rate", value, 0, 1e6);
        return 0;
    case KEY_STEPS:
        a->steps = (int)lg_argument_number(state, "--steps", value, 1, 1000000);
        return 0;
    case KEY_SAVE:
        a->save = value;
        return 0;
    case 'r':
        a->repeat = (int)lg_argument_number(state, "--repeat", value, 1, 1000000);
        return 0;
    case ARGP_KEY_ARG:
        if (a->of.model)
            argp_error(state,
                       "one MODEL only, `%s' is the second; inputs go with --input=NAME=FILE",
                       value);
        a->of.model = value;
        return 0;
    case ARGP_KEY_END:
        if (!a->of.model)
            argp_error(state, "no MODEL given");
        return 0;
    default:
        return lg_model_option(key, value, state, &a->of);
    }
}

// ---- inputs

typedef struct tensors {
    lg_named_tensor items[2 * MOST_INPUTS];
    size_t count;
} tensors;

static bool read_inputs(const run_arguments *a, tensors *inputs, lg_diag *diag)
{
    bool good = true;
    lg_error error;
    for (int i = 0; i < a->input_count; i++) {
        lg_tensor *tensor = lg_npy_read(a->inputs[i].file, &error);
        if (tensor)
            inputs->items[inputs->count++] = (lg_named_tensor){a->inputs[i].name, tensor};
        else
            good = lg_cli_fail(diag, &error);
    }
    return good;
}

static bool is_given(const tensors *inputs, const char *name)
{
    for (size_t i = 0; i < inputs->count; i++)
        if (strcmp(inputs->items[i].name, name) == 0)
            return true;
    return false;
}

static bool fill_inputs(const run_arguments *a, const lg_session *session, tensors *inputs,
                        lg_diag *diag)
{
    for (uint32_t i = 0; i < session->entry->input_count; i++) {
        const lg_tensor_desc *desc = &session->entry->inputs[i];
        if (is_given(inputs, desc->name) || lg_model_input_value(session->model, desc) ||
            inputs->count == 2 * MOST_INPUTS)
            continue;
        lg_tensor *tensor = lg_random_tensor(desc, (uint64_t)a->random_seed, diag);
        if (!tensor)
            return false;
        inputs->items[inputs->count++] = (lg_named_tensor){desc->name, tensor};
    }
    return true;
}

// NumPy makes i64 of whole numbers; where i32 is wanted and they fit, that is meant.
static lg_tensor *narrowed(const lg_named_tensor *input, lg_diag *diag)
{
    lg_error error;
    const lg_tensor *wide = input->tensor;
    lg_tensor *narrow = lg_tensor_new(LG_ABI_I32, wide->rank, wide->shape, &error);
    if (!narrow) {
        lg_cli_fail(diag, &error);
        return NULL;
    }
    for (size_t i = 0; i < lg_tensor_count(wide); i++) {
        int64_t value = ((const int64_t *)wide->data)[i];
        ((int32_t *)narrow->data)[i] = (int32_t)value;
        if (value != (int32_t)value) {
            lg_error_at(diag, (lg_location){0},
                        "input %s: element %zu is %lld, which i32 cannot hold", input->name, i,
                        (long long)value);
            lg_tensor_free(narrow);
            return NULL;
        }
    }
    return narrow;
}

static bool narrow_integers(const lg_entry_desc *entry, tensors *inputs, lg_diag *diag)
{
    bool good = true;
    for (uint32_t i = 0; i < entry->input_count; i++)
        for (size_t j = 0; entry->inputs[i].dtype == LG_ABI_I32 && j < inputs->count; j++) {
            lg_named_tensor *input = &inputs->items[j];
            if (strcmp(input->name, entry->inputs[i].name) != 0 ||
                input->tensor->dtype != LG_ABI_I64)
                continue;
            lg_tensor *narrow = narrowed(input, diag);
            good &= narrow != NULL;
            if (!narrow)
                continue;
            lg_tensor_free(input->tensor);
            input->tensor = narrow;
        }
    return good;
}

static bool add_learning_rate(const run_arguments *a, tensors *inputs, lg_diag *diag)
{
    lg_error error;
    if (a->rate < 0)
        return true;
    lg_tensor *rate = lg_tensor_new(LG_ABI_F32, 0, NULL, &error);
    if (!rate)
        return lg_cli_fail(diag, &error);
    memcpy(rate->data, &a->rate, sizeof a->rate);
    inputs->items[inputs->count++] = (lg_named_tensor){"learning_rate", rate};
    return true;
}

// ---- outputs

static bool write_output(const char *folder, const lg_tensor_desc *desc, const lg_tensor *tensor,
                         lg_diag *diag)
{
    lg_error error;
    char *path;
    if (strchr(desc->name, '/'))
        return lg_error_at(diag, (lg_location){0}, "output `%s`: no file can have this name",
                           desc->name);
    if (asprintf(&path, "%s/%s.npy", folder, desc->name) < 0)
        return lg_error_at(diag, (lg_location){0}, "no memory");
    bool good = lg_npy_write(path, tensor, &error) || lg_cli_fail(diag, &error);
    free(path);
    return good;
}

// ---- running

static void print_times(double *seconds, int count, int threads)
{
    double median = lg_median(seconds, count); // and sorted
    printf("time: median %.3f ms, min %.3f ms, %d run%s, %d thread%s\n", 1e3 * median,
           1e3 * seconds[0], count, count == 1 ? "" : "s", threads, threads == 1 ? "" : "s");
}

static bool writes_params(const lg_entry_desc *entry)
{
    return entry->flags & LG_ENTRY_WRITES_PARAMS;
}

// What is one number, the losses, of each step.
static void print_step(int step, const lg_entry_desc *entry, lg_tensor *const *outputs)
{
    printf("step %d:", step);
    for (uint32_t i = 0; i < entry->output_count; i++)
        if (outputs[i]->rank == 0 && outputs[i]->dtype == LG_ABI_F32)
            printf(" %s %.9g", entry->outputs[i].name, (double)*(const float *)outputs[i]->data);
    printf("\n");
}

static bool run_all(const run_arguments *a, lg_session *session, const lg_entry_desc *entry,
                    const tensors *inputs, lg_tensor **outputs, lg_diag *diag)
{
    lg_error error;
    bool steps = writes_params(entry);
    int runs = steps ? a->steps : a->repeat;
    runs = runs ? runs : 1;
    double *seconds = calloc((size_t)runs, sizeof *seconds);
    if (!seconds)
        return lg_error_at(diag, (lg_location){0}, "no memory for the times");
    bool good = true;
    for (int run = 0; good && run < runs; run++) {
        double start = lg_now();
        good = lg_model_run(session->model, entry->name, inputs->items, inputs->count, outputs,
                            &session->threads.parallel, &error);
        if (!good) {
            lg_fail_prefix(&error, "%s: function %s:\n", a->of.model, entry->name);
            lg_cli_fail(diag, &error);
            break;
        }
        seconds[run] = lg_now() - start;
        if (steps)
            print_step(run + 1, entry, outputs);
        for (uint32_t i = 0; run + 1 < runs && i < entry->output_count; i++)
            lg_tensor_free(outputs[i]);
    }
    if (good)
        print_times(seconds, runs, session->threads.count);
    free(seconds);
    return good;
}

// What goes with steps only, and what does not go with them.
static bool check_steps(const run_arguments *a, const lg_entry_desc *entry, lg_diag *diag)
{
    if (!writes_params(entry) && (a->steps || a->save))
        return lg_error_at(diag, (lg_location){0}, "--%s: %s changes no parameters",
                           a->steps ? "steps" : "save", entry->name);
    if (writes_params(entry) && a->repeat)
        return lg_error_at(diag, (lg_location){0},
                           "--repeat: %s changes parameters each time; --steps=N is meant",
                           entry->name);
    return true;
}

static bool save(const run_arguments *a, const lg_session *session, lg_diag *diag)
{
    lg_error error;
    if (!a->save)
        return true;
    const char *param = lg_model_not_finite_param(session->model);
    if (param)
        return lg_error_at(diag, (lg_location){.file = a->save},
                           "not written: the steps left %s with values that are not finite", param);
    return lg_checkpoint_save(session->model, a->save, NULL, &error) || lg_cli_fail(diag, &error);
}

static bool run_entry(const run_arguments *a, lg_session *session, tensors *inputs, lg_diag *diag)
{
    const lg_entry_desc *entry = session->entry;
    if (!check_steps(a, entry, diag) || !add_learning_rate(a, inputs, diag) ||
        !narrow_integers(entry, inputs, diag))
        return false;
    if (a->random_seed >= 0 && !fill_inputs(a, session, inputs, diag))
        return false;
    lg_tensor **outputs = calloc(entry->output_count + 1, sizeof(lg_tensor *));
    bool ran = outputs && run_all(a, session, entry, inputs, outputs, diag), good = ran;
    for (uint32_t i = 0; a->output_dir && good && i < entry->output_count; i++)
        good = write_output(a->output_dir, &entry->outputs[i], outputs[i], diag);
    for (uint32_t i = 0; ran && i < entry->output_count; i++)
        lg_tensor_free(outputs[i]);
    free(outputs);
    return good && save(a, session, diag);
}

static int work(void *context)
{
    const run_arguments *a = context;
    lg_progress progress;
    lg_progress_init(&progress, a->of.compile.verbose);
    lg_diag *diag = lg_diag_new();
    lg_session session = {0};
    tensors inputs = {0};
    bool good = read_inputs(a, &inputs, diag) && (!a->save || lg_cli_can_write(a->save, diag)) &&
                lg_session_open(&session, a->of.model, a->of.weights, a->of.threads, &a->of.compile,
                                &progress, diag) &&
                (!a->output_dir || lg_folder_make(a->output_dir, diag));
    lg_progress_end(&progress);
    good = good && run_entry(a, &session, &inputs, diag);
    for (size_t i = 0; i < inputs.count; i++)
        lg_tensor_free(inputs.items[i].tensor);
    lg_session_close(&session);
    return lg_cli_finish(diag, good);
}

int lg_command_run(int argc, char **argv)
{
    static const struct argp_child children[] = {{&lg_compile_argp, 0, NULL, 0}, {0}};
    static const struct argp parser = {
        .options = option_rows,
        .parser = parse_option,
        .children = children,
        .args_doc = "MODEL|ARTIFACT.so",
        .doc =
            "Runs a model on arrays: one that is compiled in memory, or a shared library that "
            "`build' made. Prints the time, writes all outputs."
            "\vExample:\n  lgpnc run lgpn --weights=lgpn.safetensors --input=image=photo.npy \\\n"
            "      --input=graph=graph.npy --output-dir=out --repeat=10\n"
            "  lgpnc run lgpn --weights=lgpn.safetensors --function=train_step --steps=10 \\\n"
            "      --input=image=i.npy --input=graph=g.npy --input=labels=l.npy \\\n"
            "      --input=fake=f.npy --learning-rate=1e-4 --save=after.safetensors"};
    run_arguments a = {.random_seed = -1, .rate = -1, .of.compile = lg_compile_defaults()};
    argp_parse(&parser, argc, argv, 0, NULL, &a);
    const char *outputs[] = {a.output_dir, a.save};
    return lg_supervise_all(outputs, 2, work, &a);
}
