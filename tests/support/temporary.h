// A folder for a test's files, gone with the test.
#ifndef LG_TESTS_SUPPORT_TEMPORARY_H
#define LG_TESTS_SUPPORT_TEMPORARY_H

#include <stddef.h>

typedef struct lg_temporary {
    char folder[64];
    char path[128];
} lg_temporary;

// Makes an empty folder; ends the test when it cannot.
lg_temporary lg_temporary_new(void);

// The path of a file in it, valid until the next call.
const char *lg_temporary_path(lg_temporary *t, const char *name);

// Writes a file in it and returns its path, valid until the next call.
const char *lg_temporary_write(lg_temporary *t, const char *name, const void *bytes, size_t size);

// Makes a folder in it and returns its path, valid until the next call.
const char *lg_temporary_folder(lg_temporary *t, const char *name);

// How many files are in it, hidden ones included.
int lg_temporary_count(const lg_temporary *t);

// Removes it with all that is in it.
void lg_temporary_free(lg_temporary *t);

#endif
