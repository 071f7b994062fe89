// Memory under the kernel interpreter, and what can be wrong with an access: outside of its
// dimension, not yet written, or in no order with another one to the same element.
#include "ir/kernel_interp_internal.h"
#include "ir/kernel_report.h"

#include <inttypes.h>
#include <string.h>

enum { NOBODY = -2, SEVERAL = -1 }; // as a group

static const lg_kactor nobody = {NOBODY, 0, 0};

bool lg_kinterp_fault(lg_kinterp *in, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = lg_vformat(in->arena, format, args);
    va_end(args);
    for (int i = 0; i < in->loops.count; i++) {
        const lg_kvar *var = in->loops.items[i];
        text = lg_format(in->arena, "%s%s%%%s = %" PRId64 "%s", text, i ? ", " : " (", var->name,
                         in->vars[var->id]->i, i + 1 < in->loops.count ? "" : ")");
    }
    return lg_kernel_fault(in->diag, in->kernel, in->stmt, "%s", text);
}

// ---- set up

static int64_t elements_of(const lg_kbuffer *buffer)
{
    int64_t elements = buffer->lanes;
    for (int d = 0; d < buffer->rank; d++)
        elements *= buffer->dims[d];
    return elements;
}

static void watch(lg_kinterp *in, lg_kmemory *memory)
{
    memory->accesses = LG_NEW_ARRAY(in->arena, lg_kaccesses, memory->elements);
    for (int64_t i = 0; i < memory->elements; i++)
        memory->accesses[i] = (lg_kaccesses){nobody, nobody};
}

// Parameters that are written; one that is the same memory as another is watched together with it.
static void watch_params(lg_kinterp *in)
{
    const lg_kernel *kernel = in->kernel;
    for (int i = 0; i < kernel->params.count; i++) {
        if (kernel->params.items[i]->scope == LG_SCOPE_IN)
            continue;
        lg_kmemory *memory = &in->memory[i];
        if (!memory->accesses)
            watch(in, memory);
        for (int j = 0; j < kernel->params.count; j++)
            if (in->memory[j].bytes == memory->bytes && in->memory[j].elements == memory->elements)
                in->memory[j].accesses = memory->accesses;
    }
}

void lg_kmemory_begin(lg_kinterp *in, void *const *buffers)
{
    const lg_kernel *kernel = in->kernel;
    int params = kernel->params.count;
    in->memory = LG_NEW_ARRAY(in->arena, lg_kmemory, params + kernel->locals.count + 1);
    for (int i = 0; i < params; i++)
        in->memory[i] =
            (lg_kmemory){.bytes = buffers[i], .elements = elements_of(kernel->params.items[i])};
    const lg_kstmt *first = kernel->body.first;
    while (first && first->kind == LG_K_COMMENT)
        first = first->next;
    if (first && first->kind == LG_K_LOOP && first->as.loop.role != LG_LOOP_SERIAL &&
        first->as.loop.role != LG_LOOP_UNROLL)
        watch_params(in);
}

// Each block of a grid has memory of its own.
static void forget_other_groups(const lg_kinterp *in, lg_kmemory *memory)
{
    for (int64_t i = 0; i < memory->elements; i++) {
        lg_kaccesses *accesses = &memory->accesses[i];
        if (accesses->writer.group != in->actor.group)
            accesses->writer = nobody;
        if (accesses->reader.group != in->actor.group)
            accesses->reader = nobody;
    }
}

// Locals get their memory when they are first met.
void lg_kmemory_reset(lg_kinterp *in, const lg_kbuffer *buffer, bool in_thread)
{
    lg_kmemory *memory = &in->memory[buffer->id];
    bool is_register = buffer->scope >= LG_SCOPE_REGISTER;
    if (!memory->numbers) {
        memory->elements = elements_of(buffer);
        memory->copies = is_register && !in_thread && in->threads > 0 ? (int)in->threads : 1;
        int64_t count = memory->elements * memory->copies;
        memory->numbers = LG_NEW_ARRAY(in->arena, lg_number, count);
        memory->defined = LG_NEW_ARRAY(in->arena, bool, count);
        if (!is_register && in->threads > 0)
            watch(in, memory);
    }
    memset(memory->defined, 0, (size_t)(memory->elements * memory->copies));
    if (memory->accesses)
        forget_other_groups(in, memory);
}

// ---- the order of accesses

static bool unordered(const lg_kactor *before, const lg_kactor *now)
{
    if (before->group == NOBODY)
        return false;
    if (before->group != now->group)
        return true;
    return before->epoch == now->epoch && before->thread != now->thread;
}

static bool report_conflict(lg_kinterp *in, const lg_kbuffer *buffer, int64_t at, const char *did,
                            const lg_kactor *before, const char *does)
{
    if (in->threads == 0 && before->group == SEVERAL)
        return lg_kinterp_fault(in,
                                "element %" PRId64 " of %%%s is %s by several iterations and %s",
                                at, buffer->name, did, does);
    if (in->threads == 0)
        return lg_kinterp_fault(in,
                                "element %" PRId64 " of %%%s was %s by iteration %" PRId64
                                " and is %s by iteration %" PRId64,
                                at, buffer->name, did, before->group, does, in->actor.group);
    return lg_kinterp_fault(in,
                            "element %" PRId64 " of %%%s was %s by thread %" PRId64
                            " of block %" PRId64 " and is %s by thread %" PRId64
                            " of block %" PRId64 " with no barrier between them",
                            at, buffer->name, did, before->thread, before->group, does,
                            in->actor.thread, in->actor.group);
}

static void note_reader(lg_kactor *reader, const lg_kactor *now)
{
    if (reader->group != NOBODY && reader->group != now->group)
        reader->group = SEVERAL;
    else if (reader->group == now->group && reader->epoch == now->epoch &&
             reader->thread != now->thread)
        reader->thread = LG_ALL_THREADS;
    else
        *reader = *now;
}

static bool note_read(lg_kinterp *in, const lg_kbuffer *buffer, int64_t at)
{
    lg_kaccesses *accesses = in->memory[buffer->id].accesses;
    if (!accesses)
        return true;
    if (unordered(&accesses[at].writer, &in->actor))
        return report_conflict(in, buffer, at, "written", &accesses[at].writer, "read");
    note_reader(&accesses[at].reader, &in->actor);
    return true;
}

static bool note_write(lg_kinterp *in, const lg_kbuffer *buffer, int64_t at)
{
    lg_kaccesses *accesses = in->memory[buffer->id].accesses;
    if (!accesses)
        return true;
    if (unordered(&accesses[at].writer, &in->actor))
        return report_conflict(in, buffer, at, "written", &accesses[at].writer, "written");
    if (unordered(&accesses[at].reader, &in->actor))
        return report_conflict(in, buffer, at, "read", &accesses[at].reader, "written");
    accesses[at].writer = in->actor;
    return true;
}

// ---- elements

// The place of lane `lane` in the buffer, in elements; false after reporting an index outside.
static bool locate(lg_kinterp *in, const lg_kbuffer *buffer, const lg_kindex *index, int lane,
                   int64_t *at)
{
    int64_t offset = 0;
    for (int d = 0; d < buffer->rank; d++) {
        int64_t i = index->at[d][index->vector[d] ? lane : 0].i;
        // Only a known size can be added to an index of any value.
        int64_t more = d == buffer->rank - 1 && !index->gathers ? lane : 0;
        if (i < 0 || i >= buffer->dims[d] || i + more >= buffer->dims[d])
            return lg_kinterp_fault(in, "index %d of %%%s is %" PRId64 "%s, the size is %" PRId64,
                                    d, buffer->name, i < 0 || i >= buffer->dims[d] ? i : i + more,
                                    more ? " in a vector" : "", buffer->dims[d]);
        offset = offset * buffer->dims[d] + i + more;
    }
    *at = offset;
    return true;
}

static bool load_local(lg_kinterp *in, const lg_kbuffer *buffer, int64_t at, lg_number *value)
{
    const lg_kmemory *memory = &in->memory[buffer->id];
    if (memory->copies > 1)
        at += in->actor.thread * memory->elements;
    if (!memory->defined[at])
        return lg_kinterp_fault(in, "element %" PRId64 " of %%%s is read before it is written",
                                at % memory->elements, buffer->name);
    *value = memory->numbers[at];
    return true;
}

// Floats of 32 bits stay in f64; what is narrower is stored as memory would.
static void store_local(lg_kinterp *in, const lg_kbuffer *buffer, int64_t at, lg_number value)
{
    lg_kmemory *memory = &in->memory[buffer->id];
    if (buffer->dtype != LG_F32) {
        char narrow[8];
        lg_number_store(buffer->dtype, narrow, value);
        value = lg_number_load(buffer->dtype, narrow);
    }
    int64_t first = at, step = memory->elements, end = step * memory->copies;
    // Outside of thread loops every thread has its copy written.
    if (memory->copies > 1 && in->actor.thread != LG_ALL_THREADS) {
        first += in->actor.thread * step;
        end = first + 1;
    }
    for (int64_t i = first; i < end; i += step) {
        memory->numbers[i] = value;
        memory->defined[i] = true;
    }
}

static bool load_element(lg_kinterp *in, const lg_kbuffer *buffer, int64_t at, lg_number *value)
{
    const lg_kmemory *memory = &in->memory[buffer->id];
    if (!note_read(in, buffer, at))
        return false;
    if (memory->numbers)
        return load_local(in, buffer, at, value);
    *value = lg_number_load(buffer->dtype, memory->bytes + at * lg_dtype_bytes(buffer->dtype));
    return true;
}

static bool store_element(lg_kinterp *in, const lg_kbuffer *buffer, int64_t at, lg_number value)
{
    const lg_kmemory *memory = &in->memory[buffer->id];
    if (!note_write(in, buffer, at))
        return false;
    if (memory->numbers)
        store_local(in, buffer, at, value);
    else
        lg_number_store(buffer->dtype, memory->bytes + at * lg_dtype_bytes(buffer->dtype), value);
    return true;
}

bool lg_kmemory_load(lg_kinterp *in, const lg_kbuffer *buffer, const lg_kindex *index, int lanes,
                     lg_number *values)
{
    bool is_vector = buffer->lanes > 1;
    for (int lane = 0; lane < lanes; lane++) {
        int64_t at = 0;
        if (!locate(in, buffer, index, is_vector ? 0 : lane, &at))
            return false;
        if (!load_element(in, buffer, is_vector ? at * lanes + lane : at, &values[lane]))
            return false;
    }
    return true;
}

bool lg_kmemory_store(lg_kinterp *in, const lg_kbuffer *buffer, const lg_kindex *index, int lanes,
                      const lg_number *values)
{
    bool is_vector = buffer->lanes > 1;
    for (int lane = 0; lane < lanes; lane++) {
        int64_t at = 0;
        if (!locate(in, buffer, index, is_vector ? 0 : lane, &at))
            return false;
        if (!store_element(in, buffer, is_vector ? at * lanes + lane : at, values[lane]))
            return false;
    }
    return true;
}

// The first element of a run, which must end inside of the buffer.
static bool locate_run(lg_kinterp *in, const lg_kbuffer *buffer, const lg_kindex *index, int count,
                       int64_t *at)
{
    if (!locate(in, buffer, index, 0, at))
        return false;
    int64_t elements = in->memory[buffer->id].elements;
    *at *= buffer->lanes;
    if (*at + count > elements)
        return lg_kinterp_fault(
            in, "a run of %d elements of %%%s begins at element %" PRId64 " of %" PRId64, count,
            buffer->name, *at, elements);
    return true;
}

bool lg_kmemory_load_run(lg_kinterp *in, const lg_kbuffer *buffer, const lg_kindex *index,
                         int count, lg_number *values)
{
    int64_t at = 0;
    if (!locate_run(in, buffer, index, count, &at))
        return false;
    for (int i = 0; i < count; i++)
        if (!load_element(in, buffer, at + i, &values[i]))
            return false;
    return true;
}

bool lg_kmemory_store_run(lg_kinterp *in, const lg_kbuffer *buffer, const lg_kindex *index,
                          int count, const lg_number *values)
{
    int64_t at = 0;
    if (!locate_run(in, buffer, index, count, &at))
        return false;
    for (int i = 0; i < count; i++)
        if (!store_element(in, buffer, at + i, values[i]))
            return false;
    return true;
}
