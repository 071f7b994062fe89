// Pictures for ./run demo, so that it needs none: a scene with film grain, a texture with the grid
// that upsampling leaves in generated images, and soft clouds. Seeded, the same everywhere.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

enum { WIDTH = 480, HEIGHT = 360, QUALITY = 88 };

typedef void painter(double x, double y, uint32_t noise, double rgb[3]);

// A hash of a place; 32 random bits.
static uint32_t scatter(uint32_t x, uint32_t y)
{
    uint32_t h = x * 0x9e3779b1U ^ (y + 0x7f4a7c15U) * 0x85ebca6bU;
    h = (h ^ h >> 15) * 0x2c1b3c6dU;
    h = (h ^ h >> 12) * 0x297a2d39U;
    return h ^ h >> 15;
}

// Value noise: random numbers on a grid, smoothly joined.
static double smooth_noise(double x, double y)
{
    double ix = floor(x), iy = floor(y), fx = x - ix, fy = y - iy;
    double corner[4];
    for (int i = 0; i < 4; i++)
        corner[i] =
            scatter((uint32_t)(int)ix + (i & 1), (uint32_t)(int)iy + (i >> 1)) / 4294967295.0;
    fx = fx * fx * (3 - 2 * fx);
    fy = fy * fy * (3 - 2 * fy);
    double top = corner[0] + fx * (corner[1] - corner[0]);
    double bottom = corner[2] + fx * (corner[3] - corner[2]);
    return top + fy * (bottom - top);
}

static double clouds_at(double x, double y)
{
    double sum = 0;
    for (int octave = 0; octave < 5; octave++)
        sum += smooth_noise(x * (3 << octave), y * (3 << octave)) / (2 << octave);
    return sum;
}

static void paint_scene(double x, double y, uint32_t noise, double rgb[3])
{
    double hill = 0.6 - 0.15 * sin(5 * x) - 0.1 * clouds_at(x, 0.5);
    double grain = (noise % 256 - 127.5) / 1600.0;
    double sun = exp(-40 * ((x - 0.7) * (x - 0.7) + (y - 0.25) * (y - 0.25)));
    double sky[] = {0.45 + 0.3 * y + sun, 0.6 + 0.15 * y + 0.8 * sun, 0.85 + 0.2 * sun};
    double land[] = {0.2 + 0.25 * clouds_at(4 * x, 4 * y), 0.35 + 0.2 * clouds_at(4 * x, 4 * y),
                     0.15};
    for (int c = 0; c < 3; c++)
        rgb[c] = (y < hill ? sky[c] : land[c]) + grain;
}

static void paint_grid(double x, double y, uint32_t noise, double rgb[3])
{
    (void)noise;
    int px = (int)(x * WIDTH), py = (int)(y * HEIGHT);
    double grid = (px % 4 == 0) + (py % 4 == 0);
    for (int c = 0; c < 3; c++)
        rgb[c] =
            0.5 + 0.35 * sin(14 * x + 2 * c + 6 * clouds_at(x, y)) * cos(11 * y - c) + 0.04 * grid;
}

static void paint_clouds(double x, double y, uint32_t noise, double rgb[3])
{
    (void)noise;
    double light = clouds_at(x, y);
    rgb[0] = 0.3 + 0.7 * light;
    rgb[1] = 0.45 + 0.55 * light;
    rgb[2] = 0.75 + 0.3 * light;
}

static void paint_row(painter *paint, int row, JSAMPLE *pixels)
{
    for (int x = 0; x < WIDTH; x++) {
        double rgb[3];
        paint((double)x / WIDTH, (double)row / HEIGHT, scatter((uint32_t)x, (uint32_t)row), rgb);
        for (int c = 0; c < 3; c++)
            pixels[3 * x + c] = (JSAMPLE)(255 * fmin(fmax(rgb[c], 0), 1) + 0.5);
    }
}

static int write_jpeg(const char *path, painter *paint)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors; // ends the program on a fault
    FILE *file = fopen(path, "wb");
    if (!file) {
        perror(path);
        return 1;
    }
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, file);
    jpeg.image_width = WIDTH;
    jpeg.image_height = HEIGHT;
    jpeg.input_components = 3;
    jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, QUALITY, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    JSAMPLE pixels[3 * WIDTH], *rows[] = {pixels};
    while (jpeg.next_scanline < jpeg.image_height) {
        paint_row(paint, (int)jpeg.next_scanline, pixels);
        jpeg_write_scanlines(&jpeg, rows, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return fclose(file) == 0 ? 0 : 1;
}

int main(void)
{
    return write_jpeg("scene.jpg", paint_scene) | write_jpeg("grid.jpg", paint_grid) |
           write_jpeg("clouds.jpg", paint_clouds);
}
