#include "tools/paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// FOLDER/INSIDE, where FOLDER holds the program.
static void beside_program(const char *inside, char path[static LG_PATH_BYTES])
{
    char program[LG_PATH_BYTES];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(program, '/');
    if (slash)
        *slash = '\0';
    if (snprintf(path, LG_PATH_BYTES, "%s/%s", slash ? program : ".", inside) >= LG_PATH_BYTES)
        path[0] = '\0';
}

static bool from_environment(const char *variable, char path[static LG_PATH_BYTES])
{
    const char *value = getenv(variable);
    return value && *value && snprintf(path, LG_PATH_BYTES, "%s", value) < LG_PATH_BYTES;
}

void lg_path_of_headers(char path[static LG_PATH_BYTES])
{
    if (from_environment("LGPNC_INCLUDE", path))
        return;
    char header[LG_PATH_BYTES + 32];
    beside_program("..", path);
    snprintf(header, sizeof header, "%s/frontend/lgpnc.h", path);
    if (access(header, R_OK) != 0)
        snprintf(path, LG_PATH_BYTES, "%s", LGPNC_SOURCE_DIR); // built elsewhere
}

void lg_path_of_libraries(char path[static LG_PATH_BYTES])
{
    if (!from_environment("LGPNC_LIB", path))
        beside_program("lib", path);
}
