// The cost model of matrix products: which way to read the right operand, and blocks that keep what
// is read again in a cache.
//
// A register tile of rows x vectors does rows * vectors fmas for each step of the reduced axis and
// reads `vectors` vectors of the right operand, `rows` elements of the left one; the tile must be
// small enough for the compiler to keep a vector or two in flight beside it. A job goes, chunk by
// chunk of the reduced axis, over panels and within a panel over tiles:
//     kc x one panel of the right operand stays in L1, or in L2 where it is short of an eighth
//     mc x kc of the left one stays in L2 while the panels pass by
//     mc x nc sums wait between chunks
// A product of few rows reads the right operand once, so it is bound by memory: a job reads one
// stretch of panels from front to back. Several panels side by side were a quarter slower.
//
// A copy pays where it is read often enough: copying a vector costs several cycles as its lines
// come from L2 or beyond, using it half a cycle a row. So the job that copies a panel has as many
// rows as it can, all of them where the left operand's chunk about fits into L2: then everything is
// copied once. Gathering a vector from a transposed operand costs about a cycle a lane, for few
// rows too much: dot products along the reduced axis need no copy but eight operations to sum the
// lanes of a result.
#include "passes/schedule/matmul.h"

#include "ir/integer.h"

enum {
    UNROLLED_FMAS = 112,
    MOST_ROWS = 12, // of a tile that needs no registers to spare
    MOST_UNROLL = 8,
    DOT_ROWS = 8,       // more rows are worth a copy
    COPY_ROWS = 32,     // fewer rows are not worth one
    ENOUGH_JOBS = 64,   // where dividing costs nothing
    ENOUGH_COPIES = 16, // where every job copies its operands
    LEAST_BLOCK = 64,   // rows or columns that make a copy pay
    SPARE_VECTORS = 3   // a tile's registers that hold no accumulator nor right operand
};

static int64_t between(int64_t low, int64_t n, int64_t high)
{
    return n < low ? low : n > high ? high : n;
}

static lg_right_form choose_form(const lg_target *target, const lg_matmul_shape *s)
{
    int64_t lanes = target->lanes;
    if (s->panels)
        return LG_RIGHT_PANELS;
    int64_t all = 4 * (s->n + 4 * lanes) * (s->k + lanes); // a copy of all panels
    bool fits = !s->whole || all <= target->tile_memory;
    if (!s->adjoin)
        return s->deep && s->m <= DOT_ROWS && s->k >= 2 * lanes ? LG_RIGHT_DOT
               : fits                                           ? LG_RIGHT_COPIED
                                                                : LG_RIGHT_DIRECT; // gathers
    // Rows far apart fall on few sets of the cache; what fits into L1 as it lies can stay there.
    bool strided = s->k * s->n * 4 > 2 * target->l1;
    return s->m >= COPY_ROWS && strided && s->plain && fits ? LG_RIGHT_COPIED : LG_RIGHT_DIRECT;
}

static void choose_tile(const lg_target *target, const lg_matmul_shape *s, lg_matmul_blocks *b)
{
    lg_tile tile = lg_tile_choose(target, s->n);
    int fit = (target->registers - SPARE_VECTORS) / tile.vectors - 1;
    b->rows = tile.rows > MOST_ROWS && fit < tile.rows ? fit : tile.rows;
    b->vectors = tile.vectors;
    if (b->form == LG_RIGHT_DOT) {
        b->rows = DOT_ROWS;
        b->vectors = 1;
    }
}

// Chunks of one size, as far as there are several.
static int64_t chunk_of(const lg_target *target, const lg_matmul_shape *s, int64_t width)
{
    int64_t chunks = lg_ceil_div(s->k, target->l1 / (4 * width));
    return lg_ceil_div(lg_ceil_div(s->k, chunks), target->lanes) * target->lanes;
}

static void choose_caches(const lg_target *target, const lg_matmul_shape *s, int64_t width,
                          lg_matmul_blocks *b)
{
    bool copied = b->form == LG_RIGHT_COPIED, small_right = 4 * s->k * s->n <= target->l2 / 4;
    if (!copied && small_right && !s->whole) { // rows of the result are written from end to end
        b->mc = b->rows;
        return;
    }
    bool chunked = copied && 4 * s->k * width > target->l2 / 8;
    // What is read across comes from as many lines as there are steps: worth a copy.
    b->copy_left =
        s->plain && s->across && !s->whole && 4 * s->m * s->k > target->l1 && s->n >= 4 * width;
    if (!s->whole && (chunked || b->copy_left))
        b->kc = chunk_of(target, s, width);
    int64_t left = copied && !b->copy_left ? target->l2 * 3 / 2 : target->l2 / 2;
    b->mc = between(4 * b->rows, left / (4 * b->kc), s->m);
    if (!s->whole && (copied || b->copy_left))
        b->nc = b->copy_left ? 4 * width : chunked ? 2 * width : width;
}

// Divides rows and columns further, the longer side first, until there are enough jobs.
static void divide(const lg_matmul_shape *s, lg_matmul_blocks *b, int64_t width)
{
    int64_t tiles = lg_ceil_div(s->m, b->rows), units = lg_ceil_div(s->n, width);
    int64_t row_blocks = lg_ceil_div(tiles, lg_ceil_div(b->mc, b->rows));
    int64_t splits = lg_ceil_div(units, lg_ceil_div(b->nc, width));
    bool copies = b->form == LG_RIGHT_COPIED || b->copy_left;
    int64_t enough = s->parallel ? copies ? ENOUGH_COPIES : ENOUGH_JOBS : 1;
    int64_t least = copies ? LEAST_BLOCK : 1;
    while (s->batch * row_blocks * splits < enough) {
        int64_t rows = s->m / row_blocks, columns = s->n / splits;
        bool more_rows = row_blocks < tiles && rows >= 2 * least;
        bool more_columns = !s->whole && splits < units && columns >= 2 * least;
        if (!more_rows && !more_columns)
            break;
        if (more_columns && (!more_rows || columns >= rows))
            splits++;
        else
            row_blocks++;
    }
    b->mc = lg_ceil_div(tiles, row_blocks) * b->rows;
    b->nc = lg_ceil_div(units, splits) * width;
}

lg_matmul_blocks lg_matmul_choose(const lg_target *target, const lg_matmul_shape *s)
{
    lg_matmul_blocks b = {.form = choose_form(target, s), .kc = s->k, .mc = s->m, .nc = s->n};
    choose_tile(target, s, &b);
    int64_t width = (int64_t)b.vectors * target->lanes;
    int64_t fmas = between(1, s->m, b.rows) * b.vectors;
    for (b.unroll = MOST_UNROLL; b.unroll > 1 && b.unroll * fmas > UNROLLED_FMAS;)
        b.unroll /= 2;
    if (b.form == LG_RIGHT_COPIED || (s->m >= COPY_ROWS && b.form != LG_RIGHT_DOT))
        choose_caches(target, s, width, &b);
    divide(s, &b, width);
    return b;
}
