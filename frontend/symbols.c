// Symbols: the tensors of a checkpoint. The builder runs once for every function of the module and
// declares its tensors each time: the first run that asks for a name makes the symbol, later ones
// share it, and twice in one run is a fault.
#include "frontend/scope.h"

static lg_symbol *name_fault(lg_site site, const lg_symbol *by, const char *format,
                             const char *name)
{
    lg_fault(site, format, name);
    if (by)
        lg_note_at(site.scope->builder->diag, by->where, "by this one");
    return NULL;
}

// The symbol of an earlier run, for this one.
static lg_symbol *share(lg_site site, lg_symbol *symbol, lg_role role, const lg_type *type)
{
    if (lg_names_find(&site.scope->builder->run.declared, symbol->name))
        return name_fault(site, symbol, "the name %s is taken", symbol->name);
    if (symbol->role != role || !lg_type_equal(&symbol->value->type, type))
        return name_fault(site, symbol, "%s is another tensor in another function of the model",
                          symbol->name);
    return symbol;
}

static lg_symbol *find_or_make(lg_site site, lg_role role, const char *full, const lg_type *type)
{
    lg_builder *builder = site.scope->builder;
    lg_symbol *symbol = lg_module_symbol(builder->module, full);
    if (symbol) {
        symbol = share(site, symbol, role, type);
    } else {
        symbol = lg_symbol_new(builder->module, role, full, *type);
        symbol->where = site.where;
        symbol->dead = true;
    }
    if (symbol)
        lg_names_set(lg_scope_arena(site.scope), &builder->run.declared, full, symbol);
    return symbol;
}

// Checkpoints have tensors of these names beside the model's (runtime/checkpoint.h).
static bool is_reserved(const char *name)
{
    return strncmp(name, "random.", 7) == 0 || strncmp(name, "optimizer.", 10) == 0 ||
           strncmp(name, "lgpnc.", 6) == 0;
}

lg_symbol *lg_declare(lg_site site, lg_role role, const char *name, lg_dtype dtype, lg_shape shape,
                      lg_init_kind init, double bound, bool dead)
{
    lg_name_scope *s = site.scope;
    if (!lg_check_shape(site, shape.rank, shape.dims))
        return NULL;
    const char *full = lg_format(lg_scope_arena(s), "%s%s", s->prefix, name ? name : "");
    if (!lg_is_name(name) || !lg_is_name(full))
        return name_fault(site, NULL, "\"%s\" is no name: letters, digits and _ . : - make one",
                          full);
    if (is_reserved(full))
        return name_fault(
            site, NULL, "%s: names below random, optimizer and lgpnc are of training itself", full);
    lg_type type = lg_type_make(dtype, shape.rank, shape.dims);
    lg_symbol *symbol = find_or_make(site, role, full, &type);
    if (!symbol)
        return NULL;
    symbol->init = init;
    symbol->bound = bound;
    symbol->dead &= dead;
    return symbol;
}

lg_value *lg_declare_f32(lg_site site, bool dead, lg_role role, const char *tensor, lg_shape shape,
                         lg_init_kind init, double bound)
{
    const char *name =
        lg_format(lg_scope_arena(site.scope), "%s.%s", site.name ? site.name : "", tensor);
    lg_symbol *symbol = lg_declare(site, role, name, LG_F32, shape, init, bound, dead);
    return symbol ? symbol->value : NULL;
}

lg_value *lg_parameter(lg_name_scope *s, lg_location where, const char *name, lg_dtype dtype,
                       lg_shape shape, lg_init_kind init, double bound)
{
    lg_site site = {s, where, "parameter", name};
    lg_symbol *symbol = lg_declare(site, LG_ROLE_PARAM, name, dtype, shape, init, bound, false);
    return symbol ? symbol->value : NULL;
}

lg_value *lg_state(lg_name_scope *s, lg_location where, const char *name, lg_dtype dtype,
                   lg_shape shape, lg_init_kind init, double bound)
{
    lg_site site = {s, where, "state", name};
    lg_symbol *symbol = lg_declare(site, LG_ROLE_STATE, name, dtype, shape, init, bound, false);
    return symbol ? symbol->value : NULL;
}

lg_value *lg_training_state(lg_name_scope *s, lg_location where, const char *name,
                            const lg_type *type)
{
    lg_module *module = s->builder->module;
    lg_symbol *symbol = lg_module_symbol(module, name);
    if (!symbol) {
        symbol = lg_symbol_new(module, LG_ROLE_STATE, lg_strdup(lg_scope_arena(s), name), *type);
        symbol->where = where;
    }
    return symbol->value;
}

// ---- order

// Is `name` the child or something below it?
static bool is_below(const char *name, const char *child)
{
    size_t length = strlen(child);
    return strncmp(name, child, length) == 0 && (name[length] == '.' || !name[length]);
}

// Takes the symbols below `child` out of the list and puts them at *end. Returns the new end.
static lg_symbol **collect(lg_symbol **list, const char *child, lg_symbol **end)
{
    for (lg_symbol **at = list; *at;) {
        lg_symbol *symbol = *at;
        if (!is_below(symbol->name, child)) {
            at = &symbol->next;
            continue;
        }
        *at = symbol->next;
        symbol->next = NULL;
        *end = symbol;
        end = &symbol->next;
    }
    return end;
}

static void number_symbols(lg_module *module)
{
    int index = 0;
    LG_FOR_SYMBOLS (symbol, module) {
        symbol->value->index = index++;
        module->last_symbol = symbol;
    }
}

// The symbols before the scope's, the listed children, the scope's others, what came after: as the
// scope's own were made in one go, the first two and the last two keep together.
void lg_order_symbols(lg_name_scope *s, lg_location where, int count, const char *const *names)
{
    lg_module *module = s->builder->module;
    lg_symbol **first = &module->first_symbol;
    while (*first && strncmp((*first)->name, s->prefix, strlen(s->prefix)) != 0)
        first = &(*first)->next;
    lg_symbol *rest = *first, **end = first;
    *first = NULL;
    for (int i = 0; i < count; i++) {
        lg_symbol **before = end;
        end = collect(&rest, lg_format(lg_scope_arena(s), "%s%s", s->prefix, names[i]), end);
        if (end == before)
            lg_fault((lg_site){s, where, "order_symbols", names[i]}, "there is no tensor below it");
    }
    *end = rest;
    number_symbols(module);
}

void lg_training_states_last(lg_module *module)
{
    static const char *const names[] = {"random", "optimizer"};
    lg_symbol *last = NULL, **end = &last;
    for (int i = 0; i < 2; i++)
        end = collect(&module->first_symbol, names[i], end);
    lg_symbol **others = &module->first_symbol;
    while (*others)
        others = &(*others)->next;
    *others = last;
    number_symbols(module);
}
