// legalize: brings contractions into the forms that the tiled schedules of the target take.
//
// needs `no composites`; keeps everything. On a CPU
//   - groups that do not fall on whole panels and vectors are merged, as few as make groups that do
//     (all of them make a dense convolution), the filter spread out with zeros by @pack. Depthwise
//     convolutions have a schedule of their own; with several outputs a channel the channels are
//     repeated first: a pass over memory costs less than zeros
//   - the gradient of such a filter in few groups is taken from that of a dense one
//   - the right operand of a matmul that is transposed in memory, no weight and not f32 is
//     transposed by an op, so that its columns adjoin (the schedule of f32 copies it by blocks)
//
//     %0 = conv2d %x, @w {groups=2} : f32[1,8,8,8]            @w: f32[8,12,1,1]
// becomes
//     %0 = slice @w {start=[0,0,0,0], limit=[4,12,1,1]} : f32[4,12,1,1]
//     %1 = pad %0 {low=[0,0,0,0], high=[0,12,0,0]} : f32[4,24,1,1]
//     ... the same of the second group, behind 12 zeros: %3 ...
//     %4 = concat %1, %3 {axis=0} : f32[8,24,1,1]
//     %5 = conv2d %x, %4 : f32[1,8,8,8]
#include "passes/passes.h"
#include "passes/rewriter.h"
#include "passes/schedule/depthwise.h"
#include "passes/schedule/filter_grad.h"

enum { MOST_DENSE = 4 }; // groups whose filter's gradient is computed as a dense one

// Does a convolution in `groups` groups of so many channels fall on whole panels and vectors?
static bool groups_fit(const lg_op *op, const lg_target *target, int64_t groups, int64_t channels)
{
    const lg_type *x = &op->operands[0]->type, *f = &op->operands[1]->type;
    int64_t panel = lg_tile_panel(lg_tile_choose(target, f->dims[0]));
    return groups == 1 || (f->dims[0] / groups % panel == 0 &&
                           (channels % target->lanes == 0 || x->dims[3] < target->lanes));
}

// How many groups become one: as few as fit, since all but one in so many multiplications are with
// zeros.
static int64_t groups_to_merge(const lg_op *op, const lg_target *target)
{
    int64_t groups = lg_op_int(op, LG_ATTR_groups), merged = 1;
    while (groups % merged ||
           !groups_fit(op, target, groups / merged, merged * op->operands[1]->type.dims[1]))
        merged++;
    return merged;
}

// The filter of group `g`, the `place`th of `merged`, between zeros for the channels of the others.
static lg_value *spread_group(lg_rewriter *r, lg_op *op, int64_t g, int64_t merged)
{
    lg_value *filter = op->operands[1];
    int64_t groups = lg_op_int(op, LG_ATTR_groups), place = g % merged;
    int64_t outputs = filter->type.dims[0] / groups, channels = filter->type.dims[1];
    lg_value *own = lg_rewrite_slice(r, op, filter, 0, g * outputs, (g + 1) * outputs);
    int64_t low[4] = {0, place * channels, 0, 0}, high[4] = {0, (merged - 1 - place) * channels};
    lg_attr attrs[] = {lg_attr_ints(LG_ATTR_low, 4, low), lg_attr_ints(LG_ATTR_high, 4, high)};
    return lg_rewrite_build(r, op, LG_OP_pad, LG_OPERANDS(own), 2, attrs, NULL);
}

static int attrs_but_groups(const lg_op *op, lg_attr *attrs)
{
    int count = 0;
    for (int i = 0; i < op->attr_count; i++)
        if (op->attrs[i].name != LG_ATTR_groups)
            attrs[count++] = op->attrs[i];
    return count;
}

// The convolution `op` on other operands, in `groups` groups.
static void replace_convolution(lg_rewriter *r, lg_op *op, lg_value *x, lg_value *filter,
                                int64_t groups)
{
    lg_attr attrs[LG_ATTR_COUNT];
    int count = attrs_but_groups(op, attrs);
    if (groups > 1)
        attrs[count++] = lg_attr_int(LG_ATTR_groups, groups);
    lg_value *y = lg_rewrite_build(r, op, LG_OP_conv2d, LG_OPERANDS(x, filter), count, attrs, NULL);
    lg_rewrite_replace(r, op->results[0], y);
}

static void merge_groups(lg_rewriter *r, lg_op *op, int64_t merged)
{
    int64_t groups = lg_op_int(op, LG_ATTR_groups);
    lg_value **parts = LG_NEW_ARRAY(r->ctx->scratch, lg_value *, groups);
    for (int64_t g = 0; g < groups; g++)
        parts[g] = spread_group(r, op, g, merged);
    lg_value *filter = lg_rewrite_concat(r, op, 0, (int)groups, parts);
    replace_convolution(r, op, op->operands[0], filter, groups / merged);
}

// Several outputs a channel: every channel that often, and one output each.
static bool is_multiplied_depthwise(const lg_op *op, const lg_target *target)
{
    const lg_type *x = &op->operands[0]->type, *f = &op->operands[1]->type;
    return f->dims[1] == 1 && f->dims[0] > x->dims[3] && x->dtype == LG_F32 &&
           x->dims[3] >= target->lanes;
}

static void repeat_channels(lg_rewriter *r, lg_op *op)
{
    lg_value *x = op->operands[0];
    int64_t outputs = op->operands[1]->type.dims[0];
    int64_t dims[5] = {x->type.dims[0], x->type.dims[1], x->type.dims[2], x->type.dims[3], 1};
    lg_value *columns = lg_rewrite_reshape(r, op, x, 5, dims);
    lg_type type = columns->type;
    type.dims[4] = outputs / x->type.dims[3];
    lg_value *repeated = lg_rewrite_broadcast(r, op, columns, &type);
    dims[3] = outputs;
    replace_convolution(r, op, lg_rewrite_reshape(r, op, repeated, 4, dims), op->operands[1],
                        outputs);
}

static void regroup(lg_rewriter *r, lg_op *op, const lg_target *target)
{
    if (lg_op_int(op, LG_ATTR_groups) == 1 || lg_depthwise_suits(op, target))
        return;
    if (is_multiplied_depthwise(op, target)) {
        repeat_channels(r, op);
        return;
    }
    int64_t merged = groups_to_merge(op, target);
    if (merged > 1)
        merge_groups(r, op, merged);
}

// The gradient of a filter in few groups that do not fall on whole vectors: of a dense filter, of
// which the blocks of the groups are kept. All but one in so many multiplications are for nothing,
// which is less than what the general loops cost.
static void regroup_gradient(lg_rewriter *r, lg_op *op, const lg_target *target)
{
    lg_value *x = op->operands[0];
    lg_type dense = op->results[0]->type;
    int64_t groups = lg_op_int(op, LG_ATTR_groups), channels = dense.dims[1];
    int64_t outputs = dense.dims[0] / groups;
    if (groups == 1 || groups > MOST_DENSE || dense.dtype != LG_F32 ||
        lg_filter_grad_suits(op, target))
        return;
    dense.dims[1] = x->type.dims[3];
    lg_attr attrs[LG_ATTR_COUNT];
    int count = attrs_but_groups(op, attrs);
    lg_value *all = lg_rewrite_build(r, op, LG_OP_conv2d_filter_grad,
                                     LG_OPERANDS(x, op->operands[1]), count, attrs, &dense);
    lg_value *parts[MOST_DENSE];
    for (int64_t g = 0; g < groups; g++) {
        lg_value *rows = lg_rewrite_slice(r, op, all, 0, g * outputs, (g + 1) * outputs);
        parts[g] = lg_rewrite_slice(r, op, rows, 1, g * channels, (g + 1) * channels);
    }
    lg_rewrite_replace(r, op->results[0], lg_rewrite_concat(r, op, 0, (int)groups, parts));
}

static void untranspose(lg_rewriter *r, lg_op *op)
{
    lg_value *b = op->operands[1];
    int64_t perm[LG_MAX_RANK];
    for (int a = 0; a < b->type.rank; a++)
        perm[a] = a;
    perm[b->type.rank - 1] = b->type.rank - 2;
    perm[b->type.rank - 2] = b->type.rank - 1;
    lg_value *columns = lg_rewrite_transpose(r, op, b, perm);
    lg_attr attrs[] = {lg_attr_flag(LG_ATTR_ta, lg_op_int(op, LG_ATTR_ta))};
    lg_value *y = lg_rewrite_build(r, op, LG_OP_matmul, LG_OPERANDS(op->operands[0], columns), 1,
                                   attrs, NULL);
    lg_rewrite_replace(r, op->results[0], y);
}

bool lg_pass_legalize(lg_unit *unit, lg_pass_ctx *ctx)
{
    if (ctx->target->kind != LG_TARGET_CPU)
        return true;
    LG_FOR_FUNCTIONS (f, unit->module) {
        lg_map weights = {.arena = ctx->scratch};
        lg_mark_symbol_only(&weights, f);
        lg_rewriter r;
        lg_rewrite_begin(&r, ctx, f);
        for (lg_op *op; (op = lg_rewrite_next(&r));) {
            if (op->code == LG_OP_conv2d_filter_grad)
                regroup_gradient(&r, op, ctx->target);
            if (op->code != LG_OP_conv2d && op->code != LG_OP_matmul)
                continue;
            bool weight = lg_map_number(&weights, op->operands[1]);
            if (op->code == LG_OP_conv2d && weight)
                regroup(&r, op, ctx->target);
            else if (op->code == LG_OP_matmul && lg_op_int(op, LG_ATTR_tb) && !weight &&
                     op->results[0]->type.dtype != LG_F32)
                untranspose(&r, op);
        }
    }
    return true;
}
