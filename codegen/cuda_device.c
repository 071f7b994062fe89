#include "codegen/cuda_device.h"
#include "codegen/cuda_compile.h"
#include "codegen/cuda_internal.h"

#include <assert.h>
#include <stdlib.h>

enum { PLACES = LG_PLACE_WORKSPACE + 1 };

typedef struct stretch {
    lg_cuda_pointer at;
    int64_t bytes;
} stretch;

struct lg_cuda_device {
    lg_cuda_driver *driver;
    const lg_program *program;
    lg_diag *diag;
    lg_arena *arena; // lasts as long as the device
    lg_cuda_module *modules;
    int module_count;
    lg_cuda_function *functions; // of the kernels, in the order of the program
    const lg_cuda_launch *launches;
    stretch *stretches[PLACES];
    int counts[PLACES];
    // Of the chosen entry.
    const lg_entry *entry;
    lg_arena *entry_arena;
    int *kernels; // of each launch, its number in the program
};

static bool check(const lg_cuda_device *d, lg_cuda_result result, const char *what)
{
    return lg_cuda_check(d->driver, result, what, d->diag);
}

// ---- compiling

static bool load_parts(lg_cuda_device *d, const lg_cuda_parts *parts)
{
    bool ok = true;
    d->modules = LG_NEW_ARRAY(d->arena, lg_cuda_module, parts->count + 1);
    for (int i = 0; ok && i < parts->count; i++) {
        ok = check(d, d->driver->module_load(&d->modules[i], parts->cubins[i]),
                   "loading the kernels");
        d->module_count += ok;
    }
    return ok;
}

static bool find_functions(lg_cuda_device *d, int kernels_a_part)
{
    const char **names = lg_cuda_kernel_names(d->arena, d->program);
    int count = lg_program_kernel_count(d->program);
    d->functions = LG_NEW_ARRAY(d->arena, lg_cuda_function, count + 1);
    bool ok = true;
    for (int i = 0; ok && i < count; i++)
        ok = check(
            d,
            d->driver->module_function(&d->functions[i], d->modules[i / kernels_a_part], names[i]),
            names[i]);
    return ok;
}

// Machine code for the device at hand: PTX would need a driver at least as new as the compiler.
static bool load_kernels(lg_cuda_device *d)
{
    lg_cuda_parts parts;
    bool ok = lg_cuda_compile(d->program, d->driver->arch, &parts, d->diag) &&
              load_parts(d, &parts) && find_functions(d, parts.kernels);
    lg_cuda_parts_free(&parts);
    return ok;
}

// ---- memory

// Nothing should be read before it is written: it is full of NaN, so that a fault shows.
static bool allocate(lg_cuda_device *d, stretch *s, int64_t bytes)
{
    size_t room = bytes > 0 ? (size_t)bytes : 1; // CUDA refuses to allocate nothing
    *s = (stretch){.bytes = bytes};
    if (d->driver->allocate(&s->at, room) != 0) {
        s->at = 0;
        return lg_error_at(d->diag, (lg_location){0}, "%s has no room for %.1f MB", d->driver->name,
                           1e-6 * (double)room);
    }
    return check(d, d->driver->fill(s->at, 0xff, room), "filling memory");
}

static void release(lg_cuda_device *d, lg_place place)
{
    for (int i = 0; i < d->counts[place]; i++)
        if (d->stretches[place][i].at)
            d->driver->release(d->stretches[place][i].at);
    d->counts[place] = 0;
}

static stretch *reserve(lg_cuda_device *d, lg_arena *arena, lg_place place, int count)
{
    d->counts[place] = count;
    return d->stretches[place] = LG_NEW_ARRAY(arena, stretch, count + 1);
}

static bool allocate_lasting(lg_cuda_device *d)
{
    int count = d->program->params.count;
    stretch *params = reserve(d, d->arena, LG_PLACE_PARAM, count);
    bool ok = allocate(d, reserve(d, d->arena, LG_PLACE_PACKED, 1), d->program->packed);
    for (int i = 0; ok && i < count; i++) {
        const lg_kslot *slot = d->program->params.items[i];
        ok = allocate(d, &params[slot->index], lg_type_bytes(&slot->type));
    }
    return ok;
}

static bool allocate_ports(lg_cuda_device *d, lg_place place, int count)
{
    stretch *ports = reserve(d, d->entry_arena, place, count);
    bool ok = true;
    for (int i = 0; ok && i < d->entry->slots.count; i++) {
        const lg_kslot *slot = d->entry->slots.items[i];
        if (slot->place == place && !ports[slot->index].at)
            ok = allocate(d, &ports[slot->index], lg_type_bytes(&slot->type));
    }
    return ok;
}

static void forget_entry(lg_cuda_device *d)
{
    release(d, LG_PLACE_INPUT);
    release(d, LG_PLACE_OUTPUT);
    release(d, LG_PLACE_WORKSPACE);
    if (d->entry_arena)
        lg_arena_free(d->entry_arena);
    d->entry_arena = NULL;
    d->entry = NULL;
}

// ---- the device

lg_cuda_device *lg_cuda_device_new(const lg_program *program, lg_diag *diag)
{
    lg_cuda_device *d = calloc(1, sizeof *d);
    if (!d) {
        lg_error_at(diag, (lg_location){0}, "out of memory");
        return NULL;
    }
    d->program = program;
    d->diag = diag;
    d->arena = lg_arena_new();
    d->launches = lg_cuda_measure_all(d->arena, program, diag);
    d->driver = d->launches ? lg_cuda_driver_open(diag) : NULL;
    if (d->driver && load_kernels(d) && allocate_lasting(d))
        return d;
    lg_cuda_device_free(d);
    return NULL;
}

void lg_cuda_device_free(lg_cuda_device *d)
{
    if (!d)
        return;
    forget_entry(d);
    release(d, LG_PLACE_PARAM);
    release(d, LG_PLACE_PACKED);
    for (int i = 0; i < d->module_count; i++)
        d->driver->module_unload(d->modules[i]);
    lg_cuda_driver_close(d->driver);
    lg_arena_free(d->arena);
    free(d);
}

const char *lg_cuda_device_name(const lg_cuda_device *d)
{
    return lg_format(d->arena, "%s (%s)", d->driver->name, d->driver->arch);
}

static int kernel_number(const lg_program *program, const lg_kernel *wanted)
{
    int i = 0;
    for (const lg_kernel *kernel = program->first; kernel != wanted; kernel = kernel->next)
        i++;
    return i;
}

bool lg_cuda_device_choose(lg_cuda_device *d, const lg_entry *entry)
{
    if (d->entry == entry)
        return true;
    forget_entry(d);
    d->entry = entry;
    d->entry_arena = lg_arena_new();
    d->kernels = LG_NEW_ARRAY(d->entry_arena, int, entry->launches.count + 1);
    for (int i = 0; i < entry->launches.count; i++)
        d->kernels[i] = kernel_number(d->program, entry->launches.items[i].kernel);
    bool ok = allocate_ports(d, LG_PLACE_INPUT, entry->input_count) &&
              allocate_ports(d, LG_PLACE_OUTPUT, entry->output_count) &&
              allocate(d, reserve(d, d->entry_arena, LG_PLACE_WORKSPACE, 1), entry->workspace);
    if (!ok)
        forget_entry(d);
    return ok;
}

static const stretch *stretch_of(const lg_cuda_device *d, lg_place place, int index)
{
    assert(index >= 0 && index < d->counts[place]);
    return &d->stretches[place][index];
}

bool lg_cuda_device_write(lg_cuda_device *d, lg_place place, int index, const void *from)
{
    const stretch *s = stretch_of(d, place, index);
    return s->bytes == 0 ||
           check(d, d->driver->write(s->at, from, (size_t)s->bytes), "copying to the GPU");
}

bool lg_cuda_device_read(lg_cuda_device *d, lg_place place, int index, void *to)
{
    const stretch *s = stretch_of(d, place, index);
    return s->bytes == 0 ||
           check(d, d->driver->read(to, s->at, (size_t)s->bytes), "copying from the GPU");
}

// ---- running

static lg_cuda_pointer address(const lg_cuda_device *d, const lg_kslot *slot)
{
    bool in_block = slot->place == LG_PLACE_PACKED || slot->place == LG_PLACE_WORKSPACE;
    const stretch *s = stretch_of(d, slot->place, in_block ? 0 : slot->index);
    return s->at + (lg_cuda_pointer)(in_block ? slot->offset : 0);
}

static bool launch(const lg_cuda_device *d, int index)
{
    const lg_launch *l = &d->entry->launches.items[index];
    int kernel = d->kernels[index];
    const lg_cuda_launch *size = &d->launches[kernel];
    lg_cuda_pointer pointers[l->slot_count + 1];
    void *parameters[l->slot_count + 1];
    for (int i = 0; i < l->slot_count; i++) {
        pointers[i] = address(d, l->slots[i]);
        parameters[i] = &pointers[i];
    }
    return check(d,
                 d->driver->launch(d->functions[kernel], (unsigned)size->blocks, 1, 1,
                                   (unsigned)size->threads, 1, 1, 0, NULL, parameters, NULL),
                 l->kernel->name);
}

static bool wait(const lg_cuda_device *d)
{
    return check(d, d->driver->synchronize(), "running the kernels");
}

static bool read_times(const lg_cuda_device *d, const lg_cuda_event *events, double *seconds)
{
    bool ok = true;
    for (int i = 0; ok && i < d->entry->launches.count; i++) {
        float milliseconds = 0;
        ok = check(d, d->driver->event_elapsed(&milliseconds, events[i], events[i + 1]),
                   "reading times");
        seconds[i] = 1e-3 * (double)milliseconds;
    }
    return ok;
}

// An event between every two launches.
static bool run_timed(lg_cuda_device *d, double *seconds)
{
    int count = d->entry->launches.count, made = 0;
    lg_arena *scratch = lg_arena_new();
    lg_cuda_event *events = LG_NEW_ARRAY(scratch, lg_cuda_event, count + 1);
    bool ok = true;
    for (; ok && made <= count; made += ok)
        ok = check(d, d->driver->event_new(&events[made], 0), "making an event");
    for (int i = 0; ok && i <= count; i++)
        ok = check(d, d->driver->event_record(events[i], NULL), "recording an event") &&
             (i == count || launch(d, i));
    ok = ok && wait(d) && read_times(d, events, seconds);
    for (int i = 0; i < made; i++)
        d->driver->event_free(events[i]);
    lg_arena_free(scratch);
    return ok;
}

bool lg_cuda_device_run(lg_cuda_device *d, double *seconds)
{
    if (seconds)
        return run_timed(d, seconds);
    bool ok = true;
    for (int i = 0; ok && i < d->entry->launches.count; i++)
        ok = launch(d, i);
    return ok && wait(d);
}

// A parameter that nothing reads may be NULL.
static bool write_all(lg_cuda_device *d, lg_place place, const void *const *from)
{
    bool ok = true;
    for (int i = 0; ok && i < d->counts[place]; i++)
        ok = !from[i] || lg_cuda_device_write(d, place, i, from[i]);
    return ok;
}

static bool read_all(lg_cuda_device *d, lg_place place, void *const *to)
{
    bool ok = true;
    for (int i = 0; ok && i < d->counts[place]; i++)
        ok = lg_cuda_device_read(d, place, i, to[i]);
    return ok;
}

bool lg_cuda_device_interpret(lg_cuda_device *d, const lg_entry *entry, const lg_memory *m)
{
    return lg_cuda_device_choose(d, entry) &&
           write_all(d, LG_PLACE_INPUT, (const void *const *)m->inputs) &&
           write_all(d, LG_PLACE_OUTPUT, (const void *const *)m->outputs) &&
           write_all(d, LG_PLACE_PARAM, (const void *const *)m->params) &&
           lg_cuda_device_write(d, LG_PLACE_PACKED, 0, m->packed) &&
           lg_cuda_device_write(d, LG_PLACE_WORKSPACE, 0, m->workspace) &&
           lg_cuda_device_run(d, NULL) && read_all(d, LG_PLACE_OUTPUT, m->outputs) &&
           read_all(d, LG_PLACE_PARAM, m->params) &&
           lg_cuda_device_read(d, LG_PLACE_PACKED, 0, m->packed);
}

int lg_cuda_device_execute(void *device, const lg_entry_desc *desc, const lg_call *call)
{
    lg_cuda_device *d = device;
    const lg_entry *entry = lg_program_entry(d->program, desc->name);
    bool writes_params = desc->flags & LG_ENTRY_WRITES_PARAMS;
    bool uses_params = writes_params || desc->flags & LG_ENTRY_READS_PARAMS;
    bool ok = lg_cuda_device_choose(d, entry) && write_all(d, LG_PLACE_INPUT, call->inputs) &&
              (!uses_params || write_all(d, LG_PLACE_PARAM, (const void *const *)call->params)) &&
              lg_cuda_device_run(d, NULL) && read_all(d, LG_PLACE_OUTPUT, call->outputs) &&
              (!writes_params || read_all(d, LG_PLACE_PARAM, call->params));
    return ok ? 0 : 1;
}
