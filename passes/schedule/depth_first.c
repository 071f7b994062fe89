// Convolutions one after the other, depth first: a chain such as a bottleneck's 1x1 -> 3x3 -> 1x1
// is computed strip by strip, so that what lies between two of them is a few rows in the cache and
// never an image in memory.
//
//   job: a run of rows of the result
//     strip of rows of the result
//       for each convolution but the last: the rows that the next one needs for the strip
//         the rows that the strip before has left are moved to the front of the buffer, the new
//         ones are computed; rows outside the image (the padding) are zeros
//       the last convolution: the rows of the result, with its epilogue
//
// Only where a job begins rows are computed that another job computes too. Every convolution is
// that of passes/schedule/conv.h with the same order of summation: whatever the strips, the bits
// are those of the layers one after another.
#include "passes/schedule/depth_first.h"
#include "ir/integer.h"
#include "passes/schedule/conv.h"

#include <assert.h>

enum { ENOUGH_JOBS = 16, MOST_ROWS = 8, LONG_RUN = 8 };

// Rows [a, b) of the chain's result need rows [scale * a + low, scale * b + high) of an image
// before.
typedef struct reach {
    int64_t scale, low, high;
} reach;

// A convolution of the chain and the strip that it fills.
typedef struct level {
    lg_conv conv;
    reach reach;
    lg_type type; // of the strip
    lg_strip strip;
} level;

typedef struct chain {
    lg_schedule *s;
    int count;
    level levels[LG_MAX_CHAIN];
    lg_chain_plan plan;
    lg_kx *n, *first, *a, *b; // the image; rows of the result: the job's first, the strip's
} chain;

// ---- which functions

// The convolution whose epilogue `value` ends, or NULL.
static const lg_op *convolution_of(const lg_value *value)
{
    const lg_function *function = value->kind == LG_VALUE_RESULT ? value->op->function : NULL;
    if (!function)
        return NULL;
    LG_FOR_OPS (op, function)
        if (op->code == LG_OP_conv2d && lg_tile_follows(value, op))
            return op;
    return NULL;
}

// The convolutions from the first to the one that makes the result, and their number; 0 if the
// function is no chain of at least two.
static int find_chain(const lg_function *function, const lg_op *chain[LG_MAX_CHAIN])
{
    int count = 0, contractions = 0;
    LG_FOR_OPS (op, function) {
        lg_op_class class = lg_op_info_of(op->code)->class;
        contractions += class == LG_CLASS_CONTRACTION || class == LG_CLASS_REDUCTION ||
                        op->code == LG_OP_scatter_add;
    }
    if (function->results.count != 1 || contractions < 2 || contractions > LG_MAX_CHAIN)
        return 0;
    const lg_value *value = function->results.items[0];
    const lg_op *op;
    while (count < contractions && (op = convolution_of(value)) != NULL) {
        chain[contractions - ++count] = op;
        value = op->operands[0];
    }
    return count == contractions && value->kind == LG_VALUE_ARGUMENT ? count : 0;
}

// Are the channels of the result innermost?
static bool stores_vectors(const lg_type *type)
{
    return lg_physical_dim(type, lg_type_physical_rank(type) - 1).axis == type->rank - 1;
}

bool lg_schedule_depth_first_applies(const lg_function *function, const lg_target *target)
{
    const lg_op *ops[LG_MAX_CHAIN];
    int count = target->kind == LG_TARGET_CPU ? find_chain(function, ops) : 0;
    for (int i = 0; i < count; i++)
        if (!lg_conv_takes_filter(ops[i], target) || ops[i]->results[0]->type.dtype != LG_F32)
            return false;
    return count > 0 && lg_conv_reads_image(&ops[0]->operands[0]->type, ops[0], target) &&
           stores_vectors(&function->results.items[0]->type);
}

// ---- the rows of a strip

static int64_t strip_rows(const reach *r, int64_t rows)
{
    return r->scale * rows + r->high - r->low;
}

// Rows at the front of a strip that the strip before has computed.
static int64_t kept_rows(const reach *r)
{
    return r->high > r->low ? r->high - r->low : 0;
}

// From the last convolution to the first: which rows of it the result needs.
static void find_reaches(const lg_op *const *ops, int count, reach *reaches)
{
    reaches[count - 1] = (reach){1, 0, 0};
    for (int i = count - 2; i >= 0; i--) {
        const lg_op *next = ops[i + 1];
        const reach *r = &reaches[i + 1];
        int64_t stride = lg_op_int_at(next, LG_ATTR_stride, 0);
        int64_t pad = lg_op_int_at(next, LG_ATTR_pad, 0);
        int64_t window =
            (next->operands[1]->type.dims[2] - 1) * lg_op_int_at(next, LG_ATTR_dilation, 0) + 1;
        reaches[i] = (reach){stride * r->scale, stride * r->low - pad,
                             stride * (r->high - 1) - pad + window};
    }
}

static int64_t strip_bytes(const lg_op *const *ops, int count, const reach *reaches, int64_t rows)
{
    int64_t bytes = 0;
    for (int i = 0; i < count - 1; i++) {
        const lg_type *y = &ops[i]->results[0]->type;
        bytes += strip_rows(&reaches[i], rows) * (y->dims[2] + 2) * y->dims[3] * 4;
    }
    return bytes;
}

// Strips as high as fit in half the second cache. Jobs as long as leave enough of them, where rows
// are computed again at their ends; else one strip each.
lg_chain_plan lg_chain_plan_of(const lg_op *const *ops, int count, const lg_target *target)
{
    reach reaches[LG_MAX_CHAIN];
    find_reaches(ops, count, reaches);
    const lg_type *y = &ops[count - 1]->results[0]->type;
    int64_t height = y->dims[1], jobs = lg_ceil_div(ENOUGH_JOBS, y->dims[0]);
    lg_chain_plan plan = {.rows = 1};
    while (plan.rows < height && plan.rows < MOST_ROWS &&
           strip_bytes(ops, count, reaches, plan.rows + 1) <= target->l2 / 2)
        plan.rows++;
    plan.bytes = strip_bytes(ops, count, reaches, plan.rows);
    bool shared = false;
    for (int i = 0; i < count - 1; i++)
        shared |= kept_rows(&reaches[i]) > 0;
    plan.run = shared ? lg_ceil_div(height, jobs) : 1;
    plan.run = shared && plan.run < LONG_RUN ? LONG_RUN : plan.run;
    plan.run = lg_ceil_div(plan.run, plan.rows) * plan.rows;
    for (int i = 0; i < count - 1; i++)
        plan.again += lg_op_flops(ops[i]) * (double)kept_rows(&reaches[i]) /
                      (double)(reaches[i].scale * plan.run);
    return plan;
}

// ---- filling a strip

// Opens loops over the inner dimensions of row `row` of the strip; the innermost is left to lanes.
static int open_row(lg_kbuilder *k, const lg_kbuffer *buffer, lg_kx *row, lg_kx **at)
{
    int opened = 0;
    at[0] = lg_kx_int(k, 0);
    at[1] = row;
    for (int d = 2; d < buffer->rank - 1; d++)
        at[d] = lg_loop_over(k, "z", buffer->dims[d], &opened);
    at[buffer->rank - 1] = lg_kx_int(k, 0);
    return opened;
}

static void close(lg_kbuilder *k, int opened)
{
    lg_end_loops(k, opened);
}

// Zeros rows [low, high) of the value: they are padding.
static void zero_rows(chain *c, const level *l, lg_kx *low, lg_kx *high)
{
    lg_kbuilder *k = &c->s->k;
    lg_kbuffer *buffer = l->strip.buffer;
    lg_kx *row = lg_k_loop(k, LG_LOOP_SERIAL, "z", low, high, 1), *at[LG_MAX_PHYSICAL];
    int opened = open_row(k, buffer, lg_kx_add(k, row, lg_kx_muli(k, l->strip.row, -1)), at) + 1;
    lg_k_store(k, buffer, at, (int)buffer->dims[buffer->rank - 1], lg_kx_float(k, 0));
    close(k, opened);
}

// Moves the rows that two strips share to the front.
static void keep_rows(chain *c, const level *l)
{
    lg_kbuilder *k = &c->s->k;
    lg_kbuffer *buffer = l->strip.buffer;
    lg_kx *row = lg_k_for(k, LG_LOOP_SERIAL, "m", kept_rows(&l->reach)), *to[LG_MAX_PHYSICAL];
    int opened = open_row(k, buffer, row, to) + 1, lanes = (int)buffer->dims[buffer->rank - 1];
    lg_kx *from[LG_MAX_PHYSICAL];
    for (int d = 0; d < buffer->rank; d++)
        from[d] = d == 1 ? lg_kx_addi(k, row, l->reach.scale * c->plan.rows) : to[d];
    lg_k_store(k, buffer, to, lanes, lg_kx_load(k, buffer, from, lanes));
    close(k, opened);
}

// Computes rows [low, high) of the level's convolution, block by block of pixels.
static void convolve(chain *c, level *l, lg_kx *low, lg_kx *high)
{
    lg_kbuilder *k = &c->s->k;
    lg_conv *conv = &l->conv;
    conv->n = c->n;
    conv->h0 = lg_k_loop(k, LG_LOOP_SERIAL, "h", low, high, conv->rows);
    conv->h1 = conv->rows == 1
                   ? lg_kx_addi(k, conv->h0, 1)
                   : lg_kx_apply(k, LG_S_MIN, lg_kx_addi(k, conv->h0, conv->rows), high, NULL);
    int opened = 1;
    lg_kx *segment = lg_loop_over(k, "s", conv->y->dims[2] / conv->columns, &opened);
    conv->w0 = lg_kx_muli(k, segment, conv->columns);
    lg_columns runs[3];
    int count = lg_tile_columns(conv->tile, 0, conv->y->dims[3] / conv->groups, true, runs);
    for (int i = 0; i < count; i++)
        lg_conv_panels(conv, runs[i], 0, 0);
    close(k, opened);
}

static void fill_strip(chain *c, level *l)
{
    lg_kbuilder *k = &c->s->k;
    int64_t height = l->conv.y->dims[1];
    lg_kx *top =
        lg_k_let(k, "top", lg_kx_addi(k, lg_kx_muli(k, c->a, l->reach.scale), l->reach.low));
    lg_kx *end =
        lg_k_let(k, "end", lg_kx_addi(k, lg_kx_muli(k, c->b, l->reach.scale), l->reach.high));
    l->strip.row = top;
    lg_kx *from = top;
    if (kept_rows(&l->reach)) {
        lg_kx *later = lg_kx_apply(k, LG_S_GT, c->a, c->first, NULL);
        from = lg_k_let(
            k, "from",
            lg_kx_apply(k, LG_S_SELECT, later, lg_kx_addi(k, top, kept_rows(&l->reach)), top));
        lg_k_if(k, later);
        keep_rows(c, l);
        lg_k_end(k);
    }
    lg_kx *low = lg_k_let(k, "low", lg_kx_apply(k, LG_S_MAX, from, lg_kx_int(k, 0), NULL));
    lg_kx *high = lg_k_let(k, "high", lg_kx_mini(k, end, height));
    if (l->reach.low < 0)
        zero_rows(c, l, from, lg_kx_mini(k, end, 0));
    convolve(c, l, low, high);
    const lg_conv *last = &c->levels[c->count - 1].conv;
    if (last->y->dims[1] * l->reach.scale + l->reach.high > height)
        zero_rows(c, l, lg_kx_apply(k, LG_S_MAX, from, lg_kx_int(k, height), NULL), end);
}

static void finish_strip(chain *c, level *l)
{
    lg_kbuilder *k = &c->s->k;
    const lg_type *type = &c->s->function->results.items[0]->type;
    convolve(c, l, c->a, c->b);
    lg_range ranges[LG_MAX_PHYSICAL];
    lg_ranges_whole(k, type, ranges);
    for (int d = 0; d < lg_type_physical_rank(type); d++) {
        int axis = lg_physical_dim(type, d).axis;
        if (axis == 0)
            ranges[d] = (lg_range){c->n, lg_kx_addi(k, c->n, 1)};
        else if (axis == 1)
            ranges[d] = (lg_range){c->a, c->b};
    }
    lg_nest_zero_borders(k, lg_schedule_result(c->s, 0), type, ranges, c->s->target->lanes);
}

// ---- the kernel

static void describe_chain(chain *c)
{
    const lg_op *ops[LG_MAX_CHAIN];
    int count = find_chain(c->s->function, ops);
    assert(count >= 2 && "lg_schedule_depth_first_applies looked");
    c->count = count;
    for (int i = 0; i < count; i++) {
        lg_conv *conv = &c->levels[i].conv;
        lg_conv_begin(c->s, ops[i], conv);
        if (!i)
            conv->image = c->s->ctx.bindings[ops[i]->operands[0]->id].buffer;
    }
    c->plan = lg_chain_plan_of(ops, count, c->s->target);
    reach reaches[LG_MAX_CHAIN];
    find_reaches(ops, count, reaches);
    for (int i = 0; i < count; i++)
        c->levels[i].reach = reaches[i];
    lg_conv *last = &c->levels[count - 1].conv;
    lg_epilogue_find(c->s->function, last->op, 1, &last->epilogue);
    lg_epilogue_begin(c->s, &last->epilogue, 1);
}

// The buffer of what level `i` hands to the next.
static void alloc_strip(chain *c, int i)
{
    level *l = &c->levels[i];
    lg_conv *to = &c->levels[i + 1].conv;
    lg_kbuilder *k = &c->s->k;
    l->type = (lg_type){.dtype = LG_F32, .rank = 4};
    const int64_t dims[] = {1, strip_rows(&l->reach, c->plan.rows), l->conv.y->dims[2],
                            l->conv.y->dims[3]};
    for (int a = 0; a < 4; a++)
        l->type.dims[a] = dims[a];
    l->type.layout = lg_image_layout(c->s->scratch, c->s->target, &l->type, 0, to->pad[1]);
    int64_t sizes[LG_MAX_PHYSICAL];
    int rank = lg_type_physical_rank(&l->type);
    for (int d = 0; d < rank; d++)
        sizes[d] = lg_type_physical_dim(&l->type, d);
    lg_kbuffer *buffer = lg_k_alloc(k, "strip", LG_SCOPE_TILE, LG_F32, 1, rank, sizes);
    l->strip = (lg_strip){to->op->operands[0], buffer, &l->type, NULL};
    l->conv.strip = &l->strip;
    to->image = buffer;
    to->x = &l->type;
    lg_range ranges[LG_MAX_PHYSICAL];
    lg_ranges_whole(k, &l->type, ranges);
    lg_nest_zero_borders(k, buffer, &l->type, ranges, c->s->target->lanes);
}

static void alloc_buffers(chain *c)
{
    for (int i = 0; i < c->count - 1; i++)
        alloc_strip(c, i);
    for (int i = 0; i < c->count; i++) {
        lg_conv *conv = &c->levels[i].conv;
        int64_t rows = strip_rows(&c->levels[i].reach, c->plan.rows);
        conv->rows = conv->rows < rows ? conv->rows : rows;
        lg_conv_alloc_partial(conv);
    }
}

void lg_schedule_depth_first(lg_schedule *s)
{
    lg_kbuilder *k = &s->k;
    chain c = {.s = s};
    describe_chain(&c);
    const lg_type *y = c.levels[c.count - 1].conv.y;
    int64_t height = y->dims[1], jobs = lg_ceil_div(height, c.plan.run);
    lg_kx *job = lg_k_for(k, lg_schedule_job_role(s), "job", y->dims[0] * jobs);
    c.n = lg_kx_divi(k, job, jobs);
    c.first = lg_kx_muli(k, lg_kx_modi(k, job, jobs), c.plan.run);
    lg_kx *end = lg_kx_mini(k, lg_kx_addi(k, c.first, c.plan.run), height);
    alloc_buffers(&c);
    c.a = lg_k_loop(k, LG_LOOP_SERIAL, "a", c.first, end, c.plan.rows);
    c.b = lg_kx_addi(k, c.a, c.plan.rows);
    if (c.plan.run % c.plan.rows || height % c.plan.rows)
        c.b = lg_kx_apply(k, LG_S_MIN, c.b, end, NULL);
    for (int i = 0; i < c.count; i++) {
        level *l = &c.levels[i];
        if (i)
            l->conv.image_row = l[-1].strip.row;
        lg_k_comment(k, "%s", lg_op_info_of(l->conv.op->code)->name);
        if (i < c.count - 1)
            fill_strip(&c, l);
        else
            finish_strip(&c, l);
    }
    lg_k_end(k);
    lg_k_end(k);
}
