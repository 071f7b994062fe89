// The geometry of a roofline plot: logarithmic axes, dots, and labels that do not lie on anything.
// Pixels count from the top left, as in SVG.
#ifndef LG_TOOLS_ROOFLINE_PLOT_H
#define LG_TOOLS_ROOFLINE_PLOT_H

#include <stdbool.h>

typedef struct lg_axis {
    double low, high; // values, 0 < low < high
    double from, to;  // their pixels
} lg_axis;

// Widens `axis` so that it shows `value`; the first one makes it. Only positive finite values
// count.
void lg_axis_show(lg_axis *axis, double value);
// Leaves room beside the outermost values: a fourth of a decade, and a decade in all at least.
void lg_axis_pad(lg_axis *axis);
// The pixel of a value, which may lie outside of the axis.
double lg_axis_pixel(const lg_axis *axis, double value);

typedef struct lg_tick {
    double value; // 1 to 9 times a power of ten
    bool is_power;
    bool is_labelled; // powers, and 2 and 5 times them where there is room; or not even all powers
} lg_tick;

enum { LG_MOST_TICKS = 256 };

// All ticks of the axis, from low to high; returns how many.
int lg_axis_ticks(const lg_axis *axis, lg_tick ticks[LG_MOST_TICKS]);

typedef struct lg_dot {
    double x, y, radius;
} lg_dot;

typedef struct lg_box {
    double left, top, right, bottom;
} lg_box;

bool lg_box_meets(const lg_box *a, const lg_box *b);
bool lg_box_meets_dot(const lg_box *box, const lg_dot *dot);

// Where a label of a dot goes, and the line from the one to the other where they are apart.
typedef struct lg_label {
    lg_box box;
    bool has_line;
    double line[4]; // x1, y1, x2, y2
} lg_label;

enum { LG_LABEL_BOXES = 18 };

// What labels must keep clear of: the arrays are the caller's; a label that is placed joins
// `boxes`, its line too, which takes room for LG_LABEL_BOXES.
typedef struct lg_obstacles {
    lg_box frame; // labels stay inside
    const lg_dot *dots;
    int dot_count;
    lg_box *boxes;
    int box_count;
} lg_obstacles;

// The nearest free place beside dot `dot` for a label of `width` x `height`. False if there is
// none.
bool lg_label_place(lg_obstacles *obstacles, int dot, double width, double height, lg_label *label);

#endif
