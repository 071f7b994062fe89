// When the memory of the values of a fused func is wanted, before any memory is given out: what
// passes go by that order or repeat its calls. Values that will share memory are one block: a
// reshape and what it reads, the parts of a concat and the whole.
#ifndef LG_PASSES_LIVENESS_H
#define LG_PASSES_LIVENESS_H

#include "ir/graph.h"
#include "passes/map.h"

typedef struct lg_block {
    const lg_value *value; // the result of the call that makes it; NULL: several make parts of it
    int64_t bytes;
    int first, last; // steps at which it is made and last read
    bool has_views;  // values of other ops lie in it too
} lg_block;

typedef struct lg_liveness {
    int step_count;
    lg_op **steps; // the ops of the func in order
    int block_count;
    lg_block *blocks;
    int64_t *live;   // bytes of the blocks alive at each step
    int peak;        // the step where they are most
    lg_map step_of;  // op -> step
    lg_map block_of; // value -> block + 1; 0: its memory is not the workspace's
} lg_liveness;

// Everything is in `arena`. What is returned or written to a symbol takes no workspace.
lg_liveness lg_liveness_of(const lg_function *function, lg_arena *arena);
// The block of a value, or NULL.
lg_block *lg_block_of(const lg_liveness *live, const lg_value *value);
// May the result of the call take the place of this operand, if nobody wants that any more?
bool lg_may_overwrite(const lg_op *call, int operand, const lg_value *result);
// What time a call takes, in bytes from memory: its operands and results, or its FLOPs of which
// `balance` take the time of one byte, whatever is more.
double lg_call_time(const lg_op *call, double balance);

#endif
