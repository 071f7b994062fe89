// What is known of an image follows from the folders that it is in.
#include "runtime/truth.h"

#include <stdio.h>

#include <check.h>

static lg_model_table *table;

static void read_table(void)
{
    lg_error e;
    table = lg_model_table_default(&e);
    ck_assert_ptr_nonnull(table);
}

static void free_table(void)
{
    lg_model_table_free(table);
}

START_TEST(the_innermost_folder_that_is_known)
{
    static const struct {
        const char *file, *wgan; // NULL: nobody knows
        bool fake;
    } cases[] = {
        {"WGAN_DRA/a.png", "yes", true},
        {"/data/WGAN_DRA/more/and/a.png", "yes", true},
        {"real/WGAN_DRA/a.png", "yes", true},
        {"WGAN_DRA/AAE/a.png", "no", true},
        {"WGAN_DRA/real/a.png", "", false},
        {"/real/a.png", "", false},
        {"x//real//a.png", "", false},
        {"WGAN_DRA", NULL, false},
        {"WGAN_DR/a.png", NULL, false},
        {"WGAN_DRAX/a.png", NULL, false},
        {"/a.png", NULL, false},
        {"", NULL, false},
        {"unreal/realist/a", NULL, false},
        {"//", NULL, false},
    };
    enum { WGAN = 5 };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lg_error e;
        lg_truth truth;
        ck_assert_msg(lg_truth_of(table, cases[i].file, &truth, &e) == (cases[i].wgan != NULL),
                      "%s", cases[i].file);
        if (!cases[i].wgan)
            continue;
        ck_assert_msg(truth.fake == cases[i].fake, "%s", cases[i].file);
        ck_assert_str_eq(truth.hyperparameters.all[WGAN].value, cases[i].wgan);
    }
}
END_TEST

// Of every model in the table: decoding gives the facts back.
START_TEST(labels_read_as_predictions)
{
    for (size_t i = 0; i < table->count; i++) {
        char file[80];
        lg_error e;
        lg_truth truth;
        snprintf(file, sizeof file, "%s/0.png", table->models[i].name);
        ck_assert(lg_truth_of(table, file, &truth, &e));
        uint8_t labels[LG_NODES];
        lg_node_labels(&table->models[i].facts, labels);
        const lg_prediction *all = truth.hyperparameters.all;
        for (int loss = 0; loss < LG_LOSSES; loss++)
            ck_assert_int_eq(all[loss].choice, labels[loss]);
        for (int value = 0; value < LG_CONTINUOUS_VALUES; value++)
            ck_assert(labels[LG_LOSSES + LG_INTERVALS * value + all[LG_LOSSES + value].choice]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("truth");
    TCase *tc = tcase_create("truth");
    tcase_add_unchecked_fixture(tc, read_table, free_table);
    tcase_add_test(tc, the_innermost_folder_that_is_known);
    tcase_add_test(tc, labels_read_as_predictions);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
