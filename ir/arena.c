// A chain of blocks, filled front to back; large requests get a block of their own.
#include "ir/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 64 * 1024, ALIGNMENT = 16 };

typedef struct block {
    struct block *next;
    size_t used, size;
    _Alignas(ALIGNMENT) char data[];
} block;

struct lg_arena {
    block *blocks;
};

static void *allocate_or_die(size_t bytes)
{
    void *memory = calloc(1, bytes);
    if (!memory) {
        fprintf(stderr, "lgpnc: out of memory (asked for %zu bytes)\n", bytes);
        abort();
    }
    return memory;
}

lg_arena *lg_arena_new(void)
{
    return allocate_or_die(sizeof(lg_arena));
}

void lg_arena_free(lg_arena *arena)
{
    if (!arena)
        return;
    for (block *b = arena->blocks; b;) {
        block *next = b->next;
        free(b);
        b = next;
    }
    free(arena);
}

void *lg_alloc(lg_arena *arena, size_t bytes)
{
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    block *b = arena->blocks;
    if (!b || b->size - b->used < bytes) {
        size_t size = bytes > BLOCK_BYTES / 4 ? bytes : BLOCK_BYTES;
        block *fresh = allocate_or_die(sizeof(block) + size);
        fresh->size = size;
        if (b && size == bytes) { // a large request goes behind the block being filled
            fresh->next = b->next;
            b->next = fresh;
        } else {
            fresh->next = b;
            arena->blocks = fresh;
        }
        b = fresh;
    }
    void *memory = b->data + b->used;
    b->used += bytes;
    return memory;
}

void *lg_copy(lg_arena *arena, const void *data, size_t bytes)
{
    void *copy = lg_alloc(arena, bytes);
    if (bytes)
        memcpy(copy, data, bytes);
    return copy;
}

char *lg_strndup(lg_arena *arena, const char *text, size_t length)
{
    char *copy = lg_alloc(arena, length + 1);
    memcpy(copy, text, length);
    return copy;
}

char *lg_strdup(lg_arena *arena, const char *text)
{
    return lg_strndup(arena, text, strlen(text));
}

char *lg_vformat(lg_arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = lg_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, args);
    return text;
}

char *lg_format(lg_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = lg_vformat(arena, format, args);
    va_end(args);
    return text;
}

void *lg_grow(lg_arena *arena, const void *items, int count, int *capacity, size_t item_bytes)
{
    *capacity = *capacity ? *capacity * 2 : 8;
    void *larger = lg_alloc(arena, (size_t)*capacity * item_bytes);
    if (count)
        memcpy(larger, items, (size_t)count * item_bytes);
    return larger;
}
