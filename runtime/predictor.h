// From an image file to hyperparameters, by any artifact of LGPN.
#ifndef LG_RUNTIME_PREDICTOR_H
#define LG_RUNTIME_PREDICTOR_H

#include "runtime/hyperparameters.h"
#include "runtime/model.h"

typedef struct lg_predictor lg_predictor;

// What LGPN says of one image.
typedef struct lg_parsed_image {
    double fake; // probability that a generative model made it
    lg_hyperparameters hyperparameters;
} lg_parsed_image;

// `model` has an entry point `infer` that takes image [1,N,N,3], perhaps graph [55,55], and gives
// real_fake [1,2] and node_logits [1,55,2], all f32; anything else is refused. `graph` is f32
// [55,55] and stays the caller's, or NULL for that of lg_lgpn_run. Both outlive the predictor. NULL
// with a message; free with lg_predictor_free.
lg_predictor *lg_predictor_new(lg_model *model, const float *graph, const lg_parallel *parallel,
                               lg_error *e);
void lg_predictor_free(lg_predictor *predictor); // NULL is allowed

// False with a message that names the file when it is no image.
bool lg_predict_file(lg_predictor *predictor, const char *path, lg_parsed_image *result,
                     lg_error *e);

// A graph from a .npy file: f32 [55,55]. Free with lg_tensor_free. NULL with a message.
lg_tensor *lg_graph_read(const char *path, lg_error *e);

#endif
