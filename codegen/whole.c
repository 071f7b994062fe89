// The whole program as one module, after the same passes that the parts of a linked file get:
// --emit=llvm and --emit=asm show what runs (but for light kernels of a training step, which a
// library has as codegen/effort.h says), and an object needs no linker, nor any other program.
#include "codegen/compile.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

// A module on its way out.
typedef struct whole {
    lg_emitter *emitter;
    LLVMTargetMachineRef machine;
    char *message; // what went wrong, to be freed with LLVMDisposeMessage
} whole;

// LLVM's own handler would end the process.
static void on_diagnostic(LLVMDiagnosticInfoRef info, void *data)
{
    whole *w = data;
    if (LLVMGetDiagInfoSeverity(info) == LLVMDSError && !w->message)
        w->message = LLVMGetDiagInfoDescription(info);
}

// `getter` as in lg_emit_artifact. False after reporting.
static bool begin(whole *w, const lg_program *program, const lg_codegen_options *options,
                  bool getter, lg_diag *diag)
{
    *w = (whole){0};
    if (!lg_codegen_accepts(program, options, diag))
        return false;
    lg_initialize_llvm();
    w->machine = lg_target_machine_new(options->target, LLVMCodeGenLevelAggressive, &w->message);
    if (!w->machine)
        return true; // end() tells
    lg_emitter *e = calloc(1, sizeof *e);
    assert(e);
    w->emitter = e;
    lg_emitter_open(e, options, program->name);
    LLVMContextSetDiagnosticHandler(e->context, on_diagnostic, w);
    LLVMSetTarget(e->module, options->target->triple);
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(w->machine);
    LLVMSetModuleDataLayout(e->module, layout);
    LLVMDisposeTargetData(layout);
    for (const lg_kernel *kernel = program->first; kernel; kernel = kernel->next)
        lg_emit_kernel(e, kernel, true);
    lg_emit_artifact(e, program, getter);
    w->message = lg_optimize(e, w->machine);
    return true;
}

// Frees everything; false after reporting what went wrong since begin().
static bool end(whole *w, const lg_program *program, lg_diag *diag)
{
    if (w->emitter)
        lg_emitter_close(w->emitter);
    free(w->emitter);
    if (w->machine)
        LLVMDisposeTargetMachine(w->machine);
    if (!w->message)
        return true;
    lg_error_at(diag, (lg_location){0}, "LLVM on %s: %s", program->name, w->message);
    LLVMDisposeMessage(w->message);
    return false;
}

// ---- text

static void write_llvm(whole *w, FILE *out)
{
    char *text = LLVMPrintModuleToString(w->emitter->module);
    fputs(text, out);
    LLVMDisposeMessage(text);
}

static void write_assembly(whole *w, FILE *out)
{
    LLVMMemoryBufferRef buffer = NULL;
    char *message = NULL;
    if (LLVMTargetMachineEmitToMemoryBuffer(w->machine, w->emitter->module, LLVMAssemblyFile,
                                            &message, &buffer)) {
        w->message = message;
        return;
    }
    fwrite(LLVMGetBufferStart(buffer), 1, LLVMGetBufferSize(buffer), out);
    LLVMDisposeMemoryBuffer(buffer);
}

bool lg_emit_text(const lg_program *program, const lg_codegen_options *options, lg_text_kind kind,
                  FILE *out, lg_diag *diag)
{
    whole w;
    if (!begin(&w, program, options, true, diag))
        return false;
    if (!w.message && kind == LG_TEXT_LLVM)
        write_llvm(&w, out);
    else if (!w.message)
        write_assembly(&w, out);
    return end(&w, program, diag);
}

// ---- objects

// `path` as the assembler reads it between quotes.
static char *quoted(lg_arena *arena, const char *path)
{
    char *text = "";
    for (; *path; path++)
        text = isalnum((unsigned char)*path) || *path == '/' || *path == '.'
                   ? lg_format(arena, "%s%c", text, *path)
                   : lg_format(arena, "%s\\%03o", text, (unsigned char)*path);
    return text;
}

char *lg_packed_section(lg_arena *arena, const lg_codegen_options *options, const char *path)
{
    return lg_format(arena,
                     "    .section .lgpnc.packed,\"a\",%%progbits\n"
                     "    .balign 4096\n"
                     "    .hidden %s_packed\n"
                     "%s_packed:\n"
                     "    .incbin \"%s\"\n"
                     "    .balign 4096\n",
                     options->prefix, options->prefix, quoted(arena, path));
}

bool lg_compile_whole(const lg_program *program, const lg_codegen_options *options,
                      const char *packed, const char *path, lg_diag *diag)
{
    whole w;
    if (!begin(&w, program, options, false, diag))
        return false;
    lg_arena *arena = lg_arena_new();
    if (!w.message && packed) {
        const char *text = lg_packed_section(arena, options, packed);
        LLVMAppendModuleInlineAsm(w.emitter->module, text, strlen(text));
    }
    char *message = NULL;
    if (!w.message &&
        LLVMTargetMachineEmitToFile(w.machine, w.emitter->module, path, LLVMObjectFile, &message))
        w.message = message;
    lg_arena_free(arena);
    return end(&w, program, diag);
}
