// With the points a_j and M(x) the product of all (x - a_j), the row of a finite point is
//     input: the coefficients of M(x) / (x - a_j)
//     filter: 1, a_j, a_j^2 over the value of M(x) / (x - a_j) at a_j
//     output: the column 1, a_j, a_j^2, ...
// and that of infinity: the coefficients of M; 0, 0, 1; and the last output only.
#include "ir/winograd.h"

#include <assert.h>
#include <stddef.h>

typedef struct points {
    int m, count; // finite ones
    double at[LG_WINOGRAD_MOST];
} points;

static const points choices[] = {
    {2, 3, {0, 1, -1}},
    {4, 5, {0, 3. / 4, -3. / 4, 3. / 2, -3. / 2}},
    {6, 7, {0, 1, -1, 2, -2, 1. / 2, -1. / 2}},
};

// The coefficients of the product of (x - a) over all points but number `without`.
static void expand(const points *p, int without, double *coefficients)
{
    int degree = 0;
    coefficients[0] = 1;
    for (int j = 0; j < p->count; j++) {
        if (j == without)
            continue;
        coefficients[++degree] = 0;
        for (int i = degree; i > 0; i--)
            coefficients[i] = coefficients[i - 1] - p->at[j] * coefficients[i];
        coefficients[0] *= -p->at[j];
    }
}

static double value_at(const double *coefficients, int count, double x)
{
    double sum = 0;
    for (int i = count - 1; i >= 0; i--)
        sum = sum * x + coefficients[i];
    return sum;
}

void lg_winograd_make(lg_winograd *w, int m)
{
    const points *p = NULL;
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
        if (choices[i].m == m)
            p = &choices[i];
    assert(p && "tiles of 2, 4 or 6");
    *w = (lg_winograd){.m = m, .n = m + 2};
    for (int j = 0; j < p->count; j++) {
        expand(p, j, w->input[j]);
        double power = 1, scale = value_at(w->input[j], p->count, p->at[j]);
        for (int i = 0; i < m || i < LG_WINOGRAD_FILTER; i++, power *= p->at[j]) {
            if (i < m)
                w->output[i][j] = power;
            if (i < LG_WINOGRAD_FILTER)
                w->filter[j][i] = power / scale;
        }
    }
    expand(p, -1, w->input[p->count]);
    w->filter[p->count][LG_WINOGRAD_FILTER - 1] = 1;
    w->output[m - 1][p->count] = 1;
}
