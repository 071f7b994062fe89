// Which operands a kernel may overwrite.
#ifndef LG_PASSES_IN_PLACE_H
#define LG_PASSES_IN_PLACE_H

#include "ir/kernel.h"

// Whether the parameters `in` and `out` of `kernel` may be one piece of memory.
bool lg_kernel_may_overwrite(const lg_kernel *kernel, const lg_kbuffer *in, const lg_kbuffer *out);

#endif
