// Modules, functions, symbols, and the ops in their lists. Nodes are plain structs that anybody may
// read; the functions here are the ones that change them and keep both ends of every link right.
// What an op holds (operands, attributes, layouts) is copied into the module's arena.
#include "ir/graph.h"
#include "ir/infer.h"
#include "ir/names.h"

#include <assert.h>
#include <math.h>
#include <string.h>

// Appends to or unlinks from a doubly linked list with first and last.
#define LINK_BEFORE(list, node, before)                                                            \
    do {                                                                                           \
        (node)->next = (before);                                                                   \
        (node)->previous = (before) ? (before)->previous : (list)->last;                           \
        *((node)->previous ? &(node)->previous->next : &(list)->first) = (node);                   \
        *((before) ? &(before)->previous : &(list)->last) = (node);                                \
    } while (0)
#define UNLINK(list, node)                                                                         \
    do {                                                                                           \
        *((node)->previous ? &(node)->previous->next : &(list)->first) = (node)->next;             \
        *((node)->next ? &(node)->next->previous : &(list)->last) = (node)->previous;              \
        (node)->previous = (node)->next = NULL;                                                    \
    } while (0)

lg_module *lg_module_new(const char *name)
{
    lg_arena *arena = lg_arena_new();
    lg_module *module = LG_NEW(arena, lg_module);
    module->arena = arena;
    module->name = lg_strdup(arena, name);
    module->symbols_by_name = LG_NEW(arena, lg_names);
    return module;
}

void lg_module_free(lg_module *module)
{
    if (module)
        lg_arena_free(module->arena);
}

static lg_type copy_type(lg_arena *arena, lg_type type)
{
    if (type.layout)
        type.layout = lg_copy(arena, type.layout, sizeof *type.layout);
    return type;
}

static lg_value *new_value(lg_arena *arena, lg_value_kind kind, const char *name, int index,
                           lg_type type)
{
    lg_value *value = LG_NEW(arena, lg_value);
    value->kind = kind;
    value->type = copy_type(arena, type);
    value->name = name ? lg_strdup(arena, name) : NULL;
    value->index = index;
    return value;
}

// ---- functions

lg_function *lg_module_function(const lg_module *module, const char *name)
{
    LG_FOR_FUNCTIONS (function, module)
        if (strcmp(function->name, name) == 0)
            return function;
    return NULL;
}

lg_function *lg_function_new(lg_module *module, lg_function_kind kind, const char *name)
{
    lg_function *function = LG_NEW(module->arena, lg_function);
    function->kind = kind;
    function->module = module;
    function->name = lg_strdup(module->arena, name);
    while (lg_module_function(module, function->name))
        function->name = lg_format(module->arena, "%s_%d", name, ++module->fresh);
    LINK_BEFORE(module, function, (lg_function *)NULL);
    return function;
}

static bool has_argument(const lg_function *function, const char *name)
{
    for (int i = 0; i < function->arguments.count; i++)
        if (strcmp(function->arguments.items[i]->name, name) == 0)
            return true;
    return false;
}

lg_value *lg_function_argument(lg_function *function, const char *name, lg_type type)
{
    lg_arena *arena = function->module->arena;
    const char *unique = name;
    while (has_argument(function, unique))
        unique = lg_format(arena, "%s_%d", name, ++function->module->fresh);
    lg_value *value = new_value(arena, LG_VALUE_ARGUMENT, unique, function->arguments.count, type);
    LG_PUSH(arena, &function->arguments, value);
    return value;
}

void lg_function_return(lg_function *function, const char *name, lg_value *value)
{
    lg_arena *arena = function->module->arena;
    const char *copy =
        name ? lg_strdup(arena, name) : lg_format(arena, "%d", function->results.count);
    LG_PUSH(arena, &function->results, value);
    LG_PUSH(arena, &function->result_names, copy);
}

void lg_function_remove(lg_function *function)
{
    UNLINK(function->module, function);
}

// ---- symbols

lg_symbol *lg_module_symbol(const lg_module *module, const char *name)
{
    lg_name_entry *entry = lg_names_find(module->symbols_by_name, name);
    return entry ? entry->value : NULL;
}

lg_symbol *lg_symbol_new(lg_module *module, lg_role role, const char *name, lg_type type)
{
    assert(!lg_module_symbol(module, name));
    lg_symbol *last = module->last_symbol;
    lg_symbol *symbol = LG_NEW(module->arena, lg_symbol);
    symbol->role = role;
    symbol->value =
        new_value(module->arena, LG_VALUE_SYMBOL, name, last ? last->value->index + 1 : 0, type);
    symbol->value->symbol = symbol;
    symbol->name = symbol->value->name;
    *(last ? &last->next : &module->first_symbol) = symbol;
    module->last_symbol = symbol;
    lg_names_set(module->arena, module->symbols_by_name, symbol->name, symbol);
    return symbol;
}

void lg_symbol_remove(lg_module *module, lg_symbol *symbol)
{
    lg_symbol **link = &module->first_symbol, *previous = NULL;
    for (; *link != symbol; link = &(*link)->next)
        previous = *link;
    *link = symbol->next;
    if (module->last_symbol == symbol)
        module->last_symbol = previous;
    for (lg_symbol *behind = symbol->next; behind; behind = behind->next)
        behind->value->index--;
    symbol->next = NULL;
    lg_names_set(module->arena, module->symbols_by_name, symbol->name, NULL);
}

// ---- ops

// Selection among the few: sorted by name, as the rows of ir/attrs.def are.
static void copy_attributes(lg_op *op, lg_arena *arena, int count, const lg_attr *attrs)
{
    op->attr_count = count;
    op->attrs = lg_copy(arena, attrs, sizeof *attrs * (size_t)count);
    for (int i = 0; i < count; i++) {
        lg_attr *attr = &op->attrs[i];
        lg_attr_kind kind = lg_attr_info_of(attr->name)->kind;
        if (kind == LG_KIND_INTS)
            attr->as.ints =
                lg_copy(arena, attr->as.ints, sizeof *attr->as.ints * (size_t)attr->count);
        if (kind == LG_KIND_NUMBERS)
            attr->as.numbers =
                lg_copy(arena, attr->as.numbers, sizeof *attr->as.numbers * (size_t)attr->count);
        lg_attr moving = *attr;
        int at = i;
        for (; at > 0 && op->attrs[at - 1].name > moving.name; at--)
            op->attrs[at] = op->attrs[at - 1];
        op->attrs[at] = moving;
    }
}

static bool is_default(const lg_attr *attr)
{
    const lg_attr_info *info = lg_attr_info_of(attr->name);
    switch (info->kind) {
    case LG_KIND_INT:
    case LG_KIND_FLAG:
        return attr->as.integer == info->initial;
    case LG_KIND_NUMBER:
        return attr->as.number == (double)info->initial && !signbit(attr->as.number);
    case LG_KIND_INTS:
        for (int i = 0; i < attr->count; i++)
            if (attr->as.ints[i] != info->initial)
                return false;
        return true;
    case LG_KIND_NUMBERS:
    case LG_KIND_FUNCTION:
        break;
    }
    return false;
}

// One spelling for one meaning: what is optional and says nothing goes.
static void drop_defaults(lg_op *op)
{
    int kept = 0;
    for (int i = 0; i < op->attr_count; i++)
        if (!lg_attr_is_optional(op->code, op->attrs[i].name) || !is_default(&op->attrs[i]))
            op->attrs[kept++] = op->attrs[i];
    op->attr_count = kept;
}

static void make_results(lg_op *op, lg_arena *arena, int count)
{
    op->result_count = count;
    op->results = LG_NEW_ARRAY(arena, lg_value *, count);
}

static void set_result(lg_op *op, lg_arena *arena, int index, lg_type type)
{
    op->results[index] = new_value(arena, LG_VALUE_RESULT, NULL, index, type);
    op->results[index]->op = op;
}

lg_op *lg_op_new(lg_function *function, lg_op *before, lg_opcode code, int operand_count,
                 lg_value *const *operands, int attr_count, const lg_attr *attrs,
                 const lg_type *declared, lg_location where, lg_diag *diag)
{
    lg_arena *arena = function->module->arena;
    lg_op *op = LG_NEW(arena, lg_op);
    op->code = code;
    op->function = function;
    op->where = where;
    op->operand_count = operand_count;
    op->operands = lg_copy(arena, operands, sizeof *operands * (size_t)operand_count);
    copy_attributes(op, arena, attr_count, attrs);
    lg_type type;
    if (!lg_infer(op, declared, &type, diag))
        return NULL;
    drop_defaults(op);
    if (code == LG_OP_call) {
        const lg_function *callee = lg_op_callee(op);
        make_results(op, arena, callee->results.count);
        for (int i = 0; i < op->result_count; i++)
            set_result(op, arena, i, callee->results.items[i]->type);
    } else if (code != LG_OP_write) {
        make_results(op, arena, 1);
        set_result(op, arena, 0, type);
    }
    LINK_BEFORE(function, op, before);
    return op;
}

// A fault here is ours: it is shown before the assert stops us.
static lg_op *build(lg_function *function, lg_op *before, lg_opcode code, int operand_count,
                    lg_value *const *operands, int attr_count, const lg_attr *attrs,
                    const lg_type *declared, lg_location where)
{
    lg_diag *diag = lg_diag_new();
    lg_op *op = lg_op_new(function, before, code, operand_count, operands, attr_count, attrs,
                          declared, where, diag);
    if (!op)
        lg_diag_print(diag, stderr);
    assert(op && "an op that is right by construction");
    lg_diag_free(diag);
    return op;
}

lg_value *lg_build(lg_function *function, lg_op *before, lg_opcode code, int operand_count,
                   lg_value *const *operands, int attr_count, const lg_attr *attrs,
                   const lg_type *declared, lg_location where)
{
    lg_op *op =
        build(function, before, code, operand_count, operands, attr_count, attrs, declared, where);
    return op->result_count == 1 ? op->results[0] : NULL;
}

lg_op *lg_build_call(lg_function *function, lg_op *before, lg_function *callee,
                     lg_value *const *operands, lg_location where)
{
    lg_attr attr = lg_attr_function(LG_ATTR_callee, callee);
    return build(function, before, LG_OP_call, callee->arguments.count, operands, 1, &attr, NULL,
                 where);
}

void lg_op_remove(lg_op *op)
{
    UNLINK(op->function, op);
}

void lg_op_move(lg_op *op, lg_op *before)
{
    if (op == before)
        return;
    UNLINK(op->function, op);
    LINK_BEFORE(op->function, op, before);
}

void lg_replace_uses(lg_function *function, lg_value *old, lg_value *new)
{
    LG_FOR_OPS (op, function)
        for (int i = 0; i < op->operand_count; i++)
            if (op->operands[i] == old)
                op->operands[i] = new;
    for (int i = 0; i < function->results.count; i++)
        if (function->results.items[i] == old)
            function->results.items[i] = new;
}

int lg_count_uses(const lg_function *function, const lg_value *value)
{
    int uses = 0;
    LG_FOR_OPS (op, function)
        for (int i = 0; i < op->operand_count; i++)
            uses += op->operands[i] == value;
    for (int i = 0; i < function->results.count; i++)
        uses += function->results.items[i] == value;
    return uses;
}

// ---- copying a module. Old values lead to new ones by number: a symbol's is its index, a
// function's values are numbered in order.

typedef struct copier {
    lg_module *to;
    LG_LIST(lg_value *) symbols;                 // new, by index
    LG_LIST(lg_value *) values;                  // new, by the old one's id
    LG_LIST(const lg_function *) functions_from; // in step with the next
    LG_LIST(lg_function *) functions_to;
    lg_arena *scratch;
} copier;

static lg_value *copied_value(const copier *c, const lg_value *old)
{
    return old->kind == LG_VALUE_SYMBOL ? c->symbols.items[old->index] : c->values.items[old->id];
}

static lg_function *copied_function(const copier *c, const lg_function *old)
{
    for (int i = 0; i < c->functions_from.count; i++)
        if (c->functions_from.items[i] == old)
            return c->functions_to.items[i];
    return NULL;
}

static void copy_symbols(copier *c, const lg_module *from)
{
    LG_FOR_SYMBOLS (old, from) {
        lg_symbol *symbol = lg_symbol_new(c->to, old->role, old->name, old->value->type);
        symbol->dead = old->dead;
        symbol->init = old->init;
        symbol->bound = old->bound;
        symbol->where = old->where;
        LG_PUSH(c->scratch, &c->symbols, symbol->value);
    }
}

static void copy_signature(copier *c, const lg_function *old)
{
    lg_function *function = lg_function_new(c->to, old->kind, old->name);
    function->where = old->where;
    if (old->composite)
        function->composite = lg_strdup(c->to->arena, old->composite);
    LG_PUSH(c->scratch, &c->functions_from, old);
    LG_PUSH(c->scratch, &c->functions_to, function);
}

static void copy_op(copier *c, lg_function *function, const lg_op *old)
{
    lg_arena *arena = c->to->arena;
    lg_op *op = LG_NEW(arena, lg_op);
    op->code = old->code;
    op->function = function;
    op->where = old->where;
    op->operand_count = old->operand_count;
    op->operands = LG_NEW_ARRAY(arena, lg_value *, old->operand_count);
    for (int i = 0; i < old->operand_count; i++)
        op->operands[i] = copied_value(c, old->operands[i]);
    copy_attributes(op, arena, old->attr_count, old->attrs);
    for (int i = 0; i < op->attr_count; i++)
        if (lg_attr_info_of(op->attrs[i].name)->kind == LG_KIND_FUNCTION)
            op->attrs[i].as.function = copied_function(c, op->attrs[i].as.function);
    make_results(op, arena, old->result_count);
    for (int i = 0; i < op->result_count; i++) {
        set_result(op, arena, i, old->results[i]->type);
        if (old->results[i]->name)
            op->results[i]->name = lg_strdup(arena, old->results[i]->name);
        old->results[i]->id = c->values.count;
        LG_PUSH(c->scratch, &c->values, op->results[i]);
    }
    LINK_BEFORE(function, op, (lg_op *)NULL);
}

static void copy_body(copier *c, const lg_function *old, lg_function *function)
{
    c->values.count = 0;
    for (int i = 0; i < old->arguments.count; i++) {
        lg_value *argument = old->arguments.items[i];
        argument->id = c->values.count;
        LG_PUSH(c->scratch, &c->values,
                lg_function_argument(function, argument->name, argument->type));
    }
    LG_FOR_OPS (op, old)
        copy_op(c, function, op);
    for (int i = 0; i < old->results.count; i++)
        lg_function_return(function, old->result_names.items[i],
                           copied_value(c, old->results.items[i]));
}

lg_module *lg_module_clone(const lg_module *module)
{
    copier c = {.to = lg_module_new(module->name), .scratch = lg_arena_new()};
    copy_symbols(&c, module);
    LG_FOR_FUNCTIONS (old, module)
        copy_signature(&c, old);
    for (int i = 0; i < c.functions_from.count; i++)
        copy_body(&c, c.functions_from.items[i], c.functions_to.items[i]);
    c.to->fresh = module->fresh;
    lg_arena_free(c.scratch);
    return c.to;
}
