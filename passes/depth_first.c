// depth-first: chains of convolutions become one kernel each, computed strip by strip, so that the
// images between them never lie in memory.
//
// needs `no composites`; keeps everything. A chain is made of links, each a convolution and the
// elementwise ops behind it (bias, residual, ReLU); the next link's convolution is all that reads
// it. A bottleneck, 1x1 -> 3x3 -> 1x1 + residual, is one of three links. The schedule is in
// passes/schedule/depth_first.c; every result keeps its bits.
//
//     %0 = conv2d %x, @v : f32[1,64,64,64]
//     %1 = relu %0 : f32[1,64,64,64]
//     %2 = conv2d %1, @w {pad=[1,1]} : f32[1,64,64,64]
// becomes
//     %0 = call @conv2d(%x, @v, @w) : f32[1,64,64,64]
//
// A chain may be cut into several kernels; which cuts, a model of cost says for every one of them:
//   time    FLOPs, those again that two jobs of a fused kernel share; a 3x3 convolution of stride 1
//           on its own is cheaper by what Winograd saves, and one that the matrix unit takes by
//           what that saves; and `balance` FLOPs a byte for images
//           read from and written to memory. An image of less than `cache` KiB costs nothing; one
//           that is not written in place is read by the cache first.
//   memory  the most that is alive at once while the chain runs. A residual that is read nowhere
//           else can be overwritten, unless the same kernel reads more of it.
// `mode` 1 takes the least time. `mode` 2 takes the least memory where the network needs the most:
// the others get the least time within that. `mode` 3 fuses all of every chain.
#include "passes/schedule/depth_first.h"
#include "passes/matrix_unit.h"
#include "passes/outline.h"
#include "passes/passes.h"
#include "passes/rewriter.h"
#include "passes/winograd.h"

#include <assert.h>

enum { OFF, LEAST_TIME, LEAST_MEMORY, EVERYTHING };
enum { MAX_EPILOGUE = 16, MOST_STRIP_BYTES = 1536 << 10 };

// A convolution and what follows it element by element.
typedef struct link {
    lg_op *conv;
    lg_value *end;            // of the epilogue
    const lg_value *residual; // the image of the end's size that the epilogue reads, or NULL
    LG_LIST(lg_op *) ops;
    int before, after; // the links of its chain, -1: none
    bool matrix;       // the matrix unit takes the convolution where no chain has it
    double saved;      // the part of its time that goes there
} link;

// How the links of a chain are cut: bit i says that a kernel ends behind link i.
typedef struct chain {
    int first, count; // links from `first` on, by `after`
    unsigned cuts;    // chosen
} chain;

typedef struct estimate {
    double time; // FLOPs
    int64_t memory;
    bool possible;
} estimate;

typedef struct depth_first {
    lg_pass_ctx *ctx;
    lg_function *function;
    lg_packable packable;
    bool matrix; // the pass matrix-unit follows
    LG_LIST(link) links;
    LG_LIST(chain) chains;
    double balance, winograd;
    int64_t cache;
} depth_first;

// ---- links

static bool is_result(const lg_function *f, const lg_value *value)
{
    for (int i = 0; i < f->results.count; i++)
        if (f->results.items[i] == value)
            return true;
    return false;
}

// The only op that reads `value`, or NULL.
static lg_op *only_user(const lg_function *f, const lg_value *value)
{
    lg_op *found = NULL;
    if (is_result(f, value))
        return NULL;
    LG_FOR_OPS (op, f)
        for (int i = 0; i < op->operand_count; i++)
            if (op->operands[i] == value) {
                if (found)
                    return NULL;
                found = op;
            }
    return found;
}

// Is it the end of a convolution that could take what reads it into its own epilogue?
static bool ends_convolution(const lg_function *f, const lg_value *value)
{
    while (value->kind == LG_VALUE_RESULT && only_user(f, value)) {
        if (value->op->code == LG_OP_conv2d)
            return true;
        if (lg_op_info_of(value->op->code)->class != LG_CLASS_ELEMENTWISE)
            return false;
        value = value->op->operands[0];
    }
    return false;
}

// May the elementwise op `user` of `value` be part of the epilogue? Sets the residual it reads.
static bool joins(const depth_first *d, const lg_op *user, const lg_value *value, link *link)
{
    const lg_value *residual = link->residual;
    if (!user || lg_op_info_of(user->code)->class != LG_CLASS_ELEMENTWISE ||
        !lg_type_equal(&user->results[0]->type, &value->type) || link->ops.count >= MAX_EPILOGUE)
        return false;
    for (int i = 0; i < user->operand_count; i++) {
        const lg_value *operand = user->operands[i];
        if (operand == value || lg_is_duplicated(operand) || lg_code_of(operand) == LG_OP_broadcast)
            continue;
        if (residual || !lg_type_equal(&operand->type, &value->type) ||
            ends_convolution(d->function, operand))
            return false;
        residual = operand;
    }
    link->residual = residual;
    return true;
}

// Adds the op; a broadcast that it reads comes along, as a copy if others read it too.
static void add_op(depth_first *d, link *link, lg_op *op)
{
    for (int i = 0; i < op->operand_count; i++) {
        lg_value *operand = op->operands[i];
        if (lg_code_of(operand) != LG_OP_broadcast || lg_is_duplicated(operand))
            continue;
        lg_op *broadcast = operand->op;
        if (lg_count_uses(d->function, operand) > 1) {
            broadcast = lg_op_copy(d->function, op, broadcast, broadcast->operands, NULL);
            op->operands[i] = broadcast->results[0];
        }
        LG_PUSH(d->ctx->scratch, &link->ops, broadcast);
    }
    LG_PUSH(d->ctx->scratch, &link->ops, op);
}

static bool suits_winograd(const lg_op *conv)
{
    const lg_type *f = &conv->operands[1]->type;
    bool suits = f->dims[2] == 3 && f->dims[3] == 3;
    for (int i = 0; i < 2; i++)
        suits &= lg_op_int_at(conv, LG_ATTR_stride, i) == 1 &&
                 lg_op_int_at(conv, LG_ATTR_dilation, i) == 1;
    return suits;
}

// Computed by itself, what passes behind this one will do is cheaper than it would be in a chain.
static void find_saving(const depth_first *d, link *link)
{
    const lg_op *conv = link->conv;
    link->matrix = d->matrix && lg_is_packable(&d->packable, conv->operands[1]) &&
                   lg_matrix_unit_pays(conv, d->ctx->target, LG_MATRIX_PARTS);
    link->saved = suits_winograd(conv) ? d->winograd : 0;
    if (link->matrix)
        link->saved = 1 - lg_matrix_cycles(conv, d->ctx->target, LG_MATRIX_PARTS) /
                              lg_direct_cycles(conv, d->ctx->target);
}

static void find_link(depth_first *d, lg_op *conv)
{
    link link = {.conv = conv, .end = conv->results[0], .before = -1, .after = -1};
    const lg_value *filter = conv->operands[1];
    if (conv->results[0]->type.dtype != LG_F32 || lg_op_int(conv, LG_ATTR_groups) != 1 ||
        !lg_map_number(&d->packable.weights, filter))
        return;
    add_op(d, &link, conv);
    for (lg_op *user; (user = only_user(d->function, link.end)); link.end = user->results[0]) {
        if (!joins(d, user, link.end, &link))
            break;
        add_op(d, &link, user);
    }
    find_saving(d, &link);
    LG_PUSH(d->ctx->scratch, &d->links, link);
}

static void find_chains(depth_first *d)
{
    LG_FOR_OPS (op, d->function)
        if (op->code == LG_OP_conv2d)
            find_link(d, op);
    link *links = d->links.items;
    for (int i = 0; i < d->links.count; i++)
        for (int j = 0; j < d->links.count; j++)
            if (links[j].conv->operands[0] == links[i].end &&
                only_user(d->function, links[i].end) == links[j].conv) {
                links[i].after = j;
                links[j].before = i;
            }
    for (int i = 0; i < d->links.count; i++) {
        chain chain = {.first = i};
        for (int at = i; at >= 0 && links[i].before < 0; at = links[at].after)
            chain.count++;
        if (chain.count > 1)
            LG_PUSH(d->ctx->scratch, &d->chains, chain);
    }
}

// ---- cost

// The links of a chain in order.
static int links_of(const depth_first *d, const chain *c, link *links[LG_MAX_CHAIN])
{
    int count = 0;
    for (int at = c->first; at >= 0 && count < LG_MAX_CHAIN; at = d->links.items[at].after)
        links[count++] = &d->links.items[at];
    return count;
}

// The time of moving `count` times the bytes of an image.
static double moved(const depth_first *d, const lg_value *image, double count)
{
    double bytes = (double)lg_type_bytes(&image->type);
    return bytes < (double)d->cache ? 0 : d->balance * bytes * count;
}

// Is the image read after the link that reads it as a residual, or by others?
static bool is_wanted(const depth_first *d, const lg_value *image, link *const *links, int count)
{
    int own = 0;
    for (int i = 0; i < count; i++)
        own += (links[i]->conv->operands[0] == image) + (links[i]->residual == image);
    return image->kind != LG_VALUE_RESULT || lg_count_uses(d->function, image) > own;
}

// Adds the kernel of links [from, to] of `count` in the chain.
static void add_kernel(const depth_first *d, link *const *links, int count, int from, int to,
                       estimate *e)
{
    const lg_op *convs[LG_MAX_CHAIN];
    const lg_value *x = links[from]->conv->operands[0], *y = links[to]->end;
    const lg_value *start = links[0]->conv->operands[0], *residual = links[to]->residual;
    assert(x && start && "a convolution reads an image");
    for (int i = from; i <= to; i++) {
        convs[i - from] = links[i]->conv;
        e->time += lg_op_flops(links[i]->conv);
        if (i < to && links[i]->residual) // only the last may have one, to keep the model simple
            e->possible = false;
    }
    bool in_place = residual && residual != x && !is_wanted(d, residual, links, count);
    if (from == to) {
        in_place = residual && !is_wanted(d, residual, links, count) && (residual != x || from > 0);
        e->time -= lg_op_flops(links[to]->conv) * links[to]->saved;
    } else {
        lg_chain_plan plan = lg_chain_plan_of(convs, to - from + 1, d->ctx->target);
        e->time += plan.again;
        e->possible &= plan.bytes <= MOST_STRIP_BYTES;
    }
    e->time += moved(d, x, 1) + moved(d, y, in_place ? 1 : 2);
    if (residual && residual != x)
        e->time += moved(d, residual, 1);
    // The chain's image stays while it is a residual or wanted; the kernel's own, and its result.
    int64_t alive = lg_type_bytes(&x->type);
    bool stays = is_wanted(d, start, links, count);
    for (int i = from; i < count; i++)
        stays |= links[i]->residual == start;
    if (stays && start != x)
        alive += lg_type_bytes(&start->type);
    if (residual && residual != x && residual != start)
        alive += lg_type_bytes(&residual->type);
    alive += in_place ? 0 : lg_type_bytes(&y->type);
    e->memory = alive > e->memory ? alive : e->memory;
}

static estimate estimate_of(const depth_first *d, const chain *c, unsigned cuts)
{
    link *links[LG_MAX_CHAIN];
    int count = links_of(d, c, links), from = 0;
    estimate e = {.possible = true};
    for (int i = 0; i < count; i++) {
        if (i < count - 1 && !(cuts >> i & 1))
            continue;
        add_kernel(d, links, count, from, i, &e);
        from = i + 1;
    }
    return e;
}

// Every way to cut the chain: 0 is all in one, `last` every link on its own.
static unsigned all_cuts(const chain *c)
{
    return (1u << (c->count - 1)) - 1;
}

// The cuts of the least time within `memory`.
static unsigned fastest(const depth_first *d, const chain *c, int64_t memory)
{
    unsigned best = all_cuts(c);
    double time = estimate_of(d, c, best).time;
    bool fits = estimate_of(d, c, best).memory <= memory;
    for (unsigned cuts = 0; cuts < all_cuts(c); cuts++) {
        estimate e = estimate_of(d, c, cuts);
        if (!e.possible || e.memory > memory || (fits && e.time >= time))
            continue;
        fits = true;
        time = e.time;
        best = cuts;
    }
    return best;
}

static int64_t least_memory(const depth_first *d, const chain *c)
{
    int64_t least = estimate_of(d, c, all_cuts(c)).memory;
    for (unsigned cuts = 0; cuts < all_cuts(c); cuts++) {
        estimate e = estimate_of(d, c, cuts);
        least = e.possible && e.memory < least ? e.memory : least;
    }
    return least;
}

static unsigned fewest_cuts(const depth_first *d, const chain *c)
{
    for (unsigned cuts = 0; cuts < all_cuts(c); cuts++)
        if (estimate_of(d, c, cuts).possible)
            return cuts;
    return all_cuts(c);
}

static void choose_cuts(depth_first *d, int64_t mode)
{
    int64_t memory = mode == LEAST_MEMORY ? 0 : INT64_MAX;
    for (int i = 0; i < d->chains.count && mode == LEAST_MEMORY; i++) {
        int64_t least = least_memory(d, &d->chains.items[i]);
        memory = least > memory ? least : memory;
    }
    for (int i = 0; i < d->chains.count; i++) {
        chain *c = &d->chains.items[i];
        c->cuts = mode == EVERYTHING ? fewest_cuts(d, c) : fastest(d, c, memory);
    }
}

// ---- the pass

// A chain longer than a kernel may be counts as several.
static void split_long_chains(depth_first *d)
{
    for (int i = 0; i < d->chains.count; i++) {
        chain *c = &d->chains.items[i];
        if (c->count <= LG_MAX_CHAIN)
            continue;
        int at = c->first;
        for (int n = 1; n < LG_MAX_CHAIN; n++)
            at = d->links.items[at].after;
        chain rest = {.first = d->links.items[at].after, .count = c->count - LG_MAX_CHAIN};
        d->links.items[at].after = -1;
        c->count = LG_MAX_CHAIN;
        if (rest.count > 1)
            LG_PUSH(d->ctx->scratch, &d->chains, rest);
    }
}

// Outlines links [from, to], their ops in program order.
static void outline_links(depth_first *d, link *const *links, int from, int to)
{
    lg_map inside = {.arena = d->ctx->scratch};
    lg_group group = {0};
    for (int i = from; i <= to; i++)
        for (int j = 0; j < links[i]->ops.count; j++)
            lg_map_at(&inside, links[i]->ops.items[j])->as.number = 1;
    LG_FOR_OPS (op, d->function)
        if (lg_map_number(&inside, op))
            LG_PUSH(d->ctx->scratch, &group.ops, op);
    lg_outline(d->function, &group, NULL, d->ctx->scratch);
    d->ctx->changes++;
}

static void outline_chain(depth_first *d, const chain *c)
{
    link *links[LG_MAX_CHAIN];
    int count = links_of(d, c, links), from = 0;
    for (int i = 0; i < count; i++) {
        if (i < count - 1 && !(c->cuts >> i & 1))
            continue;
        if (i > from)
            outline_links(d, links, from, i);
        from = i + 1;
    }
}

// A sum with an image that only goes on into another sum would be left to the kernel of that one,
// and both images would wait for it. What masks a gradient waits for nothing new. For time alone a
// convolution is left to the matrix unit.
static void outline_sums(depth_first *d, int64_t mode)
{
    for (int i = 0; i < d->links.count; i++) {
        link *only = &d->links.items[i];
        const lg_op *user = only_user(d->function, only->end);
        bool elementwise = user && lg_op_info_of(user->code)->class == LG_CLASS_ELEMENTWISE;
        if (only->residual && elementwise && user->code != LG_OP_select && only->before < 0 &&
            !suits_winograd(only->conv) && (!only->matrix || mode != LEAST_TIME))
            outline_links(d, &only, 0, 0);
    }
}

bool lg_pass_depth_first(lg_unit *unit, lg_pass_ctx *ctx)
{
    int64_t mode = lg_pass_option_of(ctx, "mode");
    if (ctx->target->kind != LG_TARGET_CPU || mode == OFF)
        return true;
    LG_FOR_FUNCTIONS (function, unit->module) {
        if (function->kind != LG_FUNC)
            continue;
        depth_first d = {.ctx = ctx,
                         .function = function,
                         .packable = lg_packable_of(function, ctx->scratch),
                         .matrix = lg_pass_option_of(ctx, "matrix") != 0,
                         .balance = (double)lg_pass_option_of(ctx, "balance"),
                         .winograd = (double)lg_pass_option_of(ctx, "winograd") / 100,
                         .cache = lg_pass_option_of(ctx, "cache") << 10};
        find_chains(&d);
        split_long_chains(&d);
        choose_cuts(&d, mode);
        int changes = ctx->changes;
        for (int i = 0; i < d.chains.count; i++)
            outline_chain(&d, &d.chains.items[i]);
        outline_sums(&d, mode);
        if (ctx->changes > changes)
            lg_sort_ops(function, ctx->scratch);
    }
    return true;
}
