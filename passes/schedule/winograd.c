// Winograd's convolution (ir/winograd.h) on a CPU: three stages that hand tiles to each other in
// caches.
//
//   job: some rows of a segment of tiles of the image (whole small images), and some panels
//     inputs: a vector of channels after the other, each tile's n x n pixels to V [n n][c][tile]
//     group of panels of output channels
//       products: for each of the n n places a matrix product of tiles x channels by channels x
//                 outputs in register tiles, to M [n n][tile][output]
//       outputs: each tile's n x n products, a vector of outputs at a time, to m x m pixels;
//                epilogue (bias, residual, ReLU ...) and store
//
// How many tiles and panels a job has is decided in winograd_jobs.c.
//
// Where m does not divide the output, the last tile of a row or column starts further back, so that
// no tile reaches over the edge; pixels that the tile before has written already are not stored.
#include "ir/winograd.h"
#include "ir/integer.h"

#include "passes/schedule/conv.h"
#include "passes/schedule/prefetch.h"
#include "passes/schedule/prologue.h"
#include "passes/schedule/winograd_jobs.h"

#include <assert.h>

enum { UNROLLED_FMAS = 96 };

typedef struct wino {
    lg_schedule *s;
    const lg_type *x, *u, *y;
    lg_winograd w;
    lg_tile tile;
    int64_t pad[2];
    lg_winograd_jobs jobs;
    lg_epilogue epilogue;
    lg_kbuffer *image, *filter, *v, *half, *m;
    const lg_value *computed;             // the image, where a prologue makes it
    lg_kx *n0, *th0, *tw0, *split, *part; // of the job
} wino;

// ---- linear combinations

// The sum of coefficients[i] * values[i]; those of 1 and -1 are not multiplied.
static lg_kx *combine(lg_kbuilder *k, int count, const double *coefficients, lg_kx *const *values)
{
    lg_kx *sum = NULL;
    for (int scaled = 0; scaled < 2; scaled++) // the others behind, as multiply-adds
        for (int i = 0; i < count; i++) {
            double c = coefficients[i];
            bool unit = c == 1 || c == -1;
            if (c == 0 || unit == scaled)
                continue;
            if (unit && sum)
                sum = lg_kx_apply(k, c > 0 ? LG_S_ADD : LG_S_SUB, sum, values[i], NULL);
            else if (unit)
                sum = c > 0 ? values[i] : lg_kx_apply(k, LG_S_NEG, values[i], NULL, NULL);
            else if (sum)
                sum = lg_kx_apply(k, LG_S_FMA, values[i], lg_kx_float(k, c), sum);
            else
                sum = lg_kx_apply(k, LG_S_MUL, values[i], lg_kx_float(k, c), NULL);
        }
    return sum;
}

// to = B from, n values each. The rows of p and -p share their halves, even and odd places.
static void transform_input(lg_kbuilder *k, const lg_winograd *w, lg_kx *const *from, lg_kx **to)
{
    int n = w->n;
    to[0] = combine(k, n, w->input[0], from);
    to[n - 1] = combine(k, n, w->input[n - 1], from);
    for (int j = 1; j < n - 1; j += 2) {
        double even[LG_WINOGRAD_MOST] = {0}, odd[LG_WINOGRAD_MOST] = {0};
        for (int i = 0; i < n; i++)
            *(w->input[j][i] == w->input[j + 1][i] ? &even[i] : &odd[i]) = w->input[j][i];
        lg_kx *sum = lg_k_let(k, "even", combine(k, n, even, from));
        lg_kx *difference = lg_k_let(k, "odd", combine(k, n, odd, from));
        to[j] = lg_kx_apply(k, LG_S_ADD, sum, difference, NULL);
        to[j + 1] = lg_kx_apply(k, LG_S_SUB, sum, difference, NULL);
    }
}

// to = A from, n values to m. The columns of p and -p are used as sums and differences.
static void transform_output(lg_kbuilder *k, const lg_winograd *w, lg_kx *const *from, lg_kx **to)
{
    int n = w->n;
    lg_kx *sums[LG_WINOGRAD_MOST] = {0}, *differences[LG_WINOGRAD_MOST] = {0};
    sums[0] = from[0], sums[n - 1] = from[n - 1];
    differences[0] = from[0], differences[n - 1] = from[n - 1];
    for (int j = 1; j < n - 1; j += 2) {
        sums[j] = lg_k_let(k, "sum", lg_kx_apply(k, LG_S_ADD, from[j], from[j + 1], NULL));
        differences[j] =
            lg_k_let(k, "difference", lg_kx_apply(k, LG_S_SUB, from[j], from[j + 1], NULL));
    }
    for (int i = 0; i < w->m; i++) {
        double row[LG_WINOGRAD_MOST] = {0};
        for (int j = 0; j < n; j++)
            row[j] = j > 0 && j < n - 1 && j % 2 == 0 ? 0 : w->output[i][j]; // -p: in the pair
        to[i] = combine(k, n, row, i % 2 ? differences : sums);
    }
}

// ---- the tiles of a job

// Where the loops over the tiles of a job stand.
typedef struct at_tile {
    lg_kx *index;       // among the job's tiles
    lg_kx *n, *th, *tw; // image, row and column of tiles
    lg_kx *h, *v;       // first pixel of the output
    int opened;
} at_tile;

// Opens loops over the tiles of the job. The last job of an image may have rows too many: `all` of
// them repeat the last row, else they are left out.
static at_tile loop_over_tiles(const wino *c, bool all)
{
    lg_kbuilder *k = &c->s->k;
    at_tile t = {0};
    lg_kx *i = lg_loop_over(k, "i", c->jobs.images, &t.opened), *row;
    if (all || c->jobs.tall % c->jobs.rows == 0) {
        row = lg_loop_over(k, "th", c->jobs.rows, &t.opened);
    } else {
        lg_kx *rest = lg_kx_add(k, lg_kx_int(k, c->jobs.tall), lg_kx_muli(k, c->th0, -1));
        row = lg_k_loop(k, LG_LOOP_SERIAL, "th", lg_kx_int(k, 0), lg_kx_mini(k, rest, c->jobs.rows),
                        1);
        t.opened++;
    }
    lg_kx *column = lg_loop_over(k, "tw", c->jobs.columns, &t.opened);
    t.index = lg_kx_add(
        k, lg_kx_muli(k, lg_kx_add(k, lg_kx_muli(k, i, c->jobs.rows), row), c->jobs.columns),
        column);
    t.n = lg_kx_add(k, c->n0, i);
    t.th = lg_kx_mini(k, lg_kx_add(k, c->th0, row), c->jobs.tall - 1);
    t.tw = lg_kx_add(k, c->tw0, column);
    int64_t m = c->w.m;
    t.h = lg_kx_mini(k, lg_kx_muli(k, t.th, m), c->y->dims[1] - m);
    t.v = lg_kx_mini(k, lg_kx_muli(k, t.tw, m), c->y->dims[2] - m);
    return t;
}

// The n values of a row of the half transformed square.
static void load_half(const wino *c, lg_kx *row, lg_kx **values)
{
    lg_kbuilder *k = &c->s->k;
    for (int i = 0; i < c->w.n; i++) {
        lg_kx *at[] = {row, lg_kx_int(k, i), lg_kx_int(k, 0)};
        values[i] = lg_k_let(k, "d", lg_kx_load(k, c->half, at, c->tile.lanes));
    }
}

static void store_half(const wino *c, lg_kx *column, lg_kx *const *values, int count)
{
    lg_kbuilder *k = &c->s->k;
    for (int i = 0; i < count; i++) {
        lg_kx *at[] = {lg_kx_int(k, i), column, lg_kx_int(k, 0)};
        lg_k_store(k, c->half, at, c->tile.lanes, values[i]);
    }
}

// ---- inputs

static void input_tile(const wino *c, const at_tile *t, lg_kx *block)
{
    lg_kbuilder *k = &c->s->k;
    int n = c->w.n, lanes = c->tile.lanes;
    lg_kx *from[LG_WINOGRAD_MOST] = {0}, *to[LG_WINOGRAD_MOST];
    lg_kx *channel = lg_kx_muli(k, block, lanes);
    lg_kx *column = lg_k_for(k, LG_LOOP_SERIAL, "column", n);
    for (int i = 0; i < n; i++) {
        lg_index at[] = {lg_index_of(t->n),
                         lg_index_of(lg_kx_addi(k, t->h, i - c->pad[0])),
                         lg_index_of(lg_kx_addi(k, lg_kx_add(k, t->v, column), -c->pad[1])),
                         {channel, 1}};
        from[i] = c->image ? lg_load_element(k, c->image, c->x, 0, at, lanes)
                           : lg_prologue_element(c->s, c->computed, at, lanes);
        from[i] = lg_k_let(k, "d", from[i]);
    }
    transform_input(k, &c->w, from, to);
    store_half(c, column, to, n);
    lg_k_end(k);
    lg_kx *row = lg_k_for(k, LG_LOOP_SERIAL, "row", n);
    load_half(c, row, from);
    transform_input(k, &c->w, from, to);
    for (int i = 0; i < n; i++) {
        lg_kx *at[] = {lg_kx_addi(k, lg_kx_muli(k, row, n), i), block, t->index, lg_kx_int(k, 0)};
        lg_k_store(k, c->v, at, lanes, to[i]);
    }
    lg_k_end(k);
}

// A block of channels after the other, whose tiles are neighbours in V: lines that are written in
// turn are fetched ahead, those that are pages apart are waited for one by one.
static void inputs(const wino *c)
{
    lg_kbuilder *k = &c->s->k;
    int64_t blocks = c->x->dims[3] / c->tile.lanes;
    int opened = 0;
    lg_k_comment(k, "inputs");
    lg_kx *block = lg_loop_over(k, "cb", blocks, &opened);
    at_tile t = loop_over_tiles(c, true);
    input_tile(c, &t, block);
    lg_end_loops(k, t.opened + opened);
}

// ---- products

typedef struct product {
    const wino *c;
    lg_columns run;
    lg_kx *panel, *in_group;        // of the run, of the group
    lg_kx *row, *column, *place;    // of the square
    lg_kx *first, *block, *channel; // tile, channels
    lg_kx *next_panel, *next_place; // that are used behind these
    lg_kx *number;                  // of the register tile
    int64_t tiles;                  // register tiles
    lg_kx *chunk;                   // of the input channels
    int64_t chunks;
    int rows;
} product;

static lg_kx *input_element(void *data, lg_kx *row)
{
    const product *p = data;
    lg_kbuilder *k = &p->c->s->k;
    lg_kx *at[] = {p->place, p->block, lg_kx_add(k, p->first, row), p->channel};
    return lg_kx_load(k, p->c->v, at, 1);
}

static lg_kx *first_output(const product *p)
{
    lg_kbuilder *k = &p->c->s->k;
    int64_t panel = lg_tile_panel(p->c->tile);
    return lg_kx_addi(k, lg_kx_muli(k, p->panel, panel), p->run.start);
}

static lg_kx *filter_vector(void *data, lg_kx *vector)
{
    const product *p = data;
    const wino *c = p->c;
    lg_kbuilder *k = &c->s->k;
    int lanes = c->tile.lanes;
    lg_kx *channel = lg_kx_add(k, lg_kx_muli(k, p->block, lanes), p->channel);
    lg_index at[] = {{lg_kx_add(k, first_output(p), lg_kx_muli(k, vector, lanes)), 1},
                     lg_index_of(channel),
                     lg_index_of(p->row),
                     lg_index_of(p->column)};
    return lg_load_element(k, c->filter, c->u, 0, at, lanes);
}

// ---- the filter of the next place

// Of one panel all places, then those of the next; of a group all panels, then the next place.
static void find_next(product *p, lg_kx *first_panel, int64_t group)
{
    const wino *c = p->c;
    lg_kbuilder *k = &c->s->k;
    int64_t places = (int64_t)c->w.n * c->w.n;
    lg_kx *next = group == 1 ? lg_kx_add(k, lg_kx_muli(k, p->panel, places), p->place)
                             : lg_kx_add(k, lg_kx_muli(k, p->place, group), p->in_group);
    next = lg_kx_addi(k, next, 1);
    lg_kx *panel = group == 1 ? lg_kx_mini(k, lg_kx_divi(k, next, places), p->run.panels - 1)
                              : lg_kx_add(k, first_panel, lg_kx_modi(k, next, group));
    lg_kx *place = group == 1 ? lg_kx_modi(k, next, places)
                              : lg_kx_mini(k, lg_kx_divi(k, next, group), places - 1);
    p->next_panel = lg_k_let(k, "next", panel);
    p->next_place = lg_k_let(k, "ahead", place);
}

static lg_kx *next_vector(void *data, lg_kx *channel, lg_kx *vector)
{
    const product *p = data;
    lg_kbuilder *k = &p->c->s->k;
    product next = *p;
    next.panel = p->next_panel;
    next.row = lg_kx_divi(k, p->next_place, p->c->w.n);
    next.column = lg_kx_modi(k, p->next_place, p->c->w.n);
    next.channel = lg_kx_add(k, p->channel, channel);
    return filter_vector(&next, vector);
}

static bool prefetches(const wino *c)
{
    return lg_waits_for_weights(c->y->dims[0] * c->jobs.tall * c->jobs.wide);
}

// What is kept of each place: a row of the register tile in M.
static void exchange(const product *p, lg_kbuffer *acc, bool save)
{
    const wino *c = p->c;
    lg_kbuilder *k = &c->s->k;
    int lanes = c->tile.lanes;
    lg_kx *at[] = {lg_k_for(k, LG_LOOP_UNROLL, "r", p->rows),
                   lg_k_for(k, LG_LOOP_UNROLL, "j", p->run.vectors)};
    lg_kx *column = lg_kx_muli(k, p->in_group, lg_tile_panel(c->tile));
    lg_kx *kept[] = {p->place, lg_kx_add(k, p->first, at[0]),
                     lg_kx_add(k, column, lg_kx_muli(k, at[1], lanes))};
    if (save)
        lg_k_store(k, c->m, kept, lanes, lg_kx_load(k, acc, at, 1));
    else
        lg_k_store(k, acc, at, 1, lg_kx_load(k, c->m, kept, lanes));
    lg_end_loops(k, 2);
}

// Clears the sums, or takes up those of the chunk before.
static void begin_sums(const product *p, lg_kbuffer *acc, lg_tile tile)
{
    lg_kbuilder *k = &p->c->s->k;
    if (p->chunks > 1)
        lg_k_if(k, lg_kx_apply(k, LG_S_EQ, p->chunk, lg_kx_int(k, 0), NULL));
    lg_tile_clear(k, acc, tile);
    if (p->chunks == 1)
        return;
    lg_k_else(k);
    exchange(p, acc, false);
    lg_k_end(k);
}

static lg_kx *loop_over_chunk(const product *p, int *opened)
{
    lg_kbuilder *k = &p->c->s->k;
    int64_t blocks = p->c->x->dims[3] / p->c->tile.lanes, size = lg_ceil_div(blocks, p->chunks);
    if (p->chunks == 1)
        return lg_loop_over(k, "cb", blocks, opened);
    lg_kx *low = lg_kx_muli(k, p->chunk, size);
    ++*opened;
    return lg_k_loop(k, LG_LOOP_SERIAL, "cb", low, lg_kx_mini(k, lg_kx_addi(k, low, size), blocks),
                     1);
}

static void product_tile(product *p)
{
    const wino *c = p->c;
    lg_kbuilder *k = &c->s->k;
    lg_tile tile = {p->rows, p->run.vectors, c->tile.lanes};
    lg_tile_operands operands = {input_element, filter_vector, p};
    lg_kbuffer *acc = lg_k_alloc(k, "acc", LG_SCOPE_REGISTER, LG_F32, tile.lanes, 2,
                                 (int64_t[]){tile.rows, tile.vectors});
    int opened = 0, unroll = UNROLLED_FMAS / (tile.rows * tile.vectors);
    unroll = unroll < 1 ? 1 : unroll > tile.lanes ? tile.lanes : unroll;
    while (tile.lanes % unroll)
        unroll--;
    begin_sums(p, acc, tile);
    lg_prefetch share = {0};
    if (prefetches(c))
        lg_prefetch_share(k, tile, unroll, p->tiles, p->number, &share);
    p->block = loop_over_chunk(p, &opened);
    lg_kx *base = lg_kx_muli(k, lg_loop_over(k, "c", tile.lanes / unroll, &opened), unroll);
    p->channel = base;
    lg_prefetch_turn(k, &share, next_vector, p);
    p->channel = lg_kx_add(k, base, lg_k_for(k, LG_LOOP_UNROLL, "u", unroll));
    lg_tile_multiply(k, acc, tile, &operands);
    lg_end_loops(k, opened + 1);
    exchange(p, acc, true);
}

// A panel of which L1 keeps a part, while all register tiles pass over it, comes part by part.
static int64_t chunks_of(const wino *c, int64_t tiles)
{
    int64_t blocks = c->x->dims[3] / c->tile.lanes;
    int64_t block_bytes = 4 * c->tile.lanes * lg_tile_panel(c->tile);
    int64_t most = c->s->target->l1 * 3 / 4 / block_bytes;
    return tiles < 2 ? 1 : lg_ceil_div(blocks, most < 1 ? 1 : most);
}

static void products(const wino *c, product *p, lg_kx *first_panel, int64_t group)
{
    lg_kbuilder *k = &c->s->k;
    int opened = 0;
    lg_k_comment(k, "products");
    p->row = lg_loop_over(k, "row", c->w.n, &opened);
    p->column = lg_loop_over(k, "column", c->w.n, &opened);
    p->place = lg_kx_add(k, lg_kx_muli(k, p->row, c->w.n), p->column);
    p->in_group = lg_loop_over(k, "q", group, &opened);
    p->panel = lg_kx_add(k, first_panel, p->in_group);
    if (prefetches(c))
        find_next(p, first_panel, group);
    lg_cut cut = lg_tile_cut(lg_winograd_tile_count(&c->jobs), c->tile.rows);
    p->tiles = cut.count[0] + cut.count[1];
    p->chunks = chunks_of(c, p->tiles);
    p->chunk = lg_loop_over(k, "chunk", p->chunks, &opened);
    for (int part = 0; part < 2 && cut.count[part]; part++) {
        int inner = 0;
        p->rows = cut.size[part];
        int64_t before = part ? cut.count[0] : 0;
        p->first = lg_loop_over_cut(k, "t", &cut, part, &inner);
        p->number = lg_kx_divi(k, lg_kx_addi(k, p->first, -before * cut.size[0]), cut.size[part]);
        p->number = lg_kx_addi(k, p->number, before);
        product_tile(p);
        lg_end_loops(k, inner);
    }
    lg_end_loops(k, opened);
}

// ---- outputs

// Opens a test for a pixel that the tile before, or another image, has not stored.
static int guard(lg_kbuilder *k, lg_kx *pixel, lg_kx *tile, int64_t m, int64_t size)
{
    if (size % m == 0)
        return 0;
    lg_k_if(k, lg_kx_apply(k, LG_S_GE, pixel, lg_kx_muli(k, tile, m), NULL));
    return 1;
}

// The pixels of row `row` of the tile from its half transformed values.
static void output_row(const wino *c, const at_tile *t, lg_kx *row, int r, lg_kx *channel,
                       int valid)
{
    lg_kbuilder *k = &c->s->k;
    int m = c->w.m, lanes = c->tile.lanes;
    lg_kx *from[LG_WINOGRAD_MOST] = {0}, *to[LG_WINOGRAD_MOST];
    lg_kx *h = lg_kx_add(k, t->h, row);
    int row_guard = guard(k, h, t->th, m, c->y->dims[1]);
    load_half(c, row, from);
    transform_output(k, &c->w, from, to);
    lg_kbuffer *acc =
        lg_k_alloc(k, "pixels", LG_SCOPE_REGISTER, LG_F32, lanes, 2, (int64_t[]){m, 1});
    for (int i = 0; i < m; i++) {
        lg_kx *place[] = {lg_kx_int(k, i), lg_kx_int(k, 0)};
        lg_k_store(k, acc, place, 1, to[i]);
    }
    for (int i = 0; i < m; i++) {
        lg_kx *v = lg_kx_addi(k, t->v, i);
        int column_guard = guard(k, v, t->tw, m, c->y->dims[2]);
        lg_index at[] = {lg_index_of(t->n), lg_index_of(h), lg_index_of(v), {channel, 1}};
        lg_epilogue_store(c->s, &c->epilogue, &(lg_tile_state){acc, lg_kx_int(k, i), 0}, r, at,
                          valid, lanes);
        lg_end_loops(k, column_guard);
    }
    lg_end_loops(k, row_guard);
}

// Vectors `first` to `first + count - 1` of every panel of the group for all tiles; of each vector
// the first `valid` lanes are stored.
static void output_vectors(const wino *c, product *p, lg_kx *first_panel, int64_t group, int r,
                           int64_t start, int first, int count, int valid)
{
    lg_kbuilder *k = &c->s->k;
    int n = c->w.n, lanes = c->tile.lanes;
    int64_t panel = lg_tile_panel(c->tile);
    if (count == 0)
        return;
    at_tile t = loop_over_tiles(c, false);
    lg_kx *q = lg_loop_over(k, "q", group, &t.opened);
    p->panel = lg_kx_add(k, first_panel, q);
    lg_kx *vector = lg_kx_addi(k, lg_loop_over(k, "j", count, &t.opened), first);
    lg_kx *lane = lg_kx_muli(k, vector, lanes);
    lg_kx *from[LG_WINOGRAD_MOST] = {0}, *to[LG_WINOGRAD_MOST];
    lg_kx *column = lg_k_for(k, LG_LOOP_SERIAL, "column", n);
    for (int i = 0; i < n; i++) {
        lg_kx *at[] = {lg_kx_addi(k, column, (int64_t)i * n), t.index,
                       lg_kx_add(k, lg_kx_muli(k, q, panel), lane)};
        from[i] = lg_k_let(k, "d", lg_kx_load(k, c->m, at, lanes));
    }
    transform_output(k, &c->w, from, to);
    store_half(c, column, to, c->w.m);
    lg_k_end(k);
    lg_kx *row = lg_k_for(k, LG_LOOP_SERIAL, "row", c->w.m);
    lg_kx *channel = lg_kx_add(k, lg_kx_addi(k, first_output(p), -start), lane);
    output_row(c, &t, row, r, channel, valid);
    lg_k_end(k);
    lg_end_loops(k, t.opened);
}

// ---- panels

// All panels of one run of columns that belong to result `r`.
static void panels(const wino *c, lg_columns run, int r, int64_t start)
{
    lg_kbuilder *k = &c->s->k;
    product p = {.c = c, .run = run};
    int64_t each = run.panels / c->jobs.splits, group = c->jobs.group < each ? c->jobs.group : each;
    int opened = 0;
    assert(run.panels % c->jobs.splits == 0);
    while (each % group)
        group--;
    lg_kx *g = lg_loop_over(k, "g", each / group, &opened);
    lg_kx *first = lg_kx_add(k, lg_kx_muli(k, c->split, each), lg_kx_muli(k, g, group));
    products(c, &p, first, group);
    lg_k_comment(k, "outputs");
    p.panel = first;
    lg_kx *channel = lg_kx_addi(k, first_output(&p), -start);
    int64_t channels = group * c->tile.vectors * run.lanes -
                       (c->tile.vectors - run.vectors + 1) * run.lanes + run.valid;
    lg_epilogue_clear(c->s, &c->epilogue, r, channel, channels);
    int whole = run.valid == run.lanes ? run.vectors : run.vectors - 1;
    output_vectors(c, &p, first, group, r, start, 0, whole, run.lanes);
    output_vectors(c, &p, first, group, r, start, whole, run.vectors - whole, run.valid);
    lg_epilogue_flush(c->s, &c->epilogue, r, c->n0, c->part, channel, channels);
    lg_end_loops(k, opened);
}

static lg_range range_of(lg_kbuilder *k, lg_kx *first, int64_t count, int64_t most)
{
    lg_kx *high = lg_kx_addi(k, first, count);
    return (lg_range){first, lg_kx_mini(k, high, most)};
}

// ---- sizes

int64_t lg_winograd_panel(const lg_target *target, int64_t outputs)
{
    return lg_tile_panel(lg_winograd_tile(target, outputs));
}

static wino describe(const lg_target *target, const lg_op *op)
{
    wino c = {.x = &op->operands[0]->type, .u = &op->operands[1]->type, .y = &op->results[0]->type};
    lg_winograd_make(&c.w, (int)c.u->dims[2] - 2);
    c.tile = lg_winograd_tile(target, c.u->dims[0]);
    for (int i = 0; i < 2; i++)
        c.pad[i] = lg_op_int_at(op, LG_ATTR_pad, i);
    c.jobs = (lg_winograd_jobs){.n = c.w.n,
                                .batch = c.y->dims[0],
                                .inputs = c.x->dims[3],
                                .outputs = c.y->dims[3],
                                .tall = lg_ceil_div(c.y->dims[1], c.w.m),
                                .wide = lg_ceil_div(c.y->dims[2], c.w.m),
                                .tile = c.tile};
    return c;
}

static void choose_jobs(wino *c)
{
    for (int r = 0; r < c->epilogue.count; r++)
        c->jobs.sums |= lg_epilogue_is_sum(&c->epilogue, c->s->function, r);
    c->jobs.divisible = lg_epilogue_ranges(&c->epilogue) == 1;
    lg_winograd_choose_jobs(&c->jobs, c->s->target);
}

// ---- the schedule

const lg_layout *lg_winograd_layout(lg_arena *arena, const lg_target *target, const lg_type *filter)
{
    int64_t panel = lg_winograd_panel(target, filter->dims[0]);
    lg_layout layout = {5,
                        {{.part = LG_PART_OUTER, .axis = 0, .block = panel},
                         {.part = LG_PART_WHOLE, .axis = 2},
                         {.part = LG_PART_WHOLE, .axis = 3},
                         {.part = LG_PART_WHOLE, .axis = 1},
                         {.part = LG_PART_INNER, .axis = 0, .block = panel}}};
    return lg_copy(arena, &layout, sizeof layout);
}

bool lg_schedule_winograd_applies(const lg_function *function, const lg_target *target)
{
    const lg_op *op = lg_tile_single(function, LG_OP_winograd_conv2d);
    if (!op || target->kind != LG_TARGET_CPU || op->results[0]->type.dtype != LG_F32 ||
        function->results.count > LG_MAX_EPILOGUE_RESULTS)
        return false;
    const lg_value *x = op->operands[0], *u = op->operands[1];
    bool prologue = lg_prologue_suits(x, target);
    if ((x->kind != LG_VALUE_ARGUMENT && !prologue) || u->kind != LG_VALUE_ARGUMENT ||
        !u->type.layout)
        return false;
    wino c = describe(target, op);
    lg_arena *scratch = lg_arena_new();
    bool packed = lg_layout_equal(u->type.layout, lg_winograd_layout(scratch, target, &u->type));
    lg_arena_free(scratch);
    if ((!prologue && !lg_conv_reads_image(&x->type, op, target)) ||
        x->type.dims[3] % target->lanes || c.y->dims[1] < c.w.m || c.y->dims[2] < c.w.m)
        return false;
    return packed && lg_epilogue_find(function, op, lg_tile_panel(c.tile), &c.epilogue);
}

static void allocate(wino *c)
{
    lg_kbuilder *k = &c->s->k;
    int64_t n = c->w.n, lanes = c->tile.lanes;
    int64_t tiles = lg_winograd_tile_count(&c->jobs) | 1; // odd: places do not collide in caches
    c->v = lg_k_alloc(k, "inputs", LG_SCOPE_TILE, LG_F32, 1, 4,
                      (int64_t[]){n * n, c->x->dims[3] / lanes, tiles, lanes});
    c->m = lg_k_alloc(k, "products", LG_SCOPE_TILE, LG_F32, 1, 3,
                      (int64_t[]){n * n, tiles, c->jobs.group * c->tile.vectors * lanes});
    c->half = lg_k_alloc(k, "half", LG_SCOPE_TILE, LG_F32, 1, 3, (int64_t[]){n, n, lanes});
}

static void find_job(wino *c)
{
    lg_kbuilder *k = &c->s->k;
    lg_kx *job = lg_k_for(k, lg_schedule_job_role(c->s), "job", lg_winograd_job_count(&c->jobs));
    int64_t parts = c->jobs.row_blocks * c->jobs.segments;
    c->split = lg_kx_modi(k, job, c->jobs.splits);
    job = lg_kx_divi(k, job, c->jobs.splits);
    c->part = lg_kx_modi(k, job, parts);
    c->tw0 = lg_kx_muli(k, lg_kx_modi(k, job, c->jobs.segments), c->jobs.columns);
    c->th0 = lg_kx_muli(k, lg_kx_modi(k, lg_kx_divi(k, job, c->jobs.segments), c->jobs.row_blocks),
                        c->jobs.rows);
    c->n0 = lg_kx_muli(k, lg_kx_divi(k, job, parts), c->jobs.images);
    lg_epilogue_begin(c->s, &c->epilogue, parts);
}

void lg_schedule_winograd(lg_schedule *s)
{
    const lg_op *op = lg_tile_single(s->function, LG_OP_winograd_conv2d);
    wino c = describe(s->target, op);
    c.s = s;
    lg_epilogue_find(s->function, op, lg_tile_panel(c.tile), &c.epilogue);
    choose_jobs(&c);
    c.image = s->ctx.bindings[op->operands[0]->id].buffer;
    c.computed = op->operands[0];
    c.filter = s->ctx.bindings[op->operands[1]->id].buffer;
    s->ctx.bindings[op->results[0]->id].element = lg_tile_element;
    lg_k_comment(&s->k, "tiles of %d: {rows=%d columns=%d images=%d group=%d splits=%d}", c.w.m,
                 (int)c.jobs.rows, (int)c.jobs.columns, (int)c.jobs.images, (int)c.jobs.group,
                 (int)c.jobs.splits);
    find_job(&c);
    allocate(&c);
    inputs(&c);
    for (int r = 0; r < c.epilogue.count; r++) {
        int64_t start = c.epilogue.starts[r];
        lg_columns runs[3];
        int count = 0;
        if (c.epilogue.first[r] == r)
            count = lg_tile_columns(c.tile, start, c.epilogue.images[r]->type.dims[3], true, runs);
        for (int i = 0; i < count; i++)
            panels(&c, runs[i], r, start);
    }
    lg_kbuilder *k = &s->k;
    int64_t m = c.w.m;
    lg_image_part part = {{range_of(k, c.n0, c.jobs.images, c.y->dims[0]),
                           range_of(k, lg_kx_muli(k, c.th0, m), c.jobs.rows * m, c.y->dims[1]),
                           range_of(k, lg_kx_muli(k, c.tw0, m), c.jobs.columns * m, c.y->dims[2])},
                          c.split,
                          c.jobs.splits};
    lg_epilogue_zero_borders(s, &c.epilogue, &part);
    lg_k_end(&s->k);
}
