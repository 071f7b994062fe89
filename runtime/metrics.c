// A ranking is sorted once; AUC, average precision and the best threshold all read the same list of
// operating points, in which equal scores are one step. That is what makes ties come out right.
#include "runtime/metrics.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

// ---- two classes

void lg_confusion_add(lg_confusion *confusion, bool truth, bool prediction)
{
    confusion->count[truth][prediction]++;
}

lg_class_scores lg_confusion_scores(const lg_confusion *confusion)
{
    const uint64_t(*n)[2] = confusion->count;
    double total = (double)(n[0][0] + n[0][1] + n[1][0] + n[1][1]);
    double classes = 0;
    assert(total > 0);
    lg_class_scores s = {.score[LG_ACCURACY] = (double)(n[0][0] + n[1][1]) / total};
    for (int c = 0; c < 2; c++) {
        double truth = (double)(n[c][0] + n[c][1]), predicted = (double)(n[0][c] + n[1][c]);
        if (truth + predicted == 0)
            continue;
        double f1 = 2 * (double)n[c][c] / (truth + predicted);
        classes++;
        s.score[LG_F1_MACRO] += f1;
        s.score[LG_F1_WEIGHTED] += f1 * truth / total;
        s.score[LG_F1_WEIGHTED_PREDICTED] += f1 * predicted / total;
    }
    s.score[LG_F1_MACRO] /= classes;
    return s;
}

const char *lg_class_score_name(int score)
{
    static const char *const names[LG_CLASS_SCORES] = {
        [LG_F1_MACRO] = "f1_macro",
        [LG_F1_WEIGHTED] = "f1_weighted",
        [LG_F1_WEIGHTED_PREDICTED] = "f1_weighted_predicted",
        [LG_ACCURACY] = "accuracy",
    };
    assert(score >= 0 && score < LG_CLASS_SCORES);
    return names[score];
}

const lg_node_group *lg_node_group_at(int group)
{
    static const lg_node_group groups[LG_NODE_GROUPS] = {
        [LG_GROUP_LOSSES] = {"loss functions", 0, LG_LOSSES},
        [LG_GROUP_CONTINUOUS] = {"continuous values", LG_LOSSES,
                                 LG_CONTINUOUS_VALUES * LG_INTERVALS},
        [LG_GROUP_CODES] = {"discrete choices", LG_NODES - LG_CODES, LG_CODES},
    };
    assert(group >= 0 && group < LG_NODE_GROUPS);
    return &groups[group];
}

lg_class_scores lg_group_scores(const lg_class_scores nodes[LG_NODES], int group)
{
    const lg_node_group *g = lg_node_group_at(group);
    lg_class_scores mean = {{0}};
    for (int k = 0; k < LG_CLASS_SCORES; k++) {
        for (int i = g->first; i < g->first + g->count; i++)
            mean.score[k] += nodes[i].score[k];
        mean.score[k] /= g->count;
    }
    return mean;
}

// ---- rankings

// Only the score decides: what is equal becomes one point, in whatever order it lies.
static int compare_scores(const void *a, const void *b)
{
    double x = ((const lg_scored *)a)->score, y = ((const lg_scored *)b)->score;
    return (x < y) - (x > y);
}

static bool count_classes(const lg_scored *scored, size_t count, lg_curve *curve, lg_error *e)
{
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(scored[i].score))
            return lg_fail(e, "a score is not finite");
        curve->positives += scored[i].positive;
        curve->negatives += !scored[i].positive;
    }
    if (curve->positives == 0)
        return lg_fail(e, "there are no positives");
    return curve->negatives > 0 || lg_fail(e, "there are no negatives");
}

lg_curve *lg_curve_new(lg_scored *scored, size_t count, lg_error *e)
{
    lg_curve *curve = calloc(1, sizeof *curve);
    if (curve)
        curve->points = calloc(count + 1, sizeof *curve->points);
    if (!curve || !curve->points) {
        lg_fail(e, "not enough memory");
        lg_curve_free(curve);
        return NULL;
    }
    if (!count_classes(scored, count, curve, e)) {
        lg_curve_free(curve);
        return NULL;
    }
    qsort(scored, count, sizeof *scored, compare_scores);
    lg_operating_point at = {.threshold = INFINITY};
    for (size_t i = 0; i < count; i++) {
        if (scored[i].score != at.threshold)
            curve->points[curve->count++] = at;
        at.threshold = scored[i].score;
        at.true_positives += scored[i].positive;
        at.false_positives += !scored[i].positive;
    }
    curve->points[curve->count++] = at;
    return curve;
}

void lg_curve_free(lg_curve *curve)
{
    if (!curve)
        return;
    free(curve->points);
    free(curve);
}

double lg_curve_auc(const lg_curve *curve)
{
    uint64_t twice_area = 0; // by trapezoids
    for (size_t i = 1; i < curve->count; i++) {
        const lg_operating_point *a = &curve->points[i - 1], *b = &curve->points[i];
        twice_area += (uint64_t)(b->false_positives - a->false_positives) *
                      (a->true_positives + b->true_positives);
    }
    return (double)twice_area / 2 / ((double)curve->positives * (double)curve->negatives);
}

double lg_curve_average_precision(const lg_curve *curve)
{
    double sum = 0;
    for (size_t i = 1; i < curve->count; i++) {
        const lg_operating_point *a = &curve->points[i - 1], *b = &curve->points[i];
        double precision =
            (double)b->true_positives / (double)(b->true_positives + b->false_positives);
        sum += (double)(b->true_positives - a->true_positives) * precision;
    }
    return sum / (double)curve->positives;
}

double lg_curve_best_threshold(const lg_curve *curve, double *accuracy)
{
    size_t best = 0, most = 0;
    for (size_t i = 0; i < curve->count; i++) {
        const lg_operating_point *p = &curve->points[i];
        size_t right = p->true_positives + (curve->negatives - p->false_positives);
        if (right > most) {
            most = right;
            best = i;
        }
    }
    if (accuracy)
        *accuracy = (double)most / (double)(curve->positives + curve->negatives);
    double high = curve->points[best].threshold;
    if (best + 1 == curve->count)
        return high;
    double low = curve->points[best + 1].threshold;
    if (best == 0)
        return nextafter(low, INFINITY);
    double middle = low / 2 + high / 2; // their sum may overflow
    return middle > low ? middle : high;
}

double lg_accuracy_at(const lg_scored *scored, size_t count, double threshold)
{
    size_t right = 0;
    assert(count > 0);
    for (size_t i = 0; i < count; i++)
        right += (scored[i].score >= threshold) == scored[i].positive;
    return (double)right / (double)count;
}

// ---- continuous values

void lg_l1_add(lg_l1 *l1, const double prediction[LG_CONTINUOUS_VALUES],
               const double target[LG_CONTINUOUS_VALUES])
{
    for (int i = 0; i < LG_CONTINUOUS_VALUES; i++) {
        if (isnan(target[i]))
            continue;
        l1->sum[i] += fabs(prediction[i] - target[i]);
        l1->count[i]++;
    }
}

bool lg_l1_mean(const lg_l1 *l1, int value, double *mean)
{
    int first = value < 0 ? 0 : value, end = value < 0 ? LG_CONTINUOUS_VALUES : value + 1;
    double sum = 0;
    int values = 0;
    assert(value < LG_CONTINUOUS_VALUES);
    for (int i = first; i < end; i++) {
        if (l1->count[i] == 0)
            continue;
        sum += l1->sum[i] / (double)l1->count[i];
        values++;
    }
    if (values == 0)
        return false;
    *mean = sum / values;
    return true;
}

// ---- vectors

double lg_cosine(const float *a, const float *b, size_t count)
{
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < count; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    double product = sqrt(aa) * sqrt(bb);
    return product == 0 ? 0 : ab / product;
}
