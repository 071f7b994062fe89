// Ops, operands and attributes are thrown together at random and the shape rules keep what fits: a
// new op or attribute joins without a line here. Functions that grow fast or jump (exp, division,
// comparisons) are left out, so that what rounding changes stays small.
#include "tests/support/random_module.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_ELEMENTS = 2048, TRIES = 400 };

typedef struct generator {
    uint64_t state;
    lg_module *module;
    lg_function *function;
    lg_diag *diag; // of what did not fit
    LG_LIST(lg_value *) pool;
} generator;

static int pick(generator *g, int count)
{
    g->state = g->state * 6364136223846793005u + 1442695040888963407u;
    return (int)((g->state >> 33) % (uint64_t)count);
}

static void add_inputs(generator *g)
{
    lg_arena *arena = g->module->arena;
    const lg_type types[] = {
        LG_TYPE(LG_F32, 1, 5, 4, 3), LG_TYPE(LG_F32, 1, 5, 4, 8), LG_TYPE(LG_F32, 4, 4),
        LG_TYPE(LG_F32, 1, 4),       LG_TYPE(LG_F32, 2, 3, 4),    LG_TYPE(LG_I32, 4),
    };
    const lg_type weights[] = {
        LG_TYPE(LG_F32, 8, 3, 3, 3), LG_TYPE(LG_F32, 8, 3, 1, 1), LG_TYPE(LG_F32, 8, 8, 1, 1),
        LG_TYPE(LG_F32, 1, 1, 1, 8), LG_TYPE(LG_F32, 4, 4),       LG_TYPE(LG_F32, 4, 4),
        LG_TYPE(LG_F32, 1, 4),
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        lg_value *x = lg_function_argument(g->function, lg_format(arena, "x%zu", i), types[i]);
        LG_PUSH(arena, &g->pool, x);
    }
    for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++) {
        lg_symbol *w = lg_symbol_new(g->module, i % 3 == 2 ? LG_ROLE_STATE : LG_ROLE_PARAM,
                                     lg_format(arena, "w%zu", i), weights[i]);
        LG_PUSH(arena, &g->pool, w->value);
    }
}

static bool is_wanted(lg_opcode code)
{
    static const lg_opcode unwanted[] = {
        LG_OP_exp,    LG_OP_log,      LG_OP_sqrt, LG_OP_rsqrt, LG_OP_div, LG_OP_rem,  LG_OP_eq,
        LG_OP_ne,     LG_OP_lt,       LG_OP_le,   LG_OP_gt,    LG_OP_ge,  LG_OP_sign, LG_OP_floor,
        LG_OP_argmax, LG_OP_relayout, LG_OP_cos,  LG_OP_shl,   LG_OP_shr};
    for (size_t i = 0; i < sizeof unwanted / sizeof unwanted[0]; i++)
        if (unwanted[i] == code)
            return false;
    return lg_op_info_of(code)->class != LG_CLASS_CONTROL;
}

static lg_attr random_attr(generator *g, lg_attr_name name, int rank)
{
    int64_t *ints = LG_NEW_ARRAY(g->module->arena, int64_t, LG_MAX_RANK);
    int count = rank;
    switch (name) {
    case LG_ATTR_stride:
    case LG_ATTR_pad:
    case LG_ATTR_dilation:
        ints[0] = ints[1] = name == LG_ATTR_pad ? pick(g, 2) : 1 + pick(g, 2);
        return lg_attr_ints(name, 2, ints);
    case LG_ATTR_groups:
        return lg_attr_int(name, 1);
    case LG_ATTR_axis:
        return lg_attr_int(name, rank ? pick(g, rank) : 0);
    case LG_ATTR_ta:
    case LG_ATTR_tb:
        return lg_attr_flag(name, pick(g, 2));
    case LG_ATTR_value:
        return lg_attr_number(name, pick(g, 3));
    case LG_ATTR_axes:
        count = 1;
        ints[0] = rank ? pick(g, rank) : 0;
        break;
    case LG_ATTR_perm:
        for (int i = 0; i < rank; i++)
            ints[i] = i;
        for (int i = rank - 1; i > 0; i--) {
            int j = pick(g, i + 1);
            int64_t swap = ints[i];
            ints[i] = ints[j];
            ints[j] = swap;
        }
        break;
    default: // start, limit, low, high
        for (int i = 0; i < rank; i++)
            ints[i] = pick(g, 2) + (name == LG_ATTR_limit ? 1 + pick(g, 8) : 0);
    }
    return lg_attr_ints(name, count, ints);
}

// The attributes that the row names; optional ones half of the time.
static int random_attrs(generator *g, lg_opcode code, int rank, lg_attr *attrs)
{
    const char *names = lg_op_info_of(code)->attributes;
    int count = 0;
    for (int name = 0; names && name < LG_ATTR_COUNT; name++) {
        const char *text = lg_attr_info_of(name)->name;
        size_t length = strlen(text);
        const char *at = names;
        while ((at = strstr(at, text)) && ((at[length] != '\0' && at[length] != ' ') ||
                                           (at > names && at[-1] != ' ' && at[-1] != '?')))
            at++;
        bool optional = at && at > names && at[-1] == '?';
        if (at && name != LG_ATTR_values && name != LG_ATTR_step && (!optional || pick(g, 2)))
            attrs[count++] = random_attr(g, name, rank);
    }
    return count;
}

// What a reshape, broadcast or constant may be told to become.
static lg_type random_declared(generator *g, const lg_value *like, lg_opcode code)
{
    lg_type type = g->pool.items[pick(g, g->pool.count)]->type;
    if (like && (code != LG_OP_cast || pick(g, 2)))
        type.dtype = like->type.dtype;
    if (like && code == LG_OP_cast)
        return lg_type_make(type.dtype, like->type.rank, like->type.dims);
    if (like && code == LG_OP_reshape && pick(g, 2)) {
        int64_t dims[] = {1, lg_type_elements(&like->type), 1};
        int first = pick(g, 2);
        return lg_type_make(type.dtype, 2 + pick(g, 2 - first), dims + first);
    }
    return type;
}

static void try_op(generator *g)
{
    lg_opcode code = (lg_opcode)pick(g, LG_OPCODE_COUNT);
    if (pick(g, 4) == 0) // what most passes are about
        code = pick(g, 2) ? LG_OP_conv2d : LG_OP_concat;
    if (!is_wanted(code))
        return;
    int count = lg_op_info_of(code)->operands;
    lg_value *operands[3];
    if (count == LG_VARIADIC)
        count = 1 + pick(g, 3);
    for (int i = 0; i < 3; i++) {
        operands[i] = g->pool.items[pick(g, g->pool.count)];
        for (int again = 0; i > 0 && again < 8 && code != LG_OP_conv2d &&
                            !lg_shape_equal(&operands[i]->type, &operands[0]->type);
             again++)
            operands[i] = g->pool.items[pick(g, g->pool.count)];
    }
    lg_type declared = random_declared(g, count ? operands[0] : NULL, code);
    lg_attr attrs[LG_ATTR_COUNT];
    int attr_count = random_attrs(g, code, count ? operands[0]->type.rank : declared.rank, attrs);
    bool takes_declared = lg_op_info_of(code)->class == LG_CLASS_SOURCE || code == LG_OP_cast ||
                          code == LG_OP_reshape || code == LG_OP_broadcast;
    lg_op *op = lg_op_new(g->function, NULL, code, count, operands, attr_count, attrs,
                          takes_declared ? &declared : NULL, (lg_location){0}, g->diag);
    if (!op)
        return;
    if (lg_type_elements(&op->results[0]->type) > MOST_ELEMENTS)
        lg_op_remove(op);
    else
        LG_PUSH(g->module->arena, &g->pool, op->results[0]);
}

lg_module *lg_random_module(uint64_t seed, int ops)
{
    generator g = {.state = seed, .module = lg_module_new("random"), .diag = lg_diag_new()};
    g.function = lg_function_new(g.module, LG_FUNC, "infer");
    add_inputs(&g);
    int inputs = g.pool.count;
    for (int i = 0; i < TRIES * ops && g.pool.count < inputs + ops; i++) {
        try_op(&g);
        if (i % 64 == 63) { // what did not fit is many messages
            lg_diag_free(g.diag);
            g.diag = lg_diag_new();
        }
    }
    for (int i = 0; i < 4 && i < g.pool.count; i++)
        lg_function_return(g.function, lg_format(g.module->arena, "y%d", i),
                           g.pool.items[g.pool.count - 1 - i]);
    lg_diag_free(g.diag);
    return g.module;
}
