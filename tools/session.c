#include "tools/session.h"

#include "codegen/describe.h"
#include "tools/cli.h"
#include "tools/init_weights.h"
#include "tools/model_spec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// ---- opening

static const lg_artifact *compile(lg_session *s, const char *spec, const lg_compile_options *o,
                                  lg_progress *progress, lg_diag *diag)
{
    lg_compilation *c = &s->compilation;
    lg_compile_options options = *o;
    options.threads = s->threads.count;
    options.to_run_here = true;
    if (!lg_compile_model(c, spec, &options, progress, diag) ||
        !lg_compile_needs_program(c, "running", diag))
        return NULL;
    lg_progress_step(progress, "compiling %d kernels", lg_program_kernel_count(c->program));
    if (c->target->kind == LG_TARGET_CUDA) {
        s->device = lg_cuda_device_new(c->program, diag);
        return s->device ? lg_describe_program(c->program->arena, c->program, c->target->name,
                                               c->codegen.model, c->codegen.compiler)
                         : NULL;
    }
    s->jit = lg_compile_jit(c, diag);
    return s->jit ? lg_jit_artifact(s->jit) : NULL;
}

static const lg_artifact *open_library(lg_session *s, const char *spec, lg_diag *diag)
{
    lg_error error;
    if (lg_library_open(&s->library, spec, &error))
        return s->library.artifact;
    lg_cli_fail(diag, &error);
    return NULL;
}

static bool open_model(lg_session *s, const char *spec, int threads,
                       const lg_compile_options *options, lg_progress *progress, lg_diag *diag)
{
    lg_error error;
    *s = (lg_session){0};
    lg_threads_init(&s->threads, threads);
    const lg_artifact *artifact = lg_spec_ends_with(spec, ".so")
                                      ? open_library(s, spec, diag)
                                      : compile(s, spec, options, progress, diag);
    if (!artifact)
        return false;
    s->model = lg_model_new(artifact, spec, &error);
    if (s->model && s->device)
        lg_model_set_executor(s->model, &(lg_executor){s->device, lg_cuda_device_execute});
    const char *function = options->function_count ? options->functions[0] : "infer";
    s->entry = s->model ? lg_model_entry(s->model, function, &error) : NULL;
    bool good =
        s->entry && (!lg_entry_uses_params(s->entry) || lg_model_keep_params(s->model, &error));
    return good || lg_cli_fail(diag, &error);
}

void lg_session_close(lg_session *s)
{
    lg_model_free(s->model);
    lg_threads_free(&s->threads);
    lg_jit_free(s->jit);
    lg_cuda_device_free(s->device);
    lg_compilation_free(&s->compilation);
    lg_library_close(&s->library);
    *s = (lg_session){0};
}

// ---- weights

// The message of the runtime has room for some of the tensors that do not fit; here are all.
static void add_fault(void *context, const char *text)
{
    fprintf(context, "\n  %s", text);
}

static bool report_faults(const lg_error *error, const char *faults, lg_diag *diag)
{
    if (!*faults)
        return lg_cli_fail(diag, error);
    int heading = (int)strcspn(error->message, "\n");
    return lg_error_at(diag, (lg_location){0}, "%.*s%s", heading, error->message, faults);
}

bool lg_load_weights(lg_model *model, const char *path, const lg_parallel *parallel, lg_diag *diag)
{
    lg_error error;
    if (lg_model_artifact(model)->param_count == 0) {
        lg_warning_at(diag, (lg_location){.file = path}, "%s has no weights; this is not read",
                      lg_model_name(model));
        return true;
    }
    char *faults = NULL;
    size_t length;
    FILE *list = open_memstream(&faults, &length);
    lg_weights_report report = {.context = list, .fault = list ? add_fault : NULL};
    bool good = lg_model_load_weights(model, path, parallel, &report, &error);
    if (list)
        fclose(list);
    if (!good)
        report_faults(&error, faults ? faults : "", diag);
    free(faults);
    if (!good)
        return false;
    // Of those that nothing depends on `lgpnc models` tells.
    if (report.unknown > 0)
        lg_note_at(diag, (lg_location){.file = path},
                   "%zu tensors are not read: the model does not have them", report.unknown);
    return true;
}

static bool needs_weights(const lg_session *s)
{
    return lg_model_params(s->model) || !lg_model_entry_has_weights(s->model, s->entry);
}

bool lg_session_open(lg_session *s, const char *spec, const char *weights, int threads,
                     const lg_compile_options *options, lg_progress *progress, lg_diag *diag)
{
    if (!open_model(s, spec, threads, options, progress, diag))
        return false;
    if (!weights && needs_weights(s))
        return lg_error_at(diag, (lg_location){.file = spec},
                           "no weights: name a checkpoint with --weights; `lgpnc init MODEL -o "
                           "W.safetensors` makes untrained ones");
    lg_progress_step(progress, "packing weights");
    return !weights || lg_load_weights(s->model, weights, &s->threads.parallel, diag);
}

// A symbol like the parameter, for its random values. An artifact does not say how a tensor starts:
// filters get unit gain, vectors (which may be variances) are 1.
static lg_symbol symbol_like(const lg_tensor_desc *desc, lg_value *value)
{
    value->type = lg_type_make((lg_dtype)desc->dtype, (int)desc->rank, desc->shape);
    lg_symbol symbol = {.name = desc->name, .value = value, .init = LG_INIT_CONSTANT, .bound = 1};
    if (desc->rank >= 2 && lg_dtype_is_float(value->type.dtype)) {
        double inputs = (double)lg_type_elements(&value->type) / (double)desc->shape[0];
        symbol.init = LG_INIT_NORMAL;
        symbol.bound = 1 / sqrt(inputs);
    }
    return symbol;
}

// As the model says that it starts, where it is compiled here; at a guess else.
static void fill_param(const lg_session *s, const lg_tensor_desc *desc, uint64_t seed, void *data)
{
    lg_value value = {0};
    lg_symbol like = symbol_like(desc, &value);
    const lg_symbol *symbol =
        s->compilation.module ? lg_module_symbol(s->compilation.module, desc->name) : NULL;
    lg_init_symbol(symbol ? symbol : &like, seed, data);
}

static bool pack_random(lg_session *s, uint64_t seed, lg_diag *diag)
{
    lg_error error;
    const lg_artifact *artifact = lg_model_artifact(s->model);
    if (!lg_model_keep_params(s->model, &error))
        return lg_cli_fail(diag, &error);
    for (uint32_t i = 0; i < artifact->param_count; i++)
        fill_param(s, &artifact->params[i], seed, lg_model_params(s->model)[i]);
    if (!lg_model_repack(s->model, &s->threads.parallel, &error))
        return lg_cli_fail(diag, &error);
    if (!lg_entry_uses_params(s->entry))
        lg_model_drop_params(s->model);
    return true;
}

bool lg_session_open_random(lg_session *s, const char *spec, const char *weights, uint64_t seed,
                            int threads, const lg_compile_options *options, lg_progress *progress,
                            lg_diag *diag)
{
    if (!open_model(s, spec, threads, options, progress, diag))
        return false;
    lg_progress_step(progress, "packing weights");
    if (weights)
        return lg_load_weights(s->model, weights, &s->threads.parallel, diag);
    return !needs_weights(s) || pack_random(s, seed, diag);
}

// What a step only reads, as the seed, it reads packed.
bool lg_session_begin_training(lg_session *s, int64_t seed, lg_diag *diag)
{
    lg_error error;
    if (!lg_model_params(s->model)) // a function that neither reads nor writes any
        return true;
    lg_model_clear_params(s->model, "optimizer.");
    lg_model_clear_params(s->model, "random.");
    int64_t *place = lg_model_param(s->model, "random.seed", NULL);
    if (place)
        *place = seed;
    return lg_model_repack(s->model, &s->threads.parallel, &error) || lg_cli_fail(diag, &error);
}

lg_tensor *lg_random_tensor(const lg_tensor_desc *desc, uint64_t seed, lg_diag *diag)
{
    lg_error error;
    lg_tensor *tensor =
        lg_tensor_new((enum lg_abi_dtype)desc->dtype, (int)desc->rank, desc->shape, &error);
    if (!tensor) {
        lg_cli_fail(diag, &error);
        return NULL;
    }
    lg_value value = {0};
    lg_symbol symbol = symbol_like(desc, &value);
    symbol.init = lg_dtype_is_float(value.type.dtype) ? LG_INIT_NORMAL : LG_INIT_CONSTANT;
    symbol.bound = symbol.init == LG_INIT_NORMAL ? 1 : 0;
    lg_init_symbol(&symbol, seed, tensor->data);
    return tensor;
}
