// A walk that survives what users have on their disks: links in circles, folders that are called
// like images, pipes. Whether a file is an image is told by its name here and by its content when
// it is decoded.
#include "runtime/image_files.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { DEEPEST = 64 };

// A folder that is being read, and those around it.
typedef struct level {
    const struct level *above;
    dev_t device;
    ino_t inode;
    int depth;
} level;

static bool is_above(const level *l, const struct stat *about)
{
    for (; l; l = l->above)
        if (l->device == about->st_dev && l->inode == about->st_ino)
            return true;
    return false;
}

static bool has_image_name(const char *name)
{
    static const char *const extensions[] = {".jpg", ".jpeg", ".png"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof extensions / sizeof *extensions; i++)
        if (strcasecmp(dot, extensions[i]) == 0)
            return true;
    return false;
}

static bool add(lg_file_list *list, const char *path, lg_error *e)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 256;
        char **paths = realloc(list->paths, capacity * sizeof *paths);
        if (!paths)
            return lg_fail(e, "%s: no memory for %zu names", path, capacity);
        list->paths = paths;
        list->capacity = capacity;
    }
    list->paths[list->count] = strdup(path);
    if (!list->paths[list->count])
        return lg_fail(e, "%s: no memory for its name", path);
    list->count++;
    return true;
}

static bool read_folder(const char *path, const level *above, lg_file_list *list, lg_error *e);

static bool visit(const char *path, const char *name, const level *here, lg_file_list *list,
                  lg_error *e)
{
    struct stat about;
    bool known = stat(path, &about) == 0;
    if (known && S_ISDIR(about.st_mode)) {
        if (is_above(here, &about))
            return true;
        if (here->depth >= DEEPEST)
            return lg_fail(e, "%s: folders are nested more than %d deep", path, DEEPEST);
        return read_folder(path, here, list, e);
    }
    // A link to nothing is kept: it will be reported as an image that cannot be read.
    bool is_image = has_image_name(name) && (!known || S_ISREG(about.st_mode));
    list->others += !is_image;
    return !is_image || add(list, path, e);
}

static bool read_entries(DIR *folder, const char *path, const level *here, lg_file_list *list,
                         lg_error *e)
{
    size_t length = strlen(path);
    const char *slash = length > 0 && path[length - 1] == '/' ? "" : "/";
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(folder);
        if (!entry)
            return errno == 0 ||
                   lg_fail(e, "%s: cannot read the folder: %s", path, strerror(errno));
        if (entry->d_name[0] == '.')
            continue;
        char *inner;
        if (asprintf(&inner, "%s%s%s", path, slash, entry->d_name) < 0)
            return lg_fail(e, "%s: no memory for the names in it", path);
        bool good = visit(inner, entry->d_name, here, list, e);
        free(inner);
        if (!good)
            return false;
    }
}

static bool read_folder(const char *path, const level *above, lg_file_list *list, lg_error *e)
{
    struct stat about;
    DIR *folder = opendir(path);
    if (!folder)
        return lg_fail(e, "%s: cannot open the folder: %s", path, strerror(errno));
    int fd = dirfd(folder);
    assert(fd >= 0);
    bool good = fstat(fd, &about) == 0 ||
                lg_fail(e, "%s: cannot read the folder: %s", path, strerror(errno));
    const level here = {above, about.st_dev, about.st_ino, above ? above->depth + 1 : 0};
    good = good && read_entries(folder, path, &here, list, e);
    closedir(folder);
    return good;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

bool lg_image_files(const char *folder, lg_file_list *list, lg_error *e)
{
    if (!read_folder(folder, NULL, list, e))
        return false;
    if (list->count > 0)
        qsort(list->paths, list->count, sizeof *list->paths, by_bytes);
    return true;
}

void lg_file_list_free(lg_file_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->paths[i]);
    free(list->paths);
    *list = (lg_file_list){0};
}
