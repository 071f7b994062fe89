// Coordinated attacks: were two images made by one generative model, be it one that was never seen?
// Two images are as alike as the cosine of what the network makes of them.
//
// Which pairs are drawn is known before the network runs, so only what they need is kept: an
// lg_attack_set is filled image by image. The mean cosine of two models takes all pairs of their
// images and needs none of them: it is the product of the means of their unit vectors.
#ifndef LG_RUNTIME_ATTACKS_H
#define LG_RUNTIME_ATTACKS_H

#include "runtime/image_pairs.h"
#include "runtime/inference.h"
#include "runtime/ranking_scores.h"

// What pairs of images are compared by.
enum {
    LG_BY_FEATURE,         // f
    LG_BY_NODE_FEATURES,   // V, flattened
    LG_BY_GENERATED_GRAPH, // A', flattened
    LG_REPRESENTATIONS
};

// "feature", "node_features", "generated_graph": the model's output.
const char *lg_representation_name(int representation);

typedef struct lg_attack_set lg_attack_set;

// Draws `pairs` pairs of the generated images among the samples (none where that cannot be: then
// lg_attack_rank says why) and makes room for them. NULL with a message; lg_attack_set_free.
lg_attack_set *lg_attack_set_new(const lg_dataset *dataset, const size_t *samples, size_t count,
                                 size_t pairs, uint64_t seed, const lg_lgpn *lgpn, lg_error *e);
void lg_attack_set_free(lg_attack_set *set); // NULL is allowed

// The samples of the pairs, ascending, `*count` of them.
const size_t *lg_attack_set_samples(const lg_attack_set *set, size_t *count);

// Keeps what a pair needs and adds up what the means need. Images of no pair may come. False with a
// message for lack of memory.
bool lg_attack_set_add(lg_attack_set *set, const lg_inferred *image, lg_error *e);

// Pairs of generated images by their cosine.
typedef struct lg_attack_scores {
    lg_ranking_scores ranking;
    size_t pairs, training_pairs; // without those with an image that cannot be read
    double *similarity;           // lg_attack_similarity of the models, or NULL
} lg_attack_scores;

// Ranks the pairs of `set`; the accuracy is that at the best threshold of the pairs of `training`.
// What cannot be computed has its reason there; false with a message for lack of memory.
bool lg_attack_rank(const lg_attack_set *set, const lg_attack_set *training, int representation,
                    lg_attack_scores *scores, lg_error *e);

// Mean cosines [models,models] of the models whose rows of the table are given: over all pairs of
// two images, NaN where there is none (one image with itself). Fills `similarity`; false where the
// model does not give the representation.
bool lg_attack_similarity(const lg_attack_set *set, const size_t *rows, size_t models,
                          int representation, double *similarity);

#endif
