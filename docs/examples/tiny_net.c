// A small network of one's own: two convolutions, a shortcut, ten classes. docs/tutorial-model.md
// walks through it; `lgpnc build ./docs/examples/tiny_net.c` compiles it.
#include "frontend/lgpnc.h"

// A convolution keeps the image's size, as .pad is half the kernel unless told otherwise.
static lg_value *conv_bn_relu(lg_name_scope *s, lg_value *x, int64_t filters, int64_t stride)
{
    x = conv2d(s, "conv", x, .filters = filters, .kernel = 3, .stride = stride);
    return relu(s, batch_norm(s, "bn", x));
}

static void build(lg_name_scope *s)
{
    int64_t size = option(s, "image"), width = option(s, "width");
    lg_value *image = input(s, "image", LG_F32, option(s, "batch"), size, size, 3);

    lg_value *x = conv_bn_relu(scope(s, "stem"), image, width, 2);
    for (int i = 0; i < 2; i++)
        x = add(s, x, conv_bn_relu(scope(s, "block%d", i), x, width, 1));
    output(s, "probabilities",
           softmax(s, linear(s, "classifier", global_average_pool(s, x), 10), 1));
}

LG_MODEL("tiny_net", build, "a small image classifier",
         {.name = "image", .initial = "32", .min = 1, .max = 1024, .help = "height and width"},
         {.name = "width", .initial = "16", .min = 1, .max = 256, .help = "channels"},
         {.name = "batch", .initial = "1", .min = 1, .max = 1024, .help = "images at a time"});
