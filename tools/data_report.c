// Counting first, printing after: both forms say the same.
#include "tools/data_report.h"

#include "runtime/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// Images of one kind: of a generative model, or the real ones.
typedef struct image_group {
    size_t images, broken;
    int width[2], height[2]; // smallest and largest of those that are whole
} image_group;

typedef struct part {
    size_t models, images, reals; // generative models that have images, their images, real images
} part;

typedef struct node_count {
    size_t models, images;
    size_t test_models[LG_TEST_SETS];
} node_count;

struct lg_data_report {
    const lg_dataset *dataset;
    const lg_image_survey *survey;
    const lg_duplicates *duplicates;
    const char *data, *real;
    image_group *models; // one a row of the table
    image_group reals, all;
    part train[LG_TEST_SETS], test[LG_TEST_SETS];
    node_count nodes[LG_NODES];
    int first_fold, last_fold;
};

// ---- counting

static void widen(int range[2], int value)
{
    if (range[0] == 0 || value < range[0])
        range[0] = value;
    if (value > range[1])
        range[1] = value;
}

static void count_image(image_group *group, const lg_surveyed_image *image)
{
    group->images++;
    if (image->reason) {
        group->broken++;
        return;
    }
    widen(group->width, image->width);
    widen(group->height, image->height);
}

static void count_folds(lg_data_report *r, size_t sample)
{
    const lg_dataset *d = r->dataset;
    int model = d->samples[sample].model;
    bool is_first = model != LG_REAL && (sample == 0 || d->samples[sample - 1].model != model);
    for (int fold = 1; fold <= LG_TEST_SETS; fold++) {
        part *p = lg_sample_in_test_set(d, sample, fold) ? &r->test[fold - 1] : &r->train[fold - 1];
        p->models += is_first;
        p->images += model != LG_REAL;
        p->reals += model == LG_REAL;
    }
}

static void count_nodes(lg_data_report *r)
{
    const lg_dataset *d = r->dataset;
    for (size_t m = 0; m < d->table->count; m++) {
        int set = d->table->models[m].test_set;
        if (d->models[m].images == 0)
            continue;
        for (int i = 0; i < LG_NODES; i++) {
            if (!d->models[m].labels[i])
                continue;
            r->nodes[i].models++;
            r->nodes[i].images += d->models[m].images;
            if (set > 0)
                r->nodes[i].test_models[set - 1]++;
        }
    }
}

lg_data_report *lg_data_report_new(const lg_dataset *dataset, const lg_image_survey *survey,
                                   const lg_duplicates *duplicates, const char *data,
                                   const char *real)
{
    lg_data_report *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    *r = (lg_data_report){
        .dataset = dataset, .survey = survey, .duplicates = duplicates, .data = data, .real = real};
    r->first_fold = dataset->fold ? dataset->fold : 1;
    r->last_fold = dataset->fold ? dataset->fold : LG_TEST_SETS;
    r->models = calloc(dataset->table->count, sizeof *r->models);
    if (!r->models) {
        free(r);
        return NULL;
    }
    for (size_t i = 0; i < dataset->count; i++) {
        int model = dataset->samples[i].model;
        count_image(model == LG_REAL ? &r->reals : &r->models[model], &survey->images[i]);
        count_image(&r->all, &survey->images[i]);
        count_folds(r, i);
    }
    count_nodes(r);
    return r;
}

void lg_data_report_free(lg_data_report *report)
{
    if (report)
        free(report->models);
    free(report);
}

// ---- tables

// "256x256", "64x64..1024x768".
static void print_size(const image_group *g, char text[64])
{
    if (g->images == g->broken)
        snprintf(text, 64, "-");
    else if (g->width[0] == g->width[1] && g->height[0] == g->height[1])
        snprintf(text, 64, "%dx%d", g->width[0], g->height[0]);
    else
        snprintf(text, 64, "%dx%d..%dx%d", g->width[0], g->height[0], g->width[1], g->height[1]);
}

static void print_group(FILE *out, const char *name, const char *family, const image_group *g,
                        int test_set)
{
    char size[64], set[16] = "-";
    print_size(g, size);
    if (test_set > 0)
        snprintf(set, sizeof set, "%d", test_set);
    fprintf(out, "  %-24s %-12s %8zu %8zu  %-22s %s\n", name, family, g->images, g->broken, size,
            set);
}

static void print_models(const lg_data_report *r, FILE *out)
{
    const lg_dataset *d = r->dataset;
    fprintf(out, "  %-24s %-12s %8s %8s  %-22s %s\n", "model", "family", "images", "broken",
            "width x height", "test set");
    for (size_t m = 0; m < d->table->count; m++) {
        const lg_generative_model *model = &d->table->models[m];
        if (d->models[m].images > 0)
            print_group(out, model->name, model->family, &r->models[m], model->test_set);
    }
    if (r->real)
        print_group(out, "real", "", &r->reals, 0);
    print_group(out, "all", "", &r->all, 0);
}

static void print_folds(const lg_data_report *r, FILE *out)
{
    fprintf(out, "\n  %-10s %28s   %28s\n  %-10s %8s %10s %8s   %8s %10s %8s\n", "", "training",
            "test", "test set", "models", "generated", "real", "models", "generated", "real");
    for (int i = r->first_fold - 1; i < r->last_fold; i++) {
        const part *a = &r->train[i], *b = &r->test[i];
        fprintf(out, "  %-10d %8zu %10zu %8zu   %8zu %10zu %8zu\n", i + 1, a->models, a->images,
                a->reals, b->models, b->images, b->reals);
    }
}

static void print_nodes(const lg_data_report *r, FILE *out)
{
    fprintf(out, "\n  %-24s %8s %10s  ", "node", "models", "images");
    for (int fold = r->first_fold; fold <= r->last_fold; fold++)
        fprintf(out, " test set %d", fold);
    fputc('\n', out);
    for (int i = 0; i < LG_NODES; i++) {
        char name[40];
        const node_count *n = &r->nodes[i];
        fprintf(out, "  %-24s %8zu %10zu  ", lg_node_name(i, name), n->models, n->images);
        for (int fold = r->first_fold; fold <= r->last_fold; fold++)
            fprintf(out, " %10zu", n->test_models[fold - 1]);
        fputc('\n', out);
    }
}

static void print_broken(const lg_data_report *r, FILE *out)
{
    if (r->survey->broken_count > 0)
        fprintf(out, "\nbroken images:\n");
    for (size_t i = 0; i < r->survey->count; i++)
        if (r->survey->images[i].reason)
            fprintf(out, "  %s\n", r->survey->images[i].reason);
}

static void print_duplicates(const lg_data_report *r, FILE *out)
{
    const lg_duplicates *d = r->duplicates;
    const lg_sample *samples = r->dataset->samples;
    if (d->count > 0)
        fprintf(out, "\nfiles with the bytes of another: %zu, of which %zu with another label\n",
                d->count, d->across_count);
    for (size_t i = 0; i < d->across_count; i++)
        fprintf(out, "  %s is %s\n", samples[d->across[i].sample].path,
                samples[d->across[i].first].path);
}

void lg_data_report_text(const lg_data_report *r, FILE *out)
{
    const lg_dataset *d = r->dataset;
    fprintf(out, "%s: %zu of %zu generative models, %zu images", r->data, d->model_count,
            d->table->count, d->count - d->real_count);
    if (r->real)
        fprintf(out, "; %s: %zu real images", r->real, d->real_count);
    if (d->others > 0)
        fprintf(out, "; %zu other files passed over", d->others);
    fprintf(out, "\n\n");
    print_models(r, out);
    print_folds(r, out);
    print_nodes(r, out);
    print_broken(r, out);
    print_duplicates(r, out);
}

// ---- JSON

static void print_json_group(FILE *out, const image_group *g)
{
    fprintf(out, "\"images\":%zu,\"broken\":%zu,\"width\":[%d,%d],\"height\":[%d,%d]}", g->images,
            g->broken, g->width[0], g->width[1], g->height[0], g->height[1]);
}

static void print_json_models(const lg_data_report *r, FILE *out)
{
    const lg_dataset *d = r->dataset;
    const char *separator = "";
    fputs(",\"models\":[", out);
    for (size_t m = 0; m < d->table->count; m++) {
        const lg_generative_model *model = &d->table->models[m];
        if (d->models[m].images == 0)
            continue;
        fprintf(out, "%s{\"name\":", separator);
        lg_json_string(out, model->name);
        fputs(",\"family\":", out);
        lg_json_string(out, model->family);
        fprintf(out, ",\"test_set\":%d,", model->test_set);
        print_json_group(out, &r->models[m]);
        separator = ",";
    }
    fputs("],\"real\":{", out);
    print_json_group(out, &r->reals);
}

static void print_json_part(FILE *out, const char *name, const part *p)
{
    fprintf(out, ",\"%s\":{\"models\":%zu,\"generated\":%zu,\"real\":%zu}", name, p->models,
            p->images, p->reals);
}

static void print_json_counts(const lg_data_report *r, FILE *out)
{
    fputs(",\"test_sets\":[", out);
    for (int fold = r->first_fold; fold <= r->last_fold; fold++) {
        fprintf(out, "%s{\"number\":%d", fold > r->first_fold ? "," : "", fold);
        print_json_part(out, "training", &r->train[fold - 1]);
        print_json_part(out, "test", &r->test[fold - 1]);
        fputc('}', out);
    }
    fputs("],\"nodes\":[", out);
    for (int i = 0; i < LG_NODES; i++) {
        char name[40];
        const node_count *n = &r->nodes[i];
        fprintf(out, "%s{\"name\":\"%s\",\"models\":%zu,\"images\":%zu,\"test_models\":[",
                i ? "," : "", lg_node_name(i, name), n->models, n->images);
        for (int fold = r->first_fold; fold <= r->last_fold; fold++)
            fprintf(out, "%s%zu", fold > r->first_fold ? "," : "", n->test_models[fold - 1]);
        fputs("]}", out);
    }
    fputc(']', out);
}

static void print_json_broken(const lg_data_report *r, FILE *out)
{
    const char *separator = "";
    fputs(",\"broken\":[", out);
    for (size_t i = 0; i < r->survey->count; i++) {
        if (!r->survey->images[i].reason)
            continue;
        fprintf(out, "%s{\"file\":", separator);
        lg_json_string(out, r->dataset->samples[i].path);
        fputs(",\"reason\":", out);
        lg_json_string(out, r->survey->images[i].reason);
        fputc('}', out);
        separator = ",";
    }
    fputc(']', out);
}

static void print_json_duplicates(const lg_data_report *r, FILE *out)
{
    const lg_duplicates *d = r->duplicates;
    fprintf(out, ",\"duplicates\":{\"files\":%zu,\"other_label\":[", d->count);
    for (size_t i = 0; i < d->across_count; i++) {
        fputs(i ? ",[" : "[", out);
        lg_json_string(out, r->dataset->samples[d->across[i].sample].path);
        fputc(',', out);
        lg_json_string(out, r->dataset->samples[d->across[i].first].path);
        fputc(']', out);
    }
    fputs("]}", out);
}

void lg_data_report_json(const lg_data_report *r, FILE *out)
{
    const lg_dataset *d = r->dataset;
    fputs("{\"data\":", out);
    lg_json_string(out, r->data);
    fprintf(out, ",\"table_models\":%zu,\"other_files\":%zu,\"fingerprint\":\"%016" PRIx64 "\"",
            d->table->count, d->others, d->fingerprint);
    print_json_models(r, out);
    print_json_counts(r, out);
    print_json_broken(r, out);
    print_json_duplicates(r, out);
    fputs(",\"warnings\":[", out);
    for (size_t i = 0; i < d->warning_count; i++) {
        fputs(i ? "," : "", out);
        lg_json_string(out, d->warnings[i]);
    }
    fputs("]}\n", out);
}
