// Memory for the entries of a program, made to show mistakes: NaN where nobody has written, guards
// behind every stretch, inputs and results aligned no better than their elements.
#ifndef LG_TESTS_SUPPORT_PROGRAM_MEMORY_H
#define LG_TESTS_SUPPORT_PROGRAM_MEMORY_H

#include "ir/kernel.h"

typedef struct lg_program_memory {
    lg_arena *arena;
    void **inputs, **outputs, **params; // of the entry at hand
    char *packed, *workspace;
    char *results; // outputs and parameters in one stretch
    size_t result_bytes;
    LG_LIST(char *) guards;
    int lasting; // guards that do not end with the entry
} lg_program_memory;

void lg_program_memory_new(lg_program_memory *memory, const lg_program *program);
void lg_program_memory_free(lg_program_memory *memory);
// Fresh memory for a run of `entry`; only the packed weights stay.
void lg_program_memory_begin(lg_program_memory *memory, const lg_program *program,
                             const lg_entry *entry);
// Whether nobody wrote behind any stretch.
bool lg_program_memory_guards_hold(const lg_program_memory *memory);

#endif
