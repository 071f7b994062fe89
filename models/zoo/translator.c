// Image-to-image translators ("Image-to-Image Translation with Conditional Adversarial Networks",
// Isola et al., 2017): from what is left of a photograph, its grey values or a sixteenth of its
// pixels, back to the photograph, by an encoder and a decoder with or without connections between
// them (a U-Net); with a loss of pixels and, for some, a discriminator.
#include "models/zoo/parts.h"

enum { NO_GAME = 0 };

static lg_value *degrade(lg_name_scope *s, lg_value *image, bool small)
{
    if (!small)
        return reduce_sum(s, mul(s, image, 1.0 / 3), 3);
    int64_t size = option(s, "image");
    return resize_bilinear(s, resize_bilinear(s, image, size / 4, size / 4), size, size);
}

void lg_build_zoo_translator(lg_name_scope *s)
{
    int64_t batch = option(s, "batch"), size = option(s, "image"), width = option(s, "width");
    int64_t game = option(s, "game"), scales = lg_zoo_scales(size);
    zoo_style style = lg_zoo_style(s);
    lg_value *image = input(s, "image", LG_F32, batch, size, size, 3), *maps[ZOO_MOST_SCALES];
    lg_value *from = degrade(s, image, option(s, "task") == 1);
    lg_name_scope *generator = scope(s, "generator");
    lg_value *x = lg_zoo_encoder(scope(generator, "encoder"), from, &style, option(s, "down"),
                                 width, scales, maps);
    lg_value *y =
        lg_zoo_decoder(scope(generator, "decoder"), x, &style, option(s, "up"), option(s, "last"),
                       width, scales, option(s, "blocks"), style.skip ? maps : NULL);
    use_optimizer(s, .kind = LG_ADAM, .beta1 = 0.5, .beta2 = 0.99, .eps = 1e-8);
    lg_zoo_pixel_loss(s, option(s, "loss"), y, image);
    if (game != NO_GAME)
        lg_zoo_adversarial_losses(s, game - 1, image, y, 0.02);
    output(s, "generated", y);
}
