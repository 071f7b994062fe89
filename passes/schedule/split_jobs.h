// The jobs of a convolution on the matrix unit: sizes and the choice of them.
#ifndef LG_PASSES_SCHEDULE_SPLIT_JOBS_H
#define LG_PASSES_SCHEDULE_SPLIT_JOBS_H

#include "passes/target.h"

// Rows and columns of an accumulator, input channels of an operand, output channels of a panel.
enum { LG_MATRIX_SIDE = 16, LG_MATRIX_DEPTH = 32, LG_SPLIT_PANEL = 2 * LG_MATRIX_SIDE };

typedef struct lg_split_jobs {
    // The convolution.
    int64_t batch, tall, wide;           // images, rows and columns of outputs
    int64_t inputs, outputs, groups;     // channels, of all groups
    int64_t kernel[2], stride[2], parts; // parts of bf16 of every number
    bool divisible;                      // jobs may have a part of the panels
    // What is chosen.
    int64_t rows, splits; // of a job; of the panels
    // What follows from it: how the pixels of a job are numbered (split_conv.c).
    int64_t phases[2];   // planes along each axis
    int64_t row;         // positions from a row of a plane to the next
    int64_t plane_rows;  // of a plane
    int64_t lines, line; // stretches of positions that tiles are cut from; the length of one
    int64_t tiles;       // of a line
    int64_t positions;   // of a plane, with those that only tiles that reach over the end see
} lg_split_jobs;

// Fills in what is chosen, by the cost model, and what follows.
void lg_split_choose_jobs(lg_split_jobs *c, const lg_target *target);
// Jobs of an image's rows; of all.
int64_t lg_split_row_blocks(const lg_split_jobs *c);
int64_t lg_split_job_count(const lg_split_jobs *c);
// Cycles of one core for all of it, on one thread and on all cores in the mean.
double lg_split_cycles(const lg_split_jobs *c, const lg_target *target);

#endif
