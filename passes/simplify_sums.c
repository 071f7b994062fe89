// Rules on sums, which derivatives are full of: a broadcast comes back as a sum, a slice as zeros
// around its cotangent, a difference as the sum with a negation.
#include "passes/simplify.h"

// a + -b is a - b, and a - -b is a + b.
lg_value *lg_simplify_negated_term(lg_rewriter *r, lg_op *op)
{
    lg_opcode other = op->code == LG_OP_add ? LG_OP_sub : LG_OP_add;
    lg_value *a = op->operands[0], *b = op->operands[1];
    if (lg_code_of(b) == LG_OP_neg)
        return lg_rewrite_binary(r, op, other, a, b->op->operands[0]);
    if (op->code == LG_OP_add && lg_code_of(a) == LG_OP_neg)
        return lg_rewrite_binary(r, op, other, b, a->op->operands[0]);
    return NULL;
}

static bool is_summed(const lg_op *sum, int axis)
{
    const lg_attr *axes = lg_op_attr(sum, LG_ATTR_axes);
    for (int i = 0; i < axes->count; i++)
        if (axes->as.ints[i] == axis)
            return true;
    return false;
}

// The sum of what is the same along all axes of it is a product.
lg_value *lg_simplify_sum_of_broadcast(lg_rewriter *r, lg_op *op)
{
    lg_value *inner = op->operands[0];
    const lg_type *type = &op->results[0]->type;
    double number, count = 1;
    bool splat = lg_is_splat(inner, &number);
    if ((!splat && lg_code_of(inner) != LG_OP_broadcast) || !lg_dtype_is_float(type->dtype))
        return NULL;
    for (int i = 0; i < type->rank; i++) {
        if (!is_summed(op, i))
            continue;
        if (!splat && inner->op->operands[0]->type.dims[i] != 1)
            return NULL;
        count *= (double)inner->type.dims[i];
    }
    if (splat)
        return lg_rewrite_splat(r, op, type, number * count);
    lg_value *once = lg_rewrite_broadcast(r, op, inner->op->operands[0], type);
    return lg_rewrite_binary(r, op, LG_OP_mul, once, lg_rewrite_splat(r, op, type, count));
}

// A sum of sums is one over all axes.
lg_value *lg_simplify_sum_of_sum(lg_rewriter *r, lg_op *op)
{
    lg_value *inner = op->operands[0];
    int64_t axes[LG_MAX_RANK];
    int count = 0;
    if (lg_code_of(inner) != LG_OP_reduce_sum || lg_rewrite_single_user(r, inner) != op)
        return NULL;
    for (int i = 0; i < inner->type.rank; i++)
        if (is_summed(op, i) || is_summed(inner->op, i))
            axes[count++] = i;
    lg_attr attr = lg_attr_ints(LG_ATTR_axes, count, axes);
    return lg_rewrite_build(r, op, LG_OP_reduce_sum, 1, inner->op->operands, 1, &attr, NULL);
}

// A pad by zeros that spreads nothing and goes nowhere else.
static bool is_border(lg_rewriter *r, const lg_op *user, const lg_value *value)
{
    if (lg_code_of(value) != LG_OP_pad || lg_rewrite_single_user(r, value) != user ||
        lg_op_number(value->op, LG_ATTR_value) != 0)
        return false;
    for (int i = 0; i < value->type.rank; i++)
        if (lg_op_int_at(value->op, LG_ATTR_interior, i) != 0)
            return false;
    return true;
}

// The only axis along which the operand of `b` starts where that of `a` ends, or -1.
static int joint_of(const lg_op *a, const lg_op *b)
{
    int joint = -1;
    for (int i = 0; i < a->operands[0]->type.rank; i++) {
        int64_t low = lg_op_int_at(a, LG_ATTR_low, i), size = a->operands[0]->type.dims[i];
        int64_t low_b = lg_op_int_at(b, LG_ATTR_low, i), size_b = b->operands[0]->type.dims[i];
        if (low == low_b && size == size_b)
            continue;
        if (joint >= 0 || low_b != low + size)
            return -1;
        joint = i;
    }
    return joint;
}

// Slices that cover a value side by side: their cotangents are a concat, not a sum.
lg_value *lg_simplify_sum_of_pads(lg_rewriter *r, lg_op *op)
{
    for (int first = 0; first < 2; first++) {
        lg_value *a = op->operands[first], *b = op->operands[1 - first];
        int axis = is_border(r, op, a) && is_border(r, op, b) ? joint_of(a->op, b->op) : -1;
        if (axis < 0)
            continue;
        int64_t low[LG_MAX_RANK], high[LG_MAX_RANK];
        for (int i = 0; i < a->type.rank; i++) {
            low[i] = lg_op_int_at(a->op, LG_ATTR_low, i);
            high[i] = lg_op_int_at(b->op, LG_ATTR_high, i);
        }
        lg_value *parts[] = {a->op->operands[0], b->op->operands[0]};
        lg_value *both = lg_rewrite_concat(r, op, axis, 2, parts);
        lg_attr attrs[] = {lg_attr_ints(LG_ATTR_low, a->type.rank, low),
                           lg_attr_ints(LG_ATTR_high, a->type.rank, high)};
        return lg_rewrite_build(r, op, LG_OP_pad, 1, &both, 2, attrs, NULL);
    }
    return NULL;
}
