#include "tools/arguments.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int64_t lg_argument_number(struct argp_state *state, const char *option, const char *text,
                           int64_t min, int64_t max)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end || value < min || value > max)
        argp_error(state, "%s=%s: a number from %lld to %lld is wanted", option, text,
                   (long long)min, (long long)max);
    return value;
}

double lg_argument_real(struct argp_state *state, const char *option, const char *text, double min,
                        double max)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= min && value <= max))
        argp_error(state, "%s=%s: a number from %g to %g is wanted", option, text, min, max);
    return value;
}

lg_argument_pair lg_argument_named_file(struct argp_state *state, const char *option, char *text)
{
    char *equals = strchr(text, '=');
    if (!equals || equals == text || !equals[1])
        argp_error(state, "%s=%s: NAME=FILE is wanted", option, text);
    if (equals)
        *equals++ = '\0';
    return (lg_argument_pair){text, equals};
}
