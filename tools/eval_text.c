// Tables of at most 100 columns. What always saying the training majority would score stands beside
// every score of parsing, so that one can see what was learned.
#include "tools/eval_report.h"

#include <string.h>

enum { TITLE = 36, NAME = 40 };

const char *lg_eval_representation_title(int representation)
{
    static const char *const titles[LG_REPRESENTATIONS] = {
        [LG_BY_FEATURE] = "feature f",
        [LG_BY_NODE_FEATURES] = "node features V",
        [LG_BY_GENERATED_GRAPH] = "generated graph A'",
    };
    return titles[representation];
}

static void print_heading(const lg_eval_report *r, FILE *out)
{
    const lg_model_scores *s = r->scores;
    fprintf(out, "%s%s%s\n", r->model, r->weights ? " with " : "", r->weights ? r->weights : "");
    fprintf(out, "fold %d, %s set of %s: %zu generated images of %zu model%s, ", r->dataset->fold,
            r->split, r->data, s->fakes, s->model_count, s->model_count == 1 ? "" : "s");
    if (r->real)
        fprintf(out, "%zu real images of %s\n", s->reals, r->real);
    else
        fprintf(out, "no real images\n");
    if (s->broken_count > 0)
        fprintf(out, "left out, cannot be read: %zu\n", s->broken_count);
    if (*s->why_majority)
        fprintf(out, "what always saying the majority would score is not known: %s\n",
                s->why_majority);
}

// ---- parsing

static void print_scores(const lg_class_scores *scores, const lg_class_scores *majority, FILE *out)
{
    const double *s = scores->score;
    fprintf(out, "  %6.3f  %6.3f %6.3f  %6.3f", s[LG_F1_MACRO], s[LG_F1_WEIGHTED],
            s[LG_F1_WEIGHTED_PREDICTED], s[LG_ACCURACY]);
    if (majority)
        fprintf(out, "   %6.3f %6.3f", majority->score[LG_F1_MACRO], majority->score[LG_ACCURACY]);
    fputc('\n', out);
}

static void print_columns(const char *what, const char *support, bool has_majority, FILE *out)
{
    fprintf(out, "\n%-*s %7s  %6s  %13s  %6s%s\n", TITLE + 3, "", "", "F1", "F1 weighted by",
            "accu-", has_majority ? "   the majority" : "");
    fprintf(out, "%-*s %7s  %6s  %6s %6s  %6s%s\n", TITLE + 3, what, support, "macro", "true",
            "pred.", "racy", has_majority ? "   macro  accur." : "");
}

static void print_parsing(const lg_eval_report *r, FILE *out)
{
    const lg_model_scores *s = r->scores;
    const lg_parsing_scores *p = &s->parsing;
    bool has_majority = !*s->why_majority;
    fprintf(out, "\nPARSING\n");
    if (p->images == 0) {
        fprintf(out, "not computed: there are no generated images\n");
        return;
    }
    fprintf(out, "node loss %.4f (cross entropy, sum over %d nodes; %.4f when undecided)\n",
            p->node_loss, LG_NODES, LG_NODES * 0.69314718055994531);
    print_columns("means over groups", "nodes", has_majority, out);
    for (int g = 0; g < LG_NODE_GROUPS; g++) {
        fprintf(out, "   %-*s %7d", TITLE, lg_node_group_at(g)->name, lg_node_group_at(g)->count);
        print_scores(&p->groups[g], has_majority ? &s->majority.groups[g] : NULL, out);
    }
    print_columns("nodes", "images", has_majority, out);
    for (int i = 0; i < LG_NODES; i++) {
        char title[64];
        const uint64_t *truth = p->confusion[i].count[1];
        fprintf(out, "%2d %-*.*s %7zu", i, TITLE, TITLE, lg_node_title(i, title),
                (size_t)(truth[0] + truth[1]));
        print_scores(&p->nodes[i], has_majority ? &s->majority.nodes[i] : NULL, out);
    }
}

static void print_l1(const lg_l1 *l1, int value, FILE *out)
{
    double mean;
    if (lg_l1_mean(l1, value, &mean))
        fprintf(out, "  %8.4f", mean);
    else
        fprintf(out, "  %8s", "-");
}

static void print_continuous(const lg_eval_report *r, FILE *out)
{
    const lg_model_scores *s = r->scores;
    const lg_parsing_scores *p = &s->parsing;
    if (p->images == 0)
        return;
    fprintf(out, "\n%-*s %7s  %8s  %8s  %10s\n", TITLE + 3, "continuous values", "images",
            "L1 error", "", "right");
    fprintf(out, "%-*s %7s  %8s  %8s  %10s\n", TITLE + 3,
            s->has_regression ? "(regression heads, scaled to 0..1)"
                              : "(middles of intervals, scaled to 0..1)",
            "known", "", *s->why_majority ? "" : "median", "interval");
    for (int i = -1; i < LG_CONTINUOUS_VALUES; i++) {
        fprintf(out, "   %-*s", TITLE, i < 0 ? "mean over the values" : lg_architecture_label(i));
        if (i < 0)
            fprintf(out, " %7s", "");
        else
            fprintf(out, " %7zu", (size_t)p->l1.count[i]);
        print_l1(&p->l1, i, out);
        if (*s->why_majority)
            fprintf(out, "  %8s", "");
        else
            print_l1(&s->majority.l1, i, out);
        if (i >= 0)
            fprintf(out, "  %10.3f", (double)p->interval_hits[i] / (double)p->images);
        fputc('\n', out);
    }
    fprintf(out, "\ndiscrete choices, as a whole: right\n");
    for (int i = 0; i < LG_DISCRETE_VALUES; i++) {
        double images = (double)p->images;
        fprintf(out, "   %-*s %7zu  %8.3f", TITLE, lg_architecture_label(LG_CONTINUOUS_VALUES + i),
                p->images, (double)p->choice_hits[i] / images);
        if (!*s->why_majority)
            fprintf(out, "   the majority %.3f", (double)s->majority.choice_hits[i] / images);
        fputc('\n', out);
    }
}

// ---- rankings

static void print_detection(const lg_eval_report *r, FILE *out)
{
    const lg_model_scores *s = r->scores;
    const lg_ranking_scores *d = &s->detection;
    fprintf(out, "\nGENERATED OR REAL\n");
    if (d->curve)
        fprintf(out,
                "AUC %.4f, average precision %.4f, accuracy %.4f (always the more frequent: "
                "%.4f)\n",
                d->auc, d->average_precision, d->accuracy, s->detection_majority);
    else
        fprintf(out, "AUC and average precision not computed: %s%s\n",
                s->reals == 0 ? "no real images" : "no generated images",
                r->real ? "" : "; name a folder with --real=DIR");
    if (!d->curve)
        fprintf(out, "accuracy %.4f of %zu images, all %s\n", d->accuracy, s->images,
                s->reals == 0 ? "generated" : "real");
}

static void print_attacks(const lg_eval_report *r, FILE *out)
{
    fprintf(out, "\nCOORDINATED ATTACKS: are two images of one model? By cosine of\n");
    for (int k = 0; k < LG_REPRESENTATIONS; k++) {
        const lg_attack_scores *a = &r->scores->attacks[k];
        const lg_ranking_scores *c = &a->ranking;
        fprintf(out, "   %-20s", lg_eval_representation_title(k));
        if (!c->curve) {
            fprintf(out, "not computed: %s\n", c->why);
            continue;
        }
        fprintf(out, "AUC %.4f, ", c->auc);
        if (c->has_accuracy)
            fprintf(out, "accuracy %.4f on %zu pairs at %.6f (best on training)\n", c->accuracy,
                    a->pairs, c->threshold);
        else
            fprintf(out, "%zu pairs; no accuracy: %s\n", a->pairs, c->why_accuracy);
    }
}

static void print_models(const lg_eval_report *r, FILE *out)
{
    const lg_model_scores *s = r->scores;
    if (s->model_count == 0)
        return;
    fprintf(out, "\n%-*s %7s  %12s  %12s\n", NAME, "models", "images", "right nodes",
            "called fake");
    for (size_t i = 0; i < s->model_count; i++) {
        const lg_evaluated_model *m = &s->models[i];
        fprintf(out, "%-*.*s %7zu  %12.3f  %12.3f\n", NAME, NAME,
                r->dataset->table->models[m->row].name, m->images,
                (double)m->right_nodes / (double)(m->images * LG_NODES),
                (double)m->called_fake / (double)m->images);
    }
    if (s->reals > 0)
        fprintf(out, "%-*s %7zu  %12s  %12.3f\n", NAME, "real images", s->reals, "",
                (double)s->reals_called_fake / (double)s->reals);
}

void lg_eval_print_text(const void *report, FILE *out)
{
    const lg_eval_report *r = report;
    print_heading(r, out);
    print_parsing(r, out);
    print_continuous(r, out);
    print_detection(r, out);
    print_attacks(r, out);
    print_models(r, out);
}
