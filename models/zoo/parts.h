// What the families of the zoo are made of: layers in the style that the options choose, encoders,
// decoders, losses.
#ifndef LG_MODELS_ZOO_PARTS_H
#define LG_MODELS_ZOO_PARTS_H

#include "models/zoo/zoo.h"

// The order of the words of the options.
enum { ZOO_NORM_NONE, ZOO_NORM_BATCH, ZOO_NORM_INSTANCE, ZOO_NORM_GROUP };
enum { ZOO_ELU, ZOO_RELU, ZOO_LEAKY_RELU, ZOO_SIGMOID, ZOO_SILU };
enum {
    ZOO_LAST_RELU,
    ZOO_LAST_TANH,
    ZOO_LAST_LEAKY_RELU,
    ZOO_LAST_SIGMOID,
    ZOO_LAST_SILU,
    ZOO_LAST_NONE
};
enum { ZOO_UP_NEAREST, ZOO_UP_TRANSPOSED, ZOO_UP_BILINEAR };
enum { ZOO_DOWN_STRIDE, ZOO_DOWN_MAX, ZOO_DOWN_AVERAGE };
enum { ZOO_PIXEL_L1, ZOO_PIXEL_L2, ZOO_PIXEL_MSE, ZOO_PIXEL_CE };
enum { ZOO_ADV, ZOO_LS, ZOO_WGAN, ZOO_HINGE };

typedef struct zoo_style {
    int64_t norm, act; // of the above
    int64_t layers;    // convolutions a block
    bool skip;         // a block adds what it was given
    lg_value *shift;   // [B,n] that every block is told, or NULL
} zoo_style;

// The style of the options norm, act, layers and skip.
zoo_style lg_zoo_style(lg_name_scope *s);

// What comes behind a convolution: the norm and the nonlinearity of the style.
lg_value *lg_zoo_finish(lg_name_scope *s, lg_value *x, const zoo_style *style);

// Channels at a map of `scale` halvings: width, twice, four times the width, no more.
int64_t lg_zoo_channels(int64_t width, int64_t scale);

// How often a network halves the image that it starts from: twice, those of 64 pixels and more
// three times.
enum { ZOO_MOST_SCALES = 3 };
int64_t lg_zoo_scales(int64_t size);

// From an image to a map of `scales` halvings: stem, down0, ... `how` is one of ZOO_DOWN_*; `maps`
// (may be NULL) gets what goes into each halving.
lg_value *lg_zoo_encoder(lg_name_scope *s, lg_value *x, const zoo_style *style, int64_t how,
                         int64_t width, int64_t scales, lg_value **maps);

// From a map of `scales` halvings to an image: `blocks` of them, most on small maps, up0, ...,
// last. `how` is one of ZOO_UP_*, `last` of ZOO_LAST_*. With `maps` each size gets the encoder's
// map of the same size as further channels.
lg_value *lg_zoo_decoder(lg_name_scope *s, lg_value *x, const zoo_style *style, int64_t how,
                         int64_t last, int64_t width, int64_t scales, int64_t blocks,
                         lg_value *const *maps);

// The same from rows of numbers [B,n], which a linear layer `first` makes maps of; all else is as
// the model's options say.
lg_value *lg_zoo_decode(lg_name_scope *s, lg_value *code, const zoo_style *style, int64_t scales);

// ---- losses (losses.c), f32[]

// Of images y and x in 0..1, [n,h,w,c]; `kind` is one of ZOO_PIXEL_*:
//   l1   mean |y - x|
//   l2   mean over images of the Euclidean norm of y - x, over the root of its elements
//   mse  mean (y - x)^2
//   ce   mean of -x log y - (1 - x) log(1 - y): Bernoulli's likelihood (Kingma and Welling, 2014)
// Adds it as loss l1, l2, mse or ce.
void lg_zoo_pixel_loss(lg_name_scope *s, int64_t kind, lg_value *y, lg_value *x);

// KL(N(mean, e^log_variance) || N(0, 1)) of [n,d]: summed over d, mean over n.
lg_value *lg_zoo_kl(lg_name_scope *s, lg_value *mean, lg_value *log_variance);

// Squared maximum mean discrepancy of the rows of [n,d] and [n,d] (Gretton et al., 2012; all pairs)
// with the kernels C / (C + |a - b|^2), C = 2d (0.1, 0.5, 1, 2, 5) summed (Tolstikhin et al.,
// 2018).
lg_value *lg_zoo_mmd(lg_name_scope *s, lg_value *a, lg_value *b);

// A discriminator `discriminator` of real and made images and both losses of the game `kind`:
// KIND.discriminator moves what is called discriminator., KIND.generator, times `weight`, what is
// called generator. ; gan.c has the formulas.
void lg_zoo_adversarial_losses(lg_name_scope *s, int64_t kind, lg_value *real, lg_value *made,
                               double weight);

#endif
