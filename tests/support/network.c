#include "tests/support/network.h"

#include "codegen/describe.h"

#include <string.h>

#include <check.h>

lg_module *lg_network_module(const char *spec, unsigned functions)
{
    lg_training training = LG_TRAINING_DEFAULTS;
    training.no_dropout = true;
    lg_diag *diag = lg_diag_new();
    lg_module *module = lg_model_build(spec, functions, &training, diag);
    lg_diag_print(diag, stderr);
    lg_diag_free(diag);
    ck_assert_ptr_nonnull(module);
    return module;
}

static const lg_artifact *artifact_of(lg_network *n, const char *spec, const lg_target *target)
{
    lg_cpu_target cpu;
    if (target->kind == LG_TARGET_CUDA) {
        n->device = lg_cuda_device_new(n->unit.program, n->diag);
        return n->device ? lg_describe_program(n->unit.program->arena, n->unit.program,
                                               target->name, spec, "test")
                         : NULL;
    }
    lg_codegen_options options = {
        .prefix = "net", .model = spec, .compiler = "test", .target = &cpu};
    if (lg_cpu_target_resolve(&cpu, target->name, NULL, n->diag))
        n->jit = lg_jit_new(n->unit.program, &options, n->diag);
    return n->jit ? lg_jit_artifact(n->jit) : NULL;
}

// Compiles the module; `spec` is a name for it.
static void compile(lg_network *n, const char *spec, const char *level,
                    const lg_pipeline_options *passes)
{
    const lg_target *target = passes->target;
    bool ok = lg_pipeline_run(&n->unit, lg_pipeline_named(level, target->kind), passes, n->diag);
    const lg_artifact *artifact = ok ? artifact_of(n, spec, target) : NULL;
    lg_diag_print(n->diag, stderr);
    ck_assert_ptr_nonnull(artifact);
    lg_error e = {""};
    n->model = lg_model_new(artifact, spec, &e);
    ck_assert_msg(n->model != NULL, "%s", e.message);
    if (n->device)
        lg_model_set_executor(n->model, &(lg_executor){n->device, lg_cuda_device_execute});
}

lg_network lg_network_new(const char *spec, unsigned functions, const char *level, const char *cpu)
{
    lg_network n = {.unit.module = lg_network_module(spec, functions), .diag = lg_diag_new()};
    lg_pipeline_options passes = {
        .target = lg_target_find(cpu),
        .verify = functions == LG_MODEL_INFER}; // slow on the thousands of kernels of a step
    compile(&n, spec, level, &passes);
    return n;
}

lg_network lg_network_of_text(const char *text, const char *options, const char *cpu)
{
    lg_network n = {.diag = lg_diag_new()};
    lg_pipeline_options passes = {.target = lg_target_find(cpu), .set = options, .verify = true};
    n.unit.module = lg_parse_module("text", text, strlen(text), n.diag);
    lg_diag_print(n.diag, stderr);
    ck_assert_ptr_nonnull(n.unit.module);
    compile(&n, "text", "O2", &passes);
    return n;
}

void lg_network_free(lg_network *n)
{
    lg_model_free(n->model);
    lg_jit_free(n->jit);
    lg_cuda_device_free(n->device);
    lg_program_free(n->unit.program);
    lg_module_free(n->unit.module);
    lg_diag_free(n->diag);
}
