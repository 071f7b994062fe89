// Threads that take pieces of one work until none is left.
#ifndef LG_CODEGEN_WORKERS_H
#define LG_CODEGEN_WORKERS_H

// Calls `work` with `context` on this thread and on others, `threads` in all (0: one a core), not
// more than there are `pieces`, and waits for all of them. Where no more threads can be had, fewer
// do the work. `work` itself takes the pieces; what it returns is not looked at.
void lg_work_together(int threads, int pieces, void *(*work)(void *), void *context);

#endif
