// How the gradient of a convolution's filter may be cut up on a CPU, and which way costs least.
#ifndef LG_PASSES_SCHEDULE_FILTER_GRAD_CHOICE_H
#define LG_PASSES_SCHEDULE_FILTER_GRAD_CHOICE_H

#include "ir/graph.h"
#include "passes/schedule/choice.h"
#include "passes/target.h"

// What its cost depends on.
typedef struct lg_filter_grad_shape {
    int64_t images, height, width;             // of the gradient
    int64_t channels, outputs, groups;         // channels and outputs of one group
    int64_t kernel[2], stride[2], dilation[2]; // rows, columns
} lg_filter_grad_shape;

enum { LG_ALONG_OUTPUTS = 1, LG_ALONG_CHANNELS };
enum { LG_MAX_FILTER_GRAD_CANDIDATES = 16 };

// The free decisions of passes/schedule/filter_grad.c.
typedef struct lg_filter_grad_choice {
    int64_t rows, vectors;           // of a register tile
    int64_t along;                   // vectors are of outputs and rows channels, or vice versa
    int64_t row_blocks, lane_blocks; // of a job, of one group
    int64_t columns, lines, images;  // pixels of a strip
    int64_t parts;                   // of the strips, each in jobs of its own
    int64_t unroll;                  // pixels in straight-line code
    bool measured;                   // not chosen by the cost model
} lg_filter_grad_choice;

// The two operands by their part in a tile, for vectors along `along`. Channels count in blocks:
// of a vector, or all that a group has if they are fewer.
typedef struct lg_filter_grad_sides {
    int64_t rows, row_block, row_blocks;    // channels of rows in a group, in a block; blocks
    int64_t lanes, lane_block, lane_blocks; // the same of vectors
    // Filter columns that extend the rows of a block: those of an image of few channels, which
    // adjoin in memory; else 1.
    int64_t merged;
} lg_filter_grad_sides;

lg_filter_grad_sides lg_filter_grad_sides_of(const lg_filter_grad_shape *shape,
                                             const lg_target *target, int64_t along);

lg_filter_grad_shape lg_filter_grad_shape_of(const lg_op *op);
char *lg_filter_grad_key(lg_arena *arena, const lg_filter_grad_shape *shape);
char *lg_filter_grad_choice_print(lg_arena *arena, const lg_filter_grad_choice *choice);
// False if the text is none that the shape allows on the target.
bool lg_filter_grad_choice_parse(const char *text, const lg_filter_grad_shape *shape,
                                 const lg_target *target, lg_filter_grad_choice *choice);

// Strips of the pixels, and of one part.
int64_t lg_filter_grad_strips(const lg_filter_grad_shape *shape,
                              const lg_filter_grad_choice *choice);
int64_t lg_filter_grad_part_strips(const lg_filter_grad_shape *shape,
                                   const lg_filter_grad_choice *choice);
// Bytes of a job's sums.
int64_t lg_filter_grad_sums(const lg_filter_grad_shape *shape, const lg_target *target,
                            const lg_filter_grad_choice *choice);

// Cycles of one core, by the model at the head of filter_grad_cost.c.
double lg_filter_grad_cycles(const lg_filter_grad_shape *shape, const lg_target *target,
                             const lg_filter_grad_choice *choice);
// The candidates in the order of their cycles; returns their number, at most
// LG_MAX_FILTER_GRAD_CANDIDATES: the cheapest. None where the sums of one block of rows and one
// tile of vectors are too large.
int lg_filter_grad_candidates(const lg_filter_grad_shape *shape, const lg_target *target,
                              lg_filter_grad_choice *candidates);
// The one to use: what target->choices says where it says something that fits, else the best. False
// if there is none.
bool lg_filter_grad_choose(const lg_filter_grad_shape *shape, const lg_target *target,
                           lg_filter_grad_choice *choice);

#endif
