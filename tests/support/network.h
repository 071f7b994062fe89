// A built-in model compiled in memory and ready to run, for tests of whole networks.
#ifndef LG_TESTS_SUPPORT_NETWORK_H
#define LG_TESTS_SUPPORT_NETWORK_H

#include "codegen/codegen.h"
#include "models/models.h"
#include "passes/pass.h"
#include "runtime/model.h"

typedef struct lg_network {
    lg_unit unit;
    lg_jit *jit;
    lg_model *model;
} lg_network;

// The `functions` of the model at a level, "O0" to "O3", for the row `cpu` of the target table.
// Ends the test when it cannot.
lg_network lg_network_new(const char *spec, unsigned functions, const lg_training *training,
                          const char *level, const char *cpu);
void lg_network_free(lg_network *network);

#endif
