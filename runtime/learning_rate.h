// Learning rates over the epochs of a training.
#ifndef LG_RUNTIME_LEARNING_RATE_H
#define LG_RUNTIME_LEARNING_RATE_H

#include <stdbool.h>
#include <stdint.h>

typedef enum lg_schedule {
    LG_SCHEDULE_RELEASED, // what LGPN's released code does: the base rate for 20 epochs, 0.8 times
                          // that ever after; and after every 20th epoch Adam starts anew
    LG_SCHEDULE_PLATEAU,  // PyTorch's ReduceLROnPlateau(min, factor 0.1, patience 5, min_lr 1e-6,
                          // threshold 1e-4 relative, eps 1e-8), stepped by every validation
    LG_SCHEDULE_CONSTANT,
    LG_SCHEDULES
} lg_schedule;

// "released", "plateau", "constant".
const char *lg_schedule_name(lg_schedule schedule);
// LG_SCHEDULES when there is none of that name.
lg_schedule lg_schedule_find(const char *name);

// All that the next rate depends on: part of a checkpoint.
typedef struct lg_learning_rate {
    lg_schedule schedule;
    double base;    // as the user gave it, > 0
    double rate;    // of the steps now
    double best;    // PLATEAU: lowest validation loss so far, infinity before the first
    int bad_epochs; // PLATEAU: validations since then
} lg_learning_rate;

lg_learning_rate lg_learning_rate_new(lg_schedule schedule, double base);

// Before the first step of `epoch` (from 0). True when the optimizer's moments and its step counter
// are to be zeroed.
bool lg_learning_rate_begin_epoch(lg_learning_rate *rate, int64_t epoch);

// After a validation.
void lg_learning_rate_validated(lg_learning_rate *rate, double loss);

#endif
