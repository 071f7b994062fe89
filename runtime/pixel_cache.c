// A pointer an image, set once: readers need no lock.
#include "runtime/pixel_cache.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct lg_pixel_cache {
    size_t bytes, count;
    atomic_size_t room; // images that still fit
    uint8_t *_Atomic images[];
};

lg_pixel_cache *lg_pixel_cache_new(size_t count, size_t bytes, size_t budget)
{
    lg_pixel_cache *cache = calloc(1, sizeof *cache + count * sizeof cache->images[0]);
    if (!cache)
        return NULL;
    cache->bytes = bytes;
    cache->count = count;
    atomic_init(&cache->room, budget / (bytes + sizeof cache->images[0]));
    return cache;
}

void lg_pixel_cache_free(lg_pixel_cache *cache)
{
    for (size_t i = 0; cache && i < cache->count; i++)
        free(cache->images[i]);
    free(cache);
}

bool lg_pixel_cache_get(lg_pixel_cache *cache, size_t i, uint8_t *pixels)
{
    const uint8_t *image = atomic_load_explicit(&cache->images[i], memory_order_acquire);
    if (image)
        memcpy(pixels, image, cache->bytes);
    return image != NULL;
}

static bool take_room(lg_pixel_cache *cache)
{
    size_t room = atomic_load(&cache->room);
    while (room > 0)
        if (atomic_compare_exchange_weak(&cache->room, &room, room - 1))
            return true;
    return false;
}

void lg_pixel_cache_put(lg_pixel_cache *cache, size_t i, const uint8_t *pixels)
{
    if (atomic_load(&cache->images[i]) || !take_room(cache))
        return;
    uint8_t *image = malloc(cache->bytes), *none = NULL;
    if (image)
        memcpy(image, pixels, cache->bytes);
    if (!image || !atomic_compare_exchange_strong(&cache->images[i], &none, image)) {
        free(image);
        atomic_fetch_add(&cache->room, 1);
    }
}
