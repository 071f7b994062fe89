// Layers with parameters: each declares its tensors under PyTorch's names and then builds its ops.
// The two halves are apart, so that a checkpoint's dead tensors are declared by the same code.
#include "frontend/scope.h"

enum { MOST_OPTION = 1 << 24 }; // keeps the arithmetic on windows far from overflow

// Uniform in +-1/sqrt(fan_in), as PyTorch fills linear layers and all biases.
static double uniform_bound(double fan_in)
{
    return 1.0 / sqrt(fan_in);
}

// ---- convolution

static int64_t or_default(int64_t value, int64_t initial)
{
    return value ? value : initial;
}

static void complete_conv2d(lg_conv2d_options *o)
{
    o->kernel = or_default(o->kernel, 1);
    o->stride = or_default(o->stride, 1);
    o->dilation = or_default(o->dilation, 1);
    o->groups = or_default(o->groups, 1);
    if (o->pad == LG_NO_PAD)
        o->pad = 0;
    else if (o->pad == 0 && o->kernel > 0 && o->kernel <= MOST_OPTION && o->dilation <= MOST_OPTION)
        o->pad = o->dilation * (o->kernel / 2);
}

static bool check_conv2d(lg_site site, int64_t channels, const lg_conv2d_options *o)
{
    if (o->filters == 0)
        return lg_fault(site, "needs .filters, the number of channels it makes");
    const struct {
        const char *name;
        int64_t value;
    } options[] = {{"filters", o->filters},   {"kernel", o->kernel}, {"stride", o->stride},
                   {"dilation", o->dilation}, {"groups", o->groups}, {"pad", o->pad + 1}};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (options[i].value < 1 || options[i].value > MOST_OPTION)
            return lg_fault(site, ".%s is out of range", options[i].name);
    if (channels % o->groups || o->filters % o->groups)
        return lg_fault(site, "%lld channels and %lld filters do not fall into %lld equal groups",
                        (long long)channels, (long long)o->filters, (long long)o->groups);
    return true;
}

// *bias stays NULL without one.
static bool declare_conv2d(lg_site site, bool dead, int64_t channels, const lg_conv2d_options *o,
                           lg_value **weight, lg_value **bias)
{
    if (!check_conv2d(site, channels, o))
        return false;
    int64_t taps = o->kernel * o->kernel, depth = channels / o->groups;
    double fan_in = (double)depth * (double)taps, fan_out = (double)o->filters * (double)taps;
    *weight = lg_declare_f32(site, dead, LG_ROLE_PARAM, "weight",
                             LG_SHAPE(o->filters, depth, o->kernel, o->kernel), LG_INIT_NORMAL,
                             sqrt(2.0 / (o->init == LG_HE_FAN_IN ? fan_in : fan_out)));
    if (*weight && o->bias)
        *bias = lg_declare_f32(site, dead, LG_ROLE_PARAM, "bias", LG_SHAPE(o->filters),
                               LG_INIT_UNIFORM, uniform_bound(fan_in));
    return *weight && (*bias || !o->bias);
}

lg_value *lg_conv2d(lg_name_scope *s, lg_location where, const char *name, lg_conv2d_options o)
{
    lg_site site = {s, where, "conv2d", name};
    lg_value *x = o.x, *weight = NULL, *bias = NULL;
    complete_conv2d(&o);
    if (!x || !lg_check_image(site, x) ||
        !declare_conv2d(site, false, x->type.dims[3], &o, &weight, &bias))
        return NULL;
    int64_t window = o.dilation * (o.kernel - 1) + 1;
    for (int axis = 1; axis <= 2; axis++)
        if (x->type.dims[axis] + 2 * o.pad < window)
            return lg_fault(site, "a window of %lld does not fit into the image %s with pad %lld",
                            (long long)window, lg_show(s, x), (long long)o.pad);
    lg_attr attrs[] = {lg_attr_ints(LG_ATTR_stride, LG_INTS(o.stride, o.stride)),
                       lg_attr_ints(LG_ATTR_pad, LG_INTS(o.pad, o.pad)),
                       lg_attr_ints(LG_ATTR_dilation, LG_INTS(o.dilation, o.dilation)),
                       lg_attr_int(LG_ATTR_groups, o.groups)};
    if (o.mask)
        weight = lg_combine(s, where, LG_OP_mul, weight, o.mask);
    lg_value *y = lg_append(s, where, LG_OP_conv2d, LG_OPERANDS(x, weight), 4, attrs, NULL);
    return bias ? lg_combine(s, where, LG_OP_add, y, bias) : y;
}

void lg_dead_conv2d(lg_name_scope *s, lg_location where, const char *name, int64_t channels,
                    lg_conv2d_options o)
{
    lg_value *weight = NULL, *bias = NULL;
    complete_conv2d(&o);
    declare_conv2d((lg_site){s, where, "dead_conv2d", name}, true, channels, &o, &weight, &bias);
}

// ---- transposed convolution

// Rows of the result, of which `in` are made by the convolution that this one is the adjoint of.
static int64_t transposed_size(const lg_conv2d_transpose_options *o, int64_t in)
{
    return (in - 1) * o->stride - 2 * o->pad + o->kernel + o->output_pad;
}

static bool check_transpose(lg_site site, const lg_conv2d_transpose_options *o)
{
    lg_conv2d_options like = {.filters = o->filters,
                              .kernel = o->kernel,
                              .stride = o->stride,
                              .dilation = 1,
                              .pad = o->pad,
                              .groups = 1};
    if (!check_conv2d(site, o->x->type.dims[3], &like))
        return false;
    if (o->output_pad < 0 || o->output_pad >= o->stride)
        return lg_fault(site, ".output_pad %lld is not in 0..%lld, below the stride",
                        (long long)o->output_pad, (long long)o->stride - 1);
    for (int axis = 1; axis <= 2; axis++)
        if (o->x->type.dims[axis] > MOST_OPTION || transposed_size(o, o->x->type.dims[axis]) < 1)
            return lg_fault(site, "with a window of %lld and pad %lld nothing is left of %s",
                            (long long)o->kernel, (long long)o->pad, lg_show(site.scope, o->x));
    return true;
}

// An output is made of about kernel^2 / stride^2 taps of every channel.
static double transposed_deviation(const lg_conv2d_transpose_options *o)
{
    double taps = (double)(o->kernel * o->kernel) / (double)(o->stride * o->stride);
    return sqrt(2.0 / ((double)o->x->type.dims[3] * fmax(taps, 1)));
}

lg_value *lg_conv2d_transpose(lg_name_scope *s, lg_location where, const char *name,
                              lg_conv2d_transpose_options o)
{
    lg_site site = {s, where, "conv2d_transpose", name};
    o.kernel = or_default(o.kernel, 1);
    o.stride = or_default(o.stride, 1);
    if (!o.x || !lg_check_image(site, o.x) || !check_transpose(site, &o))
        return NULL;
    const int64_t *in = o.x->type.dims;
    lg_type image = lg_type_make(o.x->type.dtype, LG_INTS(in[0], transposed_size(&o, in[1]),
                                                          transposed_size(&o, in[2]), o.filters));
    lg_value *weight = lg_declare_f32(site, false, LG_ROLE_PARAM, "weight",
                                      LG_SHAPE(in[3], o.filters, o.kernel, o.kernel),
                                      LG_INIT_NORMAL, transposed_deviation(&o));
    lg_value *bias = NULL;
    if (weight && o.bias)
        bias =
            lg_declare_f32(site, false, LG_ROLE_PARAM, "bias", LG_SHAPE(o.filters), LG_INIT_UNIFORM,
                           uniform_bound((double)(o.filters * o.kernel * o.kernel)));
    if (!weight || (o.bias && !bias) || !lg_check_shape(site, 4, image.dims))
        return NULL;
    lg_attr attrs[] = {lg_attr_ints(LG_ATTR_stride, LG_INTS(o.stride, o.stride)),
                       lg_attr_ints(LG_ATTR_pad, LG_INTS(o.pad, o.pad))};
    lg_value *y =
        lg_append(s, where, LG_OP_conv2d_input_grad, LG_OPERANDS(o.x, weight), 2, attrs, &image);
    return bias ? lg_combine(s, where, LG_OP_add, y, bias) : y;
}

// ---- linear

static lg_linear_weights declare_linear(lg_site site, bool dead, int64_t in, int64_t features)
{
    lg_linear_weights none = {NULL, NULL}, made;
    if (in < 1 || features < 1) {
        lg_fault(site, "%lld features out of %lld; both must be 1 or more", (long long)features,
                 (long long)in);
        return none;
    }
    double bound = uniform_bound((double)in);
    made.weight = lg_declare_f32(site, dead, LG_ROLE_PARAM, "weight", LG_SHAPE(features, in),
                                 LG_INIT_UNIFORM, bound);
    if (!made.weight)
        return none;
    made.bias = lg_declare_f32(site, dead, LG_ROLE_PARAM, "bias", LG_SHAPE(features),
                               LG_INIT_UNIFORM, bound);
    return made.bias ? made : none;
}

lg_linear_weights lg_linear_declare(lg_name_scope *s, lg_location where, const char *name,
                                    int64_t in, int64_t features)
{
    return declare_linear((lg_site){s, where, "linear", name}, false, in, features);
}

// One product of [rows, in]: what leads is folded into the rows.
static lg_value *apply_linear(lg_site site, lg_value *x, lg_linear_weights weights)
{
    lg_name_scope *s = site.scope;
    int last = x->type.rank - 1;
    if (last < 0 || x->type.dims[last] != weights.weight->type.dims[1])
        return lg_fault(site, "the weight takes %lld features, the input is %s",
                        (long long)weights.weight->type.dims[1], lg_show(s, x));
    int64_t dims[LG_MAX_RANK];
    memcpy(dims, x->type.dims, sizeof dims);
    // The first axis of three or more stays: samples of a batch do not depend on each other, and
    // passes see it.
    lg_value *rows = last < 2 ? lg_reshape(s, site.where, x, LG_INTS(-1, dims[last]))
                              : lg_reshape(s, site.where, x, LG_INTS(dims[0], -1, dims[last]));
    lg_matmul_options options = {.b = weights.weight, .tb = true};
    if (last >= 2)
        options.b = lg_reshape(s, site.where, weights.weight,
                               LG_INTS(1, weights.weight->type.dims[0], dims[last]));
    lg_value *y = lg_matmul(s, site.where, rows, options);
    y = y ? lg_combine(s, site.where, LG_OP_add, y, weights.bias) : NULL;
    dims[last] = weights.weight->type.dims[0];
    return lg_reshape(s, site.where, y, x->type.rank, dims);
}

lg_value *lg_linear_apply(lg_name_scope *s, lg_location where, lg_value *x,
                          lg_linear_weights weights)
{
    if (!x || !weights.weight)
        return NULL;
    return apply_linear((lg_site){s, where, "linear", NULL}, x, weights);
}

lg_value *lg_linear(lg_name_scope *s, lg_location where, const char *name, lg_value *x,
                    int64_t features)
{
    lg_site site = {s, where, "linear", name};
    if (!x)
        return NULL;
    if (x->type.rank < 1)
        return lg_fault(site, "takes [..., features], not %s", lg_show(s, x));
    lg_linear_weights weights =
        declare_linear(site, false, x->type.dims[x->type.rank - 1], features);
    return weights.weight ? apply_linear(site, x, weights) : NULL;
}

void lg_dead_linear(lg_name_scope *s, lg_location where, const char *name, int64_t in,
                    int64_t features)
{
    declare_linear((lg_site){s, where, "dead_linear", name}, true, in, features);
}
