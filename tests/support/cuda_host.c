#include "tests/support/cuda_host.h"
#include "codegen/cuda_internal.h"
#include "tests/support/temporary.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

// What a kernel's text finds on a GPU, in C.
static const char shim[] =
    "#include <math.h>\n#include <pthread.h>\n#include <stdbool.h>\n#include <string.h>\n"
    "typedef struct { unsigned x, y, z; } dim3;\n"
    "static _Thread_local dim3 threadIdx;\n"
    "static dim3 blockIdx;\n"
    "static pthread_barrier_t lg_barrier;\n"
    "#define __global__\n#define __device__\n#define __forceinline__ inline\n"
    "#define __restrict__ restrict\n#define __shared__ static\n#define __launch_bounds__(n)\n"
    "#define __syncthreads() pthread_barrier_wait(&lg_barrier)\n"
    "static inline float __uint_as_float(unsigned b) { float f; memcpy(&f, &b, 4); return f; }\n"
    "static inline float __int_as_float(int b) { return __uint_as_float((unsigned)b); }\n"
    "static inline unsigned __float_as_uint(float f) { unsigned b; memcpy(&b, &f, 4); return b; }\n"
    "static inline int __float2int_rz(float a)\n"
    "{ return a >= 0x1p31f ? 2147483647 : a <= -0x1p31f ? -2147483647 - 1 : (int)a; }\n"
    "static inline long long __float2ll_rz(float a)\n"
    "{ return a >= 0x1p63f ? 0x7fffffffffffffffLL\n"
    "       : a <= -0x1p63f ? -0x7fffffffffffffffLL - 1 : (long long)a; }\n"
    "static inline float lg_from_half(unsigned short b)\n"
    "{ _Float16 h; memcpy(&h, &b, 2); return (float)h; }\n"
    "static inline unsigned short lg_to_half(float f)\n"
    "{ _Float16 h = (_Float16)f; unsigned short b; memcpy(&b, &h, 2); return b; }\n";

// Runs one kernel: `kernel` calls it with the buffers as its arguments.
static const char launcher[] =
    "typedef struct { void (*kernel)(void *const *); void *const *buffers; unsigned x; } thread;\n"
    "static void *run_thread(void *argument)\n"
    "{\n    thread *t = argument;\n    threadIdx.x = t->x;\n    t->kernel(t->buffers);\n"
    "    return NULL;\n}\n"
    "void lg_launch(void (*kernel)(void *const *), void *const *buffers, unsigned blocks,\n"
    "               unsigned threads)\n"
    "{\n    pthread_t ids[1024];\n    thread t[1024];\n"
    "    pthread_barrier_init(&lg_barrier, NULL, threads);\n"
    "    for (blockIdx.x = 0; blockIdx.x < blocks; blockIdx.x++) {\n"
    "        for (unsigned i = 0; i < threads; i++) {\n"
    "            t[i] = (thread){kernel, buffers, i};\n"
    "            if (pthread_create(&ids[i], NULL, run_thread, &t[i]) != 0)\n"
    "                __builtin_trap();\n        }\n"
    "        for (unsigned i = 0; i < threads; i++)\n"
    "            pthread_join(ids[i], NULL);\n    }\n"
    "    pthread_barrier_destroy(&lg_barrier);\n}\n";

// What C cannot read, word for word; each is in a text that needs it, or the compiler complains.
static const char *const replaced[][2] = {
    {"extern \"C\" ", ""},
    {"asm(\"cvt.f32.f16 %0, %1;\" : \"=f\"(value) : \"h\"(bits));", "value = lg_from_half(bits);"},
    {"asm(\"cvt.rn.f16.f32 %0, %1;\" : \"=h\"(bits) : \"f\"(value));", "bits = lg_to_half(value);"},
};

struct lg_cuda_host {
    void *library;
    int count;
    lg_cuda_launch *launches;
    void (**kernels)(void *const *);
    void (*launch)(void (*kernel)(void *const *), void *const *buffers, unsigned blocks,
                   unsigned threads);
};

char *lg_cuda_text(const lg_program *program)
{
    lg_diag *diag = lg_diag_new();
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    bool ok = lg_emit_cuda(program, out, diag);
    fclose(out);
    if (!ok)
        lg_diag_print(diag, stderr);
    ck_assert_msg(ok, "the program is not emitted");
    lg_diag_free(diag);
    return text;
}

static void print_replaced(const char *text, FILE *out)
{
    while (*text) {
        size_t length = 0;
        for (size_t i = 0; i < sizeof replaced / sizeof *replaced && length == 0; i++) {
            if (strncmp(text, replaced[i][0], strlen(replaced[i][0])) == 0) {
                length = strlen(replaced[i][0]);
                fputs(replaced[i][1], out);
            }
        }
        if (length == 0)
            fputc(text[0], out);
        text += length ? length : 1;
    }
}

// void lg_run_N(void *const *b) { NAME(b[0], b[1]); }
static void print_calls(const lg_program *program, FILE *out)
{
    lg_arena *scratch = lg_arena_new();
    const char **names = lg_cuda_kernel_names(scratch, program);
    int n = 0;
    for (const lg_kernel *kernel = program->first; kernel; kernel = kernel->next, n++) {
        fprintf(out, "void lg_run_%d(void *const *b)\n{\n    %s(", n, names[n]);
        for (int i = 0; i < kernel->params.count; i++)
            fprintf(out, "%sb[%d]", i ? ", " : "", i);
        fputs(");\n}\n", out);
    }
    lg_arena_free(scratch);
}

static void compile(const lg_program *program, const char *source, const char *library)
{
    FILE *out = fopen(source, "w");
    ck_assert_ptr_nonnull(out);
    char *text = lg_cuda_text(program);
    fputs(shim, out);
    print_replaced(text, out);
    print_calls(program, out);
    fputs(launcher, out);
    ck_assert_int_eq(fclose(out), 0);
    free(text);
    char command[512];
    snprintf(command, sizeof command,
             "cc -std=gnu17 -O1 -ffp-contract=off -Wall -Wextra -Werror -Wno-unknown-pragmas "
             "-Wno-unused -shared -fPIC -pthread -o %s %s -lm",
             library, source);
    ck_assert_msg(system(command) == 0, "the emitted text does not compile: %s", command);
}

static void *symbol(void *library, const char *name)
{
    void *found = dlsym(library, name);
    ck_assert_msg(found != NULL, "%s is not in the library", name);
    return found;
}

lg_cuda_host *lg_cuda_host_new(const lg_program *program)
{
    lg_cuda_host *host = calloc(1, sizeof *host);
    ck_assert_ptr_nonnull(host);
    lg_temporary folder = lg_temporary_new();
    char source[128], library[128];
    snprintf(source, sizeof source, "%s", lg_temporary_path(&folder, "kernels.c"));
    snprintf(library, sizeof library, "%s", lg_temporary_path(&folder, "kernels.so"));
    compile(program, source, library);
    host->library = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    ck_assert_msg(host->library != NULL, "%s", dlerror());
    lg_temporary_free(&folder);

    host->count = lg_program_kernel_count(program);
    ck_assert_int_gt(host->count, 0);
    host->launches = calloc((size_t)host->count, sizeof *host->launches);
    host->kernels = calloc((size_t)host->count, sizeof *host->kernels);
    *(void **)&host->launch = symbol(host->library, "lg_launch");
    lg_diag *diag = lg_diag_new();
    int n = 0;
    for (const lg_kernel *kernel = program->first; kernel; kernel = kernel->next, n++) {
        char name[32];
        snprintf(name, sizeof name, "lg_run_%d", n);
        *(void **)&host->kernels[n] = symbol(host->library, name);
        ck_assert(lg_cuda_measure(kernel, &host->launches[n], diag));
    }
    lg_diag_free(diag);
    return host;
}

void lg_cuda_host_free(lg_cuda_host *host)
{
    dlclose(host->library);
    free(host->launches);
    free(host->kernels);
    free(host);
}

void lg_cuda_host_launch(lg_cuda_host *host, int index, void *const *buffers)
{
    ck_assert(index >= 0 && index < host->count);
    const lg_cuda_launch *launch = &host->launches[index];
    host->launch(host->kernels[index], buffers, (unsigned)launch->blocks,
                 (unsigned)launch->threads);
}
