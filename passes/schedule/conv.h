// A convolution in register tiles, for the schedules that are made of some: one a kernel
// (passes/schedule/conv.c), or several one after the other on strips
// (passes/schedule/depth_first.c).
#ifndef LG_PASSES_SCHEDULE_CONV_H
#define LG_PASSES_SCHEDULE_CONV_H

#include "passes/schedule/epilogue.h"
#include "passes/schedule/prologue.h"

typedef struct lg_conv {
    lg_schedule *s;
    const lg_op *op;
    const lg_type *x, *f, *y; // x: as it lies in `image`
    int64_t stride[2], pad[2], dilation[2], groups;
    int64_t outputs, inputs; // channels of all groups, of one group
    // Of a convolution 1. Of the gradient of an image its stride: pixels so far apart, and their
    // taps, are a convolution of stride 1 each; `stride` is 1.
    int64_t apart[2];
    lg_tile tile;
    int64_t block;         // channels in a block of the image's layout (1 block if not blocked)
    int64_t blocks;        // such blocks in a group
    int64_t chunk;         // blocks in a chunk
    int64_t rows, columns; // of a job
    int64_t splits;        // of the panels
    int64_t unroll;        // channels in straight-line code
    bool prefetches;       // the next panel
    lg_kbuffer *image, *filter, *partial;
    lg_epilogue epilogue;
    lg_kx *n, *h0, *h1, *w0, *split; // of the job
    lg_kx *part;                     // number of the job within its image
    // Where images are strips: the row of the whole image that `image` begins with, and what the
    // result is stored in. NULL of whole images.
    lg_kx *image_row;
    lg_kx *image_column; // the same of columns; NULL: all are there
    lg_prologue prologue;
    const lg_strip *strip;
} lg_conv;

// Can the convolution `op`, not in groups, be part of a kernel as its filter lies?
bool lg_conv_takes_filter(const lg_op *op, const lg_target *target);
// Rows (axis 0) or columns (1) of zeros that `op` reads around its image: a convolution, the
// gradient of its image (lg_input_grad_suits) or of its filter.
int64_t lg_conv_border(const lg_op *op, int axis);
// Has `image` a border as wide as that?
bool lg_conv_has_border(const lg_type *image, const lg_op *op);
// Does `image` lie as `op` reads it: in blocks of channels, with a border as wide as the padding?
bool lg_conv_reads_image(const lg_type *image, const lg_op *op, const lg_target *target);
// Such a part: sizes are decided, filter and result bound; image, epilogue and job are left out.
void lg_conv_begin(lg_schedule *s, const lg_op *op, lg_conv *c);
// The buffer of partial sums, where the channels come in chunks.
void lg_conv_alloc_partial(lg_conv *c);
// Computes the pixels of the job in all panels of one run of columns, which belongs to result `r`
// that starts at output channel `start`.
void lg_conv_panels(const lg_conv *c, lg_columns run, int r, int64_t start);

#endif
