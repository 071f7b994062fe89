// winograd: 3x3 convolutions of stride 1 by fewer multiplications (ir/winograd.h).
//
// needs `no composites`; keeps everything, to within rounding. Where the channels fill the vectors
// of a CPU and the form of the filter pays, which `prepack` computes once; of a filter that changes
// (the func writes it, it is the result of an op) it is made at every call and counts as such.
//
//     %0 = conv2d %x, @w {pad=[1,1]} : f32[1,64,64,32]                    @w: f32[32,16,3,3]
// becomes
//     %0 = winograd_filter @w : f32[32,16,6,6]
//     %1 = winograd_conv2d %x, %0 {pad=[1,1]} : f32[1,64,64,32]
//
// The size of the tiles is the cheapest by the model below, or the option's. Tiles of 6 have ten
// times the rounding error of tiles of 2; the model never chooses them.
#include "passes/winograd.h"
#include "ir/integer.h"
#include "ir/winograd.h"

#include "passes/passes.h"
#include "passes/rewriter.h"

enum { OFF = -1, AUTO = 0 };

static bool has_a_form(const lg_op *op, const lg_target *target)
{
    const lg_type *filter = &op->operands[1]->type;
    for (int i = 0; i < 2; i++)
        if (filter->dims[2 + i] != LG_WINOGRAD_FILTER || lg_op_int_at(op, LG_ATTR_stride, i) != 1 ||
            lg_op_int_at(op, LG_ATTR_dilation, i) != 1)
            return false;
    return lg_op_int(op, LG_ATTR_groups) == 1 && op->results[0]->type.dtype == LG_F32 &&
           filter->dims[1] % target->lanes == 0 && filter->dims[0] >= target->lanes;
}

// ---- what it costs, in cycles of one core: two fmas a cycle, of which tiles of registers reach
// most. Measured constants; docs/performance.md has the log.

static const double fmas_a_cycle = 2, reached_directly = 0.9, reached_in_tiles = 0.8;
static const double bytes_a_cycle = 4; // of weights, from memory
static const double cycles_a_tap = 1.5;

double lg_direct_cycles(const lg_op *conv, const lg_target *target)
{
    const lg_type *filter = &conv->operands[1]->type;
    double weights = (double)lg_type_elements(filter);
    const int64_t *y = conv->results[0]->type.dims;
    return (double)(y[0] * y[1] * y[2]) * weights /
               (fmas_a_cycle * reached_directly * target->lanes) +
           4 * weights / bytes_a_cycle;
}

// Where the func writes what the filter is made of, the form is made at every call: nine taps from
// wherever they lie, and all places written and (before that) fetched.
static double form_cycles(const lg_op *op, int m)
{
    const int64_t *filter = op->operands[1]->type.dims;
    double taps = 9. * (double)(filter[0] * filter[1]);
    double places = (double)((m + 2) * (m + 2) * filter[0] * filter[1]);
    return taps * cycles_a_tap + 2 * 4 * places / bytes_a_cycle;
}

static double tiled_cycles(const lg_op *op, const lg_target *target, int m)
{
    const int64_t *y = op->results[0]->type.dims, *filter = op->operands[1]->type.dims;
    int n = m + 2;
    int64_t rows = lg_ceil_div(y[1], m), columns = lg_ceil_div(y[2], m);
    double tiles = (double)(y[0] * rows * columns);
    double weights = (double)(n * n * filter[0] * filter[1]);
    double products = tiles * weights / (fmas_a_cycle * reached_in_tiles * target->lanes);
    // Each of a transform's elements is loaded, stored, and made of about n values.
    double transformed = tiles * (double)(filter[0] + filter[1]) / target->lanes * 2 * n * n;
    return products + transformed * (1 + n / 4.) + 4 * weights / bytes_a_cycle;
}

// A tile lies within the output.
static bool fits(const lg_op *op, int m)
{
    const int64_t *y = op->results[0]->type.dims;
    return y[1] >= m && y[2] >= m;
}

// The best size of tiles, 0 for none.
static int choose(const lg_op *op, const lg_target *target, int64_t wanted, bool packed)
{
    if (wanted != AUTO)
        return fits(op, (int)wanted) ? (int)wanted : 0;
    int best = 0;
    double least = lg_direct_cycles(op, target);
    for (int m = 2; m <= 4; m += 2) {
        double cycles = tiled_cycles(op, target, m) + (packed ? 0 : form_cycles(op, m));
        if (fits(op, m) && cycles < least) {
            least = cycles;
            best = m;
        }
    }
    return best;
}

double lg_vector_cycles(const lg_op *conv, const lg_target *target)
{
    double least = lg_direct_cycles(conv, target);
    for (int m = 2; m <= 4 && has_a_form(conv, target); m += 2) {
        double cycles = tiled_cycles(conv, target, m);
        least = fits(conv, m) && cycles < least ? cycles : least;
    }
    return least;
}

// ---- the rewrite

static void rewrite(lg_rewriter *r, lg_op *op, int m)
{
    lg_value *filter = op->operands[1];
    lg_type type = lg_type_make(
        LG_F32, 4, (int64_t[]){filter->type.dims[0], filter->type.dims[1], m + 2, m + 2});
    lg_value *form =
        lg_rewrite_build(r, op, LG_OP_winograd_filter, LG_OPERANDS(filter), 0, NULL, &type);
    int64_t pad[] = {lg_op_int_at(op, LG_ATTR_pad, 0), lg_op_int_at(op, LG_ATTR_pad, 1)};
    lg_attr attrs[] = {lg_attr_ints(LG_ATTR_pad, 2, pad)};
    lg_value *y = lg_rewrite_build(r, op, LG_OP_winograd_conv2d, LG_OPERANDS(op->operands[0], form),
                                   1, attrs, NULL);
    lg_rewrite_replace(r, op->results[0], y);
}

bool lg_pass_winograd(lg_unit *unit, lg_pass_ctx *ctx)
{
    int64_t wanted = lg_pass_option_of(ctx, "tile");
    if (ctx->target->kind != LG_TARGET_CPU || wanted == OFF)
        return true;
    if (wanted != AUTO && wanted != 2 && wanted != 4 && wanted != 6)
        return lg_error_at(
            ctx->diag, (lg_location){0},
            "winograd: tiles of %lld: there are 2, 4, 6, 0 to choose, and -1 for none",
            (long long)wanted);
    LG_FOR_FUNCTIONS (f, unit->module) {
        lg_packable packable = lg_packable_of(f, ctx->scratch);
        lg_rewriter r;
        lg_rewrite_begin(&r, ctx, f);
        for (lg_op *op; (op = lg_rewrite_next(&r));) {
            if (op->code != LG_OP_conv2d || !has_a_form(op, ctx->target))
                continue;
            bool packed = lg_is_packable(&packable, op->operands[1]);
            int m = choose(op, ctx->target, wanted, packed);
            if (m)
                rewrite(&r, op, m);
        }
    }
    return true;
}
