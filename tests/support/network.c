#include "tests/support/network.h"

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

lg_network lg_network_new(const char *spec, unsigned functions, const char *level, const char *cpu)
{
    lg_diag *diag = lg_diag_new();
    lg_cpu_target target;
    lg_network n = {.unit.module = lg_network_module(spec, functions)};
    bool ok = lg_cpu_target_resolve(&target, cpu, NULL, diag);
    lg_pipeline_options passes = {
        .target = lg_target_find(cpu),
        .verify = functions == LG_MODEL_INFER}; // slow on the thousands of kernels of a step
    ok = ok && lg_pipeline_run(&n.unit, lg_pipeline_named(level, LG_TARGET_CPU), &passes, diag);
    lg_codegen_options options = {
        .prefix = "net", .model = spec, .compiler = "test", .target = &target};
    n.jit = ok ? lg_jit_new(n.unit.program, &options, diag) : NULL;
    lg_diag_print(diag, stderr);
    ck_assert_ptr_nonnull(n.jit);
    lg_diag_free(diag);
    lg_error e = {""};
    n.model = lg_model_new(lg_jit_artifact(n.jit), spec, &e);
    ck_assert_msg(n.model != NULL, "%s", e.message);
    return n;
}

void lg_network_free(lg_network *n)
{
    lg_model_free(n->model);
    lg_jit_free(n->jit);
    lg_program_free(n->unit.program);
    lg_module_free(n->unit.module);
}
