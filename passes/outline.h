// Moving groups of ops of a func into kernel functions.
#ifndef LG_PASSES_OUTLINE_H
#define LG_PASSES_OUTLINE_H

#include "ir/graph.h"
#include "passes/map.h"
#include "passes/readers.h"

// A group of ops of one func that becomes one kernel, in program order.
typedef struct lg_group {
    LG_LIST(lg_op *) ops;
} lg_group;

bool lg_group_has(const lg_group *group, const lg_op *op);
// Values that every kernel that reads them computes for itself: constants, iotas, and formulas of
// them (the indices and weights of a resize).
bool lg_is_duplicated(const lg_value *value);
// Replaces the group by a call of a new kernel function; the call stands at the end of the func,
// which lg_sort_ops puts in order when all groups are outlined. Results of the call are what is
// used outside the group. `readers` are those of the func; NULL lets them be found for this once.
lg_op *lg_outline(lg_function *function, const lg_group *group, lg_readers *readers,
                  lg_arena *scratch);
// Why the op can't be part of a kernel, if it stands in one (it calls, writes, or reads a symbol),
// or NULL.
const char *lg_outline_fault(const lg_op *op);
// Orders the ops so that definitions come before uses, otherwise as they were.
void lg_sort_ops(lg_function *function, lg_arena *scratch);

#endif
