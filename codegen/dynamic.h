// Functions of libraries that are opened when they are needed.
#ifndef LG_CODEGEN_DYNAMIC_H
#define LG_CODEGEN_DYNAMIC_H

#include "ir/diag.h"

// Stores the address of function `name` of `library` (of dlopen) in `*function`, a pointer to a
// function. False after reporting that `what` ("NVRTC") does not have it.
bool lg_find_function(void *library, const char *what, const char *name, void *function,
                      lg_diag *diag);

#endif
