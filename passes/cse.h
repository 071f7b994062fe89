// Common subexpressions of one function; for passes that make their own.
#ifndef LG_PASSES_CSE_H
#define LG_PASSES_CSE_H

#include "passes/pass.h"

// Computes once what `function` computes twice; counts in ctx->changes.
void lg_share_common(lg_function *function, lg_pass_ctx *ctx);

// Have both ops the same attributes with the same values?
bool lg_same_attrs(const lg_op *a, const lg_op *b);

#endif
