// Expressions and addresses. An address is a sum of terms, each a loop variable (or what cannot be
// taken apart) times a constant, plus one constant: variables of outer loops come first, so that
// their partial sums leave the inner loops and are shared, and the constant ends up in the
// instruction.
#include "codegen/llvm_emit.h"

#include <assert.h>

enum { MAX_TERMS = 24 };

typedef struct term {
    LLVMValueRef value;
    int64_t factor;
    int depth; // highest variable in it: variables are numbered from the outermost loop in
} term;

typedef struct linear {
    int count;
    term terms[MAX_TERMS];
    int64_t constant;
} linear;

static int depth_of(const lg_kx *x)
{
    int depth = -1, args = 0;
    switch (x->kind) {
    case LG_KX_VAR:
        return x->as.var->id;
    case LG_KX_APPLY:
        args = lg_scalar_info_of(x->as.apply.fn)->arity;
        for (int i = 0; i < args; i++) {
            int inner = depth_of(x->as.apply.args[i]);
            depth = inner > depth ? inner : depth;
        }
        return depth;
    case LG_KX_CAST:
    case LG_KX_SUM:
    case LG_KX_MAXIMUM:
    case LG_KX_LOW:
        return depth_of(x->as.arg);
    case LG_KX_LOAD: // stays where it is
        return INT32_MAX;
    default:
        return depth;
    }
}

static LLVMValueRef term_value(lg_emitter *e, const term *t)
{
    if (t->factor == 1)
        return t->value;
    LLVMValueRef factor = LLVMConstInt(e->i64, (uint64_t)t->factor, true);
    return LLVMBuildNSWMul(e->builder, t->value, factor, "");
}

// The deepest term of a full sum takes in another.
static void merge_into_last(lg_emitter *e, linear *sum, const term *more)
{
    term *last = &sum->terms[MAX_TERMS - 1];
    last->value = LLVMBuildNSWAdd(e->builder, term_value(e, last), term_value(e, more), "");
    last->factor = 1;
    last->depth = INT32_MAX;
}

static void add_term(lg_emitter *e, linear *sum, LLVMValueRef value, int64_t factor, int depth)
{
    if (LLVMIsAConstantInt(value)) {
        sum->constant += LLVMConstIntGetSExtValue(value) * factor;
        return;
    }
    for (int i = 0; i < sum->count; i++)
        if (sum->terms[i].value == value) {
            sum->terms[i].factor += factor;
            return;
        }
    if (sum->count == MAX_TERMS) {
        merge_into_last(e, sum, &(term){value, factor, depth});
        return;
    }
    int at = sum->count++;
    for (; at > 0 && sum->terms[at - 1].depth > depth; at--)
        sum->terms[at] = sum->terms[at - 1];
    sum->terms[at] = (term){value, factor, depth};
}

static void add_linear(lg_emitter *e, linear *sum, const lg_kx *x, int64_t factor)
{
    if (x->kind == LG_KX_INT) {
        sum->constant += x->as.integer * factor;
        return;
    }
    if (x->kind == LG_KX_APPLY) {
        lg_kx *const *args = x->as.apply.args;
        lg_scalar fn = x->as.apply.fn;
        if (fn == LG_S_ADD || fn == LG_S_SUB) {
            add_linear(e, sum, args[0], factor);
            add_linear(e, sum, args[1], fn == LG_S_SUB ? -factor : factor);
            return;
        }
        if (fn == LG_S_MUL && args[1]->kind == LG_KX_INT) {
            add_linear(e, sum, args[0], factor * args[1]->as.integer);
            return;
        }
    }
    add_term(e, sum, lg_emit_value(e, x), factor, depth_of(x));
}

// buffer + sum of terms + constant, in elements of `dtype`.
static LLVMValueRef linear_address(lg_emitter *e, const lg_kbuffer *buffer, const linear *sum)
{
    LLVMTypeRef element = lg_emit_memory_type(e, buffer->dtype, 1);
    LLVMValueRef offset = NULL;
    for (int i = 0; i < sum->count; i++) {
        const term *t = &sum->terms[i];
        if (t->factor == 0)
            continue;
        LLVMValueRef product = term_value(e, t);
        offset = offset ? LLVMBuildNSWAdd(e->builder, offset, product, "") : product;
    }
    LLVMValueRef address = e->buffers[buffer->id];
    // Not "inbounds": without the constant the address may lie outside.
    if (offset)
        address = LLVMBuildGEP2(e->builder, element, address, &offset, 1, "");
    if (sum->constant) {
        LLVMValueRef constant = LLVMConstInt(e->i64, (uint64_t)sum->constant, true);
        address = LLVMBuildGEP2(e->builder, element, address, &constant, 1, "");
    }
    return address;
}

LLVMValueRef lg_emit_address(lg_emitter *e, const lg_kbuffer *buffer, lg_kx *const *index)
{
    linear sum = {0};
    int64_t stride = 1;
    for (int d = buffer->rank - 1; d >= 0; d--) {
        add_linear(e, &sum, index[d], stride);
        stride *= buffer->dims[d];
    }
    return linear_address(e, buffer, &sum);
}

int64_t lg_emit_register_index(lg_emitter *e, const lg_kbuffer *buffer, lg_kx *const *index)
{
    int64_t at = 0;
    for (int d = 0; d < buffer->rank; d++) {
        LLVMValueRef i = lg_emit_value(e, index[d]);
        assert(LLVMIsAConstantInt(i) && "register buffers are indexed by constants");
        at = at * buffer->dims[d] + LLVMConstIntGetSExtValue(i);
    }
    return at;
}

LLVMValueRef lg_emit_register(lg_emitter *e, const lg_kbuffer *buffer, lg_kx *const *index)
{
    return e->registers[buffer->id][lg_emit_register_index(e, buffer, index)];
}

// ---- loads

static LLVMValueRef load_from(lg_emitter *e, const lg_kbuffer *buffer, LLVMValueRef address,
                              int lanes)
{
    LLVMTypeRef type = lg_emit_memory_type(e, buffer->dtype, lanes);
    LLVMValueRef load = LLVMBuildLoad2(e->builder, type, address, buffer->name);
    if (buffer->scope != LG_SCOPE_REGISTER) {
        LLVMSetAlignment(load, (unsigned)lg_dtype_bytes(buffer->dtype));
        lg_emit_alias(e, buffer, load);
    }
    return lg_emit_widen(e, buffer->dtype, load);
}

// Every lane has its own index: element loads, put together.
static LLVMValueRef gather(lg_emitter *e, const lg_kx *x)
{
    const lg_kbuffer *buffer = x->as.load.buffer;
    LLVMValueRef index[LG_MAX_PHYSICAL];
    for (int d = 0; d < buffer->rank; d++)
        index[d] = lg_emit_value(e, x->as.load.index[d]);
    LLVMValueRef result = LLVMGetPoison(lg_emit_type(e, x->type.dtype, x->type.lanes));
    for (int lane = 0; lane < x->type.lanes; lane++) {
        linear sum = {0};
        int64_t stride = 1;
        for (int d = buffer->rank - 1; d >= 0; d--) {
            bool vector = lg_emit_lanes(index[d]) > 1;
            LLVMValueRef i = vector ? lg_emit_slice(e, index[d], lane, 1) : index[d];
            add_term(e, &sum, i, stride, d);
            stride *= buffer->dims[d];
        }
        LLVMValueRef element = load_from(e, buffer, linear_address(e, buffer, &sum), 1);
        result = LLVMBuildInsertElement(e->builder, result, element,
                                        LLVMConstInt(e->i32, (unsigned)lane, false), "");
    }
    return result;
}

static LLVMValueRef load(lg_emitter *e, const lg_kx *x)
{
    const lg_kbuffer *buffer = x->as.load.buffer;
    if (buffer->scope == LG_SCOPE_REGISTER)
        return load_from(e, buffer, lg_emit_register(e, buffer, x->as.load.index), buffer->lanes);
    for (int d = 0; d < buffer->rank; d++)
        if (x->as.load.index[d]->type.lanes > 1)
            return gather(e, x);
    return load_from(e, buffer, lg_emit_address(e, buffer, x->as.load.index), x->type.lanes);
}

// ---- operations

static bool is_known_positive(const lg_kx *x, int64_t least)
{
    if (x->type.dtype != LG_I64 || x->type.lanes != 1)
        return false;
    int64_t low, high;
    lg_kx_range(x, &low, &high);
    return low >= least;
}

static LLVMValueRef apply(lg_emitter *e, const lg_kx *x)
{
    lg_scalar fn = x->as.apply.fn;
    int arity = lg_scalar_info_of(fn)->arity;
    lg_kx *const *args = x->as.apply.args;
    LLVMValueRef values[3] = {NULL};
    for (int i = 0; i < arity; i++)
        values[i] = lg_emit_splat(e, lg_emit_value(e, args[i]), x->type.lanes);
    bool divides = fn == LG_S_DIV || fn == LG_S_MOD;
    bool positive = divides && is_known_positive(args[0], 0) && is_known_positive(args[1], 1);
    lg_dtype dtype = args[fn == LG_S_SELECT ? 1 : 0]->type.dtype;
    return lg_emit_scalar(e, fn, dtype, values, positive);
}

// Lane i and lane i + half, until one is left; the middle lane of an odd number goes on alone.
static LLVMValueRef reduce(lg_emitter *e, lg_scalar fn, lg_dtype dtype, LLVMValueRef vector)
{
    for (int lanes = lg_emit_lanes(vector); lanes > 1;) {
        int half = (lanes + 1) / 2, pairs = lanes - half;
        LLVMValueRef pair[3] = {lg_emit_slice(e, vector, 0, pairs),
                                lg_emit_slice(e, vector, half, pairs)};
        LLVMValueRef sum = lg_emit_scalar(e, fn, dtype, pair, false);
        if (half > pairs) {
            LLVMValueRef middle = lg_emit_slice(e, vector, pairs, 1);
            LLVMValueRef wide = LLVMGetPoison(lg_emit_type(e, dtype, half));
            for (int i = 0; i < half; i++) {
                LLVMValueRef lane = i == pairs   ? middle
                                    : pairs == 1 ? sum
                                                 : lg_emit_slice(e, sum, i, 1);
                wide = LLVMBuildInsertElement(e->builder, wide, lane,
                                              LLVMConstInt(e->i32, (unsigned)i, false), "");
            }
            sum = wide;
        }
        vector = sum;
        lanes = half;
    }
    return vector;
}

static LLVMValueRef lanes_vector(lg_emitter *e, int lanes)
{
    assert(lanes <= 1024);
    LLVMValueRef elements[1024];
    for (int i = 0; i < lanes; i++)
        elements[i] = LLVMConstInt(e->i64, (unsigned)i, false);
    return lanes == 1 ? elements[0] : LLVMConstVector(elements, (unsigned)lanes);
}

static LLVMValueRef compute(lg_emitter *e, const lg_kx *x)
{
    switch (x->kind) {
    case LG_KX_INT:
        return LLVMConstInt(lg_emit_type(e, x->type.dtype, 1), (uint64_t)x->as.integer, true);
    case LG_KX_FLOAT:
        return LLVMConstReal(e->f32, x->as.number);
    case LG_KX_VAR:
        return e->vars[x->as.var->id];
    case LG_KX_LANES:
        return lanes_vector(e, x->type.lanes);
    case LG_KX_LOAD:
        return load(e, x);
    case LG_KX_APPLY:
        return apply(e, x);
    case LG_KX_CAST:
        return lg_emit_cast(e, x->as.arg->type.dtype, x->type.dtype, lg_emit_value(e, x->as.arg));
    case LG_KX_SUM:
        return reduce(e, LG_S_ADD, x->type.dtype, lg_emit_value(e, x->as.arg));
    case LG_KX_MAXIMUM:
        return reduce(e, LG_S_MAX, x->type.dtype, lg_emit_value(e, x->as.arg));
    case LG_KX_LOW:
        return lg_emit_slice(e, lg_emit_value(e, x->as.arg), 0, x->type.lanes);
    }
    assert(!"a kind of expression");
    return NULL;
}

LLVMValueRef lg_emit_value(lg_emitter *e, const lg_kx *x)
{
    if (x->kind <= LG_KX_LANES)
        return compute(e, x);
    size_t slot = ((uintptr_t)x >> 4) % LG_EMIT_CACHE;
    if (e->cache[slot].key == x && e->cache[slot].statement == e->statement)
        return e->cache[slot].value;
    LLVMValueRef value = compute(e, x);
    e->cache[slot].key = x;
    e->cache[slot].statement = e->statement;
    e->cache[slot].value = value;
    return value;
}
