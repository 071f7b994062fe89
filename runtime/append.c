// What a full disk took of a piece is cut off again, so that what comes later begins where it
// should.
#include "runtime/append.h"

#include <errno.h>
#include <unistd.h>

static bool write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written == 0)
            errno = ENOSPC;
        if (written <= 0)
            return false;
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

bool lg_file_append(int fd, const void *bytes, size_t size)
{
    off_t end = lseek(fd, 0, SEEK_CUR);
    if (write_all(fd, bytes, size))
        return true;
    int reason = errno;
    if (end >= 0 && ftruncate(fd, end) == 0)
        lseek(fd, end, SEEK_SET);
    errno = reason;
    return false;
}
