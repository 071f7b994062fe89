// fold-bn: batch norms go into the filter and the bias of the convolution or matmul before them.
//
// needs nothing, but must run before `inline`, which dissolves the composite it looks for; keeps
// everything. A call of a composite "batch_norm" (x, weight, bias, running mean, running variance;
// eps is the only constant in its body) is y = (x - mean) scale + bias with
// scale = weight / sqrt(variance + eps), per channel. Where x is a convolution with the filter w,
// or one plus a bias, y is the convolution with the filter w * scale plus another bias:
//
//     %0 = conv2d %x, @w : f32[1,8,8,4]
//     %1 = call @batch_norm(%0, @g, @b, @m, @v) : f32[1,8,8,4]
// becomes, but for reshapes and broadcasts,
//     %scale = mul @g, rsqrt(add @v, eps)
//     %0 = conv2d %x, mul(@w, %scale) : f32[1,8,8,4]
//     %1 = add %0, add(@b, mul(neg @m, %scale))
//
// which `prepack` then computes once. The result is a convolution plus a bias again, so chains of
// batch norms fold too. Left alone: a convolution or sum that somebody else reads as well (it would
// be computed twice), and filters that are not made of symbols (nothing would be saved).
#include "passes/passes.h"
#include "passes/rewriter.h"

#include <string.h>

// What stands before the batch norm.
typedef struct linear_op {
    lg_op *op;       // conv2d or matmul
    lg_value *shift; // [1,..,1,c]: the bias added to it, before its broadcast, or NULL
    int filter_axis; // of the output channels
} linear_op;

static bool is_linear(const lg_value *value)
{
    lg_opcode code = lg_code_of(value);
    return code == LG_OP_conv2d || (code == LG_OP_matmul && value->type.rank == 2);
}

// Is it [1,..,1,c]?
static bool is_per_channel(const lg_value *value, int64_t channels)
{
    if (value->type.dims[value->type.rank - 1] != channels)
        return false;
    for (int i = 0; i < value->type.rank - 1; i++)
        if (value->type.dims[i] != 1)
            return false;
    return true;
}

// x as linear op plus bias, or false. `user` is what reads x.
static bool match_linear(lg_rewriter *r, const lg_map *symbol_only, lg_value *x, const lg_op *user,
                         linear_op *match)
{
    *match = (linear_op){0};
    if (lg_rewrite_single_user(r, x) != user)
        return false;
    if (lg_code_of(x) == LG_OP_add) {
        int side = is_linear(x->op->operands[0]) ? 0 : 1;
        lg_value *other = x->op->operands[1 - side], *linear = x->op->operands[side];
        if (lg_code_of(other) != LG_OP_broadcast || lg_rewrite_single_user(r, linear) != x->op ||
            !is_per_channel(other->op->operands[0], x->type.dims[x->type.rank - 1]))
            return false;
        match->shift = other->op->operands[0];
        x = linear;
    }
    if (!is_linear(x) || !lg_map_number(symbol_only, x->op->operands[1]))
        return false;
    match->op = x->op;
    bool rows = x->op->code == LG_OP_conv2d || lg_op_int(x->op, LG_ATTR_tb);
    match->filter_axis = rows ? 0 : 1;
    return true;
}

// Is it a call of batch_norm with parameters [c]? `eps` gets the constant of its body.
static bool is_batch_norm(const lg_op *op, double *eps)
{
    if (op->code != LG_OP_call || op->operand_count != 5 || op->result_count != 1)
        return false;
    const lg_function *callee = lg_op_callee(op);
    const lg_type *x = &op->operands[0]->type;
    if (!callee->composite || strcmp(callee->composite, "batch_norm") != 0 || x->rank < 2 ||
        !lg_type_equal(x, &op->results[0]->type))
        return false;
    for (int i = 1; i < 5; i++) {
        const lg_type *type = &op->operands[i]->type;
        if (type->rank != 1 || type->dims[0] != x->dims[x->rank - 1])
            return false;
    }
    int constants = 0;
    LG_FOR_OPS (inner, callee)
        if (inner->code == LG_OP_constant)
            constants += lg_is_splat(inner->results[0], eps) ? 1 : 2;
    return constants == 1;
}

// The vector [c] along `axis` of a tensor like `like`.
static lg_value *along(lg_rewriter *r, lg_op *at, lg_value *vector, int axis, const lg_type *like)
{
    int64_t dims[LG_MAX_RANK];
    for (int i = 0; i < like->rank; i++)
        dims[i] = i == axis ? vector->type.dims[0] : 1;
    return lg_rewrite_broadcast(r, at, lg_rewrite_reshape(r, at, vector, like->rank, dims), like);
}

static lg_value *fold(lg_rewriter *r, lg_op *bn, double eps, const linear_op *linear)
{
    lg_value *weight = bn->operands[1], *bias = bn->operands[2], *mean = bn->operands[3];
    const lg_type *vector = &weight->type, *type = &bn->results[0]->type;
    lg_value *variance =
        lg_rewrite_binary(r, bn, LG_OP_add, bn->operands[4], lg_rewrite_splat(r, bn, vector, eps));
    lg_value *scale =
        lg_rewrite_binary(r, bn, LG_OP_mul, weight, lg_rewrite_unary(r, bn, LG_OP_rsqrt, variance));
    lg_value *filter = linear->op->operands[1];
    lg_value *scaled = lg_rewrite_binary(r, bn, LG_OP_mul, filter,
                                         along(r, bn, scale, linear->filter_axis, &filter->type));
    lg_value *operands[] = {linear->op->operands[0], scaled};
    lg_value *result = lg_rewrite_build(r, bn, linear->op->code, 2, operands,
                                        linear->op->attr_count, linear->op->attrs, NULL);
    lg_value *centre =
        linear->shift
            ? lg_rewrite_binary(r, bn, LG_OP_sub,
                                lg_rewrite_reshape(r, bn, linear->shift, 1, vector->dims), mean)
            : lg_rewrite_unary(r, bn, LG_OP_neg, mean);
    // The bias first: what is packed is named after the first parameter.
    lg_value *shift = lg_rewrite_binary(r, bn, LG_OP_add, bias,
                                        lg_rewrite_binary(r, bn, LG_OP_mul, centre, scale));
    return lg_rewrite_binary(r, bn, LG_OP_add, result, along(r, bn, shift, type->rank - 1, type));
}

static void fold_function(lg_function *f, lg_pass_ctx *ctx)
{
    lg_map symbol_only = {.arena = ctx->scratch};
    lg_mark_symbol_only(&symbol_only, f);
    lg_rewriter r;
    lg_rewrite_begin(&r, ctx, f);
    for (lg_op *op; (op = lg_rewrite_next(&r));) {
        linear_op linear;
        double eps;
        if (!is_batch_norm(op, &eps) ||
            !match_linear(&r, &symbol_only, op->operands[0], op, &linear))
            continue;
        lg_value *result = fold(&r, op, eps, &linear);
        // The next batch norm of a chain asks about the new filter.
        lg_map_at(&symbol_only, result->op->operands[0]->op->operands[1])->as.number = 1;
        lg_rewrite_replace(&r, op->results[0], result);
    }
}

bool lg_pass_fold_bn(lg_unit *unit, lg_pass_ctx *ctx)
{
    LG_FOR_FUNCTIONS (f, unit->module)
        if (f->kind == LG_FUNC)
            fold_function(f, ctx);
    return true;
}
