// Expressions: typed nodes that fold while they are built. A constructor returns the simplest form
// it knows, so a schedule never asks whether an operand is constant. Index arithmetic (i64 scalars)
// goes through ir/kernel_index.c. Floats fold only where the result is exact to the bit, but for
// the sign of zero in x + 0.
//
// Nodes are never changed once built: a schedule may use one in many places.
#include "ir/kernel.h"
#include "ir/kernel_internal.h"

#include <assert.h>
#include <math.h>

enum { MESSAGE = 160 };

// ---- nodes as they are

lg_kx *lg_kx_node(lg_kbuilder *k, lg_kx_kind kind, lg_ktype type)
{
    lg_kx *x = LG_NEW(k->kernel->arena, lg_kx);
    x->kind = kind;
    x->type = type;
    return x;
}

lg_kx *lg_kx_apply_node(lg_kbuilder *k, lg_scalar fn, lg_ktype type, lg_kx *const *args)
{
    lg_kx *x = lg_kx_node(k, LG_KX_APPLY, type);
    x->as.apply.fn = fn;
    for (int i = 0; i < lg_scalar_arity(fn); i++)
        x->as.apply.args[i] = args[i];
    return x;
}

lg_kx *lg_kx_load_node(lg_kbuilder *k, lg_kbuffer *buffer, lg_kx *const *index, int lanes)
{
    lg_ktype type = {lg_kernel_dtype(buffer->dtype), buffer->lanes > 1 ? buffer->lanes : lanes};
    for (int d = 0; d < buffer->rank; d++)
        if (index[d]->type.lanes > 1)
            type.lanes = index[d]->type.lanes;
    lg_kx *x = lg_kx_node(k, LG_KX_LOAD, type);
    x->as.load.buffer = buffer;
    x->as.load.index = lg_copy(k->kernel->arena, index, sizeof(lg_kx *) * (size_t)buffer->rank);
    return x;
}

lg_kx *lg_kx_var(lg_kbuilder *k, lg_kvar *var)
{
    lg_kx *x = lg_kx_node(k, LG_KX_VAR, var->type);
    x->as.var = var;
    return x;
}

bool lg_kx_is_index(const lg_kx *x)
{
    return x->type.dtype == LG_I64 && x->type.lanes == 1;
}

bool lg_kx_is_constant(const lg_kx *x)
{
    return x->kind == LG_KX_INT || x->kind == LG_KX_FLOAT;
}

bool lg_kx_is_int(const lg_kx *a, int64_t value)
{
    return a->kind == LG_KX_INT && a->as.integer == value;
}

static bool same_all(lg_kx *const *a, lg_kx *const *b, int count)
{
    for (int i = 0; i < count; i++)
        if (!lg_kx_same(a[i], b[i]))
            return false;
    return true;
}

bool lg_kx_same(const lg_kx *a, const lg_kx *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind || a->type.dtype != b->type.dtype || a->type.lanes != b->type.lanes)
        return false;
    switch (a->kind) {
    case LG_KX_INT:
        return a->as.integer == b->as.integer;
    case LG_KX_FLOAT:
        return a->as.number == b->as.number && signbit(a->as.number) == signbit(b->as.number);
    case LG_KX_VAR:
        return a->as.var == b->as.var;
    case LG_KX_LANES:
        return true;
    case LG_KX_LOAD:
        return a->as.load.buffer == b->as.load.buffer &&
               same_all(a->as.load.index, b->as.load.index, a->as.load.buffer->rank);
    case LG_KX_APPLY:
        return a->as.apply.fn == b->as.apply.fn &&
               same_all(a->as.apply.args, b->as.apply.args, lg_scalar_arity(a->as.apply.fn));
    case LG_KX_CAST:
    case LG_KX_SUM:
    case LG_KX_MAXIMUM:
    case LG_KX_LOW:
        return lg_kx_same(a->as.arg, b->as.arg);
    }
    return false;
}

// ---- constants and leaves

lg_kx *lg_kx_integer(lg_kbuilder *k, lg_dtype dtype, int64_t value)
{
    assert(dtype == LG_I32 || dtype == LG_I64 || dtype == LG_BOOL);
    lg_kx *x = lg_kx_node(k, LG_KX_INT, (lg_ktype){dtype, 1});
    x->as.integer = dtype == LG_I32 ? (int32_t)value : dtype == LG_BOOL ? value != 0 : value;
    return x;
}

lg_kx *lg_kx_int(lg_kbuilder *k, int64_t value)
{
    return lg_kx_integer(k, LG_I64, value);
}

lg_kx *lg_kx_float(lg_kbuilder *k, double value)
{
    lg_kx *x = lg_kx_node(k, LG_KX_FLOAT, (lg_ktype){LG_F32, 1});
    x->as.number = (double)(float)value;
    return x;
}

lg_kx *lg_kx_number(lg_kbuilder *k, lg_dtype dtype, double value)
{
    dtype = lg_kernel_dtype(dtype);
    return dtype == LG_F32 ? lg_kx_float(k, value) : lg_kx_integer(k, dtype, (int64_t)value);
}

lg_kx *lg_kx_lanes(lg_kbuilder *k, int lanes)
{
    assert(lanes > 0);
    return lanes == 1 ? lg_kx_int(k, 0) : lg_kx_node(k, LG_KX_LANES, (lg_ktype){LG_I64, lanes});
}

lg_kx *lg_kx_load(lg_kbuilder *k, lg_kbuffer *buffer, lg_kx *const *index, int lanes)
{
    assert(lanes >= 1 && (lanes == 1 || (buffer->lanes == 1 && buffer->rank > 0)));
    for (int d = 0; d < buffer->rank; d++)
        assert(index[d]->type.dtype == LG_I64);
    return lg_kx_load_node(k, buffer, index, lanes);
}

// ---- types of scalar functions

bool lg_kx_check_apply(lg_scalar fn, const lg_ktype *types, lg_ktype *result, char message[MESSAGE])
{
    const lg_scalar_info *info = lg_scalar_info_of(fn);
    int first = fn == LG_S_SELECT; // the operands that share an element type
    if (first && types[0].dtype != LG_BOOL) {
        snprintf(message, MESSAGE, "the first operand of select is %s, not bool",
                 lg_dtype_name(types[0].dtype));
        return false;
    }
    *result = (lg_ktype){types[first].dtype, 1};
    if (!lg_scalar_accepts(fn, result->dtype)) {
        snprintf(message, MESSAGE, "%s does not take %s", info->name, lg_dtype_name(result->dtype));
        return false;
    }
    for (int i = 0; i < lg_scalar_arity(fn); i++) {
        if (i >= first && types[i].dtype != result->dtype) {
            snprintf(message, MESSAGE, "the operands of %s are %s and %s; cast one of them",
                     info->name, lg_dtype_name(result->dtype), lg_dtype_name(types[i].dtype));
            return false;
        }
        if (types[i].lanes > 1 && result->lanes > 1 && types[i].lanes != result->lanes) {
            snprintf(message, MESSAGE, "the operands of %s are vectors of %d and %d lanes",
                     info->name, result->lanes, types[i].lanes);
            return false;
        }
        if (types[i].lanes > 1)
            result->lanes = types[i].lanes;
    }
    if (info->to_bool)
        result->dtype = LG_BOOL;
    return true;
}

// ---- folding

static lg_number number_of(const lg_kx *constant)
{
    return constant->kind == LG_KX_FLOAT ? (lg_number){.f = constant->as.number}
                                         : (lg_number){.i = constant->as.integer};
}

static lg_kx *constant_of(lg_kbuilder *k, lg_dtype dtype, lg_number value)
{
    return dtype == LG_F32 ? lg_kx_float(k, value.f) : lg_kx_integer(k, dtype, value.i);
}

// Functions whose f32 result each target rounds in its own way, and that the f64 of the folder
// would anticipate.
static bool is_inexact(lg_scalar fn)
{
    return fn == LG_S_EXP || fn == LG_S_LOG || fn == LG_S_TANH || fn == LG_S_COS || fn == LG_S_FMA;
}

static lg_kx *fold_constants(lg_kbuilder *k, lg_scalar fn, lg_ktype type, lg_kx *const *args)
{
    lg_number values[3] = {{.i = 0}};
    int arity = lg_scalar_arity(fn);
    for (int i = 0; i < arity; i++) {
        if (!lg_kx_is_constant(args[i]))
            return NULL;
        values[i] = number_of(args[i]);
    }
    if (is_inexact(fn))
        return NULL;
    lg_dtype operand = args[fn == LG_S_SELECT]->type.dtype;
    return constant_of(k, type.dtype, lg_scalar_evaluate(fn, operand, values));
}

static bool is_number(const lg_kx *x, double value)
{
    return x->kind == LG_KX_FLOAT ? x->as.number == value
                                  : x->kind == LG_KX_INT && (double)x->as.integer == value;
}

// x where fn(x, value) is x; `left`: fn(value, x) too.
typedef struct neutral_rule {
    lg_scalar fn;
    double value;
    bool left;
} neutral_rule;

static const neutral_rule neutral_rules[] = {
    {LG_S_ADD, 0, true}, {LG_S_SUB, 0, false}, {LG_S_MUL, 1, true},  {LG_S_DIV, 1, false},
    {LG_S_OR, 0, true},  {LG_S_XOR, 0, true},  {LG_S_SHL, 0, false}, {LG_S_SHR, 0, false},
};

static lg_kx *fold_neutral(lg_scalar fn, lg_kx *const *args)
{
    if (lg_scalar_arity(fn) != 2)
        return NULL;
    for (size_t i = 0; i < sizeof neutral_rules / sizeof *neutral_rules; i++) {
        const neutral_rule *rule = &neutral_rules[i];
        if (rule->fn != fn)
            continue;
        if (is_number(args[1], rule->value))
            return args[0];
        if (rule->left && is_number(args[0], rule->value))
            return args[1];
    }
    return NULL;
}

// true & x is x, false & x is false, and the other way round for or.
static lg_kx *fold_bool(lg_scalar fn, lg_ktype type, lg_kx *const *args)
{
    if (type.dtype != LG_BOOL || (fn != LG_S_AND && fn != LG_S_OR))
        return NULL;
    for (int i = 0; i < 2; i++) {
        if (args[i]->kind != LG_KX_INT)
            continue;
        lg_kx *kept = args[i]->as.integer == (fn == LG_S_AND) ? args[1 - i] : args[i];
        return kept->type.lanes == type.lanes ? kept : NULL;
    }
    return NULL;
}

static lg_kx *fold_select(lg_ktype type, lg_kx *const *args)
{
    lg_kx *kept = args[0]->kind == LG_KX_INT     ? args[args[0]->as.integer ? 1 : 2]
                  : lg_kx_same(args[1], args[2]) ? args[1]
                                                 : NULL;
    return kept && kept->type.lanes == type.lanes ? kept : NULL;
}

lg_kx *lg_kx_apply(lg_kbuilder *k, lg_scalar fn, lg_kx *a, lg_kx *b, lg_kx *c)
{
    lg_kx *args[3] = {a, b, c};
    lg_ktype types[3] = {{LG_F32, 1}, {LG_F32, 1}, {LG_F32, 1}}, type;
    for (int i = 0; i < lg_scalar_arity(fn); i++)
        types[i] = args[i]->type;
    char message[MESSAGE];
    bool right = lg_kx_check_apply(fn, types, &type, message);
    assert(right);
    (void)right;
    lg_kx *folded = fold_constants(k, fn, type, args);
    if (!folded && lg_kx_is_index(a))
        folded = lg_kx_simplify_index(k, fn, args);
    if (!folded)
        folded = fold_neutral(fn, args);
    if (!folded)
        folded = fold_bool(fn, type, args);
    if (!folded && fn == LG_S_SELECT)
        folded = fold_select(type, args);
    return folded ? folded : lg_kx_apply_node(k, fn, type, args);
}

// ---- casts and what goes over lanes

lg_kx *lg_kx_cast(lg_kbuilder *k, lg_dtype dtype, lg_kx *a)
{
    assert(dtype == lg_kernel_dtype(dtype));
    if (a->type.dtype == dtype)
        return a;
    if (lg_kx_is_constant(a))
        return constant_of(k, dtype, lg_number_cast(number_of(a), a->type.dtype, dtype));
    lg_kx *x = lg_kx_node(k, LG_KX_CAST, (lg_ktype){dtype, a->type.lanes});
    x->as.arg = a;
    return x;
}

static lg_kx *over_lanes(lg_kbuilder *k, lg_kx_kind kind, lg_kx *vector, int lanes)
{
    if (vector->type.lanes == lanes)
        return vector;
    lg_kx *x = lg_kx_node(k, kind, (lg_ktype){vector->type.dtype, lanes});
    x->as.arg = vector;
    return x;
}

lg_kx *lg_kx_sum(lg_kbuilder *k, lg_kx *vector)
{
    assert(vector->type.dtype != LG_BOOL);
    return over_lanes(k, LG_KX_SUM, vector, 1);
}

lg_kx *lg_kx_maximum(lg_kbuilder *k, lg_kx *vector)
{
    assert(vector->type.dtype != LG_BOOL);
    return over_lanes(k, LG_KX_MAXIMUM, vector, 1);
}

lg_kx *lg_kx_low(lg_kbuilder *k, lg_kx *vector, int lanes)
{
    assert(lanes >= 1 && lanes <= vector->type.lanes);
    return over_lanes(k, LG_KX_LOW, vector, lanes);
}
