// simplify: algebra that changes no value.
//
// needs nothing; keeps everything. A table of rules, each of which replaces one op by something
// cheaper: neutral elements (x + 0, x * 1, max(x, -inf)), pairs that cancel (neg neg, transpose
// transpose), movement that moves nothing, a slice of a concat that hits one operand, arithmetic
// on broadcasts done before the broadcast. Sums are not reordered: floats would change.
//
//     %0 = transpose %x {perm=[1,0]} : f32[4,8]
//     %1 = matmul %0, %w : f32[4,2]          ->   %1 = matmul %x, %w {ta} : f32[4,2]
//
// Ops on values with layouts are left alone: what looks like no movement may be one in memory.
#include "passes/simplify.h"

#include "passes/passes.h"

#include <math.h>

// ---- elementwise rules

// A neutral element of an op: op(x, number) is x; `both`: op(number, x) too.
static const struct {
    lg_opcode code;
    bool both;
    double number;
} neutral[] = {
    {LG_OP_add, true, 0},  {LG_OP_sub, false, 0},        {LG_OP_mul, true, 1},
    {LG_OP_div, false, 1}, {LG_OP_max, true, -INFINITY}, {LG_OP_min, true, INFINITY},
    {LG_OP_shl, false, 0}, {LG_OP_shr, false, 0},
};

static lg_value *remove_neutral(lg_rewriter *r, lg_op *op)
{
    (void)r;
    double number;
    for (size_t i = 0; i < sizeof neutral / sizeof neutral[0]; i++) {
        if (neutral[i].code != op->code)
            continue;
        if (lg_is_splat(op->operands[1], &number) && number == neutral[i].number)
            return op->operands[0];
        if (neutral[i].both && lg_is_splat(op->operands[0], &number) && number == neutral[i].number)
            return op->operands[1];
    }
    return NULL;
}

// f(f(x)) is x.
static lg_value *cancel_pair(lg_rewriter *r, lg_op *op)
{
    (void)r;
    lg_value *inner = op->operands[0];
    return lg_code_of(inner) == op->code ? inner->op->operands[0] : NULL;
}

// f(f(x)) is f(x).
static lg_value *drop_repeat(lg_rewriter *r, lg_op *op)
{
    (void)r;
    return lg_code_of(op->operands[0]) == op->code ? op->operands[0] : NULL;
}

static lg_value *abs_of_neg(lg_rewriter *r, lg_op *op)
{
    lg_value *inner = op->operands[0];
    if (lg_code_of(inner) != LG_OP_neg)
        return NULL;
    return lg_rewrite_unary(r, op, LG_OP_abs, inner->op->operands[0]);
}

static lg_value *max_with_zero(lg_rewriter *r, lg_op *op)
{
    double number;
    for (int i = 0; i < 2; i++)
        if (lg_is_splat(op->operands[i], &number) && number == 0)
            return lg_rewrite_unary(r, op, LG_OP_relu, op->operands[1 - i]);
    return NULL;
}

static lg_value *decided_select(lg_rewriter *r, lg_op *op)
{
    (void)r;
    double condition;
    if (op->operands[1] == op->operands[2])
        return op->operands[1];
    if (lg_is_splat(op->operands[0], &condition))
        return op->operands[condition != 0 ? 1 : 2];
    return NULL;
}

// f(broadcast a, broadcast b) is broadcast f(a, b) if a and b have one shape; a constant that is
// the same everywhere has any shape.
static lg_value *compute_before_broadcast(lg_rewriter *r, lg_op *op)
{
    lg_value *sources[3] = {NULL};
    const lg_type *shape = NULL;
    double number;
    for (int i = 0; i < op->operand_count; i++) {
        lg_value *operand = op->operands[i];
        if (lg_code_of(operand) == LG_OP_broadcast) {
            sources[i] = operand->op->operands[0];
            if (shape && !lg_shape_equal(shape, &sources[i]->type))
                return NULL;
            shape = &sources[i]->type;
        } else if (!lg_is_splat(operand, &number)) {
            return NULL;
        }
    }
    if (!shape)
        return NULL;
    for (int i = 0; i < op->operand_count; i++)
        if (!sources[i]) {
            lg_type type = lg_type_make(op->operands[i]->type.dtype, shape->rank, shape->dims);
            lg_is_splat(op->operands[i], &number);
            sources[i] = lg_rewrite_splat(r, op, &type, number);
        }
    lg_value *small = lg_rewrite_build(r, op, op->code, op->operand_count, sources, op->attr_count,
                                       op->attrs, NULL);
    return lg_rewrite_broadcast(r, op, small, &op->results[0]->type);
}

// ---- the table: rules of one opcode are tried in order

static const struct {
    lg_opcode code;
    lg_simplify_rule rule;
} rules[] = {
    {LG_OP_add, remove_neutral},
    {LG_OP_add, lg_simplify_negated_term},
    {LG_OP_add, lg_simplify_sum_of_pads},
    {LG_OP_sub, remove_neutral},
    {LG_OP_sub, lg_simplify_negated_term},
    {LG_OP_mul, remove_neutral},
    {LG_OP_div, remove_neutral},
    {LG_OP_max, remove_neutral},
    {LG_OP_max, max_with_zero},
    {LG_OP_min, remove_neutral},
    {LG_OP_shl, remove_neutral},
    {LG_OP_shr, remove_neutral},
    {LG_OP_neg, cancel_pair},
    {LG_OP_not, cancel_pair},
    {LG_OP_relu, drop_repeat},
    {LG_OP_abs, drop_repeat},
    {LG_OP_abs, abs_of_neg},
    {LG_OP_floor, drop_repeat},
    {LG_OP_sign, drop_repeat},
    {LG_OP_select, decided_select},
    {LG_OP_cast, lg_simplify_same_type},
    {LG_OP_reshape, lg_simplify_same_type},
    {LG_OP_reshape, lg_simplify_moved_splat},
    {LG_OP_reshape, lg_simplify_reshape},
    {LG_OP_transpose, lg_simplify_moved_splat},
    {LG_OP_transpose, lg_simplify_transpose},
    {LG_OP_broadcast, lg_simplify_same_type},
    {LG_OP_broadcast, lg_simplify_moved_splat},
    {LG_OP_broadcast, lg_simplify_broadcast},
    {LG_OP_reverse, lg_simplify_moved_splat},
    {LG_OP_slice, lg_simplify_same_type}, // nothing left out
    {LG_OP_slice, lg_simplify_moved_splat},
    {LG_OP_slice, lg_simplify_slice},
    {LG_OP_slice, lg_simplify_slice_of_concat},
    {LG_OP_pad, lg_simplify_pad},
    {LG_OP_concat, lg_simplify_concat},
    {LG_OP_concat, lg_simplify_concat_of_slices},
    {LG_OP_reduce_sum, lg_simplify_same_type}, // only axes of size 1
    {LG_OP_reduce_sum, lg_simplify_sum_of_broadcast},
    {LG_OP_reduce_sum, lg_simplify_sum_of_sum},
    {LG_OP_reduce_max, lg_simplify_same_type},
    {LG_OP_matmul, lg_simplify_matmul},
};

static bool has_layout(const lg_op *op)
{
    for (int i = 0; i < op->operand_count; i++)
        if (op->operands[i]->type.layout)
            return true;
    return op->result_count > 0 && op->results[0]->type.layout;
}

static lg_value *simplify_op(lg_rewriter *r, lg_op *op)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        lg_value *simpler = rules[i].code == op->code ? rules[i].rule(r, op) : NULL;
        if (simpler)
            return simpler;
    }
    if (lg_op_info_of(op->code)->class == LG_CLASS_ELEMENTWISE)
        return compute_before_broadcast(r, op);
    return NULL;
}

bool lg_pass_simplify(lg_unit *unit, lg_pass_ctx *ctx)
{
    LG_FOR_FUNCTIONS (f, unit->module) {
        if (f->kind == LG_KERNEL)
            continue;
        lg_rewriter r;
        lg_rewrite_begin(&r, ctx, f);
        for (lg_op *op; (op = lg_rewrite_next(&r));) {
            lg_value *simpler = has_layout(op) ? NULL : simplify_op(&r, op);
            if (simpler)
                lg_rewrite_replace(&r, op->results[0], simpler);
        }
    }
    return true;
}
