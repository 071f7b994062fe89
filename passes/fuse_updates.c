// What only updates symbols, as the step of an optimizer: all that is done to one parameter is one
// loop over it.
#include "passes/fuse_internal.h"

enum { MOST_UPDATES = 8 }; // results of a loop

static bool is_pointwise(const lg_op *op)
{
    return lg_fuse_class(op) == LG_CLASS_ELEMENTWISE || op->code == LG_OP_cast;
}

// Another name of a single number, for the broadcast that reads it.
static bool is_number_reshape(const lg_op *op)
{
    return op->code == LG_OP_reshape && lg_type_elements(&op->results[0]->type) == 1;
}

bool lg_fuse_is_in_loop(const lg_op *op, const lg_type *type)
{
    return is_number_reshape(op) || ((is_pointwise(op) || op->code == LG_OP_broadcast) &&
                                     lg_shape_equal(&op->results[0]->type, type));
}

int lg_fuse_count_updates(const lg_fuser *f, const lg_group *g)
{
    int writes = 0;
    for (int i = 0; i < g->ops.count; i++) {
        const lg_op *op = g->ops.items[i];
        if (lg_fuse_is_result(f, op->results[0]) ||
            !lg_fuse_is_in_loop(op, &g->ops.items[0]->results[0]->type))
            return 0;
        const lg_reader_list *readers = lg_readers_of(&f->readers, op->results[0]);
        for (int r = 0; r < readers->count; r++) {
            const lg_op *reader = readers->items[r];
            if (reader->code == LG_OP_write)
                writes++;
            else if (lg_fuse_group_of(f, reader) != lg_fuse_group_of(f, op))
                return 0;
        }
    }
    return writes;
}

int lg_fuse_join_updates(lg_fuser *f, const lg_op *op)
{
    const lg_reader_list *readers = lg_readers_of(&f->readers, op->results[0]);
    LG_LIST(int) groups = {0};
    int ops = 0, writes = 0;
    if (!is_pointwise(op) || f->ctx->target->kind != LG_TARGET_CPU ||
        lg_fuse_is_result(f, op->results[0]))
        return LG_FUSE_NO_GROUP;
    for (int i = 0; i < readers->count; i++) {
        const lg_op *reader = readers->items[i];
        int group = lg_fuse_group_of(f, reader);
        bool known = false;
        for (int j = 0; j < groups.count; j++)
            known |= groups.items[j] == group;
        writes += reader->code == LG_OP_write;
        if (known || reader->code == LG_OP_write)
            continue;
        int own = group < 0 ? 0 : lg_fuse_count_updates(f, lg_fuse_group(f, group));
        if (!own || !lg_shape_equal(&reader->results[0]->type, &op->results[0]->type))
            return LG_FUSE_NO_GROUP;
        ops += lg_fuse_group(f, group)->ops.count;
        writes += own;
        LG_PUSH(f->ctx->scratch, &groups, group);
    }
    if (!groups.count || ops >= 4 * f->max_ops || writes > MOST_UPDATES)
        return LG_FUSE_NO_GROUP;
    for (int i = 1; i < groups.count; i++)
        lg_fuse_absorb(f, groups.items[0], groups.items[i]);
    return groups.items[0];
}
