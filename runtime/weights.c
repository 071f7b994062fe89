// Checkpoints: every parameter of the artifact is looked up by its state_dict name, all that does
// not fit is told at once, and what nobody reads is counted.
#include "runtime/checkpoint.h"
#include "runtime/model_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct loading {
    const lg_model *model;
    const char *path;
    const lg_safetensors *file;
    lg_weights_report *report;
    lg_error *e;
    size_t faults;
    void *zeros; // of the size of the largest tensor that may be missing and is
    size_t zero_bytes;
} loading;

static bool fault(loading *l, const char *text)
{
    l->faults++;
    if (l->report->fault)
        l->report->fault(l->report->context, text);
    return lg_fail_more(l->e, "  %s", text);
}

static bool misfit(loading *l, const lg_safetensor *found, const lg_tensor_desc *wanted)
{
    char text[1024], has[192], wants[192];
    snprintf(text, sizeof text, "%s: is %s%s, wanted is %s%s", found->name,
             lg_abi_dtype_name(found->dtype), lg_shape_text(found->rank, found->shape, has),
             lg_abi_dtype_name((enum lg_abi_dtype)wanted->dtype),
             lg_shape_text((int)wanted->rank, wanted->shape, wants));
    return fault(l, text);
}

// ---- values of inputs

// The input of that name that `tensor` fits, of any function; else one that is called so, or NULL.
static const lg_tensor_desc *find_input(const lg_artifact *artifact, const char *name,
                                        const lg_safetensor *tensor, bool *fits)
{
    const lg_tensor_desc *found = NULL;
    *fits = false;
    for (uint32_t i = 0; i < artifact->entry_count && !*fits; i++) {
        const lg_entry_desc *entry = &artifact->entries[i];
        int place = lg_tensor_desc_find(entry->inputs, entry->input_count, name);
        if (place < 0)
            continue;
        found = &entry->inputs[place];
        *fits = lg_tensor_desc_fits(found, tensor->dtype, tensor->rank, tensor->shape);
    }
    return found;
}

// Gives the model those that the file has, or, where `model` is NULL, complains of those that do
// not fit. What the model has no input for, as a variant without a graph, is nothing to it.
static bool take_values(loading *l, lg_model *model)
{
    for (size_t i = 0; i < lg_safetensors_count(l->file); i++) {
        const lg_safetensor *tensor = lg_safetensors_at(l->file, i);
        const char *name = lg_input_of_tensor(tensor->name);
        bool fits = false;
        const lg_tensor_desc *input =
            name ? find_input(l->model->artifact, name, tensor, &fits) : NULL;
        if (input && !fits && !model)
            misfit(l, tensor, input);
        if (fits && model && !lg_model_set_input_value(model, input, tensor->data, l->e))
            return false;
    }
    return true;
}

// ---- parameters

// The tensor of a parameter, or NULL: after a complaint, or because it may be missing.
static const lg_safetensor *find_parameter(loading *l, const lg_tensor_desc *wanted)
{
    char text[1024], wants[192];
    const lg_safetensor *found = lg_safetensors_find(l->file, wanted->name);
    if (!found && (wanted->unused || lg_is_training_state(wanted->name)))
        return NULL;
    if (!found) {
        snprintf(text, sizeof text, "%s: missing, wanted is %s%s", wanted->name,
                 lg_abi_dtype_name((enum lg_abi_dtype)wanted->dtype),
                 lg_shape_text((int)wanted->rank, wanted->shape, wants));
        fault(l, text);
        return NULL;
    }
    if (lg_tensor_desc_fits(wanted, found->dtype, found->rank, found->shape))
        return found;
    misfit(l, found, wanted);
    return NULL;
}

static bool find_parameters(loading *l, void **params)
{
    const lg_artifact *artifact = l->model->artifact;
    lg_error_clear(l->e);
    for (uint32_t i = 0; i < artifact->param_count; i++) {
        const lg_tensor_desc *wanted = &artifact->params[i];
        const lg_safetensor *found = find_parameter(l, wanted);
        params[i] = found ? (void *)(uintptr_t)found->data : NULL;
        if (!found && lg_is_training_state(wanted->name) && wanted->bytes > l->zero_bytes)
            l->zero_bytes = wanted->bytes;
    }
    take_values(l, NULL);
    if (l->faults == 0)
        return true;
    size_t faults = l->faults;
    const char *trained = lg_safetensors_metadata(l->file, "model");
    if (trained && strcmp(trained, artifact->model) != 0) {
        char text[1024];
        snprintf(text, sizeof text, "the file is a checkpoint of %s: name that one", trained);
        fault(l, text); // the last line, where it is seen
    }
    return lg_fail_prefix(l->e, "%s: %zu of the %u tensors of %s do not fit:\n", l->path, faults,
                          (unsigned)artifact->param_count, artifact->model);
}

// Gives the model what the file has, and 0 where that is missing.
static bool take_parameters(loading *l, lg_model *model, void **params, const lg_parallel *parallel)
{
    const lg_artifact *artifact = model->artifact;
    for (uint32_t i = 0; model->params && i < artifact->param_count; i++)
        if (params[i])
            memcpy(model->params[i], params[i], artifact->params[i].bytes);
        else
            memset(model->params[i], 0, artifact->params[i].bytes);
    if (model->params)
        return lg_model_repack(model, parallel, l->e);
    l->zeros = calloc(1, l->zero_bytes + 1);
    if (!l->zeros)
        return lg_fail(l->e, "%s: not enough memory", l->path);
    for (uint32_t i = 0; i < artifact->param_count; i++)
        if (!params[i] && lg_is_training_state(artifact->params[i].name))
            params[i] = l->zeros;
    return artifact->packed_bytes == 0 || lg_model_pack(model, params, parallel, l->e);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(const lg_tensor_desc *const *)a)->name,
                  (*(const lg_tensor_desc *const *)b)->name);
}

// Tells what is in the file and not read. `sorted`: the parameters by name.
static void report_extras(loading *l, const lg_tensor_desc **sorted)
{
    uint32_t count = l->model->artifact->param_count;
    for (size_t i = 0; i < lg_safetensors_count(l->file); i++) {
        const lg_safetensor *tensor = lg_safetensors_at(l->file, i);
        const lg_tensor_desc key = {.name = tensor->name}, *key_pointer = &key;
        const lg_tensor_desc **found =
            bsearch(&key_pointer, sorted, count, sizeof *sorted, compare_names);
        if (found ? !(*found)->unused
                  : lg_is_training_state(tensor->name) || lg_input_of_tensor(tensor->name))
            continue;
        l->report->dead += found != NULL;
        l->report->unknown += found == NULL;
        if (l->report->extra)
            l->report->extra(l->report->context, tensor->name, found != NULL);
    }
}

static bool load(loading *l, lg_model *model, const lg_parallel *parallel)
{
    const lg_artifact *artifact = model->artifact;
    void **params = calloc(artifact->param_count + 1, sizeof *params);
    const lg_tensor_desc **sorted = calloc(artifact->param_count + 1, sizeof *sorted);
    bool good = params && sorted;
    if (!good)
        lg_fail(l->e, "%s: not enough memory", l->path);
    if (good) {
        for (uint32_t i = 0; i < artifact->param_count; i++)
            sorted[i] = &artifact->params[i];
        qsort(sorted, artifact->param_count, sizeof *sorted, compare_names);
        good = find_parameters(l, params) && lg_safetensors_check_finite(l->file, l->e);
    }
    if (good) {
        lg_model_forget_values(model);
        good = take_values(l, model) && take_parameters(l, model, params, parallel);
    }
    if (good)
        report_extras(l, sorted);
    free(params);
    free(sorted);
    free(l->zeros);
    return good;
}

bool lg_model_take_weights(lg_model *model, const lg_safetensors *file, const char *path,
                           const lg_parallel *parallel, lg_weights_report *report, lg_error *e)
{
    lg_weights_report silent = {0};
    lg_error ignored;
    loading l = {.model = model, .path = path, .file = file, .report = report ? report : &silent};
    l.e = e ? e : &ignored;
    l.report->dead = l.report->unknown = 0;
    return lg_checkpoint_verify(file, path, l.e) && load(&l, model, parallel);
}

bool lg_model_load_weights(lg_model *model, const char *path, const lg_parallel *parallel,
                           lg_weights_report *report, lg_error *e)
{
    return lg_checkpoint_load(model, path, NULL, parallel, report, e);
}
