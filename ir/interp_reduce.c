// Reductions of the graph IR. Sums and maxima take up a NaN, in any order of MAX(element, so far)
// and ADD; argmax passes it over, since no comparison with it is true.
#include "ir/interp_internal.h"

#include <math.h>

// What a maximum starts from.
static lg_number least(lg_dtype dtype)
{
    if (lg_dtype_is_float(dtype))
        return (lg_number){.f = -INFINITY};
    return lg_number_cast((lg_number){.f = -INFINITY}, LG_F32, dtype);
}

// Combines every element of `from` into the element of `to` whose index is the same but for the
// axes of size 1 in `to`: `fn` of the element and what is there.
static void reduce(int rank, const int64_t *from_dims, const int64_t *to_dims, lg_scalar fn,
                   lg_dtype dtype, const lg_number **from, lg_number *to)
{
    if (rank == 0) {
        to[0] = lg_scalar_evaluate(fn, dtype, (const lg_number[]){**from, to[0]});
        ++*from;
        return;
    }
    int64_t inner = 1;
    for (int axis = 1; axis < rank; axis++)
        inner *= to_dims[axis];
    int64_t stride = to_dims[0] == from_dims[0] ? inner : 0;
    if (rank == 1 && stride) {
        int count = (int)from_dims[0];
        lg_scalar_evaluate_many(fn, dtype, (const lg_number *[]){*from, to}, to, count);
        *from += count;
        return;
    }
    for (int64_t i = 0; i < from_dims[0]; i++)
        reduce(rank - 1, from_dims + 1, to_dims + 1, fn, dtype, from, to + i * stride);
}

static void reduce_all(lg_scalar fn, const lg_array *operand, lg_array *result)
{
    const lg_number *from = operand->data;
    reduce(operand->type.rank, operand->type.dims, result->type.dims, fn, result->type.dtype, &from,
           result->data);
}

void lg_eval_reduce_sum(lg_arena *scratch, const lg_op *op, lg_array *const *operands,
                        lg_array *result)
{
    (void)scratch, (void)op;
    reduce_all(LG_S_ADD, operands[0], result);
}

void lg_eval_reduce_max(lg_arena *scratch, const lg_op *op, lg_array *const *operands,
                        lg_array *result)
{
    (void)scratch, (void)op;
    int64_t count = lg_type_elements(&result->type);
    for (int64_t i = 0; i < count; i++)
        result->data[i] = least(result->type.dtype);
    reduce_all(LG_S_MAX, operands[0], result);
}

void lg_eval_argmax(lg_arena *scratch, const lg_op *op, lg_array *const *operands, lg_array *result)
{
    (void)scratch;
    const lg_type *type = &operands[0]->type;
    int64_t axis = lg_op_int(op, LG_ATTR_axis), inner = 1;
    for (int i = (int)axis + 1; i < type->rank; i++)
        inner *= type->dims[i];
    int64_t count = lg_type_elements(&result->type);
    for (int64_t at = 0; at < count; at++) {
        const lg_number *first =
            operands[0]->data + at / inner * inner * type->dims[axis] + at % inner;
        lg_number best = least(type->dtype);
        for (int64_t i = 0; i < type->dims[axis]; i++) {
            lg_number pair[2] = {first[i * inner], best};
            if (lg_scalar_evaluate(LG_S_GT, type->dtype, pair).i) {
                best = pair[0];
                result->data[at].i = i;
            }
        }
    }
}
