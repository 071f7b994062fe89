// Winograd's form of a filter on a CPU, where it is made at every call: filters that are trained.
//
// The nine taps of a vector of output channels are read once and transformed in registers to the
// n x n places, G f Gᵀ (ir/winograd.h), each of which is one store into the panels of
// lg_winograd_layout. What turns the filter round or transposes it on the way is an index.
#include "passes/schedule/winograd_filter.h"

#include "ir/integer.h"
#include "ir/winograd.h"

enum { CHANNELS = 16 }; // of a job

typedef struct form {
    lg_schedule *s;
    const lg_op *op;
    const lg_type *u;
    lg_winograd w;
} form;

static bool is_movement(const lg_op *op)
{
    return op->code == LG_OP_reverse || op->code == LG_OP_transpose || op->code == LG_OP_reshape ||
           op->code == LG_OP_slice;
}

static const lg_op *single_form(const lg_function *function)
{
    const lg_op *last = function->last;
    if (!last || function->results.count != 1 || last->code != LG_OP_winograd_filter ||
        function->results.items[0] != last->results[0])
        return NULL;
    for (const lg_op *op = last->previous; op; op = op->previous)
        if (!is_movement(op))
            return NULL;
    return last;
}

bool lg_schedule_winograd_filter_applies(const lg_function *function, const lg_target *target)
{
    const lg_op *op = single_form(function);
    if (!op || target->kind != LG_TARGET_CPU || op->results[0]->type.dtype != LG_F32)
        return false;
    const lg_type *u = &op->results[0]->type;
    lg_arena *scratch = lg_arena_new();
    bool panels = u->layout && lg_layout_equal(u->layout, lg_winograd_layout(scratch, target, u));
    lg_arena_free(scratch);
    return panels;
}

// row . values, three of each; products with 0 are left out.
static lg_kx *combine(lg_kbuilder *k, const double *row, lg_kx *const *values)
{
    lg_kx *sum = NULL;
    for (int i = 0; i < LG_WINOGRAD_FILTER; i++) {
        if (row[i] == 0)
            continue;
        lg_kx *c = lg_kx_float(k, row[i]);
        sum = sum ? lg_kx_apply(k, LG_S_FMA, values[i], c, sum)
                  : lg_kx_apply(k, LG_S_MUL, values[i], c, NULL);
    }
    return sum;
}

// `lanes` output channels from `output` on, of one input channel; `lanes` 0: zeros, a whole vector.
static void transform(const form *f, lg_kx *output, lg_kx *channel, int lanes)
{
    lg_kbuilder *k = &f->s->k;
    lg_kbuffer *buffer = lg_schedule_result(f->s, 0);
    int n = f->w.n, width = f->s->target->lanes;
    lg_kx *half[LG_WINOGRAD_MOST][LG_WINOGRAD_FILTER] = {0};
    for (int j = 0; j < LG_WINOGRAD_FILTER && lanes; j++) {
        lg_kx *taps[LG_WINOGRAD_FILTER];
        for (int i = 0; i < LG_WINOGRAD_FILTER; i++) {
            lg_index at[] = {
                {output, lanes > 1}, lg_index_of(channel), lg_index_int(k, i), lg_index_int(k, j)};
            taps[i] = lg_k_let(k, "tap", lg_element(&f->s->ctx, f->op->operands[0], at, lanes));
        }
        for (int i = 0; i < n; i++)
            half[i][j] = lg_k_let(k, "half", combine(k, f->w.filter[i], taps));
    }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            lg_index at[] = {
                {output, 1}, lg_index_of(channel), lg_index_int(k, i), lg_index_int(k, j)};
            if (lanes)
                lg_store_element(k, buffer, f->u, 0, at, lanes,
                                 combine(k, f->w.filter[j], half[i]));
            if (lanes < width) {
                at[0].base = lg_kx_addi(k, output, lanes);
                lg_store_element(k, buffer, f->u, 0, at, width - lanes, lg_kx_float(k, 0));
            }
        }
}

void lg_schedule_winograd_filter(lg_schedule *s)
{
    lg_kbuilder *k = &s->k;
    const lg_op *op = single_form(s->function);
    form f = {.s = s, .op = op, .u = &op->results[0]->type};
    lg_winograd_make(&f.w, (int)f.u->dims[2] - 2);
    int64_t outputs = f.u->dims[0], channels = f.u->dims[1], lanes = s->target->lanes;
    int64_t panel = f.u->layout->dims[0].block, panels = lg_ceil_div(outputs, panel);
    int64_t chunks = lg_ceil_div(channels, CHANNELS);
    int64_t whole = outputs / lanes, vectors = panels * panel / lanes;
    lg_kx *job = lg_k_for(k, lg_schedule_job_role(s), "job", vectors * chunks);
    lg_kx *vector = lg_k_let(k, "vector", lg_kx_divi(k, job, chunks));
    lg_kx *low = lg_kx_muli(k, lg_kx_modi(k, job, chunks), CHANNELS);
    lg_kx *high = lg_kx_mini(k, lg_kx_addi(k, low, CHANNELS), channels);
    lg_kx *c = lg_k_loop(k, LG_LOOP_SERIAL, "c", low, high, 1);
    lg_kx *output = lg_kx_muli(k, vector, lanes);
    for (int64_t v = whole; v < vectors; v++) { // the rest of a panel, each a case
        lg_k_if(k, lg_kx_apply(k, LG_S_EQ, vector, lg_kx_int(k, v), NULL));
        transform(&f, lg_kx_int(k, v * lanes), c, v == whole ? (int)(outputs % lanes) : 0);
        lg_k_else(k);
    }
    if (whole)
        transform(&f, output, c, (int)lanes);
    for (int64_t v = whole; v < vectors; v++)
        lg_k_end(k);
    lg_k_end(k);
    lg_k_end(k);
}
