// Generative adversarial networks ("Generative Adversarial Nets", Goodfellow et al., 2014): a
// generator makes images of normal numbers, a discriminator tells them from photographs, and both
// learn in one step. Or no discriminator: the images of a batch are drawn towards photographs by
// their maximum mean discrepancy ("Generative Moment Matching Networks", Li, Swersky and Zemel,
// 2015).
#include "models/zoo/parts.h"

enum { LATENT = 64, SCALES = 3, CRITIC_WIDTH = 16, CRITIC_SCALES = 3 };

// ---- the discriminator

// Leaky ReLUs and no norm: what norms an image by itself would hide from it.
static lg_value *discriminate(lg_name_scope *s, lg_value *images)
{
    if (!images)
        return NULL;
    const zoo_style style = {.norm = ZOO_NORM_NONE, .act = ZOO_LEAKY_RELU};
    lg_value *x = lg_zoo_encoder(s, sub(s, mul(s, images, 2), 1), &style, ZOO_DOWN_STRIDE,
                                 CRITIC_WIDTH, CRITIC_SCALES, NULL);
    int64_t batch = images->type.dims[0];
    return reshape(s, linear(s, "score", reshape(s, x, batch, -1), 1), batch);
}

// ---- the games: what a discriminator that says r of photographs and f of what was made loses, and
// what the generator does

typedef struct game {
    const char *name;
    lg_value *(*discriminator)(lg_name_scope *s, lg_value *r, lg_value *f);
    lg_value *(*generator)(lg_name_scope *s, lg_value *f);
} game;

// -log sigmoid(r) - log(1 - sigmoid(f)) and, not saturating, -log sigmoid(f).
static lg_value *adv_discriminator(lg_name_scope *s, lg_value *r, lg_value *f)
{
    return add(s, mean_all(s, binary_cross_entropy(s, r, 1)),
               mean_all(s, binary_cross_entropy(s, f, 0)));
}

static lg_value *adv_generator(lg_name_scope *s, lg_value *f)
{
    return mean_all(s, binary_cross_entropy(s, f, 1));
}

// "Least Squares Generative Adversarial Networks" (Mao et al., 2017): (r - 1)^2 / 2 + f^2 / 2 and
// (f - 1)^2 / 2.
static lg_value *ls_discriminator(lg_name_scope *s, lg_value *r, lg_value *f)
{
    return mul(s, add(s, mean_all(s, mse(s, r, 1)), mean_all(s, mse(s, f, 0))), 0.5);
}

static lg_value *ls_generator(lg_name_scope *s, lg_value *f)
{
    return mul(s, mean_all(s, mse(s, f, 1)), 0.5);
}

// "Wasserstein GAN" (Arjovsky, Chintala and Bottou, 2017): f - r and -f; the slope is held by
// gradient_penalty below.
static lg_value *wgan_discriminator(lg_name_scope *s, lg_value *r, lg_value *f)
{
    return sub(s, mean_all(s, f), mean_all(s, r));
}

static lg_value *wgan_generator(lg_name_scope *s, lg_value *f)
{
    return neg(s, mean_all(s, f));
}

// "Geometric GAN" (Lim and Ye, 2017): max(0, 1 - r) + max(0, 1 + f) and -f.
static lg_value *hinge_discriminator(lg_name_scope *s, lg_value *r, lg_value *f)
{
    return add(s, mean_all(s, hinge(s, r, 1)), mean_all(s, hinge(s, f, -1)));
}

// In the order of ZOO_ADV ...
static const game games[] = {{"adv", adv_discriminator, adv_generator},
                             {"ls", ls_discriminator, ls_generator},
                             {"wgan", wgan_discriminator, wgan_generator},
                             {"hinge", hinge_discriminator, wgan_generator}};

// "Improved Training of Wasserstein GANs" (Gulrajani et al., 2017): 10 (|dD/dx| - 1)^2 at points x
// between photographs and images. `scores` are those of the last third of `all`.
static lg_value *gradient_penalty(lg_name_scope *s, lg_value *all, lg_value *scores, int64_t batch)
{
    lg_value *total = sum(s, slice(s, scores, 0, 2 * batch, 3 * batch), 0);
    lg_value *slopes = slice(s, gradient(s, total, all), 0, 2 * batch, 3 * batch);
    lg_value *norm = sqrt(s, add(s, sum(s, mul(s, slopes, slopes), 1, 2, 3), 1e-8));
    return mul(s, mean_all(s, mse(s, norm, 1)), 10);
}

void lg_zoo_adversarial_losses(lg_name_scope *s, int64_t kind, lg_value *real, lg_value *made,
                               double weight)
{
    if (!is_training(s) || !real || !made)
        return;
    const game *g = &games[kind];
    lg_name_scope *critic = scope(s, "discriminator");
    int64_t batch = real->type.dims[0];
    lg_value *all = concat(s, 0, real, made);
    if (kind == ZOO_WGAN) {
        lg_value *mix = uniform(s, batch, 1, 1, 1);
        all = concat(s, 0, all, add(s, mul(s, real, mix), mul(s, made, sub(s, 1, mix))));
    }
    lg_value *scores = discriminate(critic, all);
    lg_value *r = slice(s, scores, 0, 0, batch), *f = slice(s, scores, 0, batch, 2 * batch);
    char name[64];
    lg_value *against = g->discriminator(s, r, f);
    if (kind == ZOO_WGAN)
        against = add(s, against, gradient_penalty(s, all, scores, batch));
    snprintf(name, sizeof name, "%s.discriminator", g->name);
    loss_of(s, "discriminator.", name, against);
    snprintf(name, sizeof name, "%s.generator", g->name);
    loss_of(s, "generator.", name, mul(s, g->generator(s, f), weight));
}

// ---- the generator

void lg_build_zoo_gan(lg_name_scope *s)
{
    enum { LOSS_MMD = 4 };
    int64_t batch = option(s, "batch"), size = option(s, "image");
    zoo_style style = lg_zoo_style(s);
    lg_value *image = NULL;
    if (is_training(s))
        image = input(s, "image", LG_F32, batch, size, size, 3);
    lg_value *code =
        is_training(s) ? normal(s, batch, LATENT) : input(s, "latent", LG_F32, batch, LATENT);
    lg_value *y = lg_zoo_decode(scope(s, "generator"), code, &style, SCALES);
    use_optimizer(s, .kind = LG_ADAM, .beta1 = 0.5, .beta2 = 0.99, .eps = 1e-8);
    if (!is_training(s))
        output(s, "generated", y);
    else if (option(s, "loss") == LOSS_MMD)
        loss(s, "mmd", lg_zoo_mmd(s, reshape(s, y, batch, -1), reshape(s, image, batch, -1)));
    else
        lg_zoo_adversarial_losses(s, option(s, "loss"), image, y, 1);
}
