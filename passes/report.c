// Files are written beside their place and renamed, so that nobody reads half of one.
#include "passes/report.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

bool lg_list_has(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list; at && *at;) {
        at += strspn(at, ", ");
        size_t item = strcspn(at, ", ");
        if (item == length && memcmp(at, name, length) == 0)
            return true;
        at += item;
    }
    return false;
}

static void print_unit(const lg_unit *unit, FILE *out)
{
    if (unit->program)
        lg_print_program(unit->program, out);
    else
        lg_print_module(unit->module, out);
}

static bool write_file(const lg_unit *unit, const char *path, const char *temporary, lg_diag *diag)
{
    FILE *out = fopen(temporary, "w");
    bool ok = out != NULL;
    if (out) {
        print_unit(unit, out);
        ok = !ferror(out);
        ok &= fclose(out) == 0;
        ok = ok && rename(temporary, path) == 0;
    }
    if (ok)
        return true;
    int error = errno;
    if (out)
        remove(temporary);
    return lg_error_at(diag, (lg_location){0}, "cannot write %s: %s", path, strerror(error));
}

static bool dump(const lg_unit *unit, int number, const char *name, const char *folder,
                 lg_diag *diag)
{
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return lg_error_at(diag, (lg_location){0}, "cannot make the folder %s: %s", folder,
                           strerror(errno));
    lg_arena *scratch = lg_arena_new();
    const char *path =
        lg_format(scratch, "%s/%02d-%s.%s", folder, number, name, unit->program ? "kir" : "ir");
    bool ok = write_file(unit, path, lg_format(scratch, "%s.tmp", path), diag);
    lg_arena_free(scratch);
    return ok;
}

bool lg_report_unit(const lg_unit *unit, int number, const char *name, int changes,
                    const lg_pipeline_options *options, lg_diag *diag)
{
    if (options->dump_dir)
        return dump(unit, number, name, options->dump_dir, diag);
    FILE *out = options->print_to ? options->print_to : stderr;
    fprintf(out, "// ---- %d. after %s: %d change%s\n", number, name, changes,
            changes == 1 ? "" : "s");
    print_unit(unit, out);
    return true;
}

int lg_unit_ops(const lg_unit *unit)
{
    int ops = 0;
    LG_FOR_FUNCTIONS (f, unit->module)
        LG_FOR_OPS (op, f)
            ops++;
    return ops;
}

void lg_report_timing(const lg_pass_timing *rows, int count, FILE *out)
{
    double total = 0;
    fprintf(out, "%-20s %10s %9s %9s %9s\n", "pass", "ms", "changes", "ops", "after");
    for (int i = 0; i < count; i++) {
        fprintf(out, "%-20s %10.2f %9d %9d %9d\n", rows[i].name, rows[i].seconds * 1e3,
                rows[i].changes, rows[i].ops_before, rows[i].ops_after);
        total += rows[i].seconds;
    }
    fprintf(out, "%-20s %10.2f\n", "total", total * 1e3);
}
