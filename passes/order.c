// order: calls that free memory come as early as they can.
//
// needs `fused`; keeps everything. The ops keep their order, but for those that leave no more
// memory in use than before them, because they read something for the last time or because their
// results go to symbols: they are drawn up to where their operands are there. In a step of training
// that is the optimizer, which so updates a filter right behind its gradient instead of behind all
// gradients. What writes a symbol stays behind those that stand before it and read the symbol's old
// value, or the old value would have to be copied.
//
//     %g1 = call @filter_grad(%x1, %d1)           %g1 = call @filter_grad(%x1, %d1)
//     %g0 = call @filter_grad(%x0, %d0)           %w1 = call @adam(@w1, %g1)
//     %w1 = call @adam(@w1, %g1)             ->   write @w1, %w1
//     write @w1, %w1                              %g0 = call @filter_grad(%x0, %d0)
#include "passes/liveness.h"
#include "passes/passes.h"

#include <string.h>

typedef LG_LIST(int) steps;

typedef struct orderer {
    lg_arena *scratch;
    lg_function *function;
    lg_liveness live;
    int *waits_for;    // of each step: how many others it has to wait for
    steps *waiting;    // of each step: which wait for it
    int *uses_left;    // of each block: steps that touch it and are not placed
    bool *begun;       // of each block: it has its memory
    bool *placed;      // of each step
    int changes, next; // `next`: first step not placed of the old order
} orderer;

static void wait(orderer *o, int step, int before)
{
    o->waits_for[step]++;
    LG_PUSH(o->scratch, &o->waiting[before], step);
}

// A step waits for what makes its operands, and a maker of what is written for the readers before.
static void find_edges(orderer *o)
{
    const lg_liveness *l = &o->live;
    lg_map readers = {.arena = o->scratch}; // symbol -> steps
    for (int s = 0; s < l->step_count; s++) {
        const lg_op *op = l->steps[s];
        for (int i = op->code == LG_OP_write; i < op->operand_count; i++) {
            const lg_value *value = op->operands[i];
            if (value->kind == LG_VALUE_RESULT)
                wait(o, s, (int)lg_map_number(&l->step_of, value->op));
            if (value->kind != LG_VALUE_SYMBOL)
                continue;
            lg_map_entry *entry = lg_map_at(&readers, value->symbol);
            if (!entry->as.pointer)
                entry->as.pointer = LG_NEW(o->scratch, steps);
            LG_PUSH(o->scratch, (steps *)entry->as.pointer, s);
        }
    }
    for (int s = 0; s < l->step_count; s++) {
        const lg_op *op = l->steps[s];
        if (op->code != LG_OP_write || op->operands[1]->kind != LG_VALUE_RESULT)
            continue;
        const steps *list = lg_map_pointer(&readers, op->operands[0]->symbol);
        int maker = (int)lg_map_number(&l->step_of, op->operands[1]->op);
        for (int i = 0; list && i < list->count; i++)
            if (list->items[i] < maker)
                wait(o, maker, list->items[i]);
    }
}

// The blocks that a step touches, each once, into `blocks`; returns their number.
static int blocks_of(const orderer *o, const lg_op *op, lg_block **blocks)
{
    int count = 0;
    for (int i = op->code == LG_OP_write; i < op->operand_count + op->result_count; i++) {
        const lg_value *value =
            i < op->operand_count ? op->operands[i] : op->results[i - op->operand_count];
        lg_block *block = op->code == LG_OP_write ? NULL : lg_block_of(&o->live, value);
        bool known = !block;
        for (int j = 0; j < count; j++)
            known |= blocks[j] == block;
        if (!known)
            blocks[count++] = block;
    }
    return count;
}

// Bytes more in use behind the step than before it.
static int64_t growth(const orderer *o, int s)
{
    const lg_op *op = o->live.steps[s];
    lg_block **blocks =
        LG_NEW_ARRAY(o->scratch, lg_block *, op->operand_count + op->result_count + 1);
    int64_t bytes = 0;
    for (int i = 0, count = blocks_of(o, op, blocks); i < count; i++) {
        int64_t b = blocks[i] - o->live.blocks;
        bytes += !o->begun[b] * blocks[i]->bytes;
        bytes -= (o->uses_left[b] == 1) * blocks[i]->bytes;
    }
    return bytes;
}

static void count_uses(orderer *o)
{
    for (int s = 0; s < o->live.step_count; s++) {
        const lg_op *op = o->live.steps[s];
        lg_block **blocks =
            LG_NEW_ARRAY(o->scratch, lg_block *, op->operand_count + op->result_count + 1);
        for (int i = 0, count = blocks_of(o, op, blocks); i < count; i++)
            o->uses_left[blocks[i] - o->live.blocks]++;
    }
}

static void put(orderer *o, int s)
{
    lg_op *op = o->live.steps[s];
    lg_block **blocks =
        LG_NEW_ARRAY(o->scratch, lg_block *, op->operand_count + op->result_count + 1);
    for (int i = 0, count = blocks_of(o, op, blocks); i < count; i++) {
        int64_t b = blocks[i] - o->live.blocks;
        o->begun[b] = true;
        o->uses_left[b]--;
    }
    while (o->next < o->live.step_count && o->placed[o->next])
        o->next++;
    o->changes += s != o->next;
    o->placed[s] = true;
    lg_op_move(op, NULL);
    for (int i = 0; i < o->waiting[s].count; i++)
        o->waits_for[o->waiting[s].items[i]]--;
}

// The step, and whatever then can be had for nothing. Only what waited for a step just placed, or
// reads what it read, can have become so: those that touch its blocks come with those that waited.
static void put_all(orderer *o, int first)
{
    steps work = {0};
    LG_PUSH(o->scratch, &work, first);
    for (int i = 0; i < work.count; i++) {
        int s = work.items[i];
        if (o->placed[s] || o->waits_for[s] > 0 || (i > 0 && growth(o, s) > 0))
            continue;
        put(o, s);
        for (int j = 0; j < o->waiting[s].count; j++)
            LG_PUSH(o->scratch, &work, o->waiting[s].items[j]);
        const lg_op *op = o->live.steps[s];
        for (int j = 0; j < op->operand_count; j++) {
            if (op->operands[j]->kind != LG_VALUE_RESULT)
                continue;
            const steps *with = &o->waiting[lg_map_number(&o->live.step_of, op->operands[j]->op)];
            for (int k = 0; k < with->count; k++)
                if (!o->placed[with->items[k]])
                    LG_PUSH(o->scratch, &work, with->items[k]);
        }
    }
}

static int order(lg_function *f, lg_arena *scratch)
{
    orderer o = {.scratch = scratch, .function = f, .live = lg_liveness_of(f, scratch)};
    int count = o.live.step_count;
    o.waits_for = LG_NEW_ARRAY(scratch, int, count + 1);
    o.waiting = LG_NEW_ARRAY(scratch, steps, count + 1);
    o.placed = LG_NEW_ARRAY(scratch, bool, count + 1);
    o.uses_left = LG_NEW_ARRAY(scratch, int, o.live.block_count + 1);
    o.begun = LG_NEW_ARRAY(scratch, bool, o.live.block_count + 1);
    find_edges(&o);
    count_uses(&o);
    for (int s = 0; s < count; s++)
        if (!o.placed[s])
            put_all(&o, s);
    return o.changes;
}

bool lg_pass_order(lg_unit *unit, lg_pass_ctx *ctx)
{
    LG_FOR_FUNCTIONS (f, unit->module)
        if (f->kind == LG_FUNC)
            ctx->changes += order(f, ctx->scratch);
    return true;
}
