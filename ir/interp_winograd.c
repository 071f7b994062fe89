// Winograd's convolution as ir/winograd.h states it, tile by tile. Tiles at the lower and right
// edge reach beyond the output; inputs outside of the image are zero.
#include "ir/interp_internal.h"
#include "ir/winograd.h"

typedef struct tile {
    const lg_winograd *w;
    const lg_type *image, *output;
    const lg_number *x, *u; // the image of this batch, the transformed filter
    lg_number *y;
    int64_t pad[2], h, v; // of the first output pixel
    double *inputs;       // [c][n][n], transformed
} tile;

// to[rows][columns] = left[rows][inner] from[inner][inner] right^T, right[columns][inner]: both
// matrices are `rows` x `inner`.
static void sandwich(const double (*matrix)[LG_WINOGRAD_MOST], int rows, int inner,
                     const double *from, double *to)
{
    double half[LG_WINOGRAD_MOST][LG_WINOGRAD_MOST];
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < inner; j++) {
            half[i][j] = 0;
            for (int l = 0; l < inner; l++)
                half[i][j] += matrix[i][l] * from[l * inner + j];
        }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < rows; j++) {
            to[i * rows + j] = 0;
            for (int l = 0; l < inner; l++)
                to[i * rows + j] += half[i][l] * matrix[j][l];
        }
}

void lg_eval_winograd_filter(lg_arena *scratch, const lg_op *op, lg_array *const *operands,
                             lg_array *result)
{
    (void)scratch, (void)op;
    int n = (int)result->type.dims[2];
    lg_winograd w;
    lg_winograd_make(&w, n - 2);
    int64_t filters = result->type.dims[0] * result->type.dims[1];
    for (int64_t f = 0; f < filters; f++)
        for (int i = 0; i < n * n; i++) {
            double sum = 0;
            for (int tap = 0; tap < 9; tap++)
                sum += w.filter[i / n][tap / 3] * w.filter[i % n][tap % 3] *
                       operands[0]->data[f * 9 + tap].f;
            result->data[f * n * n + i].f = sum;
        }
}

static double pixel(const tile *t, int64_t h, int64_t v, int64_t c)
{
    const int64_t *dims = t->image->dims;
    bool inside = h >= 0 && h < dims[1] && v >= 0 && v < dims[2];
    return inside ? t->x[(h * dims[2] + v) * dims[3] + c].f : 0;
}

static void transform_inputs(const tile *t)
{
    int n = t->w->n;
    double square[LG_WINOGRAD_MOST * LG_WINOGRAD_MOST] = {0};
    for (int64_t c = 0; c < t->image->dims[3]; c++) {
        for (int i = 0; i < n * n; i++)
            square[i] = pixel(t, t->h - t->pad[0] + i / n, t->v - t->pad[1] + i % n, c);
        sandwich(t->w->input, n, n, square, t->inputs + c * n * n);
    }
}

static void output_channel(const tile *t, int64_t o)
{
    int n = t->w->n, m = t->w->m;
    int64_t channels = t->image->dims[3];
    double products[LG_WINOGRAD_MOST * LG_WINOGRAD_MOST] = {0};
    double result[LG_WINOGRAD_MOST * LG_WINOGRAD_MOST] = {0};
    for (int64_t c = 0; c < channels; c++)
        for (int i = 0; i < n * n; i++)
            products[i] += t->u[(o * channels + c) * n * n + i].f * t->inputs[c * n * n + i];
    sandwich(t->w->output, m, n, products, result);
    const int64_t *dims = t->output->dims;
    for (int i = 0; i < m * m; i++) {
        int64_t h = t->h + i / m, v = t->v + i % m;
        if (h < dims[1] && v < dims[2])
            t->y[(h * dims[2] + v) * dims[3] + o].f = result[i];
    }
}

void lg_eval_winograd_conv2d(lg_arena *scratch, const lg_op *op, lg_array *const *operands,
                             lg_array *result)
{
    const lg_type *image = &operands[0]->type, *filter = &operands[1]->type;
    const lg_type *output = &result->type;
    lg_winograd w;
    lg_winograd_make(&w, (int)filter->dims[2] - 2);
    tile t = {.w = &w,
              .image = image,
              .output = output,
              .u = operands[1]->data,
              .pad = {lg_op_int_at(op, LG_ATTR_pad, 0), lg_op_int_at(op, LG_ATTR_pad, 1)},
              .inputs = LG_NEW_ARRAY(scratch, double, image->dims[3] * w.n * w.n)};
    for (int64_t b = 0; b < image->dims[0]; b++) {
        t.x = operands[0]->data + b * image->dims[1] * image->dims[2] * image->dims[3];
        t.y = result->data + b * output->dims[1] * output->dims[2] * output->dims[3];
        for (t.h = 0; t.h < output->dims[1]; t.h += w.m)
            for (t.v = 0; t.v < output->dims[2]; t.v += w.m) {
                transform_inputs(&t);
                for (int64_t o = 0; o < output->dims[3]; o++)
                    output_channel(&t, o);
            }
    }
}
