// Scores of predictions: classes (F1, accuracy), rankings (ROC AUC, average precision), continuous
// values (L1), similarity of vectors.
//
// Everything is counted or summed in f64 in the order of the calls, so a score is the same bits
// whatever the batch size and the number of threads were. Scores that do not exist (AUC without
// negatives, say) are refused with the reason; none is invented.
#ifndef LG_RUNTIME_METRICS_H
#define LG_RUNTIME_METRICS_H

#include "runtime/hyperparameters.h"

#include <stddef.h>

// ---- two classes

// How often [truth][prediction] was seen.
typedef struct lg_confusion {
    uint64_t count[2][2];
} lg_confusion;

void lg_confusion_add(lg_confusion *confusion, bool truth, bool prediction);

// F1 of a class: 2 TP / (n_true + n_predicted), 0 when TP is 0. A class that neither the truth nor
// the prediction has is left out of the means.
enum {
    LG_F1_MACRO,              // plain mean over the classes
    LG_F1_WEIGHTED,           // mean weighted by true counts, as scikit-learn's "weighted"
    LG_F1_WEIGHTED_PREDICTED, // by predicted counts: what LGPN's released code reports as weighted
    LG_ACCURACY,
    LG_CLASS_SCORES
};

typedef struct lg_class_scores {
    double score[LG_CLASS_SCORES];
} lg_class_scores;

// `confusion` is not empty.
lg_class_scores lg_confusion_scores(const lg_confusion *confusion);

// "f1_macro", "f1_weighted", "f1_weighted_predicted", "accuracy".
const char *lg_class_score_name(int score);

// The three groups that LGPN's evaluation averages over: nodes 0-9, 10-36, 37-54.
enum { LG_GROUP_LOSSES, LG_GROUP_CONTINUOUS, LG_GROUP_CODES, LG_NODE_GROUPS };

typedef struct lg_node_group {
    const char *name; // "loss functions", "continuous values", "discrete choices"
    int first, count; // nodes
} lg_node_group;

const lg_node_group *lg_node_group_at(int group);

// Plain means over the nodes of a group.
lg_class_scores lg_group_scores(const lg_class_scores nodes[LG_NODES], int group);

// ---- rankings

typedef struct lg_scored {
    double score; // larger is more positive
    bool positive;
} lg_scored;

// What is called positive when everything with a score >= threshold is.
typedef struct lg_operating_point {
    double threshold;
    size_t true_positives, false_positives;
} lg_operating_point;

// All different ways to cut a ranking in two, from nothing is positive (threshold infinity) to
// everything is. Items of equal score stay together.
typedef struct lg_curve {
    size_t positives, negatives, count; // count: of the points, at least 2
    lg_operating_point *points;
} lg_curve;

// Sorts `scored` in place, largest score first. NULL with a message without positives, without
// negatives, with a score that is not finite. Free with lg_curve_free.
lg_curve *lg_curve_new(lg_scored *scored, size_t count, lg_error *e);
void lg_curve_free(lg_curve *curve); // NULL is allowed

// Area under the ROC curve: the probability that a positive has a larger score than a negative,
// ties count half (Mann-Whitney U / (positives * negatives)). Exact but for the last division.
double lg_curve_auc(const lg_curve *curve);

// Sum of (R_i - R_{i-1}) P_i over the points, P precision, R recall (scikit-learn's
// average_precision_score): a step function, nothing is interpolated.
double lg_curve_average_precision(const lg_curve *curve);

// The threshold of the highest accuracy, the largest of several: halfway between two scores where
// it can be, so that it carries over to other items. `accuracy` may be NULL.
double lg_curve_best_threshold(const lg_curve *curve, double *accuracy);

// Share of items for which (score >= threshold) is what `positive` says. `count` is not 0.
double lg_accuracy_at(const lg_scored *scored, size_t count, double threshold);

// ---- continuous values

// Sum of |prediction - target| for each continuous value, and how many there were.
typedef struct lg_l1 {
    double sum[LG_CONTINUOUS_VALUES];
    uint64_t count[LG_CONTINUOUS_VALUES];
} lg_l1;

// Targets that are NaN (not known) are left out.
void lg_l1_add(lg_l1 *l1, const double prediction[LG_CONTINUOUS_VALUES],
               const double target[LG_CONTINUOUS_VALUES]);

// The mean of one value, or with `value` < 0 the mean over the values that have any (each value
// counts the same). False when there is none.
bool lg_l1_mean(const lg_l1 *l1, int value, double *mean);

// ---- vectors

// a.b / (|a| |b|), in f64; 0 when either is all zeros. Not finite values give NaN.
double lg_cosine(const float *a, const float *b, size_t count);

#endif
