// Counter-based random numbers: a number is a hash of what it is for, so there is no generator
// whose state would have to be carried along. An element of the n-th call in a function is
//
//     pcg4d(element, n, random.counter, random.seed)
//
// with the hash of "Hash Functions for GPU Rendering" (Jarzynski and Olano, Journal of Computer
// Graphics Techniques 9(3), 2020): four 32-bit words go through one round of a linear congruential
// generator and two rounds in which each word gets the product of two others. It is elementwise in
// i32, so it fuses into what uses it, is computed again in the backward pass instead of stored, and
// does not depend on threads. random.counter counts steps: a step is drawn again by its counter.
#include "frontend/scope.h"

typedef struct words {
    lg_value *at[4];
} words;

static lg_value *low_word(lg_name_scope *s, lg_location where, lg_value *state)
{
    return lg_cast(s, where, state, LG_I32);
}

// Both halves of a seed count.
static lg_value *folded(lg_name_scope *s, lg_location where, lg_value *state)
{
    lg_value *high = lg_combine_number(s, where, LG_OP_shr, state, 32);
    return low_word(s, where, lg_combine(s, where, LG_OP_xor, state, high));
}

// word[to] += word[a] * word[b]
static void multiply_into(lg_name_scope *s, lg_location where, words *w, int to, int a, int b)
{
    lg_value *product = lg_combine(s, where, LG_OP_mul, w->at[a], w->at[b]);
    w->at[to] = lg_combine(s, where, LG_OP_add, w->at[to], product);
}

static void mix(lg_name_scope *s, lg_location where, words *w)
{
    multiply_into(s, where, w, 0, 1, 3);
    multiply_into(s, where, w, 1, 2, 0);
    multiply_into(s, where, w, 2, 0, 1);
    multiply_into(s, where, w, 3, 1, 2);
}

// The last word of pcg4d; integers wrap.
static lg_value *pcg4d(lg_name_scope *s, lg_location where, words w)
{
    for (int i = 0; i < 4; i++) {
        lg_value *scaled = lg_combine_number(s, where, LG_OP_mul, w.at[i], 1664525);
        w.at[i] = lg_combine_number(s, where, LG_OP_add, scaled, 1013904223);
    }
    mix(s, where, &w);
    for (int i = 0; i < 4; i++) {
        lg_value *high = lg_combine_number(s, where, LG_OP_shr, w.at[i], 16);
        w.at[i] = lg_combine(s, where, LG_OP_xor, w.at[i], high);
    }
    mix(s, where, &w);
    return w.at[3];
}

// The row-major index of every element, i32; more than 2^32 elements repeat.
static lg_value *element_indices(lg_name_scope *s, lg_location where, lg_shape shape)
{
    lg_value *index = lg_constant(s, where, LG_I32, shape, 0);
    int64_t stride = 1;
    for (int axis = shape.rank - 1; axis >= 0; stride *= shape.dims[axis--]) {
        lg_value *along = lg_iota(s, where, LG_I32, shape, axis);
        along = lg_combine_number(s, where, LG_OP_mul, along, (double)(int32_t)stride);
        index = lg_combine(s, where, LG_OP_add, index, along);
    }
    return index;
}

// 24 random bits an element, i32.
static lg_value *random_bits(lg_name_scope *s, lg_location where, lg_shape shape)
{
    const lg_type scalar = {.dtype = LG_I64};
    lg_builder_run *run = &s->builder->run;
    lg_value *seed = lg_training_state(s, where, "random.seed", &scalar);
    run->counter = lg_training_state(s, where, "random.counter", &scalar);
    words w = {{element_indices(s, where, shape),
                lg_constant(s, where, LG_I32, LG_SCALAR_SHAPE, run->random_calls++),
                low_word(s, where, run->counter), folded(s, where, seed)}};
    return lg_combine_number(s, where, LG_OP_shr, pcg4d(s, where, w), 8);
}

lg_value *lg_uniform(lg_name_scope *s, lg_location where, lg_shape shape)
{
    if (!lg_check_shape((lg_site){s, where, "uniform", NULL}, shape.rank, shape.dims))
        return NULL;
    lg_value *bits = lg_cast(s, where, random_bits(s, where, shape), LG_F32);
    return lg_combine_number(s, where, LG_OP_mul, bits, 0x1p-24);
}

// Box and Muller, 1958: sqrt(-2 log u) cos(2 pi v), with u in (0,1] so that the logarithm is
// finite.
lg_value *lg_normal(lg_name_scope *s, lg_location where, lg_shape shape)
{
    lg_value *below_one = lg_uniform(s, where, shape), *turn = lg_uniform(s, where, shape);
    lg_value *u = lg_binary(s, where, LG_OP_sub, lg_operand_number(1), lg_operand_value(below_one));
    lg_value *square = lg_combine_number(s, where, LG_OP_mul, lg_unary(s, where, LG_OP_log, u), -2);
    lg_value *angle = lg_combine_number(s, where, LG_OP_mul, turn, 2 * M_PI);
    return lg_combine(s, where, LG_OP_mul, lg_unary(s, where, LG_OP_sqrt, square),
                      lg_unary(s, where, LG_OP_cos, angle));
}

lg_value *lg_dropout(lg_name_scope *s, lg_location where, lg_value *x, double rate)
{
    lg_site site = {s, where, "dropout", NULL};
    if (!x)
        return NULL;
    if (!(rate >= 0 && rate < 1))
        return lg_fault(site, "a rate of %g; it is 0 or more and below 1", rate);
    if (!lg_check_floats(site, x))
        return NULL;
    if (!lg_is_training(s) || s->builder->training.no_dropout || rate == 0)
        return x;
    lg_value *bits = random_bits(s, where, (lg_shape){x->type.rank, x->type.dims});
    lg_value *keep = lg_combine_number(s, where, LG_OP_ge, bits, round(rate * 0x1p24));
    lg_value *scaled = lg_combine_number(s, where, LG_OP_mul, x, 1 / (1 - rate));
    return lg_where(s, where, keep, lg_operand_value(scaled), lg_operand_number(0));
}
