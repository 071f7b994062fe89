// The table of generative models, and the graph of which hyperparameters occur together in it.
#ifndef LG_RUNTIME_COOCCURRENCE_H
#define LG_RUNTIME_COOCCURRENCE_H

#include "runtime/error.h"
#include "runtime/hyperparameters.h"

#include <stddef.h>

enum { LG_TEST_SETS = 4 }; // of the cross-validation, numbered from 1

typedef struct lg_generative_model {
    char name[64];
    char family[32]; // "-" where unknown
    lg_model_facts facts;
    int test_set; // 1..4: held out in that fold; 0: always trained on
} lg_generative_model;

typedef struct lg_model_table {
    size_t count;
    lg_generative_model *models; // in the order of the file
} lg_model_table;

// Reads a table like models/red140.tsv: a header of 28 columns, then a model a line (at most 8192),
// separated by single tabs; lines may end by CR LF. NULL with a message that lists all faults as
// file:line: column. Free with lg_model_table_free.
lg_model_table *lg_model_table_read(const char *path, lg_error *e);

// The same from memory; `text` is followed by a zero byte, `name` stands for the file in messages.
lg_model_table *lg_model_table_parse(const char *text, size_t size, const char *name, lg_error *e);

// The 140 models of models/red140.tsv, as it was when lgpnc was built. Free likewise.
lg_model_table *lg_model_table_default(lg_error *e);

// NULL is allowed.
void lg_model_table_free(lg_model_table *table);

// The directed graph f32 [55,55]: row i holds 1 at what node i attends to, else 0. With n_i models
// that have node i and n_ij that have both, the edge i -> j is there when n_ij / n_i >= 0.4, and i
// -> i always. Models of `without_set` (1..4, or 0 for none) are not counted: they are the test
// set. Fails when `without_set` is none of these.
bool lg_cooccurrence_graph(const lg_model_table *table, int without_set,
                           float graph[LG_NODES * LG_NODES], lg_error *e);

// What the graph is made of: how many models have both nodes, [55,55]; on the diagonal how many
// have the node.
bool lg_cooccurrence_counts(const lg_model_table *table, int without_set,
                            int64_t both[LG_NODES * LG_NODES], lg_error *e);

// That graph of all models of models/red140.tsv, made when lgpnc was built. Static.
const float *lg_default_graph(void);

#endif
