// Derivatives of contractions: contractions again. A convolution and its two gradients are one
// trilinear form of image, filter and output; each of the three is what the form gives for two of
// them, so their derivatives are each other, with the same attributes.
#include "passes/autodiff_rules.h"

// ---- matmul

static lg_value *multiply(lg_adjoint *a, lg_value *x, bool tx, lg_value *y, bool ty)
{
    lg_attr attrs[] = {lg_attr_flag(LG_ATTR_ta, tx), lg_attr_flag(LG_ATTR_tb, ty)};
    return lg_adjoint_build(a, LG_OP_matmul, LG_OPERANDS(x, y), 2, attrs, NULL);
}

// The leading axes that `shared` repeats along become rows of x.
static lg_value *fold_leading(lg_adjoint *a, lg_value *x)
{
    int rank = x->type.rank;
    int64_t dims[LG_MAX_RANK];
    for (int i = 0; i < rank; i++)
        dims[i] = i < rank - 2 ? 1 : x->type.dims[i];
    for (int i = 0; i < rank - 2; i++)
        dims[rank - 2] *= x->type.dims[i];
    return lg_adjoint_reshape(a, x, rank, dims);
}

static bool has_leading(const lg_type *type, const lg_type *like)
{
    for (int i = 0; i < type->rank - 2; i++)
        if (type->dims[i] != (like ? like->dims[i] : 1))
            return false;
    return true;
}

lg_value *lg_derive_matmul(lg_adjoint *a, int operand)
{
    lg_value *x = a->op->operands[0], *y = a->op->operands[1], *g = a->result;
    bool tx = lg_op_int(a->op, LG_ATTR_ta), ty = lg_op_int(a->op, LG_ATTR_tb);
    // One matrix for many: all rows at once instead of a sum of products.
    if (operand == 1 && !tx && has_leading(&y->type, NULL) && has_leading(&x->type, &g->type)) {
        x = fold_leading(a, x);
        g = fold_leading(a, g);
    }
    lg_value *product = operand == 0
                            ? tx ? multiply(a, y, ty, g, true) : multiply(a, g, false, y, !ty)
                        : ty ? multiply(a, g, true, x, tx)
                             : multiply(a, x, !tx, g, false);
    return lg_adjoint_sum_to(a, product, &a->op->operands[operand]->type);
}

// ---- convolutions

static lg_value *convolve(lg_adjoint *a, lg_opcode code, lg_value *x, lg_value *y, int operand)
{
    const lg_type *to = &a->op->operands[operand]->type;
    return lg_adjoint_build(a, code, LG_OPERANDS(x, y), a->op->attr_count, a->op->attrs, to);
}

lg_value *lg_derive_conv2d(lg_adjoint *a, int operand)
{
    lg_value *image = a->op->operands[0], *filter = a->op->operands[1];
    if (operand == 0)
        return convolve(a, LG_OP_conv2d_input_grad, a->result, filter, operand);
    return convolve(a, LG_OP_conv2d_filter_grad, image, a->result, operand);
}

lg_value *lg_derive_conv2d_input_grad(lg_adjoint *a, int operand)
{
    lg_value *output = a->op->operands[0], *filter = a->op->operands[1];
    if (operand == 0)
        return convolve(a, LG_OP_conv2d, a->result, filter, operand);
    return convolve(a, LG_OP_conv2d_filter_grad, a->result, output, operand);
}

lg_value *lg_derive_conv2d_filter_grad(lg_adjoint *a, int operand)
{
    lg_value *image = a->op->operands[0], *output = a->op->operands[1];
    if (operand == 0)
        return convolve(a, LG_OP_conv2d_input_grad, output, a->result, operand);
    return convolve(a, LG_OP_conv2d, image, a->result, operand);
}
