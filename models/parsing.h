// What models that parse hyperparameters have in common: the labels that they are trained on and
// the losses by them, so that scores of different networks compare.
#ifndef LG_MODELS_PARSING_H
#define LG_MODELS_PARSING_H

#include "frontend/lgpnc.h"

enum {
    LG_PARSED_NODES = 55,
    // Of the nodes, those of a number's three intervals are 10..12, 13..15 ...
    LG_PARSED_NUMBERS = 9,
    LG_FIRST_NUMBER = 10,
    LG_INTERVALS = 3
};

// The labels of a batch. Those of a real image are not looked at.
typedef struct lg_parsing_labels {
    lg_value *nodes;   // i32 [b,55], 0 or 1
    lg_value *fake;    // i32 [b], 1 for an image that a model made
    lg_value *is_fake; // the same as bool [b,1]
    lg_value *values;  // f32 [b,9] in 0..1, 0 where it is not known; NULL without numbers
    lg_value *known;   // bool [b,9]: of a model's image, and known; NULL without numbers
} lg_parsing_labels;

// Declares the inputs labels and fake, and values [b,9] (NaN where it is not known) for `numbers`.
lg_parsing_labels lg_parsing_inputs(lg_name_scope *s, int64_t batch, bool numbers);

// The sum over the nodes of the mean cross entropy over generated images, of logits [b,55,2].
lg_value *lg_parsing_node_loss(lg_name_scope *s, lg_parsing_labels labels, lg_value *logits);

// The mean cross entropy over all images, of logits [b,2], the second for fake.
lg_value *lg_parsing_fake_loss(lg_name_scope *s, lg_parsing_labels labels, lg_value *logits);

#endif
