// Elementwise ops, from the expression of their rows. The tree is walked once for a block of
// elements instead of once an element: every node is one loop over the block.
#include "ir/elementwise.h"
#include "ir/interp_internal.h"

#include <assert.h>
#include <string.h>

enum { BLOCK = 512 };

typedef struct evaluation {
    lg_arena *scratch;
    lg_array *const *operands;
    int64_t start; // of the block
    int count;     // of elements in it
    LG_LIST(lg_number *) blocks;
    int used; // of `blocks`, by this block so far
} evaluation;

// Memory for the values of a node, the same in every block.
static lg_number *next_block(evaluation *e)
{
    if (e->used == e->blocks.count)
        LG_PUSH(e->scratch, &e->blocks, LG_NEW_ARRAY(e->scratch, lg_number, BLOCK));
    return e->blocks.items[e->used++];
}

static const lg_number *evaluate(evaluation *e, const lg_kx *x)
{
    if (x->kind == LG_KX_VAR)
        return e->operands[x->as.var->id]->data + e->start;
    lg_number *values = next_block(e);
    if (x->kind == LG_KX_APPLY) {
        const lg_number *args[3] = {NULL};
        int arity = lg_scalar_info_of(x->as.apply.fn)->arity;
        for (int i = 0; i < arity; i++)
            args[i] = evaluate(e, x->as.apply.args[i]);
        lg_dtype dtype = x->as.apply.args[arity - 1]->type.dtype;
        lg_scalar_evaluate_many(x->as.apply.fn, dtype, args, values, e->count);
        return values;
    }
    assert(x->kind == LG_KX_INT || x->kind == LG_KX_FLOAT);
    for (int i = 0; i < e->count; i++)
        values[i] =
            x->kind == LG_KX_INT ? (lg_number){.i = x->as.integer} : (lg_number){.f = x->as.number};
    return values;
}

void lg_eval_elementwise(lg_arena *scratch, const lg_op *op, lg_array *const *operands,
                         lg_array *result)
{
    const lg_kx *x = lg_elementwise_expression(scratch, op);
    evaluation e = {.scratch = scratch, .operands = operands};
    int64_t elements = lg_type_elements(&result->type);
    lg_dtype dtype = result->type.dtype;
    for (e.start = 0; e.start < elements; e.start += BLOCK, e.used = 0) {
        e.count = elements - e.start < BLOCK ? (int)(elements - e.start) : BLOCK;
        const lg_number *values = evaluate(&e, x);
        memcpy(result->data + e.start, values, sizeof(lg_number) * (size_t)e.count);
        if (dtype == LG_U8) // computed in i32
            for (int i = 0; i < e.count; i++)
                result->data[e.start + i] = lg_number_cast(values[i], LG_I32, dtype);
    }
}
