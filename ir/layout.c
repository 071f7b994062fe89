// Where an element of a type lies in its buffer. A physical dimension takes its coordinate from one
// axis of the logical index: all of it, its quotient by the block or its remainder.
#include "ir/integer.h"
#include "ir/type.h"

#include <assert.h>

static int64_t coordinate_of(const lg_layout_dim *dim, const int64_t *index)
{
    switch (dim->part) {
    case LG_PART_WHOLE:
        return index[dim->axis] + dim->border + dim->offset;
    case LG_PART_OUTER:
        return index[dim->axis] / dim->block + dim->offset;
    case LG_PART_INNER:
        return index[dim->axis] % dim->block + dim->offset;
    }
    assert(!"a part of an axis");
    return 0;
}

int64_t lg_layout_offset(const lg_type *type, const int64_t *index)
{
    int64_t offset = 0;
    if (!type->layout) {
        for (int axis = 0; axis < type->rank; axis++)
            offset = offset * type->dims[axis] + index[axis];
        return offset;
    }
    for (int d = 0; d < type->layout->count; d++)
        offset =
            offset * lg_type_physical_dim(type, d) + coordinate_of(&type->layout->dims[d], index);
    return offset;
}

// Size of a dimension without the rest of the buffer that it is a window of.
static int64_t own_extent(const lg_type *type, const lg_layout_dim *dim)
{
    int64_t size = type->dims[dim->axis];
    switch (dim->part) {
    case LG_PART_WHOLE:
        return size + 2 * dim->border;
    case LG_PART_OUTER:
        return lg_ceil_div(size, dim->block);
    case LG_PART_INNER:
        return dim->block;
    }
    assert(!"a part of an axis");
    return 0;
}

static bool is_padding(const lg_type *type, const int64_t *coordinates)
{
    int64_t index[LG_MAX_RANK] = {0};
    for (int d = 0; d < type->layout->count; d++) {
        const lg_layout_dim *dim = &type->layout->dims[d];
        int64_t scale = dim->part == LG_PART_OUTER ? dim->block : 1;
        index[dim->axis] += coordinates[d] * scale - dim->border;
    }
    for (int axis = 0; axis < type->rank; axis++)
        if (index[axis] < 0 || index[axis] >= type->dims[axis])
            return true;
    return false;
}

void lg_layout_for_padding(const lg_type *type, void (*visit)(void *context, int64_t offset),
                           void *context)
{
    if (!type->layout)
        return;
    int count = type->layout->count;
    int64_t at[LG_MAX_PHYSICAL] = {0};
    for (int d = 0; d >= 0;) {
        if (is_padding(type, at)) {
            int64_t offset = 0;
            for (d = 0; d < count; d++)
                offset =
                    offset * lg_type_physical_dim(type, d) + at[d] + type->layout->dims[d].offset;
            visit(context, offset);
        }
        for (d = count - 1; d >= 0; d--) {
            if (++at[d] < own_extent(type, &type->layout->dims[d]))
                break;
            at[d] = 0;
        }
    }
}
