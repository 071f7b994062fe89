// What commands that compile or open a model have in common: MODEL, --weights, --threads,
// --function and the options of compiling.
#ifndef LG_TOOLS_MODEL_ARGUMENTS_H
#define LG_TOOLS_MODEL_ARGUMENTS_H

#include "tools/compile.h"

typedef struct lg_model_arguments {
    const char *model, *weights;
    int threads; // 0: one a core
    bool many;   // --function may be given several times; else the last one counts
    lg_compile_options compile;
} lg_model_arguments;

// The cases of a command's parser for these; ARGP_ERR_UNKNOWN for all others. The command's table
// has the rows of the options that it takes, and its parser looks after a missing MODEL.
error_t lg_model_option(int key, char *value, struct argp_state *state,
                        lg_model_arguments *arguments);

#endif
