#include "tools/launch_inspector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- floats by their bits: not finite is an exponent of all ones

static uint32_t exponent_mask(lg_dtype dtype)
{
    switch (dtype) {
    case LG_F32:
        return 0x7f800000U;
    case LG_BF16:
        return 0x7f80U;
    case LG_F16:
        return 0x7c00U;
    default:
        return 0; // no float
    }
}

static uint32_t bits_at(const void *data, size_t size, size_t i)
{
    if (size == 2) {
        uint16_t bits;
        memcpy(&bits, (const char *)data + 2 * i, 2);
        return bits;
    }
    uint32_t bits;
    memcpy(&bits, (const char *)data + 4 * i, 4);
    return bits;
}

// The first element that is not finite and was something else before, or `count`.
static size_t first_fault(lg_dtype dtype, const void *now, const void *before, size_t count)
{
    uint32_t mask = exponent_mask(dtype);
    size_t size = (size_t)lg_dtype_bytes(dtype);
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = bits_at(now, size, i);
        if ((bits & mask) == mask && bits != bits_at(before, size, i))
            return i;
    }
    return count;
}

static const char *name_of(lg_dtype dtype, uint32_t bits)
{
    uint32_t mask = exponent_mask(dtype), sign = mask == 0x7f800000U ? 0x80000000U : 0x8000U;
    if (bits & ~mask & ~sign)
        return "nan";
    return bits & sign ? "-inf" : "inf";
}

// ---- buffers

static bool is_written(const lg_kbuffer *buffer)
{
    return (buffer->scope == LG_SCOPE_OUT || buffer->scope == LG_SCOPE_INOUT) &&
           exponent_mask(buffer->dtype) != 0;
}

static size_t count_of(const lg_kbuffer *buffer)
{
    size_t count = 1;
    for (int d = 0; d < buffer->rank; d++)
        count *= (size_t)buffer->dims[d];
    return count;
}

static size_t bytes_of(const lg_kbuffer *buffer)
{
    return count_of(buffer) * (size_t)lg_dtype_bytes(buffer->dtype);
}

// Copies what the kernel will write; false when there is no memory: then it is not looked at.
static bool remember(lg_launch_inspector *inspector, const lg_kernel *kernel, void *const *buffers)
{
    size_t total = 0;
    for (int i = 0; i < kernel->params.count; i++)
        if (is_written(kernel->params.items[i]))
            total += bytes_of(kernel->params.items[i]);
    if (total > inspector->room) {
        free(inspector->before);
        inspector->before = malloc(total);
        inspector->room = inspector->before ? total : 0;
    }
    char *at = inspector->before;
    for (int i = 0; at && i < kernel->params.count; i++)
        if (is_written(kernel->params.items[i])) {
            memcpy(at, buffers[i], bytes_of(kernel->params.items[i]));
            at += bytes_of(kernel->params.items[i]);
        }
    return at != NULL;
}

static void look(lg_launch_inspector *inspector, uint32_t index, const lg_launch *launch,
                 void *const *buffers)
{
    const char *before = inspector->before;
    for (int i = 0; i < launch->kernel->params.count && !inspector->found; i++) {
        const lg_kbuffer *buffer = launch->kernel->params.items[i];
        if (!is_written(buffer))
            continue;
        size_t count = count_of(buffer);
        size_t at = first_fault(buffer->dtype, buffers[i], before, count);
        before += bytes_of(buffer);
        if (at == count)
            continue;
        uint32_t bits = bits_at(buffers[i], (size_t)lg_dtype_bytes(buffer->dtype), at);
        inspector->found = true;
        snprintf(inspector->finding, sizeof inspector->finding,
                 "launch %u of %d, %s%s%s%s: %s at element %zu of its result %%%s", index + 1,
                 inspector->entry->launches.count, launch->kernel->name, *launch->label ? " (" : "",
                 launch->label, *launch->label ? ")" : "", name_of(buffer->dtype, bits), at,
                 launch->slots[i]->name);
    }
}

static void run_inspected(void *context, uint32_t index, lg_kernel_fn kernel, void *const *buffers,
                          int64_t count)
{
    lg_launch_inspector *inspector = context;
    const lg_launch *launch =
        !inspector->found && index < (uint32_t)inspector->entry->launches.count
            ? &inspector->entry->launches.items[index]
            : NULL;
    bool remembered = launch && remember(inspector, launch->kernel, buffers);
    if (inspector->inner)
        inspector->inner->run(inspector->inner->context, index, kernel, buffers, count);
    else
        kernel(buffers, 0, count, 0);
    if (remembered)
        look(inspector, index, launch, buffers);
}

void lg_launch_inspector_init(lg_launch_inspector *inspector, const lg_entry *entry,
                              const lg_parallel *inner)
{
    *inspector = (lg_launch_inspector){
        .parallel = {inspector, inner ? inner->threads : 1, run_inspected},
        .inner = inner,
        .entry = entry,
    };
}

void lg_launch_inspector_free(lg_launch_inspector *inspector)
{
    free(inspector->before);
    *inspector = (lg_launch_inspector){0};
}

void lg_launch_inspector_clear(lg_launch_inspector *inspector)
{
    inspector->found = false;
}

const char *lg_launch_inspector_finding(const lg_launch_inspector *inspector)
{
    return inspector->found ? inspector->finding : NULL;
}
