// stack-siblings: equal trees that meet in a concat become one tree with a leading axis.
//
// needs `no composites`; keeps everything. Where a concat joins N values of size 1 along its axis
// that are computed alike, from the same values and from different weights, they are computed
// together: weights are stacked along a new first axis (by `prepack` in the end), shared values get
// a first axis of 1, and every op of the tree is done once, its axes moved by one. N matmuls become
// one batched matmul.
//
//     %0 = matmul %x, @w1 : f32[1,8]
//     %1 = matmul %x, @w2 : f32[1,8]
//     %2 = concat %0, %1 {axis=0} : f32[2,8]
// becomes
//     %0 = reshape %x : f32[1,1,4]
//     %1 = concat (reshape @w1), (reshape @w2) {axis=0} : f32[2,4,8]
//     %2 = matmul %0, %1 : f32[2,1,8]
//     %3 = reshape %2 : f32[2,8]
//
// First the trees are compared, position by position, into a list of nodes, operands first; only if
// they match to the leaves is anything built. Left alone: trees with values that something outside
// of them reads, which would be computed twice.
#include "passes/cse.h"
#include "passes/passes.h"
#include "passes/rewriter.h"

#include <assert.h>
#include <string.h>

typedef enum node_kind {
    SHARED, // one value that all trees read
    WEIGHT, // N different values made of symbols
    OP      // N ops that are alike
} node_kind;

typedef struct node {
    node_kind kind;
    lg_value **values; // N of them
    int *operands;     // of an OP: nodes
    lg_value *stacked; // built: first axis N, or 1 where all N are the same
} node;

typedef struct stacker {
    lg_rewriter *r;
    lg_map symbol_only;
    int count; // N
    LG_LIST(node) nodes;
    lg_op *concat;
} stacker;

// ---- comparing

static bool all_same(const stacker *s, lg_value *const *values)
{
    for (int i = 1; i < s->count; i++)
        if (values[i] != values[0])
            return false;
    return true;
}

static bool all_symbol_only(const stacker *s, lg_value *const *values)
{
    for (int i = 0; i < s->count; i++)
        if (!lg_map_number(&s->symbol_only, values[i]) ||
            !lg_type_equal(&values[i]->type, &values[0]->type))
            return false;
    return values[0]->type.rank < LG_MAX_RANK;
}

// Can the op be done once on stacked operands?
static bool is_stackable(const lg_op *op)
{
    switch (op->code) {
    case LG_OP_gather:
    case LG_OP_scatter_add:
    case LG_OP_relayout:
    case LG_OP_conv2d:
    case LG_OP_winograd_conv2d:
    case LG_OP_winograd_filter:
    case LG_OP_split:
    case LG_OP_split_conv2d:
    case LG_OP_conv2d_input_grad:
    case LG_OP_conv2d_filter_grad:
        return false; // fixed ranks or a leading axis of its own, or an operand that is a list
    default:
        return lg_op_info_of(op->code)->class != LG_CLASS_CONTROL &&
               op->results[0]->type.rank < LG_MAX_RANK && !op->results[0]->type.layout;
    }
}

static bool all_alike(const stacker *s, lg_value *const *values)
{
    for (int i = 0; i < s->count; i++) {
        if (values[i]->kind != LG_VALUE_RESULT || !is_stackable(values[i]->op))
            return false;
        const lg_op *a = values[0]->op, *b = values[i]->op;
        if (a->code != b->code || a->operand_count != b->operand_count ||
            !lg_type_equal(&values[0]->type, &values[i]->type) || !lg_same_attrs(a, b))
            return false;
    }
    return true;
}

static int find_node(const stacker *s, lg_value *const *values)
{
    for (int i = 0; i < s->nodes.count; i++)
        if (memcmp(s->nodes.items[i].values, values, sizeof *values * (size_t)s->count) == 0)
            return i;
    return -1;
}

static int add_node(stacker *s, node_kind kind, lg_value **values, int *operands)
{
    node n = {.kind = kind, .values = values, .operands = operands};
    LG_PUSH(s->r->ctx->scratch, &s->nodes, n);
    return s->nodes.count - 1;
}

// The node of N values, made if need be, or -1 if they can't be stacked. The trees are as deep as
// the network is, not more.
static int match(stacker *s, lg_value **values)
{
    int known = find_node(s, values), before = s->nodes.count;
    if (known >= 0)
        return known;
    if (all_same(s, values))
        return values[0]->type.rank < LG_MAX_RANK && !values[0]->type.layout
                   ? add_node(s, SHARED, values, NULL)
                   : -1;
    bool ok = all_alike(s, values);
    int operand_count = ok ? values[0]->op->operand_count : 0;
    int *operands = LG_NEW_ARRAY(s->r->ctx->scratch, int, operand_count + 1);
    for (int i = 0; ok && i < operand_count; i++) {
        lg_value **theirs = LG_NEW_ARRAY(s->r->ctx->scratch, lg_value *, s->count);
        for (int j = 0; j < s->count; j++)
            theirs[j] = values[j]->op->operands[i];
        operands[i] = match(s, theirs);
        ok = operands[i] >= 0;
    }
    if (ok)
        return add_node(s, OP, values, operands);
    s->nodes.count = before;
    return all_symbol_only(s, values) ? add_node(s, WEIGHT, values, NULL) : -1;
}

// Is every value inside read by the trees and the concat alone? Weights may be read by anybody.
static bool is_closed(stacker *s)
{
    lg_map inside = {.arena = s->r->ctx->scratch};
    lg_map_at(&inside, s->concat)->as.number = 1;
    for (int i = 0; i < s->nodes.count; i++)
        for (int j = 0; s->nodes.items[i].kind == OP && j < s->count; j++)
            lg_map_at(&inside, s->nodes.items[i].values[j]->op)->as.number = 1;
    for (int i = 0; i < s->nodes.count; i++) {
        const node *n = &s->nodes.items[i];
        for (int j = 0; n->kind == OP && j < s->count; j++) {
            if (lg_map_number(&s->symbol_only, n->values[j]) || lg_is_constant(n->values[j]))
                continue;
            lg_op_list users = lg_rewrite_users(s->r, n->values[j]);
            for (int u = 0; u < users.count; u++)
                if (!lg_map_number(&inside, users.items[u]))
                    return false;
            if (lg_rewrite_is_result(s->r, n->values[j]))
                return false;
        }
    }
    return true;
}

// ---- building

static lg_type stacked_type(const lg_type *type, int64_t lead)
{
    int64_t dims[LG_MAX_RANK] = {lead};
    memcpy(dims + 1, type->dims, sizeof dims[0] * (size_t)type->rank);
    return lg_type_make(type->dtype, type->rank + 1, dims);
}

static lg_value *with_leading_one(stacker *s, lg_value *value)
{
    lg_type type = stacked_type(&value->type, 1);
    return lg_rewrite_reshape(s->r, s->concat, value, type.rank, type.dims);
}

static lg_value *stack_weights(stacker *s, lg_value *const *values)
{
    lg_value **parts = LG_NEW_ARRAY(s->r->ctx->scratch, lg_value *, s->count);
    for (int i = 0; i < s->count; i++)
        parts[i] = with_leading_one(s, values[i]);
    return lg_rewrite_concat(s->r, s->concat, 0, s->count, parts);
}

// What an attribute that speaks of axes says of a tensor with one more in front.
static lg_attr move_attr(lg_arena *arena, const lg_attr *attr, int64_t lead)
{
    static const struct {
        lg_attr_name name;
        bool counts_axes; // entries are axes; else there is one entry an axis, the first as below
        int64_t first;
    } per_axis[] = {
        {LG_ATTR_perm, true, 0},   {LG_ATTR_axes, true, -1},     {LG_ATTR_start, false, 0},
        {LG_ATTR_limit, false, 0}, {LG_ATTR_step, false, 1},     {LG_ATTR_low, false, 0},
        {LG_ATTR_high, false, 0},  {LG_ATTR_interior, false, 0},
    };
    if (attr->name == LG_ATTR_axis)
        return lg_attr_int(LG_ATTR_axis, attr->as.integer + 1);
    for (size_t i = 0; i < sizeof per_axis / sizeof per_axis[0]; i++) {
        if (per_axis[i].name != attr->name)
            continue;
        int64_t *ints = LG_NEW_ARRAY(arena, int64_t, attr->count + 1);
        int count = 0;
        if (attr->name != LG_ATTR_axes)
            ints[count++] = attr->name == LG_ATTR_limit ? lead : per_axis[i].first;
        for (int j = 0; j < attr->count; j++)
            ints[count++] = attr->as.ints[j] + per_axis[i].counts_axes;
        return lg_attr_ints(attr->name, count, ints);
    }
    return *attr;
}

// The first axis of the operands: N if one of them has it.
static int64_t lead_of(const stacker *s, const node *n)
{
    int64_t lead = 1;
    for (int i = 0; i < n->values[0]->op->operand_count; i++) {
        int64_t size = s->nodes.items[n->operands[i]].stacked->type.dims[0];
        lead = size > lead ? size : lead;
    }
    return lead;
}

static lg_value *stack_op(stacker *s, const node *n)
{
    lg_arena *arena = s->r->ctx->scratch;
    const lg_op *op = n->values[0]->op;
    int64_t lead = lead_of(s, n);
    // A matmul repeats an operand by itself.
    bool repeat = op->code != LG_OP_matmul;
    lg_value **operands = LG_NEW_ARRAY(arena, lg_value *, op->operand_count + 1);
    for (int i = 0; i < op->operand_count; i++) {
        operands[i] = s->nodes.items[n->operands[i]].stacked;
        if (!repeat || operands[i]->type.dims[0] == lead)
            continue;
        lg_type type = stacked_type(&op->operands[i]->type, lead);
        operands[i] = lg_rewrite_broadcast(s->r, s->concat, operands[i], &type);
    }
    lg_attr *attrs = LG_NEW_ARRAY(arena, lg_attr, op->attr_count + 1);
    for (int i = 0; i < op->attr_count; i++)
        attrs[i] = move_attr(arena, &op->attrs[i], lead);
    lg_type type = stacked_type(&n->values[0]->type, lead);
    return lg_rewrite_build(s->r, s->concat, op->code, op->operand_count, operands, op->attr_count,
                            attrs, &type);
}

// [N, .., 1, ..] to the shape of the concat: the axis of size 1 goes, the first takes its place.
static lg_value *unstack(stacker *s, lg_value *stacked)
{
    const lg_type *type = &s->concat->results[0]->type;
    int axis = (int)lg_op_int(s->concat, LG_ATTR_axis);
    int64_t dims[LG_MAX_RANK] = {s->count}, perm[LG_MAX_RANK];
    for (int i = 0, next = 1; i < type->rank; i++)
        if (i != axis)
            dims[next++] = type->dims[i];
    for (int i = 0; i < type->rank; i++)
        perm[i] = i < axis ? i + 1 : i == axis ? 0 : i;
    lg_value *squeezed = lg_rewrite_reshape(s->r, s->concat, stacked, type->rank, dims);
    return lg_rewrite_transpose(s->r, s->concat, squeezed, perm);
}

static bool is_root(const lg_op *op, int64_t min)
{
    if (op->code != LG_OP_concat || op->operand_count < min || op->results[0]->type.layout)
        return false;
    for (int i = 0; i < op->operand_count; i++)
        if (op->operands[i]->type.dims[lg_op_int(op, LG_ATTR_axis)] != 1)
            return false;
    return true;
}

static void stack_root(lg_rewriter *r, lg_op *concat)
{
    stacker s = {.r = r,
                 .symbol_only = {.arena = r->ctx->scratch},
                 .count = concat->operand_count,
                 .concat = concat};
    lg_mark_symbol_only(&s.symbol_only, r->function);
    if (lg_map_number(&s.symbol_only, concat->results[0]))
        return; // prepack computes it once as it is
    int root = match(&s, concat->operands);
    if (root < 0 || s.nodes.items[root].kind != OP || !is_closed(&s))
        return;
    for (int i = 0; i < s.nodes.count; i++) {
        node *n = &s.nodes.items[i];
        n->stacked = n->kind == SHARED   ? with_leading_one(&s, n->values[0])
                     : n->kind == WEIGHT ? stack_weights(&s, n->values)
                                         : stack_op(&s, n);
    }
    // Trees that are equal to the last leaf are not siblings but copies.
    lg_value *stacked = s.nodes.items[root].stacked;
    if (stacked->type.dims[0] == s.count)
        lg_rewrite_replace(r, concat->results[0], unstack(&s, stacked));
    else
        lg_rewrite_erase(r, stacked->op);
}

bool lg_pass_stack_siblings(lg_unit *unit, lg_pass_ctx *ctx)
{
    int64_t min = lg_pass_option_of(ctx, "min");
    LG_FOR_FUNCTIONS (f, unit->module) {
        if (f->kind != LG_FUNC)
            continue;
        lg_rewriter r;
        lg_rewrite_begin(&r, ctx, f);
        for (lg_op *op; (op = lg_rewrite_next(&r));)
            if (is_root(op, min < 2 ? 2 : min))
                stack_root(&r, op);
    }
    return true;
}
