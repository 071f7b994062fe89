// What may stand in one kernel: rules on ops and groups, from what the schedules can compute.
#include "passes/fuse_internal.h"
#include "passes/schedule/epilogue.h"
#include "passes/schedule/input_grad.h"

static bool reads(const lg_op *op, const lg_value *value)
{
    for (int i = 0; i < op->operand_count; i++)
        if (op->operands[i] == value)
            return true;
    return false;
}

static bool has_class(const lg_group *g, lg_op_class class)
{
    for (int i = 0; i < g->ops.count; i++)
        if (lg_fuse_class(g->ops.items[i]) == class ||
            (class == LG_CLASS_REDUCTION && g->ops.items[i]->code == LG_OP_scatter_add))
            return true;
    return false;
}

// Does a contraction of the group depend on `value` through ops of the group?
static bool feeds_contraction(const lg_group *g, const lg_value *value)
{
    for (int i = 0; i < g->ops.count; i++) {
        const lg_op *op = g->ops.items[i];
        if (!reads(op, value))
            continue;
        if ((lg_fuse_class(op) == LG_CLASS_CONTRACTION && op->code != LG_OP_winograd_filter) ||
            feeds_contraction(g, op->results[0]))
            return true;
    }
    return false;
}

// A filter is turned round and transposed on the way into its form; anything else is computed once.
static bool is_index_map(const lg_op *op)
{
    return op->code == LG_OP_reverse || op->code == LG_OP_transpose || op->code == LG_OP_reshape ||
           op->code == LG_OP_slice;
}

static bool is_read_by_form(const lg_group *g, const lg_value *value)
{
    for (int i = 0; i < g->ops.count; i++) {
        const lg_op *op = g->ops.items[i];
        if (reads(op, value) && (op->code == LG_OP_winograd_filter ||
                                 (is_index_map(op) && is_read_by_form(g, op->results[0]))))
            return true;
    }
    return false;
}

// Are all axes but the last of one size?
static bool same_rows(const lg_type *a, const lg_type *b)
{
    if (a->rank != b->rank)
        return false;
    for (int i = 0; i < a->rank - 1; i++)
        if (a->dims[i] != b->dims[i])
            return false;
    return true;
}

bool lg_fuse_is_column_slice(const lg_op *op)
{
    if (op->code != LG_OP_slice || op->results[0]->type.rank < 2)
        return false;
    for (int a = 0; a < op->results[0]->type.rank; a++)
        if (lg_op_int_at(op, LG_ATTR_step, a) != 1)
            return false;
    return same_rows(&op->results[0]->type, &op->operands[0]->type);
}

bool lg_fuse_is_read_in(const lg_group *g, const lg_value *value)
{
    for (int i = 0; i < g->ops.count; i++)
        if (reads(g->ops.items[i], value))
            return true;
    return false;
}

// Will the tiled schedule compute it? (The layout pass gives images and filters what it needs.)
static bool is_tiled_convolution(const lg_fuser *f, const lg_op *op)
{
    bool split = op->code == LG_OP_split_conv2d && f->ctx->target->matrix_unit;
    return (op->code == LG_OP_conv2d || op->code == LG_OP_winograd_conv2d || split ||
            lg_input_grad_suits(op, f->ctx->target)) &&
           op->results[0]->type.dtype == LG_F32 && op->operands[0]->type.dtype == LG_F32 &&
           (split || op->operands[1]->type.dtype == LG_F32) && !lg_is_duplicated(op->operands[0]) &&
           !lg_is_duplicated(op->operands[1]);
}

// A number a channel that gets the shape of an image on the way (@bias as f32[1,1,1,c]).
static bool is_row_reshape(const lg_op *op, const lg_type *type)
{
    int64_t elements = lg_type_elements(&op->results[0]->type);
    return op->code == LG_OP_reshape && elements <= type->dims[type->rank - 1] &&
           elements < lg_type_elements(type);
}

bool lg_fuse_is_grouped(const lg_op *op)
{
    return op && (op->code == LG_OP_conv2d || op->code == LG_OP_split_conv2d) &&
           lg_op_int(op, LG_ATTR_groups) > 1;
}

bool lg_fuse_is_epilogue(const lg_fuser *f, const lg_group *g, const lg_op *to, const lg_type *type)
{
    if (g->ops.count > f->max_ops)
        return false;
    bool whole = lg_fuse_is_grouped(to);
    for (int i = 0; i < g->ops.count; i++) {
        const lg_op *op = g->ops.items[i];
        bool sum = f->sums && (!to || is_tiled_convolution(f, to)) && lg_is_pixel_sum(op) &&
                   !lg_fuse_is_read_in(g, op->results[0]);
        bool simple = lg_fuse_class(op) == LG_CLASS_ELEMENTWISE || op->code == LG_OP_broadcast ||
                      op->code == LG_OP_cast || (lg_fuse_is_column_slice(op) && !whole) ||
                      is_row_reshape(op, type);
        if (!(simple || sum) ||
            (lg_fuse_class(op) == LG_CLASS_ELEMENTWISE &&
             !same_rows(&op->results[0]->type, type)) ||
            (sum && !same_rows(&op->operands[0]->type, type)))
            return false;
    }
    return true;
}

static bool leaves(const lg_fuser *f, const lg_group *g, const lg_value *value)
{
    const lg_reader_list *readers = lg_readers_of(&f->readers, value);
    for (int i = 0; i < readers->count; i++)
        if (!lg_group_has(g, readers->items[i]))
            return true;
    return lg_fuse_is_result(f, value);
}

bool lg_fuse_suits_tiles(const lg_fuser *f, const lg_op *to, const lg_op *from, const lg_group *g,
                         int64_t panel)
{
    bool product = to->code == LG_OP_matmul && to->results[0]->type.dtype == LG_F32;
    if (f->ctx->target->kind != LG_TARGET_CPU || (!product && !is_tiled_convolution(f, to)))
        return true;
    const lg_value *results[LG_MAX_EPILOGUE_RESULTS];
    int count = 0;
    for (int i = 0; i < g->ops.count; i++) {
        const lg_value *value = g->ops.items[i]->results[0];
        if (!leaves(f, g, value))
            continue;
        if (count == LG_MAX_EPILOGUE_RESULTS)
            return false;
        results[count++] = value;
    }
    int64_t least = lg_epilogue_panel(to, f->ctx->target);
    return lg_epilogue_suits(g, results, count, from, panel > least ? panel : least);
}

// Does a schedule of its own compute the group: an image and sums over its pixels?
static bool is_image_sums(const lg_fuser *f, const lg_group *g)
{
    for (int i = 0; i < g->ops.count && f->sums; i++) {
        const lg_op *op = g->ops.items[i];
        if (lg_is_pixel_sum(op) && !lg_fuse_is_read_in(g, op->results[0]))
            return lg_fuse_is_epilogue(f, g, NULL, &op->operands[0]->type);
    }
    return false;
}

// Elements that a reduction leaves to run in parallel before its first reduced axis.
static bool reduces_in_parallel(const lg_op *op)
{
    const lg_type *from = &op->operands[0]->type;
    int64_t parallel = 1;
    int first = op->code == LG_OP_reduce_sum || op->code == LG_OP_reduce_max
                    ? (int)lg_op_attr(op, LG_ATTR_axes)->as.ints[0]
                    : (int)lg_op_int(op, LG_ATTR_axis);
    for (int a = 0; a < first; a++)
        parallel *= from->dims[a];
    return parallel >= 8 || lg_type_elements(from) <= 1 << 16;
}

const lg_op *lg_fuse_contraction(const lg_value *value)
{
    while (value->kind == LG_VALUE_RESULT) {
        const lg_op *op = value->op;
        if (lg_fuse_class(op) == LG_CLASS_CONTRACTION)
            return op;
        if (lg_fuse_class(op) != LG_CLASS_ELEMENTWISE)
            return NULL;
        value = op->operands[0];
    }
    return NULL;
}

bool lg_fuse_is_channel_slice(const lg_op *op)
{
    return lg_fuse_is_column_slice(op) && lg_fuse_contraction(op->operands[0]);
}

static const lg_op *convolution_within(const lg_fuser *f, const lg_value *value, bool alone,
                                       int depth)
{
    if (value->kind != LG_VALUE_RESULT || depth == 0)
        return NULL;
    const lg_op *op = value->op;
    if (is_tiled_convolution(f, op))
        return op;
    if (lg_fuse_class(op) != LG_CLASS_ELEMENTWISE && op->code != LG_OP_cast &&
        !lg_fuse_is_column_slice(op))
        return NULL;
    for (int i = 0; i < op->operand_count; i++) {
        const lg_value *from = op->operands[i];
        bool shared = lg_readers_count(&f->readers, from) > 1;
        if (!same_rows(&from->type, &value->type) ||
            (alone && shared && !lg_fuse_is_column_slice(op)))
            continue;
        const lg_op *found = convolution_within(f, from, alone, depth - 1);
        if (found)
            return lg_fuse_is_column_slice(op) && lg_fuse_is_grouped(found) ? NULL : found;
    }
    return NULL;
}

const lg_op *lg_fuse_convolution(const lg_fuser *f, const lg_value *value, bool alone)
{
    enum { MOST_BETWEEN = 6 }; // ops
    return convolution_within(f, value, alone, MOST_BETWEEN);
}

// Does a convolution take the sum into its kernel?
static bool ends_convolution(const lg_fuser *f, const lg_op *op)
{
    return f->sums && lg_is_pixel_sum(op) && lg_fuse_convolution(f, op->operands[0], false);
}

bool lg_fuse_may_join(const lg_fuser *f, const lg_op *op, const lg_group *g)
{
    const lg_value *value = op->results[0];
    if (op->code == LG_OP_scatter_add)
        return false;
    if (lg_fuse_count_updates(f, g) > 1 &&
        !lg_fuse_is_in_loop(op, &g->ops.items[0]->results[0]->type))
        return false;
    switch (lg_fuse_class(op)) {
    case LG_CLASS_CONTRACTION:
        // The gradient of a filter may come in parts, which have no epilogue.
        return op->code != LG_OP_conv2d_filter_grad &&
               lg_fuse_is_epilogue(f, g, op, &value->type) && lg_fuse_suits_tiles(f, op, op, g, 0);
    case LG_CLASS_REDUCTION:
        return !ends_convolution(f, op) && !has_class(g, LG_CLASS_CONTRACTION) &&
               !is_image_sums(f, g) && reduces_in_parallel(op) &&
               lg_type_elements(&value->type) * 4 <= f->ctx->target->tile_memory / 2;
    case LG_CLASS_ELEMENTWISE:
    case LG_CLASS_MOVEMENT:
        if (lg_fuse_is_channel_slice(op) &&
            !lg_fuse_is_epilogue(f, g, lg_fuse_contraction(op->operands[0]), &value->type))
            return false;
        if (lg_map_number(&f->prologue, op))
            return true;
        return !feeds_contraction(g, value) && g->ops.count < 4 * f->max_ops &&
               (!is_read_by_form(g, value) || is_index_map(op));
    default:
        return false;
    }
}
