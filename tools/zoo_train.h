// One model of the zoo: compiled, trained on crops, and run for its images. On one thread, so that
// several models are made at once; the same in every bit whichever thread it is.
#ifndef LG_TOOLS_ZOO_TRAIN_H
#define LG_TOOLS_ZOO_TRAIN_H

#include "tools/zoo_photos.h"
#include "tools/zoo_plan.h"

#include <stdatomic.h>

typedef struct lg_zoo_training {
    const lg_zoo_crops *crops; // what is trained on, and changed by those that change photographs
    int steps, images;
    double learning_rate; // at first; falls to a tenth along half a cosine
    uint64_t seed;        // of the model: initial weights, batches, latent numbers
    const atomic_bool *stop;
    atomic_int *done; // counts steps, for a display; from 0 to steps
} lg_zoo_training;

typedef enum lg_zoo_end {
    LG_ZOO_MADE,
    LG_ZOO_LEFT_OUT, // it makes nothing worth keeping; `reason` says why
    LG_ZOO_STOPPED,
    LG_ZOO_FAILED // reported to the diag
} lg_zoo_end;

typedef struct lg_zoo_result {
    uint8_t *rgb;            // [images][size][size][3]; to be freed
    double first_loss, loss; // means of the first and of the last quarter of the steps
    char reason[160];
} lg_zoo_result;

lg_zoo_end lg_zoo_train(const char *spec, const lg_zoo_training *training, lg_zoo_result *result,
                        lg_diag *diag);

// Why images are not worth keeping: an image of one colour, or all of them alike (their pixels
// differ by less than 1.5 of 255). NULL if they are. `image_bytes` each.
const char *lg_zoo_fault_of_images(const uint8_t *rgb, size_t images, size_t image_bytes);

#endif
