// NVRTC's few functions, declared here by hand from its documentation and found with dlsym; they
// are the same in every NVRTC since 11.1.
//
// NVRTC 13 itself opens any libcuda.so.1 it finds and goes on without if there is none. If that
// library's cuInit succeeds, NVRTC calls its cuGetExportTable without looking whether it has one: a
// stand-in for the driver must export it.
#include "codegen/nvrtc.h"
#include "codegen/dynamic.h"
#include "ir/arena.h"

#include <dlfcn.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

typedef int nvrtc_result; // 0: success
typedef struct nvrtc_program nvrtc_program;

// NVRTC_FUNCTION(field, symbol, parameters)
#define NVRTC_FUNCTIONS                                                                            \
    NVRTC_FUNCTION(version, nvrtcVersion, (int *major, int *minor))                                \
    NVRTC_FUNCTION(create, nvrtcCreateProgram,                                                     \
                   (nvrtc_program **, const char *text, const char *name, int headers,             \
                    const char *const *header_texts, const char *const *header_names))             \
    NVRTC_FUNCTION(destroy, nvrtcDestroyProgram, (nvrtc_program **))                               \
    NVRTC_FUNCTION(compile, nvrtcCompileProgram,                                                   \
                   (nvrtc_program *, int count, const char *const *options))                       \
    NVRTC_FUNCTION(log_size, nvrtcGetProgramLogSize, (nvrtc_program *, size_t *))                  \
    NVRTC_FUNCTION(log, nvrtcGetProgramLog, (nvrtc_program *, char *))                             \
    NVRTC_FUNCTION(ptx_size, nvrtcGetPTXSize, (nvrtc_program *, size_t *))                         \
    NVRTC_FUNCTION(ptx, nvrtcGetPTX, (nvrtc_program *, char *))                                    \
    NVRTC_FUNCTION(cubin_size, nvrtcGetCUBINSize, (nvrtc_program *, size_t *))                     \
    NVRTC_FUNCTION(cubin, nvrtcGetCUBIN, (nvrtc_program *, char *))

struct lg_nvrtc {
    void *library;
    char version_text[32];
    const char *(*error_string)(nvrtc_result);
#define NVRTC_FUNCTION(field, symbol, parameters) nvrtc_result(*field) parameters;
    NVRTC_FUNCTIONS
#undef NVRTC_FUNCTION
};

// ---- finding the library

// Sonames, newest first.
static const char *const names[] = {"libnvrtc.so.13", "libnvrtc.so.12"};
static const char *const home_variables[] = {"CUDA_HOME", "CUDA_PATH"};
static const char *const home_folders[] = {"lib64", "lib"};

#define COUNT(array) (sizeof(array) / sizeof *(array))

typedef struct search {
    lg_arena *scratch;
    void *library;
    LG_LIST(const char *) tried;
} search;

static void try_path(search *s, const char *path)
{
    if (s->library)
        return;
    // NVRTC keeps memory until the process ends; unloaded, it would leak it.
    s->library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!s->library)
        LG_PUSH(s->scratch, &s->tried, path);
}

static void try_home(search *s, const char *home)
{
    for (size_t i = 0; i < COUNT(names); i++)
        for (size_t j = 0; j < COUNT(home_folders); j++)
            try_path(s, lg_format(s->scratch, "%s/%s/%s", home, home_folders[j], names[i]));
}

static void try_installed(search *s)
{
    glob_t homes;
    if (glob("/usr/local/cuda*", 0, NULL, &homes) == 0) {
        for (size_t i = homes.gl_pathc; i-- > 0;) // newest last
            try_home(s, homes.gl_pathv[i]);
        globfree(&homes);
    }
}

static void report_missing(const search *s, lg_diag *diag)
{
    lg_error_at(diag, (lg_location){0},
                "NVRTC, the CUDA compiler library, was not found; install the CUDA toolkit (12 or "
                "newer; its package cuda-nvrtc is enough) or set CUDA_HOME to its folder");
    for (int i = 0; i < s->tried.count; i++)
        lg_note_at(diag, (lg_location){0}, "tried %s", s->tried.items[i]);
}

static void *find_library(lg_diag *diag)
{
    search s = {.scratch = lg_arena_new()};
    for (size_t i = 0; i < COUNT(home_variables); i++) {
        const char *home = getenv(home_variables[i]);
        if (home && *home)
            try_home(&s, home);
    }
    for (size_t i = 0; i < COUNT(names); i++)
        try_path(&s, names[i]);
    try_installed(&s);
    if (!s.library)
        report_missing(&s, diag);
    lg_arena_free(s.scratch);
    return s.library;
}

// ---- opening it

static bool find_symbols(lg_nvrtc *nvrtc, lg_diag *diag)
{
    bool ok = lg_find_function(nvrtc->library, "NVRTC", "nvrtcGetErrorString", &nvrtc->error_string,
                               diag);
#define NVRTC_FUNCTION(field, symbol, parameters)                                                  \
    ok = lg_find_function(nvrtc->library, "NVRTC", #symbol, &nvrtc->field, diag) && ok;
    NVRTC_FUNCTIONS
#undef NVRTC_FUNCTION
    return ok;
}

lg_nvrtc *lg_nvrtc_open(lg_diag *diag)
{
    void *library = find_library(diag);
    if (!library)
        return NULL;
    lg_nvrtc *nvrtc = calloc(1, sizeof *nvrtc);
    if (!nvrtc) {
        dlclose(library);
        lg_error_at(diag, (lg_location){0}, "out of memory");
        return NULL;
    }
    nvrtc->library = library;
    if (!find_symbols(nvrtc, diag)) {
        lg_nvrtc_close(nvrtc);
        return NULL;
    }
    int major = 0, minor = 0;
    nvrtc->version(&major, &minor);
    snprintf(nvrtc->version_text, sizeof nvrtc->version_text, "%d.%d", major, minor);
    return nvrtc;
}

void lg_nvrtc_close(lg_nvrtc *nvrtc)
{
    if (nvrtc)
        dlclose(nvrtc->library);
    free(nvrtc);
}

const char *lg_nvrtc_version(const lg_nvrtc *nvrtc)
{
    return nvrtc->version_text;
}

// ---- compiling

static bool report_failure(const lg_nvrtc *nvrtc, nvrtc_program *program, const char *name,
                           nvrtc_result result, lg_diag *diag)
{
    size_t length = 0;
    char *log = NULL;
    if (program && nvrtc->log_size(program, &length) == 0 && length > 1)
        log = malloc(length + 1);
    bool has_log = log && nvrtc->log(program, log) == 0;
    if (has_log)
        log[length] = '\0';
    lg_error_at(diag, (lg_location){.file = name}, "NVRTC %s: %s%s%s", nvrtc->version_text,
                nvrtc->error_string(result), has_log ? "\n" : "", has_log ? log : "");
    free(log);
    return false;
}

static nvrtc_result fetch(const lg_nvrtc *nvrtc, nvrtc_program *program, lg_cuda_binary kind,
                          char **data, size_t *length)
{
    bool ptx = kind == LG_CUDA_PTX;
    nvrtc_result result = (ptx ? nvrtc->ptx_size : nvrtc->cubin_size)(program, length);
    if (result != 0)
        return result;
    *data = malloc(*length + 1);
    if (!*data)
        return 1; // NVRTC_ERROR_OUT_OF_MEMORY
    (*data)[*length] = '\0';
    result = (ptx ? nvrtc->ptx : nvrtc->cubin)(program, *data);
    if (ptx && *length > 0)
        --*length; // NVRTC counts the 0 at the end of a text
    return result;
}

bool lg_nvrtc_compile(lg_nvrtc *nvrtc, const char *name, const char *text, const char *arch,
                      lg_cuda_binary kind, void **data, size_t *length, lg_diag *diag)
{
    if (kind == LG_CUDA_CUBIN && strncmp(arch, "sm_", 3) != 0)
        return lg_error_at(diag, (lg_location){0},
                           "a cubin is for a real architecture such as sm_80, not %s", arch);
    char arch_option[64];
    snprintf(arch_option, sizeof arch_option, "--gpu-architecture=%s", arch);
    // An fma is written where one is meant: results must not depend on the compiler.
    const char *options[] = {arch_option, "--fmad=false", "--std=c++17"};
    nvrtc_program *program = NULL;
    char *bytes = NULL;
    nvrtc_result result = nvrtc->create(&program, text, name, 0, NULL, NULL);
    if (result == 0)
        result = nvrtc->compile(program, (int)COUNT(options), options);
    if (result == 0)
        result = fetch(nvrtc, program, kind, &bytes, length);
    if (result != 0) {
        free(bytes);
        report_failure(nvrtc, program, name, result, diag);
    } else {
        *data = bytes;
    }
    if (program)
        nvrtc->destroy(&program);
    return result == 0;
}
