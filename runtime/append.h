// Logs grow at their end, and only by whole pieces.
#ifndef LG_RUNTIME_APPEND_H
#define LG_RUNTIME_APPEND_H

#include <stdbool.h>
#include <stddef.h>

// Writes all of it to where the file ends. On failure false: errno says why, and the file ends
// where it did.
bool lg_file_append(int fd, const void *bytes, size_t size);

#endif
