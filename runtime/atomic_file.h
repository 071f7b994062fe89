// Output files that never appear half-written: every writer of the project goes through here.
//
//     lg_atomic_file out;
//     if (!lg_atomic_open(&out, path, 0666, e))
//         return false;
//     bool ok = lg_atomic_write(&out, bytes, size, e) && ...;
//     return ok ? lg_atomic_commit(&out, e) : lg_atomic_abort(&out);
#ifndef LG_RUNTIME_ATOMIC_FILE_H
#define LG_RUNTIME_ATOMIC_FILE_H

#include "runtime/error.h"

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

// An output on its way. `stream` may be written with stdio too; commit notices its errors.
typedef struct lg_atomic_file {
    FILE *stream;
    char *target;    // what the user named, links resolved
    char *temporary; // NULL when writing straight to a pipe, a device or standard output
} lg_atomic_file;

// Opens a temporary file in the folder of `path`. `mode` is the permissions before the umask:
// 0666 for data, 0777 for executables. A symbolic link is followed, so that the file it points to
// is replaced. "-", /dev/stdout, /dev/fd/N, pipes and devices are written directly.
bool lg_atomic_open(lg_atomic_file *file, const char *path, mode_t mode, lg_error *e);

bool lg_atomic_write(lg_atomic_file *file, const void *bytes, size_t size, lg_error *e);

// Flushes to the disk and renames over the target. On failure the temporary is removed and the
// target is as it was. The file is closed either way.
bool lg_atomic_commit(lg_atomic_file *file, lg_error *e);

// Closes and removes the temporary. Returns false.
bool lg_atomic_abort(lg_atomic_file *file);

// All of it for bytes that are already in memory.
bool lg_atomic_write_file(const char *path, mode_t mode, const void *bytes, size_t size,
                          lg_error *e);

#endif
