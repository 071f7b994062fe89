#include "tools/zoo_folder.h"

#include "runtime/atomic_file.h"
#include "runtime/grey_png.h"
#include "runtime/read_file.h"
#include "tools/cli.h"
#include "tools/folder.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_RECORD = 1 << 16 };

static bool fail(const char *path, const char *what, lg_diag *diag)
{
    return lg_error_at(diag, (lg_location){.file = path}, "%s: %s", what, strerror(errno));
}

__attribute__((format(printf, 2, 3))) static char *path_in(const lg_zoo_folder *folder,
                                                           const char *format, ...)
{
    char *name = NULL, *path = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&name, format, args) < 0)
        name = NULL;
    va_end(args);
    if (!name || asprintf(&path, "%s/%s", folder->path, name) < 0)
        path = NULL;
    free(name);
    return path;
}

// ---- opening

static bool is_empty(const char *path)
{
    DIR *entries = opendir(path);
    bool empty = true;
    for (struct dirent *entry; entries && (entry = readdir(entries));)
        empty &= strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (entries)
        closedir(entries);
    return empty;
}

static char *read_text(const char *path)
{
    size_t size;
    unsigned char *bytes =
        access(path, F_OK) == 0 ? lg_file_read(path, MOST_RECORD, &size, NULL) : NULL;
    char *text = bytes ? strndup((char *)bytes, size) : NULL;
    free(bytes);
    return text;
}

static bool write_text(const char *path, const char *text, lg_diag *diag)
{
    lg_error error;
    return lg_atomic_write_file(path, 0666, text, strlen(text), &error) ||
           lg_cli_fail(diag, &error);
}

// What was begun with other settings would be a mixture.
static bool check_settings(const lg_zoo_folder *folder, const char *settings, lg_diag *diag)
{
    char *path = path_in(folder, ".zoo/settings"), *inner = path_in(folder, ".zoo");
    char *before = path ? read_text(path) : NULL;
    bool good = path && inner;
    if (!good)
        lg_error_at(diag, (lg_location){0}, "no memory");
    else if (before && strcmp(before, settings) != 0)
        good = lg_error_at(diag, (lg_location){.file = folder->path},
                           "a zoo is here already, made with other settings; take another folder, "
                           "or the same settings to go on\n  there: %s\n  now:   %s",
                           before, settings);
    else if (!before && !is_empty(folder->path) && access(inner, F_OK) != 0)
        good = lg_error_at(diag, (lg_location){.file = folder->path},
                           "is not empty; take an empty folder or a new one");
    else if (!before)
        good = lg_folder_make(inner, diag) && write_text(path, settings, diag);
    free(before);
    free(path);
    free(inner);
    return good;
}

bool lg_zoo_folder_open(lg_zoo_folder *folder, const char *path, const char *settings,
                        lg_diag *diag)
{
    *folder = (lg_zoo_folder){.path = path};
    folder->fd = lg_folder_lock(path, "another `lgpnc zoo make'", diag);
    if (folder->fd < 0)
        return false;
    // Under the lock nobody else writes here: every temporary is of somebody who was killed.
    (void)lg_folder_sweep(path, ".lg-", "");
    return check_settings(folder, settings, diag);
}

void lg_zoo_folder_close(lg_zoo_folder *folder)
{
    if (folder->fd >= 0)
        close(folder->fd);
    folder->fd = -1;
}

// ---- records: a line a network, "left out TAB reason", the last one "made TAB loss"

static bool parse_record(char *text, lg_zoo_record *record)
{
    for (char *line; (line = strsep(&text, "\n")) && *line;) {
        char *value = strchr(line, '\t');
        if (!value || record->attempt >= LG_ZOO_ATTEMPTS)
            return false;
        *value++ = '\0';
        if (strcmp(line, "made") == 0) {
            record->loss = strtof(value, NULL);
            record->made = true;
            return true;
        }
        snprintf(record->reasons[record->attempt++], sizeof record->reasons[0], "%s", value);
    }
    return record->attempt > 0;
}

bool lg_zoo_record_read(const lg_zoo_folder *folder, const char *name, lg_zoo_record *record)
{
    char *path = path_in(folder, ".zoo/%s", name), *images = path_in(folder, "%s", name);
    char *text = path ? read_text(path) : NULL;
    *record = (lg_zoo_record){0};
    bool good = text && images && parse_record(text, record) &&
                (!record->made || access(images, F_OK) == 0);
    if (!good)
        *record = (lg_zoo_record){0};
    free(text);
    free(images);
    free(path);
    return good;
}

bool lg_zoo_record_write(const lg_zoo_folder *folder, const char *name, const lg_zoo_record *record,
                         lg_diag *diag)
{
    char *text = NULL, *path = path_in(folder, ".zoo/%s", name);
    size_t length;
    FILE *out = open_memstream(&text, &length);
    for (int i = 0; out && i < record->attempt; i++)
        fprintf(out, "left out\t%s\n", record->reasons[i]);
    if (out && record->made)
        fprintf(out, "made\t%.9g\n", (double)record->loss);
    bool good = out && fclose(out) == 0 && path && write_text(path, text, diag);
    if (!path || !out)
        lg_error_at(diag, (lg_location){0}, "no memory");
    free(text);
    free(path);
    return good;
}

// ---- images

static bool write_image(const char *folder, size_t i, const uint8_t *rgb, int size, lg_diag *diag)
{
    char path[4200];
    size_t bytes;
    uint8_t *png = lg_rgb_png(rgb, (uint32_t)size, (uint32_t)size, &bytes);
    if (!png)
        return lg_error_at(diag, (lg_location){0}, "no memory");
    if (snprintf(path, sizeof path, "%s/%05zu.png", folder, i) >= (int)sizeof path) {
        free(png);
        return lg_error_at(diag, (lg_location){.file = folder}, "the name is too long");
    }
    FILE *out = fopen(path, "wb"); // in a folder that is renamed when it is whole
    bool good = out && fwrite(png, 1, bytes, out) == bytes;
    good = (out ? fclose(out) == 0 : false) && good;
    free(png);
    return good || fail(path, "cannot be written", diag);
}

bool lg_zoo_write_images(const lg_zoo_folder *folder, const char *name, const uint8_t *rgb,
                         size_t count, int size, lg_diag *diag)
{
    char *temporary = path_in(folder, ".lg-%ld-%s", (long)getpid(), name);
    char *target = path_in(folder, "%s", name);
    size_t bytes = (size_t)size * (size_t)size * 3;
    bool good = temporary && target ? lg_folder_make(temporary, diag)
                                    : lg_error_at(diag, (lg_location){0}, "no memory");
    for (size_t i = 0; good && i < count; i++)
        good = write_image(temporary, i, rgb + i * bytes, size, diag);
    if (good) {
        (void)lg_folder_remove(folder->fd, name);
        good = rename(temporary, target) == 0 || fail(target, "cannot be made", diag);
    }
    if (!good && temporary)
        (void)lg_folder_remove(folder->fd, strrchr(temporary, '/') + 1);
    free(temporary);
    free(target);
    return good;
}

// ---- tables

static void print_header(FILE *out)
{
    fputs("name\tfamily", out);
    for (int i = 0; i < LG_ARCHITECTURE_VALUES; i++)
        fprintf(out, "\t%s", lg_architecture_column(i));
    for (int i = 0; i < LG_LOSSES; i++)
        fprintf(out, "\t%s", lg_loss_column(i));
    fputs("\tcv_set\n", out);
}

static void print_row(const lg_zoo_model *model, const lg_model_facts *facts, FILE *out)
{
    fprintf(out, "%s\t%s", model->name, model->family);
    for (int i = 0; i < LG_ARCHITECTURE_VALUES; i++)
        fprintf(out, "\t%" PRId64, facts->architecture[i]);
    for (int i = 0; i < LG_LOSSES; i++)
        fprintf(out, "\t%d", facts->losses[i]);
    fprintf(out, "\t%d\n", model->fold);
}

typedef struct tables {
    const lg_zoo_plan *plan;
    const lg_zoo_record *records;
} tables;

static void print_labels(const void *what, FILE *out)
{
    const tables *t = what;
    print_header(out);
    for (int i = 0; i < t->plan->count; i++)
        if (t->records[i].made)
            print_row(&t->plan->models[i],
                      &t->plan->models[i].attempts[t->records[i].attempt].facts, out);
}

static void print_networks(const void *what, FILE *out)
{
    const tables *t = what;
    fputs("name\tnetwork\tloss\n", out);
    for (int i = 0; i < t->plan->count; i++)
        if (t->records[i].made)
            fprintf(out, "%s\t%s\t%.6g\n", t->plan->models[i].name,
                    t->plan->models[i].attempts[t->records[i].attempt].spec,
                    (double)t->records[i].loss);
}

bool lg_zoo_write_tables(const lg_zoo_folder *folder, const lg_zoo_plan *plan,
                         const lg_zoo_record *records, lg_diag *diag)
{
    const tables what = {plan, records};
    char *labels = path_in(folder, "labels.tsv"), *networks = path_in(folder, "networks.tsv");
    bool good = labels && networks ? lg_cli_write(labels, print_labels, &what, diag) &&
                                         lg_cli_write(networks, print_networks, &what, diag)
                                   : lg_error_at(diag, (lg_location){0}, "no memory");
    free(labels);
    free(networks);
    return good;
}
