// Scopes: where in the tree of names a layer stands, and the steps that all layers share: report a
// fault at the caller's line, check a shape, append an op, call a composite that equal layers
// share.
#include "frontend/scope.h"

#include <assert.h>
#include <stdarg.h>

enum { MOST_ARGUMENTS = 8 }; // of a composite

lg_arena *lg_scope_arena(const lg_name_scope *s)
{
    return s->builder->module->arena;
}

lg_name_scope *lg_scope_inside(lg_name_scope *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *name = lg_vformat(lg_scope_arena(s), format, args);
    va_end(args);
    lg_name_scope *inside = LG_NEW(lg_scope_arena(s), lg_name_scope);
    *inside = *s;
    inside->prefix = lg_format(lg_scope_arena(s), "%s%s.", s->prefix, name);
    return inside;
}

// ---- faults

lg_value *lg_fault(lg_site site, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = lg_vformat(lg_scope_arena(site.scope), format, args);
    va_end(args);
    lg_diag *diag = site.scope->builder->diag;
    if (site.name)
        lg_error_at(diag, site.where, "%s \"%s%s\": %s", site.what, site.scope->prefix, site.name,
                    text);
    else
        lg_error_at(diag, site.where, "%s: %s", site.what, text);
    return NULL;
}

const char *lg_show(lg_name_scope *s, lg_value *value)
{
    return lg_type_text(lg_scope_arena(s), &value->type);
}

const char *lg_show_shape(lg_name_scope *s, int rank, const int64_t *dims)
{
    const char *text = "";
    for (int i = 0; i < rank; i++)
        text = lg_format(lg_scope_arena(s), "%s%s%lld", text, i ? "," : "", (long long)dims[i]);
    return lg_format(lg_scope_arena(s), "[%s]", text);
}

bool lg_check_shape(lg_site site, int rank, const int64_t *dims)
{
    if (rank > LG_MAX_RANK)
        return lg_fault(site, "%d axes, at most %d are possible", rank, LG_MAX_RANK);
    int64_t elements = 1;
    for (int i = 0; i < rank; i++) {
        if (dims[i] < 1)
            return lg_fault(site, "axis %d of shape %s has size %lld; sizes are 1 or more", i,
                            lg_show_shape(site.scope, rank, dims), (long long)dims[i]);
        if (__builtin_mul_overflow(elements, dims[i], &elements) || elements > LG_MAX_ELEMENTS)
            return lg_fault(site, "shape %s has more than 2^40 elements",
                            lg_show_shape(site.scope, rank, dims));
    }
    return true;
}

bool lg_check_axis(lg_site site, int rank, int *axis)
{
    int from_front = *axis < 0 ? *axis + rank : *axis;
    if (from_front < 0 || from_front >= rank)
        return lg_fault(site, "axis %d of a tensor of %d axes", *axis, rank);
    *axis = from_front;
    return true;
}

bool lg_check_image(lg_site site, lg_value *x)
{
    return x->type.rank == 4 || lg_fault(site,
                                         "takes an image [batch,height,width,channels], not "
                                         "%s",
                                         lg_show(site.scope, x));
}

bool lg_check_floats(lg_site site, lg_value *x)
{
    return lg_dtype_is_float(x->type.dtype) ||
           lg_fault(site, "takes floats, not %s", lg_show(site.scope, x));
}

bool lg_check_f32(lg_site site, lg_value *x)
{
    return x->type.dtype == LG_F32 || lg_fault(site, "takes f32, not %s", lg_show(site.scope, x));
}

// ---- arguments, results, options

bool lg_is_name(const char *name)
{
    if (!name || !*name)
        return false;
    for (const char *at = name; *at; at++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-", *at))
            return false;
    return true;
}

lg_value *lg_input(lg_name_scope *s, lg_location where, const char *name, lg_dtype dtype,
                   lg_shape shape)
{
    lg_site site = {s, where, "input", name};
    if (!lg_is_name(name))
        return lg_fault(site, "letters, digits and _ . : - make a name");
    for (int i = 0; i < s->function->arguments.count; i++)
        if (strcmp(s->function->arguments.items[i]->name, name) == 0)
            return lg_fault(site, "there is one of that name already");
    if (!lg_check_shape(site, shape.rank, shape.dims))
        return NULL;
    return lg_function_argument(s->function, lg_strdup(lg_scope_arena(s), name),
                                lg_type_make(dtype, shape.rank, shape.dims));
}

void lg_output(lg_name_scope *s, lg_location where, const char *name, lg_value *value)
{
    if (!lg_is_training(s))
        lg_return(s, where, "output", name, value);
}

void lg_return(lg_name_scope *s, lg_location where, const char *what, const char *name,
               lg_value *value)
{
    lg_site site = {s, where, what, name};
    if (!lg_is_name(name)) {
        lg_fault(site, "letters, digits and _ . : - make a name");
        return;
    }
    for (int i = 0; i < s->function->result_names.count; i++)
        if (strcmp(s->function->result_names.items[i], name) == 0) {
            lg_fault(site, "there is one of that name already");
            return;
        }
    if (value)
        lg_function_return(s->function, lg_strdup(lg_scope_arena(s), name), value);
}

int64_t lg_option(lg_name_scope *s, lg_location where, const char *name, int index)
{
    const lg_model_info *info = s->builder->info;
    for (int i = 0; info && i < LG_MAX_OPTIONS && info->options[i].name; i++) {
        if (strcmp(info->options[i].name, name) != 0)
            continue;
        int count = info->options[i].count ? info->options[i].count : 1;
        if (index >= 0 && index < count)
            return s->builder->options[i][index];
        lg_fault((lg_site){s, where, "option", name}, "has %d numbers, not one at index %d", count,
                 index);
        return 1;
    }
    lg_fault((lg_site){s, where, "option", name}, "the model has no such option");
    return 1;
}

// ---- ops and composites

lg_value *lg_combine(lg_name_scope *s, lg_location where, lg_opcode code, lg_value *a, lg_value *b)
{
    return lg_binary(s, where, code, lg_operand_value(a), lg_operand_value(b));
}

lg_value *lg_combine_number(lg_name_scope *s, lg_location where, lg_opcode code, lg_value *a,
                            double b)
{
    return lg_binary(s, where, code, lg_operand_value(a), lg_operand_number(b));
}

lg_value *lg_append(lg_name_scope *s, lg_location where, lg_opcode code, int operand_count,
                    lg_value *const *operands, int attr_count, const lg_attr *attrs,
                    const lg_type *declared)
{
    for (int i = 0; i < operand_count; i++)
        if (!operands[i])
            return NULL;
    lg_op *op = lg_op_new(s->function, NULL, code, operand_count, operands, attr_count, attrs,
                          declared, where, s->builder->diag);
    return op ? op->results[0] : NULL;
}

static const char *composite_key(lg_name_scope *s, const char *kind, int count,
                                 lg_value *const *operands, int constant_count,
                                 const double *constants)
{
    const char *key = kind;
    for (int i = 0; i < count; i++)
        key = lg_format(lg_scope_arena(s), "%s %s", key, lg_show(s, operands[i]));
    for (int i = 0; i < constant_count; i++)
        key = lg_format(lg_scope_arena(s), "%s %a", key, constants[i]);
    return key;
}

static lg_function *make_composite(lg_name_scope *s, lg_location where,
                                   const lg_composite *composite, lg_value *const *operands,
                                   const double *constants)
{
    lg_module *module = s->builder->module;
    lg_function *function = lg_function_new(module, LG_COMPOSITE, composite->kind);
    function->composite = composite->kind;
    function->where = where;
    lg_value *arguments[MOST_ARGUMENTS] = {NULL};
    int count = 0;
    char *names = lg_strdup(module->arena, composite->argument_names), *rest = NULL;
    for (char *name = strtok_r(names, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
        assert(count < MOST_ARGUMENTS);
        arguments[count] = lg_function_argument(function, name, operands[count]->type);
        count++;
    }
    lg_name_scope inside = {s->builder, function, s->prefix};
    lg_value *y = composite->body(&inside, where, arguments, constants);
    assert(y);
    lg_function_return(function, "y", y);
    return function;
}

lg_value *lg_call_composite(lg_name_scope *s, lg_location where, const lg_composite *composite,
                            lg_value *const *operands, int constant_count, const double *constants)
{
    int count = 1;
    for (const char *at = composite->argument_names; *at; at++)
        count += *at == ' ';
    lg_builder *builder = s->builder;
    const char *key = composite_key(s, composite->kind, count, operands, constant_count, constants);
    lg_function *callee = NULL;
    for (int i = 0; i < builder->composites.count && !callee; i++)
        if (strcmp(builder->composites.items[i].key, key) == 0)
            callee = builder->composites.items[i].function;
    if (!callee) {
        callee = make_composite(s, where, composite, operands, constants);
        lg_shared_composite made = {key, callee};
        LG_PUSH(lg_scope_arena(s), &builder->composites, made);
    }
    return lg_build_call(s->function, NULL, callee, operands, where)->results[0];
}
