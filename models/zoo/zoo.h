// The zoo: families of small generative models whose hyperparameters are known because they are
// declared here. docs/zoo.md describes them; `lgpnc zoo make` draws, trains and runs them.
//
// What a family's functions take and give, found by name:
//
//   @train_step(image: f32[B,S,S,3] in 0..1, learning_rate) -> (loss, loss_KIND...)
//   @infer(...) -> (generated: f32[B,S,S,3], ...)   roughly in 0..1, of what it takes of
//       latent f32[B,n]        normal numbers
//       image  f32[B,S,S,3]    photographs, of those that change them
//       sample f32[...], step i32[1]  of those that make an image in several passes: the first
//              sample is normal numbers, later ones the result `next`, while the result
//              `left`, i32[1], is above 0; step counts from 0
//       noise  f32[...]        uniform numbers in [0,1), new in every pass
//
// A loss is called KIND or KIND.DETAIL, where KIND is one of the ten of
// runtime/hyperparameters.def; blocks stand in scopes called block0, block1 ... All labels are read
// off the functions (tools/zoo_labels.h).
#ifndef LG_MODELS_ZOO_H
#define LG_MODELS_ZOO_H

#include "frontend/lgpnc.h"

void lg_build_zoo_autoencoder(lg_name_scope *s);
void lg_build_zoo_vae(lg_name_scope *s);
void lg_build_zoo_gan(lg_name_scope *s);
void lg_build_zoo_translator(lg_name_scope *s);
void lg_build_zoo_pixel(lg_name_scope *s);
void lg_build_zoo_diffusion(lg_name_scope *s);

#endif
