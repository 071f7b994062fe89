// Pictures of numbers, encoded as PNG in memory.
#ifndef LG_RUNTIME_GREY_PNG_H
#define LG_RUNTIME_GREY_PNG_H

#include <stddef.h>
#include <stdint.h>

// 8 bits a pixel, row by row from the top. Returns the file's bytes, to be freed by the caller, and
// their number; NULL when memory is short.
uint8_t *lg_grey_png(const uint8_t *pixels, uint32_t width, uint32_t height, size_t *size);
// The same with three bytes a pixel: red, green, blue.
uint8_t *lg_rgb_png(const uint8_t *pixels, uint32_t width, uint32_t height, size_t *size);

#endif
