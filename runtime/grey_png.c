// libpng's simplified writer fills a buffer of the size it asked for in a first round.
#include "runtime/grey_png.h"

#include <stdlib.h>

#include <png.h>

static uint8_t *encode(const uint8_t *pixels, uint32_t width, uint32_t height, png_uint_32 format,
                       size_t *size)
{
    png_image image = {
        .version = PNG_IMAGE_VERSION, .width = width, .height = height, .format = format};
    png_alloc_size_t bytes = 0;
    if (!png_image_write_to_memory(&image, NULL, &bytes, 0, pixels, 0, NULL))
        return NULL;
    uint8_t *file = malloc(bytes);
    if (!file || !png_image_write_to_memory(&image, file, &bytes, 0, pixels, 0, NULL)) {
        free(file);
        return NULL;
    }
    *size = bytes;
    return file;
}

uint8_t *lg_grey_png(const uint8_t *pixels, uint32_t width, uint32_t height, size_t *size)
{
    return encode(pixels, width, height, PNG_FORMAT_GRAY, size);
}

uint8_t *lg_rgb_png(const uint8_t *pixels, uint32_t width, uint32_t height, size_t *size)
{
    return encode(pixels, width, height, PNG_FORMAT_RGB, size);
}
