// The properties of a unit, read off the IR itself: a pipeline may start at any stage, from a file.
#include "passes/outline.h"
#include "passes/pass.h"

#include <string.h>

static const char *const texts[] = {"no composites", "fused kernels", "packed weights",
                                    "final layouts", "a program",     "planned memory",
                                    "no gradients"};

const char *lg_property_text(int bit)
{
    return bit >= 0 && bit < (int)(sizeof texts / sizeof texts[0]) ? texts[bit] : NULL;
}

static bool stands_between_kernels(const lg_op *op)
{
    switch (op->code) {
    case LG_OP_call:
        return lg_op_callee(op)->kind == LG_KERNEL;
    case LG_OP_write:
    case LG_OP_reshape:
    case LG_OP_transpose:
    case LG_OP_slice:
    case LG_OP_concat:
        return true;
    default:
        return false;
    }
}

static bool reads_unpacked_symbol(const lg_op *op)
{
    // The first operand of a write is where it writes to.
    for (int i = op->code == LG_OP_write; i < op->operand_count; i++)
        if (op->operands[i]->kind == LG_VALUE_SYMBOL &&
            op->operands[i]->symbol->role != LG_ROLE_PACKED)
            return true;
    return false;
}

// @pack does, and a training step reads the parameters that it writes.
static bool may_read_unpacked(const lg_function *f)
{
    if (strcmp(f->name, "pack") == 0)
        return true;
    LG_FOR_OPS (op, f)
        if (op->code == LG_OP_write)
            return true;
    return false;
}

static unsigned properties_of_program(const lg_program *program)
{
    unsigned properties = LG_IS_LOWERED;
    for (int i = 0; i < program->entries.count; i++)
        if (program->entries.items[i]->workspace > 0)
            properties |= LG_IS_PLANNED;
    return properties;
}

unsigned lg_unit_properties(const lg_unit *unit)
{
    bool composites = false, loose_ops = false, calls = false, unpacked = false, layouts = false;
    bool gradients = false;
    LG_FOR_FUNCTIONS (f, unit->module) {
        composites |= f->kind == LG_COMPOSITE;
        LG_FOR_OPS (op, f)
            loose_ops |= lg_outline_fault(op) != NULL;
        if (f->kind != LG_FUNC)
            continue;
        bool packs = !may_read_unpacked(f);
        LG_FOR_OPS (op, f) {
            calls |= op->code == LG_OP_call;
            gradients |= op->code == LG_OP_gradient;
            loose_ops |= !stands_between_kernels(op);
            unpacked |= packs && reads_unpacked_symbol(op);
            for (int i = 0; i < op->result_count; i++)
                layouts |= op->results[i]->type.layout != NULL;
        }
    }
    return (composites ? 0 : LG_HAS_NO_COMPOSITES) | (loose_ops || !calls ? 0 : LG_IS_FUSED) |
           (unpacked ? 0 : LG_IS_PACKED) | (layouts ? LG_HAS_LAYOUTS : 0) |
           (gradients ? 0 : LG_HAS_NO_GRADIENTS) |
           (unit->program ? properties_of_program(unit->program) : 0);
}
