// Images are sorted by model (a counting sort), so that drawing one is two numbers: which model,
// which of its images.
#include "runtime/image_pairs.h"

#include "runtime/random.h"

#include <assert.h>
#include <stdlib.h>

typedef struct images_by_model {
    uint32_t *images; // sorted by model, in each in their own order
    size_t *first;    // of model m: images[first[m]] to before images[first[m + 1]]
    uint32_t *any, *twins;
    uint32_t any_count, twin_count; // models with at least one image, with at least two
} images_by_model;

static size_t image_count(const images_by_model *by, uint32_t model)
{
    return by->first[model + 1] - by->first[model];
}

static void sort_images(images_by_model *by, const uint32_t *model_of, size_t count,
                        uint32_t models)
{
    for (size_t i = 0; i < count; i++) {
        assert(model_of[i] < models);
        by->first[model_of[i] + 1]++;
    }
    for (uint32_t m = 0; m < models; m++)
        by->first[m + 1] += by->first[m];
    for (size_t i = 0; i < count; i++) // moves first[m] to first[m + 1] ...
        by->images[by->first[model_of[i]]++] = (uint32_t)i;
    for (uint32_t m = models; m > 0; m--) // ... and back
        by->first[m] = by->first[m - 1];
    by->first[0] = 0;
    for (uint32_t m = 0; m < models; m++) {
        if (image_count(by, m) >= 1)
            by->any[by->any_count++] = m;
        if (image_count(by, m) >= 2)
            by->twins[by->twin_count++] = m;
    }
}

static uint32_t draw(lg_random *random, size_t n)
{
    return (uint32_t)lg_random_below(random, n);
}

// Two different numbers below n, n >= 2: the second is drawn from what is left.
static void draw_two(lg_random *random, uint32_t n, uint32_t two[2])
{
    two[0] = draw(random, n);
    two[1] = draw(random, n - 1);
    two[1] += two[1] >= two[0];
}

static uint32_t draw_image(const images_by_model *by, uint32_t model, lg_random *random)
{
    return by->images[by->first[model] + draw(random, (uint32_t)image_count(by, model))];
}

static void draw_pairs(const images_by_model *by, lg_random random, size_t count,
                       lg_image_pair *pairs)
{
    uint32_t two[2];
    for (size_t i = 0; i < count / 2; i++) {
        uint32_t model = by->twins[draw(&random, by->twin_count)];
        draw_two(&random, (uint32_t)image_count(by, model), two);
        const uint32_t *images = by->images + by->first[model];
        pairs[i] = (lg_image_pair){images[two[0]], images[two[1]], true};
    }
    for (size_t i = count / 2; i < count; i++) {
        draw_two(&random, by->any_count, two);
        uint32_t a = draw_image(by, by->any[two[0]], &random);
        pairs[i] = (lg_image_pair){a, draw_image(by, by->any[two[1]], &random), false};
    }
}

bool lg_image_pairs_draw(const uint32_t *model_of, size_t images, uint32_t models, uint64_t seed,
                         size_t count, lg_image_pair *pairs, lg_error *e)
{
    images_by_model by = {
        .images = calloc(images + 1, sizeof *by.images),
        .first = calloc((size_t)models + 2, sizeof *by.first),
        .any = calloc((size_t)models + 1, sizeof *by.any),
        .twins = calloc((size_t)models + 1, sizeof *by.twins),
    };
    bool good = by.images && by.first && by.any && by.twins;
    if (!good)
        lg_fail(e, "not enough memory");
    else
        sort_images(&by, model_of, images, models);
    if (good && by.any_count < 2)
        good = lg_fail(e, "pairs of different models need images of at least two models");
    else if (good && by.twin_count == 0)
        good = lg_fail(e, "pairs of one model need a model with two images");
    if (good)
        draw_pairs(&by, lg_random_start(seed, 0), count, pairs);
    free(by.images);
    free(by.first);
    free(by.any);
    free(by.twins);
    return good;
}
