// Entry points and the tables of runtime/artifact.h. An entry point is straight-line code: for each
// launch it writes down where the kernel's buffers are and hands kernel and pointers to whoever
// has the threads.
#include "codegen/describe.h"
#include "codegen/llvm_emit.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

// The tables are LLVM structs with the layout of the C structs; sizes are checked here, and a test
// reads every field through the header.
_Static_assert(sizeof(lg_tensor_desc) == 8 + 2 * 4 + 8 * LG_ABI_MAX_RANK + 8 + 2 * 4 + 8, "tensor");
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

// A constant global with the bytes of a value, or NULL where there is none.
static LLVMValueRef tensor_value(lg_emitter *e, const lg_tensor_desc *desc)
{
    if (!desc->value)
        return LLVMConstNull(e->pointer);
    LLVMValueRef bytes =
        LLVMConstStringInContext2(e->context, desc->value, desc->bytes, /*no zero=*/true);
    LLVMValueRef global = new_global(e, lg_format(e->arena, "%s_value", desc->name), bytes);
    LLVMSetAlignment(global, LG_ABI_ALIGNMENT);
    return global;
}

static LLVMValueRef describe_tensor(lg_emitter *e, const lg_tensor_desc *desc)
{
    LLVMValueRef shape[LG_ABI_MAX_RANK];
    for (int d = 0; d < LG_ABI_MAX_RANK; d++)
        shape[d] = u64(e, desc->shape[d]);
    LLVMValueRef fields[] = {
        text(e, desc->name),          u32(e, desc->dtype),
        u32(e, desc->rank),           LLVMConstArray2(e->i64, shape, LG_ABI_MAX_RANK),
        u64(e, (int64_t)desc->bytes), u32(e, desc->state),
        u32(e, desc->unused),         tensor_value(e, desc),
    };
    return structure(e, fields, 8);
}

static LLVMValueRef describe_tensors(lg_emitter *e, const char *name, const lg_tensor_desc *descs,
                                     uint32_t count)
{
    LLVMValueRef *rows = LG_NEW_ARRAY(e->arena, LLVMValueRef, count + 1);
    for (uint32_t i = 0; i < count; i++)
        rows[i] = describe_tensor(e, &descs[i]);
    return table(e, name, rows, (int)count);
}

static LLVMValueRef describe_launches(lg_emitter *e, const lg_entry_desc *entry)
{
    LLVMValueRef *rows = LG_NEW_ARRAY(e->arena, LLVMValueRef, entry->launch_count + 1);
    for (uint32_t i = 0; i < entry->launch_count; i++) {
        const lg_launch_desc *launch = &entry->launches[i];
        LLVMValueRef fields[] = {
            text(e, launch->kernel),
            text(e, launch->label),
            LLVMConstReal(e->f64, launch->flops),
            LLVMConstReal(e->f64, launch->bytes),
        };
        rows[i] = structure(e, fields, 4);
    }
    return table(e, lg_format(e->arena, "%s_launches", entry->name), rows,
                 (int)entry->launch_count);
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
    if (lg_entry_uses_matrix_unit(entry))
        lg_emit_permission(e, function);

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
    LLVMBuildRet(e->builder, u32(e, LG_ENTRY_DONE));
    return function;
}

// ---- the table of it all

// The inputs with the values that are to be built in.
static const lg_tensor_desc *inputs_with_values(const lg_emitter *e, const lg_entry_desc *entry)
{
    const lg_codegen_options *o = e->options;
    lg_tensor_desc *inputs =
        lg_copy(e->arena, entry->inputs, entry->input_count * sizeof *entry->inputs);
    for (uint32_t i = 0; i < entry->input_count; i++)
        for (int k = 0; k < o->value_count; k++)
            if (lg_is_same_input(&o->values[k], &inputs[i]))
                inputs[i].value = o->values[k].value;
    return inputs;
}

static LLVMValueRef describe_entries(lg_emitter *e, const lg_program *program,
                                     const lg_entry_desc *entries)
{
    LLVMValueRef launch = emit_launch_helper(e);
    int count = program->entries.count;
    LLVMValueRef *rows = LG_NEW_ARRAY(e->arena, LLVMValueRef, count + 1);
    for (int i = 0; i < count; i++) {
        const lg_entry_desc *d = &entries[i];
        LLVMValueRef fields[] = {
            text(e, d->name),
            u32(e, d->input_count),
            u32(e, d->output_count),
            u32(e, d->launch_count),
            u32(e, d->flags),
            describe_tensors(e, lg_format(e->arena, "%s_inputs", d->name), inputs_with_values(e, d),
                             d->input_count),
            describe_tensors(e, lg_format(e->arena, "%s_outputs", d->name), d->outputs,
                             d->output_count),
            describe_launches(e, d),
            u64(e, (int64_t)d->workspace_bytes),
            u64(e, (int64_t)d->scratch_bytes),
            emit_entry(e, program->entries.items[i], launch),
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
    const lg_artifact *a = lg_describe_program(e->arena, program, e->options->target->name,
                                               e->options->model, e->options->compiler);
    LLVMValueRef fields[] = {
        u32(e, a->abi),
        u32(e, a->bytes),
        text(e, a->compiler),
        text(e, a->model),
        text(e, a->target),
        u32(e, a->entry_count),
        u32(e, a->param_count),
        describe_entries(e, program, a->entries),
        describe_tensors(e, "params", a->params, a->param_count),
        u64(e, (int64_t)a->packed_bytes),
        packed_weights(e, program),
    };
    LLVMValueRef artifact = new_global(e, "artifact", structure(e, fields, 11));
    LLVMSetLinkage(artifact, LLVMExternalLinkage);
    if (getter)
        emit_getter(e, artifact);
}
