// The matrix unit in LLVM: Intel's AMX, whose eight registers are 16 rows of 64 bytes for a whole
// kernel. The intrinsics take numbers of registers, so nothing is allocated, moved or spilled:
// register buffers get their numbers one behind the other in the order in which they are alive, as
// the verifier counted them.
//
// The intrinsics that let LLVM choose the registers configure the unit anew around what they call a
// region, and keep accumulators of a loop in memory.
#include "codegen/llvm_emit.h"

#include <assert.h>
#include <string.h>

enum { ROWS = 16, ROW_BYTES = 64, CONFIGURATION_BYTES = 64 };

// What an intrinsic does to memory, in LLVM's encoding of the attribute `memory`. All read and
// write the state of the unit, which keeps them in order; only one reads or writes a buffer too.
enum { ITS_STATE = 3 << 2, READS = ITS_STATE | 1, WRITES = ITS_STATE | 2 };

static LLVMValueRef call(lg_emitter *e, const char *name, LLVMValueRef *args, int count,
                         unsigned effects)
{
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    assert(id);
    LLVMValueRef function = LLVMGetIntrinsicDeclaration(e->module, id, NULL, 0);
    LLVMTypeRef type = LLVMIntrinsicGetType(e->context, id, NULL, 0);
    LLVMValueRef made = LLVMBuildCall2(e->builder, type, function, args, (unsigned)count, "");
    unsigned memory = LLVMGetEnumAttributeKindForName("memory", strlen("memory"));
    LLVMAddCallSiteAttribute(made, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
                             LLVMCreateEnumAttribute(e->context, memory, effects));
    return made;
}

// ---- registers

void lg_emit_matrix_alloc(lg_emitter *e, const lg_kbuffer *buffer)
{
    int count = 1;
    for (int d = 0; d < buffer->rank; d++)
        count *= (int)buffer->dims[d];
    e->matrix_numbers[buffer->id] = e->matrix_used;
    e->matrix_used += count;
    assert(e->matrix_used <= LG_MATRIX_REGISTERS);
}

static LLVMValueRef number_of(lg_emitter *e, const lg_kplace *place)
{
    int64_t at = lg_emit_register_index(e, place->buffer, place->index);
    int64_t number = e->matrix_numbers[place->buffer->id] + at;
    return LLVMConstInt(e->i8, (unsigned long long)number, false);
}

// Palette 1 and, for each register, how long its rows are and how many it has.
static LLVMValueRef configuration(lg_emitter *e)
{
    static const char name[] = "matrix_configuration";
    LLVMValueRef global = LLVMGetNamedGlobal(e->module, name);
    if (global)
        return global;
    char bytes[CONFIGURATION_BYTES] = {1};
    for (int i = 0; i < LG_MATRIX_REGISTERS; i++) {
        bytes[16 + 2 * i] = ROW_BYTES;
        bytes[48 + i] = ROWS;
    }
    LLVMValueRef text = LLVMConstStringInContext(e->context, bytes, sizeof bytes, true);
    global = LLVMAddGlobal(e->module, LLVMTypeOf(text), name);
    LLVMSetInitializer(global, text);
    LLVMSetGlobalConstant(global, true);
    LLVMSetLinkage(global, LLVMPrivateLinkage);
    LLVMSetAlignment(global, ROW_BYTES);
    return global;
}

void lg_emit_matrix_begin(lg_emitter *e)
{
    e->matrix_used = 0;
    if (!lg_kernel_uses_matrix_unit(e->kernel))
        return;
    LLVMValueRef address = configuration(e);
    call(e, "llvm.x86.ldtilecfg", &address, 1, READS);
}

void lg_emit_matrix_end(lg_emitter *e)
{
    if (lg_kernel_uses_matrix_unit(e->kernel))
        call(e, "llvm.x86.tilerelease", NULL, 0, ITS_STATE);
}

// ---- statements

// Rows follow each other in memory as they do in a register.
static void emit_transfer(lg_emitter *e, const char *name, const lg_kplace *reg,
                          const lg_kplace *place, unsigned effects)
{
    LLVMValueRef args[] = {number_of(e, reg), lg_emit_address(e, place->buffer, place->index),
                           LLVMConstInt(e->i64, ROW_BYTES, false)};
    lg_emit_alias(e, place->buffer, call(e, name, args, 3, effects));
}

void lg_emit_matrix(lg_emitter *e, const lg_kstmt *s)
{
    const lg_kplace *places = s->as.matrix.operands;
    LLVMValueRef numbers[3];
    switch (s->as.matrix.action) {
    case LG_MATRIX_ZERO:
        numbers[0] = number_of(e, &places[0]);
        call(e, "llvm.x86.tilezero", numbers, 1, ITS_STATE);
        return;
    case LG_MATRIX_LOAD:
        emit_transfer(e, "llvm.x86.tileloadd64", &places[0], &places[1], READS);
        return;
    case LG_MATRIX_DOT:
        for (int i = 0; i < 3; i++)
            numbers[i] = number_of(e, &places[i]);
        call(e, "llvm.x86.tdpbf16ps", numbers, 3, ITS_STATE);
        return;
    case LG_MATRIX_STORE:
        emit_transfer(e, "llvm.x86.tilestored64", &places[1], &places[0], WRITES);
        return;
    case LG_MATRIX_ACTION_COUNT:
        assert(!"a statement of the matrix unit");
    }
}
