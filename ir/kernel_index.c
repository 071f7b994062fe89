// Index arithmetic: an i64 scalar is a sum of coefficient * atom plus a constant, where an atom is
// whatever the sum cannot look into (a variable, a load, a quotient, a remainder, a minimum ...).
// To add, scale, divide or compare, an expression is taken apart into its sum, and what comes out
// is built up again in the order in which the atoms appeared: one way to write a sum, so that equal
// addresses look equal.
//
// Invariant: no rule changes a value, overflow included. Sums wrap like the machine; the rules for
// division, remainder and order ask for known ranges far from overflow first.
#include "ir/integer.h"
#include "ir/kernel.h"
#include "ir/kernel_internal.h"

#include <assert.h>

typedef lg_krange range;

typedef struct term {
    lg_kx *atom;
    int64_t coefficient;
} term;

typedef struct sum {
    LG_LIST(term) terms;
    int64_t constant;
} sum;

static int64_t wrap_add(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static int64_t wrap_mul(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a * (uint64_t)b);
}

// ---- sums

static range range_of_sum(const sum *s)
{
    range r = lg_krange_clamp((range){s->constant, s->constant});
    for (int i = 0; i < s->terms.count; i++)
        r = lg_krange_add(r, lg_krange_scale(lg_krange_of(s->terms.items[i].atom),
                                             s->terms.items[i].coefficient));
    return r;
}

static bool is_apply(const lg_kx *x, lg_scalar fn)
{
    return x->kind == LG_KX_APPLY && x->as.apply.fn == fn;
}

// x / b or x % b with a positive constant b?
static bool is_by_constant(const lg_kx *x, lg_scalar fn)
{
    return is_apply(x, fn) && lg_kx_is_positive(x->as.apply.args[1]);
}

static int64_t divisor_of(const lg_kx *x)
{
    return x->as.apply.args[1]->as.integer;
}

static void collect(lg_kbuilder *k, sum *s, lg_kx *x, int64_t coefficient);

static void remove_term(sum *s, int at)
{
    s->terms.count--;
    for (int i = at; i < s->terms.count; i++)
        s->terms.items[i] = s->terms.items[i + 1];
}

// Is c * remainder + d * quotient, with remainder = y % m, the multiple c * y? The quotient is y /
// m, or x / (a * m) where y is x / a.
static bool completes(term remainder, term quotient)
{
    if (!is_by_constant(remainder.atom, LG_S_MOD) || !is_by_constant(quotient.atom, LG_S_DIV))
        return false;
    int64_t modulus = divisor_of(remainder.atom), divisor = modulus;
    if (wrap_mul(remainder.coefficient, modulus) != quotient.coefficient)
        return false;
    const lg_kx *y = remainder.atom->as.apply.args[0], *x = quotient.atom->as.apply.args[0];
    if (divisor == divisor_of(quotient.atom) && lg_kx_same(x, y))
        return true;
    return is_by_constant(y, LG_S_DIV) &&
           !__builtin_mul_overflow(divisor, divisor_of(y), &divisor) &&
           divisor == divisor_of(quotient.atom) && lg_kx_same(x, y->as.apply.args[0]);
}

// Puts a quotient and its remainder, one of them the last term, together again.
static void recombine(lg_kbuilder *k, sum *s)
{
    int last = s->terms.count - 1;
    for (int i = 0; i < last; i++) {
        term a = s->terms.items[i], b = s->terms.items[last];
        if (!completes(a, b) && !completes(b, a))
            continue;
        term remainder = completes(a, b) ? a : b;
        remove_term(s, last);
        remove_term(s, i);
        collect(k, s, remainder.atom->as.apply.args[0], remainder.coefficient);
        return;
    }
}

static void add_term(lg_kbuilder *k, sum *s, lg_kx *atom, int64_t coefficient)
{
    int at = 0;
    while (at < s->terms.count && !lg_kx_same(s->terms.items[at].atom, atom))
        at++;
    term fresh = {atom, coefficient};
    if (at < s->terms.count) {
        fresh.coefficient = wrap_add(coefficient, s->terms.items[at].coefficient);
        s->terms.items[at].coefficient = fresh.coefficient;
    } else if (coefficient != 0) {
        LG_PUSH(k->kernel->arena, &s->terms, fresh);
        recombine(k, s);
    }
    if (fresh.coefficient == 0 && at < s->terms.count)
        remove_term(s, at);
}

// s += coefficient * x.
static void collect(lg_kbuilder *k, sum *s, lg_kx *x, int64_t coefficient)
{
    lg_kx *const *args = x->as.apply.args;
    if (x->kind == LG_KX_INT) {
        s->constant = wrap_add(s->constant, wrap_mul(coefficient, x->as.integer));
    } else if (x->kind == LG_KX_VAR && x->as.var->low == x->as.var->high) {
        s->constant = wrap_add(s->constant, wrap_mul(coefficient, x->as.var->low));
    } else if (is_apply(x, LG_S_ADD)) {
        collect(k, s, args[0], coefficient);
        collect(k, s, args[1], coefficient);
    } else if (is_apply(x, LG_S_SUB)) {
        collect(k, s, args[0], coefficient);
        collect(k, s, args[1], wrap_mul(coefficient, -1));
    } else if (is_apply(x, LG_S_NEG)) {
        collect(k, s, args[0], wrap_mul(coefficient, -1));
    } else if (is_apply(x, LG_S_MUL) && args[1]->kind == LG_KX_INT) {
        collect(k, s, args[0], wrap_mul(coefficient, args[1]->as.integer));
    } else if (is_apply(x, LG_S_MUL) && args[0]->kind == LG_KX_INT) {
        collect(k, s, args[1], wrap_mul(coefficient, args[0]->as.integer));
    } else {
        add_term(k, s, x, coefficient);
    }
}

static void add_sum(lg_kbuilder *k, sum *s, const sum *other, int64_t factor)
{
    for (int i = 0; i < other->terms.count; i++)
        add_term(k, s, other->terms.items[i].atom,
                 wrap_mul(factor, other->terms.items[i].coefficient));
    s->constant = wrap_add(s->constant, wrap_mul(factor, other->constant));
}

static sum sum_of(lg_kbuilder *k, lg_kx *x)
{
    sum s = {.constant = 0};
    collect(k, &s, x, 1);
    return s;
}

static lg_kx *index_node(lg_kbuilder *k, lg_scalar fn, lg_kx *a, lg_kx *b)
{
    return lg_kx_apply_node(k, fn, (lg_ktype){LG_I64, 1}, (lg_kx *[]){a, b});
}

// x + piece * coefficient, where x may be NULL.
static lg_kx *append_term(lg_kbuilder *k, lg_kx *x, lg_kx *piece, int64_t coefficient)
{
    bool subtract = x && coefficient < 0 && coefficient != INT64_MIN;
    if (subtract)
        coefficient = -coefficient;
    if (coefficient != 1)
        piece = index_node(k, LG_S_MUL, piece, lg_kx_int(k, coefficient));
    return x ? index_node(k, subtract ? LG_S_SUB : LG_S_ADD, x, piece) : piece;
}

// The one way to write a sum: terms in order and the constant last, first only to save a minus.
static lg_kx *rebuild(lg_kbuilder *k, const sum *s)
{
    lg_kx *x = NULL;
    int64_t constant = s->constant;
    if (s->terms.count == 0 || (s->terms.items[0].coefficient < 0 && constant != 0)) {
        x = lg_kx_int(k, constant);
        constant = 0;
    }
    for (int i = 0; i < s->terms.count; i++)
        x = append_term(k, x, s->terms.items[i].atom, s->terms.items[i].coefficient);
    if (constant == 0)
        return x;
    bool subtract = constant < 0 && constant != INT64_MIN;
    return index_node(k, subtract ? LG_S_SUB : LG_S_ADD, x,
                      lg_kx_int(k, subtract ? -constant : constant));
}

// ---- division and remainder

// s = b * quotient + rest, with rest's coefficients smaller than b and its constant in [0, b).
static void split(lg_kbuilder *k, const sum *s, int64_t b, sum *quotient, sum *rest)
{
    for (int i = 0; i < s->terms.count; i++) {
        term t = s->terms.items[i];
        add_term(k, quotient, t.atom, t.coefficient / b);
        add_term(k, rest, t.atom, t.coefficient % b);
    }
    int64_t floor = lg_floor_div(s->constant, b);
    quotient->constant = wrap_add(quotient->constant, floor);
    rest->constant = wrap_add(rest->constant, s->constant - floor * b);
}

// Is s / b one number, `whole`, over the range of s?
static bool one_quotient(const sum *s, int64_t b, int64_t *whole)
{
    range r = range_of_sum(s);
    if (!lg_krange_known(r))
        return false;
    *whole = lg_floor_div(r.low, b);
    return *whole == lg_floor_div(r.high, b);
}

// A g that divides b such that s = g * multiple + small with small in [0, g): 8 and 4 * i + j with
// j in 0..3 give 4, i and j. Returns 0 if there is none.
static int64_t split_by_factor(lg_kbuilder *k, const sum *s, int64_t b, sum *multiple, sum *small)
{
    for (int i = 0; i < s->terms.count; i++) {
        int64_t g = lg_greatest_divisor(s->terms.items[i].coefficient, b), whole;
        *multiple = (sum){.constant = 0};
        *small = (sum){.constant = 0};
        if (g == 1)
            continue;
        split(k, s, g, multiple, small);
        if (!one_quotient(small, g, &whole))
            continue;
        multiple->constant += whole;
        small->constant -= whole * g;
        return g;
    }
    return 0;
}

static lg_kx *divide(lg_kbuilder *k, const sum *s, int64_t b);
static lg_kx *modulo(lg_kbuilder *k, const sum *s, int64_t b);

// (y / a + c) / b is (y + a * c) / (a * b), (y % (b * m)) / b is (y / b) % m; else a node.
static lg_kx *divide_rest(lg_kbuilder *k, const sum *rest, int64_t b)
{
    enum { LARGEST_DIVISOR = 1 << 30 };
    assert(rest->terms.count > 0);
    lg_kx *atom = rest->terms.items[0].atom;
    bool single = rest->terms.count == 1 && rest->terms.items[0].coefficient == 1;
    if (single && is_by_constant(atom, LG_S_DIV) && divisor_of(atom) < LARGEST_DIVISOR &&
        b < LARGEST_DIVISOR) {
        sum inner = sum_of(k, atom->as.apply.args[0]);
        inner.constant = wrap_add(inner.constant, divisor_of(atom) * rest->constant);
        if (lg_krange_known(range_of_sum(&inner)))
            return divide(k, &inner, divisor_of(atom) * b);
    }
    if (single && rest->constant == 0 && is_by_constant(atom, LG_S_MOD) &&
        divisor_of(atom) % b == 0) {
        sum inner = sum_of(k, atom->as.apply.args[0]);
        if (lg_krange_known(range_of_sum(&inner))) {
            sum quotient = sum_of(k, divide(k, &inner, b));
            return modulo(k, &quotient, divisor_of(atom) / b);
        }
    }
    return index_node(k, LG_S_DIV, rebuild(k, rest), lg_kx_int(k, b));
}

// s / b; the range of s is known.
static lg_kx *divide(lg_kbuilder *k, const sum *s, int64_t b)
{
    sum quotient = {.constant = 0}, rest = {.constant = 0}, multiple, small;
    int64_t whole = 0;
    split(k, s, b, &quotient, &rest);
    while (!one_quotient(&rest, b, &whole)) {
        int64_t g = split_by_factor(k, &rest, b, &multiple, &small);
        if (g == 0) {
            collect(k, &quotient, divide_rest(k, &rest, b), 1);
            return rebuild(k, &quotient);
        }
        rest = multiple;
        b /= g;
    }
    quotient.constant += whole;
    return rebuild(k, &quotient);
}

// c * (y % m) is c * y modulo b if b divides c * m. False if no term is such.
static bool drop_inner_modulo(lg_kbuilder *k, const sum *s, int64_t b, sum *simpler)
{
    for (int i = 0; i < s->terms.count; i++) {
        term t = s->terms.items[i];
        int64_t period;
        if (!is_by_constant(t.atom, LG_S_MOD) ||
            __builtin_mul_overflow(t.coefficient, divisor_of(t.atom), &period) || period % b != 0)
            continue;
        *simpler = (sum){.constant = 0};
        add_sum(k, simpler, s, 1);
        add_term(k, simpler, t.atom, -t.coefficient);
        collect(k, simpler, t.atom->as.apply.args[0], t.coefficient);
        if (lg_krange_known(range_of_sum(simpler)))
            return true;
    }
    return false;
}

// s % b; the range of s is known.
static lg_kx *modulo(lg_kbuilder *k, const sum *s, int64_t b)
{
    sum quotient = {.constant = 0}, rest = {.constant = 0}, multiple, small;
    int64_t whole;
    split(k, s, b, &quotient, &rest);
    if (one_quotient(&rest, b, &whole)) {
        rest.constant -= whole * b;
        return rebuild(k, &rest);
    }
    int64_t g = split_by_factor(k, &rest, b, &multiple, &small);
    if (g != 0) {
        sum result = {.constant = 0};
        collect(k, &result, modulo(k, &multiple, b / g), g);
        add_sum(k, &result, &small, 1);
        return rebuild(k, &result);
    }
    if (drop_inner_modulo(k, &rest, b, &multiple))
        return modulo(k, &multiple, b);
    return index_node(k, LG_S_MOD, rebuild(k, &rest), lg_kx_int(k, b));
}

static lg_kx *divide_or_modulo(lg_kbuilder *k, lg_scalar fn, lg_kx *a, lg_kx *b)
{
    if (!lg_kx_is_positive(b))
        return NULL;
    sum s = sum_of(k, a);
    if (!lg_krange_known(range_of_sum(&s)))
        return b->as.integer > 1 ? NULL : fn == LG_S_DIV ? a : lg_kx_int(k, 0);
    return fn == LG_S_DIV ? divide(k, &s, b->as.integer) : modulo(k, &s, b->as.integer);
}

// ---- order

// The range of a - b as it would be without overflow.
static range difference(lg_kbuilder *k, lg_kx *a, lg_kx *b)
{
    range of_a = lg_krange_of(a), of_b = lg_krange_of(b), r = LG_KRANGE_UNKNOWN;
    if (of_a.low > LG_KRANGE_LOW && of_b.high < LG_KRANGE_HIGH)
        r.low = of_a.low - of_b.high;
    if (of_a.high < LG_KRANGE_HIGH && of_b.low > LG_KRANGE_LOW)
        r.high = of_a.high - of_b.low;
    if (!lg_krange_known(of_a) || !lg_krange_known(of_b))
        return r;
    sum s = {.constant = 0};
    collect(k, &s, a, 1);
    collect(k, &s, b, -1);
    range together = range_of_sum(&s);
    return (range){together.low > r.low ? together.low : r.low,
                   together.high < r.high ? together.high : r.high};
}

static lg_kx *decided(lg_kbuilder *k, bool is_true, bool is_false)
{
    return is_true || is_false ? lg_kx_integer(k, LG_BOOL, is_true) : NULL;
}

static lg_kx *compare(lg_kbuilder *k, lg_scalar fn, lg_kx *a, lg_kx *b)
{
    range d = difference(k, a, b);
    bool equal = (d.low == 0 && d.high == 0) || lg_kx_same(a, b);
    bool different = d.low > 0 || d.high < 0;
    switch (fn) {
    case LG_S_MIN:
        return d.high <= 0 ? a : d.low >= 0 ? b : NULL;
    case LG_S_MAX:
        return d.low >= 0 ? a : d.high <= 0 ? b : NULL;
    case LG_S_EQ:
        return decided(k, equal, different);
    case LG_S_NE:
        return decided(k, different, equal);
    case LG_S_LT:
        return decided(k, d.high < 0, d.low >= 0);
    case LG_S_LE:
        return decided(k, d.high <= 0, d.low > 0);
    case LG_S_GT:
        return decided(k, d.low > 0, d.high <= 0);
    case LG_S_GE:
        return decided(k, d.low >= 0, d.high < 0);
    default:
        return NULL;
    }
}

static lg_kx *sum_or_difference(lg_kbuilder *k, lg_kx *a, lg_kx *b, int64_t sign)
{
    sum s = {.constant = 0};
    collect(k, &s, a, 1);
    collect(k, &s, b, sign);
    return rebuild(k, &s);
}

static lg_kx *scaled(lg_kbuilder *k, lg_kx *a, int64_t factor)
{
    sum s = {.constant = 0};
    collect(k, &s, a, factor);
    return rebuild(k, &s);
}

lg_kx *lg_kx_simplify_index(lg_kbuilder *k, lg_scalar fn, lg_kx *const *args)
{
    lg_kx *a = args[0], *b = args[1];
    if (fn == LG_S_NEG)
        return scaled(k, a, -1);
    if (lg_scalar_arity(fn) != 2 || !lg_kx_is_index(b))
        return NULL;
    switch (fn) {
    case LG_S_ADD:
        return sum_or_difference(k, a, b, 1);
    case LG_S_SUB:
        return sum_or_difference(k, a, b, -1);
    case LG_S_MUL:
        return b->kind == LG_KX_INT   ? scaled(k, a, b->as.integer)
               : a->kind == LG_KX_INT ? scaled(k, b, a->as.integer)
                                      : NULL;
    case LG_S_DIV:
    case LG_S_MOD:
        return divide_or_modulo(k, fn, a, b);
    default:
        return compare(k, fn, a, b);
    }
}

// ---- the short forms

lg_kx *lg_kx_add(lg_kbuilder *k, lg_kx *a, lg_kx *b)
{
    return lg_kx_apply(k, LG_S_ADD, a, b, NULL);
}

lg_kx *lg_kx_addi(lg_kbuilder *k, lg_kx *a, int64_t b)
{
    return lg_kx_apply(k, LG_S_ADD, a, lg_kx_int(k, b), NULL);
}

lg_kx *lg_kx_muli(lg_kbuilder *k, lg_kx *a, int64_t b)
{
    return lg_kx_apply(k, LG_S_MUL, a, lg_kx_int(k, b), NULL);
}

lg_kx *lg_kx_divi(lg_kbuilder *k, lg_kx *a, int64_t b)
{
    assert(b > 0);
    return lg_kx_apply(k, LG_S_DIV, a, lg_kx_int(k, b), NULL);
}

lg_kx *lg_kx_modi(lg_kbuilder *k, lg_kx *a, int64_t b)
{
    assert(b > 0);
    return lg_kx_apply(k, LG_S_MOD, a, lg_kx_int(k, b), NULL);
}

lg_kx *lg_kx_mini(lg_kbuilder *k, lg_kx *a, int64_t b)
{
    return lg_kx_apply(k, LG_S_MIN, a, lg_kx_int(k, b), NULL);
}
