// Who reads the values of a func, found once instead of asked of all its ops each time.
#ifndef LG_PASSES_READERS_H
#define LG_PASSES_READERS_H

#include "ir/graph.h"
#include "passes/map.h"

typedef LG_LIST(lg_op *) lg_reader_list;

typedef struct lg_readers {
    lg_arena *arena;
    const lg_function *function;
    lg_map of;       // value -> lg_reader_list
    lg_map returned; // value -> how often
} lg_readers;

// Of the func as it is now; whoever changes it tells by lg_readers_add.
lg_readers lg_readers_find(const lg_function *function, lg_arena *arena);
// In program order, an op as often as it reads the value; ops may be gone by now.
const lg_reader_list *lg_readers_of(const lg_readers *readers, const lg_value *value);
bool lg_readers_is_returned(const lg_readers *readers, const lg_value *value);
// Readings and returns together.
int lg_readers_count(const lg_readers *readers, const lg_value *value);
void lg_readers_add(lg_readers *readers, const lg_value *value, lg_op *op);

#endif
