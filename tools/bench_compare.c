// Two runs name their kernels differently as soon as a pass does something else: the numbers in
// conv2d_45 count. What stays is the first word and the label, the tensor that the first launch
// computes. So a row is the same as a former one of that word and label, of the same name if there
// are several.
#include "tools/bench_compare.h"

#include "runtime/read_file.h"
#include "tools/cli.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_FILE = 64 << 20 };

typedef struct former_row {
    const char *kernel, *label;
    double seconds;
    bool taken;
} former_row;

struct lg_former {
    json_t *json; // owns the names
    double median;
    former_row *rows;
    size_t count;
};

// ---- reading

static bool read_row(json_t *object, former_row *row)
{
    double milliseconds = 0;
    if (json_unpack(object, "{s:s, s:s, s:F}", "kernel", &row->kernel, "label", &row->label, "ms",
                    &milliseconds) != 0)
        return false;
    row->seconds = 1e-3 * milliseconds;
    return true;
}

static bool read_rows(lg_former *f, const char *path, lg_diag *diag)
{
    lg_location file = {.file = path};
    double milliseconds = 0;
    json_t *kernels = NULL;
    if (json_unpack(f->json, "{s:F, s:o}", "median_ms", &milliseconds, "kernels", &kernels) != 0 ||
        !json_is_array(kernels))
        return lg_error_at(diag, file, "this is not what `lgpnc bench --json` writes");
    f->median = 1e-3 * milliseconds;
    f->count = json_array_size(kernels);
    f->rows = calloc(f->count + 1, sizeof *f->rows);
    if (!f->rows)
        return lg_error_at(diag, file, "no memory");
    for (size_t i = 0; i < f->count; i++)
        if (!read_row(json_array_get(kernels, i), &f->rows[i]))
            return lg_error_at(diag, file, "kernel %zu has no \"kernel\", \"label\" or \"ms\"", i);
    return true;
}

lg_former *lg_former_read(const char *path, lg_diag *diag)
{
    lg_error error;
    json_error_t fault;
    size_t size;
    unsigned char *text = lg_file_read(path, LARGEST_FILE, &size, &error);
    if (!text) {
        lg_cli_fail(diag, &error);
        return NULL;
    }
    lg_former *f = calloc(1, sizeof *f);
    if (f)
        f->json = json_loadb((const char *)text, size, 0, &fault);
    free(text);
    bool good = f && (f->json ? read_rows(f, path, diag)
                              : lg_error_at(diag, (lg_location){path, fault.line, fault.column},
                                            "no JSON: %s", fault.text));
    if (good)
        return f;
    lg_former_free(f);
    return NULL;
}

void lg_former_free(lg_former *former)
{
    if (!former)
        return;
    json_decref(former->json);
    free(former->rows);
    free(former);
}

// ---- comparing

static bool is_same(const former_row *former, const lg_bench_row *row, bool by_name)
{
    int word = lg_bench_word(row->kernel);
    return !former->taken && strcmp(former->label, row->label) == 0 &&
           (by_name ? strcmp(former->kernel, row->kernel) == 0
                    : word == lg_bench_word(former->kernel) &&
                          strncmp(former->kernel, row->kernel, (size_t)word) == 0);
}

void lg_former_compare(lg_former *former, lg_bench_result *result)
{
    for (size_t j = 0; j < former->count; j++)
        former->rows[j].taken = false;
    for (int by_name = 1; by_name >= 0; by_name--)
        for (int i = 0; i < result->count; i++)
            for (size_t j = 0; result->rows[i].former <= 0 && j < former->count; j++)
                if (is_same(&former->rows[j], &result->rows[i], by_name)) {
                    result->rows[i].former = former->rows[j].seconds;
                    former->rows[j].taken = true;
                }
    for (size_t j = 0; j < former->count; j++)
        result->all.former += former->rows[j].seconds;
    result->former_median = former->median;
}
