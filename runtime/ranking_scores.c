#include "runtime/ranking_scores.h"

#include <stdio.h>

void lg_ranking_scores_none(lg_ranking_scores *ranking, const char *why)
{
    *ranking = (lg_ranking_scores){0};
    snprintf(ranking->why, sizeof ranking->why, "%s", why);
    snprintf(ranking->why_accuracy, sizeof ranking->why_accuracy, "%s", why);
}

void lg_ranking_scores_make(lg_ranking_scores *ranking, lg_scored *scored, size_t count)
{
    lg_error error;
    lg_curve *curve = lg_curve_new(scored, count, &error);
    lg_ranking_scores_none(ranking, curve ? "no threshold" : error.message);
    if (!curve)
        return;
    ranking->why[0] = '\0';
    ranking->curve = curve;
    ranking->auc = lg_curve_auc(curve);
    ranking->average_precision = lg_curve_average_precision(curve);
}

void lg_ranking_scores_cut(lg_ranking_scores *ranking, const lg_scored *scored, size_t count,
                           double threshold)
{
    ranking->has_accuracy = true;
    ranking->why_accuracy[0] = '\0';
    ranking->threshold = threshold;
    ranking->accuracy = lg_accuracy_at(scored, count, threshold);
}

void lg_ranking_scores_free(lg_ranking_scores *ranking)
{
    lg_curve_free(ranking->curve);
    ranking->curve = NULL;
}
