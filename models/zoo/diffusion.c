// Diffusion models ("Denoising Diffusion Probabilistic Models", Ho, Jain and Abbeel, 2020): a U-Net
// tells the noise in an image x_t = cos(a) x + sin(a) e, a = t pi / 2, of a time t in 0..1 (a
// cosine schedule: Nichol and Dhariwal, 2021). Images are made from noise in a few steps without
// further noise ("Denoising Diffusion Implicit Models", Song, Meng and Ermon, 2021).
#include "models/zoo/parts.h"

enum { FREQUENCIES = 8, TIMES = 32 };

// [b,1] to [b,n]: sines and cosines of the time, two layers.
static lg_value *embed_time(lg_name_scope *s, lg_value *t, int64_t features)
{
    lg_value *turns = exp(s, mul(s, lg_iota(s, LG_HERE, LG_F32, LG_SHAPE(FREQUENCIES), 0), 0.5));
    lg_value *angles = mul(s, t, turns);
    lg_value *waves = concat(s, 1, lg_unary(s, LG_HERE, LG_OP_cos, angles),
                             lg_unary(s, LG_HERE, LG_OP_cos, sub(s, angles, M_PI / 2)));
    return linear(s, "time", waves, features);
}

static lg_value *cosine(lg_name_scope *s, lg_value *t)
{
    return lg_unary(s, LG_HERE, LG_OP_cos, mul(s, t, M_PI / 2));
}

static lg_value *sine(lg_name_scope *s, lg_value *t)
{
    return cosine(s, sub(s, 1, t));
}

// The noise in x: sin(a) x + cos(a) v, where the network tells v = cos(a) e - sin(a) image
// (Salimans and Ho, 2022), so that what is known of x without it need not be learnt.
static lg_value *predict(lg_name_scope *s, lg_value *x, lg_value *t)
{
    int64_t width = option(s, "width");
    zoo_style style = lg_zoo_style(s);
    int64_t scales = lg_zoo_scales(option(s, "image"));
    lg_value *maps[ZOO_MOST_SCALES];
    style.shift = embed_time(s, t, 4 * width);
    lg_value *y =
        lg_zoo_encoder(scope(s, "encoder"), x, &style, option(s, "down"), width, scales, maps);
    lg_value *v = lg_zoo_decoder(scope(s, "decoder"), y, &style, option(s, "up"), ZOO_LAST_NONE,
                                 width, scales, option(s, "blocks"), style.skip ? maps : NULL);
    lg_value *column = reshape(s, t, -1, 1, 1, 1);
    return add(s, mul(s, x, sine(s, column)), mul(s, v, cosine(s, column)));
}

static lg_value *mixture(lg_name_scope *s, lg_value *x, lg_value *e, lg_value *t)
{
    lg_value *column = reshape(s, t, -1, 1, 1, 1);
    return add(s, mul(s, x, cosine(s, column)), mul(s, e, sine(s, column)));
}

static void train(lg_name_scope *s, int64_t batch, int64_t size)
{
    lg_value *image = input(s, "image", LG_F32, batch, size, size, 3);
    lg_value *t = uniform(s, batch, 1), *e = normal(s, batch, size, size, 3);
    lg_value *x = mixture(s, sub(s, mul(s, image, 2), 1), e, t);
    lg_zoo_pixel_loss(s, option(s, "loss"), predict(s, x, t), e);
}

// From time 1 - k / TIMES to 1 - (k + 1) / TIMES: the image that x seems to hide, clipped, and the
// noise that it has then.
static void sample(lg_name_scope *s, int64_t batch, int64_t size)
{
    lg_value *x = input(s, "sample", LG_F32, batch, size, size, 3);
    lg_value *step = input(s, "step", LG_I32, 1);
    lg_value *left = sub(s, TIMES - 0.02, cast(s, step, LG_F32)); // not quite noise alone
    lg_value *t = broadcast(s, reshape(s, mul(s, left, 1.0 / TIMES), 1, 1), batch, 1);
    lg_value *to = maximum(s, sub(s, t, 1.0 / TIMES), 0);
    lg_value *column = reshape(s, t, batch, 1, 1, 1);
    lg_value *e = predict(s, x, t);
    lg_value *hidden = div(s, sub(s, x, mul(s, e, sine(s, column))), cosine(s, column));
    hidden = minimum(s, maximum(s, hidden, -1), 1);
    lg_value *rest = div(s, sub(s, x, mul(s, hidden, cosine(s, column))), sine(s, column));
    output(s, "generated", mul(s, add(s, hidden, 1), 0.5));
    output(s, "next", mixture(s, hidden, rest, to));
    output(s, "left", sub(s, TIMES - 1, step));
}

void lg_build_zoo_diffusion(lg_name_scope *s)
{
    int64_t batch = option(s, "batch"), size = option(s, "image");
    if (is_training(s))
        train(s, batch, size);
    else
        sample(s, batch, size);
}
