// fuse: every op of a func goes into a kernel, few kernels as possible.
//
// needs `no composites`; makes `fused`. Afterwards a func holds calls of kernels, `write`, and two
// ops that cost nothing: reshape of a value that lies in row-major order, and concat of images
// whose parts can be written where they belong (the layout pass sees to that).
//
// Groups grow from their results upwards: an op joins the group that reads it if all its uses are
// in that one group and the group can compute it element by element:
//   elementwise, movement   where no contraction of the group reads them
//   contraction             if everything between it and the results is elementwise (its epilogue)
//   reduction               if it leaves enough leading axes to run in parallel
// A contraction whose channels are sliced takes the groups of its slices with it (merged siblings).
// Sums of a convolution's result over its pixels end its kernel (global average pooling: the image
// is never written) or stand beside the result (batch statistics); the option `sums` says whether.
// Then runs of small groups are staged: one kernel, values between them in its own memory. That is
// how a block of the graph network, or the pooling (assignment, softmax, pooled features,
// adjacency), becomes one kernel.
//
//     %0 = conv2d %x, @w {pad=[1,1]} : f32[1,8,8,16]
//     %1 = broadcast @b : f32[1,8,8,16]
//     %2 = add %0, %1 : f32[1,8,8,16]
//     %3 = relu %2 : f32[1,8,8,16]
// becomes
//     %0 = call @conv2d(%x, @w, @b) : f32[1,8,8,16]
#include "passes/dce.h"
#include "passes/outline.h"
#include "passes/passes.h"
#include "passes/prologues.h"
#include "passes/readers.h"
#include "passes/rewriter.h"
#include "passes/schedule/epilogue.h"
#include "passes/schedule/input_grad.h"

#include <assert.h>
#include <stdlib.h>

enum { NO_GROUP = -1, VIEW = -2, DUPLICATED = -3 };
enum {
    MOST_UPDATES = 8,           // results of a loop
    MOST_STAGED_UPDATES = 96,   // results of a kernel of several loops
    UPDATE_ELEMENTS = 64 << 10, // of a tensor that shares a kernel with others
};

typedef struct fuser {
    lg_pass_ctx *ctx;
    lg_function *function;
    lg_map group_of; // op -> group number + 1, or VIEW, DUPLICATED
    lg_map position; // op -> its number in the program, from 1
    lg_map rank;     // op -> when its group can run, once groups are staged
    lg_map prologue; // op -> 1: on the way into a contraction
    lg_readers readers;
    LG_LIST(lg_group) groups; // ops in reverse program order while they grow
    int64_t max_ops;
    bool sums;
} fuser;

static lg_group *group_at(const fuser *f, int n)
{
    assert(f->groups.items && n >= 0 && n < f->groups.count);
    return &f->groups.items[n];
}

static int group_of(const fuser *f, const lg_op *op)
{
    int64_t n = lg_map_number(&f->group_of, op);
    return n > 0 ? (int)n - 1 : n == 0 ? NO_GROUP : (int)n;
}

static void put(fuser *f, lg_op *op, int group)
{
    lg_map_at(&f->group_of, op)->as.number = group >= 0 ? group + 1 : group;
    if (group >= 0)
        LG_PUSH(f->ctx->scratch, &group_at(f, group)->ops, op);
}

static lg_op_class class_of(const lg_op *op)
{
    return lg_op_info_of(op->code)->class;
}

static bool reads(const lg_op *op, const lg_value *value)
{
    for (int i = 0; i < op->operand_count; i++)
        if (op->operands[i] == value)
            return true;
    return false;
}

// ---- the program while groups grow: nothing in it changes

static void number_ops(const lg_function *function, lg_map *position)
{
    int n = 0;
    LG_FOR_OPS (op, function)
        lg_map_at(position, op)->as.number = ++n;
}

// ---- may an op join a group?

static bool has_class(const lg_group *g, lg_op_class class)
{
    for (int i = 0; i < g->ops.count; i++)
        if (class_of(g->ops.items[i]) == class ||
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
        if ((class_of(op) == LG_CLASS_CONTRACTION && op->code != LG_OP_winograd_filter) ||
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

// A slice of columns (channels) alone.
static bool is_column_slice(const lg_op *op)
{
    if (op->code != LG_OP_slice || op->results[0]->type.rank < 2)
        return false;
    for (int a = 0; a < op->results[0]->type.rank; a++)
        if (lg_op_int_at(op, LG_ATTR_step, a) != 1)
            return false;
    return same_rows(&op->results[0]->type, &op->operands[0]->type);
}

static bool is_read_in(const lg_group *g, const lg_value *value)
{
    for (int i = 0; i < g->ops.count; i++)
        if (reads(g->ops.items[i], value))
            return true;
    return false;
}

// Will the tiled schedule compute it? (The layout pass gives images and filters what it needs.)
static bool is_tiled_convolution(const fuser *f, const lg_op *op)
{
    return (op->code == LG_OP_conv2d || op->code == LG_OP_winograd_conv2d ||
            lg_input_grad_suits(op, f->ctx->target)) &&
           op->results[0]->type.dtype == LG_F32 && op->operands[0]->type.dtype == LG_F32 &&
           op->operands[1]->type.dtype == LG_F32 && !lg_is_duplicated(op->operands[0]) &&
           !lg_is_duplicated(op->operands[1]);
}

// A number a channel that gets the shape of an image on the way (@bias as f32[1,1,1,c]).
static bool is_row_reshape(const lg_op *op, const lg_type *type)
{
    int64_t elements = lg_type_elements(&op->results[0]->type);
    return op->code == LG_OP_reshape && elements <= type->dims[type->rank - 1] &&
           elements < lg_type_elements(type);
}

// A convolution in groups stores and sums all of its channels or none.
static bool is_grouped(const lg_op *op)
{
    return op && op->code == LG_OP_conv2d && lg_op_int(op, LG_ATTR_groups) > 1;
}

// Is everything in the group elementwise (or a slice of columns, or a sum over pixels that nothing
// in it reads), so that it can follow the contraction `to`, or a slice of it, of shape `type`, or
// an image of that shape that no contraction makes (`to` is NULL)?
static bool is_epilogue(const fuser *f, const lg_group *g, const lg_op *to, const lg_type *type)
{
    if (g->ops.count > f->max_ops)
        return false;
    bool whole = is_grouped(to);
    for (int i = 0; i < g->ops.count; i++) {
        const lg_op *op = g->ops.items[i];
        bool sum = f->sums && (!to || is_tiled_convolution(f, to)) && lg_is_pixel_sum(op) &&
                   !is_read_in(g, op->results[0]);
        bool simple = class_of(op) == LG_CLASS_ELEMENTWISE || op->code == LG_OP_broadcast ||
                      op->code == LG_OP_cast || (is_column_slice(op) && !whole) ||
                      is_row_reshape(op, type);
        if (!(simple || sum) ||
            (class_of(op) == LG_CLASS_ELEMENTWISE && !same_rows(&op->results[0]->type, type)) ||
            (sum && !same_rows(&op->operands[0]->type, type)))
            return false;
    }
    return true;
}

// Does a schedule of its own compute the group: an image and sums over its pixels?
static bool is_image_sums(const fuser *f, const lg_group *g)
{
    for (int i = 0; i < g->ops.count && f->sums; i++) {
        const lg_op *op = g->ops.items[i];
        if (lg_is_pixel_sum(op) && !is_read_in(g, op->results[0]))
            return is_epilogue(f, g, NULL, &op->operands[0]->type);
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

// The contraction that `value` is, or ends the epilogue of; or NULL.
static const lg_op *contraction_behind(const lg_value *value)
{
    while (value->kind == LG_VALUE_RESULT) {
        const lg_op *op = value->op;
        if (class_of(op) == LG_CLASS_CONTRACTION)
            return op;
        if (class_of(op) != LG_CLASS_ELEMENTWISE)
            return NULL;
        value = op->operands[0];
    }
    return NULL;
}

static bool is_channel_slice(const lg_op *op)
{
    return is_column_slice(op) && contraction_behind(op->operands[0]);
}

static bool is_result(const fuser *f, const lg_value *value)
{
    return lg_readers_is_returned(&f->readers, value);
}

// The convolution whose epilogue `value` ends, or NULL. `alone`: only if nothing else reads what
// lies between.
static const lg_op *convolution_under(const fuser *f, const lg_value *value, bool alone,
                                      int64_t depth)
{
    if (value->kind != LG_VALUE_RESULT || depth == 0)
        return NULL;
    const lg_op *op = value->op;
    if (is_tiled_convolution(f, op))
        return op;
    if (class_of(op) != LG_CLASS_ELEMENTWISE && op->code != LG_OP_cast && !is_column_slice(op))
        return NULL;
    for (int i = 0; i < op->operand_count; i++) {
        const lg_value *from = op->operands[i];
        bool shared = lg_readers_count(&f->readers, from) > 1;
        if (!same_rows(&from->type, &value->type) || (alone && shared && !is_column_slice(op)))
            continue;
        const lg_op *found = convolution_under(f, from, alone, depth - 1);
        if (found)
            return is_column_slice(op) && is_grouped(found) ? NULL : found;
    }
    return NULL;
}

enum { EPILOGUE_DEPTH = 6 }; // ops between a convolution and a sum

// Does a convolution take the sum into its kernel?
static bool ends_convolution(const fuser *f, const lg_op *op)
{
    return f->sums && lg_is_pixel_sum(op) &&
           convolution_under(f, op->operands[0], false, EPILOGUE_DEPTH);
}

// ---- updates

static bool is_pointwise(const lg_op *op)
{
    return class_of(op) == LG_CLASS_ELEMENTWISE || op->code == LG_OP_cast;
}

// Another name of a single number, for the broadcast that reads it.
static bool is_number_reshape(const lg_op *op)
{
    return op->code == LG_OP_reshape && lg_type_elements(&op->results[0]->type) == 1;
}

// May it be in a loop over the elements of tensors of shape `type`?
static bool is_in_loop(const lg_op *op, const lg_type *type)
{
    return is_number_reshape(op) || ((is_pointwise(op) || op->code == LG_OP_broadcast) &&
                                     lg_shape_equal(&op->results[0]->type, type));
}

// How many results of the group are written to symbols, where it goes element by element through
// tensors of one shape (the step of an optimizer for a parameter) and nothing else reads them; or
// 0.
static int count_updates(const fuser *f, const lg_group *g)
{
    int writes = 0;
    for (int i = 0; i < g->ops.count; i++) {
        const lg_op *op = g->ops.items[i];
        if (is_result(f, op->results[0]) || !is_in_loop(op, &g->ops.items[0]->results[0]->type))
            return 0;
        const lg_reader_list *readers = lg_readers_of(&f->readers, op->results[0]);
        for (int r = 0; r < readers->count; r++) {
            const lg_op *reader = readers->items[r];
            if (reader->code == LG_OP_write)
                writes++;
            else if (group_of(f, reader) != group_of(f, op))
                return 0;
        }
    }
    return writes;
}

static void absorb(fuser *f, int into, int from);

// The groups that read what `op` computes are joined where all they do is update symbols: moments
// and the parameter itself are computed in one pass over memory. Nothing hangs on such groups, so
// that no cycle comes of it. Returns the group, or NO_GROUP.
static int join_updates(fuser *f, const lg_op *op)
{
    const lg_reader_list *readers = lg_readers_of(&f->readers, op->results[0]);
    LG_LIST(int) groups = {0};
    int ops = 0, writes = 0;
    if (!is_pointwise(op) || f->ctx->target->kind != LG_TARGET_CPU || is_result(f, op->results[0]))
        return NO_GROUP;
    for (int i = 0; i < readers->count; i++) {
        const lg_op *reader = readers->items[i];
        int group = group_of(f, reader);
        bool known = false;
        for (int j = 0; j < groups.count; j++)
            known |= groups.items[j] == group;
        writes += reader->code == LG_OP_write;
        if (known || reader->code == LG_OP_write)
            continue;
        int own = group < 0 ? 0 : count_updates(f, group_at(f, group));
        if (!own || !lg_shape_equal(&reader->results[0]->type, &op->results[0]->type))
            return NO_GROUP;
        ops += group_at(f, group)->ops.count;
        writes += own;
        LG_PUSH(f->ctx->scratch, &groups, group);
    }
    if (!groups.count || ops >= 4 * f->max_ops || writes > MOST_UPDATES)
        return NO_GROUP;
    for (int i = 1; i < groups.count; i++)
        absorb(f, groups.items[0], groups.items[i]);
    return groups.items[0];
}

static bool may_join(const fuser *f, const lg_op *op, const lg_group *g)
{
    const lg_value *value = op->results[0];
    if (op->code == LG_OP_scatter_add)
        return false;
    if (count_updates(f, g) > 1 && !is_in_loop(op, &g->ops.items[0]->results[0]->type))
        return false;
    switch (class_of(op)) {
    case LG_CLASS_CONTRACTION:
        // The gradient of a filter may come in parts, which have no epilogue.
        return op->code != LG_OP_conv2d_filter_grad && is_epilogue(f, g, op, &value->type);
    case LG_CLASS_REDUCTION:
        return !ends_convolution(f, op) && !has_class(g, LG_CLASS_CONTRACTION) &&
               !is_image_sums(f, g) && reduces_in_parallel(op) &&
               lg_type_elements(&value->type) * 4 <= f->ctx->target->tile_memory / 2;
    case LG_CLASS_ELEMENTWISE:
    case LG_CLASS_MOVEMENT:
        if (is_channel_slice(op) &&
            !is_epilogue(f, g, contraction_behind(op->operands[0]), &value->type))
            return false;
        if (lg_map_number(&f->prologue, op))
            return true;
        return !feeds_contraction(g, value) && g->ops.count < 4 * f->max_ops &&
               (!is_read_by_form(g, value) || is_index_map(op));
    default:
        return false;
    }
}

// ---- growing

// The one group that all readers of the op's result are in, or NO_GROUP.
static int only_group(const fuser *f, const lg_op *op)
{
    const lg_reader_list *readers = lg_readers_of(&f->readers, op->results[0]);
    if (is_result(f, op->results[0]))
        return NO_GROUP;
    int group = NO_GROUP;
    for (int i = 0; i < readers->count; i++) {
        int own = group_of(f, readers->items[i]);
        if (own < 0 || (group >= 0 && own != group))
            return NO_GROUP;
        group = own;
    }
    return group;
}

static bool is_image_concat(const fuser *f, const lg_op *op)
{
    if (op->code != LG_OP_concat || f->ctx->target->kind != LG_TARGET_CPU ||
        op->results[0]->type.rank != 4 || lg_op_int(op, LG_ATTR_axis) != 3)
        return false;
    for (int i = 0; i < op->operand_count; i++) {
        const lg_value *part = op->operands[i];
        if (part->type.dims[3] % f->ctx->target->lanes || part->kind != LG_VALUE_RESULT ||
            part->type.dtype != LG_F32)
            return false;
        for (int j = 0; j < i; j++)
            if (op->operands[j] == part)
                return false;
        if (is_result(f, part))
            return false;
    }
    return true;
}

static void new_group(fuser *f, lg_op *op)
{
    LG_PUSH(f->ctx->scratch, &f->groups, (lg_group){0});
    put(f, op, f->groups.count - 1);
}

// A reshape to an image behind a movement that has no other use (zeros between the elements of a
// gradient): as a kernel it makes the image in the layout that is wanted, a view could not.
static bool ends_movement(const fuser *f, const lg_op *reshape)
{
    const lg_value *from = reshape->operands[0];
    return from->kind == LG_VALUE_RESULT && class_of(from->op) == LG_CLASS_MOVEMENT &&
           from->op->code != LG_OP_reshape && from->op->code != LG_OP_scatter_add &&
           from->op->code != LG_OP_concat && reshape->results[0]->type.rank == 4 &&
           lg_readers_count(&f->readers, from) == 1;
}

static void place(fuser *f, lg_op *op, bool fusing)
{
    if (class_of(op) == LG_CLASS_CONTROL) {
        put(f, op, VIEW);
        return;
    }
    if (lg_is_duplicated(op->results[0]) && !is_result(f, op->results[0])) {
        put(f, op, DUPLICATED);
        return;
    }
    int group = fusing ? only_group(f, op) : NO_GROUP;
    if (fusing && group < 0)
        group = join_updates(f, op);
    if (group >= 0 && may_join(f, op, group_at(f, group))) {
        put(f, op, group);
        return;
    }
    bool view = op->code == LG_OP_reshape && op->operands[0]->kind == LG_VALUE_RESULT &&
                !(fusing && ends_movement(f, op)) && !lg_is_duplicated(op->operands[0]) &&
                !is_result(f, op->results[0]);
    if (view || (fusing && is_image_concat(f, op) && !is_result(f, op->results[0])))
        put(f, op, VIEW);
    else
        new_group(f, op);
}

// ---- slices of a contraction

// Does `op` hang on one of group `on`, through whatever lies between? A kernel runs as a whole: an
// op hangs on all that any op of its group reads. What has a rank (see rank_all) below `since` is
// known not to.
static bool hangs_on(const fuser *f, const lg_op *op, int on, int64_t since, lg_map *seen)
{
    int own = group_of(f, op);
    const lg_group *g = own >= 0 ? group_at(f, own) : NULL;
    const void *unit = g ? (const void *)g : op;
    if ((since && lg_map_number(&f->rank, op) < since) || lg_map_number(seen, unit))
        return false;
    lg_map_at(seen, unit)->as.number = 1;
    for (int k = 0; k < (g ? g->ops.count : 1); k++) {
        const lg_op *member = g ? g->ops.items[k] : op;
        for (int i = 0; i < member->operand_count; i++) {
            if (member->operands[i]->kind != LG_VALUE_RESULT)
                continue;
            const lg_op *from = member->operands[i]->op;
            int group = group_of(f, from);
            if (group == on || ((!g || group != own) && hangs_on(f, from, on, since, seen)))
                return true;
        }
    }
    return false;
}

// Does any op of group `from` hang on one of group `on`?
static bool groups_hang(const fuser *f, int from, int on)
{
    lg_map seen = {.arena = f->ctx->scratch};
    const lg_group *g = group_at(f, from);
    return g->ops.count && hangs_on(f, g->ops.items[0], on, 0, &seen);
}

static void absorb(fuser *f, int into, int from)
{
    lg_group *g = group_at(f, from);
    int count = g->ops.count;
    g->ops.count = 0;
    for (int i = 0; i < count; i++)
        put(f, g->ops.items[i], into);
}

// The groups of the slices of `op`, a contraction or the end of its epilogue, join it if its kernel
// can compute them.
static void take_slices(fuser *f, lg_op *op)
{
    int own = group_of(f, op);
    const lg_type *type = &op->results[0]->type;
    lg_tile tile = lg_tile_choose(f->ctx->target, type->dims[type->rank - 1]);
    int64_t panel = (int64_t)tile.vectors * tile.lanes;
    LG_LIST(int) taken = {0};
    if (is_grouped(contraction_behind(op->results[0])))
        return;
    const lg_reader_list *readers = lg_readers_of(&f->readers, op->results[0]);
    for (int r = 0; r < readers->count; r++) {
        const lg_op *user = readers->items[r];
        int group = group_of(f, user);
        if (!is_channel_slice(user) || group < 0 || group == own)
            return; // somebody wants it whole
        int64_t start = lg_op_int_at(user, LG_ATTR_start, type->rank - 1);
        int64_t size = user->results[0]->type.dims[type->rank - 1];
        bool whole_panels =
            start % panel == 0 && (size % panel == 0 || start + size == type->dims[type->rank - 1]);
        lg_group rest = {0};
        const lg_group *g = group_at(f, group);
        for (int i = 0; i < g->ops.count; i++)
            if (g->ops.items[i] != user)
                LG_PUSH(f->ctx->scratch, &rest.ops, g->ops.items[i]);
        if (!whole_panels ||
            !is_epilogue(f, &rest, contraction_behind(op->results[0]), &user->results[0]->type))
            return;
        LG_PUSH(f->ctx->scratch, &taken, group);
    }
    if (taken.count < 2 || taken.count > 4)
        return;
    for (int i = 0; i < taken.count; i++)
        for (int j = 0; j < taken.count; j++)
            if (i != j && (taken.items[i] == taken.items[j] ||
                           groups_hang(f, taken.items[i], taken.items[j])))
                return;
    for (int i = 0; i < taken.count; i++)
        absorb(f, own, taken.items[i]);
    f->ctx->changes++;
}

// ---- sums beside a result

// Joining `from` to `into` makes no cycle if nothing outside both lies on a way from `into` to it.
// `since` as in hangs_on.
static bool stays_acyclic(const fuser *f, int into, int from, int64_t since)
{
    lg_map seen = {.arena = f->ctx->scratch};
    const lg_group *g = group_at(f, from);
    for (int i = 0; i < g->ops.count; i++)
        for (int j = 0; j < g->ops.items[i]->operand_count; j++) {
            const lg_value *v = g->ops.items[i]->operands[j];
            if (v->kind != LG_VALUE_RESULT || group_of(f, v->op) == into ||
                group_of(f, v->op) == from)
                continue;
            if (hangs_on(f, v->op, into, since, &seen))
                return false;
        }
    return true;
}

// Does the group, which hangs on `value` alone, do nothing but sum elements made of it?
static bool is_sum_of(const fuser *f, int group, const lg_value *value, const lg_op *to)
{
    const lg_group *g = group_at(f, group);
    bool sums = false;
    for (int i = 0; i < g->ops.count; i++)
        sums |= lg_is_pixel_sum(g->ops.items[i]);
    return sums && is_epilogue(f, g, to, &value->type);
}

// Do all that read `value` sum it?
static bool is_only_summed(const fuser *f, const lg_value *value, const lg_op *to)
{
    const lg_reader_list *readers = lg_readers_of(&f->readers, value);
    for (int i = 0; i < readers->count; i++) {
        int group = group_of(f, readers->items[i]);
        if (group < 0 || !is_sum_of(f, group, value, to))
            return false;
    }
    return !is_result(f, value);
}

static bool reads_any_of(const lg_group *g, const lg_group *of)
{
    for (int i = 0; i < of->ops.count; i++)
        if (lg_is_pixel_sum(of->ops.items[i]) && is_read_in(g, of->ops.items[i]->results[0]))
            return true;
    return false;
}

// The groups that do nothing but sum the result of `op` join its group. It ends a convolution, or
// an elementwise chain that none can take.
static void take_sums(fuser *f, lg_op *op)
{
    const lg_value *value = op->results[0];
    const lg_op *to = convolution_under(f, value, false, EPILOGUE_DEPTH);
    if (to && !is_only_summed(f, value, to) && !convolution_under(f, value, true, EPILOGUE_DEPTH))
        to = NULL;
    if (!to && (class_of(op) != LG_CLASS_ELEMENTWISE || value->type.rank != 4))
        return;
    int own = group_of(f, op), taken = 0;
    const lg_reader_list *readers = lg_readers_of(&f->readers, value);
    for (int i = 0; i < readers->count && taken < LG_MAX_EPILOGUE_RESULTS / 2; i++) {
        int group = group_of(f, readers->items[i]);
        if (group < 0 || group == own || !is_sum_of(f, group, value, to) ||
            group_at(f, own)->ops.count + group_at(f, group)->ops.count > f->max_ops / 2 ||
            reads_any_of(group_at(f, group), group_at(f, own)) || !stays_acyclic(f, own, group, 0))
            continue;
        absorb(f, own, group);
        taken++;
        f->ctx->changes++;
    }
}

// ---- staging small groups

typedef struct stage_budget {
    double flops;
    int64_t bytes;
} stage_budget;

// What a group needs as part of a staged kernel; false if it is no small one.
static bool is_small(const fuser *f, const lg_group *g, double max_flops, stage_budget *needs)
{
    *needs = (stage_budget){0};
    for (int i = 0; i < g->ops.count; i++) {
        const lg_op *op = g->ops.items[i];
        const lg_type *type = &op->results[0]->type;
        lg_op_class class = class_of(op);
        if (op->code == LG_OP_conv2d || op->code == LG_OP_conv2d_input_grad ||
            op->code == LG_OP_conv2d_filter_grad || op->code == LG_OP_winograd_conv2d ||
            op->code == LG_OP_winograd_filter || op->code == LG_OP_scatter_add)
            return false;
        if (type->rank == 4 && type->dims[1] * type->dims[2] > 1) // images have better loops
            return false;
        needs->flops += lg_op_flops(op);
        if (class != LG_CLASS_MOVEMENT && class != LG_CLASS_SOURCE)
            needs->bytes += lg_type_elements(type) * 4;
        for (int j = 0; j < op->operand_count; j++)
            if (lg_type_elements(&op->operands[j]->type) * 4 > f->ctx->target->tile_memory)
                return false;
    }
    return needs->flops <= max_flops / 2 && needs->bytes <= f->ctx->target->tile_memory;
}

// Gives `op` and its group a rank behind all that the group reads.
static void rank_unit(fuser *f, const lg_op *op, int64_t *last)
{
    int own = group_of(f, op);
    const lg_group *g = own >= 0 ? group_at(f, own) : NULL;
    int count = g ? g->ops.count : 1;
    if (lg_map_number(&f->rank, op))
        return;
    for (int k = 0; k < count; k++) // so that nobody comes back; the number follows
        lg_map_at(&f->rank, g ? g->ops.items[k] : op)->as.number = INT64_MAX;
    for (int k = 0; k < count; k++) {
        const lg_op *member = g ? g->ops.items[k] : op;
        for (int i = 0; i < member->operand_count; i++)
            if (member->operands[i]->kind == LG_VALUE_RESULT)
                rank_unit(f, member->operands[i]->op, last);
    }
    ++*last;
    for (int k = 0; k < count; k++)
        lg_map_at(&f->rank, g ? g->ops.items[k] : op)->as.number = *last;
}

// Numbers groups, and ops that are in none, in an order in which they can run.
static void rank_all(fuser *f)
{
    int64_t last = 0;
    LG_FOR_OPS (op, f->function)
        rank_unit(f, op, &last);
}

static int64_t rank_of(const fuser *f, int group)
{
    const lg_group *g = group_at(f, group);
    return g->ops.count ? lg_map_number(&f->rank, g->ops.items[0]) : 0;
}

typedef struct ranked_group {
    int group;
    int64_t rank;
} ranked_group;

static int earlier_first(const void *a, const void *b)
{
    const ranked_group *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return x->group - y->group;
}

// Updates of small tensors share kernels: nothing hangs on them, so that any may go together. They
// follow each other in the order in which gradients are made.
static bool stage_update(fuser *f, int group, int *run, int *used)
{
    const lg_group *g = group_at(f, group);
    int writes = f->ctx->target->kind == LG_TARGET_CPU ? count_updates(f, g) : 0;
    if (!writes)
        return false;
    if (lg_type_elements(&g->ops.items[0]->results[0]->type) > UPDATE_ELEMENTS)
        return true;
    if (*run >= 0 && *used + writes <= MOST_STAGED_UPDATES) {
        absorb(f, *run, group);
        *used += writes;
        f->ctx->changes++;
    } else {
        *run = group;
        *used = writes;
    }
    return true;
}

// Groups that follow each other in an order in which they can run are put together: none before
// hangs on one behind, so that only ways from the first to the last of them need be looked at.
static void stage_groups(fuser *f, double max_flops)
{
    rank_all(f);
    int count = f->groups.count;
    ranked_group *order = LG_NEW_ARRAY(f->ctx->scratch, ranked_group, count + 1);
    for (int i = 0; i < count; i++)
        order[i] = (ranked_group){i, rank_of(f, i)};
    qsort(order, (size_t)count, sizeof *order, earlier_first);
    int run = NO_GROUP, updates = NO_GROUP, writes = 0;
    int64_t start = 0; // rank of its first group
    stage_budget used = {0};
    for (int i = 0; i < count; i++) {
        stage_budget needs;
        int group = order[i].group;
        if (!group_at(f, group)->ops.count || stage_update(f, group, &updates, &writes))
            continue;
        if (!is_small(f, group_at(f, group), max_flops, &needs)) {
            continue; // it may run beside; what hangs on it is kept apart by stays_acyclic
        }
        if (run >= 0 && used.flops + needs.flops <= max_flops &&
            used.bytes + needs.bytes <= f->ctx->target->tile_memory &&
            stays_acyclic(f, run, group, start)) {
            absorb(f, run, group);
            used.flops += needs.flops;
            used.bytes += needs.bytes;
            f->ctx->changes++;
        } else {
            run = group;
            start = order[i].rank;
            used = needs;
        }
    }
}

// ---- the pass

static int compare_positions(const lg_map *position, const lg_op *a, const lg_op *b)
{
    return (int)(lg_map_number(position, a) - lg_map_number(position, b));
}

static void sort_group(const lg_map *position, lg_group *g)
{
    for (int i = 1; i < g->ops.count; i++) {
        lg_op *op = g->ops.items[i];
        int at = i;
        for (; at > 0 && compare_positions(position, g->ops.items[at - 1], op) > 0; at--)
            g->ops.items[at] = g->ops.items[at - 1];
        g->ops.items[at] = op;
    }
}

// A result of a func that no kernel makes (an argument, a symbol, a view, the same value twice),
// and a written value that no kernel makes, gets a kernel that copies.
static lg_value *copied(lg_function *function, lg_value *value, lg_op *before)
{
    return lg_build(function, before, LG_OP_relayout, LG_OPERANDS(value), 0, NULL, &value->type,
                    function->where);
}

static bool is_plain(const lg_value *value)
{
    return value->kind == LG_VALUE_RESULT && class_of(value->op) != LG_CLASS_CONTROL &&
           value->op->code != LG_OP_reshape;
}

static void copy_results(lg_function *function, lg_arena *scratch)
{
    lg_readers readers = lg_readers_find(function, scratch);
    for (int i = 0; i < function->results.count; i++) {
        bool twice = false;
        for (int j = 0; j < i; j++)
            twice |= function->results.items[i] == function->results.items[j];
        if (twice || !is_plain(function->results.items[i]))
            function->results.items[i] = copied(function, function->results.items[i], NULL);
    }
    LG_FOR_OPS (op, function) {
        if (op->code != LG_OP_write)
            continue;
        bool shared = lg_readers_count(&readers, op->operands[1]) > 1;
        if (shared || !is_plain(op->operands[1]))
            op->operands[1] = copied(function, op->operands[1], op);
    }
}

// Is operand `i` of the op what reads its value first, or at all if it is returned too?
static bool is_first_reader(const lg_readers *readers, const lg_op *op, int i)
{
    const lg_value *value = op->operands[i];
    for (int j = 0; j < i; j++)
        if (op->operands[j] == value)
            return false;
    return lg_readers_of(readers, value)->items[0] == op && !lg_readers_is_returned(readers, value);
}

// A broadcast costs nothing where it is read and fills an image where it is not: each op that reads
// one has its own, the first of them the one that is there.
static void copy_broadcasts(lg_function *function, lg_arena *scratch)
{
    lg_readers readers = lg_readers_find(function, scratch);
    for (lg_op *op = function->last; op; op = op->previous)
        for (int i = 0; i < op->operand_count && op->code != LG_OP_write; i++) {
            const lg_value *value = op->operands[i];
            if (value->kind == LG_VALUE_RESULT && value->op->code == LG_OP_broadcast &&
                !is_first_reader(&readers, op, i))
                op->operands[i] =
                    lg_op_copy(function, op, value->op, value->op->operands, NULL)->results[0];
        }
}

static void fuse_function(lg_pass_ctx *ctx, lg_function *function)
{
    bool fusing = !lg_pass_option_value(ctx, "off", 0);
    fuser f = {.ctx = ctx, .function = function};
    f.group_of.arena = f.position.arena = f.rank.arena = f.prologue.arena = ctx->scratch;
    f.max_ops = lg_pass_option_value(ctx, "max-ops", 16);
    f.sums = fusing && ctx->target->kind == LG_TARGET_CPU && lg_pass_option_value(ctx, "sums", 1);
    lg_drop_unused(function, ctx->scratch);
    copy_results(function, ctx->scratch);
    if (fusing)
        copy_broadcasts(function, ctx->scratch);
    int64_t images = lg_pass_option_value(ctx, "prologue", 0);
    if (fusing && images > 0 && ctx->target->kind == LG_TARGET_CPU) {
        ctx->changes += lg_copy_prologues(function, ctx->target, images, &f.prologue, ctx->scratch);
        lg_drop_unused(function, ctx->scratch);
    }
    number_ops(function, &f.position);
    f.readers = lg_readers_find(function, ctx->scratch);
    for (lg_op *op = function->last; op; op = op->previous) {
        place(&f, op, fusing);
        bool alone = group_of(&f, op) >= 0 && group_at(&f, group_of(&f, op))->ops.count == 1;
        if (fusing && ctx->target->kind == LG_TARGET_CPU && alone &&
            contraction_behind(op->results[0]))
            take_slices(&f, op);
        if (f.sums && alone)
            take_sums(&f, op);
    }
    double stage_flops = (double)lg_pass_option_value(ctx, "stage-flops", 16000000);
    if (fusing && stage_flops > 0)
        stage_groups(&f, stage_flops);
    for (int i = 0; i < f.groups.count; i++) {
        if (!group_at(&f, i)->ops.count)
            continue;
        sort_group(&f.position, group_at(&f, i));
        lg_outline(function, group_at(&f, i), &f.readers, ctx->scratch);
        ctx->changes++;
    }
    lg_sort_ops(function, ctx->scratch);
    lg_drop_unused(function, ctx->scratch); // copies are in the kernels
}

static bool check_kernels(const lg_module *module, lg_diag *diag)
{
    bool ok = true;
    LG_FOR_FUNCTIONS (f, module)
        LG_FOR_OPS (op, f)
            if (lg_outline_fault(op))
                ok = lg_error_at(diag, op->where, "@%s: %s: %s", f->name,
                                 lg_op_info_of(op->code)->name, lg_outline_fault(op));
    return ok;
}

bool lg_pass_fuse(lg_unit *unit, lg_pass_ctx *ctx)
{
    if (!check_kernels(unit->module, ctx->diag))
        return false;
    LG_FOR_FUNCTIONS (function, unit->module)
        if (function->kind == LG_FUNC)
            fuse_function(ctx, function);
    return true;
}
