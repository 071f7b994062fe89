// Staging: small groups that follow each other become one kernel of several stages, and updates of
// small tensors one kernel of several loops.
#include "passes/fuse_internal.h"

#include <stdlib.h>

enum {
    MOST_STAGED_UPDATES = 96,   // results of a kernel of several loops
    UPDATE_ELEMENTS = 64 << 10, // of a tensor that shares a kernel with others
};

typedef struct stage_budget {
    double flops;
    int64_t bytes;
} stage_budget;

// What a group needs as part of a staged kernel; false if it is no small one.
static bool is_small(const lg_fuser *f, const lg_group *g, double max_flops, stage_budget *needs)
{
    *needs = (stage_budget){0};
    for (int i = 0; i < g->ops.count; i++) {
        const lg_op *op = g->ops.items[i];
        const lg_type *type = &op->results[0]->type;
        lg_op_class class = lg_fuse_class(op);
        if (op->code == LG_OP_conv2d || op->code == LG_OP_conv2d_input_grad ||
            op->code == LG_OP_conv2d_filter_grad || op->code == LG_OP_winograd_conv2d ||
            op->code == LG_OP_winograd_filter || op->code == LG_OP_split ||
            op->code == LG_OP_split_conv2d || op->code == LG_OP_scatter_add)
            return false;
        if (type->rank == 4 && type->dims[1] * type->dims[2] > 1) // images have better loops
            return false;
        needs->flops += lg_op_flops(op);
        if (class != LG_CLASS_MOVEMENT && class != LG_CLASS_SOURCE)
            needs->bytes += lg_type_elements(type) * 4;
        for (int j = 0; j < op->operand_count; j++)
            if (lg_type_elements(&op->operands[j]->type) * 4 > f->ctx->target->tile_memory)
                return false;
    }
    return needs->flops <= max_flops / 2 && needs->bytes <= f->ctx->target->tile_memory;
}

// Gives `op` and its group a rank behind all that the group reads.
static void rank_unit(lg_fuser *f, const lg_op *op, int64_t *last)
{
    int own = lg_fuse_group_of(f, op);
    const lg_group *g = own >= 0 ? lg_fuse_group(f, own) : NULL;
    int count = g ? g->ops.count : 1;
    if (lg_map_number(&f->rank, op))
        return;
    for (int k = 0; k < count; k++) // so that nobody comes back; the number follows
        lg_map_at(&f->rank, g ? g->ops.items[k] : op)->as.number = INT64_MAX;
    for (int k = 0; k < count; k++) {
        const lg_op *member = g ? g->ops.items[k] : op;
        for (int i = 0; i < member->operand_count; i++)
            if (member->operands[i]->kind == LG_VALUE_RESULT)
                rank_unit(f, member->operands[i]->op, last);
    }
    ++*last;
    for (int k = 0; k < count; k++)
        lg_map_at(&f->rank, g ? g->ops.items[k] : op)->as.number = *last;
}

// Numbers groups, and ops that are in none, in an order in which they can run.
static void rank_all(lg_fuser *f)
{
    int64_t last = 0;
    LG_FOR_OPS (op, f->function)
        rank_unit(f, op, &last);
}

static int64_t rank_of(const lg_fuser *f, int group)
{
    const lg_group *g = lg_fuse_group(f, group);
    return g->ops.count ? lg_map_number(&f->rank, g->ops.items[0]) : 0;
}

typedef struct ranked_group {
    int group;
    int64_t rank;
} ranked_group;

static int earlier_first(const void *a, const void *b)
{
    const ranked_group *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return x->group - y->group;
}

// Updates of small tensors share kernels: nothing hangs on them, so that any may go together. They
// follow each other in the order in which gradients are made.
static bool stage_update(lg_fuser *f, int group, int *run, int *used)
{
    const lg_group *g = lg_fuse_group(f, group);
    int writes = f->ctx->target->kind == LG_TARGET_CPU ? lg_fuse_count_updates(f, g) : 0;
    if (!writes)
        return false;
    if (lg_type_elements(&g->ops.items[0]->results[0]->type) > UPDATE_ELEMENTS)
        return true;
    if (*run >= 0 && *used + writes <= MOST_STAGED_UPDATES) {
        lg_fuse_absorb(f, *run, group);
        *used += writes;
        f->ctx->changes++;
    } else {
        *run = group;
        *used = writes;
    }
    return true;
}

void lg_fuse_stage(lg_fuser *f, double max_flops)
{
    rank_all(f);
    int count = f->groups.count;
    ranked_group *order = LG_NEW_ARRAY(f->ctx->scratch, ranked_group, count + 1);
    for (int i = 0; i < count; i++)
        order[i] = (ranked_group){i, rank_of(f, i)};
    qsort(order, (size_t)count, sizeof *order, earlier_first);
    int run = LG_FUSE_NO_GROUP, updates = LG_FUSE_NO_GROUP, writes = 0;
    int64_t start = 0; // rank of its first group
    stage_budget used = {0};
    for (int i = 0; i < count; i++) {
        stage_budget needs;
        int group = order[i].group;
        if (!lg_fuse_group(f, group)->ops.count || stage_update(f, group, &updates, &writes))
            continue;
        if (!is_small(f, lg_fuse_group(f, group), max_flops, &needs)) {
            continue; // it may run beside; what hangs on it is kept apart by stays_acyclic
        }
        if (run >= 0 && used.flops + needs.flops <= max_flops &&
            used.bytes + needs.bytes <= f->ctx->target->tile_memory &&
            lg_fuse_stays_acyclic(f, run, group, start)) {
            lg_fuse_absorb(f, run, group);
            used.flops += needs.flops;
            used.bytes += needs.bytes;
            f->ctx->changes++;
        } else {
            run = group;
            start = order[i].rank;
            used = needs;
        }
    }
}
