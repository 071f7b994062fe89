// A network that trains: a classifier of small images with batch norm, dropout and two losses. The
// training section of docs/dsl.md walks through it.
#include "frontend/lgpnc.h"

static void build(lg_name_scope *s)
{
    int64_t batch = option(s, "batch"), size = option(s, "image");
    lg_value *image = input(s, "image", LG_F32, batch, size, size, 3);
    lg_value *x = conv2d(s, "conv1", image, .filters = 16, .kernel = 3);
    x = relu(s, batch_norm(s, "bn1", x));
    x = conv2d(s, "conv2", x, .filters = 32, .kernel = 3, .stride = 2);
    x = relu(s, batch_norm(s, "bn2", x));
    x = dropout(s, global_average_pool(s, x), 0.1);
    lg_value *logits = linear(s, "classes", x, 4);
    lg_value *brightness = reshape(s, linear(s, "brightness", x, 1), batch);

    if (is_training(s)) {
        lg_value *labels = input(s, "labels", LG_I32, batch);
        lg_value *target = mean(s, image, 1, 2, 3); // made of the image: no label is needed
        loss(s, "classes", mean_all(s, cross_entropy(s, logits, labels)));
        loss(s, "brightness", mul(s, mean_all(s, l1(s, brightness, target)), 0.5));
    }
    output(s, "probabilities", softmax(s, logits, 1));
    output(s, "brightness", brightness);
}

LG_MODEL("train_net", build, "a classifier of small images that trains",
         {.name = "image", .initial = "16", .min = 2, .max = 1024, .help = "height and width"},
         {.name = "batch", .initial = "8", .min = 1, .max = 1024, .help = "images at a time"});
