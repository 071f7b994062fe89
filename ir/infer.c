// Shape rules: what every rule has in common, and the rules that several ops share. The columns of
// the rows are checked here (number of operands, attributes, element types of elementwise ops), so
// that a rule speaks of nothing but its own shapes. Sizes are at most LG_MAX_ELEMENTS and numbers
// in attributes at most MOST_IN_LIST, so that a rule can add and multiply two of them without
// overflow.
#include "ir/infer.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

static const int64_t MOST_IN_LIST = LG_MAX_ELEMENTS;

bool lg_infer_fault(const lg_inference *in, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = lg_vformat(in->op->function->module->arena, format, args);
    va_end(args);
    return lg_error_at(in->diag, in->op->where, "%s: %s", lg_op_info_of(in->op->code)->name, text);
}

const char *lg_infer_text(const lg_inference *in, const lg_type *type)
{
    return lg_type_text(in->op->function->module->arena, type);
}

// ---- the columns

static bool check_operand_count(const lg_inference *in)
{
    int wanted = lg_op_info_of(in->op->code)->operands, given = in->op->operand_count;
    if (wanted == LG_VARIADIC) {
        if (given == 0 && in->op->code != LG_OP_call)
            return lg_infer_fault(in, "takes at least one operand");
        return true;
    }
    if (given != wanted)
        return lg_infer_fault(in, "takes %d operand%s, %d given", wanted, wanted == 1 ? "" : "s",
                              given);
    return true;
}

static bool check_attribute_range(const lg_inference *in, const lg_attr *attr)
{
    const lg_attr_info *info = lg_attr_info_of(attr->name);
    const int64_t *items = info->kind == LG_KIND_INT ? &attr->as.integer : attr->as.ints;
    if (info->kind != LG_KIND_INT && info->kind != LG_KIND_INTS)
        return true;
    for (int i = 0; i < attr->count; i++)
        if (items[i] < 0 || items[i] > MOST_IN_LIST)
            return lg_infer_fault(in, "%s is %lld, must be 0 to %lld", info->name,
                                  (long long)items[i], (long long)MOST_IN_LIST);
    return true;
}

static bool check_given_attributes(const lg_inference *in)
{
    const lg_op *op = in->op;
    for (int i = 0; i < op->attr_count; i++) {
        lg_attr_name name = op->attrs[i].name;
        const char *text = lg_attr_info_of(name)->name;
        if (!lg_attr_is_allowed(op->code, name))
            return lg_infer_fault(in, "has no attribute `%s`", text);
        if (i > 0 && op->attrs[i - 1].name == name)
            return lg_infer_fault(in, "attribute `%s` is given twice", text);
        lg_attr_name other = lg_attr_alternative(op->code, name);
        if (other != name && lg_op_attr(op, other))
            return lg_infer_fault(in, "takes `%s` or `%s`, not both", lg_attr_info_of(other)->name,
                                  text);
        if (!check_attribute_range(in, &op->attrs[i]))
            return false;
    }
    return true;
}

static bool check_required_attributes(const lg_inference *in)
{
    const lg_op *op = in->op;
    for (int i = 0; i < LG_ATTR_COUNT; i++) {
        lg_attr_name name = (lg_attr_name)i, other = lg_attr_alternative(op->code, name);
        if (!lg_attr_is_allowed(op->code, name) || lg_attr_is_optional(op->code, name) ||
            lg_op_attr(op, name) || lg_op_attr(op, other))
            continue;
        const char *text = lg_attr_info_of(name)->name;
        if (other != name)
            return lg_infer_fault(in, "needs the attribute `%s` or `%s`", text,
                                  lg_attr_info_of(other)->name);
        return lg_infer_fault(in, "needs the attribute `%s`", text);
    }
    return true;
}

// ---- elementwise ops: one rule, driven by two columns

typedef enum takes { TAKES_FLOAT, TAKES_NUMBER, TAKES_BITS, TAKES_ANY } takes;
enum { GIVES_SAME, GIVES_BOOL };

typedef struct elementwise_rule {
    takes takes;
    bool to_bool;
} elementwise_rule;

static const elementwise_rule elementwise_rules[] = {
#define ELEMENTWISE(name, arity, operands, result, summary, ...)                                   \
    [LG_OP_##name] = {TAKES_##operands, GIVES_##result},
#define OP(name, class, operands, attributes, summary)
#include "ir/ops.def"
#undef ELEMENTWISE
#undef OP
};

static bool takes_dtype(takes takes, lg_dtype dtype)
{
    switch (takes) {
    case TAKES_FLOAT:
        return lg_dtype_is_float(dtype);
    case TAKES_NUMBER:
        return dtype != LG_BOOL;
    case TAKES_BITS:
        return !lg_dtype_is_float(dtype);
    case TAKES_ANY:
        break;
    }
    return true;
}

static bool infer_elementwise(const lg_inference *in)
{
    static const char *const wanted[] = {"floats", "floats, integers", "integers, bool", "any"};
    const lg_op *op = in->op;
    const elementwise_rule *rule = &elementwise_rules[op->code];
    int first = op->code == LG_OP_select ? 1 : 0; // the condition is a bool, the rest is alike
    if (first && in->a->dtype != LG_BOOL)
        return lg_infer_fault(in, "the condition is %s, must be bool", lg_dtype_name(in->a->dtype));
    const lg_type *like = &op->operands[first]->type;
    if (!takes_dtype(rule->takes, like->dtype))
        return lg_infer_fault(in, "takes %s, the operand is %s", wanted[rule->takes],
                              lg_dtype_name(like->dtype));
    for (int i = 0; i < op->operand_count; i++) {
        const lg_type *type = &op->operands[i]->type;
        if (!lg_shape_equal(type, like) || (i >= first && type->dtype != like->dtype))
            return lg_infer_fault(in, "operands must have one type, are %s and %s",
                                  lg_infer_text(in, &op->operands[i ? first : 0]->type),
                                  lg_infer_text(in, &op->operands[i ? i : first]->type));
    }
    *in->result = lg_type_make(rule->to_bool ? LG_BOOL : like->dtype, like->rank, like->dims);
    return true;
}

// ---- checks with the same words in several rules

bool lg_infer_axis(const lg_inference *in, const lg_type *type, int *axis)
{
    int64_t given = lg_op_int(in->op, LG_ATTR_axis);
    if (given >= type->rank)
        return lg_infer_fault(in, "axis %lld is not an axis of %s", (long long)given,
                              lg_infer_text(in, type));
    *axis = (int)given;
    return true;
}

bool lg_infer_axes(const lg_inference *in, const lg_type *type)
{
    const lg_attr *axes = lg_op_attr(in->op, LG_ATTR_axes);
    for (int i = 0; i < axes->count; i++) {
        if (axes->as.ints[i] >= type->rank)
            return lg_infer_fault(in, "axis %lld is not an axis of %s", (long long)axes->as.ints[i],
                                  lg_infer_text(in, type));
        if (i > 0 && axes->as.ints[i] <= axes->as.ints[i - 1])
            return lg_infer_fault(in, "axes must ascend");
    }
    return true;
}

bool lg_infer_count(const lg_inference *in, lg_attr_name name, int count)
{
    const lg_attr *attr = lg_op_attr(in->op, name);
    if (attr && attr->count != count)
        return lg_infer_fault(in, "%s has %d entr%s, must have %d", lg_attr_info_of(name)->name,
                              attr->count, attr->count == 1 ? "y" : "ies", count);
    return true;
}

bool lg_infer_same_dtype(const lg_inference *in, const char *a, const char *b)
{
    if (in->a->dtype != in->b->dtype)
        return lg_infer_fault(in, "%s is %s, %s is %s", a, lg_dtype_name(in->a->dtype), b,
                              lg_dtype_name(in->b->dtype));
    return true;
}

bool lg_infer_number(const lg_inference *in, double value, lg_dtype dtype)
{
    // Bounds that a double holds exactly; the upper one of i64 is excluded.
    static const double low[] = {
        [LG_I32] = -0x1p31, [LG_I64] = -0x1p63, [LG_U8] = 0, [LG_BOOL] = 0};
    static const double past[] = {
        [LG_I32] = 0x1p31, [LG_I64] = 0x1p63, [LG_U8] = 256, [LG_BOOL] = 2};
    if (lg_dtype_is_float(dtype))
        return true;
    if (value >= low[dtype] && value < past[dtype] && value == floor(value))
        return true;
    return lg_infer_fault(in, "%.17g is not a value of %s", value, lg_dtype_name(dtype));
}

// ---- the result

static bool (*const rules[])(const lg_inference *) = {
#define ELEMENTWISE(name, arity, operands, result, summary, ...) [LG_OP_##name] = infer_elementwise,
#define OP(name, class, operands, attributes, summary) [LG_OP_##name] = infer_##name,
#include "ir/ops.def"
#undef ELEMENTWISE
#undef OP
};

// Ops whose operands leave the result open take it from the declared type.
static bool needs_declared(lg_opcode code)
{
    switch (code) {
    case LG_OP_constant:
    case LG_OP_iota:
    case LG_OP_cast:
    case LG_OP_reshape:
    case LG_OP_broadcast:
    case LG_OP_relayout:
    case LG_OP_split:
    case LG_OP_scatter_add:
    case LG_OP_winograd_filter:
    case LG_OP_conv2d_input_grad:
    case LG_OP_conv2d_filter_grad:
        return true;
    default:
        return false;
    }
}

static bool check_declared(const lg_inference *in)
{
    if (!in->declared)
        return !needs_declared(in->op->code) ||
               lg_infer_fault(in, "needs the type of its result to be declared");
    const char *fault = lg_type_fault(in->declared);
    return !fault || lg_infer_fault(in, "%s", fault);
}

static bool settle_result(const lg_inference *in)
{
    const char *fault = lg_type_fault(in->result);
    if (fault)
        return lg_infer_fault(in, "result: %s", fault);
    if (!in->declared)
        return true;
    if (!lg_shape_equal(in->result, in->declared) || in->result->dtype != in->declared->dtype) {
        lg_type plain = *in->declared;
        plain.layout = NULL;
        return lg_infer_fault(in, "the result is %s, declared is %s", lg_infer_text(in, in->result),
                              lg_infer_text(in, &plain));
    }
    in->result->layout = in->declared->layout;
    return true;
}

bool lg_infer(const lg_op *op, const lg_type *declared, lg_type *result, lg_diag *diag)
{
    lg_type scratch = {0};
    lg_inference in = {.op = op, .declared = declared, .result = &scratch, .diag = diag};
    if (op->operand_count > 0)
        in.a = &op->operands[0]->type;
    if (op->operand_count > 1)
        in.b = &op->operands[1]->type;
    if (!check_operand_count(&in) || !check_given_attributes(&in) ||
        !check_required_attributes(&in))
        return false;
    if (op->code == LG_OP_call || op->code == LG_OP_write)
        return rules[op->code](&in);
    if (!check_declared(&in) || !rules[op->code](&in) || !settle_result(&in))
        return false;
    *result = scratch;
    return true;
}
