// Rules on data movement: it is undone, merged with the movement before it, or left to the matmul.
#include "passes/simplify.h"

#include <string.h>

// Reshape, broadcast and cast to the type at hand, a slice of everything, a reduction over axes of
// size 1.
lg_value *lg_simplify_same_type(lg_rewriter *r, lg_op *op)
{
    (void)r;
    return lg_type_equal(&op->operands[0]->type, &op->results[0]->type) ? op->operands[0] : NULL;
}

// A tensor that is the same everywhere stays that, however it is moved.
lg_value *lg_simplify_moved_splat(lg_rewriter *r, lg_op *op)
{
    double number;
    if (!lg_is_splat(op->operands[0], &number))
        return NULL;
    return lg_rewrite_splat(r, op, &op->results[0]->type, number);
}

lg_value *lg_simplify_reshape(lg_rewriter *r, lg_op *op)
{
    lg_value *inner = op->operands[0];
    const lg_type *type = &op->results[0]->type;
    if (lg_code_of(inner) != LG_OP_reshape)
        return NULL;
    return lg_rewrite_reshape(r, op, inner->op->operands[0], type->rank, type->dims);
}

lg_value *lg_simplify_broadcast(lg_rewriter *r, lg_op *op)
{
    lg_value *inner = op->operands[0];
    if (lg_code_of(inner) != LG_OP_broadcast)
        return NULL;
    return lg_rewrite_broadcast(r, op, inner->op->operands[0], &op->results[0]->type);
}

// Do the axes that have more than one element keep their order?
static bool moves_only_ones(const lg_op *op)
{
    int last = -1;
    for (int i = 0; i < op->results[0]->type.rank; i++) {
        int axis = (int)lg_op_int_at(op, LG_ATTR_perm, i);
        if (op->operands[0]->type.dims[axis] == 1)
            continue;
        if (axis < last)
            return false;
        last = axis;
    }
    return true;
}

lg_value *lg_simplify_transpose(lg_rewriter *r, lg_op *op)
{
    lg_value *inner = op->operands[0];
    const lg_type *type = &op->results[0]->type;
    if (moves_only_ones(op))
        return lg_rewrite_reshape(r, op, inner, type->rank, type->dims);
    if (lg_code_of(inner) != LG_OP_transpose)
        return NULL;
    int64_t perm[LG_MAX_RANK];
    for (int i = 0; i < type->rank; i++)
        perm[i] = lg_op_int_at(inner->op, LG_ATTR_perm, (int)lg_op_int_at(op, LG_ATTR_perm, i));
    return lg_rewrite_transpose(r, op, inner->op->operands[0], perm);
}

static bool has_unit_steps(const lg_op *slice)
{
    for (int i = 0; i < slice->operands[0]->type.rank; i++)
        if (lg_op_int_at(slice, LG_ATTR_step, i) != 1)
            return false;
    return true;
}

static lg_value *build_slice(lg_rewriter *r, lg_op *at, lg_value *a, const int64_t *start,
                             const int64_t *limit)
{
    lg_attr attrs[] = {lg_attr_ints(LG_ATTR_start, a->type.rank, start),
                       lg_attr_ints(LG_ATTR_limit, a->type.rank, limit)};
    return lg_rewrite_build(r, at, LG_OP_slice, 1, &a, 2, attrs, NULL);
}

// A slice of a slice.
lg_value *lg_simplify_slice(lg_rewriter *r, lg_op *op)
{
    lg_value *inner = op->operands[0];
    if (lg_code_of(inner) != LG_OP_slice || !has_unit_steps(op) || !has_unit_steps(inner->op))
        return NULL;
    int64_t start[LG_MAX_RANK], limit[LG_MAX_RANK];
    for (int i = 0; i < inner->type.rank; i++) {
        int64_t offset = lg_op_int_at(inner->op, LG_ATTR_start, i);
        start[i] = offset + lg_op_int_at(op, LG_ATTR_start, i);
        limit[i] = offset + lg_op_int_at(op, LG_ATTR_limit, i);
    }
    return build_slice(r, op, inner->op->operands[0], start, limit);
}

// A slice that lies in one operand of a concat.
lg_value *lg_simplify_slice_of_concat(lg_rewriter *r, lg_op *op)
{
    lg_value *inner = op->operands[0];
    if (lg_code_of(inner) != LG_OP_concat || !has_unit_steps(op))
        return NULL;
    int axis = (int)lg_op_int(inner->op, LG_ATTR_axis);
    int64_t start[LG_MAX_RANK], limit[LG_MAX_RANK], offset = 0;
    for (int i = 0; i < inner->type.rank; i++) {
        start[i] = lg_op_int_at(op, LG_ATTR_start, i);
        limit[i] = lg_op_int_at(op, LG_ATTR_limit, i);
    }
    for (int i = 0; i < inner->op->operand_count; i++) {
        lg_value *part = inner->op->operands[i];
        int64_t size = part->type.dims[axis];
        if (start[axis] >= offset && limit[axis] <= offset + size) {
            start[axis] -= offset;
            limit[axis] -= offset;
            return lg_type_equal(&part->type, &op->results[0]->type)
                       ? part
                       : build_slice(r, op, part, start, limit);
        }
        offset += size;
    }
    return NULL;
}

// A concat of one, or with operands that are concats along the same axis.
lg_value *lg_simplify_concat(lg_rewriter *r, lg_op *op)
{
    if (op->operand_count == 1)
        return op->operands[0];
    int64_t axis = lg_op_int(op, LG_ATTR_axis);
    LG_LIST(lg_value *) parts = {0};
    for (int i = 0; i < op->operand_count; i++) {
        lg_value *operand = op->operands[i];
        bool nested = lg_code_of(operand) == LG_OP_concat &&
                      lg_op_int(operand->op, LG_ATTR_axis) == axis &&
                      lg_rewrite_single_user(r, operand) == op;
        for (int j = 0; nested && j < operand->op->operand_count; j++)
            LG_PUSH(r->ctx->scratch, &parts, operand->op->operands[j]);
        if (!nested)
            LG_PUSH(r->ctx->scratch, &parts, operand);
    }
    if (parts.count == op->operand_count)
        return NULL;
    return lg_rewrite_concat(r, op, (int)axis, parts.count, parts.items);
}

// Is `b` the slice that goes on along `axis` where the slice `a` of the same value ends?
static bool continues(const lg_value *a, const lg_value *b, int axis)
{
    if (lg_code_of(a) != LG_OP_slice || lg_code_of(b) != LG_OP_slice ||
        a->op->operands[0] != b->op->operands[0] || !has_unit_steps(a->op) ||
        !has_unit_steps(b->op))
        return false;
    for (int i = 0; i < a->type.rank; i++) {
        int64_t start = lg_op_int_at(a->op, LG_ATTR_start, i);
        int64_t limit = lg_op_int_at(a->op, LG_ATTR_limit, i);
        int64_t wanted = i == axis ? limit : start;
        if (lg_op_int_at(b->op, LG_ATTR_start, i) != wanted ||
            (i != axis && lg_op_int_at(b->op, LG_ATTR_limit, i) != limit))
            return false;
    }
    return true;
}

// Slices that follow each other in one value become one slice of it.
lg_value *lg_simplify_concat_of_slices(lg_rewriter *r, lg_op *op)
{
    int axis = (int)lg_op_int(op, LG_ATTR_axis);
    LG_LIST(lg_value *) parts = {0};
    for (int i = 0, next; i < op->operand_count; i = next) {
        for (next = i + 1; next < op->operand_count; next++)
            if (!continues(op->operands[next - 1], op->operands[next], axis))
                break;
        lg_value *first = op->operands[i], *last = op->operands[next - 1];
        if (next > i + 1) {
            int64_t start[LG_MAX_RANK], limit[LG_MAX_RANK];
            for (int d = 0; d < first->type.rank; d++) {
                start[d] = lg_op_int_at(first->op, LG_ATTR_start, d);
                limit[d] = lg_op_int_at(last->op, LG_ATTR_limit, d);
            }
            first = build_slice(r, op, first->op->operands[0], start, limit);
        }
        LG_PUSH(r->ctx->scratch, &parts, first);
    }
    if (parts.count == op->operand_count)
        return NULL;
    return lg_rewrite_concat(r, op, axis, parts.count, parts.items);
}

lg_value *lg_simplify_pad(lg_rewriter *r, lg_op *op)
{
    (void)r;
    for (int i = 0; i < op->operands[0]->type.rank; i++)
        if (lg_op_int_at(op, LG_ATTR_low, i) != 0 || lg_op_int_at(op, LG_ATTR_high, i) != 0 ||
            (lg_op_int_at(op, LG_ATTR_interior, i) != 0 && op->operands[0]->type.dims[i] > 1))
            return NULL;
    return op->operands[0];
}

// Does it swap the last two axes and nothing else?
static bool swaps_last_two(const lg_value *value)
{
    if (lg_code_of(value) != LG_OP_transpose)
        return false;
    int rank = value->type.rank;
    for (int i = 0; i < rank; i++) {
        int64_t wanted = i == rank - 2 ? rank - 1 : i == rank - 1 ? rank - 2 : i;
        if (lg_op_int_at(value->op, LG_ATTR_perm, i) != wanted)
            return false;
    }
    return true;
}

// A matmul reads a transposed operand as it is.
lg_value *lg_simplify_matmul(lg_rewriter *r, lg_op *op)
{
    static const lg_attr_name flags[] = {LG_ATTR_ta, LG_ATTR_tb};
    lg_value *operands[2];
    lg_attr attrs[2];
    bool found = false;
    for (int i = 0; i < 2; i++) {
        bool swaps = swaps_last_two(op->operands[i]);
        operands[i] = swaps ? op->operands[i]->op->operands[0] : op->operands[i];
        attrs[i] = lg_attr_flag(flags[i], (lg_op_int(op, flags[i]) != 0) != swaps);
        found |= swaps;
    }
    if (!found)
        return NULL;
    return lg_rewrite_build(r, op, LG_OP_matmul, 2, operands, 2, attrs, NULL);
}
