// Expressions of the kernel IR, by precedence climbing over the infix column of ir/scalars.def.
// What is read is kept as it is written, without simplification: printing gives the same text back.
#include "ir/kernel_parse_internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

// The bounds of recursion, here and in everybody who walks the tree.
enum { MAX_PARTS = 2000, MAX_NESTING = 200, LOWEST_PRECEDENCE = 1 };

static lg_kx *fail(lg_kparser *p, lg_location where, const char *message)
{
    lg_kparse_error(p, where, "%s", message);
    return NULL;
}

static lg_kx *parse_infix(lg_kparser *p, int precedence);

// ---- constants

static lg_kx *parse_integer(lg_kparser *p)
{
    int64_t value = p->lexer.token.integer;
    lg_location where = p->lexer.token.where;
    lg_lexer_next(&p->lexer);
    if (!lg_lexer_accept(&p->lexer, "i32"))
        return lg_kx_int(&p->k, value);
    if (value < INT32_MIN || value > INT32_MAX)
        return fail(p, where, "the constant does not fit in i32");
    return lg_kx_integer(&p->k, LG_I32, value);
}

static lg_kx *parse_number(lg_kparser *p)
{
    lg_location where = p->lexer.token.where;
    double value;
    if (!lg_lexer_expect_number(&p->lexer, &value))
        return NULL;
    if (isinf((float)value) && !isinf(value))
        return fail(p, where, "the constant does not fit in f32; write inf for infinity");
    return lg_kx_float(&p->k, value);
}

// A minus belongs to a number: it is read again as one token.
static lg_kx *parse_negative(lg_kparser *p)
{
    p->lexer.at = p->lexer.token.text;
    p->lexer.negative_numbers = true;
    lg_lexer_next(&p->lexer);
    p->lexer.negative_numbers = false;
    if (p->lexer.token.kind == LG_TOKEN_INTEGER)
        return parse_integer(p);
    if (p->lexer.token.kind == LG_TOKEN_NUMBER)
        return parse_number(p);
    return fail(p, p->lexer.token.where, "`-` before what is not a number; write neg(...)");
}

// ---- variables and loads

bool lg_kparse_positive(lg_kparser *p, const char *what, int64_t limit, int64_t *value)
{
    lg_location where = p->lexer.token.where;
    if (!lg_lexer_expect_integer(&p->lexer, value))
        return false;
    if (*value < 1 || *value > limit)
        return lg_kparse_error(p, where, "%s must be between 1 and %lld", what, (long long)limit);
    return true;
}

static bool check_index(lg_kparser *p, lg_location where, const lg_kx *index, int *width)
{
    if (index->type.dtype != LG_I64)
        return lg_kparse_error(p, where, "an index is i64, not %s",
                               lg_dtype_name(index->type.dtype));
    if (index->type.lanes > 1 && *width > 1 && index->type.lanes != *width)
        return lg_kparse_error(p, where, "vectors of %d and %d lanes meet in one access", *width,
                               index->type.lanes);
    if (index->type.lanes > 1)
        *width = index->type.lanes;
    return true;
}

static bool parse_access_lanes(lg_kparser *p, const lg_kbuffer *buffer, lg_kaccess *access)
{
    int64_t lanes;
    lg_location where = p->lexer.token.where;
    if (!lg_lexer_accept(&p->lexer, ":"))
        return true;
    if (!lg_kparse_positive(p, "the number of lanes", LG_MAX_LANES, &lanes))
        return false;
    if (buffer->rank == 0 || buffer->lanes > 1 || access->width > 1)
        return lg_kparse_error(p, where, "`: %lld` has no place here: %s", (long long)lanes,
                               buffer->rank == 0   ? "the buffer has one element"
                               : buffer->lanes > 1 ? "the buffer holds vectors"
                                                   : "an index is a vector");
    access->lanes = access->width = (int)lanes;
    return true;
}

bool lg_kparse_access(lg_kparser *p, lg_kbuffer *buffer, lg_kaccess *access)
{
    *access = (lg_kaccess){.lanes = 1, .width = buffer->lanes};
    lg_location where = p->lexer.token.where;
    if (!lg_lexer_expect(&p->lexer, "["))
        return false;
    int count = 0;
    while (!lg_lexer_is(&p->lexer, "]") && !lg_lexer_is(&p->lexer, ":")) {
        lg_location at = p->lexer.token.where;
        if (count && !lg_lexer_expect(&p->lexer, ","))
            return false;
        lg_kx *index = lg_kparse_expression(p);
        if (!index || !check_index(p, at, index, &access->width))
            return false;
        if (count < buffer->rank)
            access->index[count] = index;
        count++;
    }
    if (count != buffer->rank)
        return lg_kparse_error(p, where, "%%%s has %d dimensions, not %d", buffer->name,
                               buffer->rank, count);
    return parse_access_lanes(p, buffer, access) && lg_lexer_expect(&p->lexer, "]");
}

static lg_kx *parse_name(lg_kparser *p)
{
    lg_location where = p->lexer.token.where;
    const char *name = lg_kparse_text(p);
    const lg_kname *found = lg_kernel_find(p->k.kernel, name);
    lg_lexer_next(&p->lexer);
    if (!found) {
        lg_kparse_error(p, where, "%%%s is not defined before", name);
        return NULL;
    }
    if (found->var)
        return lg_kx_var(&p->k, found->var);
    lg_kaccess access;
    if (!found->buffer || !lg_kparse_access(p, found->buffer, &access))
        return NULL;
    return lg_kx_load_node(&p->k, found->buffer, access.index, access.lanes);
}

// ---- functions

static lg_kx *parse_scalar_function(lg_kparser *p, lg_scalar fn, lg_location where)
{
    lg_kx *args[3] = {NULL};
    lg_ktype types[3] = {{LG_F32, 1}}, type;
    int arity = lg_scalar_arity(fn);
    for (int i = 0; i < arity; i++) {
        if (i && !lg_lexer_expect(&p->lexer, ","))
            return NULL;
        args[i] = lg_kparse_expression(p);
        if (!args[i])
            return NULL;
        types[i] = args[i]->type;
    }
    char message[160];
    if (!lg_kx_check_apply(fn, types, &type, message))
        return fail(p, where, message);
    return lg_lexer_expect(&p->lexer, ")") ? lg_kx_apply_node(&p->k, fn, type, args) : NULL;
}

static lg_kx *arg_node(lg_kparser *p, lg_kx_kind kind, lg_ktype type, lg_kx *arg)
{
    lg_kx *x = lg_kx_node(&p->k, kind, type);
    x->as.arg = arg;
    return lg_lexer_expect(&p->lexer, ")") ? x : NULL;
}

static lg_kx *parse_cast(lg_kparser *p, lg_dtype dtype, lg_location where)
{
    lg_kx *arg = lg_kparse_expression(p);
    if (arg && dtype != lg_kernel_dtype(dtype))
        return fail(p, where, "arithmetic happens in f32, i32, i64 and bool: cast to one of these");
    return arg ? arg_node(p, LG_KX_CAST, (lg_ktype){dtype, arg->type.lanes}, arg) : NULL;
}

static lg_kx *parse_over_lanes(lg_kparser *p, lg_kx_kind kind, lg_location where)
{
    lg_kx *arg = lg_kparse_expression(p);
    if (!arg)
        return NULL;
    if (arg->type.dtype == LG_BOOL || arg->type.lanes == 1)
        return fail(p, where, "the operand must be a vector of numbers");
    return arg_node(p, kind, (lg_ktype){arg->type.dtype, 1}, arg);
}

static lg_kx *parse_low(lg_kparser *p)
{
    int64_t lanes;
    lg_kx *arg = lg_kparse_expression(p);
    if (!arg || !lg_lexer_expect(&p->lexer, ",") ||
        !lg_kparse_positive(p, "the number of lanes", arg->type.lanes, &lanes))
        return NULL;
    return arg_node(p, LG_KX_LOW, (lg_ktype){arg->type.dtype, (int)lanes}, arg);
}

static lg_kx *parse_lanes(lg_kparser *p)
{
    int64_t lanes;
    if (!lg_kparse_positive(p, "the number of lanes", LG_MAX_LANES, &lanes))
        return NULL;
    return arg_node(p, LG_KX_LANES, (lg_ktype){LG_I64, (int)lanes}, NULL);
}

static lg_kx *parse_call(lg_kparser *p)
{
    lg_token name = p->lexer.token;
    const char *text = lg_kparse_text(p);
    lg_dtype dtype;
    lg_lexer_next(&p->lexer);
    if (!lg_lexer_expect(&p->lexer, "("))
        return NULL;
    for (int fn = 0; fn < LG_SCALAR_COUNT; fn++)
        if (strcmp(text, lg_scalar_info_of((lg_scalar)fn)->name) == 0 &&
            !*lg_scalar_info_of((lg_scalar)fn)->infix)
            return parse_scalar_function(p, (lg_scalar)fn, name.where);
    if (lg_dtype_parse(name.text, name.length, &dtype))
        return parse_cast(p, dtype, name.where);
    if (strcmp(text, "sum") == 0)
        return parse_over_lanes(p, LG_KX_SUM, name.where);
    if (strcmp(text, "maximum") == 0)
        return parse_over_lanes(p, LG_KX_MAXIMUM, name.where);
    if (strcmp(text, "low") == 0)
        return parse_low(p);
    if (strcmp(text, "lanes") == 0)
        return parse_lanes(p);
    lg_kparse_error(p, name.where, "no function is called `%s`", text);
    return NULL;
}

// ---- operators

static lg_kx *parse_word(lg_kparser *p)
{
    bool is_true = lg_lexer_is(&p->lexer, "true");
    if (is_true || lg_lexer_is(&p->lexer, "false")) {
        lg_lexer_next(&p->lexer);
        return lg_kx_integer(&p->k, LG_BOOL, is_true);
    }
    if (lg_lexer_is(&p->lexer, "inf") || lg_lexer_is(&p->lexer, "nan"))
        return parse_number(p);
    return parse_call(p);
}

static lg_kx *parse_primary(lg_kparser *p)
{
    if (++p->parts > MAX_PARTS || p->nesting > MAX_NESTING)
        return fail(p, p->lexer.token.where, "the expression is too long; name parts with `let`");
    switch (p->lexer.token.kind) {
    case LG_TOKEN_INTEGER:
        return parse_integer(p);
    case LG_TOKEN_NUMBER:
        return parse_number(p);
    case LG_TOKEN_LOCAL:
        return parse_name(p);
    case LG_TOKEN_WORD:
        return parse_word(p);
    default:
        break;
    }
    if (lg_lexer_is(&p->lexer, "-"))
        return parse_negative(p);
    if (!lg_lexer_is(&p->lexer, "("))
        return fail(p, p->lexer.token.where, "expected an expression");
    lg_lexer_next(&p->lexer);
    lg_kx *x = parse_infix(p, LOWEST_PRECEDENCE);
    return x && lg_lexer_expect(&p->lexer, ")") ? x : NULL;
}

// The operator at the current token if it binds at least as tightly as `precedence`.
static bool infix_here(const lg_kparser *p, int precedence, lg_scalar *fn)
{
    for (int i = 0; i < LG_SCALAR_COUNT; i++) {
        const lg_scalar_info *info = lg_scalar_info_of((lg_scalar)i);
        if (*info->infix && info->precedence >= precedence && lg_lexer_is(&p->lexer, info->infix)) {
            *fn = (lg_scalar)i;
            return true;
        }
    }
    return false;
}

static lg_kx *parse_infix(lg_kparser *p, int precedence)
{
    p->nesting++;
    lg_kx *x = parse_primary(p);
    p->nesting--;
    lg_scalar fn;
    while (x && infix_here(p, precedence, &fn)) {
        lg_location where = p->lexer.token.where;
        lg_lexer_next(&p->lexer);
        lg_kx *right = parse_infix(p, lg_scalar_info_of(fn)->precedence + 1);
        if (!right)
            return NULL;
        char message[160];
        lg_ktype type;
        if (!lg_kx_check_apply(fn, (lg_ktype[]){x->type, right->type}, &type, message))
            return fail(p, where, message);
        x = lg_kx_apply_node(&p->k, fn, type, (lg_kx *[]){x, right});
    }
    return x;
}

lg_kx *lg_kparse_expression(lg_kparser *p)
{
    return parse_infix(p, LOWEST_PRECEDENCE);
}
