// A horizontal pass to 8 bits, then a vertical pass on its result; weights in fixed point.
//
// The weights are computed in double in exactly Pillow's order of operations (its file Resample.c),
// so this file must be compiled with -ffp-contract=off. The passes are interleaved: the rows that
// the current output row needs stay in a ring, so the intermediate image never exists as a whole
// and large photos stay in the cache.
#include "runtime/resize.h"

#include <stdlib.h>
#include <string.h>

enum { WEIGHT_BITS = 22, ROUND = 1 << (WEIGHT_BITS - 1) };

// Where each output takes its inputs from, and how much of each.
typedef struct taps {
    int *first;       // [outputs]
    int *count;       // [outputs], 1..capacity
    int32_t *weights; // [outputs][capacity], sum 2^WEIGHT_BITS but for rounding
    int capacity;
} taps;

static void free_taps(taps *t)
{
    free(t->first);
    free(t->count);
    free(t->weights);
}

static double triangle(double x)
{
    x = x < 0.0 ? -x : x;
    return x < 1.0 ? 1.0 - x : 0.0;
}

static void fill_taps(taps *t, double *exact, int inputs, int outputs)
{
    double scale = (double)inputs / outputs;
    double support = scale < 1.0 ? 1.0 : scale;
    double inverse = 1.0 / support;
    for (int o = 0; o < outputs; o++) {
        double center = (o + 0.5) * scale, sum = 0.0;
        int low = (int)(center - support + 0.5), high = (int)(center + support + 0.5);
        low = low < 0 ? 0 : low;
        high = high > inputs ? inputs : high;
        int32_t *weights = t->weights + (size_t)o * (size_t)t->capacity;
        int count = high - low;
        for (int i = 0; i < count; i++) {
            exact[i] = triangle((low + i - center + 0.5) * inverse);
            sum += exact[i];
        }
        for (int i = 0; i < count; i++) {
            double weight = sum != 0.0 ? exact[i] / sum : exact[i];
            weights[i] = (int32_t)(0.5 + weight * (1 << WEIGHT_BITS));
        }
        t->first[o] = low;
        t->count[o] = count;
    }
}

static bool make_taps(taps *t, int inputs, int outputs)
{
    double scale = (double)inputs / outputs;
    int capacity = 2 * (int)(scale < 1.0 ? 1.0 : scale + 1.0) + 2;
    *t = (taps){.capacity = capacity};
    t->first = calloc((size_t)outputs, sizeof *t->first);
    t->count = calloc((size_t)outputs, sizeof *t->count);
    t->weights = calloc((size_t)outputs * (size_t)capacity, sizeof *t->weights);
    double *exact = calloc((size_t)capacity, sizeof *exact);
    bool ok = t->first && t->count && t->weights && exact;
    if (ok)
        fill_taps(t, exact, inputs, outputs);
    free(exact);
    return ok;
}

static uint8_t clamp(int32_t sum)
{
    int32_t value = sum >> WEIGHT_BITS;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void resize_row(const uint8_t *in, uint8_t *out, int width, const taps *t)
{
    for (int x = 0; x < width; x++) {
        const int32_t *weights = t->weights + (size_t)x * (size_t)t->capacity;
        const uint8_t *pixel = in + (size_t)t->first[x] * 3;
        int32_t r = ROUND, g = ROUND, b = ROUND;
        for (int i = 0; i < t->count[x]; i++, pixel += 3) {
            r += pixel[0] * weights[i];
            g += pixel[1] * weights[i];
            b += pixel[2] * weights[i];
        }
        out[3 * x] = clamp(r);
        out[3 * x + 1] = clamp(g);
        out[3 * x + 2] = clamp(b);
    }
}

static void add_row(int32_t *restrict sums, const uint8_t *restrict row, int32_t weight,
                    size_t size)
{
    for (size_t i = 0; i < size; i++)
        sums[i] += row[i] * weight;
}

// Rows already brought to the output's width; row y of the source lives in slot y % capacity.
typedef struct row_ring {
    uint8_t *rows;
    int capacity;
    int next; // first source row that is not in the ring yet
} row_ring;

static const uint8_t *ring_row(row_ring *ring, const lg_image *in, int y, int width,
                               const taps *horizontal)
{
    size_t stride = (size_t)width * 3;
    if (in->width == width)
        return in->rgb + (size_t)y * stride;
    for (; ring->next <= y; ring->next++)
        resize_row(in->rgb + (size_t)ring->next * (size_t)in->width * 3,
                   ring->rows + (size_t)(ring->next % ring->capacity) * stride, width, horizontal);
    return ring->rows + (size_t)(y % ring->capacity) * stride;
}

static void resize_rows(const lg_image *in, lg_image *out, const taps *horizontal,
                        const taps *vertical, row_ring *ring, int32_t *sums)
{
    size_t stride = (size_t)out->width * 3;
    for (int y = 0; y < out->height; y++) {
        uint8_t *to = out->rgb + (size_t)y * stride;
        if (in->height == out->height) {
            memcpy(to, ring_row(ring, in, y, out->width, horizontal), stride);
            continue;
        }
        const int32_t *weights = vertical->weights + (size_t)y * (size_t)vertical->capacity;
        for (size_t i = 0; i < stride; i++)
            sums[i] = ROUND;
        for (int t = 0; t < vertical->count[y]; t++)
            add_row(sums, ring_row(ring, in, vertical->first[y] + t, out->width, horizontal),
                    weights[t], stride);
        for (size_t i = 0; i < stride; i++)
            to[i] = clamp(sums[i]);
    }
}

lg_image *lg_image_resize(const lg_image *image, int width, int height, lg_error *e)
{
    lg_image *out = lg_image_new(width, height, e);
    if (!out)
        return NULL;
    taps horizontal = {0}, vertical = {0};
    bool ok =
        make_taps(&horizontal, image->width, width) && make_taps(&vertical, image->height, height);
    row_ring ring = {.capacity = vertical.capacity};
    int32_t *sums = NULL;
    if (ok) {
        ring.rows = malloc((size_t)ring.capacity * (size_t)width * 3);
        sums = malloc((size_t)width * 3 * sizeof *sums);
        ok = ring.rows && sums;
    }
    if (ok) {
        resize_rows(image, out, &horizontal, &vertical, &ring, sums);
    } else {
        lg_fail(e, "no memory to resize an image to %d x %d pixels", width, height);
        lg_image_free(out);
        out = NULL;
    }
    free(ring.rows);
    free(sums);
    free_taps(&horizontal);
    free_taps(&vertical);
    return out;
}
