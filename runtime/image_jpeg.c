// libjpeg with Pillow's settings: all defaults, CMYK as Adobe writes it.
//
// libjpeg reports by callbacks and returns from errors by longjmp, so all that must be released
// lives in `decoder`, outside the frame that setjmp can spoil. Warnings that mean lost data (a
// file that ends early, codes that cannot be) are errors here; others are ignored.
#include "runtime/image.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

enum { MAX_SCANS = 500 }; // no real file has more; a forged one would take hours

typedef struct decoder {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    lg_image *image;
    uint8_t *cmyk; // one row, for four-component files
    const char *name;
    lg_error *e;
} decoder;

static void on_error(j_common_ptr info)
{
    decoder *d = info->client_data;
    char text[JMSG_LENGTH_MAX];
    if (info->err->msg_code == JERR_INPUT_EOF || info->err->msg_code == JERR_INPUT_EMPTY)
        lg_fail(d->e, "%s: the JPEG file is truncated", d->name);
    else if (info->err->msg_code == JERR_OUT_OF_MEMORY)
        lg_fail(d->e, "%s: no memory to decode this JPEG", d->name);
    else {
        info->err->format_message(info, text);
        lg_fail(d->e, "%s: damaged JPEG: %s", d->name, text);
    }
    longjmp(d->escape, 1);
}

static void on_message(j_common_ptr info, int level)
{
    decoder *d = info->client_data;
    if (level >= 0)
        return;
    switch (info->err->msg_code) {
    case JWRN_JPEG_EOF:
        lg_fail(d->e, "%s: the JPEG file is truncated", d->name);
        longjmp(d->escape, 1);
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_MUST_RESYNC:
        on_error(info);
    }
}

static void on_output(j_common_ptr info)
{
    (void)info; // libjpeg would print to standard error
}

static void on_progress(j_common_ptr info)
{
    decoder *d = info->client_data;
    if (d->info.input_scan_number > MAX_SCANS) {
        lg_fail(d->e, "%s: damaged JPEG: more than %d scans", d->name, MAX_SCANS);
        longjmp(d->escape, 1);
    }
}

static void start(decoder *d, const void *bytes, size_t size)
{
    struct jpeg_decompress_struct *info = &d->info;
    jpeg_mem_src(info, bytes, size);
    jpeg_read_header(info, TRUE);
    d->image = lg_image_new(info->image_width, info->image_height, d->e);
    if (!d->image) {
        lg_fail_prefix(d->e, "%s: ", d->name);
        longjmp(d->escape, 1);
    }
    if (info->num_components == 4) {
        info->out_color_space = JCS_CMYK;
        d->cmyk = malloc((size_t)info->image_width * 4);
        if (!d->cmyk) {
            lg_fail(d->e, "%s: no memory to decode this JPEG", d->name);
            longjmp(d->escape, 1);
        }
    } else if (info->num_components == 1 || info->num_components == 3) {
        info->out_color_space = JCS_RGB;
    } else {
        lg_fail(d->e, "%s: a JPEG of %d components is not supported; convert it to RGB", d->name,
                info->num_components);
        longjmp(d->escape, 1);
    }
    jpeg_start_decompress(info);
}

// Pillow's CMYK to RGB: with inverted ink c, key k: (255 - k) - c * (255 - k) / 255, rounded.
static void cmyk_to_rgb(const uint8_t *cmyk, uint8_t *rgb, int width)
{
    for (int x = 0; x < width; x++) {
        int white = cmyk[4 * x + 3];
        for (int c = 0; c < 3; c++) {
            int product = (255 - cmyk[4 * x + c]) * white + 128;
            rgb[3 * x + c] = (uint8_t)(white - ((product + (product >> 8)) >> 8));
        }
    }
}

static void read_rows(decoder *d)
{
    size_t stride = (size_t)d->image->width * 3;
    while (d->info.output_scanline < d->info.output_height) {
        uint8_t *rgb = d->image->rgb + d->info.output_scanline * stride;
        JSAMPROW row = d->cmyk ? d->cmyk : rgb;
        jpeg_read_scanlines(&d->info, &row, 1);
        if (d->cmyk)
            cmyk_to_rgb(d->cmyk, rgb, d->image->width);
    }
    jpeg_finish_decompress(&d->info);
}

lg_image *lg_image_decode_jpeg(const void *bytes, size_t size, const char *name, lg_error *e)
{
    decoder *d = calloc(1, sizeof *d);
    if (!d) {
        lg_fail(e, "%s: no memory to decode this JPEG", name);
        return NULL;
    }
    d->name = name;
    d->e = e;
    d->info.err = jpeg_std_error(&d->errors);
    d->info.client_data = d;
    d->errors.error_exit = on_error;
    d->errors.emit_message = on_message;
    d->errors.output_message = on_output;
    d->progress.progress_monitor = on_progress;
    if (setjmp(d->escape) == 0) {
        jpeg_create_decompress(&d->info);
        d->info.progress = &d->progress;
        start(d, bytes, size);
        read_rows(d);
    } else {
        lg_image_free(d->image);
        d->image = NULL;
    }
    lg_image *image = d->image;
    jpeg_destroy_decompress(&d->info);
    free(d->cmyk);
    free(d);
    return image;
}
