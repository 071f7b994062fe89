// Folders that work is done in: made, locked against a second worker, and swept of what killed ones
// left.
#ifndef LG_TOOLS_FOLDER_H
#define LG_TOOLS_FOLDER_H

#include "ir/diag.h"

#include <stdbool.h>

// Makes it where it is missing; false after reporting.
bool lg_folder_make(const char *path, lg_diag *diag);

// Makes it where it is missing, opens and locks it. `worker` is who may hold the lock: "another
// training". Returns a descriptor that holds the lock until it is closed, or -1 after reporting.
int lg_folder_lock(const char *path, const char *worker, lg_diag *diag);

// Removes from the folder what is called PREFIX...SUFFIX, files and folders of files. False if
// something is left; what is no folder has nothing.
bool lg_folder_sweep(const char *path, const char *prefix, const char *suffix);

// Removes a file, or a folder with the files in it, from the folder of that descriptor. False if
// something is left.
bool lg_folder_remove(int folder, const char *name);

#endif
