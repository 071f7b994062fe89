#include "passes/readers.h"

lg_readers lg_readers_find(const lg_function *function, lg_arena *arena)
{
    lg_readers r = {.arena = arena, .function = function};
    r.of.arena = r.returned.arena = arena;
    LG_FOR_OPS (op, function)
        for (int i = 0; i < op->operand_count; i++)
            lg_readers_add(&r, op->operands[i], op);
    for (int i = 0; i < function->results.count; i++)
        lg_map_at(&r.returned, function->results.items[i])->as.number++;
    return r;
}

const lg_reader_list *lg_readers_of(const lg_readers *readers, const lg_value *value)
{
    static const lg_reader_list none = {0};
    const lg_reader_list *list = lg_map_pointer(&readers->of, value);
    return list ? list : &none;
}

bool lg_readers_is_returned(const lg_readers *readers, const lg_value *value)
{
    return lg_map_number(&readers->returned, value) > 0;
}

int lg_readers_count(const lg_readers *readers, const lg_value *value)
{
    return lg_readers_of(readers, value)->count + (int)lg_map_number(&readers->returned, value);
}

void lg_readers_add(lg_readers *readers, const lg_value *value, lg_op *op)
{
    lg_map_entry *entry = lg_map_at(&readers->of, value);
    if (!entry->as.pointer)
        entry->as.pointer = LG_NEW(readers->arena, lg_reader_list);
    LG_PUSH(readers->arena, (lg_reader_list *)entry->as.pointer, op);
}
