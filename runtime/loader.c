#include "runtime/loader.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// dlopen takes a path only with a slash in it for a path, and says what is wrong with a file only
// in its own words.
static void *open_file(const char *path, lg_error *e)
{
    char *real = realpath(path, NULL);
    if (!real) {
        lg_fail(e, "%s: no such file", path);
        return NULL;
    }
    void *handle = dlopen(real, RTLD_NOW | RTLD_LOCAL);
    free(real);
    if (!handle)
        lg_fail(e, "%s: not a shared library that can be loaded: %s", path, dlerror());
    return handle;
}

bool lg_library_open(lg_library *library, const char *path, lg_error *e)
{
    *library = (lg_library){.handle = open_file(path, e)};
    if (!library->handle)
        return false;
    lg_artifact_fn get;
    void *symbol = dlsym(library->handle, LG_ARTIFACT_SYMBOL);
    memcpy(&get, &symbol, sizeof get); // ISO C has no cast from an object to a function pointer
    bool good = symbol != NULL;
    if (!good)
        lg_fail(e, "%s: no artifact: it does not export " LG_ARTIFACT_SYMBOL "()", path);
    if (good) {
        library->artifact = get();
        good = lg_artifact_check(library->artifact, path, e);
    }
    if (!good)
        lg_library_close(library);
    return good;
}

void lg_library_close(lg_library *library)
{
    if (library->handle)
        dlclose(library->handle);
    *library = (lg_library){0};
}
