#include "runtime/inference.h"

#include "runtime/batches.h"

typedef struct progress {
    size_t done;   // images and broken images
    size_t broken; // told of
} progress;

static bool visit_batch(const lg_inference *n, const lg_batch *batch, lg_error *e)
{
    for (int i = 0; i < batch->count; i++) {
        lg_inferred image = {.sample = batch->samples[i],
                             .of = &n->dataset->samples[batch->samples[i]],
                             .ends_batch = i + 1 == batch->count};
        for (int k = 0; k < LG_LGPN_OUTPUTS; k++)
            if (n->lgpn->output[k])
                image.output[k] = n->lgpn->output[k] + (size_t)i * n->lgpn->width[k];
        if (!n->visit(n->context, &image, e))
            return false;
    }
    return true;
}

static bool tell_broken(const lg_inference *n, const lg_batches *batches, progress *at, lg_error *e)
{
    size_t count;
    const lg_broken_image *broken = lg_batches_broken(batches, &count);
    for (; at->broken < count; at->broken++) {
        at->done++;
        if (n->broken && !n->broken(n->context, broken[at->broken].reason, e))
            return false;
    }
    return true;
}

static bool infer_batches(const lg_inference *n, lg_batches *batches, lg_error *e)
{
    progress at = {0};
    const lg_batch *batch;
    lg_batch_status status;
    while ((status = lg_batches_next(batches, &batch, e)) == LG_BATCH_READY) {
        if (!lg_lgpn_run(n->lgpn, batch->images, n->graph, n->parallel, e) ||
            !visit_batch(n, batch, e) || !tell_broken(n, batches, &at, e))
            return false;
        at.done += (size_t)batch->count;
        if (n->progress && !n->progress(n->context, at.done))
            return lg_fail(e, "interrupted");
    }
    return status == LG_BATCH_END && tell_broken(n, batches, &at, e);
}

bool lg_infer_samples(const lg_inference *n, const size_t *samples, size_t count, lg_error *e)
{
    const lg_batches_options options = {.dataset = n->dataset,
                                        .samples = samples,
                                        .count = count,
                                        .order = LG_ORDER_GIVEN,
                                        .batch = n->lgpn->batch,
                                        .size = n->lgpn->size,
                                        .workers = n->workers};
    lg_batches *batches = lg_batches_open(&options, e);
    bool good = batches && lg_batches_start(batches, 0, 0, 1, e) && infer_batches(n, batches, e);
    lg_batches_free(batches);
    return good;
}
