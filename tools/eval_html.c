// One page with everything in it: style, numbers and plots, and nothing that is fetched.
#include "tools/eval_plots.h"
#include "tools/eval_report.h"
#include "tools/markup.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Okabe and Ito's colours, lighter on a dark page.
static const char style[] =
    ":root{color-scheme:light dark;--page:#fff;--ink:#1f2933;--quiet:#616e7c;--line:#d9e0e7;"
    "--field:#f4f6f8;--c0:#0072b2;--c1:#d55e00;--c2:#009e73;--mark:#1f2933}\n"
    "@media(prefers-color-scheme:dark){:root{--page:#14181d;--ink:#e4e7eb;--quiet:#9aa5b1;"
    "--line:#323d48;--field:#1d242c;--c0:#56b4e9;--c1:#e8833a;--c2:#2fbf95;--mark:#fff}}\n"
    "*{box-sizing:border-box}body{margin:0 auto;padding:24px;max-width:1420px;background:"
    "var(--page);color:var(--ink);font:15px/1.5 system-ui,'Segoe UI',Helvetica,Arial,sans-serif}\n"
    "h1{font-size:26px;margin:0 0 4px}h2{font-size:20px;margin:40px 0 8px;border-bottom:1px solid "
    "var(--line);padding-bottom:4px}p{max-width:90ch;margin:6px 0}.quiet{color:var(--quiet)}\n"
    ".cards{display:flex;flex-wrap:wrap;gap:12px;margin:20px 0}.card{background:var(--field);"
    "border-radius:8px;padding:12px 16px;min-width:170px}.card b{display:block;font-size:26px;"
    "line-height:1.3;font-variant-numeric:tabular-nums}.card span{color:var(--quiet);font-size:"
    "13px}\n"
    ".plots{display:flex;flex-wrap:wrap;gap:8px 28px;align-items:flex-start}figure{margin:8px 0;"
    "max-width:100%;overflow-x:auto}svg{max-width:none;display:block}\n"
    "svg text{font:12px system-ui,'Segoe UI',Helvetica,Arial,sans-serif;fill:var(--ink)}"
    "svg .title{font-size:14px;font-weight:600}svg .quiet{fill:var(--quiet)}\n"
    ".grid{stroke:var(--line);fill:none}.track{fill:var(--field)}.g0{fill:var(--c0)}"
    ".g1{fill:var(--c1)}.g2{fill:var(--c2)}.mark{stroke:var(--mark);stroke-width:2.5}\n"
    ".line{fill:none;stroke-width:2}.l0{stroke:var(--c0)}.l1{stroke:var(--c1);stroke-dasharray:"
    "9 3}.l2{stroke:var(--c2);stroke-dasharray:3 3}.chance{stroke:var(--quiet);stroke-dasharray:"
    "1 4;stroke-linecap:round;fill:none}\n"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    "th,td{padding:3px 12px 3px 0;text-align:right;border-bottom:1px solid var(--line);"
    "white-space:nowrap}th{color:var(--quiet);font-weight:500;vertical-align:bottom}"
    "th:first-child,td:first-child{text-align:left}summary{cursor:pointer;margin:8px 0}\n"
    ".none{background:var(--field);border-left:4px solid var(--c1);padding:8px 12px}\n";

static void print_cell(FILE *out, const char *text)
{
    fputs("<td>", out);
    lg_markup_print(out, text);
    fputs("</td>", out);
}

// A number of `digits` behind the point, or a dash.
static void print_number(FILE *out, double value, int digits)
{
    if (isfinite(value))
        fprintf(out, "<td>%.*f</td>", digits, value);
    else
        fputs("<td>&ndash;</td>", out);
}

static void print_none(FILE *out, const char *what, const char *why)
{
    fprintf(out, "<p class=\"none\">%s: ", what);
    lg_markup_print(out, why);
    fputs("</p>\n", out);
}

static double l1_of(const lg_l1 *l1, int value)
{
    double mean;
    return lg_l1_mean(l1, value, &mean) ? mean : NAN;
}

// ---- the top

static void print_card(FILE *out, const char *label, double value, const char *below)
{
    fprintf(out, "<div class=\"card\"><span>%s</span>", label);
    if (isfinite(value))
        fprintf(out, "<b>%.3f</b>", value);
    else
        fputs("<b>&ndash;</b>", out);
    fprintf(out, "<span>%s</span></div>\n", below);
}

static void print_cards(const lg_eval_report *r, FILE *out)
{
    char below[96];
    const lg_model_scores *s = r->scores;
    bool has = s->parsing.images > 0, has_majority = has && !*s->why_majority;
    fputs("<div class=\"cards\">\n", out);
    for (int g = 0; g < LG_NODE_GROUPS; g++) {
        char label[64] = "not known";
        snprintf(label, sizeof label, "F1, %s", lg_node_group_at(g)->name);
        snprintf(below, sizeof below, "always the majority: %.3f",
                 s->majority.groups[g].score[LG_F1_MACRO]);
        print_card(out, label, has ? s->parsing.groups[g].score[LG_F1_MACRO] : NAN,
                   has_majority ? below : "macro");
    }
    snprintf(below, sizeof below, "the training median: %.3f", l1_of(&s->majority.l1, -1));
    print_card(out, "L1 error, continuous values", l1_of(&s->parsing.l1, -1),
               has_majority ? below : "scaled to 0..1");
    snprintf(below, sizeof below, "average precision %.3f", s->detection.average_precision);
    print_card(out, "AUC, generated or real", s->detection.curve ? s->detection.auc : NAN,
               s->detection.curve ? below : "not computed");
    const lg_ranking_scores *attack = &s->attacks[LG_BY_FEATURE].ranking;
    snprintf(below, sizeof below, "by feature f; accuracy %.3f", attack->accuracy);
    print_card(out, "AUC, coordinated attacks", attack->curve ? attack->auc : NAN,
               attack->has_accuracy ? below : "by feature f");
    fputs("</div>\n", out);
}

static void print_top(const lg_eval_report *r, FILE *out)
{
    const lg_model_scores *s = r->scores;
    fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
          "<title>Evaluation: ",
          out);
    lg_markup_print(out, r->model);
    fprintf(out, "</title>\n<style>\n%s</style></head>\n<body>\n<h1>", style);
    lg_markup_print(out, r->model);
    fputs("</h1>\n<p class=\"quiet\">", out);
    if (r->weights) {
        lg_markup_print(out, r->weights);
        fputs("; ", out);
    }
    fprintf(out, "fold %d, %s set of ", r->dataset->fold, r->split);
    lg_markup_print(out, r->data);
    fprintf(out, ": %zu generated images of %zu models, %zu real images", s->fakes, s->model_count,
            s->reals);
    if (s->broken_count > 0)
        fprintf(out, "; %zu that cannot be read left out", s->broken_count);
    fputs("</p>\n", out);
    print_cards(r, out);
}

// ---- parsing

static void set_node_bar(const lg_model_scores *s, int node, lg_plot_bar *bar)
{
    const lg_class_scores *c = &s->parsing.nodes[node];
    const uint64_t *truth = s->parsing.confusion[node].count[1];
    char title[64];
    snprintf(bar->label, sizeof bar->label, "%s", lg_node_title(node, title));
    bar->value = c->score[LG_F1_MACRO];
    bar->mark = *s->why_majority ? NAN : s->majority.nodes[node].score[LG_F1_MACRO];
    snprintf(bar->tooltip, sizeof bar->tooltip,
             "node %d, %.60s: macro F1 %.4f, accuracy %.4f, on in %zu of %zu images", node, title,
             bar->value, c->score[LG_ACCURACY], (size_t)(truth[0] + truth[1]), s->parsing.images);
}

static void print_node_bars(const lg_model_scores *s, FILE *out)
{
    lg_plot_bar bars[LG_NODES];
    fputs("<div class=\"plots\">\n", out);
    for (int g = 0; g < LG_NODE_GROUPS; g++) {
        char title[96];
        const lg_node_group *group = lg_node_group_at(g);
        for (int i = 0; i < group->count; i++)
            set_node_bar(s, group->first + i, &bars[i]);
        snprintf(title, sizeof title, "%s: mean F1 %.3f", group->name,
                 s->parsing.groups[g].score[LG_F1_MACRO]);
        lg_plot_bars(out, title, g, bars, group->count, 1);
    }
    fputs("</div>\n", out);
}

static void print_scores(const lg_class_scores *c, const lg_class_scores *majority, FILE *out)
{
    for (int k = 0; k < LG_CLASS_SCORES; k++)
        print_number(out, c->score[k], 4);
    print_number(out, majority ? majority->score[LG_F1_MACRO] : NAN, 4);
    print_number(out, majority ? majority->score[LG_ACCURACY] : NAN, 4);
    fputs("</tr>\n", out);
}

static void print_node_table(const lg_model_scores *s, FILE *out)
{
    bool has_majority = !*s->why_majority;
    fputs("<details><summary>All scores of groups and nodes</summary><div class=\"scroll\"><table>"
          "<tr><th>node</th><th>images</th><th>F1 macro</th><th>F1 weighted<br>by truth</th>"
          "<th>F1 weighted<br>by prediction</th><th>accuracy</th><th>majority<br>F1 macro</th>"
          "<th>majority<br>accuracy</th></tr>\n",
          out);
    for (int g = 0; g < LG_NODE_GROUPS; g++) {
        fprintf(out, "<tr><td>mean of %s</td><td></td>", lg_node_group_at(g)->name);
        print_scores(&s->parsing.groups[g], has_majority ? &s->majority.groups[g] : NULL, out);
    }
    for (int i = 0; i < LG_NODES; i++) {
        char title[64];
        const uint64_t *truth = s->parsing.confusion[i].count[1];
        fprintf(out, "<tr><td>%d &nbsp;", i);
        lg_markup_print(out, lg_node_title(i, title));
        fprintf(out, "</td><td>%zu</td>", (size_t)(truth[0] + truth[1]));
        print_scores(&s->parsing.nodes[i], has_majority ? &s->majority.nodes[i] : NULL, out);
    }
    fputs("</table></div></details>\n", out);
}

static void set_value_bar(const lg_model_scores *s, int value, lg_plot_bar *bar)
{
    const lg_parsing_scores *p = &s->parsing;
    snprintf(bar->label, sizeof bar->label, "%s", lg_architecture_label(value));
    bar->value = l1_of(&p->l1, value);
    bar->mark = *s->why_majority ? NAN : l1_of(&s->majority.l1, value);
    snprintf(bar->tooltip, sizeof bar->tooltip,
             "%.63s: L1 error %.4f on %zu images, the right interval in %.4f of them",
             lg_architecture_label(value), bar->value, (size_t)p->l1.count[value],
             (double)p->interval_hits[value] / (double)p->images);
}

static void set_choice_bar(const lg_model_scores *s, int choice, lg_plot_bar *bar)
{
    double images = (double)s->parsing.images;
    snprintf(bar->label, sizeof bar->label, "%s",
             lg_architecture_label(LG_CONTINUOUS_VALUES + choice));
    bar->value = (double)s->parsing.choice_hits[choice] / images;
    bar->mark = *s->why_majority ? NAN : (double)s->majority.choice_hits[choice] / images;
    snprintf(bar->tooltip, sizeof bar->tooltip, "%.63s: right in %.4f of the images",
             lg_architecture_label(LG_CONTINUOUS_VALUES + choice), bar->value);
}

static void print_continuous(const lg_model_scores *s, FILE *out)
{
    lg_plot_bar values[LG_CONTINUOUS_VALUES], choices[LG_DISCRETE_VALUES];
    double largest = 0.1;
    for (int i = 0; i < LG_CONTINUOUS_VALUES; i++) {
        set_value_bar(s, i, &values[i]);
        largest = fmax(largest, fmax(values[i].value, values[i].mark)); // NaN is passed over
    }
    for (int i = 0; i < LG_DISCRETE_VALUES; i++)
        set_choice_bar(s, i, &choices[i]);
    fputs("<div class=\"plots\">\n", out);
    lg_plot_bars(out, "continuous values: L1 error, smaller is better", 1, values,
                 LG_CONTINUOUS_VALUES, largest);
    lg_plot_bars(out, "discrete choices as a whole: accuracy", 2, choices, LG_DISCRETE_VALUES, 1);
    fputs("</div>\n", out);
    fprintf(out,
            "<p class=\"quiet\">Values are scaled to 0..1 by their range in the 140 models of "
            "RED140; the prediction is %s. The line: always the training median.</p>\n",
            s->has_regression ? "that of the regression heads"
                              : "the middle of the likeliest interval");
}

static void print_parsing(const lg_eval_report *r, FILE *out)
{
    const lg_model_scores *s = r->scores;
    fputs("<h2>Parsing hyperparameters</h2>\n", out);
    if (s->parsing.images == 0) {
        print_none(out, "Not computed", "there are no generated images");
        return;
    }
    fprintf(
        out,
        "<p>Bars: macro F1 of each of the %d nodes. The line across a bar is what always saying "
        "the more frequent label of training would score: only what lies beyond was learned. "
        "Node loss %.4f; undecided is %.4f.</p>\n",
        LG_NODES, s->parsing.node_loss, LG_NODES * M_LN2);
    if (*s->why_majority)
        print_none(out, "No line of the majority", s->why_majority);
    print_node_bars(s, out);
    print_node_table(s, out);
    print_continuous(s, out);
}

// ---- rankings

static void print_detection(const lg_eval_report *r, FILE *out)
{
    const lg_model_scores *s = r->scores;
    fputs("<h2>Generated or real</h2>\n", out);
    if (!s->detection.curve) {
        print_none(out, "AUC and average precision not computed",
                   s->reals == 0 ? "there are no real images" : "there are no generated images");
        return;
    }
    fprintf(out,
            "<p>Accuracy at p(fake) = 0.5: <b>%.4f</b>; always saying the more frequent kind: "
            "%.4f. %zu of %zu real images are called generated.</p>\n",
            s->detection.accuracy, s->detection_majority, s->reals_called_fake, s->reals);
    const lg_plot_line line = {s->detection.curve, "p(fake)", 0};
    fputs("<div class=\"plots\">\n", out);
    lg_plot_curves(out, "ROC: generated images among real ones", LG_PLOT_ROC, &line, 1);
    lg_plot_curves(out, "Precision and recall of generated images", LG_PLOT_PRECISION_RECALL, &line,
                   1);
    fputs("</div>\n", out);
}

static void print_attack_table(const lg_model_scores *s, FILE *out)
{
    fputs("<div class=\"scroll\"><table><tr><th>cosine of</th><th>AUC</th><th>average precision"
          "</th><th>accuracy</th><th>threshold</th><th>pairs</th><th></th></tr>\n",
          out);
    for (int k = 0; k < LG_REPRESENTATIONS; k++) {
        const lg_ranking_scores *c = &s->attacks[k].ranking;
        fputs("<tr>", out);
        print_cell(out, lg_eval_representation_title(k));
        print_number(out, c->curve ? c->auc : NAN, 4);
        print_number(out, c->curve ? c->average_precision : NAN, 4);
        print_number(out, c->has_accuracy ? c->accuracy : NAN, 4);
        print_number(out, c->has_accuracy ? c->threshold : NAN, 6);
        fprintf(out, "<td>%zu</td>", s->attacks[k].pairs);
        print_cell(out, !c->curve ? c->why : c->has_accuracy ? "" : c->why_accuracy);
        fputs("</tr>\n", out);
    }
    fputs("</table></div>\n", out);
}

static void print_heat_maps(const lg_eval_report *r, FILE *out)
{
    const lg_model_scores *s = r->scores;
    const char **names = calloc(s->model_count + 1, sizeof *names);
    for (size_t i = 0; names && i < s->model_count; i++)
        names[i] = r->dataset->table->models[s->models[i].row].name;
    for (int k = LG_REPRESENTATIONS - 1; names && k >= 0; k--) {
        char title[96];
        snprintf(title, sizeof title, "Mean cosine of two models' images: %s",
                 lg_eval_representation_title(k));
        if (s->attacks[k].similarity)
            lg_plot_heat_map(out, title, s->attacks[k].similarity, names, s->model_count);
    }
    free(names);
}

static void print_attacks(const lg_eval_report *r, FILE *out)
{
    const lg_model_scores *s = r->scores;
    lg_plot_line lines[LG_REPRESENTATIONS];
    int count = 0;
    fprintf(
        out,
        "<h2>Coordinated attacks</h2>\n<p>Are two images made by one model? %zu pairs of the "
        "%s set, half of one model, half of two; the threshold is the best one on as many pairs "
        "of training models.</p>\n",
        r->pairs, r->split);
    print_attack_table(s, out);
    for (int k = 0; k < LG_REPRESENTATIONS; k++)
        if (s->attacks[k].ranking.curve)
            lines[count++] =
                (lg_plot_line){s->attacks[k].ranking.curve, lg_eval_representation_title(k), k};
    fputs("<div class=\"plots\">\n", out);
    if (count > 0)
        lg_plot_curves(out, "ROC: pairs of one model found", LG_PLOT_ROC, lines, count);
    print_heat_maps(r, out);
    fputs("</div>\n", out);
}

// ---- the rest

static void print_models(const lg_eval_report *r, FILE *out)
{
    const lg_model_scores *s = r->scores;
    fputs("<h2>Models</h2>\n<div class=\"scroll\"><table><tr><th>model</th><th>images</th>"
          "<th>right nodes</th><th>called generated</th></tr>\n",
          out);
    for (size_t i = 0; i < s->model_count; i++) {
        const lg_evaluated_model *m = &s->models[i];
        fputs("<tr>", out);
        print_cell(out, r->dataset->table->models[m->row].name);
        fprintf(out, "<td>%zu</td>", m->images);
        print_number(out, (double)m->right_nodes / (double)(m->images * LG_NODES), 4);
        print_number(out, (double)m->called_fake / (double)m->images, 4);
        fputs("</tr>\n", out);
    }
    if (s->reals > 0) {
        fprintf(out, "<tr><td>real images</td><td>%zu</td><td></td>", s->reals);
        print_number(out, (double)s->reals_called_fake / (double)s->reals, 4);
        fputs("</tr>\n", out);
    }
    fputs("</table></div>\n", out);
    if (s->broken_count == 0)
        return;
    fprintf(out, "<details><summary>%zu left out</summary><ul>\n", s->broken_count);
    for (size_t i = 0; i < s->broken_count; i++) {
        fputs("<li>", out);
        lg_markup_print(out, s->broken[i]);
        fputs("</li>\n", out);
    }
    fputs("</ul></details>\n", out);
}

void lg_eval_print_html(const void *report, FILE *out)
{
    const lg_eval_report *r = report;
    print_top(r, out);
    print_parsing(r, out);
    print_detection(r, out);
    print_attacks(r, out);
    print_models(r, out);
    fputs("</body></html>\n", out);
}
