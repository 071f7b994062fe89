// prepack: what depends on symbols alone is computed once, by @pack.
//
// needs `no composites`; makes `packed weights`; keeps everything else. Ops of a func whose
// operands are constants, and parameters and states that this func does not write, move to
// `func @pack`, which writes the values that are still wanted to packed symbols, named after the
// first symbol they are made of. A symbol that a func reads directly gets a packed copy. Ops on
// constants alone stay. What another func writes is packed all the same, so that @infer is as fast
// beside @train_step as alone: whoever ran a step runs @pack again.
//
//     func @infer(%x: f32[8]) -> (%y: f32[8]) {
//       %0 = mul @w, @scale : f32[8]
//       %1 = mul %x, %0 : f32[8]
//       return %1
//     }
// becomes
//     func @infer(%x: f32[8]) -> (%y: f32[8]) {
//       %0 = mul %x, @w.packed : f32[8]
//       return %0
//     }
//     func @pack() -> () {
//       %0 = mul @w, @scale : f32[8]
//       write @w.packed, %0
//     }
//
// A broadcast that the func would read stays in the func: it costs nothing there, in a fused
// kernel, and its result may be far larger than the weights.
#include "passes/cse.h"
#include "passes/dce.h"
#include "passes/map.h"
#include "passes/passes.h"
#include "passes/rewriter.h"

#include <string.h>

typedef struct packer {
    lg_module *module;
    lg_pass_ctx *ctx;
    lg_function *pack; // NULL until something is packed
    lg_map written;    // symbol -> 1 if the func at hand writes it
    lg_map stays;      // value -> 1 if it is not computed by @pack, for the func at hand
    lg_map copies;     // value of a func -> value of @pack
    lg_map packed;     // value of a func -> packed symbol
} packer;

static bool is_packable_symbol(const packer *p, const lg_value *value)
{
    return value->kind == LG_VALUE_SYMBOL && value->symbol->role != LG_ROLE_PACKED &&
           !lg_map_number(&p->written, value->symbol);
}

// ---- what moves

static bool can_move(const packer *p, const lg_map *moves, const lg_op *op)
{
    bool has_symbol = false;
    if (op->operand_count == 0 || op->result_count != 1 ||
        lg_op_info_of(op->code)->class == LG_CLASS_CONTROL)
        return false;
    for (int i = 0; i < op->operand_count; i++) {
        bool moving =
            is_packable_symbol(p, op->operands[i]) || lg_map_number(moves, op->operands[i]);
        if (!moving && !lg_is_constant(op->operands[i]) &&
            lg_code_of(op->operands[i]) != LG_OP_iota)
            return false;
        has_symbol |= moving;
    }
    return has_symbol;
}

// Fills p->stays of every result of `f`. Forwards: what can move; backwards: broadcasts that the
// func itself reads stay.
static void decide(packer *p, const lg_function *f)
{
    lg_map moves = {.arena = p->ctx->scratch}, read = {.arena = p->ctx->scratch};
    p->stays = (lg_map){.arena = p->ctx->scratch};
    LG_FOR_OPS (op, f)
        if (can_move(p, &moves, op))
            lg_map_at(&moves, op->results[0])->as.number = 1;
    for (int i = 0; i < f->results.count; i++)
        lg_map_at(&read, f->results.items[i])->as.number = 1;
    for (const lg_op *op = f->last; op; op = op->previous) {
        const lg_value *result = op->result_count == 1 ? op->results[0] : NULL;
        bool moving = result && lg_map_number(&moves, result);
        if (moving && op->code == LG_OP_broadcast && lg_map_number(&read, result))
            moving = false;
        if (moving)
            continue;
        for (int i = 0; i < op->result_count; i++)
            lg_map_at(&p->stays, op->results[i])->as.number = 1;
        for (int i = 0; i < op->operand_count; i++)
            lg_map_at(&read, op->operands[i])->as.number = 1;
    }
}

// ---- moving it

static lg_function *pack_function(packer *p)
{
    if (!p->pack)
        p->pack = lg_module_function(p->module, "pack");
    if (!p->pack)
        p->pack = lg_function_new(p->module, LG_FUNC, "pack");
    return p->pack;
}

// The value in @pack that equals `value` of a func. Deep trees are walked by recursion; depth is
// that of a chain of ops on weights.
static lg_value *copy_to_pack(packer *p, lg_value *value)
{
    if (value->kind == LG_VALUE_SYMBOL)
        return value;
    lg_value *known = lg_map_pointer(&p->copies, value);
    if (known)
        return known;
    lg_op *op = value->op;
    lg_value **operands = LG_NEW_ARRAY(p->ctx->scratch, lg_value *, op->operand_count + 1);
    for (int i = 0; i < op->operand_count; i++)
        operands[i] = copy_to_pack(p, op->operands[i]);
    lg_op *copy = lg_op_copy(pack_function(p), NULL, op, operands, p->ctx->diag);
    lg_map_at(&p->copies, value)->as.pointer = copy->results[0];
    return copy->results[0];
}

// The first parameter that `value` is made of, or the first state if there is none; NULL of a
// constant.
static const lg_symbol *first_symbol(const lg_value *value)
{
    if (value->kind == LG_VALUE_SYMBOL)
        return value->symbol;
    const lg_symbol *first = NULL;
    for (int i = 0; i < value->op->operand_count; i++) {
        const lg_symbol *symbol = first_symbol(value->op->operands[i]);
        if (symbol && symbol->role == LG_ROLE_PARAM)
            return symbol;
        first = first ? first : symbol;
    }
    return first;
}

static const char *packed_name(packer *p, const lg_value *value)
{
    const char *base = first_symbol(value)->name;
    const char *name = lg_format(p->module->arena, "%s.packed", base);
    for (int i = 2; lg_module_symbol(p->module, name); i++)
        name = lg_format(p->module->arena, "%s.packed.%d", base, i);
    return name;
}

// The value of the packed symbol that holds what `value` is.
static lg_value *packed_value(packer *p, lg_value *value, lg_location where)
{
    lg_symbol *symbol = lg_map_pointer(&p->packed, value);
    if (symbol)
        return symbol->value;
    symbol = lg_symbol_new(p->module, LG_ROLE_PACKED, packed_name(p, value), value->type);
    symbol->where = where;
    lg_value *operands[] = {symbol->value, copy_to_pack(p, value)};
    lg_build(pack_function(p), NULL, LG_OP_write, 2, operands, 0, NULL, NULL, where);
    lg_map_at(&p->packed, value)->as.pointer = symbol;
    p->ctx->changes++;
    return symbol->value;
}

// Is it made by @pack, seen from the func at hand?
static bool is_from_pack(const packer *p, const lg_value *value)
{
    if (value->kind == LG_VALUE_RESULT)
        return !lg_map_number(&p->stays, value);
    return is_packable_symbol(p, value);
}

// Lets `*use` of the func read what @pack makes; with `make` only sees to it that @pack does.
static void pack_use(packer *p, lg_value **use, lg_location where, bool make)
{
    if (!is_from_pack(p, *use))
        return;
    lg_value *packed = packed_value(p, *use, where);
    if (!make)
        *use = packed;
}

static void pack_one(packer *p, lg_function *f)
{
    p->written = (lg_map){.arena = p->ctx->scratch};
    LG_FOR_OPS (op, f)
        if (op->code == LG_OP_write)
            lg_map_at(&p->written, op->operands[0]->symbol)->as.number = 1;
    decide(p, f);
    // First everything is made: what is copied to @pack may contain ops that stay here too, with
    // the operands that they have now.
    for (int make = 1; make >= 0; make--) {
        LG_FOR_OPS (op, f) {
            if (op->result_count == 1 && !lg_map_number(&p->stays, op->results[0]))
                continue;
            for (int i = op->code == LG_OP_write; i < op->operand_count; i++)
                pack_use(p, &op->operands[i], op->where, make);
        }
        for (int i = 0; i < f->results.count; i++)
            pack_use(p, &f->results.items[i], f->where, make);
    }
    for (lg_op *op = f->last, *previous; op; op = previous) {
        previous = op->previous;
        if (op->result_count == 1 && !lg_map_number(&p->stays, op->results[0]))
            lg_op_remove(op);
    }
}

// ---- two funcs (of two batch sizes, say) want the same packed value: it is packed once

static void merge_writes(packer *p)
{
    lg_share_common(p->pack, p->ctx);
    lg_map by_value = {.arena = p->ctx->scratch};
    for (lg_op *op = p->pack->first, *next; op; op = next) {
        next = op->next;
        if (op->code != LG_OP_write || op->operands[0]->symbol->role != LG_ROLE_PACKED)
            continue;
        lg_value *mine = op->operands[0], *first = lg_map_pointer(&by_value, op->operands[1]);
        if (!first) {
            lg_map_at(&by_value, op->operands[1])->as.pointer = mine;
            continue;
        }
        LG_FOR_FUNCTIONS (f, p->module)
            if (f != p->pack)
                lg_replace_uses(f, mine, first);
        lg_op_remove(op);
        lg_symbol_remove(p->module, mine->symbol);
    }
}

bool lg_pass_prepack(lg_unit *unit, lg_pass_ctx *ctx)
{
    lg_arena *scratch = ctx->scratch;
    packer p = {.module = unit->module, .ctx = ctx};
    p.copies.arena = p.packed.arena = scratch;
    lg_function *existing = lg_module_function(unit->module, "pack");

    // @pack is made at the end of the list on the way.
    lg_function *last = unit->module->last;
    for (lg_function *f = unit->module->first; f; f = f == last ? NULL : f->next) {
        if (f->kind != LG_FUNC || f == existing)
            continue;
        int changes = ctx->changes;
        pack_one(&p, f);
        if (ctx->changes > changes)
            lg_drop_unused(f, scratch); // constants that only moved ops read
    }
    if (p.pack && ctx->changes > 0)
        merge_writes(&p);
    return true;
}
