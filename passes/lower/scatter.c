// An element of a scatter_add is the sum of the terms whose index names it. Asking every term is
// quadratic in the axis. Where the indices come from a formula (those of a resize, whose derivative
// this is), the terms of element j lie around a line: i is about j * (terms / elements). The window
// is the strip along that line which holds all of them; the code asks the few terms in it and still
// compares each one's index, so that the window may be too wide and never wrong.
//
// The formula is evaluated in f32 as kernels do it, and in f64; indices that differ between the
// two, a rounding away from the next integer, widen the window to hold both.
#include "passes/lower/scatter.h"

#include "ir/integer.h"
#include "ir/interp.h"

#include <assert.h>

// A formula, not a graph: what is shared in it counts every time.
enum { MOST_TERMS = 1 << 16, MOST_OPS = 64 };

// Ops that have the same result on every machine, but for rounding to f32.
static bool is_exact(const lg_op *op)
{
    switch (op->code) {
    case LG_OP_constant:
    case LG_OP_iota:
    case LG_OP_cast:
    case LG_OP_reshape:
    case LG_OP_broadcast:
    case LG_OP_slice:
    case LG_OP_reverse:
        return true;
    case LG_OP_exp:
    case LG_OP_log:
    case LG_OP_tanh:
    case LG_OP_sigmoid:
    case LG_OP_cos:
    case LG_OP_rsqrt:
        return false;
    default:
        return lg_op_info_of(op->code)->class == LG_CLASS_ELEMENTWISE;
    }
}

static void round_all(lg_array *array)
{
    int64_t count = lg_type_elements(&array->type);
    for (int64_t i = 0; array->type.dtype == LG_F32 && i < count; i++)
        array->data[i].f = (double)(float)array->data[i].f;
}

// The numbers of `value`, or NULL where it is no formula of sources.
static lg_array *evaluate(lg_arena *arena, const lg_value *value, bool rounded, int *ops)
{
    if (value->kind != LG_VALUE_RESULT || !is_exact(value->op) || (*ops)-- <= 0 ||
        lg_type_elements(&value->type) > MOST_TERMS)
        return NULL;
    lg_array *operands[3];
    for (int i = 0; i < value->op->operand_count; i++)
        if (!(operands[i] = evaluate(arena, value->op->operands[i], rounded, ops)))
            return NULL;
    lg_array *array = lg_array_new(arena, &value->type);
    lg_interpret_op(arena, value->op, operands, array);
    if (rounded)
        round_all(array);
    return array;
}

// The strip around the line: the range of i * run - index[i] * rise.
static void widen(const lg_array *indices, int64_t size, lg_scatter_window *w, int64_t *low,
                  int64_t *high)
{
    int64_t count = lg_type_elements(&indices->type);
    for (int64_t i = 0; i < count; i++) {
        int64_t j = indices->data[i].i;
        j = j < 0 ? 0 : j < size ? j : size - 1;
        int64_t off = i * w->run - j * w->rise;
        *low = off < *low ? off : *low;
        *high = off > *high ? off : *high;
    }
}

bool lg_scatter_window_of(const lg_op *scatter, lg_scatter_window *window)
{
    int ops[] = {MOST_OPS, MOST_OPS};
    int axis = (int)lg_op_int(scatter, LG_ATTR_axis);
    int64_t terms = scatter->operands[0]->type.dims[axis];
    int64_t size = scatter->results[0]->type.dims[axis];
    assert(terms > 0 && size > 0 && "no dimension is empty");
    if (size > MOST_TERMS)
        return false;
    lg_arena *arena = lg_arena_new();
    const lg_array *exact = evaluate(arena, scatter->operands[1], false, &ops[0]);
    const lg_array *rounded = exact ? evaluate(arena, scatter->operands[1], true, &ops[1]) : NULL;
    if (rounded) {
        int64_t divisor = lg_greatest_divisor(terms, size), low = INT64_MAX, high = INT64_MIN;
        window->rise = terms / divisor;
        window->run = size / divisor;
        widen(exact, size, window, &low, &high);
        widen(rounded, size, window, &low, &high);
        window->offset = low + window->run - 1; // rounded up
        window->width = (high - low) / window->run + 1;
    }
    lg_arena_free(arena);
    return rounded && window->width < terms;
}
