// How a direct convolution on a CPU may be cut up, and which way costs least.
#ifndef LG_PASSES_SCHEDULE_CONV_CHOICE_H
#define LG_PASSES_SCHEDULE_CONV_CHOICE_H

#include "ir/graph.h"
#include "passes/schedule/choice.h"
#include "passes/target.h"

// What the cost of a convolution depends on.
typedef struct lg_conv_shape {
    int64_t images, height, width;             // of the result
    int64_t channels, outputs, groups;         // channels and outputs of one group
    int64_t kernel[2], stride[2], dilation[2]; // rows, columns
    bool gradient;          // of the image: pixels a stride apart meet every stride-th tap
    int64_t block, blocks;  // channels in a block of the image's layout, blocks
    int64_t results, reads; // results of the kernel, images of that size that its epilogue reads
    int64_t granule;        // panels of output channels must divide it; 0: it does not matter
} lg_conv_shape;

// The free decisions of passes/schedule/conv.c.
typedef struct lg_conv_choice {
    int64_t rows, vectors;  // of a register tile: pixels x vectors of output channels
    int64_t chunk;          // blocks of input channels that pass over all pixels of a job at once
    int64_t columns, lines; // pixels of a job: a segment of so many rows
    int64_t splits;         // of the panels of output channels, each part a job of its own
    int64_t unroll;         // input channels in straight-line code
    bool measured;          // not chosen by the cost model
} lg_conv_choice;

enum {
    LG_MAX_CONV_CANDIDATES = 64,
    LG_CONV_MOST_ROWS = 14,  // of a tile, so that its code stays short
    LG_CONV_ENOUGH_JOBS = 32 // to keep the threads of a large machine busy
};

// Which axis of the filter are the output channels of `op`: a conv2d, or the gradient of its image.
int lg_conv_outputs(const lg_op *op);
// Of the convolution `op` in the kernel `function`.
lg_conv_shape lg_conv_shape_of(const lg_function *function, const lg_op *op,
                               const lg_target *target);
// Pixels of the result that are so far apart, rows (axis 0) or columns (1), are computed together:
// of a convolution neighbours, of a gradient those that have their taps in common.
int64_t lg_conv_apart(const lg_conv_shape *shape, int axis);
// The taps that these meet.
int64_t lg_conv_taps(const lg_conv_shape *shape);
// The key of its choices, and a choice as text and back: false if the text is none that the shape
// allows on the target.
char *lg_conv_key(lg_arena *arena, const lg_conv_shape *shape);
char *lg_conv_choice_print(lg_arena *arena, const lg_conv_choice *choice);
bool lg_conv_choice_parse(const char *text, const lg_conv_shape *shape, const lg_target *target,
                          lg_conv_choice *choice);

// Do the tiles of one panel ask for the next one? Where its weights come from behind L2.
bool lg_conv_prefetches(const lg_conv_shape *shape, const lg_target *target,
                        const lg_conv_choice *choice);
// Cycles of one core for all of the convolution, by the model at the head of conv_cost.c.
double lg_conv_cycles(const lg_conv_shape *shape, const lg_target *target,
                      const lg_conv_choice *choice);
// The candidates in the order of their cycles; returns their number, at most
// LG_MAX_CONV_CANDIDATES: the cheapest. None where no panel fits the granule. Panels of `vectors`
// vectors only, unless it is 0.
int lg_conv_candidates(const lg_conv_shape *shape, const lg_target *target, int64_t vectors,
                       lg_conv_choice *candidates);
// The one to use: what target->choices says where it says something that fits, else the best. False
// if there is none.
bool lg_conv_choose(const lg_conv_shape *shape, const lg_target *target, int64_t vectors,
                    lg_conv_choice *choice);

#endif
