// The training loop: epochs of steps, validation, checkpoints, logs; and what happens when
// something goes wrong.
//
// Files in the training's folder:
//   last.safetensors   parameters, all states and how far it has come: what a resumed training
//                      starts from; written before the first step, after every epoch, and between
//   best.safetensors   the same, of the lowest validation loss
//   metrics.jsonl      runtime/training_log.h, beside TensorBoard's event files
//   fault.txt          after a value that is not finite: which step, op and files
//
// The invariant: a training is a function of its options, the data and the model. All that a step
// depends on is in the last checkpoint, so a training that was stopped, or killed, ends in the same
// bits as one that was not. Nothing is printed here: whoever calls is told of all that happens.
#ifndef LG_RUNTIME_TRAINER_H
#define LG_RUNTIME_TRAINER_H

#include "runtime/batches.h"
#include "runtime/evaluation.h"
#include "runtime/train_step.h"

// Looks at what every launch writes (the runtime does not know; who compiled does).
typedef struct lg_inspection {
    // Steps run on this where launches are to be looked at; NULL: there is no way to look.
    const lg_parallel *parallel;
    // Forgets what was found.
    void (*clear)(void *context);
    // Which launch wrote the first value that is not finite, in words; NULL: none did.
    const char *(*finding)(void *context);
    void *context;
} lg_inspection;

// What has happened; valid during the call.
typedef struct lg_step_report {
    const lg_training_state *state; // after the step
    const lg_train_step *step;      // the losses
    int64_t epochs, batches;        // of the whole training, of an epoch
    double rate;                    // images a second, lately
    double waited;                  // seconds that this step waited for its batch
} lg_step_report;

// Callbacks may be NULL.
typedef struct lg_training_listener {
    void *context;
    void (*stepped)(void *context, const lg_step_report *report);
    // Before the validation; the sums of the state are of the whole epoch, which had steps.
    void (*ended_epoch)(void *context, const lg_step_report *report);
    void (*validating)(void *context, size_t done, size_t total); // images
    void (*validated)(void *context, const lg_training_state *state, const lg_model_scores *scores,
                      bool best);
    void (*noted)(void *context, const char *text); // broken images and the like
} lg_training_listener;

typedef struct lg_trainer_options {
    lg_model *model; // @train_step, @infer, @pack; keeps its parameters
    const lg_parallel *parallel;
    const lg_dataset *dataset;
    const char *folder;         // exists
    const lg_metadata *options; // kept in checkpoints for whoever resumes
    size_t option_count;
    int64_t epochs;
    int64_t most_batches;   // of an epoch; 0: all
    int64_t validate_every; // epochs; 0: never
    int64_t save_every;     // steps; 0: every ten minutes. Always after an epoch, too
    uint64_t seed;          // of the order of batches
    lg_batch_order order;
    int workers; // threads that decode; 0: one a core
    size_t cache_bytes;
    bool inspect_all; // every launch of every step
    lg_inspection inspection;
    lg_training_listener listener;
    bool (*stop)(void *context); // asked after every step whether to save and end; may be NULL
    void *stop_context;
} lg_trainer_options;

typedef enum lg_training_end {
    LG_TRAINING_DONE,    // all epochs
    LG_TRAINING_STOPPED, // as the listener asked, and saved
    LG_TRAINING_FAILED   // with a message; the last checkpoint is whole
} lg_training_end;

// Trains from `state`, and the parameters that the model has, to the end. Fails when a file cannot
// be written (a full disk: the checkpoint before it stays), when no image can be read, when a loss
// or, with inspect_all, anything at all is not finite: the message then has the step, the losses,
// the op and the files, and neither parameters nor checkpoints were changed by that step.
lg_training_end lg_train(const lg_trainer_options *options, lg_training_state *state, lg_error *e);

#endif
