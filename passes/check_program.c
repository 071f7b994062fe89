// A lowered program against the graph it came from: the kernel interpreter on real memory, with the
// inputs and weights that the graph was evaluated on. Where memory is f32, 1e-4 of the largest
// number is allowed: what rounding makes of a network, and far below what a wrong element gives.
#include "passes/check_internal.h"

#include <math.h>
#include <string.h>

#define PROGRAM_TOLERANCE 1e-4

typedef struct machine {
    lg_arena *arena;
    const lg_evaluation *graph;
    const lg_program *program;
    const char *pass;
    lg_diag *diag;
    double tolerance;
    void **params;
    void *packed;
} machine;

static void *memory_of(lg_arena *arena, const lg_array *array, const lg_type *type)
{
    void *memory = lg_alloc(arena, (size_t)lg_type_bytes(type));
    if (array)
        lg_array_store(array, type, memory);
    return memory;
}

static void fill_params(machine *m)
{
    int count = m->program->params.count;
    m->params = LG_NEW_ARRAY(m->arena, void *, count + 1);
    for (int i = 0; i < count; i++) {
        const lg_kslot *slot = m->program->params.items[i];
        m->params[slot->index] =
            memory_of(m->arena, lg_check_symbol(m->arena, slot->name, &slot->type), &slot->type);
    }
}

static double tolerance_of(lg_dtype dtype)
{
    enum { ROUNDINGS = 4 }; // of the result and of what lies in memory on the way to it
    return dtype == LG_BF16  ? ROUNDINGS * 0x1p-8
           : dtype == LG_F16 ? ROUNDINGS * 0x1p-11
                             : PROGRAM_TOLERANCE;
}

// How far a program may be off. The reference computes in f64 and rounds nothing to a narrow float,
// as kernels do with all that they write: each time by up to half a unit of its last place.
static double tolerance_for(const lg_module *module)
{
    double most = PROGRAM_TOLERANCE;
    LG_FOR_FUNCTIONS (f, module)
        LG_FOR_OPS (op, f)
            for (int i = 0; i < op->result_count; i++)
                most = fmax(most, tolerance_of(op->results[i]->type.dtype));
    return most;
}

static bool compare(machine *m, const char *entry, const char *name, int result,
                    const lg_type *type, const void *memory)
{
    const lg_outcome *wanted = lg_evaluation_find(m->graph, entry, name, result);
    if (!wanted)
        return true; // a parameter that the entry does not write
    lg_array *got = lg_array_new(m->arena, type);
    lg_array_load(got, type, memory);
    double relative, absolute = lg_array_difference(wanted->array, got, &relative);
    return relative <= m->tolerance || lg_check_fault(m->pass, wanted, absolute, relative, m->diag);
}

static bool run_entry(machine *m, const lg_entry *entry)
{
    void **inputs = LG_NEW_ARRAY(m->arena, void *, entry->input_count + 1);
    void **outputs = LG_NEW_ARRAY(m->arena, void *, entry->output_count + 1);
    for (int i = 0; i < entry->slots.count; i++) {
        const lg_kslot *slot = entry->slots.items[i];
        if (slot->place == LG_PLACE_INPUT && !inputs[slot->index])
            inputs[slot->index] = memory_of(
                m->arena, lg_check_argument(m->arena, entry->name, slot->index, &slot->type),
                &slot->type);
        if (slot->place == LG_PLACE_OUTPUT && !outputs[slot->index])
            outputs[slot->index] = memory_of(m->arena, NULL, &slot->type);
    }
    lg_memory memory = {inputs, outputs, m->params, m->packed,
                        lg_alloc(m->arena, (size_t)entry->workspace + 64)};
    if (!lg_entry_interpret(entry, &memory, m->diag)) {
        lg_note_at(m->diag, (lg_location){0}, "in entry @%s, after pass `%s`", entry->name,
                   m->pass);
        return false;
    }
    for (int i = 0; i < entry->slots.count; i++) {
        const lg_kslot *slot = entry->slots.items[i];
        bool ok = true;
        if (slot->place == LG_PLACE_OUTPUT)
            ok =
                compare(m, entry->name, slot->name, slot->index, &slot->type, outputs[slot->index]);
        else if (slot->place == LG_PLACE_PARAM)
            ok = compare(m, entry->name, slot->name, -1, &slot->type, m->params[slot->index]);
        if (!ok)
            return false;
    }
    return true;
}

bool lg_check_program(const lg_evaluation *graph, const lg_program *program, const char *pass,
                      lg_diag *diag)
{
    machine m = {.arena = lg_arena_new(),
                 .graph = graph,
                 .program = program,
                 .pass = pass,
                 .diag = diag,
                 .tolerance = tolerance_for(graph->module)};
    m.packed = lg_alloc(m.arena, (size_t)program->packed + 64);
    const lg_entry *pack = lg_program_entry(program, "pack");
    fill_params(&m);
    bool ok = !pack || run_entry(&m, pack);
    for (int i = 0; ok && i < program->entries.count; i++) {
        const lg_entry *entry = program->entries.items[i];
        if (entry == pack)
            continue;
        fill_params(&m); // an entry may have written them
        ok = run_entry(&m, entry);
    }
    lg_arena_free(m.arena);
    return ok;
}
