// How well does a trained LGPN do on images that it has not seen? The three tasks of the paper:
// parsing hyperparameters, telling generated from real images, and telling whether two images come
// from one generative model (coordinated attacks).
//
// Every image is looked at once, in the order given; sums are taken in that order in f64, so that
// scores do not depend on threads or on how images fall into batches. (lg_parsing_scores.
// validation_loss does, by its definition.) What cannot be computed carries the reason.
//
//     lg_model_scores result;
//     bool good = lg_evaluate_model(&options, &result, &e);
//     ... result.parsing.groups[LG_GROUP_CODES].score[LG_F1_MACRO] ...
//     lg_model_scores_free(&result);
#ifndef LG_RUNTIME_EVALUATION_H
#define LG_RUNTIME_EVALUATION_H

#include "runtime/attacks.h"
#include "runtime/model.h"
#include "runtime/parsing_scores.h"
#include "runtime/ranking_scores.h"

typedef struct lg_evaluation_options {
    lg_model *model;             // LGPN with weights; its batch is the batch
    const lg_parallel *parallel; // NULL: serial
    const lg_dataset *dataset;
    const size_t *samples; // which of the dataset, as dataset->test
    size_t count;
    const float *graph; // [55,55]; NULL: the weights' own (lg_lgpn_own_graph), else the dataset's
    size_t pairs;       // of coordinated attacks (LG_IMAGE_PAIRS); 0: that task is left out
    uint64_t seed;      // of the pairs
    int workers;        // threads that decode; 0: one a core
    // Told after every batch, may be NULL; `total` counts the images of the training models that
    // attacks need, too. False ends the evaluation: it fails with the message "interrupted".
    bool (*progress)(void *context, size_t done, size_t total);
    void *context;
} lg_evaluation_options;

typedef struct lg_evaluated_model {
    size_t row;         // of the dataset's table
    size_t images;      // looked at
    size_t right_nodes; // of 55 an image
    size_t called_fake; // p(fake) >= 0.5
} lg_evaluated_model;

typedef struct lg_model_scores {
    size_t images, fakes, reals; // looked at
    size_t reals_called_fake;
    size_t model_count;         // with an image among the samples
    lg_evaluated_model *models; // in the order of the table
    lg_parsing_scores parsing;
    bool has_regression;         // L1 is that of regression heads, else of the intervals' middles
    lg_parsing_scores majority;  // what always saying the most frequent in training would score;
                                 // its L1: that of the training median; losses 0
    char why_majority[160];      // why there is none, "" when there is
    double real_fake_loss;       // mean cross entropy over all images
    lg_ranking_scores detection; // p(fake), threshold 0.5
    double detection_majority;   // accuracy of always saying the more frequent of these images
    lg_attack_scores attacks[LG_REPRESENTATIONS];
    size_t broken_count;
    char **broken; // "FILE: reason" of images that could not be read
} lg_model_scores;

// False with a message: a model that is not LGPN, no samples, none that can be read, results that
// are not finite (the image is named), lack of memory. `result` needs lg_model_scores_free in any
// case.
bool lg_evaluate_model(const lg_evaluation_options *options, lg_model_scores *result, lg_error *e);
void lg_model_scores_free(lg_model_scores *result);

#endif
