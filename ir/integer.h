// Integer arithmetic that C has no operator for.
#ifndef LG_IR_INTEGER_H
#define LG_IR_INTEGER_H

#include <stdint.h>

// a / b rounded up, of a >= 0 and b > 0.
static inline int64_t lg_ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

// a / b rounded down, of b > 0.
static inline int64_t lg_floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

// Not negative; the other number where one is 0.
static inline int64_t lg_greatest_divisor(int64_t a, int64_t b)
{
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a < 0 ? -a : a;
}

#endif
