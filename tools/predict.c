// lgpnc predict: image files in, hyperparameters out.
#include "tools/cli.h"
#include "tools/model_arguments.h"
#include "tools/session.h"
#include "tools/supervise.h"

#include "runtime/cooccurrence.h"
#include "runtime/report.h"

typedef struct predict_arguments {
    lg_model_arguments of;
    const char *graph, *labels;
    char **images;
    int image_count;
    bool json;
} predict_arguments;

static const struct argp_option option_rows[] = {
    {"weights", 'w', "W.safetensors", 0, "the checkpoint; needed unless ARTIFACT has weights", 0},
    {"graph", 'g', "G.npy", 0,
     "f32 [55,55], row i holds 1 where node i attends to; default: what the weights were trained "
     "with, where the checkpoint says it, else what occurs together in the 140 models of RED140",
     0},
    {"labels", 'l', "FILE.tsv", 0,
     "a table of generative models: print what it says beside what is predicted, of images in a "
     "folder called as a model, or `real'",
     0},
    {"threads", 't', "N", 0, "threads; default: one a core", 0},
    {"json", 'j', NULL, 0, "one JSON object a line instead of a table", 0},
    {0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    predict_arguments *a = state->input;
    switch (key) {
    case 'g':
        a->graph = value;
        return 0;
    case 'l':
        a->labels = value;
        return 0;
    case 'j':
        a->json = true;
        return 0;
    case ARGP_KEY_ARG:
        return ARGP_ERR_UNKNOWN; // not one by one
    case ARGP_KEY_ARGS:
        a->of.model = state->argv[state->next];
        a->images = state->argv + state->next + 1;
        a->image_count = state->argc - state->next - 1;
        if (a->image_count == 0)
            argp_error(state, "no image files");
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "no MODEL and no image files");
        return 0;
    default:
        return lg_model_option(key, value, state, &a->of);
    }
}

// All images, whatever becomes of one.
static bool predict_all(lg_predictor *predictor, const lg_model_table *labels,
                        const predict_arguments *a, lg_diag *diag)
{
    lg_error error;
    bool good = true;
    for (int i = 0; i < a->image_count; i++) {
        lg_parsed_image result;
        lg_truth truth;
        if (!lg_predict_file(predictor, a->images[i], &result, &error) ||
            (labels && !lg_truth_of(labels, a->images[i], &truth, &error)))
            good = lg_cli_fail(diag, &error);
        else
            (a->json ? lg_report_json : lg_report_table)(stdout, a->images[i], &result,
                                                         labels ? &truth : NULL);
    }
    return lg_cli_flush("the results", diag) && good;
}

static bool predict(const predict_arguments *a, lg_session *session, lg_progress *progress,
                    lg_diag *diag)
{
    lg_error error;
    lg_tensor *graph = a->graph ? lg_graph_read(a->graph, &error) : NULL;
    if (a->graph && !graph)
        return lg_cli_fail(diag, &error);
    lg_model_table *labels = a->labels ? lg_model_table_read(a->labels, &error) : NULL;
    bool good = !a->labels || labels || lg_cli_fail(diag, &error);
    good = good && lg_session_open(session, a->of.model, a->of.weights, a->of.threads,
                                   &a->of.compile, progress, diag);
    lg_progress_end(progress);
    lg_predictor *predictor = NULL;
    if (good) {
        predictor = lg_predictor_new(session->model, graph ? graph->data : NULL,
                                     &session->threads.parallel, &error);
        good = predictor || lg_cli_fail(diag, &error);
        if (!predictor)
            lg_note_at(diag, (lg_location){0}, "`lgpnc run` runs any model on .npy files");
    }
    good = good && predict_all(predictor, labels, a, diag);
    lg_predictor_free(predictor);
    lg_model_table_free(labels);
    lg_tensor_free(graph);
    return good;
}

static int work(void *context)
{
    const predict_arguments *a = context;
    lg_progress progress;
    lg_progress_init(&progress, a->of.compile.verbose);
    lg_diag *diag = lg_diag_new();
    lg_session session = {0};
    bool good = predict(a, &session, &progress, diag);
    lg_progress_end(&progress);
    lg_session_close(&session);
    return lg_cli_finish(diag, good);
}

int lg_command_predict(int argc, char **argv)
{
    static const struct argp_child children[] = {{&lg_compile_argp, 0, NULL, 0}, {0}};
    static const struct argp parser = {
        .options = option_rows,
        .parser = parse_option,
        .children = children,
        .args_doc = "MODEL|ARTIFACT.so IMAGE...",
        .doc = "Parses the generative model behind JPEG and PNG images: its 37 hyperparameters, "
               "and whether the image is real or fake. The model is LGPN, compiled in memory, or a "
               "shared library that `build' made."
               "\vExample:\n  lgpnc predict lgpn --weights=lgpn.safetensors photo.jpg"};
    predict_arguments a = {.of.compile = lg_compile_defaults()};
    argp_parse(&parser, argc, argv, 0, NULL, &a);
    return lg_supervise(NULL, work, &a);
}
