// A program as one CUDA C text: the helper functions it needs, then its kernels. A kernel is
//
//   // @relu_sum: grid 12, block 128
//   //   x: in f32[12,100]
//   //   z: out f32[12,100]
//   extern "C" __global__ void __launch_bounds__(128)
//   relu_sum(const float *__restrict__ x,
//            float *__restrict__ z)
//   { ... }
//
// Kernels are written to memory first: only then is known which helpers they use.
#include "codegen/cuda_internal.h"

#include <limits.h>
#include <stdlib.h>

// ---- __restrict__ is a promise that no launch may break: the memory plan computes in place where
// it can, and then a kernel reads and writes the same bytes under two names.

static bool slots_overlap(const lg_kslot *a, const lg_kslot *b)
{
    if (a == b)
        return true;
    if (a->place != b->place)
        return false;
    if (a->place != LG_PLACE_PACKED && a->place != LG_PLACE_WORKSPACE)
        return a->index == b->index;
    return a->offset < b->offset + lg_type_bytes(&b->type) &&
           b->offset < a->offset + lg_type_bytes(&a->type);
}

static bool launch_aliases(const lg_launch *launch, int param)
{
    const lg_kernel *kernel = launch->kernel;
    bool written = kernel->params.items[param]->scope != LG_SCOPE_IN;
    for (int i = 0; i < launch->slot_count; i++) {
        bool matters = written || kernel->params.items[i]->scope != LG_SCOPE_IN;
        if (i != param && matters && slots_overlap(launch->slots[i], launch->slots[param]))
            return true;
    }
    return false;
}

static bool may_alias(const lg_program *program, const lg_kernel *kernel, int param)
{
    for (int i = 0; i < program->entries.count; i++) {
        const lg_entry *entry = program->entries.items[i];
        for (int j = 0; j < entry->launches.count; j++)
            if (entry->launches.items[j].kernel == kernel &&
                launch_aliases(&entry->launches.items[j], param))
                return true;
    }
    return false;
}

// ---- the head of a kernel

static const char *access_name(lg_scope scope)
{
    return scope == LG_SCOPE_IN ? "in" : scope == LG_SCOPE_OUT ? "out" : "inout";
}

static void print_summary(const lg_cuda_emitter *e, const lg_cuda_launch *launch)
{
    fprintf(e->out, "// @%s: grid %lld, block %d", e->kernel->name, (long long)launch->blocks,
            launch->threads);
    if (launch->shared_bytes)
        fprintf(e->out, ", %lld bytes of shared memory", (long long)launch->shared_bytes);
    fputc('\n', e->out);
    for (int i = 0; i < e->kernel->params.count; i++) {
        const lg_kbuffer *param = e->kernel->params.items[i];
        fprintf(e->out, "//   %s: %s %s[", e->buffer_names[i], access_name(param->scope),
                lg_dtype_name(param->dtype));
        for (int d = 0; d < param->rank; d++)
            fprintf(e->out, "%s%lld", d ? "," : "", (long long)param->dims[d]);
        fputs("]\n", e->out);
    }
}

static void print_signature(const lg_cuda_emitter *e, const lg_program *program, const char *name)
{
    int width = fprintf(e->out, "%s(", name);
    for (int i = 0; i < e->kernel->params.count; i++) {
        const lg_kbuffer *param = e->kernel->params.items[i];
        if (i)
            fprintf(e->out, ",\n%*s", width, "");
        fprintf(e->out, "%s%s *%s%s", param->scope == LG_SCOPE_IN ? "const " : "",
                lg_cuda_element_type(param->dtype),
                may_alias(program, e->kernel, i) ? "" : "__restrict__ ", e->buffer_names[i]);
    }
    fputs(")\n", e->out);
}

static void print_kernel(lg_cuda_emitter *e, const lg_program *program, const char *name,
                         const lg_cuda_launch *launch)
{
    lg_cuda_name_locals(e);
    print_summary(e, launch);
    fprintf(e->out, "extern \"C\" __global__ void __launch_bounds__(%d)\n", launch->threads);
    print_signature(e, program, name);
    fputs("{\n", e->out);
    e->indent = 1;
    lg_cuda_block(e, &e->kernel->body);
    fputs("}\n\n", e->out);
}

// ---- the program

static void print_kernels(lg_cuda_emitter *e, const lg_program *program, int first, int count,
                          const lg_cuda_launch *launches)
{
    const char **names = lg_cuda_kernel_names(e->scratch, program);
    int i = 0;
    for (const lg_kernel *kernel = program->first; kernel; kernel = kernel->next, i++) {
        e->kernel = kernel;
        if (i >= first && i - first < count)
            print_kernel(e, program, names[i], &launches[i]);
    }
}

static void print_program(lg_cuda_emitter *e, const lg_program *program, const char *kernels,
                          FILE *out)
{
    fprintf(out,
            "// The kernels of %s. Written by lgpnc; compile with --fmad=false, launch as the\n"
            "// manifest beside this file says.\n\n",
            program->name);
    lg_cuda_emit_helpers(e, out);
    fputs(kernels, out);
}

bool lg_emit_cuda(const lg_program *program, FILE *out, lg_diag *diag)
{
    return lg_emit_cuda_part(program, 0, INT_MAX, out, diag);
}

bool lg_emit_cuda_part(const lg_program *program, int first, int count, FILE *out, lg_diag *diag)
{
    lg_arena *scratch = lg_arena_new();
    const lg_cuda_launch *launches = lg_cuda_measure_all(scratch, program, diag);
    bool ok = launches != NULL;
    if (ok) {
        char *text = NULL;
        size_t length = 0;
        lg_cuda_emitter emitter = {.scratch = scratch, .out = open_memstream(&text, &length)};
        if (emitter.out)
            print_kernels(&emitter, program, first, count, launches);
        ok = emitter.out && !ferror(emitter.out);
        ok = emitter.out && fclose(emitter.out) == 0 && ok;
        if (ok)
            print_program(&emitter, program, text, out);
        else
            lg_error_at(diag, (lg_location){0}, "out of memory for the CUDA text");
        free(text);
    }
    lg_arena_free(scratch);
    return ok;
}
