// Losses, an element each: what a model minimises is a mean over some of them, which it takes
// itself, because which ones (all, those of some images) is the model's to say. None overflows:
// exponentials are of numbers that are not positive.
#include "frontend/scope.h"

#include <float.h>

static lg_value *difference(lg_name_scope *s, lg_location where, const char *what, lg_value *x,
                            lg_operand target)
{
    if (x && !lg_check_floats((lg_site){s, where, what, NULL}, x))
        return NULL;
    return lg_binary(s, where, LG_OP_sub, lg_operand_value(x), target);
}

// ---- from elements to one number

static lg_value *sum_all(lg_name_scope *s, lg_location where, lg_value *x)
{
    static const int64_t axes[LG_MAX_RANK] = {0, 1, 2, 3, 4, 5};
    return x && x->type.rank > 0 ? lg_sum(s, where, x, x->type.rank, axes) : x;
}

lg_value *lg_mean_all(lg_name_scope *s, lg_location where, lg_value *x)
{
    if (!x || !lg_check_f32((lg_site){s, where, "mean_all", NULL}, x))
        return NULL;
    double count = (double)lg_type_elements(&x->type);
    return lg_combine_number(s, where, LG_OP_mul, sum_all(s, where, x), 1 / count);
}

// What is left out may be anything, also infinite: it is replaced, not multiplied by 0.
lg_value *lg_masked_mean(lg_name_scope *s, lg_location where, lg_value *x, lg_value *mask)
{
    if (!x || !mask || !lg_check_f32((lg_site){s, where, "masked_mean", NULL}, x))
        return NULL;
    lg_value *taken = lg_where(s, where, mask, lg_operand_value(x), lg_operand_number(0));
    lg_value *total = sum_all(s, where, taken);
    if (!taken)
        return NULL;
    lg_value *ones = lg_cast(s, where, lg_expand(s, where, mask, &taken->type), LG_F32);
    lg_value *count = lg_combine_number(s, where, LG_OP_max, sum_all(s, where, ones), 1);
    return lg_combine(s, where, LG_OP_div, total, count);
}

// ---- classes

// x - log sum e^x, where x has been moved by about its maximum. A number that is moved by any
// constant has the same softmax, so the constant has no gradient: rounded down it has none in the
// rules of autodiff either, and the backward pass does not look for the maximum again.
lg_value *lg_log_softmax(lg_name_scope *s, lg_location where, lg_value *x, int axis)
{
    lg_site site = {s, where, "log_softmax", NULL};
    if (!x || !lg_check_axis(site, x->type.rank, &axis) || !lg_check_floats(site, x))
        return NULL;
    lg_value *most = lg_reduce(s, where, LG_OP_reduce_max, x, LG_INTS(axis));
    lg_value *moved = lg_combine(s, where, LG_OP_sub, x, lg_unary(s, where, LG_OP_floor, most));
    lg_value *total =
        lg_reduce(s, where, LG_OP_reduce_sum, lg_unary(s, where, LG_OP_exp, moved), LG_INTS(axis));
    return lg_combine(s, where, LG_OP_sub, moved, lg_unary(s, where, LG_OP_log, total));
}

static bool check_labels(lg_site site, const lg_type *logits, lg_value *labels)
{
    lg_type wanted = *logits;
    wanted.dtype = LG_I32;
    wanted.rank--;
    return lg_type_equal(&wanted, &labels->type) ||
           lg_fault(site, "logits %s take labels %s, not %s",
                    lg_type_text(lg_scope_arena(site.scope), logits),
                    lg_type_text(lg_scope_arena(site.scope), &wanted), lg_show(site.scope, labels));
}

lg_value *lg_cross_entropy(lg_name_scope *s, lg_location where, lg_value *logits, lg_value *labels)
{
    lg_site site = {s, where, "cross_entropy", NULL};
    if (!logits || !labels)
        return NULL;
    lg_type type = logits->type;
    if (type.rank < 1 || type.dtype != LG_F32)
        return lg_fault(site, "takes logits f32 [..., classes], not %s", lg_show(s, logits));
    if (!check_labels(site, &type, labels))
        return NULL;
    int last = type.rank - 1;
    int64_t column[LG_MAX_RANK] = {0};
    memcpy(column, labels->type.dims, sizeof column);
    column[last] = 1;
    lg_value *logs = lg_log_softmax(s, where, logits, last);
    lg_value *classes = lg_iota(s, where, LG_I32, LG_SHAPE(type.dims[last]), 0);
    lg_value *of = lg_reshape(s, where, labels, type.rank, column);
    lg_value *right = lg_combine(s, where, LG_OP_eq, of, classes);
    lg_value *picked = lg_where(s, where, right, lg_operand_value(logs), lg_operand_number(0));
    return lg_unary(s, where, LG_OP_neg, lg_sum(s, where, picked, LG_INTS(last)));
}

// max(x, 0) - x t + log(1 + e^-|x|)
lg_value *lg_binary_cross_entropy(lg_name_scope *s, lg_location where, lg_value *logits,
                                  lg_operand targets)
{
    if (!logits || !lg_check_floats((lg_site){s, where, "binary_cross_entropy", NULL}, logits))
        return NULL;
    lg_value *small = lg_unary(
        s, where, LG_OP_exp, lg_unary(s, where, LG_OP_neg, lg_unary(s, where, LG_OP_abs, logits)));
    lg_value *rest =
        lg_unary(s, where, LG_OP_log, lg_combine_number(s, where, LG_OP_add, small, 1));
    lg_value *product = lg_binary(s, where, LG_OP_mul, lg_operand_value(logits), targets);
    lg_value *linear =
        lg_combine(s, where, LG_OP_sub, lg_unary(s, where, LG_OP_relu, logits), product);
    return lg_combine(s, where, LG_OP_add, linear, rest);
}

lg_value *lg_hinge(lg_name_scope *s, lg_location where, lg_value *x, lg_operand target)
{
    if (x && !lg_check_floats((lg_site){s, where, "hinge", NULL}, x))
        return NULL;
    lg_value *margin = lg_binary(s, where, LG_OP_mul, lg_operand_value(x), target);
    lg_value *rest = lg_binary(s, where, LG_OP_sub, lg_operand_number(1), lg_operand_value(margin));
    return lg_unary(s, where, LG_OP_relu, rest);
}

// ---- numbers

lg_value *lg_mse(lg_name_scope *s, lg_location where, lg_value *x, lg_operand target)
{
    lg_value *d = difference(s, where, "mse", x, target);
    return lg_combine(s, where, LG_OP_mul, d, d);
}

lg_value *lg_l1(lg_name_scope *s, lg_location where, lg_value *x, lg_operand target)
{
    return lg_unary(s, where, LG_OP_abs, difference(s, where, "l1", x, target));
}

// With c = min(|d|, delta): c (|d| - c/2) is both branches.
lg_value *lg_huber(lg_name_scope *s, lg_location where, lg_value *x, lg_operand target,
                   double delta)
{
    if (!(delta > 0 && delta < FLT_MAX))
        return lg_fault((lg_site){s, where, "huber", NULL}, "delta %g is not positive", delta);
    lg_value *size = lg_unary(s, where, LG_OP_abs, difference(s, where, "huber", x, target));
    lg_value *near = lg_combine_number(s, where, LG_OP_min, size, delta);
    lg_value *half = lg_combine_number(s, where, LG_OP_mul, near, 0.5);
    return lg_combine(s, where, LG_OP_mul, near, lg_combine(s, where, LG_OP_sub, size, half));
}
