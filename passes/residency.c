// A memory of a given size is a cache of values. Where the next result has no room, a value goes
// that is not wanted just now; when it is wanted, its call is made again, and before that whatever
// makes its operands, if they are gone as well. After Kirisame et al., "Dynamic tensor
// rematerialization" (2021), who do this while a program runs: of the values the one goes whose
// bytes lie idle for longest for the least time to get them back. Here the program is known, so
// that "idle" looks ahead, to the next use, instead of back.
//
//     memory        a           a b         b c         c a         a d
//     call     a = f(x)    b = g(a)    c = h(b)    a = f(x)    d = k(a, c)        room for two
//
// What is small is left alone: all that together takes a hundredth of the peak counts as always
// there. So do views and concats, of which several calls make parts, while they are alive.
#include "passes/residency.h"

#include <assert.h>
#include <stdlib.h>

enum {
    MOST_DEPTH = 2000, // of calls that are made again for one another; walks of them are recursive
    SMALL_PERCENT = 1, // of the peak, that all values left alone take together
    DEAD_WAIT = 4      // times of the func that pass before a value is read that nobody reads
};

typedef LG_LIST(int) ints;

typedef struct item {
    const lg_block *block;
    double time;  // of its call
    int deadline; // at steps before this one it can be made again
    bool may_go;
    ints uses; // steps, ascending
} item;

typedef struct touched {
    ints inputs, outputs; // items, each once
    double time, clock;   // of the step; of all before it
} touched;

struct lg_residency_problem {
    const lg_liveness *live;
    lg_arena *arena;
    double time;
    int item_count;
    item *items;
    touched *steps;
    int *item_of;  // block -> item, -1: left alone
    int64_t small; // bytes left alone
};

// ---- the problem

static int smaller_first(const void *a, const void *b)
{
    int64_t p = *(const int64_t *)a, q = *(const int64_t *)b;
    return p < q ? -1 : p > q;
}

// The most bytes that a block may have to be left alone.
static int64_t bound_of_small(lg_residency_problem *p)
{
    const lg_liveness *l = p->live;
    int64_t *bytes = LG_NEW_ARRAY(p->arena, int64_t, l->block_count + 1);
    for (int b = 0; b < l->block_count; b++)
        bytes[b] = l->blocks[b].bytes;
    qsort(bytes, (size_t)l->block_count, sizeof *bytes, smaller_first);
    int64_t most = l->live[l->peak] / 100 * SMALL_PERCENT, sum = 0;
    int b = 0;
    while (b < l->block_count && sum + bytes[b] <= most)
        sum += bytes[b++];
    return b < l->block_count ? bytes[b] - 1 : INT64_MAX; // of equal ones all or none
}

static void find_items(lg_residency_problem *p)
{
    const lg_liveness *l = p->live;
    int64_t bound = bound_of_small(p);
    p->items = LG_NEW_ARRAY(p->arena, item, l->block_count + 1);
    p->item_of = LG_NEW_ARRAY(p->arena, int, l->block_count + 1);
    for (int b = 0; b < l->block_count; b++) {
        const lg_block *block = &l->blocks[b];
        p->item_of[b] = -1;
        if (block->last < block->first)
            continue;
        if (block->bytes <= bound) {
            p->small += block->bytes;
            continue;
        }
        p->items[p->item_count] =
            (item){.block = block, .may_go = block->value && !block->has_views};
        p->item_of[b] = p->item_count++;
    }
}

static int item_of(const lg_residency_problem *p, const lg_value *value)
{
    const lg_block *block = lg_block_of(p->live, value);
    return block ? p->item_of[block - p->live->blocks] : -1;
}

static void add_once(lg_residency_problem *p, ints *list, int number)
{
    for (int i = 0; i < list->count; i++)
        if (list->items[i] == number)
            return;
    if (number >= 0)
        LG_PUSH(p->arena, list, number);
}

static void find_touched(lg_residency_problem *p, double balance)
{
    const lg_liveness *l = p->live;
    p->steps = LG_NEW_ARRAY(p->arena, touched, l->step_count + 1);
    for (int s = 0; s < l->step_count; s++) {
        const lg_op *op = l->steps[s];
        touched *t = &p->steps[s];
        t->clock = p->time;
        if (op->code == LG_OP_write)
            continue;
        for (int i = 0; i < op->operand_count; i++)
            add_once(p, &t->inputs, item_of(p, op->operands[i]));
        for (int i = 0; i < op->result_count; i++)
            add_once(p, &t->outputs, item_of(p, op->results[i]));
        for (int i = 0; i < t->inputs.count; i++)
            LG_PUSH(p->arena, &p->items[t->inputs.items[i]].uses, s);
        if (op->code == LG_OP_call)
            p->time += t->time = lg_call_time(op, balance);
    }
}

static int earlier(int a, int b)
{
    return a < b ? a : b;
}

// A value can be made again while the symbols that it is made of have their old values and what
// can't be made again is alive.
static void find_deadlines(lg_residency_problem *p)
{
    const lg_liveness *l = p->live;
    lg_map written = {.arena = p->arena}; // symbol -> step that makes its new value
    for (int s = 0; s < l->step_count; s++) {
        const lg_op *op = l->steps[s];
        if (op->code == LG_OP_write && op->operands[1]->kind == LG_VALUE_RESULT)
            lg_map_at(&written, op->operands[0]->symbol)->as.number =
                lg_map_number(&l->step_of, op->operands[1]->op) + 1;
    }
    int *depths = LG_NEW_ARRAY(p->arena, int, p->item_count + 1);
    for (int s = 0; s < l->step_count; s++) {
        const lg_op *op = l->steps[s];
        int deadline = l->step_count, depth = 0;
        for (int i = 0; i < op->operand_count; i++) {
            const lg_value *value = op->operands[i];
            int64_t maker =
                value->kind == LG_VALUE_SYMBOL ? lg_map_number(&written, value->symbol) : 0;
            deadline = maker ? earlier(deadline, (int)maker - 1) : deadline;
        }
        for (int i = 0; i < p->steps[s].inputs.count; i++) {
            int in = p->steps[s].inputs.items[i];
            const item *it = &p->items[in];
            deadline = earlier(deadline, it->may_go ? it->deadline : it->block->last + 1);
            depth = it->may_go && depths[in] > depth ? depths[in] : depth;
        }
        for (int i = 0; i < p->steps[s].outputs.count; i++) {
            int out = p->steps[s].outputs.items[i];
            p->items[out].deadline = deadline;
            p->items[out].time = p->steps[s].time;
            p->items[out].may_go &= depth < MOST_DEPTH;
            depths[out] = depth + 1;
        }
    }
}

lg_residency_problem *lg_residency_problem_new(const lg_liveness *live, double balance,
                                               lg_arena *arena)
{
    lg_residency_problem *p = LG_NEW(arena, lg_residency_problem);
    p->live = live;
    p->arena = arena;
    find_items(p);
    find_touched(p, balance);
    find_deadlines(p);
    return p;
}

double lg_residency_time(const lg_residency_problem *problem)
{
    return problem->time;
}

// ---- the run

typedef struct state {
    bool there;
    int place; // in the list of those that are there and may go
    int pins;  // calls under way that read it
    int next;  // in its uses
    int seen;  // by the walk of that number
} state;

typedef struct runner {
    const lg_residency_problem *p;
    lg_arena *arena;
    state *states; // of the items
    ints may_go;   // the items that are there and may go
    int64_t capacity, bytes;
    double chain, most_time;
    int now, walks;
    lg_residency found;
} runner;

static int last_use(const runner *r, int i)
{
    const ints *uses = &r->p->items[i].uses;
    return uses->count > 0 ? uses->items[uses->count - 1] : -1;
}

// The first step from now on that reads the item; the number of steps if none does.
static int next_use(runner *r, int i)
{
    const ints *uses = &r->p->items[i].uses;
    state *s = &r->states[i];
    while (s->next < uses->count && uses->items[s->next] < r->now)
        s->next++;
    return s->next < uses->count ? uses->items[s->next] : r->p->live->step_count;
}

// What it takes to make the item now, if it were gone.
static double time_of(runner *r, int i, double weight)
{
    state *s = &r->states[i];
    if (s->seen == r->walks)
        return 0;
    s->seen = r->walks;
    const item *it = &r->p->items[i];
    double time = it->time * weight;
    const touched *t = &r->p->steps[it->block->first];
    for (int j = 0; j < t->inputs.count && r->chain > 0; j++)
        if (!r->states[t->inputs.items[j]].there)
            time += time_of(r, t->inputs.items[j], r->chain);
    return time;
}

// Of the item: bytes that lie idle, times for how long, over what it takes to have them again; 0
// if they have to stay.
static double score_of(runner *r, int i)
{
    const lg_residency_problem *p = r->p;
    const item *it = &p->items[i];
    if (r->states[i].pins > 0)
        return 0;
    int next = next_use(r, i);
    double wait = DEAD_WAIT * p->time;
    if (next < p->live->step_count) {
        if (last_use(r, i) >= it->deadline)
            return 0;
        wait = p->steps[next].clock - p->steps[r->now].clock;
    }
    r->walks++;
    return (double)it->block->bytes * wait / (time_of(r, i, 1) + 1);
}

// The item that can best be done without, or -1.
static int least_wanted(runner *r)
{
    int found = -1;
    double most = 0;
    for (int k = 0; k < r->may_go.count; k++) {
        double score = score_of(r, r->may_go.items[k]);
        if (score > most) {
            most = score;
            found = r->may_go.items[k];
        }
    }
    return found;
}

static void come(runner *r, int i)
{
    state *s = &r->states[i];
    if (s->there)
        return;
    s->there = true;
    s->place = r->may_go.count;
    if (r->p->items[i].may_go)
        LG_PUSH(r->arena, &r->may_go, i);
}

static void let_go(runner *r, int i)
{
    state *s = &r->states[i];
    s->there = false;
    r->bytes -= r->p->items[i].block->bytes;
    if (!r->p->items[i].may_go)
        return;
    assert(r->may_go.items);
    int last = r->may_go.items[--r->may_go.count];
    r->may_go.items[s->place] = last;
    r->states[last].place = s->place;
}

static void make_room(runner *r, int64_t bytes)
{
    while (r->bytes + bytes > r->capacity) {
        int gone = least_wanted(r);
        if (gone < 0)
            break;
        let_go(r, gone);
    }
    r->bytes += bytes;
    r->found.peak = r->bytes > r->found.peak ? r->bytes : r->found.peak;
}

// An operand that nobody reads any more gives its memory to a result, if it can.
static void overwrite(runner *r, const lg_op *op, bool again)
{
    for (int o = 0; o < op->result_count && op->code == LG_OP_call; o++) {
        int out = item_of(r->p, op->results[o]);
        for (int i = 0; i < op->operand_count && out >= 0; i++) {
            int in = item_of(r->p, op->operands[i]);
            if (in < 0 || !r->states[in].there || r->states[in].pins != 1 ||
                !r->p->items[in].may_go || !lg_may_overwrite(op, i, op->results[o]))
                continue;
            if (last_use(r, in) < r->now + !again) {
                let_go(r, in);
                break;
            }
        }
    }
}

// The outputs get room; what a call makes again though it is there has it for the call only.
static void make_outputs(runner *r, const ints *outputs, bool again)
{
    int64_t bytes = 0, twice = 0;
    for (int o = 0; o < outputs->count; o++) {
        int out = outputs->items[o];
        if (!r->states[out].there || again)
            bytes += r->p->items[out].block->bytes;
        if (r->states[out].there && again)
            twice += r->p->items[out].block->bytes;
    }
    make_room(r, bytes);
    r->bytes -= twice;
    for (int o = 0; o < outputs->count; o++)
        come(r, outputs->items[o]);
}

static void run(runner *r, int step, bool again)
{
    const ints *inputs = &r->p->steps[step].inputs;
    for (int i = 0; i < inputs->count; i++) // none of them goes for another
        r->states[inputs->items[i]].pins++;
    for (int i = 0; i < inputs->count && r->found.time <= r->most_time; i++)
        if (!r->states[inputs->items[i]].there)
            run(r, r->p->items[inputs->items[i]].block->first, true);
    lg_op *op = r->p->live->steps[step];
    if (again) {
        r->found.time += r->p->steps[step].time;
        LG_PUSH(r->arena, &r->found.again, ((lg_again){r->now, op}));
    }
    overwrite(r, op, again);
    make_outputs(r, &r->p->steps[step].outputs, again);
    for (int i = 0; i < inputs->count; i++)
        r->states[inputs->items[i]].pins--;
}

// What may not go leaves when it is read for the last time.
static void end_step(runner *r, const ints *list)
{
    for (int i = 0; i < list->count; i++) {
        const item *it = &r->p->items[list->items[i]];
        if (!it->may_go && it->block->last == r->now && r->states[list->items[i]].there)
            let_go(r, list->items[i]);
    }
}

lg_residency lg_residency_within(const lg_residency_problem *problem, int64_t capacity,
                                 double chain, double most_time, lg_arena *arena)
{
    runner r = {.p = problem, .arena = arena, .capacity = capacity, .chain = chain};
    r.bytes = r.found.peak = problem->small;
    r.most_time = most_time;
    r.states = LG_NEW_ARRAY(arena, state, problem->item_count + 1);
    for (r.now = 0; r.now < problem->live->step_count && r.found.time <= most_time; r.now++) {
        run(&r, r.now, false);
        end_step(&r, &problem->steps[r.now].inputs);
        end_step(&r, &problem->steps[r.now].outputs);
    }
    return r.found;
}
