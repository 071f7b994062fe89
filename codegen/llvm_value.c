// Values and their types: constants, splats, slices, and the conversions between how an element
// lies in memory and how it is computed with. Everything is spelled once for scalars and vectors.
#include "codegen/llvm_emit.h"

#include <assert.h>
#include <string.h>

// ---- types

static LLVMTypeRef with_lanes(LLVMTypeRef element, int lanes)
{
    return lanes > 1 ? LLVMVectorType(element, (unsigned)lanes) : element;
}

LLVMTypeRef lg_emit_type(lg_emitter *e, lg_dtype dtype, int lanes)
{
    switch (dtype) {
    case LG_F32:
        return with_lanes(e->f32, lanes);
    case LG_I32:
        return with_lanes(e->i32, lanes);
    case LG_I64:
        return with_lanes(e->i64, lanes);
    case LG_BOOL:
        return with_lanes(e->i1, lanes);
    default:
        assert(!"kernels compute in f32, i32, i64 and bool");
        return NULL;
    }
}

LLVMTypeRef lg_emit_memory_type(lg_emitter *e, lg_dtype dtype, int lanes)
{
    switch (dtype) {
    case LG_BF16:
    case LG_F16:
        return with_lanes(e->i16, lanes);
    case LG_U8:
    case LG_BOOL:
        return with_lanes(e->i8, lanes);
    default:
        return lg_emit_type(e, dtype, lanes);
    }
}

int lg_emit_lanes(LLVMValueRef value)
{
    LLVMTypeRef type = LLVMTypeOf(value);
    return LLVMGetTypeKind(type) == LLVMVectorTypeKind ? (int)LLVMGetVectorSize(type) : 1;
}

LLVMTypeRef lg_emit_like(LLVMTypeRef element, LLVMValueRef value)
{
    return with_lanes(element, lg_emit_lanes(value));
}

// ---- constants and lanes

static LLVMValueRef splat_constant(LLVMValueRef scalar, int lanes)
{
    if (lanes == 1)
        return scalar;
    assert(lanes <= 1024);
    LLVMValueRef elements[1024];
    for (int i = 0; i < lanes; i++)
        elements[i] = scalar;
    return LLVMConstVector(elements, (unsigned)lanes);
}

LLVMValueRef lg_emit_float(lg_emitter *e, double number, LLVMValueRef like)
{
    return splat_constant(LLVMConstReal(e->f32, number), lg_emit_lanes(like));
}

LLVMValueRef lg_emit_int(LLVMTypeRef element, int64_t number, LLVMValueRef like)
{
    return splat_constant(LLVMConstInt(element, (unsigned long long)number, true),
                          lg_emit_lanes(like));
}

// An index list for shufflevector: first, first + step, ...
static LLVMValueRef lane_mask(lg_emitter *e, int first, int step, int count)
{
    assert(count <= 1024);
    LLVMValueRef elements[1024];
    for (int i = 0; i < count; i++)
        elements[i] = LLVMConstInt(e->i32, (unsigned)(first + i * step), false);
    return LLVMConstVector(elements, (unsigned)count);
}

LLVMValueRef lg_emit_splat(lg_emitter *e, LLVMValueRef value, int lanes)
{
    if (lanes == 1 || lg_emit_lanes(value) == lanes)
        return value;
    assert(lg_emit_lanes(value) == 1);
    if (LLVMIsConstant(value))
        return splat_constant(value, lanes);
    LLVMValueRef poison = LLVMGetPoison(LLVMVectorType(LLVMTypeOf(value), (unsigned)lanes));
    LLVMValueRef first =
        LLVMBuildInsertElement(e->builder, poison, value, LLVMConstInt(e->i32, 0, false), "");
    return LLVMBuildShuffleVector(e->builder, first, poison, lane_mask(e, 0, 0, lanes), "splat");
}

LLVMValueRef lg_emit_slice(lg_emitter *e, LLVMValueRef vector, int low, int count)
{
    if (count == lg_emit_lanes(vector))
        return vector;
    if (count == 1)
        return LLVMBuildExtractElement(e->builder, vector,
                                       LLVMConstInt(e->i32, (unsigned)low, false), "");
    LLVMValueRef poison = LLVMGetPoison(LLVMTypeOf(vector));
    return LLVMBuildShuffleVector(e->builder, vector, poison, lane_mask(e, low, 1, count), "");
}

// ---- instructions

LLVMValueRef lg_emit_intrinsic(lg_emitter *e, const char *name, LLVMValueRef *args, int count)
{
    LLVMTypeRef type = LLVMTypeOf(args[0]);
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    assert(id);
    LLVMValueRef function = LLVMGetIntrinsicDeclaration(e->module, id, &type, 1);
    return LLVMBuildCall2(e->builder, LLVMIntrinsicGetType(e->context, id, &type, 1), function,
                          args, (unsigned)count, "");
}

LLVMValueRef lg_emit_fma(lg_emitter *e, LLVMValueRef a, LLVMValueRef b, LLVMValueRef c)
{
    return lg_emit_intrinsic(e, "llvm.fma", (LLVMValueRef[]){a, b, c}, 3);
}

LLVMValueRef lg_emit_select(lg_emitter *e, LLVMValueRef condition, LLVMValueRef yes,
                            LLVMValueRef no)
{
    return LLVMBuildSelect(e->builder, condition, yes, no, "");
}

LLVMValueRef lg_emit_bitcast(lg_emitter *e, LLVMTypeRef element, LLVMValueRef value)
{
    return LLVMBuildBitCast(e->builder, value, lg_emit_like(element, value), "");
}

// ---- memory and values

// Binary operations with a constant second operand, to keep the bit arithmetic below readable.
static LLVMValueRef and_bits(lg_emitter *e, LLVMValueRef a, int64_t mask)
{
    return LLVMBuildAnd(e->builder, a, lg_emit_int(e->i32, mask, a), "");
}

static LLVMValueRef or_bits(lg_emitter *e, LLVMValueRef a, int64_t bits)
{
    return LLVMBuildOr(e->builder, a, lg_emit_int(e->i32, bits, a), "");
}

static LLVMValueRef add_bits(lg_emitter *e, LLVMValueRef a, int64_t b)
{
    return LLVMBuildAdd(e->builder, a, lg_emit_int(e->i32, b, a), "");
}

static LLVMValueRef shift_right(lg_emitter *e, LLVMValueRef a, int bits)
{
    return LLVMBuildLShr(e->builder, a, lg_emit_int(e->i32, bits, a), "");
}

static LLVMValueRef shift_left(lg_emitter *e, LLVMValueRef a, int bits)
{
    return LLVMBuildShl(e->builder, a, lg_emit_int(e->i32, bits, a), "");
}

static LLVMValueRef above(lg_emitter *e, LLVMValueRef a, int64_t bound)
{
    return LLVMBuildICmp(e->builder, LLVMIntUGT, a, lg_emit_int(e->i32, bound, a), "");
}

// The narrow formats go through integers, not through `half` and `bfloat`: where a CPU lacks the
// instructions, LLVM would call functions of a compiler runtime that an artifact does not have.
// Nor does it see through the integers, and take x - bf16(x) for 0.
static LLVMValueRef bf16_to_f32(lg_emitter *e, LLVMValueRef raw)
{
    LLVMValueRef bits = LLVMBuildZExt(e->builder, raw, lg_emit_like(e->i32, raw), "");
    return lg_emit_bitcast(e, e->f32, shift_left(e, bits, 16));
}

// What bf16_to_f32 made `value` of, or NULL: what has been rounded is stored as it is.
static LLVMValueRef bf16_within(lg_emitter *e, LLVMValueRef value)
{
    LLVMValueRef bits = LLVMIsABitCastInst(value) ? LLVMGetOperand(value, 0) : NULL;
    if (!bits || !LLVMIsAInstruction(bits) || LLVMGetInstructionOpcode(bits) != LLVMShl)
        return NULL;
    LLVMValueRef wide = LLVMGetOperand(bits, 0);
    if (!LLVMIsAZExtInst(wide) || LLVMGetOperand(bits, 1) != lg_emit_int(e->i32, 16, wide))
        return NULL;
    LLVMValueRef raw = LLVMGetOperand(wide, 0);
    return LLVMTypeOf(raw) == lg_emit_like(e->i16, raw) ? raw : NULL;
}

// One instruction, which takes denormals for 0.
static LLVMValueRef f32_to_bf16_natively(lg_emitter *e, LLVMValueRef value)
{
    LLVMTypeRef bf16 = LLVMBFloatTypeInContext(e->context);
    LLVMValueRef rounded = LLVMBuildFPTrunc(e->builder, value, lg_emit_like(bf16, value), "");
    return lg_emit_bitcast(e, e->i16, rounded);
}

// Round to nearest even: add half a unit minus one, and one more where the result would be odd. A
// NaN keeps its top bits and gets a quiet one, so that it cannot become an infinity.
static LLVMValueRef f32_to_bf16(lg_emitter *e, LLVMValueRef value)
{
    LLVMValueRef raw = bf16_within(e, value);
    if (raw)
        return raw;
    if (lg_cpu_target_has(e->options->target, "+avx512bf16"))
        return f32_to_bf16_natively(e, value);
    LLVMValueRef bits = lg_emit_bitcast(e, e->i32, value);
    LLVMValueRef high = shift_right(e, bits, 16);
    LLVMValueRef half = add_bits(e, and_bits(e, high, 1), 0x7fff);
    LLVMValueRef rounded = shift_right(e, LLVMBuildAdd(e->builder, bits, half, ""), 16);
    LLVMValueRef is_nan = LLVMBuildFCmp(e->builder, LLVMRealUNO, value, value, "");
    LLVMValueRef result = lg_emit_select(e, is_nan, or_bits(e, high, 0x40), rounded);
    return LLVMBuildTrunc(e->builder, result, lg_emit_like(e->i16, value), "");
}

// Exponent and mantissa move to their place in f32, where the number is 2^-112 of what it should
// be; the product is exact and makes denormals normal. Infinity and NaN get the largest exponent.
static LLVMValueRef f16_to_f32(lg_emitter *e, LLVMValueRef raw)
{
    LLVMValueRef bits = LLVMBuildZExt(e->builder, raw, lg_emit_like(e->i32, raw), "");
    LLVMValueRef magnitude = and_bits(e, bits, 0x7fff);
    LLVMValueRef sign = shift_left(e, and_bits(e, bits, 0x8000), 16);
    LLVMValueRef moved = shift_left(e, magnitude, 13);
    LLVMValueRef small = lg_emit_bitcast(e, e->f32, moved);
    LLVMValueRef scaled = LLVMBuildFMul(e->builder, small, lg_emit_float(e, 0x1p112, small), "");
    LLVMValueRef finite = lg_emit_bitcast(e, e->i32, scaled);
    LLVMValueRef special = or_bits(e, moved, 0x7f800000);
    LLVMValueRef result = lg_emit_select(e, above(e, magnitude, 0x7bff), special, finite);
    return lg_emit_bitcast(e, e->f32, LLVMBuildOr(e->builder, result, sign, ""));
}

// Three cases by magnitude: too large (infinity, or NaN for NaN), normal (as for bf16, with the
// exponent moved), and below 2^-14, where adding 0.5 lets the float unit round at the place of
// f16's denormals.
static LLVMValueRef f32_to_f16(lg_emitter *e, LLVMValueRef value)
{
    LLVMValueRef all = lg_emit_bitcast(e, e->i32, value);
    LLVMValueRef bits = and_bits(e, all, 0x7fffffff);
    LLVMValueRef sign = and_bits(e, shift_right(e, all, 16), 0x8000);

    LLVMValueRef special =
        lg_emit_select(e, above(e, bits, 0x7f800000), lg_emit_int(e->i32, 0x7e00, bits),
                       lg_emit_int(e->i32, 0x7c00, bits));
    LLVMValueRef odd = and_bits(e, shift_right(e, bits, 13), 1);
    LLVMValueRef moved = add_bits(e, bits, 0xfff - ((int64_t)112 << 23));
    LLVMValueRef normal = shift_right(e, LLVMBuildAdd(e->builder, moved, odd, ""), 13);
    LLVMValueRef magnitude = lg_emit_bitcast(e, e->f32, bits);
    LLVMValueRef half = lg_emit_float(e, 0.5, magnitude);
    LLVMValueRef sum = LLVMBuildFAdd(e->builder, magnitude, half, "");
    LLVMValueRef tiny = add_bits(e, lg_emit_bitcast(e, e->i32, sum), -0x3f000000);

    // 0x47800000 is 65536; from 65520 on the rounding of `normal` carries into infinity by itself.
    LLVMValueRef result = lg_emit_select(e, above(e, bits, 0x387fffff), normal, tiny);
    result = lg_emit_select(e, above(e, bits, 0x477fffff), special, result);
    result = LLVMBuildOr(e->builder, result, sign, "");
    return LLVMBuildTrunc(e->builder, result, lg_emit_like(e->i16, value), "");
}

LLVMValueRef lg_emit_widen(lg_emitter *e, lg_dtype dtype, LLVMValueRef raw)
{
    switch (dtype) {
    case LG_BF16:
        return bf16_to_f32(e, raw);
    case LG_F16:
        return f16_to_f32(e, raw);
    case LG_U8:
        return LLVMBuildZExt(e->builder, raw, lg_emit_like(e->i32, raw), "");
    case LG_BOOL:
        return LLVMBuildICmp(e->builder, LLVMIntNE, raw, lg_emit_int(e->i8, 0, raw), "");
    default:
        return raw;
    }
}

LLVMValueRef lg_emit_narrow(lg_emitter *e, lg_dtype dtype, LLVMValueRef value)
{
    switch (dtype) {
    case LG_BF16:
        return f32_to_bf16(e, value);
    case LG_F16:
        return f32_to_f16(e, value);
    case LG_U8:
        return LLVMBuildTrunc(e->builder, value, lg_emit_like(e->i8, value), "");
    case LG_BOOL:
        return LLVMBuildZExt(e->builder, value, lg_emit_like(e->i8, value), "");
    default:
        return value;
    }
}

static LLVMValueRef float_to_integer(lg_emitter *e, LLVMTypeRef element, LLVMValueRef value)
{
    // Saturates and takes NaN to 0, as the reference interpreter does.
    LLVMTypeRef types[2] = {lg_emit_like(element, value), LLVMTypeOf(value)};
    const char *name = "llvm.fptosi.sat";
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    LLVMValueRef function = LLVMGetIntrinsicDeclaration(e->module, id, types, 2);
    return LLVMBuildCall2(e->builder, LLVMIntrinsicGetType(e->context, id, types, 2), function,
                          &value, 1, "");
}

LLVMValueRef lg_emit_cast(lg_emitter *e, lg_dtype from, lg_dtype to, LLVMValueRef value)
{
    LLVMBuilderRef b = e->builder;
    if (from == to)
        return value;
    LLVMTypeRef type = lg_emit_like(lg_emit_type(e, to, 1), value);
    if (to == LG_BOOL && from == LG_F32)
        return LLVMBuildFCmp(b, LLVMRealUNE, value, lg_emit_float(e, 0, value), "");
    if (to == LG_BOOL)
        return LLVMBuildICmp(b, LLVMIntNE, value, lg_emit_int(lg_emit_type(e, from, 1), 0, value),
                             "");
    if (from == LG_F32)
        return float_to_integer(e, lg_emit_type(e, to, 1), value);
    if (to == LG_F32)
        return from == LG_BOOL ? LLVMBuildUIToFP(b, value, type, "")
                               : LLVMBuildSIToFP(b, value, type, "");
    if (from == LG_BOOL)
        return LLVMBuildZExt(b, value, type, "");
    return from == LG_I64 ? LLVMBuildTrunc(b, value, type, "") : LLVMBuildSExt(b, value, type, "");
}
