// A concat along the axis of a vector's lanes goes from one part to the next, a pad from zeros to
// elements, and a slice of a blocked image from one of its blocks to the next wherever the slice
// does not begin with one. Between such places all is vectors; one place in the middle would make
// it all elements.
#include "passes/lower/cuts.h"

#include <string.h>

// Inserts `at` in a rising list; false if it is full.
static bool insert(int64_t *list, int *count, int64_t at)
{
    int place = 0;
    while (place < *count && list[place] < at)
        place++;
    if (place < *count && list[place] == at)
        return true;
    if (*count == LG_MAX_CUTS)
        return false;
    memmove(list + place + 1, list + place, sizeof *list * (size_t)(*count - place));
    list[place] = at;
    ++*count;
    return true;
}

typedef struct finder {
    const lg_tensor_context *ctx;
    lg_cuts *cuts;
} finder;

// Element i of the vectors' axis is element i + `offset` of the axis of `value`.
static bool find(finder *f, const lg_value *value, int axis, int64_t offset);

static bool cut_blocks(finder *f, const lg_type *type, int axis, int64_t offset)
{
    int64_t lanes = f->ctx->target->lanes;
    if (!type->layout)
        return true;
    lg_layout_dim last = type->layout->dims[type->layout->count - 1];
    if (last.axis != axis || last.part != LG_PART_INNER || last.block != lanes ||
        offset % lanes == 0)
        return true;
    int64_t at = (lanes - offset % lanes) % lanes;
    return insert(f->cuts->again, &f->cuts->again_count, at);
}

static bool find_concat(finder *f, const lg_op *op, int axis, int64_t offset)
{
    int64_t begin = 0;
    for (int i = 0; i < op->operand_count; i++) {
        if (i && !insert(f->cuts->at, &f->cuts->count, begin - offset))
            return false;
        if (!find(f, op->operands[i], axis, offset - begin))
            return false;
        begin += op->operands[i]->type.dims[axis];
    }
    return true;
}

static bool find_pad(finder *f, const lg_op *op, int axis, int64_t offset)
{
    const lg_value *from = op->operands[0];
    int64_t low = lg_op_int_at(op, LG_ATTR_low, axis), end = low + from->type.dims[axis];
    return lg_op_int_at(op, LG_ATTR_interior, axis) == 0 &&
           (!low || insert(f->cuts->at, &f->cuts->count, low - offset)) &&
           (end == op->results[0]->type.dims[axis] ||
            insert(f->cuts->at, &f->cuts->count, end - offset)) &&
           find(f, from, axis, offset - low);
}

static bool find_in_all(finder *f, const lg_op *op, int axis, int64_t offset)
{
    for (int i = 0; i < op->operand_count; i++)
        if (!find(f, op->operands[i], axis, offset))
            return false;
    return true;
}

static bool find_movement(finder *f, const lg_op *op, int axis, int64_t offset)
{
    const lg_value *from = op->operands[0];
    switch (op->code) {
    case LG_OP_cast:
    case LG_OP_relayout:
        return find(f, from, axis, offset);
    case LG_OP_broadcast:
        return from->type.dims[axis] == 1 || find(f, from, axis, offset);
    case LG_OP_slice:
        if (lg_op_int_at(op, LG_ATTR_step, axis) == 1)
            return find(f, from, axis, offset + lg_op_int_at(op, LG_ATTR_start, axis));
        break;
    case LG_OP_concat:
        if (lg_op_int(op, LG_ATTR_axis) == axis)
            return find_concat(f, op, axis, offset);
        return find_in_all(f, op, axis, offset);
    case LG_OP_pad:
        return find_pad(f, op, axis, offset);
    default:
        break;
    }
    return lg_element_has_lanes(f->ctx, op->results[0], axis);
}

static bool find(finder *f, const lg_value *value, int axis, int64_t offset)
{
    const lg_binding *b = &f->ctx->bindings[value->id];
    if (b->element)
        return true;
    if (b->buffer)
        return cut_blocks(f, &b->type, axis, offset);
    const lg_op *op = value->op;
    switch (lg_op_info_of(op->code)->class) {
    case LG_CLASS_ELEMENTWISE:
        return find_in_all(f, op, axis, offset);
    case LG_CLASS_MOVEMENT:
        return find_movement(f, op, axis, offset);
    default:
        return lg_element_has_lanes(f->ctx, value, axis);
    }
}

bool lg_cuts_find(const lg_tensor_context *ctx, const lg_value *value, int axis, lg_cuts *cuts)
{
    finder f = {ctx, cuts};
    return find(&f, value, axis, 0);
}

int64_t lg_cuts_next(const lg_cuts *cuts, int64_t from, int64_t to)
{
    for (int i = 0; i < cuts->count; i++)
        if (cuts->at[i] > from)
            return cuts->at[i] < to ? cuts->at[i] : to;
    return to;
}

int64_t lg_cuts_next_again(const lg_cuts *cuts, int64_t from, int64_t to, int lanes)
{
    int64_t start = from - from % lanes;
    for (int i = 0; i < cuts->again_count; i++)
        if (start + cuts->again[i] > from)
            return start + cuts->again[i] < to ? start + cuts->again[i] : to;
    int64_t next = start + lanes; // vectors in turn are cut alike: each of them alone
    return cuts->again_count && next < to ? next : to;
}
