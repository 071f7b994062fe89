// Before and after every pass the numbers must be the same; a pass may reorder sums, so 1e-9 of
// the largest number is allowed, far below what a wrong value gives. Where gradients are still the
// interpreter's differences, more is: they have the rounding of the loss over a small step, also
// where the derivative is zero. Numbers in parts of bf16 are not quite what they were.
//
// What a module computes hangs on its text alone, and most passes leave most modules as they are:
// the interpreter runs where the text differs, and the module before only then.
#include "passes/check.h"

#include "passes/check_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define GRAPH_TOLERANCE 1e-9
#define GRADIENT_TOLERANCE 1e-5
#define PARTS_TOLERANCE 1e-5 // two parts of bf16 hold a number to 2^-17

// It lives in an arena of its own, which holds nothing else.
struct lg_check {
    lg_arena *arena;
    lg_evaluation *before;
    char *text; // of the module of `before`; from malloc
};

static char *text_of(const lg_module *module)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert(out);
    lg_print_module(module, out);
    fclose(out);
    return text;
}

lg_check *lg_check_begin(const lg_unit *unit, lg_diag *diag)
{
    lg_evaluation *evaluation = lg_evaluation_new(unit->module, diag);
    if (!evaluation)
        return NULL;
    lg_arena *arena = lg_arena_new();
    lg_check *check = LG_NEW(arena, lg_check);
    *check = (lg_check){arena, evaluation, text_of(unit->module)};
    return check;
}

bool lg_check_fault(const char *pass, const lg_outcome *outcome, double absolute, double relative,
                    lg_diag *diag)
{
    return lg_error_at(diag, (lg_location){0},
                       "pass `%s` changed what @%s computes: %s `%s` is off by %g (%g of its "
                       "largest number)",
                       pass, outcome->function, outcome->result < 0 ? "symbol" : "result",
                       outcome->name, absolute, relative);
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static double tolerance_of(const lg_module *module)
{
    LG_FOR_FUNCTIONS (f, module)
        LG_FOR_OPS (op, f)
            if (op->code == LG_OP_gradient)
                return GRADIENT_TOLERANCE;
            else if (op->code == LG_OP_split)
                return PARTS_TOLERANCE;
    return GRAPH_TOLERANCE;
}

static bool compare(const lg_evaluation *before, const lg_evaluation *after, const char *pass,
                    lg_diag *diag)
{
    double tolerance = larger(tolerance_of(before->module), tolerance_of(after->module));
    for (int i = 0; i < before->outcomes.count; i++) {
        const lg_outcome *was = &before->outcomes.items[i];
        const lg_outcome *is = lg_evaluation_find(after, was->function, was->name, was->result);
        double absolute, relative;
        if (!is)
            return lg_error_at(diag, (lg_location){0}, "pass `%s` lost %s `%s` of @%s", pass,
                               was->result < 0 ? "symbol" : "result", was->name, was->function);
        absolute = lg_array_difference(was->array, is->array, &relative);
        if (relative <= tolerance || (tolerance > GRAPH_TOLERANCE && absolute <= tolerance))
            continue;
        lg_check_fault(pass, was, absolute, relative, diag);
        lg_check_shrink(before, after, was, diag);
        return false;
    }
    return true;
}

// What the new module does, beside what the last one did, whose place it takes.
static bool check_module(lg_check *check, const lg_module *module, const char *pass, lg_diag *diag)
{
    lg_evaluation *after = lg_evaluation_new(module, diag);
    bool ok = after && lg_evaluation_run(check->before, diag) && lg_evaluation_run(after, diag) &&
              compare(check->before, after, pass, diag);
    if (after) {
        lg_evaluation_free(check->before);
        check->before = after;
    }
    return ok;
}

bool lg_check_after(lg_check *check, const lg_unit *unit, const char *pass, unsigned properties,
                    lg_diag *diag)
{
    // The graph is done once there is a program; that can run when its memory is planned.
    if (unit->program)
        return !(properties & LG_IS_PLANNED) ||
               (lg_evaluation_run(check->before, diag) &&
                lg_check_program(check->before, unit->program, pass, diag));
    char *text = text_of(unit->module);
    bool ok = strcmp(text, check->text) == 0 || check_module(check, unit->module, pass, diag);
    free(check->text);
    check->text = text;
    return ok;
}

void lg_check_end(lg_check *check)
{
    if (!check)
        return;
    lg_evaluation_free(check->before);
    free(check->text);
    lg_arena_free(check->arena);
}
