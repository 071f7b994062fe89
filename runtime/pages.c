#include "runtime/pages.h"

#include <stdint.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

bool lg_pages_map(lg_pages *pages, size_t bytes, lg_error *e)
{
    *pages = (lg_pages){.bytes = bytes};
    if (bytes == 0)
        return true;
    // A huge page needs its alignment; a small block does not need a huge page.
    size_t spare = bytes >= HUGE_PAGE ? HUGE_PAGE : 0;
    if (bytes > PTRDIFF_MAX - HUGE_PAGE)
        return lg_fail(e, "%zu bytes are more than there can be", bytes);
    void *mapping = mmap(NULL, bytes + spare, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED)
        return lg_fail(e, "not enough memory: %zu MB wanted", bytes >> 20);
    uintptr_t address = (uintptr_t)mapping;
    if (spare)
        address = (address + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    pages->data = (void *)address;
    pages->mapping = mapping;
    pages->mapped = bytes + spare;
    if (spare)
        madvise(pages->data, bytes, MADV_HUGEPAGE); // a wish; without it the code is slower
    return true;
}

void lg_pages_unmap(lg_pages *pages)
{
    if (pages->mapping)
        munmap(pages->mapping, pages->mapped);
    *pages = (lg_pages){0};
}
