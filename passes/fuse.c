// fuse: every op of a func goes into a kernel, few kernels as possible.
//
// needs `no composites`; makes `fused`. Afterwards a func holds calls of kernels, `write`, and two
// ops that cost nothing: reshape of a value that lies in row-major order, and concat of images
// whose parts can be written where they belong (the layout pass sees to that).
//
// Groups grow from their results upwards: an op joins the group that reads it if all its uses are
// in that one group and the group can compute it element by element:
//   elementwise, movement   where no contraction of the group reads them
//   contraction             if everything between it and the results is elementwise (its epilogue)
//   reduction               if it leaves enough leading axes to run in parallel
// A contraction whose channels are sliced takes the groups of its slices with it (merged siblings).
// A contraction takes in only what its tiles can make: the schedule says which ranges of columns
// these are (lg_epilogue_suits), since all that does not fit would be plain loops.
// Sums of a convolution's result over its pixels end its kernel (global average pooling: the image
// is never written) or stand beside the result (batch statistics); the option `sums` says whether.
// Then runs of small groups are staged: one kernel, values between them in its own memory. That is
// how a block of the graph network, or the pooling (assignment, softmax, pooled features,
// adjacency), becomes one kernel.
//
//     %0 = conv2d %x, @w {pad=[1,1]} : f32[1,8,8,16]
//     %1 = broadcast @b : f32[1,8,8,16]
//     %2 = add %0, %1 : f32[1,8,8,16]
//     %3 = relu %2 : f32[1,8,8,16]
// becomes
//     %0 = call @conv2d(%x, @w, @b) : f32[1,8,8,16]
#include "passes/dce.h"
#include "passes/fuse_internal.h"
#include "passes/passes.h"
#include "passes/prologues.h"
#include "passes/rewriter.h"
#include "passes/schedule/epilogue.h"

// ---- growing

// The one group that all readers of the op's result are in, or LG_FUSE_NO_GROUP.
static int only_group(const lg_fuser *f, const lg_op *op)
{
    const lg_reader_list *readers = lg_readers_of(&f->readers, op->results[0]);
    if (lg_fuse_is_result(f, op->results[0]))
        return LG_FUSE_NO_GROUP;
    int group = LG_FUSE_NO_GROUP;
    for (int i = 0; i < readers->count; i++) {
        int own = lg_fuse_group_of(f, readers->items[i]);
        if (own < 0 || (group >= 0 && own != group))
            return LG_FUSE_NO_GROUP;
        group = own;
    }
    return group;
}

static bool is_image_concat(const lg_fuser *f, const lg_op *op)
{
    if (op->code != LG_OP_concat || f->ctx->target->kind != LG_TARGET_CPU ||
        op->results[0]->type.rank != 4 || lg_op_int(op, LG_ATTR_axis) != 3)
        return false;
    for (int i = 0; i < op->operand_count; i++) {
        const lg_value *part = op->operands[i];
        if (part->type.dims[3] % f->ctx->target->lanes || part->kind != LG_VALUE_RESULT ||
            part->type.dtype != LG_F32)
            return false;
        for (int j = 0; j < i; j++)
            if (op->operands[j] == part)
                return false;
        if (lg_fuse_is_result(f, part))
            return false;
    }
    return true;
}

static void new_group(lg_fuser *f, lg_op *op)
{
    LG_PUSH(f->ctx->scratch, &f->groups, (lg_group){0});
    lg_fuse_put(f, op, f->groups.count - 1);
}

// A reshape to an image behind a movement that has no other use (zeros between the elements of a
// gradient): as a kernel it makes the image in the layout that is wanted, a view could not.
static bool ends_movement(const lg_fuser *f, const lg_op *reshape)
{
    const lg_value *from = reshape->operands[0];
    return from->kind == LG_VALUE_RESULT && lg_fuse_class(from->op) == LG_CLASS_MOVEMENT &&
           from->op->code != LG_OP_reshape && from->op->code != LG_OP_scatter_add &&
           from->op->code != LG_OP_concat && reshape->results[0]->type.rank == 4 &&
           lg_readers_count(&f->readers, from) == 1;
}

static void place(lg_fuser *f, lg_op *op, bool fusing)
{
    if (lg_fuse_class(op) == LG_CLASS_CONTROL) {
        lg_fuse_put(f, op, LG_FUSE_VIEW);
        return;
    }
    if (lg_is_duplicated(op->results[0]) && !lg_fuse_is_result(f, op->results[0])) {
        lg_fuse_put(f, op, LG_FUSE_DUPLICATED);
        return;
    }
    int group = fusing ? only_group(f, op) : LG_FUSE_NO_GROUP;
    if (fusing && group < 0)
        group = lg_fuse_join_updates(f, op);
    if (group >= 0 && lg_fuse_may_join(f, op, lg_fuse_group(f, group))) {
        lg_fuse_put(f, op, group);
        return;
    }
    bool view = op->code == LG_OP_reshape && op->operands[0]->kind == LG_VALUE_RESULT &&
                !(fusing && ends_movement(f, op)) && !lg_is_duplicated(op->operands[0]) &&
                !lg_fuse_is_result(f, op->results[0]);
    if (view || (fusing && is_image_concat(f, op) && !lg_fuse_is_result(f, op->results[0])))
        lg_fuse_put(f, op, LG_FUSE_VIEW);
    else
        new_group(f, op);
}

// The ops of two groups.
static lg_group both(const lg_fuser *f, const lg_group *a, const lg_group *b)
{
    lg_group all = {0};
    for (int i = 0; i < a->ops.count + b->ops.count; i++)
        LG_PUSH(f->ctx->scratch, &all.ops,
                i < a->ops.count ? a->ops.items[i] : b->ops.items[i - a->ops.count]);
    return all;
}

// ---- slices of a contraction

// The groups of the slices of `op`, a contraction or the end of its epilogue, join it if its kernel
// can compute them.
static void take_slices(lg_fuser *f, lg_op *op)
{
    int own = lg_fuse_group_of(f, op);
    const lg_type *type = &op->results[0]->type;
    int64_t panel = lg_tile_panel(lg_tile_choose(f->ctx->target, type->dims[type->rank - 1]));
    LG_LIST(int) taken = {0};
    const lg_op *to = lg_fuse_contraction(op->results[0]);
    lg_group all = *lg_fuse_group(f, own);
    const lg_reader_list *readers = lg_readers_of(&f->readers, op->results[0]);
    for (int r = 0; r < readers->count; r++) {
        const lg_op *user = readers->items[r];
        int group = lg_fuse_group_of(f, user);
        if (!lg_fuse_is_channel_slice(user) || group < 0 || group == own)
            return; // somebody wants it whole
        lg_group rest = {0};
        const lg_group *g = lg_fuse_group(f, group);
        for (int i = 0; i < g->ops.count; i++)
            if (g->ops.items[i] != user)
                LG_PUSH(f->ctx->scratch, &rest.ops, g->ops.items[i]);
        if (!lg_fuse_is_epilogue(f, &rest, to, &user->results[0]->type))
            return;
        LG_PUSH(f->ctx->scratch, &taken, group);
        all = both(f, &all, g);
    }
    if (taken.count < 2 || taken.count > 4 || !lg_fuse_suits_tiles(f, to, op, &all, panel))
        return;
    for (int i = 0; i < taken.count; i++)
        for (int j = 0; j < taken.count; j++)
            if (i != j && (taken.items[i] == taken.items[j] ||
                           lg_fuse_hangs(f, taken.items[i], taken.items[j])))
                return;
    for (int i = 0; i < taken.count; i++)
        lg_fuse_absorb(f, own, taken.items[i]);
    f->ctx->changes++;
}

// ---- sums beside a result

// Does the group, which hangs on `value` alone, do nothing but sum elements made of it?
static bool is_sum_of(const lg_fuser *f, int group, const lg_value *value, const lg_op *to)
{
    const lg_group *g = lg_fuse_group(f, group);
    bool sums = false;
    for (int i = 0; i < g->ops.count; i++)
        sums |= lg_is_pixel_sum(g->ops.items[i]);
    return sums && lg_fuse_is_epilogue(f, g, to, &value->type);
}

// Do all that read `value` sum it?
static bool is_only_summed(const lg_fuser *f, const lg_value *value, const lg_op *to)
{
    const lg_reader_list *readers = lg_readers_of(&f->readers, value);
    for (int i = 0; i < readers->count; i++) {
        int group = lg_fuse_group_of(f, readers->items[i]);
        if (group < 0 || !is_sum_of(f, group, value, to))
            return false;
    }
    return !lg_fuse_is_result(f, value);
}

static bool reads_any_of(const lg_group *g, const lg_group *of)
{
    for (int i = 0; i < of->ops.count; i++)
        if (lg_is_pixel_sum(of->ops.items[i]) &&
            lg_fuse_is_read_in(g, of->ops.items[i]->results[0]))
            return true;
    return false;
}

// Can the kernel of `op` compute the group's sums, and what else it makes, beside its own results?
static bool suits_sums(const lg_fuser *f, int own, int group, const lg_op *op, const lg_op *to)
{
    lg_group all = both(f, lg_fuse_group(f, own), lg_fuse_group(f, group));
    if (to)
        return lg_fuse_suits_tiles(f, to, op, &all, 0);
    for (int i = 0; i < all.ops.count; i++)
        if (all.ops.items[i] != op && lg_fuse_is_column_slice(all.ops.items[i]))
            return false;
    return true;
}

// The groups that do nothing but sum the result of `op` join its group. It ends a convolution, or
// an elementwise chain that none can take.
static void take_sums(lg_fuser *f, lg_op *op)
{
    const lg_value *value = op->results[0];
    const lg_op *to = lg_fuse_convolution(f, value, false);
    if (to && !is_only_summed(f, value, to) && !lg_fuse_convolution(f, value, true))
        to = NULL;
    if (!to && (lg_fuse_class(op) != LG_CLASS_ELEMENTWISE || value->type.rank != 4))
        return;
    int own = lg_fuse_group_of(f, op), taken = 0;
    const lg_reader_list *readers = lg_readers_of(&f->readers, value);
    for (int i = 0; i < readers->count && taken < LG_MAX_EPILOGUE_RESULTS / 2; i++) {
        int group = lg_fuse_group_of(f, readers->items[i]);
        if (group < 0 || group == own || !is_sum_of(f, group, value, to) ||
            lg_fuse_group(f, own)->ops.count + lg_fuse_group(f, group)->ops.count >
                f->max_ops / 2 ||
            reads_any_of(lg_fuse_group(f, group), lg_fuse_group(f, own)) ||
            !suits_sums(f, own, group, op, to) || !lg_fuse_stays_acyclic(f, own, group, 0))
            continue;
        lg_fuse_absorb(f, own, group);
        taken++;
        f->ctx->changes++;
    }
}

static void number_ops(const lg_function *function, lg_map *position)
{
    int n = 0;
    LG_FOR_OPS (op, function)
        lg_map_at(position, op)->as.number = ++n;
}

// ---- the pass

static int compare_positions(const lg_map *position, const lg_op *a, const lg_op *b)
{
    return (int)(lg_map_number(position, a) - lg_map_number(position, b));
}

static void sort_group(const lg_map *position, lg_group *g)
{
    for (int i = 1; i < g->ops.count; i++) {
        lg_op *op = g->ops.items[i];
        int at = i;
        for (; at > 0 && compare_positions(position, g->ops.items[at - 1], op) > 0; at--)
            g->ops.items[at] = g->ops.items[at - 1];
        g->ops.items[at] = op;
    }
}

// A result of a func that no kernel makes (an argument, a symbol, a view, the same value twice),
// and a written value that no kernel makes, gets a kernel that copies.
static lg_value *copied(lg_function *function, lg_value *value, lg_op *before)
{
    return lg_build(function, before, LG_OP_relayout, LG_OPERANDS(value), 0, NULL, &value->type,
                    function->where);
}

static bool is_plain(const lg_value *value)
{
    return value->kind == LG_VALUE_RESULT && lg_fuse_class(value->op) != LG_CLASS_CONTROL &&
           value->op->code != LG_OP_reshape;
}

static void copy_results(lg_function *function, lg_arena *scratch)
{
    lg_readers readers = lg_readers_find(function, scratch);
    for (int i = 0; i < function->results.count; i++) {
        bool twice = false;
        for (int j = 0; j < i; j++)
            twice |= function->results.items[i] == function->results.items[j];
        if (twice || !is_plain(function->results.items[i]))
            function->results.items[i] = copied(function, function->results.items[i], NULL);
    }
    LG_FOR_OPS (op, function) {
        if (op->code != LG_OP_write)
            continue;
        bool shared = lg_readers_count(&readers, op->operands[1]) > 1;
        if (shared || !is_plain(op->operands[1]))
            op->operands[1] = copied(function, op->operands[1], op);
    }
}

// Is operand `i` of the op what reads its value first, or at all if it is returned too?
static bool is_first_reader(const lg_readers *readers, const lg_op *op, int i)
{
    const lg_value *value = op->operands[i];
    for (int j = 0; j < i; j++)
        if (op->operands[j] == value)
            return false;
    return lg_readers_of(readers, value)->items[0] == op && !lg_readers_is_returned(readers, value);
}

// A broadcast costs nothing where it is read and fills an image where it is not: each op that reads
// one has its own, the first of them the one that is there.
static void copy_broadcasts(lg_function *function, lg_arena *scratch)
{
    lg_readers readers = lg_readers_find(function, scratch);
    for (lg_op *op = function->last; op; op = op->previous)
        for (int i = 0; i < op->operand_count && op->code != LG_OP_write; i++) {
            const lg_value *value = op->operands[i];
            if (value->kind == LG_VALUE_RESULT && value->op->code == LG_OP_broadcast &&
                !is_first_reader(&readers, op, i))
                op->operands[i] =
                    lg_op_copy(function, op, value->op, value->op->operands, NULL)->results[0];
        }
}

static void fuse_function(lg_pass_ctx *ctx, lg_function *function)
{
    bool fusing = !lg_pass_option_of(ctx, "off");
    lg_fuser f = {.ctx = ctx, .function = function};
    f.group_of.arena = f.position.arena = f.rank.arena = f.prologue.arena = ctx->scratch;
    f.max_ops = lg_pass_option_of(ctx, "max-ops");
    f.sums = fusing && ctx->target->kind == LG_TARGET_CPU && lg_pass_option_of(ctx, "sums");
    lg_drop_unused(function, ctx->scratch);
    copy_results(function, ctx->scratch);
    if (fusing)
        copy_broadcasts(function, ctx->scratch);
    int64_t images = lg_pass_option_of(ctx, "prologue");
    if (fusing && images > 0 && ctx->target->kind == LG_TARGET_CPU) {
        ctx->changes += lg_copy_prologues(function, ctx->target, images, &f.prologue, ctx->scratch);
        lg_drop_unused(function, ctx->scratch);
    }
    number_ops(function, &f.position);
    f.readers = lg_readers_find(function, ctx->scratch);
    for (lg_op *op = function->last; op; op = op->previous) {
        place(&f, op, fusing);
        bool alone = lg_fuse_group_of(&f, op) >= 0 &&
                     lg_fuse_group(&f, lg_fuse_group_of(&f, op))->ops.count == 1;
        if (fusing && ctx->target->kind == LG_TARGET_CPU && alone &&
            lg_fuse_contraction(op->results[0]))
            take_slices(&f, op);
        if (f.sums && alone)
            take_sums(&f, op);
    }
    double stage_flops = (double)lg_pass_option_of(ctx, "stage-flops");
    if (fusing && stage_flops > 0)
        lg_fuse_stage(&f, stage_flops);
    for (int i = 0; i < f.groups.count; i++) {
        if (!lg_fuse_group(&f, i)->ops.count)
            continue;
        sort_group(&f.position, lg_fuse_group(&f, i));
        lg_outline(function, lg_fuse_group(&f, i), &f.readers, ctx->scratch);
        ctx->changes++;
    }
    lg_sort_ops(function, ctx->scratch);
    lg_drop_unused(function, ctx->scratch); // copies are in the kernels
}

static bool check_kernels(const lg_module *module, lg_diag *diag)
{
    bool ok = true;
    LG_FOR_FUNCTIONS (f, module)
        LG_FOR_OPS (op, f)
            if (lg_outline_fault(op))
                ok = lg_error_at(diag, op->where, "@%s: %s: %s", f->name,
                                 lg_op_info_of(op->code)->name, lg_outline_fault(op));
    return ok;
}

bool lg_pass_fuse(lg_unit *unit, lg_pass_ctx *ctx)
{
    if (!check_kernels(unit->module, ctx->diag))
        return false;
    LG_FOR_FUNCTIONS (function, unit->module)
        if (function->kind == LG_FUNC)
            fuse_function(ctx, function);
    return true;
}
