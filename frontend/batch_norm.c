// Batch normalisation over the last axis, in its two forms ("Batch Normalization: Accelerating Deep
// Network Training by Reducing Internal Covariate Shift", Ioffe and Szegedy, 2015). Inference is
// one multiplication and one addition, which a convolution swallows. Training is kept to the same
// two behind two sums: mean and variance come from one pass over x, sum and sum of squares, which
// ride in the epilogue of what makes x. One pass is exact enough because the running mean is
// subtracted first: it stands close to the batch's, where E[x^2] - E[x]^2 would lose its digits.
#include "frontend/scope.h"

typedef struct batch_norm_tensors {
    lg_value *weight, *bias, *mean, *var, *batches;
} batch_norm_tensors;

static bool declare_batch_norm(lg_site site, bool dead, int64_t channels, batch_norm_tensors *t)
{
    const struct {
        lg_value **value;
        lg_role role;
        const char *name;
        double initial;
    } vectors[] = {{&t->weight, LG_ROLE_PARAM, "weight", 1},
                   {&t->bias, LG_ROLE_PARAM, "bias", 0},
                   {&t->mean, LG_ROLE_STATE, "running_mean", 0},
                   {&t->var, LG_ROLE_STATE, "running_var", 1}};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        *vectors[i].value =
            lg_declare_f32(site, dead, vectors[i].role, vectors[i].name, LG_SHAPE(channels),
                           LG_INIT_CONSTANT, vectors[i].initial);
        if (!*vectors[i].value)
            return false;
    }
    const char *batches =
        lg_format(lg_scope_arena(site.scope), "%s.num_batches_tracked", site.name ? site.name : "");
    lg_symbol *symbol = lg_declare(site, LG_ROLE_STATE, batches, LG_I64, LG_SCALAR_SHAPE,
                                   LG_INIT_CONSTANT, 0, dead);
    t->batches = symbol ? symbol->value : NULL;
    return symbol;
}

// y = x scale + shift with scale = weight / sqrt(var + eps), shift = bias - mean scale: all but one
// multiplication and addition are on vectors.
static lg_value *normalize(lg_name_scope *s, lg_location where, lg_value *const *arguments,
                           const double *constants)
{
    lg_value *x = arguments[0], *weight = arguments[1], *bias = arguments[2];
    lg_value *mean = arguments[3], *var = arguments[4];
    lg_value *shifted = lg_combine_number(s, where, LG_OP_add, var, constants[0]);
    lg_value *inverse = lg_unary(s, where, LG_OP_rsqrt, shifted);
    lg_value *scale = lg_combine(s, where, LG_OP_mul, weight, inverse);
    lg_value *moved = lg_combine(s, where, LG_OP_mul, mean, scale);
    lg_value *shift = lg_combine(s, where, LG_OP_sub, bias, moved);
    return lg_combine(s, where, LG_OP_add, lg_combine(s, where, LG_OP_mul, x, scale), shift);
}

static const lg_composite inference = {"batch_norm", "x weight bias running_mean running_var",
                                       normalize};

// ---- training

// Of x over all axes but the last: [c].
static lg_value *channel_mean(lg_name_scope *s, lg_location where, lg_value *x)
{
    static const int64_t axes[LG_MAX_RANK] = {0, 1, 2, 3, 4, 5};
    return lg_mean(s, where, x, x->type.rank - 1, axes);
}

// running <- running + momentum more
static void move_statistic(lg_name_scope *s, lg_location where, lg_value *running, lg_value *more,
                           double momentum)
{
    lg_value *step = lg_combine_number(s, where, LG_OP_mul, more, momentum);
    lg_write(s, where, running, lg_combine(s, where, LG_OP_add, running, step));
}

// Of z = x - running_mean, whose mean m and variance mean z^2 - m^2 are taken here.
static lg_value *train(lg_name_scope *s, lg_location where, lg_value *x,
                       const batch_norm_tensors *t, double eps, double momentum)
{
    int64_t samples = lg_type_elements(&x->type) / x->type.dims[x->type.rank - 1];
    lg_value *z = lg_combine(s, where, LG_OP_sub, x, t->mean);
    lg_value *m = channel_mean(s, where, z);
    lg_value *squares = channel_mean(s, where, lg_combine(s, where, LG_OP_mul, z, z));
    lg_value *v = lg_combine(s, where, LG_OP_sub, squares, lg_combine(s, where, LG_OP_mul, m, m));
    v = lg_combine_number(s, where, LG_OP_max, v, 0); // rounding must not make it negative

    lg_value *unbiased =
        lg_combine_number(s, where, LG_OP_mul, v, (double)samples / (double)(samples - 1));
    move_statistic(s, where, t->mean, m, momentum);
    move_statistic(s, where, t->var, lg_combine(s, where, LG_OP_sub, unbiased, t->var), momentum);
    lg_write(s, where, t->batches, lg_combine_number(s, where, LG_OP_add, t->batches, 1));

    return normalize(s, where, (lg_value *[]){z, t->weight, t->bias, m, v}, &eps);
}

lg_value *lg_batch_norm(lg_name_scope *s, lg_location where, const char *name,
                        lg_batch_norm_options o)
{
    lg_site site = {s, where, "batch_norm", name};
    batch_norm_tensors t;
    if (!o.x)
        return NULL;
    if (o.x->type.rank < 1 || o.x->type.dtype != LG_F32)
        return lg_fault(site, "takes f32 [..., channels], not %s", lg_show(s, o.x));
    double eps = o.eps == 0 ? 1e-5 : o.eps;
    if (!(eps > 0) || isinf(eps))
        return lg_fault(site, ".eps must be positive");
    double momentum = o.momentum == 0 ? 0.1 : o.momentum;
    if (!(momentum > 0 && momentum <= 1))
        return lg_fault(site, ".momentum must be above 0 and at most 1");
    int64_t channels = o.x->type.dims[o.x->type.rank - 1];
    if (!declare_batch_norm(site, false, channels, &t))
        return NULL;
    if (!lg_is_training(s))
        return lg_call_composite(s, where, &inference,
                                 (lg_value *[]){o.x, t.weight, t.bias, t.mean, t.var}, 1, &eps);
    if (lg_type_elements(&o.x->type) == channels)
        return lg_fault(site,
                        "%s has one value a channel: a variance needs two; train with a "
                        "larger batch or image",
                        lg_show(s, o.x));
    return train(s, where, o.x, &t, eps, momentum);
}

void lg_dead_batch_norm(lg_name_scope *s, lg_location where, const char *name, int64_t channels)
{
    batch_norm_tensors t;
    declare_batch_norm((lg_site){s, where, "dead_batch_norm", name}, true, channels, &t);
}
