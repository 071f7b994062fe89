// A module on random numbers. Numbers hang on names alone: a pass may add, drop and reorder
// functions, symbols and ops, and everything that is still there gets what it got before.
#include "passes/check_internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define MOST_FLOPS 2e9

static uint64_t hash_text(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325u; // FNV-1a
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return hash;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

lg_array *lg_check_argument(lg_arena *arena, const char *function, int index, const lg_type *type)
{
    lg_array *array = lg_array_new(arena, type);
    lg_array_randomize(array, hash_text(function) + (uint64_t)index * 0x9e3779b97f4a7c15u);
    return array;
}

lg_array *lg_check_symbol(lg_arena *arena, const char *name, const lg_type *type)
{
    lg_array *array = lg_array_new(arena, type);
    lg_array_randomize(array, hash_text(name));
    int64_t count = lg_type_elements(type);
    for (int64_t i = 0; ends_with(name, "running_var") && i < count; i++)
        array->data[i].f = fabs(array->data[i].f) + 0.5;
    return array;
}

static void record(lg_evaluation *e, const lg_function *f, const char *name, int result,
                   lg_array *array)
{
    lg_outcome outcome = {f->name, name, result, array};
    LG_PUSH(e->arena, &e->outcomes, outcome);
}

static bool run(lg_evaluation *e, const lg_function *f, lg_environment *environment, lg_diag *diag)
{
    int count = f->arguments.count;
    lg_array **arguments = LG_NEW_ARRAY(e->arena, lg_array *, count + 1);
    lg_array **results = LG_NEW_ARRAY(e->arena, lg_array *, f->results.count + 1);
    for (int i = 0; i < count; i++)
        arguments[i] = lg_check_argument(e->arena, f->name, i, &f->arguments.items[i]->type);
    if (!lg_interpret(e->arena, f, arguments, results, environment, diag))
        return false;
    for (int i = 0; i < f->results.count; i++)
        record(e, f, f->result_names.items[i], i, results[i]);
    return true;
}

bool lg_evaluation_run(lg_evaluation *e, lg_diag *diag)
{
    if (e->is_run)
        return true;
    e->is_run = true;
    LG_FOR_SYMBOLS (symbol, e->module)
        lg_environment_set(e->arena, &e->symbols, symbol,
                           lg_check_symbol(e->arena, symbol->name, &symbol->value->type));
    const lg_function *pack = lg_module_function(e->module, "pack");
    if (pack && !run(e, pack, &e->symbols, diag))
        return false;
    LG_FOR_FUNCTIONS (f, e->module) {
        if (f->kind != LG_FUNC || f == pack)
            continue;
        lg_environment mine = lg_environment_copy(e->arena, &e->symbols);
        if (!run(e, f, &mine, diag))
            return false;
        LG_FOR_OPS (op, f)
            if (op->code == LG_OP_write)
                record(e, f, op->operands[0]->symbol->name, -1,
                       lg_environment_get(&mine, op->operands[0]->symbol));
    }
    return true;
}

lg_evaluation *lg_evaluation_new(const lg_module *module, lg_diag *diag)
{
    double flops = 0;
    LG_FOR_FUNCTIONS (f, module)
        if (f->kind == LG_FUNC)
            flops += lg_function_flops(f);
    if (flops > MOST_FLOPS) {
        lg_error_at(diag, (lg_location){0},
                    "check-each: %.3g FLOPs are too many for the reference interpreter (at most "
                    "%.3g); check the model with smaller options, such as a smaller image",
                    flops, MOST_FLOPS);
        return NULL;
    }
    lg_arena *arena = lg_arena_new();
    lg_evaluation *e = LG_NEW(arena, lg_evaluation);
    e->arena = arena;
    e->module = lg_module_clone(module);
    return e;
}

void lg_evaluation_free(lg_evaluation *evaluation)
{
    if (!evaluation)
        return;
    lg_module_free(evaluation->module);
    lg_arena_free(evaluation->arena);
}

const lg_outcome *lg_evaluation_find(const lg_evaluation *evaluation, const char *function,
                                     const char *name, int result)
{
    for (int i = 0; i < evaluation->outcomes.count; i++) {
        const lg_outcome *outcome = &evaluation->outcomes.items[i];
        if (outcome->result == result && strcmp(outcome->function, function) == 0 &&
            (result >= 0 || strcmp(outcome->name, name) == 0))
            return outcome;
    }
    return NULL;
}

double lg_array_difference(const lg_array *a, const lg_array *b, double *relative)
{
    double largest = 0, most = 0;
    *relative = INFINITY;
    if (!lg_shape_equal(&a->type, &b->type) || a->type.dtype != b->type.dtype)
        return INFINITY;
    bool is_float = lg_dtype_is_float(a->type.dtype);
    int64_t count = lg_type_elements(&a->type);
    for (int64_t i = 0; i < count; i++) {
        double x = is_float ? a->data[i].f : (double)a->data[i].i;
        double y = is_float ? b->data[i].f : (double)b->data[i].i;
        if (x == y || (isnan(x) && isnan(y)))
            continue;
        if (!(fabs(x - y) <= most))
            most = isfinite(x) && isfinite(y) ? fabs(x - y) : INFINITY;
    }
    for (int64_t i = 0; i < count; i++) {
        double x = is_float ? a->data[i].f : (double)a->data[i].i;
        if (isfinite(x) && fabs(x) > largest)
            largest = fabs(x);
    }
    *relative = most == 0 ? 0 : largest > 0 ? most / largest : INFINITY;
    return most;
}
