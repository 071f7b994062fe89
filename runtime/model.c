// Holds what an artifact needs beside itself. Memory is taken for the largest entry point once;
// entry points share it, because one runs at a time.
#include "runtime/model.h"
#include "runtime/model_internal.h"

#include <stdlib.h>
#include <string.h>

lg_model *lg_model_new(const lg_artifact *artifact, const char *name, lg_error *e)
{
    lg_model *model = calloc(1, sizeof *model);
    if (!model || !(model->name = strdup(name))) {
        free(model);
        lg_fail(e, "%s: not enough memory", name);
        return NULL;
    }
    model->artifact = artifact;
    model->packed = artifact->packed;
    return model;
}

void lg_model_free(lg_model *model)
{
    if (!model)
        return;
    lg_pages_unmap(&model->workspace);
    lg_pages_unmap(&model->packed_pages);
    lg_model_drop_params(model);
    lg_model_forget_values(model);
    free(model->name);
    free(model);
}

const lg_artifact *lg_model_artifact(const lg_model *model)
{
    return model->artifact;
}

const char *lg_model_name(const lg_model *model)
{
    return model->name;
}

bool lg_model_has_weights(const lg_model *model)
{
    return model->packed != NULL || model->artifact->packed_bytes == 0;
}

bool lg_entry_uses_params(const lg_entry_desc *entry)
{
    return entry->flags & (LG_ENTRY_READS_PARAMS | LG_ENTRY_WRITES_PARAMS);
}

bool lg_model_entry_has_weights(const lg_model *model, const lg_entry_desc *entry)
{
    return (model->packed || !(entry->flags & LG_ENTRY_READS_PACKED)) &&
           (model->params || !lg_entry_uses_params(entry));
}

const void *lg_model_packed(const lg_model *model)
{
    return model->packed;
}

static const lg_entry_desc *find_entry(const lg_model *model, const char *entry)
{
    for (uint32_t i = 0; i < model->artifact->entry_count; i++)
        if (strcmp(model->artifact->entries[i].name, entry) == 0)
            return &model->artifact->entries[i];
    return NULL;
}

const lg_entry_desc *lg_model_entry(const lg_model *model, const char *entry, lg_error *e)
{
    const lg_entry_desc *found = find_entry(model, entry);
    if (found)
        return found;
    lg_fail(e, "%s: it has no function %s, but", model->name, entry);
    for (uint32_t i = 0; i < model->artifact->entry_count; i++)
        lg_fail_more(e, "  %s", model->artifact->entries[i].name);
    return NULL;
}

static bool grow_workspace(lg_model *model, size_t bytes, lg_error *e)
{
    if (bytes <= model->workspace.bytes)
        return true;
    lg_pages_unmap(&model->workspace);
    return lg_pages_map(&model->workspace, bytes, e) ||
           lg_fail_prefix(e, "%s: workspace: ", model->name);
}

void lg_model_set_executor(lg_model *model, const lg_executor *executor)
{
    model->executor = *executor;
}

static int run_entry(const lg_model *model, const lg_entry_desc *entry, const lg_call *call)
{
    const lg_executor *executor = &model->executor;
    return executor->run ? executor->run(executor->context, entry, call) : entry->run(call);
}

// Runs `pack` into `packed`.
static bool run_pack(lg_model *model, void *const *params, void *packed,
                     const lg_parallel *parallel, lg_error *e)
{
    const lg_entry_desc *pack = lg_model_entry(model, "pack", e);
    lg_pages workspace;
    if (!pack)
        return false;
    if (!lg_pages_map(&workspace, lg_workspace_bytes(pack, parallel), e))
        return lg_fail_prefix(e, "%s: workspace: ", model->name);
    lg_call call = {
        .params = params, .packed = packed, .workspace = workspace.data, .parallel = parallel};
    int status = run_entry(model, pack, &call);
    lg_pages_unmap(&workspace);
    return status == 0 || lg_fail(e, "%s: pack failed with status %d", model->name, status);
}

void lg_model_clear_workspace(lg_model *model)
{
    lg_pages_unmap(&model->workspace); // pages that are mapped anew are zero
}

bool lg_model_pack(lg_model *model, void *const *params, const lg_parallel *parallel, lg_error *e)
{
    if (model->packed_pages.data) // of an earlier call
        return run_pack(model, params, model->packed_pages.data, parallel, e);
    lg_pages packed;
    if (!lg_pages_map(&packed, model->artifact->packed_bytes, e))
        return lg_fail_prefix(e, "%s: packed weights: ", model->name);
    if (!run_pack(model, params, packed.data, parallel, e)) {
        lg_pages_unmap(&packed);
        return false;
    }
    model->packed_pages = packed;
    model->packed = packed.data;
    return true;
}

static bool complain_of_weights(const lg_model *model, const lg_entry_desc *entry, lg_error *e)
{
    if (lg_entry_uses_params(entry) && !model->params)
        return lg_fail(e, "%s: %s needs parameters in memory, which this model does not keep",
                       model->name, entry->name);
    return lg_fail(e, "%s: it has no weights built in; name a checkpoint with --weights",
                   model->name);
}

bool lg_model_call(lg_model *model, const lg_entry_desc *entry, const void *const *inputs,
                   void *const *outputs, const lg_parallel *parallel, lg_error *e)
{
    if (entry->flags & LG_ENTRY_WRITES_PACKED)
        return lg_fail(e, "%s: %s is not to be run by itself", model->name, entry->name);
    if (!lg_model_entry_has_weights(model, entry))
        return complain_of_weights(model, entry, e);
    if (!grow_workspace(model, lg_workspace_bytes(entry, parallel), e))
        return false;
    lg_call call = {
        .inputs = inputs,
        .outputs = outputs,
        .params = model->params,
        .packed = (void *)(uintptr_t)model->packed, // only `pack` writes there
        .workspace = model->workspace.data,
        .parallel = parallel,
    };
    int status = run_entry(model, entry, &call);
    return status == 0 ||
           lg_fail(e, "%s: %s failed with status %d", model->name, entry->name, status);
}

// ---- by name

static bool bind_input(const lg_entry_desc *entry, const lg_named_tensor *given,
                       const void **inputs, lg_error *e)
{
    int index = lg_tensor_desc_find(entry->inputs, entry->input_count, given->name);
    if (index < 0)
        return lg_fail_more(e, "%s: there is no input of that name", given->name);
    if (inputs[index])
        return lg_fail_more(e, "%s: given twice", given->name);
    const lg_tensor_desc *wanted = &entry->inputs[index];
    const lg_tensor *tensor = given->tensor;
    inputs[index] = tensor->data;
    if (lg_tensor_desc_fits(wanted, tensor->dtype, tensor->rank, tensor->shape))
        return true;
    char has[192], wants[192];
    return lg_fail_more(e, "%s: is %s%s, wanted is %s%s", given->name,
                        lg_abi_dtype_name(tensor->dtype),
                        lg_shape_text(tensor->rank, tensor->shape, has),
                        lg_abi_dtype_name((enum lg_abi_dtype)wanted->dtype),
                        lg_shape_text((int)wanted->rank, wanted->shape, wants));
}

static bool bind_inputs(const lg_model *model, const lg_entry_desc *entry,
                        const lg_named_tensor *given, size_t count, const void **inputs,
                        lg_error *e)
{
    bool good = true;
    lg_error_clear(e);
    for (size_t i = 0; i < count; i++)
        good = bind_input(entry, &given[i], inputs, e) && good;
    for (uint32_t i = 0; i < entry->input_count; i++) {
        const lg_tensor_desc *wanted = &entry->inputs[i];
        char shape[192];
        if (!inputs[i])
            inputs[i] = lg_model_input_value(model, wanted);
        if (!inputs[i])
            good = lg_fail_more(e, "%s: missing, wanted is %s%s", wanted->name,
                                lg_abi_dtype_name((enum lg_abi_dtype)wanted->dtype),
                                lg_shape_text((int)wanted->rank, wanted->shape, shape));
    }
    return good;
}

static bool make_outputs(const lg_entry_desc *entry, lg_tensor **outputs, void **memory,
                         lg_error *e)
{
    for (uint32_t i = 0; i < entry->output_count; i++) {
        const lg_tensor_desc *desc = &entry->outputs[i];
        outputs[i] = lg_tensor_new((enum lg_abi_dtype)desc->dtype, (int)desc->rank, desc->shape, e);
        if (!outputs[i]) {
            while (i-- > 0)
                lg_tensor_free(outputs[i]);
            return false;
        }
        memory[i] = outputs[i]->data;
    }
    return true;
}

bool lg_model_run(lg_model *model, const char *entry_name, const lg_named_tensor *inputs,
                  size_t input_count, lg_tensor **outputs, const lg_parallel *parallel, lg_error *e)
{
    const lg_entry_desc *entry = lg_model_entry(model, entry_name, e);
    if (!entry)
        return false;
    const void **sources = calloc(entry->input_count + 1, sizeof *sources);
    void **targets = calloc(entry->output_count + 1, sizeof *targets);
    bool good = sources && targets;
    if (!good)
        lg_fail(e, "%s: not enough memory", model->name);
    good = good && bind_inputs(model, entry, inputs, input_count, sources, e) &&
           make_outputs(entry, outputs, targets, e);
    if (good && !lg_model_call(model, entry, sources, targets, parallel, e)) {
        for (uint32_t i = 0; i < entry->output_count; i++)
            lg_tensor_free(outputs[i]);
        good = false;
    }
    free(sources);
    free(targets);
    return good;
}
