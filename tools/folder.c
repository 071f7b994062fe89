#include "tools/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(const char *path, const char *what, int reason, lg_diag *diag)
{
    return lg_error_at(diag, (lg_location){.file = path}, "%s: %s%s", what, strerror(reason),
                       reason == ENOENT ? "; make the one above it first" : "");
}

bool lg_folder_make(const char *path, lg_diag *diag)
{
    struct stat about;
    if (mkdir(path, 0777) == 0)
        return true;
    int reason = errno;
    if (reason == EEXIST && stat(path, &about) == 0 && S_ISDIR(about.st_mode))
        return true;
    return fail(path, "cannot be made a folder", reason, diag);
}

int lg_folder_lock(const char *path, const char *worker, lg_diag *diag)
{
    if (!lg_folder_make(path, diag))
        return -1;
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        fail(path, "cannot be opened", errno, diag);
    if (folder < 0 || flock(folder, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return folder; // a file system without locks does without
    close(folder);
    lg_error_at(diag, (lg_location){.file = path}, "%s is at work in this folder", worker);
    return -1;
}

// ---- removing

static bool is_called(const char *name, const char *prefix, const char *suffix)
{
    size_t length = strlen(name), head = strlen(prefix), tail = strlen(suffix);
    return strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && length >= head + tail &&
           strncmp(name, prefix, head) == 0 && strcmp(name + length - tail, suffix) == 0;
}

static bool remove_file(int folder, const char *name)
{
    return unlinkat(folder, name, 0) == 0;
}

// Calls `remove` with the folder, which it closes, and each such name in it. False if one of the
// calls says that something is left.
static bool remove_each(int folder, const char *prefix, const char *suffix,
                        bool (*remove)(int folder, const char *name))
{
    DIR *entries = fdopendir(folder);
    if (!entries) {
        close(folder);
        return false;
    }
    bool clean = true;
    for (struct dirent *entry; (entry = readdir(entries));)
        if (is_called(entry->d_name, prefix, suffix))
            clean = remove(folder, entry->d_name) && clean;
    closedir(entries);
    return clean;
}

bool lg_folder_remove(int folder, const char *name)
{
    if (remove_file(folder, name))
        return true;
    int inner = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return inner >= 0 && remove_each(inner, "", "", remove_file) &&
           unlinkat(folder, name, AT_REMOVEDIR) == 0;
}

bool lg_folder_sweep(const char *path, const char *prefix, const char *suffix)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return folder < 0 || remove_each(folder, prefix, suffix, lg_folder_remove);
}
