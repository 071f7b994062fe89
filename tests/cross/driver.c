// Runs an entry of the artifact that it is linked with, on the machine it is compiled for:
//
//   driver ENTRY DATA RESULTS      DATA: the parameters and then the inputs, one behind the other;
//                                  `-': inputs that are random, the same on every machine.
//                                  RESULTS gets the outputs and then the parameters
//   driver ENTRY --compare A B     whether two RESULTS agree: 1e-4 of a tensor's maximum
//
// It is compiled with ARTIFACT the name of an object's table, or without for a shared library, and
// needs nothing but the files of the runtime that need libc alone. The entry is run serially, its
// parts backwards, and with threads: the bits are the same.
#include "runtime/artifact.h"
#include "runtime/threads.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef ARTIFACT
extern const lg_artifact ARTIFACT;
#else
extern const lg_artifact *lgpnc_artifact(void);
#define ARTIFACT (*lgpnc_artifact())
#endif

static void fail(const char *what, const char *name)
{
    fprintf(stderr, "driver: %s %s\n", what, name);
    exit(1);
}

static char *allocate(uint64_t bytes)
{
    size_t rounded = (bytes / LG_ABI_ALIGNMENT + 1) * LG_ABI_ALIGNMENT;
    char *memory = aligned_alloc(LG_ABI_ALIGNMENT, rounded);
    if (!memory)
        fail("no memory for", "a tensor");
    memset(memory, 0xff, rounded);
    return memory;
}

static const lg_entry_desc *find_entry(const char *name)
{
    for (uint32_t i = 0; i < ARTIFACT.entry_count; i++)
        if (strcmp(ARTIFACT.entries[i].name, name) == 0)
            return &ARTIFACT.entries[i];
    return NULL;
}

// ---- tensors

// Memory of `count` tensors, each aligned.
typedef struct tensors {
    const lg_tensor_desc *descs;
    uint32_t count;
    void **data;
} tensors;

static tensors allocate_tensors(const lg_tensor_desc *descs, uint32_t count)
{
    tensors t = {descs, count, calloc(count + 1, sizeof *t.data)};
    if (!t.data)
        fail("no memory for", "tensors");
    for (uint32_t i = 0; i < count; i++)
        t.data[i] = allocate(descs[i].bytes);
    return t;
}

static void free_tensors(tensors *t)
{
    for (uint32_t i = 0; i < t->count; i++)
        free(t->data[i]);
    free(t->data);
}

static void copy_tensors(tensors *to, const tensors *from)
{
    assert(to->count == from->count);
    for (uint32_t i = 0; i < to->count; i++)
        memcpy(to->data[i], from->data[i], to->descs[i].bytes);
}

static void read_tensors(tensors *t, FILE *file, const char *path)
{
    for (uint32_t i = 0; i < t->count; i++)
        if (fread(t->data[i], 1, t->descs[i].bytes, file) != t->descs[i].bytes)
            fail("too short:", path);
}

static void write_tensors(const tensors *t, FILE *file, const char *path)
{
    for (uint32_t i = 0; i < t->count; i++)
        if (fwrite(t->data[i], 1, t->descs[i].bytes, file) != t->descs[i].bytes)
            fail("can't write", path);
}

static int same_tensors(const tensors *a, const tensors *b)
{
    for (uint32_t i = 0; i < a->count; i++)
        if (memcmp(a->data[i], b->data[i], a->descs[i].bytes) != 0)
            return 0;
    return 1;
}

// Numbers from -1 to 1.
static void fill_tensors(tensors *t)
{
    uint32_t state = 12345;
    for (uint32_t i = 0; i < t->count; i++)
        for (uint64_t j = 0; j < t->descs[i].bytes / sizeof(float); j++) {
            state = state * 1664525 + 1013904223;
            ((float *)t->data[i])[j] = (float)(state >> 8) / (1 << 23) - 1;
        }
}

// ---- running

typedef struct call {
    const lg_entry_desc *entry;
    tensors inputs, outputs, params;
    char *packed;
} call;

static void run_entry(call *c, const lg_entry_desc *entry, const lg_parallel *parallel)
{
    void *workspace = allocate(lg_workspace_bytes(entry, parallel));
    lg_call args = {.inputs = (const void *const *)c->inputs.data,
                    .outputs = c->outputs.data,
                    .params = c->params.data,
                    .packed = c->packed,
                    .workspace = workspace,
                    .parallel = parallel};
    if (entry->run(&args) != 0)
        fail("fails:", entry->name);
    free(workspace);
}

// Hands out a range in small pieces, the last one first.
static void run_backwards(void *context, uint32_t launch, lg_kernel_fn kernel, void *const *buffers,
                          int64_t count)
{
    (void)context, (void)launch;
    for (int64_t end = count, piece = 1; end > 0; end -= piece, piece = piece % 3 + 1) {
        piece = piece < end ? piece : end;
        kernel(buffers, end - piece, end, 0);
    }
}

static void check_order(call *c, const tensors *before, const lg_parallel *parallel)
{
    call again = {.entry = c->entry,
                  .inputs = c->inputs,
                  .outputs = allocate_tensors(c->outputs.descs, c->outputs.count),
                  .params = allocate_tensors(c->params.descs, c->params.count),
                  .packed = c->packed};
    copy_tensors(&again.params, before);
    run_entry(&again, c->entry, parallel);
    if (!same_tensors(&c->outputs, &again.outputs) || !same_tensors(&c->params, &again.params))
        fail("other bits in another order or with threads:", c->entry->name);
    free_tensors(&again.outputs);
    free_tensors(&again.params);
}

static void load(call *c, const char *path)
{
    FILE *file = strcmp(path, "-") != 0 ? fopen(path, "rb") : NULL;
    if (file) {
        read_tensors(&c->params, file, path);
        read_tensors(&c->inputs, file, path);
        fclose(file);
    } else if (strcmp(path, "-") == 0) {
        fill_tensors(&c->inputs);
    } else {
        fail("can't read", path);
    }
    c->packed = allocate(ARTIFACT.packed_bytes);
    if (ARTIFACT.packed)
        memcpy(c->packed, ARTIFACT.packed, ARTIFACT.packed_bytes);
    else if (find_entry("pack"))
        run_entry(c, find_entry("pack"), NULL);
}

static void run(call *c, const char *data, const char *results)
{
    load(c, data);
    tensors before = allocate_tensors(c->params.descs, c->params.count);
    copy_tensors(&before, &c->params);
    run_entry(c, c->entry, NULL);
    static const lg_parallel backwards = {.threads = 1, .run = run_backwards};
    check_order(c, &before, &backwards);
    lg_threads threads;
    lg_threads_init(&threads, 2);
    check_order(c, &before, &threads.parallel);
    lg_threads_free(&threads);
    free_tensors(&before);
    FILE *file = fopen(results, "wb");
    if (!file)
        fail("can't write", results);
    write_tensors(&c->outputs, file, results);
    write_tensors(&c->params, file, results);
    if (fclose(file) != 0)
        fail("can't write", results);
    free(c->packed);
}

// ---- comparing

static void load_results(tensors *t, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fail("can't read", path);
    read_tensors(t, file, path);
    fclose(file);
}

static void compare(const call *c, const char *first, const char *second)
{
    tensors a = c->outputs, b = allocate_tensors(a.descs, a.count);
    load_results(&a, first);
    load_results(&b, second);
    for (uint32_t i = 0; i < a.count; i++) {
        double worst = 0, scale = 0;
        for (uint64_t j = 0; j < a.descs[i].bytes / sizeof(float); j++) {
            double x = (double)((float *)a.data[i])[j], y = (double)((float *)b.data[i])[j];
            worst = fabs(x - y) <= worst ? worst : fabs(x - y); // NaN stays
            scale = fmax(scale, fabs(x));
        }
        printf("%s: %g of %g\n", a.descs[i].name, worst, scale);
        if (!(worst <= 1e-4 * scale) || scale == 0)
            fail("not the same:", a.descs[i].name);
    }
    free_tensors(&b);
}

int main(int argc, char **argv)
{
    call c = {.entry = argc > 1 ? find_entry(argv[1]) : NULL};
    if (!c.entry || argc < 4)
        fail("usage: driver ENTRY DATA RESULTS | ENTRY --compare A B; not", argv[argc - 1]);
    c.inputs = allocate_tensors(c.entry->inputs, c.entry->input_count);
    c.outputs = allocate_tensors(c.entry->outputs, c.entry->output_count);
    c.params = allocate_tensors(ARTIFACT.params, ARTIFACT.param_count);
    if (argc == 5 && strcmp(argv[2], "--compare") == 0)
        compare(&c, argv[3], argv[4]);
    else
        run(&c, argv[2], argv[3]);
    free_tensors(&c.inputs);
    free_tensors(&c.outputs);
    free_tensors(&c.params);
    return 0;
}
