// What a kernel asks of a device: its grid, its block, its shared memory; and whether CUDA C as
// emitted here can say it at all. One walk over the kernel finds both, so that the emitter meets
// nothing that it cannot spell.
#include "codegen/cuda_internal.h"

#include <stdarg.h>

enum {
    MOST_THREADS = 1024,
    MOST_STATIC_SHARED = 48 << 10, // bytes; more has to be asked for at the launch
};
static const int64_t MOST_BLOCKS = INT32_MAX;

typedef struct walk {
    const lg_kernel *kernel;
    lg_cuda_launch *launch;
    lg_diag *diag;
    bool ok, has_vector;
} walk;

__attribute__((format(printf, 2, 3))) static void refuse(walk *w, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    w->ok = lg_error_at(w->diag, (lg_location){0}, "kernel @%s %s", w->kernel->name, text);
}

static void check_lanes(walk *w, int lanes)
{
    if (lanes > 1 && !w->has_vector) {
        w->has_vector = true;
        refuse(w, "uses vectors; lower it for a CUDA target");
    }
}

static int argument_count(const lg_kx *x)
{
    switch (x->kind) {
    case LG_KX_LOAD:
        return x->as.load.buffer->rank;
    case LG_KX_APPLY:
        return lg_scalar_info_of(x->as.apply.fn)->arity;
    case LG_KX_CAST:
    case LG_KX_SUM:
    case LG_KX_MAXIMUM:
    case LG_KX_LOW:
        return 1;
    default:
        return 0;
    }
}

static const lg_kx *argument(const lg_kx *x, int i)
{
    return x->kind == LG_KX_LOAD    ? x->as.load.index[i]
           : x->kind == LG_KX_APPLY ? x->as.apply.args[i]
                                    : x->as.arg;
}

static void check_expression(walk *w, const lg_kx *x)
{
    check_lanes(w, x->type.lanes);
    for (int i = 0; i < argument_count(x); i++)
        check_expression(w, argument(x, i));
}

bool lg_cuda_loads(const lg_kx *x)
{
    bool loads = x->kind == LG_KX_LOAD;
    for (int i = 0; !loads && i < argument_count(x); i++)
        loads = lg_cuda_loads(argument(x, i));
    return loads;
}

int64_t lg_cuda_buffer_elements(const lg_kbuffer *buffer)
{
    int64_t elements = 1;
    for (int i = 0; i < buffer->rank; i++)
        elements *= buffer->dims[i];
    return elements;
}

// The verifier has seen to it that block and thread loops run from 0 to a constant in steps of 1,
// that there is one block loop at most, and that all thread loops have one extent.
static void measure_role(walk *w, const lg_kstmt *loop)
{
    const lg_kx *high = loop->as.loop.high;
    if (loop->as.loop.role == LG_LOOP_PARALLEL) {
        refuse(w, "has a parallel loop; lower it for a CUDA target");
    } else if (loop->as.loop.role == LG_LOOP_BLOCK) {
        w->launch->blocks = high->as.integer;
        if (w->launch->blocks < 1 || w->launch->blocks > MOST_BLOCKS)
            refuse(w, "has %lld blocks; a grid holds 1 to %lld", (long long)w->launch->blocks,
                   (long long)MOST_BLOCKS);
    } else if (loop->as.loop.role == LG_LOOP_THREAD) {
        if (high->as.integer < 1 || high->as.integer > MOST_THREADS)
            refuse(w, "has %lld threads a block; a block holds 1 to %d",
                   (long long)high->as.integer, MOST_THREADS);
        else
            w->launch->threads = (int)high->as.integer;
    }
}

static void measure_statements(walk *w, const lg_kblock *block);

static void measure_loop(walk *w, const lg_kstmt *loop)
{
    check_expression(w, loop->as.loop.low);
    check_expression(w, loop->as.loop.high);
    measure_role(w, loop);
    measure_statements(w, &loop->as.loop.body);
}

static void measure_buffer(walk *w, const lg_kbuffer *buffer)
{
    check_lanes(w, buffer->lanes);
    if (buffer->scope != LG_SCOPE_SHARED && buffer->scope != LG_SCOPE_TILE)
        return;
    int64_t bytes;
    if (__builtin_mul_overflow(lg_cuda_buffer_elements(buffer), lg_dtype_bytes(buffer->dtype),
                               &bytes) ||
        __builtin_add_overflow(w->launch->shared_bytes, bytes, &w->launch->shared_bytes))
        w->launch->shared_bytes = INT64_MAX;
}

static void measure_statements(walk *w, const lg_kblock *block)
{
    for (const lg_kstmt *s = block->first; s; s = s->next) {
        switch (s->kind) {
        case LG_K_LOOP:
            measure_loop(w, s);
            break;
        case LG_K_LET:
            check_expression(w, s->as.let.value);
            break;
        case LG_K_ALLOC:
            measure_buffer(w, s->as.alloc);
            break;
        case LG_K_STORE:
            for (int i = 0; i < s->as.store.buffer->rank; i++)
                check_expression(w, s->as.store.index[i]);
            check_lanes(w, s->as.store.lanes);
            check_expression(w, s->as.store.value);
            break;
        case LG_K_IF:
            check_expression(w, s->as.branch.condition);
            measure_statements(w, &s->as.branch.then);
            measure_statements(w, &s->as.branch.otherwise);
            break;
        case LG_K_MATRIX:
        case LG_K_PREFETCH:
        case LG_K_BARRIER:
        case LG_K_COMMENT:
            break;
        }
    }
}

bool lg_cuda_measure(const lg_kernel *kernel, lg_cuda_launch *launch, lg_diag *diag)
{
    *launch = (lg_cuda_launch){.blocks = 1, .threads = 1};
    walk w = {.kernel = kernel, .launch = launch, .diag = diag, .ok = true};
    measure_statements(&w, &kernel->body);
    if (launch->shared_bytes > MOST_STATIC_SHARED)
        refuse(&w, "keeps %lld bytes in shared memory; %d is the most",
               (long long)launch->shared_bytes, MOST_STATIC_SHARED);
    return w.ok;
}

lg_cuda_launch *lg_cuda_measure_all(lg_arena *arena, const lg_program *program, lg_diag *diag)
{
    lg_cuda_launch *launches =
        LG_NEW_ARRAY(arena, lg_cuda_launch, lg_program_kernel_count(program) + 1);
    int i = 0;
    bool ok = true;
    for (const lg_kernel *kernel = program->first; kernel; kernel = kernel->next)
        ok = lg_cuda_measure(kernel, &launches[i++], diag) && ok;
    return ok ? launches : NULL;
}
