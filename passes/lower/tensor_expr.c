// Elements of values: elementwise ops expand their row, movements map the index, buffers are read.
#include "passes/lower/tensor_expr.h"

#include <assert.h>
#include <string.h>

static void number(int *next, lg_value *value)
{
    value->id = (*next)++;
}

void lg_tensor_begin(lg_tensor_context *ctx, lg_kbuilder *k, lg_arena *scratch,
                     const lg_target *target, const lg_function *function)
{
    *ctx = (lg_tensor_context){.k = k, .scratch = scratch, .target = target, .function = function};
    int count = 0;
    for (int i = 0; i < function->arguments.count; i++)
        number(&count, function->arguments.items[i]);
    LG_FOR_OPS (op, function)
        for (int i = 0; i < op->result_count; i++)
            number(&count, op->results[i]);
    ctx->bindings = LG_NEW_ARRAY(scratch, lg_binding, count);
    ctx->uses = LG_NEW_ARRAY(scratch, int, count);
    LG_FOR_OPS (op, function)
        for (int i = 0; i < op->operand_count; i++)
            ctx->uses[op->operands[i]->id]++;
}

void lg_tensor_bind(lg_tensor_context *ctx, const lg_value *value, lg_kbuffer *buffer, int dropped)
{
    lg_binding *b = &ctx->bindings[value->id];
    b->buffer = buffer;
    b->type = value->type;
    b->dropped = dropped;
}

int lg_tensor_mark(const lg_tensor_context *ctx)
{
    return ctx->remembered.count;
}

void lg_tensor_forget(lg_tensor_context *ctx, int mark)
{
    ctx->remembered.count = mark;
}

// ---- index maps of movements

// Row-major strides of a shape.
static void strides_of(const lg_type *type, int64_t *strides)
{
    int64_t stride = 1;
    for (int a = type->rank - 1; a >= 0; a--) {
        strides[a] = stride;
        stride *= type->dims[a];
    }
}

// The axis of `from` along which neighbours are neighbours along `axis` of `to`, or -1: the two
// shapes hold the same elements in row-major order.
static int reshaped_axis(const lg_type *to, int axis, const lg_type *from)
{
    int64_t to_strides[LG_MAX_RANK], from_strides[LG_MAX_RANK];
    strides_of(to, to_strides);
    strides_of(from, from_strides);
    for (int a = 0; a < from->rank; a++)
        if (from_strides[a] == to_strides[axis] && from->dims[a] % to->dims[axis] == 0 &&
            from->dims[a] > 1)
            return a;
    return -1;
}

static void map_reshape(lg_kbuilder *k, const lg_type *to, const lg_type *from,
                        const lg_index *index, lg_index *mapped)
{
    int same = 0; // trailing axes that both shapes share pass unchanged
    while (same < to->rank && same < from->rank &&
           to->dims[to->rank - 1 - same] == from->dims[from->rank - 1 - same])
        same++;
    int64_t strides[LG_MAX_RANK];
    strides_of(to, strides);
    int64_t inner = same < to->rank ? strides[to->rank - 1 - same] : 1;
    lg_kx *linear = lg_kx_int(k, 0);
    int lane_axis = -1;
    for (int a = 0; a < to->rank - same; a++) {
        linear = lg_kx_add(k, linear, lg_kx_muli(k, index[a].base, strides[a] / inner));
        if (index[a].step)
            lane_axis = reshaped_axis(to, a, from);
    }
    for (int a = from->rank - same - 1; a >= 0; a--) {
        int64_t size = from->dims[a];
        mapped[a] = lg_index_of(a ? lg_kx_modi(k, linear, size) : linear);
        linear = lg_kx_divi(k, linear, size);
    }
    for (int i = 1; i <= same; i++)
        mapped[from->rank - i] = index[to->rank - i];
    for (int a = 0; lane_axis >= 0 && a < to->rank - same; a++)
        if (index[a].step)
            mapped[lane_axis].step = index[a].step;
}

// The index into operand 0 of a movement that only renames indices.
static void map_movement(lg_kbuilder *k, const lg_op *op, const lg_index *index, lg_index *mapped)
{
    const lg_type *from = &op->operands[0]->type, *to = &op->results[0]->type;
    if (op->code == LG_OP_reshape) {
        map_reshape(k, to, from, index, mapped);
        return;
    }
    for (int a = 0; a < from->rank; a++) {
        switch (op->code) {
        case LG_OP_transpose:
            mapped[lg_op_int_at(op, LG_ATTR_perm, a)] = index[a];
            break;
        case LG_OP_broadcast:
            mapped[a] = from->dims[a] == 1 ? lg_index_int(k, 0) : index[a];
            break;
        case LG_OP_slice: {
            int64_t step = lg_op_int_at(op, LG_ATTR_step, a);
            mapped[a].base = lg_kx_addi(k, lg_kx_muli(k, index[a].base, step),
                                        lg_op_int_at(op, LG_ATTR_start, a));
            mapped[a].step = index[a].step * step;
            break;
        }
        default: // cast, relayout
            mapped[a] = index[a];
        }
    }
}

static void map_reverse(lg_kbuilder *k, const lg_op *op, const lg_index *index, lg_index *mapped)
{
    const lg_attr *axes = lg_op_attr(op, LG_ATTR_axes);
    memcpy(mapped, index, sizeof(lg_index) * (size_t)op->results[0]->type.rank);
    for (int i = 0; i < axes->count; i++) {
        int a = (int)axes->as.ints[i];
        mapped[a].base = lg_kx_add(k, lg_kx_int(k, op->results[0]->type.dims[a] - 1),
                                   lg_kx_muli(k, index[a].base, -1));
        mapped[a].step = -index[a].step;
    }
}

// ---- movements that choose

static lg_kx *both(lg_kbuilder *k, lg_kx *a, lg_kx *b)
{
    return a ? lg_kx_apply(k, LG_S_AND, a, b, NULL) : b;
}

// 0 <= at < size, or NULL where that is known.
static lg_kx *in_range(lg_kbuilder *k, lg_kx *at, int64_t size)
{
    int64_t low, high;
    lg_kx_range(at, &low, &high);
    lg_kx *inside = NULL;
    if (low < 0)
        inside = lg_kx_apply(k, LG_S_GE, at, lg_kx_int(k, 0), NULL);
    if (high >= size)
        inside = both(k, inside, lg_kx_apply(k, LG_S_LT, at, lg_kx_int(k, size), NULL));
    return inside;
}

static bool is_outside(const lg_kx *at, int64_t size)
{
    int64_t low, high;
    lg_kx_range(at, &low, &high);
    return high < 0 || low >= size;
}

static lg_kx *clamp(lg_kbuilder *k, lg_kx *at, int64_t size)
{
    int64_t low, high;
    lg_kx_range(at, &low, &high);
    if (low < 0)
        at = lg_kx_apply(k, LG_S_MAX, at, lg_kx_int(k, 0), NULL);
    if (high >= size)
        at = lg_kx_apply(k, LG_S_MIN, at, lg_kx_int(k, size - 1), NULL);
    return at;
}

static lg_kx *pad_element(lg_tensor_context *ctx, const lg_op *op, const lg_index *index, int lanes)
{
    lg_kbuilder *k = ctx->k;
    const lg_type *from = &op->operands[0]->type;
    lg_index mapped[LG_MAX_RANK] = {0};
    lg_kx *inside = NULL, *outside = lg_kx_number(k, lg_compute_dtype(from->dtype),
                                                  lg_op_number(op, LG_ATTR_value));
    for (int a = 0; a < from->rank; a++) {
        lg_kx *at = lg_kx_addi(k, index[a].base, -lg_op_int_at(op, LG_ATTR_low, a));
        int64_t distance = lg_op_int_at(op, LG_ATTR_interior, a) + 1;
        if (distance > 1 && from->dims[a] > 1) {
            lg_kx *rest = lg_kx_modi(k, at, distance);
            inside = both(k, inside, lg_kx_apply(k, LG_S_EQ, rest, lg_kx_int(k, 0), NULL));
            at = lg_kx_divi(k, at, distance);
        }
        if (is_outside(at, from->dims[a]))
            return outside;
        // Vectors end where zeros do (passes/lower/cuts.h): their first element speaks for all.
        bool whole = index[a].step && from->dims[a] == op->results[0]->type.dims[a];
        lg_kx *range = whole ? NULL : in_range(k, at, from->dims[a]);
        if (range)
            inside = both(k, inside, range);
        // Reads stay inside also where the value is not used.
        mapped[a] = (lg_index){range ? clamp(k, at, from->dims[a]) : at, index[a].step};
    }
    lg_kx *element = lg_element(ctx, op->operands[0], mapped, lanes);
    if (!inside)
        return element;
    return lg_kx_apply(k, LG_S_SELECT, inside, element, outside);
}

static lg_kx *concat_element(lg_tensor_context *ctx, const lg_op *op, const lg_index *index,
                             int lanes)
{
    lg_kbuilder *k = ctx->k;
    int axis = (int)lg_op_int(op, LG_ATTR_axis);
    lg_index mapped[LG_MAX_RANK];
    memcpy(mapped, index, sizeof(lg_index) * (size_t)op->results[0]->type.rank);
    int64_t low, high, begin = op->results[0]->type.dims[axis];
    lg_kx_range(index[axis].base, &low, &high);
    lg_kx *element = NULL;
    for (int i = op->operand_count - 1; i >= 0; i--) { // from the last: select() nests that way
        int64_t size = op->operands[i]->type.dims[axis], end = begin;
        begin -= size;
        if (high < begin || low >= end)
            continue;
        lg_kx *at = lg_kx_addi(k, index[axis].base, -begin);
        mapped[axis].base = clamp(k, at, size);
        lg_kx *part = lg_element(ctx, op->operands[i], mapped, lanes);
        element =
            !element
                ? part
                : lg_kx_apply(k, LG_S_SELECT,
                              lg_kx_apply(k, LG_S_LT, index[axis].base, lg_kx_int(k, end), NULL),
                              part, element);
    }
    return element;
}

static lg_kx *gather_element(lg_tensor_context *ctx, const lg_op *op, const lg_index *index,
                             int lanes)
{
    int axis = (int)lg_op_int(op, LG_ATTR_axis);
    const lg_type *from = &op->operands[0]->type;
    assert(index[axis].step == 0);
    lg_kx *chosen = lg_kx_cast(ctx->k, LG_I64, lg_element(ctx, op->operands[1], &index[axis], 1));
    lg_index mapped[LG_MAX_RANK];
    memcpy(mapped, index, sizeof(lg_index) * (size_t)from->rank);
    mapped[axis] = lg_index_of(clamp(ctx->k, chosen, from->dims[axis]));
    return lg_element(ctx, op->operands[0], mapped, lanes);
}

// ---- sources

// base + step * lane, a vector where it has to be.
static lg_kx *lane_values(lg_kbuilder *k, lg_kx *base, int64_t step, int lanes)
{
    if (!step || lanes == 1)
        return base;
    lg_kx *lane = lg_kx_lanes(k, lanes);
    if (step != 1)
        lane = lg_kx_apply(k, LG_S_MUL, lane, lg_kx_int(k, step), NULL);
    return lg_kx_apply(k, LG_S_ADD, lane, base, NULL);
}

// A list becomes a chain of choices, one where the number changes.
static lg_kx *constant_element(lg_tensor_context *ctx, const lg_op *op, const lg_index *index,
                               int lanes)
{
    lg_kbuilder *k = ctx->k;
    const lg_type *type = &op->results[0]->type;
    lg_dtype dtype = lg_compute_dtype(type->dtype);
    const lg_attr *values = lg_op_attr(op, LG_ATTR_values);
    if (!values)
        return lg_kx_number(k, dtype, lg_op_number(op, LG_ATTR_value));
    int64_t strides[LG_MAX_RANK], step = 0;
    strides_of(type, strides);
    lg_kx *linear = lg_kx_int(k, 0);
    for (int a = 0; a < type->rank; a++) {
        linear = lg_kx_add(k, linear, lg_kx_muli(k, index[a].base, strides[a]));
        step += index[a].step * strides[a];
    }
    linear = lane_values(k, linear, step, lanes);
    const double *numbers = values->as.numbers;
    lg_kx *element = lg_kx_number(k, dtype, numbers[values->count - 1]);
    for (int i = values->count - 2; i >= 0; i--)
        if (numbers[i] != numbers[i + 1])
            element =
                lg_kx_apply(k, LG_S_SELECT, lg_kx_apply(k, LG_S_LE, linear, lg_kx_int(k, i), NULL),
                            lg_kx_number(k, dtype, numbers[i]), element);
    return element;
}

static lg_kx *iota_element(lg_tensor_context *ctx, const lg_op *op, const lg_index *index,
                           int lanes)
{
    lg_kbuilder *k = ctx->k;
    lg_index at = index[lg_op_int(op, LG_ATTR_axis)];
    lg_kx *element = lane_values(k, at.base, at.step, lanes);
    return lg_kx_cast(k, lg_compute_dtype(op->results[0]->type.dtype), element);
}

// ---- elements

// A u8 is computed in i32: what does not fit wraps, also where it goes on without a store between.
static lg_kx *wrapped(lg_kbuilder *k, lg_dtype dtype, lg_kx *x)
{
    return dtype == LG_U8 ? lg_kx_apply(k, LG_S_AND, x, lg_kx_integer(k, LG_I32, 255), NULL) : x;
}

// Floats saturate at the ends of an integer type, integers wrap.
static lg_kx *cast_element(lg_kbuilder *k, lg_dtype from, lg_dtype to, lg_kx *x)
{
    lg_kx *number = lg_kx_cast(k, lg_compute_dtype(to), x);
    if (to != LG_U8 || !lg_dtype_is_float(from))
        return wrapped(k, to, number);
    number = lg_kx_apply(k, LG_S_MAX, number, lg_kx_integer(k, LG_I32, 0), NULL);
    return lg_kx_apply(k, LG_S_MIN, number, lg_kx_integer(k, LG_I32, 255), NULL);
}

void lg_bf16_parts(lg_kbuilder *k, lg_kx *x, int parts, lg_kx **rounded)
{
    lg_kx *rest = lg_k_let(k, "rest", x);
    for (int i = 0; i < parts; i++) {
        rounded[i] = lg_k_let(k, "part", lg_kx_apply(k, LG_S_BF16, rest, NULL, NULL));
        if (i < parts - 1)
            rest = lg_k_let(k, "rest", lg_kx_apply(k, LG_S_SUB, rest, rounded[i], NULL));
    }
}

static lg_kx *split_element(lg_tensor_context *ctx, const lg_op *op, const lg_index *index,
                            int lanes)
{
    lg_kbuilder *k = ctx->k;
    int parts = (int)op->results[0]->type.dims[0];
    lg_kx *rounded[LG_MOST_PARTS] = {0};
    lg_bf16_parts(k, lg_element(ctx, op->operands[0], index + 1, lanes), parts, rounded);
    lg_kx *element = rounded[parts - 1];
    for (int i = parts - 2; i >= 0; i--)
        element = lg_kx_apply(k, LG_S_SELECT,
                              lg_kx_apply(k, LG_S_LE, index[0].base, lg_kx_int(k, i), NULL),
                              rounded[i], element);
    return element;
}

static lg_kx *elementwise_element(lg_tensor_context *ctx, const lg_op *op, const lg_index *index,
                                  int lanes)
{
    lg_kx *args[3] = {0};
    for (int i = 0; i < op->operand_count; i++)
        args[i] = lg_element(ctx, op->operands[i], index, lanes);
    const lg_value *last = op->operands[op->operand_count - 1];
    return wrapped(
        ctx->k, op->results[0]->type.dtype,
        lg_expand_elementwise(ctx->k, op->code, lg_compute_dtype(last->type.dtype), args));
}

static lg_kx *op_element(lg_tensor_context *ctx, const lg_op *op, const lg_index *index, int lanes)
{
    lg_index mapped[LG_MAX_RANK] = {0};
    switch (op->code) {
    case LG_OP_constant:
        return constant_element(ctx, op, index, lanes);
    case LG_OP_iota:
        return wrapped(ctx->k, op->results[0]->type.dtype, iota_element(ctx, op, index, lanes));
    case LG_OP_pad:
        return pad_element(ctx, op, index, lanes);
    case LG_OP_concat:
        return concat_element(ctx, op, index, lanes);
    case LG_OP_gather:
        return gather_element(ctx, op, index, lanes);
    case LG_OP_split:
        return split_element(ctx, op, index, lanes);
    case LG_OP_reverse:
        map_reverse(ctx->k, op, index, mapped);
        return lg_element(ctx, op->operands[0], mapped, lanes);
    case LG_OP_cast:
        map_movement(ctx->k, op, index, mapped);
        return cast_element(ctx->k, op->operands[0]->type.dtype, op->results[0]->type.dtype,
                            lg_element(ctx, op->operands[0], mapped, lanes));
    case LG_OP_reshape:
    case LG_OP_transpose:
    case LG_OP_broadcast:
    case LG_OP_slice:
    case LG_OP_relayout:
        map_movement(ctx->k, op, index, mapped);
        return lg_element(ctx, op->operands[0], mapped, lanes);
    default:
        if (lg_op_info_of(op->code)->class == LG_CLASS_ELEMENTWISE)
            return elementwise_element(ctx, op, index, lanes);
        return wrapped(ctx->k, op->results[0]->type.dtype,
                       lg_reduce_element(ctx, op, index, lanes));
    }
}

static lg_kx *recall(const lg_tensor_context *ctx, const lg_value *value, const lg_index *index,
                     int lanes)
{
    for (int i = ctx->remembered.count - 1; i >= 0; i--) {
        const lg_remembered *r = &ctx->remembered.items[i];
        bool same = r->value == value && r->lanes == lanes;
        for (int a = 0; same && a < value->type.rank; a++)
            same = r->index[a].base == index[a].base && r->index[a].step == index[a].step;
        if (same)
            return r->element;
    }
    return NULL;
}

static bool is_result(const lg_tensor_context *ctx, const lg_value *value)
{
    const lg_function *f = ctx->function;
    for (int i = 0; i < f->results.count; i++)
        if (f->results.items[i] == value)
            return true;
    return false;
}

// Worth a name: computed by arithmetic and used more than once.
static bool worth_a_let(const lg_tensor_context *ctx, const lg_value *value)
{
    if (value->kind != LG_VALUE_RESULT || ctx->uses[value->id] + is_result(ctx, value) < 2)
        return false;
    lg_op_class class = lg_op_info_of(value->op->code)->class;
    return class == LG_CLASS_ELEMENTWISE || class == LG_CLASS_REDUCTION ||
           class == LG_CLASS_CONTRACTION;
}

lg_kx *lg_element(lg_tensor_context *ctx, const lg_value *value, const lg_index *index, int lanes)
{
    const lg_binding *b = &ctx->bindings[value->id];
    if (b->element)
        return b->element(ctx, value, index, lanes);
    if (b->buffer)
        return lg_load_element(ctx->k, b->buffer, &b->type, b->dropped, index, lanes);
    assert(value->kind == LG_VALUE_RESULT && "every argument is bound");
    lg_kx *element = recall(ctx, value, index, lanes);
    if (element)
        return element;
    element = op_element(ctx, value->op, index, lanes);
    if (worth_a_let(ctx, value)) {
        element = lg_k_let(ctx->k, "v", element);
        lg_remembered r = {.value = value, .lanes = lanes, .element = element};
        memcpy(r.index, index, sizeof(lg_index) * (size_t)value->type.rank);
        LG_PUSH(ctx->scratch, &ctx->remembered, r);
    }
    return element;
}

// ---- which axes can carry lanes

static bool movement_has_lanes(const lg_tensor_context *ctx, const lg_op *op, int axis)
{
    const lg_value *from = op->operands[0];
    switch (op->code) {
    case LG_OP_broadcast:
        return lg_element_has_lanes(ctx, from, from->type.dims[axis] == 1 ? -1 : axis);
    case LG_OP_transpose:
        return lg_element_has_lanes(ctx, from, (int)lg_op_int_at(op, LG_ATTR_perm, axis));
    case LG_OP_reshape: {
        if (op->results[0]->type.dims[axis] == 1)
            return lg_element_has_lanes(ctx, from, -1);
        int mapped = reshaped_axis(&op->results[0]->type, axis, &from->type);
        return mapped >= 0 && lg_element_has_lanes(ctx, from, mapped);
    }
    case LG_OP_pad:
        return lg_op_int_at(op, LG_ATTR_low, axis) == 0 &&
               lg_op_int_at(op, LG_ATTR_high, axis) == 0 &&
               lg_op_int_at(op, LG_ATTR_interior, axis) == 0 &&
               lg_element_has_lanes(ctx, from, axis);
    case LG_OP_concat:
        if (lg_op_int(op, LG_ATTR_axis) == axis)
            return false;
        for (int i = 0; i < op->operand_count; i++)
            if (!lg_element_has_lanes(ctx, op->operands[i], axis))
                return false;
        return true;
    case LG_OP_gather:
        return lg_op_int(op, LG_ATTR_axis) != axis && lg_element_has_lanes(ctx, from, axis);
    case LG_OP_split:
        return axis > 0 && lg_element_has_lanes(ctx, from, axis - 1);
    case LG_OP_scatter_add:
        return lg_op_int(op, LG_ATTR_axis) != axis && lg_element_has_lanes(ctx, from, axis);
    case LG_OP_reverse: {
        const lg_attr *axes = lg_op_attr(op, LG_ATTR_axes);
        for (int i = 0; i < axes->count; i++)
            if (axes->as.ints[i] == axis)
                return false;
        return lg_element_has_lanes(ctx, from, axis);
    }
    default:
        return lg_element_has_lanes(ctx, from, axis);
    }
}

bool lg_element_has_lanes(const lg_tensor_context *ctx, const lg_value *value, int axis)
{
    const lg_binding *b = &ctx->bindings[value->id];
    if (axis < 0 || b->buffer || b->element)
        return true;
    const lg_op *op = value->op;
    switch (lg_op_info_of(op->code)->class) {
    case LG_CLASS_ELEMENTWISE:
        for (int i = 0; i < op->operand_count; i++)
            if (!lg_element_has_lanes(ctx, op->operands[i], axis))
                return false;
        return true;
    case LG_CLASS_SOURCE:
        return true;
    case LG_CLASS_MOVEMENT:
        return movement_has_lanes(ctx, op, axis);
    case LG_CLASS_REDUCTION:
        return op->code != LG_OP_argmax && lg_element_has_lanes(ctx, op->operands[0], axis);
    case LG_CLASS_CONTRACTION:
        return (op->code == LG_OP_matmul && axis == value->type.rank - 1) ||
               (op->code == LG_OP_winograd_filter && axis < 2 &&
                lg_element_has_lanes(ctx, op->operands[0], axis));
    default:
        return false;
    }
}
