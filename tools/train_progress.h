// What a training says: a bar on a terminal, a line every few steps where standard output is a
// file, a line an epoch and a validation on standard output in any case.
#ifndef LG_TOOLS_TRAIN_PROGRESS_H
#define LG_TOOLS_TRAIN_PROGRESS_H

#include "runtime/trainer.h"

typedef struct lg_train_progress {
    bool bar;      // standard error is a terminal
    bool lines;    // standard output is none
    bool shown;    // the bar, now
    int64_t every; // steps a line
    double drawn;  // when the bar was
    double waited; // seconds, since the last line
    double began;  // the session
} lg_train_progress;

void lg_train_progress_init(lg_train_progress *progress, int64_t display_step);
// Fills `listener`; `progress` must stay where it is.
void lg_train_progress_listen(lg_train_progress *progress, lg_training_listener *listener);
// Removes the bar, before something else is printed.
void lg_train_progress_clear(lg_train_progress *progress);

#endif
