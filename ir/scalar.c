// What the scalar functions of ir/scalars.def mean: floats in f64, integers in 64 bits and wrapped
// to their width afterwards. Each row has one definition below, FLOATS, INTEGERS, NUMBERS or ANY by
// the element types that it takes; the table is expanded into calls of these, so that a row without
// a definition does not compile. Nothing here is undefined behaviour for any argument: integers are
// computed unsigned.
#include "ir/kernel.h"

#include <assert.h>
#include <math.h>
#include <string.h>

typedef enum domain { DOMAIN_FLOATS, DOMAIN_INTEGERS, DOMAIN_NUMBERS, DOMAIN_ANY } domain;

static int width_of(lg_dtype dtype)
{
    return dtype == LG_BOOL ? 1 : lg_dtype_bytes(dtype) * 8;
}

static inline lg_number number_f(double value)
{
    return (lg_number){.f = value};
}

// An integer result brought back to the width of its type.
static inline lg_number number_i(lg_dtype dtype, uint64_t bits)
{
    switch (dtype) {
    case LG_I32:
        return (lg_number){.i = (int32_t)(uint32_t)bits};
    case LG_U8:
        return (lg_number){.i = (int64_t)(bits & 0xff)};
    case LG_BOOL:
        return (lg_number){.i = (int64_t)(bits & 1)};
    default:
        return (lg_number){.i = (int64_t)bits};
    }
}

// The quotient rounded down; INT64_MIN / -1 wraps.
static inline uint64_t divide_down(int64_t a, int64_t b)
{
    if (b == 0)
        return 0;
    if (b == -1)
        return -(uint64_t)a;
    int64_t quotient = a / b;
    return (uint64_t)(quotient - (a % b != 0 && (a < 0) != (b < 0)));
}

static inline uint64_t modulo_down(int64_t a, int64_t b)
{
    return b == 0 ? 0 : (uint64_t)a - (uint64_t)b * divide_down(a, b);
}

static inline uint64_t shift_left(lg_dtype dtype, uint64_t a, uint64_t b)
{
    return a << (b & (uint64_t)(width_of(dtype) - 1));
}

// The sign extension of a narrow type is cut off first: zeros come in at its own top bit.
static inline uint64_t shift_right(lg_dtype dtype, uint64_t a, uint64_t b)
{
    int width = width_of(dtype);
    uint64_t bits = width == 64 ? a : a & (((uint64_t)1 << width) - 1);
    return bits >> (b & (uint64_t)(width - 1));
}

static double round_to_bf16(double value);

// In a definition, A B C are the arguments as floats, I J K as signed and U V as unsigned integers.
#define A (a.f)
#define B (b.f)
#define C (c.f)
#define I (a.i)
#define J (b.i)
#define U ((uint64_t)a.i)
#define V ((uint64_t)b.i)
#define DEFINE(name, takes, result)                                                                \
    enum { domain_##name = DOMAIN_##takes };                                                       \
    static inline lg_number evaluate_##name(bool real, lg_dtype dtype, lg_number a, lg_number b,   \
                                            lg_number c)                                           \
    {                                                                                              \
        (void)real, (void)dtype, (void)a, (void)b, (void)c;                                        \
        return result;                                                                             \
    }
#define FLOATS(name, value) DEFINE(name, FLOATS, number_f(value))
#define INTEGERS(name, value) DEFINE(name, INTEGERS, number_i(dtype, value))
#define NUMBERS(name, float_value, integer_value)                                                  \
    DEFINE(name, NUMBERS, real ? number_f(float_value) : number_i(dtype, integer_value))
#define COMPARE(name, takes, relation)                                                             \
    DEFINE(name, takes, number_i(LG_BOOL, real ? A relation B : I relation J))

// clang-format off
NUMBERS(ADD, A + B, U + V)
NUMBERS(SUB, A - B, U - V)
NUMBERS(MUL, A * B, U * V)
NUMBERS(DIV, A / B, divide_down(I, J))
INTEGERS(MOD, modulo_down(I, J))
NUMBERS(MIN, B < A || isnan(B) ? B : A, I < J ? U : V)
NUMBERS(MAX, B > A || isnan(B) ? B : A, I > J ? U : V)
FLOATS(FMA, fma(A, B, C))
NUMBERS(NEG, -A, -U)
NUMBERS(ABS, fabs(A), I < 0 ? -U : U)
FLOATS(SQRT, sqrt(A))
FLOATS(EXP, exp(A))
FLOATS(LOG, log(A))
FLOATS(TANH, tanh(A))
FLOATS(COS, cos(A))
FLOATS(FLOOR, floor(A))
FLOATS(BF16, round_to_bf16(A))
INTEGERS(NOT, ~U)
INTEGERS(AND, U & V)
INTEGERS(OR, U | V)
INTEGERS(XOR, U ^ V)
INTEGERS(SHL, shift_left(dtype, U, V))
INTEGERS(SHR, shift_right(dtype, U, V))
COMPARE(EQ, ANY, ==)
COMPARE(NE, ANY, !=)
COMPARE(LT, NUMBERS, <)
COMPARE(LE, NUMBERS, <=)
COMPARE(GT, NUMBERS, >)
COMPARE(GE, NUMBERS, >=)
DEFINE(SELECT, ANY, a.i ? b : c)
// clang-format on

bool lg_scalar_accepts(lg_scalar fn, lg_dtype dtype)
{
    static const domain domains[LG_SCALAR_COUNT] = {
#define SCALAR(enumerator, ...) [LG_S_##enumerator] = (domain)domain_##enumerator,
#include "ir/scalars.def"
#undef SCALAR
    };
    switch (domains[fn]) {
    case DOMAIN_FLOATS:
        return lg_dtype_is_float(dtype);
    case DOMAIN_INTEGERS:
        return !lg_dtype_is_float(dtype);
    case DOMAIN_NUMBERS:
        return dtype != LG_BOOL;
    case DOMAIN_ANY:
        return true;
    }
    return false;
}

#define SCALAR(enumerator, ...)                                                                    \
    static void repeat_##enumerator(bool real, lg_dtype dtype, const lg_number *a,                 \
                                    const lg_number *b, const lg_number *c, lg_number *results,    \
                                    int count)                                                     \
    {                                                                                              \
        for (int i = 0; i < count; i++)                                                            \
            results[i] = evaluate_##enumerator(real, dtype, a[i], b[i], c[i]);                     \
    }
#include "ir/scalars.def"
#undef SCALAR

static const struct {
    int arity;
    void (*repeat)(bool real, lg_dtype dtype, const lg_number *a, const lg_number *b,
                   const lg_number *c, lg_number *results, int count);
} rows[LG_SCALAR_COUNT] = {
#define SCALAR(enumerator, name, arity, ...) [LG_S_##enumerator] = {arity, repeat_##enumerator},
#include "ir/scalars.def"
#undef SCALAR
};

void lg_scalar_evaluate_many(lg_scalar fn, lg_dtype dtype, const lg_number *const *args,
                             lg_number *results, int count)
{
    assert(lg_scalar_accepts(fn, dtype));
    // An argument that the function does not have is not looked at, but must point somewhere.
    const lg_number *b = rows[fn].arity > 1 ? args[1] : args[0];
    const lg_number *c = rows[fn].arity > 2 ? args[2] : args[0];
    rows[fn].repeat(lg_dtype_is_float(dtype), dtype, args[0], b, c, results, count);
}

lg_number lg_scalar_evaluate(lg_scalar fn, lg_dtype dtype, const lg_number *args)
{
    const lg_number *each[3] = {args};
    for (int i = 1; i < rows[fn].arity; i++)
        each[i] = args + i;
    lg_number result;
    lg_scalar_evaluate_many(fn, dtype, each, &result, 1);
    return result;
}

// Toward zero; what does not fit becomes the nearest that does.
static int64_t saturate(double value, double low, double above)
{
    if (isnan(value))
        return 0;
    if (value <= low)
        return (int64_t)low;
    // `above` is the power of two behind the largest value, exact where that value would not be.
    return value >= above ? (int64_t)((uint64_t)above - 1) : (int64_t)value;
}

lg_number lg_number_cast(lg_number value, lg_dtype from, lg_dtype to)
{
    bool from_float = lg_dtype_is_float(from);
    if (to == LG_BOOL)
        return (lg_number){.i = from_float ? value.f != 0 : value.i != 0};
    if (lg_dtype_is_float(to))
        return from_float ? value : number_f((double)value.i);
    if (!from_float)
        return number_i(to, (uint64_t)value.i);
    switch (to) {
    case LG_I32:
        return (lg_number){.i = saturate(value.f, -0x1p31, 0x1p31)};
    case LG_U8:
        return (lg_number){.i = saturate(value.f, 0, 256)};
    default:
        return (lg_number){.i = saturate(value.f, -0x1p63, 0x1p63)};
    }
}

// A narrow IEEE format: `exponent_bits`, then `mantissa_bits`.
typedef struct narrow_float {
    int exponent_bits, mantissa_bits;
} narrow_float;

static const narrow_float f16_format = {5, 10}, bf16_format = {8, 7};

static int smallest_exponent(narrow_float format)
{
    return 2 - (1 << (format.exponent_bits - 1));
}

// Rounds to nearest even. A carry out of the mantissa counts the exponent up, and up to infinity,
// because the code of a float is monotonic in its magnitude.
static uint16_t encode(narrow_float format, double value)
{
    uint32_t sign = signbit(value) ? 0x8000u : 0;
    uint32_t infinity = ((1u << format.exponent_bits) - 1) << format.mantissa_bits;
    if (isnan(value))
        return (uint16_t)(sign | infinity | 1u << (format.mantissa_bits - 1));
    if (isinf(value))
        return (uint16_t)(sign | infinity);
    int exponent = value == 0 ? smallest_exponent(format) : ilogb(value);
    int least = smallest_exponent(format);
    if (exponent > -2 * least)
        return (uint16_t)(sign | infinity);
    int shift = exponent < least ? 0 : exponent - least;
    double mantissa = nearbyint(ldexp(fabs(value), format.mantissa_bits - least - shift));
    uint32_t code = ((uint32_t)shift << format.mantissa_bits) + (uint32_t)mantissa;
    return (uint16_t)(sign | (code < infinity ? code : infinity));
}

static double decode(narrow_float format, uint16_t code)
{
    int magnitude = code & 0x7fff;
    int exponent = magnitude >> format.mantissa_bits;
    int mantissa = magnitude & ((1 << format.mantissa_bits) - 1);
    double sign = code & 0x8000 ? -1 : 1;
    int scale = smallest_exponent(format) - format.mantissa_bits;
    if (exponent == (1 << format.exponent_bits) - 1)
        return mantissa ? NAN : sign * INFINITY;
    if (exponent == 0)
        return sign * ldexp(mantissa, scale);
    return sign * ldexp(mantissa + (1 << format.mantissa_bits), scale + exponent - 1);
}

static double round_to_bf16(double value)
{
    return decode(bf16_format, encode(bf16_format, value));
}

#define READ(type) (*(type *)memcpy(&(type){0}, at, sizeof(type)))
#define WRITE(type, value) memcpy(at, &(type){(type)(value)}, sizeof(type))

lg_number lg_number_load(lg_dtype dtype, const void *at)
{
    switch (dtype) {
    case LG_F32:
        return number_f((double)READ(float));
    case LG_BF16:
        return number_f(decode(bf16_format, READ(uint16_t)));
    case LG_F16:
        return number_f(decode(f16_format, READ(uint16_t)));
    case LG_I32:
        return (lg_number){.i = READ(int32_t)};
    case LG_I64:
        return (lg_number){.i = READ(int64_t)};
    case LG_U8:
        return (lg_number){.i = READ(uint8_t)};
    case LG_BOOL:
        return (lg_number){.i = READ(uint8_t) != 0};
    case LG_DTYPE_COUNT:
        break;
    }
    assert(!"an element type");
    return (lg_number){0};
}

void lg_number_store(lg_dtype dtype, void *at, lg_number value)
{
    switch (dtype) {
    case LG_F32:
        WRITE(float, value.f);
        break;
    case LG_BF16:
        WRITE(uint16_t, encode(bf16_format, value.f));
        break;
    case LG_F16:
        WRITE(uint16_t, encode(f16_format, value.f));
        break;
    case LG_I32:
        WRITE(int32_t, value.i);
        break;
    case LG_I64:
        WRITE(int64_t, value.i);
        break;
    case LG_U8:
        WRITE(uint8_t, value.i);
        break;
    case LG_BOOL:
        WRITE(uint8_t, value.i != 0);
        break;
    case LG_DTYPE_COUNT:
        assert(!"an element type");
    }
}
