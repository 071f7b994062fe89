// What the files of the graph IR's reference interpreter share: a function a row of ir/ops.def.
#ifndef LG_IR_INTERP_INTERNAL_H
#define LG_IR_INTERP_INTERNAL_H

#include "ir/interp.h"

// Evaluates an op into `result`, which holds zeros; `scratch` is for what dies with the call.
typedef void lg_eval_fn(lg_arena *scratch, const lg_op *op, lg_array *const *operands,
                        lg_array *result);

#define EVAL_SOURCE(name) lg_eval_fn lg_eval_##name;
#define EVAL_MOVEMENT(name) lg_eval_fn lg_eval_##name;
#define EVAL_REDUCTION(name) lg_eval_fn lg_eval_##name;
#define EVAL_CONTRACTION(name) lg_eval_fn lg_eval_##name;
#define EVAL_CONTROL(name) // needs the function around it: ir/interp.c
#define ELEMENTWISE(name, ...)
#define OP(name, class, ...) EVAL_##class(name)
#include "ir/ops.def"
#undef ELEMENTWISE
#undef OP
#undef EVAL_SOURCE
#undef EVAL_MOVEMENT
#undef EVAL_REDUCTION
#undef EVAL_CONTRACTION
#undef EVAL_CONTROL

// One evaluation from the outermost function down.
typedef struct lg_interpreter {
    lg_arena *arena; // for what outlives the evaluation
    lg_environment *environment;
    lg_environment written; // visible when the outermost function ends
    double budget;          // elements and FLOPs that gradients may still evaluate
    lg_diag *diag;
} lg_interpreter;

// Evaluates `function`; results are copied to `arena`. Numbers its values: the arguments first,
// then the results of the ops in order.
bool lg_interpret_function(lg_interpreter *in, const lg_function *function,
                           lg_array *const *arguments, lg_arena *arena, lg_array **results);
lg_array *lg_array_copy(lg_arena *arena, const lg_array *from);

// Evaluates the op `gradient` into `result` (ir/interp_gradient.c) in a function whose values are
// numbered and whose arguments are given; `at` is what its second operand holds.
bool lg_interpret_gradient(lg_interpreter *in, const lg_op *op, lg_array *const *arguments,
                           const lg_array *at, lg_array *result);

// All elementwise ops at once, from the expression of their rows (ir/interp_elementwise.c).
lg_eval_fn lg_eval_elementwise;

#endif
