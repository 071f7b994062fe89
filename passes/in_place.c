// An operand may be overwritten if every read of it is in the store of the same element of the
// result: whatever the order of the loops, nobody reads an element that has been written.
#include "passes/in_place.h"

#include <string.h>

static bool same_index(const lg_kx *a, const lg_kx *b);

static bool same_indices(lg_kx *const *a, lg_kx *const *b, int rank)
{
    for (int i = 0; i < rank; i++)
        if (!same_index(a[i], b[i]))
            return false;
    return true;
}

static bool same_index(const lg_kx *a, const lg_kx *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind || a->type.lanes != b->type.lanes)
        return false;
    switch (a->kind) {
    case LG_KX_INT:
        return a->as.integer == b->as.integer;
    case LG_KX_VAR:
        return a->as.var == b->as.var;
    case LG_KX_APPLY:
        if (a->as.apply.fn != b->as.apply.fn)
            return false;
        return same_indices(a->as.apply.args, b->as.apply.args,
                            lg_scalar_info_of(a->as.apply.fn)->arity);
    default:
        return false;
    }
}

// Is every read of `in` in `x` the element that `store` (or nothing, if NULL) writes?
static bool reads_match(const lg_kx *x, const lg_kbuffer *in, const lg_kstmt *store)
{
    switch (x->kind) {
    case LG_KX_LOAD:
        for (int i = 0; i < x->as.load.buffer->rank; i++)
            if (!reads_match(x->as.load.index[i], in, NULL))
                return false;
        if (x->as.load.buffer != in)
            return true;
        return store && x->type.lanes == store->as.store.lanes &&
               in->rank == store->as.store.buffer->rank &&
               same_indices(x->as.load.index, store->as.store.index, in->rank);
    case LG_KX_APPLY:
        for (int i = 0; i < lg_scalar_info_of(x->as.apply.fn)->arity; i++)
            if (!reads_match(x->as.apply.args[i], in, store))
                return false;
        return true;
    case LG_KX_CAST:
    case LG_KX_SUM:
    case LG_KX_MAXIMUM:
    case LG_KX_LOW:
        return reads_match(x->as.arg, in, x->kind == LG_KX_CAST ? store : NULL);
    default:
        return true;
    }
}

// The store to `out` behind `s` in its block, or NULL: what is named before it is read before.
static const lg_kstmt *store_behind(const lg_kstmt *s, const lg_kbuffer *out)
{
    for (; s; s = s->next)
        if (s->kind == LG_K_STORE && s->as.store.buffer == out)
            return s;
    return NULL;
}

static bool block_matches(const lg_kblock *block, const lg_kbuffer *in, const lg_kbuffer *out)
{
    for (const lg_kstmt *s = block->first; s; s = s->next) {
        switch (s->kind) {
        case LG_K_LOOP:
            if (!reads_match(s->as.loop.low, in, NULL) || !reads_match(s->as.loop.high, in, NULL) ||
                !block_matches(&s->as.loop.body, in, out))
                return false;
            break;
        case LG_K_LET:
            if (!reads_match(s->as.let.value, in, store_behind(s, out)))
                return false;
            break;
        case LG_K_STORE:
            for (int i = 0; i < s->as.store.buffer->rank; i++)
                if (!reads_match(s->as.store.index[i], in, NULL))
                    return false;
            if (!reads_match(s->as.store.value, in, store_behind(s, out)))
                return false;
            break;
        case LG_K_IF:
            if (!reads_match(s->as.branch.condition, in, NULL) ||
                !block_matches(&s->as.branch.then, in, out) ||
                !block_matches(&s->as.branch.otherwise, in, out))
                return false;
            break;
        default:
            break;
        }
    }
    return true;
}

bool lg_kernel_may_overwrite(const lg_kernel *kernel, const lg_kbuffer *in, const lg_kbuffer *out)
{
    if (in->dtype != out->dtype || in->rank != out->rank ||
        memcmp(in->dims, out->dims, sizeof in->dims[0] * (size_t)in->rank) != 0)
        return false;
    return block_matches(&kernel->body, in, out);
}
