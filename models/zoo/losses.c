// The losses of the zoo, each named by the word that the label table has for it.
#include "models/zoo/parts.h"

// ---- of pixels

// A norm has no derivative at 0: a little is added below the root.
static lg_value *mean_norm(lg_name_scope *s, lg_value *d)
{
    lg_value *squares = mean(s, mul(s, d, d), 1, 2, 3);
    return mean_all(s, sqrt(s, add(s, squares, 1e-8)));
}

// Bernoulli's; what is not strictly between 0 and 1 is moved there.
static lg_value *pixel_ce(lg_name_scope *s, lg_value *y, lg_value *x)
{
    lg_value *p = minimum(s, maximum(s, y, 1e-3), 1 - 1e-3);
    lg_value *of_one = mul(s, x, log(s, p)), *of_zero = mul(s, sub(s, 1, x), log(s, sub(s, 1, p)));
    return neg(s, mean_all(s, add(s, of_one, of_zero)));
}

void lg_zoo_pixel_loss(lg_name_scope *s, int64_t kind, lg_value *y, lg_value *x)
{
    if (!is_training(s))
        return;
    switch (kind) {
    case ZOO_PIXEL_L1:
        loss(s, "l1", mean_all(s, l1(s, y, x)));
        return;
    case ZOO_PIXEL_L2:
        loss(s, "l2", mean_norm(s, sub(s, y, x)));
        return;
    case ZOO_PIXEL_MSE:
        loss(s, "mse", mean_all(s, mse(s, y, x)));
        return;
    default:
        loss(s, "ce", pixel_ce(s, y, x));
    }
}

// ---- of latent numbers

lg_value *lg_zoo_kl(lg_name_scope *s, lg_value *m, lg_value *log_variance)
{
    lg_value *variance = exp(s, log_variance);
    lg_value *terms = sub(s, add(s, mul(s, m, m), variance), add(s, log_variance, 1));
    return mul(s, mean_all(s, sum(s, terms, 1)), 0.5);
}

// [n,n]: the squared distance of every row of a from every row of b.
static lg_value *distances(lg_name_scope *s, lg_value *a, lg_value *b)
{
    lg_value *of_a = sum(s, mul(s, a, a), 1), *of_b = sum(s, mul(s, b, b), 1);
    if (!of_a || !of_b)
        return NULL;
    lg_value *squares = add(s, reshape(s, of_a, -1, 1), reshape(s, of_b, 1, -1));
    lg_value *d = sub(s, squares, mul(s, matmul(s, a, b, .tb = true), 2));
    return maximum(s, d, 0); // rounding must not make it negative
}

static lg_value *mean_kernel(lg_name_scope *s, lg_value *a, lg_value *b)
{
    static const double scales[] = {0.1, 0.5, 1, 2, 5};
    lg_value *d = distances(s, a, b), *total = NULL;
    if (!d)
        return NULL;
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        double c = 2 * (double)a->type.dims[1] * scales[i];
        lg_value *k = div(s, c, add(s, d, c));
        total = total ? add(s, total, k) : k;
    }
    return mean_all(s, total);
}

lg_value *lg_zoo_mmd(lg_name_scope *s, lg_value *a, lg_value *b)
{
    lg_value *within = add(s, mean_kernel(s, a, a), mean_kernel(s, b, b));
    return sub(s, within, mul(s, mean_kernel(s, a, b), 2));
}
