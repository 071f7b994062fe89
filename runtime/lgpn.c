#include "runtime/lgpn.h"

#include "runtime/cooccurrence.h"

#include <stdlib.h>

// Rank and shape of an output, after the batch: 0 is any extent.
static const struct {
    const char *name;
    int rank;
    int64_t shape[2];
    bool needed;
} rows[LG_LGPN_OUTPUTS] = {
    [LG_LGPN_REAL_FAKE] = {"real_fake", 1, {2}, true},
    [LG_LGPN_NODE_LOGITS] = {"node_logits", 2, {LG_NODES, 2}, true},
    [LG_LGPN_FEATURE] = {"feature", 1, {0}, false},
    [LG_LGPN_NODE_FEATURES] = {"node_features", 2, {LG_NODES, 0}, false},
    [LG_LGPN_GENERATED_GRAPH] = {"generated_graph", 2, {LG_NODES, LG_NODES}, false},
    [LG_LGPN_CONTINUOUS] = {"continuous", 1, {LG_CONTINUOUS_VALUES}, false},
};

static bool has_shape(const lg_tensor_desc *desc, int rank, const int64_t *shape)
{
    if (desc->dtype != LG_ABI_F32 || desc->rank != (uint32_t)rank)
        return false;
    for (int d = 0; d < rank; d++)
        if (shape[d] != 0 && desc->shape[d] != shape[d])
            return false;
    return true;
}

static bool check_inputs(lg_lgpn *l, lg_error *e)
{
    const lg_entry_desc *infer = l->infer;
    l->image = lg_tensor_desc_find(infer->inputs, infer->input_count, "image");
    l->graph = lg_tensor_desc_find(infer->inputs, infer->input_count, "graph");
    bool has_outputs = true;
    for (int i = 0; i < LG_LGPN_OUTPUTS; i++)
        if (rows[i].needed)
            has_outputs = has_outputs && lg_tensor_desc_find(infer->outputs, infer->output_count,
                                                             rows[i].name) >= 0;
    bool has_graph = l->graph >= 0;
    if (l->image < 0 || infer->input_count != (has_graph ? 2U : 1U) || !has_outputs)
        return lg_fail(e,
                       "%s: not LGPN: this needs the input image, perhaps graph, and the outputs "
                       "real_fake and node_logits",
                       lg_model_name(l->model));
    const lg_tensor_desc *image = &infer->inputs[l->image];
    int64_t size = image->rank == 4 ? image->shape[1] : 0;
    if (!has_shape(image, 4, (int64_t[]){0, size, size, 3}) ||
        (has_graph && !has_shape(&infer->inputs[l->graph], 2, (int64_t[]){LG_NODES, LG_NODES})))
        return lg_fail(e,
                       "%s: its inputs are not those of LGPN: image f32[B,N,N,3], graph "
                       "f32[%d,%d]",
                       lg_model_name(l->model), LG_NODES, LG_NODES);
    l->batch = (int)image->shape[0];
    l->size = (int)size;
    return true;
}

// An output that the model has must be what it is in LGPN.
static bool bind_output(lg_lgpn *l, int i, lg_error *e)
{
    int place = lg_tensor_desc_find(l->infer->outputs, l->infer->output_count, rows[i].name);
    if (place < 0)
        return true;
    const lg_tensor_desc *desc = &l->infer->outputs[place];
    int64_t shape[LG_ABI_MAX_RANK] = {l->batch, rows[i].shape[0], rows[i].shape[1]};
    if (!has_shape(desc, rows[i].rank + 1, shape)) {
        char is[192], wanted[192];
        return lg_fail(e, "%s: its output %s is %s%s, that of LGPN is f32%s (0: any)",
                       lg_model_name(l->model), desc->name,
                       lg_abi_dtype_name((enum lg_abi_dtype)desc->dtype),
                       lg_shape_text((int)desc->rank, desc->shape, is),
                       lg_shape_text(rows[i].rank + 1, shape, wanted));
    }
    l->output[i] = l->outputs[place];
    l->width[i] = desc->bytes / sizeof(float) / (size_t)l->batch;
    return true;
}

static bool allocate(lg_lgpn *l, lg_error *e)
{
    const lg_entry_desc *infer = l->infer;
    size_t total = LG_ABI_ALIGNMENT;
    for (uint32_t i = 0; i < infer->output_count; i++)
        total += lg_bytes_aligned(infer->outputs[i].bytes);
    l->memory = aligned_alloc(LG_ABI_ALIGNMENT, total);
    l->outputs = calloc((size_t)infer->output_count + 1, sizeof *l->outputs);
    l->inputs = calloc((size_t)infer->input_count + 1, sizeof *l->inputs);
    if (!l->memory || !l->outputs || !l->inputs)
        return lg_fail(e, "%s: not enough memory", lg_model_name(l->model));
    char *at = l->memory;
    for (uint32_t i = 0; i < infer->output_count; i++) {
        l->outputs[i] = at;
        at += lg_bytes_aligned(infer->outputs[i].bytes);
    }
    return true;
}

bool lg_lgpn_open(lg_lgpn *lgpn, lg_model *model, lg_error *e)
{
    *lgpn = (lg_lgpn){.model = model, .infer = lg_model_entry(model, "infer", e)};
    bool good = lgpn->infer && check_inputs(lgpn, e) && allocate(lgpn, e);
    for (int i = 0; good && i < LG_LGPN_OUTPUTS; i++)
        good = bind_output(lgpn, i, e);
    return good;
}

void lg_lgpn_close(lg_lgpn *lgpn)
{
    free(lgpn->memory);
    free(lgpn->outputs);
    free(lgpn->inputs);
    *lgpn = (lg_lgpn){0};
}

const float *lg_lgpn_own_graph(const lg_lgpn *lgpn)
{
    return lgpn->graph < 0 ? NULL
                           : lg_model_input_value(lgpn->model, &lgpn->infer->inputs[lgpn->graph]);
}

bool lg_lgpn_run(lg_lgpn *lgpn, const float *images, const float *graph,
                 const lg_parallel *parallel, lg_error *e)
{
    if (!graph)
        graph = lg_lgpn_own_graph(lgpn);
    lgpn->inputs[lgpn->image] = images;
    if (lgpn->graph >= 0)
        lgpn->inputs[lgpn->graph] = graph ? graph : lg_default_graph();
    return lg_model_call(lgpn->model, lgpn->infer, lgpn->inputs, lgpn->outputs, parallel, e);
}
