// The candidates for the gradient of a filter: what may be chosen, as text and as a list.
#include "passes/schedule/filter_grad_choice.h"

#include "ir/integer.h"
#include "passes/schedule/schedule.h"

// ---- the shape

lg_filter_grad_shape lg_filter_grad_shape_of(const lg_op *op)
{
    const lg_type *g = &op->operands[1]->type, *f = &op->results[0]->type;
    lg_filter_grad_shape s = {.images = g->dims[0],
                              .height = g->dims[1],
                              .width = g->dims[2],
                              .channels = f->dims[1],
                              .groups = lg_op_int(op, LG_ATTR_groups)};
    s.outputs = f->dims[0] / s.groups;
    for (int i = 0; i < 2; i++) {
        s.kernel[i] = f->dims[2 + i];
        s.stride[i] = lg_op_int_at(op, LG_ATTR_stride, i);
        s.dilation[i] = lg_op_int_at(op, LG_ATTR_dilation, i);
    }
    return s;
}

enum { MOST_MERGED_ROWS = 64 };

lg_filter_grad_sides lg_filter_grad_sides_of(const lg_filter_grad_shape *s, const lg_target *target,
                                             int64_t along)
{
    bool outputs = along == LG_ALONG_OUTPUTS;
    lg_filter_grad_sides sides = {.rows = outputs ? s->channels : s->outputs,
                                  .lanes = outputs ? s->outputs : s->channels,
                                  .merged = 1};
    sides.row_block = sides.rows < target->lanes ? sides.rows : target->lanes;
    sides.lane_block = sides.lanes < target->lanes ? sides.lanes : target->lanes;
    sides.row_blocks = lg_ceil_div(sides.rows, sides.row_block);
    sides.lane_blocks = lg_ceil_div(sides.lanes, sides.lane_block);
    if (outputs && s->channels < target->lanes && s->channels * s->kernel[1] <= MOST_MERGED_ROWS)
        sides.merged = s->kernel[1];
    return sides;
}

int64_t lg_filter_grad_strips(const lg_filter_grad_shape *s, const lg_filter_grad_choice *c)
{
    return (s->images / c->images) * lg_ceil_div(s->height, c->lines) * (s->width / c->columns);
}

int64_t lg_filter_grad_part_strips(const lg_filter_grad_shape *s, const lg_filter_grad_choice *c)
{
    return (lg_filter_grad_strips(s, c) + c->parts - 1) / c->parts;
}

int64_t lg_filter_grad_sums(const lg_filter_grad_shape *s, const lg_target *target,
                            const lg_filter_grad_choice *c)
{
    lg_filter_grad_sides sides = lg_filter_grad_sides_of(s, target, c->along);
    return 4 * c->row_blocks * sides.row_block * c->lane_blocks * sides.lane_block * s->kernel[0] *
           s->kernel[1];
}

// ---- texts

static const char *const fields[] = {"rows",    "vectors", "along",  "row_blocks", "lane_blocks",
                                     "columns", "lines",   "images", "parts",      "unroll"};
enum { FIELDS = sizeof fields / sizeof *fields };
static const lg_choice_form form = {"filter_grad", FIELDS, fields};

char *lg_filter_grad_key(lg_arena *arena, const lg_filter_grad_shape *s)
{
    int64_t outputs = s->outputs * s->groups;
    return lg_format(
        arena,
        "conv2d_filter_grad{gradient=%lldx%lldx%lldx%lld,filter=%lldx%lldx%lldx%lld,stride=%lldx%"
        "lld,dilation=%lldx%lld,groups=%lld}",
        (long long)s->images, (long long)s->height, (long long)s->width, (long long)outputs,
        (long long)outputs, (long long)s->channels, (long long)s->kernel[0],
        (long long)s->kernel[1], (long long)s->stride[0], (long long)s->stride[1],
        (long long)s->dilation[0], (long long)s->dilation[1], (long long)s->groups);
}

char *lg_filter_grad_choice_print(lg_arena *arena, const lg_filter_grad_choice *c)
{
    const int64_t values[FIELDS] = {c->rows,        c->vectors, c->along, c->row_blocks,
                                    c->lane_blocks, c->columns, c->lines, c->images,
                                    c->parts,       c->unroll};
    return lg_choice_print(arena, &form, values);
}

enum { MOST_ROWS = 14, MOST_PARTS_BYTES = 32 << 20 };

static bool tile_fits(const lg_target *target, const lg_filter_grad_sides *sides,
                      const lg_filter_grad_choice *c)
{
    return c->vectors <= target->registers && c->rows <= MOST_ROWS &&
           c->rows * c->vectors + c->vectors + 1 <= target->registers &&
           c->rows <= sides->row_block * sides->merged && c->vectors <= c->lane_blocks;
}

static bool parts_fit(const lg_filter_grad_shape *s, const lg_filter_grad_choice *c)
{
    int64_t strips = lg_filter_grad_strips(s, c), each = lg_filter_grad_part_strips(s, c);
    int64_t bytes = 4 * s->outputs * s->groups * s->channels * s->kernel[0] * s->kernel[1];
    return c->parts == 1 ||
           (lg_ceil_div(strips, each) == c->parts && c->parts <= MOST_PARTS_BYTES / bytes);
}

// Sizes first, so that nothing overflows behind them.
static bool fits(const lg_filter_grad_shape *s, const lg_target *target,
                 const lg_filter_grad_choice *c)
{
    if (c->along > LG_ALONG_CHANNELS || c->columns > s->width || c->lines > s->height ||
        c->images > s->images || c->unroll > c->columns)
        return false;
    lg_filter_grad_sides sides = lg_filter_grad_sides_of(s, target, c->along);
    if (c->row_blocks > sides.row_blocks || c->lane_blocks > sides.lane_blocks ||
        c->parts > lg_filter_grad_strips(s, c))
        return false;
    return tile_fits(target, &sides, c) && sides.row_blocks % c->row_blocks == 0 &&
           sides.lane_blocks % c->lane_blocks == 0 && s->width % c->columns == 0 &&
           s->images % c->images == 0 && (c->images == 1 || c->lines == s->height) &&
           c->columns % c->unroll == 0 && parts_fit(s, c) &&
           lg_filter_grad_sums(s, target, c) <= target->tile_memory;
}

bool lg_filter_grad_choice_parse(const char *text, const lg_filter_grad_shape *shape,
                                 const lg_target *target, lg_filter_grad_choice *choice)
{
    int64_t v[FIELDS];
    if (!lg_choice_parse(text, &form, v))
        return false;
    *choice =
        (lg_filter_grad_choice){v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], true};
    return fits(shape, target, choice);
}

// ---- candidates

// Of one kind, which hardly differ in time, only the cheapest is kept.
enum { MOST_VECTORS = 6, STRAIGHT_FMAS = 128, FEWEST_PIXELS = 32 };
enum { MOST_PIXELS = 1024, MOST_JOBS = 128 };

typedef struct list {
    const lg_filter_grad_shape *shape;
    const lg_target *target;
    lg_filter_grad_sides sides;
    lg_filter_grad_choice *items;
    double cycles[LG_MAX_FILTER_GRAD_CANDIDATES];
    int count;
} list;

static bool same_kind(const lg_filter_grad_choice *a, const lg_filter_grad_choice *b)
{
    return a->vectors == b->vectors && a->along == b->along &&
           a->columns * a->lines * a->images == b->columns * b->lines * b->images;
}

// Keeps the cheapest in order, one of a kind; of equals the one that came first.
static void offer(list *l, const lg_filter_grad_choice *choice)
{
    if (!fits(l->shape, l->target, choice))
        return;
    double cycles = lg_filter_grad_cycles(l->shape, l->target, choice);
    int same = 0;
    while (same < l->count && !same_kind(&l->items[same], choice))
        same++;
    if (same < l->count && l->cycles[same] <= cycles)
        return;
    if (same == LG_MAX_FILTER_GRAD_CANDIDATES && l->cycles[same - 1] <= cycles)
        return;
    int at = same < LG_MAX_FILTER_GRAD_CANDIDATES ? same : LG_MAX_FILTER_GRAD_CANDIDATES - 1;
    l->count = l->count > at ? l->count : at + 1;
    for (; at > 0 && l->cycles[at - 1] > cycles; at--) {
        l->items[at] = l->items[at - 1];
        l->cycles[at] = l->cycles[at - 1];
    }
    l->items[at] = *choice;
    l->cycles[at] = cycles;
}

// Pixels in straight-line code: as many as divide a row and keep the code short.
static int64_t unroll_of(const lg_filter_grad_choice *c)
{
    int64_t n = STRAIGHT_FMAS / (c->rows * c->vectors);
    for (n = n < c->columns ? n : c->columns; n > 1; n--)
        if (c->columns % n == 0)
            return n;
    return 1;
}

static void offer_parts(list *l, lg_filter_grad_choice c)
{
    int64_t jobs = l->shape->groups * (l->sides.row_blocks / c.row_blocks) *
                   (l->sides.lane_blocks / c.lane_blocks);
    for (c.parts = 1; c.parts == 1 || jobs * c.parts <= MOST_JOBS; c.parts *= 2)
        offer(l, &c);
}

static void offer_jobs(list *l, lg_filter_grad_choice c)
{
    for (c.lane_blocks = 1; c.lane_blocks <= l->sides.lane_blocks; c.lane_blocks++) {
        if (l->sides.lane_blocks % c.lane_blocks || c.lane_blocks < c.vectors)
            continue;
        c.row_blocks = 1;
        if (lg_filter_grad_sums(l->shape, l->target, &c) > l->target->tile_memory)
            return;
        for (; c.row_blocks <= l->sides.row_blocks; c.row_blocks++) {
            if (lg_filter_grad_sums(l->shape, l->target, &c) > l->target->tile_memory)
                break;
            if (l->sides.row_blocks % c.row_blocks == 0)
                offer_parts(l, c);
        }
    }
}

static void offer_images(list *l, lg_filter_grad_choice c)
{
    for (c.images = 1; c.images <= l->shape->images; c.images++) {
        int64_t pixels = c.images * c.lines * c.columns;
        if (c.images > 1 && (c.lines < l->shape->height || pixels > MOST_PIXELS))
            return;
        bool few =
            pixels < FEWEST_PIXELS && (c.images < l->shape->images || c.lines < l->shape->height);
        if (l->shape->images % c.images == 0 && !few)
            offer_jobs(l, c);
    }
}

static void offer_lines(list *l, lg_filter_grad_choice c)
{
    int64_t height = l->shape->height;
    for (c.lines = 1;; c.lines = c.lines * 2 < height ? c.lines * 2 : height) {
        if (c.lines > 1 && c.columns * c.lines > MOST_PIXELS)
            return;
        offer_images(l, c);
        if (c.lines == height)
            return;
    }
}

// Segments that divide a row; long ones only where it has no better divisor.
static void offer_columns(list *l, lg_filter_grad_choice c)
{
    int64_t width = l->shape->width;
    for (int64_t n = 1; n <= 16 && n <= width; n++) {
        c.columns = width / n;
        if (width % n || (n > 1 && c.columns < FEWEST_PIXELS))
            continue;
        c.unroll = unroll_of(&c);
        offer_lines(l, c);
    }
}

// Of tiles that cut a block into as many pieces, the one of the fewest rows.
static void offer_tiles(list *l, lg_filter_grad_choice c)
{
    int64_t rows = l->sides.row_block * l->sides.merged;
    int64_t most = (l->target->registers - c.vectors - 1) / c.vectors;
    most = most < MOST_ROWS ? most : MOST_ROWS;
    if (most < 1)
        return;
    int64_t tiles = lg_ceil_div(rows, most);
    for (int64_t n = tiles; n <= tiles + 1 && n <= rows; n++) {
        c.rows = lg_ceil_div(rows, n);
        offer_columns(l, c);
    }
}

int lg_filter_grad_candidates(const lg_filter_grad_shape *shape, const lg_target *target,
                              lg_filter_grad_choice *candidates)
{
    list l = {.shape = shape, .target = target, .items = candidates};
    for (int64_t along = LG_ALONG_OUTPUTS; along <= LG_ALONG_CHANNELS; along++) {
        l.sides = lg_filter_grad_sides_of(shape, target, along);
        for (int64_t v = 1; v <= MOST_VECTORS && v <= l.sides.lane_blocks; v++)
            offer_tiles(&l, (lg_filter_grad_choice){.vectors = v, .along = along});
    }
    return l.count;
}

bool lg_filter_grad_choose(const lg_filter_grad_shape *shape, const lg_target *target,
                           lg_filter_grad_choice *choice)
{
    if (target->choices) {
        lg_arena *scratch = lg_arena_new();
        const char *text = lg_choices_find(target->choices, lg_filter_grad_key(scratch, shape));
        bool found = text && lg_filter_grad_choice_parse(text, shape, target, choice);
        lg_arena_free(scratch);
        if (found)
            return true;
    }
    lg_filter_grad_choice candidates[LG_MAX_FILTER_GRAD_CANDIDATES];
    int count = lg_filter_grad_candidates(shape, target, candidates);
    int rank = lg_choices_rank(target->choices);
    if (count)
        *choice = candidates[rank < count ? rank : 0];
    return count > 0;
}
