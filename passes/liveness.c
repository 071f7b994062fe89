#include "passes/liveness.h"

// The value whose memory a chain of reshapes names.
static const lg_value *named_by_reshapes(const lg_value *value)
{
    while (value->kind == LG_VALUE_RESULT && value->op->code == LG_OP_reshape)
        value = value->op->operands[0];
    return value;
}

static bool is_returned(const lg_function *f, const lg_value *value)
{
    for (int i = 0; i < f->results.count; i++)
        if (f->results.items[i] == value)
            return true;
    return false;
}

static bool is_view(const lg_op *op)
{
    return op->code == LG_OP_reshape || op->code == LG_OP_concat;
}

// Numbers the blocks, wholes before their parts: from the last op to the first, every result gets
// the block that a view of it has, or a new one.
static void make_blocks(lg_liveness *l, const lg_function *f, const lg_map *elsewhere)
{
    for (const lg_op *op = f->last; op; op = op->previous) {
        for (int i = 0; i < op->result_count; i++) {
            const lg_value *value = op->results[i];
            if (lg_map_number(&l->block_of, value) || named_by_reshapes(value) != value ||
                lg_map_number(elsewhere, value))
                continue;
            lg_block made = {.value = op->code == LG_OP_call ? value : NULL,
                             .bytes = lg_type_bytes(&value->type),
                             .first = l->step_count,
                             .last = -1};
            l->blocks[l->block_count++] = made;
            lg_map_at(&l->block_of, value)->as.number = l->block_count;
        }
        if (op->code != LG_OP_concat)
            continue;
        int64_t whole = lg_map_number(&l->block_of, op->results[0]);
        for (int i = 0; i < op->operand_count; i++)
            lg_map_at(&l->block_of, named_by_reshapes(op->operands[i]))->as.number = whole;
    }
    LG_FOR_OPS (op, f) {
        lg_block *block = is_view(op) ? lg_block_of(l, op->results[0]) : NULL;
        if (block)
            block->has_views = true;
    }
}

static void touch(lg_liveness *l, const lg_value *value, int step)
{
    lg_block *block = lg_block_of(l, value);
    if (!block)
        return;
    block->first = step < block->first ? step : block->first;
    block->last = step > block->last ? step : block->last;
}

// Is the argument read element by element, as far as can be told before there are loops?
static bool is_read_elementwise(const lg_function *kernel, const lg_value *argument)
{
    LG_FOR_OPS (op, kernel)
        for (int i = 0; i < op->operand_count; i++)
            if (op->operands[i] == argument &&
                lg_op_info_of(op->code)->class != LG_CLASS_ELEMENTWISE)
                return false;
    return true;
}

bool lg_may_overwrite(const lg_op *call, int operand, const lg_value *result)
{
    const lg_function *kernel = lg_op_callee(call);
    return lg_type_equal(&call->operands[operand]->type, &result->type) &&
           is_read_elementwise(kernel, kernel->arguments.items[operand]);
}

// May the result, made at this step, take the place of an operand that is read for the last time?
static bool overwrites(const lg_liveness *l, const lg_op *call, const lg_value *result, int step)
{
    for (int i = 0; i < call->operand_count; i++) {
        const lg_block *block = lg_block_of(l, call->operands[i]);
        if (block && block->last == step && block->first < step && !block->has_views &&
            lg_may_overwrite(call, i, result))
            return true;
    }
    return false;
}

static void add_up(lg_liveness *l)
{
    int64_t *change = l->live, bytes = 0; // room for one step more
    for (int i = 0; i < l->block_count; i++) {
        const lg_block *block = &l->blocks[i];
        if (block->last < block->first)
            continue;
        change[block->first] += block->bytes;
        change[block->last + 1] -= block->bytes;
    }
    for (int step = 0; step < l->step_count; step++)
        l->live[step] = bytes += change[step];
    for (int i = 0; i < l->block_count; i++) {
        const lg_block *block = &l->blocks[i];
        if (block->value && overwrites(l, block->value->op, block->value, block->first))
            l->live[block->first] -= block->bytes;
    }
    for (int step = 0; step < l->step_count; step++)
        if (l->live[step] > l->live[l->peak])
            l->peak = step;
}

lg_liveness lg_liveness_of(const lg_function *f, lg_arena *arena)
{
    lg_liveness l = {.step_of = {.arena = arena}, .block_of = {.arena = arena}};
    lg_map elsewhere = {.arena = arena};
    int results = 0;
    LG_FOR_OPS (op, f) {
        lg_map_at(&l.step_of, op)->as.number = l.step_count++;
        results += op->result_count;
        for (int i = 0; i < op->result_count; i++)
            if (is_returned(f, op->results[i]))
                lg_map_at(&elsewhere, op->results[i])->as.number = 1;
        if (op->code == LG_OP_write)
            lg_map_at(&elsewhere, op->operands[1])->as.number = 1;
    }
    l.steps = LG_NEW_ARRAY(arena, lg_op *, l.step_count + 1);
    l.live = LG_NEW_ARRAY(arena, int64_t, l.step_count + 1);
    l.blocks = LG_NEW_ARRAY(arena, lg_block, results + 1);
    make_blocks(&l, f, &elsewhere);
    int step = 0;
    LG_FOR_OPS (op, f) {
        l.steps[step] = op;
        for (int i = 0; i < op->operand_count && op->code != LG_OP_write; i++)
            touch(&l, op->operands[i], step);
        for (int i = 0; i < op->result_count; i++)
            touch(&l, op->results[i], step);
        step++;
    }
    add_up(&l);
    return l;
}

lg_block *lg_block_of(const lg_liveness *l, const lg_value *value)
{
    int64_t number = lg_map_number(&l->block_of, named_by_reshapes(value));
    return number ? &l->blocks[number - 1] : NULL;
}

double lg_call_time(const lg_op *call, double balance)
{
    double bytes = 0, arithmetic = lg_op_flops(call) / balance;
    for (int i = 0; i < call->operand_count; i++)
        bytes += (double)lg_type_bytes(&call->operands[i]->type);
    for (int i = 0; i < call->result_count; i++)
        bytes += (double)lg_type_bytes(&call->results[i]->type);
    return bytes > arithmetic ? bytes : arithmetic;
}
