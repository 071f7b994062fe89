// Two places hold values: the artifact's table, those of the weights that were built in, and the
// model's list, those of a checkpoint or a training. A checkpoint that is loaded takes the place of
// both, since its weights were trained with its own values or with none that we know.
#include "runtime/checkpoint.h"
#include "runtime/model_internal.h"

#include <stdlib.h>
#include <string.h>

static lg_named_tensor *find_value(const lg_model *model, const lg_tensor_desc *input)
{
    for (size_t i = 0; i < model->value_count; i++) {
        const lg_tensor *value = model->values[i].tensor;
        if (strcmp(model->values[i].name, input->name) == 0 &&
            lg_tensor_desc_fits(input, value->dtype, value->rank, value->shape))
            return &model->values[i];
    }
    return NULL;
}

const void *lg_model_input_value(const lg_model *model, const lg_tensor_desc *input)
{
    const lg_named_tensor *found = find_value(model, input);
    if (found)
        return found->tensor->data;
    return model->values_replaced ? NULL : input->value;
}

static lg_named_tensor *add_value(lg_model *model, const lg_tensor_desc *input, lg_error *e)
{
    size_t bytes = (model->value_count + 1) * sizeof *model->values;
    lg_named_tensor *values = realloc(model->values, bytes);
    if (!values) {
        lg_fail(e, "%s: not enough memory", model->name);
        return NULL;
    }
    model->values = values;
    lg_tensor *tensor =
        lg_tensor_new((enum lg_abi_dtype)input->dtype, (int)input->rank, input->shape, e);
    if (!tensor)
        return NULL;
    values[model->value_count] = (lg_named_tensor){input->name, tensor};
    return &values[model->value_count++];
}

bool lg_model_set_input_value(lg_model *model, const lg_tensor_desc *input, const void *value,
                              lg_error *e)
{
    lg_named_tensor *place = find_value(model, input);
    if (!place)
        place = add_value(model, input, e);
    if (place)
        memcpy(place->tensor->data, value, place->tensor->bytes);
    return place != NULL;
}

void lg_model_forget_values(lg_model *model)
{
    for (size_t i = 0; i < model->value_count; i++)
        lg_tensor_free(model->values[i].tensor);
    free(model->values);
    model->values = NULL;
    model->value_count = 0;
    model->values_replaced = true;
}

const char *lg_input_of_tensor(const char *tensor)
{
    size_t length = sizeof LG_INPUT_PREFIX - 1;
    return strncmp(tensor, LG_INPUT_PREFIX, length) == 0 ? tensor + length : NULL;
}
