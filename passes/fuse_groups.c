// Groups while they grow, and which of them have to run before others. A group is one kernel and
// runs as a whole: it hangs on all that any of its ops reads, and joining two groups must not make
// one that hangs on itself.
#include "passes/fuse_internal.h"

#include <assert.h>

lg_group *lg_fuse_group(const lg_fuser *f, int n)
{
    assert(f->groups.items && n >= 0 && n < f->groups.count);
    return &f->groups.items[n];
}

int lg_fuse_group_of(const lg_fuser *f, const lg_op *op)
{
    int64_t n = lg_map_number(&f->group_of, op);
    return n > 0 ? (int)n - 1 : n == 0 ? LG_FUSE_NO_GROUP : (int)n;
}

void lg_fuse_put(lg_fuser *f, lg_op *op, int group)
{
    lg_map_at(&f->group_of, op)->as.number = group >= 0 ? group + 1 : group;
    if (group >= 0)
        LG_PUSH(f->ctx->scratch, &lg_fuse_group(f, group)->ops, op);
}

void lg_fuse_absorb(lg_fuser *f, int into, int from)
{
    lg_group *g = lg_fuse_group(f, from);
    int count = g->ops.count;
    g->ops.count = 0;
    for (int i = 0; i < count; i++)
        lg_fuse_put(f, g->ops.items[i], into);
}

lg_op_class lg_fuse_class(const lg_op *op)
{
    return lg_op_info_of(op->code)->class;
}

bool lg_fuse_is_result(const lg_fuser *f, const lg_value *value)
{
    return lg_readers_is_returned(&f->readers, value);
}

// Does `op` hang on one of group `on`, through whatever lies between? A kernel runs as a whole: an
// op hangs on all that any op of its group reads. What has a rank (see rank_all) below `since` is
// known not to.
static bool hangs_on(const lg_fuser *f, const lg_op *op, int on, int64_t since, lg_map *seen)
{
    int own = lg_fuse_group_of(f, op);
    const lg_group *g = own >= 0 ? lg_fuse_group(f, own) : NULL;
    const void *unit = g ? (const void *)g : op;
    if ((since && lg_map_number(&f->rank, op) < since) || lg_map_number(seen, unit))
        return false;
    lg_map_at(seen, unit)->as.number = 1;
    for (int k = 0; k < (g ? g->ops.count : 1); k++) {
        const lg_op *member = g ? g->ops.items[k] : op;
        for (int i = 0; i < member->operand_count; i++) {
            if (member->operands[i]->kind != LG_VALUE_RESULT)
                continue;
            const lg_op *from = member->operands[i]->op;
            int group = lg_fuse_group_of(f, from);
            if (group == on || ((!g || group != own) && hangs_on(f, from, on, since, seen)))
                return true;
        }
    }
    return false;
}

bool lg_fuse_hangs(const lg_fuser *f, int from, int on)
{
    lg_map seen = {.arena = f->ctx->scratch};
    const lg_group *g = lg_fuse_group(f, from);
    return g->ops.count && hangs_on(f, g->ops.items[0], on, 0, &seen);
}

bool lg_fuse_stays_acyclic(const lg_fuser *f, int into, int from, int64_t since)
{
    lg_map seen = {.arena = f->ctx->scratch};
    const lg_group *g = lg_fuse_group(f, from);
    for (int i = 0; i < g->ops.count; i++)
        for (int j = 0; j < g->ops.items[i]->operand_count; j++) {
            const lg_value *v = g->ops.items[i]->operands[j];
            if (v->kind != LG_VALUE_RESULT || lg_fuse_group_of(f, v->op) == into ||
                lg_fuse_group_of(f, v->op) == from)
                continue;
            if (hangs_on(f, v->op, into, since, &seen))
                return false;
        }
    return true;
}
