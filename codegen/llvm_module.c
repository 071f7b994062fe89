// An LLVM module on its own context, so that modules can be built on different threads.
#include "codegen/llvm_emit.h"

#include <string.h>

void lg_emitter_open(lg_emitter *e, const lg_codegen_options *options, const char *module_name)
{
    *e = (lg_emitter){.options = options};
    e->arena = lg_arena_new();
    e->context = LLVMContextCreate();
    e->module = LLVMModuleCreateWithNameInContext(module_name, e->context);
    LLVMSetSourceFileName(e->module, options->model, strlen(options->model));
    e->builder = LLVMCreateBuilderInContext(e->context);
    e->i1 = LLVMInt1TypeInContext(e->context);
    e->i8 = LLVMInt8TypeInContext(e->context);
    e->i16 = LLVMInt16TypeInContext(e->context);
    e->i32 = LLVMInt32TypeInContext(e->context);
    e->i64 = LLVMInt64TypeInContext(e->context);
    e->f32 = LLVMFloatTypeInContext(e->context);
    e->f64 = LLVMDoubleTypeInContext(e->context);
    e->pointer = LLVMPointerTypeInContext(e->context, 0);
}

void lg_emitter_close(lg_emitter *e)
{
    LLVMDisposeBuilder(e->builder);
    LLVMDisposeModule(e->module);
    LLVMContextDispose(e->context);
    lg_arena_free(e->arena);
}

static void add_text_attribute(lg_emitter *e, LLVMValueRef function, const char *key,
                               const char *value)
{
    LLVMAttributeRef attribute = LLVMCreateStringAttribute(e->context, key, (unsigned)strlen(key),
                                                           value, (unsigned)strlen(value));
    LLVMAddAttributeAtIndex(function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, attribute);
}

void lg_emit_function_attributes(lg_emitter *e, LLVMValueRef function)
{
    const lg_cpu_target *target = e->options->target;
    add_text_attribute(e, function, "target-cpu", target->cpu);
    if (*target->tune)
        add_text_attribute(e, function, "tune-cpu", target->tune);
    if (*target->features)
        add_text_attribute(e, function, "target-features", target->features);
    // Vectors are as wide as the schedule made them; LLVM would split 512 bits into two by itself.
    add_text_attribute(e, function, "prefer-vector-width", "512");
    add_text_attribute(e, function, "min-legal-vector-width", "512");
    unsigned nounwind = LLVMGetEnumAttributeKindForName("nounwind", 8);
    LLVMAddAttributeAtIndex(function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
                            LLVMCreateEnumAttribute(e->context, nounwind, 0));
}

LLVMTypeRef lg_emit_kernel_type(lg_emitter *e)
{
    LLVMTypeRef params[] = {e->pointer, e->i64, e->i64, e->i32};
    return LLVMFunctionType(LLVMVoidTypeInContext(e->context), params, 4, false);
}

LLVMValueRef lg_emit_kernel_declaration(lg_emitter *e, const lg_kernel *kernel)
{
    const char *name = lg_format(e->arena, "%s_k_%s", e->options->prefix, kernel->name);
    LLVMValueRef function = LLVMGetNamedFunction(e->module, name);
    if (function)
        return function;
    function = LLVMAddFunction(e->module, name, lg_emit_kernel_type(e));
    LLVMSetVisibility(function, LLVMHiddenVisibility);
    lg_emit_function_attributes(e, function);
    return function;
}
