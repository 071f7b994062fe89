// What the sweep of autodiff and its rules share. A rule is the transposed Jacobian of one op: from
// the cotangent of the result (how the loss changes with it) to that of one operand.
#ifndef LG_PASSES_AUTODIFF_H
#define LG_PASSES_AUTODIFF_H

#include "ir/graph.h"

typedef struct lg_adjoint {
    lg_function *function;
    lg_op *before;    // where ops are made
    const lg_op *op;  // the op at hand: its operands and its result are there to be used
    lg_value *result; // the cotangent of its result
    lg_diag *diag;
    bool failed; // a rule reported why there is no derivative
} lg_adjoint;

// What the loss gets to know by operand `operand`: its cotangent, of the operand's shape and type;
// NULL where that is zero everywhere. Asked only of operands that are floats.
typedef lg_value *(*lg_derivative)(lg_adjoint *a, int operand);

// The rule of an op: its cell in passes/derivatives.def or passes/autodiff_rules.c.
lg_derivative lg_derivative_of(lg_opcode code);

// ---- what rules are made of. Ops are made at a->before with the location of a->op.

lg_value *lg_adjoint_build(lg_adjoint *a, lg_opcode code, int operand_count,
                           lg_value *const *operands, int attr_count, const lg_attr *attrs,
                           const lg_type *declared);
// A constant of the shape of `like`.
lg_value *lg_adjoint_number(lg_adjoint *a, const lg_value *like, double number);
lg_value *lg_adjoint_unary(lg_adjoint *a, lg_opcode code, lg_value *x);
lg_value *lg_adjoint_binary(lg_adjoint *a, lg_opcode code, lg_value *x, lg_value *y);
lg_value *lg_adjoint_select(lg_adjoint *a, lg_value *condition, lg_value *x, lg_value *y);
lg_value *lg_adjoint_reshape(lg_adjoint *a, lg_value *x, int rank, const int64_t *dims);
lg_value *lg_adjoint_broadcast(lg_adjoint *a, lg_value *x, const lg_type *to);
// The sum over the axes along which `to` has size 1 and `x` more: what a broadcast makes of it.
lg_value *lg_adjoint_sum_to(lg_adjoint *a, lg_value *x, const lg_type *to);

#endif
