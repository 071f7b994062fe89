// autodiff: gradients become graphs of the ops that compute them.
//
// needs `no composites`; makes `no gradients`; keeps everything else. Reverse mode: for every loss
// one sweep from the loss to what it is differentiated by, over the ops that lie between and no
// others. The cotangent of a value is how the loss changes with it; an op turns the cotangent of
// its result into one of each operand by its rule (passes/derivatives.def,
// passes/autodiff_rules.h), and a value that is used more than once adds up what it gets.
//
//     %0 = mul %x, %x : f32[4]                     %0 = mul %x, %x : f32[4]
//     %1 = reduce_sum %0 {axes=0} : f32[1]         %1 = reduce_sum %0 {axes=0} : f32[1]
//     %2 = reshape %1 : f32[]                      %2 = reshape %1 : f32[]
//     %3 = gradient %2, %x : f32[4]           ->   %3 = constant {value=1.0} : f32[]
//                                                  %4 = reshape %3 : f32[1]
//                                                  %5 = broadcast %4 : f32[4]
//                                                  %6 = mul %5, %x : f32[4]
//                                                  %7 = mul %5, %x : f32[4]
//                                                  %8 = add %6, %7 : f32[4]
//
// Losses are taken in the order of the function. A loss that hangs on a gradient therefore sees ops
// in its place: derivatives of any order.
#include "passes/autodiff.h"

#include "passes/map.h"
#include "passes/passes.h"

typedef struct sweep {
    lg_adjoint adjoint;
    lg_pass_ctx *ctx;
    lg_value *loss;
    lg_map wanted;     // value -> 1: a gradient by it is asked for
    lg_map varies;     // value -> 1: hangs on one that is wanted
    lg_map cotangents; // value -> lg_value: what has come together so far
} sweep;

static bool asks(const sweep *s, const lg_op *op)
{
    return op->code == LG_OP_gradient && op->operands[0] == s->loss;
}

static bool varies(const sweep *s, const lg_value *value)
{
    return lg_dtype_is_float(value->type.dtype) &&
           (lg_map_number(&s->varies, value) || lg_map_number(&s->wanted, value));
}

static void mark_varying(sweep *s)
{
    LG_FOR_OPS (op, s->adjoint.function)
        if (asks(s, op))
            lg_map_at(&s->wanted, op->operands[1])->as.number = 1;
    for (lg_op *op = s->adjoint.function->first; op != s->adjoint.before; op = op->next)
        for (int i = 0; i < op->operand_count; i++)
            for (int j = 0; varies(s, op->operands[i]) && j < op->result_count; j++)
                lg_map_at(&s->varies, op->results[j])->as.number = 1;
}

static void add_cotangent(sweep *s, const lg_value *value, lg_value *more)
{
    lg_map_entry *entry = lg_map_at(&s->cotangents, value);
    lg_value *before = entry->as.pointer;
    entry->as.pointer = before ? lg_adjoint_binary(&s->adjoint, LG_OP_add, before, more) : more;
}

static void step_back(sweep *s, const lg_op *op)
{
    for (int j = 0; j < op->result_count; j++) {
        s->adjoint.op = op;
        s->adjoint.result = lg_map_pointer(&s->cotangents, op->results[j]);
        for (int i = 0; s->adjoint.result && i < op->operand_count; i++) {
            if (!varies(s, op->operands[i]))
                continue;
            lg_value *more = lg_derivative_of(op->code)(&s->adjoint, i);
            if (s->adjoint.failed)
                return;
            if (more)
                add_cotangent(s, op->operands[i], more);
        }
    }
}

// Gives every gradient of the loss its value. Those are later ops, but none leads to the loss.
static void replace_gradients(sweep *s)
{
    lg_function *f = s->adjoint.function;
    for (lg_op *op = f->first, *next; op; op = next) {
        next = op->next;
        if (!asks(s, op))
            continue;
        s->adjoint.op = s->adjoint.before = op;
        lg_value *value = lg_map_pointer(&s->cotangents, op->operands[1]);
        if (!value) {
            value = lg_adjoint_number(&s->adjoint, op->results[0], 0);
            lg_map_at(&s->cotangents, op->operands[1])->as.pointer = value;
        }
        lg_replace_uses(f, op->results[0], value);
        lg_op_remove(op);
        s->ctx->changes++;
    }
}

// All gradients of the loss that `first`, the first of them, asks for.
static bool differentiate(lg_op *first, lg_pass_ctx *ctx)
{
    lg_arena *scratch = ctx->scratch;
    sweep s = {.adjoint = {.function = first->function, .before = first, .diag = ctx->diag},
               .ctx = ctx,
               .loss = first->operands[0],
               .wanted = {.arena = scratch},
               .varies = {.arena = scratch},
               .cotangents = {.arena = scratch}};
    mark_varying(&s);
    s.adjoint.op = first;
    if (varies(&s, s.loss))
        add_cotangent(&s, s.loss, lg_adjoint_number(&s.adjoint, s.loss, 1));
    lg_op *last = s.loss->kind == LG_VALUE_RESULT && varies(&s, s.loss) ? s.loss->op : NULL;
    for (lg_op *op = last; op && !s.adjoint.failed; op = op->previous)
        step_back(&s, op);
    if (!s.adjoint.failed)
        replace_gradients(&s);
    return !s.adjoint.failed;
}

bool lg_pass_autodiff(lg_unit *unit, lg_pass_ctx *ctx)
{
    LG_FOR_FUNCTIONS (f, unit->module) {
        for (lg_op *op = f->first, *next; op; op = next) {
            next = op->next;
            if (op->code != LG_OP_gradient)
                continue;
            // Others of this loss go as well: what is left of the function starts again above.
            lg_op *above = op->previous;
            if (!differentiate(op, ctx))
                return false;
            next = above ? above->next : f->first;
        }
    }
    return true;
}
