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

// lg_fail replaces the message, lg_fail_more adds a line to it (for functions that list all faults
// in one go; start with lg_error_clear), lg_fail_prefix puts text in front of it, for a caller that
// knows the file. All are expressions that are false, so that `return lg_fail(e, ...)` reads well;
// they are macros to let compilers and analyzers see it.
#define lg_fail(e, ...) (lg_error_set((e), __VA_ARGS__), lg_failed())
#define lg_fail_more(e, ...) (lg_error_add((e), __VA_ARGS__), lg_failed())
#define lg_fail_prefix(e, ...) (lg_error_prefix((e), __VA_ARGS__), lg_failed())

void lg_error_clear(lg_error *e);
void lg_error_set(lg_error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
// When the buffer is full the last line becomes "...".
void lg_error_add(lg_error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
void lg_error_prefix(lg_error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline bool lg_failed(void)
{
    return false;
}

#endif
