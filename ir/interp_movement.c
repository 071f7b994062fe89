// Sources and data movement of the graph IR. Most of it is one idea: a box of elements goes from
// one array to another, each with its own stride an axis. A stride of 0 repeats, a negative one
// reverses, a permuted list transposes.
#include "ir/interp_internal.h"

#include <string.h>

typedef struct strides {
    int64_t at[LG_MAX_RANK];
} strides;

static strides strides_of(const lg_type *type)
{
    strides s = {{0}};
    int64_t stride = 1;
    for (int axis = type->rank - 1; axis >= 0; axis--) {
        s.at[axis] = stride;
        stride *= type->dims[axis];
    }
    return s;
}

static void copy_box(int rank, const int64_t *dims, lg_number *to, const int64_t *to_strides,
                     const lg_number *from, const int64_t *from_strides)
{
    if (rank == 0) {
        *to = *from;
        return;
    }
    for (int64_t i = 0; i < dims[0]; i++) {
        if (rank == 1)
            to[i * to_strides[0]] = from[i * from_strides[0]];
        else
            copy_box(rank - 1, dims + 1, to + i * to_strides[0], to_strides + 1,
                     from + i * from_strides[0], from_strides + 1);
    }
}

// The whole of `result` from places of `from`.
static void take(lg_array *result, const lg_number *from, const strides *from_strides)
{
    strides to = strides_of(&result->type);
    copy_box(result->type.rank, result->type.dims, result->data, to.at, from, from_strides->at);
}

// The whole of `array` to the places of `result` that start at `offset`.
static void put(lg_array *result, int64_t offset, const strides *to, const lg_array *array)
{
    strides from = strides_of(&array->type);
    copy_box(array->type.rank, array->type.dims, result->data + offset, to->at, array->data,
             from.at);
}

static void fill(lg_array *result, lg_number value)
{
    int64_t count = lg_type_elements(&result->type);
    for (int64_t i = 0; i < count; i++)
        result->data[i] = value;
}

// ---- sources

void lg_eval_constant(lg_arena *scratch, const lg_op *op, lg_array *const *operands,
                      lg_array *result)
{
    (void)scratch, (void)operands;
    lg_dtype dtype = result->type.dtype;
    const lg_attr *values = lg_op_attr(op, LG_ATTR_values);
    if (!values) {
        lg_number value = {.f = lg_op_number(op, LG_ATTR_value)};
        fill(result, lg_number_cast(value, LG_F32, dtype));
        return;
    }
    for (int i = 0; i < values->count; i++)
        result->data[i] = lg_number_cast((lg_number){.f = values->as.numbers[i]}, LG_F32, dtype);
}

void lg_eval_iota(lg_arena *scratch, const lg_op *op, lg_array *const *operands, lg_array *result)
{
    (void)scratch, (void)operands;
    int64_t axis = lg_op_int(op, LG_ATTR_axis), count = lg_type_elements(&result->type);
    int64_t stride = strides_of(&result->type).at[axis], size = result->type.dims[axis];
    for (int64_t i = 0; i < count; i++)
        result->data[i] =
            lg_number_cast((lg_number){.i = i / stride % size}, LG_I64, result->type.dtype);
}

// ---- movement

void lg_eval_cast(lg_arena *scratch, const lg_op *op, lg_array *const *operands, lg_array *result)
{
    (void)scratch, (void)op;
    int64_t count = lg_type_elements(&result->type);
    for (int64_t i = 0; i < count; i++)
        result->data[i] =
            lg_number_cast(operands[0]->data[i], operands[0]->type.dtype, result->type.dtype);
}

void lg_eval_reshape(lg_arena *scratch, const lg_op *op, lg_array *const *operands,
                     lg_array *result)
{
    (void)scratch, (void)op;
    memcpy(result->data, operands[0]->data,
           sizeof(lg_number) * (size_t)lg_type_elements(&result->type));
}

void lg_eval_relayout(lg_arena *scratch, const lg_op *op, lg_array *const *operands,
                      lg_array *result)
{
    lg_eval_reshape(scratch, op, operands, result);
}

// The one movement that rounds: other bf16 values are as exact here as all are until memory holds
// them.
static double rounded_to_bf16(double value)
{
    unsigned char memory[2];
    lg_number_store(LG_BF16, memory, (lg_number){.f = value});
    return lg_number_load(LG_BF16, memory).f;
}

void lg_eval_split(lg_arena *scratch, const lg_op *op, lg_array *const *operands, lg_array *result)
{
    (void)scratch, (void)op;
    int64_t count = lg_type_elements(&operands[0]->type);
    for (int64_t i = 0; i < count; i++) {
        double rest = operands[0]->data[i].f;
        for (int64_t part = 0; part < result->type.dims[0]; part++) {
            double rounded = rounded_to_bf16(rest);
            result->data[part * count + i].f = rounded;
            rest -= rounded;
        }
    }
}

void lg_eval_transpose(lg_arena *scratch, const lg_op *op, lg_array *const *operands,
                       lg_array *result)
{
    (void)scratch;
    strides whole = strides_of(&operands[0]->type), from = {{0}};
    for (int axis = 0; axis < result->type.rank; axis++)
        from.at[axis] = whole.at[lg_op_int_at(op, LG_ATTR_perm, axis)];
    take(result, operands[0]->data, &from);
}

void lg_eval_broadcast(lg_arena *scratch, const lg_op *op, lg_array *const *operands,
                       lg_array *result)
{
    (void)scratch, (void)op;
    strides from = strides_of(&operands[0]->type);
    for (int axis = 0; axis < result->type.rank; axis++)
        if (operands[0]->type.dims[axis] == 1)
            from.at[axis] = 0;
    take(result, operands[0]->data, &from);
}

void lg_eval_slice(lg_arena *scratch, const lg_op *op, lg_array *const *operands, lg_array *result)
{
    (void)scratch;
    strides from = strides_of(&operands[0]->type);
    int64_t offset = 0;
    for (int axis = 0; axis < result->type.rank; axis++) {
        offset += lg_op_int_at(op, LG_ATTR_start, axis) * from.at[axis];
        from.at[axis] *= lg_op_int_at(op, LG_ATTR_step, axis);
    }
    take(result, operands[0]->data + offset, &from);
}

void lg_eval_pad(lg_arena *scratch, const lg_op *op, lg_array *const *operands, lg_array *result)
{
    (void)scratch;
    lg_number value = {.f = lg_op_number(op, LG_ATTR_value)};
    fill(result, lg_number_cast(value, LG_F32, result->type.dtype));
    strides to = strides_of(&result->type);
    int64_t offset = 0;
    for (int axis = 0; axis < result->type.rank; axis++) {
        offset += lg_op_int_at(op, LG_ATTR_low, axis) * to.at[axis];
        to.at[axis] *= lg_op_int_at(op, LG_ATTR_interior, axis) + 1;
    }
    put(result, offset, &to, operands[0]);
}

void lg_eval_reverse(lg_arena *scratch, const lg_op *op, lg_array *const *operands,
                     lg_array *result)
{
    (void)scratch;
    const lg_attr *axes = lg_op_attr(op, LG_ATTR_axes);
    strides from = strides_of(&operands[0]->type);
    int64_t offset = 0;
    for (int i = 0; i < axes->count; i++) {
        int64_t axis = axes->as.ints[i];
        offset += (result->type.dims[axis] - 1) * from.at[axis];
        from.at[axis] = -from.at[axis];
    }
    take(result, operands[0]->data + offset, &from);
}

void lg_eval_concat(lg_arena *scratch, const lg_op *op, lg_array *const *operands, lg_array *result)
{
    (void)scratch;
    int64_t axis = lg_op_int(op, LG_ATTR_axis), offset = 0;
    strides to = strides_of(&result->type);
    for (int i = 0; i < op->operand_count; i++) {
        put(result, offset, &to, operands[i]);
        offset += operands[i]->type.dims[axis] * to.at[axis];
    }
}

// ---- by index

// An array seen as [outer, size, inner] around one axis.
typedef struct around {
    int64_t outer, size, inner;
} around;

static around around_axis(const lg_type *type, int64_t axis)
{
    around a = {.outer = 1, .size = type->dims[axis], .inner = 1};
    for (int i = 0; i < type->rank; i++)
        *(i < axis ? &a.outer : &a.inner) *= i == axis ? 1 : type->dims[i];
    return a;
}

static int64_t clamp_index(lg_number index, int64_t size)
{
    return index.i < 0 ? 0 : index.i < size ? index.i : size - 1;
}

void lg_eval_gather(lg_arena *scratch, const lg_op *op, lg_array *const *operands, lg_array *result)
{
    (void)scratch;
    int64_t axis = lg_op_int(op, LG_ATTR_axis);
    around from = around_axis(&operands[0]->type, axis), to = around_axis(&result->type, axis);
    for (int64_t outer = 0; outer < to.outer; outer++)
        for (int64_t i = 0; i < to.size; i++) {
            int64_t index = clamp_index(operands[1]->data[i], from.size);
            memcpy(result->data + (outer * to.size + i) * to.inner,
                   operands[0]->data + (outer * from.size + index) * from.inner,
                   sizeof(lg_number) * (size_t)to.inner);
        }
}

void lg_eval_scatter_add(lg_arena *scratch, const lg_op *op, lg_array *const *operands,
                         lg_array *result)
{
    (void)scratch;
    int64_t axis = lg_op_int(op, LG_ATTR_axis);
    around from = around_axis(&operands[0]->type, axis), to = around_axis(&result->type, axis);
    for (int64_t outer = 0; outer < from.outer; outer++)
        for (int64_t i = 0; i < from.size; i++) {
            int64_t index = clamp_index(operands[1]->data[i], to.size);
            lg_number *sum = result->data + (outer * to.size + index) * to.inner;
            const lg_number *term = operands[0]->data + (outer * from.size + i) * from.inner;
            lg_scalar_evaluate_many(LG_S_ADD, result->type.dtype, (const lg_number *[]){sum, term},
                                    sum, (int)to.inner);
        }
}
