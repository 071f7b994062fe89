// Where vectors along an axis have to end: elements on both sides are made in different ways.
#ifndef LG_PASSES_LOWER_CUTS_H
#define LG_PASSES_LOWER_CUTS_H

#include "passes/lower/tensor_expr.h"

enum { LG_MAX_CUTS = 16 };

typedef struct lg_cuts {
    int count, again_count;
    int64_t at[LG_MAX_CUTS];    // positions on the axis, rising
    int64_t again[LG_MAX_CUTS]; // 0 < position < lanes, rising; again after every `lanes`
} lg_cuts;

// Adds the cuts of `value` along `axis`. False if vectors along it are none of loads and
// arithmetic, or the cuts are too many.
bool lg_cuts_find(const lg_tensor_context *ctx, const lg_value *value, int axis, lg_cuts *cuts);
// The first of `at` behind `from`, or `to` if there is none before it.
int64_t lg_cuts_next(const lg_cuts *cuts, int64_t from, int64_t to);
// The same of `again`; `from` and `to` count from a multiple of the lanes.
int64_t lg_cuts_next_again(const lg_cuts *cuts, int64_t from, int64_t to, int lanes);

#endif
