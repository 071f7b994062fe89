// Entry points that use the matrix unit ask Linux for it before their first launch, whoever calls
// them: a program that embeds an object has no runtime that would. What was granted before is
// granted again at once (0.2 us), so that nothing need be kept between calls. The system is called
// by its own instruction: an object needs no library for it.
#include "codegen/llvm_emit.h"
#include "runtime/matrix_unit.h"

#include <string.h>

// arch_prctl(code, argument) of x86-64: 0 or a negative error.
static LLVMValueRef emit_arch_prctl(lg_emitter *e, int64_t code, int64_t argument)
{
    static const char text[] = "syscall";
    static const char registers[] = "={ax},{ax},{di},{si},~{rcx},~{r11},~{memory},~{dirflag},"
                                    "~{fpsr},~{flags}";
    LLVMTypeRef params[] = {e->i64, e->i64, e->i64};
    LLVMTypeRef type = LLVMFunctionType(e->i64, params, 3, false);
    LLVMValueRef code_of_it =
        LLVMGetInlineAsm(type, text, strlen(text), registers, strlen(registers),
                         /*side effects=*/true, /*aligns the stack=*/false, LLVMInlineAsmDialectATT,
                         /*unwinds=*/false);
    LLVMValueRef args[] = {
        LLVMConstInt(e->i64, LG_SYS_ARCH_PRCTL, false),
        LLVMConstInt(e->i64, (uint64_t)code, false),
        LLVMConstInt(e->i64, (uint64_t)argument, false),
    };
    return LLVMBuildCall2(e->builder, type, code_of_it, args, 3, "refused");
}

void lg_emit_permission(lg_emitter *e, LLVMValueRef function)
{
    if (!strstr(e->options->target->triple, "linux"))
        return; // other systems grant it to everybody
    LLVMBasicBlockRef refused = LLVMAppendBasicBlockInContext(e->context, function, "refused");
    LLVMBasicBlockRef granted = LLVMAppendBasicBlockInContext(e->context, function, "granted");
    LLVMValueRef error = emit_arch_prctl(e, LG_ARCH_REQ_XCOMP_PERM, LG_XFEATURE_XTILEDATA);
    LLVMBuildCondBr(e->builder, LLVMBuildIsNull(e->builder, error, ""), granted, refused);
    LLVMPositionBuilderAtEnd(e->builder, refused);
    LLVMBuildRet(e->builder, LLVMConstInt(e->i32, LG_ENTRY_REFUSED, false));
    LLVMPositionBuilderAtEnd(e->builder, granted);
}
