// A picture of where kernels stand below the roofs of the machine.
#ifndef LG_TOOLS_ROOFLINE_SVG_H
#define LG_TOOLS_ROOFLINE_SVG_H

#include "tools/bench_rows.h"

#include <stdio.h>

// Draws `result`, which has a roofline, as an SVG file that needs nothing beside it: a dot a row,
// its area the share of the time; the slowest have labels, all have tooltips.
void lg_roofline_draw(const lg_bench_result *result, FILE *out);

#endif
