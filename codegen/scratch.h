// Scratch memory: where the large TILE buffers of a kernel lie. Small ones are on the stack; a
// caller's thread may have little of that, so that the large ones get memory that the caller
// provides, a part for each worker, behind the values of the workspace.
#ifndef LG_CODEGEN_SCRATCH_H
#define LG_CODEGEN_SCRATCH_H

#include "ir/kernel.h"

// Is this TILE buffer too large for the stack?
bool lg_in_scratch(const lg_kbuffer *buffer);
// Where such a buffer of `kernel` lies in a worker's part, in bytes.
int64_t lg_scratch_offset(const lg_kernel *kernel, const lg_kbuffer *buffer);
// Bytes that a worker needs for `kernel`; 0 if everything is on the stack.
int64_t lg_kernel_scratch(const lg_kernel *kernel);
// The most bytes that a worker needs for any launch of `entry`.
int64_t lg_entry_scratch(const lg_entry *entry);
// Where the workers' parts begin in the workspace of `entry`.
int64_t lg_scratch_start(const lg_entry *entry);
// Bytes of the workspace of `entry` on one thread: values and one worker's part.
int64_t lg_entry_workspace(const lg_entry *entry);

#endif
