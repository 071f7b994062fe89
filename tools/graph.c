// lgpnc graph: which hyperparameters occur together, as the input `graph` of LGPN.
#include "tools/arguments.h"
#include "tools/cli.h"
#include "tools/supervise.h"

#include "runtime/cooccurrence.h"
#include "runtime/npy.h"

#include <string.h>

typedef struct graph_arguments {
    const char *table, *output;
    int without_set;
} graph_arguments;

static const struct argp_option option_rows[] = {
    {"output", 'o', "G.npy", 0, "the array to write (`-': standard output)", 0},
    {"table", 't', "FILE.tsv", 0,
     "generative models and their hyperparameters, in the columns of models/red140.tsv; default: "
     "the 140 models of RED140",
     0},
    {"without-set", 's', "N", 0,
     "leave out the models of test set N (1 to 4) of the cross-validation; needs --table", 0},
    {0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    graph_arguments *a = state->input;
    switch (key) {
    case 'o':
        a->output = value;
        return 0;
    case 't':
        a->table = value;
        return 0;
    case 's':
        a->without_set = (int)lg_argument_number(state, "--without-set", value, 1, LG_TEST_SETS);
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "`%s' has no place here; a table goes with --table", value);
        return 0;
    case ARGP_KEY_END:
        if (!a->output)
            argp_error(state, "no file to write; name one with -o G.npy");
        if (a->without_set && !a->table)
            argp_error(state, "--without-set needs --table");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static bool make_graph(const graph_arguments *a, float *graph, lg_error *e)
{
    if (!a->table) {
        memcpy(graph, lg_default_graph(), LG_NODES * LG_NODES * sizeof *graph);
        return true;
    }
    lg_model_table *table = lg_model_table_read(a->table, e);
    bool good = table && lg_cooccurrence_graph(table, a->without_set, graph, e);
    lg_model_table_free(table);
    return good;
}

static bool write_graph(const graph_arguments *a, lg_diag *diag)
{
    lg_error error;
    const int64_t shape[] = {LG_NODES, LG_NODES};
    lg_tensor *graph = lg_tensor_new(LG_ABI_F32, 2, shape, &error);
    bool good =
        graph && make_graph(a, graph->data, &error) && lg_npy_write(a->output, graph, &error);
    lg_tensor_free(graph);
    return good || lg_cli_fail(diag, &error);
}

static int work(void *context)
{
    lg_diag *diag = lg_diag_new();
    return lg_cli_finish(diag, write_graph(context, diag));
}

int lg_command_graph(int argc, char **argv)
{
    static const struct argp parser = {
        .options = option_rows,
        .parser = parse_option,
        .doc = "Writes the graph that LGPN takes beside the image: f32 [55,55], 1 where a "
               "hyperparameter (row) occurs together with another (column) in at least 40 % of "
               "the generative models that have it. `predict' takes the one of RED140 by itself."
               "\vExample:\n  lgpnc graph --table=models/red140.tsv --without-set=1 -o graph.npy"};
    graph_arguments a = {0};
    argp_parse(&parser, argc, argv, 0, NULL, &a);
    return lg_supervise(a.output, work, &a);
}
