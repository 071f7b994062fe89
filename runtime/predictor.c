#include "runtime/predictor.h"
#include "runtime/npy.h"
#include "runtime/preprocess.h"

#include <stdlib.h>
#include <string.h>

struct lg_predictor {
    lg_model *model;
    const lg_entry_desc *infer;
    const lg_parallel *parallel;
    int size;                          // of the image's sides
    const void **inputs;               // in the order of the entry; the image's place changes
    void **outputs;                    // in the order of the entry, into `memory`
    void *memory;                      // of all outputs
    int image, real_fake, node_logits; // places
};

static int find(const lg_tensor_desc *descs, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(descs[i].name, name) == 0)
            return (int)i;
    return -1;
}

static bool has_shape(const lg_tensor_desc *desc, int rank, const int64_t *shape)
{
    if (desc->dtype != LG_ABI_F32 || (int)desc->rank != rank)
        return false;
    for (int d = 0; d < rank; d++)
        if (desc->shape[d] != shape[d])
            return false;
    return true;
}

// Is it LGPN, for one image at a time? Sets the places.
static bool check_interface(lg_predictor *p, lg_error *e)
{
    const lg_entry_desc *infer = p->infer;
    const char *name = lg_model_name(p->model);
    p->image = find(infer->inputs, infer->input_count, "image");
    p->real_fake = find(infer->outputs, infer->output_count, "real_fake");
    p->node_logits = find(infer->outputs, infer->output_count, "node_logits");
    int graph = find(infer->inputs, infer->input_count, "graph");
    if (p->image < 0 || graph < 0 || infer->input_count != 2 || p->real_fake < 0 ||
        p->node_logits < 0)
        return lg_fail(e,
                       "%s: not LGPN: predicting needs the inputs image and graph and the outputs "
                       "real_fake and node_logits",
                       name);
    int64_t size = infer->inputs[p->image].shape[1];
    if (!has_shape(&infer->inputs[p->image], 4, (int64_t[]){1, size, size, 3}) ||
        !has_shape(&infer->inputs[graph], 2, (int64_t[]){LG_NODES, LG_NODES}) ||
        !has_shape(&infer->outputs[p->real_fake], 2, (int64_t[]){1, 2}) ||
        !has_shape(&infer->outputs[p->node_logits], 3, (int64_t[]){1, LG_NODES, 2}))
        return lg_fail(e, "%s: predicting takes LGPN compiled for batch 1, in f32", name);
    p->size = (int)size;
    return true;
}

static bool allocate_outputs(lg_predictor *p, lg_error *e)
{
    size_t total = 0;
    for (uint32_t i = 0; i < p->infer->output_count; i++)
        total += p->infer->outputs[i].bytes + LG_ABI_ALIGNMENT;
    p->memory = aligned_alloc(LG_ABI_ALIGNMENT,
                              total / LG_ABI_ALIGNMENT * LG_ABI_ALIGNMENT + LG_ABI_ALIGNMENT);
    p->outputs = calloc((size_t)p->infer->output_count + 1, sizeof *p->outputs);
    p->inputs = calloc((size_t)p->infer->input_count + 1, sizeof *p->inputs);
    if (!p->memory || !p->outputs || !p->inputs)
        return lg_fail(e, "%s: not enough memory", lg_model_name(p->model));
    char *at = p->memory;
    for (uint32_t i = 0; i < p->infer->output_count; i++) {
        p->outputs[i] = at;
        at += (p->infer->outputs[i].bytes + LG_ABI_ALIGNMENT - 1) / LG_ABI_ALIGNMENT *
              LG_ABI_ALIGNMENT;
    }
    return true;
}

lg_predictor *lg_predictor_new(lg_model *model, const float *graph, const lg_parallel *parallel,
                               lg_error *e)
{
    lg_predictor *p = calloc(1, sizeof *p);
    if (!p) {
        lg_fail(e, "not enough memory");
        return NULL;
    }
    p->model = model;
    p->parallel = parallel;
    p->infer = lg_model_entry(model, "infer", e);
    if (!p->infer || !check_interface(p, e) || !allocate_outputs(p, e)) {
        lg_predictor_free(p);
        return NULL;
    }
    p->inputs[1 - p->image] = graph; // the other one of two
    return p;
}

void lg_predictor_free(lg_predictor *predictor)
{
    if (!predictor)
        return;
    free(predictor->memory);
    free(predictor->outputs);
    free(predictor->inputs);
    free(predictor);
}

bool lg_predict_file(lg_predictor *p, const char *path, lg_parsed_image *result, lg_error *e)
{
    lg_tensor *image = lg_preprocess_file(path, p->size, e);
    if (!image)
        return false;
    p->inputs[p->image] = image->data;
    bool good = lg_model_call(p->model, p->infer, p->inputs, p->outputs, p->parallel, e);
    lg_tensor_free(image);
    if (!good)
        return false;
    result->fake = lg_probability_of_second(p->outputs[p->real_fake]);
    return lg_hyperparameters_decode(p->outputs[p->node_logits], &result->hyperparameters, e) ||
           lg_fail_prefix(e, "%s: ", path);
}

lg_tensor *lg_graph_read(const char *path, lg_error *e)
{
    lg_tensor *graph = lg_npy_read(path, e);
    if (!graph)
        return NULL;
    if (graph->dtype == LG_ABI_F32 && graph->rank == 2 && graph->shape[0] == LG_NODES &&
        graph->shape[1] == LG_NODES)
        return graph;
    char shape[192];
    lg_fail(e, "%s: a graph is f32[%d,%d], this is %s%s", path, LG_NODES, LG_NODES,
            lg_abi_dtype_name(graph->dtype), lg_shape_text(graph->rank, graph->shape, shape));
    lg_tensor_free(graph);
    return NULL;
}
