// Messages live in a fixed buffer, so that reporting "out of memory" needs no memory. A message
// that does not fit is cut; the buffer always holds a terminated string.
#include "runtime/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void lg_error_set(lg_error *e, const char *format, ...)
{
    if (e) {
        va_list args;
        va_start(args, format);
        vsnprintf(e->message, sizeof e->message, format, args);
        va_end(args);
    }
}

void lg_error_add(lg_error *e, const char *format, ...)
{
    static const char more[] = "\n...";
    if (!e)
        return;
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
        memcpy(e->message + used, more, sizeof more);
}

void lg_error_clear(lg_error *e)
{
    if (e)
        e->message[0] = '\0';
}

void lg_error_prefix(lg_error *e, const char *format, ...)
{
    if (!e)
        return;
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
}
