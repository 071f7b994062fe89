// Looks at all that the launches of an entry point write, and remembers the first value that is NaN
// or infinite.
//
// It stands between compiled code and the threads, as an lg_parallel: the compilation in memory
// knows which buffers a kernel writes and of what type and size they are. A buffer may hold other
// things beside what this launch writes (memory is shared over time, and launches write parts of
// one tensor), so a value counts only if its bits changed: let the workspace be zero before a run.
#ifndef LG_TOOLS_LAUNCH_INSPECTOR_H
#define LG_TOOLS_LAUNCH_INSPECTOR_H

#include "ir/kernel.h"
#include "runtime/artifact.h"

typedef struct lg_launch_inspector {
    lg_parallel parallel; // pass its address to a call
    const lg_parallel *inner;
    const lg_entry *entry;
    void *before; // the buffers of a launch before it ran
    size_t room;
    bool found;
    char finding[512];
} lg_launch_inspector;

// `entry` is of the program that the code was compiled from; both stay, and so must `inspector`.
void lg_launch_inspector_init(lg_launch_inspector *inspector, const lg_entry *entry,
                              const lg_parallel *inner);
void lg_launch_inspector_free(lg_launch_inspector *inspector);

// Before a run.
void lg_launch_inspector_clear(lg_launch_inspector *inspector);

// "launch 12 of 340, conv2d_3 (GTC.layer1.0.conv1): nan at element 17 of its result %y0"; NULL if
// everything was finite.
const char *lg_launch_inspector_finding(const lg_launch_inspector *inspector);

#endif
