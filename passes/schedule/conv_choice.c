// The candidates of a direct convolution: what may be chosen, as text and as a list.
#include "passes/schedule/conv_choice.h"

#include "ir/integer.h"
#include "passes/schedule/epilogue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// ---- the shape

// Results on ranges of output channels start and end at whole panels, groups too.
static int64_t granule_of(const lg_function *function, const lg_op *op, int64_t outputs,
                          int64_t groups)
{
    int64_t granule = groups > 1 ? outputs : 0, columns = op->results[0]->type.dims[3];
    lg_epilogue e;
    if (!lg_epilogue_find(function, op, 1, &e))
        return granule;
    for (int r = 0; r < e.count; r++) {
        int64_t size = e.images[r]->type.dims[3];
        granule = lg_greatest_divisor(granule, e.starts[r]);
        if (e.starts[r] + size != columns)
            granule = lg_greatest_divisor(granule, size);
    }
    return granule;
}

static int64_t count_reads(const lg_function *function, const lg_op *op)
{
    const lg_type *y = &op->results[0]->type;
    int64_t reads = 0;
    for (int i = 0; i < function->arguments.count; i++) {
        const lg_value *v = function->arguments.items[i];
        reads += v != op->operands[0] && v->type.rank == 4 &&
                 memcmp(v->type.dims, y->dims, 4 * sizeof *y->dims) == 0;
    }
    return reads;
}

int lg_conv_outputs(const lg_op *op)
{
    return op->code == LG_OP_conv2d_input_grad;
}

lg_conv_shape lg_conv_shape_of(const lg_function *function, const lg_op *op,
                               const lg_target *target)
{
    const lg_type *f = &op->operands[1]->type, *y = &op->results[0]->type;
    int outputs = lg_conv_outputs(op);
    lg_conv_shape s = {.images = y->dims[0],
                       .height = y->dims[1],
                       .width = y->dims[2],
                       .channels = f->dims[1 - outputs],
                       .groups = lg_op_int(op, LG_ATTR_groups),
                       .results = function->results.count,
                       .gradient = outputs == 1};
    s.outputs = f->dims[outputs] / s.groups;
    for (int i = 0; i < 2; i++) {
        s.kernel[i] = f->dims[2 + i];
        s.stride[i] = lg_op_int_at(op, LG_ATTR_stride, i);
        s.dilation[i] = lg_op_int_at(op, LG_ATTR_dilation, i);
    }
    s.block = s.channels >= target->lanes ? target->lanes : s.channels;
    s.blocks = lg_ceil_div(s.channels, s.block);
    s.reads = count_reads(function, op);
    s.granule = granule_of(function, op, s.outputs, s.groups);
    return s;
}

int64_t lg_conv_apart(const lg_conv_shape *s, int axis)
{
    return s->gradient ? s->stride[axis] : 1;
}

int64_t lg_conv_taps(const lg_conv_shape *s)
{
    int64_t taps = 1;
    for (int i = 0; i < 2; i++)
        taps *= lg_ceil_div(s->kernel[i], lg_conv_apart(s, i));
    return taps;
}

// ---- texts

static const char *const fields[] = {"rows",  "vectors", "chunk", "columns",
                                     "lines", "splits",  "unroll"};
enum { FIELDS = sizeof fields / sizeof *fields };
static const lg_choice_form form = {"direct", FIELDS, fields};

char *lg_conv_key(lg_arena *arena, const lg_conv_shape *s)
{
    int64_t outputs = s->outputs * s->groups;
    return lg_format(arena,
                     "%s{result=%lldx%lldx%lldx%lld,filter=%lldx%lldx%lldx%lld,stride=%lldx%lld"
                     ",dilation=%lldx%lld,groups=%lld,results=%lld,reads=%lld}",
                     s->gradient ? "conv2d_input_grad" : "conv2d", (long long)s->images,
                     (long long)s->height, (long long)s->width, (long long)outputs,
                     (long long)outputs, (long long)s->channels, (long long)s->kernel[0],
                     (long long)s->kernel[1], (long long)s->stride[0], (long long)s->stride[1],
                     (long long)s->dilation[0], (long long)s->dilation[1], (long long)s->groups,
                     (long long)s->results, (long long)s->reads);
}

char *lg_conv_choice_print(lg_arena *arena, const lg_conv_choice *c)
{
    const int64_t values[FIELDS] = {c->rows,  c->vectors, c->chunk, c->columns,
                                    c->lines, c->splits,  c->unroll};
    return lg_choice_print(arena, &form, values);
}

static int64_t panel_of(const lg_conv_choice *c, const lg_target *target)
{
    return c->vectors * target->lanes;
}

static bool splits_fit(const lg_conv_shape *s, const lg_target *target, const lg_conv_choice *c)
{
    int64_t panel = panel_of(c, target);
    return c->splits == 1 ||
           (s->results == 1 && s->outputs % panel == 0 && s->outputs / panel % c->splits == 0);
}

// Sizes first, so that nothing overflows behind them.
static bool fits(const lg_conv_shape *s, const lg_target *target, const lg_conv_choice *c)
{
    if (c->vectors > target->registers || c->rows > target->registers || c->chunk > s->blocks ||
        c->columns > s->width || c->lines > s->height || c->unroll > s->block)
        return false;
    int64_t partial = 4 * c->columns * c->lines * panel_of(c, target);
    return c->rows * c->vectors + c->vectors + 1 <= target->registers &&
           s->granule % panel_of(c, target) == 0 && s->width % c->columns == 0 &&
           (c->columns % lg_conv_apart(s, 1) == 0 || c->columns == s->width) &&
           (c->chunk == s->blocks || partial <= target->tile_memory) && splits_fit(s, target, c) &&
           s->block % c->unroll == 0;
}

bool lg_conv_choice_parse(const char *text, const lg_conv_shape *shape, const lg_target *target,
                          lg_conv_choice *choice)
{
    int64_t v[FIELDS];
    if (!lg_choice_parse(text, &form, v))
        return false;
    *choice = (lg_conv_choice){v[0], v[1], v[2], v[3], v[4], v[5], v[6], true};
    return fits(shape, target, choice);
}

// ---- candidates

enum { MOST_VECTORS = 4, MOST_PIXELS = 512, STRAIGHT_FMAS = 128 };

typedef struct list {
    const lg_conv_shape *shape;
    const lg_target *target;
    lg_conv_choice *items;
    double cycles[LG_MAX_CONV_CANDIDATES];
    int count;
} list;

// Candidates of one kind hardly differ in time: of each only the cheapest is worth measuring.
static bool same_kind(const lg_conv_choice *a, const lg_conv_choice *b)
{
    return a->vectors == b->vectors && a->chunk == b->chunk &&
           a->columns * a->lines == b->columns * b->lines;
}

static void take_out(list *l, int at)
{
    l->count--;
    for (int i = at; i < l->count; i++) {
        l->items[i] = l->items[i + 1];
        l->cycles[i] = l->cycles[i + 1];
    }
}

// Keeps the cheapest in order, one of a kind; of equals the one that came first.
static void offer(list *l, lg_conv_choice choice)
{
    if (!fits(l->shape, l->target, &choice))
        return;
    double cycles = lg_conv_cycles(l->shape, l->target, &choice);
    for (int i = 0; i < l->count; i++) {
        if (!same_kind(&l->items[i], &choice))
            continue;
        if (l->cycles[i] <= cycles)
            return;
        take_out(l, i);
        break;
    }
    int at = l->count;
    while (at > 0 && l->cycles[at - 1] > cycles)
        at--;
    if (at == LG_MAX_CONV_CANDIDATES)
        return;
    if (l->count < LG_MAX_CONV_CANDIDATES)
        l->count++;
    for (int i = l->count - 1; i > at; i--) {
        l->items[i] = l->items[i - 1];
        l->cycles[i] = l->cycles[i - 1];
    }
    l->items[at] = choice;
    l->cycles[at] = cycles;
}

// The channels in straight-line code: as many as divide a block and keep the code short.
static void offer_unrolls(list *l, lg_conv_choice c)
{
    int64_t most = STRAIGHT_FMAS / (c.rows * c.vectors);
    for (int64_t n = most < l->shape->block ? most : l->shape->block; n > 1; n--)
        if (l->shape->block % n == 0) {
            c.unroll = n;
            offer(l, c);
            return;
        }
    c.unroll = 1;
    offer(l, c);
}

// Few jobs get more by dividing the panels of output channels too.
static void offer_splits(list *l, lg_conv_choice c)
{
    const lg_conv_shape *s = l->shape;
    int64_t panels = s->outputs / panel_of(&c, l->target), last = 0;
    int64_t jobs = s->images * (s->width / c.columns) * lg_ceil_div(s->height, c.lines);
    for (c.splits = 1; c.splits <= panels || c.splits == 1; c.splits++) {
        if (!splits_fit(s, l->target, &c) || c.splits == last)
            continue;
        offer_unrolls(l, c);
        last = c.splits;
        if (jobs * c.splits >= LG_CONV_ENOUGH_JOBS)
            return;
    }
}

// Chunks whose panel takes a part of the first cache, and all blocks at once; equal ones.
static void offer_chunks(list *l, lg_conv_choice c)
{
    const lg_conv_shape *s = l->shape;
    int64_t block_bytes = 4 * lg_conv_taps(s) * s->block * panel_of(&c, l->target);
    int64_t last = 0;
    for (int quarters = 1; quarters <= 4; quarters++) {
        int64_t most = l->target->l1 * quarters / 4 / block_bytes;
        most = quarters == 4 || most > s->blocks ? s->blocks : most < 1 ? 1 : most;
        int64_t chunks = lg_ceil_div(s->blocks, most);
        assert(chunks > 0 && "an image has channels");
        c.chunk = lg_ceil_div(s->blocks, chunks);
        if (c.chunk != last)
            offer_splits(l, c);
        last = c.chunk;
    }
}

// Powers of two, and all of a small image: then no two jobs read the same panel.
static void offer_lines(list *l, lg_conv_choice c)
{
    int64_t height = l->shape->height;
    for (int64_t lines = 1, last = 0; last < height; lines *= 2) {
        c.lines = last = lines < height ? lines : height;
        if (c.columns * c.lines > MOST_PIXELS && c.lines > 1)
            return;
        offer_chunks(l, c);
    }
}

// Segments that divide a row; long ones only where it has no better divisor.
static void offer_columns(list *l, lg_conv_choice c)
{
    int64_t width = l->shape->width;
    for (int64_t n = 1; n <= 16 && n <= width; n++) {
        c.columns = width / n;
        if (width % n == 0 && (c.columns / lg_conv_apart(l->shape, 1) >= c.rows || n == 1))
            offer_lines(l, c);
    }
}

static void offer_tiles(list *l, int64_t vectors)
{
    lg_conv_choice c = {.vectors = vectors};
    int64_t most = (l->target->registers - vectors - 1) / vectors;
    most = most < LG_CONV_MOST_ROWS ? most : LG_CONV_MOST_ROWS;
    for (c.rows = most; c.rows * 3 >= most * 2 && c.rows > 0; c.rows--)
        offer_columns(l, c);
}

int lg_conv_candidates(const lg_conv_shape *shape, const lg_target *target, int64_t vectors,
                       lg_conv_choice *candidates)
{
    list l = {.shape = shape, .target = target, .items = candidates};
    int64_t most = lg_ceil_div(shape->outputs, target->lanes);
    for (int64_t v = 1; v <= MOST_VECTORS; v++)
        if ((!vectors && v <= most) || v == vectors)
            offer_tiles(&l, v);
    return l.count;
}

static bool measured_choice(const lg_conv_shape *shape, const lg_target *target, int64_t vectors,
                            lg_conv_choice *choice)
{
    if (!target->choices)
        return false;
    lg_arena *scratch = lg_arena_new();
    const char *text = lg_choices_find(target->choices, lg_conv_key(scratch, shape));
    bool found = text && lg_conv_choice_parse(text, shape, target, choice) &&
                 (!vectors || choice->vectors == vectors);
    lg_arena_free(scratch);
    return found;
}

bool lg_conv_choose(const lg_conv_shape *shape, const lg_target *target, int64_t vectors,
                    lg_conv_choice *choice)
{
    if (measured_choice(shape, target, vectors, choice))
        return true;
    // The rank counts all candidates, so that a filter's layout and its kernel agree.
    lg_conv_choice candidates[LG_MAX_CONV_CANDIDATES];
    int count = lg_conv_candidates(shape, target, 0, candidates);
    int rank = lg_choices_rank(target->choices);
    if (!count)
        return false;
    *choice = candidates[rank < count ? rank : 0];
    if (!vectors || choice->vectors == vectors)
        return true;
    count = lg_conv_candidates(shape, target, vectors, candidates);
    *choice = candidates[0];
    return count > 0;
}

int64_t lg_conv_vectors(const lg_function *function, const lg_op *op, const lg_target *target)
{
    lg_conv_choice choice;
    lg_conv_shape shape = lg_conv_shape_of(function, op, target);
    return lg_conv_choose(&shape, target, 0, &choice) ? choice.vectors : 0;
}

bool lg_conv_takes(const lg_function *function, const lg_op *op, const lg_target *target,
                   int64_t vectors)
{
    lg_conv_shape shape = lg_conv_shape_of(function, op, target);
    return vectors > 0 && vectors <= MOST_VECTORS && shape.granule % (vectors * target->lanes) == 0;
}
