// Convolution on a CPU: register tiles of pixels x output channels, directly on the image.
//
//   job: a block of about 64 pixels (some rows of a segment of columns), so that the part of the
//        image it reads stays in L2 while every panel of output channels passes over it
//     panel of output channels
//       chunk of input channels: as much of the panel as stays in L1
//         row, tile of pixels in the row
//           channel block, kernel row, kernel column, channel: one fma an accumulator
//           last chunk: epilogue (bias, residual, ReLU ...) and store; else the sums wait in a
//           small buffer
//
// The image must have a border of zeros at least as wide as the padding, the filter must be packed
// in panels (lg_filter_layout). Merged siblings are several results on ranges of output channels.
//
// What comes from behind L2 is asked for ahead: the next panel (prefetch.c), the pixels of the next
// tile or row (prefetch_pixels).
//
// The gradient of the image of a convolution with a stride goes the same way (input_grad.c): every
// pixel of the result runs over the taps that met it; those of a job that are a stride apart, and
// so have their taps in common, come together, which keeps these taps in L1.
#include "passes/schedule/conv.h"
#include "ir/integer.h"
#include "passes/schedule/conv_choice.h"
#include "passes/schedule/input_grad.h"
#include "passes/schedule/prefetch.h"

#include <assert.h>

typedef lg_conv conv;

// The position within the loops around a tile.
typedef struct place {
    const conv *c;
    lg_columns run;
    lg_kx *group, *panel, *h, *w, *block, *kh, *kw, *channel; // w: in columns of one phase
    int rows;
    lg_kx *next_panel, *next_block; // of the chunk behind this one
    lg_kx *number;                  // of the tile in the job
    lg_kx *first_chunk;
    lg_kx *window, *tap; // of a gradient: the last window that has row h, its tap there;
    int64_t phase;       // the first column of those that are tiles together
    int range;           // the result whose stores follow the multiplication; -1: none do
} place;

static bool is_gradient(const conv *c)
{
    return c->op->code == LG_OP_conv2d_input_grad;
}

// ---- operands of the multiplication

static void image_index(const place *p, lg_kx *row, lg_index at[4])
{
    const conv *c = p->c;
    lg_kbuilder *k = &c->s->k;
    lg_kx *channel = lg_kx_add(k, lg_kx_muli(k, p->group, c->inputs),
                               lg_kx_add(k, lg_kx_muli(k, p->block, c->block), p->channel));
    lg_kx *h =
        lg_kx_add(k, lg_kx_muli(k, p->h, c->stride[0]), lg_kx_muli(k, p->kh, c->dilation[0]));
    lg_kx *w = lg_kx_add(k, lg_kx_muli(k, lg_kx_add(k, p->w, row), c->stride[1]),
                         lg_kx_muli(k, p->kw, c->dilation[1]));
    h = lg_kx_addi(k, h, -c->pad[0]);
    w = lg_kx_addi(k, w, -c->pad[1]);
    if (is_gradient(c)) {
        h = lg_kx_add(k, p->window, lg_kx_muli(k, p->kh, -1));
        w = lg_kx_add(k, lg_kx_add(k, p->w, row), lg_kx_muli(k, p->kw, -1));
        w = lg_kx_addi(k, w, (p->phase + c->pad[1]) / c->apart[1]);
    }
    if (c->image_row)
        h = lg_kx_add(k, h, lg_kx_muli(k, c->image_row, -1));
    if (c->image_column)
        w = lg_kx_add(k, w, lg_kx_muli(k, c->image_column, -1));
    at[0] = c->image_row ? lg_index_int(k, 0) : lg_index_of(c->n);
    at[1] = lg_index_of(h);
    at[2] = lg_index_of(w);
    at[3] = lg_index_of(channel);
}

static lg_kx *image_element(void *data, lg_kx *row)
{
    const place *p = data;
    lg_index at[4];
    image_index(p, row, at);
    return lg_load_element(&p->c->s->k, p->c->image, p->c->x, 0, at, 1);
}

// First output channel of vector `j` of the panel.
static lg_kx *output_channel(const place *p, lg_kx *j)
{
    const conv *c = p->c;
    lg_kbuilder *k = &c->s->k;
    int64_t panel = lg_tile_panel(c->tile);
    lg_kx *o = lg_kx_add(k, lg_kx_muli(k, p->group, c->outputs / c->groups),
                         lg_kx_muli(k, p->panel, panel));
    return lg_kx_add(k, lg_kx_addi(k, o, p->run.start), lg_kx_muli(k, j, c->tile.lanes));
}

static lg_kx *filter_vector(void *data, lg_kx *vector)
{
    const place *p = data;
    const conv *c = p->c;
    lg_kbuilder *k = &c->s->k;
    lg_kx *channel = lg_kx_add(k, lg_kx_muli(k, p->block, c->block), p->channel);
    lg_kx *output = output_channel(p, vector);
    lg_index at[] = {{output, 1}, lg_index_of(channel), lg_index_of(p->kh), lg_index_of(p->kw)};
    if (is_gradient(c)) {
        int64_t tap = (p->phase + c->pad[1]) % c->apart[1];
        at[0] = lg_index_of(channel);
        at[1] = (lg_index){output, 1};
        at[2] = lg_index_of(lg_kx_add(k, p->tap, lg_kx_muli(k, p->kh, c->apart[0])));
        at[3] = lg_index_of(lg_kx_addi(k, lg_kx_muli(k, p->kw, c->apart[1]), tap));
    }
    return lg_load_element(k, c->filter, c->f, 0, at, c->tile.lanes);
}

// ---- one tile

static lg_tile tile_of(const place *p)
{
    return (lg_tile){p->rows, p->run.vectors, p->c->tile.lanes};
}

// Of a gradient: the taps of so many that are `apart`, the first of them `tap`.
static int64_t taps_from(int64_t tap, int64_t apart, int64_t taps)
{
    return (taps - 1 - tap + apart) / apart;
}

static lg_kx *loop_over_rows_of_taps(const place *p, int *opened)
{
    const conv *c = p->c;
    lg_kbuilder *k = &c->s->k;
    int64_t taps = c->f->dims[2], apart = c->apart[0];
    if (!is_gradient(c) || apart == 1)
        return lg_loop_over(k, "kh", taps, opened);
    lg_kx *count = lg_kx_addi(k, lg_kx_muli(k, p->tap, -1), taps - 1 + apart);
    ++*opened;
    return lg_k_loop(k, LG_LOOP_SERIAL, "kh", lg_kx_int(k, 0), lg_kx_divi(k, count, apart), 1);
}

static int64_t columns_of_taps(const place *p)
{
    const conv *c = p->c;
    return taps_from((p->phase + c->pad[1]) % c->apart[1], c->apart[1], c->f->dims[3]);
}

// ---- the filter of the next chunk

// Panels follow each other in memory; behind the last there is nothing.
static void find_next_chunk(place *p, lg_kx *chunk, int64_t chunks)
{
    lg_kbuilder *k = &p->c->s->k;
    lg_kx *next = lg_kx_addi(k, lg_kx_add(k, lg_kx_muli(k, p->panel, chunks), chunk), 1);
    lg_kx *panel = lg_kx_mini(k, lg_kx_divi(k, next, chunks), p->run.panels - 1);
    p->next_panel = lg_k_let(k, "next", panel);
    p->next_block = lg_k_let(k, "ahead", lg_kx_muli(k, lg_kx_modi(k, next, chunks), p->c->chunk));
}

static lg_kx *next_vector(void *data, lg_kx *channel, lg_kx *vector)
{
    const place *p = data;
    const conv *c = p->c;
    lg_kbuilder *k = &c->s->k;
    place next = *p;
    next.panel = p->next_panel;
    next.block = lg_kx_mini(k, p->next_block, c->blocks - 1);
    next.channel = lg_kx_add(k, p->channel, channel);
    return filter_vector(&next, vector);
}

// The result's elements in vector `vector` of a row of the tile.
static void result_index(const place *p, lg_kx *row, lg_kx *vector, lg_index at[4])
{
    const conv *c = p->c;
    lg_kbuilder *k = &c->s->k;
    int64_t start = c->epilogue.starts[p->range];
    at[0] = lg_index_of(c->n);
    at[1] = lg_index_of(p->h);
    at[2] = lg_index_of(lg_kx_add(k, p->w, row));
    at[3] = (lg_index){lg_kx_addi(k, output_channel(p, vector), -start), 1};
}

// What the epilogue reads comes from memory, and would keep the tile waiting when its sums are
// done. It is asked for while they are computed, a few lines in each of `steps` steps: all at once
// would fill the buffers that the multiplication's own loads need.
static void prefetch_for_stores(const place *p, lg_kx *step, int64_t steps)
{
    enum { MOST_TERMS = 128 }; // of a sum, for each image: more hide what little there is to wait
    const conv *c = p->c;
    lg_kbuilder *k = &c->s->k;
    if (p->range < 0 || c->strip || is_gradient(c))
        return;
    int images = lg_epilogue_far_images(c->s, &c->epilogue, c->op, p->range);
    if ((int64_t)images * MOST_TERMS < c->inputs * c->f->dims[2] * c->f->dims[3])
        return;
    int64_t lines = (int64_t)p->rows * p->run.vectors, each = lg_ceil_div(lines, steps);
    for (int64_t i = 0; i < each; i++) {
        lg_kx *line = lg_kx_addi(k, lg_kx_muli(k, step, each), i);
        lg_index at[4];
        result_index(p, lg_kx_mini(k, lg_kx_divi(k, line, p->run.vectors), p->rows - 1),
                     lg_kx_modi(k, line, p->run.vectors), at);
        lg_epilogue_prefetch(c->s, &c->epilogue, c->op, p->range, at, p->run.lanes);
    }
}

// The pixels that the same block of channels of a 1x1 convolution reads later, `part` of `parts` of
// them in each step. An image that one panel reads comes from memory: those under the tile in the
// next row. One that is read chunk by chunk does not stay in L1 from panel to panel: those of the
// next tile, unless weights from memory need the buffers for what is on its way.
static void prefetch_pixels(const place *p, lg_kx *part, int64_t parts)
{
    const conv *c = p->c;
    lg_kbuilder *k = &c->s->k;
    if (c->image_row || is_gradient(c) || c->f->dims[2] * c->f->dims[3] > 1 ||
        c->block != c->tile.lanes)
        return;
    bool once = p->run.panels == 1 && c->groups == 1 && lg_type_bytes(c->x) > c->s->target->l2;
    int64_t pixels = c->y->dims[0] * c->y->dims[1] * c->y->dims[2];
    if (!once && (c->chunk == c->blocks || lg_waits_for_weights(pixels)))
        return;
    int64_t each = lg_ceil_div(p->rows, parts);
    place later = *p;
    later.channel = lg_kx_int(k, 0);
    if (once)
        later.h = lg_kx_addi(k, p->h, 1);
    else
        later.w = lg_kx_mini(k, lg_kx_addi(k, p->w, p->rows), c->y->dims[2] - p->rows);
    for (int64_t i = 0; i < each; i++) {
        lg_kx *row = lg_kx_addi(k, lg_kx_muli(k, part, each), i);
        lg_index at[4];
        image_index(&later, lg_kx_mini(k, row, p->rows - 1), at);
        lg_prefetch_element(k, c->image, c->x, 0, at, 1);
    }
}

// The loops over the reduced dimensions of a chunk, the innermost partly unrolled.
static void multiply(place *p, lg_kbuffer *acc, lg_kx *chunk)
{
    const conv *c = p->c;
    lg_kbuilder *k = &c->s->k;
    lg_tile tile = tile_of(p);
    lg_tile_operands operands = {image_element, filter_vector, p};
    int opened = 0;
    lg_prefetch share = {0};
    if (c->prefetches) {
        int64_t tiles = lg_ceil_div(c->columns, c->tile.rows) * c->rows;
        lg_prefetch_share(k, tile, (int)c->unroll, tiles, p->number, &share);
    }
    lg_kx *low = lg_kx_muli(k, chunk, c->chunk);
    lg_kx *high = lg_kx_mini(k, lg_kx_addi(k, low, c->chunk), c->blocks);
    if (c->chunk == 1) {
        p->block = low;
    } else {
        p->block = lg_k_loop(k, LG_LOOP_SERIAL, "cb", low, high, 1);
        opened++;
    }
    p->kh = loop_over_rows_of_taps(p, &opened);
    p->kw = lg_loop_over(k, "kw", columns_of_taps(p), &opened);
    lg_kx *part = lg_loop_over(k, "c", c->block / c->unroll, &opened);
    lg_kx *base = lg_kx_muli(k, part, c->unroll);
    lg_kx *const counts[] = {p->block, p->kh, p->kw, part};
    const int64_t sizes[] = {c->blocks, c->f->dims[2], c->f->dims[3], c->block / c->unroll};
    lg_kx *step = lg_kx_int(k, 0);
    int64_t steps = 1;
    for (int i = 0; i < 4; i++) {
        step = lg_kx_add(k, lg_kx_muli(k, step, sizes[i]), counts[i]);
        steps *= sizes[i];
    }
    prefetch_for_stores(p, step, steps);
    prefetch_pixels(p, part, c->block / c->unroll);
    if (share.count) {
        place turn = *p;
        turn.channel = base;
        turn.next_block =
            lg_kx_add(k, p->next_block, lg_kx_add(k, p->block, lg_kx_muli(k, low, -1)));
        lg_prefetch_turn(k, &share, next_vector, &turn);
    }
    lg_kx *u = lg_k_for(k, LG_LOOP_UNROLL, "u", c->unroll);
    p->channel = lg_kx_add(k, base, u);
    lg_tile_multiply(k, acc, tile, &operands);
    for (opened++; opened; opened--)
        lg_k_end(k);
}

// The column of the result that `row` of the tile is.
static lg_kx *result_column(const place *p, lg_kx *row)
{
    lg_kbuilder *k = &p->c->s->k;
    lg_kx *w = lg_kx_muli(k, lg_kx_add(k, p->w, row), p->c->apart[1]);
    return lg_kx_addi(k, w, p->phase);
}

// Epilogue and store of vector `j` of all rows, as far as it belongs to result `r`.
static void store_vector(place *p, lg_kbuffer *acc, int r, int64_t start, int j)
{
    const conv *c = p->c;
    lg_kbuilder *k = &c->s->k;
    int valid = j == p->run.vectors - 1 ? p->run.valid : p->run.lanes;
    lg_kx *row = lg_k_for(k, LG_LOOP_UNROLL, "r", p->rows);
    lg_index at[] = {lg_index_of(c->n),
                     lg_index_of(p->h),
                     lg_index_of(result_column(p, row)),
                     {lg_kx_addi(k, output_channel(p, lg_kx_int(k, j)), -start), 1}};
    lg_tile_state state = {acc, row, j};
    if (c->strip)
        lg_tile_store_in(c->s, &state, c->strip, at, valid, p->run.lanes);
    else
        lg_epilogue_store(c->s, &c->epilogue, &state, r, at, valid, p->run.lanes);
    lg_k_end(k);
}

// Moves the accumulators to the buffer of partial sums, or back.
static void exchange(place *p, lg_kbuffer *acc, bool save)
{
    const conv *c = p->c;
    lg_kbuilder *k = &c->s->k;
    lg_kx *at[] = {lg_k_for(k, LG_LOOP_UNROLL, "r", p->rows),
                   lg_k_for(k, LG_LOOP_UNROLL, "j", p->run.vectors)};
    lg_kx *row = lg_kx_add(k, p->h, lg_kx_muli(k, c->h0, -1));
    lg_kx *column = lg_kx_add(k, result_column(p, at[0]), lg_kx_muli(k, c->w0, -1));
    lg_kx *waiting[] = {row, column, lg_kx_muli(k, at[1], c->tile.lanes)};
    if (save)
        lg_k_store(k, c->partial, waiting, c->tile.lanes, lg_kx_load(k, acc, at, 1));
    else
        lg_k_store(k, acc, at, 1, lg_kx_load(k, c->partial, waiting, c->tile.lanes));
    lg_k_end(k);
    lg_k_end(k);
}

static void tile(place *p, int r, int64_t start, lg_kx *chunk, int64_t chunks)
{
    const conv *c = p->c;
    lg_kbuilder *k = &c->s->k;
    lg_kbuffer *acc = lg_k_alloc(k, "acc", LG_SCOPE_REGISTER, LG_F32, c->tile.lanes, 2,
                                 (int64_t[]){p->rows, p->run.vectors});
    if (chunks > 1)
        lg_k_if(k, lg_kx_apply(k, LG_S_EQ, chunk, p->first_chunk, NULL));
    lg_tile_clear(k, acc, tile_of(p));
    if (chunks > 1) {
        lg_k_else(k);
        exchange(p, acc, false);
        lg_k_end(k);
    }
    p->range = chunks == 1 ? r : -1;
    if (columns_of_taps(p))
        multiply(p, acc, chunk);
    if (chunks > 1) {
        lg_k_if(k, lg_kx_apply(k, LG_S_LT, chunk, lg_kx_int(k, chunks - 1), NULL));
        exchange(p, acc, true);
        lg_k_else(k);
    }
    for (int j = 0; j < p->run.vectors; j++)
        store_vector(p, acc, r, start, j);
    if (chunks > 1)
        lg_k_end(k);
}

// ---- loops around the tiles

// The tiles of one row: all of a convolution, of a gradient those of the phase.
static void row_of_tiles(place *p, int r, int64_t start, lg_kx *chunk, int64_t chunks)
{
    const conv *c = p->c;
    lg_kbuilder *k = &c->s->k;
    int64_t columns = (c->columns - p->phase + c->apart[1] - 1) / c->apart[1];
    lg_cut cut = lg_tile_cut(columns, c->tile.rows);
    lg_kx *w0 = lg_kx_divi(k, c->w0, c->apart[1]);
    for (int part = 0; part < 2 && cut.count[part]; part++) {
        int opened = 0;
        p->rows = cut.size[part];
        lg_kx *offset = lg_loop_over_cut(k, "t", &cut, part, &opened);
        p->w = lg_kx_add(k, w0, offset);
        int64_t before = part ? cut.count[0] : 0;
        lg_kx *number = lg_kx_divi(k, lg_kx_addi(k, offset, -before * cut.size[0]), cut.size[part]);
        lg_kx *row = lg_kx_muli(k, lg_kx_add(k, p->h, lg_kx_muli(k, c->h0, -1)),
                                cut.count[0] + cut.count[1]);
        p->number = lg_kx_addi(k, lg_kx_add(k, row, number), before);
        tile(p, r, start, chunk, chunks);
        if (opened)
            lg_k_end(k);
    }
}

// Rows that met no tap come with the last chunk only.
static lg_kx *first_chunk(const place *p, int64_t chunks)
{
    const conv *c = p->c;
    lg_kbuilder *k = &c->s->k;
    lg_kx *all = lg_kx_int(k, 0);
    if (c->f->dims[2] >= c->apart[0])
        return all;
    lg_kx *met = lg_kx_apply(k, LG_S_LT, p->tap, lg_kx_int(k, c->f->dims[2]), NULL);
    return lg_k_let(k, "from", lg_kx_apply(k, LG_S_SELECT, met, all, lg_kx_int(k, chunks - 1)));
}

// All rows of the job; of a gradient those together that have their taps in common.
static void rows_of_tiles(place *p, int r, int64_t start)
{
    const conv *c = p->c;
    lg_kbuilder *k = &c->s->k;
    int opened = 0;
    lg_kx *first = c->h0;
    if (c->rows > 1)
        first = lg_kx_add(k, first, lg_loop_over(k, "first", c->apart[0], &opened));
    if (is_gradient(c))
        p->tap = lg_k_let(k, "tap", lg_kx_modi(k, lg_kx_addi(k, first, c->pad[0]), c->apart[0]));
    int64_t chunks = columns_of_taps(p) ? lg_ceil_div(c->blocks, c->chunk) : 1;
    lg_kx *chunk = p->first_chunk = lg_kx_int(k, 0);
    if (chunks > 1) {
        p->first_chunk = first_chunk(p, chunks);
        chunk = lg_k_loop(k, LG_LOOP_SERIAL, "kc", p->first_chunk, lg_kx_int(k, chunks), 1);
        opened++;
    }
    if (c->prefetches)
        find_next_chunk(p, chunk, chunks);
    p->h = first;
    if (c->rows > 1) {
        p->h = lg_k_loop(k, LG_LOOP_SERIAL, "h", first, c->h1, c->apart[0]);
        opened++;
    }
    if (is_gradient(c))
        p->window =
            lg_k_let(k, "window", lg_kx_divi(k, lg_kx_addi(k, p->h, c->pad[0]), c->apart[0]));
    row_of_tiles(p, r, start, chunk, chunks);
    lg_end_loops(k, opened);
}

void lg_conv_panels(const conv *c, lg_columns run, int r, int64_t start)
{
    lg_kbuilder *k = &c->s->k;
    place p = {.c = c, .run = run};
    int opened = 0;
    p.group = lg_loop_over(k, "g", c->groups, &opened);
    if (c->splits > 1) {
        int64_t each = run.panels / c->splits;
        lg_kx *low = lg_kx_muli(k, c->split, each);
        p.panel = lg_k_loop(k, LG_LOOP_SERIAL, "p", low, lg_kx_addi(k, low, each), 1);
        opened++;
    } else {
        p.panel = lg_loop_over(k, "p", run.panels, &opened);
    }
    lg_kx *channel = lg_kx_addi(k, output_channel(&p, lg_kx_int(k, 0)), -start);
    int64_t channels = (int64_t)(run.vectors - 1) * run.lanes + run.valid;
    lg_epilogue_clear(c->s, &c->epilogue, r, channel, channels);
    for (p.phase = 0; p.phase < c->apart[1] && p.phase < c->columns; p.phase++)
        rows_of_tiles(&p, r, start);
    lg_epilogue_flush(c->s, &c->epilogue, r, c->n, c->part, channel, channels);
    lg_end_loops(k, opened);
}

// ---- sizes

static conv describe(const lg_target *target, const lg_op *op)
{
    conv c = {.op = op,
              .x = &op->operands[0]->type,
              .f = &op->operands[1]->type,
              .y = &op->results[0]->type,
              .groups = lg_op_int(op, LG_ATTR_groups)};
    int outputs = lg_conv_outputs(op);
    c.outputs = c.f->dims[outputs];
    c.inputs = c.f->dims[1 - outputs];
    for (int i = 0; i < 2; i++) {
        int64_t stride = lg_op_int_at(op, LG_ATTR_stride, i);
        c.stride[i] = outputs ? 1 : stride;
        c.apart[i] = outputs ? stride : 1;
        c.pad[i] = lg_op_int_at(op, LG_ATTR_pad, i);
        c.dilation[i] = lg_op_int_at(op, LG_ATTR_dilation, i);
    }
    c.tile.lanes = target->lanes;
    c.tile.vectors = lg_filter_vectors(target, c.f, outputs);
    return c;
}

// Takes the decisions that the filter's layout leaves open, and says which.
static void decide(conv *c, bool alone)
{
    lg_schedule *s = c->s;
    lg_conv_shape shape = lg_conv_shape_of(s->function, c->op, s->target);
    lg_conv_choice choice;
    bool found = lg_conv_choose(&shape, s->target, c->tile.vectors, &choice);
    assert(found && "lg_schedule_conv_applies looked");
    (void)found;
    c->block = shape.block;
    c->blocks = shape.blocks;
    c->tile.rows = (int)choice.rows;
    c->chunk = choice.chunk;
    c->columns = choice.columns;
    c->rows = choice.lines;
    c->splits = choice.splits;
    c->unroll = choice.unroll;
    c->prefetches = lg_conv_prefetches(&shape, s->target, &choice);
    lg_arena *arena = s->kernel->arena;
    if (alone)
        lg_schedule_chose(s, lg_conv_key(arena, &shape), lg_conv_choice_print(arena, &choice),
                          choice.measured);
}

int64_t lg_conv_border(const lg_op *op, int axis)
{
    return lg_conv_outputs(op) ? lg_input_grad_border(op, axis)
                               : lg_op_int_at(op, LG_ATTR_pad, axis);
}

bool lg_conv_has_border(const lg_type *image, const lg_op *op)
{
    for (int d = 0; d < lg_type_physical_rank(image); d++) {
        lg_layout_dim dim = lg_physical_dim(image, d);
        if ((dim.axis == 1 || dim.axis == 2) && dim.border < lg_conv_border(op, dim.axis - 1))
            return false;
    }
    return true;
}

bool lg_conv_reads_image(const lg_type *image, const lg_op *op, const lg_target *target)
{
    lg_layout_dim last = lg_physical_dim(image, lg_type_physical_rank(image) - 1);
    bool blocked = last.part == LG_PART_INNER && last.block == target->lanes;
    bool few = op->operands[1]->type.dims[1 - lg_conv_outputs(op)] < target->lanes; // channels
    return (blocked || few) && lg_conv_has_border(image, op);
}

void lg_conv_alloc_partial(conv *c)
{
    if (c->chunk < c->blocks)
        c->partial = lg_k_alloc(&c->s->k, "partial", LG_SCOPE_TILE, LG_F32, 1, 3,
                                (int64_t[]){c->rows, c->columns, c->tile.vectors * c->tile.lanes});
}

bool lg_conv_takes_filter(const lg_op *op, const lg_target *target)
{
    const lg_value *filter = op->operands[1];
    return filter->kind == LG_VALUE_ARGUMENT && lg_op_int(op, LG_ATTR_groups) == 1 &&
           lg_conv_takes(op->function, op, target, lg_filter_vectors(target, &filter->type, 0));
}

void lg_conv_begin(lg_schedule *s, const lg_op *op, conv *c)
{
    *c = describe(s->target, op);
    c->s = s;
    decide(c, false);
    c->splits = 1;
    c->filter = s->ctx.bindings[op->operands[1]->id].buffer;
    s->ctx.bindings[op->results[0]->id].element = lg_tile_element;
}

// The convolution of the kernel, or the gradient of the image of one; or NULL.
static const lg_op *find_op(const lg_function *function, const lg_target *target)
{
    const lg_op *op = lg_tile_single(function, LG_OP_conv2d);
    if (op)
        return op;
    op = lg_tile_single(function, LG_OP_conv2d_input_grad);
    return op && lg_input_grad_suits(op, target) ? op : NULL;
}

bool lg_schedule_conv_applies(const lg_function *function, const lg_target *target)
{
    const lg_op *op = find_op(function, target);
    if (!op || target->kind != LG_TARGET_CPU || op->results[0]->type.dtype != LG_F32 ||
        function->results.count > LG_MAX_EPILOGUE_RESULTS)
        return false;
    const lg_value *x = op->operands[0], *f = op->operands[1];
    bool prologue = lg_prologue_suits(x, target);
    if ((x->kind != LG_VALUE_ARGUMENT && !prologue) || f->kind != LG_VALUE_ARGUMENT ||
        !f->type.layout)
        return false;
    conv c = describe(target, op);
    if (prologue && (c.groups > 1 || is_gradient(&c)))
        return false;
    if (!lg_conv_takes(function, op, target, c.tile.vectors))
        return false;
    int64_t panel = lg_tile_panel(c.tile);
    lg_epilogue epilogue;
    if (!lg_epilogue_find(function, op, panel, &epilogue))
        return false;
    if (c.groups > 1 && (lg_epilogue_ranges(&epilogue) > 1 || (c.outputs / c.groups) % panel ||
                         (c.inputs % target->lanes && c.x->dims[3] >= target->lanes)))
        return false;
    return prologue || lg_conv_reads_image(&x->type, op, target);
}

// Computes the image under the pixels of the job.
static void apply_prologue(conv *c)
{
    lg_kbuilder *k = &c->s->k;
    const lg_value *image = c->op->operands[0];
    const int64_t pixels[] = {c->rows, c->columns};
    int64_t size[] = {1, 0, 0, image->type.dims[3]};
    for (int i = 0; i < 2; i++)
        size[1 + i] = (pixels[i] - 1) * c->stride[i] + (c->f->dims[2 + i] - 1) * c->dilation[i] + 1;
    c->image_row = lg_kx_addi(k, lg_kx_muli(k, c->h0, c->stride[0]), -c->pad[0]);
    c->image_column = lg_kx_addi(k, lg_kx_muli(k, c->w0, c->stride[1]), -c->pad[1]);
    lg_prologue_alloc(c->s, image, size, &c->prologue);
    lg_prologue_fill(c->s, &c->prologue,
                     (lg_kx *[]){c->n, c->image_row, c->image_column, lg_kx_int(k, 0)});
    c->image = c->prologue.buffer;
    c->x = &c->prologue.type;
}

void lg_schedule_conv(lg_schedule *s)
{
    lg_kbuilder *k = &s->k;
    const lg_op *op = find_op(s->function, s->target);
    conv c = describe(s->target, op);
    c.s = s;
    decide(&c, true);
    c.image = s->ctx.bindings[op->operands[0]->id].buffer;
    c.filter = s->ctx.bindings[op->operands[1]->id].buffer;
    s->ctx.bindings[op->results[0]->id].element = lg_tile_element;
    int64_t segments = c.y->dims[2] / c.columns;
    int64_t row_blocks = lg_ceil_div(c.y->dims[1], c.rows);
    lg_kx *job = lg_k_for(k, lg_schedule_job_role(s), "job",
                          c.y->dims[0] * row_blocks * segments * c.splits);
    c.split = lg_kx_modi(k, job, c.splits);
    job = lg_kx_divi(k, job, c.splits);
    c.part = lg_kx_modi(k, job, row_blocks * segments);
    c.w0 = lg_kx_muli(k, lg_kx_modi(k, job, segments), c.columns);
    job = lg_kx_divi(k, job, segments);
    c.h0 = lg_kx_muli(k, lg_kx_modi(k, job, row_blocks), c.rows);
    c.n = lg_kx_divi(k, job, row_blocks);
    c.h1 = lg_kx_mini(k, lg_kx_addi(k, c.h0, c.rows), c.y->dims[1]);
    lg_conv_alloc_partial(&c);
    lg_epilogue_find(s->function, op, lg_tile_panel(c.tile), &c.epilogue);
    lg_epilogue_begin(s, &c.epilogue, row_blocks * segments);
    if (!c.image)
        apply_prologue(&c);
    for (int r = 0; r < c.epilogue.count; r++) {
        int64_t start = c.epilogue.starts[r];
        lg_columns runs[3];
        int count = 0;
        if (c.epilogue.first[r] == r)
            count = lg_tile_columns(c.tile, start, c.epilogue.images[r]->type.dims[3] / c.groups,
                                    true, runs);
        for (int i = 0; i < count; i++)
            lg_conv_panels(&c, runs[i], r, start);
    }
    lg_image_part part = {
        {{c.n, lg_kx_addi(k, c.n, 1)}, {c.h0, c.h1}, {c.w0, lg_kx_addi(k, c.w0, c.columns)}},
        c.split,
        c.splits};
    lg_epilogue_zero_borders(s, &c.epilogue, &part);
    lg_k_end(k);
}
