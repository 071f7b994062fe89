// What PyTorch computes in a step of a small LGPN (tests/goldens/make_lgpn.sh) or another network,
// for whoever computes it too: the reference interpreter, compiled code.
#ifndef LG_TESTS_SUPPORT_TRAINING_GOLDEN_H
#define LG_TESTS_SUPPORT_TRAINING_GOLDEN_H

#include "runtime/safetensors.h"

typedef struct lg_training_case {
    const char *folder, *spec;
} lg_training_case;

enum { LG_TRAINING_CASES = 3 };
extern const lg_training_case lg_training_cases[LG_TRAINING_CASES];

typedef struct lg_training_golden {
    const char *folder;
    lg_safetensors *weights; // of the network
    lg_safetensors *inputs;  // image and graph
    // labels, fake, learning_rate, losses, grad.NAME, step1.NAME, step3.NAME; element i of the m
    // that a tensor has is element i * n / m of the n of what it is compared with.
    lg_safetensors *steps;
} lg_training_golden;

// Both end the test when they cannot do their work.
lg_training_golden lg_training_golden_open(const lg_training_case *which);
void lg_training_golden_close(lg_training_golden *golden);

// The tensor of one of the three files, or NULL.
const lg_safetensor *lg_training_golden_find(const lg_training_golden *golden, const char *name);

// Element `index` of the result or symbol `name`.
typedef double lg_training_value(void *context, const char *name, int64_t index);

// Compares elements of `name` with those of the golden tensor `expected`, a tensor of `elements`
// elements in truth; ends the test when one is further off than `tolerance`.
void lg_training_compare(const lg_training_golden *golden, const char *expected, const char *name,
                         int64_t elements, double tolerance, lg_training_value *value,
                         void *context);

// The losses within `of_loss` of each, and all gradients within `of_gradient` of (the tensor's
// largest + 1 % of the largest gradient there is). `elements` tells how many a tensor has.
// Returns the number of gradients.
int lg_training_compare_gradients(const lg_training_golden *golden, double of_loss,
                                  double of_gradient, lg_training_value *value,
                                  int64_t (*elements)(void *context, const char *name),
                                  void *context);

#endif
