// What follows a contraction in its kernel. A schedule holds a tile of accumulators; the elements
// of every result are expressions of them (lg_element reaches the accumulator through
// lg_tile_element), stored vector by vector.
//
// A sum over pixels can't be stored so: many jobs add to one element. Each job adds up what it
// computes, in the order in which it computes it, and writes its sums to a row of its own; a second
// kernel adds the rows in order. So results don't depend on threads, and an image that is only
// summed (global average pooling) is never written.
#include "passes/schedule/epilogue.h"

#include "ir/integer.h"
#include "passes/schedule/split_jobs.h"

#include <assert.h>
#include <string.h>

lg_kx *lg_tile_element(lg_tensor_context *ctx, const lg_value *value, const lg_index *index,
                       int lanes)
{
    (void)value, (void)index;
    const lg_tile_state *state = ctx->schedule;
    lg_kx *at[] = {state->row, lg_kx_int(ctx->k, state->vector)};
    lg_kx *element = lg_kx_load(ctx->k, state->acc, at, 1);
    return lanes < element->type.lanes ? lg_kx_low(ctx->k, element, lanes) : element;
}

// Stores `valid` lanes into a buffer of `type`; those that round up a block become zero.
static void store_lanes(lg_kbuilder *k, lg_kbuffer *buffer, const lg_type *type, const lg_index *at,
                        int valid, int lanes, lg_kx *element)
{
    int last = type->rank - 1;
    lg_store_element(k, buffer, type, 0, at, valid, element);
    if (lg_physical_dim(type, lg_type_physical_rank(type) - 1).part == LG_PART_INNER &&
        valid < lanes) {
        lg_index rest[LG_MAX_RANK];
        for (int a = 0; a < type->rank; a++)
            rest[a] = at[a];
        rest[last].base = lg_kx_addi(k, at[last].base, valid);
        lg_store_element(k, buffer, type, 0, rest, lanes - valid, lg_kx_float(k, 0));
    }
}

static void store_vector(lg_schedule *s, int r, const lg_index *at, int valid, int lanes,
                         lg_kx *element)
{
    store_lanes(&s->k, lg_schedule_result(s, r), &s->function->results.items[r]->type, at, valid,
                lanes, element);
}

void lg_tile_store(lg_schedule *s, lg_tile_state *state, int r, const lg_index *at, int valid,
                   int lanes)
{
    int mark = lg_tensor_mark(&s->ctx);
    s->ctx.schedule = state;
    store_vector(s, r, at, valid, lanes,
                 lg_element(&s->ctx, s->function->results.items[r], at, valid));
    lg_tensor_forget(&s->ctx, mark);
}

void lg_tile_store_in(lg_schedule *s, lg_tile_state *state, const lg_strip *strip,
                      const lg_index *at, int valid, int lanes)
{
    lg_kbuilder *k = &s->k;
    lg_kx *row = lg_kx_add(k, at[1].base, lg_kx_muli(k, strip->row, -1));
    lg_index to[] = {lg_index_int(k, 0), lg_index_of(row), at[2], at[3]};
    int mark = lg_tensor_mark(&s->ctx);
    s->ctx.schedule = state;
    lg_kx *element = lg_element(&s->ctx, strip->value, at, valid);
    store_lanes(k, strip->buffer, strip->type, to, valid, lanes, element);
    lg_tensor_forget(&s->ctx, mark);
}

// ---- what may follow a contraction in its kernel

const lg_op *lg_tile_single(const lg_function *function, lg_opcode code)
{
    const lg_op *found = NULL;
    bool convolution = code == LG_OP_conv2d || code == LG_OP_winograd_conv2d ||
                       code == LG_OP_split_conv2d || code == LG_OP_conv2d_input_grad;
    LG_FOR_OPS (op, function) {
        lg_op_class class = lg_op_info_of(op->code)->class;
        bool reduces = class == LG_CLASS_REDUCTION || class == LG_CLASS_CONTRACTION ||
                       op->code == LG_OP_scatter_add;
        if (convolution && lg_is_pixel_sum(op) && lg_result_index(function, op->results[0]) >= 0)
            continue;
        if (reduces && (found || op->code != code))
            return NULL;
        if (reduces)
            found = op;
    }
    return found;
}

enum { INDEPENDENT = -1, UNSUITABLE = -2 };

// The column of the contraction at which `value` starts, if its elements are made of elements of
// the contraction at the same place. What is made outside of `members` comes from memory; NULL:
// nothing is.
static int64_t column_of(const lg_value *value, const lg_op *contraction, const lg_group *members)
{
    if (value->kind != LG_VALUE_RESULT)
        return INDEPENDENT;
    const lg_op *op = value->op;
    if (op == contraction)
        return 0;
    if (members && !lg_group_has(members, op))
        return INDEPENDENT;
    int64_t column = INDEPENDENT;
    for (int i = 0; i < op->operand_count; i++) {
        int64_t from = column_of(op->operands[i], contraction, members);
        if (from == UNSUITABLE || (from >= 0 && column >= 0 && from != column))
            return UNSUITABLE;
        column = from >= 0 ? from : column;
    }
    if (column == INDEPENDENT || lg_op_info_of(op->code)->class == LG_CLASS_ELEMENTWISE ||
        op->code == LG_OP_cast)
        return column;
    if (op->code != LG_OP_slice)
        return UNSUITABLE;
    const lg_type *from = &op->operands[0]->type;
    for (int a = 0; a < from->rank; a++)
        if (lg_op_int_at(op, LG_ATTR_step, a) != 1 ||
            (a < from->rank - 1 && op->results[0]->type.dims[a] != from->dims[a]))
            return UNSUITABLE;
    return column + lg_op_int_at(op, LG_ATTR_start, from->rank - 1);
}

// Is `value` made without any contraction but `op`?
static bool hangs_on_only(const lg_value *value, const lg_op *op)
{
    if (value->kind != LG_VALUE_RESULT || value->op == op)
        return true;
    if (lg_op_info_of(value->op->code)->class == LG_CLASS_CONTRACTION)
        return false;
    for (int i = 0; i < value->op->operand_count; i++)
        if (!hangs_on_only(value->op->operands[i], op))
            return false;
    return true;
}

bool lg_tile_follows(const lg_value *value, const lg_op *op)
{
    return lg_shape_equal(&value->type, &op->results[0]->type) && hangs_on_only(value, op) &&
           column_of(value, op, NULL) == 0;
}

// Do the elements of `value` come of whole panels of the contraction, from column `*start` on? As a
// result, where it is `stored`, it also has to lie so that vectors of columns can be.
static bool fits_panels(const lg_value *value, const lg_op *op, const lg_group *members,
                        int64_t panel, bool stored, int64_t *start)
{
    int rank = op->results[0]->type.rank;
    const lg_type *type = &value->type;
    *start = column_of(value, op, members);
    if (*start < 0 || *start % panel || type->rank != rank ||
        lg_compute_dtype(type->dtype) != LG_F32)
        return false;
    int64_t size = type->dims[rank - 1];
    if (size % panel && *start + size != op->results[0]->type.dims[rank - 1])
        return false;
    return !stored || lg_physical_dim(type, lg_type_physical_rank(type) - 1).axis == rank - 1;
}

bool lg_tile_epilogues(const lg_function *function, const lg_op *op, int64_t panel, int64_t *starts)
{
    for (int i = 0; i < function->results.count; i++)
        if (!fits_panels(function->results.items[i], op, NULL, panel, true, &starts[i]))
            return false;
    return true;
}

// ---- sums over pixels

bool lg_is_pixel_sum(const lg_op *op)
{
    if (op->code != LG_OP_reduce_sum || op->operands[0]->type.rank != 4 ||
        op->results[0]->type.dtype != LG_F32)
        return false;
    const lg_attr *axes = lg_op_attr(op, LG_ATTR_axes);
    int first = axes->count == 2 ? 1 : 0;
    if (axes->count != 3 - first)
        return false;
    for (int i = 0; i < axes->count; i++)
        if (axes->as.ints[i] != first + i)
            return false;
    return true;
}

const lg_value *lg_summed_image(const lg_value *result)
{
    bool sum = result->kind == LG_VALUE_RESULT && lg_is_pixel_sum(result->op);
    return sum ? result->op->operands[0] : result;
}

bool lg_epilogue_is_sum(const lg_epilogue *e, const lg_function *function, int r)
{
    return e->images[r] != function->results.items[r];
}

static int64_t columns(const lg_value *value)
{
    return value->type.dims[value->type.rank - 1];
}

static bool find_ranges(const lg_value *const *results, int count, const lg_group *members,
                        const lg_op *op, int64_t panel, lg_epilogue *e)
{
    if (count > LG_MAX_EPILOGUE_RESULTS)
        return false;
    *e = (lg_epilogue){.count = count};
    for (int i = 0; i < count; i++) {
        e->images[i] = lg_summed_image(results[i]);
        bool sum = e->images[i] != results[i];
        if (!fits_panels(e->images[i], op, members, panel, !sum, &e->starts[i]))
            return false;
        e->first[i] = i;
        for (int j = i - 1; j >= 0; j--)
            if (e->starts[j] == e->starts[i] && columns(e->images[j]) == columns(e->images[i]))
                e->first[i] = j;
    }
    return true;
}

bool lg_epilogue_find(const lg_function *function, const lg_op *op, int64_t panel, lg_epilogue *e)
{
    return find_ranges((const lg_value *const *)function->results.items, function->results.count,
                       NULL, op, panel, e);
}

static bool are_apart(const lg_epilogue *e, int a, int b)
{
    return e->starts[a] + columns(e->images[a]) <= e->starts[b] ||
           e->starts[b] + columns(e->images[b]) <= e->starts[a];
}

bool lg_epilogue_suits(const lg_group *members, const lg_value *const *results, int count,
                       const lg_op *op, int64_t panel)
{
    lg_epilogue e;
    if (!find_ranges(results, count, members, op, panel, &e))
        return false;
    for (int i = 0; i < count; i++)
        for (int j = 0; j < i; j++)
            if (e.first[i] != e.first[j] && !are_apart(&e, i, j))
                return false;
    return true;
}

int64_t lg_epilogue_panel(const lg_op *op, const lg_target *target)
{
    int64_t all = columns(op->results[0]);
    if (op->code == LG_OP_matmul)
        return lg_tile_panel(lg_tile_choose(target, all));
    if (op->code == LG_OP_winograd_conv2d)
        return lg_winograd_panel(target, all);
    int64_t narrowest = op->code == LG_OP_split_conv2d ? LG_MATRIX_SIDE : target->lanes;
    return lg_op_int(op, LG_ATTR_groups) > 1 ? all : narrowest;
}

int lg_epilogue_ranges(const lg_epilogue *e)
{
    int ranges = 0;
    for (int i = 0; i < e->count; i++)
        ranges += e->first[i] == i;
    return ranges;
}

void lg_epilogue_begin(lg_schedule *s, lg_epilogue *e, int64_t parts)
{
    for (int i = 0; i < e->count; i++) {
        lg_kbuffer *result = lg_schedule_result(s, i);
        result->scope = LG_SCOPE_OUT; // also of a result that is summed: that reads no memory
        if (!lg_epilogue_is_sum(e, s->function, i))
            continue;
        const lg_type *type = &e->images[i]->type;
        int64_t lanes = s->target->lanes, channels = lg_ceil_div(type->dims[3], lanes) * lanes;
        e->sums[i] = lg_k_alloc(&s->k, "sums", LG_SCOPE_TILE, LG_F32, 1, 1, &channels);
        int64_t rows[] = {type->dims[0], parts, 1, type->dims[3]};
        result->rank = 4;
        memcpy(result->dims, rows, sizeof rows);
    }
}

static void clear_sums(lg_kbuilder *k, lg_kbuffer *sums, lg_kx *channel, int64_t count,
                       int64_t lanes)
{
    for (int64_t c = 0; c < count; c += lanes) {
        lg_kx *at = lg_kx_addi(k, channel, c);
        lg_k_store(k, sums, &at, (int)(count - c < lanes ? count - c : lanes), lg_kx_float(k, 0));
    }
}

void lg_epilogue_clear(lg_schedule *s, const lg_epilogue *e, int r, lg_kx *channel, int64_t count)
{
    for (int i = r; i < e->count; i++)
        if (e->first[i] == r && e->sums[i])
            clear_sums(&s->k, e->sums[i], channel, count, s->target->lanes);
}

static void add_to_sums(lg_kbuilder *k, lg_kbuffer *sums, lg_kx *channel, int lanes, lg_kx *element)
{
    lg_kx *before = lg_kx_load(k, sums, &channel, lanes);
    lg_k_store(k, sums, &channel, lanes, lg_kx_apply(k, LG_S_ADD, before, element, NULL));
}

void lg_epilogue_store(lg_schedule *s, const lg_epilogue *e, lg_tile_state *state, int r,
                       const lg_index *at, int valid, int lanes)
{
    int mark = lg_tensor_mark(&s->ctx);
    s->ctx.schedule = state;
    for (int i = r; i < e->count; i++) {
        if (e->first[i] != r)
            continue;
        lg_kx *element = lg_element(&s->ctx, e->images[i], at, valid);
        if (e->sums[i])
            add_to_sums(&s->k, e->sums[i], at[3].base, valid, element);
        else
            store_vector(s, i, at, valid, lanes, element);
    }
    lg_tensor_forget(&s->ctx, mark);
}

// ---- what stores will want

// Does it lie in vectors of channels, element by element where the range of `r` is stored?
static bool lies_as(const lg_epilogue *e, const lg_type *type, int r)
{
    return e->starts[r] == 0 && lg_shape_equal(type, &e->images[r]->type) &&
           type->dtype == LG_F32 &&
           lg_physical_dim(type, lg_type_physical_rank(type) - 1).axis == type->rank - 1;
}

static bool is_read(const lg_epilogue *e, const lg_op *op, const lg_value *argument, int r)
{
    return argument != op->operands[0] && argument != op->operands[1] &&
           lies_as(e, &argument->type, r);
}

int lg_epilogue_far_images(const lg_schedule *s, const lg_epilogue *e, const lg_op *op, int r)
{
    int reads = 0, writes = 0;
    for (int i = 0; i < s->function->arguments.count; i++)
        reads += is_read(e, op, s->function->arguments.items[i], r);
    for (int i = 0; i < e->count; i++)
        writes += e->first[i] == r && !e->sums[i] && lies_as(e, &e->images[i]->type, r);
    return reads && lg_type_bytes(&e->images[r]->type) > s->target->l2 ? reads + writes : 0;
}

void lg_epilogue_prefetch(lg_schedule *s, const lg_epilogue *e, const lg_op *op, int r,
                          const lg_index *at, int lanes)
{
    for (int i = 0; i < s->function->arguments.count; i++) {
        const lg_value *argument = s->function->arguments.items[i];
        if (is_read(e, op, argument, r))
            lg_prefetch_element(&s->k, s->ctx.bindings[argument->id].buffer, &argument->type, 0, at,
                                lanes);
    }
    for (int i = 0; i < e->count; i++)
        if (e->first[i] == r && !e->sums[i] && lies_as(e, &e->images[i]->type, r))
            lg_prefetch_element(&s->k, lg_schedule_result(s, i), &e->images[i]->type, 0, at, lanes);
}

void lg_epilogue_flush(lg_schedule *s, const lg_epilogue *e, int r, lg_kx *image, lg_kx *part,
                       lg_kx *channel, int64_t count)
{
    lg_kbuilder *k = &s->k;
    int64_t width = s->target->lanes;
    for (int i = r; i < e->count; i++) {
        if (e->first[i] != r || !e->sums[i])
            continue;
        for (int64_t c = 0; c < count; c += width) {
            int lanes = (int)(count - c < width ? count - c : width);
            lg_kx *at = lg_kx_addi(k, channel, c);
            lg_kx *row[] = {image, part, lg_kx_int(k, 0), at};
            lg_k_store(k, lg_schedule_result(s, i), row, lanes,
                       lg_kx_load(k, e->sums[i], &at, lanes));
        }
    }
}

static void zero_borders_of(lg_schedule *s, int r, const lg_image_part *part)
{
    lg_kbuilder *k = &s->k;
    const lg_type *type = &s->function->results.items[r]->type;
    lg_range ranges[LG_MAX_PHYSICAL];
    lg_ranges_whole(k, type, ranges);
    for (int d = 0; d < lg_type_physical_rank(type); d++) {
        lg_layout_dim dim = lg_physical_dim(type, d);
        int64_t each = lg_physical_interior(type, d) / part->splits;
        if (dim.axis < 3)
            ranges[d] = part->axes[dim.axis];
        else if (dim.part == LG_PART_OUTER && part->splits > 1)
            ranges[d] = (lg_range){lg_kx_muli(k, part->split, each),
                                   lg_kx_muli(k, lg_kx_addi(k, part->split, 1), each)};
    }
    lg_nest_zero_borders(k, lg_schedule_result(s, r), type, ranges, s->target->lanes);
}

void lg_epilogue_zero_borders(lg_schedule *s, const lg_epilogue *e, const lg_image_part *part)
{
    for (int r = 0; r < e->count; r++)
        if (!e->sums[r])
            zero_borders_of(s, r, part);
}

lg_type lg_written_type(const lg_kernel *kernel, const lg_function *function, int r)
{
    const lg_value *value = function->results.items[r];
    const lg_kbuffer *buffer = kernel->params.items[function->arguments.count + r];
    lg_type type = value->type;
    int64_t elements = 1;
    for (int d = 0; d < buffer->rank; d++)
        elements *= buffer->dims[d];
    bool parts = value->kind == LG_VALUE_RESULT &&
                 (lg_summed_image(value) != value || value->op->code == LG_OP_conv2d_filter_grad);
    if (!parts || elements == lg_type_elements(&type))
        return type;
    type.layout = NULL;
    type.rank = buffer->rank;
    memcpy(type.dims, buffer->dims, sizeof type.dims[0] * (size_t)buffer->rank);
    return type;
}
