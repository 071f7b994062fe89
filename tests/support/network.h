// Networks for tests, built-in models or texts: the module, or compiled in memory and ready to run.
#ifndef LG_TESTS_SUPPORT_NETWORK_H
#define LG_TESTS_SUPPORT_NETWORK_H

#include "codegen/codegen.h"
#include "codegen/cuda_device.h"
#include "models/models.h"
#include "passes/pass.h"
#include "runtime/model.h"

typedef struct lg_network {
    lg_unit unit;
    lg_jit *jit;            // NULL on a GPU
    lg_cuda_device *device; // NULL on a CPU
    lg_diag *diag;
    lg_model *model;
} lg_network;

// The `functions` of a model, without dropout: nothing in them is random. Ends the test when the
// spec is refused.
lg_module *lg_network_module(const char *spec, unsigned functions);

// The same at a level, "O0" to "O3", for the row `cpu` of the target table; "cuda" runs on the GPU.
// Ends the test when it cannot.
lg_network lg_network_new(const char *spec, unsigned functions, const char *level, const char *cpu);
// A module's text at O2; `options` are for passes, "winograd{tile=2}", or NULL.
lg_network lg_network_of_text(const char *text, const char *options, const char *cpu);
void lg_network_free(lg_network *network);

#endif
