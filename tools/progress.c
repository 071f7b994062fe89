#include "tools/progress.h"

#include "runtime/threads.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void lg_progress_init(lg_progress *progress, bool verbose)
{
    *progress = (lg_progress){.verbose = verbose, .terminal = isatty(STDERR_FILENO) == 1};
}

void lg_progress_end(lg_progress *progress)
{
    if (!progress || progress->started <= 0)
        return;
    if (progress->terminal)
        fprintf(stderr, "\r\033[K");
    if (progress->verbose)
        fprintf(stderr, "%7.2f s  %s\n", lg_now() - progress->started, progress->phase);
    fflush(stderr);
    progress->started = 0;
}

void lg_progress_step(lg_progress *progress, const char *format, ...)
{
    if (!progress)
        return;
    lg_progress_end(progress);
    va_list args;
    va_start(args, format);
    vsnprintf(progress->phase, sizeof progress->phase, format, args);
    va_end(args);
    progress->started = lg_now();
    if (progress->terminal)
        fprintf(stderr, "\r\033[K%s ...", progress->phase);
    fflush(stderr);
}

void lg_progress_count(lg_progress *progress, const char *phase, size_t done, size_t all)
{
    if (progress->started <= 0) {
        snprintf(progress->phase, sizeof progress->phase, "%s", phase);
        progress->started = lg_now();
    }
    if (!progress->terminal)
        return;
    double seconds = lg_now() - progress->started;
    double rate = seconds > 0.05 ? (double)done / seconds : 0; // not guessed from nothing
    fprintf(stderr, "\r\033[K%s %zu/%zu", phase, done, all);
    if (rate > 0) {
        long left = (long)((double)(all - done) / rate + 0.5);
        fprintf(stderr, ", %.0f/s, %ld:%02ld left", rate, left / 60, left % 60);
    }
    fflush(stderr);
}
