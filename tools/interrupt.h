// Ctrl-C and kill as a request: long work asks at its leisure whether it shall end.
//
// A thread waits for the signals, so nothing is interrupted in the middle and no handler runs. The
// first one is a request; the second ends the process at once, as does the first where nothing is
// worth finishing yet. Signals within half a second count as one: a terminal's Ctrl-C reaches a
// supervised process twice, by itself and through its parent (tools/supervise.h).
#ifndef LG_TOOLS_INTERRUPT_H
#define LG_TOOLS_INTERRUPT_H

#include <stdatomic.h>
#include <stdbool.h>

typedef struct lg_interrupt {
    atomic_int asked; // the signal's number, 0 before
    atomic_bool graceful;
    const char *reply; // printed to standard error at the first request
} lg_interrupt;

// From now on SIGINT, SIGTERM and SIGHUP go to the watching thread. Call it before any other thread
// starts; `interrupt` must stay where it is, to the end of the process. `reply` ends with a
// newline. False if there is no thread: then signals end the process as ever.
bool lg_interrupt_start(lg_interrupt *interrupt, const char *reply);

// From now on the first signal is a request.
void lg_interrupt_be_graceful(lg_interrupt *interrupt);

// The number of the signal that asked, or 0.
int lg_interrupt_asked(lg_interrupt *interrupt);

#endif
