// Reductions and contractions that are not kept in a buffer: for one element (or one vector of
// elements) of the result, loops over the reduced axes around an accumulator in a register. Every
// op below is the same skeleton with another domain, another guard and another term; schedules for
// speed (tiles) are elsewhere and take over where they apply.
#include "passes/lower/tensor_expr.h"

#include "ir/winograd.h"
#include "passes/lower/scatter.h"

#include <assert.h>
#include <string.h>

typedef struct accumulator {
    lg_kbuffer *buffer;
    int lanes;
} accumulator;

static accumulator accumulate_from(lg_tensor_context *ctx, lg_dtype dtype, int lanes,
                                   double initial)
{
    accumulator a = {lg_k_alloc(ctx->k, "sum", LG_SCOPE_REGISTER, dtype, lanes, 0, NULL), lanes};
    lg_k_store(ctx->k, a.buffer, NULL, 1, lg_kx_number(ctx->k, dtype, initial));
    return a;
}

static lg_kx *accumulated(lg_tensor_context *ctx, accumulator a)
{
    return lg_kx_load(ctx->k, a.buffer, NULL, 1);
}

static void accumulate(lg_tensor_context *ctx, accumulator a, lg_scalar fn, lg_kx *term)
{
    lg_k_store(ctx->k, a.buffer, NULL, 1, lg_kx_apply(ctx->k, fn, accumulated(ctx, a), term, NULL));
}

static void accumulate_product(lg_tensor_context *ctx, accumulator a, lg_kx *x, lg_kx *y)
{
    lg_kx *sum = accumulated(ctx, a);
    bool is_float = lg_dtype_is_float(sum->type.dtype);
    lg_k_store(ctx->k, a.buffer, NULL, 1,
               is_float ? lg_kx_apply(ctx->k, LG_S_FMA, x, y, sum)
                        : lg_kx_apply(ctx->k, LG_S_ADD, sum,
                                      lg_kx_apply(ctx->k, LG_S_MUL, x, y, NULL), NULL));
}

static lg_kx *loop(lg_tensor_context *ctx, const char *name, int64_t extent)
{
    return lg_k_for(ctx->k, LG_LOOP_SERIAL, name, extent);
}

static void end_loops(lg_tensor_context *ctx, int count, int mark)
{
    while (count-- > 0)
        lg_k_end(ctx->k);
    lg_tensor_forget(ctx, mark);
}

// ---- reduce_sum, reduce_max

typedef struct reduction {
    lg_scalar fn;
    double initial;
} reduction;

static reduction reduction_of(const lg_op *op)
{
    if (op->code == LG_OP_reduce_sum)
        return (reduction){LG_S_ADD, 0};
    bool is_float = lg_dtype_is_float(op->results[0]->type.dtype);
    return (reduction){LG_S_MAX, is_float ? -__builtin_inf() : -2147483648.0};
}

// Loops over all reduced axes but `skip`; indices go to `at`. Returns the number of loops opened.
static int open_axes(lg_tensor_context *ctx, const lg_op *op, int skip, lg_index *at)
{
    const lg_attr *axes = lg_op_attr(op, LG_ATTR_axes);
    int opened = 0;
    for (int i = 0; i < axes->count; i++) {
        int a = (int)axes->as.ints[i];
        int64_t size = op->operands[0]->type.dims[a];
        if (a == skip || size == 1)
            continue;
        at[a] = lg_index_of(loop(ctx, "i", size));
        opened++;
    }
    return opened;
}

// The last reduced axis if vectors along it pay and are possible, else -1.
static int lane_axis_of(lg_tensor_context *ctx, const lg_op *op, int lanes)
{
    const lg_attr *axes = lg_op_attr(op, LG_ATTR_axes);
    const lg_type *from = &op->operands[0]->type;
    int axis = (int)axes->as.ints[axes->count - 1];
    if (lanes > 1 || ctx->target->lanes == 1 || axis != from->rank - 1 ||
        from->dims[axis] < ctx->target->lanes || lg_compute_dtype(from->dtype) != LG_F32)
        return -1;
    return lg_element_has_lanes(ctx, op->operands[0], axis) ? axis : -1;
}

// One pass over the reduced axes with `lanes` elements of `axis` from `low` to `high` at a time.
static lg_kx *reduce_lanes(lg_tensor_context *ctx, const lg_op *op, int axis, const lg_index *index,
                           int64_t low, int64_t high, int lanes)
{
    reduction r = reduction_of(op);
    lg_index at[LG_MAX_RANK];
    memcpy(at, index, sizeof(lg_index) * (size_t)op->operands[0]->type.rank);
    accumulator sum = accumulate_from(ctx, LG_F32, lanes, r.initial);
    int mark = lg_tensor_mark(ctx), opened = open_axes(ctx, op, axis, at);
    at[axis] = (lg_index){lg_kx_int(ctx->k, low), 1};
    if (high - low > lanes) {
        at[axis].base = lg_k_loop(ctx->k, LG_LOOP_SERIAL, "i", lg_kx_int(ctx->k, low),
                                  lg_kx_int(ctx->k, high), lanes);
        opened++;
    }
    accumulate(ctx, sum, r.fn, lg_element(ctx, op->operands[0], at, lanes));
    end_loops(ctx, opened, mark);
    lg_kx *all = accumulated(ctx, sum);
    return lanes == 1         ? all
           : r.fn == LG_S_ADD ? lg_kx_sum(ctx->k, all)
                              : lg_kx_maximum(ctx->k, all);
}

static lg_kx *reduce_axes(lg_tensor_context *ctx, const lg_op *op, const lg_index *index, int lanes)
{
    const lg_type *from = &op->operands[0]->type;
    int axis = lane_axis_of(ctx, op, lanes);
    if (axis >= 0) {
        int width = ctx->target->lanes;
        int64_t whole = from->dims[axis] / width * width, tail = from->dims[axis] - whole;
        lg_kx *result = reduce_lanes(ctx, op, axis, index, 0, whole, width);
        if (!tail)
            return result;
        result = lg_k_let(ctx->k, "v", result);
        lg_kx *rest = reduce_lanes(ctx, op, axis, index, whole, from->dims[axis], (int)tail);
        return lg_kx_apply(ctx->k, reduction_of(op).fn, result, rest, NULL);
    }
    reduction r = reduction_of(op);
    lg_index at[LG_MAX_RANK];
    memcpy(at, index, sizeof(lg_index) * (size_t)from->rank);
    accumulator sum = accumulate_from(ctx, lg_compute_dtype(from->dtype), lanes, r.initial);
    int mark = lg_tensor_mark(ctx), opened = open_axes(ctx, op, -1, at);
    accumulate(ctx, sum, r.fn, lg_element(ctx, op->operands[0], at, lanes));
    end_loops(ctx, opened, mark);
    return accumulated(ctx, sum);
}

static lg_kx *reduce_argmax(lg_tensor_context *ctx, const lg_op *op, const lg_index *index)
{
    lg_kbuilder *k = ctx->k;
    int axis = (int)lg_op_int(op, LG_ATTR_axis);
    const lg_type *from = &op->operands[0]->type;
    lg_index at[LG_MAX_RANK];
    memcpy(at, index, sizeof(lg_index) * (size_t)from->rank);
    at[axis] = lg_index_int(k, 0);
    lg_dtype dtype = lg_compute_dtype(from->dtype);
    lg_kbuffer *best = lg_k_alloc(k, "best", LG_SCOPE_REGISTER, dtype, 1, 0, NULL);
    lg_k_store(k, best, NULL, 1, lg_element(ctx, op->operands[0], at, 1));
    accumulator where = accumulate_from(ctx, LG_I32, 1, 0);
    int mark = lg_tensor_mark(ctx);
    at[axis].base =
        lg_k_loop(k, LG_LOOP_SERIAL, "i", lg_kx_int(k, 1), lg_kx_int(k, from->dims[axis]), 1);
    lg_kx *candidate = lg_k_let(k, "v", lg_element(ctx, op->operands[0], at, 1));
    lg_k_if(k, lg_kx_apply(k, LG_S_GT, candidate, lg_kx_load(k, best, NULL, 1), NULL));
    lg_k_store(k, best, NULL, 1, candidate);
    lg_k_store(k, where.buffer, NULL, 1, lg_kx_cast(k, LG_I32, at[axis].base));
    end_loops(ctx, 2, mark);
    return accumulated(ctx, where);
}

// ---- matmul

static lg_kx *matmul_element(lg_tensor_context *ctx, const lg_op *op, const lg_index *index,
                             int lanes)
{
    const lg_type *a = &op->operands[0]->type, *b = &op->operands[1]->type;
    int m = a->rank - 2, n = a->rank - 1;
    bool ta = lg_op_int(op, LG_ATTR_ta), tb = lg_op_int(op, LG_ATTR_tb);
    int64_t depth = a->dims[ta ? m : n];
    lg_index left[LG_MAX_RANK], right[LG_MAX_RANK];
    for (int d = 0; d < m; d++) {
        left[d] = a->dims[d] == 1 ? lg_index_int(ctx->k, 0) : index[d];
        right[d] = b->dims[d] == 1 ? lg_index_int(ctx->k, 0) : index[d];
    }
    accumulator sum = accumulate_from(ctx, lg_compute_dtype(a->dtype), lanes, 0);
    int mark = lg_tensor_mark(ctx);
    lg_index i = lg_index_of(loop(ctx, "k", depth));
    left[ta ? n : m] = index[m];
    left[ta ? m : n] = i;
    right[tb ? m : n] = index[n];
    right[tb ? n : m] = i;
    accumulate_product(ctx, sum, lg_element(ctx, op->operands[0], left, lanes),
                       lg_element(ctx, op->operands[1], right, lanes));
    end_loops(ctx, 1, mark);
    return accumulated(ctx, sum);
}

// ---- convolutions

// The attributes of a convolution, by axis h (0) and w (1).
typedef struct window {
    int64_t stride[2], pad[2], dilation[2], groups;
} window;

static window window_of(const lg_op *op)
{
    window w = {.groups = lg_op_int(op, LG_ATTR_groups)};
    for (int i = 0; i < 2; i++) {
        w.stride[i] = lg_op_int_at(op, LG_ATTR_stride, i);
        w.pad[i] = lg_op_int_at(op, LG_ATTR_pad, i);
        w.dilation[i] = lg_op_int_at(op, LG_ATTR_dilation, i);
    }
    return w;
}

// Opens `if 0 <= at < size` where that is not known; returns the number of blocks opened.
static int guard(lg_kbuilder *k, lg_kx *at, int64_t size)
{
    int64_t low, high;
    lg_kx_range(at, &low, &high);
    int opened = 0;
    if (low < 0) {
        lg_k_if(k, lg_kx_apply(k, LG_S_GE, at, lg_kx_int(k, 0), NULL));
        opened++;
    }
    if (high >= size) {
        lg_k_if(k, lg_kx_apply(k, LG_S_LT, at, lg_kx_int(k, size), NULL));
        opened++;
    }
    return opened;
}

// Row or column of the image under tap `tap` of output `out`.
static lg_kx *image_position(lg_kbuilder *k, const window *w, int i, lg_kx *out, lg_kx *tap)
{
    lg_kx *at = lg_kx_add(k, lg_kx_muli(k, out, w->stride[i]), lg_kx_muli(k, tap, w->dilation[i]));
    return lg_kx_addi(k, at, -w->pad[i]);
}

// Element `at` of a convolution's filter; of one in parts their sum, the small ones first.
static lg_kx *filter_element(lg_tensor_context *ctx, const lg_op *op, const lg_index at[4])
{
    lg_kbuilder *k = ctx->k;
    const lg_value *filter = op->operands[1];
    if (op->code != LG_OP_split_conv2d)
        return lg_element(ctx, filter, at, 1);
    lg_kx *pair = lg_kx_divi(k, at[1].base, 2), *of_pair = lg_kx_modi(k, at[1].base, 2),
          *sum = NULL;
    for (int64_t part = filter->type.dims[0] - 1; part >= 0; part--) {
        lg_index of_part[] = {lg_index_int(k, part), at[0], lg_index_of(pair), at[2], at[3],
                              lg_index_of(of_pair)};
        lg_kx *element = lg_element(ctx, filter, of_part, 1);
        sum = sum ? lg_kx_apply(k, LG_S_ADD, sum, element, NULL) : element;
    }
    return sum;
}

static lg_kx *conv2d_element(lg_tensor_context *ctx, const lg_op *op, const lg_index *index)
{
    lg_kbuilder *k = ctx->k;
    const lg_type *x = &op->operands[0]->type, *given = &op->operands[1]->type;
    lg_type filter = op->code == LG_OP_split_conv2d ? lg_split_filter(given) : *given, *f = &filter;
    window w = window_of(op);
    lg_kx *group = lg_kx_divi(k, index[3].base, f->dims[0] / w.groups);
    accumulator sum = accumulate_from(ctx, LG_F32, 1, 0);
    int mark = lg_tensor_mark(ctx), opened = 3;
    lg_kx *kh = loop(ctx, "kh", f->dims[2]);
    lg_kx *h = image_position(k, &w, 0, index[1].base, kh);
    opened += guard(k, h, x->dims[1]);
    lg_kx *kw = loop(ctx, "kw", f->dims[3]);
    lg_kx *v = image_position(k, &w, 1, index[2].base, kw);
    opened += guard(k, v, x->dims[2]);
    lg_kx *c = loop(ctx, "c", f->dims[1]);
    lg_kx *channel = lg_kx_add(k, lg_kx_muli(k, group, f->dims[1]), c);
    lg_index at[] = {index[0], lg_index_of(h), lg_index_of(v), lg_index_of(channel)};
    lg_index tap[] = {index[3], lg_index_of(c), lg_index_of(kh), lg_index_of(kw)};
    accumulate_product(ctx, sum, lg_element(ctx, op->operands[0], at, 1),
                       filter_element(ctx, op, tap));
    end_loops(ctx, opened, mark);
    return accumulated(ctx, sum);
}

// The output position that had tap `tap` on image position `at`; opens its guards.
static lg_kx *output_position(lg_kbuilder *k, const window *w, int i, lg_kx *at, lg_kx *tap,
                              int64_t size, int *opened)
{
    lg_kx *t = lg_kx_addi(k, lg_kx_add(k, at, lg_kx_muli(k, tap, -w->dilation[i])), w->pad[i]);
    if (w->stride[i] > 1) {
        lg_k_if(k, lg_kx_apply(k, LG_S_EQ, lg_kx_modi(k, t, w->stride[i]), lg_kx_int(k, 0), NULL));
        (*opened)++;
        t = lg_kx_divi(k, t, w->stride[i]);
    }
    *opened += guard(k, t, size);
    return t;
}

static lg_kx *conv2d_input_grad_element(lg_tensor_context *ctx, const lg_op *op,
                                        const lg_index *index)
{
    lg_kbuilder *k = ctx->k;
    const lg_type *g = &op->operands[0]->type, *f = &op->operands[1]->type;
    window w = window_of(op);
    int64_t outputs = f->dims[0] / w.groups;
    lg_kx *group = lg_kx_divi(k, index[3].base, f->dims[1]);
    lg_kx *c = lg_kx_modi(k, index[3].base, f->dims[1]);
    accumulator sum = accumulate_from(ctx, LG_F32, 1, 0);
    int mark = lg_tensor_mark(ctx), opened = 3;
    lg_kx *kh = loop(ctx, "kh", f->dims[2]);
    lg_kx *h = output_position(k, &w, 0, index[1].base, kh, g->dims[1], &opened);
    lg_kx *kw = loop(ctx, "kw", f->dims[3]);
    lg_kx *v = output_position(k, &w, 1, index[2].base, kw, g->dims[2], &opened);
    lg_kx *o = loop(ctx, "o", outputs);
    lg_kx *output = lg_kx_add(k, lg_kx_muli(k, group, outputs), o);
    lg_index at[] = {index[0], lg_index_of(h), lg_index_of(v), lg_index_of(output)};
    lg_index tap[] = {lg_index_of(output), lg_index_of(c), lg_index_of(kh), lg_index_of(kw)};
    accumulate_product(ctx, sum, lg_element(ctx, op->operands[0], at, 1),
                       lg_element(ctx, op->operands[1], tap, 1));
    end_loops(ctx, opened, mark);
    return accumulated(ctx, sum);
}

// Row by row: a sum of all pixels of a batch, one behind the other, would lose digits.
static lg_kx *conv2d_filter_grad_element(lg_tensor_context *ctx, const lg_op *op,
                                         const lg_index *index)
{
    lg_kbuilder *k = ctx->k;
    const lg_type *x = &op->operands[0]->type, *g = &op->operands[1]->type;
    const lg_type *f = &op->results[0]->type;
    window w = window_of(op);
    lg_kx *group = lg_kx_divi(k, index[0].base, f->dims[0] / w.groups);
    lg_kx *channel = lg_kx_add(k, lg_kx_muli(k, group, f->dims[1]), index[1].base);
    accumulator sum = accumulate_from(ctx, LG_F32, 1, 0);
    int mark = lg_tensor_mark(ctx), opened = 2;
    lg_kx *n = loop(ctx, "n", x->dims[0]);
    lg_kx *oh = loop(ctx, "oh", g->dims[1]);
    lg_kx *h = image_position(k, &w, 0, oh, index[2].base);
    opened += guard(k, h, x->dims[1]);
    accumulator row = accumulate_from(ctx, LG_F32, 1, 0);
    int row_mark = lg_tensor_mark(ctx), row_opened = 1;
    lg_kx *ow = loop(ctx, "ow", g->dims[2]);
    lg_kx *v = image_position(k, &w, 1, ow, index[3].base);
    row_opened += guard(k, v, x->dims[2]);
    lg_index at[] = {lg_index_of(n), lg_index_of(h), lg_index_of(v), lg_index_of(channel)};
    lg_index out[] = {lg_index_of(n), lg_index_of(oh), lg_index_of(ow), index[0]};
    accumulate_product(ctx, row, lg_element(ctx, op->operands[0], at, 1),
                       lg_element(ctx, op->operands[1], out, 1));
    end_loops(ctx, row_opened, row_mark);
    accumulate(ctx, sum, LG_S_ADD, accumulated(ctx, row));
    end_loops(ctx, opened, mark);
    return accumulated(ctx, sum);
}

// ---- scatter_add

static lg_kx *scatter_add_element(lg_tensor_context *ctx, const lg_op *op, const lg_index *index,
                                  int lanes)
{
    lg_kbuilder *k = ctx->k;
    int axis = (int)lg_op_int(op, LG_ATTR_axis);
    const lg_type *from = &op->operands[0]->type;
    int64_t size = op->results[0]->type.dims[axis];
    accumulator sum = accumulate_from(ctx, lg_compute_dtype(from->dtype), lanes, 0);
    int mark = lg_tensor_mark(ctx);
    lg_index at[LG_MAX_RANK];
    memcpy(at, index, sizeof(lg_index) * (size_t)from->rank);
    lg_scatter_window window;
    int opened = 2;
    if (lg_scatter_window_of(op, &window)) {
        lg_kx *line = lg_kx_addi(k, lg_kx_muli(k, index[axis].base, window.rise), window.offset);
        lg_kx *first = lg_k_let(k, "first", lg_kx_divi(k, line, window.run));
        lg_kx *i = lg_kx_add(k, first, loop(ctx, "i", window.width));
        opened += guard(k, i, from->dims[axis]);
        at[axis] = lg_index_of(i);
    } else {
        at[axis] = lg_index_of(loop(ctx, "i", from->dims[axis]));
    }
    lg_kx *to = lg_kx_cast(k, LG_I64, lg_element(ctx, op->operands[1], &at[axis], 1));
    to = lg_kx_apply(k, LG_S_MIN, lg_kx_apply(k, LG_S_MAX, to, lg_kx_int(k, 0), NULL),
                     lg_kx_int(k, size - 1), NULL);
    lg_k_if(k, lg_kx_apply(k, LG_S_EQ, to, index[axis].base, NULL));
    accumulate(ctx, sum, LG_S_ADD, lg_element(ctx, op->operands[0], at, lanes));
    end_loops(ctx, opened, mark);
    return accumulated(ctx, sum);
}

// ---- Winograd's forms

// Row `at` of the matrix of coefficients, element `tap`: a chain of choices, one where they change.
static lg_kx *coefficient(lg_kbuilder *k, const lg_winograd *w, lg_kx *at, int tap)
{
    lg_kx *chosen = lg_kx_float(k, w->filter[w->n - 1][tap]);
    for (int i = w->n - 2; i >= 0; i--)
        if (w->filter[i][tap] != w->filter[i + 1][tap])
            chosen = lg_kx_apply(k, LG_S_SELECT, lg_kx_apply(k, LG_S_LE, at, lg_kx_int(k, i), NULL),
                                 lg_kx_float(k, w->filter[i][tap]), chosen);
    return lg_k_let(k, "coefficient", chosen);
}

static lg_kx *winograd_filter_element(lg_tensor_context *ctx, const lg_op *op,
                                      const lg_index *index, int lanes)
{
    lg_kbuilder *k = ctx->k;
    lg_winograd w;
    lg_winograd_make(&w, (int)op->results[0]->type.dims[2] - 2);
    lg_kx *row[LG_WINOGRAD_FILTER], *column[LG_WINOGRAD_FILTER], *sum = NULL;
    for (int i = 0; i < LG_WINOGRAD_FILTER; i++) {
        row[i] = coefficient(k, &w, index[2].base, i);
        column[i] = coefficient(k, &w, index[3].base, i);
    }
    for (int i = 0; i < LG_WINOGRAD_FILTER; i++) {
        lg_kx *part = NULL;
        for (int j = 0; j < LG_WINOGRAD_FILTER; j++) {
            lg_index at[] = {index[0], index[1], lg_index_int(k, i), lg_index_int(k, j)};
            lg_kx *tap = lg_element(ctx, op->operands[0], at, lanes);
            part = part ? lg_kx_apply(k, LG_S_FMA, column[j], tap, part)
                        : lg_kx_apply(k, LG_S_MUL, column[j], tap, NULL);
        }
        sum = sum ? lg_kx_apply(k, LG_S_FMA, row[i], part, sum)
                  : lg_kx_apply(k, LG_S_MUL, row[i], part, NULL);
    }
    return sum;
}

// Tap [row][column] of the filter that the form was made of: the points 0 and infinity hold the
// outer taps alone, the difference of p and -p the one between.
static lg_kx *tap_of_form(lg_tensor_context *ctx, const lg_value *form, const lg_winograd *w,
                          const lg_index *output, const lg_index *channel, const int *tap)
{
    lg_kbuilder *k = ctx->k;
    const int places[LG_WINOGRAD_FILTER][2] = {{0, -1}, {1, 2}, {w->n - 1, -1}};
    lg_kx *sum = NULL;
    double scale = 1;
    for (int i = 0; i < 2; i++) {
        int place = places[tap[i]][0];
        scale /= w->filter[place][tap[i]] * (places[tap[i]][1] < 0 ? 1 : 2);
    }
    for (int i = 0; i < 4; i++) {
        int row = places[tap[0]][i / 2], column = places[tap[1]][i % 2];
        if (row < 0 || column < 0)
            continue;
        lg_index at[] = {*output, *channel, lg_index_int(k, row), lg_index_int(k, column)};
        lg_kx *value = lg_element(ctx, form, at, 1);
        bool minus = i / 2 != i % 2;
        sum = sum ? lg_kx_apply(k, minus ? LG_S_SUB : LG_S_ADD, sum, value, NULL) : value;
    }
    return lg_kx_apply(k, LG_S_MUL, sum, lg_kx_float(k, scale), NULL);
}

// The convolution done directly, for targets that have no schedule for the form.
static lg_kx *winograd_conv2d_element(lg_tensor_context *ctx, const lg_op *op,
                                      const lg_index *index)
{
    lg_kbuilder *k = ctx->k;
    const lg_type *x = &op->operands[0]->type, *u = &op->operands[1]->type;
    window w = window_of(op);
    lg_winograd f;
    lg_winograd_make(&f, (int)u->dims[2] - 2);
    accumulator sum = accumulate_from(ctx, LG_F32, 1, 0);
    for (int i = 0; i < LG_WINOGRAD_FILTER * LG_WINOGRAD_FILTER; i++) {
        const int tap[] = {i / LG_WINOGRAD_FILTER, i % LG_WINOGRAD_FILTER};
        int mark = lg_tensor_mark(ctx), opened = 1;
        lg_index at[4] = {index[0]};
        for (int axis = 0; axis < 2; axis++) {
            at[1 + axis] = lg_index_of(
                image_position(k, &w, axis, index[1 + axis].base, lg_kx_int(k, tap[axis])));
            opened += guard(k, at[1 + axis].base, x->dims[1 + axis]);
        }
        at[3] = lg_index_of(loop(ctx, "c", u->dims[1]));
        accumulate_product(ctx, sum, lg_element(ctx, op->operands[0], at, 1),
                           tap_of_form(ctx, op->operands[1], &f, &index[3], &at[3], tap));
        end_loops(ctx, opened, mark);
    }
    return accumulated(ctx, sum);
}

lg_kx *lg_reduce_element(lg_tensor_context *ctx, const lg_op *op, const lg_index *index, int lanes)
{
    switch (op->code) {
    case LG_OP_winograd_filter:
        return winograd_filter_element(ctx, op, index, lanes);
    case LG_OP_reduce_sum:
    case LG_OP_reduce_max:
        return reduce_axes(ctx, op, index, lanes);
    case LG_OP_matmul:
        return matmul_element(ctx, op, index, lanes);
    case LG_OP_scatter_add:
        return scatter_add_element(ctx, op, index, lanes);
    default:
        break;
    }
    assert(lanes == 1);
    switch (op->code) {
    case LG_OP_argmax:
        return reduce_argmax(ctx, op, index);
    case LG_OP_winograd_conv2d:
        return winograd_conv2d_element(ctx, op, index);
    case LG_OP_conv2d:
    case LG_OP_split_conv2d:
        return conv2d_element(ctx, op, index);
    case LG_OP_conv2d_input_grad:
        return conv2d_input_grad_element(ctx, op, index);
    case LG_OP_conv2d_filter_grad:
        return conv2d_filter_grad_element(ctx, op, index);
    default:
        assert(!"an op without an element");
        return NULL;
    }
}
