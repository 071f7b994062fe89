// The pool: every iteration of every launch runs once and no two at once as the same worker,
// whatever the number of threads, whoever runs late, and also when two callers share a pool.
#include "runtime/threads.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include <check.h>

enum { LAUNCHES = 20000, LONGEST = 300, MOST_WORKERS = 8 };

// Counts iterations in the first buffer, and in the second the parts that each worker is at.
static void count_iterations(void *const *buffers, int64_t begin, int64_t end, uint32_t worker)
{
    atomic_int *counts = buffers[0], *at_work = buffers[1];
    int others = worker < MOST_WORKERS ? atomic_fetch_add(&at_work[worker], 1) : 1;
    for (int64_t i = begin; i < end; i++)
        atomic_fetch_add(&counts[i], 1 + 100 * others);
    if (worker < MOST_WORKERS)
        atomic_fetch_sub(&at_work[worker], 1);
}

static bool launch_many(lg_threads *threads, unsigned seed)
{
    static _Thread_local atomic_int counts[LONGEST], at_work[MOST_WORKERS];
    void *const buffers[] = {counts, at_work};
    for (int launch = 0; launch < LAUNCHES; launch++) {
        int count = rand_r(&seed) % LONGEST + 1;
        for (int i = 0; i < count; i++)
            atomic_store(&counts[i], 0);
        threads->parallel.run(threads->parallel.context, 0, count_iterations, buffers, count);
        for (int i = 0; i < count; i++)
            if (atomic_load(&counts[i]) != 1)
                return false;
    }
    return true;
}

START_TEST(every_iteration_runs_once)
{
    lg_threads threads;
    lg_threads_init(&threads, _i);
    ck_assert_int_eq(threads.count, _i);
    ck_assert(launch_many(&threads, 1));
    lg_threads_free(&threads);
    ck_assert(launch_many(&threads, 2)); // made again when it is needed
    lg_threads_free(&threads);
}
END_TEST

static void *other_caller(void *threads)
{
    return launch_many(threads, 3) ? threads : NULL;
}

START_TEST(two_callers_of_one_pool)
{
    lg_threads threads;
    lg_threads_init(&threads, 3);
    pthread_t other;
    void *good = NULL;
    ck_assert_int_eq(pthread_create(&other, NULL, other_caller, &threads), 0);
    ck_assert(launch_many(&threads, 5));
    pthread_join(other, &good);
    ck_assert_ptr_nonnull(good);
    lg_threads_free(&threads);
}
END_TEST

START_TEST(number_of_threads)
{
    lg_threads threads;
    setenv("OMP_NUM_THREADS", "5", 1);
    lg_threads_init(&threads, 0);
    ck_assert_int_eq(threads.count, 5);
    setenv("OMP_NUM_THREADS", "many", 1);
    lg_threads_init(&threads, 0);
    ck_assert_int_ge(threads.count, 1);
    unsetenv("OMP_NUM_THREADS");
    lg_threads_init(&threads, 1000000);
    ck_assert_int_le(threads.count, 1024);
    lg_threads_free(&threads);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("threads");
    TCase *pool = tcase_create("pool");
    tcase_add_loop_test(pool, every_iteration_runs_once, 1, 6);
    tcase_add_test(pool, two_callers_of_one_pool);
    tcase_add_test(pool, number_of_threads);
    suite_add_tcase(suite, pool);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
