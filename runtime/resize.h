// Pillow's bilinear resize of 8-bit images, bit for bit.
#ifndef LG_RUNTIME_RESIZE_H
#define LG_RUNTIME_RESIZE_H

#include "runtime/image.h"

// The image at another size, each side scaled by itself, as Image.resize((width, height),
// Image.BILINEAR) gives it: a triangle filter, widened when shrinking. A copy when the size is
// the same. NULL with a message on a size out of bounds or lack of memory. Free the result with
// lg_image_free.
lg_image *lg_image_resize(const lg_image *image, int width, int height, lg_error *e);

#endif
