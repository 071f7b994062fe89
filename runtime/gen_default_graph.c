// Runs while lgpnc is built: writes lg_default_graph() as C, from the table of models. A standalone
// executable has no file beside it to read the table from.
//
//     gen_default_graph models/red140.tsv default_graph.c
#include "runtime/atomic_file.h"
#include "runtime/cooccurrence.h"

static bool write_graph(const char *path, const float *graph, lg_error *e)
{
    lg_atomic_file out;
    if (!lg_atomic_open(&out, path, 0666, e))
        return false;
    fprintf(out.stream, "// Made by gen_default_graph.\n"
                        "#include \"runtime/cooccurrence.h\"\n\n"
                        "static const float graph[LG_NODES * LG_NODES] = {\n");
    for (int i = 0; i < LG_NODES; i++) {
        fputs("   ", out.stream);
        for (int j = 0; j < LG_NODES; j++)
            fprintf(out.stream, " %d,", (int)graph[i * LG_NODES + j]);
        fputc('\n', out.stream);
    }
    fprintf(out.stream, "};\n\nconst float *lg_default_graph(void)\n{\n    return graph;\n}\n");
    return lg_atomic_commit(&out, e);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: gen_default_graph TABLE.tsv OUT.c\n");
        return 2;
    }
    lg_error e;
    float graph[LG_NODES * LG_NODES];
    lg_model_table *table = lg_model_table_read(argv[1], &e);
    bool ok =
        table && lg_cooccurrence_graph(table, 0, graph, &e) && write_graph(argv[2], graph, &e);
    if (!ok)
        fprintf(stderr, "gen_default_graph: %s\n", e.message);
    lg_model_table_free(table);
    return ok ? 0 : 1;
}
