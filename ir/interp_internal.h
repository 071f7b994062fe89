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

// All elementwise ops at once, from the expression of their rows (ir/interp_elementwise.c).
lg_eval_fn lg_eval_elementwise;

#endif
