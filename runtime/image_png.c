// libpng's own transformations bring every kind of PNG to 8-bit RGB.
//
// libpng returns from errors by longjmp, so all that must be released lives in `decoder`, outside
// the frame that setjmp can spoil.
#include "runtime/image.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

typedef struct decoder {
    png_structp png;
    png_infop info;
    const uint8_t *at;
    size_t left;
    lg_image *image;
    png_bytep *rows;
    const char *name;
    lg_error *e;
} decoder;

static void on_error(png_structp png, png_const_charp text)
{
    decoder *d = png_get_error_ptr(png);
    if (text)
        lg_fail(d->e, "%s: damaged PNG: %s", d->name, text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png; // libpng would print to standard error
    (void)text;
}

// Leaves a message of our own; a NULL text tells on_error to keep it.
static void stop(decoder *d)
{
    png_longjmp(d->png, 1);
}

static void on_read(png_structp png, png_bytep out, size_t size)
{
    decoder *d = png_get_io_ptr(png);
    if (size > d->left) {
        lg_fail(d->e, "%s: the PNG file is truncated", d->name);
        stop(d);
    }
    memcpy(out, d->at, size);
    d->at += size;
    d->left -= size;
}

static void start(decoder *d)
{
    png_structp png = d->png;
    png_set_read_fn(png, d, on_read);
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff); // lg_image_new has the say, and tells why
    png_read_info(png, d->info);
    d->image =
        lg_image_new(png_get_image_width(png, d->info), png_get_image_height(png, d->info), d->e);
    if (!d->image) {
        lg_fail_prefix(d->e, "%s: ", d->name);
        stop(d);
    }
    png_set_strip_16(png); // the high byte, as Pillow takes it
    if (png_get_color_type(png, d->info) == PNG_COLOR_TYPE_PALETTE)
        png_set_palette_to_rgb(png);
    else if (png_get_bit_depth(png, d->info) < 8)
        png_set_expand_gray_1_2_4_to_8(png);
    png_set_gray_to_rgb(png);
    png_set_strip_alpha(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, d->info);
    if (png_get_rowbytes(png, d->info) != (size_t)d->image->width * 3)
        png_error(png, "rows of an unexpected size");
}

static void read_rows(decoder *d)
{
    d->rows = malloc((size_t)d->image->height * sizeof *d->rows);
    if (!d->rows) {
        lg_fail(d->e, "%s: no memory to decode this PNG", d->name);
        stop(d);
    }
    for (int y = 0; y < d->image->height; y++)
        d->rows[y] = d->image->rgb + (size_t)y * (size_t)d->image->width * 3;
    png_read_image(d->png, d->rows);
    png_read_end(d->png, NULL);
}

lg_image *lg_image_decode_png(const void *bytes, size_t size, const char *name, lg_error *e)
{
    decoder *d = calloc(1, sizeof *d);
    if (d) {
        *d = (decoder){.at = bytes, .left = size, .name = name, .e = e};
        d->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, d, on_error, on_warning);
        d->info = d->png ? png_create_info_struct(d->png) : NULL;
    }
    lg_image *image = NULL;
    if (!d || !d->info) {
        lg_fail(e, "%s: no memory to decode this PNG", name);
    } else if (setjmp(png_jmpbuf(d->png)) == 0) {
        start(d);
        read_rows(d);
        image = d->image;
        d->image = NULL;
    }
    if (d) {
        lg_image_free(d->image);
        free(d->rows);
        png_destroy_read_struct(&d->png, &d->info, NULL);
    }
    free(d);
    return image;
}
