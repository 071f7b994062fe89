// Messages live in a fixed buffer, so that reporting "out of memory" needs no memory. A message
// that does not fit is cut; the buffer always holds a terminated string.
#include "runtime/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool lg_fail(lg_error *e, const char *format, ...)
{
    if (e) {
        va_list args;
        va_start(args, format);
        vsnprintf(e->message, sizeof e->message, format, args);
        va_end(args);
    }
    return false;
}

bool lg_fail_more(lg_error *e, const char *format, ...)
{
    static const char more[] = "\n...";
    if (!e)
        return false;
    size_t used = strlen(e->message);
    size_t limit = sizeof e->message - sizeof more;
    char line[sizeof e->message];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    bool full = used >= 4 && strcmp(e->message + used - 4, more) == 0;
    if (used + strlen(line) + 1 <= limit)
        snprintf(e->message + used, sizeof e->message - used, "%s%s", used ? "\n" : "", line);
    else if (!full && used <= limit)
        strcpy(e->message + used, more);
    return false;
}

void lg_error_clear(lg_error *e)
{
    if (e)
        e->message[0] = '\0';
}

bool lg_fail_prefix(lg_error *e, const char *format, ...)
{
    if (!e)
        return false;
    char old[sizeof e->message];
    memcpy(old, e->message, sizeof old);
    va_list args;
    va_start(args, format);
    vsnprintf(e->message, sizeof e->message, format, args);
    va_end(args);
    size_t used = strlen(e->message);
    size_t kept = strnlen(old, sizeof old - 1 - used);
    memcpy(e->message + used, old, kept);
    e->message[used + kept] = '\0';
    return false;
}
