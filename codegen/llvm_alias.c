// What stores cannot touch. Buffers of a kernel lie in different bytes, but a result may lie in the
// place of an operand of its size (passes/in_place.h). Told so, LLVM takes what is made of small
// operands (scales and shifts of channels) out of the loops that store an image.
//
// Every buffer in memory has an alias scope. Loads and stores of a buffer name its own; those of a
// buffer that is written also name the scopes of all that it cannot overlap.
#include "codegen/llvm_emit.h"

#include <string.h>

enum { MOST_BUFFERS = 64 }; // lists grow with the square; kernels of more update many parameters

static LLVMMetadataRef text_node(lg_emitter *e, const char *text, LLVMMetadataRef domain)
{
    LLVMMetadataRef operands[] = {LLVMMDStringInContext2(e->context, text, strlen(text)), domain};
    return LLVMMDNodeInContext2(e->context, operands, domain ? 2 : 1);
}

static LLVMValueRef list_of(lg_emitter *e, LLVMMetadataRef *scopes, int count)
{
    return LLVMMetadataAsValue(e->context, LLVMMDNodeInContext2(e->context, scopes, (size_t)count));
}

static int64_t bytes_of(const lg_kbuffer *buffer)
{
    int64_t bytes = lg_dtype_bytes(buffer->dtype);
    for (int d = 0; d < buffer->rank; d++)
        bytes *= buffer->dims[d];
    return bytes;
}

static bool is_parameter(const lg_kbuffer *buffer)
{
    return buffer->scope != LG_SCOPE_TILE;
}

// The verifier of programs lets one slot stand for parameters of as many bytes.
static bool may_overlap(const lg_kbuffer *a, const lg_kbuffer *b)
{
    return a == b || (is_parameter(a) && is_parameter(b) && bytes_of(a) == bytes_of(b));
}

void lg_emit_alias_scopes(lg_emitter *e, const lg_kernel *kernel)
{
    const lg_kbuffer *buffers[MOST_BUFFERS];
    LLVMMetadataRef scopes[MOST_BUFFERS], others[MOST_BUFFERS];
    int total = kernel->params.count + kernel->locals.count, count = 0;
    e->own_scope = LG_NEW_ARRAY(e->arena, LLVMValueRef, total);
    e->other_scopes = LG_NEW_ARRAY(e->arena, LLVMValueRef, total);
    LLVMMetadataRef domain = text_node(e, kernel->name, NULL);
    for (int i = 0; i < total; i++) {
        const lg_kbuffer *buffer = i < kernel->params.count
                                       ? kernel->params.items[i]
                                       : kernel->locals.items[i - kernel->params.count];
        if (buffer->scope >= LG_SCOPE_REGISTER)
            continue;
        if (count == MOST_BUFFERS)
            return;
        scopes[count] = text_node(e, buffer->name, domain);
        buffers[count++] = buffer;
    }
    for (int i = 0; i < count; i++) {
        int apart = 0;
        for (int j = 0; j < count; j++)
            if (!may_overlap(buffers[i], buffers[j]))
                others[apart++] = scopes[j];
        e->own_scope[buffers[i]->id] = list_of(e, &scopes[i], 1);
        if (buffers[i]->scope != LG_SCOPE_IN)
            e->other_scopes[buffers[i]->id] = list_of(e, others, apart);
    }
}

static void attach(lg_emitter *e, LLVMValueRef access, const char *kind, LLVMValueRef list)
{
    if (list)
        LLVMSetMetadata(access, LLVMGetMDKindIDInContext(e->context, kind, (unsigned)strlen(kind)),
                        list);
}

void lg_emit_alias(lg_emitter *e, const lg_kbuffer *buffer, LLVMValueRef access)
{
    attach(e, access, "alias.scope", e->own_scope[buffer->id]);
    attach(e, access, "noalias", e->other_scopes[buffer->id]);
}
