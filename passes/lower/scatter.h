// Where the terms of a scatter_add lie, for indices that are known when it is compiled.
#ifndef LG_PASSES_LOWER_SCATTER_H
#define LG_PASSES_LOWER_SCATTER_H

#include "ir/graph.h"

// All i with index[i] = j are among the `width` from (j * rise + offset) / run on, rounded down.
typedef struct lg_scatter_window {
    int64_t rise, run, offset, width;
} lg_scatter_window;

// False where the indices hang on more than constants and iotas, or lie all over the place.
bool lg_scatter_window_of(const lg_op *scatter, lg_scatter_window *window);

#endif
