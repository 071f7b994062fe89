// Pixel-autoregressive models ("Pixel Recurrent Neural Networks", van den Oord, Kalchbrenner and
// Kavukcuoglu, 2016): masked convolutions see what is above and to the left; the loss ce is the
// cross entropy of every value, one of 16 levels. To keep sampling short a position is a patch of
// pixels whose values do not depend on each other, so an image takes grid^2 passes.
#include "models/zoo/parts.h"

enum { LEVELS = 16 };

// 1 for what comes before the centre of a 3x3 window and, but for the first layer, the centre.
static lg_value *causal_mask(lg_name_scope *s, bool centre)
{
    return table(s, LG_F32, LG_SHAPE(1, 1, 3, 3), 1, 1, 1, 1, centre, 0, 0, 0, 0);
}

static lg_value *masked_unit(lg_name_scope *s, lg_value *x, const zoo_style *style, int64_t filters,
                             bool centre)
{
    lg_value *y =
        conv2d(s, "conv", x, .filters = filters, .kernel = 3, .bias = style->norm == ZOO_NORM_NONE,
               .init = LG_HE_FAN_IN, .mask = causal_mask(s, centre));
    return lg_zoo_finish(s, y, style);
}

static lg_value *masked_block(lg_name_scope *s, lg_value *x, const zoo_style *style,
                              int64_t filters)
{
    lg_value *y = x;
    for (int i = 0; i < style->layers; i++)
        y = masked_unit(scope(s, "%d", i), y, style, filters, true);
    return style->skip ? add(s, x, mul(s, y, 0.3)) : y;
}

// [b,n,n,values] in 0..1 to logits [b,n,n,values,levels].
static lg_value *predict(lg_name_scope *s, lg_value *x, int64_t values)
{
    if (!x)
        return NULL;
    zoo_style style = lg_zoo_style(s);
    int64_t filters = 2 * option(s, "width");
    const int64_t *dims = x->type.dims;
    x = masked_unit(scope(s, "stem"), sub(s, mul(s, x, 2), 1), &style, filters, false);
    for (int64_t i = 0; i < option(s, "blocks"); i++)
        x = masked_block(scope(s, "block%d", (int)i), x, &style, filters);
    x = conv2d(s, "logits", x, .filters = values * LEVELS, .bias = true, .init = LG_HE_FAN_IN);
    return reshape(s, x, dims[0], dims[1], dims[2], values, LEVELS);
}

// Between images [b,s,s,3] and patches [b,n,n,3 p p].
static lg_value *to_patches(lg_name_scope *s, lg_value *x, int64_t p)
{
    if (!x)
        return NULL;
    int64_t b = x->type.dims[0], n = x->type.dims[1] / p;
    return reshape(s, transpose(s, reshape(s, x, b, n, p, n, p, 3), 0, 1, 3, 2, 4, 5), b, n, n,
                   3 * p * p);
}

static lg_value *from_patches(lg_name_scope *s, lg_value *x, int64_t p)
{
    if (!x)
        return NULL;
    int64_t b = x->type.dims[0], n = x->type.dims[1];
    return reshape(s, transpose(s, reshape(s, x, b, n, n, p, p, 3), 0, 1, 3, 2, 4, 5), b, n * p,
                   n * p, 3);
}

static void train(lg_name_scope *s, int64_t batch, int64_t size, int64_t patch)
{
    lg_value *image = input(s, "image", LG_F32, batch, size, size, 3);
    lg_value *levels =
        lg_unary(s, LG_HERE, LG_OP_floor, mul(s, to_patches(s, image, patch), LEVELS));
    levels = minimum(s, levels, LEVELS - 1);
    lg_value *logits = predict(s, div(s, levels, LEVELS - 1.0), 3 * patch * patch);
    loss(s, "ce", mean_all(s, cross_entropy(s, logits, cast(s, levels, LG_I32))));
}

// A level by Gumbel's trick: the largest of logits - log(-log u) is drawn with their softmax. All
// positions draw, the one of this pass keeps what it drew; those behind it are 0 and not seen.
static void sample(lg_name_scope *s, int64_t batch, int64_t size, int64_t patch)
{
    int64_t n = size / patch, values = 3 * patch * patch;
    lg_value *before = input(s, "sample", LG_F32, batch, n, n, values);
    lg_value *noise = input(s, "noise", LG_F32, batch, n, n, values, LEVELS);
    lg_value *step = input(s, "step", LG_I32, 1);
    lg_value *place = lg_iota(s, LG_HERE, LG_I32, LG_SHAPE(n, n), 0);
    place = add(s, mul(s, place, (double)n), lg_iota(s, LG_HERE, LG_I32, LG_SHAPE(n, n), 1));
    place = reshape(s, place, 1, n, n, 1);
    lg_value *now = reshape(s, step, 1, 1, 1, 1);
    lg_value *seen = where(s, less(s, place, now), before, 0);
    lg_value *u = minimum(s, maximum(s, noise, 1e-6), 1 - 1e-6);
    lg_value *drawn = sub(s, predict(s, seen, values), log(s, neg(s, log(s, u))));
    lg_value *level = cast(s, argmax(s, drawn, 4), LG_F32);
    level = div(s, reshape(s, level, batch, n, n, values), LEVELS - 1.0);
    lg_value *next = where(s, equal(s, place, now), level, seen);
    output(s, "generated", from_patches(s, next, patch));
    output(s, "next", next);
    output(s, "left", sub(s, n * n - 1, step));
}

void lg_build_zoo_pixel(lg_name_scope *s)
{
    int64_t batch = option(s, "batch"), size = option(s, "image"), patch = size / option(s, "grid");
    if (is_training(s))
        train(s, batch, size, patch);
    else
        sample(s, batch, size, patch);
}
