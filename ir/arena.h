// Memory that dies together. A compilation owns one arena for what lives with it (modules,
// functions, ops, types), a pass owns a scratch arena for what dies with the pass. Nothing in an
// arena is freed alone, so IR nodes can point at each other freely.
#ifndef LG_IR_ARENA_H
#define LG_IR_ARENA_H

#include <stdarg.h>
#include <stddef.h>

typedef struct lg_arena lg_arena;

// A new, empty arena; free it with lg_arena_free. Running out of memory ends the process with a
// message: a compiler has no useful way on from there.
lg_arena *lg_arena_new(void);
void lg_arena_free(lg_arena *arena);

// `bytes` zeroed bytes, aligned for any type, alive as long as the arena.
void *lg_alloc(lg_arena *arena, size_t bytes);
// A copy of `bytes` bytes at `data`.
void *lg_copy(lg_arena *arena, const void *data, size_t bytes);
char *lg_strdup(lg_arena *arena, const char *text);
char *lg_strndup(lg_arena *arena, const char *text, size_t length);
// printf into the arena.
char *lg_format(lg_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *lg_vformat(lg_arena *arena, const char *format, va_list args);

#define LG_NEW(arena, type) ((type *)lg_alloc((arena), sizeof(type)))
#define LG_NEW_ARRAY(arena, type, count) ((type *)lg_alloc((arena), sizeof(type) * (size_t)(count)))

// A growing array in an arena: `LG_LIST(lg_op *) ops;` then LG_PUSH(arena, list, item).
#define LG_LIST(type)                                                                              \
    struct {                                                                                       \
        type *items;                                                                               \
        int count, capacity;                                                                       \
    }
#define LG_PUSH(arena, list, item)                                                                 \
    ((list)->count == (list)->capacity                                                             \
         ? (void)((list)->items = lg_grow((arena), (list)->items, (list)->count,                   \
                                          &(list)->capacity, sizeof *(list)->items))               \
         : (void)0,                                                                                \
     (list)->items[(list)->count++] = (item))

// Doubles an array that has `count` items of `item_bytes`; for LG_PUSH.
void *lg_grow(lg_arena *arena, const void *items, int count, int *capacity, size_t item_bytes);

#endif
