// exp, log, tanh and cos, spelled in vector arithmetic so that no library is called and vectors
// stay vectors. Each brings its argument into a small interval where a short series is exact to the
// last bit or two, then undoes the step: 2 ulp at most, infinities, NaN, zeros and denormals as
// libm has them. tests/test_math.c holds them to that.
//
// The series are Taylor series, or the Pade approximant of tanh: a term more than a fitted
// polynomial would need, and coefficients that explain themselves.
#include "codegen/llvm_emit.h"

static LLVMValueRef mul(lg_emitter *e, LLVMValueRef a, LLVMValueRef b)
{
    return LLVMBuildFMul(e->builder, a, b, "");
}

static LLVMValueRef add(lg_emitter *e, LLVMValueRef a, LLVMValueRef b)
{
    return LLVMBuildFAdd(e->builder, a, b, "");
}

static LLVMValueRef sub(lg_emitter *e, LLVMValueRef a, LLVMValueRef b)
{
    return LLVMBuildFSub(e->builder, a, b, "");
}

static LLVMValueRef compare(lg_emitter *e, LLVMRealPredicate predicate, LLVMValueRef a, double b)
{
    return LLVMBuildFCmp(e->builder, predicate, a, lg_emit_float(e, b, a), "");
}

static LLVMValueRef integer(lg_emitter *e, int64_t number, LLVMValueRef like)
{
    return lg_emit_int(e->i32, number, like);
}

// c[0] + x * (c[1] + x * (c[2] + ...)) in f32.
static LLVMValueRef polynomial(lg_emitter *e, LLVMValueRef x, int count, const double *c)
{
    LLVMValueRef sum = lg_emit_float(e, c[count - 1], x);
    for (int i = count - 2; i >= 0; i--)
        sum = lg_emit_fma(e, sum, x, lg_emit_float(e, c[i], x));
    return sum;
}

// 2^n for integers -126 <= n <= 127, put together from its bits.
static LLVMValueRef power_of_two(lg_emitter *e, LLVMValueRef n)
{
    LLVMValueRef biased = LLVMBuildAdd(e->builder, n, integer(e, 127, n), "");
    return lg_emit_bitcast(e, e->f32, LLVMBuildShl(e->builder, biased, integer(e, 23, n), ""));
}

static const double ln2_high = 0x1.62e4p-1, ln2_low = 0x1.7f7d1cp-20; // high: 15 bits, n * it exact

// e^x = 2^n e^r with n = round(x / ln 2), so |r| < 0.35. The factor 2^n is applied in two halves:
// each is a normal number, and a denormal result is rounded once.
LLVMValueRef lg_emit_exp(lg_emitter *e, LLVMValueRef x)
{
    static const double factorials[] = {1.0 / 2,   1.0 / 6,   1.0 / 24,
                                        1.0 / 120, 1.0 / 720, 1.0 / 5040};
    // Beyond these the result is 0 or infinity anyhow; comparing this way round leaves NaN alone.
    LLVMValueRef low = lg_emit_float(e, -110, x), high = lg_emit_float(e, 95, x);
    LLVMValueRef a = lg_emit_select(e, compare(e, LLVMRealOLT, x, -110), low, x);
    a = lg_emit_select(e, compare(e, LLVMRealOGT, a, 95), high, a);

    LLVMValueRef scaled = mul(e, a, lg_emit_float(e, 0x1.715476p0, a));
    LLVMValueRef n = lg_emit_intrinsic(e, "llvm.rint", &scaled, 1);
    LLVMValueRef r = lg_emit_fma(e, n, lg_emit_float(e, -ln2_high, n), a);
    r = lg_emit_fma(e, n, lg_emit_float(e, -ln2_low, n), r);
    LLVMValueRef tail = mul(e, mul(e, r, r), polynomial(e, r, 6, factorials));
    LLVMValueRef value = add(e, add(e, r, tail), lg_emit_float(e, 1, r));

    // NaN to integer is poison: it becomes 0 first.
    LLVMValueRef ordered = LLVMBuildFCmp(e->builder, LLVMRealORD, n, n, "");
    n = lg_emit_select(e, ordered, n, lg_emit_float(e, 0, n));
    LLVMValueRef k = LLVMBuildFPToSI(e->builder, n, lg_emit_like(e->i32, n), "");
    LLVMValueRef half = LLVMBuildAShr(e->builder, k, integer(e, 1, k), "");
    LLVMValueRef rest = LLVMBuildSub(e->builder, k, half, "");
    return mul(e, mul(e, value, power_of_two(e, half)), power_of_two(e, rest));
}

// log x = n ln 2 + log(1 + f) with 1 + f in [sqrt(1/2), sqrt(2)), and with s = f / (2 + f)
// log(1 + f) = f - f^2/2 + s (f^2/2 + R(s^2)): the series of 2 atanh(s), its first term rewritten
// so that only small terms are rounded (fdlibm's e_log.c).
LLVMValueRef lg_emit_log(lg_emitter *e, LLVMValueRef x)
{
    static const double odd[] = {2.0 / 3, 2.0 / 5, 2.0 / 7, 2.0 / 9, 2.0 / 11};
    LLVMBuilderRef b = e->builder;
    LLVMValueRef denormal = compare(e, LLVMRealOLT, x, 0x1p-126);
    LLVMValueRef lifted = mul(e, x, lg_emit_float(e, 0x1p25, x));
    LLVMValueRef bits = lg_emit_bitcast(e, e->i32, lg_emit_select(e, denormal, lifted, x));

    // Counting bits from those of sqrt(1/2), the exponent field is n and the rest is 1 + f.
    LLVMValueRef shifted = LLVMBuildSub(b, bits, integer(e, 0x3f3504f3, bits), "");
    LLVMValueRef n = LLVMBuildAShr(b, shifted, integer(e, 23, bits), "");
    LLVMValueRef exponent = LLVMBuildShl(b, n, integer(e, 23, bits), "");
    LLVMValueRef mantissa = lg_emit_bitcast(e, e->f32, LLVMBuildSub(b, bits, exponent, ""));
    LLVMValueRef correction =
        lg_emit_select(e, denormal, integer(e, -25, bits), integer(e, 0, bits));
    n = LLVMBuildAdd(b, n, correction, "");
    n = LLVMBuildSIToFP(b, n, lg_emit_like(e->f32, n), "");

    LLVMValueRef f = sub(e, mantissa, lg_emit_float(e, 1, x));
    LLVMValueRef s = LLVMBuildFDiv(b, f, add(e, f, lg_emit_float(e, 2, x)), "");
    LLVMValueRef z = mul(e, s, s);
    LLVMValueRef series = mul(e, z, polynomial(e, z, 5, odd));
    LLVMValueRef half_square = mul(e, mul(e, f, f), lg_emit_float(e, 0.5, x));
    LLVMValueRef tail = mul(e, s, add(e, half_square, series));
    tail = lg_emit_fma(e, n, lg_emit_float(e, ln2_low, x), tail);
    LLVMValueRef value = sub(e, f, sub(e, half_square, tail));
    value = lg_emit_fma(e, n, lg_emit_float(e, ln2_high, x), value);

    value = lg_emit_select(e, compare(e, LLVMRealOEQ, x, __builtin_inf()), x, value);
    value = lg_emit_select(e, compare(e, LLVMRealOEQ, x, 0), lg_emit_float(e, -__builtin_inf(), x),
                           value);
    LLVMValueRef wrong = compare(e, LLVMRealULT, x, 0); // negative or NaN
    return lg_emit_select(e, wrong, lg_emit_float(e, __builtin_nan(""), x), value);
}

// Up to 0.55 x minus a correction of 10% at most, from the Pade approximant
// x (945 + 105 x^2 + x^4) / (945 + 420 x^2 + 15 x^4); above, 1 - 2 / (e^2x + 1).
LLVMValueRef lg_emit_tanh(lg_emitter *e, LLVMValueRef x)
{
    LLVMBuilderRef b = e->builder;
    LLVMValueRef magnitude = lg_emit_intrinsic(e, "llvm.fabs", &x, 1);
    LLVMValueRef z = mul(e, magnitude, magnitude);
    LLVMValueRef above = mul(e, z, polynomial(e, z, 2, (double[]){315, 14}));
    LLVMValueRef below = polynomial(e, z, 3, (double[]){945, 420, 15});
    LLVMValueRef quotient = LLVMBuildFDiv(b, above, below, "");
    LLVMValueRef small = sub(e, magnitude, mul(e, magnitude, quotient));

    LLVMValueRef power = lg_emit_exp(e, add(e, magnitude, magnitude));
    LLVMValueRef one = lg_emit_float(e, 1, x);
    LLVMValueRef rest = LLVMBuildFDiv(b, lg_emit_float(e, 2, x), add(e, power, one), "");
    LLVMValueRef large = sub(e, one, rest);
    LLVMValueRef value = lg_emit_select(e, compare(e, LLVMRealOGT, magnitude, 0.55), large, small);
    return lg_emit_intrinsic(e, "llvm.copysign", (LLVMValueRef[]){value, x}, 2);
}

// ---- cos, in f64: its argument minus a multiple of pi/2 loses as many bits as the argument has
// digits before the point

static LLVMValueRef real64(lg_emitter *e, double number, LLVMValueRef like)
{
    return lg_emit_splat(e, LLVMConstReal(e->f64, number), lg_emit_lanes(like));
}

static LLVMValueRef int64_like(lg_emitter *e, uint64_t number, LLVMValueRef like)
{
    return lg_emit_int(e->i64, (int64_t)number, like);
}

static LLVMValueRef polynomial64(lg_emitter *e, LLVMValueRef x, int count, const double *c)
{
    LLVMValueRef sum = real64(e, c[count - 1], x);
    for (int i = count - 2; i >= 0; i--)
        sum = add(e, mul(e, sum, x), real64(e, c[i], x));
    return sum;
}

// Windows of 32 bits into the binary digits of 2/pi, a byte apart.
static LLVMValueRef two_over_pi_table(lg_emitter *e)
{
    static const uint32_t digits[24] = {
        0x000000a2, 0x0000a2f9, 0x00a2f983, 0xa2f9836e, 0xf9836e4e, 0x836e4e44,
        0x6e4e4415, 0x4e441529, 0x441529fc, 0x1529fc27, 0x29fc2757, 0xfc2757d1,
        0x2757d1f5, 0x57d1f534, 0xd1f534dd, 0xf534ddc0, 0x34ddc0db, 0xddc0db62,
        0xc0db6295, 0xdb629599, 0x6295993c, 0x95993c43, 0x993c4390, 0x3c439041,
    };
    static const char name[] = "two_over_pi";
    LLVMValueRef table = LLVMGetNamedGlobal(e->module, name);
    if (table)
        return table;
    LLVMValueRef elements[24];
    for (int i = 0; i < 24; i++)
        elements[i] = LLVMConstInt(e->i32, digits[i], false);
    table = LLVMAddGlobal(e->module, LLVMArrayType2(e->i32, 24), name);
    LLVMSetInitializer(table, LLVMConstArray2(e->i32, elements, 24));
    LLVMSetGlobalConstant(table, true);
    LLVMSetLinkage(table, LLVMInternalLinkage);
    return table;
}

// table[index + offset] of every lane, as i64.
static LLVMValueRef look_up(lg_emitter *e, LLVMValueRef table, LLVMValueRef index, int offset)
{
    int lanes = lg_emit_lanes(index);
    LLVMValueRef result = LLVMGetUndef(lg_emit_like(e->i64, index));
    for (int i = 0; i < lanes; i++) {
        LLVMValueRef lane = lanes == 1 ? index : lg_emit_slice(e, index, i, 1);
        LLVMValueRef at = LLVMBuildAdd(e->builder, lane, int64_like(e, (uint64_t)offset, lane), "");
        LLVMValueRef address = LLVMBuildInBoundsGEP2(e->builder, e->i32, table, &at, 1, "");
        LLVMValueRef digit = LLVMBuildLoad2(e->builder, e->i32, address, "");
        digit = LLVMBuildZExt(e->builder, digit, e->i64, "");
        if (lanes == 1)
            return digit;
        result = LLVMBuildInsertElement(e->builder, result, digit,
                                        LLVMConstInt(e->i32, (unsigned)i, false), "");
    }
    return result;
}

typedef struct reduced {
    LLVMValueRef quadrant, rest; // i64 and f64: the argument is quadrant * pi/2 + rest
} reduced;

static const double half_pi_high = 0x1.921fb54442d18p0, half_pi_low = 0x1.1a62633145c07p-54;

static reduced reduce_moderate(lg_emitter *e, LLVMValueRef x)
{
    LLVMValueRef scaled = mul(e, x, real64(e, 0x1.45f306dc9c883p-1, x));
    LLVMValueRef n = lg_emit_intrinsic(e, "llvm.rint", &scaled, 1);
    LLVMValueRef rest = lg_emit_fma(e, n, real64(e, -half_pi_high, x), x);
    rest = lg_emit_fma(e, n, real64(e, -half_pi_low, x), rest);
    return (reduced){LLVMBuildFPToSI(e->builder, n, lg_emit_like(e->i64, x), ""), rest};
}

// Payne and Hanek: only those digits of 2/pi matter that give a fraction and the last two bits of
// the quotient, 96 of them times the 24 bits of x (Arm's optimized-routines, sincosf.h).
static reduced reduce_large(lg_emitter *e, LLVMValueRef x)
{
    LLVMBuilderRef b = e->builder;
    LLVMValueRef bits = lg_emit_bitcast(e, e->i32, x);
    bits = LLVMBuildZExt(b, bits, lg_emit_like(e->i64, x), "");
    LLVMValueRef byte = LLVMBuildLShr(b, bits, int64_like(e, 26, x), "");
    byte = LLVMBuildAnd(b, byte, int64_like(e, 15, x), "");
    LLVMValueRef shift = LLVMBuildLShr(b, bits, int64_like(e, 23, x), "");
    shift = LLVMBuildAnd(b, shift, int64_like(e, 7, x), "");
    LLVMValueRef mantissa = LLVMBuildAnd(b, bits, int64_like(e, 0xffffff, x), "");
    mantissa = LLVMBuildOr(b, mantissa, int64_like(e, 0x800000, x), "");
    mantissa = LLVMBuildShl(b, mantissa, shift, "");

    LLVMValueRef table = two_over_pi_table(e);
    LLVMValueRef high = LLVMBuildMul(b, mantissa, look_up(e, table, byte, 0), "");
    LLVMValueRef middle = LLVMBuildMul(b, mantissa, look_up(e, table, byte, 4), "");
    LLVMValueRef low = LLVMBuildMul(b, mantissa, look_up(e, table, byte, 8), "");
    LLVMValueRef product = LLVMBuildShl(b, high, int64_like(e, 32, x), "");
    product = LLVMBuildOr(b, product, LLVMBuildLShr(b, low, int64_like(e, 32, x), ""), "");
    product = LLVMBuildAdd(b, product, middle, "");

    LLVMValueRef rounded = LLVMBuildAdd(b, product, int64_like(e, (uint64_t)1 << 61, x), "");
    LLVMValueRef quadrant = LLVMBuildLShr(b, rounded, int64_like(e, 62, x), "");
    LLVMValueRef whole = LLVMBuildShl(b, quadrant, int64_like(e, 62, x), "");
    LLVMValueRef fraction = LLVMBuildSub(b, product, whole, "");
    fraction = LLVMBuildSIToFP(b, fraction, lg_emit_like(e->f64, x), "");
    return (reduced){quadrant, mul(e, fraction, real64(e, 0x1.921fb54442d18p-62, x))};
}

// The quadrant tells whether it is cos or sin of the rest, and which sign.
static LLVMValueRef cosine_of(lg_emitter *e, reduced a)
{
    static const double cosine[] = {1,           -1.0 / 2,       1.0 / 24,       -1.0 / 720,
                                    1.0 / 40320, -1.0 / 3628800, 1.0 / 479001600};
    static const double sine[] = {1,           -1.0 / 6,     1.0 / 120,
                                  -1.0 / 5040, 1.0 / 362880, -1.0 / 39916800};
    LLVMBuilderRef b = e->builder;
    LLVMValueRef z = mul(e, a.rest, a.rest);
    LLVMValueRef c = polynomial64(e, z, 7, cosine);
    LLVMValueRef s = mul(e, a.rest, polynomial64(e, z, 6, sine));
    LLVMValueRef one = int64_like(e, 1, z), zero = int64_like(e, 0, z);
    LLVMValueRef odd = LLVMBuildAnd(b, a.quadrant, one, "");
    LLVMValueRef is_sine = LLVMBuildICmp(b, LLVMIntNE, odd, zero, "");
    LLVMValueRef next = LLVMBuildAdd(b, a.quadrant, one, "");
    LLVMValueRef upper = LLVMBuildAnd(b, next, int64_like(e, 2, z), "");
    LLVMValueRef is_negative = LLVMBuildICmp(b, LLVMIntNE, upper, zero, "");
    LLVMValueRef value = lg_emit_select(e, is_sine, s, c);
    return lg_emit_select(e, is_negative, LLVMBuildFNeg(b, value, ""), value);
}

LLVMValueRef lg_emit_cos(lg_emitter *e, LLVMValueRef x)
{
    LLVMBuilderRef b = e->builder;
    LLVMValueRef magnitude = lg_emit_intrinsic(e, "llvm.fabs", &x, 1);
    LLVMValueRef is_moderate = compare(e, LLVMRealOLT, magnitude, 65536);
    LLVMValueRef bounded = lg_emit_select(e, is_moderate, magnitude, lg_emit_float(e, 0, x));
    LLVMValueRef wide = LLVMBuildFPExt(b, bounded, lg_emit_like(e->f64, x), "");
    reduced moderate = reduce_moderate(e, wide), large = reduce_large(e, magnitude);
    reduced chosen = {lg_emit_select(e, is_moderate, moderate.quadrant, large.quadrant),
                      lg_emit_select(e, is_moderate, moderate.rest, large.rest)};
    LLVMValueRef value = LLVMBuildFPTrunc(b, cosine_of(e, chosen), lg_emit_like(e->f32, x), "");
    LLVMValueRef is_finite = compare(e, LLVMRealOLT, magnitude, __builtin_inf());
    return lg_emit_select(e, is_finite, value, lg_emit_float(e, __builtin_nan(""), x));
}
