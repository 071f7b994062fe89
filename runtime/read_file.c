// One loop for regular files and pipes: the buffer starts at the size that the system reports,
// which is a hint only, and doubles until the end is reached.
#include "runtime/read_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned char *read_all(int fd, const char *path, size_t hint, size_t limit, size_t *size,
                               lg_error *e)
{
    size_t capacity = hint < limit ? hint + 2 : limit + 2, used = 0;
    unsigned char *bytes = malloc(capacity);
    while (bytes) {
        ssize_t got = read(fd, bytes + used, capacity - 1 - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            lg_fail(e, "%s: cannot read: %s", path, strerror(errno));
            break;
        }
        used += (size_t)got;
        if (used > limit) {
            lg_fail(e, "%s: longer than the %zu bytes that are read at most", path, limit);
            break;
        }
        if (got == 0) {
            bytes[used] = 0;
            *size = used;
            return bytes;
        }
        if (used + 1 == capacity) {
            capacity = capacity < limit / 2 ? capacity * 2 : limit + 2;
            unsigned char *larger = realloc(bytes, capacity);
            if (!larger) {
                lg_fail(e, "%s: no memory for %zu bytes", path, capacity);
                break;
            }
            bytes = larger;
        }
    }
    if (!bytes)
        lg_fail(e, "%s: no memory for %zu bytes", path, capacity);
    free(bytes);
    return NULL;
}

unsigned char *lg_file_read(const char *path, size_t limit, size_t *size, lg_error *e)
{
    bool standard_input = strcmp(path, "-") == 0;
    int fd = standard_input ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (fd < 0) {
        lg_fail(e, "%s: cannot open: %s", path, strerror(errno));
        return NULL;
    }
    unsigned char *bytes = NULL;
    if (fstat(fd, &info) != 0)
        lg_fail(e, "%s: cannot read: %s", path, strerror(errno));
    else if (S_ISDIR(info.st_mode))
        lg_fail(e, "%s: is a folder; name a file in it", path);
    else
        bytes = read_all(fd, path, S_ISREG(info.st_mode) ? (size_t)info.st_size : 65536, limit,
                         size, e);
    close(fd);
    return bytes;
}
