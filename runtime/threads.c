// A pool that takes parts of a range. The caller works too, and waits at the end for parts that
// somebody has begun, never for a thread that has not: on a machine that does other work, a thread
// that is not running costs its share and no more. (OpenMP's teams meet at the end of every loop:
// with two cores and a load of 4 each launch took 8 ms that way, a time slice of the scheduler.)
//
// Each thread has a lane, a range of neighbouring parts, and takes those of others when it is done:
// kernel after kernel it works on the same rows of the images or the same channels, which are still
// in its caches. (What the other core has just written takes longer than what memory has.)
//
// One word a lane, the ticket, holds the number of the job and the lane's next part. A part is
// taken by raising it, which fails if the job has changed meanwhile, so what a late thread has read
// of an older job does no harm. Jobs change like this: close all tickets, write the job, open them.
#include "runtime/threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PARTS_OF_A_THREAD = 8, MOST_THREADS = 1024, SPINS = 16000, CACHE_LINE = 64 };

#define CLOSED UINT32_MAX // as next part: the job is being written

// With the worker of its number (the first one is the caller's), in a cache line of its own.
typedef struct lane {
    _Alignas(CACHE_LINE) _Atomic uint64_t ticket; // number of the job << 32 | next part
    pthread_t thread;
} lane;

struct lg_pool {
    _Atomic lg_kernel_fn kernel;
    void *const *_Atomic buffers;
    atomic_uint names;           // of workers that have started
    _Atomic int64_t count, part; // of the range, of one part of it
    _Atomic uint32_t parts, done;
    atomic_bool busy, stop;
    atomic_int asleep;
    pthread_mutex_t lock; // of sleeping and waking
    pthread_cond_t wake;
    uint32_t lane_count;
    int workers;
    lane lanes[];
};

static uint32_t job_of(uint64_t ticket)
{
    return (uint32_t)(ticket >> 32);
}

static uint64_t ticket_of(uint32_t job, uint32_t next)
{
    return (uint64_t)job << 32 | next;
}

static void pause_briefly(int spin)
{
    if (spin > SPINS)
        sched_yield();
    else
#if defined __x86_64__
        __builtin_ia32_pause();
#else
        atomic_signal_fence(memory_order_seq_cst);
#endif
}

// What lanes 0 .. i - 1 have together.
static uint32_t parts_before(uint32_t i, uint32_t lanes, uint32_t parts)
{
    return (uint32_t)((uint64_t)i * parts / lanes);
}

// Runs parts of lane `i` of job number `job` until it has none, or the job is over.
static void take_lane(lg_pool *p, uint32_t i, uint32_t job, uint32_t name)
{
    uint64_t ticket = atomic_load(&p->lanes[i].ticket);
    lg_kernel_fn kernel = atomic_load(&p->kernel);
    void *const *buffers = atomic_load(&p->buffers);
    int64_t count = atomic_load(&p->count), part = atomic_load(&p->part);
    uint32_t end = parts_before(i + 1, p->lane_count, atomic_load(&p->parts));
    while (job_of(ticket) == job && (uint32_t)ticket < end) {
        if (!atomic_compare_exchange_weak(&p->lanes[i].ticket, &ticket, ticket + 1))
            continue;
        int64_t begin = (int64_t)(uint32_t)ticket * part;
        kernel(buffers, begin, count - begin < part ? count : begin + part, name);
        atomic_fetch_add(&p->done, 1);
        ticket = atomic_load(&p->lanes[i].ticket);
    }
}

static void take_parts(lg_pool *p, uint32_t job, uint32_t name)
{
    for (uint32_t i = 0; i < p->lane_count; i++)
        take_lane(p, (name + i) % p->lane_count, job, name);
}

// ---- workers

static bool has_news(lg_pool *p, uint32_t name, uint32_t seen)
{
    uint64_t ticket = atomic_load(&p->lanes[name].ticket);
    return atomic_load(&p->stop) || (job_of(ticket) != seen && (uint32_t)ticket != CLOSED);
}

// Spins for about a millisecond, since the next launch is near as a rule; then sleeps.
static void wait_for_news(lg_pool *p, uint32_t name, uint32_t seen)
{
    for (int spin = 0; spin < SPINS; spin++) {
        if (has_news(p, name, seen))
            return;
        pause_briefly(spin);
    }
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->asleep, 1);
    while (!has_news(p, name, seen))
        pthread_cond_wait(&p->wake, &p->lock);
    atomic_fetch_sub(&p->asleep, 1);
    pthread_mutex_unlock(&p->lock);
}

static void *worker(void *pool)
{
    lg_pool *p = pool;
    uint32_t seen = 0, name = 1 + atomic_fetch_add(&p->names, 1); // 0 is the caller
    for (;;) {
        wait_for_news(p, name, seen);
        if (atomic_load(&p->stop))
            return NULL;
        seen = job_of(atomic_load(&p->lanes[name].ticket));
        take_parts(p, seen, name);
    }
}

static void wake_workers(lg_pool *p)
{
    if (atomic_load(&p->asleep) == 0)
        return;
    pthread_mutex_lock(&p->lock);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

// As many workers as can be had; NULL if there is no memory.
static lg_pool *pool_new(int workers)
{
    size_t lanes = (size_t)workers + 1, bytes = sizeof(lg_pool) + sizeof(lane) * lanes;
    lg_pool *p = aligned_alloc(CACHE_LINE, bytes);
    if (!p)
        return NULL;
    memset(p, 0, bytes);
    p->lane_count = (uint32_t)lanes;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    while (p->workers < workers &&
           pthread_create(&p->lanes[p->workers + 1].thread, NULL, worker, p) == 0)
        p->workers++;
    return p;
}

static void pool_free(lg_pool *p)
{
    atomic_store(&p->stop, true);
    pthread_mutex_lock(&p->lock);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->workers; i++)
        pthread_join(p->lanes[i + 1].thread, NULL);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

// The pool, made where there is none; of two that are made at once one goes again.
static lg_pool *pool_of(lg_threads *threads)
{
    lg_pool *none = NULL, *p = __atomic_load_n(&threads->pool, __ATOMIC_ACQUIRE);
    if (p)
        return p;
    p = pool_new(threads->count - 1);
    if (!p || __atomic_compare_exchange_n(&threads->pool, &none, p, false, __ATOMIC_ACQ_REL,
                                          __ATOMIC_ACQUIRE))
        return p;
    pool_free(p);
    return none;
}

// ---- jobs

static void run_job(lg_pool *p, int team, lg_kernel_fn kernel, void *const *buffers, int64_t count)
{
    int64_t part = count / ((int64_t)team * PARTS_OF_A_THREAD);
    part = part > 0 ? part : 1;
    uint32_t parts = (uint32_t)((count + part - 1) / part);
    uint32_t job = job_of(atomic_load(&p->lanes[0].ticket)) + 1;
    for (uint32_t i = 0; i < p->lane_count; i++)
        atomic_store(&p->lanes[i].ticket, ticket_of(job, CLOSED));
    atomic_store(&p->kernel, kernel);
    atomic_store(&p->buffers, buffers);
    atomic_store(&p->count, count);
    atomic_store(&p->part, part);
    atomic_store(&p->parts, parts);
    atomic_store(&p->done, 0);
    for (uint32_t i = p->lane_count; i-- > 0;) // the caller's last: others begin meanwhile
        atomic_store(&p->lanes[i].ticket, ticket_of(job, parts_before(i, p->lane_count, parts)));
    wake_workers(p);
    take_parts(p, job, 0);
    for (int spin = 0; atomic_load(&p->done) < parts; spin += spin <= SPINS)
        pause_briefly(spin);
}

static void run_parallel(void *context, uint32_t launch, lg_kernel_fn kernel, void *const *buffers,
                         int64_t count)
{
    (void)launch;
    lg_threads *threads = context;
    lg_pool *p = threads->count > 1 && count > 1 ? pool_of(threads) : NULL;
    if (!p || atomic_exchange(&p->busy, true)) {
        kernel(buffers, 0, count, 0);
        return;
    }
    run_job(p, threads->count, kernel, buffers, count);
    atomic_store(&p->busy, false);
}

int lg_core_count(void)
{
    cpu_set_t cores;
    return sched_getaffinity(0, sizeof cores, &cores) == 0 ? CPU_COUNT(&cores) : 1;
}

static int default_count(void)
{
    const char *wanted = getenv("OMP_NUM_THREADS");
    long count = wanted ? strtol(wanted, NULL, 10) : 0; // a list: its first number
    if (count < 1)
        count = lg_core_count();
    return count > MOST_THREADS ? MOST_THREADS : (int)count;
}

void lg_threads_init(lg_threads *threads, int count)
{
    threads->count = count > MOST_THREADS ? MOST_THREADS : count > 0 ? count : default_count();
    threads->parallel = (lg_parallel){threads, (uint64_t)threads->count, run_parallel};
    threads->pool = NULL;
}

void lg_threads_free(lg_threads *threads)
{
    if (threads->pool)
        pool_free(threads->pool);
    threads->pool = NULL;
}

double lg_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void run_timed(void *context, uint32_t launch, lg_kernel_fn kernel, void *const *buffers,
                      int64_t count)
{
    lg_timing *timing = context;
    double start = lg_now();
    if (timing->inner)
        timing->inner->run(timing->inner->context, launch, kernel, buffers, count);
    else
        kernel(buffers, 0, count, 0);
    if (launch < timing->launches)
        timing->seconds[launch] += lg_now() - start;
}

void lg_timing_init(lg_timing *timing, const lg_parallel *inner, double *seconds, uint32_t launches)
{
    *timing =
        (lg_timing){{timing, inner ? inner->threads : 1, run_timed}, inner, seconds, launches};
    for (uint32_t i = 0; i < launches; i++)
        seconds[i] = 0;
}
