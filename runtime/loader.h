// Opening artifacts. What passes here can be run: right ABI, and a CPU that has the instructions.
#ifndef LG_RUNTIME_LOADER_H
#define LG_RUNTIME_LOADER_H

#include "runtime/artifact.h"
#include "runtime/error.h"

// Whether `artifact` fits this runtime and this machine. `name` stands for it in messages.
bool lg_artifact_check(const lg_artifact *artifact, const char *name, lg_error *e);

// Whether this machine runs code for a CPU as lg_artifact.target names it.
bool lg_cpu_supports(const char *target);

typedef struct lg_library {
    void *handle; // of dlopen
    const lg_artifact *artifact;
} lg_library;

// Opens a shared library made by `lgpnc build --emit=shared` and checks it. Its code is trusted as
// any library's is. False with a message; close with lg_library_close.
bool lg_library_open(lg_library *library, const char *path, lg_error *e);
void lg_library_close(lg_library *library);

#endif
