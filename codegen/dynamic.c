#include "codegen/dynamic.h"

#include <dlfcn.h>
#include <string.h>

// ISO C has no cast from an object pointer to a function pointer; POSIX promises the copy works.
bool lg_find_function(void *library, const char *what, const char *name, void *function,
                      lg_diag *diag)
{
    void *symbol = dlsym(library, name);
    if (!symbol)
        return lg_error_at(diag, (lg_location){0}, "this %s has no function %s", what, name);
    memcpy(function, &symbol, sizeof symbol);
    return true;
}
