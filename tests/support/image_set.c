#include "tests/support/image_set.h"

#include "runtime/random.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jpeglib.h>
#include <png.h>

void lg_paint_image(int kind, int number, int width, int height, uint8_t *rgb)
{
    lg_random noise = lg_random_start((uint64_t)kind, (uint64_t)number);
    double angle = 2.4 * kind, frequency = 0.25 + 0.07 * (kind % 9);
    double phase = (double)lg_random_below(&noise, 628) / 100;
    for (int i = 0; i < width * height; i++) {
        double along = cos(angle) * (i % width) + sin(angle) * (i / width); // NOLINT
        double light = 100 + 60 * sin(frequency * along + phase);
        for (int c = 0; c < 3; c++) {
            double value = light + 15 * (kind >> c & 1) + (double)lg_random_below(&noise, 40);
            rgb[3 * i + c] = (uint8_t)value;
        }
    }
}

static bool write_jpeg(FILE *file, const uint8_t *rgb, int width, int height)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors; // ends the program on a fault
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, file);
    jpeg.image_width = (unsigned)width;
    jpeg.image_height = (unsigned)height;
    jpeg.input_components = 3;
    jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 95, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    for (int y = 0; y < height; y++) {
        JSAMPROW row = (JSAMPROW)(rgb + (size_t)y * (size_t)width * 3);
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return true;
}

static bool write_png(FILE *file, const uint8_t *rgb, int width, int height)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)width,
                       .height = (png_uint_32)height,
                       .format = PNG_FORMAT_RGB};
    return png_image_write_to_stdio(&image, file, 0, rgb, 0, NULL) != 0;
}

bool lg_write_image(const char *path, const uint8_t *rgb, int width, int height)
{
    const char *dot = strrchr(path, '.');
    bool is_jpeg = dot && (strcmp(dot, ".jpg") == 0 || strcmp(dot, ".jpeg") == 0);
    FILE *file = fopen(path, "wb");
    if (!file)
        return false;
    bool good =
        is_jpeg ? write_jpeg(file, rgb, width, height) : write_png(file, rgb, width, height);
    return fclose(file) == 0 && good;
}

bool lg_write_image_set(const char *folder, int kind, int count, int width, int height)
{
    uint8_t *rgb = malloc((size_t)width * (size_t)height * 3);
    bool good = rgb && (mkdir(folder, 0777) == 0 || errno == EEXIST);
    for (int i = 0; good && i < count; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%03d.%s", folder, i, i % 2 ? "jpg" : "png");
        lg_paint_image(kind, i, width, height, rgb);
        good = lg_write_image(path, rgb, width, height);
    }
    free(rgb);
    return good;
}
