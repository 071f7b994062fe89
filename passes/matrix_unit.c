// matrix-unit: convolutions on a unit that multiplies blocks of bf16, to the accuracy of f32.
//
// needs `no composites`; keeps everything, to within rounding. A float is the sum of a bf16, the
// bf16 nearest to what is left, and so on (op `split`): two parts hold it to 2^-17, three to 2^-24.
// A product of two floats is then a sum of products of parts, of which those that fall below the
// last part are left out: three of four, or six of nine, in accumulators of f32 (Henry, Tang and
// Heinecke, Leveraging the bfloat16 Artificial Intelligence Datatype for Higher-Precision
// Computations, 2019). Such a unit is so much faster than vectors that six products still pay.
//
//     %0 = conv2d %x, @w {pad=[1,1]} : f32[1,64,64,32]                        @w: f32[32,64,3,3]
// becomes
//     %0 = reshape @w : f32[32,32,2,3,3]
//     %1 = transpose %0 {perm=[0,1,3,4,2]} : f32[32,32,3,3,2]
//     %2 = split %1 : bf16[2,32,32,3,3,2]
//     %3 = split_conv2d %x, %2 {pad=[1,1]} : f32[1,64,64,32]
//
// of filters that `prepack` computes once; one that changes at every call (training) would have to
// be cut at every call. Where the target has no such unit nothing is done.
#include "passes/matrix_unit.h"

#include "passes/passes.h"
#include "passes/rewriter.h"
#include "passes/schedule/split_jobs.h"
#include "passes/winograd.h"

enum { OFF = -1, DEFAULT = 0 };

bool lg_matrix_unit_suits(const lg_op *conv, const lg_target *target)
{
    if (!target->matrix_unit || conv->code != LG_OP_conv2d ||
        conv->results[0]->type.dtype != LG_F32)
        return false;
    const int64_t *filter = conv->operands[1]->type.dims;
    return filter[0] / lg_op_int(conv, LG_ATTR_groups) % LG_MATRIX_SIDE == 0 &&
           filter[1] % LG_MATRIX_DEPTH == 0 && lg_op_int_at(conv, LG_ATTR_dilation, 0) == 1 &&
           lg_op_int_at(conv, LG_ATTR_dilation, 1) == 1;
}

double lg_matrix_cycles(const lg_op *conv, const lg_target *target, int parts)
{
    const int64_t *y = conv->results[0]->type.dims, *filter = conv->operands[1]->type.dims;
    lg_split_jobs jobs = {
        .batch = y[0],
        .tall = y[1],
        .wide = y[2],
        .inputs = conv->operands[0]->type.dims[3],
        .outputs = y[3],
        .groups = lg_op_int(conv, LG_ATTR_groups),
        .kernel = {filter[2], filter[3]},
        .stride = {lg_op_int_at(conv, LG_ATTR_stride, 0), lg_op_int_at(conv, LG_ATTR_stride, 1)},
        .parts = parts,
        .divisible = true};
    lg_split_choose_jobs(&jobs, target);
    return lg_split_cycles(&jobs, target);
}

bool lg_matrix_unit_pays(const lg_op *conv, const lg_target *target, int parts)
{
    return lg_matrix_unit_suits(conv, target) &&
           lg_matrix_cycles(conv, target, parts) < lg_vector_cycles(conv, target);
}

// ---- the rewrite

// The filter with input channels in pairs, [o,c/2,kh,kw,2], in its parts.
static lg_value *cut_filter(lg_rewriter *r, lg_op *conv, int parts)
{
    lg_value *filter = conv->operands[1];
    const int64_t *f = filter->type.dims;
    lg_value *pairs =
        lg_rewrite_reshape(r, conv, filter, 5, (int64_t[]){f[0], f[1] / 2, 2, f[2], f[3]});
    lg_value *adjoining = lg_rewrite_transpose(r, conv, pairs, (int64_t[]){0, 1, 3, 4, 2});
    lg_type type = lg_type_make(LG_BF16, 6, (int64_t[]){parts, f[0], f[1] / 2, f[2], f[3], 2});
    return lg_rewrite_build(r, conv, LG_OP_split, LG_OPERANDS(adjoining), 0, NULL, &type);
}

static void rewrite(lg_rewriter *r, lg_op *conv, int parts)
{
    lg_attr attrs[LG_ATTR_COUNT];
    int count = 0;
    for (int i = 0; i < conv->attr_count; i++)
        if (conv->attrs[i].name != LG_ATTR_dilation)
            attrs[count++] = conv->attrs[i];
    lg_value *filter = cut_filter(r, conv, parts);
    lg_value *y = lg_rewrite_build(r, conv, LG_OP_split_conv2d,
                                   LG_OPERANDS(conv->operands[0], filter), count, attrs, NULL);
    lg_rewrite_replace(r, conv->results[0], y);
}

static void rewrite_all(lg_function *function, lg_pass_ctx *ctx, int64_t wanted)
{
    lg_packable packable = lg_packable_of(function, ctx->scratch);
    lg_rewriter r;
    lg_rewrite_begin(&r, ctx, function);
    for (lg_op *op; (op = lg_rewrite_next(&r));) {
        if (!lg_matrix_unit_suits(op, ctx->target) || !lg_is_packable(&packable, op->operands[1]))
            continue;
        if (wanted != DEFAULT || lg_matrix_unit_pays(op, ctx->target, LG_MATRIX_PARTS))
            rewrite(&r, op, wanted == DEFAULT ? LG_MATRIX_PARTS : (int)wanted);
    }
}

bool lg_pass_matrix_unit(lg_unit *unit, lg_pass_ctx *ctx)
{
    int64_t wanted = lg_pass_option_of(ctx, "parts");
    if (wanted != OFF && wanted != DEFAULT && wanted != 2 && wanted != 3)
        return lg_error_at(ctx->diag, (lg_location){0},
                           "matrix-unit: %lld parts: there are 2, 3, 0 to choose, and -1 for none",
                           (long long)wanted);
    if (wanted == OFF || !ctx->target->matrix_unit)
        return true;
    LG_FOR_FUNCTIONS (function, unit->module)
        if (function->kind == LG_FUNC)
            rewrite_all(function, ctx, wanted);
    return true;
}
