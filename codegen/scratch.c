// Offsets are handed out in the order of declaration. Buffers start on pages, each a few cache
// lines further in than the one before, so that what is a power of two apart does not collide in a
// cache.
#include "codegen/scratch.h"

#include "ir/integer.h"
#include "runtime/artifact.h"

enum { ON_STACK = 16 << 10, PAGE = 4096, STAGGER = 5 * LG_ABI_ALIGNMENT };

static int64_t round_up(int64_t bytes, int64_t to)
{
    return lg_ceil_div(bytes, to) * to;
}

static int64_t buffer_bytes(const lg_kbuffer *buffer)
{
    int64_t bytes = lg_dtype_bytes(buffer->dtype);
    for (int d = 0; d < buffer->rank; d++)
        bytes *= buffer->dims[d];
    return bytes;
}

bool lg_in_scratch(const lg_kbuffer *buffer)
{
    return buffer->scope == LG_SCOPE_TILE && buffer_bytes(buffer) > ON_STACK;
}

// The offset of `until`, or with NULL the size of all.
static int64_t place(const lg_kernel *kernel, const lg_kbuffer *until)
{
    int64_t offset = 0;
    for (int i = 0; i < kernel->locals.count; i++) {
        const lg_kbuffer *buffer = kernel->locals.items[i];
        if (!lg_in_scratch(buffer))
            continue;
        if (buffer == until)
            return offset;
        offset += round_up(buffer_bytes(buffer), PAGE) + STAGGER;
    }
    return offset;
}

int64_t lg_scratch_offset(const lg_kernel *kernel, const lg_kbuffer *buffer)
{
    return place(kernel, buffer);
}

int64_t lg_kernel_scratch(const lg_kernel *kernel)
{
    return place(kernel, NULL);
}

int64_t lg_entry_scratch(const lg_entry *entry)
{
    int64_t most = 0;
    for (int i = 0; i < entry->launches.count; i++) {
        int64_t bytes = lg_kernel_scratch(entry->launches.items[i].kernel);
        most = bytes > most ? bytes : most;
    }
    return most;
}

int64_t lg_scratch_start(const lg_entry *entry)
{
    return round_up(entry->workspace, LG_ABI_ALIGNMENT);
}

int64_t lg_entry_workspace(const lg_entry *entry)
{
    return lg_scratch_start(entry) + lg_entry_scratch(entry);
}
