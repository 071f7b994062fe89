#include "tools/train_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(const char *path, const char *what, int reason, lg_diag *diag)
{
    return lg_error_at(diag, (lg_location){.file = path}, "%s: %s%s", what, strerror(reason),
                       reason == ENOENT ? "; make the folder above it first" : "");
}

static bool open_and_lock(lg_train_folder *folder, lg_diag *diag)
{
    if (mkdir(folder->path, 0777) != 0 && errno != EEXIST)
        return fail(folder->path, "cannot be made a folder", errno, diag);
    folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->fd < 0)
        return fail(folder->path, "cannot be opened", errno, diag);
    if (flock(folder->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return true; // a file system without locks does without
    return lg_error_at(diag, (lg_location){.file = folder->path},
                       "another training is at work in this folder");
}

// Under the lock nobody else writes here, so every temporary file is of somebody who was killed.
static void sweep(const lg_train_folder *folder)
{
    DIR *entries = opendir(folder->path);
    if (!entries)
        return;
    for (struct dirent *entry; (entry = readdir(entries));) {
        size_t length = strlen(entry->d_name);
        if (strncmp(entry->d_name, ".lg-", 4) == 0 && length > 4 &&
            strcmp(entry->d_name + length - 4, ".tmp") == 0)
            (void)unlinkat(folder->fd, entry->d_name, 0);
    }
    closedir(entries);
}

static char *file_in(const char *folder, const char *name)
{
    char *path;
    return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

bool lg_train_folder_open(lg_train_folder *folder, const char *path, bool debug, lg_diag *diag)
{
    *folder = (lg_train_folder){.fd = -1};
    if (asprintf(&folder->path, "%s%s", path, debug ? ".debug" : "") < 0)
        folder->path = NULL;
    path = folder->path ? folder->path : "";
    folder->last = file_in(path, "last.safetensors");
    folder->best = file_in(path, "best.safetensors");
    folder->config = file_in(path, "config.json");
    if (!folder->path || !folder->last || !folder->best || !folder->config)
        return lg_error_at(diag, (lg_location){0}, "no memory");
    if (!open_and_lock(folder, diag))
        return false;
    sweep(folder);
    folder->has_last = access(folder->last, F_OK) == 0;
    return true;
}

void lg_train_folder_free(lg_train_folder *folder)
{
    if (folder->fd >= 0)
        close(folder->fd);
    free(folder->path);
    free(folder->last);
    free(folder->best);
    free(folder->config);
}
