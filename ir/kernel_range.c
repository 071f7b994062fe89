// What is known of the value of an i64 scalar: an interval, from the bounds of loops up. An end is
// unknown from LG_KRANGE_LOW or LG_KRANGE_HIGH on; arithmetic of the machine wraps, so that beyond
// these nothing is claimed at all.
#include "ir/integer.h"
#include "ir/kernel_internal.h"

typedef lg_krange range;

bool lg_kx_is_positive(const lg_kx *x)
{
    return x->kind == LG_KX_INT && x->as.integer > 0;
}

bool lg_krange_known(range r)
{
    return r.low > LG_KRANGE_LOW && r.high < LG_KRANGE_HIGH;
}

range lg_krange_of(const lg_kx *x)
{
    range r;
    lg_kx_range(x, &r.low, &r.high);
    return r;
}

// Sums and products wrap, so that an unknown end leaves nothing known about the other.
range lg_krange_add(range a, range b)
{
    if (!lg_krange_known(a) || !lg_krange_known(b))
        return LG_KRANGE_UNKNOWN;
    range r = {a.low + b.low, a.high + b.high};
    return lg_krange_known(r) ? r : LG_KRANGE_UNKNOWN;
}

range lg_krange_scale(range a, int64_t factor)
{
    int64_t low, high;
    if (factor == 0)
        return (range){0, 0};
    if (!lg_krange_known(a) || __builtin_mul_overflow(a.low, factor, &low) ||
        __builtin_mul_overflow(a.high, factor, &high))
        return LG_KRANGE_UNKNOWN;
    range r = factor < 0 ? (range){high, low} : (range){low, high};
    return lg_krange_known(r) ? r : LG_KRANGE_UNKNOWN;
}

static range range_union(range a, range b)
{
    return (range){a.low < b.low ? a.low : b.low, a.high > b.high ? a.high : b.high};
}

static range range_multiply(range a, range b)
{
    if (!lg_krange_known(b))
        return LG_KRANGE_UNKNOWN;
    return range_union(lg_krange_scale(a, b.low), lg_krange_scale(a, b.high));
}

static range range_min(range a, range b)
{
    return (range){a.low < b.low ? a.low : b.low, a.high < b.high ? a.high : b.high};
}

static range range_max(range a, range b)
{
    return (range){a.low > b.low ? a.low : b.low, a.high > b.high ? a.high : b.high};
}

static range range_of_apply(const lg_kx *x)
{
    lg_kx *const *args = x->as.apply.args;
    range a = lg_krange_of(args[0]),
          b = lg_scalar_arity(x->as.apply.fn) > 1 ? lg_krange_of(args[1]) : LG_KRANGE_UNKNOWN;
    switch (x->as.apply.fn) {
    case LG_S_ADD:
        return lg_krange_add(a, b);
    case LG_S_SUB:
        return lg_krange_add(a, lg_krange_scale(b, -1));
    case LG_S_NEG:
        return lg_krange_scale(a, -1);
    case LG_S_MUL:
        return range_multiply(a, b);
    case LG_S_MIN:
        return range_min(a, b);
    case LG_S_MAX:
        return range_max(a, b);
    case LG_S_SELECT:
        return range_union(b, lg_krange_of(args[2]));
    case LG_S_DIV:
        if (!lg_krange_known(a) || !lg_kx_is_positive(args[1]))
            return LG_KRANGE_UNKNOWN;
        return (range){lg_floor_div(a.low, args[1]->as.integer),
                       lg_floor_div(a.high, args[1]->as.integer)};
    case LG_S_MOD:
        if (!lg_kx_is_positive(args[1]))
            return LG_KRANGE_UNKNOWN;
        return a.low >= 0 && a.high < b.low ? a : (range){0, args[1]->as.integer - 1};
    case LG_S_AND:
        return lg_kx_is_positive(args[1]) ? (range){0, args[1]->as.integer} : LG_KRANGE_UNKNOWN;
    default:
        return LG_KRANGE_UNKNOWN;
    }
}

static range range_of_cast(const lg_kx *arg)
{
    if (arg->type.dtype == LG_BOOL)
        return (range){0, 1};
    if (arg->kind == LG_KX_LOAD && arg->as.load.buffer->dtype == LG_U8)
        return (range){0, UINT8_MAX};
    return arg->type.dtype == LG_I32 ? (range){INT32_MIN, INT32_MAX} : LG_KRANGE_UNKNOWN;
}

range lg_krange_clamp(range r)
{
    return range_max(range_min(r, (range){LG_KRANGE_HIGH, LG_KRANGE_HIGH}),
                     (range){LG_KRANGE_LOW, LG_KRANGE_LOW});
}

void lg_kx_range(const lg_kx *a, int64_t *low, int64_t *high)
{
    range r = LG_KRANGE_UNKNOWN;
    if (a->kind == LG_KX_LANES)
        r = (range){0, a->type.lanes - 1};
    else if (!lg_kx_is_index(a))
        r = LG_KRANGE_UNKNOWN;
    else if (a->kind == LG_KX_INT)
        r = lg_krange_clamp((range){a->as.integer, a->as.integer});
    else if (a->kind == LG_KX_VAR)
        r = (range){a->as.var->low, a->as.var->high};
    else if (a->kind == LG_KX_APPLY)
        r = lg_krange_clamp(range_of_apply(a));
    else if (a->kind == LG_KX_CAST)
        r = range_of_cast(a->as.arg);
    *low = r.low;
    *high = r.high;
}
