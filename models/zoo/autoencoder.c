// Autoencoders ("Reducing the Dimensionality of Data with Neural Networks", Hinton and
// Salakhutdinov, 2006): a photograph through a narrow map of few channels and back. The images that
// they make are what is left of photographs.
#include "models/zoo/parts.h"

void lg_build_zoo_autoencoder(lg_name_scope *s)
{
    int64_t batch = option(s, "batch"), size = option(s, "image"), width = option(s, "width");
    zoo_style style = lg_zoo_style(s);
    int64_t scales = lg_zoo_scales(size);
    lg_value *image = input(s, "image", LG_F32, batch, size, size, 3);
    lg_value *x =
        lg_zoo_encoder(scope(s, "encoder"), image, &style, option(s, "down"), width, scales, NULL);
    lg_name_scope *neck = scope(s, "neck");
    x = conv2d(neck, "in", x, .filters = 8, .bias = true, .init = LG_HE_FAN_IN);
    x = conv2d(neck, "out", x, .filters = lg_zoo_channels(width, scales), .bias = true,
               .init = LG_HE_FAN_IN);
    lg_value *y = lg_zoo_decoder(scope(s, "decoder"), x, &style, option(s, "up"), option(s, "last"),
                                 width, scales, option(s, "blocks"), NULL);
    lg_zoo_pixel_loss(s, option(s, "loss"), y, image);
    output(s, "generated", y);
}
