// mul-by-two: multiplications by 2 become additions.
//
// needs nothing; keeps everything. A pass from outside the source tree, for docs/writing-a-pass.md:
//
//     %0 = constant {value=2.0} : f32[4]
//     %1 = mul %x, %0 : f32[4]      ->      %1 = add %x, %x : f32[4]
//
// Exact for every number, infinities and NaN included. The constant stays for `dce` to remove.
#include "passes/pass.h"

// The value that `op` doubles, or NULL.
static lg_value *doubled(const lg_op *op)
{
    if (op->code != LG_OP_mul)
        return NULL;
    for (int i = 0; i < 2; i++) {
        const lg_value *factor = op->operands[i];
        bool is_number = factor->kind == LG_VALUE_RESULT && factor->op->code == LG_OP_constant &&
                         !lg_op_attr(factor->op, LG_ATTR_values);
        if (is_number && lg_op_number(factor->op, LG_ATTR_value) == 2)
            return op->operands[1 - i];
    }
    return NULL;
}

static bool run(lg_unit *unit, lg_pass_ctx *ctx)
{
    LG_FOR_FUNCTIONS (function, unit->module) {
        for (lg_op *op = function->first, *next; op; op = next) {
            next = op->next; // the op may go
            lg_value *x = doubled(op);
            if (!x)
                continue;
            lg_value *sum =
                lg_build(function, op, LG_OP_add, LG_OPERANDS(x, x), 0, NULL, NULL, op->where);
            lg_replace_uses(function, op->results[0], sum);
            lg_op_remove(op);
            ctx->changes++;
        }
    }
    return true;
}

const lg_pass_info lgpnc_pass = {
    .name = "mul-by-two",
    .help = "multiplications by 2 become additions",
    .options = "",
    .run = run,
};
