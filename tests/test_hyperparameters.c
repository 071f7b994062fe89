// Labels of known facts, and what is read off logits that are known to say something.
#include "runtime/hyperparameters.h"

#include <math.h>
#include <string.h>

#include <check.h>

START_TEST(labels_of_one_model)
{
    // Thresholds hit exactly, codes without a node, flags above 1.
    const lg_model_facts facts = {
        .architecture = {300, 99, 120, 9, 160, 999999, 3, 5, 10000000, 3, 5, 4, 1, 2, 0},
        .losses = {0, 0, 1, 0, 0, 1, 0, 0, 0, 0},
    };
    static const int on[] = {2, 5, 11, 13, 18, 19, 24, 27, 29, 32, 35, 50, 52, 53};
    uint8_t labels[LG_NODES], wanted[LG_NODES] = {0};
    for (size_t i = 0; i < sizeof on / sizeof *on; i++)
        wanted[on[i]] = 1;
    lg_node_labels(&facts, labels);
    for (int i = 0; i < LG_NODES; i++)
        ck_assert_msg(labels[i] == wanted[i], "node %d is %d", i, labels[i]);
}
END_TEST

START_TEST(names_of_nodes)
{
    char a[40], b[40];
    ck_assert_str_eq(lg_node_name(0, a), "loss_l1");
    ck_assert_str_eq(lg_node_name(9, a), "loss_ce");
    ck_assert_str_eq(lg_node_name(10, a), "layers[0]");
    ck_assert_str_eq(lg_node_name(36, a), "parameters[2]");
    ck_assert_str_eq(lg_node_name(40, a), "norm_type=4");
    ck_assert_str_eq(lg_node_name(54, a), "down");
    for (int i = 0; i < LG_NODES; i++)
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(lg_node_name(i, a), lg_node_name(j, b));
    char title[64];
    ck_assert_str_eq(lg_node_title(0, title), "loss L1");
    ck_assert_str_eq(lg_node_title(11, title), "layers 300..599");
    ck_assert_str_eq(lg_node_title(36, title), "parameters >=60000000");
    ck_assert_str_eq(lg_node_title(40, title), "normalization: group");
    ck_assert_str_eq(lg_node_title(54, title), "down-sampling");
    ck_assert_str_eq(lg_architecture_column(14), "down");
    ck_assert_str_eq(lg_architecture_column(0), "layers");
    ck_assert_str_eq(lg_loss_column(3), "loss_mmd");
}
END_TEST

// All nodes say no by `margin`.
static void all_no(float *logits, float margin)
{
    for (int i = 0; i < LG_NODES; i++) {
        logits[2 * i] = margin;
        logits[2 * i + 1] = 0.0f;
    }
}

static lg_hyperparameters decode(const float *logits)
{
    lg_hyperparameters h;
    lg_error e = {""};
    memset(&h, 0xaa, sizeof h);
    ck_assert_msg(lg_hyperparameters_decode(logits, &h, &e), "%s", e.message);
    return h;
}

START_TEST(losses_and_codes)
{
    float logits[LG_NODES * 2];
    all_no(logits, 2.0f);
    logits[2 * 2 + 1] = 5.0f;  // MSE: yes by 3
    logits[2 * 42 + 1] = 4.0f; // act_last 1, tanh: yes by 2
    logits[2 * 43 + 1] = 3.0f; // act_last 2, leaky ReLU: yes by 1 only
    logits[2 * 53 + 1] = 6.0f; // skip
    lg_hyperparameters h = decode(logits);
    const lg_prediction *mse = &h.all[2], *l1 = &h.all[0];
    ck_assert_str_eq(mse->label, "MSE");
    ck_assert_str_eq(mse->value, "yes");
    ck_assert_double_eq_tol(mse->probability, 1 / (1 + exp(-3.0)), 1e-12);
    ck_assert_double_eq(mse->confidence, mse->probability);
    ck_assert_str_eq(l1->value, "no");
    ck_assert_double_eq_tol(l1->probability, 1 / (1 + exp(2.0)), 1e-12);
    ck_assert_double_eq(l1->confidence, 1 - l1->probability);

    const lg_prediction *tanh = &h.all[10 + 9 + 42 - 37];
    ck_assert_int_eq(tanh->kind, LG_PREDICT_CODE);
    ck_assert_str_eq(tanh->name, "act_last");
    ck_assert_str_eq(tanh->code, "tanh");
    ck_assert_str_eq(tanh->value, "yes");

    ck_assert_str_eq(h.choices[0].value, "none");
    ck_assert_int_eq(h.choices[0].choice, -1);
    ck_assert_double_eq_tol(h.choices[0].confidence, 1 - 1 / (1 + exp(2.0)), 1e-12);
    ck_assert_str_eq(h.choices[1].value, "tanh");
    ck_assert_int_eq(h.choices[1].choice, 1);
    ck_assert_double_eq_tol(h.choices[1].confidence, 1 / (1 + exp(-2.0)), 1e-12);
    ck_assert_str_eq(h.choices[4].value, "yes");
    ck_assert_str_eq(h.choices[4].name, "skip");
    ck_assert_str_eq(h.choices[5].value, "no");
}
END_TEST

START_TEST(intervals)
{
    // An interval is chosen even if all three say no: a count is always some number.
    float logits[LG_NODES * 2];
    all_no(logits, 3.0f);
    logits[2 * 12] = 1.0f;     // layers: the last interval, no by 1 only
    logits[2 * 14 + 1] = 4.0f; // conv_layers: the middle one, yes by 1
    logits[2 * 15 + 1] = 3.5f; // the last one less so
    logits[2 * 34] = -2.0f;    // parameters: the first
    lg_hyperparameters h = decode(logits);
    const lg_prediction *layers = &h.all[10], *conv = &h.all[11], *parameters = &h.all[18];
    ck_assert_int_eq(layers->kind, LG_PREDICT_CONTINUOUS);
    ck_assert_str_eq(layers->value, ">=600");
    ck_assert(layers->low == 600 && layers->high == 717 && layers->middle == 658.5);
    ck_assert_double_eq_tol(layers->confidence, 1 / (1 + exp(1.0)), 1e-12);
    ck_assert_str_eq(conv->value, "100..199");
    ck_assert_int_eq(conv->choice, 1);
    ck_assert(conv->low == 100 && conv->high == 199 && conv->middle == 149.5);
    ck_assert_str_eq(parameters->name, "parameters");
    ck_assert_str_eq(parameters->value, "<10000000");
    ck_assert(parameters->low == 300304 && parameters->high == 9999999);
}
END_TEST

START_TEST(every_row_is_filled)
{
    float logits[LG_NODES * 2];
    all_no(logits, 1.0f);
    lg_hyperparameters h = decode(logits);
    for (int i = 0; i < LG_HYPERPARAMETERS + LG_DISCRETE_VALUES; i++) {
        const lg_prediction *p =
            i < LG_HYPERPARAMETERS ? &h.all[i] : &h.choices[i - LG_HYPERPARAMETERS];
        ck_assert(p->name && p->name[0] && p->label && p->label[0] && p->value[0]);
        ck_assert((p->code != NULL) == (p->kind == LG_PREDICT_CODE));
        ck_assert(p->confidence >= 0 && p->confidence <= 1);
    }
}
END_TEST

START_TEST(extreme_and_broken_logits)
{
    float logits[LG_NODES * 2];
    lg_error e = {""};
    lg_hyperparameters h;
    const float fake[2] = {-3e38f, 3e38f}, real[2] = {3e38f, -3e38f}, even[2] = {2, 2};
    ck_assert_double_eq(lg_probability_of_second(fake), 1.0);
    ck_assert_double_eq(lg_probability_of_second(real), 0.0);
    ck_assert_double_eq(lg_probability_of_second(even), 0.5);
    all_no(logits, 1.0f);
    logits[2 * 25 + 1] = NAN;
    ck_assert(!lg_hyperparameters_decode(logits, &h, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "node 25 (filters[0])"));
    logits[2 * 25 + 1] = INFINITY;
    ck_assert(!lg_hyperparameters_decode(logits, &h, &e));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hyperparameters");
    TCase *tests = tcase_create("hyperparameters");
    tcase_add_test(tests, labels_of_one_model);
    tcase_add_test(tests, names_of_nodes);
    tcase_add_test(tests, losses_and_codes);
    tcase_add_test(tests, intervals);
    tcase_add_test(tests, every_row_is_filled);
    tcase_add_test(tests, extreme_and_broken_logits);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
