// lower: from the graph to a program. Every kernel function becomes a kernel by the first schedule
// that applies, every func an entry: a list of launches on slots of memory.
//
// needs `fused`; makes `lowered`. Arguments are inputs, results outputs, symbols lie where their
// role says, everything else is a slot of the workspace, each with a place of its own until
// plan-memory lets them share. A reshape and an image concat are nothing but other names of the
// slots they read. A convolution's sums over pixels and the gradient of a filter come in parts
// (passes/schedule/epilogue.h): a second launch adds them up.
#include "passes/in_place.h"
#include "passes/lower/flatten.h"
#include "passes/lower/settle.h"
#include "passes/map.h"
#include "passes/passes.h"
#include "passes/rewriter.h"
#include "passes/schedule/epilogue.h"

#include <assert.h>
#include <string.h>

// The kernel that makes a sum of the rows in which a convolution leaves it.
typedef struct adder {
    lg_type parts, sum;
    lg_kernel *kernel;
} adder;

typedef struct lowering {
    lg_unit *unit;
    lg_pass_ctx *ctx;
    lg_program *program;
    lg_map kernels; // kernel function -> lg_kernel
    lg_map slots;   // value -> lg_kslot, of the entry at hand
    LG_LIST(adder) adders;
    lg_entry *entry;
} lowering;

enum { ALIGNMENT = 64 };

static int64_t aligned(int64_t bytes)
{
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

// ---- symbols

static lg_kslot symbol_slot(const lg_program *program, const lg_symbol *symbol)
{
    lg_kslot slot = {.name = lg_strdup(program->arena, symbol->name), .type = symbol->value->type};
    return slot;
}

// Parameters and states are numbered, packed weights laid one behind another.
static void place_symbols(lowering *l)
{
    LG_FOR_SYMBOLS (symbol, l->unit->module) {
        lg_kslot slot = symbol_slot(l->program, symbol);
        if (symbol->role == LG_ROLE_PACKED) {
            symbol->value->id = (int)(l->program->packed / ALIGNMENT);
            l->program->packed += aligned(lg_type_bytes(&slot.type));
        } else {
            slot.place = LG_PLACE_PARAM;
            slot.state = symbol->role == LG_ROLE_STATE;
            slot.index = symbol->value->id = l->program->params.count;
            slot.type.layout = NULL;
            LG_PUSH(l->program->arena, &l->program->params,
                    lg_copy(l->program->arena, &slot, sizeof slot));
        }
    }
}

// ---- slots

// A type whose layout lives as long as the program.
static lg_type own_type(lowering *l, const lg_type *type)
{
    lg_type own = *type;
    if (type->layout)
        own.layout = lg_copy(l->program->arena, type->layout, sizeof *type->layout);
    return own;
}

// `name`, or a variation of it that no slot of the entry has yet.
static const char *unique_name(lowering *l, const char *name)
{
    const char *candidate = name;
    for (int n = 1;; n++) {
        bool taken = false;
        for (int i = 0; i < l->entry->slots.count && !taken; i++)
            taken = !strcmp(l->entry->slots.items[i]->name, candidate);
        if (!taken)
            return lg_strdup(l->program->arena, candidate);
        candidate = lg_format(l->ctx->scratch, "%s_%d", name, n);
    }
}

static lg_kslot *new_slot(lowering *l, const lg_value *value, const char *name, lg_place place,
                          int index)
{
    lg_kslot *slot = LG_NEW(l->program->arena, lg_kslot);
    const char *wanted = name ? name : lg_format(l->ctx->scratch, "t%d", l->entry->slots.count);
    slot->name = unique_name(l, wanted);
    slot->type = own_type(l, &value->type);
    slot->place = place;
    slot->index = index;
    slot->first_use = slot->last_use = -1;
    LG_PUSH(l->program->arena, &l->entry->slots, slot);
    lg_map_at(&l->slots, value)->as.pointer = slot;
    return slot;
}

static lg_kslot *slot_of(lowering *l, const lg_value *value)
{
    lg_kslot *slot = lg_map_pointer(&l->slots, value);
    if (slot)
        return slot;
    if (value->kind != LG_VALUE_SYMBOL)
        return new_slot(l, value, NULL, LG_PLACE_WORKSPACE, 0);
    const lg_symbol *symbol = value->symbol;
    bool packed = symbol->role == LG_ROLE_PACKED;
    slot = new_slot(l, value, symbol->name, packed ? LG_PLACE_PACKED : LG_PLACE_PARAM,
                    packed ? 0 : value->id);
    if (packed)
        slot->offset = (int64_t)value->id * ALIGNMENT;
    return slot;
}

static void share(lowering *l, const lg_value *value, lg_kslot *slot)
{
    lg_map_at(&l->slots, value)->as.pointer = slot;
}

// Before launches are made: whose memory is whose. Results and written symbols first, then, from
// the last op to the first, the operands of views share what their result has.
static void share_slots(lowering *l, const lg_function *f)
{
    for (int i = 0; i < f->arguments.count; i++)
        new_slot(l, f->arguments.items[i], f->arguments.items[i]->name, LG_PLACE_INPUT, i);
    for (int i = 0; i < f->results.count; i++)
        new_slot(l, f->results.items[i], f->result_names.items[i], LG_PLACE_OUTPUT, i);
    LG_FOR_OPS (op, f)
        if (op->code == LG_OP_write)
            share(l, op->operands[1], slot_of(l, op->operands[0]));
    LG_FOR_OPS (op, f)
        if (op->code == LG_OP_reshape) // forwards: chains of reshapes name one slot
            share(l, op->results[0], slot_of(l, op->operands[0]));
    for (const lg_op *op = f->last; op; op = op->previous) {
        if (op->code != LG_OP_concat)
            continue;
        lg_kslot *slot = slot_of(l, op->results[0]);
        for (int i = 0; i < op->operand_count; i++)
            share(l, op->operands[i], slot);
    }
}

static void use(lg_kslot *slot, int launch)
{
    if (slot->first_use < 0)
        slot->first_use = launch;
    slot->last_use = launch;
}

// ---- launches

static lg_kernel *schedule(lowering *l, const lg_function *function)
{
    l->ctx->changes++;
    const lg_function *flat =
        l->ctx->target->kind == LG_TARGET_CPU ? lg_flatten_kernel(function, l->ctx->scratch) : NULL;
    lg_kernel *kernel =
        lg_schedule_kernel(l->program, flat ? flat : function, l->ctx->target,
                           lg_pass_option_of(l->ctx, "serial-work"), l->ctx->scratch);
    kernel->name = lg_strdup(l->program->arena, function->name);
    return kernel;
}

static lg_kernel *kernel_of(lowering *l, const lg_function *function)
{
    lg_kernel *kernel = lg_map_pointer(&l->kernels, function);
    if (!kernel)
        lg_map_at(&l->kernels, function)->as.pointer = kernel = schedule(l, function);
    return kernel;
}

static bool is_in_parts(const lg_type *written, const lg_type *type)
{
    return !lg_type_equal(written, type);
}

// The axes over which rows in parts are added up: of a filter's gradient [parts,elements], of each
// image of [images,parts,1,channels], or of all of them.
static lg_attr axes_of_parts(const lg_type *parts, const lg_type *sum)
{
    static const int64_t axes[] = {0, 1};
    if (parts->rank == 2)
        return lg_attr_ints(LG_ATTR_axes, 1, axes);
    bool each = sum->dims[0] == parts->dims[0];
    return lg_attr_ints(LG_ATTR_axes, each ? 1 : 2, each ? axes + 1 : axes);
}

static lg_kernel *adder_of(lowering *l, const lg_type *parts, const lg_value *sum)
{
    for (int i = 0; i < l->adders.count; i++)
        if (lg_type_equal(&l->adders.items[i].parts, parts) &&
            lg_type_equal(&l->adders.items[i].sum, &sum->type))
            return l->adders.items[i].kernel;
    lg_function *f = lg_function_new(l->unit->module, LG_KERNEL, "add_parts");
    f->where = sum->op->where;
    lg_value *x = lg_function_argument(f, "x0", *parts);
    lg_attr attr = axes_of_parts(parts, &sum->type);
    lg_value *y = lg_build(f, NULL, LG_OP_reduce_sum, LG_OPERANDS(x), 1, &attr, NULL, f->where);
    y->type.layout = sum->type.layout;
    lg_function_return(f, "y0", y);
    adder made = {*parts, sum->type, schedule(l, f)};
    LG_PUSH(l->ctx->scratch, &l->adders, made);
    return made.kernel;
}

// What the launch computes, for people: the first weight it reads, without what packing and the
// checkpoint append to its name.
static const char *label_of(lowering *l, const lg_op *call)
{
    for (int i = 0; i < call->operand_count; i++) {
        if (call->operands[i]->kind != LG_VALUE_SYMBOL)
            continue;
        const char *name = call->operands[i]->symbol->name;
        const char *packed = strstr(name, ".packed"); // perhaps numbered
        size_t length = packed ? (size_t)(packed - name) : strlen(name);
        static const char *const endings[] = {".weight", ".bias"};
        for (int e = 0; e < 2; e++) {
            size_t n = strlen(endings[e]);
            if (length > n && !strncmp(name + length - n, endings[e], n))
                length -= n;
        }
        return lg_strndup(l->program->arena, name, length);
    }
    return "";
}

static void launch(lowering *l, lg_kernel *kernel, const char *label, int count,
                   lg_kslot *const *slots)
{
    lg_launch launch = {.kernel = kernel, .label = label, .slot_count = count};
    launch.slots = lg_copy(l->program->arena, slots, (size_t)count * sizeof *slots);
    for (int i = 0; i < count; i++)
        use(slots[i], l->entry->launches.count);
    LG_PUSH(l->program->arena, &l->entry->launches, launch);
}

static void lower_call(lowering *l, const lg_op *call)
{
    const lg_function *callee = lg_op_callee(call);
    lg_kernel *kernel = kernel_of(l, callee);
    const char *label = label_of(l, call);
    int operands = call->operand_count;
    lg_kslot **slots = LG_NEW_ARRAY(l->ctx->scratch, lg_kslot *, operands + call->result_count);
    for (int i = 0; i < operands; i++)
        slots[i] = slot_of(l, call->operands[i]);
    for (int i = 0; i < call->result_count; i++) {
        lg_value *parts = lg_copy(l->ctx->scratch, call->results[i], sizeof *parts);
        parts->type = lg_written_type(kernel, callee, i);
        bool whole = !is_in_parts(&parts->type, &call->results[i]->type);
        slots[operands + i] =
            whole ? slot_of(l, call->results[i]) : new_slot(l, parts, NULL, LG_PLACE_WORKSPACE, 0);
    }
    launch(l, kernel, label, operands + call->result_count, slots);
    for (int i = 0; i < call->result_count; i++) {
        lg_kslot *pair[] = {slots[operands + i], slot_of(l, call->results[i])};
        if (pair[0] != pair[1])
            launch(l, adder_of(l, &pair[0]->type, call->results[i]), label, 2, pair);
    }
}

static bool may_overwrite(void *data, const lg_op *call, int operand, int result)
{
    const lg_function *callee = lg_op_callee(call);
    const lg_kernel *kernel = kernel_of(data, callee);
    lg_type written = lg_written_type(kernel, callee, result);
    return !is_in_parts(&written, &callee->results.items[result]->type) &&
           lg_kernel_may_overwrite(kernel, kernel->params.items[operand],
                                   kernel->params.items[call->operand_count + result]);
}

static void lower_function(lowering *l, lg_function *f)
{
    lg_settle_function(f, l->ctx->scratch, may_overwrite, l);
    l->entry = LG_NEW(l->program->arena, lg_entry);
    l->entry->name = lg_strdup(l->program->arena, f->name);
    l->entry->input_count = f->arguments.count;
    l->entry->output_count = f->results.count;
    l->slots = (lg_map){.arena = l->ctx->scratch};
    LG_PUSH(l->program->arena, &l->program->entries, l->entry);
    share_slots(l, f);
    LG_FOR_OPS (op, f)
        if (op->code == LG_OP_call)
            lower_call(l, op);
    for (int i = 0; i < l->entry->slots.count; i++) {
        lg_kslot *slot = l->entry->slots.items[i];
        if (slot->place != LG_PLACE_WORKSPACE)
            continue;
        slot->offset = l->entry->workspace;
        l->entry->workspace += aligned(lg_type_bytes(&slot->type));
    }
}

bool lg_pass_lower(lg_unit *unit, lg_pass_ctx *ctx)
{
    lowering l = {.unit = unit, .ctx = ctx, .program = lg_program_new(unit->module->name)};
    l.kernels.arena = ctx->scratch;
    place_symbols(&l);
    lg_settle_kernels(unit->module);
    LG_FOR_FUNCTIONS (f, unit->module)
        if (f->kind == LG_FUNC)
            lower_function(&l, f);
    unit->program = l.program;
    return true;
}
