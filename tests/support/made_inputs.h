// Inputs of models that parse hyperparameters, made up: an image, a graph, labels.
#ifndef LG_TESTS_SUPPORT_MADE_INPUTS_H
#define LG_TESTS_SUPPORT_MADE_INPUTS_H

#include <stdint.h>

// Element `index` of the input of this name: "image" in -1..1 without a pattern, "graph" with an
// edge to itself and to every third, "labels" 0 and 1, "fake" for all images but each second,
// "values" in 0..1, "learning_rate" 1e-4; 0 for any other. The same in every run.
double lg_made_input(const char *name, int64_t index);

#endif
