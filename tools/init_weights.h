// Initial weights of a model, the same on every machine for a seed.
//
// Each tensor has a stream of its own, so a value depends on the seed, the tensor's name and its
// place in the tensor, and on nothing else in the model:
//     key  = mix(seed ^ FNV-1a-64(name))
//     u[n] = (mix(key + n * 0x9e3779b97f4a7c15) >> 11) * 2^-53 + 2^-54          in (0,1)
// with mix the finaliser of splitmix64 (Steele, Lea and Flood, 2014). Uniform element n is
// bound * (2 u[n] - 1); normal elements 2k and 2k+1 are bound * sqrt(-2 ln u[2k]) times the cosine
// and the sine of 2 pi u[2k+1] (Box and Muller, 1958).
#ifndef LG_TOOLS_INIT_WEIGHTS_H
#define LG_TOOLS_INIT_WEIGHTS_H

#include "ir/graph.h"
#include "runtime/error.h"

// Fills `data`, a dense row-major tensor of the symbol's type.
void lg_init_symbol(const lg_symbol *symbol, uint64_t seed, void *data);

// Writes all parameters and states of the module (dead ones too, packed ones not), in their order,
// as a safetensors file with the seed and the module's name in its metadata.
bool lg_init_weights(const lg_module *module, uint64_t seed, const char *path, lg_error *e);

#endif
