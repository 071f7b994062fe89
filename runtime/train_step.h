// One training step of a compiled model on one batch: the entry point `train_step`, its inputs
// found by name.
//
//   inputs   image f32[B,S,S,3], labels i32[B,55], learning_rate f32[]; and where the model takes
//            them graph f32[55,55], fake i32[B], values f32[B,9]
//   outputs  loss f32[], then its parts, loss_NAME f32[]
#ifndef LG_RUNTIME_TRAIN_STEP_H
#define LG_RUNTIME_TRAIN_STEP_H

#include "runtime/batches.h"
#include "runtime/model.h"
#include "runtime/training_state.h"

typedef struct lg_train_step {
    lg_model *model;
    const lg_entry_desc *entry;
    int batch, size;                        // B and S
    int loss_count;                         // the total and its parts
    const char *loss_names[LG_MOST_LOSSES]; // "loss", "loss_ce" ...
    float losses[LG_MOST_LOSSES];           // of the last step
} lg_train_step;

// False with a message that lists all that does not fit: no such entry point, other inputs or
// outputs than the above.
bool lg_train_step_init(lg_train_step *step, lg_model *model, lg_error *e);

// Runs it; parameters and states of the model change, unless a loss is not finite. `graph` is f32
// [55,55].
bool lg_train_step_run(lg_train_step *step, const lg_batch *batch, const float *graph,
                       float learning_rate, const lg_parallel *parallel, lg_error *e);

// Are all losses of the last step finite?
bool lg_train_step_is_finite(const lg_train_step *step);

#endif
