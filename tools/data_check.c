// lgpnc data check: is every image of a set whole, and what is the set made of?
#include "tools/arguments.h"
#include "tools/cli.h"
#include "tools/data_report.h"
#include "tools/image_survey.h"
#include "tools/supervise.h"

#include <stdlib.h>

typedef struct check_arguments {
    lg_dataset_options of;
    int threads;
    bool json;
} check_arguments;

enum { MOST_THREADS = 256 };

static const struct argp_option option_rows[] = {
    {"real", 'r', "DIR", 0, "real images, in it and in the folders in it", 0},
    {"labels", 'l', "FILE.tsv", 0,
     "generative models and their hyperparameters, in the columns of models/red140.tsv; default: "
     "the 140 models of RED140",
     0},
    {"cross-val", 'k', "N", 0, "show test set N (1 to 4) of the cross-validation only", 0},
    {"threads", 't', "N", 0, "threads that decode; default: one a core", 0},
    {"json", 'j', NULL, 0, "one JSON object instead of tables", 0},
    {0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    check_arguments *a = state->input;
    switch (key) {
    case 'r':
        a->of.real = value;
        return 0;
    case 'l':
        a->of.labels = value;
        return 0;
    case 'k':
        a->of.fold = (int)lg_argument_number(state, "--cross-val", value, 1, LG_TEST_SETS);
        return 0;
    case 't':
        a->threads = (int)lg_argument_number(state, "--threads", value, 1, MOST_THREADS);
        return 0;
    case 'j':
        a->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (a->of.data)
            argp_error(state, "one DIR only, `%s' is the second; real images go with --real",
                       value);
        a->of.data = value;
        return 0;
    case ARGP_KEY_END:
        if (!a->of.data)
            argp_error(state, "no DIR given");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void warn_of(const lg_duplicates *duplicates, const lg_dataset *d, lg_diag *diag)
{
    if (duplicates->across_count == 0)
        return;
    lg_duplicate first = duplicates->across[0];
    lg_warning_at(diag, (lg_location){.file = d->samples[first.sample].path},
                  "has the bytes of %s, but another label; there are %zu like this",
                  d->samples[first.first].path, duplicates->across_count);
}

static bool report(const check_arguments *a, const lg_dataset *d, const lg_image_survey *survey,
                   lg_diag *diag)
{
    lg_duplicates duplicates;
    lg_data_report *r = lg_duplicates_find(&duplicates, d, survey)
                            ? lg_data_report_new(d, survey, &duplicates, a->of.data, d->real)
                            : NULL;
    if (!r) {
        lg_duplicates_free(&duplicates);
        return lg_error_at(diag, (lg_location){0}, "not enough memory");
    }
    warn_of(&duplicates, d, diag);
    if (a->json)
        lg_data_report_json(r, stdout);
    else
        lg_data_report_text(r, stdout);
    lg_data_report_free(r);
    lg_duplicates_free(&duplicates);
    if (!lg_cli_flush("the report", diag))
        return false;
    if (survey->broken_count > 0)
        return lg_error_at(diag, (lg_location){0}, "%zu of %zu images cannot be read",
                           survey->broken_count, d->count);
    return true;
}

static bool check(const check_arguments *a, lg_diag *diag)
{
    lg_error error;
    lg_dataset *d = lg_cli_open_dataset(&a->of, diag);
    if (!d)
        return false;
    lg_image_survey survey;
    bool good = lg_image_survey_make(&survey, d, a->threads, &error) || lg_cli_fail(diag, &error);
    good = good && report(a, d, &survey, diag);
    lg_image_survey_free(&survey);
    lg_dataset_free(d);
    return good;
}

static int work(void *context)
{
    lg_diag *diag = lg_diag_new();
    return lg_cli_finish(diag, check(context, diag));
}

int lg_command_data_check(int argc, char **argv)
{
    static const struct argp parser = {
        .options = option_rows,
        .parser = parse_option,
        .args_doc = "DIR",
        .doc = "Decodes every image of a set and prints what it is made of: models, images and "
               "their sizes, the test sets of the cross-validation, how often each hyperparameter "
               "occurs. DIR has a folder for each generative model, named as in the table of "
               "labels, with .jpg, .jpeg and .png files. Images that cannot be read are listed, "
               "and the exit code is 1. Files with the same bytes and two labels are listed, too, "
               "with a warning."
               "\vExample:\n  lgpnc data check images/ --real=photos/"};
    check_arguments a = {0};
    argp_parse(&parser, argc, argv, 0, NULL, &a);
    return lg_supervise(NULL, work, &a);
}
