#include "tests/support/accuracy.h"

#include <math.h>
#include <stdlib.h>

#include <check.h>

// Box and Muller's method on a linear congruential generator.
static double draw(uint64_t *state)
{
    double uniform[2];
    for (int i = 0; i < 2; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        uniform[i] = ((double)(*state >> 11) + 0.5) / 9007199254740992.0;
    }
    return sqrt(-2 * log(uniform[0])) * cos(6.283185307179586 * uniform[1]);
}

float *lg_normal_floats(size_t count, double deviation, bool rectified, uint64_t seed)
{
    float *values = calloc(count, sizeof *values);
    ck_assert_ptr_nonnull(values);
    for (size_t i = 0; i < count; i++) {
        double value = deviation * draw(&seed);
        values[i] = (float)(rectified && value < 0 ? 0 : value);
    }
    return values;
}

int lg_conv_case_side(const lg_conv_case *s, int side)
{
    return (side + 2 * s->pad - s->kernel) / s->stride + 1;
}

size_t lg_conv_case_outputs(const lg_conv_case *s)
{
    return (size_t)s->batch * (size_t)lg_conv_case_side(s, s->height) *
           (size_t)lg_conv_case_side(s, s->width) * (size_t)s->outputs;
}

// The sum of output `o` at a pixel whose filter begins at row `top` and column `left`.
static double one_sum(const lg_conv_case *s, const float *image, const float *filter, int top,
                      int left, int o)
{
    int depth = s->inputs / s->groups, first = o / (s->outputs / s->groups) * depth;
    int taps = s->kernel * s->kernel;
    double sum = 0;
    for (int tap = 0; tap < taps; tap++) {
        int row = top + tap / s->kernel, column = left + tap % s->kernel;
        if (row < 0 || row >= s->height || column < 0 || column >= s->width)
            continue;
        const float *pixel = image + (size_t)(row * s->width + column) * (size_t)s->inputs + first;
        for (int c = 0; c < depth; c++)
            sum += (double)pixel[c] * (double)filter[(size_t)(o * depth + c) * (size_t)taps + tap];
    }
    return sum;
}

double *lg_conv_case_in_f64(const lg_conv_case *s, const float *x, const float *filter)
{
    double *right = calloc(lg_conv_case_outputs(s), sizeof *right), *at = right;
    ck_assert_ptr_nonnull(right);
    size_t image = (size_t)s->height * (size_t)s->width * (size_t)s->inputs;
    for (int n = 0; n < s->batch; n++)
        for (int h = 0; h < lg_conv_case_side(s, s->height); h++)
            for (int w = 0; w < lg_conv_case_side(s, s->width); w++)
                for (int o = 0; o < s->outputs; o++)
                    *at++ = one_sum(s, x + (size_t)n * image, filter, h * s->stride - s->pad,
                                    w * s->stride - s->pad, o);
    return right;
}

lg_accuracy lg_accuracy_of(const float *y, const double *right, size_t count)
{
    lg_accuracy result = {0, 0};
    double squares = 0;
    for (size_t i = 0; i < count; i++) {
        double error = fabs(right[i] - (double)y[i]);
        squares += right[i] * right[i];
        result.mean += error;
        result.most = error > result.most ? error : result.most;
    }
    double scale = sqrt(squares / (double)count);
    result.most /= scale;
    result.mean /= scale * (double)count;
    return result;
}
