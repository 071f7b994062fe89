// Which phase a long command is in: one line on a terminal that each phase overwrites, a line a
// phase with its seconds where the user asked for it (--verbose), else nothing.
#ifndef LG_TOOLS_PROGRESS_H
#define LG_TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct lg_progress {
    bool verbose;
    bool terminal;
    double started; // the phase; 0: none
    double drawn;   // when the bar was
    char phase[96];
} lg_progress;

// Standard error is where it goes.
void lg_progress_init(lg_progress *progress, bool verbose);
// Ends the phase before, if there is one, and begins "compiling 87 kernels". NULL is allowed.
void lg_progress_step(lg_progress *progress, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// Within one phase, on a terminal: "decoding images 120/5000, 431/s, 0:11 left". The first call
// begins the phase; call it as often as you like, lg_progress_end ends it.
void lg_progress_count(lg_progress *progress, const char *phase, size_t done, size_t all);
// Ends the last phase; before anything else is printed.
void lg_progress_end(lg_progress *progress);

#endif
