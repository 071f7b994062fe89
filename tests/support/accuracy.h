// How exact compiled code is: inputs like those of a network, and errors in the field's measure.
#ifndef LG_TESTS_SUPPORT_ACCURACY_H
#define LG_TESTS_SUPPORT_ACCURACY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// `count` normally distributed numbers with this standard deviation; `rectified`: max(., 0) of
// them. The caller's, to free().
float *lg_normal_floats(size_t count, double deviation, bool rectified, uint64_t seed);

// A convolution of images [batch,height,width,inputs] with filters [outputs,inputs/groups,k,k].
typedef struct lg_conv_case {
    int batch, height, width, inputs, outputs, kernel, stride, pad, groups;
} lg_conv_case;

int lg_conv_case_side(const lg_conv_case *shape, int side); // of the result, for one of the image
size_t lg_conv_case_outputs(const lg_conv_case *shape);     // numbers of the result
// Computed in f64. The caller's, to free().
double *lg_conv_case_in_f64(const lg_conv_case *shape, const float *x, const float *filter);

// Largest and mean error, relative to the root of the mean square of what is right.
typedef struct lg_accuracy {
    double most, mean;
} lg_accuracy;

lg_accuracy lg_accuracy_of(const float *y, const double *right, size_t count);

#endif
