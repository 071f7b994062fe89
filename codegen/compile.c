// Compiling on all cores: every kernel is a module of its own, on its own LLVM context, and threads
// take the next one until none is left, the large ones first, so that no thread is left alone with
// one at the end. The objects are kept in the order of the program, so the result does not depend
// on who compiled what.
#include "codegen/compile.h"

#include "codegen/effort.h"
#include "codegen/workers.h"

#include <assert.h>
#include <ctype.h>
#include <llvm-c/Analysis.h>
#include <llvm-c/Target.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

// Memory of one iteration lies on the stack of the thread that runs it; threads have megabytes.
enum { MAX_TILE_BYTES = 16 << 20, MAX_PREFIX = 64 };

// ---- LLVM

// No unrolling and no vectoriser: the schedule did that, and a second opinion spills registers.
// Loads are shared inside a block only (early-cse): gvn would carry broadcasts across the columns
// of a convolution.
static const char passes[] = "function(sroa,early-cse,instcombine<no-verify-fixpoint>,simplifycfg,"
                             "loop-mssa(licm),early-cse,instcombine<no-verify-fixpoint>,dce),"
                             "globaldce,constmerge";

void lg_initialize_llvm(void)
{
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeX86AsmParser();
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
    LLVMInitializeAArch64AsmParser();
}

LLVMTargetMachineRef lg_target_machine_new(const lg_cpu_target *target, LLVMCodeGenOptLevel level,
                                           char **message)
{
    LLVMTargetRef description;
    if (LLVMGetTargetFromTriple(target->triple, &description, message))
        return NULL;
    return LLVMCreateTargetMachine(description, target->triple, target->cpu, target->features,
                                   level, LLVMRelocPIC, LLVMCodeModelDefault);
}

char *lg_optimize(lg_emitter *e, LLVMTargetMachineRef machine)
{
    char *message = NULL;
    if (LLVMVerifyModule(e->module, LLVMReturnStatusAction, &message))
        return message;
    LLVMDisposeMessage(message);
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    LLVMErrorRef error = LLVMRunPasses(e->module, passes, machine, options);
    LLVMDisposePassBuilderOptions(options);
    if (!error)
        return NULL;
    char *text = LLVMGetErrorMessage(error);
    message = LLVMCreateMessage(text);
    LLVMDisposeErrorMessage(text);
    return message;
}

// ---- checks

bool lg_prefix_is_valid(const char *text)
{
    if (!isalpha((unsigned char)*text) || strlen(text) > MAX_PREFIX)
        return false;
    for (const char *c = text; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '_')
            return false;
    return true;
}

static int64_t tile_bytes(const lg_kernel *kernel)
{
    int64_t total = 0;
    for (int i = 0; i < kernel->locals.count; i++) {
        const lg_kbuffer *buffer = kernel->locals.items[i];
        if (buffer->scope >= LG_SCOPE_REGISTER)
            continue;
        int64_t bytes = lg_dtype_bytes(buffer->dtype);
        for (int d = 0; d < buffer->rank && bytes <= MAX_TILE_BYTES; d++)
            bytes *= buffer->dims[d];
        total += bytes <= MAX_TILE_BYTES ? bytes : MAX_TILE_BYTES + 1;
    }
    return total;
}

static bool accepts_kernel(const lg_kernel *kernel, const lg_cpu_target *target, lg_diag *diag)
{
    bool good = true;
    if (tile_bytes(kernel) > MAX_TILE_BYTES)
        good = lg_error_at(diag, (lg_location){0}, "kernel @%s: its tiles take more than %d bytes",
                           kernel->name, MAX_TILE_BYTES);
    if (lg_kernel_uses_matrix_unit(kernel) && !lg_cpu_target_has(target, "+amx-bf16"))
        good = lg_error_at(diag, (lg_location){0},
                           "kernel @%s: needs a matrix unit, and %s has none; build with "
                           "--cpu=sapphirerapids",
                           kernel->name, target->name);
    return good;
}

bool lg_codegen_accepts(const lg_program *program, const lg_codegen_options *options, lg_diag *diag)
{
    bool good = true;
    if (!lg_prefix_is_valid(options->prefix))
        good = lg_error_at(diag, (lg_location){0},
                           "'%s' can't begin the names of symbols: it takes letters, digits and "
                           "_, a letter first, %d at most",
                           options->prefix, MAX_PREFIX);
    for (const lg_kernel *kernel = program->first; kernel; kernel = kernel->next)
        good &= accepts_kernel(kernel, options->target, diag);
    return good;
}

// ---- objects

typedef struct compilation {
    const lg_program *program;
    const lg_codegen_options *options;
    bool getter;
    int count;
    const lg_kernel **kernels; // the last is NULL: entry points and tables
    lg_effort *efforts;        // one a kernel and one for the entry points
    int *order;                // what is taken when
    LLVMMemoryBufferRef *buffers;
    char **messages; // of those that failed
    atomic_int next;
} compilation;

static void compile_one(compilation *c, int i, LLVMTargetMachineRef machine)
{
    lg_emitter *e = calloc(1, sizeof *e);
    assert(e);
    const lg_kernel *kernel = c->kernels[i];
    lg_emitter_open(e, c->options, kernel ? kernel->name : c->program->name);
    LLVMSetTarget(e->module, c->options->target->triple);
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(machine);
    LLVMSetModuleDataLayout(e->module, layout);
    LLVMDisposeTargetData(layout);
    if (kernel)
        lg_emit_kernel(e, kernel, false);
    else
        lg_emit_artifact(e, c->program, c->getter);
    c->messages[i] = lg_optimize(e, machine);
    if (!c->messages[i])
        LLVMTargetMachineEmitToMemoryBuffer(machine, e->module, LLVMObjectFile, &c->messages[i],
                                            &c->buffers[i]);
    lg_emitter_close(e);
    free(e);
}

static void *work(void *argument)
{
    compilation *c = argument;
    static const LLVMCodeGenOptLevel levels[] = {LLVMCodeGenLevelAggressive, LLVMCodeGenLevelNone};
    LLVMTargetMachineRef machines[2];
    char *messages[2] = {0};
    for (int i = 0; i < 2; i++)
        machines[i] = lg_target_machine_new(c->options->target, levels[i], &messages[i]);
    for (int next; (next = atomic_fetch_add(&c->next, 1)) < c->count;) {
        int i = c->order[next], light = c->efforts[i].light;
        if (machines[light])
            compile_one(c, i, machines[light]);
        else
            c->messages[i] =
                LLVMCreateMessage(messages[light] ? messages[light] : "no such target machine");
    }
    for (int i = 0; i < 2; i++) {
        if (machines[i])
            LLVMDisposeTargetMachine(machines[i]);
        if (messages[i])
            LLVMDisposeMessage(messages[i]);
    }
    return NULL;
}

typedef struct turn {
    int64_t size;
    int index;
} turn;

static int larger_first(const void *a, const void *b)
{
    const turn *x = a, *y = b;
    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return x->index - y->index;
}

// Entry points are straight-line code of thousands of stores that runs once a step: light, and the
// largest of all.
static void plan(compilation *c, lg_arena *arena)
{
    turn *turns = LG_NEW_ARRAY(arena, turn, c->count);
    c->efforts = lg_efforts(arena, c->program);
    c->efforts[c->count - 1] = (lg_effort){.light = true, .size = INT64_MAX};
    for (int i = 0; i < c->count; i++)
        turns[i] = (turn){c->efforts[i].size, i};
    qsort(turns, (size_t)c->count, sizeof *turns, larger_first);
    c->order = LG_NEW_ARRAY(arena, int, c->count);
    for (int i = 0; i < c->count; i++)
        c->order[i] = turns[i].index;
}

bool lg_compile(const lg_program *program, const lg_codegen_options *options, bool getter,
                lg_objects *objects, lg_diag *diag)
{
    if (!lg_codegen_accepts(program, options, diag))
        return false;
    lg_initialize_llvm();
    lg_arena *arena = lg_arena_new();
    int count = lg_program_kernel_count(program) + 1;
    compilation c = {.program = program, .options = options, .getter = getter, .count = count};
    c.kernels = LG_NEW_ARRAY(arena, const lg_kernel *, count);
    c.messages = LG_NEW_ARRAY(arena, char *, count);
    c.buffers = calloc((size_t)count, sizeof *c.buffers);
    assert(c.buffers);
    int i = 0;
    for (const lg_kernel *kernel = program->first; kernel; kernel = kernel->next)
        c.kernels[i++] = kernel;
    plan(&c, arena);
    lg_work_together(options->threads, count, work, &c);

    bool good = true;
    for (i = 0; i < count; i++)
        if (c.messages[i]) {
            const char *name = c.kernels[i] ? c.kernels[i]->name : program->name;
            good = lg_error_at(diag, (lg_location){0}, "LLVM on @%s: %s", name, c.messages[i]);
            LLVMDisposeMessage(c.messages[i]);
        }
    *objects = (lg_objects){count, c.buffers};
    if (!good)
        lg_objects_free(objects);
    lg_arena_free(arena);
    return good;
}

void lg_objects_free(lg_objects *objects)
{
    for (int i = 0; i < objects->count; i++)
        if (objects->buffers[i])
            LLVMDisposeMemoryBuffer(objects->buffers[i]);
    free(objects->buffers);
    *objects = (lg_objects){0};
}
