// What the gradient of a filter costs, in cycles of one core:
//
//     tiles     one fma an accumulator and a load for every row and vector, a pixel
//   + overhead  a constant for every tile, row of pixels, turn of the inner loop and job; the
//               accumulators go to the job's sums and back once a strip
//   + traffic   the part of the strip that one block of rows and one tile of vectors need, as far
//               as it does not stay in L1; the strip from behind L2, less of it in short strips,
//               which prefetchers run ahead of; the sums, if they are larger than L1
//   + result    the job's sums go to memory element by element (by vectors where these adjoin);
//               parts are written and read once more
//   x balance   jobs that do not divide among threads, the mean over 1 to 16 of them
#include "passes/schedule/cost.h"
#include "passes/schedule/filter_grad_choice.h"
#include "passes/schedule/schedule.h"

static const double cycles_of_turn = 1, cycles_of_row = 8, cycles_of_tile = 20,
                    cycles_of_job = 2000, cycles_of_element = 2;
// Bytes a cycle: from L2, sums that come and go, from behind L2.
static const double near_rate = 50, sums_rate = 60, far_rate = 5;
// A strip of so many pixels waits for half of what it reads from behind L2: what prefetchers bring
// while the one before it is computed is that much, whatever its length.
static const double pixels_ahead = 64;

typedef struct costs {
    const lg_filter_grad_shape *s;
    const lg_target *target;
    const lg_filter_grad_choice *c;
    lg_filter_grad_sides sides;
    lg_cut rows, vectors;
    double pixels; // of a strip
    double taps;   // filter elements that do not extend rows
} costs;

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static double tile_cycles(const costs *k, double rows, double vectors)
{
    const lg_filter_grad_choice *c = k->c;
    return k->pixels * lg_cost_of_step(rows, vectors, (double)k->sides.lane_block) +
           k->pixels / (double)c->unroll * cycles_of_turn +
           (double)(c->images * c->lines) * cycles_of_row + cycles_of_tile + 2 * rows * vectors;
}

static double all_tiles_cycles(const costs *k)
{
    double cycles = 0;
    for (int r = 0; r < 2; r++)
        for (int v = 0; v < 2; v++)
            if (k->rows.count[r] && k->vectors.count[v])
                cycles += (double)(k->rows.count[r] * k->vectors.count[v]) *
                          tile_cycles(k, k->rows.size[r], k->vectors.size[v]);
    return cycles * k->taps * (double)k->c->row_blocks;
}

// Pixels of the image under those of a strip.
static double image_pixels(const costs *k)
{
    double pixels = (double)k->c->images;
    const int64_t size[2] = {k->c->lines, k->c->columns};
    for (int i = 0; i < 2; i++)
        pixels *= (double)((size[i] - 1) * k->s->stride[i] +
                           (k->s->kernel[i] - 1) * k->s->dilation[i] + 1);
    return pixels;
}

static double strip_traffic(const costs *k, double sums)
{
    const lg_filter_grad_choice *c = k->c;
    bool outputs = c->along == LG_ALONG_OUTPUTS;
    double image = image_pixels(k);
    double block = 4 * (outputs ? image : k->pixels) * (double)k->sides.row_block;
    double vector = 4 * (outputs ? k->pixels : image) * (double)k->sides.lane_block;
    double outside = larger(0, 1 - (double)k->target->l1 / (block + vector * (double)c->vectors));
    double panels = (double)(k->vectors.count[0] + k->vectors.count[1]);
    double again = outside * (k->taps * (double)(k->rows.count[0] + k->rows.count[1]) - 1);
    double rows = block * (double)c->row_blocks, lanes = vector * (double)c->lane_blocks;
    double near = panels * rows * (1 + again) + lanes * (1 + outside * (double)(c->row_blocks - 1) +
                                                         again * (double)c->row_blocks);
    double far = rows + lanes;
    if (rows + lanes + sums > 0.75 * (double)k->target->l2)
        far += rows * (panels - 1);
    double exchanged = sums > (double)k->target->l1 / 2 ? 2 * sums : 0;
    double waits = k->pixels / (k->pixels + pixels_ahead);
    return near / near_rate + far * waits / far_rate + exchanged / sums_rate;
}

double lg_filter_grad_cycles(const lg_filter_grad_shape *s, const lg_target *target,
                             const lg_filter_grad_choice *c)
{
    costs k = {.s = s, .target = target, .c = c};
    k.sides = lg_filter_grad_sides_of(s, target, c->along);
    k.rows = lg_tile_cut(k.sides.row_block * k.sides.merged, (int)c->rows);
    k.vectors = lg_tile_cut(c->lane_blocks, (int)c->vectors);
    k.pixels = (double)(c->images * c->lines * c->columns);
    int64_t taps = s->kernel[0] * s->kernel[1] / k.sides.merged;
    k.taps = (double)taps;
    double sums = (double)lg_filter_grad_sums(s, target, c);
    bool adjoin = c->along == LG_ALONG_CHANNELS && s->kernel[0] * s->kernel[1] == 1;
    double result = sums / 4 * cycles_of_element / (adjoin ? (double)k.sides.lane_block : 1);
    double strips = (double)lg_filter_grad_part_strips(s, c);
    double job = strips * (all_tiles_cycles(&k) + strip_traffic(&k, strips > 1 ? sums : 0)) +
                 result + cycles_of_job;
    int64_t rows = k.sides.row_blocks / c->row_blocks, lanes = k.sides.lane_blocks / c->lane_blocks;
    double jobs = (double)(c->parts * s->groups * rows * lanes);
    double added = 0;
    if (c->parts > 1)
        added = 8 * (double)(c->parts + 1) * (double)(s->outputs * s->groups * s->channels) *
                (double)(s->kernel[0] * s->kernel[1]) / far_rate;
    return jobs * job * lg_cost_of_imbalance(jobs) + added;
}
