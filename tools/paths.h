// Where the parts of an installation lie, found from the program's own place.
#ifndef LG_TOOLS_PATHS_H
#define LG_TOOLS_PATHS_H

#include <stdbool.h>
#include <stddef.h>

enum { LG_PATH_BYTES = 4096 };

// The folder that has frontend/lgpnc.h, for models that are C files: $LGPNC_INCLUDE, else the
// source tree that the program was built in.
void lg_path_of_headers(char path[static LG_PATH_BYTES]);
// The folder of liblgpnc_standalone.a and liblgpnc_runtime.a, for executables: $LGPNC_LIB, else
// lib/ beside the program.
void lg_path_of_libraries(char path[static LG_PATH_BYTES]);

#endif
