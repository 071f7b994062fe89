#include "runtime/training_log.h"

#include "runtime/append.h"
#include "runtime/event_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct lg_training_log {
    int fd;
    char *path;
    int64_t bytes;
    lg_event_file *events;
};

static double wall_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static bool fail_writing(const lg_training_log *log, lg_error *e)
{
    return lg_fail(e, "%s: cannot write: %s", log->path, strerror(errno));
}

// The end of the last whole line within the first `keep` bytes.
static int64_t end_of_lines(int fd, int64_t keep)
{
    char last;
    while (keep > 0 && (pread(fd, &last, 1, keep - 1) != 1 || last != '\n'))
        keep--;
    return keep;
}

static bool open_lines(lg_training_log *log, int64_t keep, lg_error *e)
{
    struct stat about;
    log->fd = open(log->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (log->fd < 0 || fstat(log->fd, &about) != 0)
        return fail_writing(log, e);
    keep = keep < about.st_size ? keep : about.st_size;
    return lg_training_log_rewind(log, end_of_lines(log->fd, keep), e);
}

lg_training_log *lg_training_log_open(const char *folder, int64_t keep, int64_t step, lg_error *e)
{
    lg_training_log *log = calloc(1, sizeof *log);
    if (!log || asprintf(&log->path, "%s/metrics.jsonl", folder) < 0) {
        free(log);
        lg_fail(e, "%s: no memory for the logs", folder);
        return NULL;
    }
    log->fd = -1;
    if (open_lines(log, keep, e) &&
        (log->events = lg_event_file_open(folder, wall_time(), step, e)) != NULL)
        return log;
    lg_training_log_close(log);
    return NULL;
}

void lg_training_log_close(lg_training_log *log)
{
    if (!log)
        return;
    if (log->fd >= 0)
        close(log->fd);
    lg_event_file_close(log->events);
    free(log->path);
    free(log);
}

int64_t lg_training_log_bytes(const lg_training_log *log)
{
    return log->bytes;
}

bool lg_training_log_rewind(lg_training_log *log, int64_t bytes, lg_error *e)
{
    if (ftruncate(log->fd, bytes) != 0 || lseek(log->fd, bytes, SEEK_SET) < 0)
        return fail_writing(log, e);
    log->bytes = bytes;
    return true;
}

static bool append(lg_training_log *log, const char *line, size_t size, lg_error *e)
{
    if (!lg_file_append(log->fd, line, size))
        return fail_writing(log, e);
    log->bytes += (int64_t)size;
    return true;
}

// Names are ours or those of a model's losses, which are identifiers: nothing to be escaped.
static char *print_line(const char *kind, int64_t step, int64_t epoch, const lg_logged *values,
                        size_t count, size_t *size)
{
    char *line = NULL;
    FILE *out = open_memstream(&line, size);
    if (!out)
        return NULL;
    fprintf(out, "{\"kind\": \"%s\", \"step\": %" PRId64 ", \"epoch\": %" PRId64, kind, step,
            epoch);
    for (size_t i = 0; i < count; i++)
        if (isfinite(values[i].value))
            fprintf(out, ", \"%s\": %.9g", values[i].name, values[i].value);
        else
            fprintf(out, ", \"%s\": null", values[i].name);
    fputs("}\n", out);
    if (fclose(out) == 0)
        return line;
    free(line);
    return NULL;
}

bool lg_training_log_write(lg_training_log *log, const char *kind, int64_t step, int64_t epoch,
                           const lg_logged *values, size_t count, lg_error *e)
{
    size_t size = 0;
    char *line = print_line(kind, step, epoch, values, count, &size);
    bool good =
        line ? append(log, line, size, e) : lg_fail(e, "%s: no memory for a line", log->path);
    free(line);
    double now = wall_time();
    for (size_t i = 0; good && i < count; i++) {
        char tag[128];
        snprintf(tag, sizeof tag, "%s/%s", kind, values[i].name);
        good = lg_event_scalar(log->events, now, step, tag, (float)values[i].value, e);
    }
    return good;
}

bool lg_training_log_matrix(lg_training_log *log, const char *tag, int64_t step,
                            const float *values, int rows, int columns, lg_error *e)
{
    float lowest = values[0], highest = values[0];
    for (size_t i = 1; i < (size_t)rows * (size_t)columns; i++) {
        lowest = fminf(lowest, values[i]);
        highest = fmaxf(highest, values[i]);
    }
    return lg_event_matrix(log->events, wall_time(), step, tag, values, rows, columns, lowest,
                           highest, e);
}
