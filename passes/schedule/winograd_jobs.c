// How a convolution in Winograd's form is cut into jobs: how many tiles of how many images one has,
// and which panels of output channels. What decides is what goes to and from the memory behind L2,
// and that no job repeats the transform of another's inputs more often than that is worth.
//
// A few tiles, and V stays in L2 while panel after panel passes over it: every panel is read once a
// job, so more tiles read the filter less often. Or many tiles, and all panels of the job place by
// place: the filter is read few times, V and M are written and read once.
#include "passes/schedule/winograd_jobs.h"

#include "ir/integer.h"
#include "passes/schedule/cost.h"

enum { FAR_JOBS = 4, LEAST_TILES = 16, MOST_TILES = 64 };
enum { MOST_VECTORS = 4 };
enum { MOST_SCRATCH = 12 << 20 };

typedef lg_winograd_jobs jobs;

int64_t lg_winograd_tile_count(const jobs *c)
{
    return c->images * c->rows * c->columns;
}

lg_tile lg_winograd_tile(const lg_target *target, int64_t outputs)
{
    lg_tile best = lg_tile_choose(target, outputs);
    int lanes = target->lanes;
    double least = lg_cost_of_step(best.rows, best.vectors, lanes) / (best.rows * best.vectors);
    for (int vectors = best.vectors + 1; vectors <= MOST_VECTORS; vectors++) {
        int rows = (target->registers - vectors - 1) / vectors;
        double cost = lg_cost_of_step(rows, vectors, lanes) / (rows * vectors);
        if (outputs % ((int64_t)vectors * lanes) == 0 && cost < least) {
            best = (lg_tile){rows, vectors, lanes};
            least = cost;
        }
    }
    return best;
}

// The largest divisor of `count` that is at most `most`.
static int64_t divisor(int64_t count, int64_t most)
{
    int64_t n = most < count ? most : count;
    while (count % n)
        n--;
    return n;
}

// V, and M for the panels between two stages of outputs.
static bool fits(const jobs *c)
{
    int64_t kept = c->inputs + c->group * lg_tile_panel(c->tile);
    return 4 * c->n * c->n * lg_winograd_tile_count(c) * kept <= MOST_SCRATCH;
}

// Cuts each image into jobs of about `tiles` tiles, even ones; small images go together.
static void cut_jobs(jobs *c, int64_t tiles)
{
    c->columns = divisor(c->wide, tiles);
    if (c->columns * 2 < tiles && c->columns < c->wide && c->wide <= 2 * tiles)
        c->columns = c->wide; // of a prime number of tiles all
    int64_t rows = tiles / c->columns > 1 ? tiles / c->columns : 1;
    c->row_blocks = lg_ceil_div(c->tall, rows);
    c->rows = lg_ceil_div(c->tall, c->row_blocks);
    c->row_blocks = lg_ceil_div(c->tall, c->rows);
    c->segments = c->wide / c->columns;
    c->images = 1;
    if (c->row_blocks == 1 && c->segments == 1 && !c->sums)
        c->images = divisor(c->batch, tiles / (c->rows * c->columns) + 1);
    while (c->images > 1 && !fits(c))
        c->images = divisor(c->batch, c->images - 1);
}

int64_t lg_winograd_job_count(const jobs *c)
{
    return c->batch / c->images * c->row_blocks * c->segments * c->splits;
}

// Jobs may divide the panels too; each makes its V then.
static bool splits_fit(const jobs *c, int64_t splits)
{
    int64_t panel = lg_tile_panel(c->tile), panels = c->outputs / panel;
    return splits == 1 ||
           (splits <= panels && panels % splits == 0 && c->outputs % panel == 0 && c->divisible);
}

// All places of a job: products of register tiles, transforms, cycles of one core.
static double job_cycles(const jobs *c)
{
    static const double cycles_of_element = 10; // of V and M, a vector of them
    double square = (double)(c->n * c->n), tiles = (double)lg_winograd_tile_count(c);
    double inputs = (double)c->inputs, outputs = (double)c->outputs / (double)c->splits;
    double panels = outputs / (double)lg_tile_panel(c->tile), step = 0;
    lg_cut cut = lg_tile_cut(lg_winograd_tile_count(c), c->tile.rows);
    for (int part = 0; part < 2; part++)
        if (cut.count[part])
            step += (double)cut.count[part] *
                    lg_cost_of_step(cut.size[part], c->tile.vectors, c->tile.lanes);
    return square * (inputs * panels * step +
                     tiles * (inputs + outputs) / c->tile.lanes * cycles_of_element);
}

// Of all jobs. Half of what the filter takes to come is hidden by prefetching. Jobs that do not
// divide among the cores leave some idle.
static double cycles_of(const jobs *c, const lg_target *target)
{
    static const double seen = 0.5;
    double jobs = (double)lg_winograd_job_count(c), square = (double)(c->n * c->n);
    double filter = 4 * square * (double)c->inputs * (double)c->outputs;
    double inputs = 4 * square * (double)lg_winograd_tile_count(c) * (double)c->inputs;
    bool stays = filter + inputs <= 0.75 * (double)target->l2;
    lg_filter_cost far = lg_cost_of_filter(filter, jobs / (double)c->splits, stays);
    double busy =
        (double)lg_ceil_div(lg_winograd_job_count(c), target->cores) * target->cores / jobs;
    // On one thread, and on all cores.
    return (jobs * job_cycles(c) + seen * (far.first + far.again)) * (1 + busy) / 2;
}

// Jobs of a few tiles, whose V stays in L2 while panel after panel passes over it: of all sizes and
// ways to divide the panels the cheapest.
static void choose_near(jobs *c, const lg_target *target, int64_t most)
{
    jobs best = *c;
    double least = 0;
    for (int64_t tiles = LEAST_TILES, last = 0; last < most; tiles += 8) {
        jobs trial = *c;
        last = tiles < most ? tiles : most;
        cut_jobs(&trial, last);
        for (int64_t n = 1; fits(&trial) && n <= c->outputs; n++) {
            if (!splits_fit(&trial, n))
                continue;
            trial.splits = n;
            double cycles = cycles_of(&trial, target);
            if (least == 0 || cycles < least) {
                least = cycles;
                best = trial;
            }
        }
    }
    for (int64_t tiles = LEAST_TILES / 2; least == 0; tiles /= 2) { // of very many channels
        cut_jobs(&best, tiles);
        least = fits(&best) || tiles == 1;
    }
    *c = best;
}

void lg_winograd_choose_jobs(jobs *c, const lg_target *target)
{
    int64_t square = c->n * c->n, inputs = c->inputs, outputs = c->outputs;
    int64_t panel = lg_tile_panel(c->tile), panels = outputs / panel;
    int64_t total = c->batch * c->tall * c->wide;
    int64_t near = target->l2 * 3 / 4 / (4 * square * (inputs + panel)), far = MOST_TILES;
    near = near < MOST_TILES ? near : MOST_TILES;
    near = near > LEAST_TILES ? near : LEAST_TILES;
    far = far < total ? far : total;
    double filter = 4. * (double)(square * inputs * outputs), jobs = (double)total / (double)far;
    double copies = jobs < FAR_JOBS ? FAR_JOBS / jobs : 1; // of V, where jobs divide the panels
    double far_bytes = filter * (jobs < 1 ? 1 : jobs) +
                       8. * (double)(total * square) * (copies * (double)inputs + (double)outputs);
    c->splits = 1;
    if (far_bytes < filter * (double)total / (double)near) {
        c->group = panels;
        cut_jobs(c, far);
        for (int64_t n = 1; fits(c) && n <= panels && lg_winograd_job_count(c) < FAR_JOBS; n++)
            if (splits_fit(c, n))
                c->splits = n;
        c->group = divisor(panels, panels / c->splits);
        if (fits(c))
            return;
    }
    c->group = c->splits = 1;
    choose_near(c, target, near < total ? near : total);
}
