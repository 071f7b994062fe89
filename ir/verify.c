// What must hold of a module, checked from outside: everything that the functions of ir/graph.c
// keep right, and everything that a pass can get wrong with its own hands. Walks in SSA order; a
// value is visible if the walk has met it, so one table answers "of this function", "defined
// before" and "still there".
#include "ir/graph.h"
#include "ir/lexer.h"
#include "ir/names.h"

#include <string.h>

// Deeper nesting of calls is refused, so that whoever follows calls may recurse.
enum { MOST_NESTED = 64 };

typedef struct verifier {
    const lg_module *module;
    const lg_function *function;
    lg_arena *scratch;
    lg_diag *diag;
    LG_LIST(const lg_value *) seen; // by value->id
    lg_names written;
} verifier;

// ---- names

// A name must come out of the lexer as it went in.
static bool check_name(verifier *v, char sigil, const char *name, lg_location where)
{
    const char *text = lg_format(v->scratch, "%c%s", sigil, name ? name : "");
    lg_diag *ignored = lg_diag_new();
    lg_lexer lexer = {0};
    lg_lexer_begin(&lexer, "", text, strlen(text), ignored);
    lg_token_kind kind = sigil == '%' ? LG_TOKEN_LOCAL : LG_TOKEN_GLOBAL;
    bool good = lexer.token.kind == kind && lexer.token.length == strlen(text) - 1;
    lg_diag_free(ignored);
    return good || lg_error_at(v->diag, where, "`%s` cannot be a name", text);
}

static void check_new_name(verifier *v, lg_names *names, char sigil, const char *name,
                           lg_location where)
{
    if (!check_name(v, sigil, name, where))
        return;
    if (lg_names_find(names, name))
        lg_error_at(v->diag, where, "%c%s is defined twice", sigil, name);
    lg_names_set(v->scratch, names, name, NULL);
}

// ---- values and ops

static void see(verifier *v, lg_value *value)
{
    value->id = v->seen.count;
    LG_PUSH(v->scratch, &v->seen, value);
}

static bool check_type(verifier *v, const lg_type *type, lg_location where)
{
    const char *fault = lg_type_fault(type);
    return !fault || lg_error_at(v->diag, where, "@%s: %s", v->function->name, fault);
}

static bool check_symbol_use(verifier *v, const lg_value *value, lg_location where)
{
    const lg_symbol *symbol = value->symbol;
    if (!symbol || symbol->value != value || lg_module_symbol(v->module, symbol->name) != symbol)
        return lg_error_at(v->diag, where, "@%s: @%s is not a symbol of the module",
                           v->function->name, value->name);
    if (symbol->dead)
        return lg_error_at(v->diag, where, "@%s: @%s is marked dead but used", v->function->name,
                           value->name);
    return true;
}

static bool check_use(verifier *v, const lg_value *value, lg_location where)
{
    if (!value)
        return lg_error_at(v->diag, where, "@%s: a value is missing", v->function->name);
    if (value->kind == LG_VALUE_SYMBOL)
        return check_symbol_use(v, value, where);
    if (value->id >= 0 && value->id < v->seen.count && v->seen.items[value->id] == value)
        return true;
    return lg_error_at(v->diag, where, "@%s: %s of %s is used but not defined above it",
                       v->function->name,
                       value->kind == LG_VALUE_ARGUMENT ? "an argument" : "a result",
                       value->kind == LG_VALUE_ARGUMENT ? "another function"
                       : value->op                      ? lg_op_info_of(value->op->code)->name
                                                        : "no op");
}

static bool check_results(verifier *v, const lg_op *op, const lg_type *inferred)
{
    bool is_call = op->code == LG_OP_call;
    const lg_function *callee = is_call ? lg_op_callee(op) : NULL;
    int count = is_call ? callee->results.count : op->code == LG_OP_write ? 0 : 1;
    if (op->result_count != count)
        return lg_error_at(v->diag, op->where, "@%s: %s has %d results instead of %d",
                           v->function->name, lg_op_info_of(op->code)->name, op->result_count,
                           count);
    for (int i = 0; i < count; i++) {
        const lg_value *result = op->results[i];
        const lg_type *type = is_call ? &callee->results.items[i]->type : inferred;
        if (!result || result->kind != LG_VALUE_RESULT || result->op != op || result->index != i)
            return lg_error_at(v->diag, op->where, "@%s: a result of %s does not know its op",
                               v->function->name, lg_op_info_of(op->code)->name);
        if (!lg_type_equal(&result->type, type))
            return lg_error_at(v->diag, op->where, "@%s: %s gives %s, its result says %s",
                               v->function->name, lg_op_info_of(op->code)->name,
                               lg_type_text(v->scratch, type),
                               lg_type_text(v->scratch, &result->type));
    }
    return true;
}

static void check_written_once(verifier *v, const lg_op *op)
{
    const char *name = op->operands[0]->name;
    if (lg_names_find(&v->written, name))
        lg_error_at(v->diag, op->where, "@%s: @%s is written twice", v->function->name, name);
    lg_names_set(v->scratch, &v->written, name, NULL);
}

// The callee of a call is looked into: it must be one that is in the list.
static bool check_callee(verifier *v, const lg_op *op)
{
    const lg_function *callee = lg_op_callee(op);
    LG_FOR_FUNCTIONS (function, v->module)
        if (function == callee)
            return true;
    return lg_error_at(v->diag, op->where, "@%s: the callee is not a function of the module",
                       v->function->name);
}

static void check_op(verifier *v, const lg_op *op)
{
    bool good = op->function == v->function ||
                lg_error_at(v->diag, op->where, "@%s: %s says it is of another function",
                            v->function->name, lg_op_info_of(op->code)->name);
    for (int i = 0; i < op->operand_count; i++)
        good &= check_use(v, op->operands[i], op->where);
    if (op->code == LG_OP_call)
        good &= check_callee(v, op);
    for (int i = 0; i < op->result_count; i++)
        good &= op->results[i] ? check_type(v, &op->results[i]->type, op->where)
                               : lg_error_at(v->diag, op->where, "a result is missing");
    lg_type inferred;
    const lg_type *declared = op->result_count == 1 ? &op->results[0]->type : NULL;
    if (good && lg_infer(op, declared, &inferred, v->diag) && check_results(v, op, &inferred) &&
        op->code == LG_OP_write)
        check_written_once(v, op);
    for (int i = 0; i < op->result_count; i++)
        if (op->results[i])
            see(v, op->results[i]);
}

// ---- functions

static void check_argument(verifier *v, int index, lg_names *names)
{
    const lg_function *function = v->function;
    lg_value *argument = function->arguments.items[index];
    check_new_name(v, names, '%', argument->name, function->where);
    check_type(v, &argument->type, function->where);
    if (argument->kind != LG_VALUE_ARGUMENT || argument->index != index)
        lg_error_at(v->diag, function->where, "@%s: argument %%%s does not know its place",
                    function->name, argument->name);
    see(v, argument);
}

static void check_body(verifier *v)
{
    const lg_op *previous = NULL;
    LG_FOR_OPS (op, v->function) {
        if (op->previous != previous)
            lg_error_at(v->diag, op->where, "@%s: the list of ops is broken at %s",
                        v->function->name, lg_op_info_of(op->code)->name);
        check_op(v, op);
        previous = op;
    }
    if (v->function->last != previous)
        lg_error_at(v->diag, v->function->where, "@%s: the list of ops has another end",
                    v->function->name);
}

static void check_function(verifier *v, const lg_function *function)
{
    lg_names arguments = {0}, results = {0};
    v->function = function;
    v->seen.count = 0;
    v->written = (lg_names){0};
    if (function->module != v->module)
        lg_error_at(v->diag, function->where, "@%s is of another module", function->name);
    if ((function->kind == LG_COMPOSITE) != (function->composite != NULL))
        lg_error_at(v->diag, function->where, "@%s: a composite, and nothing else, says of what",
                    function->name);
    for (int i = 0; i < function->arguments.count; i++)
        check_argument(v, i, &arguments);
    check_body(v);
    if (function->results.count != function->result_names.count)
        lg_error_at(v->diag, function->where, "@%s: results and their names differ in number",
                    function->name);
    for (int i = 0; i < function->results.count && i < function->result_names.count; i++) {
        check_use(v, function->results.items[i], function->where);
        check_new_name(v, &results, '%', function->result_names.items[i], function->where);
    }
}

static void check_symbols(verifier *v)
{
    lg_names names = {0};
    int index = 0;
    LG_FOR_SYMBOLS (symbol, v->module) {
        check_new_name(v, &names, '@', symbol->name, symbol->where);
        const char *fault = lg_type_fault(&symbol->value->type);
        if (fault)
            lg_error_at(v->diag, symbol->where, "@%s: %s", symbol->name, fault);
        if (symbol->value->index != index++ || symbol->value->symbol != symbol ||
            symbol->value->kind != LG_VALUE_SYMBOL ||
            lg_module_symbol(v->module, symbol->name) != symbol)
            lg_error_at(v->diag, symbol->where, "@%s and its value or its name do not agree",
                        symbol->name);
    }
}

// ---- calls. A function has height 0 if it calls nothing, else one more than its highest callee.
// Heights settle callers after callees; a function of a cycle never settles.

typedef struct node {
    const lg_function *function;
    int height; // or UNSETTLED
} node;

enum { UNSETTLED = -1 };

// The height of `function` from the heights of its callees so far.
static int height_of(const lg_function *function, const lg_names *nodes)
{
    int height = 0;
    LG_FOR_OPS (op, function) {
        if (op->code != LG_OP_call)
            continue;
        const node *callee = lg_names_find(nodes, lg_op_callee(op)->name)->value;
        if (callee->height == UNSETTLED)
            return UNSETTLED;
        if (callee->height >= height)
            height = callee->height + 1;
    }
    return height;
}

// Each round settles at least one more level, so MOST_NESTED rounds settle all that is allowed.
static void check_nesting(verifier *v)
{
    lg_names nodes = {0};
    LG_FOR_FUNCTIONS (function, v->module) {
        node *node = LG_NEW(v->scratch, struct node);
        node->function = function;
        node->height = UNSETTLED;
        lg_names_set(v->scratch, &nodes, function->name, node);
    }
    bool changed = true;
    for (int round = 0; round <= MOST_NESTED && changed; round++) {
        changed = false;
        for (size_t i = 0; i < nodes.capacity; i++) {
            node *node = nodes.entries[i].value;
            if (!node || node->height != UNSETTLED)
                continue;
            node->height = height_of(node->function, &nodes);
            changed |= node->height != UNSETTLED;
        }
    }
    LG_FOR_FUNCTIONS (function, v->module) {
        const node *node = lg_names_find(&nodes, function->name)->value;
        if (node->height == UNSETTLED && !changed)
            lg_error_at(v->diag, function->where, "@%s calls itself, or what calls itself",
                        function->name);
        else if (node->height == UNSETTLED || node->height > MOST_NESTED)
            lg_error_at(v->diag, function->where, "@%s: calls are nested deeper than %d",
                        function->name, MOST_NESTED);
    }
}

bool lg_verify_module(const lg_module *module, lg_diag *diag)
{
    int errors = lg_diag_errors(diag);
    verifier v = {.module = module, .scratch = lg_arena_new(), .diag = diag};
    lg_names functions = {0};
    check_name(&v, '@', module->name, (lg_location){0});
    check_symbols(&v);
    LG_FOR_FUNCTIONS (function, module)
        check_new_name(&v, &functions, '@', function->name, function->where);
    LG_FOR_FUNCTIONS (function, module)
        check_function(&v, function);
    if (lg_diag_errors(diag) == errors)
        check_nesting(&v);
    lg_arena_free(v.scratch);
    return lg_diag_errors(diag) == errors;
}
