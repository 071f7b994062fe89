// What an op costs: floating point (or integer) operations, a multiply-add counting as two. Moving
// data costs none; an elementwise op costs the scalar functions of its expression an element.
#include "ir/elementwise.h"

#include <assert.h>

static double elements(const lg_value *value)
{
    return (double)lg_type_elements(&value->type);
}

static double functions_in(const lg_kx *x)
{
    double count = 0;
    if (x->kind == LG_KX_APPLY) {
        count = 1;
        for (int i = 0; i < lg_scalar_info_of(x->as.apply.fn)->arity; i++)
            count += functions_in(x->as.apply.args[i]);
    }
    return count;
}

static double flops_elementwise(const lg_op *op)
{
    lg_arena *arena = lg_arena_new();
    double count = functions_in(lg_elementwise_expression(arena, op));
    lg_arena_free(arena);
    return count * elements(op->results[0]);
}

static double flops_matmul(const lg_op *op)
{
    const lg_type *a = &op->operands[0]->type;
    int64_t depth = a->dims[lg_op_int(op, LG_ATTR_ta) ? a->rank - 2 : a->rank - 1];
    return 2 * elements(op->results[0]) * (double)depth;
}

// Every element of the convolution's output, which is `output` in the gradients too, meets one
// output channel of the filter; the zeros of the padding are counted.
static double flops_convolution(const lg_value *output, const lg_value *filter)
{
    return 2 * elements(output) * elements(filter) / (double)filter->type.dims[0];
}

static double flops_conv2d(const lg_op *op)
{
    return flops_convolution(op->results[0], op->operands[1]);
}

static double flops_winograd_filter(const lg_op *op)
{
    return 2 * 9 * elements(op->results[0]);
}

// What the convolution costs when it is done directly, so that speeds compare.
static double flops_winograd_conv2d(const lg_op *op)
{
    return 2 * elements(op->results[0]) * 9 * (double)op->operands[1]->type.dims[1];
}

// Of the convolution too, however many products of parts it takes.
static double flops_split_conv2d(const lg_op *op)
{
    lg_type filter = lg_split_filter(&op->operands[1]->type);
    return 2 * elements(op->results[0]) * (double)lg_type_elements(&filter) /
           (double)filter.dims[0];
}

static double flops_conv2d_input_grad(const lg_op *op)
{
    return flops_convolution(op->operands[0], op->operands[1]);
}

static double flops_conv2d_filter_grad(const lg_op *op)
{
    return flops_convolution(op->operands[1], op->results[0]);
}

static double flops_call(const lg_op *op)
{
    return lg_function_flops(lg_op_callee(op));
}

// Two evaluations an element of what stands above it, as the reference interpreter does it;
// gradients up there are not counted.
static double flops_gradient(const lg_op *op)
{
    double sum = 0;
    for (const lg_op *above = op->previous; above; above = above->previous)
        if (above->code != LG_OP_gradient)
            sum += lg_op_flops(above) + (above->result_count ? elements(above->results[0]) : 0);
    return 2 * sum * elements(op->results[0]);
}

static double flops_write(const lg_op *op)
{
    (void)op;
    return 0;
}

#define FLOPS_SOURCE(name) 0
#define FLOPS_MOVEMENT(name) 0
#define FLOPS_REDUCTION(name) elements(op->operands[0])
#define FLOPS_CONTRACTION(name) flops_##name(op)
#define FLOPS_CONTROL(name) flops_##name(op)

double lg_op_flops(const lg_op *op)
{
    switch (op->code) {
#define ELEMENTWISE(name, ...)                                                                     \
    case LG_OP_##name:                                                                             \
        return flops_elementwise(op);
#define OP(name, class, ...)                                                                       \
    case LG_OP_##name:                                                                             \
        return FLOPS_##class(name);
#include "ir/ops.def"
#undef ELEMENTWISE
#undef OP
    case LG_OPCODE_COUNT:
        break;
    }
    assert(!"an op");
    return 0;
}

double lg_function_flops(const lg_function *function)
{
    double sum = 0;
    LG_FOR_OPS (op, function) {
        sum += lg_op_flops(op);
    }
    return sum;
}
