// Inside pass fuse: the groups of ops that become kernels, and what its parts ask of each other.
#ifndef LG_PASSES_FUSE_INTERNAL_H
#define LG_PASSES_FUSE_INTERNAL_H

#include "passes/outline.h"
#include "passes/pass.h"
#include "passes/readers.h"

// Instead of the number of a group: not placed yet; a view or control, which no kernel computes;
// copied into each kernel that reads it.
enum { LG_FUSE_NO_GROUP = -1, LG_FUSE_VIEW = -2, LG_FUSE_DUPLICATED = -3 };

typedef struct lg_fuser {
    lg_pass_ctx *ctx;
    lg_function *function;
    lg_map group_of; // op -> group number + 1, or LG_FUSE_VIEW, LG_FUSE_DUPLICATED
    lg_map position; // op -> its number in the program, from 1
    lg_map rank;     // op -> when its group can run, once groups are staged
    lg_map prologue; // op -> 1: on the way into a contraction
    lg_readers readers;
    LG_LIST(lg_group) groups; // ops in reverse program order while they grow
    int64_t max_ops;
    bool sums;
} lg_fuser;

// ---- groups and what hangs on what (fuse_groups.c)

lg_group *lg_fuse_group(const lg_fuser *f, int number);
int lg_fuse_group_of(const lg_fuser *f, const lg_op *op);
void lg_fuse_put(lg_fuser *f, lg_op *op, int group);
// All ops of `from` go to `into`.
void lg_fuse_absorb(lg_fuser *f, int into, int from);
// Does any op of group `from` hang on one of group `on`?
bool lg_fuse_hangs(const lg_fuser *f, int from, int on);
// Joining `from` to `into` makes no cycle if nothing outside both lies on a way from `into` to it.
// What has a rank below `since` is known not to hang on `into`; 0 where nothing is known.
bool lg_fuse_stays_acyclic(const lg_fuser *f, int into, int from, int64_t since);
lg_op_class lg_fuse_class(const lg_op *op);
bool lg_fuse_is_result(const lg_fuser *f, const lg_value *value); // of the function

// ---- what a kernel can compute (fuse_join.c)

bool lg_fuse_may_join(const lg_fuser *f, const lg_op *op, const lg_group *g);
bool lg_fuse_is_read_in(const lg_group *g, const lg_value *value);
// Is everything in the group elementwise (or a slice of columns, or a sum over pixels that nothing
// in it reads), so that it can follow the contraction `to`, or a slice of it, of shape `type`, or
// an image of that shape that no contraction makes (`to` is NULL)?
bool lg_fuse_is_epilogue(const lg_fuser *f, const lg_group *g, const lg_op *to,
                         const lg_type *type);
// Can the schedule of the contraction `to`, if it has one of tiles, compute what leaves the group
// as epilogue of `from`, which is `to` or ends its epilogue? In panels of so many columns or more.
bool lg_fuse_suits_tiles(const lg_fuser *f, const lg_op *to, const lg_op *from, const lg_group *g,
                         int64_t panel);
// A convolution in groups stores and sums all of its channels or none. NULL is none.
bool lg_fuse_is_grouped(const lg_op *op);
// The contraction that `value` is, or ends the epilogue of; or NULL.
const lg_op *lg_fuse_contraction(const lg_value *value);
// A slice of columns (channels) alone.
bool lg_fuse_is_column_slice(const lg_op *op);
// The same of a contraction's.
bool lg_fuse_is_channel_slice(const lg_op *op);
// The convolution whose epilogue `value` ends, or NULL. `alone`: only if nothing else reads what
// lies between.
const lg_op *lg_fuse_convolution(const lg_fuser *f, const lg_value *value, bool alone);

// ---- updates of symbols (fuse_updates.c)

// May it be in a loop over the elements of tensors of shape `type`?
bool lg_fuse_is_in_loop(const lg_op *op, const lg_type *type);
// How many results of the group are written to symbols, where it goes element by element through
// tensors of one shape (the step of an optimizer for a parameter) and nothing else reads them; or
// 0.
int lg_fuse_count_updates(const lg_fuser *f, const lg_group *g);
// The groups that read what `op` computes are joined where all they do is update symbols: moments
// and the parameter itself are computed in one pass over memory. Nothing hangs on such groups, so
// that no cycle comes of it. Returns the group, or LG_FUSE_NO_GROUP.
int lg_fuse_join_updates(lg_fuser *f, const lg_op *op);

// ---- several groups in one kernel (fuse_stage.c)

void lg_fuse_stage(lg_fuser *f, double max_flops);

#endif
