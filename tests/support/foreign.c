#include "tests/support/foreign.h"

#include "codegen/codegen.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static bool command(const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    return system(line) == 0;
}

bool lg_foreign_runs(const lg_target *target)
{
    return strcmp(target->name, "aarch64") == 0 &&
           command("command -v aarch64-linux-gnu-gcc qemu-aarch64 >/dev/null");
}

static bool emit(const lg_program *program, const lg_target *target, const char *path, FILE *faults)
{
    lg_diag *diag = lg_diag_new();
    lg_cpu_target cpu;
    lg_codegen_options options = {
        .prefix = "test", .model = "test", .compiler = "test", .target = &cpu};
    bool ok = lg_cpu_target_resolve(&cpu, target->name, NULL, diag) &&
              lg_emit_object(program, &options, path, NULL, diag);
    lg_diag_print(diag, faults);
    lg_diag_free(diag);
    return ok;
}

bool lg_foreign_new(lg_foreign *foreign, const lg_program *program, const lg_target *target,
                    FILE *faults)
{
    foreign->folder = lg_temporary_new();
    const char *folder = foreign->folder.folder;
    char object[128];
    snprintf(object, sizeof object, "%s/test.o", folder);
    return emit(program, target, object, faults) &&
           (command("aarch64-linux-gnu-gcc -O1 -std=c17 -D_GNU_SOURCE -DARTIFACT=test_artifact "
                    "-I%s/.. -static -pthread %s/cross/driver.c %s/../runtime/threads.c %s -lm "
                    "-o %s/driver",
                    LGPNC_TESTS_DIR, LGPNC_TESTS_DIR, LGPNC_TESTS_DIR, object, folder) ||
            fprintf(faults, "linking for %s fails\n", target->name) < 0);
}

void lg_foreign_free(lg_foreign *foreign)
{
    lg_temporary_free(&foreign->folder);
}

// ---- the driver's files

typedef size_t transfer(void *data, size_t size, size_t count, FILE *file);

static size_t put(void *data, size_t size, size_t count, FILE *file)
{
    return fwrite(data, size, count, file);
}

static bool move(transfer *way, void *data, const lg_kslot *slot, FILE *file)
{
    return way(data, (size_t)lg_type_bytes(&slot->type), 1, file) == 1;
}

static bool move_params(transfer *way, const lg_program *program, lg_program_memory *m, FILE *file)
{
    bool ok = true;
    for (int i = 0; i < program->params.count; i++)
        ok &= move(way, m->params[i], program->params.items[i], file);
    return ok;
}

// In the order of their numbers; a tensor may have several slots.
static bool move_place(transfer *way, const lg_entry *entry, lg_place place, void **data,
                       FILE *file)
{
    int count = place == LG_PLACE_INPUT ? entry->input_count : entry->output_count;
    for (int index = 0; index < count; index++) {
        const lg_kslot *found = NULL;
        for (int i = 0; i < entry->slots.count && !found; i++)
            if (entry->slots.items[i]->place == place && entry->slots.items[i]->index == index)
                found = entry->slots.items[i];
        if (!found || !move(way, data[index], found, file))
            return false;
    }
    return true;
}

bool lg_foreign_run(lg_foreign *foreign, const lg_program *program, const lg_entry *entry,
                    lg_program_memory *m, FILE *faults)
{
    FILE *file = fopen(lg_temporary_path(&foreign->folder, "data"), "wb");
    bool ok = file && move_params(put, program, m, file) &&
              move_place(put, entry, LG_PLACE_INPUT, m->inputs, file);
    ok = file && fclose(file) == 0 && ok;
    const char *folder = foreign->folder.folder;
    ok = ok && command("qemu-aarch64 %s/driver '%s' %s/data %s/results", folder, entry->name,
                       folder, folder);
    file = ok ? fopen(lg_temporary_path(&foreign->folder, "results"), "rb") : NULL;
    ok = file && move_place(fread, entry, LG_PLACE_OUTPUT, m->outputs, file) &&
         move_params(fread, program, m, file);
    if (file)
        fclose(file);
    return ok || fprintf(faults, "@%s does not run elsewhere\n", entry->name) < 0;
}
