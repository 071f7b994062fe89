// The free decisions of schedules as data: what a schedule may do one way or another (sizes of
// tiles and blocks) is a few named numbers with a text form,
//
//     direct{rows=14,vectors=2,chunk=12,columns=64,lines=1,splits=1,unroll=2}
//
// A schedule ranks its candidates by a cost model of the machine and takes the best one, unless the
// target it compiles for carries choices that were measured (`lgpnc tune`). Which kernels share a
// choice is said by a key, a text too: the shape of what is computed, without names and values.
//
// Candidates of a direct convolution sum in the same order, so that they compute the same bits;
// other schedules' may differ in the order of summation.
#ifndef LG_PASSES_SCHEDULE_CHOICE_H
#define LG_PASSES_SCHEDULE_CHOICE_H

#include "ir/arena.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct lg_choice {
    const char *key;  // of the kernels it is for
    const char *text; // what their schedule shall do
} lg_choice;

// What a target's schedules shall do: entries as measured, and for kernels without one the
// candidate of that rank (0: the best; a schedule with fewer candidates takes the best).
typedef struct lg_choices {
    int count;
    const lg_choice *items;
    int rank;
} lg_choices;

// The text of the entry for `key`, or NULL. `choices` may be NULL.
const char *lg_choices_find(const lg_choices *choices, const char *key);
int lg_choices_rank(const lg_choices *choices); // 0 without

// The names of a schedule's numbers, in the order of the text.
typedef struct lg_choice_form {
    const char *name; // "direct"
    int count;
    const char *const *fields;
} lg_choice_form;

enum { LG_MAX_CHOICE_FIELDS = 16 };

char *lg_choice_print(lg_arena *arena, const lg_choice_form *form, const int64_t *values);
// Reads a text that names every field once, in any order, none below 1; false if it does not.
bool lg_choice_parse(const char *text, const lg_choice_form *form, int64_t *values);

#endif
