// What a curve says in a few numbers, or why there is none.
#ifndef LG_RUNTIME_RANKING_SCORES_H
#define LG_RUNTIME_RANKING_SCORES_H

#include "runtime/metrics.h"

typedef struct lg_ranking_scores {
    lg_curve *curve; // NULL: there is none, for the reason in `why`
    double auc, average_precision;
    bool has_accuracy; // else `why_accuracy` says why not
    double threshold, accuracy;
    char why[160], why_accuracy[160];
} lg_ranking_scores;

// Sorts `scored`. A curve that cannot be is no failure: `why` is set.
void lg_ranking_scores_make(lg_ranking_scores *ranking, lg_scored *scored, size_t count);
// The accuracy at a threshold; `count` is not 0.
void lg_ranking_scores_cut(lg_ranking_scores *ranking, const lg_scored *scored, size_t count,
                           double threshold);
// There is neither curve nor accuracy, and why.
void lg_ranking_scores_none(lg_ranking_scores *ranking, const char *why);
void lg_ranking_scores_free(lg_ranking_scores *ranking);

#endif
