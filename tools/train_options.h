// The options of `lgpnc train`. Each is a text until all are known: a resumed training takes from
// its checkpoint what the command line leaves out.
#ifndef LG_TOOLS_TRAIN_OPTIONS_H
#define LG_TOOLS_TRAIN_OPTIONS_H

#include "runtime/trainer.h"
#include "tools/compile.h"

enum {
#define ROW(id, name, key, argument, initial, fixed, aliases, help) TRAIN_##id,
#include "tools/train_options.def"
#undef ROW
    TRAIN_MODEL,
    TRAIN_OPTIONS
};

typedef struct lg_train_options {
    const char *text[TRAIN_OPTIONS]; // NULL: not given
    char *owned[TRAIN_OPTIONS];      // those from a checkpoint
    lg_compile_options compile;
    // By lg_train_options_read:
    int64_t fold, epochs, batch, seed, validate_every, save_every, display_step, threads, workers,
        cache_bytes; // batch 0: as MODEL has it
    double learning_rate;
    lg_schedule schedule;
    lg_batch_order order;
    bool debug;
} lg_train_options;

// Parses the command line; ends the program on usage errors.
void lg_train_options_parse(lg_train_options *options, int argc, char **argv);
void lg_train_options_free(lg_train_options *options);

// Takes what was not given from a checkpoint's text (lg_training_state_print), and checks that what
// was given and is fixed is the same. `name` is the checkpoint's file.
bool lg_train_options_merge(lg_train_options *options, const char *checkpoint, const char *name,
                            lg_diag *diag);

// Gives the rest its initial values, and reads the numbers. --data must be there.
bool lg_train_options_read(lg_train_options *options, lg_diag *diag);

// The options as a checkpoint keeps them, those that have a text: at most TRAIN_OPTIONS of them.
size_t lg_train_options_list(const lg_train_options *options, lg_metadata *list);

// What messages call it: "--batch-size", "MODEL".
const char *lg_train_option_name(int option);

#endif
