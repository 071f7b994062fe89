// Batches of decoded images, ahead of whoever trains on them.
//
// Worker threads decode, resize and keep a few batches as 8-bit pixels; the consumer gets them in
// order as the tensors that the training step takes. What is in a batch follows from the options,
// the epoch and the number of the batch alone: not from threads, timing, or where a run began.
//
//     lg_batches *batches = lg_batches_open(&options, &e);
//     lg_batches_start(batches, epoch, batch, epochs, &e);
//     const lg_batch *batch;
//     while (lg_batches_next(batches, &batch, &e) == LG_BATCH_READY)
//         step(batch->images, batch->labels, batch->fake);
#ifndef LG_RUNTIME_BATCHES_H
#define LG_RUNTIME_BATCHES_H

#include "runtime/dataset.h"

typedef enum lg_batch_order {
    LG_ORDER_SHUFFLED, // training: every sample once an epoch, another order in every epoch
    LG_ORDER_RELEASED, // training as the released code of LGPN draws: the order says only
                       // real or fake, and a random sample of that kind is taken, with replacement
    LG_ORDER_GIVEN,    // evaluation: as in `samples`, the last partial batch kept
} lg_batch_order;

typedef struct lg_batches_options {
    const lg_dataset *dataset; // outlives the batches
    const size_t *samples;     // which of its samples, as dataset->train; copied
    size_t count;
    lg_batch_order order;
    uint64_t seed;
    int batch;          // B, images a batch
    int size;           // S, height and width of an image
    int workers;        // threads that decode; 0: one a core this process may use
    int ahead;          // batches decoded ahead; 0: 3
    size_t cache_bytes; // for 8-bit pixels (3 S S bytes an image) of images that come again; 0: no
} lg_batches_options;

// One batch. In training all B places are filled and the last partial batch of an epoch is dropped.
// In evaluation the first `count` places are, the rest is zero (labels, fake 0; values NaN).
typedef struct lg_batch {
    int64_t epoch, index;  // number of the batch in its epoch, from 0
    int count;             // images in it
    int fakes;             // of those, generated ones; 0: LGPN has no node loss for this batch
    float *images;         // f32 [B,S,S,3], values in -1..1 (lg_preprocess_file)
    int32_t *labels;       // i32 [B,55], 0 for a real image
    int32_t *fake;         // i32 [B]: 1 for a generated image
    float *values;         // f32 [B,9]: 0..1, NaN for a real image and where not known
    const size_t *samples; // [count]: which of the dataset
} lg_batch;

typedef enum lg_batch_status { LG_BATCH_READY, LG_BATCH_END, LG_BATCH_ERROR } lg_batch_status;

// An image that could not be read, and why; the message names the file.
typedef struct lg_broken_image {
    size_t sample;
    char *reason;
} lg_broken_image;

typedef struct lg_batches_statistics {
    double first_wait;  // seconds for the first batch after a start: nothing was there yet
    double waited;      // seconds that the consumer waited for all others; 0: never held up
    int64_t batches;    // handed out
    int64_t decoded;    // images
    int64_t from_cache; // images that were not decoded, because they were in the cache
    int64_t replaced;   // places of broken images
} lg_batches_statistics;

typedef struct lg_batches lg_batches;

// Starts no thread yet. NULL with a message when no batch can be made: no samples, fewer of them
// than a batch in training, sizes out of bounds, lack of memory. Free with lg_batches_free.
lg_batches *lg_batches_open(const lg_batches_options *options, lg_error *e);

// NULL is allowed. Ends the threads.
void lg_batches_free(lg_batches *batches);

// Batches an epoch.
int64_t lg_batches_per_epoch(const lg_batches *batches);

// The batches that lg_batches_next hands out from now on: from number `batch` of epoch `epoch` (the
// count of an epoch is the same as 0 of the next) up to, not including, epoch `end`. Decoding
// begins. May be called again at any time; then what was decoded ahead is dropped, the cache kept.
bool lg_batches_start(lg_batches *batches, int64_t epoch, int64_t batch, int64_t end, lg_error *e);

// The next batch; it is valid until the next call on `batches`. READY; END after the last one; or
// ERROR with a message when none of the samples can be read.
//
// Broken images: in training, the place goes to the next sample of the epoch's order that can be
// read (after the last comes the first), which is then seen once more; in evaluation it is closed
// up, and a batch of nothing but broken images left out.
lg_batch_status lg_batches_next(lg_batches *batches, const lg_batch **batch, lg_error *e);

// The broken images met in the batches handed out so far, each once, in that order; `*count` of
// them. Valid until the next call of lg_batches_next.
const lg_broken_image *lg_batches_broken(const lg_batches *batches, size_t *count);

lg_batches_statistics lg_batches_statistics_of(lg_batches *batches);

#endif
