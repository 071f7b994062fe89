// How the runtime reports a fault of its input: a message that names the place and the remedy,
// carried to the caller in a buffer of the caller's. Nothing is printed, nothing is allocated.
//
// A function that can fail returns false or NULL and takes `lg_error *` last; the pointer may be
// NULL when the caller does not care. A fault that is ours, not the user's, is an assert.
#ifndef LG_RUNTIME_ERROR_H
#define LG_RUNTIME_ERROR_H

#include <stdbool.h>

// Set by the function that failed; untouched by one that succeeds. Several faults are several
// lines; no newline at the end.
typedef struct lg_error {
    char message[2048];
} lg_error;

// Replaces the message. Always returns false, so that `return lg_fail(e, ...)` reads well.
bool lg_fail(lg_error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Adds a line to the message, for functions that list all faults in one go. When the buffer is
// full the last line becomes "...". Start from a message emptied by lg_error_clear.
bool lg_fail_more(lg_error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

void lg_error_clear(lg_error *e);

// Puts `prefix` in front of the message, for a caller that knows the file. Returns false.
bool lg_fail_prefix(lg_error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
