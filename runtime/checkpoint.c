// The checksum stands in the header, in front of what it is of: all tensors are in memory when a
// checkpoint is written, so that they can be gone through beforehand.
#include "runtime/checkpoint.h"
#include "runtime/model_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

static const char version_key[] = "lgpnc_checkpoint", model_key[] = "model",
                  progress_key[] = "progress", checksum_key[] = "xxh64", version[] = "1";

enum { CHECKSUM_LENGTH = 16 };

// ---- the checksum

static void add_text(XXH64_state_t *state, const char *text)
{
    XXH64_update(state, text ? text : "", text ? strlen(text) + 1 : 1);
}

static void add_tensor(XXH64_state_t *state, const lg_safetensor *tensor)
{
    size_t bytes = 0;
    int64_t type[2 + LG_ABI_MAX_RANK] = {tensor->dtype, tensor->rank};
    memcpy(type + 2, tensor->shape, (size_t)tensor->rank * sizeof *tensor->shape);
    add_text(state, tensor->name);
    XXH64_update(state, type, sizeof type);
    lg_shape_bytes(tensor->dtype, tensor->rank, tensor->shape, &bytes, NULL);
    XXH64_update(state, tensor->data, bytes);
}

// The digits into `text`. Tensors are added before the end, which has the metadata.
static void finish(XXH64_state_t *state, const char *model, const char *progress,
                   char text[static CHECKSUM_LENGTH + 1])
{
    add_text(state, version);
    add_text(state, model);
    add_text(state, progress);
    snprintf(text, CHECKSUM_LENGTH + 1, "%016" PRIx64, (uint64_t)XXH64_digest(state));
}

bool lg_checkpoint_verify(const lg_safetensors *file, const char *path, lg_error *e)
{
    const char *expected = lg_safetensors_metadata(file, checksum_key);
    const char *form = lg_safetensors_metadata(file, version_key);
    char found[CHECKSUM_LENGTH + 1];
    if (form && strcmp(form, version) != 0)
        return lg_fail(e, "%s: a checkpoint of version %.32s, this lgpnc reads version %s", path,
                       form, version);
    if (!form && !expected)
        return true;
    XXH64_state_t state;
    XXH64_reset(&state, 0);
    for (size_t i = 0; i < lg_safetensors_count(file); i++)
        add_tensor(&state, lg_safetensors_at(file, i));
    finish(&state, lg_safetensors_metadata(file, model_key),
           lg_safetensors_metadata(file, progress_key), found);
    if (form && expected && strcmp(found, expected) == 0)
        return true;
    return lg_fail(e,
                   "%s: damaged: its contents have the checksum %s, not %.32s as when it was "
                   "written; take another checkpoint",
                   path, found, expected ? expected : "any");
}

// ---- writing

static void list_params(const lg_model *model, lg_safetensor *tensors)
{
    for (uint32_t i = 0; i < model->artifact->param_count; i++) {
        const lg_tensor_desc *desc = &model->artifact->params[i];
        tensors[i] = (lg_safetensor){.name = desc->name,
                                     .dtype = (enum lg_abi_dtype)desc->dtype,
                                     .rank = (int)desc->rank,
                                     .data = model->params[i]};
        memcpy(tensors[i].shape, desc->shape, sizeof tensors[i].shape);
    }
}

// The values of inputs by their names in the file, which are to be freed. False: memory is short.
static bool list_values(const lg_model *model, lg_safetensor *tensors)
{
    for (size_t i = 0; i < model->value_count; i++) {
        const lg_tensor *value = model->values[i].tensor;
        char *name;
        if (asprintf(&name, LG_INPUT_PREFIX "%s", model->values[i].name) < 0)
            return false;
        tensors[i] = (lg_safetensor){
            .name = name, .dtype = value->dtype, .rank = value->rank, .data = value->data};
        memcpy(tensors[i].shape, value->shape, sizeof tensors[i].shape);
    }
    return true;
}

static bool write_tensors(const lg_model *model, const char *path, const lg_safetensor *tensors,
                          const char *progress, lg_error *e)
{
    size_t count = model->artifact->param_count + model->value_count;
    char checksum[CHECKSUM_LENGTH + 1];
    XXH64_state_t state;
    XXH64_reset(&state, 0);
    for (size_t i = 0; i < count; i++)
        add_tensor(&state, &tensors[i]);
    finish(&state, model->artifact->model, progress, checksum);
    const lg_metadata metadata[] = {{version_key, version},
                                    {model_key, model->artifact->model},
                                    {checksum_key, checksum},
                                    {progress_key, progress}};
    return lg_safetensors_write(path, tensors, count, metadata, progress ? 4 : 3, e);
}

bool lg_checkpoint_save(const lg_model *model, const char *path, const char *progress, lg_error *e)
{
    if (!model->params)
        return lg_fail(e, "%s: %s does not keep its parameters", path, model->name);
    size_t params = model->artifact->param_count, values = model->value_count;
    lg_safetensor *tensors = calloc(params + values + 1, sizeof *tensors);
    bool ok = tensors && list_values(model, tensors + params);
    if (!ok)
        lg_fail(e, "%s: not enough memory", path);
    if (ok) {
        list_params(model, tensors);
        ok = write_tensors(model, path, tensors, progress, e);
    }
    for (size_t i = 0; tensors && i < values; i++)
        free((char *)(uintptr_t)tensors[params + i].name);
    free(tensors);
    return ok ||
           lg_fail_more(e, "the checkpoint was not saved; a file that was there is as it was");
}

// ---- reading

bool lg_checkpoint_load(lg_model *model, const char *path, char **progress,
                        const lg_parallel *parallel, lg_weights_report *report, lg_error *e)
{
    lg_safetensors *file = lg_safetensors_open(path, e);
    if (progress)
        *progress = NULL;
    if (!file)
        return false;
    bool ok = lg_model_take_weights(model, file, path, parallel, report, e);
    const char *text = lg_safetensors_metadata(file, progress_key);
    if (ok && progress && text)
        ok = (*progress = strdup(text)) || lg_fail(e, "%s: not enough memory", path);
    lg_safetensors_close(file);
    return ok;
}
