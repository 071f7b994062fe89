// A whole file in memory.
#ifndef LG_RUNTIME_READ_FILE_H
#define LG_RUNTIME_READ_FILE_H

#include "runtime/error.h"

#include <stddef.h>

// Reads a file, a pipe or a device up to `limit` bytes; "-" is standard input. The bytes are
// followed by a zero byte that `size` does not count. NULL with a message when the file cannot be
// read, is a folder, or is longer than `limit`. The caller frees the result with free().
unsigned char *lg_file_read(const char *path, size_t limit, size_t *size, lg_error *e);

#endif
