// A kernel as a function `void PREFIX_k_NAME(ptr buffers, i64 begin, i64 end, i32 worker)`.
// Statement by statement, as the text form reads: a serial loop is one basic block chain with its
// test at the bottom, an unrolled loop is its body repeated, a register buffer is one alloca an
// element, which LLVM's sroa turns into SSA values. Nothing is decided here.
#include "codegen/llvm_emit.h"

#include <assert.h>

static void emit_block(lg_emitter *e, const lg_kblock *block);

static LLVMBasicBlockRef new_block(lg_emitter *e, const char *name, const char *suffix)
{
    return LLVMAppendBasicBlockInContext(e->context, e->function,
                                         lg_format(e->arena, "%s%s", name, suffix));
}

// ---- loops

// Runs the body for low <= var < high, at least once: the test is at the bottom.
static void emit_loop_at_least_once(lg_emitter *e, const lg_kvar *var, LLVMValueRef low,
                                    LLVMValueRef high, int64_t step, const lg_kblock *body)
{
    LLVMBasicBlockRef before = LLVMGetInsertBlock(e->builder);
    LLVMBasicBlockRef header = new_block(e, var->name, "");
    LLVMBuildBr(e->builder, header);
    LLVMPositionBuilderAtEnd(e->builder, header);
    LLVMValueRef phi = LLVMBuildPhi(e->builder, e->i64, var->name);
    e->vars[var->id] = phi;
    emit_block(e, body);

    LLVMValueRef by = LLVMConstInt(e->i64, (uint64_t)step, true);
    LLVMValueRef next = LLVMBuildNSWAdd(e->builder, phi, by, "next");
    LLVMValueRef more = LLVMBuildICmp(e->builder, LLVMIntSLT, next, high, "more");
    LLVMBasicBlockRef last = LLVMGetInsertBlock(e->builder);
    LLVMBasicBlockRef after = new_block(e, var->name, ".end");
    LLVMBuildCondBr(e->builder, more, header, after);
    LLVMAddIncoming(phi, (LLVMValueRef[]){low, next}, (LLVMBasicBlockRef[]){before, last}, 2);
    LLVMPositionBuilderAtEnd(e->builder, after);
}

static void emit_serial(lg_emitter *e, const lg_kvar *var, LLVMValueRef low, LLVMValueRef high,
                        int64_t step, const lg_kblock *body)
{
    if (LLVMIsAConstantInt(low) && LLVMIsAConstantInt(high)) {
        int64_t first = LLVMConstIntGetSExtValue(low), end = LLVMConstIntGetSExtValue(high);
        if (first >= end)
            return;
        if (end - first > step) {
            emit_loop_at_least_once(e, var, low, high, step, body);
            return;
        }
        e->vars[var->id] = low;
        emit_block(e, body);
        return;
    }
    LLVMBasicBlockRef run = new_block(e, var->name, ".run");
    LLVMBasicBlockRef skip = new_block(e, var->name, ".skip");
    LLVMValueRef any = LLVMBuildICmp(e->builder, LLVMIntSLT, low, high, "any");
    LLVMBuildCondBr(e->builder, any, run, skip);
    LLVMPositionBuilderAtEnd(e->builder, run);
    emit_loop_at_least_once(e, var, low, high, step, body);
    LLVMBuildBr(e->builder, skip);
    LLVMPositionBuilderAtEnd(e->builder, skip);
}

static void emit_unrolled(lg_emitter *e, const lg_kvar *var, LLVMValueRef low, LLVMValueRef high,
                          int64_t step, const lg_kblock *body)
{
    assert(LLVMIsAConstantInt(low) && LLVMIsAConstantInt(high));
    int64_t end = LLVMConstIntGetSExtValue(high);
    for (int64_t i = LLVMConstIntGetSExtValue(low); i < end; i += step) {
        e->vars[var->id] = LLVMConstInt(e->i64, (uint64_t)i, true);
        emit_block(e, body);
    }
}

static void emit_loop(lg_emitter *e, const lg_kstmt *s)
{
    const lg_kvar *var = s->as.loop.var;
    int64_t step = s->as.loop.step;
    if (s->as.loop.role == LG_LOOP_PARALLEL) { // the whole range is 0..N; this call's is a part
        emit_serial(e, var, e->begin, e->end, step, &s->as.loop.body);
        return;
    }
    LLVMValueRef low = lg_emit_value(e, s->as.loop.low);
    LLVMValueRef high = lg_emit_value(e, s->as.loop.high);
    assert(s->as.loop.role == LG_LOOP_SERIAL || s->as.loop.role == LG_LOOP_UNROLL);
    if (s->as.loop.role == LG_LOOP_UNROLL)
        emit_unrolled(e, var, low, high, step, &s->as.loop.body);
    else
        emit_serial(e, var, low, high, step, &s->as.loop.body);
}

// ---- the other statements

static void emit_store(lg_emitter *e, const lg_kstmt *s)
{
    const lg_kbuffer *buffer = s->as.store.buffer;
    bool is_register = buffer->scope == LG_SCOPE_REGISTER;
    int lanes = is_register ? buffer->lanes : s->as.store.lanes;
    LLVMValueRef value = lg_emit_splat(e, lg_emit_value(e, s->as.store.value), lanes);
    value = lg_emit_narrow(e, buffer->dtype, value);
    LLVMValueRef address = is_register ? lg_emit_register(e, buffer, s->as.store.index)
                                       : lg_emit_address(e, buffer, s->as.store.index);
    LLVMValueRef store = LLVMBuildStore(e->builder, value, address);
    if (is_register)
        return;
    LLVMSetAlignment(store, (unsigned)lg_dtype_bytes(buffer->dtype));
    lg_emit_alias(e, buffer, store);
}

static void emit_if(lg_emitter *e, const lg_kstmt *s)
{
    LLVMValueRef condition = lg_emit_value(e, s->as.branch.condition);
    if (LLVMIsAConstantInt(condition)) { // of an unrolled loop: one side only
        bool taken = LLVMConstIntGetZExtValue(condition) != 0;
        emit_block(e, taken ? &s->as.branch.then : &s->as.branch.otherwise);
        return;
    }
    LLVMBasicBlockRef then = new_block(e, "then", "");
    LLVMBasicBlockRef otherwise = new_block(e, "else", "");
    LLVMBasicBlockRef join = new_block(e, "join", "");
    LLVMBuildCondBr(e->builder, condition, then, otherwise);
    LLVMPositionBuilderAtEnd(e->builder, then);
    emit_block(e, &s->as.branch.then);
    LLVMBuildBr(e->builder, join);
    LLVMPositionBuilderAtEnd(e->builder, otherwise);
    emit_block(e, &s->as.branch.otherwise);
    LLVMBuildBr(e->builder, join);
    LLVMPositionBuilderAtEnd(e->builder, join);
}

static void emit_prefetch(lg_emitter *e, const lg_kstmt *s)
{
    LLVMValueRef address = lg_emit_address(e, s->as.prefetch.buffer, s->as.prefetch.index);
    LLVMValueRef args[] = {address, LLVMConstInt(e->i32, 0, false), // to read,
                           LLVMConstInt(e->i32, 2, false),          // into L2,
                           LLVMConstInt(e->i32, 1, false)};         // data
    lg_emit_intrinsic(e, "llvm.prefetch", args, 4);
}

static void emit_statement(lg_emitter *e, const lg_kstmt *s)
{
    e->statement++;
    switch (s->kind) {
    case LG_K_LOOP:
        emit_loop(e, s);
        break;
    case LG_K_LET:
        e->vars[s->as.let.var->id] = lg_emit_value(e, s->as.let.value);
        break;
    case LG_K_STORE:
        emit_store(e, s);
        break;
    case LG_K_IF:
        emit_if(e, s);
        break;
    case LG_K_PREFETCH:
        emit_prefetch(e, s);
        break;
    case LG_K_MATRIX:
        lg_emit_matrix(e, s);
        break;
    case LG_K_ALLOC: // others are made in the entry block
        if (s->as.alloc->scope == LG_SCOPE_MATRIX)
            lg_emit_matrix_alloc(e, s->as.alloc);
        break;
    case LG_K_COMMENT:
        break;
    case LG_K_BARRIER:
        assert(!"barriers are for CUDA kernels");
    }
    e->statement++;
}

static void emit_block(lg_emitter *e, const lg_kblock *block)
{
    int matrix_used = e->matrix_used;
    for (const lg_kstmt *s = block->first; s; s = s->next)
        emit_statement(e, s);
    e->matrix_used = matrix_used;
}

// ---- buffers

static int64_t element_count(const lg_kbuffer *buffer)
{
    int64_t count = 1;
    for (int d = 0; d < buffer->rank; d++)
        count *= buffer->dims[d];
    return count;
}

static void load_parameters(lg_emitter *e, LLVMValueRef array)
{
    for (int i = 0; i < e->kernel->params.count; i++) {
        const lg_kbuffer *buffer = e->kernel->params.items[i];
        LLVMValueRef at = LLVMConstInt(e->i64, (unsigned)i, false);
        LLVMValueRef address = LLVMBuildInBoundsGEP2(e->builder, e->pointer, array, &at, 1, "");
        e->buffers[buffer->id] = LLVMBuildLoad2(e->builder, e->pointer, address, buffer->name);
    }
}

// Large tiles lie in the worker's part of the scratch memory, whose address is behind the buffers'.
static void place_in_scratch(lg_emitter *e, LLVMValueRef array)
{
    int64_t bytes = lg_kernel_scratch(e->kernel);
    if (bytes == 0)
        return;
    LLVMValueRef last = LLVMConstInt(e->i64, (unsigned)e->kernel->params.count, false);
    LLVMValueRef place = LLVMBuildInBoundsGEP2(e->builder, e->pointer, array, &last, 1, "");
    LLVMValueRef scratch = LLVMBuildLoad2(e->builder, e->pointer, place, "scratch");
    LLVMValueRef worker = LLVMBuildZExt(e->builder, LLVMGetParam(e->function, 3), e->i64, "worker");
    LLVMValueRef start =
        LLVMBuildNSWMul(e->builder, worker, LLVMConstInt(e->i64, (uint64_t)bytes, false), "start");
    scratch = LLVMBuildInBoundsGEP2(e->builder, e->i8, scratch, &start, 1, "");
    for (int i = 0; i < e->kernel->locals.count; i++) {
        const lg_kbuffer *buffer = e->kernel->locals.items[i];
        if (!lg_in_scratch(buffer))
            continue;
        LLVMValueRef at =
            LLVMConstInt(e->i64, (uint64_t)lg_scratch_offset(e->kernel, buffer), false);
        e->buffers[buffer->id] =
            LLVMBuildInBoundsGEP2(e->builder, e->i8, scratch, &at, 1, buffer->name);
    }
}

static void allocate_local(lg_emitter *e, const lg_kbuffer *buffer)
{
    int64_t count = element_count(buffer);
    if (lg_in_scratch(buffer) || buffer->scope == LG_SCOPE_MATRIX)
        return;
    if (buffer->scope != LG_SCOPE_REGISTER) {
        assert(buffer->scope == LG_SCOPE_TILE);
        LLVMTypeRef element = lg_emit_memory_type(e, buffer->dtype, 1);
        LLVMTypeRef type = LLVMArrayType2(element, (uint64_t)count);
        LLVMValueRef tile = LLVMBuildAlloca(e->builder, type, buffer->name);
        LLVMSetAlignment(tile, LG_ABI_ALIGNMENT);
        e->buffers[buffer->id] = tile;
        return;
    }
    LLVMTypeRef type = lg_emit_memory_type(e, buffer->dtype, buffer->lanes);
    LLVMValueRef *elements = LG_NEW_ARRAY(e->arena, LLVMValueRef, count);
    for (int64_t i = 0; i < count; i++)
        elements[i] =
            LLVMBuildAlloca(e->builder, type, lg_format(e->arena, "%s.%d", buffer->name, (int)i));
    e->registers[buffer->id] = elements;
}

void lg_emit_kernel(lg_emitter *e, const lg_kernel *kernel, bool internal)
{
    int buffers = kernel->params.count + kernel->locals.count;
    e->kernel = kernel;
    e->function = lg_emit_kernel_declaration(e, kernel);
    if (internal)
        LLVMSetLinkage(e->function, LLVMInternalLinkage);
    else
        LLVMSetVisibility(e->function, LLVMHiddenVisibility);
    e->vars = LG_NEW_ARRAY(e->arena, LLVMValueRef, kernel->vars.count);
    e->buffers = LG_NEW_ARRAY(e->arena, LLVMValueRef, buffers);
    e->registers = LG_NEW_ARRAY(e->arena, LLVMValueRef *, buffers);
    e->matrix_numbers = LG_NEW_ARRAY(e->arena, int, buffers);
    lg_emit_alias_scopes(e, kernel);
    LLVMValueRef array = LLVMGetParam(e->function, 0);
    LLVMSetValueName2(array, "buffers", 7);
    e->begin = LLVMGetParam(e->function, 1);
    LLVMSetValueName2(e->begin, "begin", 5);
    e->end = LLVMGetParam(e->function, 2);
    LLVMSetValueName2(e->end, "end", 3);

    LLVMPositionBuilderAtEnd(e->builder, new_block(e, "entry", ""));
    for (int i = 0; i < kernel->locals.count; i++)
        allocate_local(e, kernel->locals.items[i]);
    load_parameters(e, array);
    place_in_scratch(e, array);
    lg_emit_matrix_begin(e);
    emit_block(e, &kernel->body);
    lg_emit_matrix_end(e);
    LLVMBuildRetVoid(e->builder);
}
