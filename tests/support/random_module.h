// Random small modules for tests of passes: whatever the shape rules let through.
#ifndef LG_TESTS_RANDOM_MODULE_H
#define LG_TESTS_RANDOM_MODULE_H

#include "ir/graph.h"

// A module with a func @infer of arguments, symbols and about `ops` ops; the same for one seed.
lg_module *lg_random_module(uint64_t seed, int ops);

#endif
