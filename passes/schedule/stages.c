// A kernel function is computed in stages: a value that is needed more than once, or by something
// that does not read it element by element, is kept in a buffer; everything else is computed where
// it is used.
#include "passes/outline.h"
#include "passes/schedule/schedule.h"

#include <assert.h>

int lg_result_index(const lg_function *function, const lg_value *value)
{
    for (int i = 0; i < function->results.count; i++)
        if (function->results.items[i] == value)
            return i;
    return -1;
}

lg_kbuffer *lg_schedule_result(const lg_schedule *s, int i)
{
    return s->kernel->params.items[s->function->arguments.count + i];
}

static bool is_class(const lg_value *value, lg_op_class class)
{
    return value->kind == LG_VALUE_RESULT && lg_op_info_of(value->op->code)->class == class;
}

// Reads through movements that only map indices down to what is really computed.
static const lg_value *behind_movements(const lg_value *value)
{
    while (is_class(value, LG_CLASS_MOVEMENT) && value->op->operand_count == 1)
        value = value->op->operands[0];
    return value;
}

// May one iteration hold it? The leading axis, at least, is not in it.
static bool fits(const lg_schedule *s, const lg_value *v)
{
    int64_t elements = lg_type_elements(&v->type);
    return (v->type.rank ? elements / v->type.dims[0] : elements) * 4 <= s->target->tile_memory;
}

static int64_t largest_result(const lg_function *f)
{
    int64_t largest = 0;
    for (int i = 0; i < f->results.count; i++) {
        int64_t size = lg_type_elements(&f->results.items[i]->type);
        largest = size > largest ? size : largest;
    }
    return largest;
}

// Operands of contractions are read many times an element.
static void mark_contraction_operands(const lg_function *f, bool *keep)
{
    LG_FOR_OPS (op, f) {
        if (lg_op_info_of(op->code)->class != LG_CLASS_CONTRACTION)
            continue;
        for (int i = 0; i < op->operand_count; i++) {
            const lg_value *from = behind_movements(op->operands[i]);
            if (from->kind == LG_VALUE_RESULT && !is_class(from, LG_CLASS_SOURCE))
                keep[from->id] = true;
        }
    }
}

// Reductions and contractions whose elements would be computed again and again, and elementwise
// values that are used more than once beside one.
static void mark_repeated(const lg_schedule *s, bool *keep)
{
    const lg_function *f = s->function;
    int64_t largest = largest_result(f);
    bool reduces = false;
    LG_FOR_OPS (op, f) {
        lg_op_class class = lg_op_info_of(op->code)->class;
        if (class != LG_CLASS_REDUCTION && class != LG_CLASS_CONTRACTION &&
            op->code != LG_OP_scatter_add)
            continue;
        const lg_value *v = op->results[0];
        reduces = true;
        if (!fits(s, v)) // computed again where it is used, rather than not at all
            continue;
        // A matrix product is kept so that it can be tiled; another contraction that is read once
        // stays inside its epilogue.
        if (s->ctx.uses[v->id] > 1 || lg_type_elements(&v->type) < largest || lg_tile_suits(s, v))
            keep[v->id] = true;
    }
    LG_FOR_OPS (op, f) {
        const lg_value *v = op->results[0];
        // Formulas of indices (lg_is_duplicated) are cheap, and a stage of them has no axis to be
        // split along: it would make the whole kernel serial.
        if (lg_op_info_of(op->code)->class == LG_CLASS_ELEMENTWISE && s->ctx.uses[v->id] > 1 &&
            reduces && fits(s, v) && !lg_is_duplicated(v))
            keep[v->id] = true;
    }
}

// ---- leading axes over which stages are independent

enum { ANY = LG_MAX_RANK + 1 }; // depends on arguments only

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int common_prefix(const lg_type *a, const lg_type *b)
{
    int n = 0;
    while (n < a->rank && n < b->rank && a->dims[n] == b->dims[n])
        n++;
    return n;
}

static int movement_prefix(const lg_op *op)
{
    const lg_type *from = &op->operands[0]->type, *to = &op->results[0]->type;
    int n = common_prefix(from, to);
    switch (op->code) {
    case LG_OP_transpose:
        for (int a = 0; a < n; a++)
            if (lg_op_int_at(op, LG_ATTR_perm, a) != a)
                return a;
        return n;
    case LG_OP_reverse:
        return least(n, (int)lg_op_attr(op, LG_ATTR_axes)->as.ints[0]);
    case LG_OP_concat:
    case LG_OP_gather:
    case LG_OP_scatter_add:
        return least(n, (int)lg_op_int(op, LG_ATTR_axis));
    case LG_OP_slice:
        for (int a = 0; a < n; a++)
            if (lg_op_int_at(op, LG_ATTR_step, a) != 1)
                return a;
        return n;
    default:
        return n;
    }
}

static int contraction_prefix(const lg_op *op, int operand)
{
    if (op->code != LG_OP_matmul)
        return op->code == LG_OP_conv2d_filter_grad ? 0 : operand == 0;
    const lg_type *from = &op->operands[operand]->type, *to = &op->results[0]->type;
    int batch = to->rank - 2, n = 0;
    while (n < batch && from->dims[n] == to->dims[n])
        n++;
    if (n == batch && operand == 0 && !lg_op_int(op, LG_ATTR_ta))
        n++;
    return n;
}

// Up to which leading axis an element of the op's result depends on elements of operand `i` at the
// same leading indices only.
static int prefix_of(const lg_op *op, int i)
{
    switch (lg_op_info_of(op->code)->class) {
    case LG_CLASS_ELEMENTWISE:
        return op->results[0]->type.rank;
    case LG_CLASS_REDUCTION:
        return op->code == LG_OP_argmax ? (int)lg_op_int(op, LG_ATTR_axis)
                                        : (int)lg_op_attr(op, LG_ATTR_axes)->as.ints[0];
    case LG_CLASS_CONTRACTION:
        return contraction_prefix(op, i);
    default:
        return movement_prefix(op);
    }
}

static int leading_axes(const lg_schedule *s, const lg_stages *stages, const bool *keep)
{
    const lg_function *f = s->function;
    int count = 0;
    LG_FOR_OPS (op, f)
        for (int i = 0; i < op->result_count; i++)
            count = op->results[i]->id + 1 > count ? op->results[i]->id + 1 : count;
    int *aligned = LG_NEW_ARRAY(s->scratch, int, count);
    for (int i = 0; i < f->arguments.count; i++)
        aligned[f->arguments.items[i]->id] = ANY;
    int lead = LG_MAX_RANK;
    LG_FOR_OPS (op, f) {
        int own = ANY;
        for (int i = 0; i < op->operand_count; i++) {
            int from = aligned[op->operands[i]->id];
            if (from != ANY)
                own = least(own, least(from, prefix_of(op, i)));
        }
        int id = op->results[0]->id;
        if (keep[id]) {
            lead = least(lead, own);
            own = least(own, op->results[0]->type.rank);
        }
        aligned[id] = own;
    }
    assert(stages->kept.items && "a kernel has results");
    const lg_type *first = &stages->kept.items[0]->type;
    for (int i = 0; i < stages->kept.count; i++)
        lead = least(lead, common_prefix(first, &stages->kept.items[i]->type));
    return lead;
}

// ---- shared memory

// A block of a GPU has little memory, and no other to go to: of values that do not fit the largest
// is computed again where it is used. True if there was one to give up.
static bool give_up_largest(const lg_schedule *s, const lg_stages *stages, bool *keep)
{
    const lg_value *largest = NULL;
    int64_t total = 0, most = -1;
    for (int i = 0; i < stages->kept.count; i++) {
        const lg_value *v = stages->kept.items[i];
        if (lg_result_index(s->function, v) >= 0) // has memory of its own
            continue;
        int64_t bytes = lg_dtype_bytes(lg_compute_dtype(v->type.dtype));
        for (int a = stages->lead; a < v->type.rank; a++)
            bytes *= v->type.dims[a];
        total += bytes;
        if (bytes > most) {
            most = bytes;
            largest = v;
        }
    }
    if (!largest || total <= s->target->tile_memory)
        return false;
    keep[largest->id] = false;
    return true;
}

static void collect(const lg_schedule *s, lg_stages *stages, const bool *keep)
{
    *stages = (lg_stages){0};
    LG_FOR_OPS (op, s->function) {
        const lg_value *v = op->results[0];
        if (keep[v->id])
            LG_PUSH(s->scratch, &stages->kept, v);
    }
    stages->lead = leading_axes(s, stages, keep);
}

void lg_stages_find(const lg_schedule *s, lg_stages *stages)
{
    const lg_function *f = s->function;
    int count = f->arguments.count;
    LG_FOR_OPS (op, f)
        count += op->result_count;
    bool *keep = LG_NEW_ARRAY(s->scratch, bool, count);
    mark_contraction_operands(f, keep);
    mark_repeated(s, keep);
    for (int i = 0; i < f->results.count; i++)
        keep[f->results.items[i]->id] = true;
    do
        collect(s, stages, keep);
    while (s->target->kind == LG_TARGET_CUDA && give_up_largest(s, stages, keep));
}

lg_kbuffer *lg_stage_buffer(lg_schedule *s, const lg_value *value, lg_scope scope, int lead,
                            int *dropped)
{
    int result = lg_result_index(s->function, value);
    *dropped = 0;
    lg_kbuffer *buffer;
    if (result >= 0) {
        buffer = lg_schedule_result(s, result);
    } else {
        *dropped = lead;
        buffer = lg_k_alloc(&s->k, "t", scope, lg_compute_dtype(value->type.dtype), 1,
                            value->type.rank - lead, value->type.dims + lead);
    }
    return buffer;
}
