// What a module computes on random numbers, and whether programs made of it compute the same: by
// the reference interpreter of kernels, or compiled, serial and with threads, here or elsewhere.
#ifndef LG_TESTS_SUPPORT_EXPECTATION_H
#define LG_TESTS_SUPPORT_EXPECTATION_H

#include "ir/graph.h"
#include "passes/pass.h"

#include <stdio.h>

// A copy of `module` with only the func called `name`, what it calls and the symbols they use. Free
// it.
lg_module *lg_module_extract(const lg_module *module, const char *name);
// The same with funcs number `first`, `first + every` and so on.
lg_module *lg_module_thin(const lg_module *module, int every, int first);

typedef struct lg_expectation lg_expectation;

// Evaluates every func of `module`, which must live as long. Ends the test when it cannot.
lg_expectation *lg_expectation_new(const lg_module *module);
void lg_expectation_free(lg_expectation *expectation);

typedef enum lg_way {
    LG_WAY_INTERPRETED, // lg_entry_interpret
    LG_WAY_COMPILED,    // lg_jit, in order, in reverse order and with threads: the same bits
    LG_WAY_EMULATED,    // the same on another machine (tests/support/foreign.h)
    LG_WAY_DEVICE       // on the GPU (codegen/cuda_device.h), twice: the same bits
} lg_way;

// Runs `pipeline`, which must lower, on a copy of the module and then @pack and every other entry
// of the program. Says on `faults` what is wrong (a pass that fails, a program that does not
// verify, a run that ends early, numbers that differ) and returns false. Memory is full of NaN
// before each run and ends at a guard.
bool lg_expectation_holds(const lg_expectation *expectation, const char *pipeline,
                          const lg_target *target, lg_way way, FILE *faults);

// The same; ends the test with what is wrong and `what` was run.
void lg_expectation_check(const lg_expectation *expectation, const char *pipeline,
                          const lg_target *target, lg_way way, const char *what);

// Checks the kernels of `module` with candidates number `first`, `first + every` and so on, below
// `count`, of their schedules on a target, interpreted.
void lg_expectation_check_candidates(const lg_module *module, const lg_target *target, int first,
                                     int count, int every);

#endif
