// Contractions of the graph IR. A convolution and its two gradients are one walk: wherever a tap of
// the filter meets a pixel of the image and a pixel of the output, a vector of input channels x,
// one of output channels y and a matrix w of the filter belong together, and
//
//     conv2d               y += w x
//     conv2d_input_grad    x += w^T y
//     conv2d_filter_grad   w += y x^T
#include "ir/interp_internal.h"

// ---- matmul

// An operand's matrices: distance of rows and columns, and of matrices along each leading axis.
typedef struct matrices {
    const lg_number *data;
    int64_t row, column;
    int64_t batch[LG_MAX_RANK];
} matrices;

static matrices matrices_of(const lg_array *array, bool transposed)
{
    const lg_type *type = &array->type;
    int64_t width = type->dims[type->rank - 1], stride = width * type->dims[type->rank - 2];
    matrices m = {.data = array->data, .row = width, .column = 1};
    if (transposed) {
        m.row = 1;
        m.column = width;
    }
    for (int axis = type->rank - 3; axis >= 0; axis--) {
        m.batch[axis] = type->dims[axis] == 1 ? 0 : stride;
        stride *= type->dims[axis];
    }
    return m;
}

static const lg_number *matrix_at(const matrices *m, const lg_type *result, int64_t batch)
{
    int64_t offset = 0;
    for (int axis = result->rank - 3; axis >= 0; axis--) {
        offset += batch % result->dims[axis] * m->batch[axis];
        batch /= result->dims[axis];
    }
    return m->data + offset;
}

// The matrix of a transposed operand in row-major order, so that the innermost loop runs along it.
static const lg_number *in_rows(const matrices *m, const lg_number *matrix, int64_t rows,
                                int64_t columns, lg_number *copy)
{
    if (m->column == 1)
        return matrix;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++)
            copy[i * columns + j] = matrix[i * m->row + j * m->column];
    return copy;
}

void lg_eval_matmul(lg_arena *scratch, const lg_op *op, lg_array *const *operands, lg_array *result)
{
    const lg_type *type = &result->type, *left = &operands[0]->type;
    bool ta = lg_op_int(op, LG_ATTR_ta), tb = lg_op_int(op, LG_ATTR_tb);
    matrices a = matrices_of(operands[0], ta), b = matrices_of(operands[1], tb);
    int64_t rows = type->dims[type->rank - 2], columns = type->dims[type->rank - 1];
    int64_t depth = left->dims[ta ? left->rank - 2 : left->rank - 1];
    double *line = LG_NEW_ARRAY(scratch, double, columns);
    lg_number *copy = tb ? LG_NEW_ARRAY(scratch, lg_number, depth * columns) : NULL;
    int64_t batches = lg_type_elements(type) / (rows * columns);
    for (int64_t batch = 0; batch < batches; batch++) {
        const lg_number *x = matrix_at(&a, type, batch);
        const lg_number *y = in_rows(&b, matrix_at(&b, type, batch), depth, columns, copy);
        for (int64_t i = 0; i < rows; i++) {
            for (int64_t j = 0; j < columns; j++)
                line[j] = 0;
            for (int64_t k = 0; k < depth; k++) {
                double scale = x[i * a.row + k * a.column].f;
                for (int64_t j = 0; j < columns; j++)
                    line[j] += scale * y[k * columns + j].f;
            }
            for (int64_t j = 0; j < columns; j++)
                result->data[(batch * rows + i) * columns + j].f = line[j];
        }
    }
}

// ---- convolution

// x[inputs], y[outputs] and w[inputs][outputs] of one tap at one place.
typedef void tap_fn(double *restrict x, double *restrict y, double *restrict w, int64_t inputs,
                    int64_t outputs);

static void tap_output(double *restrict x, double *restrict y, double *restrict w, int64_t inputs,
                       int64_t outputs)
{
    for (int64_t c = 0; c < inputs; c++)
        for (int64_t o = 0; o < outputs; o++)
            y[o] += x[c] * w[c * outputs + o];
}

static void tap_input(double *restrict x, double *restrict y, double *restrict w, int64_t inputs,
                      int64_t outputs)
{
    for (int64_t c = 0; c < inputs; c++)
        for (int64_t o = 0; o < outputs; o++)
            x[c] += y[o] * w[c * outputs + o];
}

static void tap_filter(double *restrict x, double *restrict y, double *restrict w, int64_t inputs,
                       int64_t outputs)
{
    for (int64_t c = 0; c < inputs; c++)
        for (int64_t o = 0; o < outputs; o++)
            w[c * outputs + o] += x[c] * y[o];
}

// Sizes of a convolution, whichever of its three tensors is asked for.
typedef struct convolution {
    const int64_t *image, *filter, *output; // dims of [n,h,w,c], [o,c/groups,kh,kw], [n,oh,ow,o]
    int64_t stride[2], pad[2], dilation[2], groups;
} convolution;

static convolution convolution_of(const lg_op *op, const lg_array *image, const lg_array *filter,
                                  const lg_array *output)
{
    convolution c = {.image = image->type.dims,
                     .filter = filter->type.dims,
                     .output = output->type.dims,
                     .groups = lg_op_int(op, LG_ATTR_groups)};
    for (int i = 0; i < 2; i++) {
        c.stride[i] = lg_op_int_at(op, LG_ATTR_stride, i);
        c.pad[i] = lg_op_int_at(op, LG_ATTR_pad, i);
        c.dilation[i] = lg_op_int_at(op, LG_ATTR_dilation, i);
    }
    return c;
}

// The place of filter[o][c][kh][kw] in `packed`, which is [group][kh][kw][c][o in group].
static int64_t packed_at(const convolution *c, int64_t o, int64_t channel, int64_t tap)
{
    int64_t outputs = c->filter[0] / c->groups, taps = c->filter[2] * c->filter[3];
    return ((o / outputs * taps + tap) * c->filter[1] + channel) * outputs + o % outputs;
}

// Copies the filter to `packed`, or back.
static void pack_filter(const convolution *c, lg_number *filter, double *packed, bool back)
{
    int64_t taps = c->filter[2] * c->filter[3];
    for (int64_t o = 0; o < c->filter[0]; o++)
        for (int64_t channel = 0; channel < c->filter[1]; channel++)
            for (int64_t tap = 0; tap < taps; tap++) {
                lg_number *element = &filter[(o * c->filter[1] + channel) * taps + tap];
                double *place = &packed[packed_at(c, o, channel, tap)];
                if (back)
                    element->f = *place;
                else
                    *place = element->f;
            }
}

// All taps at one pixel of the output: `image` is that of the batch, `y` the pixel.
static void walk_taps(const convolution *c, const int64_t *pixel, double *image, double *y,
                      double *packed, tap_fn *tap)
{
    int64_t inputs = c->filter[1], outputs = c->filter[0] / c->groups;
    int64_t taps = c->filter[2] * c->filter[3];
    for (int64_t t = 0; t < taps; t++) {
        int64_t at[2] = {t / c->filter[3], t % c->filter[3]};
        bool inside = true;
        for (int i = 0; i < 2; i++) {
            at[i] = pixel[i] * c->stride[i] - c->pad[i] + at[i] * c->dilation[i];
            inside &= at[i] >= 0 && at[i] < c->image[1 + i];
        }
        if (!inside)
            continue;
        double *x = image + (at[0] * c->image[2] + at[1]) * c->image[3];
        for (int64_t g = 0; g < c->groups; g++)
            tap(x + g * inputs, y + g * outputs, packed + (g * taps + t) * inputs * outputs, inputs,
                outputs);
    }
}

static void walk(const convolution *c, double *image, double *output, double *packed, tap_fn *tap)
{
    int64_t pixels = c->output[1] * c->output[2];
    for (int64_t n = 0; n < c->output[0]; n++)
        for (int64_t p = 0; p < pixels; p++) {
            int64_t pixel[2] = {p / c->output[2], p % c->output[2]};
            walk_taps(c, pixel, image + n * c->image[1] * c->image[2] * c->image[3],
                      output + (n * pixels + p) * c->output[3], packed, tap);
        }
}

// The numbers of a float array as what they are.
static double *doubles(const lg_array *array)
{
    _Static_assert(sizeof(lg_number) == sizeof(double), "a union of nothing larger");
    return &array->data->f;
}

static void convolve(lg_arena *scratch, const lg_op *op, lg_array *image, lg_array *filter,
                     lg_array *output, tap_fn *tap)
{
    convolution c = convolution_of(op, image, filter, output);
    double *packed = LG_NEW_ARRAY(scratch, double, lg_type_elements(&filter->type));
    pack_filter(&c, filter->data, packed, false);
    walk(&c, doubles(image), doubles(output), packed, tap);
    if (tap == tap_filter)
        pack_filter(&c, filter->data, packed, true);
}

void lg_eval_conv2d(lg_arena *scratch, const lg_op *op, lg_array *const *operands, lg_array *result)
{
    convolve(scratch, op, operands[0], operands[1], result, tap_output);
}

// The filter that the parts [parts,o,c/2,kh,kw,2] add up to, [o,c,kh,kw].
static lg_array *sum_of_parts(lg_arena *scratch, const lg_array *parts)
{
    lg_type type = lg_split_filter(&parts->type);
    lg_array *filter = lg_array_new(scratch, &type);
    int64_t pairs = parts->type.dims[2], taps = type.dims[2] * type.dims[3];
    int64_t count = lg_type_elements(&parts->type);
    for (int64_t i = 0; i < count; i++) {
        int64_t tap = i / 2 % taps, pair = i / 2 / taps % pairs;
        int64_t o = i / 2 / taps / pairs % type.dims[0];
        filter->data[(o * type.dims[1] + 2 * pair + i % 2) * taps + tap].f += parts->data[i].f;
    }
    return filter;
}

void lg_eval_split_conv2d(lg_arena *scratch, const lg_op *op, lg_array *const *operands,
                          lg_array *result)
{
    convolve(scratch, op, operands[0], sum_of_parts(scratch, operands[1]), result, tap_output);
}

void lg_eval_conv2d_input_grad(lg_arena *scratch, const lg_op *op, lg_array *const *operands,
                               lg_array *result)
{
    convolve(scratch, op, result, operands[1], operands[0], tap_input);
}

void lg_eval_conv2d_filter_grad(lg_arena *scratch, const lg_op *op, lg_array *const *operands,
                                lg_array *result)
{
    convolve(scratch, op, operands[0], result, operands[1], tap_filter);
}
