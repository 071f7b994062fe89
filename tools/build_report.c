#include "tools/build_report.h"

#include "tools/memory_need.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { NARROWEST_NAME = 11 };

// ---- kernels

static int launches_of(const lg_entry *entry, const lg_kernel *kernel, const char **label)
{
    int count = 0;
    for (int i = 0; i < entry->launches.count; i++)
        if (entry->launches.items[i].kernel == kernel && count++ == 0)
            *label = entry->launches.items[i].label;
    return count;
}

static int widest_kernel(const lg_program *program)
{
    int width = NARROWEST_NAME;
    for (const lg_kernel *kernel = program->first; kernel; kernel = kernel->next)
        if ((int)strlen(kernel->name) > width)
            width = (int)strlen(kernel->name);
    return width;
}

static void print_kernel(const char *name, int width, int launches, double flops, double bytes,
                         const char *label, FILE *out)
{
    fprintf(out, "  %-*s %8d %12.3f %12.3f %11.2f  %s\n", width, name, launches,
            1e-6 * launches * flops, 1e-6 * launches * bytes, bytes > 0 ? flops / bytes : 0,
            label ? label : "");
}

static void report_kernels(const lg_program *program, const lg_entry *entry, FILE *out)
{
    double flops = 0, bytes = 0;
    int kernels = 0, width = widest_kernel(program);
    fprintf(out, "  %-*s launches        MFLOP           MB  FLOP/byte  first launch\n", width,
            "kernel");
    for (const lg_kernel *kernel = program->first; kernel; kernel = kernel->next) {
        const char *label = NULL;
        int launches = launches_of(entry, kernel, &label);
        if (launches == 0)
            continue;
        kernels++;
        flops += launches * kernel->flops;
        bytes += launches * kernel->bytes;
        print_kernel(kernel->name, width, launches, kernel->flops, kernel->bytes, label, out);
    }
    char name[32];
    snprintf(name, sizeof name, "%d kernels", kernels);
    fprintf(out, "  %-*s %8d %12.3f %12.3f %11.2f\n", width, name, entry->launches.count,
            1e-6 * flops, 1e-6 * bytes, bytes > 0 ? flops / bytes : 0);
}

// ---- the memory plan

static int by_offset(const void *a, const void *b)
{
    const lg_kslot *x = *(const lg_kslot *const *)a, *y = *(const lg_kslot *const *)b;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return (x->first_use > y->first_use) - (x->first_use < y->first_use);
}

static void report_workspace(const lg_entry *entry, FILE *out)
{
    const lg_kslot **slots = calloc((size_t)entry->slots.count + 1, sizeof(lg_kslot *));
    int count = 0;
    int64_t sum = 0;
    for (int i = 0; slots && i < entry->slots.count; i++)
        if (entry->slots.items[i]->place == LG_PLACE_WORKSPACE) {
            slots[count++] = entry->slots.items[i];
            sum += lg_type_bytes(&entry->slots.items[i]->type);
        }
    fprintf(out, "  workspace: %" PRId64 " bytes for %d values of %" PRId64 " bytes\n",
            entry->workspace, count, sum);
    fprintf(out, "  in all, with weights, states, inputs and outputs: %" PRId64 " bytes\n",
            lg_entry_memory_need(entry));
    if (count > 0) {
        qsort(slots, (size_t)count, sizeof *slots, by_offset);
        fprintf(out, "        offset         bytes  launches  value\n");
    }
    lg_arena *arena = lg_arena_new();
    for (int i = 0; i < count; i++)
        fprintf(out, "  %12" PRId64 "  %12" PRId64 "  %3d..%-3d  %s: %s\n", slots[i]->offset,
                lg_type_bytes(&slots[i]->type), slots[i]->first_use, slots[i]->last_use,
                slots[i]->name, lg_type_text(arena, &slots[i]->type));
    lg_arena_free(arena);
    free(slots);
}

void lg_build_report(const lg_program *program, FILE *out)
{
    for (int i = 0; i < program->entries.count; i++) {
        const lg_entry *entry = program->entries.items[i];
        fprintf(out, "entry point %s\n", entry->name);
        report_kernels(program, entry, out);
        report_workspace(entry, out);
        fprintf(out, "\n");
    }
    fprintf(out, "packed weights: %" PRId64 " bytes\n", program->packed);
}
