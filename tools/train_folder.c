#include "tools/train_folder.h"

#include "tools/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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
    folder->fd = lg_folder_lock(path, "another training", diag);
    if (folder->fd < 0)
        return false;
    // Under the lock nobody else writes here: temporary files are of somebody who was killed.
    (void)lg_folder_sweep(path, ".lg-", ".tmp");
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
