#include "tools/compile.h"

#include "codegen/scratch.h"
#include "ir/nearest.h"
#include "runtime/threads.h"
#include "tools/cli.h"
#include "tools/load_model.h"
#include "tools/memory_need.h"
#include "tools/model_spec.h"
#include "tools/paths.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// ---- the target

// What a GPU needs, its driver tells.
static bool choose_target(lg_compilation *c, const lg_compile_options *o, lg_diag *diag)
{
    if (strcmp(o->cpu, "cuda") == 0) {
        c->target = lg_target_find("cuda");
        return true;
    }
    if (!lg_cpu_target_resolve(&c->cpu, o->cpu, o->triple, diag))
        return false;
    if (o->to_run_here && !lg_cpu_target_runs_here(&c->cpu))
        return lg_error_at(diag, (lg_location){0},
                           "--cpu=%s: code for that does not run on this machine; `lgpnc build` "
                           "writes it for another",
                           o->cpu);
    c->target = lg_target_find(c->cpu.name);
    return c->target || lg_error_at(diag, (lg_location){0},
                                    "no schedules for the CPU `%s`; "
                                    "`lgpnc opt --list` shows the targets",
                                    c->cpu.name);
}

static bool read_choices(lg_compilation *c, const lg_compile_options *o, lg_diag *diag)
{
    char path[LG_PATH_BYTES];
    bool named = o->tune_cache != NULL;
    if (named && snprintf(path, sizeof path, "%s", o->tune_cache) >= (int)sizeof path)
        return lg_error_at(diag, (lg_location){0}, "%s: the name is too long", o->tune_cache);
    if (o->no_tune_cache || (!named && !lg_tune_cache_path(path)))
        return true;
    c->cache = lg_tune_cache_new();
    if (!lg_tune_cache_read(c->cache, path, named, diag))
        return false;
    lg_threads threads;
    lg_threads_init(&threads, o->threads);
    const lg_tune_place here = {lg_tune_processor(c->cache->arena), c->target->name, threads.count,
                                LGPNC_VERSION};
    lg_threads_free(&threads);
    lg_tune_cache_choices(c->cache, &here, &c->choices);
    return true;
}

// What the system says, where that can be true; else what the row of the target says.
static int64_t size_here(int name, int64_t low, int64_t high, int64_t otherwise)
{
    int64_t size = sysconf(name);
    return size >= low && size <= high ? size : otherwise;
}

// "native" is a row of the table with the caches and the cores of this machine.
static void look_around(lg_target *target)
{
#ifdef _SC_LEVEL2_CACHE_SIZE
    target->l1 = size_here(_SC_LEVEL1_DCACHE_SIZE, 16 << 10, 1 << 20, target->l1);
    target->l2 = size_here(_SC_LEVEL2_CACHE_SIZE, 128 << 10, 16 << 20, target->l2);
#endif
    target->cores = lg_core_count();
}

// Puts what was measured on this machine into the compilation's own copy of the target.
static bool tune_target(lg_compilation *c, const lg_compile_options *o, lg_diag *diag)
{
    if (!o->choices && !read_choices(c, o, diag))
        return false;
    c->tuned = *c->target;
    if (strcmp(o->cpu, "native") == 0)
        look_around(&c->tuned);
    c->tuned.choices = o->choices ? o->choices : &c->choices;
    c->target = &c->tuned;
    return true;
}

// ---- loading

// Symbols begin with the model's name: "lgpn", "my_net" of my-net.ir.
static void make_prefix(lg_compilation *c, const char *name)
{
    size_t used = 0;
    if (!isalpha((unsigned char)*name))
        used = (size_t)snprintf(c->prefix, sizeof c->prefix, "model_");
    for (; *name && used + 1 < sizeof c->prefix; name++)
        c->prefix[used++] = isalnum((unsigned char)*name) ? *name : '_';
    c->prefix[used] = '\0';
}

static bool load_kernels(lg_compilation *c, const char *path, lg_diag *diag)
{
    size_t length;
    char *text = lg_cli_read(path, &length, diag);
    if (!text)
        return false;
    c->program = lg_parse_program(path, text, length, diag);
    free(text);
    return c->program != NULL;
}

// Of those that a builder can be asked for.
static bool functions_mask(const char *spec, const lg_compile_options *o, unsigned *mask,
                           lg_diag *diag)
{
    bool good = true;
    *mask = o->function_count ? 0 : LG_MODEL_INFER;
    for (int i = 0; i < o->function_count; i++) {
        unsigned kind = lg_model_function_named(o->functions[i]);
        *mask |= kind;
        if (!kind)
            good = lg_error_at(diag, (lg_location){.file = spec},
                               "has no function %s, but infer, loss_and_grad and train_step",
                               o->functions[i]);
    }
    return good;
}

static bool is_wanted(const lg_compile_options *o, const char *name)
{
    for (int i = 0; i < o->function_count; i++)
        if (strcmp(o->functions[i], name) == 0)
            return true;
    return strcmp(name, "pack") == 0;
}

// An IR file has what it has: all of it is compiled, or only what is asked for.
static bool choose_functions(lg_module *module, const char *spec, const lg_compile_options *o,
                             lg_diag *diag)
{
    bool good = true;
    for (int i = 0; i < o->function_count; i++) {
        const lg_function *f = lg_module_function(module, o->functions[i]);
        if (!f || f->kind != LG_FUNC)
            good = lg_error_at(diag, (lg_location){.file = spec}, "has no function %s",
                               o->functions[i]);
    }
    for (lg_function *f = module->first, *next; good && o->function_count && f; f = next) {
        next = f->next;
        if (f->kind == LG_FUNC && !is_wanted(o, f->name))
            lg_function_remove(f);
    }
    return good;
}

static void load_graph(lg_compilation *c, const char *spec, const lg_compile_options *o,
                       lg_diag *diag)
{
    char headers[LG_PATH_BYTES];
    unsigned mask = 0;
    bool is_text = lg_spec_ends_with(spec, ".ir");
    lg_training training = LG_TRAINING_DEFAULTS;
    training.no_dropout = o->no_dropout;
    lg_path_of_headers(headers);
    if (is_text || functions_mask(spec, o, &mask, diag))
        c->module = lg_load_model(spec, headers, mask, &training, diag);
    if (c->module && is_text && !choose_functions(c->module, spec, o, diag)) {
        lg_module_free(c->module);
        c->module = NULL;
    }
}

bool lg_compile_load(lg_compilation *c, const char *spec, const lg_compile_options *options,
                     lg_progress *progress, lg_diag *diag)
{
    const lg_compile_options defaults = lg_compile_defaults();
    *c = (lg_compilation){0};
    lg_progress_step(progress, "loading %s", spec);
    if (lg_spec_ends_with(spec, ".kir"))
        load_kernels(c, spec, diag);
    else
        load_graph(c, spec, options ? options : &defaults, diag);
    if (!c->module && !c->program)
        return false;
    make_prefix(c, c->module ? c->module->name : c->program->name);
    const char *slash = strrchr(spec, '/');
    c->codegen = (lg_codegen_options){.prefix = c->prefix,
                                      .model = slash ? slash + 1 : spec,
                                      .compiler = "lgpnc " LGPNC_VERSION,
                                      .target = &c->cpu};
    return true;
}

// ---- the pipeline

static void drop_results(lg_compilation *c)
{
    if (c->program)
        lg_program_free(c->program);
    if (c->module)
        lg_module_free(c->module);
    c->program = NULL;
    c->module = NULL;
}

// Runs the pipeline on `module`, which becomes the compilation's. `reserve`: bytes of the limit
// that go to the plan.
static bool run_pipeline(lg_compilation *c, lg_module *module, const lg_compile_options *o,
                         const lg_pass_info **loaded, int64_t reserve, lg_diag *diag)
{
    char set[sizeof o->set + 96];
    snprintf(set, sizeof set, "%s", o->set);
    if (o->memory_limit)
        snprintf(set + strlen(set), sizeof set - strlen(set),
                 "%srecompute{limit=%" PRId64 ",strict=0,reserve=%" PRId64 "}", *set ? "," : "",
                 o->memory_limit, (reserve + 1023) / 1024);
    lg_pipeline_options options = {.target = c->target,
                                   .print_after = o->print_after,
                                   .print_to = stderr,
                                   .dump_dir = o->dump_dir,
                                   .verify = o->check_each,
                                   .check_each = o->check_each,
                                   .disable = o->disable,
                                   .set = *set ? set : NULL,
                                   .loaded_count = o->load_count,
                                   .loaded = loaded,
                                   .timing = o->time_passes ? stderr : NULL};
    const char *level = o->level ? o->level : "O2";
    const char *text = o->passes ? o->passes : lg_pipeline_named(level, c->target->kind);
    lg_unit unit = {.module = module};
    bool good = lg_pipeline_run(&unit, text, &options, diag);
    c->module = unit.module;
    c->program = unit.program;
    return good;
}

enum { MEBIBYTE = 1 << 20 };

static int64_t mebibytes(int64_t bytes)
{
    return (bytes + MEBIBYTE - 1) / MEBIBYTE;
}

static bool does_not_fit(const lg_entry *entry, int64_t need, int64_t limit, lg_diag *diag)
{
    int64_t workspace = lg_entry_workspace(entry);
    return lg_error_at(diag, (lg_location){0},
                       "@%s does not fit into %" PRId64
                       " MiB, even if all that can be is computed again: it needs %" PRId64
                       " MiB, %" PRId64 " of them for weights, states, inputs and outputs",
                       entry->name, limit, mebibytes(need), mebibytes(need - workspace));
}

// The pass `recompute` counts the bytes of what is alive; what the plan and the kernels need beyond
// them is known afterwards, so that a limit takes more rounds where it was passed: some with twice
// the excess in reserve, and one with all of the limit, so that the func needs the least that it
// can.
static bool run_within_limit(lg_compilation *c, const lg_compile_options *o,
                             const lg_pass_info **loaded, lg_diag *diag)
{
    enum { ROUNDS = 3, LARGE_EXCESS = 16 }; // a 16th of the limit: no plan loses that
    lg_module *module = c->module;
    int64_t need = 0, reserve = 0, limit = o->memory_limit * MEBIBYTE;
    c->module = NULL;
    bool good = true;
    for (int round = 1; good; round++) {
        drop_results(c);
        good = run_pipeline(c, lg_module_clone(module), o, loaded, reserve, diag);
        const lg_entry *entry = c->program ? lg_program_largest_need(c->program, &need) : NULL;
        int64_t excess = need - limit;
        if (!good || !entry || excess <= 0)
            break;
        if (reserve == limit)
            good = does_not_fit(entry, need, o->memory_limit, diag);
        reserve = round == ROUNDS || excess > limit / LARGE_EXCESS ? limit : reserve + 2 * excess;
    }
    lg_module_free(module);
    return good;
}

static bool run_passes(lg_compilation *c, const lg_compile_options *o, lg_progress *progress,
                       lg_diag *diag)
{
    const lg_pass_info *loaded[LG_MOST_LOADED_PASSES];
    for (int i = 0; i < o->load_count; i++)
        if (!(loaded[i] = lg_pass_load(o->loads[i], diag)))
            return false;
    lg_progress_step(progress, "running passes on %s", c->codegen.model);
    if (o->print_after || o->time_passes)
        lg_progress_end(progress);
    return o->memory_limit ? run_within_limit(c, o, loaded, diag)
                           : run_pipeline(c, c->module, o, loaded, 0, diag);
}

bool lg_compile_model(lg_compilation *c, const char *spec, const lg_compile_options *options,
                      lg_progress *progress, lg_diag *diag)
{
    if (!lg_compile_load(c, spec, options, progress, diag) || !choose_target(c, options, diag) ||
        !tune_target(c, options, diag))
        return false;
    if (c->module && !run_passes(c, options, progress, diag))
        return false;
    if (!c->program)
        return true;
    lg_progress_step(progress, "verifying %d kernels", lg_program_kernel_count(c->program));
    return lg_verify_program(c->program, diag);
}

void lg_compilation_free(lg_compilation *c)
{
    drop_results(c);
    lg_tune_cache_free(c->cache);
    free((void *)c->choices.items);
    *c = (lg_compilation){0};
}

bool lg_compile_needs_program(const lg_compilation *c, const char *what, lg_diag *diag)
{
    if (c->program)
        return true;
    return lg_error_at(
        diag, (lg_location){0},
        "%s needs kernels, and the passes given stop at the graph: let them end with "
        "lower,plan-memory",
        what);
}

// ---- in memory

static lg_jit *jit(const lg_compilation *c, const lg_program *program, lg_diag *diag)
{
    lg_cpu_target here;
    lg_codegen_options options = c->codegen;
    bool runs = c->target->kind == LG_TARGET_CPU && lg_cpu_target_runs_here(&c->cpu);
    if (!runs && !lg_cpu_target_resolve(&here, "native", NULL, diag))
        return NULL;
    options.target = runs ? &c->cpu : &here;
    return lg_jit_new(program, &options, diag);
}

lg_jit *lg_compile_jit(const lg_compilation *c, lg_diag *diag)
{
    return jit(c, c->program, diag);
}

static bool launches(const lg_entry *entry, const lg_kernel *kernel)
{
    for (int i = 0; i < entry->launches.count; i++)
        if (entry->launches.items[i].kernel == kernel)
            return true;
    return false;
}

lg_jit *lg_compile_jit_entry(const lg_compilation *c, const char *entry_name, lg_diag *diag)
{
    lg_entry *entry = lg_program_entry(c->program, entry_name);
    if (!entry) {
        lg_error_at(diag, (lg_location){0}, "%s has no entry point @%s", c->codegen.model,
                    entry_name);
        return NULL;
    }
    // A view of the program: the same nodes but for copies of the kernels, for their `next`.
    lg_arena *arena = lg_arena_new();
    lg_program part = *c->program;
    part.entries.items = &entry;
    part.entries.count = 1;
    part.first = part.last = NULL;
    for (const lg_kernel *kernel = c->program->first; kernel; kernel = kernel->next)
        if (launches(entry, kernel)) {
            lg_kernel *copy = lg_copy(arena, kernel, sizeof *kernel);
            copy->next = NULL;
            *(part.last ? &part.last->next : &part.first) = copy;
            part.last = copy;
        }
    lg_jit *result = jit(c, &part, diag);
    lg_arena_free(arena);
    return result;
}
