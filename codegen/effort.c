// A training step has hundreds of kernels, and most of its time is in a few dozen of them. In each
// entry point the kernels of least work that have a share of LIGHT_SHARE together are light: were
// their code ten times as slow, it would cost ten times that share, and instruction selection
// without optimisation takes a sixth of the time. Work is a bound from below, the FLOPs at some
// peak or the bytes at some bandwidth; only ratios count. No bit of a result depends on it: LLVM
// may not reorder floating-point arithmetic at any level.
#include "codegen/effort.h"

#include <stdlib.h>
#include <string.h>

static const double LIGHT_SHARE = 0.002, BYTES_PER_FLOP = 0.15;

typedef struct share {
    const lg_kernel *kernel;
    int index; // in the program
    double work;
} share;

static double work_of(const lg_kernel *kernel)
{
    double memory = kernel->bytes / BYTES_PER_FLOP;
    return kernel->flops > memory ? kernel->flops : memory;
}

// Not by address: a view of a program may hold copies of the kernels that its entries launch.
static int by_name(const void *a, const void *b)
{
    return strcmp(((const share *)a)->kernel->name, ((const share *)b)->kernel->name);
}

static int by_work(const void *a, const void *b)
{
    const share *x = a, *y = b;
    if (x->work != y->work)
        return x->work < y->work ? -1 : 1;
    return x->index - y->index;
}

// Clears `light` of all kernels that the entry's time depends on. `kernels`: by name.
static void keep_those_that_matter(lg_effort *efforts, const share *kernels, int count,
                                   const lg_entry *entry, share *scratch)
{
    double total = 0, below = 0;
    for (int i = 0; i < count; i++)
        scratch[i] = (share){kernels[i].kernel, kernels[i].index, 0};
    for (int i = 0; i < entry->launches.count; i++) {
        share key = {.kernel = entry->launches.items[i].kernel};
        share *found = bsearch(&key, scratch, (size_t)count, sizeof *scratch, by_name);
        found->work += work_of(key.kernel);
        total += work_of(key.kernel);
    }
    qsort(scratch, (size_t)count, sizeof *scratch, by_work);
    for (int i = 0; i < count; i++) {
        below += scratch[i].work;
        if (below > LIGHT_SHARE * total)
            efforts[scratch[i].index].light = false;
    }
}

// How often the emitter writes the loop's body; 1 where bounds are not plain numbers.
static int64_t repetitions(const lg_kstmt *s)
{
    const lg_kx *low = s->as.loop.low, *high = s->as.loop.high;
    if (s->as.loop.role != LG_LOOP_UNROLL || low->kind != LG_KX_INT || high->kind != LG_KX_INT)
        return 1;
    return (high->as.integer - low->as.integer + s->as.loop.step - 1) / s->as.loop.step;
}

static int64_t size_of(const lg_kblock *block)
{
    int64_t size = 0;
    for (const lg_kstmt *s = block->first; s; s = s->next) {
        size++;
        if (s->kind == LG_K_IF)
            size += size_of(&s->as.branch.then) + size_of(&s->as.branch.otherwise);
        if (s->kind == LG_K_LOOP)
            size += repetitions(s) * size_of(&s->as.loop.body);
    }
    return size;
}

lg_effort *lg_efforts(lg_arena *arena, const lg_program *program)
{
    int count = lg_program_kernel_count(program), i = 0;
    lg_effort *efforts = LG_NEW_ARRAY(arena, lg_effort, count + 1);
    share *kernels = LG_NEW_ARRAY(arena, share, count + 1);
    share *scratch = LG_NEW_ARRAY(arena, share, count + 1);
    for (const lg_kernel *kernel = program->first; kernel; kernel = kernel->next, i++) {
        kernels[i] = (share){kernel, i, 0};
        efforts[i] = (lg_effort){work_of(kernel) > 0, size_of(&kernel->body)};
    }
    qsort(kernels, (size_t)count, sizeof *kernels, by_name);
    for (i = 0; i < program->entries.count; i++)
        keep_those_that_matter(efforts, kernels, count, program->entries.items[i], scratch);
    return efforts;
}
