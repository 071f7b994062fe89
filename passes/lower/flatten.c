// Weights, their gradients and moments lie in row-major order, and their last axes are short: 3 x 3
// taps, or one. What is done to them element by element does not care for axes: with all elements
// in one, vectors are full and jobs are of one size.
//
//     %0 = broadcast %rate : f32[16,8,3,3]                  %0 = broadcast %rate.1 : f32[1152]
//     %1 = mul %g, %0 : f32[16,8,3,3]                ->     %1 = mul %g.1, %0 : f32[1152]
#include "passes/lower/flatten.h"

#include "passes/map.h"
#include "passes/rewriter.h"

static lg_type flat_type(const lg_type *type)
{
    int64_t elements = lg_type_elements(type);
    return lg_type_make(type->dtype, 1, &elements);
}

// Does element i of the result hang on element i of the operands alone?
static bool keeps_places(const lg_op *op)
{
    if (op->result_count != 1 || op->results[0]->type.layout)
        return false;
    switch (lg_op_info_of(op->code)->class) {
    case LG_CLASS_ELEMENTWISE:
        return true;
    case LG_CLASS_SOURCE:
        return op->code == LG_OP_constant && !lg_op_attr(op, LG_ATTR_values);
    default:
        if (op->code == LG_OP_broadcast)
            return lg_type_elements(&op->operands[0]->type) == 1;
        return op->code == LG_OP_cast || op->code == LG_OP_reshape;
    }
}

static bool can_be_flat(const lg_function *kernel)
{
    bool several = false; // axes
    for (int i = 0; i < kernel->arguments.count; i++)
        if (kernel->arguments.items[i]->type.layout)
            return false;
    LG_FOR_OPS (op, kernel) {
        if (!keeps_places(op))
            return false;
        several |= op->results[0]->type.rank > 1;
    }
    for (int i = 0; i < kernel->results.count; i++) { // no other name of an argument
        const lg_op *op = kernel->results.items[i]->op;
        several &= op->code != LG_OP_reshape && op->code != LG_OP_broadcast;
    }
    return several;
}

static lg_value *flat_op(lg_function *flat, const lg_op *op, lg_map *copies)
{
    lg_value *operands[3] = {NULL};
    for (int i = 0; i < op->operand_count; i++)
        operands[i] = lg_map_pointer(copies, op->operands[i]);
    lg_type type = flat_type(&op->results[0]->type);
    bool same = op->operand_count == 1 && lg_type_equal(&operands[0]->type, &type);
    if (same && (op->code == LG_OP_reshape || op->code == LG_OP_broadcast))
        return operands[0];
    return lg_build(flat, NULL, op->code, op->operand_count, operands, op->attr_count, op->attrs,
                    &type, op->where);
}

lg_function *lg_flatten_kernel(const lg_function *kernel, lg_arena *scratch)
{
    if (!can_be_flat(kernel))
        return NULL;
    lg_function *flat = lg_function_new(kernel->module, LG_KERNEL, kernel->name);
    flat->where = kernel->where;
    lg_map copies = {.arena = scratch};
    for (int i = 0; i < kernel->arguments.count; i++) {
        const lg_value *a = kernel->arguments.items[i];
        lg_map_at(&copies, a)->as.pointer =
            lg_function_argument(flat, a->name, flat_type(&a->type));
    }
    LG_FOR_OPS (op, kernel)
        lg_map_at(&copies, op->results[0])->as.pointer = flat_op(flat, op, &copies);
    for (int i = 0; i < kernel->results.count; i++)
        lg_function_return(flat, kernel->result_names.items[i],
                           lg_map_pointer(&copies, kernel->results.items[i]));
    return flat;
}
