// Matrix products on a CPU: register tiles of rows x columns, blocks in the caches
// (matmul_blocks.c), operands copied where they lie badly (matmul_copy.c).
//
//   job: a block of rows (some tiles) and of columns (some units, a unit being a tile's columns)
//     chunk of the reduced axis
//       copies of the chunk's part of the operands, where the blocks ask for them
//       unit of columns, tile of rows
//         reduced index: one fma an accumulator
//         last chunk: epilogue and store; else the sums wait in a small buffer
//
// Alone in its kernel (with an epilogue) a product runs in parallel over batch and blocks, so that
// also a single row is spread over threads. As a stage of a larger kernel it is one job, within one
// iteration. Which job computes an element never changes the order in which it is summed.
#include "passes/schedule/matmul.h"

#include "ir/integer.h"

#include <assert.h>
#include <string.h>

enum { MAX_RESULTS = 8 };

typedef struct place {
    const lg_product *p;
    lg_columns run;
    lg_kx *unit, *row, *k; // k: within the chunk
    int rows;
    lg_kx *column; // of dot products: the first of the tile's
} place;

// ---- where things are

lg_kx *lg_product_row(const lg_product *p, lg_kx *t)
{
    lg_kbuilder *k = &p->s->k;
    const lg_cut *cut = &p->cut;
    lg_kx *row = lg_kx_muli(k, t, cut->size[0]);
    if (cut->count[1]) { // tiles behind the first count[0] are one row shorter
        lg_kx *larger = lg_kx_mini(k, t, cut->count[0]);
        row = lg_kx_add(k, lg_kx_muli(k, t, cut->size[1]), larger);
    }
    return lg_kx_add(k, p->base, row);
}

int64_t lg_product_rows(const lg_product *p)
{
    return lg_ceil_div(p->cut.count[0] + p->cut.count[1], p->row_blocks) * p->cut.size[0];
}

int64_t lg_product_units(const lg_product *p)
{
    return lg_ceil_div(lg_ceil_div(p->shape.n, (int64_t)p->blocks.vectors * p->panel.lanes),
                       p->splits);
}

// The batch indices of operand `i`, whose axes of size 1 are repeated.
static void batch_index(const lg_product *p, int i, lg_index *index)
{
    const lg_type *type = &p->op->operands[i]->type;
    for (int a = 0; a < type->rank - 2; a++)
        index[a] = type->dims[a] == 1 ? lg_index_int(&p->s->k, 0) : p->at[a];
}

static lg_kx *operand(const lg_product *p, int i, int axis, lg_kx *at, lg_kx *k, bool along,
                      int lanes)
{
    lg_index index[LG_MAX_RANK];
    batch_index(p, i, index);
    index[axis] = (lg_index){at, along && lanes > 1};
    index[p->m + p->n - axis] = (lg_index){k, !along && lanes > 1};
    return lg_element(&p->s->ctx, p->op->operands[i], index, lanes);
}

lg_kx *lg_product_left(const lg_product *p, lg_kx *i, lg_kx *k, bool along, int lanes)
{
    return operand(p, 0, lg_op_int(p->op, LG_ATTR_ta) ? p->n : p->m, i, k, along, lanes);
}

lg_kx *lg_product_right(const lg_product *p, lg_kx *i, lg_kx *k, bool along, int lanes)
{
    return operand(p, 1, lg_op_int(p->op, LG_ATTR_tb) ? p->m : p->n, i, k, along, lanes);
}

static lg_kx *column_of(const place *at, lg_kx *vector)
{
    lg_kbuilder *k = &at->p->s->k;
    lg_kx *unit = lg_kx_muli(k, at->unit, (int64_t)at->run.vectors * at->run.lanes);
    return lg_kx_add(k, lg_kx_addi(k, unit, at->run.start), lg_kx_muli(k, vector, at->run.lanes));
}

// ---- operands of the multiplication

static lg_kx *left_element(void *data, lg_kx *row)
{
    const place *at = data;
    const lg_product *p = at->p;
    lg_kbuilder *k = &p->s->k;
    row = lg_kx_add(k, at->row, row);
    if (!p->left)
        return lg_product_left(p, row, lg_kx_add(k, p->k0, at->k), true, 1);
    row = lg_kx_add(k, row, lg_kx_muli(k, lg_product_row(p, p->t0), -1));
    bool ta = lg_op_int(p->op, LG_ATTR_ta);
    lg_kx *index[] = {ta ? at->k : row, ta ? row : at->k};
    return lg_kx_load(k, p->left, index, 1);
}

// Panel and column within it of a vector of the unit.
static void panel_of(const place *at, lg_kx *vector, lg_kx **panel, lg_kx **column)
{
    const lg_product *p = at->p;
    lg_kbuilder *k = &p->s->k;
    int wide = p->panel.vectors, of_a_unit = p->blocks.vectors / wide;
    lg_kx *first = lg_kx_addi(k, lg_kx_muli(k, at->unit, of_a_unit),
                              at->run.start / ((int64_t)wide * p->panel.lanes));
    *panel = lg_kx_add(k, first, lg_kx_divi(k, vector, wide));
    *column = lg_kx_muli(k, lg_kx_modi(k, vector, wide), p->panel.lanes);
}

static lg_kx *right_vector(void *data, lg_kx *vector)
{
    const place *at = data;
    const lg_product *p = at->p;
    lg_kbuilder *k = &p->s->k;
    lg_kx *depth = lg_kx_add(k, p->k0, at->k), *index[LG_MAX_RANK + 1];
    if (p->blocks.form == LG_RIGHT_DIRECT)
        return lg_product_right(p, column_of(at, vector), depth, true, at->run.lanes);
    if (p->blocks.form == LG_RIGHT_COPIED) {
        panel_of(at, vector, &index[0], &index[2]);
        index[0] = lg_kx_add(k, index[0], lg_kx_muli(k, p->u0, -1));
        index[1] = at->k;
        return lg_kx_load(k, p->right, index, at->run.lanes);
    }
    lg_index batch[LG_MAX_RANK];
    batch_index(p, 1, batch);
    for (int a = 0; a < p->m; a++)
        index[a] = batch[a].base;
    panel_of(at, vector, &index[p->m], &index[p->m + 2]);
    index[p->m + 1] = depth;
    return lg_kx_load(k, p->s->ctx.bindings[p->op->operands[1]->id].buffer, index, at->run.lanes);
}

// ---- one tile

// Steps low <= k < high of the reduced axis, `unroll` at a time.
static void steps(place *at, lg_kbuffer *acc, lg_kx *low, lg_kx *high, int64_t unroll)
{
    lg_kbuilder *k = &at->p->s->k;
    lg_tile tile = {at->rows, at->run.vectors, at->run.lanes};
    lg_tile_operands operands = {left_element, right_vector, at};
    int mark = lg_tensor_mark(&at->p->s->ctx);
    lg_kx *base = lg_k_loop(k, LG_LOOP_SERIAL, "k", low, high, unroll);
    at->k = lg_kx_add(k, base, lg_k_for(k, LG_LOOP_UNROLL, "u", unroll));
    lg_tile_multiply(k, acc, tile, &operands);
    lg_k_end(k);
    lg_k_end(k);
    lg_tensor_forget(&at->p->s->ctx, mark);
}

static void multiply(place *at, lg_kbuffer *acc)
{
    const lg_product *p = at->p;
    lg_kbuilder *k = &p->s->k;
    int64_t unroll = p->blocks.unroll;
    lg_kx *zero = lg_kx_int(k, 0);
    if (p->length->kind == LG_KX_INT) {
        int64_t length = p->length->as.integer, whole = length / unroll * unroll;
        if (whole)
            steps(at, acc, zero, lg_kx_int(k, whole), unroll);
        if (whole < length)
            steps(at, acc, lg_kx_int(k, whole), p->length, length - whole);
        return;
    }
    // The last chunk is shorter than the others.
    while (unroll > 1 && (p->shape.k % unroll || p->blocks.kc % unroll))
        unroll /= 2;
    steps(at, acc, zero, p->length, unroll);
}

static lg_kx *left_line(void *data, lg_kx *row)
{
    const place *at = data;
    const lg_product *p = at->p;
    return lg_product_left(p, lg_kx_add(&p->s->k, at->row, row), at->k, false, p->panel.lanes);
}

static lg_kx *right_line(void *data, lg_kx *column)
{
    const place *at = data;
    const lg_product *p = at->p;
    lg_kx *c = lg_kx_add(&p->s->k, at->column, column);
    return lg_product_right(p, c, at->k, false, p->panel.lanes);
}

// sums[r, first + c] = dot products of `columns` columns with all rows of the tile.
static void dot_columns(place *at, lg_kbuffer *sums, lg_kx *first, int columns)
{
    const lg_product *p = at->p;
    lg_kbuilder *k = &p->s->k;
    int lanes = p->panel.lanes;
    int64_t depth = p->shape.k, whole = depth / lanes * lanes;
    lg_tile tile = {at->rows, columns, lanes};
    lg_tile_operands operands = {left_line, right_line, at};
    lg_kbuffer *dot =
        lg_k_alloc(k, "dot", LG_SCOPE_REGISTER, LG_F32, lanes, 2, (int64_t[]){at->rows, columns});
    at->column = lg_kx_add(k, column_of(at, lg_kx_int(k, 0)), first);
    lg_tile_clear(k, dot, tile);
    int mark = lg_tensor_mark(&p->s->ctx);
    at->k = lg_k_loop(k, LG_LOOP_SERIAL, "k", lg_kx_int(k, 0), lg_kx_int(k, whole), lanes);
    lg_tile_multiply(k, dot, tile, &operands);
    lg_k_end(k);
    lg_kx *index[2];
    index[0] = lg_k_for(k, LG_LOOP_UNROLL, "r", at->rows);
    lg_kx *j = lg_k_for(k, LG_LOOP_UNROLL, "j", columns);
    lg_kx *sum = lg_kx_sum(k, lg_kx_load(k, dot, (lg_kx *[]){index[0], j}, 1));
    index[1] = lg_kx_add(k, first, j);
    if (whole < depth) { // what is left of the reduced axis is one short vector
        int rest = (int)(depth - whole);
        lg_kx *from = lg_kx_int(k, whole);
        lg_kx *a = lg_product_left(p, lg_kx_add(k, at->row, index[0]), from, false, rest);
        lg_kx *b = lg_product_right(p, lg_kx_add(k, at->column, j), from, false, rest);
        lg_kx *more = lg_kx_sum(k, lg_kx_apply(k, LG_S_MUL, a, b, NULL));
        sum = lg_kx_apply(k, LG_S_ADD, sum, more, NULL);
    }
    lg_k_store(k, sums, index, 1, sum);
    lg_k_end(k);
    lg_k_end(k);
    lg_tensor_forget(&p->s->ctx, mark);
}

// The tile's sums by dot products, as many columns at a time as there are registers for.
static void dot(place *at, lg_kbuffer *acc)
{
    const lg_product *p = at->p;
    lg_kbuilder *k = &p->s->k;
    int columns = (p->s->target->registers - 2) / (at->rows + 1);
    columns = columns > 4 ? 4 : columns < 1 ? 1 : columns;
    lg_kbuffer *sums =
        lg_k_alloc(k, "sums", LG_SCOPE_TILE, LG_F32, 1, 2, (int64_t[]){at->rows, at->run.lanes});
    lg_cut cut = lg_tile_cut(at->run.lanes, columns);
    for (int part = 0; part < 2 && cut.count[part]; part++) {
        int opened = 0;
        lg_kx *first = lg_loop_over_cut(k, "c", &cut, part, &opened);
        dot_columns(at, sums, first, cut.size[part]);
        if (opened)
            lg_k_end(k);
    }
    lg_kx *r = lg_k_for(k, LG_LOOP_UNROLL, "r", at->rows), *zero = lg_kx_int(k, 0);
    lg_k_store(k, acc, (lg_kx *[]){r, zero}, 1,
               lg_kx_load(k, sums, (lg_kx *[]){r, zero}, at->run.lanes));
    lg_k_end(k);
}

// Epilogue and store of vector `j` of all rows; `start`: the column at which result `r` starts.
static void store_result(place *at, lg_kbuffer *acc, int r, int64_t start, int j)
{
    const lg_product *p = at->p;
    lg_schedule *s = p->s;
    lg_kbuilder *k = &s->k;
    int lanes = j == at->run.vectors - 1 ? at->run.valid : at->run.lanes;
    lg_tile_state state = {acc, lg_k_for(k, LG_LOOP_UNROLL, "r", at->rows), j};
    lg_index index[LG_MAX_RANK];
    memcpy(index, p->at, sizeof index);
    index[p->m] = lg_index_of(lg_kx_add(k, at->row, state.row));
    index[p->n] = (lg_index){lg_kx_addi(k, column_of(at, lg_kx_int(k, j)), -start), lanes > 1};
    if (p->kept) {
        s->ctx.schedule = &state;
        lg_kx *element = lg_tile_element(&s->ctx, p->kept, index, lanes);
        lg_store_element(k, p->buffer, &p->kept->type, p->dropped, index, lanes, element);
    } else {
        lg_tile_store(s, &state, r, index, lanes, at->run.lanes);
    }
    lg_k_end(k);
}

// Moves the accumulators to the buffer of partial sums, or back.
static void exchange(const place *at, lg_kbuffer *acc, bool save)
{
    const lg_product *p = at->p;
    lg_kbuilder *k = &p->s->k;
    int lanes = at->run.lanes;
    lg_kx *index[] = {lg_k_for(k, LG_LOOP_UNROLL, "r", at->rows),
                      lg_k_for(k, LG_LOOP_UNROLL, "j", at->run.vectors)};
    lg_kx *row =
        lg_kx_add(k, lg_kx_add(k, at->row, index[0]), lg_kx_muli(k, lg_product_row(p, p->t0), -1));
    int64_t width = (int64_t)p->blocks.vectors * p->panel.lanes;
    lg_kx *column = lg_kx_add(k, column_of(at, index[1]), lg_kx_muli(k, p->u0, -width));
    lg_kx *waiting[] = {row, column};
    if (save)
        lg_k_store(k, p->partial, waiting, lanes, lg_kx_load(k, acc, index, 1));
    else
        lg_k_store(k, acc, index, 1, lg_kx_load(k, p->partial, waiting, lanes));
    lg_k_end(k);
    lg_k_end(k);
}

static void tile(place *at, int r, int64_t start)
{
    const lg_product *p = at->p;
    lg_kbuilder *k = &p->s->k;
    lg_kbuffer *acc = lg_k_alloc(k, "acc", LG_SCOPE_REGISTER, LG_F32, at->run.lanes, 2,
                                 (int64_t[]){at->rows, at->run.vectors});
    bool waits = p->chunks > 1;
    if (p->blocks.form == LG_RIGHT_DOT) {
        dot(at, acc);
    } else {
        if (waits)
            lg_k_if(k, lg_kx_apply(k, LG_S_EQ, p->chunk, lg_kx_int(k, 0), NULL));
        lg_tile_clear(k, acc, (lg_tile){at->rows, at->run.vectors, at->run.lanes});
        if (waits) {
            lg_k_else(k);
            exchange(at, acc, false);
            lg_k_end(k);
        }
        multiply(at, acc);
    }
    if (waits) {
        lg_k_if(k, lg_kx_apply(k, LG_S_LT, p->chunk, lg_kx_int(k, p->chunks - 1), NULL));
        exchange(at, acc, true);
        lg_k_else(k);
    }
    for (int j = 0; j < at->run.vectors; j++)
        store_result(at, acc, r, start, j);
    if (waits)
        lg_k_end(k);
}

// ---- loops around the tiles

// A loop over low <= x < high, or just low where that is all.
static lg_kx *loop_between(lg_kbuilder *k, const char *name, lg_kx *low, lg_kx *high, int *opened)
{
    if (lg_kx_is_int(lg_kx_add(k, high, lg_kx_muli(k, low, -1)), 1))
        return low;
    ++*opened;
    return lg_k_loop(k, LG_LOOP_SERIAL, name, low, high, 1);
}

static void tiles(place *at, int r, int64_t start)
{
    const lg_product *p = at->p;
    lg_kbuilder *k = &p->s->k;
    int64_t first = 0;
    for (int part = 0; part < 2 && p->cut.count[part]; part++) {
        int64_t end = first + p->cut.count[part];
        lg_kx *low = lg_kx_apply(k, LG_S_MAX, p->t0, lg_kx_int(k, first), NULL);
        lg_kx *high = lg_kx_mini(k, p->t1, end);
        int opened = 0;
        lg_kx *t = loop_between(k, "t", low, high, &opened);
        at->rows = p->cut.size[part];
        // Of all tiles before this one, the larger ones have a row more.
        at->row = lg_kx_add(k, p->base, lg_kx_addi(k, lg_kx_muli(k, t, at->rows), part * first));
        tile(at, r, start);
        if (opened)
            lg_k_end(k);
        first = end;
    }
}

// All of the job's columns that belong to result `r`: `count` columns from `start` on.
static void columns(const lg_product *p, int r, int64_t start, int64_t count)
{
    lg_kbuilder *k = &p->s->k;
    bool padded = p->blocks.form == LG_RIGHT_PANELS || p->blocks.form == LG_RIGHT_COPIED;
    lg_tile widest = {p->blocks.rows, p->blocks.vectors, p->panel.lanes};
    lg_columns runs[3];
    int n = lg_tile_columns(widest, start, count, padded, runs);
    bool divided = p->splits > 1;
    for (int i = 0; i < n; i++) {
        place at = {.p = p, .run = runs[i]};
        // Whole units come first and are divided; what is less than one belongs to the last job.
        bool whole = runs[i].vectors == p->blocks.vectors && runs[i].lanes == p->panel.lanes &&
                     runs[i].valid == p->panel.lanes;
        bool guard = divided && !whole;
        lg_kx *low = lg_kx_int(k, 0), *high = lg_kx_int(k, runs[i].panels);
        if (divided && whole) {
            low = p->u0;
            high = lg_kx_apply(k, LG_S_MIN, p->u1, high, NULL);
        }
        if (guard)
            lg_k_if(k, lg_kx_apply(k, LG_S_EQ, p->split, lg_kx_int(k, p->splits - 1), NULL));
        int opened = 0;
        at.unit = loop_between(k, "p", low, high, &opened);
        tiles(&at, r, start);
        if (opened)
            lg_k_end(k);
        if (guard)
            lg_k_end(k);
    }
}

static void results(const lg_product *p)
{
    if (p->kept) {
        columns(p, 0, 0, p->shape.n);
        return;
    }
    int64_t starts[MAX_RESULTS], panel = lg_tile_panel(p->panel);
    lg_tile_epilogues(p->s->function, p->op, panel, starts);
    for (int r = 0; r < p->s->function->results.count; r++)
        columns(p, r, starts[r], p->s->function->results.items[r]->type.dims[p->n]);
}

// All of a job, whose batch, tiles and units are set.
static void job(lg_product *p)
{
    lg_kbuilder *k = &p->s->k;
    int opened = 0;
    lg_product_alloc(p);
    p->chunk = lg_loop_over(k, "kc", p->chunks, &opened);
    p->k0 = lg_kx_muli(k, p->chunk, p->blocks.kc);
    p->length = lg_kx_int(k, p->chunks > 1 ? p->blocks.kc : p->shape.k);
    if (p->chunks > 1 && p->shape.k % p->blocks.kc) {
        lg_kx *left = lg_kx_addi(k, lg_kx_muli(k, p->k0, -1), p->shape.k);
        p->length = lg_k_let(k, "length", lg_kx_apply(k, LG_S_MIN, p->length, left, NULL));
    }
    if (p->right)
        lg_product_copy_right(p);
    if (p->left)
        lg_product_copy_left(p);
    results(p);
    lg_end_loops(k, opened);
}

// ---- description

// Can elements of `value` be read in vectors along `axis`, without a gather? `ctx` may be NULL.
static bool has_lanes(const lg_tensor_context *ctx, const lg_value *value, int axis)
{
    if (value->type.layout)
        return false;
    if (value->kind == LG_VALUE_RESULT && value->op->code == LG_OP_transpose)
        return false;
    return axis == value->type.rank - 1 && (!ctx || lg_element_has_lanes(ctx, value, axis));
}

static bool in_panels(const lg_target *target, const lg_op *op)
{
    const lg_value *b = op->operands[1];
    if (b->kind != LG_VALUE_ARGUMENT || !b->type.layout)
        return false;
    lg_arena *scratch = lg_arena_new();
    bool equal = lg_layout_equal(
        b->type.layout, lg_matrix_layout(scratch, target, &b->type, lg_op_int(op, LG_ATTR_tb)));
    lg_arena_free(scratch);
    return equal;
}

static bool is_plain(const lg_value *value)
{
    return value->kind == LG_VALUE_ARGUMENT && !value->type.layout;
}

static lg_product describe(const lg_target *target, const lg_tensor_context *ctx, const lg_op *op)
{
    const lg_value *a = op->operands[0], *b = op->operands[1];
    const lg_type *y = &op->results[0]->type;
    lg_product p = {.op = op, .y = y, .m = y->rank - 2, .n = y->rank - 1};
    bool ta = lg_op_int(op, LG_ATTR_ta), tb = lg_op_int(op, LG_ATTR_tb);
    p.panel = lg_tile_choose(target, y->dims[p.n]);
    p.shape = (lg_matmul_shape){.batch = 1, .m = y->dims[p.m], .n = y->dims[p.n]};
    p.shape.k = a->type.dims[ta ? p.m : p.n];
    for (int axis = 0; axis < p.m; axis++)
        p.shape.batch *= y->dims[axis];
    p.shape.panels = in_panels(target, op);
    p.shape.adjoin = !tb && has_lanes(ctx, b, p.n);
    p.shape.deep = !ta && tb && has_lanes(ctx, a, p.n) && has_lanes(ctx, b, p.n);
    p.shape.across = ta;
    p.shape.plain = is_plain(a) && (p.shape.panels || is_plain(b));
    p.row_blocks = p.splits = 1;
    return p;
}

static void choose(lg_product *p, lg_schedule *s)
{
    p->s = s;
    p->blocks = lg_matmul_choose(s->target, &p->shape);
    assert(p->blocks.kc > 0);
    p->chunks = lg_ceil_div(p->shape.k, p->blocks.kc);
    p->cut = lg_tile_cut(p->shape.m, p->blocks.rows);
    p->base = lg_kx_int(&s->k, 0);
}

bool lg_schedule_matmul_applies(const lg_function *function, const lg_target *target)
{
    const lg_op *op = lg_tile_single(function, LG_OP_matmul);
    if (!op || target->kind != LG_TARGET_CPU || op->results[0]->type.dtype != LG_F32 ||
        function->results.count > MAX_RESULTS)
        return false;
    const lg_value *a = op->operands[0], *b = op->operands[1];
    if (a->kind != LG_VALUE_ARGUMENT || b->kind != LG_VALUE_ARGUMENT)
        return false;
    lg_product p = describe(target, NULL, op);
    int64_t starts[MAX_RESULTS], panel = lg_tile_panel(p.panel);
    return (p.shape.panels || is_plain(b)) && lg_tile_epilogues(function, op, panel, starts);
}

bool lg_tile_suits(const lg_schedule *s, const lg_value *value)
{
    if (value->kind != LG_VALUE_RESULT || value->op->code != LG_OP_matmul ||
        s->target->kind != LG_TARGET_CPU || value->type.dtype != LG_F32 || value->type.layout)
        return false;
    return value->type.dims[value->type.rank - 1] > 1 &&
           lg_type_elements(&value->type) * 4 <= s->target->tile_memory;
}

// ---- alone in a kernel

// Part `part` of `parts` of 0..n: as even as can be.
static void share(lg_kbuilder *k, lg_kx *part, int64_t parts, int64_t n, lg_kx **low, lg_kx **high)
{
    *low = lg_kx_divi(k, lg_kx_muli(k, part, n), parts);
    *high = lg_kx_divi(k, lg_kx_muli(k, lg_kx_addi(k, part, 1), n), parts);
    if (parts > 1 && n % parts) {
        *low = lg_k_let(k, "low", *low);
        *high = lg_k_let(k, "high", *high);
    }
}

void lg_schedule_matmul(lg_schedule *s)
{
    lg_kbuilder *k = &s->k;
    const lg_op *op = lg_tile_single(s->function, LG_OP_matmul);
    lg_product p = describe(s->target, NULL, op);
    lg_loop_role role = lg_schedule_job_role(s);
    p.shape.whole = s->function->results.count > 1;
    p.shape.parallel = role == LG_LOOP_PARALLEL;
    choose(&p, s);
    s->ctx.bindings[op->results[0]->id].element = lg_tile_element;
    int64_t tiles = p.cut.count[0] + p.cut.count[1];
    int64_t units = lg_ceil_div(p.shape.n, (int64_t)p.blocks.vectors * p.panel.lanes);
    p.row_blocks = lg_ceil_div(tiles, lg_ceil_div(p.blocks.mc, p.blocks.rows));
    p.splits = p.shape.whole
                   ? 1
                   : lg_ceil_div(units, lg_ceil_div(p.blocks.nc, p.blocks.vectors * p.panel.lanes));
    lg_kx *at = lg_k_for(k, role, "job", p.shape.batch * p.row_blocks * p.splits);
    p.split = lg_kx_modi(k, at, p.splits);
    at = lg_kx_divi(k, at, p.splits);
    share(k, p.split, p.splits, units, &p.u0, &p.u1);
    share(k, lg_kx_modi(k, at, p.row_blocks), p.row_blocks, tiles, &p.t0, &p.t1);
    at = lg_kx_divi(k, at, p.row_blocks);
    for (int a = p.m - 1; a >= 0; a--) {
        p.at[a] = lg_index_of(a ? lg_kx_modi(k, at, p.y->dims[a]) : at);
        at = lg_kx_divi(k, at, p.y->dims[a]);
    }
    job(&p);
    lg_k_end(k);
}

// ---- a stage of a larger kernel

bool lg_tile_stage(lg_schedule *s, const lg_value *value, lg_kbuffer *buffer, int dropped, int axes,
                   const lg_index *lead)
{
    if (!lg_tile_suits(s, value))
        return false;
    lg_kbuilder *k = &s->k;
    lg_product p = describe(s->target, &s->ctx, value->op);
    p.shape.whole = true;
    bool one_row = axes > p.m;
    if (one_row)
        p.shape.m = 1;
    p.shape.plain = false;
    p.kept = value;
    p.buffer = buffer;
    p.dropped = dropped;
    choose(&p, s);
    int opened = 0;
    for (int a = 0; a < p.m; a++)
        p.at[a] = a < axes ? lead[a] : lg_index_of(lg_loop_over(k, "b", p.y->dims[a], &opened));
    if (one_row)
        p.base = lead[p.m].base;
    p.t0 = p.u0 = p.split = lg_kx_int(k, 0);
    p.t1 = lg_kx_int(k, p.cut.count[0] + p.cut.count[1]);
    p.u1 = lg_kx_int(k, lg_product_units(&p));
    job(&p);
    lg_end_loops(k, opened);
    return true;
}
