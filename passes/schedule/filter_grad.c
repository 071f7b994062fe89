// The gradient of a convolution's filter on a CPU: for every filter element (a tap) the product of
// image and gradient, channels x outputs, summed over pixels.
//
//   job: some blocks of channels by some of outputs, all taps, and a part of the pixels
//     strip of pixels: what it needs of image and gradient stays in L2
//       panel of vectors: its gradients stay in L1
//         block of rows, tap, tile of rows x vectors
//           pixel: one fma an accumulator
//           the accumulators wait in the job's sums until the next strip
//     the sums go to the result, which is row-major
//
// Vectors are blocks of output channels and rows channels of the image, or vice versa: of a 1x1
// filter the result then lies as the vectors do. The rows of an image of few channels go over the
// columns of the filter too. Where the pixels are divided among jobs each part writes a result of
// its own, and a kernel behind this one adds them: their number does not depend on threads.
//
// Image and gradient lie in lg_image_layout, the image with a border of zeros at least as wide as
// the padding; the channels that round up a block are zero and computed with the others.
#include "passes/schedule/filter_grad.h"

#include "ir/integer.h"
#include "passes/schedule/conv.h"
#include "passes/schedule/filter_grad_choice.h"
#include "passes/schedule/prologue.h"

#include <assert.h>

typedef struct filter_grad {
    lg_schedule *s;
    const lg_op *op;
    lg_filter_grad_shape shape;
    lg_filter_grad_choice choice;
    lg_filter_grad_sides sides;
    const lg_type *x, *g;
    int64_t pad[2];
    lg_kbuffer *image, *gradient, *sums, *result;
    lg_prologue prologues[2];                     // of image and gradient
    lg_kx *part, *group, *row_block, *lane_block; // of the job
    lg_kx *strip, *first;                         // and the first of the job
    lg_kx *n, *h, *w;                             // of the strip
    lg_kx *next[3];                               // n, h, w of the one behind it; NULL: not wanted
} filter_grad;

// The position within the loops of a strip.
typedef struct place {
    const filter_grad *f;
    lg_kx *block, *kh, *kw, *row, *vector; // of the tile
    lg_kx *n, *h, *w;                      // pixel
    lg_kx *pass;                           // number of the tile in the strip
    int64_t passes;                        // tiles of a strip
    lg_tile tile;
} place;

// ---- operands of the multiplication

// The index of channel `channel` of the group: of the image under tap `kw`, or of the gradient.
static void index_of(const place *p, bool image, lg_kx *channel, lg_kx *kw, lg_index at[4])
{
    const filter_grad *f = p->f;
    const lg_filter_grad_shape *s = &f->shape;
    lg_kbuilder *k = &f->s->k;
    channel = lg_kx_add(k, lg_kx_muli(k, f->group, image ? s->channels : s->outputs), channel);
    at[0] = lg_index_of(p->n);
    at[1] = lg_index_of(p->h);
    at[2] = lg_index_of(p->w);
    at[3] = (lg_index){channel, 1};
    lg_kx *tap[] = {p->kh, kw};
    for (int i = 0; i < 2 && image; i++) {
        lg_kx *to = lg_kx_add(k, lg_kx_muli(k, at[1 + i].base, s->stride[i]),
                              lg_kx_muli(k, tap[i], s->dilation[i]));
        at[1 + i].base = lg_kx_addi(k, to, -f->pad[i]);
    }
    const lg_prologue *copy = &f->prologues[!image];
    for (int a = 0; a < 4 && copy->value; a++)
        at[a].base = lg_kx_add(k, at[a].base, lg_kx_muli(k, copy->origin[a], -1));
}

static lg_kx *element(const place *p, bool image, lg_kx *channel, lg_kx *kw, int lanes)
{
    const filter_grad *f = p->f;
    lg_index at[4];
    index_of(p, image, channel, kw, at);
    return lg_load_element(&f->s->k, image ? f->image : f->gradient, image ? f->x : f->g, 0, at,
                           lanes);
}

static lg_kx *row_element(void *data, lg_kx *row)
{
    const place *p = data;
    const filter_grad *f = p->f;
    lg_kbuilder *k = &f->s->k;
    lg_kx *kw = p->kw;
    row = lg_kx_add(k, p->row, row);
    if (f->sides.merged > 1) {
        kw = lg_kx_divi(k, row, f->sides.row_block);
        row = lg_kx_modi(k, row, f->sides.row_block);
    }
    lg_kx *block = lg_kx_add(k, f->row_block, p->block);
    lg_kx *channel = lg_kx_add(k, lg_kx_muli(k, block, f->sides.row_block), row);
    return element(p, f->choice.along == LG_ALONG_OUTPUTS, channel, kw, 1);
}

static lg_kx *vector_element(void *data, lg_kx *vector)
{
    const place *p = data;
    const filter_grad *f = p->f;
    lg_kbuilder *k = &f->s->k;
    lg_kx *block = lg_kx_add(k, f->lane_block, lg_kx_add(k, p->vector, vector));
    lg_kx *channel = lg_kx_muli(k, block, f->sides.lane_block);
    return element(p, f->choice.along == LG_ALONG_CHANNELS, channel, p->kw, p->tile.lanes);
}

// ---- one tile

// Moves the accumulators to the job's sums, or back.
static void exchange(const place *p, lg_kbuffer *acc, bool save)
{
    const filter_grad *f = p->f;
    lg_kbuilder *k = &f->s->k;
    lg_kx *at[] = {lg_k_for(k, LG_LOOP_UNROLL, "r", p->tile.rows),
                   lg_k_for(k, LG_LOOP_UNROLL, "j", p->tile.vectors)};
    lg_kx *vector = lg_kx_add(k, p->vector, at[1]);
    lg_kx *waiting[] = {p->block, p->kh, f->sides.merged > 1 ? lg_kx_int(k, 0) : p->kw,
                        lg_kx_add(k, p->row, at[0]), lg_kx_muli(k, vector, p->tile.lanes)};
    if (save)
        lg_k_store(k, f->sums, waiting, p->tile.lanes, lg_kx_load(k, acc, at, 1));
    else
        lg_k_store(k, acc, at, 1, lg_kx_load(k, f->sums, waiting, p->tile.lanes));
    lg_k_end(k);
    lg_k_end(k);
}

static void begin_sums(const place *p, lg_kbuffer *acc)
{
    const filter_grad *f = p->f;
    lg_kbuilder *k = &f->s->k;
    if (lg_filter_grad_part_strips(&f->shape, &f->choice) == 1) {
        lg_tile_clear(k, acc, p->tile);
        return;
    }
    lg_k_if(k, lg_kx_apply(k, LG_S_EQ, f->strip, f->first, NULL));
    lg_tile_clear(k, acc, p->tile);
    lg_k_else(k);
    exchange(p, acc, false);
    lg_k_end(k);
}

// ---- the next strip

// Where a strip has few tiles and each pixel meets them once, the first of them would wait for
// memory and the others not: all of them ask for their part of the next strip meanwhile.
static bool wants_next(const filter_grad *f, int64_t passes)
{
    enum { MOST_PASSES = 16 }; // more of them hide what little the first one waits
    const lg_filter_grad_shape *s = &f->shape;
    bool large = lg_type_bytes(f->x) > f->s->target->l2 || lg_type_bytes(f->g) > f->s->target->l2;
    return large && passes <= MOST_PASSES && s->kernel[0] * s->kernel[1] == 1 &&
           f->sides.merged == 1 && !f->prologues[0].value && !f->prologues[1].value &&
           lg_filter_grad_part_strips(s, &f->choice) > 1;
}

static int64_t passes_of(const filter_grad *f)
{
    lg_cut panels = lg_tile_cut(f->choice.lane_blocks, (int)f->choice.vectors);
    lg_cut rows = lg_tile_cut(f->sides.row_block, (int)f->choice.rows);
    return (panels.count[0] + panels.count[1]) * f->choice.row_blocks *
           (rows.count[0] + rows.count[1]);
}

// The pass's part of the pixels of the next strip that lie as those of one step of this one.
static void prefetch_next(const place *p)
{
    const filter_grad *f = p->f;
    const lg_filter_grad_choice *c = &f->choice;
    lg_kbuilder *k = &f->s->k;
    lg_kx *const of_strip[] = {f->n, f->h, f->w}, *const here[] = {p->n, p->h, p->w};
    lg_kx *next[3];
    for (int i = 0; i < 3; i++)
        next[i] = lg_kx_add(k, f->next[i], lg_kx_add(k, here[i], lg_kx_muli(k, of_strip[i], -1)));
    place there = *p;
    there.n = next[0];
    there.h = next[1];
    there.w = next[2];
    for (int rows = 0; rows < 2; rows++) {
        bool image = (c->along == LG_ALONG_OUTPUTS) == (rows == 1);
        int64_t blocks = rows ? c->row_blocks : c->lane_blocks;
        int64_t size = rows ? f->sides.row_block : f->sides.lane_block;
        int64_t each = lg_ceil_div(blocks, p->passes);
        for (int64_t i = 0; i < each; i++) {
            lg_kx *block = lg_kx_addi(k, lg_kx_muli(k, p->pass, each), i);
            block =
                lg_kx_add(k, rows ? f->row_block : f->lane_block, lg_kx_mini(k, block, blocks - 1));
            lg_index at[4];
            index_of(&there, image, lg_kx_muli(k, block, size), p->kw, at);
            lg_prefetch_element(k, image ? f->image : f->gradient, image ? f->x : f->g, 0, at,
                                (int)size);
        }
    }
}

// The step is that from pixel `base` on. Passes behind those that have asked for all are spared.
static void prefetch_pixels(place *p, lg_kx *base)
{
    enum { LINE = 64 };
    const filter_grad *f = p->f;
    const lg_filter_grad_choice *c = &f->choice;
    lg_kbuilder *k = &f->s->k;
    int64_t blocks = c->row_blocks > c->lane_blocks ? c->row_blocks : c->lane_blocks;
    int64_t needed = lg_ceil_div(blocks, lg_ceil_div(blocks, p->passes));
    int64_t apart = LINE / 4 / f->s->target->lanes;
    lg_k_if(k, lg_kx_apply(k, LG_S_LT, p->pass, lg_kx_int(k, needed), NULL));
    lg_kx *pixel = lg_k_loop(k, LG_LOOP_UNROLL, "u", lg_kx_int(k, 0), lg_kx_int(k, c->unroll),
                             apart > 1 ? apart : 1);
    p->w = lg_kx_add(k, f->w, lg_kx_add(k, base, pixel));
    prefetch_next(p);
    lg_k_end(k);
    lg_k_end(k);
}

// The number of the tile at `position` of a cut's `part`.
static lg_kx *number_of(lg_kbuilder *k, const lg_cut *cut, int part, lg_kx *position)
{
    int64_t before = part ? cut->count[0] : 0;
    lg_kx *at = lg_kx_addi(k, position, -before * cut->size[0]);
    return lg_kx_addi(k, lg_kx_divi(k, at, cut->size[part]), before);
}

static void multiply(place *p, lg_kbuffer *acc)
{
    const filter_grad *f = p->f;
    const lg_filter_grad_choice *c = &f->choice;
    lg_kbuilder *k = &f->s->k;
    lg_tile_operands operands = {row_element, vector_element, p};
    int opened = 0;
    p->n = lg_kx_add(k, f->n, lg_loop_over(k, "n", c->images, &opened));
    p->h = f->h;
    if (c->lines > 1) {
        lg_kx *high = lg_kx_mini(k, lg_kx_addi(k, f->h, c->lines), f->shape.height);
        p->h = lg_k_loop(k, LG_LOOP_SERIAL, "h", f->h, high, 1);
        opened++;
    }
    lg_kx *base = lg_kx_muli(k, lg_loop_over(k, "w", c->columns / c->unroll, &opened), c->unroll);
    if (f->next[0])
        prefetch_pixels(p, base);
    lg_kx *u = lg_k_for(k, LG_LOOP_UNROLL, "u", c->unroll);
    p->w = lg_kx_add(k, f->w, lg_kx_add(k, base, u));
    lg_tile_multiply(k, acc, p->tile, &operands);
    for (opened++; opened; opened--)
        lg_k_end(k);
}

static void tile(place *p)
{
    lg_kbuilder *k = &p->f->s->k;
    lg_kbuffer *acc = lg_k_alloc(k, "acc", LG_SCOPE_REGISTER, LG_F32, p->tile.lanes, 2,
                                 (int64_t[]){p->tile.rows, p->tile.vectors});
    begin_sums(p, acc);
    multiply(p, acc);
    exchange(p, acc, true);
}

// ---- loops around the tiles

// All tiles of a block of rows at one tap. Rows that go over filter columns are told apart at
// compile time.
static void tiles_of_block(place *p)
{
    const filter_grad *f = p->f;
    lg_kbuilder *k = &f->s->k;
    lg_cut cut = lg_tile_cut(f->sides.row_block * f->sides.merged, (int)f->choice.rows);
    bool merged = f->sides.merged > 1;
    int64_t row = 0;
    for (int part = 0; part < 2 && cut.count[part]; part++) {
        lg_kx *before = p->pass;
        p->tile.rows = cut.size[part];
        for (int64_t t = 0; merged && t < cut.count[part]; t++, row += cut.size[part]) {
            p->row = lg_kx_int(k, row);
            tile(p);
        }
        if (merged)
            continue;
        int opened = 0;
        p->row = lg_loop_over_cut(k, "t", &cut, part, &opened);
        p->pass = lg_kx_add(k, lg_kx_muli(k, before, cut.count[0] + cut.count[1]),
                            number_of(k, &cut, part, p->row));
        tile(p);
        p->pass = before;
        if (opened)
            lg_k_end(k);
    }
}

static void strip(const filter_grad *f)
{
    lg_kbuilder *k = &f->s->k;
    lg_cut cut = lg_tile_cut(f->choice.lane_blocks, (int)f->choice.vectors);
    for (int part = 0; part < 2 && cut.count[part]; part++) {
        int opened = 0;
        place p = {.f = f, .tile = {1, cut.size[part], (int)f->sides.lane_block}};
        p.vector = lg_loop_over_cut(k, "p", &cut, part, &opened);
        p.passes = passes_of(f);
        p.block = lg_loop_over(k, "b", f->choice.row_blocks, &opened);
        p.pass = lg_kx_add(
            k, lg_kx_muli(k, number_of(k, &cut, part, p.vector), f->choice.row_blocks), p.block);
        p.kh = lg_loop_over(k, "kh", f->shape.kernel[0], &opened);
        p.kw = lg_loop_over(k, "kw", f->shape.kernel[1] / f->sides.merged, &opened);
        tiles_of_block(&p);
        lg_end_loops(k, opened);
    }
}

// ---- the result

// Opens a loop over the channels of a block that exist.
static lg_kx *channels_of(lg_kbuilder *k, lg_kx *block, int64_t channels, int64_t size,
                          const char *name)
{
    lg_kx *left = lg_kx_addi(k, lg_kx_muli(k, block, -size), channels);
    return lg_k_loop(k, LG_LOOP_SERIAL, name, lg_kx_int(k, 0), lg_kx_mini(k, left, size), 1);
}

// Do the lanes of a vector adjoin in the result?
static bool lanes_adjoin(const filter_grad *f)
{
    return f->choice.along == LG_ALONG_CHANNELS && f->shape.kernel[0] * f->shape.kernel[1] == 1 &&
           f->sides.lanes % f->sides.lane_block == 0;
}

// Stores the sums of row `r` and `lanes` lanes from `l` on of two blocks at all taps.
static void store_taps(const filter_grad *f, lg_kx *const block[2], lg_kx *r, lg_kx *l, int lanes)
{
    const lg_filter_grad_shape *s = &f->shape;
    lg_kbuilder *k = &f->s->k;
    bool outputs = f->choice.along == LG_ALONG_OUTPUTS;
    lg_kx *row =
        lg_kx_add(k, lg_kx_muli(k, lg_kx_add(k, f->row_block, block[0]), f->sides.row_block), r);
    lg_kx *lane =
        lg_kx_add(k, lg_kx_muli(k, lg_kx_add(k, f->lane_block, block[1]), f->sides.lane_block), l);
    int opened = 0;
    lg_kx *kh = lg_loop_over(k, "kh", s->kernel[0], &opened);
    lg_kx *kw = lg_k_for(k, LG_LOOP_UNROLL, "kw", s->kernel[1]);
    bool merged = f->sides.merged > 1;
    if (merged)
        r = lg_kx_add(k, lg_kx_muli(k, kw, f->sides.row_block), r);
    lg_kx *from[] = {block[0], kh, merged ? lg_kx_int(k, 0) : kw, r,
                     lg_kx_add(k, lg_kx_muli(k, block[1], f->sides.lane_block), l)};
    lg_kx *o = lg_kx_add(k, lg_kx_muli(k, f->group, s->outputs), outputs ? lane : row);
    lg_kx *at = lg_kx_add(k, lg_kx_muli(k, o, s->channels), outputs ? row : lane);
    at = lg_kx_add(k, lg_kx_muli(k, at, s->kernel[0]), kh);
    at = lg_kx_add(k, lg_kx_muli(k, at, s->kernel[1]), kw);
    lg_kx *to[] = {f->part, at};
    lg_k_store(k, f->result, to, lanes, lg_kx_load(k, f->sums, from, lanes));
    for (opened++; opened; opened--)
        lg_k_end(k);
}

static void store_result(const filter_grad *f)
{
    lg_kbuilder *k = &f->s->k;
    int opened = 0;
    lg_kx *block[] = {NULL, NULL};
    block[1] = lg_loop_over(k, "l", f->choice.lane_blocks, &opened);
    block[0] = lg_loop_over(k, "b", f->choice.row_blocks, &opened);
    lg_kx *r = channels_of(k, lg_kx_add(k, f->row_block, block[0]), f->sides.rows,
                           f->sides.row_block, "r");
    opened++;
    if (lanes_adjoin(f)) {
        store_taps(f, block, r, lg_kx_int(k, 0), (int)f->sides.lane_block);
    } else {
        lg_kx *l = channels_of(k, lg_kx_add(k, f->lane_block, block[1]), f->sides.lanes,
                               f->sides.lane_block, "i");
        store_taps(f, block, r, l, 1);
        opened++;
    }
    lg_end_loops(k, opened);
}

// ---- prologues

// Does the job's rows go over channels of the image (0) or of the gradient (1)?
static bool has_rows(const filter_grad *f, int operand)
{
    return (f->choice.along == LG_ALONG_OUTPUTS) == (operand == 0);
}

// The copies of what a strip reads, of operands that are computed.
static void alloc_prologues(filter_grad *f)
{
    const lg_filter_grad_choice *c = &f->choice;
    const lg_filter_grad_shape *s = &f->shape;
    const int64_t pixels[] = {c->lines, c->columns};
    for (int i = 0; i < 2; i++) {
        const lg_value *value = f->op->operands[i];
        if (f->s->ctx.bindings[value->id].buffer)
            continue;
        int64_t size[] = {c->images, pixels[0], pixels[1],
                          has_rows(f, i) ? c->row_blocks * f->sides.row_block
                                         : c->lane_blocks * f->sides.lane_block};
        for (int a = 0; a < 2 && i == 0; a++)
            size[1 + a] = (pixels[a] - 1) * s->stride[a] + (s->kernel[a] - 1) * s->dilation[a] + 1;
        lg_prologue_alloc(f->s, value, size, &f->prologues[i]);
        *(i ? &f->g : &f->x) = &f->prologues[i].type;
        *(i ? &f->gradient : &f->image) = f->prologues[i].buffer;
    }
}

static void fill_prologues(filter_grad *f)
{
    lg_kbuilder *k = &f->s->k;
    for (int i = 0; i < 2; i++) {
        if (!f->prologues[i].value)
            continue;
        lg_kx *channel = has_rows(f, i) ? lg_kx_muli(k, f->row_block, f->sides.row_block)
                                        : lg_kx_muli(k, f->lane_block, f->sides.lane_block);
        lg_kx *origin[] = {f->n, f->h, f->w, channel};
        lg_kx *pixel[] = {f->h, f->w};
        for (int a = 0; a < 2 && i == 0; a++)
            origin[1 + a] = lg_kx_addi(k, lg_kx_muli(k, pixel[a], f->shape.stride[a]), -f->pad[a]);
        lg_prologue_fill(f->s, &f->prologues[i], origin);
    }
}

// ---- the kernel

static void strip_place(const filter_grad *f, lg_kx *strip, lg_kx *at[3])
{
    lg_kbuilder *k = &f->s->k;
    const lg_filter_grad_choice *c = &f->choice;
    int64_t segments = f->shape.width / c->columns;
    int64_t row_blocks = lg_ceil_div(f->shape.height, c->lines);
    at[2] = lg_kx_muli(k, lg_kx_modi(k, strip, segments), c->columns);
    strip = lg_kx_divi(k, strip, segments);
    at[1] = lg_kx_muli(k, lg_kx_modi(k, strip, row_blocks), c->lines);
    at[0] = lg_kx_muli(k, lg_kx_divi(k, strip, row_blocks), c->images);
}

static void begin_strip(filter_grad *f, lg_kx *strip)
{
    lg_kbuilder *k = &f->s->k;
    lg_kx *at[3];
    f->strip = strip;
    strip_place(f, strip, at);
    f->n = at[0];
    f->h = at[1];
    f->w = at[2];
    fill_prologues(f);
    if (!wants_next(f, passes_of(f)))
        return;
    int64_t count = lg_filter_grad_strips(&f->shape, &f->choice);
    strip_place(f, lg_kx_mini(k, lg_kx_addi(k, strip, 1), count - 1), f->next);
    for (int i = 0; i < 3; i++)
        f->next[i] = lg_k_let(k, "next", f->next[i]);
}

static void strips(filter_grad *f)
{
    lg_kbuilder *k = &f->s->k;
    int64_t count = lg_filter_grad_strips(&f->shape, &f->choice);
    int64_t each = lg_filter_grad_part_strips(&f->shape, &f->choice);
    f->first = lg_kx_muli(k, f->part, each);
    if (each == 1) {
        begin_strip(f, f->first);
        strip(f);
        return;
    }
    lg_kx *high = lg_kx_mini(k, lg_kx_addi(k, f->first, each), count);
    begin_strip(f, lg_k_loop(k, LG_LOOP_SERIAL, "strip", f->first, high, 1));
    strip(f);
    lg_k_end(k);
}

static filter_grad describe(const lg_op *op)
{
    filter_grad f = {.op = op,
                     .shape = lg_filter_grad_shape_of(op),
                     .x = &op->operands[0]->type,
                     .g = &op->operands[1]->type};
    for (int i = 0; i < 2; i++)
        f.pad[i] = lg_op_int_at(op, LG_ATTR_pad, i);
    return f;
}

// Blocks of channels of a group may not reach into the next group's block.
static bool groups_fit(int64_t channels, int64_t groups, const lg_target *target)
{
    return groups == 1 || channels % target->lanes == 0 ||
           (channels < target->lanes && target->lanes % channels == 0);
}

bool lg_filter_grad_suits(const lg_op *op, const lg_target *target)
{
    if (op->code != LG_OP_conv2d_filter_grad || target->kind != LG_TARGET_CPU)
        return false;
    for (int i = 0; i < 2; i++)
        if (op->operands[i]->type.dtype != LG_F32)
            return false;
    lg_filter_grad_shape s = lg_filter_grad_shape_of(op);
    lg_filter_grad_choice choice;
    return op->results[0]->type.dtype == LG_F32 && groups_fit(s.channels, s.groups, target) &&
           groups_fit(s.outputs, s.groups, target) && lg_filter_grad_choose(&s, target, &choice);
}

// Are vectors of channels of `type` neighbours?
static bool lies_in_vectors(const lg_type *type, const lg_target *target)
{
    lg_layout_dim last = lg_physical_dim(type, lg_type_physical_rank(type) - 1);
    if (last.axis != 3 || last.part == LG_PART_OUTER)
        return false;
    if (last.part == LG_PART_INNER)
        return last.block == target->lanes;
    return type->dims[3] < target->lanes || type->dims[3] % target->lanes == 0;
}

bool lg_schedule_filter_grad_applies(const lg_function *function, const lg_target *target)
{
    const lg_op *op = lg_tile_single(function, LG_OP_conv2d_filter_grad);
    if (!op || function->results.count != 1 || function->results.items[0] != op->results[0] ||
        op->results[0]->type.layout)
        return false;
    for (int i = 0; i < 2; i++) {
        const lg_value *value = op->operands[i];
        if (value->kind == LG_VALUE_ARGUMENT
                ? !lies_in_vectors(&value->type, target)
                : !lg_prologue_suits(value, target) || lg_op_int(op, LG_ATTR_groups) > 1)
            return false;
    }
    const lg_value *image = op->operands[0];
    return (image->kind != LG_VALUE_ARGUMENT || lg_conv_has_border(&image->type, op)) &&
           lg_filter_grad_suits(op, target);
}

void lg_schedule_filter_grad(lg_schedule *s)
{
    lg_kbuilder *k = &s->k;
    const lg_op *op = lg_tile_single(s->function, LG_OP_conv2d_filter_grad);
    filter_grad f = describe(op);
    f.s = s;
    bool found = lg_filter_grad_choose(&f.shape, s->target, &f.choice);
    const lg_filter_grad_choice *c = &f.choice;
    assert(found && c->row_blocks > 0 && c->lane_blocks > 0 && "lg_filter_grad_suits looked");
    (void)found;
    lg_schedule_chose(s, lg_filter_grad_key(s->kernel->arena, &f.shape),
                      lg_filter_grad_choice_print(s->kernel->arena, c), c->measured);
    f.sides = lg_filter_grad_sides_of(&f.shape, s->target, c->along);
    f.image = s->ctx.bindings[op->operands[0]->id].buffer;
    f.gradient = s->ctx.bindings[op->operands[1]->id].buffer;
    f.result = lg_schedule_result(s, 0);
    f.result->rank = 2;
    f.result->dims[0] = c->parts;
    f.result->dims[1] = lg_type_elements(&op->results[0]->type);
    int64_t rows = f.sides.row_blocks / c->row_blocks, lanes = f.sides.lane_blocks / c->lane_blocks;
    lg_kx *job =
        lg_k_for(k, lg_schedule_job_role(s), "job", c->parts * f.shape.groups * rows * lanes);
    f.row_block = lg_kx_muli(k, lg_kx_modi(k, job, rows), c->row_blocks);
    job = lg_kx_divi(k, job, rows);
    f.lane_block = lg_kx_muli(k, lg_kx_modi(k, job, lanes), c->lane_blocks);
    job = lg_kx_divi(k, job, lanes);
    f.group = lg_kx_modi(k, job, f.shape.groups);
    f.part = lg_kx_divi(k, job, f.shape.groups);
    f.sums = lg_k_alloc(
        k, "sums", LG_SCOPE_TILE, LG_F32, 1, 5,
        (int64_t[]){c->row_blocks, f.shape.kernel[0], f.shape.kernel[1] / f.sides.merged,
                    f.sides.row_block * f.sides.merged, c->lane_blocks * f.sides.lane_block});
    alloc_prologues(&f);
    strips(&f);
    store_result(&f);
    lg_k_end(k);
}
