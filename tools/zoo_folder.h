// The folder of a zoo: what is written there, and when it counts as made.
//
//   NAME/00000.png ...   the images of a model; the folder appears whole
//   real/00000.png ...   crops of the photographs, through the same writer
//   labels.tsv           the table, in the columns of models/red140.tsv
//   networks.tsv         each model's network as one can compile it
//   contact.html         a sheet of all models
//   .zoo/                what it is made from; a file a model that is made
//
// A model is made when .zoo/NAME says so: which of its networks it is, what became of those before.
// That is written after its folder, so a run that was stopped anywhere goes on behind the last
// model that is whole.
#ifndef LG_TOOLS_ZOO_FOLDER_H
#define LG_TOOLS_ZOO_FOLDER_H

#include "tools/zoo_plan.h"

#include <stddef.h>
#include <stdint.h>

typedef struct lg_zoo_folder {
    const char *path;
    int fd; // holds the lock; -1: none
} lg_zoo_folder;

// What became of a model.
typedef struct lg_zoo_record {
    bool made;
    int attempt;                        // which of its networks; those before were left out
    float loss;                         // mean of the last quarter of its training
    char reasons[LG_ZOO_ATTEMPTS][160]; // why
} lg_zoo_record;

// Makes the folder or opens it again, for one process at a time, and clears away what a killed one
// left. `settings` is a line that says all that the zoo depends on: a folder that was begun with
// others is refused. False after reporting; close it in any case.
bool lg_zoo_folder_open(lg_zoo_folder *folder, const char *path, const char *settings,
                        lg_diag *diag);
void lg_zoo_folder_close(lg_zoo_folder *folder);

// False: there is none, or none that is whole.
bool lg_zoo_record_read(const lg_zoo_folder *folder, const char *name, lg_zoo_record *record);
bool lg_zoo_record_write(const lg_zoo_folder *folder, const char *name, const lg_zoo_record *record,
                         lg_diag *diag);

// Writes images as NAME/00000.png ..., replacing what an earlier run left of it.
bool lg_zoo_write_images(const lg_zoo_folder *folder, const char *name, const uint8_t *rgb,
                         size_t count, int size, lg_diag *diag);

// labels.tsv and networks.tsv of the models that are made; records[i] is of plan->models[i].
bool lg_zoo_write_tables(const lg_zoo_folder *folder, const lg_zoo_plan *plan,
                         const lg_zoo_record *records, lg_diag *diag);

#endif
