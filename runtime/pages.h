// Large zeroed memory in whole pages, huge ones where the system has them: what a kernel streams
// through costs fewer TLB misses.
#ifndef LG_RUNTIME_PAGES_H
#define LG_RUNTIME_PAGES_H

#include "runtime/error.h"

#include <stddef.h>

typedef struct lg_pages {
    void *data; // aligned to LG_ABI_ALIGNMENT at least; NULL when bytes is 0
    size_t bytes;
    void *mapping;
    size_t mapped;
} lg_pages;

// `bytes` may be 0. Memory is taken when it is touched. False with a message on lack of memory.
bool lg_pages_map(lg_pages *pages, size_t bytes, lg_error *e);
void lg_pages_unmap(lg_pages *pages); // may be unmapped or all zero already

#endif
