#include "tools/eval_plots.h"

#include "tools/markup.h"

#include <math.h>

static void begin(FILE *out, const char *title, double width, double height)
{
    fprintf(out,
            "<figure><svg role=\"img\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" "
            "height=\"%.0f\" aria-label=\"",
            width, height, width, height);
    lg_markup_print(out, title);
    fputs("\"><text class=\"title\" x=\"4\" y=\"18\">", out);
    lg_markup_print(out, title);
    fputs("</text>\n", out);
}

static void end(FILE *out)
{
    fputs("</svg></figure>\n", out);
}

static void print_tooltip(FILE *out, const char *text)
{
    fputs("<title>", out);
    lg_markup_print(out, text);
    fputs("</title>", out);
}

// ---- bars

enum { BAR_LEFT = 232, BAR_WIDTH = 160, BAR_STEP = 20, BAR_TOP = 44, BAR_RIGHT = 56 };

static double bar_x(double value, double largest)
{
    double part = largest > 0 ? value / largest : 0;
    return BAR_LEFT + BAR_WIDTH * fmin(fmax(part, 0), 1);
}

static void print_bar(FILE *out, int color, const lg_plot_bar *bar, double y, double largest)
{
    fputs("<g>", out);
    print_tooltip(out, bar->tooltip);
    fprintf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", BAR_LEFT - 8, y + 13);
    lg_markup_print(out, bar->label);
    fputs("</text>", out);
    fprintf(out, "<rect class=\"track\" x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"12\"/>", BAR_LEFT,
            y + 3, BAR_WIDTH);
    if (isnan(bar->value)) {
        fprintf(out, "<text class=\"quiet\" x=\"%d\" y=\"%.1f\">not known</text></g>\n",
                BAR_LEFT + 4, y + 13);
        return;
    }
    fprintf(out, "<rect class=\"g%d\" x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"12\"/>", color,
            BAR_LEFT, y + 3, bar_x(bar->value, largest) - BAR_LEFT);
    if (!isnan(bar->mark))
        fprintf(out, "<path class=\"mark\" d=\"M%.1f %.1fv16\"/>", bar_x(bar->mark, largest),
                y + 1);
    fprintf(out, "<text x=\"%d\" y=\"%.1f\">%.3f</text></g>\n", BAR_LEFT + BAR_WIDTH + 8, y + 13,
            bar->value);
}

void lg_plot_bars(FILE *out, const char *title, int color, const lg_plot_bar *bars, int count,
                  double largest)
{
    double bottom = BAR_TOP + BAR_STEP * count;
    begin(out, title, BAR_LEFT + BAR_WIDTH + BAR_RIGHT, bottom + 8);
    for (int i = 0; i <= 4; i++) {
        double x = BAR_LEFT + BAR_WIDTH * i / 4.0;
        fprintf(out, "<path class=\"grid\" d=\"M%.1f %dV%.1f\"/>", x, BAR_TOP, bottom);
        if (i % 2 == 0)
            fprintf(out,
                    "<text class=\"quiet\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.3g</text>",
                    x, BAR_TOP - 6, largest * i / 4);
    }
    fputc('\n', out);
    for (int i = 0; i < count; i++)
        print_bar(out, color, &bars[i], BAR_TOP + BAR_STEP * i, largest);
    end(out);
}

// ---- curves

enum { CURVE_LEFT = 52, CURVE_TOP = 36, CURVE_SIDE = 320, CURVE_BELOW = 44, LEGEND_STEP = 20 };

// Nothing nearer than this to what is drawn is drawn: a curve may have a point an image.
static const double LEAST_STEP = 0.5;

static double curve_x(double part)
{
    return CURVE_LEFT + CURVE_SIDE * part;
}

static double curve_y(double part)
{
    return CURVE_TOP + CURVE_SIDE * (1 - part);
}

static void print_roc(FILE *out, const lg_curve *c)
{
    double last_x = curve_x(0), last_y = curve_y(0);
    fprintf(out, "M%.1f %.1f", last_x, last_y);
    for (size_t i = 1; i < c->count; i++) {
        double x = curve_x((double)c->points[i].false_positives / (double)c->negatives);
        double y = curve_y((double)c->points[i].true_positives / (double)c->positives);
        if (i + 1 < c->count && hypot(x - last_x, y - last_y) < LEAST_STEP)
            continue;
        fprintf(out, "L%.1f %.1f", x, y);
        last_x = x;
        last_y = y;
    }
}

// Steps, as the average precision sums them.
static void print_precision_recall(FILE *out, const lg_curve *c)
{
    double last_x = curve_x(0);
    for (size_t i = 1; i < c->count; i++) {
        const lg_operating_point *p = &c->points[i];
        double called = (double)(p->true_positives + p->false_positives);
        double x = curve_x((double)p->true_positives / (double)c->positives);
        double y = curve_y((double)p->true_positives / called);
        if (i > 1 && i + 1 < c->count && x - last_x < LEAST_STEP)
            continue;
        fprintf(out, i == 1 ? "M%.1f %.1fH%.1f" : "L%.1f %.1fH%.1f", last_x, y, x);
        last_x = x;
    }
}

static void print_grid(FILE *out, lg_plot_kind kind)
{
    for (int i = 0; i <= 4; i++) {
        double part = i / 4.0;
        fprintf(out, "<path class=\"grid\" d=\"M%.1f %.1fV%.1fM%.1f %.1fH%.1f\"/>", curve_x(part),
                curve_y(0), curve_y(1), curve_x(0), curve_y(part), curve_x(1));
        fprintf(out, "<text class=\"quiet\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%g</text>",
                curve_x(part), curve_y(0) + 16, part);
        fprintf(out, "<text class=\"quiet\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%g</text>\n",
                curve_x(0) - 6, curve_y(part) + 4, part);
    }
    bool roc = kind == LG_PLOT_ROC;
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>", curve_x(0.5),
            curve_y(0) + 34, roc ? "false positive rate" : "recall");
    fprintf(out,
            "<text text-anchor=\"middle\" transform=\"translate(14 %.1f) rotate(-90)\">%s</text>\n",
            curve_y(0.5), roc ? "true positive rate" : "precision");
}

void lg_plot_curves(FILE *out, const char *title, lg_plot_kind kind, const lg_plot_line *lines,
                    int count)
{
    double legend = CURVE_TOP + CURVE_SIDE + CURVE_BELOW + 12;
    begin(out, title, CURVE_LEFT + CURVE_SIDE + 20, legend + LEGEND_STEP * count);
    print_grid(out, kind);
    const lg_curve *first = lines[0].curve;
    double share = (double)first->positives / (double)(first->positives + first->negatives);
    bool roc = kind == LG_PLOT_ROC;
    fprintf(out, "<path class=\"chance\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", curve_x(0),
            curve_y(roc ? 0 : share), curve_x(1), curve_y(roc ? 1 : share));
    for (int i = 0; i < count; i++) {
        fprintf(out, "<path class=\"line l%d\" d=\"", lines[i].color);
        roc ? print_roc(out, lines[i].curve) : print_precision_recall(out, lines[i].curve);
        fputs("\"/>\n", out);
        double y = legend + LEGEND_STEP * i;
        fprintf(out, "<path class=\"line l%d\" d=\"M%d %.1fh30\"/><text x=\"%d\" y=\"%.1f\">",
                lines[i].color, CURVE_LEFT, y, CURVE_LEFT + 38, y + 4);
        lg_markup_print(out, lines[i].label);
        fprintf(out, ", %s %.4f</text>\n", roc ? "AUC" : "average precision",
                roc ? lg_curve_auc(lines[i].curve) : lg_curve_average_precision(lines[i].curve));
    }
    end(out);
}

// ---- heat maps

enum { HEAT_LEFT = 150, HEAT_TOP = 150, HEAT_SIDE = 560, HEAT_LEAST = 8, HEAT_MOST = 36 };

// Cividis (Nunez, Anderton, Renslow, 2018): lightness and hue rise evenly for all kinds of sight.
static void heat_color(double part, int rgb[3])
{
    static const int stops[][3] = {
        {0, 34, 78}, {59, 73, 108}, {112, 113, 115}, {165, 156, 116}, {254, 232, 56}};
    enum { STEPS = sizeof stops / sizeof *stops - 1 };
    double at = fmin(fmax(part, 0), 1) * STEPS;
    int step = at < STEPS ? (int)at : STEPS - 1;
    for (int c = 0; c < 3; c++)
        rgb[c] = (int)lround(stops[step][c] + (at - step) * (stops[step + 1][c] - stops[step][c]));
}

typedef struct heat_map {
    const double *values;
    const char *const *names;
    size_t count;
    double low, high, cell;
} heat_map;

static void print_cell(FILE *out, const heat_map *h, size_t i, size_t j)
{
    int rgb[3];
    double value = h->values[i * h->count + j];
    double x = HEAT_LEFT + h->cell * (double)j, y = HEAT_TOP + h->cell * (double)i;
    double part = h->high > h->low ? (value - h->low) / (h->high - h->low) : 1;
    if (isnan(value))
        return;
    heat_color(part, rgb);
    fprintf(out,
            "<g><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
            "fill=\"#%02x%02x%02x\"/>",
            x, y, h->cell + 0.2, h->cell + 0.2, (unsigned)rgb[0], (unsigned)rgb[1],
            (unsigned)rgb[2]);
    if (h->cell >= 28 && h->high - h->low >= 0.05)
        fprintf(out,
                "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" font-size=\"10\" "
                "style=\"fill:%s\">%.2f</text>",
                x + h->cell / 2, y + h->cell / 2 + 4, part < 0.6 ? "#fff" : "#000", value);
    fputs("<title>", out);
    lg_markup_print(out, h->names[i]);
    fputs(" and ", out);
    lg_markup_print(out, h->names[j]);
    fprintf(out, ": %.6f</title></g>\n", value);
}

// What there is room for; the tooltips have the whole name.
static void print_name(FILE *out, const char *name)
{
    enum { MOST = 20 };
    int length = 0;
    for (int characters = 0; name[length]; length++) {
        characters += ((unsigned char)name[length] & 0xc0) != 0x80; // UTF-8
        if (characters > MOST)
            break;
    }
    lg_markup_print_part(out, name, length);
    fputs(name[length] ? "&#8230;</text>" : "</text>", out);
}

static void print_names(FILE *out, const heat_map *h)
{
    double size = fmin(12, h->cell);
    for (size_t i = 0; i < h->count; i++) {
        double at = h->cell * ((double)i + 0.5) + size / 3;
        fprintf(out, "<text style=\"font-size:%.1fpx\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">",
                size, HEAT_LEFT - 6, HEAT_TOP + at);
        print_name(out, h->names[i]);
        fprintf(out,
                "<text style=\"font-size:%.1fpx\" transform=\"translate(%.1f %d) rotate(-60)\">",
                size, HEAT_LEFT + at, HEAT_TOP - 6);
        print_name(out, h->names[i]);
        fputc('\n', out);
    }
}

static void print_scale(FILE *out, const heat_map *h)
{
    enum { STEPS = 48, WIDTH = 4 };
    double y = HEAT_TOP + h->cell * (double)h->count + 14;
    for (int i = 0; i < STEPS; i++) {
        int rgb[3];
        heat_color((double)i / (STEPS - 1), rgb);
        fprintf(out,
                "<rect x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"12\" fill=\"#%02x%02x%02x\"/>",
                HEAT_LEFT + 60 + WIDTH * i, y, WIDTH + 0.2, (unsigned)rgb[0], (unsigned)rgb[1],
                (unsigned)rgb[2]);
    }
    fprintf(out,
            "\n<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.4f</text><text x=\"%d\" "
            "y=\"%.1f\">%.4f</text>\n",
            HEAT_LEFT + 54, y + 11, h->low, HEAT_LEFT + 66 + WIDTH * STEPS, y + 11, h->high);
}

void lg_plot_heat_map(FILE *out, const char *title, const double *values, const char *const *names,
                      size_t count)
{
    heat_map h = {values, names, count, INFINITY, -INFINITY, 0};
    for (size_t i = 0; i < count * count; i++)
        if (!isnan(values[i])) {
            h.low = fmin(h.low, values[i]);
            h.high = fmax(h.high, values[i]);
        }
    if (h.low > h.high)
        return;
    h.cell = fmin(fmax(HEAT_SIDE / (double)count, HEAT_LEAST), HEAT_MOST);
    double side = h.cell * (double)count;
    begin(out, title, HEAT_LEFT + fmax(side, 300) + 90, HEAT_TOP + side + 40);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            print_cell(out, &h, i, j);
    print_names(out, &h);
    print_scale(out, &h);
    end(out);
}
