// What a table of generative models knows of an image, to set beside what is predicted.
#ifndef LG_RUNTIME_TRUTH_H
#define LG_RUNTIME_TRUTH_H

#include "runtime/cooccurrence.h"

typedef struct lg_truth {
    bool fake;
    lg_hyperparameters hyperparameters; // of a fake: each `value`; there is no doubt in them
} lg_truth;

// As in a training set, `file` is of the model whose name the innermost of its folders has that
// `table` knows, and real if that is `real`. False with a message if there is none.
bool lg_truth_of(const lg_model_table *table, const char *file, lg_truth *truth, lg_error *e);

#endif
