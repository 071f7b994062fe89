// Shape rules of sources, data movement, reductions and control.
#include "ir/infer.h"

// A result that is the declared type, once the rule has found nothing against it.
static bool take_declared(const lg_inference *in)
{
    *in->result = lg_type_make(in->declared->dtype, in->declared->rank, in->declared->dims);
    return true;
}

static void take_operand(const lg_inference *in)
{
    *in->result = lg_type_make(in->a->dtype, in->a->rank, in->a->dims);
}

static bool declared_dtype_is_operands(const lg_inference *in)
{
    if (in->declared->dtype != in->a->dtype)
        return lg_infer_fault(in, "the operand is %s, the result %s; only cast changes that",
                              lg_dtype_name(in->a->dtype), lg_dtype_name(in->declared->dtype));
    return true;
}

static bool is_integer(lg_dtype dtype)
{
    return !lg_dtype_is_float(dtype) && dtype != LG_BOOL;
}

// ---- sources

bool infer_constant(const lg_inference *in)
{
    const lg_attr *values = lg_op_attr(in->op, LG_ATTR_values);
    lg_dtype dtype = in->declared->dtype;
    if (!values)
        return lg_infer_number(in, lg_op_number(in->op, LG_ATTR_value), dtype) && take_declared(in);
    if (values->count != lg_type_elements(in->declared))
        return lg_infer_fault(in, "values has %d entries, %s has %lld elements", values->count,
                              lg_infer_text(in, in->declared),
                              (long long)lg_type_elements(in->declared));
    for (int i = 0; i < values->count; i++)
        if (!lg_infer_number(in, values->as.numbers[i], dtype))
            return false;
    return take_declared(in);
}

bool infer_iota(const lg_inference *in)
{
    int axis;
    if (in->declared->dtype == LG_BOOL)
        return lg_infer_fault(in, "counts in numbers, the result is bool");
    return lg_infer_axis(in, in->declared, &axis) && take_declared(in);
}

// ---- data movement

bool infer_cast(const lg_inference *in)
{
    if (!lg_shape_equal(in->a, in->declared))
        return lg_infer_fault(in, "the operand is %s, the result %s; shapes must be equal",
                              lg_infer_text(in, in->a), lg_infer_text(in, in->declared));
    return take_declared(in);
}

bool infer_reshape(const lg_inference *in)
{
    if (lg_type_elements(in->a) != lg_type_elements(in->declared))
        return lg_infer_fault(in, "%s has %lld elements, %s has %lld", lg_infer_text(in, in->a),
                              (long long)lg_type_elements(in->a), lg_infer_text(in, in->declared),
                              (long long)lg_type_elements(in->declared));
    return declared_dtype_is_operands(in) && take_declared(in);
}

bool infer_transpose(const lg_inference *in)
{
    if (!lg_infer_count(in, LG_ATTR_perm, in->a->rank))
        return false;
    unsigned seen = 0;
    take_operand(in);
    for (int i = 0; i < in->a->rank; i++) {
        int64_t from = lg_op_int_at(in->op, LG_ATTR_perm, i);
        if (from >= in->a->rank || seen & 1u << from)
            return lg_infer_fault(in, "perm must name each of the %d axes once", in->a->rank);
        seen |= 1u << from;
        in->result->dims[i] = in->a->dims[from];
    }
    return true;
}

bool infer_broadcast(const lg_inference *in)
{
    const lg_type *to = in->declared;
    bool fits = to->rank == in->a->rank;
    for (int i = 0; fits && i < to->rank; i++)
        fits = in->a->dims[i] == to->dims[i] || in->a->dims[i] == 1;
    if (!fits)
        return lg_infer_fault(in,
                              "%s does not repeat to %s: ranks must be equal, and sizes equal "
                              "or 1 in the operand",
                              lg_infer_text(in, in->a), lg_infer_text(in, to));
    return declared_dtype_is_operands(in) && take_declared(in);
}

bool infer_slice(const lg_inference *in)
{
    int rank = in->a->rank;
    if (!lg_infer_count(in, LG_ATTR_start, rank) || !lg_infer_count(in, LG_ATTR_limit, rank) ||
        !lg_infer_count(in, LG_ATTR_step, rank))
        return false;
    take_operand(in);
    for (int i = 0; i < rank; i++) {
        int64_t start = lg_op_int_at(in->op, LG_ATTR_start, i);
        int64_t limit = lg_op_int_at(in->op, LG_ATTR_limit, i);
        int64_t step = lg_op_int_at(in->op, LG_ATTR_step, i);
        if (start >= limit || limit > in->a->dims[i])
            return lg_infer_fault(in, "%lld to %lld is no range of axis %d of size %lld",
                                  (long long)start, (long long)limit, i, (long long)in->a->dims[i]);
        if (step < 1)
            return lg_infer_fault(in, "step must be at least 1");
        in->result->dims[i] = (limit - start - 1) / step + 1;
    }
    return true;
}

bool infer_pad(const lg_inference *in)
{
    int rank = in->a->rank;
    if (!lg_infer_count(in, LG_ATTR_low, rank) || !lg_infer_count(in, LG_ATTR_high, rank) ||
        !lg_infer_count(in, LG_ATTR_interior, rank) ||
        !lg_infer_number(in, lg_op_number(in->op, LG_ATTR_value), in->a->dtype))
        return false;
    take_operand(in);
    for (int i = 0; i < rank; i++) {
        int64_t gaps = in->a->dims[i] - 1, interior = lg_op_int_at(in->op, LG_ATTR_interior, i);
        if (gaps > 0 && interior > LG_MAX_ELEMENTS / gaps)
            return lg_infer_fault(in, "%lld elements between any two of %lld are too many",
                                  (long long)interior, (long long)gaps + 1);
        in->result->dims[i] += gaps * interior + lg_op_int_at(in->op, LG_ATTR_low, i) +
                               lg_op_int_at(in->op, LG_ATTR_high, i);
    }
    return true;
}

bool infer_reverse(const lg_inference *in)
{
    take_operand(in);
    return lg_infer_axes(in, in->a);
}

bool infer_concat(const lg_inference *in)
{
    int axis;
    if (!lg_infer_axis(in, in->a, &axis))
        return false;
    take_operand(in);
    for (int i = 1; i < in->op->operand_count; i++) {
        const lg_type *type = &in->op->operands[i]->type;
        lg_type like = lg_type_make(in->a->dtype, in->a->rank, in->a->dims);
        if (type->rank == like.rank)
            like.dims[axis] = type->dims[axis];
        if (!lg_shape_equal(type, &like) || type->dtype != like.dtype)
            return lg_infer_fault(in, "%s and %s differ in more than axis %d",
                                  lg_infer_text(in, in->a), lg_infer_text(in, type), axis);
        in->result->dims[axis] += type->dims[axis];
        const char *fault = lg_type_fault(in->result);
        if (fault)
            return lg_infer_fault(in, "result: %s", fault);
    }
    return true;
}

static bool check_indices(const lg_inference *in)
{
    if (in->b->rank != 1 || !is_integer(in->b->dtype))
        return lg_infer_fault(in, "the indices are %s, must be a list of integers like i32[%lld]",
                              lg_infer_text(in, in->b),
                              (long long)(in->b->rank ? in->b->dims[0] : 1));
    return true;
}

bool infer_gather(const lg_inference *in)
{
    int axis;
    if (!lg_infer_axis(in, in->a, &axis) || !check_indices(in))
        return false;
    take_operand(in);
    in->result->dims[axis] = in->b->dims[0];
    return true;
}

bool infer_scatter_add(const lg_inference *in)
{
    int axis;
    if (!lg_infer_axis(in, in->a, &axis) || !check_indices(in))
        return false;
    if (in->a->dtype == LG_BOOL)
        return lg_infer_fault(in, "adds numbers, the operand is bool");
    if (in->a->dims[axis] != in->b->dims[0])
        return lg_infer_fault(in, "%lld indices for axis %d of size %lld",
                              (long long)in->b->dims[0], axis, (long long)in->a->dims[axis]);
    take_operand(in);
    if (in->declared->rank == in->a->rank)
        in->result->dims[axis] = in->declared->dims[axis];
    return true;
}

bool infer_split(const lg_inference *in)
{
    const lg_type *from = in->a, *to = in->declared;
    if (from->dtype != LG_F32)
        return lg_infer_fault(in, "takes f32, the operand is %s", lg_dtype_name(from->dtype));
    bool fits = to->dtype == LG_BF16 && to->rank == from->rank + 1 &&
                (to->dims[0] == 2 || to->dims[0] == 3);
    for (int i = 0; fits && i < from->rank; i++)
        fits = to->dims[1 + i] == from->dims[i];
    if (!fits)
        return lg_infer_fault(in, "%s becomes 2 or 3 of its shape in bf16, the result is %s",
                              lg_infer_text(in, from), lg_infer_text(in, to));
    return take_declared(in);
}

bool infer_relayout(const lg_inference *in)
{
    take_operand(in);
    return true;
}

// ---- reductions

static bool infer_reduction(const lg_inference *in)
{
    if (in->a->dtype == LG_BOOL)
        return lg_infer_fault(in, "takes numbers, the operand is bool");
    if (!lg_infer_axes(in, in->a))
        return false;
    take_operand(in);
    const lg_attr *axes = lg_op_attr(in->op, LG_ATTR_axes);
    for (int i = 0; i < axes->count; i++)
        in->result->dims[axes->as.ints[i]] = 1;
    return true;
}

bool infer_reduce_sum(const lg_inference *in)
{
    return infer_reduction(in);
}

bool infer_reduce_max(const lg_inference *in)
{
    return infer_reduction(in);
}

bool infer_argmax(const lg_inference *in)
{
    int axis;
    if (in->a->dtype == LG_BOOL)
        return lg_infer_fault(in, "takes numbers, the operand is bool");
    if (!lg_infer_axis(in, in->a, &axis))
        return false;
    take_operand(in);
    in->result->dtype = LG_I32;
    in->result->dims[axis] = 1;
    return true;
}

// ---- control

bool infer_call(const lg_inference *in)
{
    const lg_function *callee = lg_op_callee(in->op);
    if (!callee || callee->module != in->op->function->module)
        return lg_infer_fault(in, "the callee is not a function of this module");
    if (callee->kind == LG_FUNC)
        return lg_infer_fault(in, "@%s is an entry point; only composites and kernels are called",
                              callee->name);
    if (in->op->operand_count != callee->arguments.count)
        return lg_infer_fault(in, "@%s takes %d arguments, %d given", callee->name,
                              callee->arguments.count, in->op->operand_count);
    for (int i = 0; i < callee->arguments.count; i++) {
        const lg_value *argument = callee->arguments.items[i];
        const lg_type *given = &in->op->operands[i]->type;
        if (!lg_type_equal(given, &argument->type))
            return lg_infer_fault(in, "argument %%%s of @%s is %s, given is %s", argument->name,
                                  callee->name, lg_infer_text(in, &argument->type),
                                  lg_infer_text(in, given));
    }
    return true;
}

// Composites are left out, because a value that is handed in twice is one value there and two here.
bool infer_gradient(const lg_inference *in)
{
    if (in->op->function->kind != LG_FUNC)
        return lg_infer_fault(in, "stands in a func, not in a composite or kernel");
    if (in->a->rank != 0 || !lg_dtype_is_float(in->a->dtype))
        return lg_infer_fault(in, "the loss is %s, must be a scalar of floats like f32[]",
                              lg_infer_text(in, in->a));
    if (!lg_dtype_is_float(in->b->dtype))
        return lg_infer_fault(in, "is taken by floats, the second operand is %s",
                              lg_dtype_name(in->b->dtype));
    *in->result = lg_type_make(in->b->dtype, in->b->rank, in->b->dims);
    return true;
}

bool infer_write(const lg_inference *in)
{
    const lg_value *symbol = in->op->operands[0];
    if (symbol->kind != LG_VALUE_SYMBOL)
        return lg_infer_fault(in, "the first operand must be a symbol, like @name");
    if (!lg_type_equal(in->a, in->b))
        return lg_infer_fault(in, "@%s is %s, the value is %s", symbol->name,
                              lg_infer_text(in, in->a), lg_infer_text(in, in->b));
    return true;
}
