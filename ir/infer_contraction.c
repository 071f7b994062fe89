// Shape rules of contractions. Both gradients of a convolution are checked by the convolution they
// belong to: given the type that is declared for the result, it must give the other operand.
#include "ir/infer.h"

// Keeps products of two of these with a size within 63 bits.
enum { MOST_WINDOW = 1 << 20 };

static bool take_floats(const lg_inference *in, const char *a, const char *b)
{
    if (!lg_dtype_is_float(in->a->dtype))
        return lg_infer_fault(in, "takes floats, %s is %s", a, lg_dtype_name(in->a->dtype));
    return lg_infer_same_dtype(in, a, b);
}

bool infer_matmul(const lg_inference *in)
{
    const lg_type *a = in->a, *b = in->b;
    if (a->rank != b->rank || a->rank < 2)
        return lg_infer_fault(in, "operands must have one rank of at least 2, are %s and %s",
                              lg_infer_text(in, a), lg_infer_text(in, b));
    if (!take_floats(in, "the first operand", "the second"))
        return false;
    bool ta = lg_op_int(in->op, LG_ATTR_ta), tb = lg_op_int(in->op, LG_ATTR_tb);
    int m = a->rank - 2 + ta, n = b->rank - 1 - tb; // axes
    int64_t ka = a->dims[a->rank - 1 - ta], kb = b->dims[b->rank - 2 + tb];
    if (ka != kb)
        return lg_infer_fault(in, "inner sizes %lld and %lld differ (%s%s times %s%s)",
                              (long long)ka, (long long)kb, lg_infer_text(in, a),
                              ta ? " transposed" : "", lg_infer_text(in, b),
                              tb ? " transposed" : "");
    *in->result = lg_type_make(a->dtype, a->rank, a->dims);
    for (int i = 0; i < a->rank - 2; i++) {
        if (a->dims[i] != b->dims[i] && a->dims[i] != 1 && b->dims[i] != 1)
            return lg_infer_fault(in, "sizes %lld and %lld of axis %d must be equal, or one 1",
                                  (long long)a->dims[i], (long long)b->dims[i], i);
        if (b->dims[i] > a->dims[i])
            in->result->dims[i] = b->dims[i];
    }
    in->result->dims[a->rank - 2] = a->dims[m];
    in->result->dims[a->rank - 1] = b->dims[n];
    return true;
}

// ---- convolution

static bool check_window_attributes(const lg_inference *in)
{
    static const lg_attr_name names[] = {LG_ATTR_stride, LG_ATTR_pad, LG_ATTR_dilation};
    for (int i = 0; i < 3; i++) {
        int least = names[i] == LG_ATTR_pad ? 0 : 1;
        if (!lg_infer_count(in, names[i], 2))
            return false;
        for (int axis = 0; axis < 2; axis++) {
            int64_t value = lg_op_int_at(in->op, names[i], axis);
            if (value < least || value > MOST_WINDOW)
                return lg_infer_fault(in, "%s is %lld, must be %d to %d",
                                      lg_attr_info_of(names[i])->name, (long long)value, least,
                                      MOST_WINDOW);
        }
    }
    return true;
}

static bool check_rank(const lg_inference *in, const char *what, const lg_type *type,
                       const char *axes)
{
    if (type->rank != 4)
        return lg_infer_fault(in, "%s must be %s, is %s", what, axes, lg_infer_text(in, type));
    return true;
}

static bool check_channels(const lg_inference *in, const lg_type *image, const lg_type *filter)
{
    int64_t groups = lg_op_int(in->op, LG_ATTR_groups), channels = image->dims[3];
    if (groups < 1 || channels % groups)
        return lg_infer_fault(in, "%lld channels of the image do not fall into %lld groups",
                              (long long)channels, (long long)groups);
    if (filter->dims[0] % groups)
        return lg_infer_fault(in, "%lld filters do not fall into %lld groups",
                              (long long)filter->dims[0], (long long)groups);
    if (filter->dims[1] != channels / groups)
        return lg_infer_fault(
            in, "filter has %lld input channels, %s has %lld", (long long)filter->dims[1],
            groups == 1 ? "image" : "a group of the image", (long long)(channels / groups));
    return true;
}

// The type of conv2d of an image and a filter.
static bool convolve(const lg_inference *in, const lg_type *image, const lg_type *filter,
                     lg_type *output)
{
    if (!check_rank(in, "image", image, "[n,h,w,c]") ||
        !check_rank(in, "filter", filter, "[o,c/groups,kh,kw]") || !check_window_attributes(in) ||
        !check_channels(in, image, filter))
        return false;
    *output = lg_type_make(image->dtype, 4, image->dims);
    for (int axis = 0; axis < 2; axis++) {
        int64_t pad = lg_op_int_at(in->op, LG_ATTR_pad, axis);
        int64_t stride = lg_op_int_at(in->op, LG_ATTR_stride, axis);
        int64_t dilation = lg_op_int_at(in->op, LG_ATTR_dilation, axis);
        int64_t padded = image->dims[1 + axis] + 2 * pad;
        int64_t window = dilation * (filter->dims[2 + axis] - 1) + 1;
        if (window > padded)
            return lg_infer_fault(in, "the filter spans %lld %s, the padded image has %lld",
                                  (long long)window, axis ? "columns" : "rows", (long long)padded);
        output->dims[1 + axis] = (padded - window) / stride + 1;
    }
    output->dims[3] = filter->dims[0];
    return true;
}

bool infer_conv2d(const lg_inference *in)
{
    return take_floats(in, "image", "filter") && convolve(in, in->a, in->b, in->result);
}

static bool is_winograd_form(const lg_type *filter)
{
    int64_t n = filter->rank == 4 ? filter->dims[2] : 0;
    return (n == 4 || n == 6 || n == 8) && filter->dims[3] == n;
}

bool infer_winograd_filter(const lg_inference *in)
{
    const lg_type *from = in->a, *to = in->declared;
    if (!lg_dtype_is_float(from->dtype))
        return lg_infer_fault(in, "takes floats, filter is %s", lg_dtype_name(from->dtype));
    if (from->rank != 4 || from->dims[2] != 3 || from->dims[3] != 3)
        return lg_infer_fault(in, "filter must be [o,c,3,3], is %s", lg_infer_text(in, from));
    if (!is_winograd_form(to) || to->dims[0] != from->dims[0] || to->dims[1] != from->dims[1])
        return lg_infer_fault(in, "result must be [%lld,%lld,m+2,m+2], m being 2, 4 or 6, is %s",
                              (long long)from->dims[0], (long long)from->dims[1],
                              lg_infer_text(in, to));
    *in->result = lg_type_make(from->dtype, 4, to->dims);
    return true;
}

bool infer_winograd_conv2d(const lg_inference *in)
{
    if (!take_floats(in, "image", "filter"))
        return false;
    if (!is_winograd_form(in->b))
        return lg_infer_fault(in, "filter must be [o,c,m+2,m+2], m being 2, 4 or 6, is %s",
                              lg_infer_text(in, in->b));
    lg_type direct = *in->b;
    direct.dims[2] = direct.dims[3] = 3;
    return convolve(in, in->a, &direct, in->result);
}

lg_type lg_split_filter(const lg_type *parts)
{
    const int64_t *dims = parts->dims;
    return lg_type_make(parts->dtype, 4, (int64_t[]){dims[1], 2 * dims[2], dims[3], dims[4]});
}

bool infer_split_conv2d(const lg_inference *in)
{
    const lg_type *parts = in->b;
    if (in->a->dtype != LG_F32 || parts->dtype != LG_BF16)
        return lg_infer_fault(in, "takes an image of f32 and a filter of bf16, they are %s and %s",
                              lg_dtype_name(in->a->dtype), lg_dtype_name(parts->dtype));
    if (parts->rank != 6 || (parts->dims[0] != 2 && parts->dims[0] != 3) || parts->dims[5] != 2)
        return lg_infer_fault(in, "filter must be [parts,o,c/groups/2,kh,kw,2] of 2 or 3, is %s",
                              lg_infer_text(in, parts));
    lg_type direct = lg_split_filter(parts);
    return convolve(in, in->a, &direct, in->result);
}

static bool check_gradient(const lg_inference *in, const lg_type *image, const lg_type *filter,
                           const lg_type *gradient)
{
    lg_type output;
    if (!check_rank(in, "gradient", gradient, "[n,oh,ow,o]") ||
        !convolve(in, image, filter, &output))
        return false;
    if (!lg_shape_equal(&output, gradient))
        return lg_infer_fault(in, "conv2d of %s and %s is %s, the gradient is %s",
                              lg_infer_text(in, image), lg_infer_text(in, filter),
                              lg_infer_text(in, &output), lg_infer_text(in, gradient));
    *in->result = lg_type_make(in->a->dtype, in->declared->rank, in->declared->dims);
    return true;
}

bool infer_conv2d_input_grad(const lg_inference *in)
{
    return take_floats(in, "gradient", "filter") && check_gradient(in, in->declared, in->b, in->a);
}

bool infer_conv2d_filter_grad(const lg_inference *in)
{
    return take_floats(in, "image", "gradient") && check_gradient(in, in->a, in->declared, in->b);
}
