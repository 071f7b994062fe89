// Decoded images in memory, as many as a budget allows: small images are read once a run.
#ifndef LG_RUNTIME_PIXEL_CACHE_H
#define LG_RUNTIME_PIXEL_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct lg_pixel_cache lg_pixel_cache;

// For `count` images of `bytes` each, taking at most about `budget` bytes; NULL when memory is
// short. All functions may be called from any thread at once.
lg_pixel_cache *lg_pixel_cache_new(size_t count, size_t bytes, size_t budget);

// NULL is allowed.
void lg_pixel_cache_free(lg_pixel_cache *cache);

// Copies image `i` to `pixels` if it is there.
bool lg_pixel_cache_get(lg_pixel_cache *cache, size_t i, uint8_t *pixels);

// Keeps a copy of image `i`, unless the budget is spent or memory short. What is in stays in: when
// every image comes once an epoch, any set of them that stays is as good as another.
void lg_pixel_cache_put(lg_pixel_cache *cache, size_t i, const uint8_t *pixels);

#endif
