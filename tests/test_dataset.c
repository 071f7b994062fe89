// A data set on disk: what is found, in which order, how it is split, what is taught; and folders
// with every kind of fault.
#include "runtime/dataset.h"
#include "tests/support/temporary.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#define TABLE LGPNC_TESTS_DIR "/../models/red140.tsv"

// A set in a temporary folder; images are empty files, which opening does not look into.
static lg_temporary set;

static void make_set(void)
{
    static const char *const folders[] = {
        "data", "data/WGAN_DRA", "data/AAE", "data/STYLEGAN_2", "data/AAE/more", "real"};
    set = lg_temporary_new();
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        lg_temporary_folder(&set, folders[i]);
    static const char *const files[] = {"data/README.txt",       "data/AAE/b.PNG",
                                        "data/AAE/a.jpeg",       "data/AAE/B.jpg",
                                        "data/AAE/more/x.JPG",   "data/AAE/notes.txt",
                                        "data/AAE/.hidden.png",  "data/WGAN_DRA/1.png",
                                        "data/STYLEGAN_2/1.png", "data/STYLEGAN_2/2.png"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        lg_temporary_write(&set, files[i], "", 0);
    for (int i = 0; i < 25; i++) {
        char name[32];
        snprintf(name, sizeof name, "real/%02d.jpg", i);
        lg_temporary_write(&set, name, "", 0);
    }
}

static void remove_set(void)
{
    lg_temporary_free(&set);
}

static lg_dataset *open_set(const char *real, const char *labels, int fold, lg_error *e)
{
    char data[160], real_path[160];
    snprintf(data, sizeof data, "%s/data", set.folder);
    snprintf(real_path, sizeof real_path, "%s/%s", set.folder, real ? real : "");
    const lg_dataset_options options = {
        .data = data, .real = real ? real_path : NULL, .labels = labels, .fold = fold};
    e->message[0] = '\0';
    return lg_dataset_open(&options, e);
}

static lg_dataset *open_good(const char *real, int fold)
{
    lg_error e;
    lg_dataset *d = open_set(real, NULL, fold, &e);
    ck_assert_msg(d != NULL, "%s", e.message);
    return d;
}

static void check_refused(const char *real, const char *labels, int fold, const char *part)
{
    lg_error e;
    lg_dataset *d = open_set(real, labels, fold, &e);
    ck_assert_msg(d == NULL, "taken, but expected: %s", part);
    ck_assert_msg(strstr(e.message, part) != NULL, "\"%s\" not in: %s", part, e.message);
}

// The path within the set's folder.
static const char *path_of(const lg_dataset *d, size_t sample)
{
    ck_assert_uint_lt(sample, d->count);
    return d->samples[sample].path + strlen(set.folder) + 1;
}

START_TEST(samples_come_in_order)
{
    lg_dataset *d = open_good("real", 0);
    static const char *const wanted[] = {"data/AAE/B.jpg",        "data/AAE/a.jpeg",
                                         "data/AAE/b.PNG",        "data/AAE/more/x.JPG",
                                         "data/STYLEGAN_2/1.png", "data/STYLEGAN_2/2.png",
                                         "data/WGAN_DRA/1.png"};
    ck_assert_uint_eq(d->count, 7 + 25);
    ck_assert_uint_eq(d->real_count, 25);
    ck_assert_uint_eq(d->model_count, 3);
    ck_assert_uint_eq(d->others, 2); // README.txt, notes.txt; hidden files are nobody's business
    ck_assert_uint_eq(d->warning_count, 0);
    for (size_t i = 0; i < 7; i++)
        ck_assert_str_eq(path_of(d, i), wanted[i]);
    ck_assert_str_eq(lg_sample_model_name(d, &d->samples[5]), "STYLEGAN_2");
    ck_assert_str_eq(path_of(d, 7), "real/00.jpg");
    ck_assert_str_eq(lg_sample_model_name(d, &d->samples[7]), "real");
    ck_assert_uint_eq(d->train_count, d->count);
    ck_assert_uint_eq(d->test_count, 0);
    lg_dataset_free(d);
}
END_TEST

START_TEST(folds_split_by_model)
{
    // AAE is in test set 2, WGAN_DRA in 4, STYLEGAN_2 in none; reals: 25 images, a tenth.
    static const struct {
        size_t fakes, reals;
    } wanted[LG_TEST_SETS + 1] = {{0, 0}, {0, 3}, {4, 3}, {0, 3}, {1, 3}};
    bool seen[25] = {false};
    for (int fold = 0; fold <= LG_TEST_SETS; fold++) {
        lg_dataset *d = open_good("real", fold);
        ck_assert_uint_eq(d->test_fakes, wanted[fold].fakes);
        ck_assert_uint_eq(d->test_count, wanted[fold].fakes + wanted[fold].reals);
        ck_assert_uint_eq(d->train_count + d->test_count, d->count);
        for (size_t i = 0; i < d->test_count; i++) {
            const lg_sample *s = &d->samples[d->test[i]];
            ck_assert(s->is_test);
            if (s->model != LG_REAL) {
                ck_assert_int_eq(d->table->models[s->model].test_set, fold);
                continue;
            }
            size_t number = d->test[i] - (d->count - d->real_count);
            ck_assert_msg(!seen[number], "real image %zu is in two test sets", number);
            seen[number] = true;
        }
        float graph[LG_NODES * LG_NODES];
        ck_assert(lg_cooccurrence_graph(d->table, fold, graph, NULL));
        ck_assert_mem_eq(graph, d->graph, sizeof graph);
        lg_dataset_free(d);
    }
}
END_TEST

START_TEST(models_are_described)
{
    lg_dataset *d = open_good(NULL, 2);
    for (size_t m = 0; m < d->table->count; m++) {
        uint8_t labels[LG_NODES];
        lg_node_labels(&d->table->models[m].facts, labels);
        for (int i = 0; i < LG_NODES; i++)
            ck_assert_int_eq(d->models[m].labels[i], labels[i]);
        for (int i = 0; i < LG_CONTINUOUS_VALUES; i++) {
            bool unknown = d->table->models[m].facts.architecture[i] == 999999 && i == 5;
            float value = d->models[m].values[i];
            ck_assert(unknown ? isnan(value) : value >= 0 && value <= 1);
        }
        ck_assert(d->models[m].is_test == (d->table->models[m].test_set == 2));
    }
    ck_assert_uint_eq(d->models[0].images, 4); // AAE
    ck_assert_uint_eq(d->models[1].images, 0); // ACGAN has no folder, which is no fault
    lg_dataset_free(d);
}
END_TEST

START_TEST(values_are_scaled)
{
    ck_assert_float_eq(lg_scaled_value(0, 1), 0.0f);
    ck_assert_float_eq(lg_scaled_value(0, 717), 1.0f);
    ck_assert_float_eq(lg_scaled_value(0, 359), 0.5f);
    ck_assert_float_eq(lg_scaled_value(0, 100000), 1.0f);
    ck_assert_float_eq(lg_scaled_value(8, 0), 0.0f);
    ck_assert(isnan(lg_scaled_value(5, LG_UNKNOWN_FILTERS)));
    ck_assert_float_eq(lg_scaled_value(8, LG_UNKNOWN_FILTERS),
                       (float)((999999.0 - 300304) / (618997638 - 300304)));
    ck_assert_double_eq(lg_unscaled_value(0, 0.5), 359.0);
    ck_assert_double_eq(lg_unscaled_value(8, 1.0), 618997638.0);
}
END_TEST

START_TEST(built_in_table_is_the_file)
{
    lg_error e;
    lg_model_table *file = lg_model_table_read(TABLE, &e), *built_in = lg_model_table_default(&e);
    ck_assert(file && built_in);
    ck_assert_uint_eq(file->count, built_in->count);
    ck_assert_mem_eq(file->models, built_in->models, file->count * sizeof *file->models);
    lg_model_table_free(file);
    lg_model_table_free(built_in);
}
END_TEST

START_TEST(fingerprint_is_of_names_labels_and_split)
{
    lg_dataset *a = open_good("real", 1), *b = open_good("real", 1), *c = open_good("real", 2);
    ck_assert(a->fingerprint == b->fingerprint);
    ck_assert(a->fingerprint != c->fingerprint);
    lg_dataset_free(b);
    lg_dataset_free(c);

    // The same set elsewhere.
    char from[160], to[160];
    snprintf(from, sizeof from, "%s/data", set.folder);
    snprintf(to, sizeof to, "%s/renamed", set.folder);
    ck_assert_int_eq(rename(from, to), 0);
    lg_error e;
    char real[160];
    snprintf(real, sizeof real, "%s/real", set.folder);
    const lg_dataset_options moved = {.data = to, .real = real, .fold = 1};
    b = lg_dataset_open(&moved, &e);
    ck_assert_msg(b != NULL, "%s", e.message);
    ck_assert(a->fingerprint == b->fingerprint);
    lg_dataset_free(b);
    ck_assert_int_eq(rename(to, from), 0);

    lg_temporary_write(&set, "data/AAE/c.jpg", "", 0);
    b = open_good("real", 1);
    ck_assert(a->fingerprint != b->fingerprint);
    lg_dataset_free(b);
    lg_dataset_free(a);
}
END_TEST

START_TEST(folders_of_all_kinds)
{
    // Empty; a link to a folder; a link upwards; a folder called like an image; a pipe; a dead
    // link.
    lg_temporary_folder(&set, "data/BEGAN");
    lg_temporary_folder(&set, "elsewhere");
    lg_temporary_write(&set, "elsewhere/1.png", "", 0);
    ck_assert_int_eq(symlink("../elsewhere", lg_temporary_path(&set, "data/DRIT")), 0);
    ck_assert_int_eq(symlink("..", lg_temporary_path(&set, "data/AAE/more/up")), 0);
    lg_temporary_folder(&set, "data/WGAN_DRA/x.png");
    lg_temporary_write(&set, "data/WGAN_DRA/x.png/2.png", "", 0);
    ck_assert_int_eq(mkfifo(lg_temporary_path(&set, "data/WGAN_DRA/pipe.png"), 0600), 0);
    ck_assert_int_eq(symlink("nowhere", lg_temporary_path(&set, "data/WGAN_DRA/dead.jpg")), 0);
    lg_temporary_folder(&set, "data/.cache");
    lg_dataset *d = open_good(NULL, 0);
    ck_assert_uint_eq(d->model_count, 4);
    ck_assert_uint_eq(d->count, 7 + 1 + 1 + 1); // of DRIT, x.png/2.png, dead.jpg
    ck_assert_uint_eq(d->others, 3);
    ck_assert_uint_eq(d->warning_count, 1);
    ck_assert_ptr_nonnull(strstr(d->warnings[0], "data/BEGAN: no images in it"));
    lg_dataset_free(d);
}
END_TEST

START_TEST(real_images_may_stand_beside_the_models)
{
    lg_temporary_folder(&set, "data/natural");
    lg_temporary_write(&set, "data/natural/1.jpg", "", 0);
    lg_dataset *d = open_good("data/natural", 0);
    ck_assert_uint_eq(d->real_count, 1);
    lg_dataset_free(d);
    check_refused("real", NULL, 0, "data/natural: the table of labels has no such");
}
END_TEST

START_TEST(unknown_folders_are_told_all_at_once)
{
    lg_temporary_folder(&set, "data/StyleGAN-3");
    lg_temporary_folder(&set, "data/zzzz");
    check_refused(NULL, NULL, 0,
                  "data/StyleGAN-3: the table of labels has no such generative model; "
                  "close are STYLEGAN");
    check_refused(NULL, NULL, 0,
                  "data/zzzz: the table of labels has no such generative model, nor");
}
END_TEST

START_TEST(faults)
{
    check_refused("nothing", NULL, 0, "nothing: cannot open the folder: No such file");
    check_refused("data/README.txt", NULL, 0,
                  "README.txt: cannot open the folder: Not a directory");
    check_refused(NULL, "/nonexistent.tsv", 0, "/nonexistent.tsv: cannot open");
    check_refused(NULL, "/", 0, "is a folder");
    check_refused(NULL, NULL, 5, "test sets are 1 to 4");
    check_refused(NULL, NULL, -1, "test sets are 1 to 4");
    check_refused("data", NULL, 0, "must not have the generated ones");
    check_refused("", NULL, 0, "must not have the generated ones");
    check_refused("data/AAE/more", NULL, 0, "must not be among the generated ones");
    check_refused("data/AAE", NULL, 0, "data/AAE: is named as real images, and has the name of");
    check_refused(NULL, lg_temporary_write(&set, "t.tsv", "name\tfamily\n", 12), 0,
                  "t.tsv:1: the header must name 28 columns");
}
END_TEST

START_TEST(no_images_at_all)
{
    lg_error e;
    char data[160];
    lg_temporary_folder(&set, "empty");
    snprintf(data, sizeof data, "%s/empty", set.folder);
    const lg_dataset_options options = {.data = data};
    ck_assert_ptr_null(lg_dataset_open(&options, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "/empty: no generated images"));
    lg_temporary_folder(&set, "empty/AAE");
    ck_assert_ptr_null(lg_dataset_open(&options, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "/empty: no generated images"));
    const lg_dataset_options missing = {.data = "/nonexistent/set"};
    ck_assert_ptr_null(lg_dataset_open(&missing, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "/nonexistent/set: cannot open the folder"));
    lg_dataset_free(NULL);
}
END_TEST

START_TEST(folders_that_may_not_be_read)
{
    if (geteuid() == 0)
        return; // nothing is forbidden to root
    ck_assert_int_eq(chmod(lg_temporary_path(&set, "data/AAE/more"), 0), 0);
    check_refused(NULL, NULL, 0, "data/AAE/more: cannot open the folder: Permission denied");
    ck_assert_int_eq(chmod(lg_temporary_path(&set, "data/AAE/more"), 0700), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dataset");
    TCase *tests = tcase_create("dataset");
    tcase_add_checked_fixture(tests, make_set, remove_set);
    tcase_add_test(tests, samples_come_in_order);
    tcase_add_test(tests, folds_split_by_model);
    tcase_add_test(tests, models_are_described);
    tcase_add_test(tests, values_are_scaled);
    tcase_add_test(tests, built_in_table_is_the_file);
    tcase_add_test(tests, fingerprint_is_of_names_labels_and_split);
    tcase_add_test(tests, folders_of_all_kinds);
    tcase_add_test(tests, real_images_may_stand_beside_the_models);
    tcase_add_test(tests, unknown_folders_are_told_all_at_once);
    tcase_add_test(tests, faults);
    tcase_add_test(tests, no_images_at_all);
    tcase_add_test(tests, folders_that_may_not_be_read);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
