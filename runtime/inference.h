// LGPN over samples of a dataset, an image at a time for whoever looks at the results.
#ifndef LG_RUNTIME_INFERENCE_H
#define LG_RUNTIME_INFERENCE_H

#include "runtime/dataset.h"
#include "runtime/lgpn.h"

// What the network said of one image.
typedef struct lg_inferred {
    size_t sample; // of the dataset
    const lg_sample *of;
    const float *output[LG_LGPN_OUTPUTS]; // of this image (lgpn->width floats); NULL: there is none
    bool ends_batch;
} lg_inferred;

typedef struct lg_inference {
    lg_lgpn *lgpn;
    const lg_parallel *parallel;
    const lg_dataset *dataset;
    const float *graph; // [55,55]
    int workers;        // threads that decode; 0: one a core
    // For each image that can be read, in the order of the samples. False ends it.
    bool (*visit)(void *context, const lg_inferred *image, lg_error *e);
    // For each image that cannot; may be NULL.
    bool (*broken)(void *context, const char *reason, lg_error *e);
    // After each batch, with how many samples it took, broken ones included; may be NULL. False
    // ends it with the message "interrupted".
    bool (*progress)(void *context, size_t done);
    void *context;
} lg_inference;

// The last batch may be a partial one. False with a message.
bool lg_infer_samples(const lg_inference *inference, const size_t *samples, size_t count,
                      lg_error *e);

#endif
