// The form of a func in which values and memory are one to one.
#ifndef LG_PASSES_LOWER_SETTLE_H
#define LG_PASSES_LOWER_SETTLE_H

#include "ir/graph.h"

// Whether the kernel of `call` may write result `result` over operand `operand`.
typedef bool (*lg_overwrite_fn)(void *data, const lg_op *call, int operand, int result);

// Gives results of kernels that are arguments, or one value twice, an op of their own.
void lg_settle_kernels(lg_module *module);
// See the file's head.
void lg_settle_function(lg_function *function, lg_arena *scratch, lg_overwrite_fn may_overwrite,
                        void *data);

#endif
