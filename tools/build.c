// lgpnc build: a model in, an artifact or any of the stages before it out.
#include "codegen/describe.h"
#include "tools/build_emit.h"
#include "tools/build_report.h"
#include "tools/cli.h"
#include "tools/model_arguments.h"
#include "tools/session.h"
#include "tools/supervise.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct build_arguments {
    lg_model_arguments of;
    const char *output, *name, *cc;
    const lg_emit *emit;
    bool report, cpu_is_given;
} build_arguments;

enum { KEY_EMIT = 256, KEY_NAME, KEY_REPORT, KEY_CC };

static const struct argp_option option_rows[] = {
    {"output", 'o', "OUT", 0,
     "the file to write (`-': standard output, for text); default: the model's name", 0},
    {"weights", 'w', "W.safetensors", 0,
     "a checkpoint to build in, with the graph that it was trained with; an executable needs one",
     0},
    {"emit", KEY_EMIT, "KIND", 0,
     "exe (default), shared, object (with a header), ir, kernel-ir, llvm, asm, cuda (with a "
     "manifest) or ptx",
     0},
    {"function", 'f', "NAME", 0,
     "what to compile: infer (default), loss_and_grad, train_step; one option for each", 0},
    {"name", KEY_NAME, "PREFIX", 0,
     "what symbols of an object begin with; default: the model's "
     "name",
     0},
    {"cc", KEY_CC, "COMMAND", 0,
     "C compiler that links exe and shared; default: $CC or cc, for another machine TRIPLE-gcc", 0},
    {"report", KEY_REPORT, NULL, 0,
     "print kernels with FLOPs, bytes and arithmetic intensity, and the memory plan", 0},
    {0},
};

// ---- arguments

static void set_emit(build_arguments *a, const char *name, struct argp_state *state)
{
    a->emit = lg_emit_find(name);
    if (a->emit)
        return;
    char names[256] = "";
    const lg_emit *row;
    for (int i = 0; (row = lg_emit_at(i)); i++)
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", i ? ", " : "",
                 row->name);
    argp_error(state, "--emit=%s: there are %s", name, names);
}

static bool only_infers(const lg_compile_options *o)
{
    for (int i = 0; i < o->function_count; i++)
        if (strcmp(o->functions[i], "infer") != 0)
            return false;
    return true;
}

static void check_arguments(build_arguments *a, struct argp_state *state)
{
    bool for_cuda = strcmp(a->of.compile.cpu, "cuda") == 0;
    bool to_stdout = a->output ? strcmp(a->output, "-") == 0 : a->emit->is_text;
    if (!a->of.model)
        argp_error(state, "no MODEL given; `lgpnc models' shows what there is");
    else if (!a->emit->is_text && to_stdout)
        argp_error(state, "--emit=%s: is no text; name a file with -o", a->emit->name);
    else if (a->report && to_stdout)
        argp_error(state, "--report: goes to standard output, as does the text; name a file with "
                          "-o");
    else if (a->of.weights && !a->emit->takes_weights)
        argp_error(state, "--weights: goes into exe, shared and object only, not into %s",
                   a->emit->name);
    else if (a->emit->needs_weights && !only_infers(&a->of.compile))
        argp_error(state, "an executable only predicts; --function=NAME goes with --emit=shared, "
                          "object and the texts");
    else if (a->emit->needs_weights && !a->of.weights)
        argp_error(state,
                   "an executable carries its weights: name a checkpoint with --weights=FILE; "
                   "`lgpnc init %s -o W.safetensors' makes an untrained one",
                   a->of.model);
    else if (a->emit->target == LG_EMIT_FOR_CPU && for_cuda)
        argp_error(state,
                   "--emit=%s: is for CPUs; --cpu=cuda goes with ir, kernel-ir, cuda and ptx",
                   a->emit->name);
    else if (a->emit->target == LG_EMIT_FOR_CUDA && a->cpu_is_given && !for_cuda)
        argp_error(state, "--emit=%s: is for --cpu=cuda, not %s", a->emit->name, a->of.compile.cpu);
    else if (a->name && !lg_prefix_is_valid(a->name))
        argp_error(state, "--name=%s: letters, digits and _ are allowed, a letter first", a->name);
    if (a->emit->target == LG_EMIT_FOR_CUDA)
        a->of.compile.cpu = "cuda";
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    build_arguments *a = state->input;
    switch (key) {
    case 'o':
        a->output = value;
        return 0;
    case KEY_EMIT:
        set_emit(a, value, state);
        return 0;
    case KEY_NAME:
        a->name = value;
        return 0;
    case KEY_CC:
        a->cc = value;
        return 0;
    case KEY_REPORT:
        a->report = true;
        return 0;
    case ARGP_KEY_SUCCESS:
        a->cpu_is_given = strcmp(a->of.compile.cpu, "native") != 0;
        check_arguments(a, state);
        return 0;
    default:
        return lg_model_option(key, value, state, &a->of);
    }
}

// ---- weights

// The artifact that is to be built, with the code of `pack` alone: the checkpoint is compared with
// all of it.
static const lg_artifact *artifact_to_pack(const lg_compilation *c, const lg_jit *jit)
{
    lg_arena *arena = c->program->arena;
    lg_artifact *all = lg_describe_program(arena, c->program, c->target->name, c->codegen.model,
                                           c->codegen.compiler);
    lg_entry_desc *entries = lg_copy(arena, all->entries, all->entry_count * sizeof *entries);
    for (uint32_t i = 0; i < all->entry_count; i++)
        if (strcmp(entries[i].name, "pack") == 0)
            entries[i].run = lg_jit_artifact(jit)->entries[0].run;
    all->entries = entries;
    return all;
}

// What the checkpoint says of inputs is built in, too.
static void take_values(lg_compilation *c, const lg_model *model)
{
    const lg_artifact *artifact = lg_model_artifact(model);
    LG_LIST(lg_tensor_desc) values = {0};
    for (uint32_t i = 0; i < artifact->entry_count; i++)
        for (uint32_t k = 0; k < artifact->entries[i].input_count; k++) {
            lg_tensor_desc input = artifact->entries[i].inputs[k];
            input.value = lg_model_input_value(model, &artifact->entries[i].inputs[k]);
            if (input.value)
                LG_PUSH(c->program->arena, &values, input);
        }
    c->codegen.values = values.items;
    c->codegen.value_count = values.count;
}

// `pack` runs here, now; the weights stay in `model`.
static bool pack_weights(const build_arguments *a, lg_compilation *c, lg_jit **jit,
                         lg_model **model, lg_progress *progress, lg_diag *diag)
{
    lg_error error;
    lg_progress_step(progress, "packing %s", a->of.weights);
    if (c->program->packed == 0)
        return lg_error_at(diag, (lg_location){.file = a->of.weights},
                           "%s reads no packed weights, so that none can be built in; give the "
                           "checkpoint to whoever runs it",
                           c->codegen.model);
    *jit = lg_compile_jit_entry(c, "pack", diag);
    if (!*jit)
        return false;
    *model = lg_model_new(artifact_to_pack(c, *jit), c->codegen.model, &error);
    if (!*model)
        return lg_cli_fail(diag, &error);
    lg_threads threads;
    lg_threads_init(&threads, 0);
    bool loaded = lg_load_weights(*model, a->of.weights, &threads.parallel, diag);
    lg_threads_free(&threads);
    if (!loaded)
        return false;
    c->codegen.packed = lg_model_packed(*model);
    take_values(c, *model);
    return true;
}

static bool weights_are_packed(const lg_compilation *c, const lg_emit *emit, lg_diag *diag)
{
    const lg_entry *infer = lg_program_entry(c->program, "infer");
    if (!emit->takes_weights || strcmp(emit->name, "object") == 0 || !infer ||
        !lg_entry_reads(infer, LG_PLACE_PARAM))
        return true;
    return lg_error_at(diag, (lg_location){0},
                       "--emit=%s needs packed weights: the passes lack `prepack'", emit->name);
}

// ---- all of it

static bool finish(const build_arguments *a, const lg_compilation *c, const char *output,
                   lg_progress *progress, lg_diag *diag)
{
    if (c->program)
        lg_progress_step(progress, "writing %s: %d kernels", output,
                         lg_program_kernel_count(c->program));
    bool good = a->emit->write(c, output, diag);
    lg_progress_end(progress);
    if (good && a->report && c->program)
        lg_build_report(c->program, stdout);
    struct stat about;
    if (good && !a->emit->is_text && stat(output, &about) == 0)
        printf("%s: %s of %s for %s, %.1f MB\n", output, a->emit->summary, c->codegen.model,
               c->target->name, 1e-6 * (double)about.st_size);
    return good;
}

static bool build(const build_arguments *a, lg_compilation *c, lg_progress *progress, lg_diag *diag)
{
    // The graph as the model builds it, unless passes are asked for.
    bool as_built =
        a->emit->target == LG_EMIT_GRAPH && !a->of.compile.passes && !a->of.compile.level;
    if (as_built ? !lg_compile_load(c, a->of.model, &a->of.compile, progress, diag)
                 : !lg_compile_model(c, a->of.model, &a->of.compile, progress, diag))
        return false;
    if (a->name)
        snprintf(c->prefix, sizeof c->prefix, "%s", a->name);
    c->codegen.cc = a->cc;
    if (a->emit->target != LG_EMIT_GRAPH && (!lg_compile_needs_program(c, a->emit->name, diag) ||
                                             !weights_are_packed(c, a->emit, diag)))
        return false;
    char output[128];
    snprintf(output, sizeof output, "%s%s", c->prefix, a->emit->suffix);
    lg_jit *jit = NULL;
    lg_model *model = NULL;
    bool good = (!a->of.weights || pack_weights(a, c, &jit, &model, progress, diag)) &&
                finish(a, c,
                       a->output          ? a->output
                       : a->emit->is_text ? "-"
                                          : output,
                       progress, diag);
    lg_model_free(model);
    lg_jit_free(jit);
    return good;
}

static int work(void *context)
{
    const build_arguments *a = context;
    lg_progress progress;
    lg_progress_init(&progress, a->of.compile.verbose);
    lg_diag *diag = lg_diag_new();
    lg_compilation compilation = {0};
    bool good = build(a, &compilation, &progress, diag);
    lg_progress_end(&progress);
    lg_compilation_free(&compilation);
    return lg_cli_finish(diag, good);
}

int lg_command_build(int argc, char **argv)
{
    static const struct argp_child children[] = {{&lg_compile_argp, 0, NULL, 0}, {0}};
    static const struct argp parser = {
        .options = option_rows,
        .parser = parse_option,
        .children = children,
        .args_doc = "MODEL",
        .doc = "Compiles MODEL: a built-in one with options (lgpn:image=128), a C file that uses "
               "the DSL, IR (.ir) or kernel IR (.kir)."
               "\vExamples:\n  lgpnc build lgpn --weights=lgpn.safetensors -o lgpn\n"
               "  lgpnc build lgpn --emit=object -o lgpn.o --report\n"
               "  lgpnc build lgpn --emit=shared --function=train_step --function=infer\n"
               "  lgpnc build ./my_net.c --emit=kernel-ir -O1 | less"};
    build_arguments a = {
        .emit = lg_emit_find("exe"), .of.many = true, .of.compile = lg_compile_defaults()};
    argp_parse(&parser, argc, argv, 0, NULL, &a);
    return lg_supervise(a.output, work, &a);
}
