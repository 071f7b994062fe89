// fold: ops on constants become constants.
//
// needs nothing; keeps everything. The reference interpreter evaluates an op all of whose operands
// are constants, if the result and the operands have at most `max-elements` elements.
//
//     %0 = constant {value=2.0} : f32[4]
//     %1 = sqrt %0 : f32[4]         ->      %1 = constant {value=1.4142135623730951} : f32[4]
//
// A result that is the same number everywhere is written as one number. Operands may be `iota` as
// well; an iota itself stays, as the shorter form, and so does a formula whose result would be a
// list of more than `max-list` numbers: a kernel computes it faster than it chooses from a list.
#include "ir/interp.h"
#include "passes/passes.h"
#include "passes/rewriter.h"

#include <math.h>

static bool is_foldable(const lg_op *op, int64_t max_elements)
{
    lg_op_class class = lg_op_info_of(op->code)->class;
    if (op->operand_count == 0 || op->result_count != 1 || class == LG_CLASS_CONTROL ||
        class == LG_CLASS_SOURCE || op->results[0]->type.layout ||
        lg_type_elements(&op->results[0]->type) > max_elements)
        return false;
    for (int i = 0; i < op->operand_count; i++) {
        const lg_value *v = op->operands[i];
        if ((!lg_is_constant(v) && lg_code_of(v) != LG_OP_iota) ||
            lg_type_elements(&v->type) > max_elements)
            return false;
    }
    return true;
}

// The numbers of an array as the attributes of a constant hold them; false if one of them does not
// survive (an integer of 2^53 or more).
static bool to_numbers(const lg_array *array, double *numbers, int64_t count)
{
    bool is_float = lg_dtype_is_float(array->type.dtype);
    for (int64_t i = 0; i < count; i++) {
        numbers[i] = is_float ? array->data[i].f : (double)array->data[i].i;
        if (!is_float && fabs(numbers[i]) >= 9007199254740992.0)
            return false;
    }
    return true;
}

static lg_array *evaluate_operand(lg_arena *arena, const lg_value *value)
{
    lg_array *array = lg_array_new(arena, &value->type);
    lg_interpret_op(arena, value->op, NULL, array);
    return array;
}

// The constant, or NULL.
static lg_value *evaluate(lg_rewriter *r, lg_op *op, int64_t max_list)
{
    lg_arena *arena = lg_arena_new(); // tensors: not to be kept until the pass ends
    lg_array **operands = LG_NEW_ARRAY(arena, lg_array *, op->operand_count);
    for (int i = 0; i < op->operand_count; i++)
        operands[i] = evaluate_operand(arena, op->operands[i]);
    const lg_type *type = &op->results[0]->type;
    lg_array *result = lg_array_new(arena, type);
    lg_interpret_op(arena, op, operands, result);
    int64_t count = lg_type_elements(type);
    double *numbers = LG_NEW_ARRAY(arena, double, count);
    lg_value *constant = NULL;
    if (to_numbers(result, numbers, count)) {
        bool same = true;
        for (int64_t i = 1; i < count; i++)
            same &= numbers[i] == numbers[0] && signbit(numbers[i]) == signbit(numbers[0]);
        if (!same && count > max_list) {
            lg_arena_free(arena);
            return NULL;
        }
        lg_attr attr = same ? lg_attr_number(LG_ATTR_value, numbers[0])
                            : lg_attr_numbers(LG_ATTR_values, (int)count, numbers);
        constant = lg_rewrite_build(r, op, LG_OP_constant, 0, NULL, 1, &attr, type);
    }
    lg_arena_free(arena);
    return constant;
}

bool lg_pass_fold(lg_unit *unit, lg_pass_ctx *ctx)
{
    int64_t max_elements = lg_pass_option_of(ctx, "max-elements");
    int64_t max_list = lg_pass_option_of(ctx, "max-list");
    LG_FOR_FUNCTIONS (f, unit->module) {
        if (f->kind == LG_KERNEL)
            continue;
        lg_rewriter r;
        lg_rewrite_begin(&r, ctx, f);
        for (lg_op *op; (op = lg_rewrite_next(&r));) {
            lg_value *constant = is_foldable(op, max_elements) ? evaluate(&r, op, max_list) : NULL;
            if (constant)
                lg_rewrite_replace(&r, op->results[0], constant);
        }
    }
    return true;
}
