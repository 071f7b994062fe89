#include "runtime/predictor.h"
#include "runtime/lgpn.h"
#include "runtime/npy.h"
#include "runtime/preprocess.h"

#include <stdlib.h>

struct lg_predictor {
    lg_lgpn lgpn;
    const float *graph;
    const lg_parallel *parallel;
};

lg_predictor *lg_predictor_new(lg_model *model, const float *graph, const lg_parallel *parallel,
                               lg_error *e)
{
    lg_predictor *p = calloc(1, sizeof *p);
    if (!p) {
        lg_fail(e, "not enough memory");
        return NULL;
    }
    p->graph = graph;
    p->parallel = parallel;
    bool good = lg_lgpn_open(&p->lgpn, model, e);
    if (good && p->lgpn.batch != 1)
        good = lg_fail(e, "%s: predicting takes LGPN compiled for batch 1, this is batch %d",
                       lg_model_name(model), p->lgpn.batch);
    if (good)
        return p;
    lg_predictor_free(p);
    return NULL;
}

void lg_predictor_free(lg_predictor *predictor)
{
    if (!predictor)
        return;
    lg_lgpn_close(&predictor->lgpn);
    free(predictor);
}

bool lg_predict_file(lg_predictor *p, const char *path, lg_parsed_image *result, lg_error *e)
{
    lg_tensor *image = lg_preprocess_file(path, p->lgpn.size, e);
    if (!image)
        return false;
    bool good = lg_lgpn_run(&p->lgpn, image->data, p->graph, p->parallel, e);
    lg_tensor_free(image);
    if (!good)
        return false;
    result->fake = lg_probability_of_second(p->lgpn.output[LG_LGPN_REAL_FAKE]);
    return lg_hyperparameters_decode(p->lgpn.output[LG_LGPN_NODE_LOGITS], &result->hyperparameters,
                                     e) ||
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
