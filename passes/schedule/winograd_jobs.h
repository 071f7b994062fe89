// The jobs of a convolution in Winograd's form: sizes and the choice of them.
#ifndef LG_PASSES_SCHEDULE_WINOGRAD_JOBS_H
#define LG_PASSES_SCHEDULE_WINOGRAD_JOBS_H

#include "passes/schedule/schedule.h"

typedef struct lg_winograd_jobs {
    // The convolution: tiles of outputs made of n x n inputs.
    int64_t n, batch, inputs, outputs; // images, channels
    int64_t tall, wide;                // tiles of an image
    lg_tile tile;                      // of registers
    bool sums;                         // results are sums over one image each
    bool divisible;                    // jobs may have a part of the panels
    // What is chosen.
    int64_t images, rows, columns; // of a job, rows and columns of tiles
    int64_t row_blocks, segments;  // jobs of an image
    int64_t group;                 // panels between two stages of outputs
    int64_t splits;                // of the panels
} lg_winograd_jobs;

// The cheapest register tile, per fma, of those whose panels the outputs fill.
lg_tile lg_winograd_tile(const lg_target *target, int64_t outputs);
// Fills in what is chosen.
void lg_winograd_choose_jobs(lg_winograd_jobs *c, const lg_target *target);
// Tiles of a job; jobs of all images.
int64_t lg_winograd_tile_count(const lg_winograd_jobs *c);
int64_t lg_winograd_job_count(const lg_winograd_jobs *c);

#endif
