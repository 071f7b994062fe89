#include "tests/support/cuda_programs.h"
#include "codegen/cuda_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

enum { VALUES = 16, THREADS = 32 };

static const lg_dtype computed[] = {LG_F32, LG_I32, LG_I64, LG_BOOL};
enum { COMPUTED = sizeof computed / sizeof *computed };

// ---- every scalar function

// With halves of the last place of bf16 and f16, and what f16 rounds to infinity.
static const double float_values[VALUES] = {
    0,   -0.0, 1,        -1,  0.5,        -2.75,          1e-3,        1e-6,
    7.5, -1e9, INFINITY, NAN, 1 + 0x1p-8, 1 + 3 * 0x1p-8, 1 + 0x1p-11, 65520};
static const int64_t integer_values[VALUES] = {
    0, 1, -1, 2, 7, -7, 31, 33, 64, -64, 255, 1000, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};

// `fn` of parameters a, b, c, or a cast where fn is LG_SCALAR_COUNT.
static void add_kernel(lg_program *program, const char *name, lg_scalar fn, lg_dtype from,
                       lg_dtype to)
{
    lg_kernel *kernel = lg_kernel_new(program, name);
    lg_kbuilder k;
    lg_k_begin(&k, kernel);
    int arity = fn == LG_SCALAR_COUNT ? 1 : lg_scalar_info_of(fn)->arity;
    int64_t dims[] = {VALUES * VALUES};
    lg_kbuffer *params[3] = {NULL};
    for (int i = 0; i < arity && i < 3; i++)
        params[i] = lg_kernel_param(kernel, (const char *[]){"a", "b", "c"}[i], LG_SCOPE_IN,
                                    fn == LG_S_SELECT && i == 0 ? LG_BOOL : from, 1, dims);
    lg_kbuffer *result = lg_kernel_param(kernel, "result", LG_SCOPE_OUT, to, 1, dims);

    lg_kx *block = lg_k_for(&k, LG_LOOP_BLOCK, "i", VALUES * VALUES / THREADS);
    lg_kx *thread = lg_k_for(&k, LG_LOOP_THREAD, "t", THREADS);
    lg_kx *index[] = {lg_kx_add(&k, lg_kx_muli(&k, block, THREADS), thread)};
    lg_kx *args[3] = {NULL};
    for (int i = 0; i < arity; i++)
        args[i] = lg_kx_load(&k, params[i], index, 1);
    lg_k_store(&k, result, index, 1,
               fn == LG_SCALAR_COUNT ? lg_kx_cast(&k, lg_kernel_dtype(to), args[0])
                                     : lg_kx_apply(&k, fn, args[0], args[1], args[2]));
    lg_k_end(&k);
    lg_k_end(&k);
}

lg_program *lg_cuda_scalar_program(void)
{
    lg_program *program = lg_program_new("scalars");
    char name[64];
    for (int fn = 0; fn < LG_SCALAR_COUNT; fn++) {
        const lg_scalar_info *info = lg_scalar_info_of((lg_scalar)fn);
        for (int i = 0; i < COMPUTED; i++) {
            if (!lg_scalar_accepts((lg_scalar)fn, computed[i]))
                continue;
            snprintf(name, sizeof name, "%s_%s", info->name, lg_dtype_name(computed[i]));
            add_kernel(program, name, (lg_scalar)fn, computed[i],
                       info->to_bool ? LG_BOOL : computed[i]);
        }
    }
    for (int from = 0; from < LG_DTYPE_COUNT; from++) {
        for (int to = 0; to < LG_DTYPE_COUNT; to++) {
            snprintf(name, sizeof name, "%s_to_%s", lg_dtype_name((lg_dtype)from),
                     lg_dtype_name((lg_dtype)to));
            add_kernel(program, name, LG_SCALAR_COUNT, (lg_dtype)from, (lg_dtype)to);
        }
    }
    return program;
}

// ---- written kernels

static lg_program *parse(const char *file, const char *text)
{
    lg_diag *diag = lg_diag_new();
    lg_diag_add_source(diag, file, text, strlen(text));
    lg_program *program = lg_parse_program(file, text, strlen(text), diag);
    bool ok = program && lg_verify_program(program, diag);
    if (!ok)
        lg_diag_print(diag, stderr);
    ck_assert_msg(ok, "%s does not parse or verify", file);
    lg_diag_free(diag);
    return program;
}

lg_program *lg_cuda_parse(const char *text)
{
    return parse("kernel", text);
}

lg_program *lg_cuda_written_program(const char *path)
{
    char text[1 << 16];
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    size_t length = fread(text, 1, sizeof text - 1, file);
    ck_assert(feof(file));
    fclose(file);
    text[length] = '\0';
    return parse("kernels.ir", text);
}

// ---- memory

// Argument number `param` of thread `i`: all pairs of the values for the first two.
static lg_number edge_value(lg_dtype dtype, int param, int64_t i)
{
    int64_t which = param == 0 ? i % VALUES : param == 1 ? i / VALUES : (i * 5 + 3) % VALUES;
    if (lg_dtype_is_float(dtype))
        return (lg_number){.f = float_values[which]};
    return (lg_number){.i = dtype == LG_BOOL ? which & 1 : integer_values[which]};
}

static lg_number random_value(lg_dtype dtype, uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    int64_t bits = (int64_t)(*state >> 33) - (1 << 30);
    if (lg_dtype_is_float(dtype))
        return (lg_number){.f = (double)bits / (1 << 29)};
    return (lg_number){.i = dtype == LG_BOOL ? bits & 1 : bits};
}

// A kernel of the scalar program has edge values, any other random ones; an i64[1] is a count.
static lg_number input_value(const lg_kbuffer *buffer, int param, int64_t i, uint64_t *state)
{
    int64_t elements = lg_cuda_buffer_elements(buffer);
    if (elements == VALUES * VALUES)
        return edge_value(buffer->dtype, param, i);
    if (elements == 1 && buffer->dtype == LG_I64)
        return (lg_number){.i = 3};
    return random_value(buffer->dtype, state);
}

void **lg_cuda_buffers_new(const lg_kernel *kernel)
{
    void **buffers = calloc((size_t)kernel->params.count, sizeof *buffers);
    uint64_t state = 1;
    for (int p = 0; p < kernel->params.count; p++) {
        const lg_kbuffer *buffer = kernel->params.items[p];
        int64_t elements = lg_cuda_buffer_elements(buffer);
        int bytes = lg_dtype_bytes(buffer->dtype);
        buffers[p] = calloc((size_t)elements, (size_t)bytes);
        ck_assert_ptr_nonnull(buffers[p]);
        for (int64_t i = 0; i < elements && buffer->scope != LG_SCOPE_OUT; i++)
            lg_number_store(buffer->dtype, (char *)buffers[p] + i * bytes,
                            input_value(buffer, p, i, &state));
    }
    return buffers;
}

void lg_cuda_buffers_free(const lg_kernel *kernel, void **buffers)
{
    for (int p = 0; p < kernel->params.count; p++)
        free(buffers[p]);
    free(buffers);
}

// `steps`: of rounding, at most 2.
static bool close_enough(lg_dtype dtype, int steps, lg_number a, lg_number b)
{
    if (!lg_dtype_is_float(dtype))
        return a.i == b.i;
    if (isnan(a.f) || isnan(b.f))
        return isnan(a.f) && isnan(b.f);
    if (isinf(a.f) || isinf(b.f))
        return a.f == b.f;
    // The reference rounds once, at the end.
    double narrow = dtype == LG_F16 ? 0x1p-10 : 0x1p-7;
    double tolerance = dtype == LG_F32 ? 0x1p-19 : steps > 1 ? narrow : 0;
    return fabs(a.f - b.f) <= tolerance * fmax(fabs(b.f), 1);
}

void lg_cuda_compare(const lg_kernel *kernel, void *const *actual, void *const *expected)
{
    for (int p = 0; p < kernel->params.count; p++) {
        const lg_kbuffer *buffer = kernel->params.items[p];
        int bytes = lg_dtype_bytes(buffer->dtype);
        int steps = lg_cuda_buffer_elements(buffer) == VALUES * VALUES ? 1 : 2;
        for (int64_t i = 0; i < lg_cuda_buffer_elements(buffer); i++) {
            lg_number a = lg_number_load(buffer->dtype, (const char *)actual[p] + i * bytes);
            lg_number b = lg_number_load(buffer->dtype, (const char *)expected[p] + i * bytes);
            bool real = lg_dtype_is_float(buffer->dtype);
            ck_assert_msg(close_enough(buffer->dtype, steps, a, b),
                          "@%s, %%%s element %lld: %.9g, the reference has %.9g", kernel->name,
                          buffer->name, (long long)i, real ? a.f : (double)a.i,
                          real ? b.f : (double)b.i);
        }
    }
}

static void check_kernel(const lg_kernel *kernel,
                         void (*run)(void *context, const lg_kernel *kernel, void **buffers),
                         void *context)
{
    void **actual = lg_cuda_buffers_new(kernel), **expected = lg_cuda_buffers_new(kernel);
    lg_diag *diag = lg_diag_new();
    bool ok = lg_kernel_interpret(kernel, expected, diag);
    if (!ok)
        lg_diag_print(diag, stderr);
    ck_assert_msg(ok, "@%s is not interpreted", kernel->name);
    lg_diag_free(diag);
    run(context, kernel, actual);
    lg_cuda_compare(kernel, actual, expected);
    lg_cuda_buffers_free(kernel, actual);
    lg_cuda_buffers_free(kernel, expected);
}

void lg_cuda_check_kernels(const lg_program *program,
                           void (*run)(void *context, const lg_kernel *kernel, void **buffers),
                           void *context)
{
    for (const lg_kernel *kernel = program->first; kernel; kernel = kernel->next)
        check_kernel(kernel, run, context);
}
