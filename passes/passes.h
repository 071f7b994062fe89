// Every row of passes.def as the declaration of its function.
#ifndef LG_PASSES_PASSES_H
#define LG_PASSES_PASSES_H

#include "passes/pass.h"

#define PASS(name, ...) bool lg_pass_##name(lg_unit *unit, lg_pass_ctx *ctx);
#include "passes/passes.def"
#undef PASS

#endif
