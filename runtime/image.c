// The format is told by the first bytes, never by the name. Limits of size live in lg_image_new,
// which every decoder calls with the sizes of the header before it decodes anything.
#include "runtime/image.h"

#include "runtime/read_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const size_t max_file = (size_t)1 << 30;

// `decode` is NULL for formats that are only recognised to give a better message.
static const struct image_format {
    const char *name;
    size_t offset;
    const char *magic;
    size_t length;
    lg_image *(*decode)(const void *, size_t, const char *, lg_error *);
} formats[] = {
    {"JPEG", 0, "\xff\xd8\xff", 3, lg_image_decode_jpeg},
    {"PNG", 0, "\x89PNG\r\n\x1a\n", 8, lg_image_decode_png},
    {"GIF", 0, "GIF8", 4, NULL},
    {"WebP", 8, "WEBP", 4, NULL},
    {"BMP", 0, "BM", 2, NULL},
    {"TIFF", 0, "II*\0", 4, NULL},
    {"TIFF", 0, "MM\0*", 4, NULL},
    {"HEIC or AVIF", 4, "ftyp", 4, NULL},
    {"JPEG 2000", 0, "\0\0\0\x0cjP  ", 8, NULL},
    {"JPEG XL", 0, "\xff\x0a", 2, NULL},
    {"PDF", 0, "%PDF", 4, NULL},
};

lg_image *lg_image_new(int64_t width, int64_t height, lg_error *e)
{
    if (width < 1 || height < 1) {
        lg_fail(e, "an image of %" PRId64 " x %" PRId64 " pixels has nothing to see", width,
                height);
        return NULL;
    }
    if (width > LG_IMAGE_MAX_SIDE || height > LG_IMAGE_MAX_SIDE ||
        width * height > LG_IMAGE_MAX_PIXELS) {
        lg_fail(e,
                "%" PRId64 " x %" PRId64 " pixels are too many (at most %d, and %d a side); make "
                "the image smaller",
                width, height, LG_IMAGE_MAX_PIXELS, LG_IMAGE_MAX_SIDE);
        return NULL;
    }
    lg_image *image = malloc(sizeof *image);
    uint8_t *rgb = malloc((size_t)width * (size_t)height * 3);
    if (!image || !rgb) {
        free(image);
        free(rgb);
        lg_fail(e, "no memory for an image of %" PRId64 " x %" PRId64 " pixels", width, height);
        return NULL;
    }
    *image = (lg_image){.width = (int)width, .height = (int)height, .rgb = rgb};
    return image;
}

void lg_image_free(lg_image *image)
{
    if (image)
        free(image->rgb);
    free(image);
}

lg_image *lg_image_decode(const void *bytes, size_t size, const char *name, lg_error *e)
{
    const char *found = NULL;
    for (size_t i = 0; i < sizeof formats / sizeof *formats && !found; i++) {
        const struct image_format *f = &formats[i];
        if (size < f->offset + f->length ||
            memcmp((const char *)bytes + f->offset, f->magic, f->length) != 0)
            continue;
        if (f->decode)
            return f->decode(bytes, size, name, e);
        found = f->name;
    }
    if (size == 0)
        lg_fail(e, "%s: the file is empty", name);
    else if (found)
        lg_fail(e, "%s: this is %s; convert it to JPEG or PNG", name, found);
    else
        lg_fail(e, "%s: not an image that can be read; JPEG and PNG can", name);
    return NULL;
}

lg_image *lg_image_load(const char *path, lg_error *e)
{
    size_t size;
    unsigned char *bytes = lg_file_read(path, max_file, &size, e);
    if (!bytes)
        return NULL;
    lg_image *image = lg_image_decode(bytes, size, path, e);
    free(bytes);
    return image;
}
