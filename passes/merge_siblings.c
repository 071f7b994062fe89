// merge-siblings: convolutions of one image become one with more filters.
//
// needs `no composites`; keeps everything. Siblings read the same value with the same stride and
// dilation and produce the same size; their filters are made of symbols, so that `prepack` joins
// them. Different odd sizes of filter are padded with zeros to the largest, as long as that adds no
// more than `max-padding` percent of multiply-adds. Biases and relus move in front of the slices,
// where they can become the epilogue of the merged convolution:
//
//     %0 = conv2d %x, @a {pad=[1,1]} : f32[1,8,8,16]       // 3x3
//     %1 = conv2d %x, @b : f32[1,8,8,8]                    // 1x1
// becomes
//     %0 = pad @b {low=[0,0,1,1], high=[0,0,1,1]} : f32[8,4,3,3]
//     %1 = concat @a, %0 {axis=0} : f32[24,4,3,3]
//     %2 = conv2d %x, %1 {pad=[1,1]} : f32[1,8,8,24]
//     %3 = slice %2 {start=[0,0,0,0], limit=[1,8,8,16]} : f32[1,8,8,16]
//     %4 = slice %2 {start=[0,0,0,16], limit=[1,8,8,24]} : f32[1,8,8,8]
//
// Where only some are followed by relu, the relus stay behind the slices: `fuse` makes one kernel
// of the convolution and all that reads its slices. Left alone: a sibling whose result goes
// straight into more arithmetic that would have been its epilogue (a residual sum, say) and has no
// other convolution to fuse with; channels that are no multiple of `align` (0: two vectors of the
// target), because their slices would straddle tiles.
#include "passes/passes.h"
#include "passes/rewriter.h"

typedef struct sibling {
    lg_op *conv;
    lg_value *shift; // the bias before its broadcast, or NULL
    bool relu;
    lg_value *sum; // the result with bias
    lg_value *end; // the result with bias and relu
} sibling;

typedef LG_LIST(sibling) sibling_list;

typedef struct merger {
    lg_rewriter *r;
    lg_map symbol_only;
    int64_t max_padding, align;
} merger;

enum { H, W };

static int64_t filter_size(const lg_op *conv, int axis)
{
    return conv->operands[1]->type.dims[2 + axis];
}

static int64_t channels(const sibling *s)
{
    return s->conv->operands[1]->type.dims[0];
}

// ---- who is a sibling

static bool is_candidate(const merger *m, const lg_op *op)
{
    return op->code == LG_OP_conv2d && lg_op_int(op, LG_ATTR_groups) == 1 &&
           !op->results[0]->type.layout && lg_map_number(&m->symbol_only, op->operands[1]) &&
           op->operands[1]->type.dims[0] % m->align == 0;
}

// Do both read the same pixels but for taps of zero around the smaller filter?
static bool are_aligned(const lg_op *a, const lg_op *b)
{
    if (a->operands[0] != b->operands[0] ||
        a->operands[1]->type.dtype != b->operands[1]->type.dtype)
        return false;
    for (int axis = H; axis <= W; axis++) {
        int64_t dilation = lg_op_int_at(a, LG_ATTR_dilation, axis);
        int64_t grown = filter_size(a, axis) - filter_size(b, axis);
        int64_t padding = lg_op_int_at(a, LG_ATTR_pad, axis) - lg_op_int_at(b, LG_ATTR_pad, axis);
        if (lg_op_int_at(a, LG_ATTR_stride, axis) != lg_op_int_at(b, LG_ATTR_stride, axis) ||
            dilation != lg_op_int_at(b, LG_ATTR_dilation, axis) || grown % 2 != 0 ||
            2 * padding != dilation * grown ||
            a->results[0]->type.dims[1 + axis] != b->results[0]->type.dims[1 + axis])
            return false;
    }
    return true;
}

// The source of `value` if that is a bias: a broadcast of [1,1,1,c] made of symbols.
static lg_value *bias_source(const merger *m, const lg_value *value)
{
    if (lg_code_of(value) != LG_OP_broadcast)
        return NULL;
    lg_value *source = value->op->operands[0];
    for (int i = 0; i < 3; i++)
        if (source->type.dims[i] != 1)
            return NULL;
    bool whole = source->type.dims[3] == value->type.dims[3];
    return whole && lg_map_number(&m->symbol_only, source) ? source : NULL;
}

static sibling describe(merger *m, lg_op *conv)
{
    sibling s = {.conv = conv, .end = conv->results[0]};
    lg_op *user = lg_rewrite_single_user(m->r, s.end);
    if (user && user->code == LG_OP_add) {
        s.shift = bias_source(m, user->operands[user->operands[0] == s.end]);
        if (s.shift) {
            s.end = user->results[0];
            user = lg_rewrite_single_user(m->r, s.end);
        }
    }
    s.sum = s.end;
    if (user && user->code == LG_OP_relu) {
        s.relu = true;
        s.end = user->results[0];
    }
    return s;
}

static bool is_elementwise(const lg_op *op)
{
    return lg_op_info_of(op->code)->class == LG_CLASS_ELEMENTWISE;
}

// Is `value` the end of a contraction with an epilogue, into which its user can go as well?
static bool ends_contraction(merger *m, const lg_value *value)
{
    while (value->kind == LG_VALUE_RESULT && lg_rewrite_single_user(m->r, value)) {
        if (lg_op_info_of(value->op->code)->class == LG_CLASS_CONTRACTION)
            return true;
        if (!is_elementwise(value->op))
            return false;
        value = value->op->operands[0];
    }
    return false;
}

// Would arithmetic that fuses with this convolution now be left alone behind a slice?
static bool loses_epilogue(merger *m, const sibling *s)
{
    const lg_op *user = lg_rewrite_single_user(m->r, s->end);
    if (!user || !is_elementwise(user))
        return false;
    for (int i = 0; i < user->operand_count; i++)
        if (user->operands[i] != s->end && ends_contraction(m, user->operands[i]))
            return false;
    return true;
}

// ---- which of them are worth it

static int64_t largest(const sibling_list *group, int axis)
{
    int64_t size = 0;
    for (int i = 0; i < group->count; i++)
        if (filter_size(group->items[i].conv, axis) > size)
            size = filter_size(group->items[i].conv, axis);
    return size;
}

static bool padding_pays(const merger *m, const sibling_list *group)
{
    double now = 0, merged = 0, area = (double)largest(group, H) * (double)largest(group, W);
    for (int i = 0; i < group->count; i++) {
        const sibling *s = &group->items[i];
        now +=
            (double)channels(s) * (double)filter_size(s->conv, H) * (double)filter_size(s->conv, W);
        merged += (double)channels(s) * area;
    }
    return merged <= now * (1 + 0.01 * (double)m->max_padding);
}

static bool is_alike(const sibling *a, const sibling *b, bool same_size)
{
    return are_aligned(a->conv, b->conv) &&
           (!same_size || (filter_size(a->conv, H) == filter_size(b->conv, H) &&
                           filter_size(a->conv, W) == filter_size(b->conv, W)));
}

// The siblings of `first` among those behind it.
static sibling_list group_of(merger *m, const sibling_list *all, int first, bool same_size)
{
    sibling_list group = {0};
    for (int i = first; i < all->count; i++)
        if (all->items[i].conv->function && is_alike(&all->items[first], &all->items[i], same_size))
            LG_PUSH(m->r->ctx->scratch, &group, all->items[i]);
    return group;
}

// Where a concat along the channels joins the results, its order makes the slices cancel.
static void sort_by_concat(merger *m, sibling_list *group)
{
    const lg_op *concat = NULL;
    int *places = LG_NEW_ARRAY(m->r->ctx->scratch, int, group->count);
    for (int i = 0; i < group->count; i++) {
        const lg_op *user = lg_rewrite_single_user(m->r, group->items[i].end);
        if (!user || user->code != LG_OP_concat || (concat && user != concat))
            return;
        concat = user;
        while (user->operands[places[i]] != group->items[i].end)
            places[i]++;
    }
    for (int i = 1; i < group->count; i++) // insertion sort: groups are small
        for (int j = i; j > 0 && places[j] < places[j - 1]; j--) {
            sibling s = group->items[j];
            int place = places[j];
            group->items[j] = group->items[j - 1];
            places[j] = places[j - 1];
            group->items[j - 1] = s;
            places[j - 1] = place;
        }
}

// ---- merging

static lg_value *merged_filter(merger *m, lg_op *at, const sibling_list *group)
{
    lg_value **filters = LG_NEW_ARRAY(m->r->ctx->scratch, lg_value *, group->count);
    for (int i = 0; i < group->count; i++) {
        const lg_op *conv = group->items[i].conv;
        int64_t border[4] = {0, 0, (largest(group, H) - filter_size(conv, H)) / 2,
                             (largest(group, W) - filter_size(conv, W)) / 2};
        filters[i] = conv->operands[1];
        if (border[2] == 0 && border[3] == 0)
            continue;
        lg_attr attrs[] = {lg_attr_ints(LG_ATTR_low, 4, border),
                           lg_attr_ints(LG_ATTR_high, 4, border)};
        filters[i] = lg_rewrite_build(m->r, at, LG_OP_pad, 1, &filters[i], 2, attrs, NULL);
    }
    return lg_rewrite_concat(m->r, at, 0, group->count, filters);
}

static lg_value *merged_conv(merger *m, lg_op *at, const sibling_list *group)
{
    int64_t stride[2], dilation[2], pad[2];
    for (int axis = H; axis <= W; axis++) {
        stride[axis] = lg_op_int_at(at, LG_ATTR_stride, axis);
        dilation[axis] = lg_op_int_at(at, LG_ATTR_dilation, axis);
        pad[axis] = lg_op_int_at(at, LG_ATTR_pad, axis) +
                    dilation[axis] * (largest(group, axis) - filter_size(at, axis)) / 2;
    }
    lg_attr attrs[] = {lg_attr_ints(LG_ATTR_stride, 2, stride), lg_attr_ints(LG_ATTR_pad, 2, pad),
                       lg_attr_ints(LG_ATTR_dilation, 2, dilation)};
    return lg_rewrite_build(m->r, at, LG_OP_conv2d,
                            LG_OPERANDS(at->operands[0], merged_filter(m, at, group)), 3, attrs,
                            NULL);
}

static lg_value *add_biases(merger *m, lg_op *at, const sibling_list *group, lg_value *value)
{
    lg_value **shifts = LG_NEW_ARRAY(m->r->ctx->scratch, lg_value *, group->count);
    bool any = false;
    for (int i = 0; i < group->count; i++)
        any |= group->items[i].shift != NULL;
    if (!any)
        return value;
    for (int i = 0; i < group->count; i++) {
        lg_type type = LG_TYPE(value->type.dtype, 1, 1, 1, channels(&group->items[i]));
        shifts[i] = group->items[i].shift;
        if (!shifts[i])
            shifts[i] = lg_rewrite_splat(m->r, at, &type, 0);
    }
    lg_value *shift = lg_rewrite_concat(m->r, at, 3, group->count, shifts);
    return lg_rewrite_binary(m->r, at, LG_OP_add, value,
                             lg_rewrite_broadcast(m->r, at, shift, &value->type));
}

static bool all_end_in_relu(const sibling_list *group)
{
    for (int i = 0; i < group->count; i++)
        if (!group->items[i].relu)
            return false;
    return true;
}

// Moves what `value` is made of, where it stands behind `at`, in front of it.
static void move_up(lg_map *in_front, lg_value *value, lg_op *at)
{
    if (value->kind != LG_VALUE_RESULT || lg_map_number(in_front, value->op))
        return;
    for (int i = 0; i < value->op->operand_count; i++)
        move_up(in_front, value->op->operands[i], at);
    lg_op_move(value->op, at);
    lg_map_at(in_front, value->op)->as.number = 1;
}

// Weights of later siblings may stand behind the first convolution; they hang on nothing there.
static void move_weights_up(merger *m, const sibling_list *group, lg_op *at)
{
    lg_map in_front = {.arena = m->r->ctx->scratch};
    for (lg_op *op = at->previous; op; op = op->previous)
        lg_map_at(&in_front, op)->as.number = 1;
    for (int i = 0; i < group->count; i++) {
        move_up(&in_front, group->items[i].conv->operands[1], at);
        if (group->items[i].shift)
            move_up(&in_front, group->items[i].shift, at);
    }
}

static void merge(merger *m, sibling_list *group)
{
    lg_op *at = group->items[0].conv; // the first in the function
    sort_by_concat(m, group);
    move_weights_up(m, group, at);
    lg_value *value = merged_conv(m, at, group);
    value = add_biases(m, at, group, value);
    bool relu = all_end_in_relu(group);
    if (relu)
        value = lg_rewrite_unary(m->r, at, LG_OP_relu, value);
    lg_value **slices = LG_NEW_ARRAY(m->r->ctx->scratch, lg_value *, group->count);
    for (int64_t i = 0, start = 0; i < group->count; i++) {
        int64_t limit = start + channels(&group->items[i]);
        slices[i] = lg_rewrite_slice(m->r, at, value, 3, start, limit);
        start = limit;
    }
    for (int i = 0; i < group->count; i++) // `at` goes with its sibling
        lg_rewrite_replace(m->r, relu ? group->items[i].end : group->items[i].sum, slices[i]);
}

static void merge_function(lg_function *f, lg_pass_ctx *ctx)
{
    lg_rewriter r;
    merger m = {.r = &r,
                .symbol_only = {.arena = ctx->scratch},
                .max_padding = lg_pass_option_of(ctx, "max-padding"),
                .align = lg_pass_option_of(ctx, "align")};
    if (m.align == 0) // a panel of the schedules' tiles
        m.align = 2 * (int64_t)ctx->target->lanes;
    lg_rewrite_begin(&r, ctx, f);
    lg_mark_symbol_only(&m.symbol_only, f);
    sibling_list all = {0};
    LG_FOR_OPS (op, f) {
        sibling s;
        if (!is_candidate(&m, op))
            continue;
        s = describe(&m, op);
        if (!loses_epilogue(&m, &s))
            LG_PUSH(ctx->scratch, &all, s);
    }
    for (int i = 0; i < all.count; i++) {
        if (!all.items[i].conv->function) // merged already
            continue;
        sibling_list group = group_of(&m, &all, i, false);
        if (group.count > 1 && !padding_pays(&m, &group))
            group = group_of(&m, &all, i, true);
        if (group.count > 1)
            merge(&m, &group);
    }
}

bool lg_pass_merge_siblings(lg_unit *unit, lg_pass_ctx *ctx)
{
    LG_FOR_FUNCTIONS (f, unit->module)
        if (f->kind == LG_FUNC)
            merge_function(f, ctx);
    return true;
}
