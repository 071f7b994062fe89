// dce: what no result and no write hangs on goes.
//
// needs nothing; keeps everything. Unused ops of every function go, then composites and kernels
// that no func calls any more. Funcs are entry points and stay; symbols belong to the checkpoint
// and stay.
//
//     %0 = exp %x : f32[4]                 (nobody uses %0)
//     return %x                     ->     return %x
#include "passes/dce.h"

#include "passes/map.h"
#include "passes/passes.h"

// One walk from the end to the start: when an op is reached, all its users have been decided.
int lg_drop_unused(lg_function *function, lg_arena *scratch)
{
    int dropped = 0;
    lg_map uses = {.arena = scratch};
    for (int i = 0; i < function->results.count; i++)
        lg_map_at(&uses, function->results.items[i])->as.number++;
    LG_FOR_OPS (op, function)
        for (int i = 0; i < op->operand_count; i++)
            lg_map_at(&uses, op->operands[i])->as.number++;

    for (lg_op *op = function->last, *previous; op; op = previous) {
        previous = op->previous;
        bool used = op->code == LG_OP_write;
        for (int i = 0; i < op->result_count; i++)
            used |= lg_map_number(&uses, op->results[i]) > 0;
        if (used)
            continue;
        for (int i = 0; i < op->operand_count; i++)
            lg_map_at(&uses, op->operands[i])->as.number--;
        lg_op_remove(op);
        dropped++;
    }
    return dropped;
}

static void mark_callees(const lg_function *f, lg_map *reached)
{
    lg_map_at(reached, f)->as.number = 1;
    LG_FOR_OPS (op, f)
        if (op->code == LG_OP_call && !lg_map_number(reached, lg_op_callee(op)))
            mark_callees(lg_op_callee(op), reached);
}

bool lg_pass_dce(lg_unit *unit, lg_pass_ctx *ctx)
{
    LG_FOR_FUNCTIONS (f, unit->module)
        ctx->changes += lg_drop_unused(f, ctx->scratch);
    lg_map reached = {.arena = ctx->scratch};
    LG_FOR_FUNCTIONS (f, unit->module)
        if (f->kind == LG_FUNC)
            mark_callees(f, &reached);
    // A caller goes before its callees, which it still names.
    for (lg_function *f = unit->module->last, *previous; f; f = previous) {
        previous = f->previous;
        if (lg_map_number(&reached, f))
            continue;
        lg_function_remove(f);
        ctx->changes++;
    }
    return true;
}
