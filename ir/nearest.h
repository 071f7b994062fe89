// "Did you mean ...?": the known name that is closest to what the user wrote.
#ifndef LG_IR_NEAREST_H
#define LG_IR_NEAREST_H

// Start with `{.wanted = name}`, show it every known name, then read `name`: the closest one, or
// NULL where none is close enough to be meant.
typedef struct lg_nearest {
    const char *wanted;
    const char *name;
    int distance; // of `name`, in edits
} lg_nearest;

void lg_nearest_consider(lg_nearest *nearest, const char *known);

#endif
