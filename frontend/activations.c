// Nonlinearities that are no op of their own. Each is a composite, so that whoever reads the graph
// sees which one it is; it inlines to two or three elementwise ops.
#include "frontend/scope.h"

// max(x, slope x) for slopes below 1.
static lg_value *leaky_relu_body(lg_name_scope *s, lg_location where, lg_value *const *arguments,
                                 const double *constants)
{
    lg_value *small = lg_combine_number(s, where, LG_OP_mul, arguments[0], constants[0]);
    return lg_combine(s, where, LG_OP_max, arguments[0], small);
}

// The exponential is of numbers that are not positive, so that what is not chosen is finite too.
static lg_value *elu_body(lg_name_scope *s, lg_location where, lg_value *const *arguments,
                          const double *constants)
{
    (void)constants;
    lg_value *x = arguments[0];
    lg_value *low = lg_combine_number(s, where, LG_OP_min, x, 0);
    lg_value *power = lg_unary(s, where, LG_OP_exp, low);
    return lg_combine(s, where, LG_OP_add, lg_unary(s, where, LG_OP_relu, x),
                      lg_combine_number(s, where, LG_OP_sub, power, 1));
}

static lg_value *silu_body(lg_name_scope *s, lg_location where, lg_value *const *arguments,
                           const double *constants)
{
    (void)constants;
    return lg_combine(s, where, LG_OP_mul, arguments[0],
                      lg_unary(s, where, LG_OP_sigmoid, arguments[0]));
}

lg_value *lg_leaky_relu(lg_name_scope *s, lg_location where, lg_value *x, double slope)
{
    static const lg_composite composite = {"leaky_relu", "x", leaky_relu_body};
    lg_site site = {s, where, composite.kind, NULL};
    if (!x || !lg_check_floats(site, x))
        return NULL;
    if (!(slope >= 0 && slope < 1))
        return lg_fault(site, "a slope of %g; it is 0 or more and below 1", slope);
    return lg_call_composite(s, where, &composite, &x, 1, &slope);
}

lg_value *lg_elu(lg_name_scope *s, lg_location where, lg_value *x)
{
    static const lg_composite composite = {"elu", "x", elu_body};
    if (!x || !lg_check_floats((lg_site){s, where, composite.kind, NULL}, x))
        return NULL;
    return lg_call_composite(s, where, &composite, &x, 0, NULL);
}

lg_value *lg_silu(lg_name_scope *s, lg_location where, lg_value *x)
{
    static const lg_composite composite = {"silu", "x", silu_body};
    if (!x || !lg_check_floats((lg_site){s, where, composite.kind, NULL}, x))
        return NULL;
    return lg_call_composite(s, where, &composite, &x, 0, NULL);
}
