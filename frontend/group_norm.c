// Normalisation of every image by itself: over the pixels of a channel ("Instance Normalization",
// Ulyanov, Vedaldi and Lempitsky, 2016) or of a group of channels ("Group Normalization", Wu and
// He, 2018). Training and inference are the same. Sums are taken over pixels first, channel by
// channel, so that the image keeps its layout; groups are then made of a few numbers an image.
#include "frontend/scope.h"

// [n,h,w,c] to [n,1,1,c]: the mean of the pixels, and of all channels of its group.
static lg_value *group_mean(lg_name_scope *s, lg_location where, lg_value *x, int64_t groups)
{
    const int64_t *dims = x->type.dims;
    int64_t n = dims[0], c = dims[3], depth = c / groups;
    double pixels = (double)dims[1] * (double)dims[2];
    lg_value *sums = lg_reduce(s, where, LG_OP_reduce_sum, x, LG_INTS(1, 2));
    if (depth > 1) {
        sums = lg_reshape(s, where, sums, LG_INTS(n, groups, depth));
        sums = lg_reduce(s, where, LG_OP_reduce_sum, sums, LG_INTS(2));
        sums = lg_broadcast(s, where, sums, LG_INTS(n, groups, depth));
        sums = lg_reshape(s, where, sums, LG_INTS(n, 1, 1, c));
    }
    return lg_combine_number(s, where, LG_OP_mul, sums, 1 / (pixels * (double)depth));
}

// The variance is that of the differences from the mean: two passes, no digits lost.
static lg_value *normalize(lg_name_scope *s, lg_location where, lg_value *const *arguments,
                           const double *constants)
{
    lg_value *x = arguments[0], *weight = arguments[1], *bias = arguments[2];
    int64_t groups = (int64_t)constants[1];
    lg_value *d = lg_combine(s, where, LG_OP_sub, x, group_mean(s, where, x, groups));
    lg_value *v = group_mean(s, where, lg_combine(s, where, LG_OP_mul, d, d), groups);
    lg_value *inverse =
        lg_unary(s, where, LG_OP_rsqrt, lg_combine_number(s, where, LG_OP_add, v, constants[0]));
    lg_value *scale = lg_combine(s, where, LG_OP_mul, inverse, weight);
    return lg_combine(s, where, LG_OP_add, lg_combine(s, where, LG_OP_mul, d, scale), bias);
}

static lg_value *norm(lg_site site, const lg_composite *composite, lg_norm_options o)
{
    double eps = o.eps == 0 ? 1e-5 : o.eps;
    if (!lg_check_image(site, o.x) || !lg_check_f32(site, o.x))
        return NULL;
    if (!(eps > 0 && eps < INFINITY))
        return lg_fault(site, ".eps must be positive");
    int64_t c = o.x->type.dims[3];
    if (o.groups < 1 || c % o.groups)
        return lg_fault(site, "%lld channels do not fall into .groups = %lld equal groups",
                        (long long)c, (long long)o.groups);
    lg_value *weight =
        lg_declare_f32(site, false, LG_ROLE_PARAM, "weight", LG_SHAPE(c), LG_INIT_CONSTANT, 1);
    if (!weight)
        return NULL;
    lg_value *bias =
        lg_declare_f32(site, false, LG_ROLE_PARAM, "bias", LG_SHAPE(c), LG_INIT_CONSTANT, 0);
    return bias ? lg_call_composite(site.scope, site.where, composite,
                                    (lg_value *[]){o.x, weight, bias}, 2,
                                    (const double[]){eps, (double)o.groups})
                : NULL;
}

lg_value *lg_instance_norm(lg_name_scope *s, lg_location where, const char *name, lg_norm_options o)
{
    static const lg_composite composite = {"instance_norm", "x weight bias", normalize};
    if (!o.x)
        return NULL;
    o.groups = o.x->type.dims[3]; // which are channels if it is an image
    return norm((lg_site){s, where, composite.kind, name}, &composite, o);
}

lg_value *lg_group_norm(lg_name_scope *s, lg_location where, const char *name, lg_norm_options o)
{
    static const lg_composite composite = {"group_norm", "x weight bias", normalize};
    return o.x ? norm((lg_site){s, where, composite.kind, name}, &composite, o) : NULL;
}
