// Passes from outside: a shared object that exports its row as the symbol `lgpnc_pass`. It calls
// back into the program that loads it, so it links to nothing.
#include "passes/pass.h"

#include <dlfcn.h>
#include <string.h>

const lg_pass_info *lg_pass_load(const char *path, lg_diag *diag)
{
    // Without a slash dlopen would search the system's folders and not the current one.
    lg_arena *scratch = lg_arena_new();
    const char *file = strchr(path, '/') ? path : lg_format(scratch, "./%s", path);
    void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    lg_arena_free(scratch);
    if (!handle) {
        lg_error_at(diag, (lg_location){0}, "cannot load the pass: %s", dlerror());
        return NULL;
    }
    const lg_pass_info *pass = dlsym(handle, LG_PASS_SYMBOL);
    const char *fault =
        !pass                         ? "does not export `const lg_pass_info " LG_PASS_SYMBOL "`"
        : !pass->name || !*pass->name ? "exports a pass without a name"
        : strcspn(pass->name, " \t\n,{}=") != strlen(pass->name)
            ? "exports a pass whose name cannot stand in a pipeline"
        : !pass->run                    ? "exports a pass without a function"
        : !pass->help || !pass->options ? "exports a pass whose help or options are NULL"
        : lg_pass_find(pass->name)      ? "exports a pass with the name of a built-in one"
                                        : NULL;
    if (!fault)
        return pass;
    lg_error_at(diag, (lg_location){0}, "%s %s", path, fault);
    dlclose(handle);
    return NULL;
}
