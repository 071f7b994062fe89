// Dead ops of one function; for passes that leave some behind or can't do with any.
#ifndef LG_PASSES_DCE_H
#define LG_PASSES_DCE_H

#include "passes/pass.h"

// Removes the ops of `function` that no result and no write hangs on; returns their number.
int lg_drop_unused(lg_function *function, lg_arena *scratch);

#endif
