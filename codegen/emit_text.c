// --emit=llvm and --emit=asm: the whole program as one module, after the same passes that objects
// get, so that one reads what runs.
#include "codegen/compile.h"

#include <assert.h>
#include <stdlib.h>

static char *emit_module(lg_emitter *e, const lg_program *program, LLVMTargetMachineRef machine)
{
    LLVMSetTarget(e->module, e->options->target->triple);
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(machine);
    LLVMSetModuleDataLayout(e->module, layout);
    LLVMDisposeTargetData(layout);
    for (const lg_kernel *kernel = program->first; kernel; kernel = kernel->next)
        lg_emit_kernel(e, kernel, true);
    lg_emit_artifact(e, program, true);
    return lg_optimize(e, machine);
}

static char *write_text(lg_emitter *e, lg_text_kind kind, LLVMTargetMachineRef machine, FILE *out)
{
    if (kind == LG_TEXT_LLVM) {
        char *text = LLVMPrintModuleToString(e->module);
        fputs(text, out);
        LLVMDisposeMessage(text);
        return NULL;
    }
    char *message = NULL;
    LLVMMemoryBufferRef buffer = NULL;
    if (LLVMTargetMachineEmitToMemoryBuffer(machine, e->module, LLVMAssemblyFile, &message,
                                            &buffer))
        return message;
    fwrite(LLVMGetBufferStart(buffer), 1, LLVMGetBufferSize(buffer), out);
    LLVMDisposeMemoryBuffer(buffer);
    return NULL;
}

bool lg_emit_text(const lg_program *program, const lg_codegen_options *options, lg_text_kind kind,
                  FILE *out, lg_diag *diag)
{
    if (!lg_codegen_accepts(program, options, diag))
        return false;
    lg_initialize_llvm();
    char *message = NULL;
    LLVMTargetMachineRef machine = lg_target_machine_new(options->target, &message);
    if (machine) {
        lg_emitter *e = calloc(1, sizeof *e);
        assert(e);
        lg_emitter_open(e, options, program->name);
        message = emit_module(e, program, machine);
        if (!message)
            message = write_text(e, kind, machine, out);
        lg_emitter_close(e);
        free(e);
        LLVMDisposeTargetMachine(machine);
    }
    if (message) {
        lg_error_at(diag, (lg_location){0}, "LLVM on %s: %s", program->name, message);
        LLVMDisposeMessage(message);
        return false;
    }
    return true;
}
