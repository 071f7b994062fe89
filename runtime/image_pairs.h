// Pairs of images for the coordinated attack: were these two made by the same generative model?
//
// Half of the pairs are of one model (uniform among those with two images; two different images),
// half of two models (uniform). Which pairs depends on the seed and on the number of images of each
// model, on nothing else.
#ifndef LG_RUNTIME_IMAGE_PAIRS_H
#define LG_RUNTIME_IMAGE_PAIRS_H

#include "runtime/error.h"

#include <stddef.h>
#include <stdint.h>

enum { LG_IMAGE_PAIRS = 2000 }; // what the evaluation draws

typedef struct lg_image_pair {
    uint32_t a, b; // images
    bool same;     // made by one model
} lg_image_pair;

// `model_of[i]` < `models` is the model of image i. Fills pairs[0..count), the first count / 2 of
// one model each; the rest of two. Pairs may come twice. False with a message when no model has two
// images, or fewer than two models have any.
bool lg_image_pairs_draw(const uint32_t *model_of, size_t images, uint32_t models, uint64_t seed,
                         size_t count, lg_image_pair *pairs, lg_error *e);

#endif
