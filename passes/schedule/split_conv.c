// Convolution on the matrix unit of a CPU, which multiplies bf16: every f32 is taken as the sum of
// two or three bf16 parts, and products of parts add up to those of the numbers. Of two parts the
// product of both small ones is left out, 2^-17 of the whole; of three those below 2^-24.
//
//   job: some rows of an image, perhaps a part of the panels (split_jobs.c)
//     parts: the part of the image under the job, [part][plane][channels / 32][position][32]
//     panel of 32 output channels
//       32 pixels: four accumulators of 16 pixels x 16 channels
//         channel block, kernel row, kernel column: all products of parts
//         epilogue (bias, residual, ReLU ...) and store
//
// Pixels are numbered so that those of a tile of 16, moved by a tap, adjoin: a plane has the pixels
// of one phase of the stride, and a pixel of the output the same number in all of them. Rows of
// whole tiles begin tiles of their own; otherwise tiles run on over the ends of rows and of the
// job, and what they compute there is not stored.
//
// The image must have a border of zeros at least as wide as the padding, the filter must be packed
// in operands of the unit (lg_split_layout).
#include "passes/schedule/split_conv.h"

#include "ir/integer.h"
#include "passes/schedule/conv.h"
#include "passes/schedule/split_jobs.h"

#include <assert.h>

enum { SIDE = LG_MATRIX_SIDE, DEPTH = LG_MATRIX_DEPTH };
enum { TILES = 2, VECTORS = 2 }; // of accumulators

typedef struct split_conv {
    lg_schedule *s;
    const lg_op *op;
    const lg_type *x, *f, *y;
    int64_t pad[2];
    lg_split_jobs jobs;
    lg_epilogue epilogue;
    lg_kbuffer *image, *filter, *parts, *sums;
    lg_kbuffer *acc, *left, *right; // all registers of the unit: of every tile in turn
    lg_kx *n, *h0, *split;          // of the job
    lg_kx *part;                    // number of the job within its image
} split_conv;

// ---- the image in parts

// Where the image's rows (axis 0) or columns end, the border included that every tap stays in;
// what only tiles that reach over the end see may come from anywhere.
static lg_kx *image_index(const split_conv *c, int axis, lg_kx *place, lg_kx *phase)
{
    lg_kbuilder *k = &c->s->k;
    lg_kx *at = lg_kx_add(k, lg_kx_muli(k, place, c->jobs.stride[axis]), phase);
    at = lg_kx_addi(k, at, -c->pad[axis]);
    return lg_kx_mini(k, at, c->x->dims[1 + axis] + c->pad[axis] - 1);
}

// Stores 16 numbers in parts.
static void store_parts(const split_conv *c, lg_kx *plane, lg_kx *block, lg_kx *position,
                        lg_kx *channel, lg_kx *numbers)
{
    lg_kbuilder *k = &c->s->k;
    int parts = (int)c->jobs.parts;
    lg_kx *rounded[LG_MOST_PARTS] = {0};
    lg_bf16_parts(k, numbers, parts, rounded);
    for (int p = 0; p < parts; p++) {
        lg_kx *at[] = {lg_kx_int(k, p), plane, block, position, channel};
        lg_k_store(k, c->parts, at, SIDE, rounded[p]);
    }
}

static void split_row(const split_conv *c, lg_kx *plane, lg_kx *const *phase, lg_kx *row)
{
    lg_kbuilder *k = &c->s->k;
    int opened = 0;
    lg_kx *block = lg_loop_over(k, "cb", c->x->dims[3] / DEPTH, &opened);
    lg_kx *column = lg_loop_over(k, "w", c->jobs.row, &opened);
    lg_kx *position = lg_kx_add(k, lg_kx_muli(k, row, c->jobs.row), column);
    for (int half = 0; half < DEPTH; half += SIDE) {
        lg_kx *channel = lg_kx_addi(k, lg_kx_muli(k, block, DEPTH), half);
        lg_index at[] = {lg_index_of(c->n),
                         lg_index_of(image_index(c, 0, lg_kx_add(k, c->h0, row), phase[0])),
                         lg_index_of(image_index(c, 1, column, phase[1])),
                         {channel, 1}};
        store_parts(c, plane, block, position, lg_kx_int(k, half),
                    lg_load_element(k, c->image, c->x, 0, at, SIDE));
    }
    lg_end_loops(k, opened);
}

// Positions behind the last row are multiplied, too.
static void clear_rest(const split_conv *c, lg_kx *plane)
{
    lg_kbuilder *k = &c->s->k;
    int64_t used = c->jobs.plane_rows * c->jobs.row;
    int opened = 0;
    if (c->jobs.positions == used)
        return;
    lg_kx *part = lg_loop_over(k, "part", c->jobs.parts, &opened);
    lg_kx *block = lg_loop_over(k, "cb", c->x->dims[3] / DEPTH, &opened);
    lg_kx *rest = lg_loop_over(k, "rest", c->jobs.positions - used, &opened);
    lg_kx *at[] = {part, plane, block, lg_kx_addi(k, rest, used), lg_kx_int(k, 0)};
    lg_k_store(k, c->parts, at, DEPTH, lg_kx_float(k, 0));
    lg_end_loops(k, opened);
}

static void split_image(const split_conv *c)
{
    lg_kbuilder *k = &c->s->k;
    int opened = 0;
    lg_kx *phase[2];
    lg_k_comment(k, "the image in parts");
    phase[0] = lg_loop_over(k, "ph", c->jobs.phases[0], &opened);
    phase[1] = lg_loop_over(k, "pw", c->jobs.phases[1], &opened);
    lg_kx *plane = lg_kx_add(k, lg_kx_muli(k, phase[0], c->jobs.phases[1]), phase[1]);
    int rows = 0;
    lg_kx *row = lg_loop_over(k, "row", c->jobs.plane_rows, &rows);
    split_row(c, plane, phase, row);
    lg_end_loops(k, rows);
    clear_rest(c, plane);
    lg_end_loops(k, opened);
}

// ---- products

// A tile: up to TILES x VECTORS accumulators.
typedef struct tile {
    const split_conv *c;
    lg_columns run;
    lg_kx *group, *panel;
    lg_kx *line, *first; // first: of its positions in the line
    int count;           // of 16 pixels each
    lg_kx *position;     // first, in a plane
    lg_kx *block, *kh, *kw;
} tile;

// First output channel of vector `j`.
static lg_kx *output_channel(const tile *t, int j)
{
    const split_conv *c = t->c;
    lg_kbuilder *k = &c->s->k;
    lg_kx *o = lg_kx_muli(k, t->group, c->jobs.outputs / c->jobs.groups);
    o = lg_kx_add(k, o, lg_kx_muli(k, t->panel, VECTORS * SIDE));
    return lg_kx_addi(k, o, t->run.start + (int64_t)j * SIDE);
}

static void load_left(const tile *t, int part)
{
    const split_conv *c = t->c;
    const lg_split_jobs *jobs = &c->jobs;
    lg_kbuilder *k = &c->s->k;
    lg_kx *plane =
        lg_kx_add(k, lg_kx_muli(k, lg_kx_modi(k, t->kh, jobs->stride[0]), jobs->phases[1]),
                  lg_kx_modi(k, t->kw, jobs->stride[1]));
    lg_kx *tap = lg_kx_add(k, lg_kx_muli(k, lg_kx_divi(k, t->kh, jobs->stride[0]), jobs->row),
                           lg_kx_divi(k, t->kw, jobs->stride[1]));
    lg_kx *position = lg_kx_add(k, t->position, tap);
    lg_kx *block =
        lg_kx_add(k, lg_kx_muli(k, t->group, jobs->inputs / jobs->groups / DEPTH), t->block);
    for (int i = 0; i < t->count; i++) {
        lg_kx *at[] = {lg_kx_int(k, i)};
        lg_kx *from[] = {lg_kx_int(k, part), plane, block,
                         lg_kx_addi(k, position, (int64_t)i * SIDE), lg_kx_int(k, 0)};
        lg_k_matrix_load(k, c->left, at, c->parts, from);
    }
}

static void load_right(const tile *t, int part)
{
    const split_conv *c = t->c;
    lg_kbuilder *k = &c->s->k;
    lg_kx *zero = lg_kx_int(k, 0);
    for (int j = 0; j < t->run.vectors; j++) {
        lg_kx *at[] = {lg_kx_int(k, j)};
        lg_kx *from[] = {lg_kx_divi(k, output_channel(t, j), SIDE),
                         t->block,
                         t->kh,
                         t->kw,
                         lg_kx_int(k, part),
                         zero,
                         zero,
                         zero};
        lg_k_matrix_load(k, c->right, at, c->filter, from);
    }
}

static void multiply(const tile *t)
{
    const split_conv *c = t->c;
    lg_kbuilder *k = &c->s->k;
    for (int i = 0; i < t->count; i++)
        for (int j = 0; j < t->run.vectors; j++)
            lg_k_matrix_dot(k, c->acc, (lg_kx *[]){lg_kx_int(k, i), lg_kx_int(k, j)}, c->left,
                            (lg_kx *[]){lg_kx_int(k, i)}, c->right, (lg_kx *[]){lg_kx_int(k, j)});
}

// All products of part i of the image and j of the filter with i + j < parts. For each part of the
// filter those of the image fro and to: what is in registers comes first.
static void multiply_parts(const tile *t)
{
    int parts = (int)t->c->jobs.parts, loaded = -1;
    for (int j = 0; j < parts; j++) {
        load_right(t, j);
        for (int turn = 0; turn < parts - j; turn++) {
            int i = j % 2 ? turn : parts - 1 - j - turn;
            if (i != loaded)
                load_left(t, i);
            loaded = i;
            multiply(t);
        }
    }
}

static void sum_products(tile *t)
{
    const split_conv *c = t->c;
    lg_kbuilder *k = &c->s->k;
    for (int i = 0; i < t->count; i++)
        for (int j = 0; j < t->run.vectors; j++)
            lg_k_matrix_zero(k, c->acc, (lg_kx *[]){lg_kx_int(k, i), lg_kx_int(k, j)});
    int opened = 0;
    t->block = lg_loop_over(k, "cb", c->jobs.inputs / c->jobs.groups / DEPTH, &opened);
    t->kh = lg_loop_over(k, "kh", c->jobs.kernel[0], &opened);
    t->kw = lg_loop_over(k, "kw", c->jobs.kernel[1], &opened);
    multiply_parts(t);
    lg_end_loops(k, opened);
    for (int i = 0; i < t->count; i++)
        for (int j = 0; j < t->run.vectors; j++) {
            lg_kx *tile_of[] = {lg_kx_int(k, i), lg_kx_int(k, j), lg_kx_int(k, 0), lg_kx_int(k, 0)};
            lg_k_matrix_store(k, c->sums, tile_of, c->acc, tile_of);
        }
}

// ---- results

// Opens a test for a pixel that a tile has beyond the end of its line, row or image.
static int guard(const split_conv *c, lg_kx *value, int64_t limit)
{
    lg_kbuilder *k = &c->s->k;
    lg_kx *inside = lg_kx_apply(k, LG_S_LT, value, lg_kx_int(k, limit), NULL);
    if (inside->kind == LG_KX_INT)
        return 0;
    lg_k_if(k, inside);
    return 1;
}

// The 16 pixels of accumulator (i, j), of each the first `valid` channels.
static void store_pixels(const tile *t, int i, int j, int r, lg_kx *channel, int valid)
{
    const split_conv *c = t->c;
    const lg_split_jobs *jobs = &c->jobs;
    lg_kbuilder *k = &c->s->k;
    int guards = 0;
    lg_kx *m = lg_k_for(k, LG_LOOP_SERIAL, "m", SIDE);
    lg_kx *at_line = lg_kx_add(k, lg_kx_addi(k, t->first, (int64_t)i * SIDE), m);
    lg_kx *row = t->line, *column = at_line;
    if (jobs->lines == 1 && jobs->rows > 1) {
        row = lg_kx_divi(k, at_line, jobs->row);
        column = lg_kx_modi(k, at_line, jobs->row);
    }
    guards += guard(c, at_line, jobs->line);
    guards += guard(c, column, jobs->wide);
    lg_kx *h = lg_kx_add(k, c->h0, row);
    guards += guard(c, h, jobs->tall);
    lg_kbuffer *pixel = lg_k_alloc(k, "pixel", LG_SCOPE_REGISTER, LG_F32, SIDE, 1, (int64_t[]){1});
    lg_kx *zero = lg_kx_int(k, 0), *from[] = {lg_kx_int(k, i), lg_kx_int(k, j), m, zero};
    lg_k_store(k, pixel, &zero, 1, lg_kx_load(k, c->sums, from, SIDE));
    lg_index at[] = {lg_index_of(c->n), lg_index_of(h), lg_index_of(column), {channel, 1}};
    lg_epilogue_store(c->s, &c->epilogue, &(lg_tile_state){pixel, zero, 0}, r, at, valid, SIDE);
    lg_end_loops(k, guards);
    lg_k_end(k);
}

// All pixels of the job in a panel.
static void compute_panel(tile *t, int r, int64_t start)
{
    const split_conv *c = t->c;
    lg_kbuilder *k = &c->s->k;
    int opened = 0;
    t->line = lg_loop_over(k, "line", c->jobs.lines, &opened);
    lg_cut cut = lg_tile_cut(c->jobs.tiles, TILES);
    for (int part = 0; part < 2 && cut.count[part]; part++) {
        int inner = 0;
        t->count = cut.size[part];
        t->first = lg_kx_muli(k, lg_loop_over_cut(k, "t", &cut, part, &inner), SIDE);
        t->position = lg_kx_add(k, lg_kx_muli(k, t->line, c->jobs.row), t->first);
        sum_products(t);
        for (int j = 0; j < t->run.vectors; j++) {
            int valid = j == t->run.vectors - 1 ? t->run.valid : SIDE;
            lg_kx *channel = lg_kx_addi(k, output_channel(t, j), -start);
            for (int i = 0; i < t->count; i++)
                store_pixels(t, i, j, r, channel, valid);
        }
        lg_end_loops(k, inner);
    }
    lg_end_loops(k, opened);
}

// All panels of one run of columns that belong to result `r`.
static void compute_run(const split_conv *c, lg_columns run, int r, int64_t start)
{
    lg_kbuilder *k = &c->s->k;
    tile t = {.c = c, .run = run};
    int64_t splits = c->jobs.splits, each = lg_ceil_div(run.panels, splits);
    int opened = 0;
    t.group = lg_loop_over(k, "g", c->jobs.groups, &opened);
    t.panel = lg_loop_over(k, "p", each, &opened);
    t.panel = lg_kx_add(k, lg_kx_muli(k, c->split, each), t.panel);
    assert(run.panels % splits == 0);
    lg_kx *channel = lg_kx_addi(k, output_channel(&t, 0), -start);
    int64_t channels = (int64_t)(run.vectors - 1) * SIDE + run.valid;
    lg_epilogue_clear(c->s, &c->epilogue, r, channel, channels);
    compute_panel(&t, r, start);
    lg_epilogue_flush(c->s, &c->epilogue, r, c->n, c->part, channel, channels);
    lg_end_loops(k, opened);
}

// ---- the schedule

const lg_layout *lg_split_layout(lg_arena *arena)
{
    lg_layout layout = {8,
                        {{.part = LG_PART_OUTER, .axis = 1, .block = SIDE},
                         {.part = LG_PART_OUTER, .axis = 2, .block = SIDE},
                         {.part = LG_PART_WHOLE, .axis = 3},
                         {.part = LG_PART_WHOLE, .axis = 4},
                         {.part = LG_PART_WHOLE, .axis = 0},
                         {.part = LG_PART_INNER, .axis = 2, .block = SIDE},
                         {.part = LG_PART_INNER, .axis = 1, .block = SIDE},
                         {.part = LG_PART_WHOLE, .axis = 5}}};
    return lg_copy(arena, &layout, sizeof layout);
}

static split_conv describe(const lg_op *op)
{
    split_conv c = {.op = op,
                    .x = &op->operands[0]->type,
                    .f = &op->operands[1]->type,
                    .y = &op->results[0]->type};
    c.jobs = (lg_split_jobs){.batch = c.y->dims[0],
                             .tall = c.y->dims[1],
                             .wide = c.y->dims[2],
                             .inputs = c.x->dims[3],
                             .outputs = c.y->dims[3],
                             .groups = lg_op_int(op, LG_ATTR_groups),
                             .kernel = {c.f->dims[3], c.f->dims[4]},
                             .parts = c.f->dims[0]};
    for (int i = 0; i < 2; i++) {
        c.jobs.stride[i] = lg_op_int_at(op, LG_ATTR_stride, i);
        c.pad[i] = lg_op_int_at(op, LG_ATTR_pad, i);
    }
    return c;
}

bool lg_schedule_split_conv_applies(const lg_function *function, const lg_target *target)
{
    const lg_op *op = lg_tile_single(function, LG_OP_split_conv2d);
    if (!op || target->kind != LG_TARGET_CPU || !target->matrix_unit ||
        function->results.count > LG_MAX_EPILOGUE_RESULTS)
        return false;
    const lg_value *x = op->operands[0], *f = op->operands[1];
    if (x->kind != LG_VALUE_ARGUMENT || f->kind != LG_VALUE_ARGUMENT || !f->type.layout)
        return false;
    split_conv c = describe(op);
    lg_arena *scratch = lg_arena_new();
    bool packed = lg_layout_equal(f->type.layout, lg_split_layout(scratch));
    lg_arena_free(scratch);
    int64_t inputs = c.jobs.inputs / c.jobs.groups, outputs = c.jobs.outputs / c.jobs.groups;
    if (!packed || c.jobs.parts > LG_MOST_PARTS || inputs % DEPTH ||
        (c.jobs.groups > 1 && outputs % SIDE) || !lg_epilogue_find(function, op, SIDE, &c.epilogue))
        return false;
    if (c.jobs.groups > 1 && lg_epilogue_ranges(&c.epilogue) > 1)
        return false;
    return lg_conv_reads_image(&x->type, op, target);
}

static void choose_jobs(split_conv *c)
{
    c->jobs.divisible = lg_epilogue_ranges(&c->epilogue) == 1;
    lg_split_choose_jobs(&c->jobs, c->s->target);
}

static void find_job(split_conv *c)
{
    lg_kbuilder *k = &c->s->k;
    int64_t blocks = lg_split_row_blocks(&c->jobs);
    lg_kx *job = lg_k_for(k, lg_schedule_job_role(c->s), "job", lg_split_job_count(&c->jobs));
    c->split = lg_kx_modi(k, job, c->jobs.splits);
    job = lg_kx_divi(k, job, c->jobs.splits);
    c->part = lg_kx_modi(k, job, blocks);
    c->h0 = lg_kx_muli(k, c->part, c->jobs.rows);
    c->n = lg_kx_divi(k, job, blocks);
    lg_epilogue_begin(c->s, &c->epilogue, blocks);
}

static void allocate(split_conv *c)
{
    lg_kbuilder *k = &c->s->k;
    const lg_split_jobs *jobs = &c->jobs;
    c->parts = lg_k_alloc(k, "parts", LG_SCOPE_TILE, LG_BF16, 1, 5,
                          (int64_t[]){jobs->parts, jobs->phases[0] * jobs->phases[1],
                                      jobs->inputs / DEPTH, jobs->positions, DEPTH});
    c->sums = lg_k_alloc(k, "products", LG_SCOPE_TILE, LG_F32, 1, 4,
                         (int64_t[]){TILES, VECTORS, SIDE, SIDE});
    c->acc = lg_k_alloc(k, "acc", LG_SCOPE_MATRIX, LG_F32, LG_MATRIX_SUMS, 2,
                        (int64_t[]){TILES, VECTORS});
    c->left =
        lg_k_alloc(k, "left", LG_SCOPE_MATRIX, LG_BF16, LG_MATRIX_NUMBERS, 1, (int64_t[]){TILES});
    c->right = lg_k_alloc(k, "right", LG_SCOPE_MATRIX, LG_BF16, LG_MATRIX_NUMBERS, 1,
                          (int64_t[]){VECTORS});
}

void lg_schedule_split_conv(lg_schedule *s)
{
    lg_kbuilder *k = &s->k;
    const lg_op *op = lg_tile_single(s->function, LG_OP_split_conv2d);
    split_conv c = describe(op);
    c.s = s;
    lg_epilogue_find(s->function, op, SIDE, &c.epilogue);
    choose_jobs(&c);
    c.image = s->ctx.bindings[op->operands[0]->id].buffer;
    c.filter = s->ctx.bindings[op->operands[1]->id].buffer;
    s->ctx.bindings[op->results[0]->id].element = lg_tile_element;
    lg_k_comment(k, "%d parts: {rows=%d splits=%d}", (int)c.jobs.parts, (int)c.jobs.rows,
                 (int)c.jobs.splits);
    find_job(&c);
    allocate(&c);
    split_image(&c);
    lg_tile tile = {TILES * SIDE, VECTORS, SIDE};
    for (int r = 0; r < c.epilogue.count; r++) {
        int64_t start = c.epilogue.starts[r];
        lg_columns runs[3];
        int count = 0;
        if (c.epilogue.first[r] == r)
            count = lg_tile_columns(tile, start, c.epilogue.images[r]->type.dims[3] / c.jobs.groups,
                                    true, runs);
        for (int i = 0; i < count; i++)
            compute_run(&c, runs[i], r, start);
    }
    lg_kx *h1 = lg_kx_mini(k, lg_kx_addi(k, c.h0, c.jobs.rows), c.y->dims[1]);
    lg_image_part part = {
        {{c.n, lg_kx_addi(k, c.n, 1)}, {c.h0, h1}, {lg_kx_int(k, 0), lg_kx_int(k, c.y->dims[2])}},
        c.split,
        c.jobs.splits};
    lg_epilogue_zero_borders(s, &c.epilogue, &part);
    lg_k_end(k);
}
