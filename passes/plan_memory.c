// plan-memory: where in the workspace every slot lies.
//
// needs `lowered`; makes `planned`. First, what can be is computed in place: a result that is read
// nowhere but where the same element of an operand is, takes the slot of that operand if nobody
// wants it any more (the residual of a bottleneck). Then slots are placed one after the other, each
// at the lowest offset where it meets none that is alive at the same time; of the orders largest
// first and two in which it counts, too, for how long a slot lives, the one that needs least is
// taken.
//
//     slot @t1 workspace 0 uses 0..1        slot @t1 workspace 0 uses 0..2
//     slot @t2 workspace 0 uses 1..2   ->   (t2 is t1)
//
// The option `in-place=0` keeps results apart, `reuse=0` gives every slot its own place.
#include "passes/in_place.h"
#include "passes/passes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

// ---- in place

static void replace_slot(lg_entry *entry, lg_kslot *old, lg_kslot *new)
{
    for (int i = 0; i < entry->launches.count; i++) {
        lg_launch *launch = &entry->launches.items[i];
        for (int j = 0; j < launch->slot_count; j++)
            if (launch->slots[j] == old)
                launch->slots[j] = new;
    }
    new->last_use = old->last_use;
    int kept = 0;
    for (int i = 0; i < entry->slots.count; i++)
        if (entry->slots.items[i] != old)
            entry->slots.items[kept++] = entry->slots.items[i];
    entry->slots.count = kept;
}

// Of the launch's operands one that result `r` may take the place of, or NULL.
static lg_kslot *overwritable(const lg_launch *launch, int at, int r)
{
    const lg_kernel *kernel = launch->kernel;
    for (int i = 0; i < launch->slot_count; i++) {
        lg_kslot *slot = launch->slots[i];
        if (kernel->params.items[i]->scope != LG_SCOPE_IN || slot->place != LG_PLACE_WORKSPACE ||
            slot->last_use != at || slot->first_use == at ||
            lg_type_bytes(&slot->type) != lg_type_bytes(&launch->slots[r]->type))
            continue;
        bool once = true; // also not under another name in the same launch
        for (int j = 0; j < launch->slot_count; j++)
            once &= j == i || launch->slots[j] != slot;
        if (once &&
            lg_kernel_may_overwrite(kernel, kernel->params.items[i], kernel->params.items[r]))
            return slot;
    }
    return NULL;
}

static void compute_in_place(lg_entry *entry, lg_pass_ctx *ctx)
{
    for (int at = 0; at < entry->launches.count; at++) {
        lg_launch *launch = &entry->launches.items[at];
        for (int r = 0; r < launch->slot_count; r++) {
            lg_kslot *result = launch->slots[r];
            if (launch->kernel->params.items[r]->scope != LG_SCOPE_OUT ||
                result->place != LG_PLACE_WORKSPACE || result->first_use != at)
                continue;
            lg_kslot *operand = overwritable(launch, at, r);
            if (!operand)
                continue;
            replace_slot(entry, result, operand);
            ctx->changes++;
        }
    }
}

// ---- offsets

// Orders in which slots are placed. None is best for all funcs; each compares by its weight, then
// by the first use.
typedef double slot_weight(double bytes, double steps);

static double bytes_alone(double bytes, double steps)
{
    (void)steps;
    return bytes;
}

static double area(double bytes, double steps)
{
    return bytes * steps;
}

static double area_of_large(double bytes, double steps)
{
    return bytes * bytes * steps;
}

static slot_weight *const weights[] = {bytes_alone, area, area_of_large};

typedef struct candidate {
    lg_kslot *slot;
    double weight;
} candidate;

static int heavier_first(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->weight != y->weight)
        return x->weight < y->weight ? 1 : -1;
    return x->slot->first_use - y->slot->first_use;
}

static bool alive_together(const lg_kslot *a, const lg_kslot *b)
{
    return a->first_use <= b->last_use && b->first_use <= a->last_use;
}

static int64_t extent(const lg_kslot *slot)
{
    return (lg_type_bytes(&slot->type) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

// The lowest gap among the placed slots, which are in order, that are alive with `slot`.
static int64_t lowest_gap(lg_kslot *const *placed, int count, const lg_kslot *slot, bool reuse)
{
    int64_t at = 0;
    for (int i = 0; i < count; i++) {
        if (reuse && !alive_together(placed[i], slot))
            continue;
        if (placed[i]->offset >= at + extent(slot))
            break;
        int64_t end = placed[i]->offset + extent(placed[i]);
        at = end > at ? end : at;
    }
    return at;
}

// Gives every slot its offset, the heavier first; returns the bytes of all together.
static int64_t place(candidate *candidates, int count, slot_weight *weight, lg_kslot **placed,
                     bool reuse)
{
    int64_t bytes = 0;
    for (int i = 0; i < count; i++) {
        const lg_kslot *slot = candidates[i].slot;
        candidates[i].weight =
            weight((double)extent(slot), (double)(slot->last_use - slot->first_use + 1));
    }
    qsort(candidates, (size_t)count, sizeof *candidates, heavier_first);
    for (int i = 0; i < count; i++) {
        lg_kslot *slot = candidates[i].slot;
        slot->offset = lowest_gap(placed, i, slot, reuse);
        int at = i;
        for (; at > 0 && placed[at - 1]->offset > slot->offset; at--)
            placed[at] = placed[at - 1];
        placed[at] = slot;
        int64_t end = slot->offset + extent(slot);
        bytes = end > bytes ? end : bytes;
    }
    return bytes;
}

static void assign_offsets(lg_entry *entry, lg_pass_ctx *ctx, bool reuse)
{
    int count = 0;
    candidate *candidates = LG_NEW_ARRAY(ctx->scratch, candidate, entry->slots.count + 1);
    lg_kslot **placed = LG_NEW_ARRAY(ctx->scratch, lg_kslot *, entry->slots.count + 1);
    for (int i = 0; i < entry->slots.count; i++)
        if (entry->slots.items[i]->place == LG_PLACE_WORKSPACE)
            candidates[count++].slot = entry->slots.items[i];
    slot_weight *best = NULL;
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++) {
        int64_t bytes = place(candidates, count, weights[i], placed, reuse);
        if (!best || bytes < entry->workspace) {
            best = weights[i];
            entry->workspace = bytes;
        }
    }
    place(candidates, count, best, placed, reuse);
}

bool lg_pass_plan_memory(lg_unit *unit, lg_pass_ctx *ctx)
{
    bool in_place = lg_pass_option_value(ctx, "in-place", 1);
    for (int i = 0; i < unit->program->entries.count; i++) {
        lg_entry *entry = unit->program->entries.items[i];
        if (in_place)
            compute_in_place(entry, ctx);
        assign_offsets(entry, ctx, lg_pass_option_value(ctx, "reuse", 1));
    }
    return true;
}
