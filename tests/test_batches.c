// Batches follow from seed, epoch and number alone: the same for any number of workers, from any
// place where a run begins, with and without a cache, and when images are broken.
#include "runtime/batches.h"
#include "runtime/preprocess.h"
#include "runtime/random.h"
#include "tests/support/image_set.h"
#include "tests/support/temporary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

enum { SIZE = 8, BATCH = 4, FAKES = 15, REALS = 6, ALL = FAKES + REALS };

static lg_temporary set;
static lg_dataset *dataset;

static void open_dataset(void)
{
    lg_error e;
    char data[160], real[160];
    snprintf(data, sizeof data, "%s/data", set.folder);
    snprintf(real, sizeof real, "%s/real", set.folder);
    const lg_dataset_options options = {.data = data, .real = real};
    dataset = lg_dataset_open(&options, &e);
    ck_assert_msg(dataset != NULL, "%s", e.message);
    ck_assert_uint_eq(dataset->count, ALL);
}

static void make_set(void)
{
    set = lg_temporary_new();
    lg_temporary_folder(&set, "data");
    ck_assert(lg_write_image_set(lg_temporary_path(&set, "data/AAE"), 1, 8, 11, 9));
    ck_assert(lg_write_image_set(lg_temporary_path(&set, "data/BEGAN"), 2, 7, 16, 16));
    ck_assert(lg_write_image_set(lg_temporary_path(&set, "real"), 0, REALS, 8, 8));
    open_dataset();
}

static void remove_set(void)
{
    lg_dataset_free(dataset);
    lg_temporary_free(&set);
}

static lg_batches_options defaults(void)
{
    return (lg_batches_options){.dataset = dataset,
                                .samples = dataset->train,
                                .count = dataset->train_count,
                                .seed = 7,
                                .batch = BATCH,
                                .size = SIZE,
                                .workers = 2};
}

static lg_batches *open_batches(const lg_batches_options *options)
{
    lg_error e;
    lg_batches *b = lg_batches_open(options, &e);
    ck_assert_msg(b != NULL, "%s", e.message);
    return b;
}

static void start(lg_batches *b, int64_t epoch, int64_t batch, int64_t end)
{
    lg_error e;
    ck_assert_msg(lg_batches_start(b, epoch, batch, end, &e), "%s", e.message);
}

// All that is in a batch.
static uint64_t hash_of(const lg_batch *b)
{
    uint64_t hash = 0xcbf29ce484222325u;
    const struct {
        const void *at;
        size_t bytes;
    } parts[] = {{b->images, BATCH * SIZE * SIZE * 3 * sizeof(float)},
                 {b->labels, BATCH * LG_NODES * sizeof(int32_t)},
                 {b->fake, BATCH * sizeof(int32_t)},
                 {b->values, BATCH * LG_CONTINUOUS_VALUES * sizeof(float)},
                 {b->samples, (size_t)b->count * sizeof(size_t)},
                 {&b->epoch, sizeof b->epoch},
                 {&b->index, sizeof b->index},
                 {&b->count, sizeof b->count},
                 {&b->fakes, sizeof b->fakes}};
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
        for (size_t i = 0; i < parts[p].bytes; i++)
            hash = (hash ^ ((const unsigned char *)parts[p].at)[i]) * 0x100000001b3u;
    return hash;
}

// Hashes of at most `most` batches; how many there were.
static size_t collect(lg_batches *b, uint64_t *hashes, size_t most)
{
    lg_error e = {""};
    const lg_batch *batch;
    size_t count = 0;
    lg_batch_status status = LG_BATCH_READY;
    while (count < most && (status = lg_batches_next(b, &batch, &e)) == LG_BATCH_READY)
        hashes[count++] = hash_of(batch);
    ck_assert_msg(status != LG_BATCH_ERROR, "%s", e.message);
    return count;
}

static void break_image(const char *name)
{
    lg_temporary_write(&set, name, "no image", 8);
}

static void break_some(void)
{
    break_image("data/AAE/002.png");
    break_image("data/AAE/003.jpg");
    break_image("real/004.png");
    ck_assert_int_eq(remove(lg_temporary_path(&set, "data/BEGAN/006.png")), 0);
}

START_TEST(a_batch_holds_what_it_says)
{
    lg_batches_options o = defaults();
    lg_batches *b = open_batches(&o);
    start(b, 0, 0, 1);
    const lg_batch *batch;
    ck_assert_int_eq(lg_batches_next(b, &batch, NULL), LG_BATCH_READY);
    ck_assert_int_eq(batch->count, BATCH);
    int fakes = 0;
    for (int i = 0; i < BATCH; i++) {
        const lg_sample *s = &dataset->samples[batch->samples[i]];
        lg_tensor *image = lg_preprocess_file(s->path, SIZE, NULL);
        ck_assert_mem_eq(image->data, batch->images + i * SIZE * SIZE * 3, image->bytes);
        lg_tensor_free(image);
        const lg_dataset_model *m = s->model == LG_REAL ? NULL : &dataset->models[s->model];
        ck_assert_int_eq(batch->fake[i], m != NULL);
        fakes += m != NULL;
        for (int j = 0; j < LG_NODES; j++)
            ck_assert_int_eq(batch->labels[i * LG_NODES + j], m ? m->labels[j] : 0);
        for (int j = 0; j < LG_CONTINUOUS_VALUES; j++) {
            float value = batch->values[i * LG_CONTINUOUS_VALUES + j];
            ck_assert(m ? value == m->values[j] : isnan(value));
        }
    }
    ck_assert_int_eq(batch->fakes, fakes);
    lg_batches_free(b);
}
END_TEST

START_TEST(every_sample_once_an_epoch)
{
    lg_batches_options o = defaults();
    o.batch = 3;
    lg_batches *b = open_batches(&o);
    ck_assert_int_eq(lg_batches_per_epoch(b), ALL / 3);
    start(b, 5, 0, 7);
    size_t orders[2][ALL];
    for (int epoch = 0; epoch < 2; epoch++) {
        bool seen[ALL] = {false};
        for (int i = 0; i < ALL / 3; i++) {
            const lg_batch *batch;
            ck_assert_int_eq(lg_batches_next(b, &batch, NULL), LG_BATCH_READY);
            ck_assert_int_eq(batch->epoch, 5 + epoch);
            ck_assert_int_eq(batch->index, i);
            for (int j = 0; j < 3; j++) {
                ck_assert(!seen[batch->samples[j]]);
                seen[batch->samples[j]] = true;
                orders[epoch][i * 3 + j] = batch->samples[j];
            }
        }
    }
    ck_assert_mem_ne(orders[0], orders[1], sizeof orders[0]);
    const lg_batch *batch;
    ck_assert_int_eq(lg_batches_next(b, &batch, NULL), LG_BATCH_END);
    ck_assert_int_eq(lg_batches_next(b, &batch, NULL), LG_BATCH_END);
    lg_batches_free(b);
}
END_TEST

// The documented generator, so that an order can be made elsewhere.
START_TEST(order_is_fisher_yates_by_splitmix64)
{
    lg_random random = {0};
    ck_assert(lg_random_next(&random) == 0xe220a8397b1dcdafu); // of the reference implementation
    ck_assert(lg_random_next(&random) == 0x6e789e6aa1b965f4u);
    uint32_t order[ALL];
    for (uint32_t i = 0; i < ALL; i++)
        order[i] = i;
    random = lg_random_start(7, 2);
    lg_random_shuffle(&random, order, ALL);
    lg_batches_options o = defaults();
    lg_batches *b = open_batches(&o);
    start(b, 2, 0, 3);
    const lg_batch *batch;
    ck_assert_int_eq(lg_batches_next(b, &batch, NULL), LG_BATCH_READY);
    for (int i = 0; i < BATCH; i++)
        ck_assert_uint_eq(batch->samples[i], dataset->train[order[i]]);
    lg_batches_free(b);
}
END_TEST

START_TEST(workers_and_cache_change_nothing)
{
    static const struct {
        int workers, ahead;
        size_t cache_bytes;
    } ways[] = {{1, 1, 0},       {2, 3, 0},       {5, 2, 0},
                {3, 7, 1000},    {2, 1, 1 << 20}, {4, 40, SIZE * SIZE * 3 * 5},
                {16, 4, 1 << 20}};
    uint64_t first[64], other[64];
    break_some();
    size_t count = 0;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        lg_batches_options o = defaults();
        o.workers = ways[i].workers;
        o.ahead = ways[i].ahead;
        o.cache_bytes = ways[i].cache_bytes;
        lg_batches *b = open_batches(&o);
        start(b, 0, 0, 6);
        size_t got = collect(b, i == 0 ? first : other, 64);
        ck_assert_uint_eq(got, 6 * (ALL / BATCH));
        if (i > 0)
            ck_assert_mem_eq(first, other, got * sizeof *first);
        count += got;
        lg_batches_free(b);
    }
    ck_assert_uint_gt(count, 0);
}
END_TEST

START_TEST(a_run_may_begin_anywhere)
{
    uint64_t whole[64] = {0}, rest[64] = {0};
    break_some();
    for (int order = LG_ORDER_SHUFFLED; order <= LG_ORDER_GIVEN; order++) {
        lg_batches_options o = defaults();
        o.order = (lg_batch_order)order;
        lg_batches *b = open_batches(&o);
        start(b, 0, 0, 3);
        size_t per_epoch = (size_t)lg_batches_per_epoch(b), all = collect(b, whole, 64);
        ck_assert_uint_eq(all, 3 * per_epoch);
        for (size_t from = 0; from <= all; from += 3) {
            // By turns: a fresh run, and one that is sent back while it is decoding ahead.
            lg_batches *again = from % 2 ? open_batches(&o) : b;
            start(again, 0, 0, 3);
            collect(again, rest, from / 3 % 3 + 1);
            start(again, (int64_t)(from / per_epoch), (int64_t)(from % per_epoch), 3);
            ck_assert_uint_eq(collect(again, rest, 64), all - from);
            ck_assert_mem_eq(whole + from, rest, (all - from) * sizeof *rest);
            if (again != b)
                lg_batches_free(again);
        }
        start(b, 0, (int64_t)per_epoch, 3); // the end of an epoch is the beginning of the next
        ck_assert_uint_eq(collect(b, rest, 64), all - per_epoch);
        ck_assert_mem_eq(whole + per_epoch, rest, (all - per_epoch) * sizeof *rest);
        lg_batches_free(b);
    }
}
END_TEST

START_TEST(broken_images_are_replaced_and_told_once)
{
    break_some();
    lg_batches_options o = defaults();
    lg_batches *b = open_batches(&o);
    start(b, 0, 0, 3);
    size_t count = 0, before = 0;
    const lg_batch *batch;
    while (lg_batches_next(b, &batch, NULL) == LG_BATCH_READY) {
        ck_assert_int_eq(batch->count, BATCH);
        const lg_broken_image *broken = lg_batches_broken(b, &count);
        ck_assert_uint_ge(count, before);
        before = count;
        for (size_t i = 0; i < count; i++)
            for (int j = 0; j < BATCH; j++)
                ck_assert_uint_ne(broken[i].sample, batch->samples[j]);
    }
    const lg_broken_image *broken = lg_batches_broken(b, &count);
    ck_assert_uint_eq(count, 4);
    for (size_t i = 0; i < count; i++) {
        const char *path = dataset->samples[broken[i].sample].path;
        ck_assert_ptr_nonnull(strstr(broken[i].reason, path));
        bool is_gone = strstr(path, "BEGAN") != NULL;
        ck_assert_ptr_nonnull(
            strstr(broken[i].reason, is_gone ? "cannot open" : "not an image that can be read"));
    }
    lg_batches_statistics statistics = lg_batches_statistics_of(b);
    ck_assert_int_ge(statistics.replaced, 4);
    ck_assert_int_eq(statistics.batches, 3 * (ALL / BATCH));
    lg_batches_free(b);
}
END_TEST

// A place of a broken image goes to the next of the order that is whole.
START_TEST(replacement_is_the_next_of_the_order)
{
    uint32_t order[ALL];
    for (uint32_t i = 0; i < ALL; i++)
        order[i] = i;
    lg_random random = lg_random_start(7, 0);
    lg_random_shuffle(&random, order, ALL);
    for (int i = 1; i < 3; i++) { // the second and third of the first batch
        FILE *file = fopen(dataset->samples[order[i]].path, "wb");
        ck_assert_ptr_nonnull(file);
        fclose(file);
    }
    lg_batches_options o = defaults();
    lg_batches *b = open_batches(&o);
    start(b, 0, 0, 1);
    const lg_batch *batch;
    ck_assert_int_eq(lg_batches_next(b, &batch, NULL), LG_BATCH_READY);
    const int wanted[BATCH] = {0, 3, 3, 3};
    for (int i = 0; i < BATCH; i++)
        ck_assert_uint_eq(batch->samples[i], order[wanted[i]]);
    lg_batches_free(b);
}
END_TEST

START_TEST(evaluation_keeps_the_rest_and_drops_the_broken)
{
    // 21 samples, batches of 4; of the first batch nothing is left, of the second two.
    break_image("data/AAE/000.png");
    break_image("data/AAE/001.jpg");
    break_some();
    break_image("data/AAE/004.png");
    break_image("data/AAE/006.png");
    lg_batches_options o = defaults();
    o.order = LG_ORDER_GIVEN;
    lg_batches *b = open_batches(&o);
    ck_assert_int_eq(lg_batches_per_epoch(b), 6);
    start(b, 0, 0, 1);
    static const int indexes[] = {1, 2, 3, 4, 5}, counts[] = {2, 4, 3, 3, 1};
    static const size_t firsts[] = {5, 8, 12, 16, 20};
    const lg_batch *batch;
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(lg_batches_next(b, &batch, NULL), LG_BATCH_READY);
        ck_assert_int_eq(batch->index, indexes[i]);
        ck_assert_int_eq(batch->count, counts[i]);
        ck_assert_uint_eq(batch->samples[0], firsts[i]);
        for (int j = batch->count; j < BATCH; j++) {
            ck_assert_int_eq(batch->fake[j], 0);
            ck_assert_int_eq(batch->labels[j * LG_NODES + 40], 0);
            ck_assert(isnan(batch->values[j * LG_CONTINUOUS_VALUES]));
            ck_assert(batch->images[(j + 1) * SIZE * SIZE * 3 - 1] == 0.0f);
        }
    }
    ck_assert_int_eq(lg_batches_next(b, &batch, NULL), LG_BATCH_END);
    size_t count;
    lg_batches_broken(b, &count);
    ck_assert_uint_eq(count, 8);
    lg_batches_free(b);
}
END_TEST

START_TEST(all_broken_is_an_error)
{
    for (size_t i = 0; i < dataset->count; i++) {
        FILE *file = fopen(dataset->samples[i].path, "wb");
        ck_assert_ptr_nonnull(file);
        fclose(file);
    }
    for (int order = LG_ORDER_SHUFFLED; order <= LG_ORDER_GIVEN; order++) {
        lg_error e = {""};
        const lg_batch *batch;
        lg_batches_options o = defaults();
        o.order = (lg_batch_order)order;
        lg_batches *b = open_batches(&o);
        start(b, 0, 0, INT32_MAX);
        if (order == LG_ORDER_GIVEN)
            start(b, 0, 0, 1);
        ck_assert_int_eq(lg_batches_next(b, &batch, &e), LG_BATCH_ERROR);
        ck_assert_ptr_nonnull(strstr(e.message, "none of the 21 images can be read; the first: "));
        ck_assert_ptr_nonnull(strstr(e.message, "the file is empty"));
        lg_batches_free(b);
    }
}
END_TEST

START_TEST(released_order_draws_with_replacement)
{
    lg_batches_options o = defaults();
    o.order = LG_ORDER_RELEASED;
    o.batch = ALL;
    lg_batches *b = open_batches(&o);
    start(b, 0, 0, 1);
    const lg_batch *batch;
    ck_assert_int_eq(lg_batches_next(b, &batch, NULL), LG_BATCH_READY);
    ck_assert_int_eq(batch->fakes, FAKES); // as many of a kind as there are
    int times[ALL] = {0}, most = 0;
    for (int i = 0; i < ALL; i++)
        if (++times[batch->samples[i]] > most)
            most = times[batch->samples[i]];
    ck_assert_int_gt(most, 1);
    lg_batches_free(b);
}
END_TEST

static void drain(lg_batches *b)
{
    const lg_batch *batch;
    lg_batch_status status;
    while ((status = lg_batches_next(b, &batch, NULL)) == LG_BATCH_READY)
        ;
    ck_assert_int_eq(status, LG_BATCH_END);
}

START_TEST(cache_saves_decoding)
{
    lg_batches_options o = defaults();
    o.batch = 3;
    o.cache_bytes = 1 << 20;
    lg_batches *b = open_batches(&o);
    start(b, 0, 0, 4);
    drain(b);
    lg_batches_statistics statistics = lg_batches_statistics_of(b);
    ck_assert_int_eq(statistics.decoded + statistics.from_cache, 4 * ALL);
    // An image may be decoded twice when two threads want it at once.
    ck_assert_int_le(statistics.decoded, 2 * ALL);
    ck_assert_int_ge(statistics.decoded, ALL);
    lg_batches_free(b);

    o.cache_bytes = 5 * (SIZE * SIZE * 3 + 8); // five images
    o.workers = 1;
    b = open_batches(&o);
    start(b, 0, 0, 4);
    drain(b);
    ck_assert_int_eq(lg_batches_statistics_of(b).from_cache, 3 * 5);
    lg_batches_free(b);
}
END_TEST

static void check_refused(const lg_batches_options *o, const char *part)
{
    lg_error e = {""};
    ck_assert_ptr_null(lg_batches_open(o, &e));
    ck_assert_msg(strstr(e.message, part) != NULL, "\"%s\" not in: %s", part, e.message);
}

START_TEST(bad_options)
{
    lg_error e = {""};
    lg_batches_options o = defaults();
    o.batch = 0;
    check_refused(&o, "a batch has 1 to");
    o.batch = ALL + 1;
    check_refused(&o, "21 images do not fill one batch of 22");
    o.order = LG_ORDER_GIVEN;
    lg_batches_free(open_batches(&o));
    o = defaults();
    o.size = 0;
    check_refused(&o, "pixels a side");
    o.size = 1 << 20;
    check_refused(&o, "pixels a side");
    o = defaults();
    o.count = 0;
    check_refused(&o, "no images");
    o = defaults();
    o.workers = -1;
    check_refused(&o, "threads decode");
    o = defaults();
    lg_batches *b = open_batches(&o);
    ck_assert(!lg_batches_start(b, 0, 6, 1, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "no batch 6 in epoch 0: an epoch has 5"));
    ck_assert(!lg_batches_start(b, -1, 0, 1, &e));
    ck_assert(!lg_batches_start(b, INT64_MAX / 2, 0, INT64_MAX, &e));
    const lg_batch *batch;
    ck_assert_int_eq(lg_batches_next(b, &batch, &e), LG_BATCH_END);
    lg_batches_free(b);
    lg_batches_free(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("batches");
    TCase *tests = tcase_create("batches");
    tcase_add_checked_fixture(tests, make_set, remove_set);
    tcase_add_test(tests, a_batch_holds_what_it_says);
    tcase_add_test(tests, every_sample_once_an_epoch);
    tcase_add_test(tests, order_is_fisher_yates_by_splitmix64);
    tcase_add_test(tests, workers_and_cache_change_nothing);
    tcase_add_test(tests, a_run_may_begin_anywhere);
    tcase_add_test(tests, broken_images_are_replaced_and_told_once);
    tcase_add_test(tests, replacement_is_the_next_of_the_order);
    tcase_add_test(tests, evaluation_keeps_the_rest_and_drops_the_broken);
    tcase_add_test(tests, all_broken_is_an_error);
    tcase_add_test(tests, released_order_draws_with_replacement);
    tcase_add_test(tests, cache_saves_decoding);
    tcase_add_test(tests, bad_options);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
