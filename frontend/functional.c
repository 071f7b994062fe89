// Layers without parameters: softmax, normalisation, pooling, resize. Each is a composite, that is,
// a function of primitives whose boundary a pass may recognise; equal calls share one.
#include "frontend/scope.h"

static lg_value *reduce_axis(lg_name_scope *s, lg_location where, lg_opcode code, lg_value *x,
                             double axis)
{
    return lg_reduce(s, where, code, x, LG_INTS((int64_t)axis));
}

// ---- along an axis

static lg_value *softmax_body(lg_name_scope *s, lg_location where, lg_value *const *arguments,
                              const double *constants)
{
    lg_value *x = arguments[0];
    lg_value *most = reduce_axis(s, where, LG_OP_reduce_max, x, constants[0]);
    lg_value *power = lg_unary(s, where, LG_OP_exp, lg_combine(s, where, LG_OP_sub, x, most));
    lg_value *total = reduce_axis(s, where, LG_OP_reduce_sum, power, constants[0]);
    return lg_combine(s, where, LG_OP_div, power, total);
}

static lg_value *l2_normalize_body(lg_name_scope *s, lg_location where, lg_value *const *arguments,
                                   const double *constants)
{
    lg_value *x = arguments[0];
    lg_value *squares = lg_combine(s, where, LG_OP_mul, x, x);
    lg_value *total = reduce_axis(s, where, LG_OP_reduce_sum, squares, constants[0]);
    lg_value *norm = lg_unary(s, where, LG_OP_sqrt, total);
    return lg_combine(s, where, LG_OP_div, x, lg_combine_number(s, where, LG_OP_max, norm, 1e-12));
}

static lg_value *along_axis(lg_name_scope *s, lg_location where, const lg_composite *composite,
                            lg_value *x, int axis)
{
    lg_site site = {s, where, composite->kind, NULL};
    if (!x || !lg_check_axis(site, x->type.rank, &axis) || !lg_check_floats(site, x))
        return NULL;
    return lg_call_composite(s, where, composite, &x, 1, (const double[]){axis});
}

lg_value *lg_softmax(lg_name_scope *s, lg_location where, lg_value *x, int axis)
{
    static const lg_composite composite = {"softmax", "x", softmax_body};
    return along_axis(s, where, &composite, x, axis);
}

lg_value *lg_l2_normalize(lg_name_scope *s, lg_location where, lg_value *x, int axis)
{
    static const lg_composite composite = {"l2_normalize", "x", l2_normalize_body};
    return along_axis(s, where, &composite, x, axis);
}

// ---- pooling

// Combines the `kernel` elements of every window along one axis: as many strided slices of the
// padded image, one on the other.
static lg_value *slide(lg_name_scope *s, lg_location where, lg_opcode code, lg_value *x, int axis,
                       int64_t kernel, int64_t stride)
{
    int64_t outputs = (x->type.dims[axis] - kernel) / stride + 1;
    lg_value *y = NULL;
    for (int64_t tap = 0; tap < kernel; tap++) {
        int64_t start[LG_MAX_RANK] = {0}, limit[LG_MAX_RANK], step[LG_MAX_RANK];
        for (int i = 0; i < x->type.rank; i++) {
            limit[i] = x->type.dims[i];
            step[i] = 1;
        }
        start[axis] = tap;
        limit[axis] = tap + (outputs - 1) * stride + 1;
        step[axis] = stride;
        lg_attr attrs[] = {lg_attr_ints(LG_ATTR_start, x->type.rank, start),
                           lg_attr_ints(LG_ATTR_limit, x->type.rank, limit),
                           lg_attr_ints(LG_ATTR_step, x->type.rank, step)};
        lg_value *part = lg_append(s, where, LG_OP_slice, LG_OPERANDS(x), 3, attrs, NULL);
        y = y ? lg_combine(s, where, code, y, part) : part;
    }
    return y;
}

// A square window is a row of a column: height first, then width.
static lg_value *pool(lg_name_scope *s, lg_location where, lg_opcode code, lg_value *x,
                      const double *constants, double border)
{
    int64_t kernel = (int64_t)constants[0], stride = (int64_t)constants[1];
    int64_t pad = (int64_t)constants[2];
    if (pad > 0) {
        lg_attr attrs[] = {lg_attr_ints(LG_ATTR_low, LG_INTS(0, pad, pad, 0)),
                           lg_attr_ints(LG_ATTR_high, LG_INTS(0, pad, pad, 0)),
                           lg_attr_number(LG_ATTR_value, border)};
        x = lg_append(s, where, LG_OP_pad, LG_OPERANDS(x), 3, attrs, NULL);
    }
    return slide(s, where, code, slide(s, where, code, x, 1, kernel, stride), 2, kernel, stride);
}

static lg_value *max_pool_body(lg_name_scope *s, lg_location where, lg_value *const *arguments,
                               const double *constants)
{
    return pool(s, where, LG_OP_max, arguments[0], constants, -INFINITY);
}

static lg_value *avg_pool_body(lg_name_scope *s, lg_location where, lg_value *const *arguments,
                               const double *constants)
{
    lg_value *total = pool(s, where, LG_OP_add, arguments[0], constants, 0);
    return lg_combine_number(s, where, LG_OP_mul, total, 1.0 / (constants[0] * constants[0]));
}

static lg_value *call_pool(lg_name_scope *s, lg_location where, const lg_composite *composite,
                           lg_pool_options o)
{
    enum { MOST_KERNEL = 256 }; // an op a row of the window
    lg_site site = {s, where, composite->kind, NULL};
    if (!o.x || !lg_check_image(site, o.x) || !lg_check_floats(site, o.x))
        return NULL;
    if (o.kernel < 1 || o.kernel > MOST_KERNEL)
        return lg_fault(site, "needs .kernel in 1..%d; global_average_pool takes any image",
                        MOST_KERNEL);
    int64_t stride = o.stride ? o.stride : o.kernel;
    if (stride < 1 || stride > LG_MAX_ELEMENTS)
        return lg_fault(site, ".stride is out of range");
    if (o.pad < 0 || o.pad > o.kernel / 2)
        return lg_fault(site, ".pad %lld is not in 0..%lld, half the kernel", (long long)o.pad,
                        (long long)o.kernel / 2);
    for (int axis = 1; axis <= 2; axis++)
        if (o.x->type.dims[axis] + 2 * o.pad < o.kernel)
            return lg_fault(site, "a window of %lld does not fit into the image %s with pad %lld",
                            (long long)o.kernel, lg_show(s, o.x), (long long)o.pad);
    double constants[] = {(double)o.kernel, (double)stride, (double)o.pad};
    return lg_call_composite(s, where, composite, &o.x, 3, constants);
}

lg_value *lg_max_pool(lg_name_scope *s, lg_location where, lg_pool_options options)
{
    static const lg_composite composite = {"max_pool", "x", max_pool_body};
    return call_pool(s, where, &composite, options);
}

lg_value *lg_avg_pool(lg_name_scope *s, lg_location where, lg_pool_options options)
{
    static const lg_composite composite = {"avg_pool", "x", avg_pool_body};
    return call_pool(s, where, &composite, options);
}

lg_value *lg_global_average_pool(lg_name_scope *s, lg_location where, lg_value *x)
{
    if (!x || !lg_check_image((lg_site){s, where, "global_average_pool", NULL}, x))
        return NULL;
    return lg_mean(s, where, x, LG_INTS(1, 2));
}

// ---- resize

// Element o of `size` comes from place p = max(0, (o + 0.5) in / size - 0.5): between the elements
// floor(p) and the next one, which the last has not.
static lg_value *resize_axis(lg_name_scope *s, lg_location where, lg_value *x, int axis,
                             int64_t size)
{
    int64_t in = x->type.dims[axis];
    if (in == size)
        return x;
    lg_value *place = lg_iota(s, where, LG_F32, LG_SHAPE(size), 0);
    place = lg_combine_number(s, where, LG_OP_add, place, 0.5);
    place = lg_combine_number(s, where, LG_OP_mul, place, (double)in / (double)size);
    place = lg_combine_number(s, where, LG_OP_sub, place, 0.5);
    place = lg_combine_number(s, where, LG_OP_max, place, 0);
    lg_value *floor = lg_unary(s, where, LG_OP_floor, place);
    lg_value *lower = lg_cast(s, where, floor, LG_I32);
    lg_value *upper = lg_combine_number(s, where, LG_OP_add, lower, 1);
    upper = lg_combine_number(s, where, LG_OP_min, upper, (double)in - 1);
    lg_value *fraction = lg_combine(s, where, LG_OP_sub, place, floor);
    int64_t column[] = {1, 1, 1, 1};
    column[axis] = size;
    lg_value *weight = lg_reshape(s, where, lg_cast(s, where, fraction, x->type.dtype), 4, column);
    lg_value *rest = lg_binary(s, where, LG_OP_sub, lg_operand_number(1), lg_operand_value(weight));
    lg_value *a = lg_combine(s, where, LG_OP_mul, lg_gather(s, where, x, axis, lower), rest);
    lg_value *b = lg_combine(s, where, LG_OP_mul, lg_gather(s, where, x, axis, upper), weight);
    return lg_combine(s, where, LG_OP_add, a, b);
}

static lg_value *resize_bilinear_body(lg_name_scope *s, lg_location where,
                                      lg_value *const *arguments, const double *constants)
{
    lg_value *high = resize_axis(s, where, arguments[0], 1, (int64_t)constants[0]);
    return resize_axis(s, where, high, 2, (int64_t)constants[1]);
}

lg_value *lg_resize_bilinear(lg_name_scope *s, lg_location where, lg_value *x, int64_t height,
                             int64_t width)
{
    static const lg_composite composite = {"resize_bilinear", "x", resize_bilinear_body};
    lg_site site = {s, where, "resize_bilinear", NULL};
    if (!x || !lg_check_image(site, x) || !lg_check_floats(site, x))
        return NULL;
    int64_t dims[] = {x->type.dims[0], height, width, x->type.dims[3]};
    if (!lg_check_shape(site, 4, dims))
        return NULL;
    if (height == x->type.dims[1] && width == x->type.dims[2])
        return x;
    double constants[] = {(double)height, (double)width};
    return lg_call_composite(s, where, &composite, &x, 2, constants);
}

// Element o of an axis is element o / factor of x.
static lg_value *repeat_axis(lg_name_scope *s, lg_location where, lg_value *x, int axis,
                             int64_t factor)
{
    int64_t size = x->type.dims[axis] * factor;
    lg_value *index = lg_iota(s, where, LG_I32, LG_SHAPE(size), 0);
    index = lg_combine_number(s, where, LG_OP_div, index, (double)factor);
    return lg_gather(s, where, x, axis, index);
}

static lg_value *upsample_nearest_body(lg_name_scope *s, lg_location where,
                                       lg_value *const *arguments, const double *constants)
{
    int64_t factor = (int64_t)constants[0];
    return repeat_axis(s, where, repeat_axis(s, where, arguments[0], 1, factor), 2, factor);
}

lg_value *lg_upsample_nearest(lg_name_scope *s, lg_location where, lg_value *x, int64_t factor)
{
    static const lg_composite composite = {"upsample_nearest", "x", upsample_nearest_body};
    lg_site site = {s, where, "upsample_nearest", NULL};
    if (!x || !lg_check_image(site, x))
        return NULL;
    if (factor < 1 || factor > LG_MAX_ELEMENTS)
        return lg_fault(site, "a factor of %lld is out of range", (long long)factor);
    int64_t dims[4] = {x->type.dims[0], 0, 0, x->type.dims[3]};
    for (int axis = 1; axis <= 2; axis++)
        if (__builtin_mul_overflow(x->type.dims[axis], factor, &dims[axis]))
            return lg_fault(site, "a factor of %lld is out of range", (long long)factor);
    if (!lg_check_shape(site, 4, dims))
        return NULL;
    return factor == 1
               ? x
               : lg_call_composite(s, where, &composite, &x, 1, (const double[]){(double)factor});
}
