// The rules of simplify on data movement and on sums, for its table. Each returns a value that
// equals the result of the op, or NULL where it does not apply.
#ifndef LG_PASSES_SIMPLIFY_H
#define LG_PASSES_SIMPLIFY_H

#include "passes/rewriter.h"

typedef lg_value *(*lg_simplify_rule)(lg_rewriter *r, lg_op *op);

lg_value *lg_simplify_same_type(lg_rewriter *r, lg_op *op);
lg_value *lg_simplify_moved_splat(lg_rewriter *r, lg_op *op);
lg_value *lg_simplify_reshape(lg_rewriter *r, lg_op *op);
lg_value *lg_simplify_transpose(lg_rewriter *r, lg_op *op);
lg_value *lg_simplify_broadcast(lg_rewriter *r, lg_op *op);
lg_value *lg_simplify_slice(lg_rewriter *r, lg_op *op);
lg_value *lg_simplify_slice_of_concat(lg_rewriter *r, lg_op *op);
lg_value *lg_simplify_concat(lg_rewriter *r, lg_op *op);
lg_value *lg_simplify_concat_of_slices(lg_rewriter *r, lg_op *op);
lg_value *lg_simplify_pad(lg_rewriter *r, lg_op *op);
lg_value *lg_simplify_matmul(lg_rewriter *r, lg_op *op);

lg_value *lg_simplify_negated_term(lg_rewriter *r, lg_op *op);
lg_value *lg_simplify_sum_of_broadcast(lg_rewriter *r, lg_op *op);
lg_value *lg_simplify_sum_of_sum(lg_rewriter *r, lg_op *op);
lg_value *lg_simplify_sum_of_pads(lg_rewriter *r, lg_op *op);

#endif
