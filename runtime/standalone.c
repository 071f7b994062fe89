// main() of an executable made by `lgpnc build --emit=exe`: the artifact is linked in, its packed
// weights too. Nothing is set up that the first image does not need.
#include "runtime/cooccurrence.h"
#include "runtime/loader.h"
#include "runtime/report.h"
#include "runtime/threads.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

// Of the object that this is linked with.
extern const lg_artifact *lgpnc_artifact(void);

typedef struct arguments {
    bool json;
    const char *graph, *labels;
    int threads, count;
    char **files;
} arguments;

static void print_version(FILE *out, struct argp_state *state)
{
    (void)state;
    const lg_artifact *artifact = lgpnc_artifact();
    fprintf(out, "%s, compiled by %s for %s\n", artifact->model, artifact->compiler,
            artifact->target);
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    arguments *a = state->input;
    char *end;
    long number;
    switch (key) {
    case 'j':
        a->json = true;
        return 0;
    case 'g':
        a->graph = value;
        return 0;
    case 'l':
        a->labels = value;
        return 0;
    case 't':
        errno = 0;
        number = strtol(value, &end, 10);
        if (errno || *end || end == value || number < 1 || number > 1024)
            argp_error(state, "--threads=%s: a number from 1 to 1024 is wanted", value);
        a->threads = (int)number;
        return 0;
    case ARGP_KEY_ARGS:
        a->files = state->argv + state->next;
        a->count = state->argc - state->next;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "no image files");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"json", 'j', NULL, 0, "One JSON object a line instead of a table", 0},
    {"graph", 'g', "FILE.npy", 0,
     "Graph of hyperparameters, f32 [55,55]; default: what the weights were trained with, where "
     "their checkpoint said it, else what occurs together in the 140 models of RED140",
     0},
    {"labels", 'l', "FILE.tsv", 0,
     "A table of generative models: print what it says beside what is predicted, of images in a "
     "folder called as a model, or `real'",
     0},
    {"threads", 't', "N", 0, "Threads; default: one a core", 0},
    {0},
};

static const struct argp parser = {
    .options = options,
    .parser = parse_option,
    .args_doc = "IMAGE...",
    .doc = "Parses the generative model behind JPEG and PNG images: its hyperparameters, and "
           "whether the image is real or fake.\v"
           "Example: PROGRAM --json photo.jpg\n"
           "Exit status: 0 if all images were parsed, 1 if one could not be, 2 on wrong usage.",
};

static bool complain(const lg_error *e)
{
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, e->message);
    return false;
}

// All images, whatever becomes of one.
static bool predict_all(lg_predictor *predictor, const lg_model_table *labels, const arguments *a)
{
    bool good = true;
    for (int i = 0; i < a->count; i++) {
        lg_error e;
        lg_parsed_image result;
        lg_truth truth;
        if (!lg_predict_file(predictor, a->files[i], &result, &e) ||
            (labels && !lg_truth_of(labels, a->files[i], &truth, &e))) {
            good = complain(&e);
            continue;
        }
        (a->json ? lg_report_json : lg_report_table)(stdout, a->files[i], &result,
                                                     labels ? &truth : NULL);
        if (fflush(stdout) != 0) {
            lg_fail(&e, "can't write the results");
            return complain(&e);
        }
    }
    return good;
}

// `edges` and `labels` are read; both may be NULL.
static bool parse_images(const arguments *a, const float *edges, const lg_model_table *labels)
{
    lg_error e;
    lg_threads threads;
    lg_threads_init(&threads, a->threads);
    lg_model *model = lg_model_new(lgpnc_artifact(), program_invocation_short_name, &e);
    lg_predictor *predictor = model ? lg_predictor_new(model, edges, &threads.parallel, &e) : NULL;
    bool good = predictor ? predict_all(predictor, labels, a) : complain(&e);
    lg_predictor_free(predictor);
    lg_model_free(model);
    lg_threads_free(&threads);
    return good;
}

static bool run(const arguments *a)
{
    lg_error e;
    if (!lg_artifact_check(lgpnc_artifact(), program_invocation_short_name, &e))
        return complain(&e);
    lg_tensor *graph = a->graph ? lg_graph_read(a->graph, &e) : NULL;
    if (a->graph && !graph)
        return complain(&e);
    lg_model_table *labels = a->labels ? lg_model_table_read(a->labels, &e) : NULL;
    bool good =
        a->labels && !labels ? complain(&e) : parse_images(a, graph ? graph->data : NULL, labels);
    lg_model_table_free(labels);
    lg_tensor_free(graph);
    return good;
}

int main(int argc, char **argv)
{
    arguments a = {0};
    argp_program_version_hook = print_version;
    argp_err_exit_status = 2;
    argp_parse(&parser, argc, argv, 0, NULL, &a);
    return run(&a) ? 0 : 1;
}
