// Small sets of images that a network can tell apart: each kind is a grating of its own direction,
// frequency and colour, under noise that differs from image to image.
#ifndef LG_TESTS_SUPPORT_IMAGE_SET_H
#define LG_TESTS_SUPPORT_IMAGE_SET_H

#include <stdbool.h>
#include <stdint.h>

// Pixels of image `number` of `kind`, rgb [height][width][3].
void lg_paint_image(int kind, int number, int width, int height, uint8_t *rgb);

// Writes them as JPEG (quality 95) where the name ends so, else as PNG. False when the file cannot
// be written.
bool lg_write_image(const char *path, const uint8_t *rgb, int width, int height);

// Makes `folder` and writes `count` images of `kind` there: 000.png, 001.jpg, 002.png, ... False
// when it cannot.
bool lg_write_image_set(const char *folder, int kind, int count, int width, int height);

#endif
