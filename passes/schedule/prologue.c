// A prologue is applied where a job copies its part of the image: batch norm and ReLU cost a pass
// over a cache instead of one over memory, and the image they make is never stored.
//
//   row, block of channels
//     column: an element of every image that the kernel reads, to the copy
//
// The padding of a convolution is zero behind the prologue, so it is not computed: rows and columns
// outside the image are zeroed.
#include "passes/schedule/prologue.h"

static bool is_pointwise(const lg_value *value, const lg_type *type)
{
    if (value->kind == LG_VALUE_ARGUMENT)
        return lg_shape_equal(&value->type, type);
    if (value->kind != LG_VALUE_RESULT)
        return false;
    const lg_op *op = value->op;
    lg_op_class class = lg_op_info_of(op->code)->class;
    if (op->code == LG_OP_broadcast || class == LG_CLASS_SOURCE)
        return true;
    if (class != LG_CLASS_ELEMENTWISE)
        return false;
    for (int i = 0; i < op->operand_count; i++)
        if (!is_pointwise(op->operands[i], type))
            return false;
    return true;
}

bool lg_prologue_suits(const lg_value *image, const lg_target *target)
{
    const lg_type *t = &image->type;
    return image->kind == LG_VALUE_RESULT && t->rank == 4 && t->dtype == LG_F32 &&
           t->dims[3] % target->lanes == 0 && is_pointwise(image, t);
}

void lg_prologue_alloc(lg_schedule *s, const lg_value *value, const int64_t size[4], lg_prologue *p)
{
    *p = (lg_prologue){.value = value, .type = {.dtype = LG_F32, .rank = 4}};
    for (int a = 0; a < 4; a++)
        p->type.dims[a] = size[a];
    p->type.layout = lg_image_layout(s->scratch, s->target, &p->type, 0, 0);
    int64_t sizes[LG_MAX_PHYSICAL];
    int rank = lg_type_physical_rank(&p->type);
    for (int d = 0; d < rank; d++)
        sizes[d] = lg_type_physical_dim(&p->type, d);
    p->buffer = lg_k_alloc(&s->k, "prologue", LG_SCOPE_TILE, LG_F32, 1, rank, sizes);
}

// Where the loops over a part stand: `n`, `h` and `channel` from its origin on.
typedef struct place {
    lg_schedule *s;
    lg_prologue *p;
    lg_kx *n, *h, *channel;
} place;

static void columns(const place *at, lg_kx *low, lg_kx *high, bool inside)
{
    lg_schedule *s = at->s;
    lg_kbuilder *k = &s->k;
    const lg_prologue *p = at->p;
    int lanes = s->target->lanes, mark = lg_tensor_mark(&s->ctx);
    lg_kx *w = lg_k_loop(k, LG_LOOP_SERIAL, "w", low, high, 1), *element = lg_kx_float(k, 0);
    lg_index from[] = {lg_index_of(lg_kx_add(k, p->origin[0], at->n)),
                       lg_index_of(lg_kx_add(k, p->origin[1], at->h)),
                       lg_index_of(lg_kx_add(k, p->origin[2], w)),
                       {lg_kx_add(k, p->origin[3], at->channel), 1}};
    lg_index to[] = {lg_index_of(at->n), lg_index_of(at->h), lg_index_of(w), {at->channel, 1}};
    if (inside)
        element = lg_element(&s->ctx, p->value, from, lanes);
    lg_store_element(k, p->buffer, &p->type, 0, to, lanes, element);
    lg_tensor_forget(&s->ctx, mark);
    lg_k_end(k);
}

// The part of `size` elements from `origin` on that lies in an axis of `extent`.
static lg_range inside_of(lg_kbuilder *k, lg_kx *origin, int64_t size, int64_t extent)
{
    int64_t low, high;
    lg_kx_range(origin, &low, &high);
    lg_range r = {lg_kx_int(k, 0), lg_kx_int(k, size)};
    lg_kx *back = lg_kx_muli(k, origin, -1);
    if (low < 0) {
        r.low = lg_kx_apply(k, LG_S_MAX, r.low, back, NULL);
        r.low = lg_k_let(k, "low", lg_kx_apply(k, LG_S_MIN, r.low, r.high, NULL));
    }
    if (high > extent - size) {
        r.high = lg_kx_apply(k, LG_S_MIN, r.high, lg_kx_addi(k, back, extent), NULL);
        r.high = lg_k_let(k, "high", lg_kx_apply(k, LG_S_MAX, r.low, r.high, NULL));
    }
    return r;
}

static bool is_constant(const lg_kx *a, int64_t n)
{
    int64_t low, high;
    lg_kx_range(a, &low, &high);
    return low == n && high == n;
}

static void rows(place *at, lg_kx *low, lg_kx *high, const lg_range *within)
{
    lg_kbuilder *k = &at->s->k;
    const lg_type *type = &at->p->type;
    lg_kx *zero = lg_kx_int(k, 0), *end = lg_kx_int(k, type->dims[2]);
    int lanes = at->s->target->lanes, opened = 1;
    at->h = lg_k_loop(k, LG_LOOP_SERIAL, "h", low, high, 1);
    at->channel = lg_kx_muli(k, lg_loop_over(k, "c", type->dims[3] / lanes, &opened), lanes);
    if (!within) {
        columns(at, zero, end, false);
    } else {
        if (!is_constant(within->low, 0))
            columns(at, zero, within->low, false);
        columns(at, within->low, within->high, true);
        if (!is_constant(within->high, type->dims[2]))
            columns(at, within->high, end, false);
    }
    lg_end_loops(k, opened);
}

void lg_prologue_fill(lg_schedule *s, lg_prologue *p, lg_kx *const origin[4])
{
    lg_kbuilder *k = &s->k;
    const int64_t *size = p->type.dims, *whole = p->value->type.dims;
    int opened = 0;
    lg_k_comment(k, "prologue");
    for (int a = 0; a < 4; a++)
        p->origin[a] = origin[a];
    lg_range r[] = {inside_of(k, origin[1], size[1], whole[1]),
                    inside_of(k, origin[2], size[2], whole[2])};
    place at = {.s = s, .p = p};
    at.n = lg_loop_over(k, "n", size[0], &opened);
    if (!is_constant(r[0].low, 0))
        rows(&at, lg_kx_int(k, 0), r[0].low, NULL);
    rows(&at, r[0].low, r[0].high, &r[1]);
    if (!is_constant(r[0].high, size[1]))
        rows(&at, r[0].high, lg_kx_int(k, size[1]), NULL);
    lg_end_loops(k, opened);
}

lg_kx *lg_prologue_element(lg_schedule *s, const lg_value *value, const lg_index *at, int lanes)
{
    lg_kbuilder *k = &s->k;
    lg_index near[4] = {at[0], at[1], at[2], at[3]};
    int mark = lg_tensor_mark(&s->ctx);
    lg_kx *inside[2] = {NULL, NULL};
    for (int a = 0; a < 2; a++) { // the nearest pixel is read
        lg_kx *pixel = at[1 + a].base;
        int64_t low, high;
        lg_kx_range(pixel, &low, &high);
        if (low >= 0 && high < value->type.dims[1 + a])
            continue;
        lg_kx *clamped = lg_kx_apply(k, LG_S_MAX, pixel, lg_kx_int(k, 0), NULL);
        clamped = lg_k_let(k, "near", lg_kx_mini(k, clamped, value->type.dims[1 + a] - 1));
        near[1 + a].base = clamped;
        inside[a] = lg_kx_apply(k, LG_S_EQ, clamped, pixel, NULL);
    }
    lg_kx *element = lg_element(&s->ctx, value, near, lanes);
    for (int a = 0; a < 2; a++)
        if (inside[a])
            element = lg_kx_apply(k, LG_S_SELECT, inside[a], element, lg_kx_float(k, 0));
    lg_tensor_forget(&s->ctx, mark);
    return element;
}
