#include "tests/support/temporary.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <check.h>

lg_temporary lg_temporary_new(void)
{
    lg_temporary t = {.folder = "/tmp/lgpnc-test-XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(t.folder));
    return t;
}

const char *lg_temporary_path(lg_temporary *t, const char *name)
{
    snprintf(t->path, sizeof t->path, "%s/%s", t->folder, name);
    return t->path;
}

const char *lg_temporary_write(lg_temporary *t, const char *name, const void *bytes, size_t size)
{
    FILE *file = fopen(lg_temporary_path(t, name), "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(size ? fwrite(bytes, 1, size, file) : 0, size);
    ck_assert_int_eq(fclose(file), 0);
    return t->path;
}

const char *lg_temporary_folder(lg_temporary *t, const char *name)
{
    ck_assert_int_eq(mkdir(lg_temporary_path(t, name), 0777), 0);
    return t->path;
}

int lg_temporary_count(const lg_temporary *t)
{
    int count = 0;
    DIR *folder = opendir(t->folder);
    ck_assert_ptr_nonnull(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(folder);
    return count;
}

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

void lg_temporary_free(lg_temporary *t)
{
    (void)nftw(t->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
