// Memory is laid out so that mistakes show: all of it is NaN where nobody has written, inputs and
// results are aligned no better than their elements, and what lies behind each stays untouched.
#include "tests/support/expectation.h"

#include "codegen/codegen.h"
#include "codegen/cuda.h"
#include "codegen/cuda_device.h"
#include "ir/interp.h"
#include "passes/schedule/choice.h"
#include "runtime/threads.h"
#include "tests/support/foreign.h"
#include "tests/support/program_memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

// One func: its arguments, results, and the symbols after it has run.
typedef struct outcome {
    const lg_function *function;
    lg_array **arguments, **results;
    lg_environment after;
} outcome;

struct lg_expectation {
    lg_arena *arena;
    const lg_module *module;
    double tolerance; // of the largest number of a result
    lg_environment before;
    LG_LIST(outcome) outcomes;
};

// ---- one func alone

static bool function_uses(const lg_function *f, const lg_value *value)
{
    return lg_count_uses(f, value) > 0;
}

static void remove_unused_symbols(lg_module *module)
{
    for (lg_symbol *s = module->first_symbol, *next; s; s = next) {
        bool used = false;
        next = s->next;
        LG_FOR_FUNCTIONS (f, module)
            used |= function_uses(f, s->value);
        if (!used)
            lg_symbol_remove(module, s);
    }
}

lg_module *lg_module_extract(const lg_module *module, const char *name)
{
    lg_module *copy = lg_module_clone(module);
    for (lg_function *f = copy->first, *next; f; f = next) {
        next = f->next;
        if (f->kind == LG_FUNC && strcmp(f->name, name) != 0)
            lg_function_remove(f);
    }
    remove_unused_symbols(copy);
    return copy;
}

lg_module *lg_module_thin(const lg_module *module, int every, int first)
{
    lg_module *copy = lg_module_clone(module);
    int number = 0;
    for (lg_function *f = copy->first, *next; f; f = next) {
        next = f->next;
        if (f->kind == LG_FUNC && number++ % every != first)
            lg_function_remove(f);
    }
    remove_unused_symbols(copy);
    return copy;
}

// ---- what is expected

static uint64_t hash_text(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325u; // FNV-1a
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return hash;
}

static lg_array *random_array(lg_arena *arena, const char *name, int index, const lg_type *type)
{
    lg_array *array = lg_array_new(arena, type);
    lg_array_randomize(array, hash_text(name) + 0x9e3779b97f4a7c15u * (uint64_t)index);
    return array;
}

static bool has_dtype(const lg_module *module, lg_dtype dtype)
{
    LG_FOR_SYMBOLS (s, module)
        if (s->value->type.dtype == dtype)
            return true;
    LG_FOR_FUNCTIONS (f, module) {
        for (int i = 0; i < f->arguments.count; i++)
            if (f->arguments.items[i]->type.dtype == dtype)
                return true;
        LG_FOR_OPS (op, f)
            for (int i = 0; i < op->result_count; i++)
                if (op->results[i]->type.dtype == dtype)
                    return true;
    }
    return false;
}

static outcome evaluate(lg_expectation *e, const lg_function *f)
{
    outcome o = {.function = f, .after = lg_environment_copy(e->arena, &e->before)};
    o.arguments = LG_NEW_ARRAY(e->arena, lg_array *, f->arguments.count + 1);
    o.results = LG_NEW_ARRAY(e->arena, lg_array *, f->results.count + 1);
    for (int i = 0; i < f->arguments.count; i++)
        o.arguments[i] = random_array(e->arena, f->name, i, &f->arguments.items[i]->type);
    lg_diag *diag = lg_diag_new();
    if (!lg_interpret(e->arena, f, o.arguments, o.results, &o.after, diag)) {
        lg_diag_print(diag, stderr);
        ck_abort_msg("@%s cannot be evaluated", f->name);
    }
    lg_diag_free(diag);
    return o;
}

lg_expectation *lg_expectation_new(const lg_module *module)
{
    lg_arena *arena = lg_arena_new();
    lg_expectation *e = LG_NEW(arena, lg_expectation);
    *e = (lg_expectation){.arena = arena, .module = module};
    // The reference does not round what lies in memory between kernels.
    e->tolerance = has_dtype(module, LG_BF16) ? 2e-2 : has_dtype(module, LG_F16) ? 3e-3 : 2e-5;
    LG_FOR_SYMBOLS (s, module)
        lg_environment_set(arena, &e->before, s, random_array(arena, s->name, 0, &s->value->type));
    const lg_function *pack = lg_module_function(module, "pack");
    if (pack)
        e->before = evaluate(e, pack).after;
    LG_FOR_FUNCTIONS (f, module)
        if (f->kind == LG_FUNC && f != pack)
            LG_PUSH(arena, &e->outcomes, evaluate(e, f));
    return e;
}

void lg_expectation_free(lg_expectation *e)
{
    lg_arena_free(e->arena);
}

// ---- running

// A program of the module at work.
typedef struct machine {
    const lg_expectation *e;
    const lg_program *program;
    lg_jit *jit;            // or NULL
    lg_foreign *foreign;    // or NULL
    lg_cuda_device *device; // or NULL
    const lg_parallel *parallel;
    lg_program_memory memory;
    FILE *faults;
} machine;

// Hands out a range in small pieces, the last one first.
static void run_backwards(void *context, uint32_t launch, lg_kernel_fn kernel, void *const *buffers,
                          int64_t count)
{
    (void)context, (void)launch;
    for (int64_t end = count, piece = 1; end > 0; end -= piece, piece = piece % 3 + 1) {
        piece = piece < end ? piece : end;
        kernel(buffers, end - piece, end, 0);
    }
}

static bool run_compiled(machine *m, const lg_entry *entry)
{
    const lg_artifact *artifact = lg_jit_artifact(m->jit);
    lg_call call = {.inputs = (const void *const *)m->memory.inputs,
                    .outputs = m->memory.outputs,
                    .params = m->memory.params,
                    .packed = m->memory.packed,
                    .workspace = m->memory.workspace,
                    .parallel = m->parallel};
    for (uint32_t i = 0; i < artifact->entry_count; i++)
        if (strcmp(artifact->entries[i].name, entry->name) == 0)
            return artifact->entries[i].run(&call) == 0;
    fprintf(m->faults, "the artifact has no entry @%s\n", entry->name);
    return false;
}

static lg_memory memory_of(const machine *m)
{
    return (lg_memory){m->memory.inputs, m->memory.outputs, m->memory.params, m->memory.packed,
                       m->memory.workspace};
}

static bool run_on_device(machine *m, const lg_entry *entry)
{
    lg_memory memory = memory_of(m);
    return lg_cuda_device_interpret(m->device, entry, &memory);
}

static bool run_interpreted(machine *m, const lg_entry *entry)
{
    lg_diag *diag = lg_diag_new();
    lg_memory memory = memory_of(m);
    bool ok = lg_entry_interpret(entry, &memory, diag);
    if (!ok)
        lg_diag_print(diag, m->faults);
    lg_diag_free(diag);
    return ok;
}

// ---- comparing

static double largest(const lg_array *array)
{
    double scale = 0;
    for (int64_t i = 0; i < lg_type_elements(&array->type); i++)
        if (isfinite(array->data[i].f))
            scale = fmax(scale, fabs(array->data[i].f));
    return scale;
}

static bool numbers_agree(double want, double got, double allowed)
{
    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got);
    return want == got || fabs(want - got) <= allowed;
}

static bool compare(machine *m, const char *function, const char *name, const lg_array *want,
                    const lg_type *type, const void *memory)
{
    lg_array *got = lg_array_new(m->memory.arena, type);
    lg_array_load(got, type, memory);
    bool is_float = lg_dtype_is_float(type->dtype);
    double allowed = is_float ? m->e->tolerance * largest(want) : 0;
    int64_t wrong = 0;
    for (int64_t i = 0; i < lg_type_elements(type); i++) {
        bool ok = is_float ? numbers_agree(want->data[i].f, got->data[i].f, allowed)
                           : want->data[i].i == got->data[i].i;
        if (ok || wrong++)
            continue;
        fprintf(m->faults, "@%s: %s: element %lld is ", function, name, (long long)i);
        if (is_float)
            fprintf(m->faults, "%g instead of %g", got->data[i].f, want->data[i].f);
        else
            fprintf(m->faults, "%lld instead of %lld", (long long)got->data[i].i,
                    (long long)want->data[i].i);
    }
    if (wrong)
        fprintf(m->faults, ", %lld of %lld are wrong\n", (long long)wrong,
                (long long)lg_type_elements(type));
    return !wrong;
}

static bool compare_outcome(machine *m, const outcome *o)
{
    bool ok = true;
    for (int i = 0; i < o->function->results.count; i++)
        ok &= compare(m, o->function->name, o->function->result_names.items[i], o->results[i],
                      &o->function->results.items[i]->type, m->memory.outputs[i]);
    for (int i = 0; i < m->program->params.count; i++) {
        const lg_kslot *slot = m->program->params.items[i];
        const lg_symbol *symbol = lg_module_symbol(m->e->module, slot->name);
        ok &= compare(m, o->function->name, slot->name, lg_environment_get(&o->after, symbol),
                      &slot->type, m->memory.params[slot->index]);
    }
    return ok;
}

// ---- programs

static void fill(machine *m, const lg_entry *entry, const outcome *o)
{
    lg_program_memory_begin(&m->memory, m->program, entry);
    for (int i = 0; o && i < o->function->arguments.count; i++)
        lg_array_store(o->arguments[i], &o->function->arguments.items[i]->type,
                       m->memory.inputs[i]);
    for (int i = 0; i < m->program->params.count; i++) {
        const lg_kslot *slot = m->program->params.items[i];
        const lg_symbol *symbol = lg_module_symbol(m->e->module, slot->name);
        lg_array_store(lg_environment_get(&m->e->before, symbol), &slot->type,
                       m->memory.params[slot->index]);
    }
}

static bool run(machine *m, const lg_entry *entry, const outcome *o)
{
    fill(m, entry, o);
    bool ok = m->jit       ? run_compiled(m, entry)
              : m->device  ? run_on_device(m, entry)
              : m->foreign ? lg_foreign_run(m->foreign, m->program, entry, &m->memory, m->faults)
                           : run_interpreted(m, entry);
    if (ok && !lg_program_memory_guards_hold(&m->memory)) {
        fprintf(m->faults, "@%s writes beyond its memory\n", entry->name);
        ok = false;
    }
    return ok;
}

// Whether the results are to the bit those of `first`, a copy of what an earlier run left.
static bool same_bits(machine *m, const lg_entry *entry, const void *first)
{
    if (memcmp(first, m->memory.results, m->memory.result_bytes) == 0)
        return true;
    fprintf(m->faults, "@%s: other bits when run in another order or with threads\n", entry->name);
    return false;
}

static bool run_all_ways(machine *m, const lg_entry *entry, const outcome *o)
{
    m->parallel = NULL;
    if (!run(m, entry, o) || (o && !compare_outcome(m, o)))
        return false;
    if (!(m->jit || m->device) || !o)
        return true;
    void *first = malloc(m->memory.result_bytes);
    ck_assert_ptr_nonnull(first);
    memcpy(first, m->memory.results, m->memory.result_bytes);
    static const lg_parallel backwards = {.threads = 1, .run = run_backwards};
    lg_threads threads;
    lg_threads_init(&threads, 2);
    const lg_parallel *const ways[] = {&backwards, &threads.parallel};
    bool ok = true;
    for (int i = 0; ok && i < (m->device ? 1 : 2); i++) {
        m->parallel = ways[i];
        ok = run(m, entry, o) && same_bits(m, entry, first);
    }
    lg_threads_free(&threads);
    free(first);
    return ok;
}

static bool run_entries(machine *m)
{
    const lg_entry *pack = lg_program_entry(m->program, "pack");
    lg_program_memory_new(&m->memory, m->program);
    bool packed = !pack || m->foreign || run_all_ways(m, pack, NULL), ok = packed;
    for (int i = 0; packed && i < m->e->outcomes.count; i++) {
        const outcome *o = &m->e->outcomes.items[i];
        const lg_entry *entry = lg_program_entry(m->program, o->function->name);
        if (entry)
            ok &= run_all_ways(m, entry, o);
        else
            ok = fprintf(m->faults, "the program has no entry @%s\n", o->function->name) < 0;
    }
    lg_program_memory_free(&m->memory);
    return ok;
}

static bool compile(machine *m, const lg_target *target, lg_diag *diag)
{
    lg_cpu_target cpu;
    if (!lg_cpu_target_resolve(&cpu, target->name, NULL, diag))
        return false;
    lg_codegen_options options = {
        .prefix = "test", .model = "test", .compiler = "test", .target = &cpu};
    m->jit = lg_jit_new(m->program, &options, diag);
    return m->jit != NULL;
}

// The pipeline with even the smallest kernels divided into jobs: what is tested is small.
static char *divided(lg_arena *arena, const char *pipeline)
{
    const char *lower = strstr(pipeline, "lower,");
    if (!lower || (lower > pipeline && lower[-1] != ','))
        return lg_strdup(arena, pipeline);
    int before = (int)(lower - pipeline);
    return lg_format(arena, "%.*slower{serial-work=0}%s", before, pipeline,
                     lower + strlen("lower"));
}

// Has every kernel few enough threads and little enough shared memory?
static bool can_be_launched(const lg_program *program, lg_diag *diag)
{
    lg_cuda_launch launch;
    bool ok = true;
    for (const lg_kernel *kernel = program->first; kernel; kernel = kernel->next)
        ok &= lg_cuda_measure(kernel, &launch, diag);
    return ok;
}

bool lg_expectation_holds(const lg_expectation *e, const char *pipeline, const lg_target *target,
                          lg_way way, FILE *faults)
{
    lg_diag *diag = lg_diag_new();
    lg_unit unit = {.module = lg_module_clone(e->module)};
    lg_pipeline_options options = {.target = target, .verify = true};
    char *text = divided(unit.module->arena, pipeline);
    bool ok = lg_pipeline_run(&unit, text, &options, diag) &&
              (unit.program || lg_error_at(diag, (lg_location){0}, "nothing was lowered"));
    ok = ok && unit.program &&
         (target->kind != LG_TARGET_CUDA || can_be_launched(unit.program, diag));
    machine m = {.e = e, .program = unit.program, .faults = faults};
    lg_foreign foreign;
    if (ok && way == LG_WAY_COMPILED)
        ok = compile(&m, target, diag);
    if (ok && way == LG_WAY_DEVICE)
        ok = (m.device = lg_cuda_device_new(unit.program, diag)) != NULL;
    if (ok && way == LG_WAY_EMULATED) {
        m.foreign = &foreign;
        ok = lg_foreign_new(&foreign, unit.program, target, faults);
    }
    if (ok)
        ok = run_entries(&m);
    if (!ok) {
        lg_diag_print(diag, faults);
        static const char *const ways[] = {"interpreted", "compiled", "emulated", "on the GPU"};
        fprintf(faults, "    in: %s, %s, %s\n", pipeline, target->name, ways[way]);
    }
    if (m.foreign)
        lg_foreign_free(&foreign);
    if (m.jit)
        lg_jit_free(m.jit);
    lg_cuda_device_free(m.device);
    if (unit.program)
        lg_program_free(unit.program);
    lg_module_free(unit.module);
    lg_diag_free(diag);
    return ok;
}

void lg_expectation_check(const lg_expectation *e, const char *pipeline, const lg_target *target,
                          lg_way way, const char *what)
{
    char *text = NULL;
    size_t size = 0;
    FILE *faults = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(faults);
    bool ok = lg_expectation_holds(e, pipeline, target, way, faults);
    fclose(faults);
    ck_assert_msg(ok, "%s:\n%s", what, text);
    free(text);
}

void lg_expectation_check_candidates(const lg_module *module, const lg_target *target, int first,
                                     int count, int every)
{
    lg_expectation *expectation = lg_expectation_new(module);
    for (int rank = first; rank < count; rank += every) {
        char what[32];
        lg_choices choices = {.rank = rank};
        lg_target chosen = *target;
        chosen.choices = &choices;
        snprintf(what, sizeof what, "candidate %d", rank);
        lg_expectation_check(expectation, "prepack,fuse,layout,merge-kernels,lower,plan-memory",
                             &chosen, LG_WAY_INTERPRETED, what);
    }
    lg_expectation_free(expectation);
}
