// What the two halves of the kernel interpreter share: memory and its checks
// (ir/kernel_memory.c), statements and expressions (ir/kernel_interp.c).
#ifndef LG_IR_KERNEL_INTERP_INTERNAL_H
#define LG_IR_KERNEL_INTERP_INTERNAL_H

#include "ir/kernel.h"

enum { LG_ALL_THREADS = -1 };

// Who runs: the iteration of the parallel loop or the block of the grid, the number of barriers
// passed, and the thread. What two blocks do, or two threads of a block between the same barriers,
// has no order.
typedef struct lg_kactor {
    int64_t group, epoch, thread;
} lg_kactor;

// Who last wrote and read an element of memory that several actors see.
typedef struct lg_kaccesses {
    lg_kactor writer, reader;
} lg_kaccesses;

// A buffer while its kernel runs. Parameters lie in the caller's memory, locals in numbers.
typedef struct lg_kmemory {
    char *bytes;
    lg_number *numbers;
    bool *defined; // of `numbers`
    int64_t elements;
    int copies;             // of a register buffer that every thread has: their number, else 1
    lg_kaccesses *accesses; // NULL where no two actors meet
} lg_kmemory;

typedef struct lg_kinterp {
    const lg_kernel *kernel;
    lg_arena *arena;
    lg_diag *diag;
    lg_kmemory *memory; // by lg_kbuffer.id
    lg_number **vars;   // by lg_kvar.id
    lg_number *stack;   // values of the expression at hand
    lg_kactor actor;
    int64_t threads;                // of a block; 0: no thread loops
    const lg_kstmt *stmt;           // at hand
    LG_LIST(const lg_kvar *) loops; // around it
} lg_kinterp;

// Reports a fault of the statement at hand, with the values of the loops around it; returns false.
bool lg_kinterp_fault(lg_kinterp *in, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Prepares `memory` for a run on the caller's `buffers`.
void lg_kmemory_begin(lg_kinterp *in, void *const *buffers);
// An alloc statement: what the buffer held is gone.
void lg_kmemory_reset(lg_kinterp *in, const lg_kbuffer *buffer, bool in_thread);
// `lanes` elements at `index`; lane l has the index index[d][l] where vector[d], else index[d][0],
// and where no index is a vector the last one counts up.
typedef struct lg_kindex {
    const lg_number *at[LG_MAX_PHYSICAL];
    bool vector[LG_MAX_PHYSICAL], gathers;
} lg_kindex;
bool lg_kmemory_load(lg_kinterp *in, const lg_kbuffer *buffer, const lg_kindex *index, int lanes,
                     lg_number *values);
bool lg_kmemory_store(lg_kinterp *in, const lg_kbuffer *buffer, const lg_kindex *index, int lanes,
                      const lg_number *values);
// A register of vectors, or `count` elements of a buffer in memory that follow each other from
// `index` on, over the ends of its dimensions but not over its own.
bool lg_kmemory_load_run(lg_kinterp *in, const lg_kbuffer *buffer, const lg_kindex *index,
                         int count, lg_number *values);
bool lg_kmemory_store_run(lg_kinterp *in, const lg_kbuffer *buffer, const lg_kindex *index,
                          int count, const lg_number *values);

#endif
