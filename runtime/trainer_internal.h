// What the files of the trainer share.
#ifndef LG_RUNTIME_TRAINER_INTERNAL_H
#define LG_RUNTIME_TRAINER_INTERNAL_H

#include "runtime/trainer.h"
#include "runtime/training_log.h"

typedef struct trainer {
    const lg_trainer_options *o;
    lg_training_state *state;
    lg_train_step step;
    lg_batches *batches;
    lg_training_log *log;
    int64_t per_epoch;    // batches
    double images, since; // for the rate: images since then
    double rate;
    double saved_at;
    int64_t saved_steps; // of last.safetensors
    double waited;       // until the last step
    size_t broken_told;
} trainer;

// runtime/trainer_validate.c
bool trainer_validate(trainer *t, lg_error *e);
// runtime/trainer_fault.c: puts into `e` why a step is not finite. False. `param`: the loss was,
// but the step wrote this parameter that is not; else NULL.
bool trainer_explain(trainer *t, const lg_batch *batch, const char *param, lg_error *e);
// runtime/trainer.c
bool trainer_save(trainer *t, const char *name, lg_error *e);
void trainer_note(const trainer *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
