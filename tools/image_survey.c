// Threads take the next sample by a counter; the main thread tells how far they are.
#include "tools/image_survey.h"

#include "tools/progress.h"

#define XXH_INLINE_ALL
#include "runtime/image.h"
#include "runtime/threads.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>

enum { MOST_THREADS = 256, TENTH = 100 * 1000 * 1000, BLOCK = 16384 };

typedef struct survey_work {
    const lg_dataset *dataset;
    lg_image_survey *survey;
    atomic_size_t next, done, broken;
    atomic_bool no_memory;
} survey_work;

static bool hash_file(const char *path, lg_surveyed_image *to, lg_error *e)
{
    FILE *in = fopen(path, "rb");
    if (!in)
        return lg_fail(e, "%s: %m", path);
    XXH64_state_t state;
    XXH64_reset(&state, 0);
    unsigned char block[BLOCK];
    size_t got;
    do {
        got = fread(block, 1, sizeof block, in);
        XXH64_update(&state, block, got);
        to->bytes += got;
    } while (got == sizeof block);
    bool good = !ferror(in) || lg_fail(e, "%s: %m", path);
    fclose(in);
    to->hash = XXH64_digest(&state);
    return good;
}

static void survey_one(survey_work *w, size_t i)
{
    lg_error e;
    lg_surveyed_image *to = &w->survey->images[i];
    const char *path = w->dataset->samples[i].path;
    lg_image *image = lg_image_load(path, &e);
    if (image) {
        to->width = image->width;
        to->height = image->height;
        lg_image_free(image);
        if (hash_file(path, to, &e))
            return;
    }
    atomic_fetch_add(&w->broken, 1);
    to->reason = strdup(e.message);
    if (!to->reason)
        atomic_store(&w->no_memory, true);
}

static void *run(void *context)
{
    survey_work *w = context;
    for (size_t i; (i = atomic_fetch_add(&w->next, 1)) < w->survey->count;) {
        survey_one(w, i);
        atomic_fetch_add(&w->done, 1);
    }
    return NULL;
}

static int count_threads(int wanted, size_t images)
{
    int count = wanted ? wanted : lg_core_count();
    count = count > MOST_THREADS ? MOST_THREADS : count;
    return (size_t)count > images ? (int)images : count;
}

static bool run_threads(survey_work *w, int wanted, lg_error *e)
{
    lg_progress progress;
    lg_progress_init(&progress, false);
    lg_progress_count(&progress, "decoding images", 0, w->survey->count);
    pthread_t threads[MOST_THREADS];
    int count = 0, most = count_threads(wanted, w->survey->count);
    while (count < most && pthread_create(&threads[count], NULL, run, w) == 0)
        count++;
    while (count > 0 && progress.terminal && atomic_load(&w->done) < w->survey->count) {
        lg_progress_count(&progress, "decoding images", atomic_load(&w->done), w->survey->count);
        nanosleep(&(struct timespec){.tv_nsec = TENTH}, NULL);
    }
    lg_progress_end(&progress);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    return count > 0 || lg_fail(e, "cannot start a thread that decodes images");
}

bool lg_image_survey_make(lg_image_survey *survey, const lg_dataset *dataset, int threads,
                          lg_error *e)
{
    *survey = (lg_image_survey){.count = dataset->count};
    survey->images = calloc(dataset->count, sizeof *survey->images);
    if (!survey->images)
        return lg_fail(e, "no memory for %zu images", dataset->count);
    survey_work w = {.dataset = dataset, .survey = survey};
    if (!run_threads(&w, threads, e))
        return false;
    survey->broken_count = atomic_load(&w.broken);
    return !atomic_load(&w.no_memory) || lg_fail(e, "no memory for %zu images", dataset->count);
}

void lg_image_survey_free(lg_image_survey *survey)
{
    for (size_t i = 0; survey->images && i < survey->count; i++)
        free(survey->images[i].reason);
    free(survey->images);
    *survey = (lg_image_survey){0};
}
