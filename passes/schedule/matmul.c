// Matrix products on a CPU: register tiles of rows x columns, the right operand in panels where it
// is a weight (lg_matrix_layout) and as it lies where it is not.
//
// Alone in its kernel (with an epilogue) a product runs in parallel over batch, blocks of rows and
// panels of columns, so that also a single row is spread over threads: it is bound by reading the
// weights. As a stage of a larger kernel it runs within one iteration.
#include "passes/schedule/schedule.h"

#include <assert.h>
#include <string.h>

enum { UNROLLED_FMAS = 96, ROWS_OF_A_JOB = 64, ENOUGH_JOBS = 64, MAX_RESULTS = 8 };

typedef struct product {
    lg_schedule *s;
    const lg_op *op;
    const lg_type *y;
    lg_tile tile;
    int m, n; // axes of rows and columns
    int64_t depth;
    bool padded;
    lg_index at[LG_MAX_RANK]; // the batch
    lg_kx *row0;              // first row of the job
    int64_t rows;             // rows of the job
    // Where the result goes: a buffer, or the epilogues of the function's results.
    const lg_value *kept;
    lg_kbuffer *buffer;
    int dropped;
} product;

typedef struct place {
    const product *p;
    lg_columns run;
    lg_kx *panel, *row, *k;
    int rows;
} place;

static lg_kx *column_of(const place *at, lg_kx *vector)
{
    lg_kbuilder *k = &at->p->s->k;
    lg_kx *panel = lg_kx_muli(k, at->panel, (int64_t)at->run.vectors * at->run.lanes);
    return lg_kx_add(k, lg_kx_addi(k, panel, at->run.start), lg_kx_muli(k, vector, at->run.lanes));
}

// The batch indices of operand `i`, whose axes of size 1 are repeated.
static void batch_index(const product *p, int i, lg_index *index)
{
    const lg_type *type = &p->op->operands[i]->type;
    for (int a = 0; a < type->rank - 2; a++)
        index[a] = type->dims[a] == 1 ? lg_index_int(&p->s->k, 0) : p->at[a];
}

static lg_kx *left_element(void *data, lg_kx *row)
{
    const place *at = data;
    const product *p = at->p;
    lg_index index[LG_MAX_RANK];
    batch_index(p, 0, index);
    bool ta = lg_op_int(p->op, LG_ATTR_ta);
    index[ta ? p->n : p->m] = lg_index_of(lg_kx_add(&p->s->k, at->row, row));
    index[ta ? p->m : p->n] = lg_index_of(at->k);
    return lg_element(&p->s->ctx, p->op->operands[0], index, 1);
}

static lg_kx *right_vector(void *data, lg_kx *vector)
{
    const place *at = data;
    const product *p = at->p;
    lg_index index[LG_MAX_RANK];
    batch_index(p, 1, index);
    bool tb = lg_op_int(p->op, LG_ATTR_tb);
    index[tb ? p->m : p->n] = (lg_index){column_of(at, vector), 1};
    index[tb ? p->n : p->m] = lg_index_of(at->k);
    return lg_element(&p->s->ctx, p->op->operands[1], index, at->run.lanes);
}

static void multiply(place *at, lg_kbuffer *acc)
{
    const product *p = at->p;
    lg_kbuilder *k = &p->s->k;
    lg_tile tile = {at->rows, at->run.vectors, at->run.lanes};
    lg_tile_operands operands = {left_element, right_vector, at};
    int64_t unroll = UNROLLED_FMAS / (tile.rows * tile.vectors);
    unroll = unroll < 1 ? 1 : unroll > 8 ? 8 : unroll;
    unroll = unroll > p->depth ? p->depth : unroll;
    int64_t whole = p->depth / unroll * unroll;
    int mark = lg_tensor_mark(&p->s->ctx);
    lg_kx *base = lg_k_loop(k, LG_LOOP_SERIAL, "k", lg_kx_int(k, 0), lg_kx_int(k, whole), unroll);
    at->k = lg_kx_add(k, base, lg_k_for(k, LG_LOOP_UNROLL, "u", unroll));
    lg_tile_multiply(k, acc, tile, &operands);
    lg_k_end(k);
    lg_k_end(k);
    if (whole < p->depth) {
        lg_kx *u = lg_k_for(k, LG_LOOP_UNROLL, "u", p->depth - whole);
        at->k = lg_kx_addi(k, u, whole);
        lg_tile_multiply(k, acc, tile, &operands);
        lg_k_end(k);
    }
    lg_tensor_forget(&p->s->ctx, mark);
}

static void store_result(place *at, lg_kbuffer *acc, const lg_value *value, lg_kbuffer *buffer,
                         int64_t start, int vector)
{
    const product *p = at->p;
    lg_schedule *s = p->s;
    lg_kbuilder *k = &s->k;
    int lanes = vector == at->run.vectors - 1 ? at->run.valid : at->run.lanes;
    int mark = lg_tensor_mark(&s->ctx);
    lg_tile_state state = {acc, lg_k_for(k, LG_LOOP_UNROLL, "r", at->rows), vector};
    s->ctx.schedule = &state;
    lg_index index[LG_MAX_RANK];
    memcpy(index, p->at, sizeof index);
    index[p->m] = lg_index_of(lg_kx_add(k, at->row, state.row));
    index[p->n] = (lg_index){lg_kx_addi(k, column_of(at, lg_kx_int(k, vector)), -start), lanes > 1};
    lg_kx *element = p->kept ? lg_tile_element(&s->ctx, value, index, lanes)
                             : lg_element(&s->ctx, value, index, lanes);
    lg_store_element(k, buffer, &value->type, p->dropped, index, lanes, element);
    lg_k_end(k);
    lg_tensor_forget(&s->ctx, mark);
}

static void tile(place *at, int r, int64_t start)
{
    const product *p = at->p;
    lg_kbuilder *k = &p->s->k;
    lg_kbuffer *acc = lg_k_alloc(k, "acc", LG_SCOPE_REGISTER, LG_F32, at->run.lanes, 2,
                                 (int64_t[]){at->rows, at->run.vectors});
    lg_tile_clear(k, acc, (lg_tile){at->rows, at->run.vectors, at->run.lanes});
    multiply(at, acc);
    for (int j = 0; j < at->run.vectors; j++) {
        if (p->kept)
            store_result(at, acc, p->kept, p->buffer, 0, j);
        else
            store_result(at, acc, p->s->function->results.items[r], lg_schedule_result(p->s, r),
                         start, j);
    }
}

// The tiles of the job's rows in the panels low..high of one run of columns.
static void panels(const product *p, lg_columns run, int r, int64_t start, lg_kx *low, lg_kx *high)
{
    lg_kbuilder *k = &p->s->k;
    place at = {.p = p, .run = run};
    at.panel = lg_k_loop(k, LG_LOOP_SERIAL, "p", low, high, 1);
    lg_cut cut = lg_tile_cut(p->rows, run.vectors == 1 ? 12 : p->tile.rows);
    int64_t done = 0;
    for (int part = 0; part < 2 && cut.count[part]; part++) {
        int opened = 0;
        lg_kx *t = lg_loop_over(k, "t", cut.count[part], &opened);
        at.rows = cut.size[part];
        at.row = lg_kx_addi(k, lg_kx_add(k, p->row0, lg_kx_muli(k, t, at.rows)), done);
        tile(&at, r, start);
        if (opened)
            lg_k_end(k);
        done += cut.count[part] * cut.size[part];
    }
    lg_k_end(k);
}

// ---- applicability

static product describe(const lg_target *target, const lg_op *op)
{
    const lg_type *a = &op->operands[0]->type, *y = &op->results[0]->type;
    product p = {.op = op, .y = y, .m = y->rank - 2, .n = y->rank - 1};
    p.tile = lg_tile_choose(target, y->dims[p.n]);
    p.depth = a->dims[lg_op_int(op, LG_ATTR_ta) ? p.m : p.n];
    const lg_value *b = op->operands[1];
    if (b->kind == LG_VALUE_ARGUMENT && b->type.layout) {
        lg_arena *scratch = lg_arena_new();
        const lg_layout *panels =
            lg_matrix_layout(scratch, target, &b->type, lg_op_int(op, LG_ATTR_tb));
        p.padded = lg_layout_equal(b->type.layout, panels);
        lg_arena_free(scratch);
    }
    return p;
}

// Columns of the right operand must be neighbours in memory.
static bool columns_adjoin(const lg_tensor_context *ctx, const product *p)
{
    const lg_value *b = p->op->operands[1];
    if (p->padded)
        return true;
    if (lg_op_int(p->op, LG_ATTR_tb))
        return false;
    return !b->type.layout && (!ctx || lg_element_has_lanes(ctx, b, p->n));
}

bool lg_schedule_matmul_applies(const lg_function *function, const lg_target *target)
{
    const lg_op *op = lg_tile_single(function, LG_OP_matmul);
    if (!op || target->kind != LG_TARGET_CPU || op->results[0]->type.dtype != LG_F32 ||
        function->results.count > MAX_RESULTS)
        return false;
    if (op->operands[0]->kind != LG_VALUE_ARGUMENT || op->operands[1]->kind != LG_VALUE_ARGUMENT)
        return false;
    product p = describe(target, op);
    int64_t starts[MAX_RESULTS], panel = (int64_t)p.tile.vectors * p.tile.lanes;
    return columns_adjoin(NULL, &p) && lg_tile_epilogues(function, op, panel, starts);
}

bool lg_tile_suits(const lg_schedule *s, const lg_value *value)
{
    if (value->kind != LG_VALUE_RESULT || value->op->code != LG_OP_matmul ||
        s->target->kind != LG_TARGET_CPU || value->type.dtype != LG_F32 || value->type.layout)
        return false;
    product p = describe(s->target, value->op);
    return value->type.dims[p.n] > 1 && columns_adjoin(&s->ctx, &p) &&
           lg_type_elements(&value->type) * 4 <= s->target->tile_memory;
}

// ---- alone in a kernel

// Blocks of rows of one size: the largest divisor of `rows` that is not above a job's rows.
static int64_t job_rows(int64_t rows)
{
    for (int64_t n = rows < ROWS_OF_A_JOB ? rows : ROWS_OF_A_JOB; n > ROWS_OF_A_JOB / 4; n--)
        if (rows % n == 0)
            return n;
    return rows;
}

// Into how many parts the panels of the longest run are divided.
static int64_t job_splits(int64_t jobs, int64_t panels)
{
    int64_t splits = 1;
    for (int64_t n = 1; n <= panels && jobs * splits < ENOUGH_JOBS; n++)
        if (panels % n == 0)
            splits = n;
    return splits;
}

void lg_schedule_matmul(lg_schedule *s)
{
    lg_kbuilder *k = &s->k;
    const lg_op *op = lg_tile_single(s->function, LG_OP_matmul);
    product p = describe(s->target, op);
    p.s = s;
    s->ctx.bindings[op->results[0]->id].element = lg_tile_element;
    int64_t starts[MAX_RESULTS], panel = (int64_t)p.tile.vectors * p.tile.lanes;
    lg_tile_epilogues(s->function, op, panel, starts);
    p.rows = job_rows(p.y->dims[p.m]);
    int64_t blocks = p.y->dims[p.m] / p.rows, jobs = blocks;
    for (int a = 0; a < p.m; a++)
        jobs *= p.y->dims[a];
    // Only a single result is divided by columns too: its first run of panels.
    bool divide = s->function->results.count == 1;
    int64_t splits = divide ? job_splits(jobs, p.y->dims[p.n] / panel) : 1;
    lg_kx *job = lg_k_for(k, lg_schedule_job_role(s), "job", jobs * splits);
    lg_kx *split = lg_kx_modi(k, job, splits);
    job = lg_kx_divi(k, job, splits);
    p.row0 = lg_kx_muli(k, lg_kx_modi(k, job, blocks), p.rows);
    job = lg_kx_divi(k, job, blocks);
    for (int a = p.m - 1; a >= 0; a--) {
        p.at[a] = lg_index_of(a ? lg_kx_modi(k, job, p.y->dims[a]) : job);
        job = lg_kx_divi(k, job, p.y->dims[a]);
    }
    for (int r = 0; r < s->function->results.count; r++) {
        lg_columns runs[3];
        const lg_type *type = &s->function->results.items[r]->type;
        int count = lg_tile_columns(p.tile, starts[r], type->dims[p.n], p.padded, runs);
        for (int i = 0; i < count; i++) {
            int64_t each = runs[i].panels / splits;
            bool divided = splits > 1 && runs[i].panels % splits == 0 && each > 0;
            lg_kx *low = divided ? lg_kx_muli(k, split, each) : lg_kx_int(k, 0);
            lg_kx *high = divided ? lg_kx_addi(k, low, each) : lg_kx_int(k, runs[i].panels);
            bool guard = splits > 1 && !divided; // the rest belongs to the last part
            if (guard)
                lg_k_if(k, lg_kx_apply(k, LG_S_EQ, split, lg_kx_int(k, splits - 1), NULL));
            panels(&p, runs[i], r, starts[r], low, high);
            if (guard)
                lg_k_end(k);
        }
    }
    lg_k_end(k);
}

// ---- a stage of a larger kernel

bool lg_tile_stage(lg_schedule *s, const lg_value *value, lg_kbuffer *buffer, int dropped, int axes,
                   const lg_index *lead)
{
    if (!lg_tile_suits(s, value))
        return false;
    lg_kbuilder *k = &s->k;
    product p = describe(s->target, value->op);
    p.s = s;
    p.kept = value;
    p.buffer = buffer;
    p.dropped = dropped;
    int opened = 0;
    for (int a = 0; a < p.m; a++)
        p.at[a] = a < axes ? lead[a] : lg_index_of(lg_loop_over(k, "b", p.y->dims[a], &opened));
    bool one_row = axes > p.m;
    p.row0 = one_row ? lead[p.m].base : lg_kx_int(k, 0);
    p.rows = one_row ? 1 : p.y->dims[p.m];
    lg_columns runs[3];
    int count = lg_tile_columns(p.tile, 0, p.y->dims[p.n], p.padded, runs);
    for (int i = 0; i < count; i++)
        panels(&p, runs[i], 0, 0, lg_kx_int(k, 0), lg_kx_int(k, runs[i].panels));
    while (opened--)
        lg_k_end(k);
    return true;
}
