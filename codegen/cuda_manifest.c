// The manifest: what a program that launches the kernels through the driver API has to know. A
// member of an entry's `slots` is a stretch of memory; a launch names one for each parameter of its
// kernel.
#include "codegen/cuda_internal.h"

#include <math.h>

typedef struct writer {
    FILE *out;
    lg_arena *scratch;
    const lg_program *program;
    const char **symbols; // of the kernels, in the order of the program
    const lg_cuda_launch *launches;
} writer;

static void print_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (*at == '"' || *at == '\\')
            fprintf(out, "\\%c", *at);
        else if (*at < 0x20 || *at == 0x7f)
            fprintf(out, "\\u%04x", *at);
        else
            fputc(*at, out);
    }
    fputc('"', out);
}

static void print_name(FILE *out, const char *name)
{
    fputs("{\"name\": ", out);
    print_string(out, name);
}

static void print_shape(FILE *out, lg_dtype dtype, int rank, const int64_t *dims)
{
    fprintf(out, ", \"dtype\": \"%s\", \"shape\": [", lg_dtype_name(dtype));
    for (int i = 0; i < rank; i++)
        fprintf(out, "%s%lld", i ? ", " : "", (long long)dims[i]);
    fputc(']', out);
}

static void print_type(writer *w, const lg_type *type)
{
    print_shape(w->out, type->dtype, type->rank, type->dims);
    if (type->layout) {
        fputs(", \"layout\": ", w->out);
        print_string(w->out, lg_layout_text(w->scratch, type->layout));
    }
    fprintf(w->out, ", \"bytes\": %lld", (long long)lg_type_bytes(type));
}

// ---- kernels

static void print_kernel(writer *w, const lg_kernel *kernel, const char *symbol,
                         const lg_cuda_launch *launch)
{
    static const char *const access[] = {
        [LG_SCOPE_IN] = "in", [LG_SCOPE_OUT] = "out", [LG_SCOPE_INOUT] = "inout"};
    print_name(w->out, kernel->name);
    fputs(", \"symbol\": ", w->out);
    print_string(w->out, symbol);
    fprintf(w->out, ",\n     \"grid\": [%lld, 1, 1], \"block\": [%d, 1, 1]",
            (long long)launch->blocks, launch->threads);
    fprintf(w->out, ", \"shared_bytes\": %lld", (long long)launch->shared_bytes);
    // JSON has no infinity, which the text form of a kernel may claim.
    if (isfinite(kernel->flops) && isfinite(kernel->bytes))
        fprintf(w->out, ", \"flops\": %.17g, \"bytes\": %.17g", kernel->flops, kernel->bytes);
    fputs(",\n     \"parameters\": [", w->out);
    for (int i = 0; i < kernel->params.count; i++) {
        const lg_kbuffer *param = kernel->params.items[i];
        fputs(i ? ",\n       " : "\n       ", w->out);
        print_name(w->out, param->name);
        fprintf(w->out, ", \"access\": \"%s\"", access[param->scope]);
        print_shape(w->out, param->dtype, param->rank, param->dims);
        fprintf(w->out, ", \"bytes\": %lld}",
                (long long)lg_cuda_buffer_elements(param) * lg_dtype_bytes(param->dtype));
    }
    fputs("]}", w->out);
}

static void print_kernels(writer *w)
{
    fputs("  \"kernels\": [", w->out);
    int i = 0;
    for (const lg_kernel *kernel = w->program->first; kernel; kernel = kernel->next, i++) {
        fputs(i ? ",\n    " : "\n    ", w->out);
        print_kernel(w, kernel, w->symbols[i], &w->launches[i]);
    }
    fputs("],\n", w->out);
}

// ---- entries

static void print_slot(writer *w, const lg_kslot *slot)
{
    static const char *const places[] = {[LG_PLACE_INPUT] = "input",
                                         [LG_PLACE_OUTPUT] = "output",
                                         [LG_PLACE_PARAM] = "param",
                                         [LG_PLACE_PACKED] = "packed",
                                         [LG_PLACE_WORKSPACE] = "workspace"};
    bool in_block = slot->place == LG_PLACE_PACKED || slot->place == LG_PLACE_WORKSPACE;
    print_name(w->out, slot->name);
    fprintf(w->out, ", \"place\": \"%s\", \"%s\": %lld", places[slot->place],
            in_block ? "offset" : "index", in_block ? (long long)slot->offset : slot->index);
    print_type(w, &slot->type);
    fputc('}', w->out);
}

static const char *symbol_of(const writer *w, const lg_kernel *wanted)
{
    int i = 0;
    for (const lg_kernel *kernel = w->program->first; kernel != wanted; kernel = kernel->next)
        i++;
    return w->symbols[i];
}

static int slot_number(const lg_entry *entry, const lg_kslot *slot)
{
    int i = 0;
    while (entry->slots.items[i] != slot)
        i++;
    return i;
}

static void print_launch(writer *w, const lg_entry *entry, const lg_launch *launch)
{
    fputs("{\"kernel\": ", w->out);
    print_string(w->out, symbol_of(w, launch->kernel));
    fputs(", \"label\": ", w->out);
    print_string(w->out, launch->label ? launch->label : "");
    fputs(", \"slots\": [", w->out);
    for (int i = 0; i < launch->slot_count; i++)
        fprintf(w->out, "%s%d", i ? ", " : "", slot_number(entry, launch->slots[i]));
    fputs("]}", w->out);
}

static void print_entry(writer *w, const lg_entry *entry)
{
    print_name(w->out, entry->name);
    fprintf(w->out, ", \"inputs\": %d, \"outputs\": %d, \"workspace_bytes\": %lld",
            entry->input_count, entry->output_count, (long long)entry->workspace);
    fputs(",\n     \"slots\": [", w->out);
    for (int i = 0; i < entry->slots.count; i++) {
        fputs(i ? ",\n       " : "\n       ", w->out);
        print_slot(w, entry->slots.items[i]);
    }
    fputs("],\n     \"launches\": [", w->out);
    for (int i = 0; i < entry->launches.count; i++) {
        fputs(i ? ",\n       " : "\n       ", w->out);
        print_launch(w, entry, &entry->launches.items[i]);
    }
    fputs("]}", w->out);
}

static void print_manifest(writer *w)
{
    fputs("{\n  \"format\": 1,\n  \"program\": ", w->out);
    print_string(w->out, w->program->name);
    fputs(",\n", w->out);
    print_kernels(w);
    fprintf(w->out, "  \"packed_bytes\": %lld,\n  \"params\": [", (long long)w->program->packed);
    for (int i = 0; i < w->program->params.count; i++) {
        fputs(i ? ",\n    " : "\n    ", w->out);
        print_name(w->out, w->program->params.items[i]->name);
        print_type(w, &w->program->params.items[i]->type);
        fprintf(w->out, ", \"state\": %s}", w->program->params.items[i]->state ? "true" : "false");
    }
    fputs("],\n  \"entries\": [", w->out);
    for (int i = 0; i < w->program->entries.count; i++) {
        fputs(i ? ",\n    " : "\n    ", w->out);
        print_entry(w, w->program->entries.items[i]);
    }
    fputs("]\n}\n", w->out);
}

bool lg_emit_cuda_manifest(const lg_program *program, FILE *out, lg_diag *diag)
{
    lg_arena *scratch = lg_arena_new();
    writer w = {out, scratch, program, lg_cuda_kernel_names(scratch, program),
                lg_cuda_measure_all(scratch, program, diag)};
    if (w.launches)
        print_manifest(&w);
    lg_arena_free(scratch);
    return w.launches != NULL;
}
