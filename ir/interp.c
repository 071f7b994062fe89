// Functions of the graph IR, evaluated: ops in order, calls followed, writes held back until the
// end. An intermediate lives in an arena of its own that goes with its last use, so that a network
// needs the memory of what is alive and not of all it ever computed.
#include "ir/interp_internal.h"

#include <assert.h>
#include <string.h>

// What a value of the function at hand holds; values find theirs by lg_value.id.
typedef struct slot {
    lg_array *array;
    lg_arena *own; // of the array, or NULL where somebody else owns it
    int uses;      // still to come
} slot;

typedef struct frame {
    lg_interpreter *in;
    slot *slots;
    lg_array *const *arguments;
} frame;

// Gradients may cost this much together: tests and checks of small functions, not of networks.
#define GRADIENT_BUDGET 2e10

// Gives every argument and result its slot, and returns the slots.
static slot *number_values(lg_arena *scratch, const lg_function *function)
{
    int count = 0;
    for (int i = 0; i < function->arguments.count; i++)
        function->arguments.items[i]->id = count++;
    LG_FOR_OPS (op, function) {
        for (int i = 0; i < op->result_count; i++)
            op->results[i]->id = count++;
    }
    slot *slots = LG_NEW_ARRAY(scratch, slot, count);
    LG_FOR_OPS (op, function) {
        for (int i = 0; i < op->operand_count; i++)
            if (op->operands[i]->kind != LG_VALUE_SYMBOL)
                slots[op->operands[i]->id].uses++;
    }
    for (int i = 0; i < function->results.count; i++)
        if (function->results.items[i]->kind != LG_VALUE_SYMBOL)
            slots[function->results.items[i]->id].uses++;
    return slots;
}

// The array of a value, or NULL after reporting a symbol that has none.
static lg_array *array_of(frame *f, const lg_value *value, lg_location where)
{
    if (value->kind != LG_VALUE_SYMBOL)
        return f->slots[value->id].array;
    lg_array *array = lg_environment_get(f->in->environment, value->symbol);
    if (!array)
        lg_error_at(f->in->diag, where, "@%s has no value", value->symbol->name);
    return array;
}

static void drop_use(frame *f, const lg_value *value)
{
    if (value->kind == LG_VALUE_SYMBOL)
        return;
    slot *s = &f->slots[value->id];
    if (--s->uses <= 0 && s->own) {
        lg_arena_free(s->own);
        *s = (slot){0};
    }
}

static lg_array *new_result(frame *f, const lg_value *value)
{
    slot *s = &f->slots[value->id];
    s->own = lg_arena_new();
    return s->array = lg_array_new(s->own, &value->type);
}

lg_array *lg_array_copy(lg_arena *arena, const lg_array *from)
{
    lg_array *copy = lg_array_new(arena, &from->type);
    memcpy(copy->data, from->data, sizeof(lg_number) * (size_t)lg_type_elements(&from->type));
    return copy;
}

static bool eval_call(frame *f, lg_arena *scratch, const lg_op *op, lg_array *const *operands)
{
    const lg_function *callee = lg_op_callee(op);
    lg_arena *arena = lg_arena_new();
    lg_array **results = LG_NEW_ARRAY(scratch, lg_array *, op->result_count);
    // The callee numbers its own values; ours are not in it.
    bool right = lg_interpret_function(f->in, callee, operands, arena, results);
    for (int i = 0; right && i < op->result_count; i++) {
        slot *s = &f->slots[op->results[i]->id];
        s->own = lg_arena_new();
        s->array = lg_array_copy(s->own, results[i]);
    }
    lg_arena_free(arena);
    return right;
}

static bool eval_gradient(frame *f, lg_arena *scratch, const lg_op *op, lg_array *const *operands)
{
    (void)scratch;
    return lg_interpret_gradient(f->in, op, f->arguments, operands[1],
                                 new_result(f, op->results[0]));
}

static bool eval_write(frame *f, lg_arena *scratch, const lg_op *op, lg_array *const *operands)
{
    (void)scratch;
    lg_environment_set(f->in->arena, &f->in->written, op->operands[0]->symbol,
                       lg_array_copy(f->in->arena, operands[1]));
    return true;
}

#define STEP_SOURCE(name) lg_interpret_op(scratch, op, operands, new_result(f, op->results[0]))
#define STEP_MOVEMENT(name) STEP_SOURCE(name)
#define STEP_REDUCTION(name) STEP_SOURCE(name)
#define STEP_CONTRACTION(name) STEP_SOURCE(name)
#define STEP_CONTROL(name) return eval_##name(f, scratch, op, operands)

static bool step(frame *f, lg_arena *scratch, const lg_op *op, lg_array *const *operands)
{
    switch (op->code) {
#define ELEMENTWISE(name, ...)                                                                     \
    case LG_OP_##name:                                                                             \
        STEP_SOURCE(name);                                                                         \
        break;
#define OP(name, class, ...)                                                                       \
    case LG_OP_##name:                                                                             \
        STEP_##class(name);                                                                        \
        break;
#include "ir/ops.def"
#undef ELEMENTWISE
#undef OP
    case LG_OPCODE_COUNT:
        assert(!"an op");
    }
    return true;
}

static bool run_op(frame *f, const lg_op *op)
{
    lg_arena *scratch = lg_arena_new();
    lg_array **operands = LG_NEW_ARRAY(scratch, lg_array *, op->operand_count);
    bool right = true;
    for (int i = 0; i < op->operand_count; i++) {
        // The symbol that a write names is not read.
        if (op->code == LG_OP_write && i == 0)
            continue;
        operands[i] = array_of(f, op->operands[i], op->where);
        right &= operands[i] != NULL;
    }
    right = right && step(f, scratch, op, operands);
    for (int i = 0; i < op->operand_count; i++)
        drop_use(f, op->operands[i]);
    for (int i = 0; right && i < op->result_count; i++) {
        f->slots[op->results[i]->id].uses++; // frees a result that nobody uses
        drop_use(f, op->results[i]);
    }
    lg_arena_free(scratch);
    return right;
}

static void free_slots(frame *f, const lg_function *function)
{
    LG_FOR_OPS (op, function) {
        for (int i = 0; i < op->result_count; i++)
            lg_arena_free(f->slots[op->results[i]->id].own);
    }
}

bool lg_interpret_function(lg_interpreter *in, const lg_function *function,
                           lg_array *const *arguments, lg_arena *arena, lg_array **results)
{
    lg_arena *scratch = lg_arena_new();
    frame f = {in, number_values(scratch, function), arguments};
    for (int i = 0; i < function->arguments.count; i++) {
        assert(lg_shape_equal(&arguments[i]->type, &function->arguments.items[i]->type));
        f.slots[function->arguments.items[i]->id].array = arguments[i];
    }
    bool right = true;
    for (const lg_op *op = function->first; op && right; op = op->next)
        right = run_op(&f, op);
    for (int i = 0; right && i < function->results.count; i++) {
        const lg_array *array = array_of(&f, function->results.items[i], function->where);
        if (array)
            results[i] = lg_array_copy(arena, array);
        else
            right = false;
    }
    free_slots(&f, function);
    lg_arena_free(scratch);
    return right;
}

bool lg_interpret(lg_arena *arena, const lg_function *function, lg_array *const *arguments,
                  lg_array **results, lg_environment *environment, lg_diag *diag)
{
    lg_interpreter in = {
        .arena = arena, .environment = environment, .budget = GRADIENT_BUDGET, .diag = diag};
    if (!lg_interpret_function(&in, function, arguments, arena, results))
        return false;
    for (int i = 0; i < in.written.symbols.count; i++)
        lg_environment_set(arena, environment, in.written.symbols.items[i],
                           in.written.arrays.items[i]);
    return true;
}

void lg_interpret_op(lg_arena *arena, const lg_op *op, lg_array *const *operands, lg_array *result)
{
    static lg_eval_fn *const rows[LG_OPCODE_COUNT] = {
#define EVAL_SOURCE(name) lg_eval_##name
#define EVAL_MOVEMENT(name) lg_eval_##name
#define EVAL_REDUCTION(name) lg_eval_##name
#define EVAL_CONTRACTION(name) lg_eval_##name
#define EVAL_CONTROL(name) NULL
#define ELEMENTWISE(name, ...) [LG_OP_##name] = lg_eval_elementwise,
#define OP(name, class, ...) [LG_OP_##name] = EVAL_##class(name),
#include "ir/ops.def"
#undef ELEMENTWISE
#undef OP
    };
    assert(rows[op->code]);
    rows[op->code](arena, op, operands, result);
}
