// The logs of a training: metrics.jsonl, a JSON object a line, and TensorBoard's event file.
//
// metrics.jsonl is one file over all sessions of a training: a resumed one cuts off what was
// written after its checkpoint, so that no step is there twice. A line that a crash cut short is
// cut off too.
//
//     {"kind": "step", "step": 20, "epoch": 0, "loss": 38.2, "loss_ce": 37.9, ...,
//      "learning_rate": 0.01, "images_per_second": 110.5, "wait_seconds": 0}
//     {"kind": "epoch", "step": 160, "epoch": 0, "loss": 35.1, ...}
//     {"kind": "validation", "step": 160, "epoch": 1, "node_loss": 31.2, ...}
#ifndef LG_RUNTIME_TRAINING_LOG_H
#define LG_RUNTIME_TRAINING_LOG_H

#include "runtime/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct lg_training_log lg_training_log;

// A named number of a line. A value that is not finite is null.
typedef struct lg_logged {
    const char *name;
    double value;
} lg_logged;

// Opens or makes FOLDER/metrics.jsonl, of which the first `keep` bytes stay (fewer when it is
// shorter or when they do not end with a line), and an event file of the steps from `step` on. NULL
// with a message; free with lg_training_log_close.
lg_training_log *lg_training_log_open(const char *folder, int64_t keep, int64_t step, lg_error *e);
void lg_training_log_close(lg_training_log *log); // NULL is allowed

// Bytes of metrics.jsonl, all of which the kernel has. What a checkpoint remembers.
int64_t lg_training_log_bytes(const lg_training_log *log);
// Takes back all lines after the first `bytes`.
bool lg_training_log_rewind(lg_training_log *log, int64_t bytes, lg_error *e);

// Appends a line of `kind` ("step", "epoch", "validation") with the integers `step` and `epoch` and
// then `count` values; and a point KIND/NAME for each of them to the event file.
bool lg_training_log_write(lg_training_log *log, const char *kind, int64_t step, int64_t epoch,
                           const lg_logged *values, size_t count, lg_error *e);

// A matrix, of the event file only (lg_event_matrix).
bool lg_training_log_matrix(lg_training_log *log, const char *tag, int64_t step,
                            const float *values, int rows, int columns, lg_error *e);

#endif
