// How much memory a function needs once it is planned.
#ifndef LG_TOOLS_MEMORY_NEED_H
#define LG_TOOLS_MEMORY_NEED_H

#include "ir/kernel.h"

// Bytes of a call of `entry` on one thread: its workspace, what it reads and writes of parameters,
// states and packed weights, its inputs and its results.
int64_t lg_entry_memory_need(const lg_entry *entry);

// The entry point that needs most of those that have a workspace, or NULL; `*need`: what it needs.
const lg_entry *lg_program_largest_need(const lg_program *program, int64_t *need);

#endif
