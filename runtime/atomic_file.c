// Write beside the target, fsync, rename: a reader sees the old file or the new one, also after
// a crash. The temporary is created with O_EXCL and its final permissions, so there is no moment
// at which the file is visible with others.
#include "runtime/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// The descriptor that a path is another name of, or -1. Opening such a path anew would start at
// the beginning of a redirected file, over what was printed before.
static int standard_descriptor(const char *path)
{
    if (strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0)
        return STDOUT_FILENO;
    if (strcmp(path, "/dev/stderr") == 0)
        return STDERR_FILENO;
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        size_t length = strlen(folders[i]);
        char *end;
        if (strncmp(path, folders[i], length) == 0) {
            long fd = strtol(path + length, &end, 10);
            return *end == '\0' && fd >= 0 && fd < 1 << 20 ? (int)fd : -1;
        }
    }
    return -1;
}

// A new file in the folder of the target; its short name fits wherever the target's does.
static int create_temporary(lg_atomic_file *file, mode_t mode)
{
    const char *slash = strrchr(file->target, '/');
    int folder = slash ? (int)(slash - file->target) + 1 : 0;
    for (int attempt = 0; attempt < 1000; attempt++) {
        char *name;
        if (asprintf(&name, "%.*s.lg-%ld-%d.tmp", folder, file->target, (long)getpid(), attempt) <
            0) {
            errno = ENOMEM;
            return -1;
        }
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (fd >= 0) {
            file->temporary = name;
            return fd;
        }
        int reason = errno;
        free(name);
        errno = reason;
        if (reason != EEXIST)
            return -1;
    }
    return -1;
}

static int open_output(lg_atomic_file *file, mode_t mode)
{
    int standard = standard_descriptor(file->target);
    if (standard >= 0)
        return fcntl(standard, F_DUPFD_CLOEXEC, 3);
    struct stat info;
    if (stat(file->target, &info) == 0) {
        if (S_ISDIR(info.st_mode)) {
            errno = EISDIR;
            return -1;
        }
        if (!S_ISREG(info.st_mode))
            return open(file->target, O_WRONLY | O_CLOEXEC);
        char *resolved = realpath(file->target, NULL);
        if (!resolved)
            return -1;
        free(file->target);
        file->target = resolved;
        // rename() needs no right to write the file it replaces; a read-only file is meant.
        if (access(file->target, W_OK) != 0)
            return -1;
    }
    return create_temporary(file, mode);
}

static bool release(lg_atomic_file *file)
{
    free(file->target);
    free(file->temporary);
    *file = (lg_atomic_file){0};
    return false;
}

bool lg_atomic_open(lg_atomic_file *file, const char *path, mode_t mode, lg_error *e)
{
    *file = (lg_atomic_file){.target = strdup(path)};
    int fd = -1;
    errno = *path ? 0 : ENOENT;
    if (file->target && *path)
        fd = open_output(file, mode);
    if (fd >= 0)
        file->stream = fdopen(fd, "wb");
    if (file->stream)
        return true;
    lg_fail(e, "%s: cannot write: %s%s", path, strerror(errno ? errno : ENOMEM),
            errno == ENOENT && *path ? "; make the folder first" : "");
    if (fd >= 0)
        close(fd);
    if (file->temporary)
        unlink(file->temporary);
    return release(file);
}

bool lg_atomic_write(lg_atomic_file *file, const void *bytes, size_t size, lg_error *e)
{
    if (size == 0 || fwrite(bytes, 1, size, file->stream) == size)
        return true;
    return lg_fail(e, "%s: cannot write: %s", file->target, strerror(errno));
}

// Makes the rename itself survive a crash. Best effort: the data is safe already.
static void sync_folder(const char *target)
{
    const char *slash = strrchr(target, '/');
    char *folder = slash ? strndup(target, (size_t)(slash - target) + 1) : strdup(".");
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        (void)!fsync(fd);
        close(fd);
    }
    free(folder);
}

bool lg_atomic_commit(lg_atomic_file *file, lg_error *e)
{
    bool ok = fflush(file->stream) == 0 && !ferror(file->stream);
    if (ok && file->temporary)
        ok = fsync(fileno(file->stream)) == 0 || errno == EINVAL || errno == EROFS;
    int reason = ok ? 0 : errno;
    if (fclose(file->stream) != 0 && ok) {
        ok = false;
        reason = errno;
    }
    if (ok && file->temporary && rename(file->temporary, file->target) != 0) {
        ok = false;
        reason = errno;
    }
    if (!ok) {
        lg_fail(e, "%s: cannot write: %s", file->target, strerror(reason ? reason : EIO));
        if (file->temporary)
            unlink(file->temporary);
    } else if (file->temporary) {
        sync_folder(file->target);
    }
    release(file);
    return ok;
}

bool lg_atomic_abort(lg_atomic_file *file)
{
    if (file->stream)
        fclose(file->stream);
    if (file->temporary)
        unlink(file->temporary);
    return release(file);
}

bool lg_atomic_write_file(const char *path, mode_t mode, const void *bytes, size_t size,
                          lg_error *e)
{
    lg_atomic_file file;
    if (!lg_atomic_open(&file, path, mode, e))
        return false;
    if (!lg_atomic_write(&file, bytes, size, e))
        return lg_atomic_abort(&file);
    return lg_atomic_commit(&file, e);
}
