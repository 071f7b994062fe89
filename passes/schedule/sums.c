// Sums over pixels on a CPU where no convolution makes the image: gradients of biases and of batch
// norms, whose masks and products are computed on the way, with the images that others read.
//
//   job: some rows of an image
//     vector of channels
//       row, column: an element of every image, stored or added
//
// Each job writes its sums to a row of its own (passes/schedule/epilogue.h), so that they don't
// depend on threads.
#include "passes/schedule/sums.h"

#include "ir/integer.h"
#include "passes/schedule/epilogue.h"

#include <assert.h>

enum { JOBS = 64 };

static bool only_sums(const lg_function *function)
{
    int sums = 0;
    LG_FOR_OPS (op, function) {
        lg_op_class class = lg_op_info_of(op->code)->class;
        if (lg_is_pixel_sum(op) && lg_result_index(function, op->results[0]) >= 0)
            sums++;
        else if (class == LG_CLASS_REDUCTION || class == LG_CLASS_CONTRACTION ||
                 op->code == LG_OP_scatter_add)
            return false;
    }
    return sums > 0;
}

static bool is_vectored(const lg_schedule *s, const lg_value *image, bool stored)
{
    const lg_type *t = &image->type;
    return t->rank == 4 && lg_compute_dtype(t->dtype) == LG_F32 &&
           lg_element_has_lanes(&s->ctx, image, 3) &&
           (!stored || lg_physical_dim(t, lg_type_physical_rank(t) - 1).axis == 3);
}

bool lg_schedule_sums_applies(const lg_schedule *s)
{
    const lg_function *f = s->function;
    if (s->target->kind != LG_TARGET_CPU || f->results.count > LG_MAX_EPILOGUE_RESULTS ||
        !only_sums(f))
        return false;
    const lg_type *first = &lg_summed_image(f->results.items[0])->type;
    for (int i = 0; i < f->results.count; i++) {
        const lg_value *image = lg_summed_image(f->results.items[i]);
        if (!is_vectored(s, image, image == f->results.items[i]) ||
            !lg_shape_equal(&image->type, first))
            return false;
    }
    return lg_type_elements(first) > 0;
}

// The pixels of a job, for one vector of channels of which `valid` are there.
static void pixels(lg_schedule *s, const lg_epilogue *e, const lg_image_part *part,
                   lg_kx *row_block, lg_kx *vector, int valid)
{
    lg_kbuilder *k = &s->k;
    int lanes = s->target->lanes;
    lg_kx *n = part->axes[0].low, *channel = lg_kx_muli(k, vector, lanes);
    lg_epilogue_clear(s, e, 0, channel, valid);
    lg_kx *h = lg_k_loop(k, LG_LOOP_SERIAL, "h", part->axes[1].low, part->axes[1].high, 1);
    lg_kx *w = lg_k_for(k, LG_LOOP_SERIAL, "w", e->images[0]->type.dims[2]);
    lg_index at[] = {lg_index_of(n), lg_index_of(h), lg_index_of(w), {channel, valid > 1}};
    lg_epilogue_store(s, e, NULL, 0, at, valid, lanes);
    lg_k_end(k);
    lg_k_end(k);
    lg_epilogue_flush(s, e, 0, n, row_block, channel, valid);
}

static void images_of(const lg_function *f, lg_epilogue *e)
{
    *e = (lg_epilogue){.count = f->results.count};
    for (int i = 0; i < e->count; i++)
        e->images[i] = lg_summed_image(f->results.items[i]);
}

void lg_schedule_sums(lg_schedule *s)
{
    lg_kbuilder *k = &s->k;
    lg_epilogue e;
    images_of(s->function, &e);
    assert(e.count > 0 && "a kernel has results");
    const int64_t *y = e.images[0]->type.dims;
    int64_t lanes = s->target->lanes, whole = y[3] / lanes;
    int64_t blocks = lg_ceil_div(JOBS, y[0]); // of rows
    blocks = blocks < y[1] ? blocks : y[1];
    int64_t rows = lg_ceil_div(y[1], blocks), splits = 1;
    blocks = lg_ceil_div(y[1], rows);
    if (y[3] % lanes == 0)
        while (y[0] * blocks * splits < JOBS / 4 && whole % (2 * splits) == 0)
            splits *= 2;
    lg_kx *job = lg_k_for(k, lg_schedule_job_role(s), "job", y[0] * blocks * splits);
    lg_image_part part = {.split = lg_kx_modi(k, job, splits), .splits = splits};
    job = lg_kx_divi(k, job, splits);
    lg_kx *block = lg_kx_modi(k, job, blocks), *n = lg_kx_divi(k, job, blocks);
    lg_kx *low = lg_kx_muli(k, block, rows);
    part.axes[0] = (lg_range){n, lg_kx_addi(k, n, 1)};
    part.axes[1] = (lg_range){low, lg_kx_mini(k, lg_kx_addi(k, low, rows), y[1])};
    part.axes[2] = (lg_range){lg_kx_int(k, 0), lg_kx_int(k, y[2])};
    lg_epilogue_begin(s, &e, blocks);
    if (whole) {
        lg_kx *first = lg_kx_muli(k, part.split, whole / splits);
        lg_kx *v =
            lg_k_loop(k, LG_LOOP_SERIAL, "c", first, lg_kx_addi(k, first, whole / splits), 1);
        pixels(s, &e, &part, block, v, (int)lanes);
        lg_k_end(k);
    }
    if (y[3] % lanes)
        pixels(s, &e, &part, block, lg_kx_int(k, whole), (int)(y[3] % lanes));
    lg_epilogue_zero_borders(s, &e, &part);
    lg_k_end(k);
}
