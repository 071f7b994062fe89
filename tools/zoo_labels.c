// One walk over @infer, from its image back, marks the ops that count; the rest is counting. The
// marks are numbers in the values (id), set and read within one call.
#include "tools/zoo_labels.h"

#include <assert.h>
#include <string.h>

typedef enum layer_kind { NO_LAYER, CONV, FC, POOL, NORM, LAYER_KINDS } layer_kind;

// The places of architecture values, in the order of runtime/hyperparameters.def.
enum column {
#define LG_CONTINUOUS(column, label, cut, cut2, min, max) COLUMN_##column,
#define LG_DISCRETE(column, label) COLUMN_##column,
#include "runtime/hyperparameters.def"
    COLUMNS
};
static_assert((int)COLUMNS == (int)LG_ARCHITECTURE_VALUES, "all have a place");

typedef struct name_code {
    const char *name; // of an op or a composite
    int code;
} name_code;

enum { NORM_NONE = 3, ACT_NONE = 5, UP_NONE = 3, MOST_CODES = 8 };
static const name_code norms[] = {{"batch_norm", 0}, {"instance_norm", 1}, {"group_norm", 4}, {0}};
static const name_code lasts[] = {{"relu", 0},    {"tanh", 1}, {"leaky_relu", 2},
                                  {"sigmoid", 3}, {"silu", 4}, {0}};
static const name_code acts[] = {{"elu", 0},     {"relu", 1}, {"leaky_relu", 2},
                                 {"sigmoid", 3}, {"silu", 5}, {0}};
static const name_code ups[] = {
    {"upsample_nearest", 0}, {"conv2d_input_grad", 1}, {"resize_bilinear", 2}, {0}};

// What an op is called: of a call what its composite is.
static const char *kind_name(const lg_op *op)
{
    const lg_function *callee = op->code == LG_OP_call ? lg_op_callee(op) : NULL;
    return callee && callee->composite ? callee->composite : lg_op_info_of(op->code)->name;
}

// -1: none of these.
static int find_code(const name_code *codes, const lg_op *op)
{
    const char *name = kind_name(op);
    for (; codes->name; codes++)
        if (strcmp(codes->name, name) == 0)
            return codes->code;
    return -1;
}

// ---- what the image is made of

static bool is_constant(const lg_value *value)
{
    if (value->kind != LG_VALUE_RESULT)
        return false;
    for (int i = 0; i < value->op->operand_count; i++)
        if (!is_constant(value->op->operands[i]))
            return false;
    return true;
}

// The parameter that an operand is, perhaps moved about or multiplied by a mask; NULL if it hangs
// on anything that is computed from inputs.
static const lg_symbol *parameter_of(const lg_value *value)
{
    if (value->kind == LG_VALUE_SYMBOL)
        return value->symbol->role == LG_ROLE_PARAM ? value->symbol : NULL;
    if (value->kind != LG_VALUE_RESULT || value->op->code == LG_OP_call)
        return NULL;
    const lg_symbol *found = NULL;
    for (int i = 0; i < value->op->operand_count; i++) {
        const lg_symbol *symbol = parameter_of(value->op->operands[i]);
        if (!symbol && !is_constant(value->op->operands[i]))
            return NULL;
        found = symbol ? symbol : found;
    }
    return found;
}

static const lg_symbol *layer_parameter(const lg_op *op)
{
    return op->operand_count > 1 ? parameter_of(op->operands[1]) : NULL;
}

static layer_kind layer_of(const lg_op *op)
{
    const char *name = kind_name(op);
    if (op->code == LG_OP_conv2d || op->code == LG_OP_conv2d_input_grad)
        return CONV;
    if (op->code == LG_OP_matmul)
        return layer_parameter(op) ? FC : NO_LAYER;
    if (strcmp(name, "max_pool") == 0 || strcmp(name, "avg_pool") == 0)
        return POOL;
    return find_code(norms, op) >= 0 ? NORM : NO_LAYER;
}

static void clear_ids(const lg_function *f)
{
    LG_FOR_OPS (op, f)
        for (int i = 0; i < op->result_count; i++)
            op->results[i]->id = 0;
    for (int i = 0; i < f->arguments.count; i++)
        f->arguments.items[i]->id = 0;
    LG_FOR_SYMBOLS (symbol, f->module)
        symbol->value->id = 0;
}

// Sets the id of every value that `image` hangs on to 1. Ops stand behind their operands.
static void mark_needed(const lg_function *f, lg_value *image)
{
    clear_ids(f);
    image->id = 1;
    for (lg_op *op = f->last; op; op = op->previous) {
        bool needed = false;
        for (int i = 0; i < op->result_count; i++)
            needed |= op->results[i]->id != 0;
        for (int i = 0; needed && i < op->operand_count; i++)
            op->operands[i]->id = 1;
    }
}

static bool is_needed(const lg_op *op)
{
    return op->result_count > 0 && op->results[0]->id != 0;
}

// ---- counts

// Of "decoder.block3.1.conv.weight" the characters of "decoder.block3"; 0: in no block.
static size_t block_length(const char *name)
{
    for (const char *at = name; at; at = strchr(at, '.')) {
        at += *at == '.';
        size_t digits = strncmp(at, "block", 5) == 0 ? strspn(at + 5, "0123456789") : 0;
        if (digits > 0 && at[5 + digits] == '.')
            return (size_t)(at - name) + 5 + digits;
    }
    return 0;
}

static bool same_block(const lg_symbol *a, const lg_symbol *b)
{
    size_t length = block_length(a->name);
    return length == block_length(b->name) && strncmp(a->name, b->name, length) == 0;
}

// The symbol of a layer that is in a block, or NULL.
static const lg_symbol *in_block(const lg_op *op)
{
    const lg_symbol *symbol = is_needed(op) && layer_of(op) ? layer_parameter(op) : NULL;
    return symbol && block_length(symbol->name) ? symbol : NULL;
}

static void count_blocks(const lg_function *f, int64_t *values)
{
    LG_FOR_OPS (op, f) {
        const lg_symbol *symbol = in_block(op);
        bool seen = false;
        for (const lg_op *before = f->first; symbol && before != op; before = before->next) {
            const lg_symbol *other = in_block(before);
            seen |= other && same_block(symbol, other);
        }
        if (!symbol || seen)
            continue;
        int64_t layers = 0;
        for (const lg_op *more = op; more; more = more->next) {
            const lg_symbol *other = in_block(more);
            layers += other && same_block(symbol, other);
        }
        values[COLUMN_blocks]++;
        if (layers > values[COLUMN_layers_per_block])
            values[COLUMN_layers_per_block] = layers;
    }
}

static void count_layers(const lg_function *f, int64_t *values)
{
    static const int columns[LAYER_KINDS] = {[CONV] = COLUMN_conv_layers,
                                             [FC] = COLUMN_fc_layers,
                                             [POOL] = COLUMN_pool_layers,
                                             [NORM] = COLUMN_norm_layers};
    LG_FOR_OPS (op, f) {
        layer_kind kind = is_needed(op) ? layer_of(op) : NO_LAYER;
        if (kind == NO_LAYER)
            continue;
        values[columns[kind]]++;
        values[COLUMN_layers]++;
        if (kind == CONV)
            values[COLUMN_filters] += op->results[0]->type.dims[3];
    }
    LG_FOR_SYMBOLS (symbol, f->module)
        if (symbol->role == LG_ROLE_PARAM && symbol->value->id)
            values[COLUMN_parameters] += lg_type_elements(&symbol->value->type);
}

// ---- codes

// The code that most needed ops have, `none` if no op has one; `but` is not counted.
static int most_frequent(const lg_function *f, const name_code *codes, const lg_op *but, int none)
{
    int counts[MOST_CODES] = {0}, best = none;
    LG_FOR_OPS (op, f) {
        int code = is_needed(op) && op != but ? find_code(codes, op) : -1;
        if (code >= 0)
            counts[code]++;
    }
    for (int code = 0; code < MOST_CODES; code++)
        if (counts[code] > 0 && (best == none || counts[code] > counts[best]))
            best = code;
    return best;
}

// Goes back from the image to the first nonlinearity before any layer.
static const lg_op *find_last(const lg_value *value)
{
    if (value->kind != LG_VALUE_RESULT || layer_of(value->op) != NO_LAYER)
        return NULL;
    if (find_code(lasts, value->op) >= 0)
        return value->op;
    const lg_op *found = NULL;
    for (int i = 0; i < value->op->operand_count && !found; i++)
        found = find_last(value->op->operands[i]);
    return found;
}

// Sets the id of what is made of `from`, itself included, to 2 + the layers on the way, at most 3.
// Returns whether a sum or concatenation takes it both with and without a layer in between.
static bool is_skipped_from(lg_op *from)
{
    from->results[0]->id = 2;
    for (const lg_op *op = from->next; op; op = op->next) {
        int least = 4, most = 0;
        for (int i = 0; is_needed(op) && i < op->operand_count; i++) {
            int id = op->operands[i]->id;
            least = id >= 2 && id < least ? id : least;
            most = id > most ? id : most;
        }
        if (most < 2)
            continue;
        if (least == 2 && most == 3 && (op->code == LG_OP_add || op->code == LG_OP_concat))
            return true;
        bool more = layer_of(op) == CONV || layer_of(op) == FC;
        for (int i = 0; i < op->result_count; i++)
            op->results[i]->id = more ? 3 : most;
    }
    return false;
}

static bool has_skip(const lg_function *f, lg_value *image)
{
    bool found = false;
    LG_FOR_OPS (op, f) {
        mark_needed(f, image);
        if (!found && is_needed(op) && (layer_of(op) == CONV || layer_of(op) == FC))
            found = is_skipped_from(op);
    }
    mark_needed(f, image);
    return found;
}

static bool has_down(const lg_function *f)
{
    LG_FOR_OPS (op, f) {
        if (!is_needed(op))
            continue;
        if (layer_of(op) == POOL)
            return true;
        if (op->code == LG_OP_conv2d && lg_op_int_at(op, LG_ATTR_stride, 0) > 1)
            return true;
    }
    return false;
}

// ---- losses

static bool read_loss(const char *name, lg_model_facts *facts)
{
    size_t length = strcspn(name, ".");
    for (int i = 0; i < LG_LOSSES; i++) {
        const char *column = lg_loss_column(i);
        if (strlen(column) == length && strncmp(column, name, length) == 0) {
            facts->losses[i] = 1;
            return true;
        }
    }
    return false;
}

bool lg_zoo_losses(const lg_module *module, lg_model_facts *facts, lg_diag *diag)
{
    const lg_function *step = lg_module_function(module, "train_step");
    memset(facts->losses, 0, sizeof facts->losses);
    if (!step)
        return lg_error_at(diag, (lg_location){.file = module->name}, "needs a @train_step");
    for (int i = 0; i < step->result_names.count; i++) {
        const char *name = step->result_names.items[i];
        if (strcmp(name, "loss") != 0 && !read_loss(name, facts))
            return lg_error_at(diag, step->where, "%s is no loss that labels have a name for",
                               name);
    }
    return true;
}

static lg_value *find_image(const lg_function *infer)
{
    for (int i = 0; infer && i < infer->results.count; i++)
        if (strcmp(infer->result_names.items[i], "generated") == 0)
            return infer->results.items[i];
    return NULL;
}

bool lg_zoo_architecture(const lg_module *module, lg_model_facts *facts, lg_diag *diag)
{
    const lg_function *infer = lg_module_function(module, "infer");
    lg_value *image = find_image(infer);
    int64_t *values = facts->architecture;
    memset(values, 0, sizeof facts->architecture);
    if (!image)
        return lg_error_at(diag, (lg_location){.file = module->name},
                           "needs an @infer with a result `generated`");
    const lg_op *last = find_last(image);
    values[COLUMN_skip] = has_skip(infer, image);
    count_layers(infer, values);
    count_blocks(infer, values);
    values[COLUMN_norm_type] = most_frequent(infer, norms, NULL, NORM_NONE);
    values[COLUMN_act_last] = last ? find_code(lasts, last) : ACT_NONE;
    values[COLUMN_act_block] = most_frequent(infer, acts, last, ACT_NONE);
    values[COLUMN_upsample] = most_frequent(infer, ups, NULL, UP_NONE);
    values[COLUMN_down] = has_down(infer);
    return true;
}
