// Which op is it? Every op of a func is evaluated on both sides of the pass, and values are matched
// by what they hold. Backwards from the result that differs, through ops whose value the other side
// does not have, lies all that a wrong rewrite touched; a right one leads back to values that both
// sides have. The first op in there is the smallest that shows the fault.
#include "passes/check_internal.h"
#include "passes/dce.h"
#include "passes/map.h"

#include <stdlib.h>
#include <string.h>

#define TOLERANCE 1e-9

// One side: the ops of a func with their values.
typedef struct side {
    const lg_evaluation *evaluation;
    const lg_function *function;
    lg_map arrays; // value -> lg_array
    LG_LIST(const lg_op *) ops;
} side;

static lg_array *array_of(const side *s, const lg_value *value)
{
    return value->kind == LG_VALUE_SYMBOL
               ? lg_environment_get(&s->evaluation->symbols, value->symbol)
               : lg_map_pointer(&s->arrays, value);
}

static void evaluate_op(lg_arena *arena, side *s, const lg_op *op)
{
    lg_array **operands = LG_NEW_ARRAY(arena, lg_array *, op->operand_count + 1);
    lg_array **results = LG_NEW_ARRAY(arena, lg_array *, op->result_count + 1);
    for (int i = 0; i < op->operand_count; i++)
        operands[i] = array_of(s, op->operands[i]);
    if (op->code == LG_OP_call) {
        lg_diag *unused = lg_diag_new();
        lg_environment environment = s->evaluation->symbols;
        lg_interpret(arena, lg_op_callee(op), operands, results, &environment, unused);
        lg_diag_free(unused);
    } else {
        results[0] = lg_array_new(arena, &op->results[0]->type);
        lg_interpret_op(arena, op, operands, results[0]);
    }
    for (int i = 0; i < op->result_count; i++)
        lg_map_at(&s->arrays, op->results[i])->as.pointer = results[i];
}

static bool has_gradients(const lg_evaluation *evaluation, const char *function)
{
    LG_FOR_OPS (op, lg_module_function(evaluation->module, function))
        if (op->code == LG_OP_gradient)
            return true;
    return false;
}

static side evaluate_side(lg_arena *arena, const lg_evaluation *evaluation, const char *function)
{
    side s = {.evaluation = evaluation, .arrays = {.arena = arena}};
    // What nothing hangs on would pass for a value that is still there.
    lg_function *mine = lg_module_function(evaluation->module, function);
    lg_drop_unused(mine, arena);
    s.function = mine;
    for (int i = 0; i < s.function->arguments.count; i++) {
        const lg_value *argument = s.function->arguments.items[i];
        lg_map_at(&s.arrays, argument)->as.pointer =
            lg_check_argument(arena, function, i, &argument->type);
    }
    LG_FOR_OPS (op, s.function) {
        if (op->code == LG_OP_write)
            continue;
        evaluate_op(arena, &s, op);
        LG_PUSH(arena, &s.ops, op);
    }
    return s;
}

static bool holds(const side *s, const lg_array *array)
{
    double relative;
    for (int i = 0; i < s->ops.count; i++)
        for (int j = 0; j < s->ops.items[i]->result_count; j++) {
            const lg_array *other = lg_map_pointer(&s->arrays, s->ops.items[i]->results[j]);
            if (lg_shape_equal(&other->type, &array->type)) {
                lg_array_difference(array, other, &relative);
                if (relative <= TOLERANCE)
                    return true;
            }
        }
    return false;
}

static bool is_known(const side *mine, const side *other, const lg_value *value)
{
    return value->kind != LG_VALUE_RESULT || holds(other, lg_map_pointer(&mine->arrays, value));
}

// The first op on the way to `value` that the other side has no value of.
static const lg_op *first_unknown(lg_arena *arena, const side *mine, const side *other,
                                  const lg_value *value)
{
    lg_map wanted = {.arena = arena};
    const lg_op *first = NULL;
    lg_map_at(&wanted, value)->as.number = 1;
    for (int i = mine->ops.count - 1; i >= 0; i--) {
        const lg_op *op = mine->ops.items[i];
        bool reached = false;
        for (int j = 0; j < op->result_count; j++)
            reached |= lg_map_number(&wanted, op->results[j]) &&
                       (op->results[j] == value || !is_known(mine, other, op->results[j]));
        if (!reached)
            continue;
        first = op;
        for (int j = 0; j < op->operand_count; j++)
            lg_map_at(&wanted, op->operands[j])->as.number = 1;
    }
    return first;
}

static const lg_value *value_of(const side *s, const lg_outcome *outcome)
{
    if (outcome->result >= 0)
        return s->function->results.items[outcome->result];
    LG_FOR_OPS (op, s->function)
        if (op->code == LG_OP_write && strcmp(op->operands[0]->symbol->name, outcome->name) == 0)
            return op->operands[1];
    return NULL;
}

static void note(const char *when, const lg_op *op, lg_diag *diag)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = op ? open_memstream(&text, &length) : NULL;
    if (!out)
        return;
    lg_print_op(op, out);
    fclose(out);
    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == ' '))
        text[--length] = '\0';
    lg_note_at(diag, op->where, "%s: %s", when, text + strspn(text, " "));
    free(text);
}

void lg_check_shrink(const lg_evaluation *before, const lg_evaluation *after,
                     const lg_outcome *outcome, lg_diag *diag)
{
    // A gradient is of the function around it, not an op to be evaluated alone.
    if (has_gradients(before, outcome->function) || has_gradients(after, outcome->function))
        return;
    lg_arena *arena = lg_arena_new();
    side was = evaluate_side(arena, before, outcome->function);
    side is = evaluate_side(arena, after, outcome->function);
    const lg_value *old = value_of(&was, outcome), *new = value_of(&is, outcome);
    if (old)
        note("the first op before it whose value is lost", first_unknown(arena, &was, &is, old),
             diag);
    if (new)
        note("the first op after it whose value is new", first_unknown(arena, &is, &was, new),
             diag);
    lg_arena_free(arena);
}
