// The folder of a training: made, locked against a second training, swept, and its files by name.
#ifndef LG_TOOLS_TRAIN_FOLDER_H
#define LG_TOOLS_TRAIN_FOLDER_H

#include "ir/diag.h"

#include <stdbool.h>

typedef struct lg_train_folder {
    char *path, *last, *best, *config; // files in it
    int fd;                            // holds the lock
    bool has_last;                     // there is a checkpoint to go on from
} lg_train_folder;

// `debug`: PATH.debug instead, so that a trial is in no training's way.
// Makes the folder where it is missing. What killed trainings left there half-written is removed.
// False after reporting, also when another training holds it; free in any case.
bool lg_train_folder_open(lg_train_folder *folder, const char *path, bool debug, lg_diag *diag);
void lg_train_folder_free(lg_train_folder *folder);

#endif
