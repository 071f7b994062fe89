// The parameters and states of a model that trains: one block of memory, laid out as
// lg_params_place says. The artifact's packed weights are a copy of them in another layout, as old
// as the last lg_model_repack.
#include "runtime/model_internal.h"

#include <stdlib.h>
#include <string.h>

bool lg_model_keep_params(lg_model *model, lg_error *e)
{
    const lg_artifact *artifact = model->artifact;
    if (model->params)
        return true;
    void **params = calloc(artifact->param_count + 1, sizeof *params);
    if (!params)
        return lg_fail(e, "%s: not enough memory", model->name);
    if (!lg_pages_map(&model->params_pages, lg_params_bytes(artifact), e)) {
        free(params);
        return lg_fail_prefix(e, "%s: parameters: ", model->name);
    }
    lg_params_place(artifact, model->params_pages.data, params);
    model->params = params;
    return true;
}

void *const *lg_model_params(const lg_model *model)
{
    return model->params;
}

void *lg_model_param(const lg_model *model, const char *name, const lg_tensor_desc **desc)
{
    const lg_artifact *artifact = model->artifact;
    int place = lg_tensor_desc_find(artifact->params, artifact->param_count, name);
    if (!model->params || place < 0)
        return NULL;
    if (desc)
        *desc = &artifact->params[place];
    return model->params[place];
}

void lg_model_drop_params(lg_model *model)
{
    lg_pages_unmap(&model->params_pages);
    free(model->params);
    model->params = NULL;
}

void lg_model_clear_params(lg_model *model, const char *prefix)
{
    const lg_artifact *artifact = model->artifact;
    for (uint32_t i = 0; model->params && i < artifact->param_count; i++)
        if (strncmp(artifact->params[i].name, prefix, strlen(prefix)) == 0)
            memset(model->params[i], 0, artifact->params[i].bytes);
}

// A checkpoint of PyTorch and a fresh one have none: they start as 0.
bool lg_is_training_state(const char *name)
{
    return !strncmp(name, "optimizer.", 10) || !strncmp(name, "random.", 7);
}

const char *lg_model_not_finite_param(const lg_model *model)
{
    const lg_artifact *artifact = model->artifact;
    for (uint32_t i = 0; model->params && i < artifact->param_count; i++) {
        const lg_tensor_desc *desc = &artifact->params[i];
        size_t count = desc->bytes / sizeof(float);
        if (desc->dtype == LG_ABI_F32 && !lg_is_training_state(desc->name) &&
            lg_floats_first_nonfinite(model->params[i], count) < count)
            return desc->name;
    }
    return NULL;
}

bool lg_model_repack(lg_model *model, const lg_parallel *parallel, lg_error *e)
{
    if (!model->params)
        return lg_fail(e, "%s: it does not keep its parameters", model->name);
    return model->artifact->packed_bytes == 0 || lg_model_pack(model, model->params, parallel, e);
}
