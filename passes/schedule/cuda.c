// The simple CUDA schedule: a thread an output element, a block a reduction. Correct for every
// kernel, fast for none; it keeps the kernel IR honest as something two targets are spelled from.
//
//   one stage            a grid over the elements; contractions and reductions run in the thread
//   one large reduction  a block an element: threads sum strided parts, then halve in shared memory
//   several stages       a block an iteration of the leading axes: values between stages lie in
//   shared
//                        memory, a barrier stands between one stage and the next
#include "passes/schedule/schedule.h"

#include "ir/integer.h"

#include <assert.h>
#include <string.h>

enum { THREADS = 256, LARGE_REDUCTION = 512 };

// Row-major indices of element number `linear` of the axes from `first` on.
static void unravel(lg_kbuilder *k, const lg_type *type, int first, lg_kx *linear, lg_index *index)
{
    for (int a = type->rank - 1; a >= first; a--) {
        index[a] = lg_index_of(a > first ? lg_kx_modi(k, linear, type->dims[a]) : linear);
        linear = lg_kx_divi(k, linear, type->dims[a]);
    }
}

static void store(lg_schedule *s, const lg_value *value, lg_kbuffer *buffer, int dropped,
                  const lg_index *index)
{
    int mark = lg_tensor_mark(&s->ctx);
    lg_kx *element = lg_element(&s->ctx, value, index, 1);
    lg_store_element(&s->k, buffer, &value->type, dropped, index, 1, element);
    lg_tensor_forget(&s->ctx, mark);
}

// ---- one stage

static void grid(lg_schedule *s, const lg_value *value)
{
    lg_kbuilder *k = &s->k;
    lg_kbuffer *buffer = lg_schedule_result(s, lg_result_index(s->function, value));
    int64_t elements = lg_type_elements(&value->type);
    lg_kx *block = lg_k_for(k, LG_LOOP_BLOCK, "block", lg_ceil_div(elements, THREADS));
    lg_kx *thread = lg_k_for(k, LG_LOOP_THREAD, "thread", THREADS);
    lg_kx *at = lg_kx_add(k, lg_kx_muli(k, block, THREADS), thread);
    bool guard = elements % THREADS != 0;
    if (guard)
        lg_k_if(k, lg_kx_apply(k, LG_S_LT, at, lg_kx_int(k, elements), NULL));
    lg_index index[LG_MAX_RANK];
    unravel(k, &value->type, 0, at, index);
    store(s, value, buffer, 0, index);
    if (guard)
        lg_k_end(k);
    lg_k_end(k);
    lg_k_end(k);
}

static int64_t reduced_elements(const lg_op *op)
{
    int64_t n = 1;
    const lg_attr *axes = lg_op_attr(op, LG_ATTR_axes);
    for (int i = 0; i < axes->count; i++)
        n *= op->operands[0]->type.dims[axes->as.ints[i]];
    return n;
}

static bool is_large_reduction(const lg_value *value)
{
    lg_opcode code = value->op->code;
    return (code == LG_OP_reduce_sum || code == LG_OP_reduce_max) &&
           reduced_elements(value->op) >= LARGE_REDUCTION &&
           lg_compute_dtype(value->type.dtype) == LG_F32;
}

// The operand's element number `i` of those that are reduced to the one at `index`.
static lg_kx *reduced_element(lg_schedule *s, const lg_op *op, const lg_index *index, lg_kx *i)
{
    lg_index at[LG_MAX_RANK];
    const lg_type *from = &op->operands[0]->type;
    memcpy(at, index, sizeof(lg_index) * (size_t)from->rank);
    const lg_attr *axes = lg_op_attr(op, LG_ATTR_axes);
    for (int n = axes->count - 1; n >= 0; n--) {
        int a = (int)axes->as.ints[n];
        at[a] = lg_index_of(n ? lg_kx_modi(&s->k, i, from->dims[a]) : i);
        i = lg_kx_divi(&s->k, i, from->dims[a]);
    }
    return lg_element(&s->ctx, op->operands[0], at, 1);
}

static void combine(lg_kbuilder *k, lg_kbuffer *buffer, lg_kx **at, lg_scalar fn, lg_kx *other)
{
    lg_k_store(k, buffer, at, 1, lg_kx_apply(k, fn, lg_kx_load(k, buffer, at, 1), other, NULL));
}

static void block_reduction(lg_schedule *s, const lg_value *value)
{
    lg_kbuilder *k = &s->k;
    const lg_op *op = value->op;
    lg_scalar fn = op->code == LG_OP_reduce_sum ? LG_S_ADD : LG_S_MAX;
    lg_kbuffer *buffer = lg_schedule_result(s, lg_result_index(s->function, value));
    lg_kx *block = lg_k_for(k, LG_LOOP_BLOCK, "block", lg_type_elements(&value->type));
    lg_index index[LG_MAX_RANK];
    unravel(k, &value->type, 0, block, index);
    lg_kbuffer *part = lg_k_alloc(k, "part", LG_SCOPE_SHARED, LG_F32, 1, 1, (int64_t[]){THREADS});
    lg_kx *thread = lg_k_for(k, LG_LOOP_THREAD, "thread", THREADS);
    lg_k_store(k, part, &thread, 1, lg_kx_float(k, fn == LG_S_ADD ? 0 : -(double)__builtin_inff()));
    int mark = lg_tensor_mark(&s->ctx);
    lg_kx *i =
        lg_k_loop(k, LG_LOOP_SERIAL, "i", thread, lg_kx_int(k, reduced_elements(op)), THREADS);
    combine(k, part, &thread, fn, reduced_element(s, op, index, i));
    lg_tensor_forget(&s->ctx, mark);
    lg_k_end(k);
    lg_k_end(k);
    for (int half = THREADS / 2; half; half /= 2) {
        lg_k_barrier(k);
        thread = lg_k_for(k, LG_LOOP_THREAD, "thread", THREADS);
        lg_k_if(k, lg_kx_apply(k, LG_S_LT, thread, lg_kx_int(k, half), NULL));
        lg_kx *other = lg_kx_addi(k, thread, half);
        combine(k, part, &thread, fn, lg_kx_load(k, part, &other, 1));
        lg_k_end(k);
        lg_k_end(k);
    }
    lg_k_barrier(k);
    thread = lg_k_for(k, LG_LOOP_THREAD, "thread", THREADS);
    lg_k_if(k, lg_kx_apply(k, LG_S_EQ, thread, lg_kx_int(k, 0), NULL));
    lg_kx *first = lg_kx_int(k, 0);
    lg_store_element(k, buffer, &value->type, 0, index, 1, lg_kx_load(k, part, &first, 1));
    lg_k_end(k);
    lg_k_end(k);
    lg_k_end(k);
}

// ---- several stages

static void stage(lg_schedule *s, const lg_value *value, int axes, const lg_index *lead)
{
    lg_kbuilder *k = &s->k;
    int dropped;
    lg_k_comment(k, "%s", lg_op_info_of(value->op->code)->name);
    lg_kbuffer *buffer = lg_stage_buffer(s, value, LG_SCOPE_SHARED, axes, &dropped);
    int64_t elements = 1;
    for (int a = axes; a < value->type.rank; a++)
        elements *= value->type.dims[a];
    lg_kx *thread = lg_k_for(k, LG_LOOP_THREAD, "thread", THREADS);
    int mark = lg_tensor_mark(&s->ctx);
    lg_kx *at = lg_k_loop(k, LG_LOOP_SERIAL, "e", thread, lg_kx_int(k, elements), THREADS);
    lg_index index[LG_MAX_RANK];
    memcpy(index, lead, sizeof(lg_index) * (size_t)axes);
    unravel(k, &value->type, axes, at, index);
    store(s, value, buffer, dropped, index);
    lg_tensor_forget(&s->ctx, mark);
    lg_k_end(k);
    lg_k_end(k);
    lg_tensor_bind(&s->ctx, value, buffer, dropped);
}

void lg_schedule_cuda(lg_schedule *s)
{
    lg_kbuilder *k = &s->k;
    lg_stages stages;
    lg_stages_find(s, &stages);
    const lg_value *first = stages.kept.items[0];
    if (stages.kept.count == 1) {
        if (is_large_reduction(first))
            block_reduction(s, first);
        else
            grid(s, first);
        return;
    }
    int64_t blocks = 1;
    for (int a = 0; a < stages.lead; a++)
        blocks *= first->type.dims[a];
    lg_kx *block = lg_k_for(k, LG_LOOP_BLOCK, "block", blocks);
    lg_index lead[LG_MAX_RANK];
    for (int a = stages.lead - 1; a >= 0; a--) {
        lead[a] = lg_index_of(a ? lg_kx_modi(k, block, first->type.dims[a]) : block);
        block = lg_kx_divi(k, block, first->type.dims[a]);
    }
    for (int i = 0; i < stages.kept.count; i++) {
        if (i)
            lg_k_barrier(k);
        stage(s, stages.kept.items[i], stages.lead, lead);
    }
    lg_k_end(k);
}
