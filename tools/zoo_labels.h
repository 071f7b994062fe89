// The labels of a generative model, read off the network that was declared: nothing is typed.
//
// The network is what @infer needs for its result `generated`; the losses are the parts of
// @train_step.
//
//   conv_layers   conv2d ops, and conv2d_input_grad ops: transposed convolutions
//   fc_layers     products with a parameter
//   pool_layers   calls of max_pool and avg_pool
//   norm_layers   calls of batch_norm, instance_norm, group_norm
//   layers        the sum of these four
//   filters       the channels that all convolutions make
//   blocks        scopes called block0, block1 ... that have parameters
//   layers_per_block  of those four kinds, with parameters in the block, the most in a block
//   parameters    elements of the parameters that are read
//   norm_type     of most norm layers: 0 batch, 1 instance, 4 group; 3: there is none
//   act_last      between the last layer and the image: 0 relu, 1 tanh, 2 leaky_relu, 3 sigmoid,
//                 4 silu; 5: none
//   act_block     of most others: 0 elu, 1 relu, 2 leaky_relu, 3 sigmoid; 5: silu or none
//   upsample      0 upsample_nearest, 1 a transposed convolution, 2 resize_bilinear, 3 none
//   skip          1 if a sum or a concatenation takes what a layer made beside what further layers
//                 made of it
//   down          1 if a convolution has a stride or there is a pooling layer
//
// Codes without a node (runtime/hyperparameters.def) stand for what RED140's table has no node for.
#ifndef LG_TOOLS_ZOO_LABELS_H
#define LG_TOOLS_ZOO_LABELS_H

#include "ir/graph.h"
#include "runtime/hyperparameters.h"

// What @infer says, of a module as its builder made it; losses are left alone. False after
// reporting that there is no @infer with a result `generated`.
bool lg_zoo_architecture(const lg_module *module, lg_model_facts *facts, lg_diag *diag);

// What @train_step says. False after reporting that there is none, or a loss that is of no known
// kind (loss_KIND or loss_KIND.DETAIL with KIND of runtime/hyperparameters.def).
bool lg_zoo_losses(const lg_module *module, lg_model_facts *facts, lg_diag *diag);

#endif
