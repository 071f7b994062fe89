// Sorted by what tells files apart, equal ones stand side by side.
#include "tools/duplicate_images.h"

#include <stdlib.h>

typedef struct file_key {
    uint64_t bytes, hash;
    size_t sample;
} file_key;

static int compare_keys(const void *left, const void *right)
{
    const file_key *a = left, *b = right;
    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? -1 : 1;
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return a->sample < b->sample ? -1 : a->sample > b->sample;
}

static int compare_duplicates(const void *left, const void *right)
{
    const lg_duplicate *a = left, *b = right;
    if (a->first != b->first)
        return a->first < b->first ? -1 : 1;
    return a->sample < b->sample ? -1 : a->sample > b->sample;
}

static void collect(lg_duplicates *d, const lg_dataset *dataset, const file_key *keys, size_t count)
{
    for (size_t i = 1, first = 0; i < count; i++) {
        if (keys[i].bytes != keys[first].bytes || keys[i].hash != keys[first].hash) {
            first = i;
            continue;
        }
        d->count++;
        lg_duplicate found = {keys[i].sample, keys[first].sample};
        if (dataset->samples[found.sample].model != dataset->samples[found.first].model)
            d->across[d->across_count++] = found;
    }
    qsort(d->across, d->across_count, sizeof *d->across, compare_duplicates);
}

bool lg_duplicates_find(lg_duplicates *duplicates, const lg_dataset *dataset,
                        const lg_image_survey *survey)
{
    *duplicates = (lg_duplicates){.across = malloc((survey->count + 1) * sizeof(lg_duplicate))};
    file_key *keys = malloc((survey->count + 1) * sizeof *keys);
    size_t count = 0;
    for (size_t i = 0; keys && i < survey->count; i++)
        if (!survey->images[i].reason)
            keys[count++] = (file_key){survey->images[i].bytes, survey->images[i].hash, i};
    bool good = keys && duplicates->across;
    if (good) {
        qsort(keys, count, sizeof *keys, compare_keys);
        collect(duplicates, dataset, keys, count);
    }
    free(keys);
    return good;
}

void lg_duplicates_free(lg_duplicates *duplicates)
{
    free(duplicates->across);
    *duplicates = (lg_duplicates){0};
}
