// Images as 8-bit RGB: decoding of JPEG and PNG, and Pillow's bilinear resize.
#ifndef LG_RUNTIME_IMAGE_H
#define LG_RUNTIME_IMAGE_H

#include "runtime/error.h"

#include <stddef.h>
#include <stdint.h>

// Larger images are refused before memory is taken: the pixel count at which Pillow suspects a
// decompression bomb, and libpng's limit of a side.
enum { LG_IMAGE_MAX_PIXELS = 178956970, LG_IMAGE_MAX_SIDE = 1000000 };

typedef struct lg_image {
    int width, height; // at least 1
    uint8_t *rgb;      // height x width x 3, row by row from the top
} lg_image;

// Reads a JPEG or PNG file, told apart by content, "-" being standard input. The pixels are those
// of Pillow's Image.open(path).convert("RGB"): grey is replicated, alpha and transparency are
// dropped, palettes expanded, CMYK taken as Adobe's inverted CMYK, EXIF rotation not applied.
// One difference: 16-bit grey keeps its high byte, as 16-bit colour does in both; Pillow cuts it
// off at 255, which turns such images white.
// NULL with a message for a file that is missing, no image, truncated, damaged, or too large.
lg_image *lg_image_load(const char *path, lg_error *e);

// The same from memory; `name` stands for the file in messages.
lg_image *lg_image_decode(const void *bytes, size_t size, const char *name, lg_error *e);

// Uninitialised pixels; NULL with a message when the size is zero or above the limits.
lg_image *lg_image_new(int64_t width, int64_t height, lg_error *e);

// NULL is allowed.
void lg_image_free(lg_image *image);

// What lg_image_decode calls by content; each takes a whole file.
lg_image *lg_image_decode_jpeg(const void *bytes, size_t size, const char *name, lg_error *e);
lg_image *lg_image_decode_png(const void *bytes, size_t size, const char *name, lg_error *e);

#endif
