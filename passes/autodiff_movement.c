// Derivatives of data movement: what was copied is added up, what was left out gets zeros.
#include "passes/autodiff_rules.h"

lg_value *lg_derive_cast(lg_adjoint *a, int operand)
{
    const lg_type *to = &a->op->operands[operand]->type;
    return lg_adjoint_build(a, LG_OP_cast, 1, &a->result, 0, NULL, to);
}

lg_value *lg_derive_reshape(lg_adjoint *a, int operand)
{
    const lg_type *to = &a->op->operands[operand]->type;
    return lg_adjoint_reshape(a, a->result, to->rank, to->dims);
}

lg_value *lg_derive_relayout(lg_adjoint *a, int operand)
{
    (void)operand;
    return a->result;
}

lg_value *lg_derive_transpose(lg_adjoint *a, int operand)
{
    (void)operand;
    int64_t inverse[LG_MAX_RANK];
    int rank = a->result->type.rank;
    for (int i = 0; i < rank; i++)
        inverse[lg_op_int_at(a->op, LG_ATTR_perm, i)] = i;
    lg_attr attr = lg_attr_ints(LG_ATTR_perm, rank, inverse);
    return lg_adjoint_build(a, LG_OP_transpose, 1, &a->result, 1, &attr, NULL);
}

lg_value *lg_derive_broadcast(lg_adjoint *a, int operand)
{
    return lg_adjoint_sum_to(a, a->result, &a->op->operands[operand]->type);
}

// Zeros before, between and behind what was taken.
lg_value *lg_derive_slice(lg_adjoint *a, int operand)
{
    int64_t low[LG_MAX_RANK], high[LG_MAX_RANK], interior[LG_MAX_RANK];
    const lg_type *from = &a->result->type, *to = &a->op->operands[operand]->type;
    for (int i = 0; i < to->rank; i++) {
        int64_t step = lg_op_int_at(a->op, LG_ATTR_step, i);
        low[i] = lg_op_int_at(a->op, LG_ATTR_start, i);
        interior[i] = from->dims[i] > 1 ? step - 1 : 0;
        high[i] = to->dims[i] - low[i] - (from->dims[i] - 1) * step - 1;
    }
    lg_attr attrs[] = {lg_attr_ints(LG_ATTR_low, to->rank, low),
                       lg_attr_ints(LG_ATTR_high, to->rank, high),
                       lg_attr_ints(LG_ATTR_interior, to->rank, interior)};
    return lg_adjoint_build(a, LG_OP_pad, 1, &a->result, 3, attrs, to);
}

static lg_value *slice(lg_adjoint *a, const int64_t *start, const int64_t *limit,
                       const int64_t *step)
{
    int rank = a->result->type.rank;
    lg_attr attrs[] = {lg_attr_ints(LG_ATTR_start, rank, start),
                       lg_attr_ints(LG_ATTR_limit, rank, limit),
                       lg_attr_ints(LG_ATTR_step, rank, step)};
    return lg_adjoint_build(a, LG_OP_slice, 1, &a->result, 3, attrs, NULL);
}

lg_value *lg_derive_pad(lg_adjoint *a, int operand)
{
    const lg_type *to = &a->op->operands[operand]->type;
    int64_t start[LG_MAX_RANK], limit[LG_MAX_RANK], step[LG_MAX_RANK];
    for (int i = 0; i < to->rank; i++) {
        start[i] = lg_op_int_at(a->op, LG_ATTR_low, i);
        step[i] = lg_op_int_at(a->op, LG_ATTR_interior, i) + 1;
        limit[i] = start[i] + (to->dims[i] - 1) * step[i] + 1;
    }
    return slice(a, start, limit, step);
}

lg_value *lg_derive_reverse(lg_adjoint *a, int operand)
{
    (void)operand;
    return lg_adjoint_build(a, LG_OP_reverse, 1, &a->result, 1, lg_op_attr(a->op, LG_ATTR_axes),
                            NULL);
}

lg_value *lg_derive_concat(lg_adjoint *a, int operand)
{
    const lg_type *to = &a->op->operands[operand]->type;
    int axis = (int)lg_op_int(a->op, LG_ATTR_axis);
    int64_t start[LG_MAX_RANK] = {0}, limit[LG_MAX_RANK], step[LG_MAX_RANK];
    for (int i = 0; i < operand; i++)
        start[axis] += a->op->operands[i]->type.dims[axis];
    for (int i = 0; i < to->rank; i++) {
        limit[i] = start[i] + to->dims[i];
        step[i] = 1;
    }
    return slice(a, start, limit, step);
}

lg_value *lg_derive_gather(lg_adjoint *a, int operand)
{
    return lg_adjoint_build(a, LG_OP_scatter_add, LG_OPERANDS(a->result, a->op->operands[1]), 1,
                            lg_op_attr(a->op, LG_ATTR_axis), &a->op->operands[operand]->type);
}

lg_value *lg_derive_scatter_add(lg_adjoint *a, int operand)
{
    (void)operand;
    return lg_adjoint_build(a, LG_OP_gather, LG_OPERANDS(a->result, a->op->operands[1]), 1,
                            lg_op_attr(a->op, LG_ATTR_axis), NULL);
}
