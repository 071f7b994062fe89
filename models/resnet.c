// ResNet 18 and 50 ("Deep Residual Learning for Image Recognition", He et al., 2015) with the
// tensors of torchvision's resnet18 and resnet50: the stride of a bottleneck is on its 3x3
// convolution. Here to show that nothing is special to LGPN.
#include "models/models.h"

typedef lg_value *block_builder(lg_name_scope *s, lg_value *x, int64_t width, int64_t stride);

static lg_value *conv_bn(lg_name_scope *s, const char *conv, const char *bn, lg_value *x,
                         lg_conv2d_options o)
{
    o.x = x;
    return batch_norm(s, bn, lg_conv2d(s, LG_HERE, conv, o));
}

// The shortcut is a projection where the shape changes.
static lg_value *add_shortcut(lg_name_scope *s, lg_value *y, lg_value *x, int64_t stride)
{
    if (!x || !y)
        return NULL;
    int64_t filters = y->type.dims[3];
    if (stride != 1 || x->type.dims[3] != filters)
        x = conv_bn(scope(s, "downsample"), "0", "1", x,
                    (lg_conv2d_options){.filters = filters, .stride = stride});
    return relu(s, add(s, y, x));
}

static lg_value *basic_block(lg_name_scope *s, lg_value *x, int64_t width, int64_t stride)
{
    lg_value *y =
        relu(s, conv_bn(s, "conv1", "bn1", x,
                        (lg_conv2d_options){.filters = width, .kernel = 3, .stride = stride}));
    y = conv_bn(s, "conv2", "bn2", y, (lg_conv2d_options){.filters = width, .kernel = 3});
    return add_shortcut(s, y, x, stride);
}

static lg_value *bottleneck(lg_name_scope *s, lg_value *x, int64_t width, int64_t stride)
{
    lg_value *y = relu(s, conv_bn(s, "conv1", "bn1", x, (lg_conv2d_options){.filters = width}));
    y = relu(s, conv_bn(s, "conv2", "bn2", y,
                        (lg_conv2d_options){.filters = width, .kernel = 3, .stride = stride}));
    y = conv_bn(s, "conv3", "bn3", y, (lg_conv2d_options){.filters = 4 * width});
    return add_shortcut(s, y, x, stride);
}

void lg_build_resnet(lg_name_scope *s)
{
    static const int basic_blocks[] = {2, 2, 2, 2}, bottlenecks[] = {3, 4, 6, 3};
    bool deep = option(s, "depth") == 50;
    const int *blocks = deep ? bottlenecks : basic_blocks;
    block_builder *build = deep ? bottleneck : basic_block;
    int64_t batch = option(s, "batch"), size = option(s, "image"), width = option(s, "width");

    lg_value *x = input(s, "image", LG_F32, batch, size, size, 3);
    x = conv_bn(s, "conv1", "bn1", x,
                (lg_conv2d_options){.filters = width, .kernel = 7, .stride = 2});
    x = max_pool(s, relu(s, x), .kernel = 3, .stride = 2, .pad = 1);
    for (int stage = 0; stage < 4; stage++)
        for (int i = 0; i < blocks[stage]; i++)
            x = build(scope(s, "layer%d.%d", stage + 1, i), x, width << stage,
                      i == 0 && stage > 0 ? 2 : 1);
    lg_value *logits = linear(s, "fc", global_average_pool(s, x), option(s, "classes"));
    if (is_training(s)) {
        lg_value *labels = input(s, "labels", LG_I32, batch);
        loss(s, "ce", mean_all(s, cross_entropy(s, logits, labels)));
    }
    output(s, "logits", logits);
}
