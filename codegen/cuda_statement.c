// Statements in CUDA C, one for one. Block and thread loops open a scope in which their variable
// is the index of the block or thread; everything else is a statement of C.
#include "codegen/cuda_internal.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void line_start(lg_cuda_emitter *e, const char *format,
                                                             ...)
{
    fprintf(e->out, "%*s", 4 * e->indent, "");
    va_list args;
    va_start(args, format);
    vfprintf(e->out, format, args);
    va_end(args);
}

static void body(lg_cuda_emitter *e, const lg_kblock *block)
{
    e->indent++;
    lg_cuda_block(e, block);
    e->indent--;
}

static void print_index(lg_cuda_emitter *e, const lg_kstmt *loop, const char *index)
{
    const lg_kvar *var = loop->as.loop.var;
    const char *type = lg_cuda_var_type(var);
    line_start(e, "const %s %s = (%s)%s;\n", type, e->var_names[var->id], type, index);
}

static void block_loop(lg_cuda_emitter *e, const lg_kstmt *loop)
{
    print_index(e, loop, "blockIdx.x");
    lg_cuda_block(e, &loop->as.loop.body);
}

static void thread_loop(lg_cuda_emitter *e, const lg_kstmt *loop)
{
    line_start(e, "{\n");
    e->indent++;
    print_index(e, loop, "threadIdx.x");
    e->in_thread = true;
    lg_cuda_block(e, &loop->as.loop.body);
    e->in_thread = false;
    e->indent--;
    line_start(e, "}\n");
}

// A loop's counter passes its last value by less than a step.
static const char *counter_type(const lg_kstmt *loop)
{
    const lg_kvar *var = loop->as.loop.var;
    int64_t end;
    bool overflows = __builtin_add_overflow(var->high, loop->as.loop.step, &end);
    return !overflows && lg_cuda_fits_int(var->low, end) ? lg_cuda_var_type(var) : "long long";
}

// The IR takes the bound once, before the loop; one that reads memory the body may write is kept.
static void serial_loop(lg_cuda_emitter *e, const lg_kstmt *loop)
{
    const char *name = e->var_names[loop->as.loop.var->id], *type = counter_type(loop);
    bool kept = lg_cuda_loads(loop->as.loop.high);
    if (loop->as.loop.role == LG_LOOP_UNROLL)
        line_start(e, "#pragma unroll\n");
    line_start(e, "for (%s %s = ", type, name);
    lg_cuda_expression(e, loop->as.loop.low);
    if (kept) {
        fprintf(e->out, ", lg_end_%s = ", name);
        lg_cuda_expression(e, loop->as.loop.high);
    }
    fprintf(e->out, "; %s < ", name);
    if (kept)
        fprintf(e->out, "lg_end_%s", name);
    else
        lg_cuda_expression(e, loop->as.loop.high);
    if (loop->as.loop.step == 1)
        fprintf(e->out, "; %s++) {\n", name);
    else
        fprintf(e->out, "; %s += %lld) {\n", name, (long long)loop->as.loop.step);
    body(e, &loop->as.loop.body);
    line_start(e, "}\n");
}

static void loop(lg_cuda_emitter *e, const lg_kstmt *s)
{
    switch (s->as.loop.role) {
    case LG_LOOP_BLOCK:
        block_loop(e, s);
        break;
    case LG_LOOP_THREAD:
        thread_loop(e, s);
        break;
    case LG_LOOP_SERIAL:
    case LG_LOOP_UNROLL:
        serial_loop(e, s);
        break;
    case LG_LOOP_PARALLEL:
        assert(!"refused by lg_cuda_measure");
    }
}

static void alloc(lg_cuda_emitter *e, const lg_kbuffer *buffer)
{
    bool shared = buffer->scope == LG_SCOPE_SHARED || buffer->scope == LG_SCOPE_TILE;
    line_start(e, "%s%s %s", shared ? "__shared__ " : "", lg_cuda_element_type(buffer->dtype),
               e->buffer_names[buffer->id]);
    for (int i = 0; i < buffer->rank; i++)
        fprintf(e->out, "[%lld]", (long long)buffer->dims[i]);
    fputs(";\n", e->out);
}

static void stored_value(lg_cuda_emitter *e, lg_dtype dtype, const lg_kx *value)
{
    bool call = true;
    if (dtype == LG_BF16)
        lg_cuda_use_helper(e, LG_CUDA_HELPER_store_bf16, LG_F32);
    else if (dtype == LG_F16)
        lg_cuda_use_helper(e, LG_CUDA_HELPER_store_f16, LG_F32);
    else if (dtype == LG_U8)
        fputs("(unsigned char)", e->out);
    else
        call = false;
    fputs(call ? "(" : "", e->out);
    lg_cuda_expression(e, value);
    fputs(call ? ")" : "", e->out);
}

static void store(lg_cuda_emitter *e, const lg_kstmt *s)
{
    const lg_kbuffer *buffer = s->as.store.buffer;
    bool once = !e->in_thread && buffer->scope != LG_SCOPE_REGISTER;
    if (once) {
        line_start(e, "if (threadIdx.x == 0)\n");
        e->indent++;
    }
    line_start(e, "%s", "");
    lg_cuda_element(e, buffer, s->as.store.index);
    fputs(" = ", e->out);
    stored_value(e, buffer->dtype, s->as.store.value);
    fputs(";\n", e->out);
    e->indent -= once;
}

static void let(lg_cuda_emitter *e, const lg_kstmt *s)
{
    const lg_kvar *var = s->as.let.var;
    line_start(e, "const %s %s = ", lg_cuda_var_type(var), e->var_names[var->id]);
    lg_cuda_expression(e, s->as.let.value);
    fputs(";\n", e->out);
}

static void branch(lg_cuda_emitter *e, const lg_kstmt *s)
{
    line_start(e, "if (");
    lg_cuda_expression(e, s->as.branch.condition);
    fputs(") {\n", e->out);
    body(e, &s->as.branch.then);
    if (s->as.branch.otherwise.first) {
        line_start(e, "} else {\n");
        body(e, &s->as.branch.otherwise);
    }
    line_start(e, "}\n");
}

// A backslash at the end would make a comment of the next line too.
static void comment(lg_cuda_emitter *e, const char *text)
{
    size_t length = strlen(text);
    line_start(e, "// ");
    for (const char *at = text; *at; at++)
        fputc(*at == '\n' || *at == '\r' ? ' ' : *at, e->out);
    fputs(length && text[length - 1] == '\\' ? " .\n" : "\n", e->out);
}

static void statement(lg_cuda_emitter *e, const lg_kstmt *s)
{
    switch (s->kind) {
    case LG_K_LOOP:
        loop(e, s);
        break;
    case LG_K_LET:
        let(e, s);
        break;
    case LG_K_ALLOC:
        alloc(e, s->as.alloc);
        break;
    case LG_K_STORE:
        store(e, s);
        break;
    case LG_K_IF:
        branch(e, s);
        break;
    case LG_K_BARRIER:
        line_start(e, "__syncthreads();\n");
        break;
    case LG_K_MATRIX:   // the verifier lets none into a kernel of blocks
    case LG_K_PREFETCH: // schedules of CPUs have them
        break;
    case LG_K_COMMENT:
        comment(e, s->as.comment);
        break;
    }
}

void lg_cuda_block(lg_cuda_emitter *emitter, const lg_kblock *block)
{
    for (const lg_kstmt *s = block->first; s; s = s->next)
        statement(emitter, s);
}
