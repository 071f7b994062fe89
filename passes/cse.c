// cse: an op that was computed before is computed once.
//
// needs nothing; keeps everything. Two ops are the same if opcode, operands, attributes and result
// types are; of a + b the order does not matter. Calls are pure, so they count too.
//
//     %0 = exp %x : f32[4]
//     %1 = exp %x : f32[4]
//     %2 = add %0, %1 : f32[4]      ->      %2 = add %0, %0 : f32[4]
//
// One walk in order: operands have been made common when an op is reached, so equal means same.
#include "passes/cse.h"

#include "passes/map.h"
#include "passes/passes.h"
#include "passes/rewriter.h"

#include <string.h>

static bool is_commutative(lg_opcode code)
{
    switch (code) {
    case LG_OP_add:
    case LG_OP_mul:
    case LG_OP_max:
    case LG_OP_min:
    case LG_OP_and:
    case LG_OP_or:
    case LG_OP_xor:
    case LG_OP_eq:
    case LG_OP_ne:
        return true;
    default:
        return false;
    }
}

// Numbers are the same if their bits are: 0 and -0 differ, a NaN is equal to itself.
static uint64_t number_bits(double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static bool same_attr(const lg_attr *a, const lg_attr *b)
{
    if (a->name != b->name)
        return false;
    switch (lg_attr_info_of(a->name)->kind) {
    case LG_KIND_INTS:
        return a->count == b->count &&
               memcmp(a->as.ints, b->as.ints, (size_t)a->count * sizeof(int64_t)) == 0;
    case LG_KIND_NUMBERS:
        if (a->count != b->count)
            return false;
        for (int i = 0; i < a->count; i++)
            if (number_bits(a->as.numbers[i]) != number_bits(b->as.numbers[i]))
                return false;
        return true;
    case LG_KIND_NUMBER:
        return number_bits(a->as.number) == number_bits(b->as.number);
    case LG_KIND_FUNCTION:
        return a->as.function == b->as.function;
    default:
        return a->as.integer == b->as.integer;
    }
}

bool lg_same_attrs(const lg_op *a, const lg_op *b)
{
    if (a->attr_count != b->attr_count)
        return false;
    for (int i = 0; i < a->attr_count; i++)
        if (!same_attr(&a->attrs[i], &b->attrs[i]))
            return false;
    return true;
}

static bool same_operands(const lg_op *a, const lg_op *b)
{
    if (a->operand_count != b->operand_count)
        return false;
    bool same = true;
    for (int i = 0; i < a->operand_count; i++)
        same &= a->operands[i] == b->operands[i];
    return same || (is_commutative(a->code) && a->operands[0] == b->operands[1] &&
                    a->operands[1] == b->operands[0]);
}

static bool same_op(const lg_op *a, const lg_op *b)
{
    if (a->code != b->code || a->result_count != b->result_count || !same_operands(a, b))
        return false;
    for (int i = 0; i < a->result_count; i++)
        if (!lg_type_equal(&a->results[i]->type, &b->results[i]->type))
            return false;
    return lg_same_attrs(a, b);
}

// Of the operands only their sum enters, so that a + b meets b + a.
static uint64_t hash_op(const lg_op *op, lg_map *numbers)
{
    uint64_t sum = 0;
    for (int i = 0; i < op->operand_count; i++) {
        lg_map_entry *entry = lg_map_at(numbers, op->operands[i]);
        if (entry->as.number == 0)
            entry->as.number = numbers->count;
        sum += (uint64_t)entry->as.number * 0x9e3779b97f4a7c15u;
    }
    uint64_t hash = (sum ^ (uint64_t)op->code) * 0xff51afd7ed558ccdu;
    for (int i = 0; i < op->attr_count; i++)
        if (lg_attr_info_of(op->attrs[i].name)->kind == LG_KIND_NUMBER)
            hash = (hash ^ number_bits(op->attrs[i].as.number)) * 0xff51afd7ed558ccdu;
    return hash ^ hash >> 29;
}

typedef struct chain {
    lg_op *op;
    struct chain *next;
} chain;

void lg_share_common(lg_function *function, lg_pass_ctx *ctx)
{
    enum { BUCKETS = 1024 };
    chain **buckets = LG_NEW_ARRAY(ctx->scratch, chain *, BUCKETS);
    lg_map numbers = {.arena = ctx->scratch};
    lg_rewriter r;
    lg_rewrite_begin(&r, ctx, function);
    for (lg_op *op = function->first, *next; op; op = next) {
        next = op->next;
        if (op->result_count == 0)
            continue;
        chain **bucket = &buckets[hash_op(op, &numbers) % BUCKETS];
        chain *c = *bucket;
        while (c && !same_op(c->op, op))
            c = c->next;
        if (c) {
            for (int i = 0; i < op->result_count; i++)
                lg_rewrite_replace(&r, op->results[i], c->op->results[i]);
            continue;
        }
        c = LG_NEW(ctx->scratch, chain);
        *c = (chain){op, *bucket};
        *bucket = c;
    }
}

bool lg_pass_cse(lg_unit *unit, lg_pass_ctx *ctx)
{
    LG_FOR_FUNCTIONS (f, unit->module)
        lg_share_common(f, ctx);
    return true;
}
