#include "runtime/train_step.h"

#include <math.h>
#include <string.h>

enum input {
    INPUT_IMAGE,
    INPUT_LABELS,
    INPUT_LEARNING_RATE,
    INPUT_GRAPH,
    INPUT_FAKE,
    INPUT_VALUES,
    INPUTS
};

enum { BATCH = -1, SIDE = -2 }; // extents that follow from `image`

static const struct input_row {
    const char *name, *type;
    enum lg_abi_dtype dtype;
    int rank;
    int64_t shape[4];
    bool optional;
} input_rows[INPUTS] = {
    [INPUT_IMAGE] = {"image", "f32[B,S,S,3]", LG_ABI_F32, 4, {BATCH, SIDE, SIDE, 3}, false},
    [INPUT_LABELS] = {"labels", "i32[B,55]", LG_ABI_I32, 2, {BATCH, LG_NODES}, false},
    [INPUT_LEARNING_RATE] = {"learning_rate", "f32[]", LG_ABI_F32, 0, {0}, false},
    [INPUT_GRAPH] = {"graph", "f32[55,55]", LG_ABI_F32, 2, {LG_NODES, LG_NODES}, true},
    [INPUT_FAKE] = {"fake", "i32[B]", LG_ABI_I32, 1, {BATCH}, true},
    [INPUT_VALUES] = {"values", "f32[B,9]", LG_ABI_F32, 2, {BATCH, LG_CONTINUOUS_VALUES}, true},
};

// ---- the interface

static int find_row(const char *name)
{
    int row = 0;
    while (row < INPUTS && strcmp(input_rows[row].name, name) != 0)
        row++;
    return row;
}

static const lg_tensor_desc *find_input(const lg_entry_desc *entry, const char *name)
{
    int place = lg_tensor_desc_find(entry->inputs, entry->input_count, name);
    return place < 0 ? NULL : &entry->inputs[place];
}

static bool fits(const lg_train_step *step, const lg_tensor_desc *desc, const struct input_row *row)
{
    int64_t shape[LG_ABI_MAX_RANK];
    for (int d = 0; d < row->rank; d++) {
        int64_t extent = row->shape[d];
        shape[d] = extent == BATCH ? step->batch : extent == SIDE ? step->size : extent;
    }
    return lg_tensor_desc_fits(desc, row->dtype, row->rank, shape);
}

// B and S, as far as `image` has them.
static void read_sizes(lg_train_step *step)
{
    const lg_tensor_desc *image = find_input(step->entry, "image");
    if (!image || image->rank != 4 || image->shape[0] > INT32_MAX || image->shape[1] > INT32_MAX)
        return;
    step->batch = (int)image->shape[0];
    step->size = (int)image->shape[1];
}

static bool check_inputs(lg_train_step *step, lg_error *e)
{
    bool good = true;
    read_sizes(step);
    for (uint32_t i = 0; i < step->entry->input_count; i++) {
        const lg_tensor_desc *desc = &step->entry->inputs[i];
        int row = find_row(desc->name);
        if (row == INPUTS)
            good = lg_fail_more(e, "  %s: there is nothing to give it", desc->name);
        else if (!fits(step, desc, &input_rows[row])) {
            char shape[192];
            good = lg_fail_more(e, "  %s: is %s%s, training gives %s", desc->name,
                                lg_abi_dtype_name((enum lg_abi_dtype)desc->dtype),
                                lg_shape_text((int)desc->rank, desc->shape, shape),
                                input_rows[row].type);
        }
    }
    for (int row = 0; row < INPUTS; row++)
        if (!input_rows[row].optional && !find_input(step->entry, input_rows[row].name))
            good = lg_fail_more(e, "  %s: missing, wanted is %s", input_rows[row].name,
                                input_rows[row].type);
    return good;
}

static bool check_outputs(lg_train_step *step, lg_error *e)
{
    const lg_entry_desc *entry = step->entry;
    if (entry->output_count < 1 || entry->output_count > LG_MOST_LOSSES)
        return lg_fail_more(e, "  it has %u outputs, wanted are 1 to %d losses",
                            (unsigned)entry->output_count, LG_MOST_LOSSES);
    bool good = true;
    for (uint32_t i = 0; i < entry->output_count; i++) {
        const lg_tensor_desc *desc = &entry->outputs[i];
        step->loss_names[i] = desc->name;
        if (desc->dtype != LG_ABI_F32 || desc->rank != 0)
            good = lg_fail_more(e, "  output %s: is no loss, f32[]", desc->name);
    }
    step->loss_count = (int)entry->output_count;
    return good;
}

bool lg_train_step_init(lg_train_step *step, lg_model *model, lg_error *e)
{
    lg_error faults;
    *step = (lg_train_step){.model = model, .entry = lg_model_entry(model, "train_step", e)};
    if (!step->entry)
        return false;
    lg_error_clear(&faults);
    bool good = check_inputs(step, &faults);
    if (check_outputs(step, &faults) && good)
        return true;
    return lg_fail(e, "%s: training cannot feed @train_step:\n%s", lg_model_name(model),
                   faults.message);
}

// ---- running

bool lg_train_step_run(lg_train_step *step, const lg_batch *batch, const float *graph,
                       float learning_rate, const lg_parallel *parallel, lg_error *e)
{
    const void *const given[INPUTS] = {
        [INPUT_IMAGE] = batch->images,
        [INPUT_LABELS] = batch->labels,
        [INPUT_LEARNING_RATE] = &learning_rate,
        [INPUT_GRAPH] = graph,
        [INPUT_FAKE] = batch->fake,
        [INPUT_VALUES] = batch->values,
    };
    const void *inputs[INPUTS];
    void *outputs[LG_MOST_LOSSES];
    for (uint32_t i = 0; i < step->entry->input_count; i++)
        inputs[i] = given[find_row(step->entry->inputs[i].name)];
    for (int i = 0; i < step->loss_count; i++)
        outputs[i] = &step->losses[i];
    return lg_model_call(step->model, step->entry, inputs, outputs, parallel, e);
}

bool lg_train_step_is_finite(const lg_train_step *step)
{
    for (int i = 0; i < step->loss_count; i++)
        if (!isfinite(step->losses[i]))
            return false;
    return true;
}
