// The table of derivatives: elementwise ops from the rows of passes/derivatives.def, all others
// from a function of their name here or in passes/autodiff_movement.c and autodiff_contraction.c.
// An op of ir/ops.def that has neither does not compile.
#include "passes/autodiff_rules.h"

#include <assert.h>

// ---- what rules are made of

lg_value *lg_adjoint_build(lg_adjoint *a, lg_opcode code, int operand_count,
                           lg_value *const *operands, int attr_count, const lg_attr *attrs,
                           const lg_type *declared)
{
    lg_type plain;
    if (declared) { // cotangents are row-major, whatever the layout of the value
        plain = lg_type_make(declared->dtype, declared->rank, declared->dims);
        declared = &plain;
    }
    return lg_build(a->function, a->before, code, operand_count, operands, attr_count, attrs,
                    declared, a->op->where);
}

lg_value *lg_adjoint_number(lg_adjoint *a, const lg_value *like, double number)
{
    lg_attr attr = lg_attr_number(LG_ATTR_value, number);
    return lg_adjoint_build(a, LG_OP_constant, 0, NULL, 1, &attr, &like->type);
}

lg_value *lg_adjoint_unary(lg_adjoint *a, lg_opcode code, lg_value *x)
{
    return lg_adjoint_build(a, code, 1, &x, 0, NULL, NULL);
}

lg_value *lg_adjoint_binary(lg_adjoint *a, lg_opcode code, lg_value *x, lg_value *y)
{
    return lg_adjoint_build(a, code, LG_OPERANDS(x, y), 0, NULL, NULL);
}

lg_value *lg_adjoint_select(lg_adjoint *a, lg_value *condition, lg_value *x, lg_value *y)
{
    return lg_adjoint_build(a, LG_OP_select, LG_OPERANDS(condition, x, y), 0, NULL, NULL);
}

lg_value *lg_adjoint_reshape(lg_adjoint *a, lg_value *x, int rank, const int64_t *dims)
{
    lg_type type = lg_type_make(x->type.dtype, rank, dims);
    return lg_shape_equal(&type, &x->type)
               ? x
               : lg_adjoint_build(a, LG_OP_reshape, 1, &x, 0, NULL, &type);
}

lg_value *lg_adjoint_broadcast(lg_adjoint *a, lg_value *x, const lg_type *to)
{
    lg_type type = lg_type_make(x->type.dtype, to->rank, to->dims);
    return lg_shape_equal(&type, &x->type)
               ? x
               : lg_adjoint_build(a, LG_OP_broadcast, 1, &x, 0, NULL, &type);
}

lg_value *lg_adjoint_sum_to(lg_adjoint *a, lg_value *x, const lg_type *to)
{
    int64_t axes[LG_MAX_RANK] = {0};
    int count = 0;
    for (int i = 0; i < to->rank; i++)
        if (to->dims[i] == 1 && x->type.dims[i] != 1)
            axes[count++] = i;
    lg_attr attr = lg_attr_ints(LG_ATTR_axes, count, axes);
    return count ? lg_adjoint_build(a, LG_OP_reduce_sum, 1, &x, 1, &attr, NULL) : x;
}

// ---- elementwise ops: the rows of derivatives.def

#define HALF_PI 1.5707963267948966
#define A (a->op->operands[0])
#define B (a->op->operands[1])
#define C (a->op->operands[2])
#define Y (a->op->results[0])
#define G (a->result)
#define NUM(value) lg_adjoint_number(a, G, (value))
#define NEG(x) lg_adjoint_unary(a, LG_OP_neg, (x))
#define SIGN(x) lg_adjoint_unary(a, LG_OP_sign, (x))
#define COS(x) lg_adjoint_unary(a, LG_OP_cos, (x))
#define ADD(x, y) APPLY(add, x, y)
#define SUB(x, y) APPLY(sub, x, y)
#define MUL(x, y) APPLY(mul, x, y)
#define DIV(x, y) APPLY(div, x, y)
#define GT(x, y) APPLY(gt, x, y)
#define GE(x, y) APPLY(ge, x, y)
#define LE(x, y) APPLY(le, x, y)
// Arguments make ops: from left to right, so that every compiler makes the same text.
#define APPLY(name, x, y)                                                                          \
    __extension__({                                                                                \
        lg_value *left = (x), *right = (y);                                                        \
        lg_adjoint_binary(a, LG_OP_##name, left, right);                                           \
    })
#define SELECT(c, x, y)                                                                            \
    __extension__({                                                                                \
        lg_value *condition = (c), *yes = (x), *no = (y);                                          \
        lg_adjoint_select(a, condition, yes, no);                                                  \
    })

#define UNARY(name, of_a)                                                                          \
    lg_value *lg_derive_##name(lg_adjoint *a, int operand)                                         \
    {                                                                                              \
        (void)operand;                                                                             \
        return of_a;                                                                               \
    }
#define BINARY(name, of_a, of_b)                                                                   \
    lg_value *lg_derive_##name(lg_adjoint *a, int operand)                                         \
    {                                                                                              \
        return operand == 0 ? of_a : of_b;                                                         \
    }
#define TERNARY(name, of_a, of_b, of_c)                                                            \
    lg_value *lg_derive_##name(lg_adjoint *a, int operand)                                         \
    {                                                                                              \
        return operand == 0 ? of_a : operand == 1 ? of_b : of_c;                                   \
    }
#define ZERO(name)                                                                                 \
    lg_value *lg_derive_##name(lg_adjoint *a, int operand)                                         \
    {                                                                                              \
        (void)a, (void)operand;                                                                    \
        return NULL;                                                                               \
    }
#include "passes/derivatives.def"

// ---- the others that have none: sources have no operands, indices are no floats

ZERO(constant)
ZERO(iota)
ZERO(argmax)
ZERO(write)

// ---- reductions

lg_value *lg_derive_reduce_sum(lg_adjoint *a, int operand)
{
    return lg_adjoint_broadcast(a, G, &a->op->operands[operand]->type);
}

// Elements that share the maximum share the cotangent.
lg_value *lg_derive_reduce_max(lg_adjoint *a, int operand)
{
    lg_value *x = a->op->operands[operand];
    lg_value *hits = lg_adjoint_binary(a, LG_OP_eq, x, lg_adjoint_broadcast(a, Y, &x->type));
    lg_type type = lg_type_make(x->type.dtype, x->type.rank, x->type.dims);
    lg_value *ones = lg_adjoint_build(a, LG_OP_cast, 1, &hits, 0, NULL, &type);
    lg_value *share = DIV(G, lg_adjoint_sum_to(a, ones, &Y->type));
    lg_value *shared = lg_adjoint_broadcast(a, share, &x->type);
    return lg_adjoint_select(a, hits, shared, lg_adjoint_number(a, shared, 0));
}

// ---- ops that stand behind autodiff only

static lg_value *refuse(lg_adjoint *a, const char *why)
{
    lg_error_at(a->diag, a->op->where, "autodiff: %s has no derivative: %s",
                lg_op_info_of(a->op->code)->name, why);
    a->failed = true;
    return NULL;
}

lg_value *lg_derive_call(lg_adjoint *a, int operand)
{
    (void)operand;
    return refuse(a, "kernels are made behind autodiff");
}

lg_value *lg_derive_winograd_filter(lg_adjoint *a, int operand)
{
    (void)operand;
    return refuse(a, "the pass `winograd` stands behind autodiff");
}

lg_value *lg_derive_winograd_conv2d(lg_adjoint *a, int operand)
{
    return lg_derive_winograd_filter(a, operand);
}

lg_value *lg_derive_split(lg_adjoint *a, int operand)
{
    (void)operand;
    return refuse(a, "the pass `matrix-unit` stands behind autodiff");
}

lg_value *lg_derive_split_conv2d(lg_adjoint *a, int operand)
{
    return lg_derive_split(a, operand);
}

lg_value *lg_derive_gradient(lg_adjoint *a, int operand)
{
    (void)operand;
    assert(!"gradients above a loss are gone when it is differentiated");
    return a->result;
}

// ---- the table

lg_derivative lg_derivative_of(lg_opcode code)
{
    static const lg_derivative rows[LG_OPCODE_COUNT] = {
#define ELEMENTWISE(name, ...) [LG_OP_##name] = lg_derive_##name,
#define OP(name, ...) [LG_OP_##name] = lg_derive_##name,
#include "ir/ops.def"
#undef ELEMENTWISE
#undef OP
    };
    return rows[code];
}
