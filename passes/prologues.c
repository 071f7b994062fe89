// y = relu(z * scale + shift) behind a convolution whose sums make scale and shift can't be
// computed in that convolution's kernel, and costs a pass over memory in one of its own: z is read,
// y written. Whatever reads y can as well read z, and compute y on the way into its tiles (a
// prologue, passes/schedule/prologue.h). If all readers do, y is never stored:
//
//     stored     images read to make it + 2 (a write fetches the line first) + 1 a reader
//     prologue   images read to make it, by every reader
//
// The count leaves out that jobs which read the same pixels (panels of a filter's gradient, the
// border of a tile) each compute them. No gain has been shown so far, so pass fuse leaves images
// alone unless it is asked.
#include "passes/prologues.h"

#include "passes/outline.h"
#include "passes/readers.h"
#include "passes/rewriter.h"
#include "passes/schedule/depthwise.h"
#include "passes/schedule/filter_grad.h"

enum { MOST_OPS = 12, MOST_LEAVES = 4, LEAST_SAVED = 2 };

// The elementwise ops that make an image, and the images that they read.
typedef struct chain {
    lg_map ops; // op -> 1
    int op_count;
    const lg_value *leaves[MOST_LEAVES];
    int leaf_count;
    bool good;
} chain;

static bool is_elementwise(const lg_op *op)
{
    return lg_op_info_of(op->code)->class == LG_CLASS_ELEMENTWISE;
}

static void add_leaf(const lg_readers *readers, const lg_value *value, chain *c)
{
    for (int i = 0; i < c->leaf_count; i++)
        if (c->leaves[i] == value)
            return;
    // It has to be in memory anyway: made alone, it could as well be part of the chain.
    bool stored = value->kind != LG_VALUE_RESULT || lg_readers_count(readers, value) > 1;
    c->good &= stored && value->type.dtype == LG_F32 && c->leaf_count < MOST_LEAVES;
    if (c->good)
        c->leaves[c->leaf_count++] = value;
}

static void follow(const lg_readers *readers, const lg_value *value, const lg_type *type, chain *c)
{
    if (!c->good || lg_is_duplicated(value))
        return;
    const lg_op *op = value->kind == LG_VALUE_RESULT ? value->op : NULL;
    bool first = c->op_count == 0, spread = op && op->code == LG_OP_broadcast;
    if (!spread && !lg_shape_equal(&value->type, type)) {
        c->good = false;
        return;
    }
    if (!spread &&
        !(op && is_elementwise(op) && (first || lg_readers_count(readers, value) == 1))) {
        add_leaf(readers, value, c);
        return;
    }
    lg_map_at(&c->ops, op)->as.number = 1;
    c->good = ++c->op_count <= MOST_OPS;
    for (int i = 0; i < op->operand_count && !spread; i++)
        follow(readers, op->operands[i], type, c);
}

// Can the reader's kernel compute the image as a prologue?
static bool takes(const lg_op *reader, const lg_value *image, const lg_target *target)
{
    bool gradient = reader->code == LG_OP_conv2d_filter_grad;
    if (!gradient && reader->code != LG_OP_conv2d && reader->code != LG_OP_winograd_conv2d)
        return false;
    for (int i = 0; i < reader->operand_count; i++)
        if (reader->operands[i]->type.dtype != LG_F32)
            return false;
    if (gradient ? !lg_filter_grad_suits(reader, target) : reader->operands[1] == image)
        return false;
    if (reader->code == LG_OP_winograd_conv2d)
        return true;
    return (gradient || !lg_depthwise_suits(reader, target)) &&
           lg_op_int(reader, LG_ATTR_groups) == 1;
}

static bool pays(const lg_readers *readers, const lg_value *image, const chain *c,
                 const lg_target *target)
{
    const lg_reader_list *list = lg_readers_of(readers, image);
    int contractions = 0;
    for (int i = 0; i < list->count; i++) {
        const lg_op *reader = list->items[i];
        bool taken = takes(reader, image, target);
        contractions += taken;
        if (!taken &&
            !(is_elementwise(reader) && lg_shape_equal(&reader->results[0]->type, &image->type)))
            return false;
    }
    int stored = c->leaf_count + 2 + list->count, copied = c->leaf_count * list->count;
    return contractions > 0 && stored - copied >= LEAST_SAVED;
}

static lg_value *copy(lg_function *function, lg_op *before, lg_value *value, const chain *c,
                      lg_map *marks, lg_arena *scratch)
{
    if (value->kind != LG_VALUE_RESULT || !lg_map_number(&c->ops, value->op))
        return value;
    lg_op *op = value->op;
    lg_value **operands = LG_NEW_ARRAY(scratch, lg_value *, op->operand_count + 1);
    for (int i = 0; i < op->operand_count; i++)
        operands[i] = copy(function, before, op->operands[i], c, marks, scratch);
    lg_op *made = lg_op_copy(function, before, op, operands, NULL);
    if (marks)
        lg_map_at(marks, made)->as.number = 1;
    return made->results[0];
}

static void copy_for_readers(lg_function *function, lg_readers *readers, lg_value *image,
                             const chain *c, lg_map *copies, lg_arena *scratch)
{
    const lg_reader_list *list = lg_readers_of(readers, image);
    for (int i = 0; i < list->count; i++) {
        lg_op *reader = list->items[i];
        lg_value *own = NULL;
        for (int j = 0; j < reader->operand_count; j++) {
            if (reader->operands[j] != image)
                continue;
            if (!own)
                own = copy(function, reader, image, c, is_elementwise(reader) ? NULL : copies,
                           scratch);
            reader->operands[j] = own;
        }
        if (own)
            lg_readers_add(readers, own, reader);
    }
}

int lg_copy_prologues(lg_function *function, const lg_target *target, int64_t most, lg_map *copies,
                      lg_arena *scratch)
{
    int count = 0;
    lg_readers readers = lg_readers_find(function, scratch);
    LG_FOR_OPS (op, function) {
        if (!is_elementwise(op))
            continue;
        lg_value *image = op->results[0];
        if (image->type.rank != 4 || image->type.dtype != LG_F32 ||
            image->type.dims[1] * image->type.dims[2] == 1 || image->type.dims[3] % target->lanes ||
            lg_readers_is_returned(&readers, image))
            continue;
        chain c = {.ops = {.arena = scratch}, .good = lg_readers_count(&readers, image) > 1};
        follow(&readers, image, &image->type, &c);
        if (!c.good || c.leaf_count == 0 || c.leaf_count > most ||
            !pays(&readers, image, &c, target))
            continue;
        copy_for_readers(function, &readers, image, &c, copies, scratch);
        readers = lg_readers_find(function, scratch); // of the leaves too
        count++;
    }
    return count;
}
