// lgpnc data graph: which hyperparameters occur together, as the input `graph` of LGPN, and the
// hierarchy that it is taught; as arrays and as pictures.
#include "tools/arguments.h"
#include "tools/cli.h"
#include "tools/graph_svg.h"
#include "tools/supervise.h"

#include "runtime/cooccurrence.h"
#include "runtime/npy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct graph_arguments {
    const char *labels, *output, *folder;
    int fold;
} graph_arguments;

static const struct argp_option option_rows[] = {
    {"output", 'o', "G.npy", 0, "write the graph alone (`-': standard output)", 0},
    {"output-dir", 'd', "DIR", 0,
     "write all: graph.npy f32 [55,55] and graph.svg; hierarchy.npy f32 [18,55] (which nodes a "
     "supernode has), hierarchy-top.npy f32 [6,18] and hierarchy.svg; pool-target.npy f32 [18,55] "
     "and unpool-target.npy f32 [55,18], what LGPN's assignments are drawn to",
     0},
    {"labels", 'l', "FILE.tsv", 0,
     "generative models and their hyperparameters, in the columns of models/red140.tsv; default: "
     "the 140 models of RED140",
     0},
    {"cross-val", 'k', "N", 0,
     "leave out the models of test set N (1 to 4) of the cross-validation", 0},
    {0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    graph_arguments *a = state->input;
    switch (key) {
    case 'o':
        a->output = value;
        return 0;
    case 'd':
        a->folder = value;
        return 0;
    case 'l':
        a->labels = value;
        return 0;
    case 'k':
        a->fold = (int)lg_argument_number(state, "--cross-val", value, 1, LG_TEST_SETS);
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "`%s' has no place here; a table goes with --labels", value);
        return 0;
    case ARGP_KEY_END:
        if (!a->output && !a->folder)
            argp_error(state, "no file to write; name one with -o G.npy, or --output-dir=DIR");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

// ---- what is written

typedef struct graph_files {
    int64_t both[LG_NODES * LG_NODES];
    float graph[LG_NODES * LG_NODES];
    float members[LG_SUPERNODES * LG_NODES], top[LG_TOP_NODES * LG_SUPERNODES];
    float pool[LG_SUPERNODES * LG_NODES], unpool[LG_NODES * LG_SUPERNODES];
    lg_cooccurrence_picture picture;
} graph_files;

static bool count_models(const graph_arguments *a, graph_files *f, lg_error *e)
{
    lg_model_table *table =
        a->labels ? lg_model_table_read(a->labels, e) : lg_model_table_default(e);
    bool good = table && lg_cooccurrence_counts(table, a->fold, f->both, e) &&
                lg_cooccurrence_graph(table, a->fold, f->graph, e);
    lg_cooccurrence_picture *p = &f->picture;
    p->both = f->both;
    p->graph = f->graph;
    for (size_t i = 0; good && i < table->count; i++)
        p->models += a->fold == 0 || table->models[i].test_set != a->fold;
    int used = snprintf(p->from, sizeof p->from, "%.200s", a->labels ? a->labels : "RED140");
    if (a->fold)
        snprintf(p->from + used, sizeof p->from - (size_t)used, " without test set %d", a->fold);
    lg_model_table_free(table);
    lg_hierarchy_members(f->members, f->top);
    lg_hierarchy_targets(f->pool, f->unpool);
    return good;
}

static bool write_array(const char *path, float *values, int64_t rows, int64_t columns, lg_error *e)
{
    const lg_tensor tensor = {.dtype = LG_ABI_F32,
                              .rank = 2,
                              .shape = {rows, columns},
                              .data = values,
                              .bytes = (size_t)(rows * columns) * sizeof *values};
    return lg_npy_write(path, &tensor, e);
}

static void draw_graph(const void *what, FILE *out)
{
    lg_cooccurrence_draw(what, out);
}

static void draw_hierarchy(const void *what, FILE *out)
{
    (void)what;
    lg_hierarchy_draw(out);
}

static bool write_all(const char *folder, graph_files *f, lg_diag *diag)
{
    const struct {
        const char *name;
        float *values;
        int64_t rows, columns;
        void (*draw)(const void *what, FILE *out);
    } files[] = {{"graph.npy", f->graph, LG_NODES, LG_NODES, NULL},
                 {"hierarchy.npy", f->members, LG_SUPERNODES, LG_NODES, NULL},
                 {"hierarchy-top.npy", f->top, LG_TOP_NODES, LG_SUPERNODES, NULL},
                 {"pool-target.npy", f->pool, LG_SUPERNODES, LG_NODES, NULL},
                 {"unpool-target.npy", f->unpool, LG_NODES, LG_SUPERNODES, NULL},
                 {"graph.svg", NULL, 0, 0, draw_graph},
                 {"hierarchy.svg", NULL, 0, 0, draw_hierarchy}};
    lg_error error;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return lg_error_at(diag, (lg_location){0}, "%s: cannot make the folder: %s", folder,
                           strerror(errno));
    bool good = true;
    for (size_t i = 0; good && i < sizeof files / sizeof *files; i++) {
        char *path;
        if (asprintf(&path, "%s/%s", folder, files[i].name) < 0)
            return lg_error_at(diag, (lg_location){0}, "%s: no memory for a name", folder);
        if (files[i].draw)
            good = lg_cli_write(path, files[i].draw, &f->picture, diag);
        else
            good = write_array(path, files[i].values, files[i].rows, files[i].columns, &error) ||
                   lg_cli_fail(diag, &error);
        free(path);
    }
    return good;
}

static bool write_files(const graph_arguments *a, graph_files *f, lg_diag *diag)
{
    lg_error error;
    if (!count_models(a, f, &error))
        return lg_cli_fail(diag, &error);
    if (a->output && !write_array(a->output, f->graph, LG_NODES, LG_NODES, &error))
        return lg_cli_fail(diag, &error);
    return !a->folder || write_all(a->folder, f, diag);
}

static int work(void *context)
{
    lg_diag *diag = lg_diag_new();
    graph_files *files = calloc(1, sizeof *files);
    bool good = files ? write_files(context, files, diag)
                      : lg_error_at(diag, (lg_location){0}, "not enough memory");
    free(files);
    return lg_cli_finish(diag, good);
}

int lg_command_data_graph(int argc, char **argv)
{
    static const struct argp parser = {
        .options = option_rows,
        .parser = parse_option,
        .doc = "Writes the graph that LGPN takes beside the image: f32 [55,55], 1 where a "
               "hyperparameter (row) occurs together with another (column) in at least 40 % of "
               "the generative models that have it. `predict' takes the one of RED140 by itself. "
               "With --output-dir also the hierarchy of hyperparameters, and pictures of both."
               "\vExamples:\n  lgpnc data graph -o graph.npy\n"
               "  lgpnc data graph --labels=models/red140.tsv --cross-val=1 --output-dir=fold1"};
    graph_arguments a = {0};
    argp_parse(&parser, argc, argv, 0, NULL, &a);
    const char *outputs[] = {a.output, a.folder};
    return lg_supervise_all(outputs, 2, work, &a);
}
