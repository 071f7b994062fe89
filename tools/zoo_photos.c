// Every photograph is decoded once, its crops are taken, and it is forgotten. Crop i of those to
// train on comes from photograph i mod the number of those that can be read, so any run of them has
// them all.
//
// Real images come from regions, the quarters of photographs, which are dealt out to as many parts
// as data sets split real images into: image i is of a region of part i mod LG_REAL_SPLIT. So no
// pixel is in training and test, but what a photograph shows does not tell which is which: other
// quarters of every photograph of a test are in training.
#include "tools/zoo_photos.h"

#include "runtime/dataset.h"
#include "runtime/image_files.h"
#include "runtime/random.h"
#include "runtime/resize.h"
#include "tools/cli.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { MOST_PHOTOS = 400, MOST_SCALE = 4, QUARTERS = 4 };

// Where crops are taken from, in pixels of the photograph as it was shrunk.
typedef struct region {
    const lg_image *photo;
    int left, top, width, height;
} region;

typedef struct cropping {
    lg_zoo_crops *crops;
    lg_file_list files;
    uint32_t *order; // of the files, shuffled
    size_t order_count;
    lg_image **photos;
    region *regions;
    size_t region_count;
    lg_progress *progress;
    lg_diag *diag;
} cropping;

// Shrunk so that the shorter side is at most four crops.
static lg_image *load(const char *path, int size, lg_error *e)
{
    lg_image *image = lg_image_load(path, e);
    if (!image)
        return NULL;
    int side = image->width < image->height ? image->width : image->height;
    if (side < size) {
        lg_fail(e, "%s: %d x %d pixels are too few for crops of %d", path, image->width,
                image->height, size);
        lg_image_free(image);
        return NULL;
    }
    if (side <= MOST_SCALE * size)
        return image;
    double scale = (double)MOST_SCALE * size / side;
    int width = (int)(image->width * scale + 0.5), height = (int)(image->height * scale + 0.5);
    lg_image *small = lg_image_resize(image, width, height, e);
    lg_image_free(image);
    return small;
}

static bool shuffle_files(cropping *c, uint64_t seed)
{
    size_t count = c->files.count;
    c->order = malloc((count + 1) * sizeof *c->order);
    if (!c->order)
        return lg_error_at(c->diag, (lg_location){0}, "no memory");
    for (size_t i = 0; i < count; i++)
        c->order[i] = (uint32_t)i;
    lg_random random = lg_random_start(seed, 0);
    lg_random_shuffle(&random, c->order, count);
    c->order_count = count < MOST_PHOTOS ? count : MOST_PHOTOS;
    return true;
}

static bool load_photos(cropping *c)
{
    lg_error error;
    c->photos = calloc(c->order_count + 1, sizeof(lg_image *));
    if (!c->photos)
        return lg_error_at(c->diag, (lg_location){0}, "no memory");
    for (size_t i = 0; i < c->order_count; i++) {
        lg_progress_count(c->progress, "reading photographs", i, c->order_count);
        lg_image *photo = load(c->files.paths[c->order[i]], c->crops->size, &error);
        if (photo)
            c->photos[c->crops->photos++] = photo;
        else
            lg_warning_at(c->diag, (lg_location){0}, "%s; left out", error.message);
    }
    return true;
}

static bool take_crop(const region *of, int size, lg_random *random, uint8_t *rgb, lg_error *e)
{
    const lg_image *photo = of->photo;
    int most = of->width < of->height ? of->width : of->height;
    int side = size + (int)lg_random_below(random, (uint64_t)(most - size) + 1);
    int left = of->left + (int)lg_random_below(random, (uint64_t)(of->width - side) + 1);
    int top = of->top + (int)lg_random_below(random, (uint64_t)(of->height - side) + 1);
    lg_image *square = lg_image_new(side, side, e);
    if (!square)
        return false;
    for (int y = 0; y < side; y++)
        memcpy(square->rgb + (size_t)y * (size_t)side * 3,
               photo->rgb + ((size_t)(top + y) * (size_t)photo->width + (size_t)left) * 3,
               (size_t)side * 3);
    lg_image *crop = lg_image_resize(square, size, size, e);
    lg_image_free(square);
    if (crop)
        memcpy(rgb, crop->rgb, (size_t)size * (size_t)size * 3);
    lg_image_free(crop);
    return crop;
}

static region whole(const lg_image *photo)
{
    assert(photo && "load_photos made it");
    return (region){.photo = photo, .width = photo->width, .height = photo->height};
}

// Quarter 0 to 3, row by row.
static region quarter_of(const lg_image *photo, int quarter)
{
    int width = photo->width / 2, height = photo->height / 2;
    bool right = quarter % 2, below = quarter / 2;
    return (region){.photo = photo,
                    .left = right ? width : 0,
                    .top = below ? height : 0,
                    .width = right ? photo->width - width : width,
                    .height = below ? photo->height - height : height};
}

// The quarters of a photograph follow each other, so they are in different parts. One too small for
// quarters is in one part as a whole.
static bool deal_regions(cropping *c)
{
    size_t photos = c->crops->photos;
    c->regions = malloc((QUARTERS * photos + 1) * sizeof *c->regions);
    if (!c->regions)
        return lg_error_at(c->diag, (lg_location){0}, "no memory");
    for (size_t p = 0; p < photos; p++) {
        const lg_image *photo = c->photos[p];
        assert(photo && "load_photos made it");
        int shorter = photo->width < photo->height ? photo->width : photo->height;
        bool is_cut = shorter / 2 >= c->crops->size;
        for (int i = 0; i < (is_cut ? QUARTERS : 1); i++)
            c->regions[c->region_count++] = is_cut ? quarter_of(photo, i) : whole(photo);
    }
    return true;
}

// Of regions i, i + LG_REAL_SPLIT, ... one after the other; of any where there are too few.
static const region *region_of(const cropping *c, size_t real)
{
    assert(c->region_count > 0 && "there is a photograph");
    size_t part = real % LG_REAL_SPLIT;
    if (part >= c->region_count)
        return &c->regions[real % c->region_count];
    size_t of_part = (c->region_count - part + LG_REAL_SPLIT - 1) / LG_REAL_SPLIT;
    return &c->regions[part + LG_REAL_SPLIT * (real / LG_REAL_SPLIT % of_part)];
}

static bool take_crops(cropping *c, uint64_t seed)
{
    lg_zoo_crops *crops = c->crops;
    lg_error error;
    size_t bytes = lg_zoo_crop_bytes(crops), train = crops->count - crops->reals;
    crops->rgb = malloc(crops->count * bytes + 1);
    if (!crops->rgb)
        return lg_error_at(c->diag, (lg_location){0}, "no memory for %zu crops", crops->count);
    for (size_t i = 0; i < crops->count; i++) {
        lg_random random = lg_random_start(seed, i + 1);
        region of = i < train ? whole(c->photos[i % crops->photos]) : *region_of(c, i - train);
        if (!take_crop(&of, crops->size, &random, crops->rgb + i * bytes, &error))
            return lg_cli_fail(c->diag, &error);
    }
    crops->fingerprint = XXH64(crops->rgb, crops->count * bytes, seed);
    return true;
}

bool lg_zoo_crops_make(lg_zoo_crops *crops, const char *folder, int size, size_t train,
                       size_t reals, uint64_t seed, lg_progress *progress, lg_diag *diag)
{
    lg_error error;
    *crops = (lg_zoo_crops){.size = size, .count = train + reals, .reals = reals};
    cropping c = {.crops = crops, .progress = progress, .diag = diag};
    bool good = lg_image_files(folder, &c.files, &error) || lg_cli_fail(diag, &error);
    good = good && shuffle_files(&c, seed) && load_photos(&c);
    if (good && crops->photos == 0)
        good = lg_error_at(diag, (lg_location){.file = folder},
                           "no photograph in it that can be cropped to %d x %d pixels", size, size);
    good = good && deal_regions(&c) && take_crops(&c, seed);
    for (size_t i = 0; c.photos && i < crops->photos; i++)
        lg_image_free(c.photos[i]);
    free(c.regions);
    free(c.photos);
    free(c.order);
    lg_file_list_free(&c.files);
    return good;
}

void lg_zoo_crops_free(lg_zoo_crops *crops)
{
    free(crops->rgb);
    *crops = (lg_zoo_crops){0};
}

const uint8_t *lg_zoo_crop(const lg_zoo_crops *crops, size_t i)
{
    return crops->rgb + i * lg_zoo_crop_bytes(crops);
}

size_t lg_zoo_crop_bytes(const lg_zoo_crops *crops)
{
    return (size_t)crops->size * (size_t)crops->size * 3;
}
