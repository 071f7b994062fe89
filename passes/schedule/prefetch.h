// Weights on their way from memory while arithmetic goes on.
#ifndef LG_PASSES_SCHEDULE_PREFETCH_H
#define LG_PASSES_SCHEDULE_PREFETCH_H

#include "passes/schedule/schedule.h"

enum { LG_PREFETCH_MOST = 32 };

// What one tile fetches in each turn of its inner loop: `count` of the vectors that the turn
// `unroll` channels later in the packed filter would read.
typedef struct lg_prefetch {
    int count;
    lg_kx *channel[LG_PREFETCH_MOST], *vector[LG_PREFETCH_MOST]; // of the turn, of the panel
} lg_prefetch;

// Do so few rows of register tiles, `rows` in all, use each weight that memory is what they wait
// for?
bool lg_waits_for_weights(int64_t rows);
// Divides the vectors of a turn of `unroll` channels among `tiles` tiles, of which this is number
// `tile`. Before the loops over what is reduced.
void lg_prefetch_share(lg_kbuilder *k, lg_tile shape, int unroll, int64_t tiles, lg_kx *tile,
                       lg_prefetch *share);
// The statements of a turn: `vector(data, channel, vector)` is the load of what comes next.
void lg_prefetch_turn(lg_kbuilder *k, const lg_prefetch *share,
                      lg_kx *(*vector)(void *data, lg_kx *channel, lg_kx *vector), void *data);

#endif
