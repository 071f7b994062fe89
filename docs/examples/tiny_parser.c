// The smallest network that `lgpnc train` trains and `lgpnc eval` evaluates: what LGPN is asked,
// answered by two layers on the pixels. Parts that training needs: the inputs labels and fake, and
// losses.
//
//     lgpnc train docs/examples/tiny_parser.c --data=RED140 --epochs=2
#include "frontend/lgpnc.h"

enum { NODES = 55 };

static void build(lg_name_scope *s)
{
    int64_t batch = option(s, "batch"), size = option(s, "image");
    lg_value *image = input(s, "image", LG_F32, batch, size, size, 3);
    input(s, "graph", LG_F32, NODES, NODES); // nothing here depends on it

    lg_value *x = linear(s, "pixels", reshape(s, image, batch, -1), option(s, "width"));
    x = dropout(s, relu(s, batch_norm(s, "norm", x)), 0.2);
    lg_value *nodes = reshape(s, linear(s, "nodes", x, 2 * NODES), batch, NODES, 2);
    lg_value *real_fake = linear(s, "real_fake", x, 2);
    output(s, "node_logits", nodes);
    output(s, "real_fake", real_fake);

    if (is_training(s)) {
        lg_value *labels = input(s, "labels", LG_I32, batch, NODES);
        lg_value *fake = input(s, "fake", LG_I32, batch);
        lg_value *is_fake = reshape(s, greater(s, fake, 0), -1, 1);
        lg_value *mean = masked_mean(s, cross_entropy(s, nodes, labels), is_fake);
        loss(s, "ce", mul(s, mean, NODES));
        loss(s, "real_fake", mul(s, mean_all(s, cross_entropy(s, real_fake, fake)), 0.0005));
    }
}

LG_MODEL("tiny_parser", build, "two layers that parse hyperparameters",
         {.name = "image", .initial = "8", .min = 1, .max = 1024, .help = "height and width"},
         {.name = "width", .initial = "16", .min = 1, .max = 256, .help = "hidden features"},
         {.name = "batch", .initial = "8", .min = 1, .max = 1024, .help = "images at a time"});
