// Expressions in CUDA C. A scalar function is spelled by the cuda column of ir/scalars.def where it
// has one, else by an operator that fits the element type, else by a helper function.
//
// Invariant of index arithmetic: an expression whose C type is int has a value that fits an int.
// The known ranges of the IR decide; an operation that may leave the 32 bits has an operand cast
// to long long first, and one that may leave 64 bits is a helper that wraps.
#include "codegen/cuda_internal.h"
#include "ir/lexer.h"

#include <assert.h>
#include <math.h>
#include <string.h>

typedef struct spelling {
    const char *name, *infix;
    int arity, precedence;
    const char *cuda;
} spelling;

static const spelling spellings[LG_SCALAR_COUNT] = {
#define SCALAR(enumerator, name, arity, result, infix, precedence, cuda)                           \
    [LG_S_##enumerator] = {#name, infix, arity, precedence, cuda},
#include "ir/scalars.def"
#undef SCALAR
};

// Where an expression stands: alone (between commas, brackets, behind =), or as operand number
// `operand` of `parent`.
typedef struct place {
    lg_scalar parent;
    int operand; // ALONE, or from 0
} place;

enum { ALONE = -1, UNARY = -2 };

static void print_expression(lg_cuda_emitter *e, const lg_kx *x, place at);

bool lg_cuda_fits_int(int64_t low, int64_t high)
{
    return low >= INT32_MIN && high <= INT32_MAX;
}

static bool is_index(const lg_kx *x)
{
    return x->type.dtype == LG_I64 && x->type.lanes == 1;
}

static bool fits_int(const lg_kx *x)
{
    int64_t low, high;
    lg_kx_range(x, &low, &high);
    return lg_cuda_fits_int(low, high);
}

// Is the range of an index known, so that it cannot wrap?
static bool is_bounded(const lg_kx *x)
{
    int64_t low, high;
    lg_kx_range(x, &low, &high);
    return low > INT64_MIN / 4 && high < INT64_MAX / 4;
}

const char *lg_cuda_element_type(lg_dtype dtype)
{
    static const char *const types[LG_DTYPE_COUNT] = {
        [LG_F32] = "float",          [LG_BF16] = "unsigned short",
        [LG_F16] = "unsigned short", [LG_I32] = "int",
        [LG_I64] = "long long",      [LG_U8] = "unsigned char",
        [LG_BOOL] = "unsigned char",
    };
    return types[dtype];
}

const char *lg_cuda_var_type(const lg_kvar *var)
{
    if (var->type.dtype == LG_BOOL)
        return "bool";
    bool narrow = var->type.dtype == LG_I64 && lg_cuda_fits_int(var->low, var->high);
    return narrow ? "int" : lg_cuda_element_type(var->type.dtype);
}

// ---- constants

static void print_integer(lg_cuda_emitter *e, const lg_kx *x, place at)
{
    int64_t value = x->as.integer;
    bool wide = !lg_cuda_fits_int(value, value);
    if (x->type.dtype == LG_BOOL)
        fputs(value ? "true" : "false", e->out);
    else if (value == INT32_MIN || value == INT64_MIN) // C++ has no literals of these
        fprintf(e->out, "(%lld%s - 1)", (long long)value + 1, wide ? "LL" : "");
    else
        fprintf(e->out, value < 0 && at.operand != ALONE ? "(%lld%s)" : "%lld%s", (long long)value,
                wide ? "LL" : "");
}

static void print_float(lg_cuda_emitter *e, double number, place at)
{
    float value = (float)number;
    bool parenthesised = signbit(value) && !isnan(value) && at.operand != ALONE;
    char text[32];
    fputs(parenthesised ? "(" : "", e->out);
    if (isfinite(value))
        fprintf(e->out, "%sf", lg_number_text(text, (double)value, true));
    else
        fprintf(e->out, "%s__int_as_float(%s)", signbit(value) && !isnan(value) ? "-" : "",
                isnan(value) ? "0x7fc00000" : "0x7f800000");
    fputs(parenthesised ? ")" : "", e->out);
}

// ---- memory

// Locals are C arrays of their shape; parameters are flat.
static void print_local_index(lg_cuda_emitter *e, const lg_kbuffer *buffer, lg_kx *const *index)
{
    for (int i = 0; i < buffer->rank; i++) {
        fputc('[', e->out);
        lg_cuda_expression(e, index[i]);
        fputc(']', e->out);
    }
}

// One term of a flat index: index times stride.
static void print_term(lg_cuda_emitter *e, const lg_kx *index, int64_t stride, bool wide)
{
    if (stride == 1) {
        print_expression(e, index, (place){LG_S_ADD, 0});
        return;
    }
    bool cast = wide && fits_int(index);
    fputs(cast ? "(long long)" : "", e->out);
    print_expression(e, index, (place){LG_S_MUL, cast ? UNARY : 0});
    fprintf(e->out, " * %lld", (long long)stride);
}

static void print_flat_index(lg_cuda_emitter *e, const lg_kbuffer *buffer, lg_kx *const *index)
{
    int64_t strides[LG_MAX_PHYSICAL], constant = 0, elements = 1;
    for (int i = buffer->rank - 1; i >= 0; i--) {
        strides[i] = elements;
        elements *= buffer->dims[i];
    }
    bool wide = elements > INT32_MAX, any = false;
    fputc('[', e->out);
    for (int i = 0; i < buffer->rank; i++) {
        if (index[i]->kind == LG_KX_INT) {
            constant += index[i]->as.integer * strides[i];
            continue;
        }
        fputs(any ? " + " : "", e->out);
        print_term(e, index[i], strides[i], wide);
        any = true;
    }
    if (constant || !any)
        fprintf(e->out, "%s%lld", any ? " + " : "", (long long)constant);
    fputc(']', e->out);
}

void lg_cuda_element(lg_cuda_emitter *e, const lg_kbuffer *buffer, lg_kx *const *index)
{
    fputs(e->buffer_names[buffer->id], e->out);
    bool local = buffer->id >= e->kernel->params.count;
    if (local)
        print_local_index(e, buffer, index);
    else
        print_flat_index(e, buffer, index);
}

static void print_load(lg_cuda_emitter *e, const lg_kx *x)
{
    const lg_kbuffer *buffer = x->as.load.buffer;
    bool call = buffer->dtype == LG_BF16 || buffer->dtype == LG_F16;
    if (call)
        lg_cuda_use_helper(
            e, buffer->dtype == LG_BF16 ? LG_CUDA_HELPER_load_bf16 : LG_CUDA_HELPER_load_f16,
            LG_F32);
    bool open = call || buffer->dtype == LG_BOOL;
    fputs(open ? "(" : "", e->out);
    lg_cuda_element(e, buffer, x->as.load.index);
    fputs(buffer->dtype == LG_BOOL ? " != 0" : "", e->out);
    fputs(open ? ")" : "", e->out);
}

// ---- scalar functions

// Both ranges known, and division needs no care for signs.
static bool divides_plainly(const lg_kx *x)
{
    int64_t low, high, divisor_low, divisor_high;
    lg_kx_range(x->as.apply.args[0], &low, &high);
    lg_kx_range(x->as.apply.args[1], &divisor_low, &divisor_high);
    return low >= 0 && divisor_low >= 1;
}

// The spelling for element type `dtype` as the columns of ir/scalars.def are, or "": a helper.
static const char *template_of(const lg_kx *x, lg_dtype dtype)
{
    lg_scalar fn = x->as.apply.fn;
    bool integer = dtype == LG_I32 || dtype == LG_I64;
    switch (fn) {
    case LG_S_ADD:
    case LG_S_SUB:
    case LG_S_MUL:
    case LG_S_NEG:
        return integer && !(is_index(x) && is_bounded(x)) ? "" : spellings[fn].cuda;
    case LG_S_DIV:
    case LG_S_MOD:
        if (integer && !(is_index(x) && divides_plainly(x)))
            return "";
        return fn == LG_S_DIV ? "($0 / $1)" : "($0 % $1)";
    case LG_S_ABS:
        return integer ? "" : "fabsf($0)";
    case LG_S_NOT:
        return dtype == LG_BOOL ? "(!$0)" : "(~$0)";
    case LG_S_SHL: // a bool is shifted by its low 0 bits
    case LG_S_SHR:
        return dtype == LG_BOOL ? "($0)" : "";
    default:
        return spellings[fn].cuda;
    }
}

// May the parentheses of `fn` go where it stands? Only for what everybody reads the same way:
// arithmetic inside arithmetic and comparisons.
static bool binds_tighter(lg_scalar fn, place at)
{
    if (at.operand < 0)
        return at.operand == ALONE;
    int inner = spellings[fn].precedence, outer = spellings[at.parent].precedence;
    int sum = spellings[LG_S_ADD].precedence, compare = spellings[LG_S_LT].precedence;
    if (inner < sum || outer < compare || (outer > compare && outer < sum))
        return false;
    return inner > outer || (inner == outer && at.operand == 0);
}

static void print_template(lg_cuda_emitter *e, const lg_kx *x, const char *text, place at)
{
    lg_scalar fn = x->as.apply.fn;
    bool infix = text[0] == '(';
    size_t length = strlen(text);
    if (infix && binds_tighter(fn, at)) {
        text++;
        length -= 2;
    }
    // Widens before the operation, where the operands are narrow and the result may not be.
    bool widen = is_index(x) && !fits_int(x) && infix;
    for (size_t i = 0; i < length; i++) {
        if (text[i] != '$') {
            fputc(text[i], e->out);
            continue;
        }
        int operand = text[++i] - '0';
        const lg_kx *arg = x->as.apply.args[operand];
        bool cast = widen && is_index(arg) && fits_int(arg);
        fputs(cast ? "(long long)" : "", e->out);
        print_expression(e, arg, cast ? (place){fn, UNARY} : (place){fn, infix ? operand : ALONE});
    }
}

static void print_helper_call(lg_cuda_emitter *e, const lg_kx *x, lg_dtype dtype)
{
    const spelling *s = &spellings[x->as.apply.fn];
    bool narrow = is_index(x) && fits_int(x);
    for (int i = 0; i < s->arity; i++)
        narrow = narrow && fits_int(x->as.apply.args[i]);
    if (dtype == LG_BOOL || narrow)
        dtype = LG_I32;
    lg_cuda_use_helper(e, lg_cuda_helper_named(s->name), dtype);
    for (int i = 0; i < s->arity; i++) {
        fputs(i ? ", " : "(", e->out);
        lg_cuda_expression(e, x->as.apply.args[i]);
    }
    fputc(')', e->out);
}

static void print_apply(lg_cuda_emitter *e, const lg_kx *x, place at)
{
    // Comparisons are spelled by what they compare, but all alike.
    lg_dtype dtype = x->as.apply.args[x->as.apply.fn == LG_S_SELECT ? 1 : 0]->type.dtype;
    const char *text = template_of(x, dtype);
    if (*text)
        print_template(e, x, text, at);
    else
        print_helper_call(e, x, dtype);
}

static void print_cast(lg_cuda_emitter *e, const lg_kx *x, place at)
{
    const lg_kx *arg = x->as.arg;
    lg_dtype to = x->type.dtype;
    bool to_integer = to == LG_I32 || to == LG_I64;
    if (to == arg->type.dtype) {
        print_expression(e, arg, at);
    } else if (to_integer && arg->type.dtype == LG_F32) {
        lg_cuda_use_helper(
            e, to == LG_I32 ? LG_CUDA_HELPER_float_to_i32 : LG_CUDA_HELPER_float_to_i64, LG_F32);
        fputc('(', e->out);
        lg_cuda_expression(e, arg);
        fputc(')', e->out);
    } else if (to == LG_BOOL) {
        fputc('(', e->out);
        print_expression(e, arg, (place){LG_S_NE, 0});
        fputs(" != 0)", e->out);
    } else {
        fprintf(e->out, "(%s)", lg_cuda_element_type(to));
        print_expression(e, arg, (place){LG_S_NEG, UNARY});
    }
}

static void print_expression(lg_cuda_emitter *e, const lg_kx *x, place at)
{
    switch (x->kind) {
    case LG_KX_INT:
        print_integer(e, x, at);
        break;
    case LG_KX_FLOAT:
        print_float(e, x->as.number, at);
        break;
    case LG_KX_VAR:
        fputs(e->var_names[x->as.var->id], e->out);
        break;
    case LG_KX_LANES: // of one lane: 0
        fputc('0', e->out);
        break;
    case LG_KX_LOAD:
        print_load(e, x);
        break;
    case LG_KX_APPLY:
        print_apply(e, x, at);
        break;
    case LG_KX_CAST:
        print_cast(e, x, at);
        break;
    case LG_KX_SUM: // of one lane: the lane
    case LG_KX_MAXIMUM:
    case LG_KX_LOW:
        print_expression(e, x->as.arg, at);
        break;
    }
}

void lg_cuda_expression(lg_cuda_emitter *e, const lg_kx *x)
{
    print_expression(e, x, (place){LG_S_ADD, ALONE});
}
