// conv-gradient: the gradient of a convolution's image is a convolution too.
//
// needs `no composites`; keeps everything, to within rounding. On a CPU, so that the tiled
// schedules compute it: the channels of the filter change places, its taps are turned round, and
// the gradient is convolved with it. Of a stride there is a schedule (schedule/input_grad.c), but
// with groups or dilation zeros go between the elements of the gradient first; a 1x1 filter rather
// convolves the small image, and the zeros go between its result's.
// With k taps that are d apart, the padding p becomes d (k - 1) - p; where that is negative, the
// edge of the gradient falls off.
//
//     %0 = conv2d_input_grad %g, @w {pad=[1,1]} : f32[1,8,8,4]           @w: f32[16,4,3,3]
// becomes
//     %0 = reverse @w {axes=[2,3]} : f32[16,4,3,3]
//     %1 = transpose %0 {perm=[1,0,2,3]} : f32[4,16,3,3]
//     %2 = conv2d %g, %1 {pad=[1,1]} : f32[1,8,8,4]
#include "passes/passes.h"
#include "passes/rewriter.h"
#include "passes/schedule/input_grad.h"

#include <string.h>

// The filter [o,c/groups,kh,kw] as [c,o/groups,kh,kw], the taps in the other order.
static lg_value *turned_filter(lg_rewriter *r, lg_op *op)
{
    lg_value *filter = op->operands[1];
    const int64_t *f = filter->type.dims;
    int64_t groups = lg_op_int(op, LG_ATTR_groups), outputs = f[0] / groups;
    int64_t apart[] = {groups, outputs, f[1], f[2], f[3]};
    int64_t turned[] = {groups * f[1], outputs, f[2], f[3]};
    const int64_t axes[] = {2, 3};
    lg_attr attr = lg_attr_ints(LG_ATTR_axes, 2, axes);
    if (f[2] * f[3] > 1)
        filter = lg_rewrite_build(r, op, LG_OP_reverse, 1, &filter, 1, &attr, NULL);
    if (groups == 1)
        return lg_rewrite_transpose(r, op, filter, (const int64_t[]){1, 0, 2, 3});
    if (outputs == 1 && turned[0] == filter->type.dims[0])
        return filter; // depthwise
    filter = lg_rewrite_reshape(r, op, filter, 5, apart);
    filter = lg_rewrite_transpose(r, op, filter, (const int64_t[]){0, 2, 1, 3, 4});
    return lg_rewrite_reshape(r, op, filter, 4, turned);
}

// stride - 1 zeros behind every row and every column.
static lg_value *stretched(lg_rewriter *r, lg_op *op, lg_value *image, const int64_t *stride)
{
    if (stride[0] == 1 && stride[1] == 1)
        return image;
    const int64_t *d = image->type.dims;
    int64_t apart[] = {d[0], d[1], 1, d[2], 1, d[3]};
    int64_t whole[] = {d[0], d[1] * stride[0], d[2] * stride[1], d[3]};
    int64_t low[6] = {0}, high[6] = {0, 0, stride[0] - 1, 0, stride[1] - 1, 0};
    lg_attr attrs[] = {lg_attr_ints(LG_ATTR_low, 6, low), lg_attr_ints(LG_ATTR_high, 6, high)};
    lg_value *rows = lg_rewrite_reshape(r, op, image, 6, apart);
    rows = lg_rewrite_build(r, op, LG_OP_pad, 1, &rows, 2, attrs, NULL);
    return lg_rewrite_reshape(r, op, rows, 4, whole);
}

// Rows and columns `from`, from + 1, ... of the image, `size` of them, zeros where it has none.
static lg_value *window(lg_rewriter *r, lg_op *op, lg_value *image, const int64_t *from,
                        const int64_t *size)
{
    int64_t low[4] = {0}, high[4] = {0};
    for (int i = 0; i < 2; i++) {
        int64_t length = image->type.dims[1 + i], to = from[i] + size[i];
        int64_t first = from[i] > 0 ? from[i] : 0, last = to < length ? to : length;
        image = lg_rewrite_slice(r, op, image, 1 + i, first, last);
        low[1 + i] = first - from[i];
        high[1 + i] = to - last;
    }
    if (!low[1] && !low[2] && !high[1] && !high[2])
        return image;
    lg_attr attrs[] = {lg_attr_ints(LG_ATTR_low, 4, low), lg_attr_ints(LG_ATTR_high, 4, high)};
    return lg_rewrite_build(r, op, LG_OP_pad, 1, &image, 2, attrs, NULL);
}

static lg_value *convolved(lg_rewriter *r, lg_op *op, lg_value *image, lg_value *filter,
                           const int64_t *pad)
{
    int64_t dilation[] = {lg_op_int_at(op, LG_ATTR_dilation, 0),
                          lg_op_int_at(op, LG_ATTR_dilation, 1)};
    int64_t groups = lg_op_int(op, LG_ATTR_groups);
    lg_attr attrs[3];
    int count = 0;
    if (pad[0] || pad[1])
        attrs[count++] = lg_attr_ints(LG_ATTR_pad, 2, pad);
    if (dilation[0] > 1 || dilation[1] > 1)
        attrs[count++] = lg_attr_ints(LG_ATTR_dilation, 2, dilation);
    if (groups > 1)
        attrs[count++] = lg_attr_int(LG_ATTR_groups, groups);
    return lg_rewrite_build(r, op, LG_OP_conv2d, LG_OPERANDS(image, filter), count, attrs, NULL);
}

static void rewrite(lg_rewriter *r, lg_op *op)
{
    const lg_type *type = &op->results[0]->type;
    const int64_t *taps = op->operands[1]->type.dims + 2, *size = type->dims + 1;
    int64_t stride[2], pad[2], from[2] = {0}, length[2], around[2];
    for (int i = 0; i < 2; i++) {
        int64_t reach = lg_op_int_at(op, LG_ATTR_dilation, i) * (taps[i] - 1);
        stride[i] = lg_op_int_at(op, LG_ATTR_stride, i);
        pad[i] = lg_op_int_at(op, LG_ATTR_pad, i);
        around[i] = reach - pad[i] > 0 ? reach - pad[i] : 0;
        from[i] = reach - pad[i] < 0 ? pad[i] - reach : 0;
        length[i] = size[i] + reach - 2 * around[i];
    }
    lg_value *filter = turned_filter(r, op), *image = op->operands[0];
    if (taps[0] * taps[1] == 1) {
        const int64_t none[2] = {0};
        image = stretched(r, op, convolved(r, op, image, filter, none), stride);
        lg_rewrite_replace(r, op->results[0], window(r, op, image, pad, size));
        return;
    }
    image = window(r, op, stretched(r, op, image, stride), from, length);
    lg_rewrite_replace(r, op->results[0], convolved(r, op, image, filter, around));
}

bool lg_pass_conv_gradient(lg_unit *unit, lg_pass_ctx *ctx)
{
    if (ctx->target->kind != LG_TARGET_CPU)
        return true;
    LG_FOR_FUNCTIONS (f, unit->module) {
        lg_rewriter r;
        lg_rewrite_begin(&r, ctx, f);
        for (lg_op *op; (op = lg_rewrite_next(&r));)
            if (op->code == LG_OP_conv2d_input_grad && op->results[0]->type.dtype == LG_F32 &&
                f->kind != LG_KERNEL && !lg_input_grad_suits(op, ctx->target))
                rewrite(&r, op);
    }
    return true;
}
