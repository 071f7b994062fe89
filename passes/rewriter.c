// Lists of users are only ever appended to: an entry counts while its op is still linked and still
// has the value among its operands. So replacing a value costs as many steps as it has users.
#include "passes/rewriter.h"

#include <assert.h>
#include <string.h>

static bool is_linked(const lg_op *op)
{
    return op->function != NULL;
}

static bool has_operand(const lg_op *op, const lg_value *value)
{
    for (int i = 0; i < op->operand_count; i++)
        if (op->operands[i] == value)
            return true;
    return false;
}

static void note_user(lg_rewriter *r, const lg_value *value, lg_op *user)
{
    lg_map_entry *entry = lg_map_at(&r->users, value);
    if (!entry->as.pointer)
        entry->as.pointer = LG_NEW(r->ctx->scratch, lg_users);
    lg_users *users = entry->as.pointer;
    if (users->ops.count == 0 || users->ops.items[users->ops.count - 1] != user)
        LG_PUSH(r->ctx->scratch, &users->ops, user);
}

static void note_op(lg_rewriter *r, lg_op *op)
{
    for (int i = 0; i < op->operand_count; i++)
        note_user(r, op->operands[i], op);
}

static void queue(lg_rewriter *r, lg_op *op)
{
    lg_map_entry *entry = lg_map_at(&r->queued, op);
    if (entry->as.number)
        return;
    entry->as.number = 1;
    LG_PUSH(r->ctx->scratch, &r->work, op);
}

void lg_rewrite_begin(lg_rewriter *r, lg_pass_ctx *ctx, lg_function *function)
{
    *r = (lg_rewriter){.ctx = ctx, .function = function};
    r->users.arena = r->queued.arena = ctx->scratch;
    LG_FOR_OPS (op, function) {
        note_op(r, op);
        queue(r, op);
    }
}

lg_op *lg_rewrite_next(lg_rewriter *r)
{
    while (r->next < r->work.count) {
        lg_op *op = r->work.items[r->next++];
        lg_map_at(&r->queued, op)->as.number = 0;
        if (is_linked(op))
            return op;
    }
    return NULL;
}

lg_value *lg_rewrite_build(lg_rewriter *r, lg_op *at, lg_opcode code, int operand_count,
                           lg_value *const *operands, int attr_count, const lg_attr *attrs,
                           const lg_type *declared)
{
    lg_value *value = lg_build(r->function, at, code, operand_count, operands, attr_count, attrs,
                               declared, at->where);
    note_op(r, value->op);
    queue(r, value->op);
    return value;
}

bool lg_rewrite_is_result(const lg_rewriter *r, const lg_value *value)
{
    for (int i = 0; i < r->function->results.count; i++)
        if (r->function->results.items[i] == value)
            return true;
    return false;
}

lg_op_list lg_rewrite_users(lg_rewriter *r, const lg_value *value)
{
    lg_op_list list = {0};
    const lg_users *users = lg_map_pointer(&r->users, value);
    for (int i = 0; users && i < users->ops.count; i++) {
        lg_op *op = users->ops.items[i];
        bool seen = !is_linked(op) || !has_operand(op, value);
        for (int j = 0; j < list.count && !seen; j++)
            seen = list.items[j] == op;
        if (!seen)
            LG_PUSH(r->ctx->scratch, &list, op);
    }
    return list;
}

lg_op *lg_rewrite_single_user(lg_rewriter *r, const lg_value *value)
{
    lg_op_list users = lg_rewrite_users(r, value);
    if (users.count != 1 || lg_rewrite_is_result(r, value))
        return NULL;
    int uses = 0;
    for (int i = 0; i < users.items[0]->operand_count; i++)
        uses += users.items[0]->operands[i] == value;
    return uses == 1 ? users.items[0] : NULL;
}

static bool is_used(lg_rewriter *r, const lg_value *value)
{
    const lg_users *users = lg_map_pointer(&r->users, value);
    for (int i = 0; users && i < users->ops.count; i++)
        if (is_linked(users->ops.items[i]) && has_operand(users->ops.items[i], value))
            return true;
    return lg_rewrite_is_result(r, value);
}

void lg_rewrite_erase(lg_rewriter *r, lg_op *op)
{
    lg_op_list dying = {0};
    LG_PUSH(r->ctx->scratch, &dying, op);
    while (dying.count > 0) {
        lg_op *dead = dying.items[--dying.count];
        bool used = !is_linked(dead) || dead->code == LG_OP_write;
        for (int i = 0; i < dead->result_count && !used; i++)
            used = is_used(r, dead->results[i]);
        if (used)
            continue;
        lg_op_remove(dead);
        dead->function = NULL; // the mark that is_linked reads
        for (int i = 0; i < dead->operand_count; i++)
            if (dead->operands[i]->kind == LG_VALUE_RESULT)
                LG_PUSH(r->ctx->scratch, &dying, dead->operands[i]->op);
    }
}

void lg_rewrite_replace(lg_rewriter *r, lg_value *old, lg_value *new)
{
    assert(old != new && old->kind == LG_VALUE_RESULT);
    lg_op_list users = lg_rewrite_users(r, old);
    for (int i = 0; i < users.count; i++) {
        lg_op *user = users.items[i];
        for (int j = 0; j < user->operand_count; j++)
            if (user->operands[j] == old)
                user->operands[j] = new;
        note_user(r, new, user);
        queue(r, user);
    }
    for (int i = 0; i < r->function->results.count; i++)
        if (r->function->results.items[i] == old)
            r->function->results.items[i] = new;
    if (!new->name &&new->kind == LG_VALUE_RESULT)
        new->name = old->name;
    lg_rewrite_erase(r, old->op);
    r->ctx->changes++;
}

// ---- building blocks

lg_value *lg_rewrite_unary(lg_rewriter *r, lg_op *at, lg_opcode code, lg_value *a)
{
    return lg_rewrite_build(r, at, code, 1, &a, 0, NULL, NULL);
}

lg_value *lg_rewrite_binary(lg_rewriter *r, lg_op *at, lg_opcode code, lg_value *a, lg_value *b)
{
    return lg_rewrite_build(r, at, code, LG_OPERANDS(a, b), 0, NULL, NULL);
}

lg_value *lg_rewrite_reshape(lg_rewriter *r, lg_op *at, lg_value *a, int rank, const int64_t *dims)
{
    lg_type type = lg_type_make(a->type.dtype, rank, dims);
    if (lg_type_equal(&type, &a->type))
        return a;
    return lg_rewrite_build(r, at, LG_OP_reshape, 1, &a, 0, NULL, &type);
}

lg_value *lg_rewrite_transpose(lg_rewriter *r, lg_op *at, lg_value *a, const int64_t *perm)
{
    bool identity = true;
    for (int i = 0; i < a->type.rank; i++)
        identity &= perm[i] == i;
    if (identity)
        return a;
    lg_attr attr = lg_attr_ints(LG_ATTR_perm, a->type.rank, perm);
    return lg_rewrite_build(r, at, LG_OP_transpose, 1, &a, 1, &attr, NULL);
}

lg_value *lg_rewrite_broadcast(lg_rewriter *r, lg_op *at, lg_value *a, const lg_type *to)
{
    lg_type type = lg_type_make(a->type.dtype, to->rank, to->dims);
    if (lg_type_equal(&type, &a->type))
        return a;
    return lg_rewrite_build(r, at, LG_OP_broadcast, 1, &a, 0, NULL, &type);
}

lg_value *lg_rewrite_splat(lg_rewriter *r, lg_op *at, const lg_type *type, double value)
{
    lg_attr attr = lg_attr_number(LG_ATTR_value, value);
    return lg_rewrite_build(r, at, LG_OP_constant, 0, NULL, 1, &attr, type);
}

lg_value *lg_rewrite_concat(lg_rewriter *r, lg_op *at, int axis, int count, lg_value *const *values)
{
    if (count == 1)
        return values[0];
    lg_attr attr = lg_attr_int(LG_ATTR_axis, axis);
    return lg_rewrite_build(r, at, LG_OP_concat, count, values, 1, &attr, NULL);
}

lg_value *lg_rewrite_slice(lg_rewriter *r, lg_op *at, lg_value *a, int axis, int64_t start,
                           int64_t limit)
{
    if (start == 0 && limit == a->type.dims[axis])
        return a;
    int64_t from[LG_MAX_RANK] = {0}, to[LG_MAX_RANK];
    memcpy(to, a->type.dims, sizeof to);
    from[axis] = start;
    to[axis] = limit;
    lg_attr attrs[] = {lg_attr_ints(LG_ATTR_start, a->type.rank, from),
                       lg_attr_ints(LG_ATTR_limit, a->type.rank, to)};
    return lg_rewrite_build(r, at, LG_OP_slice, 1, &a, 2, attrs, NULL);
}

// ---- questions

lg_opcode lg_code_of(const lg_value *value)
{
    return value->kind == LG_VALUE_RESULT ? value->op->code : LG_OPCODE_COUNT;
}

bool lg_is_constant(const lg_value *value)
{
    return lg_code_of(value) == LG_OP_constant;
}

bool lg_is_splat(const lg_value *value, double *number)
{
    if (!lg_is_constant(value) || lg_op_attr(value->op, LG_ATTR_values))
        return false;
    *number = lg_op_number(value->op, LG_ATTR_value);
    return true;
}

void lg_mark_symbol_only(lg_map *map, const lg_function *function)
{
    LG_FOR_OPS (op, function) {
        bool marked = op->operand_count > 0 && op->result_count > 0 && op->code != LG_OP_call;
        bool has_symbol = false;
        for (int i = 0; i < op->operand_count; i++) {
            const lg_value *operand = op->operands[i];
            if (operand->kind == LG_VALUE_SYMBOL)
                lg_map_at(map, operand)->as.number = 1;
            bool operand_marked = lg_map_number(map, operand) != 0;
            marked &= operand_marked || lg_is_constant(operand);
            has_symbol |= operand_marked;
        }
        if (marked && has_symbol)
            lg_map_at(map, op->results[0])->as.number = 1;
    }
}

lg_packable lg_packable_of(const lg_function *function, lg_arena *scratch)
{
    lg_packable packable = {.weights.arena = scratch, .written.arena = scratch};
    LG_FOR_OPS (op, function)
        if (op->code == LG_OP_write)
            lg_map_at(&packable.written, op->operands[0]->symbol)->as.number = 1;
    lg_mark_symbol_only(&packable.weights, function);
    return packable;
}

bool lg_is_packable(const lg_packable *packable, const lg_value *value)
{
    if (value->kind == LG_VALUE_SYMBOL)
        return !lg_map_number(&packable->written, value->symbol);
    if (lg_is_constant(value))
        return true;
    if (!lg_map_number(&packable->weights, value))
        return false;
    for (int i = 0; i < value->op->operand_count; i++)
        if (!lg_is_packable(packable, value->op->operands[i]))
            return false;
    return true;
}

lg_op *lg_op_copy(lg_function *function, lg_op *before, const lg_op *op, lg_value *const *operands,
                  lg_diag *diag)
{
    const lg_type *declared = op->result_count ? &op->results[0]->type : NULL;
    lg_op *copy = lg_op_new(function, before, op->code, op->operand_count, operands, op->attr_count,
                            op->attrs, declared, op->where, diag);
    assert(copy);
    for (int i = 0; i < op->result_count; i++)
        copy->results[i]->name = op->results[i]->name;
    return copy;
}
