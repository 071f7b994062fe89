#include "tools/median.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void lg_sort(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, compare);
}

double lg_median(double *values, int count)
{
    lg_sort(values, count);
    return 0.5 * (values[(count - 1) / 2] + values[count / 2]);
}
