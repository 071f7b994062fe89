#include "tests/support/program_memory.h"

#include "codegen/scratch.h"
#include "runtime/artifact.h"

#include <stdint.h>
#include <string.h>

enum { GUARD_BYTES = LG_ABI_ALIGNMENT, GUARD = 0xa5, MOST_WORKERS = 4 };

// `bytes` bytes of NaN, `beside` bytes off the alignment of the ABI, and a guard on both sides.
static char *stretch(lg_program_memory *m, int64_t bytes, int beside)
{
    char *block = lg_alloc(m->arena, (size_t)bytes + 4 * GUARD_BYTES);
    block += GUARD_BYTES - (uintptr_t)block % GUARD_BYTES;
    char *data = block + GUARD_BYTES + beside;
    memset(block, GUARD, (size_t)bytes + (size_t)beside + 2 * GUARD_BYTES);
    memset(data, 0xff, (size_t)bytes);
    LG_PUSH(m->arena, &m->guards, data - GUARD_BYTES);
    LG_PUSH(m->arena, &m->guards, data + bytes);
    return data;
}

void lg_program_memory_new(lg_program_memory *m, const lg_program *program)
{
    *m = (lg_program_memory){.arena = lg_arena_new()};
    m->packed = stretch(m, program->packed, 0);
    m->lasting = m->guards.count;
}

void lg_program_memory_free(lg_program_memory *m)
{
    lg_arena_free(m->arena);
}

static int64_t result_extent(const lg_kslot *slot)
{
    return lg_type_bytes(&slot->type) + 2 * GUARD_BYTES;
}

static bool is_first_output(const lg_entry *entry, int i)
{
    for (int j = 0; j < i; j++)
        if (entry->slots.items[j]->place == LG_PLACE_OUTPUT &&
            entry->slots.items[j]->index == entry->slots.items[i]->index)
            return false;
    return entry->slots.items[i]->place == LG_PLACE_OUTPUT;
}

// The next place in the stretch of results, between guards.
static char *place_result(lg_program_memory *m, size_t *used, const lg_kslot *slot)
{
    char *data = m->results + *used + GUARD_BYTES / 2;
    int64_t bytes = lg_type_bytes(&slot->type);
    memset(m->results + *used, GUARD, (size_t)result_extent(slot));
    memset(data, 0xff, (size_t)bytes);
    LG_PUSH(m->arena, &m->guards, data + bytes);
    *used += (size_t)(bytes + GUARD_BYTES + GUARD_BYTES / 2) / 8 * 8;
    return data;
}

static void place_results(lg_program_memory *m, const lg_program *program, const lg_entry *entry)
{
    int64_t bytes = 0;
    for (int i = 0; i < entry->slots.count; i++)
        if (is_first_output(entry, i))
            bytes += result_extent(entry->slots.items[i]);
    for (int i = 0; i < program->params.count; i++)
        bytes += result_extent(program->params.items[i]);
    m->results = stretch(m, bytes, 8);
    m->result_bytes = (size_t)bytes;
    size_t used = 0;
    for (int i = 0; i < entry->slots.count; i++)
        if (is_first_output(entry, i))
            m->outputs[entry->slots.items[i]->index] =
                place_result(m, &used, entry->slots.items[i]);
    for (int i = 0; i < program->params.count; i++)
        m->params[program->params.items[i]->index] =
            place_result(m, &used, program->params.items[i]);
}

void lg_program_memory_begin(lg_program_memory *m, const lg_program *program, const lg_entry *entry)
{
    m->guards.count = m->lasting;
    m->inputs = LG_NEW_ARRAY(m->arena, void *, entry->input_count + 1);
    m->outputs = LG_NEW_ARRAY(m->arena, void *, entry->output_count + 1);
    m->params = LG_NEW_ARRAY(m->arena, void *, program->params.count + 1);
    m->workspace = stretch(m, lg_scratch_start(entry) + MOST_WORKERS * lg_entry_scratch(entry), 0);
    for (int i = 0; i < entry->slots.count; i++) {
        const lg_kslot *slot = entry->slots.items[i];
        if (slot->place == LG_PLACE_INPUT && !m->inputs[slot->index])
            m->inputs[slot->index] =
                stretch(m, lg_type_bytes(&slot->type), lg_dtype_bytes(slot->type.dtype));
    }
    place_results(m, program, entry);
}

bool lg_program_memory_guards_hold(const lg_program_memory *m)
{
    for (int i = 0; i < m->guards.count; i++)
        for (int b = 0; b < GUARD_BYTES / 2; b++)
            if ((unsigned char)m->guards.items[i][b] != GUARD)
                return false;
    return true;
}
