// An artifact in this process: the objects that would go to a file are linked in memory by LLVM's
// ORC. What runs is byte for byte what --emit=shared links.
#include "codegen/compile.h"

#include <assert.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/Orc.h>
#include <stdio.h>
#include <stdlib.h>

struct lg_jit {
    LLVMOrcLLJITRef engine;
    const lg_artifact *artifact;
};

static bool report(LLVMErrorRef error, lg_diag *diag)
{
    if (!error)
        return true;
    char *message = LLVMGetErrorMessage(error);
    lg_error_at(diag, (lg_location){0}, "linking in memory: %s", message);
    LLVMDisposeErrorMessage(message);
    return false;
}

// libm, for what the target has no instruction for (fmaf on x86-64-v2).
static bool add_process_symbols(LLVMOrcLLJITRef engine, lg_diag *diag)
{
    LLVMOrcDefinitionGeneratorRef generator;
    char prefix = LLVMOrcLLJITGetGlobalPrefix(engine);
    if (!report(
            LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess(&generator, prefix, NULL, NULL),
            diag))
        return false;
    LLVMOrcJITDylibAddGenerator(LLVMOrcLLJITGetMainJITDylib(engine), generator);
    return true;
}

static bool link_objects(lg_jit *jit, lg_objects *objects, const char *prefix, lg_diag *diag)
{
    LLVMOrcJITDylibRef library = LLVMOrcLLJITGetMainJITDylib(jit->engine);
    for (int i = 0; i < objects->count; i++) {
        LLVMMemoryBufferRef buffer = objects->buffers[i];
        objects->buffers[i] = NULL; // the engine owns it now, also on failure
        if (!report(LLVMOrcLLJITAddObjectFile(jit->engine, library, buffer), diag))
            return false;
    }
    char symbol[128];
    snprintf(symbol, sizeof symbol, "%s_artifact", prefix);
    LLVMOrcExecutorAddress address = 0;
    if (!report(LLVMOrcLLJITLookup(jit->engine, &address, symbol), diag))
        return false;
    jit->artifact = (const lg_artifact *)(uintptr_t)address;
    return true;
}

lg_jit *lg_jit_new(const lg_program *program, const lg_codegen_options *options, lg_diag *diag)
{
    lg_codegen_options without_weights = *options;
    without_weights.packed = NULL;
    without_weights.value_count = 0;
    lg_objects objects;
    if (!lg_compile(program, &without_weights, false, &objects, diag))
        return NULL;
    lg_jit *jit = calloc(1, sizeof *jit);
    assert(jit);
    if (!report(LLVMOrcCreateLLJIT(&jit->engine, NULL), diag) ||
        !add_process_symbols(jit->engine, diag) ||
        !link_objects(jit, &objects, options->prefix, diag)) {
        lg_jit_free(jit);
        jit = NULL;
    }
    lg_objects_free(&objects);
    return jit;
}

void lg_jit_free(lg_jit *jit)
{
    if (!jit)
        return;
    if (jit->engine) {
        LLVMErrorRef error = LLVMOrcDisposeLLJIT(jit->engine);
        if (error)
            LLVMConsumeError(error);
    }
    free(jit);
}

const lg_artifact *lg_jit_artifact(const lg_jit *jit)
{
    return jit->artifact;
}
