#include "tools/roofline_plot.h"

#include <math.h>
#include <stddef.h>

// ---- axes

void lg_axis_show(lg_axis *axis, double value)
{
    if (!isfinite(value) || value <= 0)
        return;
    if (axis->low <= 0 || value < axis->low)
        axis->low = value;
    if (value > axis->high)
        axis->high = value;
}

void lg_axis_pad(lg_axis *axis)
{
    if (axis->low <= 0)
        axis->low = axis->high = 1;
    double missing = 1 - log10(axis->high / axis->low);
    double room = pow(10, missing > 0.5 ? 0.5 * missing : 0.25);
    axis->low /= room;
    axis->high *= room;
}

double lg_axis_pixel(const lg_axis *axis, double value)
{
    double share = log(value / axis->low) / log(axis->high / axis->low);
    return axis->from + share * (axis->to - axis->from);
}

// With few decades 2 and 5 are labelled too; with very many not even each power is.
static bool is_labelled(const lg_axis *axis, int power, int digit)
{
    double decades = log10(axis->high / axis->low);
    int every = decades > 12 ? (int)ceil(decades / 12) : 1;
    return digit == 1 ? power % every == 0 : decades < 3 && (digit == 2 || digit == 5);
}

int lg_axis_ticks(const lg_axis *axis, lg_tick ticks[LG_MOST_TICKS])
{
    int count = 0;
    bool only_powers = log10(axis->high / axis->low) > 20;
    for (int power = (int)floor(log10(axis->low)); power <= log10(axis->high); power++)
        for (int digit = 1; digit <= (only_powers ? 1 : 9); digit++) {
            double value = digit * pow(10, power);
            if (value >= axis->low && value <= axis->high && count < LG_MOST_TICKS)
                ticks[count++] = (lg_tick){value, digit == 1, is_labelled(axis, power, digit)};
        }
    return count;
}

// ---- labels

bool lg_box_meets(const lg_box *a, const lg_box *b)
{
    return a->left < b->right && b->left < a->right && a->top < b->bottom && b->top < a->bottom;
}

bool lg_box_meets_dot(const lg_box *box, const lg_dot *dot)
{
    double x = fmax(box->left, fmin(dot->x, box->right));
    double y = fmax(box->top, fmin(dot->y, box->bottom));
    return hypot(x - dot->x, y - dot->y) < dot->radius;
}

static bool is_free(const lg_obstacles *o, const lg_box *box)
{
    if (box->left < o->frame.left || box->top < o->frame.top || box->right > o->frame.right ||
        box->bottom > o->frame.bottom)
        return false;
    for (int i = 0; i < o->box_count; i++)
        if (lg_box_meets(box, &o->boxes[i]))
            return false;
    for (int i = 0; i < o->dot_count; i++)
        if (lg_box_meets_dot(box, &o->dots[i]))
            return false;
    return true;
}

enum { POINTS = LG_LABEL_BOXES - 1 };

// A line is a row of small boxes.
static lg_box point_of(const double line[4], int i)
{
    double t = (double)i / (POINTS - 1);
    double x = line[0] + t * (line[2] - line[0]), y = line[1] + t * (line[3] - line[1]);
    return (lg_box){x - 1, y - 1, x + 1, y + 1};
}

// Does the line run through no label and no dot but its own?
static bool is_clear(const lg_obstacles *o, const double line[4], int own)
{
    for (int i = 0; i < POINTS; i++) {
        lg_box point = point_of(line, i);
        for (int j = 0; j < o->dot_count; j++)
            if (j != own && lg_box_meets_dot(&point, &o->dots[j]))
                return false;
        for (int j = 0; j < o->box_count; j++)
            if (lg_box_meets(&point, &o->boxes[j]))
                return false;
    }
    return true;
}

// A box whose edge is `distance` away from the dot's centre in direction (dx, dy).
static lg_label label_at(const lg_dot *dot, double dx, double dy, double distance, double width,
                         double height)
{
    double x = dot->x + dx * distance, y = dot->y + dy * distance;
    double left = dx > 0.1 ? x : dx < -0.1 ? x - width : x - 0.5 * width;
    double top = dy > 0.8 ? y : dy < -0.8 ? y - height : y - 0.5 * height;
    lg_label label = {.box = {left, top, left + width, top + height}};
    label.has_line = distance > dot->radius + 6;
    label.line[0] = dot->x + dx * dot->radius;
    label.line[1] = dot->y + dy * dot->radius;
    label.line[2] = x - 2 * dx;
    label.line[3] = y - 2 * dy;
    return label;
}

bool lg_label_place(lg_obstacles *o, int dot, double width, double height, lg_label *label)
{
    static const double directions[][2] = {
        {1, 0},         {-1, 0},       {0, -1},       {0, 1},       {0.71, -0.71},  {0.71, 0.71},
        {-0.71, -0.71}, {-0.71, 0.71}, {0.38, -0.92}, {0.38, 0.92}, {-0.38, -0.92}, {-0.38, 0.92}};
    static const double gaps[] = {3, 12, 22, 34, 50, 70, 95, 125, 160};
    for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++)
        for (size_t d = 0; d < sizeof directions / sizeof *directions; d++) {
            *label = label_at(&o->dots[dot], directions[d][0], directions[d][1],
                              o->dots[dot].radius + gaps[g], width, height);
            if (is_free(o, &label->box) && (!label->has_line || is_clear(o, label->line, dot))) {
                o->boxes[o->box_count++] = label->box;
                for (int i = 0; label->has_line && i < POINTS; i++)
                    o->boxes[o->box_count++] = point_of(label->line, i);
                return true;
            }
        }
    return false;
}
