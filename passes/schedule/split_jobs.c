// How a convolution on the matrix unit is cut into jobs: how many rows of an image one has, and
// which panels of output channels. More rows read the filter less often; their bf16 parts have to
// stay in L2 while panel after panel passes over them.
#include "passes/schedule/split_jobs.h"

#include "ir/integer.h"
#include "passes/schedule/cost.h"

typedef lg_split_jobs jobs;

int64_t lg_split_row_blocks(const jobs *c)
{
    return lg_ceil_div(c->tall, c->rows);
}

int64_t lg_split_job_count(const jobs *c)
{
    return c->batch * lg_split_row_blocks(c) * c->splits;
}

// Which pixel has which number. Rows of whole tiles are lines of their own; others are one line
// with the columns between them that only the taps see.
static void number_positions(jobs *c)
{
    int64_t reach[2];
    for (int i = 0; i < 2; i++) {
        c->phases[i] = c->kernel[i] < c->stride[i] ? c->kernel[i] : c->stride[i];
        reach[i] = (c->kernel[i] - 1) / c->stride[i];
    }
    c->row = c->wide + reach[1];
    c->plane_rows = c->rows + reach[0];
    bool whole = c->wide % LG_MATRIX_SIDE == 0 && reach[1] > 0;
    c->lines = whole ? c->rows : 1;
    c->line = whole ? c->wide : (c->rows - 1) * c->row + c->wide;
    c->tiles = lg_ceil_div(c->line, LG_MATRIX_SIDE);
    int64_t last = (c->lines - 1) * c->row + c->tiles * LG_MATRIX_SIDE; // and the taps' reach
    int64_t seen = last + reach[0] * c->row + reach[1];
    c->positions = c->plane_rows * c->row;
    c->positions = c->positions > seen ? c->positions : seen;
    c->positions |= 1; // blocks of channels do not collide in caches
}

static double part_bytes(const jobs *c)
{
    return 2. * (double)(c->parts * c->phases[0] * c->phases[1] * c->positions * c->inputs);
}

// ---- what it costs, in cycles of one core. Measured constants; docs/performance.md has the log.

// A dot alone takes 16. Operands come from caches that a core may share with others: 18 to 60.
static const double cycles_of_dot = 36;
static const double cycles_of_vector = 14; // 16 numbers of the image, from memory to their parts
static const double cycles_of_store = 30;  // 16 results, from the accumulator through the epilogue

static double job_cycles(const jobs *c)
{
    double side = LG_MATRIX_SIDE, planes = (double)(c->phases[0] * c->phases[1]);
    double tiles = (double)(c->lines * c->tiles);
    int64_t inputs = c->inputs / c->groups, outputs = c->outputs / c->splits;
    int64_t products = c->parts * (c->parts + 1) / 2;
    double panels = (double)lg_ceil_div(outputs, LG_MATRIX_SIDE);
    double depth = (double)(inputs * c->kernel[0] * c->kernel[1]) / LG_MATRIX_DEPTH;
    double dots = tiles * panels * depth * (double)products;
    double vectors = planes * (double)(c->plane_rows * c->row * c->inputs) / side;
    return dots * cycles_of_dot + vectors * cycles_of_vector +
           tiles * side * panels * cycles_of_store;
}

double lg_split_cycles(const jobs *c, const lg_target *target)
{
    static const double seen = 0.5; // of what the filter takes to come
    double jobs = (double)lg_split_job_count(c);
    int64_t inputs = c->inputs / c->groups;
    double filter = 2. * (double)(c->parts * inputs * c->outputs * c->kernel[0] * c->kernel[1]);
    bool stays = filter + part_bytes(c) <= 0.75 * (double)target->l2;
    lg_filter_cost far = lg_cost_of_filter(filter, jobs / (double)c->splits, stays);
    double busy = (double)lg_ceil_div(lg_split_job_count(c), target->cores) * target->cores / jobs;
    return (jobs * job_cycles(c) + seen * (far.first + far.again)) * (1 + busy) / 2;
}

// Jobs may divide the panels; each makes its parts of the image then.
static bool splits_fit(const jobs *c, int64_t splits)
{
    return splits == 1 ||
           (c->divisible && c->groups == 1 && c->outputs % (splits * LG_SPLIT_PANEL) == 0);
}

void lg_split_choose_jobs(jobs *c, const lg_target *target)
{
    jobs best = *c;
    double least = 0;
    for (int64_t rows = 1; rows <= c->tall; rows++) {
        jobs trial = *c;
        trial.rows = lg_ceil_div(c->tall, lg_ceil_div(c->tall, rows)); // even ones
        number_positions(&trial);
        if (trial.rows != rows || (rows > 1 && part_bytes(&trial) > (double)target->l2 / 2))
            continue;
        for (int64_t splits = 1; splits <= c->outputs / LG_SPLIT_PANEL || splits == 1; splits++) {
            trial.splits = splits;
            double cycles = splits_fit(c, splits) ? lg_split_cycles(&trial, target) : 0;
            if (cycles > 0 && (least == 0 || cycles < least)) {
                least = cycles;
                best = trial;
            }
        }
    }
    *c = best;
}
