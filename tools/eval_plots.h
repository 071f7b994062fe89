// Plots as SVG inside a page of HTML. Colours, fonts and dark mode are the page's: classes g0 to g2
// for what belongs together, `grid`, `quiet`, `mark`. Colours are told apart by people who
// are colour-blind, and never are the only difference.
#ifndef LG_TOOLS_EVAL_PLOTS_H
#define LG_TOOLS_EVAL_PLOTS_H

#include "runtime/metrics.h"

#include <stdio.h>

typedef struct lg_plot_bar {
    char label[64];
    double value;      // NaN: there is none
    double mark;       // what to compare it with, a line across the bar; NaN: none
    char tooltip[640]; // numbers may be long
} lg_plot_bar;

// Bars from left to right, from 0 to `largest`. `color` 0 to 2.
void lg_plot_bars(FILE *out, const char *title, int color, const lg_plot_bar *bars, int count,
                  double largest);

typedef struct lg_plot_line {
    const lg_curve *curve;
    const char *label;
    int color; // 0 to 2, each with dashes of its own
} lg_plot_line;

typedef enum lg_plot_kind { LG_PLOT_ROC, LG_PLOT_PRECISION_RECALL } lg_plot_kind;

// With the line of chance, of the first curve's shares.
void lg_plot_curves(FILE *out, const char *title, lg_plot_kind kind, const lg_plot_line *lines,
                    int count);

// Matrix [count,count], NaN where nothing is known; `names` label rows and columns.
void lg_plot_heat_map(FILE *out, const char *title, const double *values, const char *const *names,
                      size_t count);

#endif
