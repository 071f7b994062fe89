// From rows to SVG: how the plot is laid out stands in tools/roofline_plot.h, here is how it looks.
//
// Axes are logarithmic, so a kernel without FLOPs has no place; a line below the plot counts those.
#include "tools/roofline_svg.h"

#include "tools/markup.h"
#include "tools/roofline_plot.h"

#include <math.h>
#include <string.h>

enum {
    WIDTH = 1120,
    HEIGHT = 720,
    LEFT = 84,
    RIGHT = 1088,
    TOP = 96,
    BOTTOM = 628,
    FONT = 12,
    MOST_LABELS = 16,
    LONGEST_LABEL = 32,
    MOST_GROUPS = 6,
    ROOF_BOXES = 256
};

#define GIGA 1e9
#define RADIUS 36.0 // of a dot that is all of the time
#define LEAST_RADIUS 2.5
#define LEAST_SHARE 0.002 // of the time, of what has a label
#define LETTER 6.9        // width of a letter, roughly

typedef struct group {
    const char *word;
    int length;
} group;

typedef struct plot {
    const lg_bench_result *result;
    const lg_roofline *roofline;
    FILE *out;
    lg_axis x, y;
    const lg_bench_row **rows; // those that are shown
    lg_dot *dots;
    int count;
    group groups[MOST_GROUPS]; // kinds of kernels, by the first word of their names
    int group_count;
    lg_box *boxes; // of labels
    int box_count;
} plot;

static const char style[] =
    "text{font:12px system-ui,'Segoe UI',Helvetica,Arial,sans-serif;fill:#1f2933}\n"
    ".page{fill:#fff}.plot{fill:#f8fafc}.under{fill:#e6eef6}\n"
    ".grid{stroke:#dde3ea;stroke-width:1}.fine{stroke:#edf0f4;stroke-width:1}\n"
    ".frame{fill:none;stroke:#9aa5b1}\n"
    ".roof{fill:none;stroke:#1f2933;stroke-width:2}\n"
    ".cache{fill:none;stroke:#7b8794;stroke-width:1.5;stroke-dasharray:6 4}\n"
    ".ridge{stroke:#9aa5b1;stroke-dasharray:2 3}\n"
    ".title{font-size:19px;font-weight:600}.quiet{fill:#616e7c}\n"
    ".axis{font-size:13px}.line{stroke:#7b8794;stroke-width:.8}\n"
    "circle{fill-opacity:.72;stroke:#fff;stroke-width:.8}circle:hover{fill-opacity:1}\n"
    ".all{fill:none;stroke:#1f2933;stroke-width:2}\n"
    ".g0{fill:#0072b2}.g1{fill:#d55e00}.g2{fill:#009e73}.g3{fill:#cc79a7}.g4{fill:#e69f00}\n"
    ".g5{fill:#56b4e9}.g6{fill:#7b8794}\n"
    "@media(prefers-color-scheme:dark){text{fill:#e4e7eb}.page{fill:#14181d}.plot{fill:#1a2027}\n"
    ".under{fill:#222c36}.grid{stroke:#2f3944}.fine{stroke:#262e37}.frame{stroke:#52606d}\n"
    ".roof,.all{stroke:#e4e7eb}.quiet{fill:#9aa5b1}circle{stroke:#14181d}}\n";

// ---- what is shown

static double intensity(const lg_bench_row *row)
{
    return row->bytes > 0 ? row->flops / row->bytes : 0;
}

static bool is_shown(const lg_bench_row *row)
{
    return row->seconds > 0 && row->flops > 0 && row->bytes > 0;
}

// The first word of a kernel's name: conv2d of conv2d_45.
static int group_of(const plot *p, const lg_bench_row *row)
{
    int length = lg_bench_word(row->kernel);
    for (int g = 0; g < p->group_count; g++)
        if (p->groups[g].length == length &&
            strncmp(p->groups[g].word, row->kernel, (size_t)length) == 0)
            return g;
    return MOST_GROUPS;
}

static lg_bench_row **by_time(const lg_bench_result *r, lg_arena *arena)
{
    lg_bench_row **rows = LG_NEW_ARRAY(arena, lg_bench_row *, r->count + 1);
    for (int i = 0; i < r->count; i++) {
        int at = i;
        for (; at > 0 && rows[at - 1]->seconds < r->rows[i].seconds; at--)
            rows[at] = rows[at - 1];
        rows[at] = &r->rows[i];
    }
    return rows;
}

static void choose_rows(plot *p, lg_arena *arena)
{
    lg_bench_row **rows = by_time(p->result, arena);
    p->rows = LG_NEW_ARRAY(arena, const lg_bench_row *, p->result->count + 1);
    for (int i = 0; i < p->result->count; i++) {
        if (!is_shown(rows[i]))
            continue;
        p->rows[p->count++] = rows[i];
        if (p->group_count < MOST_GROUPS && group_of(p, rows[i]) == MOST_GROUPS)
            p->groups[p->group_count++] = (group){rows[i]->kernel, lg_bench_word(rows[i]->kernel)};
    }
}

static void choose_axes(plot *p)
{
    double peak = p->roofline->rate[LG_ROOF_PEAK], memory = lg_roofline_bandwidth(p->roofline);
    lg_axis_show(&p->x, peak / memory);
    lg_axis_show(&p->y, peak / GIGA);
    for (int i = 0; i < p->count; i++) {
        lg_axis_show(&p->x, intensity(p->rows[i]));
        lg_axis_show(&p->y, lg_bench_rate(p->rows[i]->flops, p->rows[i]->seconds));
    }
    lg_axis_pad(&p->x);
    lg_axis_pad(&p->y);
    p->x.from = LEFT;
    p->x.to = RIGHT;
    p->y.from = BOTTOM;
    p->y.to = TOP;
}

static void place_dots(plot *p, lg_arena *arena)
{
    p->dots = LG_NEW_ARRAY(arena, lg_dot, p->count + 1);
    for (int i = 0; i < p->count; i++) {
        const lg_bench_row *row = p->rows[i];
        double radius = RADIUS * sqrt(row->seconds / p->result->all.seconds);
        p->dots[i] = (lg_dot){lg_axis_pixel(&p->x, intensity(row)),
                              lg_axis_pixel(&p->y, lg_bench_rate(row->flops, row->seconds)),
                              fmax(radius, LEAST_RADIUS)};
    }
}

// ---- the paper

static void print_heading(const plot *p)
{
    const lg_bench_result *r = p->result;
    fprintf(p->out, "<text class=\"title\" x=\"%d\" y=\"34\">", LEFT);
    lg_markup_print(p->out, r->model);
    fprintf(p->out, "</text>\n<text class=\"quiet\" x=\"%d\" y=\"55\">", LEFT);
    lg_markup_print(p->out, r->target);
    fprintf(p->out,
            ", %d thread%s: median %.2f ms, roofline %.2f ms, %.1f %% of it reached; the area of a "
            "dot is its share of the time</text>\n",
            r->bench->threads, r->bench->threads == 1 ? "" : "s", 1e3 * r->median,
            1e3 * r->all.roof, lg_bench_percent(r->all.roof, r->median));
    double at = LEFT + 5;
    for (int g = 0; g < p->group_count; g++) {
        fprintf(p->out, "<circle class=\"g%d\" cx=\"%.1f\" cy=\"77\" r=\"5\"/>", g, at);
        fprintf(p->out, "<text x=\"%.1f\" y=\"81\">", at + 10);
        lg_markup_print_part(p->out, p->groups[g].word, p->groups[g].length);
        fputs("</text>\n", p->out);
        at += 34 + LETTER * p->groups[g].length;
    }
    fprintf(p->out,
            "<path class=\"all\" d=\"M%.1f 71l6 6l-6 6l-6 -6z\"/>"
            "<text x=\"%.1f\" y=\"81\">all kernels</text>\n",
            at, at + 12);
}

static void print_vertical(const plot *p, const lg_tick *tick)
{
    double x = lg_axis_pixel(&p->x, tick->value);
    fprintf(p->out, "<path class=\"%s\" d=\"M%.1f %dV%d\"/>", tick->is_power ? "grid" : "fine", x,
            TOP, BOTTOM);
    if (tick->is_labelled)
        fprintf(p->out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%g</text>", x,
                BOTTOM + 19, tick->value);
    fputc('\n', p->out);
}

static void print_horizontal(const plot *p, const lg_tick *tick)
{
    double y = lg_axis_pixel(&p->y, tick->value);
    fprintf(p->out, "<path class=\"%s\" d=\"M%d %.1fH%d\"/>", tick->is_power ? "grid" : "fine",
            LEFT, y, RIGHT);
    if (tick->is_labelled)
        fprintf(p->out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%g</text>", LEFT - 8, y + 4,
                tick->value);
    fputc('\n', p->out);
}

static void print_axes(const plot *p)
{
    lg_tick ticks[LG_MOST_TICKS];
    int count = lg_axis_ticks(&p->x, ticks);
    for (int i = 0; i < count; i++)
        print_vertical(p, &ticks[i]);
    count = lg_axis_ticks(&p->y, ticks);
    for (int i = 0; i < count; i++)
        print_horizontal(p, &ticks[i]);
    fprintf(p->out,
            "<text class=\"axis\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">arithmetic intensity, "
            "FLOP/byte</text>\n",
            (LEFT + RIGHT) / 2, BOTTOM + 42);
    fprintf(p->out,
            "<text class=\"axis\" text-anchor=\"middle\" transform=\"translate(28 %d) "
            "rotate(-90)\">speed, GFLOP/s</text>\n",
            (TOP + BOTTOM) / 2);
}

// What the axes have no place for.
static void print_missing(const plot *p)
{
    double seconds = p->result->all.seconds;
    for (int i = 0; i < p->count; i++)
        seconds -= p->rows[i]->seconds;
    int missing = p->result->count - p->count;
    if (missing > 0)
        fprintf(p->out,
                "<text class=\"quiet\" x=\"%d\" y=\"%d\">not shown, for lack of FLOPs: %d, %.1f %% "
                "of the time</text>\n",
                LEFT, HEIGHT - 16, missing,
                lg_bench_percent(fmax(seconds, 0), p->result->all.seconds));
    if (p->roofline->memory_bytes < p->roofline->l3_bytes)
        fprintf(p->out,
                "<text class=\"quiet\" x=\"%d\" y=\"%d\" text-anchor=\"end\">memory: measured on "
                "%.0f MiB, which this machine's L3 could hold</text>\n",
                RIGHT, HEIGHT - 16, (double)p->roofline->memory_bytes / (1 << 20));
}

// ---- roofs

static void keep_clear(plot *p, lg_box box)
{
    if (p->box_count < ROOF_BOXES)
        p->boxes[p->box_count++] = box;
}

static void keep_line_clear(plot *p, double x0, double y0, double x1, double y1)
{
    int steps = (int)ceil(hypot(x1 - x0, y1 - y0) / FONT);
    for (int i = 0; i <= steps; i++) {
        double part = (double)i / steps;
        double x = x0 + part * (x1 - x0), y = y0 + part * (y1 - y0);
        keep_clear(p, (lg_box){x - 2, y - 2, x + 2, y + 2});
    }
}

// Text on the slope of a roof of `rate` bytes/s, from where the slope enters the plot. Labels keep
// clear of the boxes along it.
static void print_slope_label(plot *p, double rate, const char *what)
{
    double gap = 26, low_y = fmax(p->y.low, rate / GIGA * p->x.low);
    double x = lg_axis_pixel(&p->x, low_y / (rate / GIGA)), y = lg_axis_pixel(&p->y, low_y);
    double dx = (RIGHT - LEFT) / log(p->x.high / p->x.low);
    double dy = (BOTTOM - TOP) / log(p->y.high / p->y.low);
    double angle = atan2(dy, dx);
    char text[64];
    snprintf(text, sizeof text, "%s %.1f GB/s", what, rate / GIGA);
    double length = LETTER * (double)strlen(text);
    x += gap * cos(angle);
    y -= gap * sin(angle);
    fprintf(p->out, "<text transform=\"translate(%.1f %.1f) rotate(%.2f)\" dy=\"-6\">%s</text>\n",
            x, y, -angle * 180 / M_PI, text);
    for (int i = 0; i * FONT < length; i++) {
        double along = i * FONT;
        double cx = x + along * cos(angle) - 10 * sin(angle);
        double cy = y - along * sin(angle) - 10 * cos(angle);
        keep_clear(p, (lg_box){cx - 8, cy - 8, cx + 8, cy + 8});
    }
}

// The corner where a roof of `rate` bytes/s meets the peak, and where it enters the plot.
typedef struct slope {
    double x0, y0, x1;
} slope;

static slope slope_of(const plot *p, double rate)
{
    double low_y = fmax(p->y.low, rate / GIGA * p->x.low);
    return (slope){lg_axis_pixel(&p->x, low_y / (rate / GIGA)), lg_axis_pixel(&p->y, low_y),
                   lg_axis_pixel(&p->x, p->roofline->rate[LG_ROOF_PEAK] / rate)};
}

static void print_roofs(plot *p)
{
    double memory = lg_roofline_bandwidth(p->roofline), cache = p->roofline->rate[LG_ROOF_CACHE];
    double peak = p->roofline->rate[LG_ROOF_PEAK], top = lg_axis_pixel(&p->y, peak / GIGA);
    slope m = slope_of(p, memory), c = slope_of(p, cache);
    fprintf(p->out, "<path class=\"roof\" d=\"M%.1f %.1fL%.1f %.1fH%d\"/>\n", m.x0, m.y0, m.x1, top,
            RIGHT);
    keep_line_clear(p, m.x0, m.y0, m.x1, top);
    keep_clear(p, (lg_box){m.x1, top - 2, RIGHT, top + 2});
    fprintf(p->out, "<path class=\"ridge\" d=\"M%.1f %.1fV%d\"/>\n", m.x1, top, BOTTOM);
    char text[64];
    snprintf(text, sizeof text, "peak %.1f GFLOP/s", peak / GIGA);
    fprintf(p->out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", RIGHT - 8, top - 8,
            text);
    keep_clear(p, (lg_box){RIGHT - 8 - LETTER * (double)strlen(text), top - 22, RIGHT, top - 2});
    fprintf(p->out, "<text class=\"quiet\" x=\"%.1f\" y=\"%d\">%.1f FLOP/byte</text>\n", m.x1 + 5,
            BOTTOM - 8, peak / memory);
    keep_clear(p, (lg_box){m.x1, BOTTOM - 22, m.x1 + 110, BOTTOM});
    print_slope_label(p, memory, "memory");
    // Where the slope of the cache is wholly to the left of the plot, so is its corner.
    if (cache > memory && c.x1 > LEFT + 60) {
        fprintf(p->out, "<path class=\"cache\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", c.x0, c.y0, c.x1,
                top);
        print_slope_label(p, cache, "L2");
    }
}

static void print_shade(const plot *p)
{
    slope m = slope_of(p, lg_roofline_bandwidth(p->roofline));
    fprintf(p->out, "<path class=\"under\" d=\"M%.1f %dV%.1fL%.1f %.1fH%dV%dz\"/>\n", m.x0, BOTTOM,
            m.y0, m.x1, lg_axis_pixel(&p->y, p->roofline->rate[LG_ROOF_PEAK] / GIGA), RIGHT,
            BOTTOM);
}

// ---- kernels

static void print_tooltip(const plot *p, const lg_bench_row *row)
{
    fputs("<title>", p->out);
    lg_markup_print(p->out, row->kernel);
    if (*row->label) {
        fputs(" (", p->out);
        lg_markup_print(p->out, row->label);
        fputs(")", p->out);
    }
    fprintf(p->out,
            "\n%d launch%s, %.3f ms, %.1f %% of the time\n%.1f GFLOP/s, %.1f GB/s, %.2f FLOP/byte\n"
            "%.1f %% of its roofline, which is %s</title>",
            row->launches, row->launches == 1 ? "" : "es", 1e3 * row->seconds,
            lg_bench_percent(row->seconds, p->result->all.seconds),
            lg_bench_rate(row->flops, row->seconds), lg_bench_rate(row->bytes, row->seconds),
            intensity(row), lg_bench_percent(row->roof, row->seconds),
            lg_bench_is_compute_bound(p->roofline, row) ? "the peak" : "memory");
}

// Slow ones first, so that what is small lies on top.
static void print_dots(const plot *p)
{
    for (int i = 0; i < p->count; i++) {
        const lg_dot *dot = &p->dots[i];
        fprintf(p->out, "<circle class=\"g%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\">",
                group_of(p, p->rows[i]), dot->x, dot->y, dot->radius);
        print_tooltip(p, p->rows[i]);
        fputs("</circle>\n", p->out);
    }
    const lg_bench_row *all = &p->result->all;
    if (!is_shown(all))
        return;
    fprintf(p->out, "<path class=\"all\" d=\"M%.1f %.1fm0 -8l8 8l-8 8l-8 -8z\">",
            lg_axis_pixel(&p->x, intensity(all)),
            lg_axis_pixel(&p->y, lg_bench_rate(all->flops, all->seconds)));
    print_tooltip(p, all);
    fputs("</path>\n", p->out);
}

// Where a text is cut so that at most `most` characters of it are left.
static int cut_text(const char *text, int most)
{
    int end = 0;
    for (int characters = 0; text[end]; end++) {
        characters += ((unsigned char)text[end] & 0xc0) != 0x80;
        if (characters > most)
            break;
    }
    return end;
}

static void print_label(const plot *p, const lg_dot *dot, const lg_label *label, const char *text,
                        int length)
{
    if (label->has_line)
        fprintf(p->out, "<path class=\"line\" d=\"M%.1f %.1fL%.1f %.1f\"/>", label->line[0],
                label->line[1], label->line[2], label->line[3]);
    // At the end that is towards the dot: how wide letters are is a guess.
    const lg_box *box = &label->box;
    bool is_left = box->right <= dot->x, is_right = box->left >= dot->x;
    double x = is_left ? box->right - 2 : is_right ? box->left + 2 : 0.5 * (box->left + box->right);
    fprintf(p->out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, box->bottom - 3,
            is_left    ? "end"
            : is_right ? "start"
                       : "middle");
    lg_markup_print_part(p->out, text, length);
    fprintf(p->out, "%s</text>\n", text[length] ? "…" : "");
}

static void print_labels(plot *p)
{
    lg_obstacles around = {.frame = {LEFT + 2, TOP + 2, RIGHT - 2, BOTTOM - 2},
                           .dots = p->dots,
                           .dot_count = p->count,
                           .boxes = p->boxes,
                           .box_count = p->box_count};
    int printed = 0;
    for (int i = 0; i < p->count && printed < MOST_LABELS; i++) {
        if (p->rows[i]->seconds < LEAST_SHARE * p->result->all.seconds)
            return; // and so all behind it
        const char *text = *p->rows[i]->label ? p->rows[i]->label : p->rows[i]->kernel;
        int length = cut_text(text, LONGEST_LABEL);
        lg_label label;
        if (!lg_label_place(&around, i, LETTER * length + 4, FONT + 3, &label))
            continue;
        print_label(p, &p->dots[i], &label, text, length);
        printed++;
    }
}

void lg_roofline_draw(const lg_bench_result *result, FILE *out)
{
    lg_arena *arena = lg_arena_new();
    plot p = {.result = result, .roofline = result->bench->roofline, .out = out};
    choose_rows(&p, arena);
    choose_axes(&p);
    place_dots(&p, arena);
    p.boxes = LG_NEW_ARRAY(arena, lg_box, ROOF_BOXES + MOST_LABELS * LG_LABEL_BOXES);
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
            "height=\"%d\">\n<style>\n%s</style>\n",
            WIDTH, HEIGHT, WIDTH, HEIGHT, style);
    fprintf(out, "<rect class=\"page\" width=\"%d\" height=\"%d\"/>\n", WIDTH, HEIGHT);
    fprintf(out, "<rect class=\"plot\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n", LEFT, TOP,
            RIGHT - LEFT, BOTTOM - TOP);
    print_shade(&p);
    print_heading(&p);
    print_axes(&p);
    print_roofs(&p);
    print_dots(&p);
    print_labels(&p);
    print_missing(&p);
    fprintf(out, "<rect class=\"frame\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n</svg>\n",
            LEFT, TOP, RIGHT - LEFT, BOTTOM - TOP);
    lg_arena_free(arena);
}
