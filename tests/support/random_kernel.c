#include "tests/support/random_kernel.h"

enum { MAX_LETS = 4, MAX_REGISTERS = 4 };

typedef struct generator {
    lg_kbuilder k;
    unsigned state;
    int lanes, width; // of a vector, of a row
    lg_kbuffer *a, *b, *n, *z, *tile, *acc;
    int registers;
    bool tile_is_written;
    lg_kx *row, *column; // the loops around, or NULL
    lg_kx *lets[MAX_LETS];
    int let_count;
} generator;

static int pick(generator *g, int count)
{
    g->state = g->state * 1664525u + 1013904223u;
    return (int)((g->state >> 16) % (unsigned)count);
}

// ---- expressions

static lg_kx *integer_expression(generator *g)
{
    lg_kx *x = lg_kx_addi(&g->k, g->row, pick(g, 5));
    if (g->column)
        x = lg_kx_add(&g->k, x, lg_kx_muli(&g->k, g->column, 1 + pick(g, 3)));
    switch (pick(g, 4)) {
    case 0:
        return lg_kx_divi(&g->k, x, 1 + pick(g, 5));
    case 1:
        return lg_kx_modi(&g->k, x, 1 + pick(g, 5));
    case 2: // negative too
        return lg_kx_modi(&g->k, lg_kx_addi(&g->k, x, -9), 2 + pick(g, 4));
    default:
        return x;
    }
}

static lg_kx *condition(generator *g)
{
    static const lg_scalar comparisons[] = {LG_S_EQ, LG_S_NE, LG_S_LT, LG_S_LE, LG_S_GT, LG_S_GE};
    return lg_kx_apply(&g->k, comparisons[pick(g, 6)], integer_expression(g),
                       lg_kx_int(&g->k, pick(g, 8)), NULL);
}

static lg_kx *load_column(generator *g, lg_kbuffer *buffer, int lanes)
{
    lg_kx *at = g->column ? g->column : lg_kx_int(&g->k, pick(g, g->width - lanes + 1));
    lg_kx *index[2] = {g->row, at};
    bool row = buffer->rank == 2;
    return lg_kx_load(&g->k, buffer, row ? index : index + 1, lanes);
}

static lg_kx *leaf(generator *g, int lanes)
{
    int registers = lanes == g->lanes && g->acc ? g->registers : 0;
    switch (pick(g, 9)) {
    case 0:
        return lg_kx_float(&g->k, (pick(g, 17) - 8) / 4.0);
    case 1:
        return lg_kx_cast(&g->k, LG_F32, load_column(g, g->n, lanes));
    case 2:
        return lg_kx_cast(&g->k, LG_F32, integer_expression(g));
    case 3:
        if (registers)
            return lg_kx_load(&g->k, g->acc, (lg_kx *[]){lg_kx_int(&g->k, pick(g, registers))}, 1);
        return load_column(g, g->b, lanes);
    case 4:
        if (g->let_count && lanes == g->lanes)
            return g->lets[pick(g, g->let_count)];
        return load_column(g, g->a, lanes);
    case 5:
        if (g->tile_is_written)
            return load_column(g, g->tile, lanes);
        return load_column(g, g->a, 1);
    case 6:
        if (g->tile_is_written && lanes > 1) { // backwards
            lg_kx *last = lg_kx_int(&g->k, g->width - 1);
            lg_kx *index = lg_kx_apply(&g->k, LG_S_SUB, last, lg_kx_lanes(&g->k, lanes), NULL);
            return lg_kx_load(&g->k, g->tile, &index, lanes);
        }
        return load_column(g, g->b, lanes);
    default:
        return load_column(g, g->a, lanes);
    }
}

static lg_kx *expression(generator *g, int lanes, int depth)
{
    static const lg_scalar binary[] = {LG_S_ADD, LG_S_SUB, LG_S_MUL, LG_S_MIN, LG_S_MAX};
    if (depth == 0)
        return leaf(g, lanes);
    lg_kx *a = expression(g, lanes, depth - 1);
    switch (pick(g, 9)) {
    case 0:
        return lg_kx_apply(&g->k, LG_S_NEG, a, NULL, NULL);
    case 1:
        return lg_kx_apply(&g->k, LG_S_ABS, a, NULL, NULL);
    case 2: {
        lg_kx *b = expression(g, lanes, depth - 1);
        return lg_kx_apply(&g->k, LG_S_SELECT, condition(g), a, b);
    }
    case 3: {
        lg_kx *b = leaf(g, lanes), *c = leaf(g, lanes);
        return lg_kx_apply(&g->k, LG_S_FMA, a, b, c);
    }
    case 4: {
        lg_kx *at[] = {g->row, lg_kx_int(&g->k, pick(g, g->width - g->lanes + 1))};
        lg_kx *vector = lg_kx_load(&g->k, g->a, at, g->lanes);
        lg_kx *scalar = g->lanes == 1 ? vector
                        : pick(g, 2)  ? lg_kx_sum(&g->k, vector)
                                      : lg_kx_maximum(&g->k, vector);
        return lg_kx_apply(&g->k, LG_S_ADD, a, scalar, NULL);
    }
    default:
        return lg_kx_apply(&g->k, binary[pick(g, 5)], a, leaf(g, lanes), NULL);
    }
}

// An expression that has all `lanes`, even if its leaves happen to be scalars.
static lg_kx *vector_expression(generator *g, int lanes, int depth)
{
    return lg_kx_apply(&g->k, LG_S_ADD, expression(g, lanes, depth), load_column(g, g->b, lanes),
                       NULL);
}

// ---- statements

static void update_registers(generator *g)
{
    lg_kx *r = lg_k_for(&g->k, LG_LOOP_UNROLL, "r", g->registers);
    lg_kx *old = lg_kx_load(&g->k, g->acc, &r, 1);
    lg_kx *value = vector_expression(g, g->lanes, 2);
    // Halved, so that a sum over a row stays small.
    value = lg_kx_apply(&g->k, LG_S_MIN, value, lg_kx_float(&g->k, 8), NULL);
    value = lg_kx_apply(&g->k, LG_S_MAX, value, lg_kx_float(&g->k, -8), NULL);
    lg_k_store(&g->k, g->acc, &r, 1,
               lg_kx_apply(&g->k, LG_S_FMA, old, lg_kx_float(&g->k, 0.5), value));
    lg_k_end(&g->k);
}

static void fill_tile(generator *g)
{
    g->column = lg_k_for(&g->k, LG_LOOP_SERIAL, "t", g->width);
    lg_k_store(&g->k, g->tile, &g->column, 1, expression(g, 1, 2));
    lg_k_end(&g->k);
    g->column = NULL;
    g->tile_is_written = true;
}

static void store_column(generator *g, int lanes)
{
    lg_kx *index[2] = {g->row, g->column};
    lg_k_store(&g->k, g->z, index, lanes, vector_expression(g, lanes, 3));
}

static void column_body(generator *g)
{
    g->let_count = 0;
    while (g->let_count < 1 + pick(g, MAX_LETS - 1)) {
        lg_kx *value = vector_expression(g, g->lanes, 2);
        g->lets[g->let_count++] = lg_k_let(&g->k, "v", value);
    }
    update_registers(g);
    store_column(g, g->lanes);
    if (pick(g, 2)) {
        lg_k_if(&g->k, condition(g));
        store_column(g, g->lanes);
        if (pick(g, 2)) {
            lg_k_else(&g->k);
            store_column(g, 1);
        }
        lg_k_end(&g->k);
    }
    g->let_count = 0;
}

static void row_body(generator *g)
{
    int64_t registers[] = {g->registers}, width[] = {g->width};
    g->tile = lg_k_alloc(&g->k, "tile", LG_SCOPE_TILE, LG_F32, 1, 1, width);
    lg_kbuffer *acc = lg_k_alloc(&g->k, "acc", LG_SCOPE_REGISTER, LG_F32, g->lanes, 1, registers);
    lg_kx *r = lg_k_for(&g->k, LG_LOOP_UNROLL, "r", g->registers);
    lg_k_store(&g->k, acc, &r, 1, lg_kx_float(&g->k, pick(g, 3)));
    lg_k_end(&g->k);
    g->acc = acc;
    if (pick(g, 2))
        fill_tile(g);
    int whole = g->width / g->lanes * g->lanes;
    g->column = lg_k_loop(&g->k, LG_LOOP_SERIAL, "j", lg_kx_int(&g->k, 0), lg_kx_int(&g->k, whole),
                          g->lanes);
    column_body(g);
    lg_k_end(&g->k);
    g->column = NULL;
    if (whole < g->width) {
        g->column = lg_kx_int(&g->k, whole);
        lg_k_store(&g->k, g->z, (lg_kx *[]){g->row, g->column}, g->width - whole,
                   load_column(g, g->a, g->width - whole));
    }
    g->column = NULL;
}

lg_kernel *lg_random_kernel(lg_program *program, unsigned seed)
{
    static const int lane_counts[] = {1, 3, 4, 8, 12, 16};
    generator g = {.state = seed * 747796405u + 2891336453u};
    g.lanes = lane_counts[pick(&g, 6)];
    g.width = g.lanes * (1 + pick(&g, 4)) + pick(&g, g.lanes);
    g.registers = 1 + pick(&g, MAX_REGISTERS);
    int64_t rows = 1 + pick(&g, 5), plane[] = {rows, g.width}, *line = plane + 1;
    lg_kernel *kernel = lg_kernel_new(program, "random");
    g.a = lg_kernel_param(kernel, "a", LG_SCOPE_IN, LG_F32, 2, plane);
    g.b = lg_kernel_param(kernel, "b", LG_SCOPE_IN, LG_F32, 1, line);
    g.n = lg_kernel_param(kernel, "n", LG_SCOPE_IN, LG_I32, 1, line);
    g.z = lg_kernel_param(kernel, "z", LG_SCOPE_OUT, LG_F32, 2, plane);
    lg_k_begin(&g.k, kernel);
    g.row = lg_k_for(&g.k, LG_LOOP_PARALLEL, "i", rows);
    row_body(&g);
    lg_k_end(&g.k);
    return kernel;
}
