// The rules as functions: lg_derive_NAME for every op of ir/ops.def.
#ifndef LG_PASSES_AUTODIFF_RULES_H
#define LG_PASSES_AUTODIFF_RULES_H

#include "passes/autodiff.h"

#define ELEMENTWISE(name, ...) lg_value *lg_derive_##name(lg_adjoint *a, int operand);
#define OP(name, ...) lg_value *lg_derive_##name(lg_adjoint *a, int operand);
#include "ir/ops.def"
#undef ELEMENTWISE
#undef OP

#endif
