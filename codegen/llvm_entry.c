// Entry points and the tables of runtime/artifact.h. An entry point is straight-line code: for each
// launch it writes down where the kernel's buffers are and hands kernel and pointers to whoever
// has the threads.
#include "codegen/llvm_emit.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

// The tables are LLVM structs with the layout of the C structs; sizes are checked here, and a test
// reads every field through the header.
_Static_assert(sizeof(lg_tensor_desc) == 8 + 2 * 4 + 8 * LG_ABI_MAX_RANK + 8 + 2 * 4, "tensor");
_Static_assert(sizeof(lg_launch_desc) == 2 * 8 + 2 * 8, "launch");
_Static_assert(sizeof(lg_entry_desc) == 8 + 4 * 4 + 3 * 8 + 2 * 8 + 8, "entry");
_Static_assert(sizeof(lg_artifact) == 2 * 4 + 3 * 8 + 2 * 4 + 2 * 8 + 2 * 8, "artifact");
_Static_assert(sizeof(lg_call) == 6 * 8 && sizeof(lg_parallel) == 3 * 8, "call");

// ---- constants

static LLVMValueRef u32(lg_emitter *e, int64_t value)
{
    return LLVMConstInt(e->i32, (uint64_t)value, false);
}

static LLVMValueRef u64(lg_emitter *e, int64_t value)
{
    return LLVMConstInt(e->i64, (uint64_t)value, false);
}

// A constant global that only this module sees, called PREFIX_`name`.
static LLVMValueRef new_global(lg_emitter *e, const char *name, LLVMValueRef value)
{
    const char *full = lg_format(e->arena, "%s_%s", e->options->prefix, name);
    LLVMValueRef global = LLVMAddGlobal(e->module, LLVMTypeOf(value), full);
    LLVMSetInitializer(global, value);
    LLVMSetGlobalConstant(global, true);
    LLVMSetLinkage(global, LLVMInternalLinkage);
    return global;
}

static LLVMValueRef text(lg_emitter *e, const char *string)
{
    LLVMValueRef value =
        LLVMConstStringInContext2(e->context, string, strlen(string), /*no zero=*/false);
    LLVMValueRef global = new_global(e, "text", value);
    LLVMSetUnnamedAddress(global, LLVMGlobalUnnamedAddr);
    return global;
}

static LLVMValueRef structure(lg_emitter *e, LLVMValueRef *fields, int count)
{
    return LLVMConstStructInContext(e->context, fields, (unsigned)count, /*packed=*/false);
}

// A table of equal structs, or NULL when it would be empty.
static LLVMValueRef table(lg_emitter *e, const char *name, LLVMValueRef *rows, int count)
{
    if (count == 0)
        return LLVMConstNull(e->pointer);
    LLVMValueRef array = LLVMConstArray2(LLVMTypeOf(rows[0]), rows, (uint64_t)count);
    return new_global(e, name, array);
}

// ---- descriptions

static uint32_t abi_dtype(lg_dtype dtype)
{
    static const uint32_t dtypes[LG_DTYPE_COUNT] = {
        [LG_F32] = LG_ABI_F32,   [LG_BF16] = LG_ABI_BF16, [LG_F16] = LG_ABI_F16,
        [LG_I32] = LG_ABI_I32,   [LG_I64] = LG_ABI_I64,   [LG_U8] = LG_ABI_U8,
        [LG_BOOL] = LG_ABI_BOOL,
    };
    return dtypes[dtype];
}

static LLVMValueRef describe_tensor(lg_emitter *e, const lg_kslot *slot, bool unused)
{
    LLVMValueRef shape[LG_ABI_MAX_RANK];
    for (int d = 0; d < LG_ABI_MAX_RANK; d++)
        shape[d] = u64(e, d < slot->type.rank ? slot->type.dims[d] : 0);
    int64_t bytes = lg_type_elements(&slot->type) * lg_dtype_bytes(slot->type.dtype);
    LLVMValueRef fields[] = {
        text(e, slot->name),     u32(e, abi_dtype(slot->type.dtype)),
        u32(e, slot->type.rank), LLVMConstArray2(e->i64, shape, LG_ABI_MAX_RANK),
        u64(e, bytes),           u32(e, slot->state),
        u32(e, unused),
    };
    return structure(e, fields, 7);
}

// The inputs or outputs of an entry, in order. One that no launch touches has no slot.
static LLVMValueRef describe_ports(lg_emitter *e, const lg_entry *entry, lg_place place, int count)
{
    LLVMValueRef *rows = LG_NEW_ARRAY(e->arena, LLVMValueRef, count + 1);
    for (int i = 0; i < entry->slots.count; i++) {
        const lg_kslot *slot = entry->slots.items[i];
        if (slot->place == place)
            rows[slot->index] = describe_tensor(e, slot, false);
    }
    for (int i = 0; i < count; i++)
        assert(rows[i] && "an entry has a slot for each of its inputs and outputs");
    const char *what = place == LG_PLACE_INPUT ? "inputs" : "outputs";
    return table(e, lg_format(e->arena, "%s_%s", entry->name, what), rows, count);
}

static LLVMValueRef describe_launches(lg_emitter *e, const lg_entry *entry)
{
    int count = entry->launches.count;
    LLVMValueRef *rows = LG_NEW_ARRAY(e->arena, LLVMValueRef, count + 1);
    for (int i = 0; i < count; i++) {
        const lg_launch *launch = &entry->launches.items[i];
        LLVMValueRef fields[] = {
            text(e, launch->kernel->name),
            text(e, launch->label ? launch->label : ""),
            LLVMConstReal(e->f64, launch->kernel->flops),
            LLVMConstReal(e->f64, launch->kernel->bytes),
        };
        rows[i] = structure(e, fields, 4);
    }
    return table(e, lg_format(e->arena, "%s_launches", entry->name), rows, count);
}

static bool is_param_used(const lg_program *program, int index)
{
    for (int i = 0; i < program->entries.count; i++) {
        const lg_entry *entry = program->entries.items[i];
        for (int j = 0; j < entry->slots.count; j++) {
            const lg_kslot *slot = entry->slots.items[j];
            if (slot->place == LG_PLACE_PARAM && slot->index == index)
                return true;
        }
    }
    return false;
}

static LLVMValueRef describe_params(lg_emitter *e, const lg_program *program)
{
    int count = program->params.count;
    LLVMValueRef *rows = LG_NEW_ARRAY(e->arena, LLVMValueRef, count + 1);
    for (int i = 0; i < count; i++)
        rows[i] = describe_tensor(e, program->params.items[i], !is_param_used(program, i));
    return table(e, "params", rows, count);
}

// ---- code

// Offsets into a C struct that `base` points to.
static LLVMValueRef load_field(lg_emitter *e, LLVMValueRef base, size_t offset, const char *name)
{
    LLVMValueRef at = u64(e, (int64_t)offset);
    LLVMValueRef address = LLVMBuildInBoundsGEP2(e->builder, e->i8, base, &at, 1, "");
    return LLVMBuildLoad2(e->builder, e->pointer, address, name);
}

static LLVMBasicBlockRef new_block(lg_emitter *e, LLVMValueRef function, const char *name)
{
    return LLVMAppendBasicBlockInContext(e->context, function, name);
}

// void launch(parallel, index, kernel, buffers, count): through the caller's threads if there are
// any, else straight.
static LLVMValueRef emit_launch_helper(lg_emitter *e)
{
    LLVMTypeRef nothing = LLVMVoidTypeInContext(e->context);
    LLVMTypeRef params[] = {e->pointer, e->i32, e->pointer, e->pointer, e->i64};
    LLVMTypeRef type = LLVMFunctionType(nothing, params, 5, false);
    LLVMValueRef function =
        LLVMAddFunction(e->module, lg_format(e->arena, "%s_launch", e->options->prefix), type);
    LLVMSetLinkage(function, LLVMInternalLinkage);
    lg_emit_function_attributes(e, function);
    LLVMValueRef parallel = LLVMGetParam(function, 0), index = LLVMGetParam(function, 1);
    LLVMValueRef kernel = LLVMGetParam(function, 2), buffers = LLVMGetParam(function, 3);
    LLVMValueRef count = LLVMGetParam(function, 4);

    LLVMBasicBlockRef entry = new_block(e, function, "entry");
    LLVMBasicBlockRef serial = new_block(e, function, "serial");
    LLVMBasicBlockRef threads = new_block(e, function, "threads");
    LLVMPositionBuilderAtEnd(e->builder, entry);
    LLVMValueRef is_null = LLVMBuildIsNull(e->builder, parallel, "");
    LLVMBuildCondBr(e->builder, is_null, serial, threads);

    LLVMPositionBuilderAtEnd(e->builder, serial);
    LLVMValueRef all[] = {buffers, u64(e, 0), count, u32(e, 0)};
    LLVMBuildCall2(e->builder, lg_emit_kernel_type(e), kernel, all, 4, "");
    LLVMBuildRetVoid(e->builder);

    LLVMPositionBuilderAtEnd(e->builder, threads);
    LLVMValueRef context = load_field(e, parallel, offsetof(lg_parallel, context), "context");
    LLVMValueRef run = load_field(e, parallel, offsetof(lg_parallel, run), "run");
    LLVMValueRef args[] = {context, index, kernel, buffers, count};
    LLVMBuildCall2(e->builder, type, run, args, 5, "");
    LLVMBuildRetVoid(e->builder);
    return function;
}

// Iterations of the kernel's parallel loop; 1 if it has none.
static int64_t launch_count(const lg_kernel *kernel)
{
    for (const lg_kstmt *s = kernel->body.first; s; s = s->next)
        if (s->kind == LG_K_LOOP && s->as.loop.role == LG_LOOP_PARALLEL) {
            assert(lg_kx_is_int(s->as.loop.low, 0) && s->as.loop.step == 1);
            assert(s->as.loop.high->kind == LG_KX_INT);
            return s->as.loop.high->as.integer;
        }
    return 1;
}

// Where the pieces of a call lie, by lg_place.
typedef struct call_values {
    LLVMValueRef base[LG_PLACE_WORKSPACE + 1], scratch, parallel, buffers, launch;
} call_values;

static LLVMValueRef slot_address(lg_emitter *e, const call_values *call, const lg_kslot *slot)
{
    LLVMValueRef base = call->base[slot->place];
    bool is_block = slot->place == LG_PLACE_PACKED || slot->place == LG_PLACE_WORKSPACE;
    LLVMValueRef at = u64(e, is_block ? slot->offset : slot->index);
    LLVMTypeRef type = is_block ? e->i8 : e->pointer;
    LLVMValueRef address = LLVMBuildInBoundsGEP2(e->builder, type, base, &at, 1, slot->name);
    return is_block ? address : LLVMBuildLoad2(e->builder, e->pointer, address, slot->name);
}

static void emit_launch(lg_emitter *e, const call_values *call, const lg_launch *launch, int index)
{
    for (int i = 0; i < launch->slot_count; i++) {
        LLVMValueRef at = u64(e, i);
        LLVMValueRef place =
            LLVMBuildInBoundsGEP2(e->builder, e->pointer, call->buffers, &at, 1, "");
        LLVMBuildStore(e->builder, slot_address(e, call, launch->slots[i]), place);
    }
    if (lg_kernel_scratch(launch->kernel)) {
        LLVMValueRef at = u64(e, launch->slot_count);
        LLVMBuildStore(e->builder, call->scratch,
                       LLVMBuildInBoundsGEP2(e->builder, e->pointer, call->buffers, &at, 1, ""));
    }
    LLVMValueRef args[] = {call->parallel, u32(e, index),
                           lg_emit_kernel_declaration(e, launch->kernel), call->buffers,
                           u64(e, launch_count(launch->kernel))};
    LLVMBuildCall2(e->builder, LLVMGlobalGetValueType(call->launch), call->launch, args, 5, "");
}

static int most_slots(const lg_entry *entry)
{
    int most = 0;
    for (int i = 0; i < entry->launches.count; i++)
        if (entry->launches.items[i].slot_count > most)
            most = entry->launches.items[i].slot_count;
    return most + 1; // and the scratch memory
}

static LLVMValueRef emit_entry(lg_emitter *e, const lg_entry *entry, LLVMValueRef launch)
{
    LLVMTypeRef type = LLVMFunctionType(e->i32, &e->pointer, 1, false);
    const char *name = lg_format(e->arena, "%s_entry_%s", e->options->prefix, entry->name);
    LLVMValueRef function = LLVMAddFunction(e->module, name, type);
    LLVMSetLinkage(function, LLVMInternalLinkage); // reached through the table
    lg_emit_function_attributes(e, function);
    LLVMPositionBuilderAtEnd(e->builder, new_block(e, function, "entry"));
    LLVMValueRef argument = LLVMGetParam(function, 0);
    LLVMSetValueName2(argument, "call", 4);

    call_values call = {.launch = launch};
    static const size_t offsets[] = {
        [LG_PLACE_INPUT] = offsetof(lg_call, inputs),
        [LG_PLACE_OUTPUT] = offsetof(lg_call, outputs),
        [LG_PLACE_PARAM] = offsetof(lg_call, params),
        [LG_PLACE_PACKED] = offsetof(lg_call, packed),
        [LG_PLACE_WORKSPACE] = offsetof(lg_call, workspace),
    };
    static const char *const names[] = {"inputs", "outputs", "params", "packed", "workspace"};
    LLVMTypeRef array = LLVMArrayType2(e->pointer, (uint64_t)most_slots(entry));
    call.buffers = LLVMBuildAlloca(e->builder, array, "buffers");
    for (int place = 0; place <= LG_PLACE_WORKSPACE; place++)
        call.base[place] = load_field(e, argument, offsets[place], names[place]);
    LLVMValueRef at = u64(e, lg_scratch_start(entry));
    call.scratch =
        LLVMBuildInBoundsGEP2(e->builder, e->i8, call.base[LG_PLACE_WORKSPACE], &at, 1, "scratch");
    call.parallel = load_field(e, argument, offsetof(lg_call, parallel), "parallel");
    for (int i = 0; i < entry->launches.count; i++)
        emit_launch(e, &call, &entry->launches.items[i], i);
    LLVMBuildRet(e->builder, u32(e, 0));
    return function;
}

// ---- the table of it all

static int64_t flags_of(const lg_entry *entry)
{
    return (lg_entry_reads(entry, LG_PLACE_PARAM) ? LG_ENTRY_READS_PARAMS : 0) |
           (lg_entry_writes(entry, LG_PLACE_PARAM) ? LG_ENTRY_WRITES_PARAMS : 0) |
           (lg_entry_reads(entry, LG_PLACE_PACKED) ? LG_ENTRY_READS_PACKED : 0) |
           (lg_entry_writes(entry, LG_PLACE_PACKED) ? LG_ENTRY_WRITES_PACKED : 0);
}

static LLVMValueRef describe_entries(lg_emitter *e, const lg_program *program)
{
    LLVMValueRef launch = emit_launch_helper(e);
    int count = program->entries.count;
    LLVMValueRef *rows = LG_NEW_ARRAY(e->arena, LLVMValueRef, count + 1);
    for (int i = 0; i < count; i++) {
        const lg_entry *entry = program->entries.items[i];
        LLVMValueRef fields[] = {
            text(e, entry->name),
            u32(e, entry->input_count),
            u32(e, entry->output_count),
            u32(e, entry->launches.count),
            u32(e, flags_of(entry)),
            describe_ports(e, entry, LG_PLACE_INPUT, entry->input_count),
            describe_ports(e, entry, LG_PLACE_OUTPUT, entry->output_count),
            describe_launches(e, entry),
            u64(e, lg_scratch_start(entry) + lg_entry_scratch(entry)),
            u64(e, lg_entry_scratch(entry)),
            emit_entry(e, entry, launch),
        };
        rows[i] = structure(e, fields, 11);
    }
    return table(e, "entries", rows, count);
}

// The packed weights come from another object, which the linker adds (codegen/link.c).
static LLVMValueRef packed_weights(lg_emitter *e, const lg_program *program)
{
    if (!e->options->packed || program->packed == 0)
        return LLVMConstNull(e->pointer);
    LLVMValueRef global =
        LLVMAddGlobal(e->module, e->i8, lg_format(e->arena, "%s_packed", e->options->prefix));
    LLVMSetVisibility(global, LLVMHiddenVisibility);
    LLVMSetGlobalConstant(global, true);
    return global;
}

static void emit_getter(lg_emitter *e, LLVMValueRef artifact)
{
    LLVMTypeRef type = LLVMFunctionType(e->pointer, NULL, 0, false);
    LLVMValueRef function = LLVMAddFunction(e->module, LG_ARTIFACT_SYMBOL, type);
    lg_emit_function_attributes(e, function);
    LLVMPositionBuilderAtEnd(e->builder, new_block(e, function, "entry"));
    LLVMBuildRet(e->builder, artifact);
}

void lg_emit_artifact(lg_emitter *e, const lg_program *program, bool getter)
{
    LLVMValueRef fields[] = {
        u32(e, LG_ARTIFACT_ABI),           u32(e, (int64_t)sizeof(lg_artifact)),
        text(e, e->options->compiler),     text(e, e->options->model),
        text(e, e->options->target->name), u32(e, program->entries.count),
        u32(e, program->params.count),     describe_entries(e, program),
        describe_params(e, program),       u64(e, program->packed),
        packed_weights(e, program),
    };
    LLVMValueRef artifact = new_global(e, "artifact", structure(e, fields, 11));
    LLVMSetLinkage(artifact, LLVMExternalLinkage);
    if (getter)
        emit_getter(e, artifact);
}
