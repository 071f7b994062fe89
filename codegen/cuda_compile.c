#include "codegen/cuda_compile.h"
#include "codegen/nvrtc.h"
#include "codegen/workers.h"
#include "ir/integer.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { KERNELS_A_PART = 4 };

typedef struct work {
    const lg_program *program;
    lg_nvrtc *nvrtc;
    const char *arch;
    lg_cuda_parts *parts;
    atomic_int next;
} work;

static bool compile_part(const work *w, int part, lg_diag *diag)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    int each = w->parts->kernels;
    bool ok = out && lg_emit_cuda_part(w->program, part * each, each, out, diag);
    ok = out && fclose(out) == 0 && ok;
    ok = ok && lg_nvrtc_compile(w->nvrtc, "kernels.cu", text, w->arch, LG_CUDA_CUBIN,
                                &w->parts->cubins[part], &length, diag);
    free(text);
    return ok;
}

// What fails here is told later, by the thread that has the user's messages.
static void *compile_parts(void *argument)
{
    work *w = argument;
    for (int part; (part = atomic_fetch_add(&w->next, 1)) < w->parts->count;) {
        lg_diag *diag = lg_diag_new();
        compile_part(w, part, diag);
        lg_diag_free(diag);
    }
    return NULL;
}

bool lg_cuda_compile(const lg_program *program, const char *arch, lg_cuda_parts *parts,
                     lg_diag *diag)
{
    int count = (int)lg_ceil_div(lg_program_kernel_count(program), KERNELS_A_PART);
    *parts = (lg_cuda_parts){count, KERNELS_A_PART, calloc((size_t)count + 1, sizeof(void *))};
    if (!parts->cubins)
        return lg_error_at(diag, (lg_location){0}, "out of memory");
    work w = {.program = program, .arch = arch, .parts = parts, .nvrtc = lg_nvrtc_open(diag)};
    if (!w.nvrtc)
        return false;
    lg_work_together(0, count, compile_parts, &w);
    bool ok = true;
    for (int i = 0; ok && i < count; i++)
        ok = parts->cubins[i] || compile_part(&w, i, diag);
    lg_nvrtc_close(w.nvrtc);
    return ok;
}

void lg_cuda_parts_free(lg_cuda_parts *parts)
{
    for (int i = 0; i < parts->count && parts->cubins; i++)
        free(parts->cubins[i]);
    free(parts->cubins);
    *parts = (lg_cuda_parts){0};
}
