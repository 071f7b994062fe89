#include "tools/build_emit.h"

#include "codegen/cuda.h"
#include "codegen/nvrtc.h"
#include "runtime/atomic_file.h"
#include "tools/cli.h"
#include "tools/paths.h"

#include <stdlib.h>
#include <string.h>

// ---- text

typedef bool text_printer(const lg_compilation *c, FILE *out, lg_diag *diag);

static bool write_text(const lg_compilation *c, const char *path, text_printer *print,
                       lg_diag *diag)
{
    lg_error error;
    lg_atomic_file out;
    if (!lg_atomic_open(&out, path, 0666, &error))
        return lg_cli_fail(diag, &error);
    if (!print(c, out.stream, diag))
        return lg_atomic_abort(&out);
    return lg_atomic_commit(&out, &error) || lg_cli_fail(diag, &error);
}

static bool print_graph(const lg_compilation *c, FILE *out, lg_diag *diag)
{
    if (!c->module)
        return lg_error_at(diag, (lg_location){.file = c->codegen.model},
                           "is kernel IR; there is no graph");
    lg_print_module(c->module, out);
    return true;
}

static bool print_kernels(const lg_compilation *c, FILE *out, lg_diag *diag)
{
    (void)diag;
    lg_print_program(c->program, out);
    return true;
}

static bool print_llvm(const lg_compilation *c, FILE *out, lg_diag *diag)
{
    return lg_emit_text(c->program, &c->codegen, LG_TEXT_LLVM, out, diag);
}

static bool print_assembly(const lg_compilation *c, FILE *out, lg_diag *diag)
{
    return lg_emit_text(c->program, &c->codegen, LG_TEXT_ASM, out, diag);
}

static bool print_cuda(const lg_compilation *c, FILE *out, lg_diag *diag)
{
    return lg_emit_cuda(c->program, out, diag);
}

static bool print_manifest(const lg_compilation *c, FILE *out, lg_diag *diag)
{
    return lg_emit_cuda_manifest(c->program, out, diag);
}

static bool print_ptx(const lg_compilation *c, FILE *out, lg_diag *diag)
{
    lg_nvrtc *nvrtc = lg_nvrtc_open(diag);
    char *text = NULL;
    void *ptx = NULL;
    size_t text_length, length = 0;
    FILE *memory = nvrtc ? open_memstream(&text, &text_length) : NULL;
    bool good = memory && lg_emit_cuda(c->program, memory, diag);
    if (memory)
        good = fclose(memory) == 0 && good;
    good = good && lg_nvrtc_compile(nvrtc, "kernels.cu", text, "compute_80", LG_CUDA_PTX, &ptx,
                                    &length, diag);
    if (good)
        fwrite(ptx, 1, length, out);
    free(ptx);
    free(text);
    lg_nvrtc_close(nvrtc);
    return good;
}

static bool write_graph(const lg_compilation *c, const char *path, lg_diag *diag)
{
    return write_text(c, path, print_graph, diag);
}

static bool write_kernels(const lg_compilation *c, const char *path, lg_diag *diag)
{
    return write_text(c, path, print_kernels, diag);
}

static bool write_llvm(const lg_compilation *c, const char *path, lg_diag *diag)
{
    return write_text(c, path, print_llvm, diag);
}

static bool write_assembly(const lg_compilation *c, const char *path, lg_diag *diag)
{
    return write_text(c, path, print_assembly, diag);
}

// ---- what goes beside the output

// PATH with `suffix` instead of the ending of its name; the caller frees it.
static char *beside(const char *path, const char *suffix)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    size_t stem = strlen(path);
    if (dot && dot > (slash ? slash + 1 : path))
        stem = (size_t)(dot - path);
    char *result;
    return asprintf(&result, "%.*s%s", (int)stem, path, suffix) < 0 ? NULL : result;
}

// CUDA text alone has nothing that says how to launch it: the manifest goes beside it, where there
// is a beside.
static bool write_with_manifest(const lg_compilation *c, const char *path, text_printer *print,
                                lg_diag *diag)
{
    if (!write_text(c, path, print, diag))
        return false;
    if (strcmp(path, "-") == 0)
        return true;
    char *manifest = beside(path, ".json");
    bool good = manifest && write_text(c, manifest, print_manifest, diag);
    free(manifest);
    return good;
}

static bool write_cuda(const lg_compilation *c, const char *path, lg_diag *diag)
{
    return write_with_manifest(c, path, print_cuda, diag);
}

static bool write_ptx(const lg_compilation *c, const char *path, lg_diag *diag)
{
    return write_with_manifest(c, path, print_ptx, diag);
}

static bool write_object(const lg_compilation *c, const char *path, lg_diag *diag)
{
    char *header = beside(path, ".h");
    bool good = header && lg_emit_object(c->program, &c->codegen, path, header, diag);
    free(header);
    return good;
}

static bool write_shared(const lg_compilation *c, const char *path, lg_diag *diag)
{
    return lg_emit_shared(c->program, &c->codegen, path, diag);
}

static bool write_executable(const lg_compilation *c, const char *path, lg_diag *diag)
{
    char libraries[LG_PATH_BYTES];
    lg_path_of_libraries(libraries);
    return lg_emit_executable(c->program, &c->codegen, path, libraries, diag);
}

// ---- the table

static const lg_emit rows[] = {
    {"exe", "", "an executable", LG_EMIT_FOR_CPU, .takes_weights = true, .needs_weights = true,
     .write = write_executable},
    {"shared", ".so", "a shared library", LG_EMIT_FOR_CPU, .takes_weights = true,
     .write = write_shared},
    {"object", ".o", "an object and its header", LG_EMIT_FOR_CPU, .takes_weights = true,
     .write = write_object},
    {"ir", ".ir", "graph IR", LG_EMIT_GRAPH, .is_text = true, .write = write_graph},
    {"kernel-ir", ".kir", "kernel IR", LG_EMIT_ANY, .is_text = true, .write = write_kernels},
    {"llvm", ".ll", "LLVM IR", LG_EMIT_FOR_CPU, .is_text = true, .write = write_llvm},
    {"asm", ".s", "assembly", LG_EMIT_FOR_CPU, .is_text = true, .write = write_assembly},
    {"cuda", ".cu", "CUDA C", LG_EMIT_FOR_CUDA, .is_text = true, .write = write_cuda},
    {"ptx", ".ptx", "PTX", LG_EMIT_FOR_CUDA, .is_text = true, .write = write_ptx},
};

enum { ROWS = sizeof rows / sizeof *rows };

const lg_emit *lg_emit_find(const char *name)
{
    for (int i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

const lg_emit *lg_emit_at(int index)
{
    return index >= 0 && index < ROWS ? &rows[index] : NULL;
}
