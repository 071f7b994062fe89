// Before memory is given out, a func is brought into the form in which every value that is returned
// or written can be made where it belongs:
//   - what stands between kernels and moves elements (a transpose, a concat whose parts are no
//     windows) becomes a kernel
//   - what is returned is a result of a kernel, each once
//   - what is written to a symbol is a result of a kernel, made when nobody reads the old value any
//     more: states keep their values until the func ends
// Copies see to it where the func is otherwise: of symbols in front of all launches, of anything
// else behind them. What `fuse` and `layout` make needs next to none.
//
//     %0 = call @add(@s, %x)                %0 = call @add(@s, %x)
//     write @s, %0                          %1 = call @reduce_sum(@s)
//     %1 = call @reduce_sum(@s)      ->     %2 = call @relayout(%0)
//                                           write @s, %2
#include "passes/lower/settle.h"

#include "passes/outline.h"

typedef struct settler {
    lg_function *function;
    lg_arena *scratch;
    lg_overwrite_fn may_overwrite;
    void *data;
} settler;

static bool reads(const lg_op *op, const lg_value *value)
{
    for (int i = op->code == LG_OP_write; i < op->operand_count; i++)
        if (op->operands[i] == value)
            return true;
    return false;
}

static int times_returned(const lg_function *f, const lg_value *value)
{
    int times = 0;
    for (int i = 0; i < f->results.count; i++)
        times += f->results.items[i] == value;
    return times;
}

// A relayout of `value` before `before`, row-major or as `value` is.
static lg_value *copy_of(lg_function *f, lg_op *before, lg_value *value, bool plain)
{
    lg_type type = value->type;
    if (plain)
        type.layout = NULL;
    return lg_build(f, before, LG_OP_relayout, LG_OPERANDS(value), 0, NULL, &type, f->where);
}

void lg_settle_kernels(lg_module *module)
{
    LG_FOR_FUNCTIONS (f, module)
        for (int i = 0; f->kind == LG_KERNEL && i < f->results.count; i++) {
            lg_value *value = f->results.items[i];
            bool again = false;
            for (int j = 0; j < i; j++)
                again |= f->results.items[j] == value;
            if (again || value->kind != LG_VALUE_RESULT)
                f->results.items[i] = copy_of(f, NULL, value, false);
        }
}

// ---- ops between kernels

// Is the part, made by a kernel, the window of `whole` that starts at `start` along the axis?
static bool is_window(const lg_value *part, const lg_type *whole, int axis, int64_t start)
{
    if (!part->type.layout || !whole->layout || part->kind != LG_VALUE_RESULT ||
        part->op->code != LG_OP_call)
        return false;
    lg_layout placed = *whole->layout;
    for (int d = 0; d < placed.count; d++) {
        lg_layout_dim *dim = &placed.dims[d];
        if (dim->axis != axis || dim->part == LG_PART_INNER)
            continue;
        int64_t block = dim->part == LG_PART_OUTER ? dim->block : 1;
        if (start % block || whole->dims[axis] % block)
            return false;
        dim->offset = start / block;
        dim->extent = whole->dims[axis] / block;
    }
    return lg_layout_equal(&placed, part->type.layout);
}

static bool are_windows(const lg_op *concat)
{
    int axis = (int)lg_op_int(concat, LG_ATTR_axis);
    int64_t start = 0;
    for (int i = 0; i < concat->operand_count; i++) {
        const lg_value *part = concat->operands[i];
        if (!is_window(part, &concat->results[0]->type, axis, start))
            return false;
        start += part->type.dims[axis];
    }
    return true;
}

static bool needs_kernel(const lg_op *op)
{
    switch (op->code) {
    case LG_OP_call:
    case LG_OP_write:
        return false;
    case LG_OP_reshape: // another name of what it reads
        return op->operands[0]->kind != LG_VALUE_RESULT || op->operands[0]->type.layout ||
               op->results[0]->type.layout;
    case LG_OP_concat:
        return !are_windows(op);
    default:
        return true;
    }
}

static lg_op *outline(settler *s, lg_op *op)
{
    lg_group group = {0};
    LG_PUSH(s->scratch, &group.ops, op);
    return lg_outline(s->function, &group, NULL, s->scratch);
}

static bool is_dead(const lg_function *f, const lg_op *op)
{
    for (int i = 0; i < op->result_count; i++)
        if (lg_count_uses(f, op->results[i]))
            return false;
    return op->code != LG_OP_write && (op->code != LG_OP_call || !op->result_count);
}

static void settle_ops(settler *s)
{
    bool outlined = false;
    for (lg_op *op = s->function->last, *previous; op; op = previous) {
        previous = op->previous;
        if (is_dead(s->function, op)) {
            lg_op_remove(op);
        } else if (needs_kernel(op)) {
            outline(s, op);
            outlined = true;
        }
    }
    if (outlined)
        lg_sort_ops(s->function, s->scratch);
}

// ---- results and writes

// Lies in memory of its own: made by a kernel, and no part of a concat.
static bool is_made(const lg_function *f, const lg_value *value)
{
    if (value->kind != LG_VALUE_RESULT || value->op->code != LG_OP_call)
        return false;
    LG_FOR_OPS (op, f)
        if (op->code == LG_OP_concat && reads(op, value))
            return false;
    return true;
}

// Copies a symbol in front of all that may write it, and returns the copy.
static lg_value *copied_first(settler *s, lg_op *copy)
{
    lg_op *call = outline(s, copy);
    lg_op_move(call, s->function->first);
    return call->results[0];
}

static void settle_results(settler *s)
{
    lg_function *f = s->function;
    for (int i = 0; i < f->results.count; i++) {
        lg_value *value = f->results.items[i];
        if (is_made(f, value) && times_returned(f, value) == 1 && !value->type.layout)
            continue;
        lg_value *copy = f->results.items[i] = copy_of(f, NULL, value, true);
        if (value->kind == LG_VALUE_SYMBOL)
            copied_first(s, copy->op);
        else
            outline(s, copy->op);
    }
}

// Is the symbol read where the kernel of `value` has begun to write?
static bool is_read_late(const settler *s, const lg_value *symbol, const lg_value *value)
{
    const lg_op *maker = value->op;
    for (int i = 0; i < maker->operand_count; i++)
        if (maker->operands[i] == symbol && !s->may_overwrite(s->data, maker, i, value->index))
            return true;
    for (const lg_op *op = maker->next; op; op = op->next)
        if (reads(op, symbol))
            return true;
    return false;
}

static bool is_written_twice(const lg_function *f, const lg_value *value)
{
    int times = 0;
    LG_FOR_OPS (op, f)
        times += op->code == LG_OP_write && op->operands[1] == value;
    return times > 1;
}

static void settle_write(settler *s, lg_op *write)
{
    lg_function *f = s->function;
    lg_value *value = write->operands[1];
    if (is_made(f, value) && !times_returned(f, value) && !is_written_twice(f, value) &&
        !is_read_late(s, write->operands[0], value))
        return;
    if (value->kind == LG_VALUE_SYMBOL) {
        write->operands[1] = copy_of(f, write, value, false);
        value = copied_first(s, write->operands[1]->op);
    }
    lg_op_move(write, NULL);
    write->operands[1] = copy_of(f, write, value, false);
    outline(s, write->operands[1]->op);
    lg_op_move(write, NULL); // behind the call
}

void lg_settle_function(lg_function *function, lg_arena *scratch, lg_overwrite_fn may_overwrite,
                        void *data)
{
    settler s = {function, scratch, may_overwrite, data};
    settle_ops(&s);
    settle_results(&s);
    // All copies of symbols stand in front before the first write is looked at.
    LG_LIST(lg_op *) writes = {0};
    LG_FOR_OPS (op, function)
        if (op->code == LG_OP_write)
            LG_PUSH(scratch, &writes, op);
    for (int i = 0; i < writes.count; i++)
        settle_write(&s, writes.items[i]);
}
