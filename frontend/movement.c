// Sources, data movement, reductions and matmul: thin wrappers of the ops that take what a user
// has at hand (axes from the end, one axis at a time, -1 for a size) and turn it into the op's
// form.
#include "frontend/scope.h"

lg_value *lg_constant(lg_name_scope *s, lg_location where, lg_dtype dtype, lg_shape shape,
                      double value)
{
    if (!lg_check_shape((lg_site){s, where, "constant", NULL}, shape.rank, shape.dims))
        return NULL;
    lg_type type = lg_type_make(dtype, shape.rank, shape.dims);
    lg_attr attr = lg_attr_number(LG_ATTR_value, value);
    return lg_append(s, where, LG_OP_constant, 0, NULL, 1, &attr, &type);
}

lg_value *lg_table(lg_name_scope *s, lg_location where, lg_dtype dtype, lg_shape shape, int count,
                   const double *values)
{
    lg_site site = {s, where, "table", NULL};
    if (!lg_check_shape(site, shape.rank, shape.dims))
        return NULL;
    lg_type type = lg_type_make(dtype, shape.rank, shape.dims);
    if (lg_type_elements(&type) != count)
        return lg_fault(site, "%d elements for shape %s", count,
                        lg_show_shape(s, shape.rank, shape.dims));
    lg_attr attr = lg_attr_numbers(LG_ATTR_values, count, values);
    return lg_append(s, where, LG_OP_constant, 0, NULL, 1, &attr, &type);
}

lg_value *lg_iota(lg_name_scope *s, lg_location where, lg_dtype dtype, lg_shape shape, int axis)
{
    lg_site site = {s, where, "iota", NULL};
    if (!lg_check_shape(site, shape.rank, shape.dims) || !lg_check_axis(site, shape.rank, &axis))
        return NULL;
    lg_type type = lg_type_make(dtype, shape.rank, shape.dims);
    lg_attr attr = lg_attr_int(LG_ATTR_axis, axis);
    return lg_append(s, where, LG_OP_iota, 0, NULL, 1, &attr, &type);
}

// ---- shapes

// Puts what is left in place of the one -1 of `dims`; without one, the sizes must multiply to
// `elements`.
static bool complete_shape(lg_site site, int64_t elements, int rank, int64_t *dims,
                           const int64_t *asked)
{
    int free_axis = -1;
    for (int i = 0; i < rank; i++) {
        dims[i] = asked[i] == -1 && free_axis < 0 ? 1 : asked[i];
        if (asked[i] == -1 && free_axis < 0)
            free_axis = i;
    }
    if (!lg_check_shape(site, rank, dims))
        return false;
    int64_t given = 1;
    for (int i = 0; i < rank; i++)
        given *= dims[i];
    if (free_axis >= 0 && elements % given == 0)
        dims[free_axis] = elements / given;
    else if (given != elements)
        return lg_fault(site, "%lld elements do not make shape %s", (long long)elements,
                        lg_show_shape(site.scope, rank, asked));
    return true;
}

lg_value *lg_reshape(lg_name_scope *s, lg_location where, lg_value *x, int rank,
                     const int64_t *dims)
{
    if (!x)
        return NULL;
    lg_site site = {s, where, "reshape", NULL};
    if (rank > LG_MAX_RANK)
        return lg_fault(site, "%d axes, at most %d are possible", rank, LG_MAX_RANK);
    int64_t full[LG_MAX_RANK] = {0};
    if (!complete_shape(site, lg_type_elements(&x->type), rank, full, dims))
        return NULL;
    lg_type type = lg_type_make(x->type.dtype, rank, full);
    if (lg_shape_equal(&type, &x->type))
        return x;
    return lg_append(s, where, LG_OP_reshape, LG_OPERANDS(x), 0, NULL, &type);
}

lg_value *lg_transpose(lg_name_scope *s, lg_location where, lg_value *x, int rank,
                       const int64_t *perm)
{
    lg_site site = {s, where, "transpose", NULL};
    if (x && rank != x->type.rank)
        return lg_fault(site, "%d axes are listed, the tensor %s has %d", rank, lg_show(s, x),
                        x->type.rank);
    lg_attr attr = lg_attr_ints(LG_ATTR_perm, rank, perm);
    return lg_append(s, where, LG_OP_transpose, LG_OPERANDS(x), 1, &attr, NULL);
}

lg_value *lg_broadcast(lg_name_scope *s, lg_location where, lg_value *x, int rank,
                       const int64_t *dims)
{
    lg_site site = {s, where, "broadcast", NULL};
    if (!x || !lg_check_shape(site, rank, dims))
        return NULL;
    lg_type type = lg_type_make(x->type.dtype, rank, dims);
    bool fits = x->type.rank <= rank;
    for (int i = 0; fits && i < x->type.rank; i++) {
        int64_t own = x->type.dims[i];
        fits = own == 1 || own == dims[rank - x->type.rank + i];
    }
    if (!fits)
        return lg_fault(site, "%s cannot be repeated to shape %s", lg_show(s, x),
                        lg_show_shape(s, rank, dims));
    return lg_expand(s, where, x, &type);
}

// ---- parts

lg_value *lg_slice(lg_name_scope *s, lg_location where, lg_value *x, int axis, int64_t first,
                   int64_t limit)
{
    lg_site site = {s, where, "slice", NULL};
    if (!x || !lg_check_axis(site, x->type.rank, &axis))
        return NULL;
    int64_t size = x->type.dims[axis];
    if (first < 0 || limit > size || first >= limit)
        return lg_fault(site, "elements %lld..%lld of axis %d, which has 0..%lld", (long long)first,
                        (long long)limit - 1, axis, (long long)size - 1);
    int64_t start[LG_MAX_RANK] = {0}, end[LG_MAX_RANK];
    for (int i = 0; i < x->type.rank; i++)
        end[i] = x->type.dims[i];
    start[axis] = first;
    end[axis] = limit;
    lg_attr attrs[] = {lg_attr_ints(LG_ATTR_start, x->type.rank, start),
                       lg_attr_ints(LG_ATTR_limit, x->type.rank, end)};
    return lg_append(s, where, LG_OP_slice, LG_OPERANDS(x), 2, attrs, NULL);
}

lg_value *lg_pad(lg_name_scope *s, lg_location where, lg_value *x, int axis, int64_t low,
                 int64_t high, double value)
{
    lg_site site = {s, where, "pad", NULL};
    if (!x || !lg_check_axis(site, x->type.rank, &axis))
        return NULL;
    if (low < 0 || high < 0 || low > LG_MAX_ELEMENTS || high > LG_MAX_ELEMENTS)
        return lg_fault(site, "%lld elements before and %lld behind", (long long)low,
                        (long long)high);
    int64_t before[LG_MAX_RANK] = {0}, behind[LG_MAX_RANK] = {0}, dims[LG_MAX_RANK];
    before[axis] = low;
    behind[axis] = high;
    for (int i = 0; i < x->type.rank; i++)
        dims[i] = x->type.dims[i] + before[i] + behind[i];
    if (!lg_check_shape(site, x->type.rank, dims))
        return NULL;
    lg_attr attrs[] = {lg_attr_ints(LG_ATTR_low, x->type.rank, before),
                       lg_attr_ints(LG_ATTR_high, x->type.rank, behind),
                       lg_attr_number(LG_ATTR_value, value)};
    return lg_append(s, where, LG_OP_pad, LG_OPERANDS(x), 3, attrs, NULL);
}

lg_value *lg_concat(lg_name_scope *s, lg_location where, int axis, int count,
                    lg_value *const *values)
{
    lg_site site = {s, where, "concat", NULL};
    if (count < 1)
        return lg_fault(site, "of nothing");
    for (int i = 0; i < count; i++)
        if (!values[i])
            return NULL;
    if (!lg_check_axis(site, values[0]->type.rank, &axis))
        return NULL;
    lg_attr attr = lg_attr_int(LG_ATTR_axis, axis);
    return lg_append(s, where, LG_OP_concat, count, values, 1, &attr, NULL);
}

lg_value *lg_stack(lg_name_scope *s, lg_location where, int axis, int count,
                   lg_value *const *values)
{
    lg_site site = {s, where, "stack", NULL};
    if (count < 1)
        return lg_fault(site, "of nothing");
    lg_value **apart = LG_NEW_ARRAY(s->builder->module->arena, lg_value *, count);
    for (int i = 0; i < count; i++) {
        lg_value *x = values[i];
        int at = axis;
        if (!x)
            return NULL;
        if (x->type.rank == LG_MAX_RANK)
            return lg_fault(site, "%s has no room for one more axis", lg_show(s, x));
        if (!lg_check_axis(site, x->type.rank + 1, &at))
            return NULL;
        if (!lg_type_equal(&x->type, &values[0]->type))
            return lg_fault(site, "%s and %s differ", lg_show(s, values[0]), lg_show(s, x));
        int64_t dims[LG_MAX_RANK];
        for (int k = 0; k <= x->type.rank; k++)
            dims[k] = k == at ? 1 : x->type.dims[k - (k > at)];
        apart[i] = lg_reshape(s, where, x, x->type.rank + 1, dims);
    }
    int at = axis;
    lg_check_axis(site, values[0]->type.rank + 1, &at);
    return lg_concat(s, where, at, count, apart);
}

lg_value *lg_gather(lg_name_scope *s, lg_location where, lg_value *x, int axis, lg_value *indices)
{
    if (!x || !indices || !lg_check_axis((lg_site){s, where, "gather", NULL}, x->type.rank, &axis))
        return NULL;
    lg_attr attr = lg_attr_int(LG_ATTR_axis, axis);
    return lg_append(s, where, LG_OP_gather, LG_OPERANDS(x, indices), 1, &attr, NULL);
}

// ---- reductions

// The axes in ascending order, as the op takes them; a bit an axis.
static bool collect_axes(lg_site site, lg_value *x, int count, const int64_t *axes,
                         unsigned *chosen)
{
    *chosen = 0;
    for (int i = 0; i < count; i++) {
        if (axes[i] < -LG_MAX_RANK || axes[i] >= LG_MAX_RANK)
            return lg_fault(site, "axis %lld of a tensor of %d axes", (long long)axes[i],
                            x->type.rank);
        int axis = (int)axes[i];
        if (!lg_check_axis(site, x->type.rank, &axis))
            return false;
        if (*chosen & 1u << axis)
            return lg_fault(site, "axis %d is there twice", axis);
        *chosen |= 1u << axis;
    }
    return true;
}

static lg_value *reduce(lg_name_scope *s, lg_location where, lg_opcode code, lg_value *x,
                        unsigned chosen)
{
    int64_t sorted[LG_MAX_RANK];
    int count = 0;
    for (int i = 0; i < x->type.rank; i++)
        if (chosen & 1u << i)
            sorted[count++] = i;
    lg_attr attr = lg_attr_ints(LG_ATTR_axes, count, sorted);
    return lg_append(s, where, code, LG_OPERANDS(x), 1, &attr, NULL);
}

lg_value *lg_reduce(lg_name_scope *s, lg_location where, lg_opcode code, lg_value *x, int count,
                    const int64_t *axes)
{
    unsigned chosen;
    if (!x || !collect_axes((lg_site){s, where, lg_op_info_of(code)->name, NULL}, x, count, axes,
                            &chosen))
        return NULL;
    return reduce(s, where, code, x, chosen);
}

lg_value *lg_argmax(lg_name_scope *s, lg_location where, lg_value *x, int axis)
{
    if (!x || !lg_check_axis((lg_site){s, where, "argmax", NULL}, x->type.rank, &axis))
        return NULL;
    lg_attr attr = lg_attr_int(LG_ATTR_axis, axis);
    return lg_append(s, where, LG_OP_argmax, LG_OPERANDS(x), 1, &attr, NULL);
}

static lg_value *drop_axes(lg_name_scope *s, lg_location where, lg_value *x, unsigned chosen)
{
    if (!x)
        return NULL;
    lg_type type = {x->type.dtype, 0, {0}, NULL};
    for (int i = 0; i < x->type.rank; i++)
        if (!(chosen & 1u << i))
            type.dims[type.rank++] = x->type.dims[i];
    return lg_append(s, where, LG_OP_reshape, LG_OPERANDS(x), 0, NULL, &type);
}

lg_value *lg_sum(lg_name_scope *s, lg_location where, lg_value *x, int count, const int64_t *axes)
{
    unsigned chosen;
    if (!x || !collect_axes((lg_site){s, where, "sum", NULL}, x, count, axes, &chosen))
        return NULL;
    return drop_axes(s, where, reduce(s, where, LG_OP_reduce_sum, x, chosen), chosen);
}

lg_value *lg_mean(lg_name_scope *s, lg_location where, lg_value *x, int count, const int64_t *axes)
{
    unsigned chosen;
    if (!x || !collect_axes((lg_site){s, where, "mean", NULL}, x, count, axes, &chosen))
        return NULL;
    double elements = 1;
    for (int i = 0; i < x->type.rank; i++)
        if (chosen & 1u << i)
            elements *= (double)x->type.dims[i];
    lg_value *total = drop_axes(s, where, reduce(s, where, LG_OP_reduce_sum, x, chosen), chosen);
    return lg_binary(s, where, LG_OP_mul, lg_operand_value(total),
                     lg_operand_number(1.0 / elements));
}

// ---- matmul

// Axes of size 1 in front, up to `rank` axes.
static lg_value *lead_with_ones(lg_name_scope *s, lg_location where, lg_value *x, int rank)
{
    int64_t dims[LG_MAX_RANK];
    for (int i = 0; i < rank; i++)
        dims[i] = i < rank - x->type.rank ? 1 : x->type.dims[i - (rank - x->type.rank)];
    return lg_reshape(s, where, x, rank, dims);
}

lg_value *lg_matmul(lg_name_scope *s, lg_location where, lg_value *a, lg_matmul_options options)
{
    lg_value *b = options.b;
    lg_site site = {s, where, "matmul", NULL};
    if (!a || !b)
        return NULL;
    if (a->type.rank < 2 || b->type.rank < 2)
        return lg_fault(site, "takes two matrices, not %s and %s", lg_show(s, a), lg_show(s, b));
    int rank = a->type.rank > b->type.rank ? a->type.rank : b->type.rank;
    lg_attr attrs[] = {lg_attr_flag(LG_ATTR_ta, options.ta), lg_attr_flag(LG_ATTR_tb, options.tb)};
    lg_value *left = lead_with_ones(s, where, a, rank), *right = lead_with_ones(s, where, b, rank);
    return lg_append(s, where, LG_OP_matmul, LG_OPERANDS(left, right), 2, attrs, NULL);
}
