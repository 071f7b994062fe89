// Elementwise ops with NumPy's broadcasting. The graph IR has none: operands of an op have one
// shape, so what is to be repeated is reshaped and broadcast first, where a reader of the IR sees
// it. A number becomes a constant of the other operand's shape.
#include "frontend/scope.h"

lg_operand lg_operand_value(lg_value *value)
{
    return (lg_operand){.value = value};
}

lg_operand lg_operand_number(double number)
{
    return (lg_operand){.is_number = true, .number = number};
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

// The size of `type` along axis `axis` of a shape of `rank` axes that it is aligned with.
static int64_t aligned_size(const lg_type *type, int rank, int axis)
{
    int own = axis - (rank - type->rank);
    return own < 0 ? 1 : type->dims[own];
}

// Widens the shape of *to by that of `value`; false if they do not fit.
static bool broadcast_with(lg_type *to, const lg_type *type)
{
    lg_type wide = {to->dtype, larger(to->rank, type->rank), {0}, NULL};
    for (int i = 0; i < wide.rank; i++) {
        int64_t a = aligned_size(to, wide.rank, i), b = aligned_size(type, wide.rank, i);
        if (a != b && a != 1 && b != 1)
            return false;
        wide.dims[i] = a == 1 ? b : a;
    }
    *to = wide;
    return true;
}

lg_value *lg_expand(lg_name_scope *s, lg_location where, lg_value *x, const lg_type *type)
{
    lg_type same_rank = {x->type.dtype, type->rank, {0}, NULL}, wide = *type;
    wide.dtype = x->type.dtype;
    for (int i = 0; i < type->rank; i++)
        same_rank.dims[i] = aligned_size(&x->type, type->rank, i);
    if (x->type.rank != type->rank)
        x = lg_append(s, where, LG_OP_reshape, LG_OPERANDS(x), 0, NULL, &same_rank);
    if (!lg_shape_equal(&same_rank, &wide))
        x = lg_append(s, where, LG_OP_broadcast, LG_OPERANDS(x), 0, NULL, &wide);
    return x;
}

// The shape that all tensors among the operands are broadcast to, and their element type.
static bool common_type(lg_site site, int count, const lg_operand *operands, lg_type *type)
{
    const lg_value *first = NULL;
    for (int i = 0; i < count; i++) {
        lg_value *value = operands[i].value;
        if (!value)
            continue;
        if (first && value->type.dtype != first->type.dtype)
            return lg_fault(site, "element types %s and %s differ; cast one of them",
                            lg_dtype_name(first->type.dtype), lg_dtype_name(value->type.dtype));
        lg_type before = *type;
        if (!broadcast_with(type, &value->type))
            return lg_fault(site, "shapes %s and %s do not fit: sizes must be equal or 1",
                            lg_show_shape(site.scope, before.rank, before.dims),
                            lg_show_shape(site.scope, value->type.rank, value->type.dims));
        if (!first)
            first = value;
        type->dtype = first->type.dtype;
    }
    if (!first)
        return lg_fault(site, "one operand at least must be a tensor");
    return lg_check_shape(site, type->rank, type->dims);
}

static lg_value *materialise(lg_name_scope *s, lg_location where, lg_operand operand,
                             const lg_type *type)
{
    if (operand.value)
        return lg_expand(s, where, operand.value, type);
    lg_attr value = lg_attr_number(LG_ATTR_value, operand.number);
    return lg_append(s, where, LG_OP_constant, 0, NULL, 1, &value, type);
}

static bool is_fed_null(int count, const lg_operand *operands)
{
    for (int i = 0; i < count; i++)
        if (!operands[i].is_number && !operands[i].value)
            return true;
    return false;
}

lg_value *lg_unary(lg_name_scope *s, lg_location where, lg_opcode code, lg_value *a)
{
    return lg_append(s, where, code, LG_OPERANDS(a), 0, NULL, NULL);
}

lg_value *lg_binary(lg_name_scope *s, lg_location where, lg_opcode code, lg_operand a, lg_operand b)
{
    lg_operand operands[] = {a, b};
    lg_type type = {0};
    lg_site site = {s, where, lg_op_info_of(code)->name, NULL};
    if (is_fed_null(2, operands) || !common_type(site, 2, operands, &type))
        return NULL;
    lg_value *left = materialise(s, where, a, &type), *right = materialise(s, where, b, &type);
    return lg_append(s, where, code, LG_OPERANDS(left, right), 0, NULL, NULL);
}

lg_value *lg_where(lg_name_scope *s, lg_location where, lg_value *condition, lg_operand a,
                   lg_operand b)
{
    lg_operand operands[] = {a, b};
    lg_site site = {s, where, "where", NULL};
    if (!condition || is_fed_null(2, operands))
        return NULL;
    if (condition->type.dtype != LG_BOOL)
        return lg_fault(site, "the condition is %s, not of type bool", lg_show(s, condition));
    lg_type type = {LG_F32, 0, {0}, NULL};
    if (!(a.is_number && b.is_number) && !common_type(site, 2, operands, &type))
        return NULL;
    lg_type choices = type;
    if (!broadcast_with(&type, &condition->type))
        return lg_fault(site, "the condition %s does not fit choices of shape %s",
                        lg_show(s, condition), lg_show_shape(s, choices.rank, choices.dims));
    if (!lg_check_shape(site, type.rank, type.dims))
        return NULL;
    lg_value *mask = lg_expand(s, where, condition, &type);
    lg_value *left = materialise(s, where, a, &type), *right = materialise(s, where, b, &type);
    return lg_append(s, where, LG_OP_select, LG_OPERANDS(mask, left, right), 0, NULL, NULL);
}

lg_value *lg_cast(lg_name_scope *s, lg_location where, lg_value *x, lg_dtype dtype)
{
    if (!x || x->type.dtype == dtype)
        return x;
    lg_type type = x->type;
    type.dtype = dtype;
    return lg_append(s, where, LG_OP_cast, LG_OPERANDS(x), 0, NULL, &type);
}
