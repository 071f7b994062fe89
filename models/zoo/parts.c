// Layers of the zoo in the style that a model's options choose. Whatever labels tell apart stands
// in the graph as an op or a composite of its own: nothing is computed that only looks like it.
#include "models/zoo/parts.h"

enum { SPREAD_BLOCKS = 8 };
enum { GROUPS = 4 }; // of group norm; channels are a multiple

zoo_style lg_zoo_style(lg_name_scope *s)
{
    return (zoo_style){.norm = option(s, "norm"),
                       .act = option(s, "act"),
                       .layers = option(s, "layers"),
                       .skip = option(s, "skip")};
}

static lg_value *normalize(lg_name_scope *s, lg_value *x, int64_t norm)
{
    switch (norm) {
    case ZOO_NORM_BATCH:
        return batch_norm(s, "norm", x);
    case ZOO_NORM_INSTANCE:
        return instance_norm(s, "norm", x);
    case ZOO_NORM_GROUP:
        return group_norm(s, "norm", x, .groups = GROUPS);
    default:
        return x;
    }
}

static lg_value *activate(lg_name_scope *s, lg_value *x, int64_t act)
{
    switch (act) {
    case ZOO_ELU:
        return elu(s, x);
    case ZOO_RELU:
        return relu(s, x);
    case ZOO_LEAKY_RELU:
        return leaky_relu(s, x, 0.2);
    case ZOO_SIGMOID:
        return sigmoid(s, x);
    default:
        return silu(s, x);
    }
}

lg_value *lg_zoo_finish(lg_name_scope *s, lg_value *x, const zoo_style *style)
{
    return activate(s, normalize(s, x, style->norm), style->act);
}

// Tensors conv.* and norm.*.
static lg_value *unit(lg_name_scope *s, lg_value *x, const zoo_style *style, int64_t filters,
                      int64_t stride)
{
    lg_value *y = conv2d(s, "conv", x, .filters = filters, .kernel = 3, .stride = stride,
                         .bias = style->norm == ZOO_NORM_NONE, .init = LG_HE_FAN_IN);
    return lg_zoo_finish(s, y, style);
}

// Without norms a sum of many would grow: each block adds a third.
static lg_value *block(lg_name_scope *s, lg_value *x, const zoo_style *style)
{
    lg_value *y = x;
    if (!x)
        return NULL;
    int64_t filters = x->type.dims[3];
    if (style->shift) {
        lg_value *shift = linear(s, "shift", style->shift, filters);
        y = add(s, y, reshape(s, shift, -1, 1, 1, filters));
    }
    for (int i = 0; i < style->layers; i++)
        y = unit(scope(s, "%d", i), y, style, filters, 1);
    if (!style->skip)
        return y;
    return add(s, x, style->norm == ZOO_NORM_NONE ? mul(s, y, 0.3) : y);
}

static lg_value *blocks_from(lg_name_scope *s, lg_value *x, const zoo_style *style, int64_t first,
                             int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        x = block(scope(s, "block%d", (int)(first + i)), x, style);
    return x;
}

// Half the size.
static lg_value *down(lg_name_scope *s, lg_value *x, const zoo_style *style, int64_t how,
                      int64_t filters)
{
    lg_value *y = unit(s, x, style, filters, how == ZOO_DOWN_STRIDE ? 2 : 1);
    if (how == ZOO_DOWN_STRIDE)
        return y;
    return how == ZOO_DOWN_MAX ? max_pool(s, y, .kernel = 2) : avg_pool(s, y, .kernel = 2);
}

// Twice the size.
static lg_value *up(lg_name_scope *s, lg_value *x, const zoo_style *style, int64_t how,
                    int64_t filters)
{
    if (!x)
        return NULL;
    const int64_t *dims = x->type.dims;
    if (how == ZOO_UP_NEAREST)
        return unit(s, upsample_nearest(s, x, 2), style, filters, 1);
    if (how == ZOO_UP_BILINEAR)
        return unit(s, resize_bilinear(s, x, 2 * dims[1], 2 * dims[2]), style, filters, 1);
    lg_value *y = conv2d_transpose(s, "conv", x, .filters = filters, .kernel = 4, .stride = 2,
                                   .pad = 1, .bias = style->norm == ZOO_NORM_NONE);
    return lg_zoo_finish(s, y, style);
}

// Those that have no upper end start in the middle of the range.
static lg_value *to_image(lg_name_scope *s, lg_value *x, int64_t last)
{
    lg_value *y =
        conv2d(s, "conv", x, .filters = 3, .kernel = 3, .bias = true, .init = LG_HE_FAN_IN);
    y = mul(s, y, 0.5);
    switch (last) {
    case ZOO_LAST_TANH:
        return add(s, mul(s, tanh(s, y), 0.5), 0.5);
    case ZOO_LAST_SIGMOID:
        return sigmoid(s, y);
    case ZOO_LAST_RELU:
        return relu(s, add(s, y, 0.5));
    case ZOO_LAST_LEAKY_RELU:
        return leaky_relu(s, add(s, y, 0.5), 0.2);
    case ZOO_LAST_SILU:
        return silu(s, add(s, y, 0.5));
    default:
        return add(s, y, 0.5);
    }
}

int64_t lg_zoo_scales(int64_t size)
{
    return size < 64 ? 2 : ZOO_MOST_SCALES;
}

int64_t lg_zoo_channels(int64_t width, int64_t scale)
{
    return width << (scale < 2 ? scale : 2);
}

lg_value *lg_zoo_encoder(lg_name_scope *s, lg_value *x, const zoo_style *style, int64_t how,
                         int64_t width, int64_t scales, lg_value **maps)
{
    x = unit(scope(s, "stem"), x, style, width, 1);
    for (int64_t i = 0; i < scales; i++) {
        if (maps)
            maps[i] = x;
        x = down(scope(s, "down%d", (int)i), x, style, how, lg_zoo_channels(width, i + 1));
    }
    return x;
}

lg_value *lg_zoo_decoder(lg_name_scope *s, lg_value *x, const zoo_style *style, int64_t how,
                         int64_t last, int64_t width, int64_t scales, int64_t blocks,
                         lg_value *const *maps)
{
    int64_t made = 0;
    for (int64_t scale = scales; scale >= 0; scale--) {
        // Depth costs least on the smallest map: it gets what larger maps, with one each, leave,
        // and all blocks of deep networks.
        int64_t later = blocks > SPREAD_BLOCKS ? 0 : scale, left = blocks - made;
        int64_t count = left > later ? left - later : left > 0;
        x = blocks_from(s, x, style, made, count);
        made += count;
        if (scale == 0)
            break;
        lg_name_scope *larger = scope(s, "up%d", (int)(scales - scale));
        x = up(larger, x, style, how, lg_zoo_channels(width, scale - 1));
        if (maps)
            x = concat(s, 3, x, maps[scale - 1]);
    }
    return to_image(scope(s, "last"), x, last);
}

lg_value *lg_zoo_decode(lg_name_scope *s, lg_value *code, const zoo_style *style, int64_t scales)
{
    int64_t width = option(s, "width"), small = option(s, "image") >> scales;
    int64_t filters = lg_zoo_channels(width, scales);
    lg_value *x = linear(s, "first", code, small * small * filters);
    x = reshape(s, x, option(s, "batch"), small, small, filters);
    return lg_zoo_decoder(s, x, style, option(s, "up"), option(s, "last"), width, scales,
                          option(s, "blocks"), NULL);
}
