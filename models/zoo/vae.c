// Variational autoencoders ("Auto-Encoding Variational Bayes", Kingma and Welling, 2014) and
// Wasserstein autoencoders ("Wasserstein Auto-Encoders", Tolstikhin et al., 2018): an encoder that
// only training has, and a decoder that makes images of normal numbers. The codes are drawn towards
// the normal distribution by loss kl, of each, or mmd, of a batch. The weight of pixels against it
// is that of a Gaussian of deviation 0.25 a pixel.
#include "models/zoo/parts.h"

enum { LATENT = 32, SCALES = 3 };

// What KL weighs beside a mean over pixels: 1 / (pixels / (2 deviation^2)).
static double prior_weight(int64_t size)
{
    return 2 * 0.25 * 0.25 / (3.0 * (double)size * (double)size);
}

// Of an image the code: mean, and with kl noise of its own deviation.
static lg_value *encode(lg_name_scope *s, lg_value *image, const zoo_style *style, int64_t width,
                        bool kl)
{
    enum { LEAST = -8, MOST = 4 };
    int64_t batch = option(s, "batch"), size = option(s, "image");
    lg_value *x = lg_zoo_encoder(s, image, style, ZOO_DOWN_STRIDE, width, SCALES, NULL);
    lg_value *row = reshape(s, x, batch, -1), *m = linear(s, "mean", row, LATENT);
    if (!kl) {
        lg_value *mmd = lg_zoo_mmd(s, m, normal(s, batch, LATENT));
        loss(s, "mmd", mul(s, mmd, 0.01));
        return m;
    }
    lg_value *log_variance = linear(s, "log_variance", row, LATENT);
    log_variance = minimum(s, maximum(s, log_variance, LEAST), MOST);
    loss(s, "kl", mul(s, lg_zoo_kl(s, m, log_variance), prior_weight(size)));
    lg_value *deviation = exp(s, mul(s, log_variance, 0.5));
    return add(s, m, mul(s, deviation, normal(s, batch, LATENT)));
}

void lg_build_zoo_vae(lg_name_scope *s)
{
    int64_t batch = option(s, "batch"), size = option(s, "image");
    zoo_style style = lg_zoo_style(s);
    lg_value *image = NULL, *code = NULL;
    if (is_training(s)) {
        // The encoder is the same for all: labels are of what makes the images.
        const zoo_style plain = {.norm = ZOO_NORM_BATCH, .act = ZOO_RELU};
        image = input(s, "image", LG_F32, batch, size, size, 3);
        code = encode(scope(s, "encoder"), image, &plain, 16, option(s, "prior") == 0);
    } else {
        code = input(s, "latent", LG_F32, batch, LATENT);
    }
    lg_value *y = lg_zoo_decode(scope(s, "decoder"), code, &style, SCALES);
    lg_zoo_pixel_loss(s, option(s, "loss"), y, image);
    output(s, "generated", y);
}
