// A ring of batches that is filled place by place: a worker takes the next place of the next batch,
// decodes its image there, and the batch is ready when no place of it is left. Batches are numbered
// through all epochs; number n lives in ring[n % ahead], its order in orders[epoch % ahead].
//
// What makes it repeatable: a place of a batch is a position in its epoch's order, and what becomes
// of a broken image is a matter of that order alone. Which images are known to be broken, what is
// in the cache, which thread comes first: all that saves work and changes nothing.
#include "runtime/batches.h"

#include "runtime/pixel_cache.h"
#include "runtime/preprocess.h"
#include "runtime/random.h"
#include "runtime/resize.h"
#include "runtime/threads.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEFAULT_AHEAD = 3,
    MOST_AHEAD = 64,
    MOST_WORKERS = 256,
    LARGEST_SIDE = 8192,
    MOST_BATCH = 1 << 20
};

// A batch in the making. Its pixels are of [B][S][S][3].
typedef struct ring_batch {
    int64_t number; // -1: none
    int places;     // images that it should have
    int pending;    // places that are not filled yet
    uint8_t *pixels;
    size_t *skipped; // [B]: how many broken images stood at the place; all: nothing is there
} ring_batch;

typedef struct epoch_order {
    int64_t epoch;   // -1: none
    uint32_t *items; // [count], positions in lg_batches.samples
} epoch_order;

struct lg_batches {
    lg_batches_options options;
    size_t *samples; // [options.count]
    size_t image_bytes;
    int64_t per_epoch;
    ring_batch *ring;    // [options.ahead]
    epoch_order *orders; // [options.ahead]: no more epochs are on the way than batches
    lg_pixel_cache *cache;
    uint32_t *fakes, *reals; // positions of samples, for LG_ORDER_RELEASED
    size_t fake_count, real_count;

    // What the consumer sees.
    lg_batch batch;
    size_t *batch_samples;
    lg_broken_image *broken; // [options.count]
    size_t broken_count;
    bool *reported; // [options.count]
    bool restarted; // no batch was handed out since the start
    lg_batches_statistics statistics;

    // Under the lock, but for `is_broken` and `stop`, which may be read at any time.
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    int64_t next, end; // batches: the one whose places are being given out; the first not wanted
    int next_place;
    int64_t taken;  // batches before it have been handed out
    int in_flight;  // places that somebody is filling
    char **reasons; // [options.count]
    int64_t decoded, from_cache;
    atomic_bool *is_broken; // [options.count]
    atomic_bool stop;
    int running;
    pthread_t *threads; // [options.workers]
};

// ---- the order of an epoch

static void fill_order(const lg_batches *b, epoch_order *order, int64_t epoch)
{
    const lg_batches_options *o = &b->options;
    order->epoch = epoch;
    for (size_t i = 0; i < o->count; i++)
        order->items[i] = (uint32_t)i;
    if (o->order == LG_ORDER_GIVEN)
        return;
    lg_random random = lg_random_start(o->seed, (uint64_t)epoch);
    lg_random_shuffle(&random, order->items, o->count);
    for (size_t i = 0; o->order == LG_ORDER_RELEASED && i < o->count; i++) {
        bool is_real = o->dataset->samples[b->samples[order->items[i]]].model == LG_REAL;
        order->items[i] = is_real ? b->reals[lg_random_below(&random, b->real_count)]
                                  : b->fakes[lg_random_below(&random, b->fake_count)];
    }
}

static const epoch_order *order_of(lg_batches *b, int64_t number)
{
    int64_t epoch = number / b->per_epoch;
    epoch_order *order = &b->orders[epoch % b->options.ahead];
    if (order->epoch != epoch)
        fill_order(b, order, epoch);
    return order;
}

// The first position of a batch in its order.
static size_t first_position(const lg_batches *b, int64_t number)
{
    return (size_t)(number % b->per_epoch) * (size_t)b->options.batch;
}

// How many positions a place may try.
static size_t tries(const lg_batches *b)
{
    return b->options.order == LG_ORDER_GIVEN ? 1 : b->options.count;
}

// ---- workers

// Decodes into `pixels`; false when the image is broken.
static bool load_pixels(lg_batches *b, size_t item, uint8_t *pixels)
{
    lg_error e;
    int size = b->options.size;
    if (atomic_load(&b->is_broken[item]))
        return false;
    bool is_cached = b->cache && lg_pixel_cache_get(b->cache, item, pixels);
    if (!is_cached) {
        lg_image *image = lg_image_load(b->options.dataset->samples[b->samples[item]].path, &e);
        lg_image *resized = image ? lg_image_resize(image, size, size, &e) : NULL;
        lg_image_free(image);
        if (!resized) {
            pthread_mutex_lock(&b->lock);
            if (!b->reasons[item])
                b->reasons[item] = strdup(e.message);
            pthread_mutex_unlock(&b->lock);
            atomic_store(&b->is_broken[item], true);
            return false;
        }
        memcpy(pixels, resized->rgb, b->image_bytes);
        lg_image_free(resized);
        if (b->cache)
            lg_pixel_cache_put(b->cache, item, pixels);
    }
    pthread_mutex_lock(&b->lock);
    b->decoded += !is_cached;
    b->from_cache += is_cached;
    pthread_mutex_unlock(&b->lock);
    return true;
}

// Fills a place with the first image that can be read, from its position on.
static void fill_place(lg_batches *b, ring_batch *batch, const epoch_order *order, int place)
{
    size_t count = b->options.count, skipped = 0;
    size_t position = first_position(b, batch->number) + (size_t)place;
    uint8_t *pixels = batch->pixels + (size_t)place * b->image_bytes;
    while (skipped < tries(b) && !atomic_load(&b->stop) &&
           !load_pixels(b, order->items[(position + skipped) % count], pixels))
        skipped++;
    batch->skipped[place] = skipped;
}

static void begin_batch(lg_batches *b, ring_batch *batch)
{
    size_t rest = b->options.count - first_position(b, b->next);
    batch->number = b->next;
    batch->places = rest < (size_t)b->options.batch ? (int)rest : b->options.batch;
    batch->pending = batch->places;
}

// Takes the next place and fills it; the lock is held before and after.
static void work_on_place(lg_batches *b)
{
    ring_batch *batch = &b->ring[b->next % b->options.ahead];
    if (b->next_place == 0)
        begin_batch(b, batch);
    const epoch_order *order = order_of(b, b->next);
    int place = b->next_place++;
    if (b->next_place == batch->places) {
        b->next++;
        b->next_place = 0;
    }
    b->in_flight++;
    pthread_mutex_unlock(&b->lock);
    fill_place(b, batch, order, place);
    pthread_mutex_lock(&b->lock);
    b->in_flight--;
    if (--batch->pending == 0 || b->in_flight == 0)
        pthread_cond_broadcast(&b->done);
}

static void *run_worker(void *context)
{
    lg_batches *b = context;
    pthread_mutex_lock(&b->lock);
    while (!atomic_load(&b->stop)) {
        if (b->next < b->end && b->next < b->taken + b->options.ahead)
            work_on_place(b);
        else
            pthread_cond_wait(&b->work, &b->lock);
    }
    pthread_mutex_unlock(&b->lock);
    return NULL;
}

// Signals are the consumer's: a worker blocks them all.
static bool start_workers(lg_batches *b, lg_error *e)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (b->running < b->options.workers &&
           pthread_create(&b->threads[b->running], NULL, run_worker, b) == 0)
        b->running++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return b->running > 0 || lg_fail(e, "cannot start a thread that decodes images");
}

static void stop_workers(lg_batches *b)
{
    pthread_mutex_lock(&b->lock);
    atomic_store(&b->stop, true);
    pthread_cond_broadcast(&b->work);
    pthread_mutex_unlock(&b->lock);
    for (int i = 0; i < b->running; i++)
        pthread_join(b->threads[i], NULL);
    b->running = 0;
}

// ---- opening

static bool check_options(const lg_batches_options *o, lg_error *e)
{
    if (o->batch < 1 || o->batch > MOST_BATCH)
        return lg_fail(e, "a batch has 1 to %d images, not %d", MOST_BATCH, o->batch);
    if (o->size < 1 || o->size > LARGEST_SIDE)
        return lg_fail(e, "images have 1 to %d pixels a side, not %d", LARGEST_SIDE, o->size);
    if (o->workers < 0 || o->workers > MOST_WORKERS || o->ahead < 0 || o->ahead > MOST_AHEAD)
        return lg_fail(e, "at most %d threads decode, at most %d batches ahead", MOST_WORKERS,
                       MOST_AHEAD);
    if (o->count == 0)
        return lg_fail(e, "no images to make batches of");
    if (o->count >= UINT32_MAX)
        return lg_fail(e, "%zu images are too many", o->count);
    if (o->order != LG_ORDER_GIVEN && o->count < (size_t)o->batch)
        return lg_fail(e, "%zu image%s not fill one batch of %d", o->count,
                       o->count == 1 ? " does" : "s do", o->batch);
    return true;
}

static bool allocate_ring(lg_batches *b)
{
    size_t places = (size_t)b->options.batch;
    for (int i = 0; i < b->options.ahead; i++) {
        b->ring[i].number = -1;
        b->ring[i].pixels = malloc(places * b->image_bytes);
        b->ring[i].skipped = calloc(places, sizeof *b->ring[i].skipped);
        b->orders[i].epoch = -1;
        b->orders[i].items = malloc(b->options.count * sizeof *b->orders[i].items);
        if (!b->ring[i].pixels || !b->ring[i].skipped || !b->orders[i].items)
            return false;
    }
    return true;
}

// [places] elements, at an address that compiled code takes.
static void *allocate_tensor(size_t places, size_t bytes)
{
    size_t size = (places * bytes / LG_ABI_ALIGNMENT + 1) * LG_ABI_ALIGNMENT;
    void *memory = aligned_alloc(LG_ABI_ALIGNMENT, size);
    if (memory)
        memset(memory, 0, size);
    return memory;
}

static bool allocate(lg_batches *b, lg_error *e)
{
    const lg_batches_options *o = &b->options;
    size_t count = o->count, places = (size_t)o->batch;
    b->samples = malloc(count * sizeof *b->samples);
    b->fakes = malloc(count * sizeof *b->fakes);
    b->reals = malloc(count * sizeof *b->reals);
    b->broken = calloc(count, sizeof *b->broken);
    b->reported = calloc(count, sizeof *b->reported);
    b->reasons = calloc(count, sizeof *b->reasons);
    b->is_broken = calloc(count, sizeof *b->is_broken);
    b->ring = calloc((size_t)o->ahead, sizeof *b->ring);
    b->orders = calloc((size_t)o->ahead, sizeof *b->orders);
    b->threads = calloc((size_t)o->workers, sizeof *b->threads);
    b->batch_samples = calloc(places, sizeof *b->batch_samples);
    b->batch.images = allocate_tensor(places, b->image_bytes * sizeof(float));
    b->batch.labels = allocate_tensor(places, LG_NODES * sizeof(int32_t));
    b->batch.fake = allocate_tensor(places, sizeof(int32_t));
    b->batch.values = allocate_tensor(places, LG_CONTINUOUS_VALUES * sizeof(float));
    b->batch.samples = b->batch_samples;
    bool good = b->samples && b->fakes && b->reals && b->broken && b->reported && b->reasons &&
                b->is_broken && b->ring && b->orders && b->threads && b->batch_samples &&
                b->batch.images && b->batch.labels && b->batch.fake && b->batch.values &&
                allocate_ring(b);
    if (good && o->cache_bytes > 0) {
        b->cache = lg_pixel_cache_new(count, b->image_bytes, o->cache_bytes);
        good = b->cache != NULL;
    }
    return good || lg_fail(e, "no memory for batches of %d images of %d x %d pixels", o->batch,
                           o->size, o->size);
}

static void take_samples(lg_batches *b, const size_t *samples)
{
    for (size_t i = 0; i < b->options.count; i++) {
        b->samples[i] = samples[i];
        if (b->options.dataset->samples[samples[i]].model == LG_REAL)
            b->reals[b->real_count++] = (uint32_t)i;
        else
            b->fakes[b->fake_count++] = (uint32_t)i;
    }
}

lg_batches *lg_batches_open(const lg_batches_options *options, lg_error *e)
{
    if (!check_options(options, e))
        return NULL;
    lg_batches *b = calloc(1, sizeof *b);
    if (!b) {
        lg_fail(e, "no memory for batches of images");
        return NULL;
    }
    lg_batches_options *o = &b->options;
    *o = *options;
    if (o->workers == 0)
        o->workers = lg_core_count() < MOST_WORKERS ? lg_core_count() : MOST_WORKERS;
    o->ahead = o->ahead ? o->ahead : DEFAULT_AHEAD;
    b->image_bytes = (size_t)o->size * (size_t)o->size * 3;
    b->per_epoch = (int64_t)(o->count / (size_t)o->batch);
    if (o->order == LG_ORDER_GIVEN && o->count % (size_t)o->batch != 0)
        b->per_epoch++;
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->work, NULL);
    pthread_cond_init(&b->done, NULL);
    if (allocate(b, e)) {
        take_samples(b, options->samples);
        return b;
    }
    lg_batches_free(b);
    return NULL;
}

void lg_batches_free(lg_batches *b)
{
    if (!b)
        return;
    stop_workers(b);
    for (int i = 0; i < b->options.ahead; i++) {
        if (b->ring) {
            free(b->ring[i].pixels);
            free(b->ring[i].skipped);
        }
        if (b->orders)
            free(b->orders[i].items);
    }
    for (size_t i = 0; b->reasons && i < b->options.count; i++)
        free(b->reasons[i]);
    void *const parts[] = {b->samples,    b->fakes,        b->reals,        b->broken,
                           b->reported,   b->reasons,      b->is_broken,    b->ring,
                           b->orders,     b->threads,      b->batch.images, b->batch.labels,
                           b->batch.fake, b->batch.values, b->batch_samples};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        free(parts[i]);
    lg_pixel_cache_free(b->cache);
    pthread_mutex_destroy(&b->lock);
    pthread_cond_destroy(&b->work);
    pthread_cond_destroy(&b->done);
    free(b);
}

int64_t lg_batches_per_epoch(const lg_batches *batches)
{
    return batches->per_epoch;
}

bool lg_batches_start(lg_batches *b, int64_t epoch, int64_t batch, int64_t end, lg_error *e)
{
    int64_t first, last;
    if (epoch < 0 || batch < 0 || batch > b->per_epoch ||
        __builtin_mul_overflow(epoch, b->per_epoch, &first) ||
        __builtin_add_overflow(first, batch, &first) ||
        __builtin_mul_overflow(end, b->per_epoch, &last))
        return lg_fail(e,
                       "there is no batch %" PRId64 " in epoch %" PRId64 ": an epoch has %" PRId64
                       " of them",
                       batch, epoch, b->per_epoch);
    pthread_mutex_lock(&b->lock);
    b->end = 0; // nothing new is begun
    while (b->in_flight > 0)
        pthread_cond_wait(&b->done, &b->lock);
    for (int i = 0; i < b->options.ahead; i++)
        b->ring[i].number = -1;
    b->next = b->taken = first;
    b->next_place = 0;
    b->end = last;
    b->restarted = true;
    pthread_cond_broadcast(&b->work);
    pthread_mutex_unlock(&b->lock);
    return b->running > 0 || start_workers(b, e);
}

// ---- the consumer

// Waits until batch number `taken` is there.
static ring_batch *await_batch(lg_batches *b)
{
    ring_batch *batch = &b->ring[b->taken % b->options.ahead];
    double before = lg_now();
    while (batch->number != b->taken || batch->pending > 0)
        pthread_cond_wait(&b->done, &b->lock);
    double waited = lg_now() - before;
    if (b->restarted)
        b->statistics.first_wait += waited;
    else
        b->statistics.waited += waited;
    b->restarted = false;
    return batch;
}

static void report_broken(lg_batches *b, size_t item)
{
    if (b->reported[item])
        return;
    b->reported[item] = true;
    char *reason = b->reasons[item];
    b->broken[b->broken_count++] =
        (lg_broken_image){.sample = b->samples[item], .reason = reason ? reason : ""};
}

// What is at `place`, and what broken images stood before it; false where nothing is.
static bool take_place(lg_batches *b, const ring_batch *from, const epoch_order *order, int place,
                       size_t *sample)
{
    size_t count = b->options.count;
    size_t position = first_position(b, from->number) + (size_t)place;
    for (size_t i = 0; i < from->skipped[place]; i++)
        report_broken(b, order->items[(position + i) % count]);
    b->statistics.replaced += from->skipped[place] > 0;
    if (from->skipped[place] == tries(b))
        return false;
    *sample = b->samples[order->items[(position + from->skipped[place]) % count]];
    return true;
}

// What is taught of an image of a model; NULL: of a real one.
static void describe(lg_batch *to, int place, const lg_dataset_model *m)
{
    to->fake[place] = m != NULL;
    to->fakes += m != NULL;
    for (int i = 0; i < LG_NODES; i++)
        to->labels[place * LG_NODES + i] = m ? m->labels[i] : 0;
    for (int i = 0; i < LG_CONTINUOUS_VALUES; i++)
        to->values[place * LG_CONTINUOUS_VALUES + i] = m ? m->values[i] : NAN;
}

static void clear_place(lg_batches *b, int place)
{
    lg_batch *to = &b->batch;
    memset(to->images + (size_t)place * b->image_bytes, 0, b->image_bytes * sizeof(float));
    describe(to, place, NULL);
}

// From pixels to tensors. No worker touches the batch until `taken` has moved on.
static bool make_tensors(lg_batches *b, const ring_batch *from)
{
    const lg_dataset *d = b->options.dataset;
    lg_batch *to = &b->batch;
    to->epoch = from->number / b->per_epoch;
    to->index = from->number % b->per_epoch;
    to->count = to->fakes = 0;
    const epoch_order *order = &b->orders[to->epoch % b->options.ahead];
    for (int place = 0; place < from->places; place++) {
        size_t sample;
        if (!take_place(b, from, order, place, &sample))
            continue;
        b->batch_samples[to->count] = sample;
        int model = d->samples[sample].model;
        describe(to, to->count, model == LG_REAL ? NULL : &d->models[model]);
        lg_preprocess_pixels(from->pixels + (size_t)place * b->image_bytes, b->image_bytes,
                             to->images + (size_t)to->count * b->image_bytes);
        to->count++;
    }
    for (int place = to->count; place < b->options.batch; place++)
        clear_place(b, place);
    return to->count > 0;
}

// A training batch is empty only when nothing in its epoch's order can be read.
static bool is_hopeless(const lg_batches *b)
{
    return b->options.order != LG_ORDER_GIVEN || b->broken_count == b->options.count;
}

static lg_batch_status all_broken(const lg_batches *b, lg_error *e)
{
    lg_fail(e, "none of the %zu images can be read; the first: %s", b->options.count,
            b->broken[0].reason);
    return LG_BATCH_ERROR;
}

lg_batch_status lg_batches_next(lg_batches *b, const lg_batch **batch, lg_error *e)
{
    bool good = false, hopeless = false;
    pthread_mutex_lock(&b->lock);
    while (!good && !hopeless && b->taken < b->end) {
        ring_batch *from = await_batch(b);
        pthread_mutex_unlock(&b->lock);
        good = make_tensors(b, from);
        hopeless = !good && is_hopeless(b);
        pthread_mutex_lock(&b->lock);
        b->taken++;
        pthread_cond_broadcast(&b->work);
    }
    pthread_mutex_unlock(&b->lock);
    *batch = good ? &b->batch : NULL;
    b->statistics.batches += good;
    if (hopeless)
        return all_broken(b, e);
    return good ? LG_BATCH_READY : LG_BATCH_END;
}

const lg_broken_image *lg_batches_broken(const lg_batches *batches, size_t *count)
{
    *count = batches->broken_count;
    return batches->broken;
}

lg_batches_statistics lg_batches_statistics_of(lg_batches *b)
{
    pthread_mutex_lock(&b->lock);
    lg_batches_statistics statistics = b->statistics;
    statistics.decoded = b->decoded;
    statistics.from_cache = b->from_cache;
    pthread_mutex_unlock(&b->lock);
    return statistics;
}
