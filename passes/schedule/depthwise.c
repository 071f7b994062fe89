// Depthwise convolution on a CPU: the lanes of a vector are channels, which the image's layout has
// in blocks of that width, so that nothing is broadcast and no lane is idle. There are as few
// multiplications as elements are read from L1; what limits it is memory, hence all channels of
// some rows make a job, in the order in which they lie.
//
//   job: some rows of the result, of all blocks of channels or (where rows are few) some of them
//     block of channels
//       row, tile of pixels in the row
//         kernel row, kernel column: one fma a pixel; neighbours share what they read
//         epilogue (bias, residual, ReLU ...) and store
//
// The image must have a border of zeros at least as wide as the padding.
#include "passes/schedule/depthwise.h"

#include "ir/integer.h"
#include "passes/schedule/conv.h"

enum { MOST_PIXELS = 14, UNROLLED_FMAS = 112, MOST_LINES = 8, ENOUGH_JOBS = 32 };

typedef struct depthwise {
    lg_schedule *s;
    const lg_type *x, *f, *y;
    int64_t stride[2], pad[2], dilation[2];
    lg_tile tile;   // pixels x 1
    int64_t lines;  // rows of a job
    int64_t splits; // of the blocks of channels
    lg_kbuffer *image, *filter;
    lg_epilogue epilogue;
    lg_kx *n, *h0, *h1, *split, *part; // of the job
} depthwise;

// The position within the loops around a tile.
typedef struct place {
    const depthwise *d;
    lg_columns run;
    lg_kx *channel, *h, *w, *kh, *kw;
} place;

// ---- one tile

static lg_kx *image_vector(const place *p, lg_kx *pixel)
{
    const depthwise *d = p->d;
    lg_kbuilder *k = &d->s->k;
    lg_kx *h =
        lg_kx_add(k, lg_kx_muli(k, p->h, d->stride[0]), lg_kx_muli(k, p->kh, d->dilation[0]));
    lg_kx *w = lg_kx_add(k, lg_kx_muli(k, lg_kx_add(k, p->w, pixel), d->stride[1]),
                         lg_kx_muli(k, p->kw, d->dilation[1]));
    lg_index at[] = {lg_index_of(d->n),
                     lg_index_of(lg_kx_addi(k, h, -d->pad[0])),
                     lg_index_of(lg_kx_addi(k, w, -d->pad[1])),
                     {p->channel, 1}};
    return lg_load_element(k, d->image, d->x, 0, at, d->tile.lanes);
}

static lg_kx *filter_vector(const place *p)
{
    const depthwise *d = p->d;
    lg_kbuilder *k = &d->s->k;
    lg_index at[] = {{p->channel, 1}, lg_index_int(k, 0), lg_index_of(p->kh), lg_index_of(p->kw)};
    return lg_load_element(k, d->filter, d->f, 0, at, d->tile.lanes);
}

static void multiply(place *p, lg_kbuffer *acc, int pixels)
{
    const depthwise *d = p->d;
    lg_kbuilder *k = &d->s->k;
    int opened = 0;
    p->kh = lg_loop_over(k, "kh", d->f->dims[2], &opened);
    bool unrolled = d->f->dims[3] * pixels <= UNROLLED_FMAS;
    p->kw = lg_k_for(k, unrolled ? LG_LOOP_UNROLL : LG_LOOP_SERIAL, "kw", d->f->dims[3]);
    lg_kx *at[] = {lg_k_for(k, LG_LOOP_UNROLL, "r", pixels), lg_kx_int(k, 0)};
    lg_kx *sum = lg_kx_load(k, acc, at, 1);
    lg_k_store(k, acc, at, 1,
               lg_kx_apply(k, LG_S_FMA, image_vector(p, at[0]), filter_vector(p), sum));
    for (opened += 2; opened; opened--)
        lg_k_end(k);
}

static void tile(place *p, int pixels)
{
    const depthwise *d = p->d;
    lg_kbuilder *k = &d->s->k;
    lg_tile tile = {pixels, 1, d->tile.lanes};
    lg_kbuffer *acc =
        lg_k_alloc(k, "acc", LG_SCOPE_REGISTER, LG_F32, tile.lanes, 2, (int64_t[]){pixels, 1});
    lg_tile_clear(k, acc, tile);
    multiply(p, acc, pixels);
    lg_kx *row = lg_k_for(k, LG_LOOP_UNROLL, "r", pixels);
    lg_index at[] = {lg_index_of(d->n),
                     lg_index_of(p->h),
                     lg_index_of(lg_kx_add(k, p->w, row)),
                     {p->channel, 1}};
    lg_epilogue_store(d->s, &d->epilogue, &(lg_tile_state){acc, row, 0}, 0, at, p->run.valid,
                      tile.lanes);
    lg_k_end(k);
}

// ---- loops around the tiles

static void row_of_tiles(place *p)
{
    lg_kbuilder *k = &p->d->s->k;
    lg_cut cut = lg_tile_cut(p->d->y->dims[2], p->d->tile.rows);
    for (int part = 0; part < 2 && cut.count[part]; part++) {
        int opened = 0;
        p->w = lg_loop_over_cut(k, "t", &cut, part, &opened);
        tile(p, cut.size[part]);
        if (opened)
            lg_k_end(k);
    }
}

// The blocks of one run of channels.
static void blocks(const depthwise *d, lg_columns run)
{
    lg_kbuilder *k = &d->s->k;
    place p = {.d = d, .run = run};
    int64_t each = run.panels / d->splits;
    lg_kx *low = lg_kx_muli(k, d->split, each);
    lg_kx *block = lg_k_loop(k, LG_LOOP_SERIAL, "block", low, lg_kx_addi(k, low, each), 1);
    p.channel = lg_kx_addi(k, lg_kx_muli(k, block, run.lanes), run.start);
    lg_epilogue_clear(d->s, &d->epilogue, 0, p.channel, run.valid);
    p.h = lg_k_loop(k, LG_LOOP_SERIAL, "h", d->h0, d->h1, 1);
    row_of_tiles(&p);
    lg_k_end(k);
    lg_epilogue_flush(d->s, &d->epilogue, 0, d->n, d->part, p.channel, run.valid);
    lg_k_end(k);
}

// ---- sizes

static depthwise describe(const lg_target *target, const lg_op *op)
{
    depthwise d = {.x = &op->operands[0]->type,
                   .f = &op->operands[1]->type,
                   .y = &op->results[0]->type,
                   .splits = 1};
    for (int i = 0; i < 2; i++) {
        d.stride[i] = lg_op_int_at(op, LG_ATTR_stride, i);
        d.pad[i] = lg_op_int_at(op, LG_ATTR_pad, i);
        d.dilation[i] = lg_op_int_at(op, LG_ATTR_dilation, i);
    }
    // Half of the registers: a pixel's operand is in use for as many pixels as the kernel has
    // columns.
    int pixels = target->registers / 2 - 1;
    d.tile = (lg_tile){pixels < MOST_PIXELS ? pixels : MOST_PIXELS, 1, target->lanes};
    return d;
}

// Rows first: a job of few reads many rows that its neighbours read too.
static void choose_jobs(depthwise *d)
{
    int64_t height = d->y->dims[1], lines = lg_ceil_div(height, ENOUGH_JOBS);
    lines = lines < 4 && height >= 16 ? 4 : lines < 2 && height >= 8 ? 2 : lines;
    d->lines = lines > MOST_LINES ? MOST_LINES : lines;
    int64_t jobs = d->y->dims[0] * lg_ceil_div(height, d->lines);
    int64_t count = d->y->dims[3] / d->tile.lanes;
    if (d->y->dims[3] % d->tile.lanes || d->s->function->results.count > 1)
        return;
    for (int64_t n = 1; n <= count && jobs * d->splits < ENOUGH_JOBS; n++)
        if (count % n == 0)
            d->splits = n;
}

bool lg_depthwise_suits(const lg_op *op, const lg_target *target)
{
    const lg_type *x = &op->operands[0]->type, *f = &op->operands[1]->type;
    return target->kind == LG_TARGET_CPU && x->dtype == LG_F32 && f->dtype == LG_F32 &&
           op->results[0]->type.dtype == LG_F32 && f->dims[1] == 1 && f->dims[0] == x->dims[3] &&
           x->dims[3] > 1 && lg_op_int(op, LG_ATTR_groups) == x->dims[3] &&
           x->dims[3] >= target->lanes;
}

bool lg_schedule_depthwise_applies(const lg_function *function, const lg_target *target)
{
    const lg_op *op = lg_tile_single(function, LG_OP_conv2d);
    if (!op || !lg_depthwise_suits(op, target))
        return false;
    const lg_value *x = op->operands[0], *f = op->operands[1];
    if (x->kind != LG_VALUE_ARGUMENT || f->kind != LG_VALUE_ARGUMENT ||
        lg_filter_vectors(target, &f->type, 0) != 1)
        return false;
    lg_layout_dim last = lg_physical_dim(&x->type, lg_type_physical_rank(&x->type) - 1);
    lg_epilogue epilogue;
    return lg_conv_reads_image(&x->type, op, target) && last.part == LG_PART_INNER &&
           last.block == target->lanes &&
           lg_epilogue_find(function, op, target->lanes, &epilogue) &&
           lg_epilogue_ranges(&epilogue) == 1;
}

void lg_schedule_depthwise(lg_schedule *s)
{
    lg_kbuilder *k = &s->k;
    const lg_op *op = lg_tile_single(s->function, LG_OP_conv2d);
    depthwise d = describe(s->target, op);
    d.s = s;
    choose_jobs(&d);
    d.image = s->ctx.bindings[op->operands[0]->id].buffer;
    d.filter = s->ctx.bindings[op->operands[1]->id].buffer;
    s->ctx.bindings[op->results[0]->id].element = lg_tile_element;
    int64_t parts = lg_ceil_div(d.y->dims[1], d.lines);
    lg_kx *job = lg_k_for(k, lg_schedule_job_role(s), "job", d.y->dims[0] * parts * d.splits);
    d.split = lg_kx_modi(k, job, d.splits);
    job = lg_kx_divi(k, job, d.splits);
    d.part = lg_kx_modi(k, job, parts);
    d.h0 = lg_kx_muli(k, d.part, d.lines);
    d.n = lg_kx_divi(k, job, parts);
    d.h1 = lg_kx_mini(k, lg_kx_addi(k, d.h0, d.lines), d.y->dims[1]);
    lg_epilogue_find(s->function, op, d.tile.lanes, &d.epilogue);
    lg_epilogue_begin(s, &d.epilogue, parts);
    lg_columns runs[3];
    lg_tile one = {d.tile.rows, 1, d.tile.lanes};
    int count = lg_tile_columns(one, 0, d.y->dims[3], true, runs);
    for (int i = 0; i < count; i++)
        blocks(&d, runs[i]);
    lg_image_part part = {
        {{d.n, lg_kx_addi(k, d.n, 1)}, {d.h0, d.h1}, {lg_kx_int(k, 0), lg_kx_int(k, d.y->dims[2])}},
        d.split,
        d.splits};
    lg_epilogue_zero_borders(s, &d.epilogue, &part);
    lg_k_end(k);
}
