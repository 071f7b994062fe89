// split-concats: elementwise ops on a concat of images become a concat of ops on its parts.
//
// needs `no composites`; keeps everything. On a CPU, where the parts of a concat of images are
// windows of its result: each part's kernel computes its place with vectors, and the concat itself
// costs nothing. As one op on the whole, each element would have to choose its part. The same the
// other way round: where only slices are read of an op on concats (their derivatives), each slice
// is computed from the parts.
//
//     %0 = concat %a, %b {axis=3} : f32[1,8,8,32]
//     %1 = relu %0 : f32[1,8,8,32]
// becomes
//     %0 = relu %a : f32[1,8,8,16]
//     %1 = relu %b : f32[1,8,8,16]
//     %2 = concat %0, %1 {axis=3} : f32[1,8,8,32]
#include "passes/passes.h"
#include "passes/rewriter.h"

enum { CHANNELS = 3, MOST_PARTS = 16, MOST_DEPTH = 8, MOST_OPERANDS = 3 };

static bool is_elementwise(const lg_value *value)
{
    return value->kind == LG_VALUE_RESULT &&
           lg_op_info_of(value->op->code)->class == LG_CLASS_ELEMENTWISE;
}

// A concat of channels whose parts begin and end with whole vectors.
static bool is_image_concat(const lg_value *value, const lg_target *target)
{
    if (lg_code_of(value) != LG_OP_concat || value->type.rank != 4 ||
        lg_op_int(value->op, LG_ATTR_axis) != CHANNELS || value->op->operand_count > MOST_PARTS)
        return false;
    for (int i = 0; i < value->op->operand_count; i++)
        if (value->op->operands[i]->type.dims[CHANNELS] % target->lanes)
            return false;
    return true;
}

static bool same_parts(const lg_op *a, const lg_op *b)
{
    if (a->operand_count != b->operand_count)
        return false;
    for (int i = 0; i < a->operand_count; i++)
        if (a->operands[i]->type.dims[CHANNELS] != b->operands[i]->type.dims[CHANNELS])
            return false;
    return true;
}

// ---- channels of a value

static lg_value *channels(lg_rewriter *r, lg_op *at, lg_value *value, int64_t start, int64_t limit);

// `op` on channels start..limit of its operands.
static lg_value *computed(lg_rewriter *r, lg_op *at, const lg_op *op, int64_t start, int64_t limit)
{
    lg_value *operands[MOST_OPERANDS];
    for (int i = 0; i < op->operand_count; i++)
        operands[i] = channels(r, at, op->operands[i], start, limit);
    return lg_rewrite_build(r, at, op->code, op->operand_count, operands, op->attr_count, op->attrs,
                            NULL);
}

// The part of the concat that is channels start..limit, or NULL.
static lg_value *part_at(const lg_op *concat, int64_t start, int64_t limit)
{
    int64_t begin = 0;
    for (int i = 0; i < concat->operand_count; i++) {
        lg_value *part = concat->operands[i];
        if (begin == start && begin + part->type.dims[CHANNELS] == limit)
            return part;
        begin += part->type.dims[CHANNELS];
    }
    return NULL;
}

static lg_value *channels(lg_rewriter *r, lg_op *at, lg_value *value, int64_t start, int64_t limit)
{
    lg_type type = value->type;
    type.dims[CHANNELS] = limit - start;
    double number;
    if (lg_is_splat(value, &number))
        return lg_rewrite_splat(r, at, &type, number);
    if (lg_code_of(value) == LG_OP_broadcast) {
        lg_value *from = value->op->operands[0];
        if (from->type.dims[CHANNELS] > 1)
            from = lg_rewrite_slice(r, at, from, CHANNELS, start, limit);
        return lg_rewrite_broadcast(r, at, from, &type);
    }
    lg_value *part =
        lg_code_of(value) == LG_OP_concat && lg_op_int(value->op, LG_ATTR_axis) == CHANNELS
            ? part_at(value->op, start, limit)
            : NULL;
    if (part)
        return part;
    if (is_elementwise(value) && lg_rewrite_single_user(r, value))
        return computed(r, at, value->op, start, limit);
    return lg_rewrite_slice(r, at, value, CHANNELS, start, limit);
}

// ---- an op on concats

static bool is_free_to_split(const lg_value *value)
{
    double number;
    return lg_is_splat(value, &number) || lg_code_of(value) == LG_OP_broadcast;
}

// The concat whose parts `op` can be computed for: its operands are concats of equal parts that
// nothing else reads, or the same everywhere.
static const lg_op *concat_under(lg_rewriter *r, const lg_op *op)
{
    const lg_op *found = NULL;
    for (int i = 0; i < op->operand_count; i++) {
        const lg_value *operand = op->operands[i];
        if (is_free_to_split(operand))
            continue;
        if (!is_image_concat(operand, r->ctx->target) || lg_rewrite_single_user(r, operand) != op ||
            (found && !same_parts(found, operand->op)))
            return NULL;
        found = operand->op;
    }
    return found;
}

static void split_op(lg_rewriter *r, lg_op *op)
{
    const lg_op *concat = concat_under(r, op);
    if (!concat)
        return;
    lg_value *parts[MOST_PARTS];
    int64_t start = 0;
    for (int i = 0; i < concat->operand_count; i++) {
        int64_t limit = start + concat->operands[i]->type.dims[CHANNELS];
        parts[i] = computed(r, op, op, start, limit);
        start = limit;
    }
    lg_rewrite_replace(r, op->results[0],
                       lg_rewrite_concat(r, op, CHANNELS, concat->operand_count, parts));
}

// ---- slices of an op

static bool is_channel_slice(const lg_op *op, const lg_target *target)
{
    if (op->code != LG_OP_slice || op->results[0]->type.rank != 4)
        return false;
    for (int a = 0; a < 4; a++)
        if (lg_op_int_at(op, LG_ATTR_step, a) != 1 ||
            (a != CHANNELS && op->results[0]->type.dims[a] != op->operands[0]->type.dims[a]))
            return false;
    return lg_op_int_at(op, LG_ATTR_start, CHANNELS) % target->lanes == 0 &&
           op->results[0]->type.dims[CHANNELS] % target->lanes == 0;
}

// Is there a concat among what `value` is made of element by element?
static bool is_made_of_concat(lg_rewriter *r, const lg_value *value, int depth)
{
    if (is_image_concat(value, r->ctx->target))
        return true;
    if (!is_elementwise(value) || depth == 0)
        return false;
    for (int i = 0; i < value->op->operand_count; i++) {
        const lg_value *from = value->op->operands[i];
        bool single = lg_rewrite_single_user(r, from) || lg_code_of(from) == LG_OP_concat;
        if (single && is_made_of_concat(r, from, depth - 1))
            return true;
    }
    return false;
}

static void split_slice(lg_rewriter *r, lg_op *op)
{
    const lg_value *whole = op->operands[0];
    if (!is_channel_slice(op, r->ctx->target) || !is_elementwise(whole) ||
        lg_rewrite_is_result(r, whole) || !is_made_of_concat(r, whole, MOST_DEPTH))
        return;
    lg_op_list users = lg_rewrite_users(r, whole);
    for (int i = 0; i < users.count; i++)
        if (!is_channel_slice(users.items[i], r->ctx->target))
            return;
    int64_t start = lg_op_int_at(op, LG_ATTR_start, CHANNELS);
    int64_t limit = start + op->results[0]->type.dims[CHANNELS];
    lg_rewrite_replace(r, op->results[0], computed(r, op, whole->op, start, limit));
}

bool lg_pass_split_concats(lg_unit *unit, lg_pass_ctx *ctx)
{
    if (ctx->target->kind != LG_TARGET_CPU)
        return true;
    LG_FOR_FUNCTIONS (f, unit->module) {
        if (f->kind == LG_KERNEL)
            continue;
        lg_rewriter r;
        lg_rewrite_begin(&r, ctx, f);
        for (lg_op *op; (op = lg_rewrite_next(&r));) {
            if (op->code == LG_OP_slice)
                split_slice(&r, op);
            else if (op->result_count == 1 && is_elementwise(op->results[0]))
                split_op(&r, op);
        }
    }
    return true;
}
