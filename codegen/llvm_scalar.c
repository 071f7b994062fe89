// The scalar functions of ir/scalars.def in LLVM. What they mean is said there and in
// ir/scalar.c; tests/test_llvm.c compares every row with it.
#include "codegen/llvm_emit.h"

#include <assert.h>
#include <math.h>

static LLVMTypeRef element_of(LLVMValueRef value)
{
    LLVMTypeRef type = LLVMTypeOf(value);
    return LLVMGetTypeKind(type) == LLVMVectorTypeKind ? LLVMGetElementType(type) : type;
}

static LLVMValueRef constant_like(LLVMValueRef value, int64_t number)
{
    return lg_emit_int(element_of(value), number, value);
}

static LLVMValueRef compare(lg_emitter *e, bool real, LLVMRealPredicate f, LLVMIntPredicate i,
                            LLVMValueRef *args)
{
    return real ? LLVMBuildFCmp(e->builder, f, args[0], args[1], "")
                : LLVMBuildICmp(e->builder, i, args[0], args[1], "");
}

static bool is_positive_constant(LLVMValueRef value)
{
    return LLVMIsAConstantInt(value) && LLVMConstIntGetSExtValue(value) > 0;
}

// Quotient rounded down, and its remainder with the sign of the divisor. LLVM's division traps on
// 0 and on the smallest integer by -1: these divisors are replaced by 1 before, their results
// after.
static LLVMValueRef divide_down(lg_emitter *e, bool modulo, LLVMValueRef a, LLVMValueRef b)
{
    LLVMBuilderRef build = e->builder;
    LLVMValueRef zero = constant_like(b, 0);
    LLVMValueRef minus_one = constant_like(b, -1);
    LLVMValueRef is_zero = LLVMBuildICmp(build, LLVMIntEQ, b, zero, "");
    LLVMValueRef is_minus_one = LLVMBuildICmp(build, LLVMIntEQ, b, minus_one, "");
    LLVMValueRef odd = LLVMBuildOr(build, is_zero, is_minus_one, "");
    LLVMValueRef divisor = lg_emit_select(e, odd, constant_like(b, 1), b);

    LLVMValueRef remainder = LLVMBuildSRem(build, a, divisor, "");
    LLVMValueRef has_rest = LLVMBuildICmp(build, LLVMIntNE, remainder, zero, "");
    LLVMValueRef signs = LLVMBuildXor(build, remainder, divisor, "");
    LLVMValueRef differ = LLVMBuildICmp(build, LLVMIntSLT, signs, zero, "");
    LLVMValueRef adjust = LLVMBuildAnd(build, has_rest, differ, "");
    if (modulo) {
        // By 1 and so by 0 and -1 the remainder is 0, as wanted.
        LLVMValueRef moved = LLVMBuildAdd(build, remainder, divisor, "");
        return lg_emit_select(e, adjust, moved, remainder);
    }
    LLVMValueRef quotient = LLVMBuildSDiv(build, a, divisor, "");
    LLVMValueRef down = LLVMBuildAdd(build, quotient, minus_one, "");
    quotient = lg_emit_select(e, adjust, down, quotient);
    quotient = lg_emit_select(e, is_minus_one, LLVMBuildNeg(build, a, ""), quotient);
    return lg_emit_select(e, is_zero, zero, quotient);
}

static LLVMValueRef integer_divide(lg_emitter *e, bool modulo, LLVMValueRef a, LLVMValueRef b,
                                   bool positive)
{
    if (LLVMGetIntTypeWidth(element_of(a)) == 1) // of bools: x / 0 is 0, x / 1 is x; no remainder
        return modulo ? constant_like(a, 0) : LLVMBuildAnd(e->builder, a, b, "");
    if (positive)
        return modulo ? LLVMBuildURem(e->builder, a, b, "") : LLVMBuildUDiv(e->builder, a, b, "");
    int64_t number = is_positive_constant(b) ? LLVMConstIntGetSExtValue(b) : 0;
    if (number > 0 && (number & (number - 1)) == 0) // rounding down is what shifts and masks do
        return modulo ? LLVMBuildAnd(e->builder, a, constant_like(a, number - 1), "")
                      : LLVMBuildAShr(e->builder, a,
                                      constant_like(a, __builtin_ctzll((uint64_t)number)), "");
    return divide_down(e, modulo, a, b);
}

// The count modulo the width: LLVM's shifts are poison beyond it.
static LLVMValueRef shift(lg_emitter *e, bool left, LLVMValueRef a, LLVMValueRef b)
{
    int64_t width = (int64_t)LLVMGetIntTypeWidth(element_of(a));
    LLVMValueRef count = LLVMBuildAnd(e->builder, b, constant_like(b, width - 1), "");
    return left ? LLVMBuildShl(e->builder, a, count, "") : LLVMBuildLShr(e->builder, a, count, "");
}

static LLVMValueRef absolute(lg_emitter *e, bool real, LLVMValueRef a)
{
    if (real)
        return lg_emit_intrinsic(e, "llvm.fabs", &a, 1);
    LLVMValueRef negative = LLVMBuildICmp(e->builder, LLVMIntSLT, a, constant_like(a, 0), "");
    return lg_emit_select(e, negative, LLVMBuildNeg(e->builder, a, ""), a);
}

// A constant, or the same constant in all lanes, which is not NaN.
static bool is_constant_number(LLVMValueRef value)
{
    if (LLVMIsConstant(value) && LLVMGetTypeKind(LLVMTypeOf(value)) == LLVMVectorTypeKind)
        value = LLVMGetAggregateElement(value, 0);
    LLVMBool inexact;
    return value && LLVMIsAConstantFP(value) && !isnan(LLVMConstRealGetDouble(value, &inexact));
}

// `(b > a) ? b : a` is what x86 has one instruction for. It gives a if either is NaN, which is
// right where b is a constant; a variable b that is NaN takes two more. (The NaN that comes out is
// a constant: with b itself LLVM joins the two selects and needs four instructions.)
static LLVMValueRef extreme(lg_emitter *e, bool real, bool maximum, LLVMValueRef a, LLVMValueRef b)
{
    LLVMValueRef pair[2] = {b, a};
    LLVMValueRef beyond = maximum ? compare(e, real, LLVMRealOGT, LLVMIntSGT, pair)
                                  : compare(e, real, LLVMRealOLT, LLVMIntSLT, pair);
    LLVMValueRef chosen = lg_emit_select(e, beyond, b, a);
    if (!real || is_constant_number(b))
        return chosen;
    LLVMValueRef nan = lg_emit_splat(e, LLVMConstReal(element_of(b), NAN), lg_emit_lanes(b));
    return lg_emit_select(e, LLVMBuildFCmp(e->builder, LLVMRealUNO, b, b, ""), nan, chosen);
}

static LLVMValueRef arithmetic(lg_emitter *e, lg_scalar fn, bool real, LLVMValueRef *args,
                               bool positive)
{
    LLVMBuilderRef b = e->builder;
    LLVMValueRef x = args[0], y = args[1];
    switch (fn) {
    case LG_S_ADD:
        return real ? LLVMBuildFAdd(b, x, y, "") : LLVMBuildAdd(b, x, y, "");
    case LG_S_SUB:
        return real ? LLVMBuildFSub(b, x, y, "") : LLVMBuildSub(b, x, y, "");
    case LG_S_MUL:
        return real ? LLVMBuildFMul(b, x, y, "") : LLVMBuildMul(b, x, y, "");
    case LG_S_DIV:
        return real ? LLVMBuildFDiv(b, x, y, "") : integer_divide(e, false, x, y, positive);
    case LG_S_MOD:
        return integer_divide(e, true, x, y, positive);
    case LG_S_MIN:
    case LG_S_MAX:
        return extreme(e, real, fn == LG_S_MAX, x, y);
    case LG_S_NEG:
        return real ? LLVMBuildFNeg(b, x, "") : LLVMBuildNeg(b, x, "");
    case LG_S_ABS:
        return absolute(e, real, x);
    default:
        assert(!"a row of ir/scalars.def");
        return NULL;
    }
}

static LLVMValueRef float_function(lg_emitter *e, lg_scalar fn, LLVMValueRef *args)
{
    switch (fn) {
    case LG_S_FMA:
        return lg_emit_fma(e, args[0], args[1], args[2]);
    case LG_S_SQRT:
        return lg_emit_intrinsic(e, "llvm.sqrt", args, 1);
    case LG_S_FLOOR:
        return lg_emit_intrinsic(e, "llvm.floor", args, 1);
    case LG_S_BF16:
        return lg_emit_widen(e, LG_BF16, lg_emit_narrow(e, LG_BF16, args[0]));
    case LG_S_EXP:
        return lg_emit_exp(e, args[0]);
    case LG_S_LOG:
        return lg_emit_log(e, args[0]);
    case LG_S_TANH:
        return lg_emit_tanh(e, args[0]);
    case LG_S_COS:
        return lg_emit_cos(e, args[0]);
    default:
        return NULL;
    }
}

static LLVMValueRef bit_function(lg_emitter *e, lg_scalar fn, LLVMValueRef *args)
{
    switch (fn) {
    case LG_S_NOT:
        return LLVMBuildNot(e->builder, args[0], "");
    case LG_S_AND:
        return LLVMBuildAnd(e->builder, args[0], args[1], "");
    case LG_S_OR:
        return LLVMBuildOr(e->builder, args[0], args[1], "");
    case LG_S_XOR:
        return LLVMBuildXor(e->builder, args[0], args[1], "");
    case LG_S_SHL:
    case LG_S_SHR:
        return shift(e, fn == LG_S_SHL, args[0], args[1]);
    default:
        return NULL;
    }
}

static LLVMValueRef comparison(lg_emitter *e, lg_scalar fn, bool real, LLVMValueRef *args)
{
    switch (fn) {
    case LG_S_EQ:
        return compare(e, real, LLVMRealOEQ, LLVMIntEQ, args);
    case LG_S_NE:
        return compare(e, real, LLVMRealUNE, LLVMIntNE, args);
    case LG_S_LT:
        return compare(e, real, LLVMRealOLT, LLVMIntSLT, args);
    case LG_S_LE:
        return compare(e, real, LLVMRealOLE, LLVMIntSLE, args);
    case LG_S_GT:
        return compare(e, real, LLVMRealOGT, LLVMIntSGT, args);
    case LG_S_GE:
        return compare(e, real, LLVMRealOGE, LLVMIntSGE, args);
    default:
        return NULL;
    }
}

LLVMValueRef lg_emit_scalar(lg_emitter *e, lg_scalar fn, lg_dtype dtype, LLVMValueRef *args,
                            bool positive)
{
    bool real = dtype == LG_F32;
    if (fn == LG_S_SELECT)
        return lg_emit_select(e, args[0], args[1], args[2]);
    LLVMValueRef result = comparison(e, fn, real, args);
    if (!result)
        result = bit_function(e, fn, args);
    if (!result && real)
        result = float_function(e, fn, args);
    return result ? result : arithmetic(e, fn, real, args, positive);
}
