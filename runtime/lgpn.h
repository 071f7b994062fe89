// An artifact of LGPN, ready to be called: its inputs and outputs found by name and checked once.
#ifndef LG_RUNTIME_LGPN_H
#define LG_RUNTIME_LGPN_H

#include "runtime/hyperparameters.h"
#include "runtime/model.h"

// What LGPN can say of an image. The first two are there always.
enum {
    LG_LGPN_REAL_FAKE,       // "real_fake" [B,2]: logits, the second says fake
    LG_LGPN_NODE_LOGITS,     // "node_logits" [B,55,2]: logits no, yes
    LG_LGPN_FEATURE,         // "feature" [B,F]: f, the trace network's result
    LG_LGPN_NODE_FEATURES,   // "node_features" [B,55,D]: V, the refined nodes
    LG_LGPN_GENERATED_GRAPH, // "generated_graph" [B,55,55]: attention of the last block
    LG_LGPN_CONTINUOUS,      // "continuous" [B,9]: regression heads, values scaled to 0..1
    LG_LGPN_OUTPUTS
};

typedef struct lg_lgpn {
    lg_model *model;
    const lg_entry_desc *infer;
    int batch, size;                      // B; height and width of an image
    const float *output[LG_LGPN_OUTPUTS]; // [B,...] after lg_lgpn_run; NULL: the model has it not
    size_t width[LG_LGPN_OUTPUTS];        // floats an image
    // Ours: in the order of the entry.
    const void **inputs;
    void **outputs, *memory;
    int image, graph; // places; graph -1: it takes none
} lg_lgpn;

// `model` has an entry point `infer` that takes image [B,S,S,3], perhaps graph [55,55], and gives
// at least real_fake [B,2] and node_logits [B,55,2], all f32; anything else is refused with a
// message that says so. `model` outlives it. lg_lgpn_close in any case.
bool lg_lgpn_open(lg_lgpn *lgpn, lg_model *model, lg_error *e);
void lg_lgpn_close(lg_lgpn *lgpn);

// The graph f32 [55,55] that came with the weights (lg_model_input_value), or NULL: none did, or
// the model takes none.
const float *lg_lgpn_own_graph(const lg_lgpn *lgpn);

// `images` f32 [B,S,S,3]. `graph` f32 [55,55] for whoever takes it; NULL: that which came with the
// weights, else that of RED140. Fills lgpn->output.
bool lg_lgpn_run(lg_lgpn *lgpn, const float *images, const float *graph,
                 const lg_parallel *parallel, lg_error *e);

#endif
