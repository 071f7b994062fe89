// recompute: values that wait long are computed again where they are wanted.
//
// needs `fused`; keeps everything. A step of training keeps what its backward half reads: an image
// a layer. Such a value can go if its kernel is called again right before the next use, with
// operands that are there then, or that in their turn are computed again (Chen et al., "Training
// deep nets with sublinear memory cost", 2016). Which values go, passes/residency.c finds.
//
//     %y = call @bn_relu(%z, %s)              %y = call @bn_relu(%z, %s)
//     %a = call @conv(%y, @w)                 %a = call @conv(%y, @w)
//     ...                              ->     ...                           (%y is not alive here)
//     %g = call @filter_grad(%y, %d)          %y2 = call @bn_relu(%z, %s)
//                                             %g = call @filter_grad(%y2, %d)
//
// Without a limit a few percent of the func's time are spent on that, which what is elementwise
// takes; funcs that need little memory are left alone. With a limit the func has to fit: workspace,
// symbols, arguments and results together, and what the plan will lose between them (`reserve`).
// The same kernel on the same operands gives the same bits, and the same operands they are as long
// as symbols have their old values: what updates small ones (a batch norm's averages) goes to the
// end of the func.
#include "passes/passes.h"
#include "passes/readers.h"
#include "passes/residency.h"
#include "passes/rewriter.h"

enum {
    KIBIBYTE = 1 << 10,
    MEBIBYTE = 1 << 20,
    SMALL_UPDATE = 100, // of the peak, one part of which may wait for the end of the func
    MOST_TIMES = 3,     // what is computed again may take, in times of the func
    HALVINGS = 8        // of the range in which the least memory for a budget is sought
};

// Of the time of calls made for others, tried in turn: with 1 values go that can be had on their
// own, with 0 what a value is made of is believed to be made anyway. Which is nearer to the truth
// hangs on the func and on how much is to go.
static const double chain_weights[] = {10, 3, 1, 0.3, 0.1, 0};

typedef struct recomputer {
    lg_pass_ctx *ctx;
    lg_function *function;
    lg_liveness live;
    lg_residency_problem *problem;
} recomputer;

// ---- small updates

// Are all results of the call written, and one to a state that other calls read?
static bool is_update(const lg_op *call, const lg_readers *readers)
{
    bool is_read = false;
    for (int i = 0; i < call->result_count; i++) {
        const lg_reader_list *list = lg_readers_of(readers, call->results[i]);
        if (list->count != 1 || list->items[0]->code != LG_OP_write)
            return false;
        const lg_value *symbol = list->items[0]->operands[0];
        is_read |= symbol->symbol->role == LG_ROLE_STATE &&
                   lg_readers_of(readers, symbol)->count > 2; // than the call and the write
    }
    return is_read;
}

static int64_t bytes_of(lg_value *const *values, int count)
{
    int64_t bytes = 0;
    for (int i = 0; i < count; i++)
        bytes += lg_type_bytes(&values[i]->type);
    return bytes;
}

static void delay_updates(lg_function *f, int64_t most_bytes, lg_arena *scratch)
{
    lg_readers readers = lg_readers_find(f, scratch);
    lg_reader_list updates = {0};
    LG_FOR_OPS (op, f)
        if (op->code == LG_OP_call && is_update(op, &readers) &&
            bytes_of(op->operands, op->operand_count) + bytes_of(op->results, op->result_count) <=
                most_bytes)
            LG_PUSH(scratch, &updates, op);
    for (int i = 0; i < updates.count; i++) {
        lg_op *call = updates.items[i];
        lg_op_move(call, NULL);
        for (int j = 0; j < call->result_count; j++)
            lg_op_move(lg_readers_of(&readers, call->results[j])->items[0], NULL);
    }
}

// ---- which calls

// The least time within the capacity; the peak is more than that if there is no way.
static lg_residency best_within(const recomputer *r, int64_t capacity, double most_time)
{
    lg_residency best = {.peak = INT64_MAX};
    for (size_t i = 0; i < sizeof chain_weights / sizeof *chain_weights; i++) {
        lg_residency found =
            lg_residency_within(r->problem, capacity, chain_weights[i], most_time, r->ctx->scratch);
        bool better = found.peak < best.peak;
        if (found.peak <= capacity && best.peak <= capacity)
            better = found.time < best.time;
        if (found.time <= most_time && better)
            best = found;
    }
    return best;
}

// The least memory, but for `least`, that costs no more time than the budget; all that is kept
// where there is none.
static lg_residency best_for(const recomputer *r, double budget, int64_t least)
{
    int64_t low = least, high = r->live.live[r->live.peak];
    lg_residency best = {.peak = high};
    for (int i = 0; i < HALVINGS && low < high; i++) {
        int64_t middle = low + (high - low) / 2;
        lg_residency found = best_within(r, middle, budget);
        if (found.peak <= middle) {
            best = found;
            high = middle;
        } else {
            low = middle;
        }
    }
    return best;
}

// ---- the func that makes them again

typedef struct copies {
    lg_map newest;  // value -> its last copy
    lg_map origins; // copy -> the value it stands for
} copies;

static lg_value *newest(const copies *c, lg_value *value)
{
    lg_value *origin = lg_map_pointer(&c->origins, value);
    lg_value *copy = lg_map_pointer(&c->newest, origin ? origin : value);
    return copy ? copy : value;
}

static void call_again(recomputer *r, copies *c, const lg_again *again)
{
    const lg_op *call = again->call;
    lg_value **operands = LG_NEW_ARRAY(r->ctx->scratch, lg_value *, call->operand_count + 1);
    for (int i = 0; i < call->operand_count; i++)
        operands[i] = newest(c, call->operands[i]);
    const lg_op *copy =
        lg_op_copy(r->function, r->live.steps[again->at], call, operands, r->ctx->diag);
    for (int i = 0; i < call->result_count; i++) {
        lg_value *value = call->results[i];
        const lg_block *block = lg_block_of(&r->live, value);
        if (!block || block->value != value || block->has_views)
            continue;
        lg_map_at(&c->newest, value)->as.pointer = copy->results[i];
        lg_map_at(&c->origins, copy->results[i])->as.pointer = value;
    }
    r->ctx->changes++;
}

static void apply(recomputer *r, const lg_residency *found)
{
    copies c = {.newest = {.arena = r->ctx->scratch}, .origins = {.arena = r->ctx->scratch}};
    for (int s = 0, next = 0; s < r->live.step_count; s++) {
        for (; next < found->again.count && found->again.items[next].at == s; next++)
            call_again(r, &c, &found->again.items[next]);
        lg_op *op = r->live.steps[s];
        for (int i = 0; i < op->operand_count; i++)
            op->operands[i] = newest(&c, op->operands[i]);
    }
}

// ---- the limit
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

static bool does_not_fit(const recomputer *r, int64_t peak, int64_t outside, int64_t limit)
{
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
    int64_t outside = bytes_outside(f, ctx->scratch);
    int64_t inside = limit - outside - lg_pass_option_of(ctx, "reserve") * KIBIBYTE;
    int64_t goal = inside > 0 ? inside : 0;
    if (limit <= 0)
        goal = lg_pass_option_of(ctx, "from") * MEBIBYTE;
    recomputer r = {.ctx = ctx, .function = f, .live = lg_liveness_of(f, ctx->scratch)};
    if (r.live.step_count == 0 || r.live.live[r.live.peak] <= goal)
        return true;
    delay_updates(f, r.live.live[r.live.peak] / SMALL_UPDATE, ctx->scratch);
    r.live = lg_liveness_of(f, ctx->scratch);
    double balance = (double)lg_pass_option_of(ctx, "balance");
    r.problem = lg_residency_problem_new(&r.live, balance, ctx->scratch);
    double most_time = lg_residency_time(r.problem) * MOST_TIMES;
    double budget = (double)lg_pass_option_of(ctx, "budget") / 100 * lg_residency_time(r.problem);
    lg_residency found = limit > 0 ? best_within(&r, goal, most_time) : best_for(&r, budget, goal);
    if (limit > 0 && found.peak > goal) {
        found = best_for(&r, most_time, goal);
        if (lg_pass_option_of(ctx, "strict"))
            return does_not_fit(&r, found.peak, outside, limit);
    }
    apply(&r, &found);
    return true;
}

bool lg_pass_recompute(lg_unit *unit, lg_pass_ctx *ctx)
{
    bool good = true;
    LG_FOR_FUNCTIONS (f, unit->module)
        if (f->kind == LG_FUNC)
            good = recompute(f, ctx) && good;
    return good;
}
