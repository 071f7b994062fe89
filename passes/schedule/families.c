// Results that hang on one op are computed in one loop, so that the op is computed once an element
// and operands can be overwritten; results that have nothing in common need not have one shape: a
// kernel of many of them updates many small parameters in one launch.
#include "passes/schedule/families.h"

// Another name of a single number, as broadcasts want it.
static bool is_number_reshape(const lg_op *op)
{
    return op->code == LG_OP_reshape && lg_type_elements(&op->results[0]->type) == 1;
}

// The op number `id` was reached from result `owner` - 1, or from none yet.
typedef struct search {
    int *owner;  // of ops, by id of their result
    int *family; // of results: the first of its family
} search;

static int first_of(const search *s, int result)
{
    while (s->family[result] != result)
        result = s->family[result];
    return result;
}

// All that `value` is made of belongs to the family of `result`, with whoever it belonged to.
static void claim(search *s, const lg_value *value, int result)
{
    if (value->kind != LG_VALUE_RESULT || is_number_reshape(value->op) ||
        lg_op_info_of(value->op->code)->class == LG_CLASS_SOURCE)
        return;
    int owner = s->owner[value->id];
    if (owner) {
        int a = first_of(s, owner - 1), b = first_of(s, result);
        s->family[a > b ? a : b] = a < b ? a : b;
        return;
    }
    s->owner[value->id] = result + 1;
    for (int i = 0; i < value->op->operand_count; i++)
        claim(s, value->op->operands[i], result);
}

static bool goes_by_elements(const lg_function *function)
{
    LG_FOR_OPS (op, function) {
        lg_op_class class = lg_op_info_of(op->code)->class;
        if (class != LG_CLASS_ELEMENTWISE && class != LG_CLASS_SOURCE && op->code != LG_OP_cast &&
            op->code != LG_OP_broadcast && !is_number_reshape(op))
            return false;
    }
    return true;
}

static bool lie_alike(const lg_value *a, const lg_value *b)
{
    return lg_shape_equal(&a->type, &b->type) && lg_layout_equal(a->type.layout, b->type.layout);
}

bool lg_families_find(const lg_function *function, lg_arena *scratch, lg_families *families)
{
    *families = (lg_families){0};
    int results = function->results.count, ids = function->arguments.count;
    if (!goes_by_elements(function))
        return false;
    LG_FOR_OPS (op, function)
        ids += op->result_count;
    search s = {LG_NEW_ARRAY(scratch, int, ids), LG_NEW_ARRAY(scratch, int, results)};
    for (int i = 0; i < results; i++)
        s.family[i] = i;
    for (int i = 0; i < results; i++)
        claim(&s, function->results.items[i], i);
    int *at = LG_NEW_ARRAY(scratch, int, results); // family of a first result
    for (int i = 0; i < results; i++) {
        const lg_value *value = function->results.items[i];
        int first = first_of(&s, i);
        if (first == i) {
            at[i] = families->count;
            LG_PUSH(scratch, families, (lg_family){0});
        }
        lg_family *family = &families->items[at[first]];
        if (family->count == LG_MAX_NEST_VALUES ||
            (family->count && !lie_alike(value, family->values[0])))
            return false;
        family->values[family->count++] = value;
    }
    return true;
}
