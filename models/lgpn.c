// LGPN, the Learnable Graph Pooling Network for model parsing ("Tracing Hyperparameter Dependencies
// for Model Parsing via Learnable Graph Pooling Network", Guo et al., NeurIPS 2024): which
// hyperparameters had the generative model that made this image?
//
//     image ── stem ── stages ──┬── merge ── feature f ── 55 heads ── refinement ── 55 x (no, yes)
//                └─ high-resolution ─┘             └──────────────────── real / fake
//
// It is trained on three losses: every node's class (of generated images), the two assignments
// towards the hierarchy of hyperparameters that is known (a table below), and real or fake.
//
// What is computed, and each tensor's name, is the released network's, also where that is odd: both
// norms of the stem's second branch, the third branch without one, the bias that counts twice, the
// half of `a` that the softmax cancels, tensors that nothing reads.
#include "models/models.h"

enum {
    NODES = 55,
    SUPERNODES = 18,
    STAGES = 4,
    GRAPH_LAYERS = 2,
    // Of the nodes, those of a number's three intervals are 10..12, 13..15 ...
    NUMBERS = 9,
    FIRST_NUMBER = 10,
    INTERVALS = 3
};

static lg_value *conv_bn(lg_name_scope *s, const char *conv, const char *bn, lg_value *x,
                         lg_conv2d_options o)
{
    o.x = x;
    return batch_norm(s, bn, lg_conv2d(s, LG_HERE, conv, o));
}

// ---- the trace network: from the image to its feature

// Three kernel sizes at full resolution, merged in two groups. Both norms stand on the 5x5 branch.
static lg_value *stem(lg_name_scope *s, lg_value *image, int64_t width)
{
    lg_value *a = conv2d(s, "conv1", image, .filters = width, .kernel = 7);
    lg_value *b = conv2d(s, "conv1_0", image, .filters = width, .kernel = 5, .init = LG_HE_FAN_IN);
    lg_value *d = conv2d(s, "conv1_1", image, .filters = width, .kernel = 3, .init = LG_HE_FAN_IN);
    a = batch_norm(s, "bn1", a);
    b = batch_norm(s, "bn1_1", batch_norm(s, "bn1_0", b));
    lg_value *merged = relu(s, concat(s, 3, a, b, d));
    lg_name_scope *merge = scope(s, "stem_merge");
    return relu(
        s, conv_bn(merge, "0", "1", merged, (lg_conv2d_options){.filters = width, .groups = 2}));
}

static lg_value *bottleneck(lg_name_scope *s, lg_value *x, int64_t mid, int64_t stride,
                            bool project)
{
    lg_value *y = relu(s, conv_bn(s, "conv1", "bn1", x, (lg_conv2d_options){.filters = mid}));
    y = relu(s, conv_bn(s, "conv2", "bn2", y,
                        (lg_conv2d_options){.filters = mid, .kernel = 3, .stride = stride}));
    y = conv_bn(s, "conv3", "bn3", y, (lg_conv2d_options){.filters = 4 * mid});
    if (project)
        x = conv_bn(scope(s, "downsample"), "0", "1", x,
                    (lg_conv2d_options){.filters = 4 * mid, .stride = stride});
    return relu(s, add(s, y, x));
}

// Stage 1..4: the first block halves the image (but in stage 1) and projects its shortcut.
static lg_value *stage(lg_name_scope *s, lg_value *x, int number, int64_t width)
{
    int64_t blocks = option_at(s, "blocks", number - 1);
    for (int i = 0; i < blocks; i++)
        x = bottleneck(scope(s, "layer%d.%d", number, i), x, width << (number - 1),
                       i == 0 && number > 1 ? 2 : 1, i == 0);
    return x;
}

// Every stage's map comes back to full resolution on top of the stem's; then down again to the
// size of the last stage.
static lg_value *high_resolution(lg_name_scope *s, lg_value *stem, lg_value *const *stages,
                                 int64_t image, int64_t width)
{
    static const char *const names[STAGES] = {"latlayer0", "latlayer1", "latlayer2", "latlayer3"};
    lg_value *p = stem;
    for (int i = 0; i < STAGES; i++) {
        lg_value *lateral =
            conv2d(s, names[i], stages[i], .filters = width, .bias = true, .init = LG_HE_FAN_IN);
        p = add(s, resize_bilinear(s, lateral, image, image), p);
    }
    static const char *const steps[] = {"0", "2", "4"};
    lg_name_scope *branch = scope(s, "output_branch");
    for (int i = 0; i < 3; i++)
        p = relu(s, conv2d(branch, steps[i], p, .filters = width, .kernel = 3, .stride = 2,
                           .bias = true, .init = LG_HE_FAN_IN));
    return p;
}

static void dead_merge(lg_name_scope *s, int64_t channels, int64_t filters)
{
    dead_conv2d(s, "0", channels, .filters = filters, .groups = 2, .init = LG_HE_FAN_IN);
    dead_batch_norm(s, "1", filters);
}

// Of an older high-resolution branch.
static void trace_leftovers(lg_name_scope *s, int64_t width)
{
    static const char *const convs[] = {"conv2", "conv3", "conv4"}, *const norms[] = {"bn2", "bn3",
                                                                                      "bn4"};
    for (int i = 0; i < 3; i++) {
        dead_conv2d(s, convs[i], 3, .filters = width, .kernel = 7, .init = LG_HE_FAN_IN);
        dead_batch_norm(s, norms[i], width);
    }
    dead_linear(s, "fc_2", width, 1);
    for (int i = 0; i < 3; i++)
        dead_merge(scope(s, "conv_red_%d", i), width, width / 4 << i);
    for (int i = 0; i < 3; i++)
        dead_merge(scope(s, "conv_smooth_%d", i), (4 * width << i) + (width / 4 << i),
                   4 * width << i);
}

static lg_value *trace_network(lg_name_scope *s, lg_value *image)
{
    int64_t width = option(s, "width"), top = 4 * width << (STAGES - 1);
    lg_value *first = stem(s, image, width), *stages[STAGES], *x = first;
    for (int i = 0; i < STAGES; i++)
        x = stages[i] = stage(s, x, i + 1, width);
    lg_value *high = high_resolution(s, first, stages, option(s, "image"), width);
    lg_name_scope *last = scope(s, "conv_smooth_last");
    lg_value *y = conv_bn(last, "0", "1", concat(s, 3, high, x),
                          (lg_conv2d_options){.filters = top, .groups = 2, .init = LG_HE_FAN_IN});
    lg_value *f = linear(s, "fc", global_average_pool(s, relu(s, y)), option(s, "feat"));
    trace_leftovers(s, width);
    order_symbols(s, "conv1", "conv1_0", "conv1_1", "bn1", "bn1_0", "bn1_1", "stem_merge", "layer1",
                  "layer2", "layer3", "layer4", "fc", "conv2", "bn2", "conv3", "bn3", "conv4",
                  "bn4", "latlayer0", "latlayer1", "latlayer2", "latlayer3", "output_branch",
                  "fc_2", "conv_red_0", "conv_red_1", "conv_red_2", "conv_smooth_0",
                  "conv_smooth_1", "conv_smooth_2", "conv_smooth_last");
    return f;
}

// ---- heads

static lg_value *two_layers(lg_name_scope *s, const char *first, const char *second, lg_value *x,
                            int64_t hidden, int64_t features)
{
    return linear(s, second, relu(s, linear(s, first, x, hidden)), features);
}

// A feature of length 1 a node: [b,55,dim].
static lg_value *node_features(lg_name_scope *s, lg_value *f)
{
    lg_value *nodes[NODES];
    for (int i = 0; i < NODES; i++) {
        lg_name_scope *head = scope(s, "head_%d", i + 1);
        lg_value *h = two_layers(head, "0", "2", f, option(s, "feat"), option(s, "dim"));
        nodes[i] = l2_normalize(s, h, 1);
    }
    return stack_array(s, 1, NODES, nodes);
}

// ---- graph refinement

typedef struct graph {
    lg_value *x;         // [b,n,dim], a row a node
    lg_value *edges;     // [b,n,n] (or [1,n,n]), positive where row i attends to column j
    lg_value *match;     // [b,n,m], how this graph's n nodes are mixed from the m before
    lg_value *correlate; // [b,n,m], which of the m belong to each of the n
} graph;

// The weights of all three blocks; `a` scores both ends of an edge.
typedef struct refinement {
    lg_value *a_from, *a_to; // [dim,1]
    lg_linear_weights w[3 * GRAPH_LAYERS], correlate[2], match[2];
} refinement;

static refinement declare_refinement(lg_name_scope *s, int64_t dim)
{
    static const char *const index[] = {"0", "1", "2", "3", "4", "5"};
    static const int64_t sizes[] = {SUPERNODES, NODES};
    refinement r;
    lg_value *a = parameter(s, "a", LG_F32, LG_SHAPE(2 * dim, 1), LG_INIT_UNIFORM,
                            1.414 * (sqrt)(6.0 / (double)(2 * dim + 1)));
    r.a_from = slice(s, a, 0, 0, dim);
    r.a_to = slice(s, a, 0, dim, 2 * dim);
    for (int i = 0; i < 3 * GRAPH_LAYERS; i++)
        r.w[i] = linear_declare(scope(s, "W"), index[i], dim, dim);
    for (int i = 0; i < 2; i++)
        r.correlate[i] = linear_declare(scope(s, "corr_list"), index[i], dim, sizes[i]);
    for (int i = 0; i < 2; i++)
        r.match[i] = linear_declare(scope(s, "match_lst"), index[i], dim, sizes[i]);
    return r;
}

// Two graph convolutions with one attention, made of the block's input: what is not an edge gets
// -9e15, so a node without any attends to all alike.
static lg_value *block(lg_name_scope *s, const refinement *r, graph g, int level)
{
    lg_value *scores = add(s, matmul(s, g.x, r->a_from),
                           transpose(s, matmul(s, g.x, r->a_to), 0, 2, 1)); // [b,n,1] + [b,1,n]
    lg_value *attention = softmax(s, where(s, greater(s, g.edges, 0), scores, -9e15), 2);
    lg_value *degree = add(s, reduce_sum(s, attention, 2), 1);
    lg_value *x = g.x;
    for (int i = 0; i < GRAPH_LAYERS; i++) {
        lg_linear_weights w = r->w[i + 2 * level];
        lg_value *neighbours = linear_apply(s, matmul(s, attention, x), w);
        x = relu(s, div(s, add(s, neighbours, linear_apply(s, x, w)), degree));
        if (i < GRAPH_LAYERS - 1)
            x = dropout(s, x, 0.2);
    }
    return x;
}

// Pools n nodes to m, or unpools. A new edge needs correlated nodes with edges between them.
static graph resample(lg_name_scope *s, const refinement *r, graph g, int step)
{
    lg_value *match = softmax(s, linear_apply(s, g.x, r->match[step]), 1);
    lg_value *logits = linear_apply(s, g.x, r->correlate[step]);
    lg_value *correlate = sigmoid(s, mul(s, logits, 1000));
    graph to = {.match = transpose(s, match, 0, 2, 1),
                .correlate = transpose(s, correlate, 0, 2, 1)};
    lg_value *weight = matmul(s, to.correlate, matmul(s, g.edges, correlate));
    to.edges = where(s, greater(s, weight, 0.1), 1, -9e15);
    to.x = matmul(s, to.match, g.x);
    return to;
}

// ---- the numbers among the hyperparameters: their values, not only their intervals

// From the features of a number's three nodes its value, scaled to 0..1: [b,9].
static lg_value *regress(lg_name_scope *s, lg_value *v)
{
    int64_t batch = option(s, "batch"), dim = option(s, "dim");
    lg_value *values[NUMBERS];
    for (int i = 0; i < NUMBERS; i++) {
        int first = FIRST_NUMBER + INTERVALS * i;
        lg_value *nodes = reshape(s, slice(s, v, 1, first, first + INTERVALS), batch, -1);
        values[i] = two_layers(scope(s, "%d", i), "0", "2", nodes, dim, 1);
    }
    return reshape(s, stack_array(s, 1, NUMBERS, values), batch, NUMBERS);
}

// ---- losses

// The labels of a batch. Those of a real image are not looked at.
typedef struct truth {
    lg_value *nodes;  // i32 [b,55], 0 or 1
    lg_value *fake;   // i32 [b], 1 for an image that a model made
    lg_value *values; // f32 [b,9] in 0..1, NaN where it is not known; or NULL
} truth;

static truth declare_truth(lg_name_scope *s, int64_t batch)
{
    truth t = {.nodes = input(s, "labels", LG_I32, batch, NODES),
               .fake = input(s, "fake", LG_I32, batch)};
    if (option(s, "continuous"))
        t.values = input(s, "values", LG_F32, batch, NUMBERS);
    return t;
}

// The supernode of every node: losses by what they compare, the three intervals of each number, the
// codes of each kind. [18,55], 1 where the node belongs to the supernode.
static lg_value *membership(lg_name_scope *s)
{
    lg_value *of = table(s, LG_I32, LG_SHAPE(NODES),
                         // L1 L2 MSE MMD, LS WGAN KL Adversarial Hinge, CE
                         0, 0, 0, 0, 1, 1, 1, 1, 1, 2,
                         // layers, conv_layers, fc_layers, pool_layers, norm_layers
                         3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6, 7, 7, 7,
                         // filters, blocks, layers_per_block, parameters
                         8, 8, 8, 9, 9, 9, 10, 10, 10, 11, 11, 11,
                         // norm_type, act_last, act_block, upsample, skip, down
                         12, 12, 12, 12, 13, 13, 13, 13, 13, 14, 14, 14, 14, 14, 15, 15, 16, 17);
    lg_value *supernodes = lg_iota(s, LG_HERE, LG_I32, LG_SHAPE(SUPERNODES, NODES), 0);
    return cast(s, equal(s, supernodes, of), LG_F32);
}

// Assignments towards the softmax of the membership, correlations towards the membership itself.
static lg_value *hierarchy_loss(lg_name_scope *s, graph pooled, graph unpooled)
{
    lg_value *down = membership(s), *up = transpose(s, down, 1, 0);
    lg_value *assignment = add(s, mean_all(s, mse(s, pooled.match, softmax(s, down, 1))),
                               mean_all(s, mse(s, unpooled.match, softmax(s, up, 1))));
    lg_value *correlation = add(s, mean_all(s, l1(s, pooled.correlate, down)),
                                mean_all(s, l1(s, unpooled.correlate, up)));
    return add(s, assignment, correlation);
}

static void losses(lg_name_scope *s, truth t, lg_value *logits, lg_value *real_fake,
                   lg_value *values, graph pooled, graph unpooled)
{
    lg_value *is_fake = reshape(s, greater(s, t.fake, 0), -1, 1);
    // The sum over the nodes of the mean over generated images.
    lg_value *node_mean = masked_mean(s, cross_entropy(s, logits, t.nodes), is_fake);
    loss(s, "ce", mul(s, node_mean, NODES));
    loss(s, "hierarchy", hierarchy_loss(s, pooled, unpooled));
    loss(s, "real_fake", mul(s, mean_all(s, cross_entropy(s, real_fake, t.fake)), 0.0005));
    if (values) { // a comparison with NaN does not hold
        lg_value *known = logical_and(s, is_fake, greater(s, t.values, -1));
        loss(s, "l1", masked_mean(s, l1(s, values, where(s, known, t.values, 0)), known));
    }
}

// ---- all of it

void lg_build_lgpn(lg_name_scope *s)
{
    int64_t batch = option(s, "batch"), size = option(s, "image"), dim = option(s, "dim");
    lg_value *image = input(s, "image", LG_F32, batch, size, size, 3);
    lg_value *edges = input(s, "graph", LG_F32, NODES, NODES);
    truth t = {0};
    if (is_training(s))
        t = declare_truth(s, batch);
    lg_value *f = trace_network(scope(s, "GTC"), image);

    lg_name_scope *gcn = scope(s, "GCN_refine");
    refinement r = declare_refinement(gcn, dim);
    graph nodes = {.x = node_features(s, f), .edges = reshape(s, edges, 1, NODES, NODES)};
    nodes.x = block(gcn, &r, nodes, 0);
    graph pooled = resample(gcn, &r, nodes, 0);
    pooled.x = block(gcn, &r, pooled, 1);
    graph unpooled = resample(gcn, &r, pooled, 1);
    unpooled.x = block(gcn, &r, unpooled, 2);
    lg_value *v = tanh(gcn, linear(gcn, "output_mlp", add(gcn, unpooled.x, nodes.x), dim));

    lg_value *logits = two_layers(scope(s, "classifier"), "0", "2", v, dim, 2);
    lg_value *both = concat(s, 1, mean(s, pooled.x, 1), f);
    lg_value *real_fake =
        two_layers(scope(s, "classifier_real_fake"), "0", "2", both, option(s, "feat") + dim, 2);
    lg_value *values = NULL;
    if (option(s, "continuous"))
        values = regress(scope(s, "continuous.regress"), v);
    dead_merge(scope(s, "conv_1x1_merge"), 2 * option(s, "width"), option(s, "width"));
    order_symbols(s, "GTC", "conv_1x1_merge", "GCN_refine");

    if (is_training(s))
        losses(s, t, logits, real_fake, values, pooled, unpooled);
    output(s, "real_fake", real_fake);
    output(s, "node_logits", logits);
    output(s, "node_features", v);
    output(s, "feature", f);
    output(s, "mm1", pooled.match);
    output(s, "mm2", unpooled.match);
    output(s, "cg1", pooled.correlate);
    output(s, "cg2", unpooled.correlate);
    if (values)
        output(s, "continuous", minimum(s, maximum(s, values, 0), 1));
}
