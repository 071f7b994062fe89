// inline: calls of composites become their bodies.
//
// needs nothing; makes `no composites`; keeps everything else. Composites are gone afterwards.
//
//     %y = call @twice(%x) : f32[4]
// with composite @twice(%a) { %0 = add %a, %a ; return %0 } becomes
//     %y = add %x, %x : f32[4]
//
// Composites are inlined into each other first, callees before callers, so that every body is
// copied flat and the work is the size of the result.
#include "passes/map.h"
#include "passes/passes.h"
#include "passes/rewriter.h"

enum { UNSEEN, ACTIVE, FLAT };

static bool is_differentiated_by(const lg_function *f, const lg_value *value)
{
    LG_FOR_OPS (op, f)
        if (op->code == LG_OP_gradient && op->operands[1] == value)
            return true;
    return false;
}

// What a composite hands through is another variable than what went in, to a gradient by it.
static lg_value *own_name(lg_function *f, lg_op *call, lg_value *value)
{
    lg_type type = lg_type_make(value->type.dtype, value->type.rank, value->type.dims);
    return lg_build(f, call, LG_OP_reshape, 1, &value, 0, NULL, &type, call->where);
}

// Copies the body of the callee before `call`, which goes.
static void expand(lg_function *f, lg_op *call, lg_pass_ctx *ctx)
{
    const lg_function *callee = lg_op_callee(call);
    lg_map copies = {.arena = ctx->scratch};
    for (int i = 0; i < callee->arguments.count; i++)
        lg_map_at(&copies, callee->arguments.items[i])->as.pointer = call->operands[i];
    LG_FOR_OPS (op, callee) {
        lg_value **operands = LG_NEW_ARRAY(ctx->scratch, lg_value *, op->operand_count + 1);
        for (int i = 0; i < op->operand_count; i++) {
            lg_value *mapped = lg_map_pointer(&copies, op->operands[i]);
            operands[i] = mapped ? mapped : op->operands[i]; // a symbol stands for itself
        }
        lg_op *copy = lg_op_copy(f, call, op, operands, ctx->diag);
        copy->where = call->where; // messages should show the user's line, not the library's
        for (int i = 0; i < op->result_count; i++)
            lg_map_at(&copies, op->results[i])->as.pointer = copy->results[i];
    }
    for (int i = 0; i < call->result_count; i++) {
        lg_value *returned = callee->results.items[i];
        lg_value *mapped = lg_map_pointer(&copies, returned);
        lg_value *result = mapped ? mapped : returned;
        if (returned->kind != LG_VALUE_RESULT && is_differentiated_by(f, call->results[i]))
            result = own_name(f, call, result);
        lg_replace_uses(f, call->results[i], result);
        if (call->results[i]->name && result->kind == LG_VALUE_RESULT)
            result->name = call->results[i]->name;
    }
    lg_op_remove(call);
    ctx->changes++;
}

static bool is_composite_call(const lg_op *op)
{
    return op->code == LG_OP_call && lg_op_callee(op)->kind == LG_COMPOSITE;
}

static bool flatten(lg_function *f, lg_map *states, lg_pass_ctx *ctx)
{
    lg_map_at(states, f)->as.number = ACTIVE;
    for (lg_op *op = f->first, *next; op; op = next) {
        next = op->next;
        if (!is_composite_call(op))
            continue;
        lg_function *callee = lg_op_callee(op);
        if (lg_map_number(states, callee) == ACTIVE)
            return lg_error_at(ctx->diag, op->where, "composite @%s calls itself", callee->name);
        if (lg_map_number(states, callee) == UNSEEN && !flatten(callee, states, ctx))
            return false;
        expand(f, op, ctx);
    }
    lg_map_at(states, f)->as.number = FLAT;
    return true;
}

bool lg_pass_inline(lg_unit *unit, lg_pass_ctx *ctx)
{
    lg_map states = {.arena = ctx->scratch};
    LG_FOR_FUNCTIONS (f, unit->module)
        if (lg_map_number(&states, f) == UNSEEN && !flatten(f, &states, ctx))
            return false;
    for (lg_function *f = unit->module->first, *next; f; f = next) {
        next = f->next;
        if (f->kind != LG_COMPOSITE)
            continue;
        lg_function_remove(f);
        ctx->changes++;
    }
    return true;
}
