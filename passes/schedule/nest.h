// Loop nests that fill a buffer in the order in which it lies in memory.
#ifndef LG_PASSES_SCHEDULE_NEST_H
#define LG_PASSES_SCHEDULE_NEST_H

#include "passes/lower/tensor_expr.h"

// What part of one physical dimension a job covers, in interior coordinates (without the border).
typedef struct lg_range {
    lg_kx *low, *high;
} lg_range;

// The whole of every physical dimension of `type`.
void lg_ranges_whole(lg_kbuilder *k, const lg_type *type, lg_range *ranges);

// Interior size of physical dimension `d`: without border, of a window only its own part.
int64_t lg_physical_interior(const lg_type *type, int d);
// The physical dimension's row of the layout (row-major types have whole axes only).
lg_layout_dim lg_physical_dim(const lg_type *type, int d);

enum { LG_MAX_NEST_VALUES = 8 };

// Stores every element of the values (computed by lg_element) that lies in `ranges` into their
// buffers; the elements that round up a blocked axis become zero. All values have one shape and
// layout.
void lg_nest_store(lg_tensor_context *ctx, const lg_value *const *values,
                   lg_kbuffer *const *buffers, int count, int dropped, const lg_index *lead,
                   const lg_range *ranges);

// Zeros the borders of `type` that adjoin `ranges`.
void lg_nest_zero_borders(lg_kbuilder *k, lg_kbuffer *buffer, const lg_type *type,
                          const lg_range *ranges, int vector);

#endif
