// What `build --emit` can write: a row each.
#ifndef LG_TOOLS_BUILD_EMIT_H
#define LG_TOOLS_BUILD_EMIT_H

#include "tools/compile.h"

typedef enum lg_emit_target {
    LG_EMIT_GRAPH, // no program needed
    LG_EMIT_ANY,
    LG_EMIT_FOR_CPU,
    LG_EMIT_FOR_CUDA
} lg_emit_target;

typedef struct lg_emit {
    const char *name, *suffix, *summary;
    lg_emit_target target;
    bool is_text, takes_weights, needs_weights;
    // Writes to `path`, whole or not at all ("-": standard output, for text).
    bool (*write)(const lg_compilation *c, const char *path, lg_diag *diag);
} lg_emit;

const lg_emit *lg_emit_find(const char *name); // or NULL
const lg_emit *lg_emit_at(int index);          // NULL behind the last

#endif
