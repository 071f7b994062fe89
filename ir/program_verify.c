// The verifier of a program: every kernel, and every entry point's launches and memory. The rule of
// memory: what is alive at the same launch lies in different bytes. One slot may stand for several
// values (in place, reshaped); two slots share bytes only as windows of one buffer.
#include "ir/kernel.h"

#include <inttypes.h>
#include <string.h>

enum { ALIGNMENT = 64, MOST_INDEX = 1 << 20 };

typedef struct verifier {
    const lg_program *program;
    const lg_entry *entry;
    lg_diag *diag;
    bool ok;
} verifier;

#define FAULT(v, format, ...)                                                                      \
    ((v)->ok = lg_error_at((v)->diag, (lg_location){0}, "entry @%s: " format, (v)->entry->name,    \
                           __VA_ARGS__))

static int64_t slot_bytes(const lg_kslot *slot)
{
    return lg_type_bytes(&slot->type);
}

static bool is_own_kernel(const lg_program *program, const lg_kernel *kernel)
{
    for (const lg_kernel *own = program->first; own; own = own->next)
        if (own == kernel)
            return true;
    return false;
}

// ---- slots

static void check_block_place(verifier *v, const lg_kslot *slot, int64_t size, const char *what)
{
    if (slot->offset < 0 || slot->offset % ALIGNMENT)
        FAULT(v, "slot @%s: offset %" PRId64 " is not a multiple of %d", slot->name, slot->offset,
              (int)ALIGNMENT);
    else if (slot->offset > size || slot_bytes(slot) > size - slot->offset)
        FAULT(v, "slot @%s: bytes %" PRId64 " to %" PRId64 " are outside of the %s of %" PRId64,
              slot->name, slot->offset, slot->offset + slot_bytes(slot), what, size);
}

static void check_index(verifier *v, const lg_kslot *slot, int count, const char *what)
{
    if (slot->index < 0 || slot->index >= count)
        FAULT(v, "slot @%s is %s %d of %d", slot->name, what, slot->index, count);
}

static void check_param(verifier *v, const lg_kslot *slot)
{
    check_index(v, slot, v->program->params.count, "parameter");
    if (slot->index < 0 || slot->index >= v->program->params.count)
        return;
    const lg_kslot *param = v->program->params.items[slot->index];
    if (param->type.dtype != slot->type.dtype || slot_bytes(param) != slot_bytes(slot))
        FAULT(v, "slot @%s has %" PRId64 " bytes, parameter %s %" PRId64, slot->name,
              slot_bytes(slot), param->name, slot_bytes(param));
}

static void check_slot(verifier *v, const lg_kslot *slot)
{
    const char *fault = lg_type_fault(&slot->type);
    if (fault) {
        FAULT(v, "slot @%s: %s", slot->name, fault);
        return;
    }
    switch (slot->place) {
    case LG_PLACE_INPUT:
        check_index(v, slot, v->entry->input_count, "input");
        return;
    case LG_PLACE_OUTPUT:
        check_index(v, slot, v->entry->output_count, "output");
        return;
    case LG_PLACE_PARAM:
        check_param(v, slot);
        return;
    case LG_PLACE_PACKED:
        check_block_place(v, slot, v->program->packed, "packed weights");
        return;
    case LG_PLACE_WORKSPACE:
        check_block_place(v, slot, v->entry->workspace, "workspace");
        if (slot->first_use > slot->last_use)
            FAULT(v, "slot @%s is used from launch %d to %d", slot->name, slot->first_use,
                  slot->last_use);
        return;
    }
    FAULT(v, "slot @%s is nowhere", slot->name);
}

// Is every input and output of the entry some slot's place?
static void check_complete(verifier *v, lg_place place, int count, const char *what)
{
    if (count < 0 || count > MOST_INDEX) {
        FAULT(v, "has %d %ss", count, what);
        return;
    }
    for (int index = 0; index < count; index++) {
        int found = 0;
        for (int i = 0; i < v->entry->slots.count; i++) {
            const lg_kslot *slot = v->entry->slots.items[i];
            found += slot->place == place && slot->index == index;
        }
        if (found == 0)
            FAULT(v, "no slot is %s %d", what, index);
    }
}

static bool is_window(const lg_kslot *slot)
{
    const lg_layout *layout = slot->type.layout;
    for (int d = 0; layout && d < layout->count; d++)
        if (layout->dims[d].extent > 0)
            return true;
    return false;
}

static bool may_share(const lg_kslot *a, const lg_kslot *b)
{
    return a->offset == b->offset && slot_bytes(a) == slot_bytes(b) &&
           (is_window(a) || is_window(b));
}

static void check_overlap(verifier *v, const lg_kslot *a, const lg_kslot *b)
{
    bool alive = a->first_use <= b->last_use && b->first_use <= a->last_use;
    bool overlap = a->offset < b->offset + slot_bytes(b) && b->offset < a->offset + slot_bytes(a);
    if (alive && overlap && !may_share(a, b))
        FAULT(v,
              "slots @%s (bytes %" PRId64 " to %" PRId64 ", launches %d to %d) and @%s (%" PRId64
              " to %" PRId64 ", %d to %d) overlap",
              a->name, a->offset, a->offset + slot_bytes(a), a->first_use, a->last_use, b->name,
              b->offset, b->offset + slot_bytes(b), b->first_use, b->last_use);
}

static void check_slots(verifier *v)
{
    const lg_entry *entry = v->entry;
    for (int i = 0; i < entry->slots.count; i++) {
        check_slot(v, entry->slots.items[i]);
        for (int j = 0; j < i; j++)
            if (strcmp(entry->slots.items[i]->name, entry->slots.items[j]->name) == 0)
                FAULT(v, "two slots are called @%s", entry->slots.items[i]->name);
    }
    if (!v->ok) // sizes cannot be trusted
        return;
    check_complete(v, LG_PLACE_INPUT, entry->input_count, "input");
    check_complete(v, LG_PLACE_OUTPUT, entry->output_count, "output");
    for (int i = 0; i < entry->slots.count; i++)
        for (int j = 0; j < i; j++)
            if (entry->slots.items[i]->place == LG_PLACE_WORKSPACE &&
                entry->slots.items[j]->place == LG_PLACE_WORKSPACE)
                check_overlap(v, entry->slots.items[j], entry->slots.items[i]);
}

// ---- launches

static int64_t buffer_bytes(const lg_kbuffer *buffer)
{
    int64_t elements = 1;
    for (int d = 0; d < buffer->rank; d++)
        elements *= buffer->dims[d];
    return elements * lg_dtype_bytes(buffer->dtype);
}

static bool is_own_slot(const lg_entry *entry, const lg_kslot *slot)
{
    for (int i = 0; i < entry->slots.count; i++)
        if (entry->slots.items[i] == slot)
            return true;
    return false;
}

static void check_argument(verifier *v, int number, const lg_kbuffer *param, const lg_kslot *slot)
{
    const char *kernel = v->entry->launches.items[number].kernel->name;
    if (!is_own_slot(v->entry, slot)) {
        FAULT(v, "launch %d of @%s: %%%s is given a slot of another entry", number, kernel,
              param->name);
        return;
    }
    if (slot->type.dtype != param->dtype || slot_bytes(slot) != buffer_bytes(param))
        FAULT(v, "launch %d of @%s: %%%s has %" PRId64 " bytes of %s, slot @%s %" PRId64 " of %s",
              number, kernel, param->name, buffer_bytes(param), lg_dtype_name(param->dtype),
              slot->name, slot_bytes(slot), lg_dtype_name(slot->type.dtype));
    if (param->scope != LG_SCOPE_IN && slot->place == LG_PLACE_INPUT)
        FAULT(v, "launch %d of @%s: %%%s is written and given the input @%s", number, kernel,
              param->name, slot->name);
    if (slot->place == LG_PLACE_WORKSPACE && (number < slot->first_use || number > slot->last_use))
        FAULT(v, "launch %d of @%s: slot @%s is alive from launch %d to %d only", number, kernel,
              slot->name, slot->first_use, slot->last_use);
}

static void check_launch(verifier *v, int number)
{
    const lg_launch *launch = &v->entry->launches.items[number];
    if (!is_own_kernel(v->program, launch->kernel)) {
        FAULT(v, "launch %d is of a kernel of another program", number);
        return;
    }
    if (launch->slot_count != launch->kernel->params.count) {
        FAULT(v, "launch %d of @%s: %d slots for %d parameters", number, launch->kernel->name,
              launch->slot_count, launch->kernel->params.count);
        return;
    }
    for (int i = 0; i < launch->slot_count; i++)
        check_argument(v, number, launch->kernel->params.items[i], launch->slots[i]);
}

static bool check_entry(const lg_program *program, const lg_entry *entry, lg_diag *diag)
{
    verifier v = {program, entry, diag, true};
    for (int i = 0; i < program->entries.count; i++)
        if (program->entries.items[i] != entry &&
            strcmp(program->entries.items[i]->name, entry->name) == 0)
            FAULT(&v, "%s", "is not the only one of its name");
    if (entry->workspace < 0)
        FAULT(&v, "workspace of %" PRId64 " bytes", entry->workspace);
    check_slots(&v);
    for (int i = 0; v.ok && i < entry->launches.count; i++)
        check_launch(&v, i);
    return v.ok;
}

static bool check_params(const lg_program *program, lg_diag *diag)
{
    bool ok = true;
    for (int i = 0; i < program->params.count; i++) {
        const lg_kslot *param = program->params.items[i];
        const char *fault = lg_type_fault(&param->type);
        if (fault)
            ok = lg_error_at(diag, (lg_location){0}, "parameter @%s: %s", param->name, fault);
    }
    return ok;
}

bool lg_verify_program(const lg_program *program, lg_diag *diag)
{
    bool ok = check_params(program, diag);
    for (const lg_kernel *kernel = program->first; kernel; kernel = kernel->next) {
        if (lg_program_kernel(program, kernel->name) != kernel)
            ok = lg_error_at(diag, (lg_location){0}, "two kernels are called @%s", kernel->name);
        ok &= lg_verify_kernel(kernel, diag);
    }
    for (int i = 0; ok && i < program->entries.count; i++)
        ok &= check_entry(program, program->entries.items[i], diag);
    return ok;
}
