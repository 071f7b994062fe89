// The hyperparameters of generative models: their 55 graph nodes, and reading predictions off them.
//
// 10 loss functions + 9 continuous values + 18 discrete choices = 37 hyperparameters. A continuous
// value has 3 nodes, one an interval, so there are 10 + 27 + 18 = 55. Names, thresholds and codes
// are the rows of hyperparameters.def. Order and thresholds are those of the released LGPN code.
#ifndef LG_RUNTIME_HYPERPARAMETERS_H
#define LG_RUNTIME_HYPERPARAMETERS_H

#include "runtime/error.h"

#include <stdint.h>

enum {
    LG_LOSSES = 10,
    LG_CONTINUOUS_VALUES = 9,
    LG_DISCRETE_VALUES = 6,
    LG_ARCHITECTURE_VALUES = LG_CONTINUOUS_VALUES + LG_DISCRETE_VALUES,
    LG_INTERVALS = 3,
    LG_CODES = 18,
    LG_NODES = LG_LOSSES + LG_CONTINUOUS_VALUES * LG_INTERVALS + LG_CODES,
    LG_HYPERPARAMETERS = LG_LOSSES + LG_CONTINUOUS_VALUES + LG_CODES,
};

// What a generative model's table row says: losses as 0 or 1, the 9 continuous values, 6 codes.
typedef struct lg_model_facts {
    int64_t architecture[LG_ARCHITECTURE_VALUES];
    uint8_t losses[LG_LOSSES];
} lg_model_facts;

// Its 55 labels, each 0 or 1: exactly one of an interval triple, at most one of a code's nodes.
void lg_node_labels(const lg_model_facts *facts, uint8_t labels[LG_NODES]);

// What the table says for an unknown number of filters.
enum { LG_UNKNOWN_FILTERS = 999999 };

// Continuous value i (0..8) within the range of the 140 models: (value - min) / (max - min),
// clipped to 0..1; NaN for an unknown number of filters.
float lg_scaled_value(int i, int64_t value);

// The other way.
double lg_unscaled_value(int i, double scaled);

// "loss_l1", "layers[0]" to "layers[2]", "norm_type=0", "skip"; 0 <= node < LG_NODES. 40 bytes hold
// any name. Returns `name`.
char *lg_node_name(int node, char name[static 40]);

// The same for people: "loss L1", "layers 300..599", "normalization: batch", "skip connection". 64
// bytes hold any. Returns `title`.
char *lg_node_title(int node, char title[static 64]);

typedef enum lg_prediction_kind {
    LG_PREDICT_LOSS,       // a loss function, "yes" or "no"
    LG_PREDICT_CONTINUOUS, // an interval of a continuous value
    LG_PREDICT_CODE,       // one code of a discrete choice, or a flag: "yes" or "no"
    LG_PREDICT_DISCRETE,   // a discrete choice as a whole: its likeliest code or "none"
} lg_prediction_kind;

// One row of a table, one member of a JSON object.
typedef struct lg_prediction {
    lg_prediction_kind kind;
    const char *name;  // the column: "loss_l1", "layers", "norm_type"; static
    const char *label; // for people: "L1", "layers", "normalization"; static
    const char *code;  // LG_PREDICT_CODE: what the code means, "batch"; else NULL
    char value[40];    // "yes", "no", "300..599", ">=600", "batch", "none"
    int choice;        // 1 or 0; the interval 0..2; the index in the codes of a choice, -1 for none
    // Of a continuous value: the interval clipped to the range seen in 140 models (both ends
    // included), and its middle, the value to report where one number is wanted.
    double low, high, middle;
    double probability; // softmax of the chosen node: that it is on. Of "none": of the likeliest
    double confidence;  // that `value` is right: probability, or 1 - probability of "no", "none"
} lg_prediction;

typedef struct lg_hyperparameters {
    lg_prediction all[LG_HYPERPARAMETERS];     // losses, continuous values, codes: node order
    lg_prediction choices[LG_DISCRETE_VALUES]; // the codes again, one row a choice
} lg_hyperparameters;

// From node logits [55,2] (no, yes). An interval is chosen by the largest difference yes - no, a
// code likewise, "none" when every code of a choice says no. Fails on logits that are NaN or
// infinite.
bool lg_hyperparameters_decode(const float logits[LG_NODES * 2], lg_hyperparameters *result,
                               lg_error *e);

// Softmax of two logits: the probability of the second. Of real/fake logits: that it is fake.
double lg_probability_of_second(const float logits[2]);

// The name of an architecture column (0..14) or loss (0..9), as in the table's header.
const char *lg_architecture_column(int i);
const char *lg_loss_column(int i);
// The same for people: "convolution layers", "skip connection"; "L1".
const char *lg_architecture_label(int i);
const char *lg_loss_label(int i);

#endif
