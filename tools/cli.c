// Shared by the commands.
#include "tools/cli.h"

#include "ir/nearest.h"
#include "runtime/atomic_file.h"
#include "runtime/read_file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LONGEST_TEXT = 1 << 30 };

const char *lg_version(void)
{
    return LGPNC_VERSION;
}

char *lg_cli_read(const char *path, size_t *length, lg_diag *diag)
{
    lg_error error;
    char *text = (char *)lg_file_read(path, LONGEST_TEXT, length, &error);
    if (text)
        lg_diag_add_source(diag, path, text, *length);
    else
        lg_cli_fail(diag, &error);
    return text;
}

bool lg_cli_write(const char *path, void (*print)(const void *what, FILE *out), const void *what,
                  lg_diag *diag)
{
    lg_error error;
    lg_atomic_file out;
    if (!lg_atomic_open(&out, path ? path : "-", 0666, &error))
        return lg_cli_fail(diag, &error);
    print(what, out.stream);
    return lg_atomic_commit(&out, &error) || lg_cli_fail(diag, &error);
}

bool lg_cli_flush(const char *what, lg_diag *diag)
{
    return (fflush(stdout) == 0 && !ferror(stdout)) ||
           lg_error_at(diag, (lg_location){0}, "standard output: cannot write %s", what);
}

bool lg_cli_can_write(const char *path, lg_diag *diag)
{
    lg_error error;
    lg_atomic_file out;
    struct stat about;
    if (stat(path, &about) == 0 && !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode))
        return true;
    if (!lg_atomic_open(&out, path, 0666, &error))
        return lg_cli_fail(diag, &error);
    lg_atomic_abort(&out);
    return true;
}

int lg_cli_finish(lg_diag *diag, bool ok)
{
    ok &= lg_diag_errors(diag) == 0;
    lg_diag_print(diag, stderr);
    lg_diag_free(diag);
    return ok ? LG_EXIT_OK : LG_EXIT_INPUT;
}

bool lg_cli_fail(lg_diag *diag, const lg_error *error)
{
    return lg_error_at(diag, (lg_location){0}, "%s", error->message);
}

lg_dataset *lg_cli_open_dataset(const lg_dataset_options *options, lg_diag *diag)
{
    lg_error error;
    lg_dataset *dataset = lg_dataset_open(options, &error);
    if (!dataset)
        lg_cli_fail(diag, &error);
    for (size_t i = 0; dataset && i < dataset->warning_count; i++)
        lg_warning_at(diag, (lg_location){0}, "%s", dataset->warnings[i]);
    return dataset;
}

const lg_target *lg_cli_target(struct argp_state *state, const char *name)
{
    const lg_target *target = lg_target_find(name);
    lg_nearest nearest = {.wanted = name};
    if (target)
        return target;
    for (int i = 0; (target = lg_target_at(i)); i++)
        lg_nearest_consider(&nearest, target->name);
    if (nearest.name)
        argp_error(state, "there is no target `%s`; did you mean `%s`?", name, nearest.name);
    else
        argp_error(state, "there is no target `%s`; `lgpnc opt --list` shows them", name);
    return NULL;
}
