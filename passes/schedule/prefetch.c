// Weights that are used by few rows come from memory as slowly as they are used: at batch 1 the
// last stages of a network read 60 MB for pixels of 7 x 7. Those that L2 does not keep from job to
// job come from behind it, however many rows use them. The panels follow each other in memory,
// but a panel is used for a while before the next one begins, and the prefetchers of the processor
// do not know that. So the tiles that work on a panel bring the next one to L2, each its share,
// spread over the turns of the inner loop. Memory and arithmetic then go on side by side.
#include "passes/schedule/prefetch.h"

#include <assert.h>

// From here on memory takes less than a twentieth of the time of the arithmetic.
enum { MOST_ROWS = 400 };

bool lg_waits_for_weights(int64_t rows)
{
    return rows <= MOST_ROWS;
}

void lg_prefetch_share(lg_kbuilder *k, lg_tile shape, int unroll, int64_t tiles, lg_kx *tile,
                       lg_prefetch *share)
{
    int vectors = shape.vectors * unroll, shares = 1;
    while (2 * shares <= tiles && vectors % (2 * shares) == 0)
        shares *= 2;
    share->count = vectors / shares < LG_PREFETCH_MOST ? vectors / shares : LG_PREFETCH_MOST;
    lg_kx *first = lg_kx_muli(k, lg_kx_modi(k, tile, shares), share->count);
    for (int i = 0; i < share->count; i++) {
        lg_kx *at = lg_kx_addi(k, first, i);
        share->channel[i] = lg_k_let(k, "later", lg_kx_divi(k, at, shape.vectors));
        share->vector[i] = lg_k_let(k, "vector", lg_kx_modi(k, at, shape.vectors));
    }
}

void lg_prefetch_turn(lg_kbuilder *k, const lg_prefetch *share,
                      lg_kx *(*vector)(void *data, lg_kx *channel, lg_kx *vector), void *data)
{
    for (int i = 0; i < share->count; i++) {
        lg_kx *load = vector(data, share->channel[i], share->vector[i]);
        assert(load->kind == LG_KX_LOAD);
        lg_k_prefetch(k, load->as.load.buffer, load->as.load.index);
    }
}
