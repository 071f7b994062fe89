// A nest visits the physical dimensions of a buffer from the outermost to the innermost. The
// innermost one carries the lanes of vectors; a tail shorter than a vector is one short vector, the
// part that rounds up a blocked axis is stored as zeros. Where a concat goes from one part to the
// next in the middle of a vector, two short ones meet (passes/lower/cuts.h).
#include "passes/schedule/nest.h"

#include "ir/integer.h"
#include "passes/lower/cuts.h"

#include <assert.h>
#include <string.h>

lg_layout_dim lg_physical_dim(const lg_type *type, int d)
{
    if (type->layout)
        return type->layout->dims[d];
    return (lg_layout_dim){.part = LG_PART_WHOLE, .axis = d};
}

int64_t lg_physical_interior(const lg_type *type, int d)
{
    lg_layout_dim dim = lg_physical_dim(type, d);
    int64_t size = type->dims[dim.axis];
    if (dim.part == LG_PART_OUTER)
        return lg_ceil_div(size, dim.block);
    return dim.part == LG_PART_INNER ? dim.block : size;
}

void lg_ranges_whole(lg_kbuilder *k, const lg_type *type, lg_range *ranges)
{
    for (int d = 0; d < lg_type_physical_rank(type); d++)
        ranges[d] = (lg_range){lg_kx_int(k, 0), lg_kx_int(k, lg_physical_interior(type, d))};
}

typedef struct nest {
    lg_tensor_context *ctx;
    lg_kbuilder *k;
    const lg_value *const *values;
    lg_kbuffer *const *buffers;
    int count;
    const lg_type *type; // of the first value; the others lie like it
    int dropped, rank;   // rank: of the physical dimensions
    const lg_range *ranges;
    lg_kx *outer[LG_MAX_RANK], *inner[LG_MAX_RANK], *whole[LG_MAX_RANK]; // by axis
    int lane_axis; // logical axis along the innermost physical dimension
    bool vectors;  // along it
    lg_cuts cuts;  // of these
} nest;

static bool constant_range(const lg_range *range, int64_t *low, int64_t *high)
{
    if (range->low->kind != LG_KX_INT || range->high->kind != LG_KX_INT)
        return false;
    *low = range->low->as.integer;
    *high = range->high->as.integer;
    return true;
}

// Opens a loop over `range`, or just takes its value where it holds a single one.
static lg_kx *open_range(lg_kbuilder *k, const char *name, const lg_range *range, bool *opened)
{
    lg_kx *next = lg_kx_addi(k, range->low, 1);
    lg_kx *single = lg_kx_add(k, range->high, lg_kx_muli(k, next, -1));
    *opened = !lg_kx_is_int(single, 0);
    return *opened ? lg_k_loop(k, LG_LOOP_SERIAL, name, range->low, range->high, 1) : range->low;
}

static const char *const axis_names[LG_MAX_RANK] = {"i", "j", "h", "l", "m", "n"};

static lg_kx *axis_index(const nest *n, int axis)
{
    if (n->whole[axis])
        return n->whole[axis];
    int64_t block = 1;
    for (int d = 0; d < n->rank; d++) {
        lg_layout_dim dim = lg_physical_dim(n->type, d);
        if (dim.axis == axis && dim.part == LG_PART_OUTER)
            block = dim.block;
    }
    lg_kx *at = lg_kx_muli(n->k, n->outer[axis], block);
    return n->inner[axis] ? lg_kx_add(n->k, at, n->inner[axis]) : at;
}

static void store_zeros(nest *n, const lg_index *index, int lanes)
{
    for (int i = 0; i < n->count; i++) {
        const lg_type *type = &n->values[i]->type;
        lg_kx *zero = lg_kx_number(n->k, lg_compute_dtype(type->dtype), 0);
        lg_store_element(n->k, n->buffers[i], type, n->dropped, index, lanes, zero);
    }
}

// All elements at one index are there before the first is stored: a result may lie in the place of
// an operand that another one reads.
static void store_elements(nest *n, const lg_index *index, int lanes)
{
    int mark = lg_tensor_mark(n->ctx);
    lg_kx *elements[LG_MAX_NEST_VALUES];
    for (int i = 0; i < n->count; i++) {
        elements[i] = lg_element(n->ctx, n->values[i], index, lanes);
        if (n->count > 1)
            elements[i] = lg_k_let(n->k, "y", elements[i]);
    }
    for (int i = 0; i < n->count; i++)
        lg_store_element(n->k, n->buffers[i], &n->values[i]->type, n->dropped, index, lanes,
                         elements[i]);
    lg_tensor_forget(n->ctx, mark);
}

static void find_cuts(nest *n)
{
    n->vectors = true;
    for (int i = 0; i < n->count; i++)
        n->vectors = n->vectors && lg_compute_dtype(n->values[i]->type.dtype) == LG_F32 &&
                     lg_cuts_find(n->ctx, n->values[i], n->lane_axis, &n->cuts);
    if (!n->vectors)
        n->cuts = (lg_cuts){0};
}

static int width_of(const nest *n)
{
    return n->vectors ? n->ctx->target->lanes : 1;
}

static void store_lanes(nest *n, lg_index *index, lg_kx *at, int lanes)
{
    index[n->lane_axis] = (lg_index){at, lanes > 1};
    store_elements(n, index, lanes);
}

// `at` counts from `low` to the constant `high` in steps of a vector, with a short one at the end.
static void store_run(nest *n, lg_index *index, int64_t low, int64_t high, lg_kx *base)
{
    lg_kbuilder *k = n->k;
    int width = width_of(n);
    int64_t whole = low + (high - low) / width * width;
    if (whole - low > width) {
        int mark = lg_tensor_mark(n->ctx);
        lg_kx *i = lg_k_loop(k, LG_LOOP_SERIAL, "v", lg_kx_int(k, low), lg_kx_int(k, whole), width);
        store_lanes(n, index, lg_kx_add(k, base, i), width);
        lg_k_end(k);
        lg_tensor_forget(n->ctx, mark);
    } else if (whole > low) {
        store_lanes(n, index, lg_kx_addi(k, base, low), width);
    }
    if (high > whole)
        store_lanes(n, index, lg_kx_addi(k, base, whole), (int)(high - whole));
}

// From cut to cut. Of a blocked axis, blocks that hold some have visits of their own.
static void store_row(nest *n, lg_index *index, int64_t low, int64_t high, lg_kx *base)
{
    bool known = base->kind == LG_KX_INT;
    int64_t start = known ? base->as.integer : 0;
    bool blocked = lg_physical_dim(n->type, n->rank - 1).part == LG_PART_INNER;
    while (low < high) {
        int64_t next = known ? lg_cuts_next(&n->cuts, start + low, start + high) - start : high;
        if (blocked)
            next = lg_cuts_next_again(&n->cuts, low, next, n->ctx->target->lanes);
        store_run(n, index, low, next, base);
        low = next;
    }
}

// The range of the lane dimension is not constant: vectors while they fit, then element by element.
static void store_open_row(nest *n, lg_index *index, const lg_range *range)
{
    lg_kbuilder *k = n->k;
    int width = n->cuts.count ? 1 : width_of(n);
    lg_kx *length = lg_kx_add(k, range->high, lg_kx_muli(k, range->low, -1));
    if (lg_kx_is_int(length, 1)) { // fixed by a leading index
        store_lanes(n, index, range->low, 1);
        return;
    }
    lg_kx *whole = lg_k_let(
        k, "whole", lg_kx_add(k, range->low, lg_kx_muli(k, lg_kx_divi(k, length, width), width)));
    lg_kx *i = lg_k_loop(k, LG_LOOP_SERIAL, "v", range->low, whole, width);
    store_lanes(n, index, i, width);
    lg_k_end(k);
    if (width == 1)
        return;
    i = lg_k_loop(k, LG_LOOP_SERIAL, "v", whole, range->high, 1);
    store_lanes(n, index, i, 1);
    lg_k_end(k);
}

// ---- images that come from memory

// Is it an image in blocks of channels, of the nest's shape and larger than the cache?
static bool is_far(const nest *n, const lg_type *type)
{
    int rank = lg_type_physical_rank(type);
    return type->layout && type->rank == 4 && lg_shape_equal(type, n->type) &&
           lg_type_bytes(type) > n->ctx->target->l2 && rank == n->rank &&
           lg_physical_dim(type, rank - 1).part == LG_PART_INNER &&
           lg_physical_dim(type, rank - 1).block == lg_physical_dim(n->type, rank - 1).block &&
           lg_physical_dim(type, rank - 2).axis == 2;
}

// Processors read ahead by themselves, but not far enough where several images are read and written
// at once. Behind the end of a row lies the next.
static void prefetch_pixels(const nest *n, const lg_index *index)
{
    enum { AHEAD = 32 }; // pixels
    lg_index at[4];
    for (int a = 0; a < 4; a++)
        at[a] = index[a];
    at[2].base = lg_kx_addi(n->k, at[2].base, AHEAD);
    const lg_function *function = n->ctx->function;
    for (int i = 0; i < function->arguments.count; i++) {
        const lg_value *argument = function->arguments.items[i];
        lg_kbuffer *buffer = n->ctx->bindings[argument->id].buffer;
        if (buffer && is_far(n, &argument->type))
            lg_prefetch_element(n->k, buffer, &argument->type, 0, at, n->ctx->target->lanes);
    }
    for (int i = 0; i < n->count; i++)
        if (is_far(n, &n->values[i]->type))
            lg_prefetch_element(n->k, n->buffers[i], &n->values[i]->type, 0, at,
                                n->ctx->target->lanes);
}

// The innermost dimension: all other indices are known.
static void store_innermost(nest *n, const lg_index *lead, bool tail)
{
    lg_kbuilder *k = n->k;
    lg_index index[LG_MAX_RANK] = {0};
    for (int a = 0; a < n->type->rank; a++)
        if (a < n->dropped)
            index[a] = lead[a];
        else if (a != n->lane_axis)
            index[a] = lg_index_of(axis_index(n, a));
    lg_layout_dim last = lg_physical_dim(n->type, n->rank - 1);
    int64_t size = n->type->dims[n->lane_axis], low, high;
    if (last.part == LG_PART_INNER) {
        lg_kx *base = lg_kx_muli(k, n->outer[n->lane_axis], last.block);
        int64_t valid = tail ? size % last.block : last.block;
        index[n->lane_axis] = (lg_index){base, 1};
        if (n->dropped == 0 && n->type->rank == 4 && !tail)
            prefetch_pixels(n, index);
        store_row(n, index, 0, valid, base);
        if (valid < last.block) {
            index[n->lane_axis] = (lg_index){lg_kx_addi(k, base, valid), 1};
            store_zeros(n, index, (int)(last.block - valid));
        }
    } else if (constant_range(&n->ranges[n->rank - 1], &low, &high)) {
        store_row(n, index, low, high, lg_kx_int(k, 0));
    } else {
        store_open_row(n, index, &n->ranges[n->rank - 1]);
    }
}

static void visit(nest *n, int d, const lg_index *lead, bool tail);

static void visit_one(nest *n, int d, const lg_index *lead, bool tail, lg_kx *at)
{
    lg_layout_dim dim = lg_physical_dim(n->type, d);
    lg_kx **slot = dim.part == LG_PART_WHOLE   ? &n->whole[dim.axis]
                   : dim.part == LG_PART_OUTER ? &n->outer[dim.axis]
                                               : &n->inner[dim.axis];
    *slot = at;
    int64_t size = n->type->dims[dim.axis];
    bool guarded = dim.part == LG_PART_INNER && size % dim.block != 0;
    if (!guarded) {
        visit(n, d + 1, lead, tail);
        return;
    }
    // An inner part that is not innermost and rounds up (filters): zeros beyond the axis.
    lg_kx *inside =
        lg_kx_apply(n->k, LG_S_LT, axis_index(n, dim.axis), lg_kx_int(n->k, size), NULL);
    int mark = lg_tensor_mark(n->ctx);
    lg_k_if(n->k, inside);
    visit(n, d + 1, lead, tail);
    lg_tensor_forget(n->ctx, mark);
    lg_k_else(n->k);
    lg_index index[LG_MAX_RANK];
    for (int a = 0; a < n->type->rank; a++)
        if (a != n->lane_axis)
            index[a] = lg_index_of(axis_index(n, a));
    lg_layout_dim last = lg_physical_dim(n->type, n->rank - 1);
    assert(d == n->rank - 2 && last.part == LG_PART_INNER && "zeros fill one innermost block");
    index[n->lane_axis] = (lg_index){lg_kx_muli(n->k, n->outer[n->lane_axis], last.block), 1};
    store_zeros(n, index, (int)last.block);
    lg_k_end(n->k);
}

static void visit_range(nest *n, int d, const lg_index *lead, bool tail, const lg_range *range)
{
    lg_layout_dim dim = lg_physical_dim(n->type, d);
    int mark = lg_tensor_mark(n->ctx);
    bool opened;
    lg_kx *at = open_range(n->k, axis_names[dim.axis], range, &opened);
    visit_one(n, d, lead, tail, at);
    if (opened) {
        lg_k_end(n->k);
        lg_tensor_forget(n->ctx, mark);
    }
}

// Blocks low..high of the lanes' axis. Those that are cut and the last one, if it is not full, get
// a visit of their own.
static void visit_blocks(nest *n, int d, const lg_index *lead, int64_t low, int64_t high)
{
    lg_layout_dim dim = lg_physical_dim(n->type, d);
    int64_t size = n->type->dims[dim.axis], full = size / dim.block;
    while (low < high) {
        int64_t cut = lg_cuts_next(&n->cuts, low * dim.block, size), end = cut / dim.block;
        if (end == low) {
            visit_one(n, d, lead, low == full, lg_kx_int(n->k, low));
            low++;
            continue;
        }
        end = end < high ? end : high;
        lg_range some = {lg_kx_int(n->k, low), lg_kx_int(n->k, end)};
        visit_range(n, d, lead, false, &some);
        low = end;
    }
}

static void visit(nest *n, int d, const lg_index *lead, bool tail)
{
    if (d == n->rank - 1) {
        store_innermost(n, lead, tail);
        return;
    }
    lg_layout_dim dim = lg_physical_dim(n->type, d);
    lg_layout_dim last = lg_physical_dim(n->type, n->rank - 1);
    const lg_range *range = &n->ranges[d];
    int64_t size = n->type->dims[dim.axis], low, high;
    if (dim.part != LG_PART_OUTER || dim.axis != n->lane_axis || last.part != LG_PART_INNER) {
        visit_range(n, d, lead, tail, range);
        return;
    }
    if (constant_range(range, &low, &high)) {
        visit_blocks(n, d, lead, low, high);
        return;
    }
    bool vectors = n->vectors;
    n->vectors = vectors && !n->cuts.count; // nobody knows which blocks are cut
    if (size % dim.block == 0) {
        visit_range(n, d, lead, tail, range);
    } else {
        lg_kbuilder *k = n->k;
        int64_t full = size / dim.block;
        lg_range some = {range->low, lg_kx_mini(k, range->high, full)};
        visit_range(n, d, lead, false, &some);
        lg_k_if(k, lg_kx_apply(k, LG_S_GT, range->high, lg_kx_int(k, full), NULL));
        visit_one(n, d, lead, true, lg_kx_int(k, full));
        lg_k_end(k);
    }
    n->vectors = vectors;
}

void lg_nest_store(lg_tensor_context *ctx, const lg_value *const *values,
                   lg_kbuffer *const *buffers, int count, int dropped, const lg_index *lead,
                   const lg_range *ranges)
{
    const lg_type *type = &values[0]->type;
    nest n = {.ctx = ctx,
              .k = ctx->k,
              .values = values,
              .buffers = buffers,
              .count = count,
              .type = type,
              .dropped = dropped,
              .rank = lg_type_physical_rank(type),
              .ranges = ranges};
    assert(count <= LG_MAX_NEST_VALUES && (dropped == 0 || !type->layout));
    if (n.rank == dropped) { // a scalar of the iteration
        store_elements(&n, lead, 1);
        return;
    }
    n.lane_axis = lg_physical_dim(type, n.rank - 1).axis;
    find_cuts(&n);
    visit(&n, dropped, lead, false);
}

// ---- borders

typedef struct border {
    lg_kbuilder *k;
    lg_kbuffer *buffer;
    const lg_type *type;
    const lg_range *ranges;
    int dim, rank, vector;
    lg_kx *at[LG_MAX_PHYSICAL];
} border;

// The range of dimension `d` in the buffer's coordinates, with the borders it adjoins.
static lg_range widened(const border *b, int d)
{
    lg_kbuilder *k = b->k;
    lg_layout_dim dim = lg_physical_dim(b->type, d);
    lg_range r = b->ranges[d];
    int64_t size = lg_physical_interior(b->type, d);
    lg_range wide = {lg_kx_addi(k, r.low, dim.border + dim.offset),
                     lg_kx_addi(k, r.high, dim.border + dim.offset)};
    if (!dim.border || d < b->dim)
        return wide;
    wide.low = lg_kx_apply(k, LG_S_SELECT, lg_kx_apply(k, LG_S_EQ, r.low, lg_kx_int(k, 0), NULL),
                           lg_kx_int(k, 0), wide.low);
    wide.high =
        lg_kx_apply(k, LG_S_SELECT, lg_kx_apply(k, LG_S_EQ, r.high, lg_kx_int(k, size), NULL),
                    lg_kx_int(k, size + 2 * dim.border), wide.high);
    return wide;
}

static void zero_from(border *b, int d, lg_range edge)
{
    lg_kbuilder *k = b->k;
    lg_kx *zero = lg_kx_number(k, lg_compute_dtype(b->type->dtype), 0);
    lg_range range = d == b->dim ? edge : widened(b, d);
    int64_t low, high;
    if (d == b->rank - 1 && constant_range(&range, &low, &high)) {
        for (; low < high; low += b->vector) {
            int lanes = high - low < b->vector ? (int)(high - low) : b->vector;
            b->at[d] = lg_kx_int(k, low);
            lg_k_store(k, b->buffer, b->at, lanes, zero);
            if (high - low > 4 * b->vector) { // long rows: a loop, then the rest
                int64_t whole = low + (high - low) / b->vector * b->vector;
                b->at[d] = lg_k_loop(k, LG_LOOP_SERIAL, "v", lg_kx_int(k, low), lg_kx_int(k, whole),
                                     b->vector);
                lg_k_store(k, b->buffer, b->at, b->vector, zero);
                lg_k_end(k);
                low = whole - b->vector;
            }
        }
        return;
    }
    bool opened;
    b->at[d] = open_range(k, "z", &range, &opened);
    if (d == b->rank - 1)
        lg_k_store(k, b->buffer, b->at, 1, zero);
    else
        zero_from(b, d + 1, edge);
    if (opened)
        lg_k_end(k);
}

// One edge of one dimension, if the job adjoins it.
static void zero_edge(border *b, lg_kx *adjoins, int64_t low, int64_t high)
{
    if (adjoins->kind == LG_KX_INT && !adjoins->as.integer)
        return;
    bool always = adjoins->kind == LG_KX_INT;
    if (!always)
        lg_k_if(b->k, adjoins);
    zero_from(b, 0, (lg_range){lg_kx_int(b->k, low), lg_kx_int(b->k, high)});
    if (!always)
        lg_k_end(b->k);
}

void lg_nest_zero_borders(lg_kbuilder *k, lg_kbuffer *buffer, const lg_type *type,
                          const lg_range *ranges, int vector)
{
    if (!type->layout)
        return;
    border b = {.k = k,
                .buffer = buffer,
                .type = type,
                .ranges = ranges,
                .rank = type->layout->count,
                .vector = vector};
    for (int d = 0; d < b.rank; d++) {
        int64_t width = type->layout->dims[d].border, size = lg_physical_interior(type, d);
        if (!width)
            continue;
        b.dim = d;
        zero_edge(&b, lg_kx_apply(k, LG_S_EQ, ranges[d].low, lg_kx_int(k, 0), NULL), 0, width);
        zero_edge(&b, lg_kx_apply(k, LG_S_EQ, ranges[d].high, lg_kx_int(k, size), NULL),
                  width + size, 2 * width + size);
    }
}
