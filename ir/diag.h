// Diagnostics: what the user got wrong, where, and what to do. A library reports into an lg_diag
// and returns a status; the program prints the collection once. All errors that can be found in
// one go are told in one go. Our own bugs are asserts and never come through here.
#ifndef LG_IR_DIAG_H
#define LG_IR_DIAG_H

#include <stdbool.h>
#include <stdio.h>

// A place in a text (an IR file or the C file that called the DSL). Line and column count from 1;
// 0 means unknown. `file` must outlive the diagnostics (arena or literal).
typedef struct lg_location {
    const char *file;
    int line, column;
} lg_location;

typedef struct lg_diag lg_diag;

lg_diag *lg_diag_new(void);
void lg_diag_free(lg_diag *diag);

// Makes the text of `file` known, so that messages can show the line and a caret also where the
// file can't be read again (standard input). The text is copied.
void lg_diag_add_source(lg_diag *diag, const char *file, const char *text, size_t length);

// Report an error, a warning or a note that explains the message before it. Always returns false,
// so that a checker can write `return lg_error_at(...)`.
bool lg_error_at(lg_diag *diag, lg_location where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void lg_warning_at(lg_diag *diag, lg_location where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void lg_note_at(lg_diag *diag, lg_location where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

int lg_diag_errors(const lg_diag *diag);
// Writes every message as `file:line:col: error: text`, the source line and a caret under it.
void lg_diag_print(const lg_diag *diag, FILE *out);

#endif
