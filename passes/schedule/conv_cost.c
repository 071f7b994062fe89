// What a direct convolution costs, in cycles of one core:
//
//     tiles     one fma an accumulator and a load for every pixel and vector of a tile, a channel;
//               no less than the latency of a chain of fmas. Rows that do not divide into full
//               tiles and panels that are not full show here
//   + overhead  a constant for every tile, every turn of its inner loop and every job; moving the
//               accumulators to the partial sums and back once a chunk; the epilogue
//   + traffic   what a chunk keeps (its panel, its part of the image, the partial sums) as far as
//               it does not stay in L1; filters and image from behind L2, less what prefetches of
//               filters hide behind the arithmetic
//   x balance   jobs that do not divide among threads, the mean over 1 to 16 of them
//
// The constants were fitted to measurements of an AVX-512 machine (docs/tuning.md); what matters is
// the order of the candidates, not the number of cycles.
#include "passes/schedule/conv_choice.h"

#include "ir/integer.h"
#include "passes/schedule/cost.h"
#include "passes/schedule/prefetch.h"
#include "passes/schedule/schedule.h"

static const double cycles_of_turn = 1, cycles_of_tile = 40, cycles_of_job = 2000;
// Bytes a cycle: panels stream from L2, images come in pieces; from behind L2.
static const double panel_rate = 100, piece_rate = 20, far_rate = 40;
// Partial sums that do not stay in L1 cost 1x1 convolutions far more than others; why is not known.
static const double waiting_rate_1x1 = 7, waiting_rate = 40;
static const double seen = 0.25; // of what prefetches hide, which is half of the arithmetic at most

static double larger(double a, double b)
{
    return a > b ? a : b;
}

typedef struct costs {
    const lg_conv_shape *s;
    const lg_conv_choice *c;
    double lanes, taps, chunks, channels;
    double met;             // the part of the pixels that meet a tap
    double outside;         // the part of what a chunk keeps that does not stay in L1
    double waiting_outside; // of the partial sums, beside the panel
} costs;

// Pixels along an axis of the image that `count` neighbours of the result read.
static double pixels_under(const lg_conv_shape *s, int axis, int64_t count)
{
    int64_t stride = s->stride[axis], reach = (s->kernel[axis] - 1) * s->dilation[axis];
    if (s->gradient)
        return (double)lg_ceil_div(count + reach, stride);
    int64_t all = (count - 1) * stride + reach + 1, apart = count * s->kernel[axis];
    return (double)(all < apart ? all : apart);
}

// All steps of one tile of `rows` pixels, and what surrounds them.
static double tile_cycles(const costs *k, double rows, double vectors)
{
    const lg_conv_shape *s = k->s;
    double accumulators = rows * vectors, exchanges = 2 * (k->chunks - 1) * accumulators * k->met;
    double across = s->gradient ? rows * (double)s->stride[1] + (double)(s->kernel[1] - 1)
                                : pixels_under(s, 1, (int64_t)rows);
    double image = across * (double)s->kernel[0] * k->channels;
    image /= (double)(lg_conv_apart(s, 0) * lg_conv_apart(s, 1));
    double rate = lg_conv_taps(s) == 1 ? waiting_rate_1x1 : waiting_rate;
    double pieces =
        4 * image * k->outside / piece_rate + 4 * exchanges * k->lanes * k->waiting_outside / rate;
    double steps = k->taps * k->channels;
    return steps * lg_cost_of_step(rows, vectors, k->lanes) +
           steps / (double)k->c->unroll * cycles_of_turn + k->chunks * cycles_of_tile + exchanges +
           accumulators * (double)(1 + s->reads) + pieces;
}

// All tiles of a job in a run of panels.
static double run_cycles(const costs *k, lg_columns run)
{
    int64_t apart = lg_conv_apart(k->s, 1);
    lg_cut cut = lg_tile_cut(lg_ceil_div(k->c->columns, apart), (int)k->c->rows);
    double cycles = 0;
    for (int part = 0; part < 2 && cut.count[part]; part++)
        cycles += (double)cut.count[part] * tile_cycles(k, cut.size[part], run.vectors);
    return cycles * (double)apart * (double)(run.panels * k->c->lines * k->s->groups);
}

// Pixels of the image under the pixels of a job.
static double image_pixels(const lg_conv_shape *s, const lg_conv_choice *c)
{
    return pixels_under(s, 0, c->lines) * pixels_under(s, 1, c->columns);
}

static double image_bytes(const lg_conv_shape *s, const lg_conv_choice *c)
{
    return 4 * image_pixels(s, c) * (double)(s->blocks * s->block * s->groups);
}

// Of all output channels.
static double filter_bytes(const lg_conv_shape *s)
{
    return 4 * (double)(s->kernel[0] * s->kernel[1] * s->blocks * s->block) *
           (double)(s->outputs * s->groups);
}

// Do a job's filters stay in L2 beside its image, for the next job?
static bool filters_stay(const lg_conv_shape *s, const lg_target *target, const lg_conv_choice *c)
{
    return filter_bytes(s) / (double)c->splits + image_bytes(s, c) <= 0.75 * (double)target->l2;
}

bool lg_conv_prefetches(const lg_conv_shape *s, const lg_target *target, const lg_conv_choice *c)
{
    return !s->gradient && s->block == target->lanes &&
           (lg_waits_for_weights(s->images * s->height * s->width) || !filters_stay(s, target, c));
}

// Reading filters from behind L2, where so many jobs read the same ones. Prefetches hide what is
// read again behind the arithmetic, but for a part.
static double filter_cycles(const lg_conv_shape *s, const lg_target *target,
                            const lg_conv_choice *c, double jobs, double arithmetic)
{
    lg_filter_cost cost = lg_cost_of_filter(filter_bytes(s), jobs, filters_stay(s, target, c));
    if (lg_conv_prefetches(s, target, c))
        cost.again = larger(cost.again - arithmetic / 2, cost.again * seen);
    return cost.first + cost.again;
}

// Bytes of one job that come from L2, and from behind it but for filters, in cycles; without the
// pieces of tiles.
static double traffic_cycles(const costs *k, const lg_target *target)
{
    const lg_conv_shape *s = k->s;
    const lg_conv_choice *c = k->c;
    double filters = filter_bytes(s) / (double)c->splits;
    double panel =
        4 * (double)lg_conv_taps(s) * k->channels / k->chunks * (double)c->vectors * k->lanes;
    int64_t outputs = s->outputs * s->groups / c->splits;
    double results = 4 * (double)(c->columns * c->lines * outputs);
    double tiles = (double)lg_ceil_div(c->columns, c->rows) * (double)c->lines;
    double near = filters * (panel <= 0.75 * (double)target->l1 ? 1 : tiles);
    double far = image_bytes(s, c) + results * (double)(1 + s->reads);
    return near / panel_rate + far / far_rate;
}

double lg_conv_cycles(const lg_conv_shape *s, const lg_target *target, const lg_conv_choice *c)
{
    costs k = {.s = s, .c = c, .lanes = target->lanes};
    k.taps = (double)(s->kernel[0] * s->kernel[1]); // that a pixel meets
    k.met = 1;
    for (int i = 0; i < 2; i++) {
        int64_t apart = lg_conv_apart(s, i);
        k.taps /= (double)apart;
        if (s->kernel[i] < apart)
            k.met *= (double)s->kernel[i] / (double)apart;
    }
    k.channels = (double)(s->blocks * s->block);
    k.chunks = (double)lg_ceil_div(s->blocks, c->chunk);
    double chunk = (double)(c->chunk * s->block), width = (double)c->vectors * k.lanes;
    double panel = 4 * (double)lg_conv_taps(s) * chunk * width;
    double waiting = k.chunks > 1 ? 4 * (double)(c->columns * c->lines) * width : 0;
    double l1 = (double)target->l1, kept = panel + 4 * image_pixels(s, c) * chunk + waiting;
    k.outside = larger(0, 1 - l1 / kept);
    if (panel + waiting > l1)
        k.waiting_outside = waiting > panel + waiting - l1 ? (panel + waiting - l1) / waiting : 1;

    lg_columns runs[3];
    lg_tile tile = {(int)c->rows, (int)c->vectors, target->lanes};
    double cycles = cycles_of_job + traffic_cycles(&k, target);
    int count = lg_tile_columns(tile, 0, s->outputs, true, runs);
    for (int i = 0; i < count; i++)
        cycles += run_cycles(&k, runs[i]) / (double)c->splits;
    int64_t segments = s->width / c->columns;
    double parts = (double)(s->images * segments) * (double)lg_ceil_div(s->height, c->lines);
    double jobs = parts * (double)c->splits;
    double arithmetic = jobs * cycles;
    return (arithmetic + filter_cycles(s, target, c, parts, arithmetic)) *
           lg_cost_of_imbalance(jobs);
}
