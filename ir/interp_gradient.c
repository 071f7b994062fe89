// The op `gradient` of the reference interpreter: central differences in f64. It knows no rule of
// differentiation, which makes it the judge of the pass that does. The second operand becomes an
// independent variable: one element of it moves a little to either side, and what of the function
// leads from there to the loss is evaluated again. That costs two evaluations an element, so there
// is a budget; it is for small functions.
//
// Where the loss itself hangs on a gradient, that one is differences as well, and steps are larger:
// an error of rounding e grows to e / step^order, while that of the formula is step^2.
#include "ir/interp_internal.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { MOST_ORDER = 3 };

// A value that is set from outside instead of computed.
typedef struct held {
    const lg_value *value;
    lg_array *array;
    const struct held *outer;
} held;

// One derivative: the values of the function by their id.
typedef struct derivative {
    lg_interpreter in; // with symbols that are held in its environment
    const lg_op *op;   // the gradient
    lg_array *const *arguments;
    const held *held;
    double step;
    bool *leads;      // to the loss
    bool *varies;     // with what is held innermost
    lg_array **fixed; // what does not vary, computed once
} derivative;

static bool differentiate(lg_interpreter *in, const lg_op *op, lg_array *const *arguments,
                          const lg_array *at, const held *outer, double step, lg_array *result);

static lg_array *held_array(const held *list, const lg_value *value)
{
    for (; list; list = list->outer)
        if (list->value == value)
            return list->array;
    return NULL;
}

static bool is_held(const derivative *d, const lg_op *op)
{
    return op->result_count == 1 && held_array(d->held, op->results[0]);
}

static bool has_mark(const bool *marks, const lg_op *op)
{
    for (int i = 0; i < op->result_count; i++)
        if (marks[op->results[i]->id])
            return true;
    return false;
}

static void mark_leads(derivative *d)
{
    const lg_value *loss = d->op->operands[0];
    if (loss->kind != LG_VALUE_SYMBOL)
        d->leads[loss->id] = true;
    for (const lg_op *op = d->op->previous; op; op = op->previous)
        for (int i = 0; has_mark(d->leads, op) && !is_held(d, op) && i < op->operand_count; i++)
            if (op->operands[i]->kind != LG_VALUE_SYMBOL)
                d->leads[op->operands[i]->id] = true;
}

// A call may read a symbol that is not among its operands.
static void mark_varies(derivative *d)
{
    const lg_value *variable = d->held->value;
    if (variable->kind != LG_VALUE_SYMBOL)
        d->varies[variable->id] = true;
    for (const lg_op *op = d->op->function->first; op != d->op; op = op->next) {
        bool varies = op->code == LG_OP_call && variable->kind == LG_VALUE_SYMBOL;
        for (int i = 0; i < op->operand_count; i++)
            varies |= op->operands[i] == variable ||
                      (op->operands[i]->kind != LG_VALUE_SYMBOL && d->varies[op->operands[i]->id]);
        for (int i = 0; i < op->result_count && !is_held(d, op); i++)
            d->varies[op->results[i]->id] = varies;
    }
}

static lg_array *array_of(const derivative *d, lg_array *const *values, const lg_value *value)
{
    if (value->kind != LG_VALUE_SYMBOL)
        return values[value->id];
    lg_array *array = lg_environment_get(d->in.environment, value->symbol);
    if (!array)
        lg_error_at(d->in.diag, d->op->where, "@%s has no value", value->symbol->name);
    return array;
}

static bool evaluate_op(derivative *d, lg_arena *arena, const lg_op *op, lg_array **values)
{
    lg_array **operands = LG_NEW_ARRAY(arena, lg_array *, op->operand_count + 1);
    for (int i = 0; i < op->operand_count; i++)
        if (!(operands[i] = array_of(d, values, op->operands[i])))
            return false;
    if (op->code == LG_OP_call) {
        lg_array **results = LG_NEW_ARRAY(arena, lg_array *, op->result_count + 1);
        bool right = lg_interpret_function(&d->in, lg_op_callee(op), operands, arena, results);
        for (int i = 0; i < op->result_count; i++)
            values[op->results[i]->id] = results[i];
        return right;
    }
    lg_array *result = lg_array_new(arena, &op->results[0]->type);
    values[op->results[0]->id] = result;
    if (op->code == LG_OP_gradient)
        return differentiate(&d->in, op, d->arguments, operands[1], d->held, d->step, result);
    lg_interpret_op(arena, op, operands, result);
    return true;
}

// The ops that lead to the loss, those that vary or the others.
static bool evaluate(derivative *d, lg_arena *arena, bool varying, lg_array **values)
{
    for (const lg_op *op = d->op->function->first; op != d->op; op = op->next) {
        if (is_held(d, op) && d->leads[op->results[0]->id])
            values[op->results[0]->id] = held_array(d->held, op->results[0]);
        else if (has_mark(d->leads, op) && has_mark(d->varies, op) == varying &&
                 !evaluate_op(d, arena, op, values))
            return false;
    }
    return true;
}

// The loss with what is held as it is now.
static bool loss_of(derivative *d, int count, double *loss)
{
    lg_arena *arena = lg_arena_new();
    lg_array **values = LG_NEW_ARRAY(arena, lg_array *, count);
    memcpy(values, d->fixed, sizeof(lg_array *) * (size_t)count);
    bool right = evaluate(d, arena, true, values);
    if (right) {
        const lg_array *array = array_of(d, values, d->op->operands[0]);
        right = array != NULL;
        *loss = right ? array->data[0].f : 0;
    }
    lg_arena_free(arena);
    return right;
}

static int count_values(const lg_function *function)
{
    int count = function->arguments.count;
    LG_FOR_OPS (op, function)
        count += op->result_count;
    return count + 1;
}

static bool pay(derivative *d, int64_t elements)
{
    double work = 0;
    for (const lg_op *op = d->op->function->first; op != d->op; op = op->next)
        if (has_mark(d->leads, op) && has_mark(d->varies, op) && op->code != LG_OP_gradient)
            work += lg_op_flops(op) + (double)lg_type_elements(&op->results[0]->type);
    d->in.budget -= 2 * work * (double)elements;
    return d->in.budget >= 0 ||
           lg_error_at(d->in.diag, d->op->where,
                       "gradient: by %lld elements, %g operations each, is too much for the "
                       "reference interpreter",
                       (long long)elements, 2 * work);
}

static bool central_differences(derivative *d, int count, lg_array *variable, lg_array *result)
{
    int64_t elements = lg_type_elements(&variable->type);
    if (!pay(d, elements))
        return false;
    for (int64_t i = 0; i < elements; i++) {
        double at = variable->data[i].f, above, below;
        double step = d->step * fmax(fabs(at), 1);
        variable->data[i].f = at + step;
        if (!loss_of(d, count, &above))
            return false;
        variable->data[i].f = at - step;
        if (!loss_of(d, count, &below))
            return false;
        variable->data[i].f = at;
        result->data[i].f = (above - below) / (2 * step);
    }
    return true;
}

static void hold_arguments(derivative *d)
{
    const lg_function *function = d->op->function;
    for (int i = 0; i < function->arguments.count; i++) {
        lg_array *array = held_array(d->held, function->arguments.items[i]);
        d->fixed[function->arguments.items[i]->id] = array ? array : d->arguments[i];
    }
}

static bool depends(const derivative *d)
{
    const lg_value *loss = d->op->operands[0];
    return loss == d->held->value || (loss->kind == LG_VALUE_RESULT && d->varies[loss->id]);
}

static bool differentiate(lg_interpreter *in, const lg_op *op, lg_array *const *arguments,
                          const lg_array *at, const held *outer, double step, lg_array *result)
{
    lg_arena *arena = lg_arena_new();
    held variable = {op->operands[1], lg_array_copy(arena, at), outer};
    derivative d = {.in = *in, .op = op, .arguments = arguments, .held = &variable, .step = step};
    d.in.written = (lg_environment){0};
    lg_environment environment = lg_environment_copy(arena, in->environment);
    if (variable.value->kind == LG_VALUE_SYMBOL)
        lg_environment_set(arena, &environment, variable.value->symbol, variable.array);
    d.in.environment = &environment;
    d.in.arena = arena;
    int count = count_values(op->function);
    d.leads = LG_NEW_ARRAY(arena, bool, count);
    d.varies = LG_NEW_ARRAY(arena, bool, count);
    d.fixed = LG_NEW_ARRAY(arena, lg_array *, count);
    mark_leads(&d);
    mark_varies(&d);
    hold_arguments(&d);
    bool right = !depends(&d) || (evaluate(&d, arena, false, d.fixed) &&
                                  central_differences(&d, count, variable.array, result));
    in->budget = d.in.budget;
    lg_arena_free(arena);
    return right;
}

// How often derivatives are nested in what `loss` hangs on, itself not counted.
static int order_of(const lg_value *loss, int most)
{
    if (loss->kind != LG_VALUE_RESULT || most == 0)
        return 0;
    int order = 0;
    lg_arena *arena = lg_arena_new();
    bool *leads = LG_NEW_ARRAY(arena, bool, count_values(loss->op->function));
    leads[loss->id] = true;
    for (const lg_op *op = loss->op; op; op = op->previous) {
        if (!has_mark(leads, op))
            continue;
        if (op->code == LG_OP_gradient) {
            int inner = 1 + order_of(op->operands[0], most - 1);
            order = inner > order ? inner : order;
        }
        for (int i = 0; i < op->operand_count; i++)
            if (op->operands[i]->kind != LG_VALUE_SYMBOL)
                leads[op->operands[i]->id] = true;
    }
    lg_arena_free(arena);
    return order;
}

bool lg_interpret_gradient(lg_interpreter *in, const lg_op *op, lg_array *const *arguments,
                           const lg_array *at, lg_array *result)
{
    int order = 1 + order_of(op->operands[0], MOST_ORDER);
    if (order > MOST_ORDER)
        return lg_error_at(in->diag, op->where,
                           "gradient: derivatives beyond order %d are too rough as differences",
                           MOST_ORDER);
    double step = pow(DBL_EPSILON, 1.0 / (2 + order));
    return differentiate(in, op, arguments, at, NULL, step, result);
}
