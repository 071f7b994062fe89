// What the files of the matrix product's schedule share: the shape, the choice of blocks, and the
// copies of operands into memory of the job.
#ifndef LG_PASSES_SCHEDULE_MATMUL_H
#define LG_PASSES_SCHEDULE_MATMUL_H

#include "passes/schedule/schedule.h"

// What the choice of blocks depends on: [batch,m,k] times [batch,k,n].
typedef struct lg_matmul_shape {
    int64_t batch, m, n, k;
    bool panels;   // the right operand lies in panels (lg_matrix_layout)
    bool adjoin;   // its columns are neighbours in memory (of a transposed one they are not)
    bool deep;     // along the reduced axis the elements of both operands are neighbours
    bool across;   // the left operand is transposed: its rows are neighbours
    bool plain;    // both operands lie row-major in buffers
    bool whole;    // columns may not be divided among jobs
    bool parallel; // jobs go to threads
} lg_matmul_shape;

// How the inner loop reads the right operand.
typedef enum lg_right_form {
    LG_RIGHT_DIRECT, // vectors of columns as they lie
    LG_RIGHT_PANELS, // panels that are packed ahead
    LG_RIGHT_COPIED, // panels that the job copies, one block at a time
    LG_RIGHT_DOT     // vectors along the reduced axis, summed at the end
} lg_right_form;

// The free decisions, each an integer that may be set otherwise within the bounds of its comment.
typedef struct lg_matmul_blocks {
    lg_right_form form;
    int rows, vectors; // of the register tile; vectors: whole panels, or fewer than one
    int unroll;        // steps of the reduced axis in straight-line code
    int64_t kc;        // reduced elements in a chunk: a multiple of the lanes, or all of them
    int64_t mc, nc;    // rows and columns of a job, at most
    bool copy_left;    // the left operand's block is copied too
} lg_matmul_blocks;

// The cost model: blocks for `shape` from the target's vectors, registers and caches.
lg_matmul_blocks lg_matmul_choose(const lg_target *target, const lg_matmul_shape *shape);

// A matrix product on its way into a kernel.
typedef struct lg_product {
    lg_schedule *s;
    const lg_op *op;
    const lg_type *y;
    lg_matmul_shape shape;
    lg_matmul_blocks blocks;
    lg_tile panel; // vectors and lanes of the right operand's panels
    int m, n;      // axes of rows and columns
    // Of the job: batch, tiles t0 <= t < t1 of `cut`, units u0 <= u < u1 of blocks.vectors vectors.
    lg_index at[LG_MAX_RANK];
    lg_cut cut;
    lg_kx *t0, *t1, *u0, *u1, *base; // base: a row to add to all
    int64_t row_blocks, splits;
    lg_kx *split;
    // Of the chunk: reduced elements k0 <= k < k0 + length.
    lg_kx *chunk, *k0, *length;
    int64_t chunks;
    lg_kbuffer *left, *right, *partial; // copies and waiting sums, or NULL
    // Where the result goes: a buffer, or the epilogues of the function's results.
    const lg_value *kept;
    lg_kbuffer *buffer;
    int dropped;
} lg_product;

// The row at which tile `t` starts, and the most rows and units that a job has.
lg_kx *lg_product_row(const lg_product *p, lg_kx *t);
int64_t lg_product_rows(const lg_product *p);
int64_t lg_product_units(const lg_product *p);
// Elements of an operand at row or column `i` and reduced index `k`; vectors run along `i` if
// `along`, else along `k`.
lg_kx *lg_product_left(const lg_product *p, lg_kx *i, lg_kx *k, bool along, int lanes);
lg_kx *lg_product_right(const lg_product *p, lg_kx *i, lg_kx *k, bool along, int lanes);

// Allocates the job's buffers, and fills them for the chunk.
void lg_product_alloc(lg_product *p);
void lg_product_copy_left(const lg_product *p);
void lg_product_copy_right(const lg_product *p);

#endif
