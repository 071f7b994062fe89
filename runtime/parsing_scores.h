// Parsing: what the 55 nodes of an image were said to be, against the table.
#ifndef LG_RUNTIME_PARSING_SCORES_H
#define LG_RUNTIME_PARSING_SCORES_H

#include "runtime/dataset.h"
#include "runtime/metrics.h"

typedef struct lg_parsing_scores {
    size_t images;
    double node_loss;       // sum over 55 nodes of the mean cross entropy over the images
    double validation_loss; // the released code's: sum of the batches' / (batches + 1)
    lg_confusion confusion[LG_NODES];
    lg_class_scores nodes[LG_NODES], groups[LG_NODE_GROUPS]; // zero without images
    lg_l1 l1;                                                // of values scaled to 0..1
    size_t interval_hits[LG_CONTINUOUS_VALUES]; // images with the right one of three intervals
    size_t choice_hits[LG_DISCRETE_VALUES];     // with the right code, or rightly none
} lg_parsing_scores;

// What is said, or true, of an image.
typedef struct lg_parsed_nodes {
    bool nodes[LG_NODES];
    int intervals[LG_CONTINUOUS_VALUES], choices[LG_DISCRETE_VALUES]; // lg_prediction.choice
    double values[LG_CONTINUOUS_VALUES]; // scaled to 0..1; NaN: unknown
} lg_parsed_nodes;

// From node logits [55,2]: a node is on where its second logit is larger; values are the middles of
// the likeliest intervals. Fails on logits that are not finite.
bool lg_parse_nodes(const float *logits, lg_parsed_nodes *nodes, lg_error *e);
void lg_true_nodes(const lg_dataset_model *model, lg_parsed_nodes *nodes);

// Counts an image; scores are there after lg_parsing_finish.
void lg_parsing_add(lg_parsing_scores *scores, const lg_parsed_nodes *said,
                    const lg_parsed_nodes *truth);
void lg_parsing_finish(lg_parsing_scores *scores);

// What does best in training if it says the same of every image: each node's more frequent label,
// the most frequent interval and choice, the median of a value. Every image of a model that is not
// in the test set counts. False with a message when there is none.
bool lg_majority_nodes(const lg_dataset *dataset, lg_parsed_nodes *nodes, lg_error *e);

// -log softmax(logits)[truth].
double lg_cross_entropy_of_two(const float logits[2], bool truth);

#endif
