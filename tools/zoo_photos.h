// Crops of photographs, 8-bit RGB squares of one size, all decided by a seed.
#ifndef LG_TOOLS_ZOO_PHOTOS_H
#define LG_TOOLS_ZOO_PHOTOS_H

#include "ir/diag.h"
#include "tools/progress.h"

#include <stddef.h>
#include <stdint.h>

typedef struct lg_zoo_crops {
    int size;
    size_t count, reals; // the last ones are the real images
    uint8_t *rgb;        // [count][size][size][3]
    size_t photos;
    uint64_t fingerprint; // of all pixels
} lg_zoo_crops;

// Crops to train on, and real images behind them, of the photographs in `folder` and the folders in
// it, in an order that mixes them: of a square between `size` and four times that, anywhere in a
// photograph that was shrunk to at most that (Pillow's bilinear filter). Photographs that cannot be
// read or are smaller are named in a warning and left out. Of more than 400 photographs 400 are
// taken. False after reporting that none is left. Real images are of quarters of photographs, as
// far as a quarter is not smaller than `size`: of three such photographs or ten smaller ones no
// pixel of a data set's real test images (runtime/dataset.h) is in its real training images. Free
// it in any case.
bool lg_zoo_crops_make(lg_zoo_crops *crops, const char *folder, int size, size_t train,
                       size_t reals, uint64_t seed, lg_progress *progress, lg_diag *diag);
void lg_zoo_crops_free(lg_zoo_crops *crops);
// The pixels of a crop.
const uint8_t *lg_zoo_crop(const lg_zoo_crops *crops, size_t i);
// Bytes of a crop.
size_t lg_zoo_crop_bytes(const lg_zoo_crops *crops);

#endif
