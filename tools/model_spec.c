#include "tools/model_spec.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool lg_spec_ends_with(const char *spec, const char *end)
{
    size_t length = strlen(spec), tail = strlen(end);
    return length > tail && strcmp(spec + length - tail, end) == 0;
}

const char *lg_spec_options_of_c_file(const char *spec)
{
    const char *found = NULL;
    for (const char *at = spec; (at = strstr(at, ".c")); at += 2)
        if (!at[2] || at[2] == ':')
            found = at + 2;
    return found;
}

bool lg_spec_takes_options(const char *spec)
{
    return !lg_spec_ends_with(spec, ".ir") && !lg_spec_ends_with(spec, ".kir") &&
           !lg_spec_ends_with(spec, ".so");
}

char *lg_spec_with_batch(const char *spec, int64_t batch)
{
    char *text;
    if (batch == 0)
        return strdup(spec);
    int length = asprintf(&text, "%s%cbatch=%" PRId64, spec, strchr(spec, ':') ? ',' : ':', batch);
    return length < 0 ? NULL : text;
}
