// lgpnc eval: how well a trained LGPN does on the images of a fold's test models.
#include "tools/arguments.h"
#include "tools/cli.h"
#include "tools/eval_report.h"
#include "tools/model_arguments.h"
#include "tools/model_spec.h"
#include "tools/session.h"
#include "tools/supervise.h"

#include "runtime/predictor.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_REPORT = 0x2000, KEY_SPLIT, KEY_PAIRS, KEY_SEED };

enum { MOST_BATCH = 4096, MOST_PAIRS = 100000 };

typedef struct eval_arguments {
    lg_model_arguments of;
    lg_dataset_options data;
    const char *graph, *output, *report;
    const char *split; // "test" or "train"
    int batch;         // 0: the model's own
    size_t pairs;
    uint64_t seed;
    bool json;
} eval_arguments;

static const struct argp_option option_rows[] = {
    {"weights", 'w', "W.safetensors", 0,
     "parameters or a checkpoint of `lgpnc train'; needed unless ARTIFACT has weights", 0},
    {"data", 'd', "DIR", 0,
     "generated images: a folder for each generative model, named as in the table", 0},
    {"real", 'r', "DIR", 0, "real images, for telling them from generated ones", 0},
    {"labels", 'l', "FILE.tsv", 0,
     "what is known of the generative models; default: the 140 of RED140, built in", 0},
    {"cross-val", 'k', "FOLD", 0,
     "the test set 1 to 4 that was held out in training (1); 0: none was, for --split=train", 0},
    {"split", KEY_SPLIT, "WHICH", 0,
     "test (default): the images held out; train: those trained on, to compare", 0},
    {"graph", 'g', "G.npy", 0,
     "f32 [55,55]; default: what the weights were trained with, where the checkpoint says it, else "
     "what occurs together in the models trained on in the fold",
     0},
    {"batch-size", 'b', "N", 0, "images at a time; default: the model's option batch", 0},
    {"pairs", KEY_PAIRS, "N", 0,
     "pairs of images for coordinated attacks (2000), and as many of training models for the "
     "threshold; 0: leave that task out",
     0},
    {"seed", KEY_SEED, "N", 0, "of the pairs (1)", 0},
    {"threads", 't', "N", 0, "threads; default: one a core", 0},
    {"json", 'j', NULL, 0, "JSON instead of tables", 0},
    {"output", 'o', "FILE", 0, "write the tables or the JSON there", 0},
    {"report", KEY_REPORT, "F.html", 0, "write a page with plots, too: one file, no network", 0},
    {0},
};

static const char *split_of(struct argp_state *state, const char *value)
{
    if (strcmp(value, "test") != 0 && strcmp(value, "train") != 0)
        argp_error(state, "--split=%s: there are test and train", value);
    return value;
}

static error_t parse_number(int key, const char *value, struct argp_state *state, eval_arguments *a)
{
    switch (key) {
    case 'k':
        a->data.fold = (int)lg_argument_number(state, "--cross-val", value, 0, LG_TEST_SETS);
        return 0;
    case 'b':
        a->batch = (int)lg_argument_number(state, "--batch-size", value, 1, MOST_BATCH);
        return 0;
    case KEY_PAIRS:
        a->pairs = (size_t)lg_argument_number(state, "--pairs", value, 0, MOST_PAIRS);
        return 0;
    case KEY_SEED:
        a->seed = (uint64_t)lg_argument_number(state, "--seed", value, 0, INT64_MAX);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    eval_arguments *a = state->input;
    switch (key) {
    case 'd':
        a->data.data = value;
        return 0;
    case 'r':
        a->data.real = value;
        return 0;
    case 'l':
        a->data.labels = value;
        return 0;
    case KEY_SPLIT:
        a->split = split_of(state, value);
        return 0;
    case 'g':
        a->graph = value;
        return 0;
    case 'j':
        a->json = true;
        return 0;
    case 'o':
        a->output = value;
        return 0;
    case KEY_REPORT:
        a->report = value;
        return 0;
    case ARGP_KEY_END:
        if (!a->of.model)
            argp_error(state, "no MODEL given");
        if (!a->data.data)
            argp_error(state, "no images; name their folder with --data=DIR");
        return 0;
    default:
        break;
    }
    if (parse_number(key, value, state, a) == 0)
        return 0;
    return lg_model_option(key, value, state, &a->of);
}

// ---- the model

// MODEL with --batch-size among its options; to be freed. NULL after reporting.
static char *spec_of(const eval_arguments *a, lg_diag *diag)
{
    const char *model = a->of.model;
    if (a->batch && !lg_spec_takes_options(model)) {
        lg_error_at(diag, (lg_location){.file = model},
                    "it is made for its batch; --batch-size is for models with the option batch");
        return NULL;
    }
    char *spec = lg_spec_with_batch(model, a->batch);
    if (!spec)
        lg_error_at(diag, (lg_location){0}, "not enough memory");
    return spec;
}

static bool tell_progress(void *context, size_t done, size_t total)
{
    lg_progress_count(context, "evaluating images", done, total);
    return true;
}

static int batch_of(const lg_model *model)
{
    const lg_entry_desc *infer = lg_model_entry(model, "infer", NULL);
    int image = infer ? lg_tensor_desc_find(infer->inputs, infer->input_count, "image") : -1;
    return image < 0 ? 0 : (int)infer->inputs[image].shape[0];
}

static bool same_values(const float *a, const float *b, int count)
{
    int i = 0;
    while (i < count && a[i] == b[i])
        i++;
    return i == count;
}

// Weights of another fold have been trained on what is held out here.
static void warn_of_graph(const eval_arguments *a, const lg_model *model, const lg_dataset *dataset,
                          lg_diag *diag)
{
    const lg_entry_desc *infer = lg_model_entry(model, "infer", NULL);
    int place = infer ? lg_tensor_desc_find(infer->inputs, infer->input_count, "graph") : -1;
    const float *graph = place < 0 ? NULL : lg_model_input_value(model, &infer->inputs[place]);
    if (graph && infer->inputs[place].bytes == sizeof dataset->graph &&
        !same_values(graph, dataset->graph, LG_NODES * LG_NODES))
        lg_warning_at(
            diag, (lg_location){.file = a->of.weights ? a->of.weights : a->of.model},
            "was trained with a graph that is not that of fold %d: with another fold left "
            "out, or on another table of models",
            a->data.fold);
}

// ---- results

static void warn_of_broken(const lg_model_scores *scores, lg_diag *diag)
{
    enum { MOST_SHOWN = 5 };
    for (size_t i = 0; i < scores->broken_count && i < MOST_SHOWN; i++)
        lg_warning_at(diag, (lg_location){0}, "left out: %s", scores->broken[i]);
    if (scores->broken_count > MOST_SHOWN)
        lg_warning_at(diag, (lg_location){0}, "left out: %zu more images that cannot be read",
                      scores->broken_count - MOST_SHOWN);
}

static bool write_results(const eval_arguments *a, const lg_eval_report *report, lg_diag *diag)
{
    bool good = !a->report || lg_cli_write(a->report, lg_eval_print_html, report, diag);
    return lg_cli_write(a->output, a->json ? lg_eval_print_json : lg_eval_print_text, report,
                        diag) &&
           good;
}

static bool score(const eval_arguments *a, lg_session *session, const lg_dataset *dataset,
                  const lg_tensor *graph, lg_progress *progress, lg_diag *diag)
{
    lg_error error;
    lg_model_scores scores;
    bool on_test = strcmp(a->split, "test") == 0;
    const lg_evaluation_options options = {
        .model = session->model,
        .parallel = &session->threads.parallel,
        .dataset = dataset,
        .samples = on_test ? dataset->test : dataset->train,
        .count = on_test ? dataset->test_count : dataset->train_count,
        .graph = graph ? graph->data : NULL,
        .pairs = a->pairs,
        .seed = a->seed,
        .workers = a->of.threads,
        .progress = tell_progress,
        .context = progress,
    };
    lg_progress_count(progress, "evaluating images", 0, options.count);
    bool good = lg_evaluate_model(&options, &scores, &error);
    lg_progress_end(progress);
    if (good) {
        const lg_eval_report report = {.scores = &scores,
                                       .dataset = dataset,
                                       .model = a->of.model,
                                       .weights = a->of.weights,
                                       .data = a->data.data,
                                       .real = dataset->real,
                                       .split = a->split,
                                       .seed = a->seed,
                                       .pairs = a->pairs,
                                       .batch = batch_of(session->model)};
        warn_of_broken(&scores, diag);
        good = write_results(a, &report, diag);
    } else {
        lg_cli_fail(diag, &error);
    }
    lg_model_scores_free(&scores);
    return good;
}

static bool check_samples(const eval_arguments *a, const lg_dataset *dataset, lg_diag *diag)
{
    bool on_test = strcmp(a->split, "test") == 0;
    if ((on_test ? dataset->test_count : dataset->train_count) > 0)
        return true;
    lg_error_at(diag, (lg_location){.file = a->data.data},
                "there is no image of the %s set of fold %d", a->split, a->data.fold);
    lg_note_at(diag, (lg_location){0}, "`lgpnc data check` shows what is in which set");
    return false;
}

static bool open_and_score(const eval_arguments *a, lg_session *session, lg_progress *progress,
                           lg_diag *diag)
{
    lg_error error;
    lg_progress_step(progress, "listing images");
    lg_dataset *dataset = lg_cli_open_dataset(&a->data, diag);
    lg_progress_end(progress);
    if (!dataset)
        return false;
    lg_tensor *graph = a->graph ? lg_graph_read(a->graph, &error) : NULL;
    char *spec = NULL;
    bool good = check_samples(a, dataset, diag);
    if (good && a->graph && !graph)
        good = lg_cli_fail(diag, &error);
    good = good && (spec = spec_of(a, diag)) &&
           lg_session_open(session, spec, a->of.weights, a->of.threads, &a->of.compile, progress,
                           diag);
    if (good)
        warn_of_graph(a, session->model, dataset, diag);
    good = good && score(a, session, dataset, graph, progress, diag);
    lg_progress_end(progress);
    lg_session_close(session); // before its name goes
    free(spec);
    lg_tensor_free(graph);
    lg_dataset_free(dataset);
    return good;
}

static int work(void *context)
{
    const eval_arguments *a = context;
    lg_progress progress;
    lg_progress_init(&progress, a->of.compile.verbose);
    lg_diag *diag = lg_diag_new();
    lg_session session = {0};
    bool good = open_and_score(a, &session, &progress, diag);
    return lg_cli_finish(diag, good);
}

int lg_command_eval(int argc, char **argv)
{
    static const struct argp_child children[] = {{&lg_compile_argp, 0, NULL, 0}, {0}};
    static const struct argp parser = {
        .options = option_rows,
        .parser = parse_option,
        .children = children,
        .args_doc = "MODEL|ARTIFACT.so",
        .doc = "Scores a trained LGPN on images of generative models that were held out: parsing "
               "of hyperparameters (F1, accuracy, L1), telling generated from real images, and "
               "telling whether two images come from one model. Every image is looked at once."
               "\vExample:\n"
               "  lgpnc eval lgpn --weights=expts/best.safetensors --data=images/ \\\n"
               "      --real=photos/ --cross-val=1 --report=eval.html"};
    eval_arguments a = {.of.compile = lg_compile_defaults(),
                        .data.fold = 1,
                        .split = "test",
                        .pairs = LG_IMAGE_PAIRS,
                        .seed = 1};
    argp_parse(&parser, argc, argv, 0, NULL, &a);
    const char *outputs[] = {a.output, a.report};
    return lg_supervise_all(outputs, 2, work, &a);
}
