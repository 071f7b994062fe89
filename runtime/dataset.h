// A set of images for training and evaluation: a folder of generated images a generative model, a
// folder of real ones, and the table that says what is known of the models.
#ifndef LG_RUNTIME_DATASET_H
#define LG_RUNTIME_DATASET_H

#include "runtime/cooccurrence.h"

// Of the real images every LG_REAL_SPLIT-th is in the test set of a fold: images fold - 1,
// fold - 1 + LG_REAL_SPLIT, ... in the order of their paths. Like that of the models (15 of 140),
// the four test sets are a tenth each and disjoint.
enum { LG_REAL_SPLIT = 10 };

enum { LG_REAL = -1 }; // in place of a generative model

typedef struct lg_dataset_options {
    const char *data; // one folder a generative model, named as in the table
    // Real images, searched recursively. NULL: real/ in `data`, if the table is from there; else
    // none.
    const char *real;
    // A table like models/red140.tsv. NULL: labels.tsv in `data`, if it is there; else that one,
    // which is built in.
    const char *labels;
    int fold; // 1..4: what its test set holds is not trained on; 0: no test set
} lg_dataset_options;

typedef struct lg_sample {
    char *path; // the dataset's
    int model;  // row of the table, or LG_REAL
    bool is_test;
} lg_sample;

// A row of the table, as the network is taught it.
typedef struct lg_dataset_model {
    int32_t labels[LG_NODES];           // 0 or 1
    float values[LG_CONTINUOUS_VALUES]; // lg_scaled_value: 0..1, NaN where the table does not know
    size_t images;                      // samples of it; 0: no folder, or nothing in it
    bool is_test;                       // held out in the fold
} lg_dataset_model;

typedef struct lg_dataset {
    lg_model_table *table;
    lg_dataset_model *models; // [table->count]
    lg_sample *samples;       // models in the order of the table, then real images; by path within
    size_t count;
    size_t *train, *test; // which samples; a model's images are all in one, ascending
    size_t train_count, test_count;
    size_t real_count;   // of samples
    size_t test_fakes;   // of test
    size_t model_count;  // models with images
    char *labels, *real; // the files that were taken; NULL: built in, none
    int fold;
    float graph[LG_NODES * LG_NODES]; // lg_cooccurrence_graph without the fold's test models
    uint64_t fingerprint; // of names, labels and split, wherever the folders stand: equal sets
                          // train equally (what is inside the files is not looked at)
    size_t others;        // files passed over that are no images by their names
    size_t warning_count; // what a careful user wants to know: empty folders
    char **warnings;      // a line each, without newline
} lg_dataset;

// NULL with a message that lists all faults in one go: a table that is malformed, a folder that is
// missing or cannot be read, a folder of `data` that the table does not know (with the names that
// are close), no image at all, real and generated images mixed up. Models of the table without a
// folder are no fault. Files: .jpg, .jpeg, .png, in folders in the model's folder too. Free with
// lg_dataset_free.
lg_dataset *lg_dataset_open(const lg_dataset_options *options, lg_error *e);

// NULL is allowed.
void lg_dataset_free(lg_dataset *dataset);

// Is this sample (its number) in the test set of fold 1..4, whatever fold the dataset was opened
// with?
bool lg_sample_in_test_set(const lg_dataset *dataset, size_t sample, int fold);

// The name of a sample's generative model, or "real".
const char *lg_sample_model_name(const lg_dataset *dataset, const lg_sample *sample);

#endif
