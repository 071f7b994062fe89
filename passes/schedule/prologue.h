// What comes before a contraction in its kernel: elementwise ops on the image that it reads.
#ifndef LG_PASSES_SCHEDULE_PROLOGUE_H
#define LG_PASSES_SCHEDULE_PROLOGUE_H

#include "passes/schedule/schedule.h"

// A copy of a part of an image, computed from what the kernel reads: `buffer` holds as one image of
// `type` what begins at `origin` (image, row, column, channel) of `value`.
typedef struct lg_prologue {
    const lg_value *value; // NULL: there is none, the image is an argument
    lg_kbuffer *buffer;
    lg_type type;
    lg_kx *origin[4];
} lg_prologue;

// Is `image` computed in whole vectors of channels, by elementwise ops on arguments?
bool lg_prologue_suits(const lg_value *image, const lg_target *target);
// The buffer of a part of `size` (images, rows, columns, channels); these are whole vectors.
void lg_prologue_alloc(lg_schedule *s, const lg_value *value, const int64_t size[4],
                       lg_prologue *p);
// Computes the part from `origin` on: what of it lies outside the image is zero.
void lg_prologue_fill(lg_schedule *s, lg_prologue *p, lg_kx *const origin[4]);
// `lanes` elements of `value` at `at`, which may lie outside the image: there zeros.
lg_kx *lg_prologue_element(lg_schedule *s, const lg_value *value, const lg_index *at, int lanes);

#endif
