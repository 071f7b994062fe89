// What a user writes for MODEL: "lgpn:image=128", "./my_net.c:width=8", "net.ir", "net.kir",
// "lgpn.so".
#ifndef LG_TOOLS_MODEL_SPEC_H
#define LG_TOOLS_MODEL_SPEC_H

#include <stdbool.h>
#include <stdint.h>

// Is it a file with this at the end, ".ir"?
bool lg_spec_ends_with(const char *spec, const char *end);

// The options of a C file: behind the last ".c", "" without any; NULL if the spec is something
// else.
const char *lg_spec_options_of_c_file(const char *spec);

// Can it have options? What is IR or compiled already is as it is.
bool lg_spec_takes_options(const char *spec);

// With the option batch beside its others, or as it is for 0; to be freed. NULL: no memory.
char *lg_spec_with_batch(const char *spec, int64_t batch);

#endif
