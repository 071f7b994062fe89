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

// "1:02:03", "2:03".
static void print_time(double seconds)
{
    long long s = seconds < 1e9 ? (long long)(seconds + 0.5) : 0;
    if (s >= 3600)
        fprintf(stderr, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    else
        fprintf(stderr, "%lld:%02lld", s / 60, s % 60);
}

void lg_progress_count(lg_progress *progress, const char *phase, size_t done, size_t all)
{
    enum { WIDTH = 20 };
    static const double seconds_between_bars = 0.1;
    double now = lg_now();
    if (progress->started <= 0) {
        snprintf(progress->phase, sizeof progress->phase, "%s", phase);
        progress->started = now;
    }
    if (!progress->terminal || all == 0 ||
        (done < all && now - progress->drawn < seconds_between_bars))
        return;
    progress->drawn = now;
    double seconds = now - progress->started;
    double rate = seconds > 0.05 ? (double)done / seconds : 0; // not guessed from nothing
    int filled = (int)(WIDTH * done / all);
    fprintf(stderr, "\r\033[K%s [%.*s%*s] %zu/%zu", phase, filled, "####################",
            WIDTH - filled, "", done, all);
    if (rate > 0) {
        fprintf(stderr, ", %.3g/s, ", rate);
        print_time((double)(all - done) / rate);
        fputs(" left", stderr);
    }
    fflush(stderr);
}
