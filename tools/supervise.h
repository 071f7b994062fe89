// Work that leaves nothing half-done behind, however it ends.
//
// The work runs in a child process. All temporary files and folders of the project are called
// .lg-PID-*, and PID is the child's; when a signal ends the child (Ctrl-C, kill, lack of memory, a
// crash) the parent removes what it left. No handler runs in the middle of anything, and there is
// nothing to keep a list of.
#ifndef LG_TOOLS_SUPERVISE_H
#define LG_TOOLS_SUPERVISE_H

// Runs work(context) and returns the exit code that it returns. `output` is the file that it
// writes (or NULL, or "-"): temporaries lie beside it, and those of $TMPDIR are swept as well. If a
// signal ended the work, the process ends by the same signal. Call it before any thread starts.
int lg_supervise(const char *output, int (*work)(void *context), void *context);
// The same for `count` outputs.
int lg_supervise_all(const char *const *outputs, int count, int (*work)(void *context),
                     void *context);

#endif
