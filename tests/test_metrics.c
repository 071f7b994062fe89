// Scores against scikit-learn and against what can be counted by hand; what has no score is
// refused.
#include "runtime/image_pairs.h"
#include "runtime/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#define TOLERANCE 1e-14

// ---- two classes

// scikit-learn (tests/goldens/metrics.py): f1_score macro and weighted, weighted with the lists in
// the other order, accuracy_score; all with zero_division=0.
static const struct {
    lg_confusion confusion;
    double scores[LG_CLASS_SCORES];
} class_cases[] = {
    {{{{50, 7}, {11, 32}}},
     {0.81397271599834642, 0.8186606035551881, 0.82133939644481191, 0.81999999999999995}},
    {{{{90, 0}, {10, 0}}},
     {0.47368421052631576, 0.85263157894736841, 0.94736842105263153, 0.90000000000000002}},
    {{{{0, 0}, {3, 17}}},
     {0.45945945945945948, 0.91891891891891897, 0.7810810810810811, 0.84999999999999998}},
    {{{{1, 2}, {3, 4}}}, {0.45054945054945056, 0.51648351648351654, 0.48351648351648358, 0.5}},
    {{{{0, 0}, {0, 5}}}, {1, 1, 1, 1}},
    {{{{0, 9}, {4, 0}}}, {0, 0, 0, 0}},
};

START_TEST(classes_as_scikit_learn)
{
    lg_confusion confusion = {{{0}}};
    for (int truth = 0; truth < 2; truth++)
        for (int guess = 0; guess < 2; guess++)
            for (uint64_t i = 0; i < class_cases[_i].confusion.count[truth][guess]; i++)
                lg_confusion_add(&confusion, truth, guess);
    lg_class_scores s = lg_confusion_scores(&confusion);
    for (int k = 0; k < LG_CLASS_SCORES; k++)
        ck_assert_msg(fabs(s.score[k] - class_cases[_i].scores[k]) < TOLERANCE,
                      "%s is %.17g, not %.17g", lg_class_score_name(k), s.score[k],
                      class_cases[_i].scores[k]);
}
END_TEST

START_TEST(groups_are_10_27_18)
{
    static const double wanted[LG_NODE_GROUPS] = {4.5, 23, 45.5}; // 0..9, 10..36, 37..54
    lg_class_scores nodes[LG_NODES];
    int next = 0;
    for (int i = 0; i < LG_NODES; i++)
        for (int k = 0; k < LG_CLASS_SCORES; k++)
            nodes[i].score[k] = i + 100 * k;
    for (int g = 0; g < LG_NODE_GROUPS; g++) {
        lg_class_scores mean = lg_group_scores(nodes, g);
        ck_assert_int_eq(lg_node_group_at(g)->first, next);
        next += lg_node_group_at(g)->count;
        for (int k = 0; k < LG_CLASS_SCORES; k++)
            ck_assert_double_eq_tol(mean.score[k], wanted[g] + 100 * k, 1e-12);
    }
    ck_assert_int_eq(next, LG_NODES);
}
END_TEST

// ---- rankings

enum { RANKED = 24 };

// scikit-learn (tests/goldens/metrics.py): roc_auc_score, average_precision_score. Scores with many
// ties, with none, with four different values.
static const struct {
    double scores[RANKED];
    const char *positives;
    double auc, average_precision;
} rankings[] = {
    {.scores = {0.375, 1.25,  0.75, 0.875, 0.125, 0.375, 0.625, 0.625, 0.75, 0.25,  0.875, 1,
                1,     1.125, 0.5,  0.25,  0.5,   1.375, 0.5,   0.125, 1,    1.125, 1,     1.375},
     .positives = "011100110010010011001111",
     .auc = 0.87062937062937062,
     .average_precision = 0.86795170641324482},
    {.scores = {0.833, 0.669, 0.423, 0.633, 0.967, 1.083, 0.392, 0.187, 0.346, 0.911, 1.291, 1.176,
                0.718, 0.924, 0.871, 0.694, 0.507, 0.105, 0.202, 1.284, 0.68,  1.249, 0.644, 0.407},
     .positives = "100001000111101010010100",
     .auc = 0.8928571428571429,
     .average_precision = 0.87341948900772437},
    {.scores = {1,   0.5, 0.5, 1, 0.5, 1, 1,   0.5, 0,   1, 0.5, 0.5,
                1.5, 0.5, 0.5, 1, 0.5, 1, 0.5, 0,   0.5, 1, 0.5, 1},
     .positives = "100001110000100011000011",
     .auc = 0.73703703703703694,
     .average_precision = 0.58080808080808088},
};

static lg_curve *curve_of(lg_scored *scored, size_t count)
{
    lg_error e = {""};
    lg_curve *curve = lg_curve_new(scored, count, &e);
    ck_assert_msg(curve, "%s", e.message);
    return curve;
}

START_TEST(rankings_as_scikit_learn)
{
    lg_scored scored[RANKED];
    for (int i = 0; i < RANKED; i++)
        scored[i] = (lg_scored){rankings[_i].scores[i], rankings[_i].positives[i] == '1'};
    lg_curve *curve = curve_of(scored, RANKED);
    ck_assert_double_eq_tol(lg_curve_auc(curve), rankings[_i].auc, TOLERANCE);
    ck_assert_double_eq_tol(lg_curve_average_precision(curve), rankings[_i].average_precision,
                            TOLERANCE);
    lg_curve_free(curve);
}
END_TEST

// The definition: pairs of a positive and a negative, ties count half.
START_TEST(auc_counts_pairs)
{
    lg_scored scored[200];
    uint32_t state = 1;
    for (int i = 0; i < 200; i++) {
        state = state * 1664525u + 1013904223u;
        scored[i] = (lg_scored){(state >> 20) % 30, (state >> 28) % 3 == 0};
    }
    double won = 0, pairs = 0;
    for (int i = 0; i < 200; i++)
        for (int j = 0; j < 200; j++)
            if (scored[i].positive && !scored[j].positive) {
                pairs++;
                won += scored[i].score > scored[j].score ? 1 : 0;
                won += scored[i].score == scored[j].score ? 0.5 : 0;
            }
    lg_curve *curve = curve_of(scored, 200);
    ck_assert_double_eq(lg_curve_auc(curve), won / pairs);
    lg_curve_free(curve);
}
END_TEST

START_TEST(points_of_a_small_ranking)
{
    lg_scored scored[] = {{1, false}, {3, true}, {2, true}, {2, false}, {4, true}};
    lg_curve *curve = curve_of(scored, 5);
    static const lg_operating_point wanted[] = {
        {INFINITY, 0, 0}, {4, 1, 0}, {3, 2, 0}, {2, 3, 1}, {1, 3, 2}};
    ck_assert_uint_eq(curve->positives, 3);
    ck_assert_uint_eq(curve->negatives, 2);
    ck_assert_uint_eq(curve->count, 5);
    for (size_t i = 0; i < curve->count; i++) {
        ck_assert_double_eq(curve->points[i].threshold, wanted[i].threshold);
        ck_assert_uint_eq(curve->points[i].true_positives, wanted[i].true_positives);
        ck_assert_uint_eq(curve->points[i].false_positives, wanted[i].false_positives);
    }
    ck_assert_double_eq_tol(lg_curve_auc(curve), 5.5 / 6, TOLERANCE);
    ck_assert_double_eq_tol(lg_curve_average_precision(curve), (1 + 1 + 0.75) / 3, TOLERANCE);
    double accuracy; // at >= 3 and at >= 2 four of five are right: the larger one
    ck_assert_double_eq(lg_curve_best_threshold(curve, &accuracy), 2.5);
    ck_assert_double_eq(accuracy, 0.8);
    ck_assert_double_eq(lg_accuracy_at(scored, 5, 2.5), 0.8);
    ck_assert_double_eq(lg_accuracy_at(scored, 5, 2), 0.8);
    ck_assert_double_eq(lg_accuracy_at(scored, 5, 9), 0.4);
    lg_curve_free(curve);
}
END_TEST

START_TEST(all_scores_equal)
{
    lg_scored scored[] = {{0.5, true}, {0.5, false}, {0.5, false}, {0.5, true}, {0.5, false}};
    double accuracy;
    lg_curve *curve = curve_of(scored, 5);
    ck_assert_uint_eq(curve->count, 2);
    ck_assert_double_eq(lg_curve_auc(curve), 0.5);
    ck_assert_double_eq(lg_curve_average_precision(curve), 0.4);
    double threshold = lg_curve_best_threshold(curve, &accuracy); // nothing is positive
    ck_assert(threshold > 0.5 && isfinite(threshold));
    ck_assert_double_eq(accuracy, 0.6);
    ck_assert_double_eq(lg_accuracy_at(scored, 5, threshold), accuracy);
    lg_curve_free(curve);
}
END_TEST

// Neighbouring numbers have no middle; the best threshold may take everything.
START_TEST(thresholds_at_the_ends)
{
    double accuracy, low = 0.5, high = nextafter(low, 1);
    lg_scored close[] = {{low, false}, {high, true}};
    lg_curve *curve = curve_of(close, 2);
    ck_assert_double_eq(lg_accuracy_at(close, 2, lg_curve_best_threshold(curve, NULL)), 1);
    lg_curve_free(curve);
    lg_scored upside_down[] = {{1, false}, {0, true}, {0, true}, {0, true}};
    curve = curve_of(upside_down, 4);
    ck_assert_double_eq(lg_curve_best_threshold(curve, &accuracy), 0);
    ck_assert_double_eq(accuracy, 0.75);
    ck_assert_double_eq(lg_curve_auc(curve), 0);
    lg_curve_free(curve);
}
END_TEST

START_TEST(what_has_no_curve)
{
    const struct {
        lg_scored scored[2];
        size_t count;
        const char *why;
    } cases[] = {
        {{{1, true}, {2, true}}, 2, "there are no negatives"},
        {{{1, false}, {2, false}}, 2, "there are no positives"},
        {{{0, false}, {0, false}}, 0, "there are no positives"},
        {{{NAN, true}, {2, false}}, 2, "a score is not finite"},
        {{{1, true}, {INFINITY, false}}, 2, "a score is not finite"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lg_error e = {""};
        lg_scored scored[2];
        memcpy(scored, cases[i].scored, sizeof scored);
        ck_assert_ptr_null(lg_curve_new(scored, cases[i].count, &e));
        ck_assert_str_eq(e.message, cases[i].why);
    }
}
END_TEST

// ---- continuous values and vectors

START_TEST(l1_leaves_out_what_is_not_known)
{
    lg_l1 l1 = {{0}, {0}};
    double guess[LG_CONTINUOUS_VALUES], truth[LG_CONTINUOUS_VALUES], mean = -1;
    ck_assert(!lg_l1_mean(&l1, -1, &mean));
    for (int i = 0; i < LG_CONTINUOUS_VALUES; i++) {
        guess[i] = 0.5;
        truth[i] = i == 0 ? 0.25 : i == 1 ? 1 : NAN;
    }
    lg_l1_add(&l1, guess, truth);
    truth[1] = NAN;
    guess[0] = 0;
    lg_l1_add(&l1, guess, truth);
    ck_assert(lg_l1_mean(&l1, 0, &mean));
    ck_assert_double_eq(mean, 0.25);
    ck_assert(lg_l1_mean(&l1, 1, &mean));
    ck_assert_double_eq(mean, 0.5);
    ck_assert(!lg_l1_mean(&l1, 2, &mean));
    ck_assert(lg_l1_mean(&l1, -1, &mean));
    ck_assert_double_eq(mean, 0.375); // the mean of two values, not of three numbers
}
END_TEST

START_TEST(cosines)
{
    const float a[] = {3, 4, 0}, b[] = {4, -3, 0}, c[] = {6, 8, 0}, zero[3] = {0};
    const float diagonal[] = {1, 1, 1}, huge[] = {3e38f, 0, 0}, nan[] = {NAN, 0, 0};
    ck_assert_double_eq_tol(lg_cosine(a, b, 3), 0, TOLERANCE);
    ck_assert_double_eq_tol(lg_cosine(a, c, 3), 1, TOLERANCE);
    ck_assert_double_eq_tol(lg_cosine(a, diagonal, 3), 7 / (5 * sqrt(3)), TOLERANCE);
    ck_assert_double_eq_tol(lg_cosine(huge, a, 3), 0.6, TOLERANCE);
    ck_assert_double_eq(lg_cosine(a, zero, 3), 0);
    ck_assert(isnan(lg_cosine(a, nan, 3)));
}
END_TEST

// ---- pairs

START_TEST(pairs_are_half_and_half)
{
    enum { IMAGES = 90, MODELS = 5, PAIRS = 2000 };
    uint32_t model_of[IMAGES], used[MODELS] = {0};
    static lg_image_pair pairs[PAIRS], again[PAIRS];
    lg_error e;
    for (uint32_t i = 0; i < IMAGES; i++) // 88 of models 1 to 4, one of model 0, one more of 1
        model_of[i] = i == 50 ? 0 : 1 + i % 4;
    ck_assert(lg_image_pairs_draw(model_of, IMAGES, MODELS, 7, PAIRS, pairs, &e));
    ck_assert(lg_image_pairs_draw(model_of, IMAGES, MODELS, 7, PAIRS, again, &e));
    for (size_t i = 0; i < PAIRS; i++) {
        ck_assert(pairs[i].a < IMAGES && pairs[i].b < IMAGES && pairs[i].a != pairs[i].b);
        ck_assert_int_eq(pairs[i].same, i < PAIRS / 2);
        ck_assert_int_eq(pairs[i].same, model_of[pairs[i].a] == model_of[pairs[i].b]);
        ck_assert(pairs[i].a == again[i].a && pairs[i].b == again[i].b);
        used[model_of[pairs[i].a]]++;
    }
    ck_assert_msg(used[0] > 150 && used[0] < 250, "%u", used[0]); // a fifth of 1,000
    for (int m = 1; m < MODELS; m++)                              // a quarter and a fifth
        ck_assert_msg(used[m] > 380 && used[m] < 520, "%u", used[m]);
    ck_assert(lg_image_pairs_draw(model_of, IMAGES, MODELS, 8, PAIRS, again, &e));
    size_t alike = 0;
    for (size_t i = 0; i < PAIRS; i++)
        alike += pairs[i].a == again[i].a && pairs[i].b == again[i].b;
    ck_assert_uint_lt(alike, PAIRS / 10);
}
END_TEST

START_TEST(pairs_of_few_images)
{
    lg_image_pair pairs[4];
    lg_error e;
    ck_assert(lg_image_pairs_draw((uint32_t[]){0, 2, 0}, 3, 3, 1, 4, pairs, &e));
    for (int i = 0; i < 2; i++)
        ck_assert_uint_eq(pairs[i].a + pairs[i].b, 0 + 2);
    for (int i = 2; i < 4; i++)
        ck_assert((pairs[i].a == 1) != (pairs[i].b == 1));
    ck_assert(!lg_image_pairs_draw((uint32_t[]){1, 1, 1}, 3, 3, 1, 4, pairs, &e));
    ck_assert_str_eq(e.message, "pairs of different models need images of at least two models");
    ck_assert(!lg_image_pairs_draw((uint32_t[]){1, 0, 2}, 3, 3, 1, 4, pairs, &e));
    ck_assert_str_eq(e.message, "pairs of one model need a model with two images");
    ck_assert(!lg_image_pairs_draw(NULL, 0, 0, 1, 4, pairs, &e));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metrics");
    TCase *t = tcase_create("metrics");
    tcase_add_loop_test(t, classes_as_scikit_learn, 0, sizeof class_cases / sizeof *class_cases);
    tcase_add_test(t, groups_are_10_27_18);
    tcase_add_loop_test(t, rankings_as_scikit_learn, 0, sizeof rankings / sizeof *rankings);
    tcase_add_test(t, auc_counts_pairs);
    tcase_add_test(t, points_of_a_small_ranking);
    tcase_add_test(t, all_scores_equal);
    tcase_add_test(t, thresholds_at_the_ends);
    tcase_add_test(t, what_has_no_curve);
    tcase_add_test(t, l1_leaves_out_what_is_not_known);
    tcase_add_test(t, cosines);
    tcase_add_test(t, pairs_are_half_and_half);
    tcase_add_test(t, pairs_of_few_images);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
