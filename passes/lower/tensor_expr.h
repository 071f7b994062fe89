// Tensor expressions: what an element of a value is, as a kernel expression. Every op says how to
// find its element at an index from elements of its operands; whatever is not kept in a buffer is
// computed where it is used. That is all that fusion needs to know of an op.
//
// An index is affine in the lane of a vector: element `lane` of the vector is at base + step *
// lane. At most one axis carries lanes (step != 0).
#ifndef LG_PASSES_LOWER_TENSOR_EXPR_H
#define LG_PASSES_LOWER_TENSOR_EXPR_H

#include "ir/graph.h"
#include "ir/kernel.h"
#include "passes/target.h"

typedef struct lg_index {
    lg_kx *base; // i64 scalar
    int64_t step;
} lg_index;

typedef struct lg_tensor_context lg_tensor_context;

// Where a value comes from: a buffer, or a register that the schedule holds, or nowhere (inline).
typedef struct lg_binding {
    lg_kbuffer *buffer;
    lg_type type; // how it lies in `buffer`
    int dropped;  // leading axes that the buffer does not have (they are fixed by the loops)
    // The schedule's own source of elements; wins over `buffer`.
    lg_kx *(*element)(lg_tensor_context *ctx, const lg_value *value, const lg_index *index,
                      int lanes);
} lg_binding;

// An element that stands in a `let` already.
typedef struct lg_remembered {
    const lg_value *value;
    lg_index index[LG_MAX_RANK];
    int lanes;
    lg_kx *element;
} lg_remembered;

struct lg_tensor_context {
    lg_kbuilder *k;
    lg_arena *scratch;
    const lg_target *target;
    const lg_function *function;
    lg_binding *bindings; // by value->id, set by lg_tensor_begin
    int *uses;            // by value->id
    LG_LIST(lg_remembered) remembered;
    void *schedule; // of the binding's `element` function
};

// Numbers the values of `function` (value->id) and clears the bindings.
void lg_tensor_begin(lg_tensor_context *ctx, lg_kbuilder *k, lg_arena *scratch,
                     const lg_target *target, const lg_function *function);
void lg_tensor_bind(lg_tensor_context *ctx, const lg_value *value, lg_kbuffer *buffer, int dropped);

// `lanes` elements of `value` from `index` (one entry an axis) on. May append statements at the
// builder's cursor (lets, loops of reductions that are not kept).
lg_kx *lg_element(lg_tensor_context *ctx, const lg_value *value, const lg_index *index, int lanes);
// Can lg_element give vectors along `axis` of `value` by vector loads and arithmetic?
bool lg_element_has_lanes(const lg_tensor_context *ctx, const lg_value *value, int axis);

// Lets from here on are forgotten by lg_tensor_forget with the mark: their scope has ended.
int lg_tensor_mark(const lg_tensor_context *ctx);
void lg_tensor_forget(lg_tensor_context *ctx, int mark);

// Reads or writes elements of a buffer that holds a value of `type`.
lg_kx *lg_load_element(lg_kbuilder *k, lg_kbuffer *buffer, const lg_type *type, int dropped,
                       const lg_index *index, int lanes);
// Asks for the line of the first of the elements.
void lg_prefetch_element(lg_kbuilder *k, lg_kbuffer *buffer, const lg_type *type, int dropped,
                         const lg_index *index, int lanes);
void lg_store_element(lg_kbuilder *k, lg_kbuffer *buffer, const lg_type *type, int dropped,
                      const lg_index *index, int lanes, lg_kx *value);

// The parts of a float that the op split makes, LG_MOST_PARTS at most: the bf16 nearest to it, then
// that nearest to what is left, and so on.
void lg_bf16_parts(lg_kbuilder *k, lg_kx *x, int parts, lg_kx **rounded);

lg_index lg_index_of(lg_kx *base);
lg_index lg_index_int(lg_kbuilder *k, int64_t value);
// The element type in which values of `dtype` are computed.
lg_dtype lg_compute_dtype(lg_dtype dtype);

// An element of a reduction or contraction that is not kept: loops around an accumulator
// (passes/lower/reduce_expr.c).
lg_kx *lg_reduce_element(lg_tensor_context *ctx, const lg_op *op, const lg_index *index, int lanes);

#endif
