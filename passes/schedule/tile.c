// Register tiles: rows x vectors accumulators that live in vector registers while the reduced
// dimension runs. Sizes follow from the target: all accumulators, one row of the right operand and
// a broadcast element of the left one fill the register file (6 x 2 of AVX2's 16 registers, 14 x 2
// of AVX-512's 32).
#include "passes/schedule/schedule.h"

#include "ir/integer.h"

#include <assert.h>

lg_tile lg_tile_choose(const lg_target *target, int64_t columns)
{
    lg_tile tile = {.vectors = columns > target->lanes ? 2 : 1, .lanes = target->lanes};
    tile.rows = (target->registers - tile.vectors - 2) / tile.vectors;
    if (tile.rows > 14)
        tile.rows = 14;
    return tile;
}

int64_t lg_tile_panel(lg_tile tile)
{
    return (int64_t)tile.vectors * tile.lanes;
}

lg_cut lg_tile_cut(int64_t length, int rows)
{
    int64_t tiles = lg_ceil_div(length, rows);
    int64_t base = length / tiles, larger = length % tiles;
    if (larger == 0)
        return (lg_cut){.count = {tiles, 0}, .size = {(int)base, (int)base}};
    return (lg_cut){.count = {larger, tiles - larger}, .size = {(int)base + 1, (int)base}};
}

int lg_tile_columns(lg_tile tile, int64_t start, int64_t count, bool padded, lg_columns runs[3])
{
    int n = 0, lanes = tile.lanes;
    int64_t panel = lg_tile_panel(tile), whole = count / panel, rest = count % panel;
    if (whole)
        runs[n++] = (lg_columns){start, whole, tile.vectors, lanes, lanes};
    start += whole * panel;
    if (padded && rest) {
        int vectors = (int)lg_ceil_div(rest, lanes);
        runs[n++] =
            (lg_columns){start, 1, vectors, lanes, (int)(rest - (int64_t)(vectors - 1) * lanes)};
    } else if (rest) {
        if (rest >= lanes)
            runs[n++] = (lg_columns){start, 1, (int)(rest / lanes), lanes, lanes};
        start += rest / lanes * lanes;
        int tail = (int)(rest % lanes);
        if (tail)
            runs[n++] = (lg_columns){start, 1, 1, tail, tail};
    }
    return n;
}

void lg_tile_clear(lg_kbuilder *k, lg_kbuffer *acc, lg_tile tile)
{
    lg_kx *at[2];
    at[0] = lg_k_for(k, LG_LOOP_UNROLL, "r", tile.rows);
    at[1] = lg_k_for(k, LG_LOOP_UNROLL, "j", tile.vectors);
    lg_k_store(k, acc, at, 1, lg_kx_float(k, 0));
    lg_k_end(k);
    lg_k_end(k);
}

void lg_tile_multiply(lg_kbuilder *k, lg_kbuffer *acc, lg_tile tile, const lg_tile_operands *from)
{
    lg_kx *at[2];
    at[0] = lg_k_for(k, LG_LOOP_UNROLL, "r", tile.rows);
    at[1] = lg_k_for(k, LG_LOOP_UNROLL, "j", tile.vectors);
    lg_kx *sum = lg_kx_load(k, acc, at, 1);
    lg_k_store(k, acc, at, 1,
               lg_kx_apply(k, LG_S_FMA, from->left(from->data, at[0]),
                           from->right(from->data, at[1]), sum));
    lg_k_end(k);
    lg_k_end(k);
}

lg_kx *lg_loop_over(lg_kbuilder *k, const char *name, int64_t extent, int *opened)
{
    if (extent == 1)
        return lg_kx_int(k, 0);
    ++*opened;
    return lg_k_for(k, LG_LOOP_SERIAL, name, extent);
}

void lg_end_loops(lg_kbuilder *k, int opened)
{
    while (opened--)
        lg_k_end(k);
}

lg_kx *lg_loop_over_cut(lg_kbuilder *k, const char *name, const lg_cut *cut, int part, int *opened)
{
    lg_kx *tile = lg_loop_over(k, name, cut->count[part], opened);
    return lg_kx_addi(k, lg_kx_muli(k, tile, cut->size[part]),
                      part ? cut->count[0] * cut->size[0] : 0);
}

// ---- layouts

const lg_layout *lg_filter_layout(lg_arena *arena, const lg_target *target, const lg_type *filter,
                                  int outputs, int64_t vectors)
{
    int inputs = 1 - outputs;
    int64_t panel = vectors * target->lanes;
    lg_layout_dim outer = {.part = LG_PART_OUTER, .axis = outputs, .block = panel};
    lg_layout_dim inner = {.part = LG_PART_INNER, .axis = outputs, .block = panel};
    lg_layout_dim c = {.part = LG_PART_WHOLE, .axis = inputs};
    lg_layout_dim h = {.part = LG_PART_WHOLE, .axis = 2}, w = {.part = LG_PART_WHOLE, .axis = 3};
    lg_layout narrow = {5, {outer, h, w, c, inner}};
    if (filter->dims[inputs] < target->lanes)
        return lg_copy(arena, &narrow, sizeof narrow);
    lg_layout_dim co = {.part = LG_PART_OUTER, .axis = inputs, .block = target->lanes};
    lg_layout_dim ci = {.part = LG_PART_INNER, .axis = inputs, .block = target->lanes};
    lg_layout blocked = {6, {outer, co, h, w, ci, inner}};
    return lg_copy(arena, &blocked, sizeof blocked);
}

int lg_filter_vectors(const lg_target *target, const lg_type *filter, int outputs)
{
    if (!filter->layout || filter->layout->dims[0].block % target->lanes)
        return 0;
    int64_t vectors = filter->layout->dims[0].block / target->lanes;
    lg_arena *scratch = lg_arena_new();
    bool packed =
        vectors > 0 && lg_layout_equal(filter->layout,
                                       lg_filter_layout(scratch, target, filter, outputs, vectors));
    lg_arena_free(scratch);
    return packed ? (int)vectors : 0;
}

const lg_layout *lg_matrix_layout(lg_arena *arena, const lg_target *target, const lg_type *matrix,
                                  bool transposed)
{
    int rank = matrix->rank, n = transposed ? rank - 2 : rank - 1, depth = 2 * rank - 3 - n;
    int64_t panel = lg_tile_panel(lg_tile_choose(target, matrix->dims[n]));
    lg_layout layout = {.count = 0};
    for (int a = 0; a < rank - 2; a++)
        layout.dims[layout.count++] = (lg_layout_dim){.part = LG_PART_WHOLE, .axis = a};
    layout.dims[layout.count++] = (lg_layout_dim){.part = LG_PART_OUTER, .axis = n, .block = panel};
    layout.dims[layout.count++] = (lg_layout_dim){.part = LG_PART_WHOLE, .axis = depth};
    layout.dims[layout.count++] = (lg_layout_dim){.part = LG_PART_INNER, .axis = n, .block = panel};
    return lg_copy(arena, &layout, sizeof layout);
}

const lg_layout *lg_image_layout(lg_arena *arena, const lg_target *target, const lg_type *image,
                                 int64_t h, int64_t w)
{
    lg_layout_dim n = {.part = LG_PART_WHOLE, .axis = 0};
    lg_layout_dim row = {.part = LG_PART_WHOLE, .axis = 1, .border = h};
    lg_layout_dim column = {.part = LG_PART_WHOLE, .axis = 2, .border = w};
    if (image->dims[3] < target->lanes) {
        if (!h && !w)
            return NULL;
        lg_layout narrow = {4, {n, row, column, {.part = LG_PART_WHOLE, .axis = 3}}};
        return lg_copy(arena, &narrow, sizeof narrow);
    }
    // A border also where no filter needs it: rows that are a power of two apart collide in the
    // cache.
    if (column.border == 0 && image->dims[2] > 1)
        column.border = 1;
    lg_layout_dim outer = {.part = LG_PART_OUTER, .axis = 3, .block = target->lanes};
    lg_layout_dim inner = {.part = LG_PART_INNER, .axis = 3, .block = target->lanes};
    lg_layout blocked = {5, {n, row, outer, column, inner}};
    return lg_copy(arena, &blocked, sizeof blocked);
}
