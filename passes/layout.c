// layout: how every value of a func lies in memory, for the schedules of the target.
//
// needs `fused`; makes `layouts`. On a CPU
//   - images get channels in blocks of a vector and a border of zeros as wide as the widest padding
//     that reads them (lg_image_layout)
//   - filters and the right operands of matmuls that are packed symbols lie in panels; @pack writes
//     them so
//   - the parts of an image concat are windows of its result, so that nothing is copied
//   - what can't change its layout (inputs, results, reshaped values) is copied for a convolution
// The option `plain` leaves everything row-major.
//
//     %0 = call @conv2d(%x, @w) : f32[1,8,8,16]
//     %1 = call @conv2d.1(%0, @v) : f32[1,8,8,16]                     padding 1
// becomes, for vectors of 8,
//     %0 = call @conv2d(%x, @w) : f32[1,8,8,16]{0 1+1 3/8 2+1 3%8}
//     %1 = call @conv2d.1(%0, @v) : f32[1,8,8,16]{0 1 3/8 2+1 3%8}
#include "passes/outline.h"
#include "passes/passes.h"
#include "passes/rewriter.h"
#include "passes/schedule/conv.h"
#include "passes/schedule/conv_choice.h"
#include "passes/schedule/depthwise.h"
#include "passes/schedule/filter_grad.h"
#include "passes/schedule/input_grad.h"
#include "passes/schedule/split_conv.h"

#include <assert.h>

typedef struct layouter {
    lg_unit *unit;
    lg_pass_ctx *ctx;
    lg_function *function;
    lg_arena *arena;           // of the module: layouts stay
    lg_map border_h, border_w; // value -> border + 1 that a convolution needs
    lg_map fixed;              // value -> 1: must stay row-major
    lg_map window;             // value -> 1: its layout is a window of a concat
} layouter;

static bool is_kernel_result(const lg_value *value)
{
    return value->kind == LG_VALUE_RESULT && value->op->code == LG_OP_call;
}

// ---- what is asked of values

static void at_least(lg_map *map, const lg_value *value, int64_t n)
{
    lg_map_entry *e = lg_map_at(map, value);
    e->as.number = e->as.number > n + 1 ? e->as.number : n + 1;
}

static int64_t border_of(const lg_map *map, const lg_value *value)
{
    int64_t n = lg_map_number(map, value);
    return n ? n - 1 : 0;
}

static bool is_convolution(const layouter *l, const lg_op *op)
{
    bool split = op->code == LG_OP_split_conv2d && l->ctx->target->matrix_unit;
    return op->code == LG_OP_conv2d || op->code == LG_OP_winograd_conv2d || split ||
           lg_input_grad_suits(op, l->ctx->target);
}

// How many of the first operands of `op` are images that its schedule reads; the first with a
// border as wide as the padding.
static int count_images(const layouter *l, const lg_op *op)
{
    return is_convolution(l, op) ? 1 : lg_filter_grad_suits(op, l->ctx->target) ? 2 : 0;
}

// Does it want this one in lg_image_layout? What a prologue makes lies as the schedule likes.
static bool is_laid_image(const lg_value *image)
{
    return image->kind == LG_VALUE_ARGUMENT && image->type.dtype == LG_F32;
}

static void note_convolutions(layouter *l, const lg_op *call)
{
    LG_FOR_OPS (op, lg_op_callee(call)) {
        int images = count_images(l, op);
        for (int i = 0; i < images; i++) {
            if (!is_laid_image(op->operands[i]))
                continue;
            const lg_value *image = call->operands[op->operands[i]->index];
            at_least(&l->border_h, image, i ? 0 : lg_conv_border(op, 0));
            at_least(&l->border_w, image, i ? 0 : lg_conv_border(op, 1));
        }
    }
}

static void note_uses(layouter *l)
{
    for (int i = 0; i < l->function->results.count; i++)
        lg_map_at(&l->fixed, l->function->results.items[i])->as.number = 1;
    LG_FOR_OPS (op, l->function) {
        if (op->code == LG_OP_call) {
            note_convolutions(l, op);
            continue;
        }
        if (op->code == LG_OP_concat)
            continue;
        for (int i = 0; i < op->operand_count; i++)
            lg_map_at(&l->fixed, op->operands[i])->as.number = 1;
        if (op->result_count)
            lg_map_at(&l->fixed, op->results[0])->as.number = 1;
    }
}

// ---- giving layouts

// Sets the layout of a kernel's result everywhere it is known: at the call and in the kernel.
static void set_layout(lg_value *value, const lg_layout *layout)
{
    value->type.layout = layout;
    if (!is_kernel_result(value))
        return;
    lg_function *callee = lg_op_callee(value->op);
    callee->results.items[value->index]->type.layout = layout;
}

// The kernels' arguments follow what they are called with.
static void tell_callees(lg_function *function)
{
    LG_FOR_OPS (op, function) {
        if (op->code != LG_OP_call)
            continue;
        lg_function *callee = lg_op_callee(op);
        for (int i = 0; i < op->operand_count; i++)
            callee->arguments.items[i]->type = op->operands[i]->type;
    }
}

static bool wants_image_layout(const layouter *l, const lg_value *value)
{
    const lg_type *t = &value->type;
    if (t->rank != 4 || t->dtype != LG_F32 || t->layout)
        return false;
    return lg_map_number(&l->border_h, value) || (t->dims[1] * t->dims[2] > 1);
}

static const lg_layout *image_layout(const layouter *l, const lg_value *value)
{
    return lg_image_layout(l->arena, l->ctx->target, &value->type, border_of(&l->border_h, value),
                           border_of(&l->border_w, value));
}

// A kernel that copies `value` before `at` into `layout`.
static lg_value *relaid(layouter *l, lg_op *at, lg_value *value, const lg_layout *layout)
{
    lg_type type = value->type;
    type.layout = layout;
    lg_function *kernel = lg_function_new(l->unit->module, LG_KERNEL, "relayout");
    kernel->where = at->where;
    lg_value *x = lg_function_argument(kernel, "x0", value->type);
    lg_value *y = lg_build(kernel, NULL, LG_OP_relayout, LG_OPERANDS(x), 0, NULL, &type, at->where);
    lg_function_return(kernel, "y0", y);
    lg_op *call = lg_build_call(l->function, at, kernel, &value, at->where);
    l->ctx->changes++;
    return call->results[0];
}

// Lets operand `i` of the call be a copy in the layout of images, if it can't change its own.
static void copy_fixed_image(layouter *l, lg_op *call, int i, lg_map *copies)
{
    lg_value *image = call->operands[i];
    if (!lg_map_number(&l->border_h, image) || image->type.layout ||
        (is_kernel_result(image) && !lg_map_number(&l->fixed, image)))
        return;
    const lg_layout *layout = image_layout(l, image);
    if (!layout)
        return;
    lg_map_entry *copy = lg_map_at(copies, image);
    if (!copy->as.pointer)
        copy->as.pointer = relaid(l, call, image, layout);
    // Other uses in this kernel (a residual) read the copy too: the kernel has one argument.
    call->operands[i] = copy->as.pointer;
}

// An image that can't change its layout is copied before its first convolution, for all of them.
static void copy_fixed_images(layouter *l)
{
    lg_map copies = {.arena = l->ctx->scratch};
    LG_FOR_OPS (call, l->function) {
        if (call->code != LG_OP_call)
            continue;
        LG_FOR_OPS (op, lg_op_callee(call)) {
            int images = count_images(l, op);
            for (int i = 0; i < images; i++)
                if (is_laid_image(op->operands[i]))
                    copy_fixed_image(l, call, op->operands[i]->index, &copies);
        }
    }
}

static void give_image_layouts(layouter *l)
{
    LG_FOR_OPS (op, l->function) {
        for (int i = 0; i < op->result_count; i++) {
            lg_value *value = op->results[i];
            if (is_kernel_result(value) && wants_image_layout(l, value) &&
                !lg_map_number(&l->fixed, value) && !lg_map_number(&l->window, value)) {
                set_layout(value, image_layout(l, value));
                l->ctx->changes++;
            }
        }
    }
}

// ---- concats

static bool can_be_windows(const layouter *l, const lg_op *concat)
{
    if (lg_map_number(&l->fixed, concat->results[0]))
        return false;
    for (int i = 0; i < concat->operand_count; i++) {
        const lg_value *part = concat->operands[i];
        if (!is_kernel_result(part) || lg_map_number(&l->fixed, part) ||
            lg_map_number(&l->window, part))
            return false;
    }
    return true;
}

static void make_windows(layouter *l, const lg_op *concat)
{
    lg_value *whole = concat->results[0];
    for (int i = 0; i < concat->operand_count; i++) { // all share the widest border
        at_least(&l->border_h, whole, border_of(&l->border_h, concat->operands[i]));
        at_least(&l->border_w, whole, border_of(&l->border_w, concat->operands[i]));
    }
    whole->type.layout = image_layout(l, whole);
    int64_t lanes = l->ctx->target->lanes, offset = 0;
    for (int i = 0; i < concat->operand_count; i++) {
        lg_value *part = concat->operands[i];
        lg_layout *window = lg_copy(l->arena, whole->type.layout, sizeof *window);
        for (int d = 0; d < window->count; d++)
            if (window->dims[d].part == LG_PART_OUTER) {
                window->dims[d].offset = offset;
                window->dims[d].extent = whole->type.dims[3] / lanes;
            }
        offset += part->type.dims[3] / lanes;
        set_layout(part, window);
        lg_map_at(&l->window, part)->as.number = 1;
    }
    l->ctx->changes++;
}

// A concat whose parts can't be windows copies them, in a kernel of its own.
static lg_value *copying_concat(lg_function *function, lg_op *concat, lg_arena *scratch)
{
    lg_group group = {0};
    LG_PUSH(scratch, &group.ops, concat);
    lg_op *call = lg_outline(function, &group, NULL, scratch);
    lg_sort_ops(function, scratch);
    return call->results[0];
}

static void copy_concats(lg_function *function, lg_arena *scratch)
{
    for (lg_op *op = function->last, *previous; op; op = previous) {
        previous = op->previous;
        if (op->code == LG_OP_concat)
            copying_concat(function, op, scratch);
    }
}

// Concats from the last to the first: one that is a part of another keeps its own kernel.
static void place_concats(layouter *l)
{
    for (lg_op *op = l->function->last, *previous; op; op = previous) {
        previous = op->previous;
        if (op->code != LG_OP_concat)
            continue;
        if (can_be_windows(l, op) && wants_image_layout(l, op->results[0])) {
            make_windows(l, op);
        } else {
            const lg_value *old = op->results[0];
            int64_t h = lg_map_number(&l->border_h, old), w = lg_map_number(&l->border_w, old);
            const lg_value *made = copying_concat(l->function, op, l->ctx->scratch);
            lg_map_at(&l->border_h, made)->as.number = h;
            lg_map_at(&l->border_w, made)->as.number = w;
        }
    }
}

// ---- weights

static int uses_of_symbol(const lg_module *module, const lg_value *symbol)
{
    int uses = 0;
    LG_FOR_FUNCTIONS (f, module)
        LG_FOR_OPS (op, f)
            for (int i = op->code == LG_OP_write; i < op->operand_count; i++)
                uses += op->operands[i] == symbol;
    return uses;
}

// The value that @pack writes to the symbol, if a kernel makes it for that alone; or NULL.
static lg_value *packed_value(const lg_module *module, const lg_value *symbol)
{
    lg_value *found = NULL;
    LG_FOR_FUNCTIONS (f, module)
        LG_FOR_OPS (op, f) {
            if (op->code != LG_OP_write || op->operands[0] != symbol)
                continue;
            if (found || !is_kernel_result(op->operands[1]) ||
                lg_count_uses(f, op->operands[1]) != 1)
                return NULL;
            found = op->operands[1];
        }
    return found;
}

static bool is_direct(const lg_op *op)
{
    return op->code == LG_OP_conv2d || op->code == LG_OP_conv2d_input_grad;
}

// Do the channels of a filter in parts fill operands of the matrix unit?
static bool fills_operands(const lg_type *filter)
{
    return filter->dims[1] % LG_MATRIX_SIDE == 0 && 2 * filter->dims[2] % LG_MATRIX_DEPTH == 0;
}

// The layout in which `op`, a contraction of the kernel `function`, wants its right operand, or
// NULL.
static const lg_layout *wanted_layout(const layouter *l, const lg_function *function,
                                      const lg_op *op, const lg_value *weight)
{
    const lg_target *target = l->ctx->target;
    if (op->code == LG_OP_winograd_conv2d)
        return lg_winograd_layout(l->arena, target, &weight->type);
    if (op->code == LG_OP_split_conv2d)
        return fills_operands(&weight->type) ? lg_split_layout(l->arena) : NULL;
    if (is_direct(op)) {
        int64_t vectors =
            lg_depthwise_suits(op, target) ? 1 : lg_conv_vectors(function, op, target);
        return vectors
                   ? lg_filter_layout(l->arena, target, &weight->type, lg_conv_outputs(op), vectors)
                   : NULL;
    }
    bool transposed = lg_op_int(op, LG_ATTR_tb);
    int64_t columns = weight->type.dims[weight->type.rank - (transposed ? 2 : 1)];
    bool packed = weight->kind == LG_VALUE_SYMBOL && weight->symbol->role == LG_ROLE_PACKED;
    return packed && columns > 1
               ? lg_matrix_layout(l->arena, l->ctx->target, &weight->type, transposed)
               : NULL;
}

// The right operand of `op` as an argument of its kernel, if its layout matters; or NULL.
static const lg_value *weight_argument(const layouter *l, const lg_op *op)
{
    bool reads = (is_convolution(l, op) || op->code == LG_OP_matmul) &&
                 op->operands[1]->kind == LG_VALUE_ARGUMENT &&
                 (op->code == LG_OP_split_conv2d || op->operands[1]->type.dtype == LG_F32);
    return reads ? op->operands[1] : NULL;
}

// Can `op` read `weight` in `layout`? Convolutions that share a filter agree on one width of
// panels.
static bool takes_layout(const layouter *l, const lg_function *function, const lg_op *op,
                         const lg_value *weight, const lg_layout *layout)
{
    if (!is_direct(op))
        return lg_layout_equal(wanted_layout(l, function, op, weight), layout);
    lg_type laid = weight->type;
    laid.layout = layout;
    int vectors = lg_filter_vectors(l->ctx->target, &laid, lg_conv_outputs(op));
    return lg_depthwise_suits(op, l->ctx->target)
               ? vectors == 1
               : lg_conv_takes(function, op, l->ctx->target, vectors);
}

// How many contractions that `function` calls can read `weight` in `layout`?
static int count_taking(const layouter *l, const lg_function *function, const lg_value *weight,
                        const lg_layout *layout)
{
    int taking = 0;
    LG_FOR_OPS (call, function) {
        if (call->code != LG_OP_call)
            continue;
        LG_FOR_OPS (op, lg_op_callee(call)) {
            const lg_value *argument = weight_argument(l, op);
            if (argument && call->operands[argument->index] == weight)
                taking += takes_layout(l, lg_op_callee(call), op, weight, layout);
        }
    }
    return taking;
}

// Can every use of the packed symbol in the module read it in `layout`?
static bool all_take(const layouter *l, const lg_value *symbol, const lg_layout *layout)
{
    int taking = 0;
    LG_FOR_FUNCTIONS (f, l->unit->module)
        taking += count_taking(l, f, symbol, layout);
    return taking >= uses_of_symbol(l->unit->module, symbol);
}

// Is it made by a kernel of this func for nothing but contractions that can read it in `layout`?
static bool is_made_for(const layouter *l, const lg_value *value, const lg_layout *layout)
{
    return is_kernel_result(value) && lg_op_callee(value->op)->results.count == 1 &&
           count_taking(l, l->function, value, layout) == lg_count_uses(l->function, value);
}

// Lets operand `i` of the call lie in `layout`: a packed weight is written so, one that a kernel
// makes is made so, anything else copied.
static void require_weight(layouter *l, lg_op *call, int i, const lg_layout *layout)
{
    lg_value *weight = call->operands[i];
    if (weight->type.layout || !layout)
        return;
    lg_value *written = weight->kind == LG_VALUE_SYMBOL && weight->symbol->role == LG_ROLE_PACKED &&
                                all_take(l, weight, layout)
                            ? packed_value(l->unit->module, weight)
                            : NULL;
    if (written || is_made_for(l, weight, layout)) {
        if (written)
            set_layout(written, layout);
        set_layout(weight, layout);
        l->ctx->changes++;
    } else {
        call->operands[i] = relaid(l, call, weight, layout);
    }
}

static void give_weight_layouts(layouter *l)
{
    LG_FOR_OPS (call, l->function) {
        if (call->code != LG_OP_call)
            continue;
        LG_FOR_OPS (op, lg_op_callee(call)) {
            const lg_value *argument = weight_argument(l, op);
            if (argument)
                require_weight(
                    l, call, argument->index,
                    wanted_layout(l, lg_op_callee(call), op, call->operands[argument->index]));
        }
    }
}

// Every call has a kernel of its own, so that its types can be set.
static void unshare(lg_module *module, lg_function *function, lg_arena *scratch)
{
    lg_map seen = {.arena = scratch};
    LG_FOR_OPS (op, function) {
        if (op->code != LG_OP_call)
            continue;
        lg_function *callee = lg_op_callee(op);
        if (!lg_map_number(&seen, callee)) {
            lg_map_at(&seen, callee)->as.number = 1;
            continue;
        }
        lg_function *copy = lg_function_new(module, LG_KERNEL, callee->name);
        lg_map copies = {.arena = scratch};
        for (int i = 0; i < callee->arguments.count; i++) {
            const lg_value *a = callee->arguments.items[i];
            lg_map_at(&copies, a)->as.pointer = lg_function_argument(copy, a->name, a->type);
        }
        LG_FOR_OPS (inner, callee) {
            lg_value **operands = LG_NEW_ARRAY(scratch, lg_value *, inner->operand_count);
            for (int i = 0; i < inner->operand_count; i++)
                operands[i] = lg_map_pointer(&copies, inner->operands[i]);
            lg_op *made = lg_op_copy(copy, NULL, inner, operands, NULL);
            lg_map_at(&copies, inner->results[0])->as.pointer = made->results[0];
        }
        for (int i = 0; i < callee->results.count; i++)
            lg_function_return(copy, callee->result_names.items[i],
                               lg_map_pointer(&copies, callee->results.items[i]));
        op->attrs[0].as.function = copy;
    }
}

bool lg_pass_layout(lg_unit *unit, lg_pass_ctx *ctx)
{
    if (lg_pass_option_value(ctx, "plain", 0) || ctx->target->kind != LG_TARGET_CPU) {
        LG_FOR_FUNCTIONS (function, unit->module)
            if (function->kind == LG_FUNC)
                copy_concats(function, ctx->scratch);
        return true;
    }
    LG_FOR_FUNCTIONS (function, unit->module) {
        if (function->kind != LG_FUNC)
            continue;
        layouter l = {.unit = unit, .ctx = ctx, .function = function, .arena = unit->module->arena};
        l.border_h.arena = l.border_w.arena = l.fixed.arena = l.window.arena = ctx->scratch;
        unshare(unit->module, function, ctx->scratch);
        note_uses(&l);
        place_concats(&l);
        give_image_layouts(&l);
        copy_fixed_images(&l);
        give_weight_layouts(&l);
    }
    LG_FOR_FUNCTIONS (function, unit->module)
        if (function->kind == LG_FUNC)
            tell_callees(function);
    return true;
}
