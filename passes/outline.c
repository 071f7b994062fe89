// A kernel function takes what its ops read from outside as arguments, in the order of their first
// use, and returns what is used outside. Equal groups give equal functions but for their names.
#include "passes/outline.h"

#include "passes/rewriter.h"

#include <assert.h>

bool lg_group_has(const lg_group *group, const lg_op *op)
{
    for (int i = 0; i < group->ops.count; i++)
        if (group->ops.items[i] == op)
            return true;
    return false;
}

bool lg_is_duplicated(const lg_value *value)
{
    if (value->kind != LG_VALUE_RESULT)
        return false;
    const lg_op *op = value->op;
    lg_op_class class = lg_op_info_of(op->code)->class;
    if (class == LG_CLASS_SOURCE)
        return true;
    if (class != LG_CLASS_ELEMENTWISE && op->code != LG_OP_broadcast && op->code != LG_OP_reshape &&
        op->code != LG_OP_cast)
        return false;
    for (int i = 0; i < op->operand_count; i++)
        if (!lg_is_duplicated(op->operands[i]))
            return false;
    return true;
}

const char *lg_outline_fault(const lg_op *op)
{
    if (op->function->kind != LG_KERNEL)
        return NULL;
    if (op->code == LG_OP_call)
        return "a kernel calls nothing";
    if (op->code == LG_OP_write)
        return "a kernel returns what a func writes";
    for (int i = 0; i < op->operand_count; i++)
        if (op->operands[i]->kind == LG_VALUE_SYMBOL)
            return "a kernel takes symbols as arguments";
    return NULL;
}

typedef struct outliner {
    lg_function *kernel;
    lg_readers *readers;
    lg_arena *scratch;
    lg_map inside; // op -> 1: in the group
    lg_map copies; // value of the func -> value of the kernel
    LG_LIST(lg_value *) arguments;
} outliner;

static lg_value *copy_of(outliner *o, lg_value *value);

static void copy_op(outliner *o, lg_op *op)
{
    lg_value **operands = LG_NEW_ARRAY(o->scratch, lg_value *, op->operand_count);
    for (int i = 0; i < op->operand_count; i++)
        operands[i] = copy_of(o, op->operands[i]);
    lg_op *copy = lg_op_copy(o->kernel, NULL, op, operands, NULL);
    lg_map_at(&o->copies, op->results[0])->as.pointer = copy->results[0];
}

static lg_value *copy_of(outliner *o, lg_value *value)
{
    lg_value *copy = lg_map_pointer(&o->copies, value);
    if (copy)
        return copy;
    if (lg_is_duplicated(value)) {
        copy_op(o, value->op);
        return lg_map_pointer(&o->copies, value);
    }
    const char *name = lg_format(o->kernel->module->arena, "%s%d",
                                 value->kind == LG_VALUE_SYMBOL ? "w" : "x", o->arguments.count);
    copy = lg_function_argument(o->kernel, name, value->type);
    lg_map_at(&o->copies, value)->as.pointer = copy;
    LG_PUSH(o->scratch, &o->arguments, value);
    return copy;
}

// The op that names the kernel: what dominates its cost.
static const lg_op *main_op(const lg_group *group)
{
    const lg_op *best = group->ops.items[group->ops.count - 1];
    for (int i = 0; i < group->ops.count; i++) {
        const lg_op *op = group->ops.items[i];
        if (lg_op_flops(op) > lg_op_flops(best))
            best = op;
    }
    return best;
}

static bool used_outside(const outliner *o, const lg_value *value)
{
    const lg_reader_list *list = lg_readers_of(o->readers, value);
    for (int i = 0; i < list->count; i++)
        if (!lg_map_number(&o->inside, list->items[i]))
            return true;
    return lg_readers_is_returned(o->readers, value);
}

// Lets what reads `old` read `new`, a result of the call.
static void replace(outliner *o, lg_function *function, lg_value *old, lg_value *new)
{
    const lg_reader_list *list = lg_readers_of(o->readers, old);
    for (int i = 0; i < list->count; i++) {
        lg_op *op = list->items[i];
        for (int j = 0; j < op->operand_count; j++)
            if (op->operands[j] == old)
                op->operands[j] = new;
    }
    for (int i = 0; i < function->results.count && lg_readers_is_returned(o->readers, old); i++)
        if (function->results.items[i] == old)
            function->results.items[i] = new;
}

lg_op *lg_outline(lg_function *function, const lg_group *group, lg_readers *readers,
                  lg_arena *scratch)
{
    lg_readers own;
    if (!readers) {
        own = lg_readers_find(function, scratch);
        readers = &own;
    }
    outliner o = {.readers = readers, .scratch = scratch};
    o.inside.arena = o.copies.arena = scratch;
    o.kernel =
        lg_function_new(function->module, LG_KERNEL, lg_op_info_of(main_op(group)->code)->name);
    o.kernel->where = main_op(group)->where;
    for (int i = 0; i < group->ops.count; i++)
        lg_map_at(&o.inside, group->ops.items[i])->as.number = 1;
    for (int i = 0; i < group->ops.count; i++)
        if (!lg_map_pointer(&o.copies, group->ops.items[i]->results[0]))
            copy_op(&o, group->ops.items[i]);
    LG_LIST(lg_value *) results = {0};
    for (int i = 0; i < group->ops.count; i++) {
        lg_value *value = group->ops.items[i]->results[0];
        if (!used_outside(&o, value))
            continue;
        const char *name = lg_format(function->module->arena, "y%d", results.count);
        lg_function_return(o.kernel, name, lg_map_pointer(&o.copies, value));
        LG_PUSH(scratch, &results, value);
    }
    assert(results.count);
    lg_op *call = lg_build_call(function, NULL, o.kernel, o.arguments.items, main_op(group)->where);
    for (int i = 0; i < call->operand_count; i++)
        lg_readers_add(readers, call->operands[i], call);
    for (int i = 0; i < results.count; i++)
        replace(&o, function, results.items[i], call->results[i]);
    for (int i = group->ops.count - 1; i >= 0; i--)
        lg_op_remove(group->ops.items[i]);
    return call;
}

typedef struct sorter {
    lg_map done; // op -> 1; 2 while what it reads is put before it
    LG_LIST(lg_op *) order;
    lg_arena *scratch;
} sorter;

static void visit(sorter *s, lg_op *op)
{
    assert(lg_map_number(&s->done, op) != 2 && "an op hangs on itself");
    if (lg_map_number(&s->done, op))
        return;
    lg_map_at(&s->done, op)->as.number = 2;
    for (int i = 0; i < op->operand_count; i++)
        if (op->operands[i]->kind == LG_VALUE_RESULT)
            visit(s, op->operands[i]->op);
    lg_map_at(&s->done, op)->as.number = 1;
    LG_PUSH(s->scratch, &s->order, op);
}

void lg_sort_ops(lg_function *function, lg_arena *scratch)
{
    sorter s = {.scratch = scratch};
    s.done.arena = scratch;
    LG_FOR_OPS (op, function)
        visit(&s, op);
    for (int i = 0; i < s.order.count; i++)
        lg_op_move(s.order.items[i], NULL);
}
