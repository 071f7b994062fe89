// How far a training has come: what a checkpoint holds beside parameters and states, so that a
// resumed training goes on in the same bits. Travels as JSON text.
#ifndef LG_RUNTIME_TRAINING_STATE_H
#define LG_RUNTIME_TRAINING_STATE_H

#include "runtime/error.h"
#include "runtime/learning_rate.h"
#include "runtime/safetensors.h"

enum { LG_MOST_LOSSES = 8 }; // outputs of a training step

typedef struct lg_training_state {
    int64_t epoch, batch; // of the next step
    int64_t steps;        // done; of the optimizer, whatever it counts itself
    int64_t skipped;      // batches without a generated image
    double best_loss;     // of all validations; infinity before the first
    int64_t best_epoch;   // epochs trained by then; 0 before the first
    lg_learning_rate rate;
    int64_t epoch_steps;                 // of this epoch so far,
    double epoch_losses[LG_MOST_LOSSES]; // and the sums of their losses
    int64_t log_bytes;                   // of metrics.jsonl: what follows came later
} lg_training_state;

lg_training_state lg_training_state_new(lg_schedule schedule, double learning_rate);

// The state and the options of the training as JSON. NULL when memory is short or an option is not
// UTF-8; free with free().
char *lg_training_state_print(const lg_training_state *state, const lg_metadata *options,
                              size_t option_count);

// Reads it back. Everything is checked, since a file can hold anything; `name` stands for it in
// messages.
bool lg_training_state_parse(const char *text, const char *name, lg_training_state *state,
                             lg_error *e);

// The text of an option, or NULL where there is none of that name (or the text is no such JSON).
// Free with free().
char *lg_training_option(const char *text, const char *key);

#endif
