// From logical indices to the physical indices of a buffer. A vector that stays within the
// innermost physical dimension is a plain vector access; any other becomes a gather.
#include "passes/lower/tensor_expr.h"

#include <assert.h>

lg_index lg_index_of(lg_kx *base)
{
    return (lg_index){base, 0};
}

lg_index lg_index_int(lg_kbuilder *k, int64_t value)
{
    return (lg_index){lg_kx_int(k, value), 0};
}

lg_dtype lg_compute_dtype(lg_dtype dtype)
{
    return lg_dtype_is_float(dtype) ? LG_F32 : dtype == LG_U8 ? LG_I32 : dtype;
}

// base + step * lane as a vector of i64.
static lg_kx *spread(lg_kbuilder *k, lg_index index, int lanes)
{
    lg_kx *lane = lg_kx_lanes(k, lanes);
    if (index.step != 1)
        lane = lg_kx_apply(k, LG_S_MUL, lane, lg_kx_int(k, index.step), NULL);
    return lg_kx_apply(k, LG_S_ADD, lane, index.base, NULL);
}

// Does the block of `size` elements that holds `index.base` hold all lanes?
static bool within_block(lg_kbuilder *k, lg_index index, int lanes, int64_t size)
{
    int64_t low, high;
    lg_kx_range(lg_kx_modi(k, index.base, size), &low, &high);
    return high + index.step * (lanes - 1) < size;
}

// One physical index; `*contiguous` stays true while the access can be one vector from there on.
static lg_kx *physical_index(lg_kbuilder *k, const lg_layout_dim *d, lg_index index, int lanes,
                             bool innermost, bool *vector)
{
    lg_kx *at = index.base;
    bool lane = index.step != 0 && lanes > 1;
    if (d->part == LG_PART_WHOLE) {
        at = lg_kx_addi(k, at, d->border);
        if (lane && !(innermost && index.step == 1)) {
            *vector = true;
            at = spread(k, (lg_index){at, index.step}, lanes);
        }
    } else if (!lane || within_block(k, index, lanes, d->block)) {
        at = d->part == LG_PART_OUTER ? lg_kx_divi(k, at, d->block) : lg_kx_modi(k, at, d->block);
        if (lane && d->part == LG_PART_INNER && !(innermost && index.step == 1)) {
            *vector = true;
            at = spread(k, (lg_index){at, index.step}, lanes);
        }
    } else {
        *vector = true;
        at = lg_kx_apply(k, d->part == LG_PART_OUTER ? LG_S_DIV : LG_S_MOD, spread(k, index, lanes),
                         lg_kx_int(k, d->block), NULL);
    }
    if (d->offset)
        at = at->type.lanes > 1 ? lg_kx_apply(k, LG_S_ADD, at, lg_kx_int(k, d->offset), NULL)
                                : lg_kx_addi(k, at, d->offset);
    return at;
}

// Fills `physical`; returns whether the access is a gather (some index is a vector).
static bool physical_indices(lg_kbuilder *k, const lg_type *type, int dropped,
                             const lg_index *index, int lanes, lg_kx **physical)
{
    bool vector = false;
    if (!type->layout) {
        for (int a = dropped; a < type->rank; a++) {
            lg_layout_dim whole = {.part = LG_PART_WHOLE, .axis = a};
            physical[a - dropped] =
                physical_index(k, &whole, index[a], lanes, a == type->rank - 1, &vector);
        }
        return vector;
    }
    assert(dropped == 0);
    for (int d = 0; d < type->layout->count; d++) {
        const lg_layout_dim *dim = &type->layout->dims[d];
        physical[d] =
            physical_index(k, dim, index[dim->axis], lanes, d == type->layout->count - 1, &vector);
    }
    // A blocked axis has two parts: if one of them had to become a vector, both must.
    for (int d = 0; vector && d < type->layout->count; d++) {
        const lg_layout_dim *dim = &type->layout->dims[d];
        if (dim->part != LG_PART_INNER || index[dim->axis].step == 0 || physical[d]->type.lanes > 1)
            continue;
        physical[d] = spread(k, (lg_index){physical[d], index[dim->axis].step}, lanes);
    }
    return vector;
}

static bool has_lanes(const lg_type *type, const lg_index *index, int lanes)
{
    for (int a = 0; a < type->rank && lanes > 1; a++)
        if (index[a].step != 0)
            return true;
    return false;
}

lg_kx *lg_load_element(lg_kbuilder *k, lg_kbuffer *buffer, const lg_type *type, int dropped,
                       const lg_index *index, int lanes)
{
    lg_kx *physical[LG_MAX_PHYSICAL];
    bool gather = physical_indices(k, type, dropped, index, lanes, physical);
    bool one = gather || !has_lanes(type, index, lanes);
    return lg_kx_load(k, buffer, physical, one ? 1 : lanes);
}

void lg_store_element(lg_kbuilder *k, lg_kbuffer *buffer, const lg_type *type, int dropped,
                      const lg_index *index, int lanes, lg_kx *value)
{
    lg_kx *physical[LG_MAX_PHYSICAL];
    bool scatter = physical_indices(k, type, dropped, index, lanes, physical);
    assert(!scatter && "a schedule stores along the innermost dimension");
    lg_k_store(k, buffer, physical, has_lanes(type, index, lanes) ? lanes : 1, value);
}

void lg_prefetch_element(lg_kbuilder *k, lg_kbuffer *buffer, const lg_type *type, int dropped,
                         const lg_index *index, int lanes)
{
    lg_kx *physical[LG_MAX_PHYSICAL];
    bool gather = physical_indices(k, type, dropped, index, lanes, physical);
    assert(!gather && "a schedule reads ahead along the innermost dimension");
    (void)gather;
    lg_k_prefetch(k, buffer, physical);
}
