// Which gradients of images are computed directly, and what they read.
//
// With a stride s, pixel i of the image met the taps k = (i + padding) mod s, and every s-th from
// there on, and no others: in the windows (i + padding - k) / s. So pixels that are s apart are a
// convolution of stride 1 with every s-th tap, and nothing is multiplied by zero.
#include "passes/schedule/input_grad.h"

bool lg_input_grad_suits(const lg_op *op, const lg_target *target)
{
    if (op->code != LG_OP_conv2d_input_grad || target->kind != LG_TARGET_CPU ||
        op->results[0]->type.dtype != LG_F32 || op->operands[0]->type.dtype != LG_F32 ||
        op->operands[1]->type.dtype != LG_F32 || lg_op_int(op, LG_ATTR_groups) > 1)
        return false;
    int64_t stride = 1;
    for (int i = 0; i < 2; i++) {
        stride *= lg_op_int_at(op, LG_ATTR_stride, i);
        if (lg_op_int_at(op, LG_ATTR_dilation, i) > 1)
            return false;
    }
    return stride > 1;
}

int64_t lg_input_grad_border(const lg_op *op, int axis)
{
    int64_t stride = lg_op_int_at(op, LG_ATTR_stride, axis);
    int64_t pad = lg_op_int_at(op, LG_ATTR_pad, axis);
    int64_t taps = op->operands[1]->type.dims[2 + axis];
    int64_t windows = op->operands[0]->type.dims[1 + axis];
    int64_t pixels = op->results[0]->type.dims[1 + axis];
    int64_t last = (pixels - 1 + pad) / stride, border = last - (windows - 1);
    for (int64_t i = 0; i < stride && i < pixels; i++) {
        int64_t first = (i + pad) / stride, tap = (i + pad) % stride;
        int64_t before = tap < taps ? (taps - 1 - tap) / stride - first : 0;
        border = before > border ? before : border;
    }
    return border > 0 ? border : 0;
}
