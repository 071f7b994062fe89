// From an image file to the network's input.
#ifndef LG_RUNTIME_PREPROCESS_H
#define LG_RUNTIME_PREPROCESS_H

#include "runtime/image.h"
#include "runtime/tensor.h"

// Decodes, resizes to size x size (bilinear, aspect not kept) and normalises: an f32 tensor
// [1,size,size,3] with values in [-1,1]. Free with lg_tensor_free. NULL with a message.
lg_tensor *lg_preprocess_file(const char *path, int size, lg_error *e);

// The same of a decoded image, into `out` of size * size * 3 floats.
bool lg_preprocess_image(const lg_image *image, int size, float *out, lg_error *e);

// Its last step: 8-bit values to -1..1.
void lg_preprocess_pixels(const uint8_t *pixels, size_t count, float *out);

#endif
