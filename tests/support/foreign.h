// Programs on a machine of another architecture: compiled here, linked with tests/cross/driver.c,
// and run by qemu.
#ifndef LG_TESTS_SUPPORT_FOREIGN_H
#define LG_TESTS_SUPPORT_FOREIGN_H

#include "passes/target.h"
#include "tests/support/program_memory.h"
#include "tests/support/temporary.h"

#include <stdio.h>

typedef struct lg_foreign {
    lg_temporary folder;
} lg_foreign;

// Whether artifacts of the target can be linked and run here by what is installed.
bool lg_foreign_runs(const lg_target *target);

// Compiles and links; false after saying why on `faults`. Free in any case.
bool lg_foreign_new(lg_foreign *foreign, const lg_program *program, const lg_target *target,
                    FILE *faults);
void lg_foreign_free(lg_foreign *foreign);

// @pack, if there is one, and then `entry`, on the parameters and inputs in `memory`; in order, in
// reverse order and with threads, which must give the same bits. Outputs and parameters come back
// into `memory`.
bool lg_foreign_run(lg_foreign *foreign, const lg_program *program, const lg_entry *entry,
                    lg_program_memory *memory, FILE *faults);

#endif
