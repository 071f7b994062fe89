// Opening goes through four stages: the table, the folders of the models, the real images, the
// split. Faults of the folders are collected, so that a user who has misspelled three names reads
// of all three. The order of samples follows from the table and from names, never from a file
// system, and the split from the order.
#include "runtime/dataset.h"

#include "runtime/closest_model.h"
#include "runtime/image_files.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static bool no_memory(lg_error *e)
{
    return lg_fail(e, "no memory for the list of images");
}

__attribute__((format(printf, 2, 3))) static bool warn(lg_dataset *d, const char *format, ...)
{
    char **warnings = realloc(d->warnings, (d->warning_count + 1) * sizeof *warnings);
    if (!warnings)
        return false;
    d->warnings = warnings;
    va_list args;
    va_start(args, format);
    bool good = vasprintf(&warnings[d->warning_count], format, args) >= 0;
    va_end(args);
    d->warning_count += good;
    return good;
}

// ---- the table

static bool describe_models(lg_dataset *d, const lg_dataset_options *o, lg_error *e)
{
    d->models = calloc(d->table->count, sizeof *d->models);
    if (!d->models)
        return no_memory(e);
    for (size_t m = 0; m < d->table->count; m++) {
        const lg_generative_model *from = &d->table->models[m];
        lg_dataset_model *to = &d->models[m];
        uint8_t labels[LG_NODES];
        lg_node_labels(&from->facts, labels);
        for (int i = 0; i < LG_NODES; i++)
            to->labels[i] = labels[i];
        for (int i = 0; i < LG_CONTINUOUS_VALUES; i++)
            to->values[i] = lg_scaled_value(i, from->facts.architecture[i]);
        to->is_test = o->fold != 0 && from->test_set == o->fold;
    }
    return true;
}

static bool read_table(lg_dataset *d, const lg_dataset_options *o, lg_error *e)
{
    d->table = o->labels ? lg_model_table_read(o->labels, e) : lg_model_table_default(e);
    d->fold = o->fold;
    return d->table && lg_cooccurrence_graph(d->table, o->fold, d->graph, e) &&
           describe_models(d, o, e);
}

// ---- folders

// Takes over the paths.
static bool add_samples(lg_dataset *d, lg_file_list *files, int model, lg_error *e)
{
    if (files->count == 0)
        return true;
    lg_sample *samples = realloc(d->samples, (d->count + files->count) * sizeof *samples);
    if (!samples)
        return no_memory(e);
    d->samples = samples;
    for (size_t i = 0; i < files->count; i++) {
        samples[d->count++] = (lg_sample){.path = files->paths[i], .model = model};
        files->paths[i] = NULL;
    }
    return true;
}

static bool read_images(lg_dataset *d, const char *folder, int model, lg_error *e)
{
    lg_file_list files = {0};
    bool good = lg_image_files(folder, &files, e) && add_samples(d, &files, model, e);
    d->others += files.others;
    if (good && files.count == 0)
        good = warn(d, "%s: no images in it (.jpg, .jpeg, .png)", folder) || no_memory(e);
    if (model == LG_REAL)
        d->real_count = files.count;
    else
        d->models[model].images = files.count;
    d->model_count += model != LG_REAL && files.count > 0;
    lg_file_list_free(&files);
    return good;
}

static int find_model(const lg_model_table *table, const char *name)
{
    for (size_t m = 0; m < table->count; m++)
        if (strcmp(table->models[m].name, name) == 0)
            return (int)m;
    return -1;
}

static bool unknown_folder(const lg_model_table *table, const char *folder, const char *name,
                           lg_error *e)
{
    char close[LG_CLOSEST_BYTES];
    if (lg_closest_models(table, name, close))
        return lg_fail_more(e, "%s: the table of labels has no such generative model; close are %s",
                            folder, close);
    return lg_fail_more(e,
                        "%s: the table of labels has no such generative model, nor one with a name "
                        "like it",
                        folder);
}

// Which models have a folder. Entries that are no folders are passed over.
static bool match_folders(lg_dataset *d, const lg_dataset_options *o, DIR *root, bool *has_folder,
                          lg_error *e)
{
    struct stat real = {0}, about;
    int folder_fd = dirfd(root);
    assert(folder_fd >= 0);
    bool has_real = o->real && stat(o->real, &real) == 0, good = true;
    lg_error_clear(e);
    for (struct dirent *entry; (entry = readdir(root));) {
        if (entry->d_name[0] == '.' || fstatat(folder_fd, entry->d_name, &about, 0) != 0)
            continue;
        if (!S_ISDIR(about.st_mode)) {
            d->others++;
            continue;
        }
        char folder[PATH_MAX];
        snprintf(folder, sizeof folder, "%s/%s", o->data, entry->d_name);
        int model = find_model(d->table, entry->d_name);
        // The real images may stand among the models, if --real says so.
        if (has_real && about.st_dev == real.st_dev && about.st_ino == real.st_ino) {
            if (model >= 0)
                good = lg_fail_more(e,
                                    "%s: is named as real images, and has the name of a "
                                    "generative model",
                                    folder);
        } else if (model < 0)
            good = unknown_folder(d->table, folder, entry->d_name, e);
        else
            has_folder[model] = true;
    }
    return good;
}

static bool read_models(lg_dataset *d, const lg_dataset_options *o, lg_error *e)
{
    DIR *root = opendir(o->data);
    if (!root)
        return lg_fail(e, "%s: cannot open the folder: %s", o->data, strerror(errno));
    bool *has_folder = calloc(d->table->count, sizeof *has_folder);
    bool good = has_folder ? match_folders(d, o, root, has_folder, e) : no_memory(e);
    closedir(root);
    for (size_t m = 0; good && m < d->table->count; m++) {
        char *folder;
        if (!has_folder[m])
            continue;
        if (asprintf(&folder, "%s/%s", o->data, d->table->models[m].name) < 0)
            folder = NULL;
        good = folder ? read_images(d, folder, (int)m, e) : no_memory(e);
        free(folder);
    }
    free(has_folder);
    return good;
}

// Is the folder `inner` the same as `outer`, or in it?
static bool is_within(const char *inner, const char *outer)
{
    char *a = realpath(inner, NULL), *b = realpath(outer, NULL);
    size_t length = b ? strlen(b) : 0;
    bool within = a && b && strncmp(a, b, length) == 0 &&
                  (a[length] == '/' || a[length] == '\0' || length == 1);
    free(a);
    free(b);
    return within;
}

// A picture that is both real and generated would be taught as both.
static bool check_apart(const lg_dataset *d, const lg_dataset_options *o, lg_error *e)
{
    if (is_within(o->data, o->real))
        return lg_fail(e, "%s: the real images must not have the generated ones of %s among them",
                       o->real, o->data);
    for (size_t m = 0; m < d->table->count; m++) {
        char folder[PATH_MAX];
        snprintf(folder, sizeof folder, "%s/%s", o->data, d->table->models[m].name);
        if (d->models[m].images > 0 && is_within(o->real, folder))
            return lg_fail(e, "%s: the real images must not be among the generated ones of %s",
                           o->real, folder);
    }
    return true;
}

static bool read_samples(lg_dataset *d, const lg_dataset_options *o, lg_error *e)
{
    if (!read_models(d, o, e))
        return false;
    if (o->real && !(check_apart(d, o, e) && read_images(d, o->real, LG_REAL, e)))
        return false;
    if (d->model_count == 0)
        return lg_fail(e,
                       "%s: no generated images; it needs a folder for each generative model, "
                       "called as in the table of labels, with .jpg, .jpeg or .png files",
                       o->data);
    return true;
}

// ---- the split

static bool split(lg_dataset *d, lg_error *e)
{
    d->train = malloc(d->count * sizeof *d->train);
    d->test = malloc(d->count * sizeof *d->test);
    if (!d->train || !d->test)
        return no_memory(e);
    for (size_t i = 0; i < d->count; i++) {
        d->samples[i].is_test = d->fold != 0 && lg_sample_in_test_set(d, i, d->fold);
        if (d->samples[i].is_test)
            d->test[d->test_count++] = i;
        else
            d->train[d->train_count++] = i;
        d->test_fakes += d->samples[i].is_test && d->samples[i].model != LG_REAL;
    }
    return true;
}

// The path below `data`/MODEL or `real`.
static const char *inner_path(const lg_dataset *d, const lg_dataset_options *o, const lg_sample *s)
{
    size_t length = s->model == LG_REAL ? strlen(o->real) : strlen(o->data) + 1;
    if (s->model != LG_REAL)
        length += strlen(d->table->models[s->model].name);
    return s->path + length + strspn(s->path + length, "/");
}

static uint64_t fingerprint_of(const lg_dataset *d, const lg_dataset_options *o)
{
    XXH64_state_t state, *hash = &state;
    XXH64_reset(hash, 0);
    XXH64_update(hash, d->graph, sizeof d->graph);
    for (size_t i = 0; i < d->count; i++) {
        const lg_sample *s = &d->samples[i];
        const char *model = lg_sample_model_name(d, s), *path = inner_path(d, o, s);
        XXH64_update(hash, model, strlen(model) + 1);
        XXH64_update(hash, path, strlen(path) + 1);
        XXH64_update(hash, &s->is_test, sizeof s->is_test);
        if (s->model != LG_REAL) {
            const lg_dataset_model *m = &d->models[s->model];
            XXH64_update(hash, m->labels, sizeof m->labels);
            XXH64_update(hash, m->values, sizeof m->values);
        }
    }
    return XXH64_digest(hash);
}

// DATA/NAME if there is such a thing, else NULL.
static bool find_in(const char *data, const char *name, char **path, lg_error *e)
{
    if (asprintf(path, "%s/%s", data, name) < 0) {
        *path = NULL;
        return no_memory(e);
    }
    if (access(*path, F_OK) != 0) {
        free(*path);
        *path = NULL;
    }
    return true;
}

static bool copy_path(const char *path, char **copy, lg_error *e)
{
    *copy = strdup(path);
    return *copy || no_memory(e);
}

// A set that brings its own table (lgpnc zoo make) needs nothing but its name.
static bool complete(lg_dataset *d, const lg_dataset_options *given, lg_dataset_options *o,
                     lg_error *e)
{
    *o = *given;
    bool good = o->labels ? copy_path(o->labels, &d->labels, e)
                          : find_in(o->data, "labels.tsv", &d->labels, e);
    bool own = !o->labels && d->labels;
    if (good && o->real)
        good = copy_path(o->real, &d->real, e);
    else if (good && own)
        good = find_in(o->data, "real", &d->real, e);
    o->labels = d->labels;
    o->real = d->real;
    return good;
}

lg_dataset *lg_dataset_open(const lg_dataset_options *options, lg_error *e)
{
    lg_dataset_options o;
    lg_dataset *d = calloc(1, sizeof *d);
    if (!d) {
        no_memory(e);
        return NULL;
    }
    if (complete(d, options, &o, e) && read_table(d, &o, e) && read_samples(d, &o, e) &&
        split(d, e)) {
        d->fingerprint = fingerprint_of(d, &o);
        return d;
    }
    lg_dataset_free(d);
    return NULL;
}

void lg_dataset_free(lg_dataset *dataset)
{
    if (!dataset)
        return;
    for (size_t i = 0; i < dataset->count; i++)
        free(dataset->samples[i].path);
    for (size_t i = 0; i < dataset->warning_count; i++)
        free(dataset->warnings[i]);
    free(dataset->samples);
    free(dataset->warnings);
    free(dataset->train);
    free(dataset->test);
    free(dataset->models);
    free(dataset->labels);
    free(dataset->real);
    lg_model_table_free(dataset->table);
    free(dataset);
}

bool lg_sample_in_test_set(const lg_dataset *dataset, size_t sample, int fold)
{
    int model = dataset->samples[sample].model;
    size_t first_real = dataset->count - dataset->real_count;
    return model == LG_REAL ? (sample - first_real) % LG_REAL_SPLIT == (size_t)fold - 1
                            : dataset->table->models[model].test_set == fold;
}

const char *lg_sample_model_name(const lg_dataset *dataset, const lg_sample *sample)
{
    return sample->model == LG_REAL ? "real" : dataset->table->models[sample->model].name;
}
