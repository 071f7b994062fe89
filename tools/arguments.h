// Values of options that several commands take. Each ends the program with a usage error where the
// text is none.
#ifndef LG_TOOLS_ARGUMENTS_H
#define LG_TOOLS_ARGUMENTS_H

#include <argp.h>
#include <stdint.h>

// A whole number in min..max; `option` is what messages call it, as in "--threads".
int64_t lg_argument_number(struct argp_state *state, const char *option, const char *text,
                           int64_t min, int64_t max);

// A number from min to max.
double lg_argument_real(struct argp_state *state, const char *option, const char *text, double min,
                        double max);

// NAME=FILE, cut in place at the first '='.
typedef struct lg_argument_pair {
    char *name, *file;
} lg_argument_pair;
lg_argument_pair lg_argument_named_file(struct argp_state *state, const char *option, char *text);

#endif
