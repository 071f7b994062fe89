// Random numbers that are the same everywhere: SplitMix64 (Steele, Lea, Flood 2014).
#ifndef LG_RUNTIME_RANDOM_H
#define LG_RUNTIME_RANDOM_H

#include <stddef.h>
#include <stdint.h>

typedef struct lg_random {
    uint64_t state;
} lg_random;

// The state adds 0x9e3779b97f4a7c15 each step; the number is that, mixed.
static inline uint64_t lg_random_next(lg_random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

// Sequence number `stream` (an epoch, say) of a seed: the state is the seed's first number xor the
// stream's.
static inline lg_random lg_random_start(uint64_t seed, uint64_t stream)
{
    lg_random a = {seed}, b = {~stream};
    return (lg_random){lg_random_next(&a) ^ lg_random_next(&b)};
}

// 0..count-1: the upper half of number x count; count > 0.
static inline uint64_t lg_random_below(lg_random *random, uint64_t count)
{
    __extension__ typedef unsigned __int128 wide;
    return (uint64_t)((wide)lg_random_next(random) * count >> 64);
}

// Fisher and Yates, from the end: item i changes places with one of 0..i.
static inline void lg_random_shuffle(lg_random *random, uint32_t *items, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = lg_random_below(random, i);
        uint32_t item = items[i - 1];
        items[i - 1] = items[j];
        items[j] = item;
    }
}

#endif
