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
// Options leave parts out, to see what each is good for (docs/models.md). What is left keeps its
// tensors' names; a value of a part that is not there is NULL, and an output of NULL is none.
//
// What is computed, and each tensor's name, is the released network's, also where that is odd: both
// norms of the stem's second branch, the third branch without one, the bias that counts twice, the
// half of `a` that the softmax cancels, tensors that nothing reads.
#include "models/models.h"
#include "models/parsing.h"

enum { NODES = LG_PARSED_NODES, SUPERNODES = 18, STAGES = 4, GRAPH_LAYERS = 2 };

// The network that was released, whose checkpoint also has tensors that nothing reads.
static bool is_whole(lg_name_scope *s)
{
    return option(s, "gcn") && option(s, "pooling") && option(s, "high_resolution");
}

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
    if (option(s, "high_resolution"))
        x = concat(s, 3, high_resolution(s, first, stages, option(s, "image"), width), x);
    x = conv_bn(scope(s, "conv_smooth_last"), "0", "1", x,
                (lg_conv2d_options){.filters = top, .groups = 2, .init = LG_HE_FAN_IN});
    x = linear(s, "fc", global_average_pool(s, relu(s, x)), option(s, "feat"));
    if (!is_whole(s))
        return x;
    trace_leftovers(s, width);
    order_symbols(s, "conv1", "conv1_0", "conv1_1", "bn1", "bn1_0", "bn1_1", "stem_merge", "layer1",
                  "layer2", "layer3", "layer4", "fc", "conv2", "bn2", "conv3", "bn3", "conv4",
                  "bn4", "latlayer0", "latlayer1", "latlayer2", "latlayer3", "output_branch",
                  "fc_2", "conv_red_0", "conv_red_1", "conv_red_2", "conv_smooth_0",
                  "conv_smooth_1", "conv_smooth_2", "conv_smooth_last");
    return x;
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
    lg_value *attention; // [b,n,n], how much: what a block made of the edges
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
    int resamples = option(s, "pooling") ? 2 : 0;
    for (int i = 0; i < resamples; i++)
        r.correlate[i] = linear_declare(scope(s, "corr_list"), index[i], dim, sizes[i]);
    for (int i = 0; i < resamples; i++)
        r.match[i] = linear_declare(scope(s, "match_lst"), index[i], dim, sizes[i]);
    return r;
}

// Two graph convolutions with one attention, made of the block's input: what is not an edge gets
// -9e15, so a node without any attends to all alike.
static graph block(lg_name_scope *s, const refinement *r, graph g, int level)
{
    lg_value *scores = add(s, matmul(s, g.x, r->a_from),
                           transpose(s, matmul(s, g.x, r->a_to), 0, 2, 1)); // [b,n,1] + [b,1,n]
    g.attention = softmax(s, where(s, greater(s, g.edges, 0), scores, -9e15), 2);
    lg_value *degree = add(s, reduce_sum(s, g.attention, 2), 1);
    for (int i = 0; i < GRAPH_LAYERS; i++) {
        lg_linear_weights w = r->w[i + 2 * level];
        lg_value *neighbours = linear_apply(s, matmul(s, g.attention, g.x), w);
        g.x = relu(s, div(s, add(s, neighbours, linear_apply(s, g.x, w)), degree));
        if (i < GRAPH_LAYERS - 1)
            g.x = dropout(s, g.x, 0.2);
    }
    return g;
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

typedef struct refined {
    graph first, middle, last; // behind each of the three blocks
    lg_value *v;               // [b,55,dim]
} refined;

// Without pooling the blocks are stacked on the graph that was given; without any graph there are
// no blocks, and all three are the nodes as they came.
static refined refine(lg_name_scope *s, graph nodes, int64_t dim)
{
    refined g = {nodes, nodes, nodes, NULL};
    bool pooling = option(s, "pooling");
    if (option(s, "gcn")) {
        refinement r = declare_refinement(s, dim);
        g.first = block(s, &r, nodes, 0);
        g.middle = block(s, &r, pooling ? resample(s, &r, g.first, 0) : g.first, 1);
        g.last = block(s, &r, pooling ? resample(s, &r, g.middle, 1) : g.middle, 2);
    }
    lg_value *x = option(s, "gcn") ? add(s, g.last.x, g.first.x) : nodes.x;
    g.v = tanh(s, linear(s, "output_mlp", x, dim));
    return g;
}

// ---- the numbers among the hyperparameters: their values, not only their intervals

// From the features of a number's three nodes its value, scaled to 0..1: [b,9].
static lg_value *regress(lg_name_scope *s, lg_value *v)
{
    int64_t batch = option(s, "batch"), dim = option(s, "dim");
    lg_value *values[LG_PARSED_NUMBERS];
    for (int i = 0; i < LG_PARSED_NUMBERS; i++) {
        int first = LG_FIRST_NUMBER + LG_INTERVALS * i;
        lg_value *nodes = reshape(s, slice(s, v, 1, first, first + LG_INTERVALS), batch, -1);
        values[i] = two_layers(scope(s, "%d", i), "0", "2", nodes, dim, 1);
    }
    return reshape(s, stack_array(s, 1, LG_PARSED_NUMBERS, values), batch, LG_PARSED_NUMBERS);
}

// ---- losses

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

static void losses(lg_name_scope *s, lg_parsing_labels t, lg_value *logits, lg_value *real_fake,
                   lg_value *values, const refined *g)
{
    if (option(s, "node_loss"))
        loss(s, "ce", lg_parsing_node_loss(s, t, logits));
    if (option(s, "hierarchy_loss") && g->middle.match)
        loss(s, "hierarchy", hierarchy_loss(s, g->middle, g->last));
    if (option(s, "detection_loss"))
        loss(s, "real_fake",
             mul(s, lg_parsing_fake_loss(s, t, real_fake),
                 0.0005 * (double)option(s, "detection_weight")));
    if (values)
        loss(s, "l1", masked_mean(s, l1(s, values, t.values), t.known));
}

// ---- all of it

void lg_build_lgpn(lg_name_scope *s)
{
    int64_t batch = option(s, "batch"), size = option(s, "image"), dim = option(s, "dim");
    lg_value *image = input(s, "image", LG_F32, batch, size, size, 3);
    graph nodes = {0};
    if (option(s, "gcn"))
        nodes.edges = reshape(s, input(s, "graph", LG_F32, NODES, NODES), 1, NODES, NODES);
    lg_parsing_labels t = {0};
    if (is_training(s))
        t = lg_parsing_inputs(s, batch, option(s, "continuous"));

    lg_value *f = trace_network(scope(s, "GTC"), image);
    nodes.x = node_features(s, f);
    refined g = refine(scope(s, "GCN_refine"), nodes, dim);
    lg_value *logits = two_layers(scope(s, "classifier"), "0", "2", g.v, dim, 2);
    lg_value *both = concat(s, 1, mean(s, g.middle.x, 1), f);
    lg_value *real_fake =
        two_layers(scope(s, "classifier_real_fake"), "0", "2", both, option(s, "feat") + dim, 2);
    lg_value *values = NULL;
    if (option(s, "continuous"))
        values = regress(scope(s, "continuous.regress"), g.v);
    if (is_whole(s)) {
        dead_merge(scope(s, "conv_1x1_merge"), 2 * option(s, "width"), option(s, "width"));
        order_symbols(s, "GTC", "conv_1x1_merge", "GCN_refine");
    }

    if (is_training(s))
        losses(s, t, logits, real_fake, values, &g);
    output(s, "real_fake", real_fake);
    output(s, "node_logits", logits);
    output(s, "node_features", g.v);
    output(s, "feature", f);
    output(s, "mm1", g.middle.match);
    output(s, "mm2", g.last.match);
    output(s, "cg1", g.middle.correlate);
    output(s, "cg2", g.last.correlate);
    if (option(s, "generated_graph"))
        output(s, "generated_graph", g.last.attention);
    if (values)
        output(s, "continuous", minimum(s, maximum(s, values, 0), 1));
}
