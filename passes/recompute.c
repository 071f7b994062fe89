// recompute: values that wait long are computed again where they are wanted.
//
// needs `fused`; keeps everything. A step of training keeps what its backward half reads: an image
// a layer. Where most is alive, a value that waits there without being read can go if its kernel is
// called again right before the next use, with operands that are there then, or that in their turn
// are computed again (Chen et al., "Training deep nets with sublinear memory cost", 2016). The
// values that give most bytes for their time go first.
//
//     %y = call @bn_relu(%z, %s)              %y = call @bn_relu(%z, %s)
//     %a = call @conv(%y, @w)                 %a = call @conv(%y, @w)
//     ...                              ->     ...                           (%y is not alive here)
//     %g = call @filter_grad(%y, %d)          %y2 = call @bn_relu(%z, %s)
//                                             %g = call @filter_grad(%y2, %d)
//
// Without a limit this goes on for a few percent of the func's time, which what is elementwise
// takes; funcs that need little memory are left alone. With a limit it goes on until the func fits:
// workspace, symbols, arguments and results together. The same kernel on the same operands gives
// the same bits.
#include "passes/liveness.h"
#include "passes/passes.h"
#include "passes/rewriter.h"

#include <math.h>

enum {
    MOST_DEPTH = 24, // of calls whose operands are computed again
    MOST_ROUNDS = 1000,
    LEAST_PART = 1024, // of the peak, that a value must be to be worth a call
    SMALL = 16,        // an operand of fewer bytes than the value by this factor may wait instead
    MEBIBYTE = 1 << 20
};

// A value of the func as it was, and the results that stand for it by now, in program order.
typedef struct instances {
    LG_LIST(lg_value *) values;
} instances;

typedef struct recomputer {
    lg_pass_ctx *ctx;
    lg_function *function;
    double balance, time_left;
    lg_map times;     // kernel -> what lg_call_time says of its calls, in bytes
    lg_map origin;    // copy -> the value it stands for
    lg_map instances; // value of the func as it was -> instances
    lg_arena *arena;  // of the round at hand
    lg_liveness live;
    lg_map made;    // value -> its copy of this round
    lg_map written; // symbol -> step that makes its new value
} recomputer;

static const lg_value *origin_of(const recomputer *r, const lg_value *value)
{
    const lg_value *origin = lg_map_pointer(&r->origin, value);
    return origin ? origin : value;
}

static int step_of(const recomputer *r, const lg_op *op)
{
    return (int)lg_map_number(&r->live.step_of, op);
}

static void look(recomputer *r)
{
    r->live = lg_liveness_of(r->function, r->arena);
    r->written = r->made = (lg_map){.arena = r->arena};
    LG_FOR_OPS (op, r->function)
        if (op->code == LG_OP_write && op->operands[1]->kind == LG_VALUE_RESULT)
            lg_map_at(&r->written, op->operands[0]->symbol)->as.number =
                step_of(r, op->operands[1]->op) + 1;
}

// ---- what computing again would cost

// The first step from `from` on that reads the value; -1 if none does.
static int next_use(const recomputer *r, const lg_value *value, int from)
{
    for (int s = from; s < r->live.step_count; s++)
        for (int i = 0; i < r->live.steps[s]->operand_count; i++)
            if (r->live.steps[s]->operands[i] == value)
                return s;
    return -1;
}

static bool is_there(const recomputer *r, const lg_value *value, int at, int64_t small)
{
    const lg_block *block = lg_block_of(&r->live, value);
    if (value->kind == LG_VALUE_SYMBOL) {
        int64_t written = lg_map_number(&r->written, value->symbol);
        return !written || written > at; // the old value
    }
    if (value->kind != LG_VALUE_RESULT)
        return true;
    if (!block) // returned or written: only the symbol's new value may be gone
        return step_of(r, value->op) < at;
    return block->first < at && (block->last >= at || block->bytes <= small);
}

// A copy of the value that is made at a later step than `at`, or NULL.
static lg_value *later_instance(const recomputer *r, const lg_value *value, int at)
{
    const instances *all = lg_map_pointer(&r->instances, origin_of(r, value));
    for (int i = 0; all && i < all->values.count; i++)
        if (step_of(r, all->values.items[i]->op) >= at)
            return all->values.items[i];
    return NULL;
}

static double call_time(const recomputer *r, const lg_op *call)
{
    return (double)lg_map_number(&r->times, lg_op_callee(call));
}

// Of the calls that make a value anew in front of a step.
typedef struct cost {
    double time;   // less that of calls that are saved; infinite if it can't be made
    int64_t bytes; // of all that they make
    lg_map seen;   // value -> 1: its call is counted
} cost;

static void add_cost(const recomputer *r, const lg_value *value, int at, int depth, cost *sum)
{
    const lg_block *block = lg_block_of(&r->live, value);
    if (depth == MOST_DEPTH || !block || block->value != value || block->has_views) {
        sum->time = INFINITY;
        return;
    }
    const lg_op *call = value->op;
    if (lg_map_number(&sum->seen, value))
        return;
    lg_map_at(&sum->seen, value)->as.number = 1;
    if (!later_instance(r, value, at))
        sum->time += call_time(r, call);
    for (int i = 0; i < call->result_count; i++)
        sum->bytes += lg_type_bytes(&call->results[i]->type);
    for (int i = 0; i < call->operand_count && sum->time < INFINITY; i++)
        if (!is_there(r, call->operands[i], at, block->bytes / SMALL))
            add_cost(r, call->operands[i], at, depth + 1, sum);
}

typedef struct candidate {
    lg_value *value;
    int at; // the step that wants it
    double time, score;
} candidate;

// Of the blocks that wait at the peak the one that gives most bytes for its time and does not make
// another peak as high, so that every round lowers something.
static candidate best_at_peak(const recomputer *r)
{
    candidate best = {.value = NULL};
    const lg_liveness *l = &r->live;
    for (int b = 0; b < l->block_count; b++) {
        const lg_block *block = &l->blocks[b];
        if (!block->value || block->has_views || block->first >= l->peak ||
            block->last <= l->peak || block->bytes < l->live[l->peak] / LEAST_PART)
            continue;
        int at = next_use(r, block->value, l->peak);
        if (at <= l->peak)
            continue;
        cost sum = {.seen = {.arena = r->arena}};
        add_cost(r, block->value, at, 0, &sum);
        candidate c = {(lg_value *)(uintptr_t)block->value, at, sum.time,
                       (double)block->bytes / (sum.time + 1)};
        int64_t more = sum.bytes - block->bytes; // while it is made
        bool lowers = more == 0 || l->live[at] + more < l->live[l->peak];
        bool better = !best.value || c.score > best.score ||
                      (c.score == best.score && c.at > best.at); // waits longer
        if (sum.time < INFINITY && lowers && better)
            best = c;
    }
    return best;
}

// ---- doing it

static instances *instances_of(recomputer *r, const lg_value *value)
{
    lg_map_entry *entry = lg_map_at(&r->instances, origin_of(r, value));
    if (!entry->as.pointer)
        entry->as.pointer = LG_NEW(r->ctx->scratch, instances);
    return entry->as.pointer;
}

// From `at` on uses of `old` become uses of `new`.
static void redirect(recomputer *r, const lg_value *old, lg_value *new, int at)
{
    for (int s = at; s < r->live.step_count; s++) {
        lg_op *op = r->live.steps[s];
        for (int i = 0; op && i < op->operand_count; i++)
            if (op->operands[i] == old)
                op->operands[i] = new;
    }
}

// The copy that was made for a later step is not needed any more.
static void drop_later(recomputer *r, instances *all, lg_value *new, int at)
{
    int kept = 0;
    for (int i = 0; i < all->values.count; i++) {
        lg_value *value = all->values.items[i];
        int step = step_of(r, value->op);
        if (step < at) {
            all->values.items[kept++] = value;
            continue;
        }
        redirect(r, value, new, at);
        r->live.steps[step] = NULL;
        lg_op_remove(value->op);
    }
    all->values.count = kept;
}

static lg_value *compute_again(recomputer *r, lg_value *value, int at)
{
    if (lg_map_pointer(&r->made, value))
        return lg_map_pointer(&r->made, value);
    const lg_op *call = value->op;
    int64_t small = lg_block_of(&r->live, value)->bytes / SMALL;
    lg_value **operands = LG_NEW_ARRAY(r->arena, lg_value *, call->operand_count + 1);
    for (int i = 0; i < call->operand_count; i++) {
        operands[i] = call->operands[i];
        if (!is_there(r, operands[i], at, small))
            operands[i] = compute_again(r, operands[i], at);
    }
    lg_op *copy = lg_op_copy(r->function, r->live.steps[at], call, operands, r->ctx->diag);
    lg_value *new = copy->results[value->index];
    instances *all = instances_of(r, value);
    lg_map_at(&r->made, value)->as.pointer = new;
    redirect(r, value, new, at);
    drop_later(r, all, new, at);
    LG_PUSH(r->ctx->scratch, &all->values, new);
    lg_map_at(&r->origin, new)->as.pointer = (void *)(uintptr_t)origin_of(r, value);
    r->ctx->changes++;
    return new;
}

static int64_t bytes_of(lg_value *const *values, int count)
{
    int64_t bytes = 0;
    for (int i = 0; i < count; i++)
        bytes += lg_type_bytes(&values[i]->type);
    return bytes;
}

// What the func needs besides its workspace: arguments, results, and the symbols that it names.
static int64_t bytes_outside(const lg_function *f, lg_arena *scratch)
{
    lg_map named = {.arena = scratch};
    int64_t bytes = bytes_of(f->arguments.items, f->arguments.count) +
                    bytes_of(f->results.items, f->results.count);
    LG_FOR_OPS (op, f)
        for (int i = 0; i < op->operand_count; i++) {
            const lg_value *value = op->operands[i];
            if (value->kind != LG_VALUE_SYMBOL || lg_map_number(&named, value))
                continue;
            lg_map_at(&named, value)->as.number = 1;
            bytes += lg_type_bytes(&value->type);
        }
    return bytes;
}

// One value; false when there is nothing left to do.
static bool round_of(recomputer *r, int64_t goal)
{
    look(r);
    candidate c = {.value = NULL};
    if (r->live.step_count > 0 && r->live.live[r->live.peak] > goal)
        c = best_at_peak(r);
    if (!c.value || c.time > r->time_left)
        return false;
    r->time_left -= c.time;
    compute_again(r, c.value, c.at);
    return true;
}

// Of all calls together.
static double find_times(recomputer *r)
{
    double sum = 0;
    LG_FOR_OPS (op, r->function) {
        if (op->code != LG_OP_call)
            continue;
        lg_map_entry *entry = lg_map_at(&r->times, lg_op_callee(op));
        if (!entry->as.number)
            entry->as.number = 1 + (int64_t)lg_call_time(op, r->balance);
        sum += (double)entry->as.number;
    }
    return sum;
}

static bool fits(const recomputer *r, int64_t goal, int64_t outside, int64_t limit)
{
    int64_t peak = r->live.step_count > 0 ? r->live.live[r->live.peak] : 0;
    if (peak <= goal)
        return true;
    return lg_error_at(r->ctx->diag, r->function->where,
                       "@%s does not fit into %lld MiB, even if all that can be is computed again: "
                       "it needs %lld MiB, %lld of them for weights, states, inputs and outputs",
                       r->function->name, (long long)(limit / MEBIBYTE),
                       (long long)((peak + outside + MEBIBYTE - 1) / MEBIBYTE),
                       (long long)(outside / MEBIBYTE));
}

static bool recompute(lg_function *f, lg_pass_ctx *ctx)
{
    int64_t limit = lg_pass_option_of(ctx, "limit") * MEBIBYTE;
    recomputer r = {.ctx = ctx, .function = f};
    r.balance = (double)lg_pass_option_of(ctx, "balance");
    r.times.arena = r.origin.arena = r.instances.arena = ctx->scratch;
    int64_t outside = bytes_outside(f, ctx->scratch);
    int64_t goal = lg_pass_option_of(ctx, "from") * MEBIBYTE;
    r.time_left = find_times(&r) * (double)lg_pass_option_of(ctx, "budget") / 100;
    if (limit > 0) {
        goal = limit > outside ? limit - outside : 0;
        r.time_left = INFINITY;
    }
    bool more = true, good = true;
    for (int round = 0; more; round++) {
        r.arena = lg_arena_new();
        more = round < MOST_ROUNDS && round_of(&r, goal);
        good = more || limit <= 0 || fits(&r, goal, outside, limit);
        lg_arena_free(r.arena);
    }
    return good;
}

bool lg_pass_recompute(lg_unit *unit, lg_pass_ctx *ctx)
{
    bool good = true;
    LG_FOR_FUNCTIONS (f, unit->module)
        if (f->kind == LG_FUNC)
            good = recompute(f, ctx) && good;
    return good;
}
