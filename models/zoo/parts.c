// Layers of the zoo in the style that a model's options choose. Whatever labels tell apart stands
// in the graph as an op or a composite of its own: nothing is computed that only looks like it.
#include "models/zoo/parts.h"

enum { GROUPS = 4 }; // of group norm; channels are a multiple

zoo_style lg_zoo_style(lg_name_scope *s)
{
    return (zoo_style){.norm = option(s, "norm"),
                       .act = option(s, "act"),
                       .layers = option(s, "layers"),
                       .skip = option(s, "skip")};
}

lg_value *lg_zoo_normalize(lg_name_scope *s, lg_value *x, int64_t norm)
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

lg_value *lg_zoo_activate(lg_name_scope *s, lg_value *x, int64_t act)
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

lg_value *lg_zoo_unit(lg_name_scope *s, const char *name, lg_value *x, const zoo_style *style,
                      int64_t filters, int64_t stride)
{
    lg_name_scope *unit = scope(s, "%s", name);
    lg_value *y = conv2d(unit, "conv", x, .filters = filters, .kernel = 3, .stride = stride,
                         .bias = style->norm == ZOO_NORM_NONE, .init = LG_HE_FAN_IN);
    return lg_zoo_activate(unit, lg_zoo_normalize(unit, y, style->norm), style->act);
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
    for (int i = 0; i < style->layers; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        y = lg_zoo_unit(s, name, y, style, filters, 1);
    }
    if (!style->skip)
        return y;
    return add(s, x, style->norm == ZOO_NORM_NONE ? mul(s, y, 0.3) : y);
}

lg_value *lg_zoo_blocks(lg_name_scope *s, lg_value *x, const zoo_style *style, int64_t first,
                        int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        x = block(scope(s, "block%d", (int)(first + i)), x, style);
    return x;
}

lg_value *lg_zoo_down(lg_name_scope *s, const char *name, lg_value *x, const zoo_style *style,
                      int64_t how, int64_t filters)
{
    lg_value *y = lg_zoo_unit(s, name, x, style, filters, how == ZOO_DOWN_STRIDE ? 2 : 1);
    if (how == ZOO_DOWN_STRIDE)
        return y;
    return how == ZOO_DOWN_MAX ? max_pool(s, y, .kernel = 2) : avg_pool(s, y, .kernel = 2);
}

lg_value *lg_zoo_up(lg_name_scope *s, const char *name, lg_value *x, const zoo_style *style,
                    int64_t how, int64_t filters)
{
    if (!x)
        return NULL;
    const int64_t *dims = x->type.dims;
    if (how == ZOO_UP_NEAREST)
        return lg_zoo_unit(s, name, upsample_nearest(s, x, 2), style, filters, 1);
    if (how == ZOO_UP_BILINEAR)
        return lg_zoo_unit(s, name, resize_bilinear(s, x, 2 * dims[1], 2 * dims[2]), style, filters,
                           1);
    lg_name_scope *unit = scope(s, "%s", name);
    lg_value *y = conv2d_transpose(unit, "conv", x, .filters = filters, .kernel = 4, .stride = 2,
                                   .pad = 1, .bias = style->norm == ZOO_NORM_NONE);
    return lg_zoo_activate(unit, lg_zoo_normalize(unit, y, style->norm), style->act);
}

// Those that have no upper end start in the middle of the range.
lg_value *lg_zoo_to_image(lg_name_scope *s, const char *name, lg_value *x, int64_t last)
{
    lg_value *y = conv2d(scope(s, "%s", name), "conv", x, .filters = 3, .kernel = 3, .bias = true,
                         .init = LG_HE_FAN_IN);
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

int64_t lg_zoo_channels(int64_t width, int64_t scale)
{
    return width << (scale < 2 ? scale : 2);
}

lg_value *lg_zoo_encoder(lg_name_scope *s, lg_value *x, const zoo_style *style, int64_t how,
                         int64_t width, int64_t scales, lg_value **maps)
{
    x = lg_zoo_unit(s, "stem", x, style, width, 1);
    for (int64_t i = 0; i < scales; i++) {
        char name[32];
        if (maps)
            maps[i] = x;
        snprintf(name, sizeof name, "down%d", (int)i);
        x = lg_zoo_down(s, name, x, style, how, lg_zoo_channels(width, i + 1));
    }
    return x;
}

lg_value *lg_zoo_decoder(lg_name_scope *s, lg_value *x, const zoo_style *style, int64_t up,
                         int64_t last, int64_t width, int64_t scales, int64_t blocks,
                         lg_value *const *maps)
{
    int64_t made = 0;
    for (int64_t scale = scales; scale >= 0; scale--) {
        // What is left, shared by the sizes that are left, rounded up: most are on small maps.
        int64_t count = (blocks - made + scale) / (scale + 1);
        x = lg_zoo_blocks(s, x, style, made, count);
        made += count;
        if (scale == 0)
            break;
        char name[32];
        snprintf(name, sizeof name, "up%d", (int)(scales - scale));
        x = lg_zoo_up(s, name, x, style, up, lg_zoo_channels(width, scale - 1));
        if (maps)
            x = concat(s, 3, x, maps[scale - 1]);
    }
    return lg_zoo_to_image(s, "last", x, last);
}
