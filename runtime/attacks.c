#include "runtime/attacks.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    int output;
    const char *name;
} rows[LG_REPRESENTATIONS] = {
    [LG_BY_FEATURE] = {LG_LGPN_FEATURE, "feature"},
    [LG_BY_NODE_FEATURES] = {LG_LGPN_NODE_FEATURES, "node_features"},
    [LG_BY_GENERATED_GRAPH] = {LG_LGPN_GENERATED_GRAPH, "generated_graph"},
};

const char *lg_representation_name(int representation)
{
    assert(representation >= 0 && representation < LG_REPRESENTATIONS);
    return rows[representation].name;
}

// Of one generative model and one representation.
typedef struct vector_sum {
    double *unit;  // sum of the images' vectors, each scaled to length 1
    double square; // sum of their squared lengths: how many are not zero
} vector_sum;

struct lg_attack_set {
    size_t models;        // rows of the table
    lg_image_pair *pairs; // of places
    size_t pair_count;
    char why[160];                        // there are no pairs
    size_t *samples;                      // by place, ascending
    uint32_t *place;                      // by sample of the dataset: its place + 1; 0: of no pair
    bool *is_there;                       // by place
    size_t needed;                        // places
    size_t *images;                       // by row of the table: images seen
    size_t width[LG_REPRESENTATIONS];     // 0: the model does not give it
    float *vectors[LG_REPRESENTATIONS];   // [needed,width]
    vector_sum *sums[LG_REPRESENTATIONS]; // by row; `unit` is made when an image comes
};

// ---- pairs

// The generated images among the samples and their models.
typedef struct generated {
    size_t *samples;
    uint32_t *models;
    size_t count;
} generated;

static void list_generated(generated *g, const lg_dataset *dataset, const size_t *samples,
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int model = dataset->samples[samples[i]].model;
        if (model == LG_REAL)
            continue;
        g->samples[g->count] = samples[i];
        g->models[g->count++] = (uint32_t)model;
    }
}

// Gives every sample of a pair its place, in ascending order, and names pairs by places.
static void place_pairs(lg_attack_set *set, const generated *g, size_t samples)
{
    for (size_t i = 0; i < set->pair_count; i++) {
        set->place[g->samples[set->pairs[i].a]] = 1;
        set->place[g->samples[set->pairs[i].b]] = 1;
    }
    for (size_t i = 0; i < samples; i++)
        if (set->place[i]) {
            set->samples[set->needed] = i;
            set->place[i] = (uint32_t)++set->needed;
        }
    for (size_t i = 0; i < set->pair_count; i++) {
        lg_image_pair *pair = &set->pairs[i];
        pair->a = set->place[g->samples[pair->a]] - 1;
        pair->b = set->place[g->samples[pair->b]] - 1;
    }
}

static bool draw_pairs(lg_attack_set *set, const lg_dataset *dataset, const size_t *samples,
                       size_t count, size_t pairs, uint64_t seed, lg_error *e)
{
    generated g = {calloc(count + 1, sizeof(size_t)), calloc(count + 1, sizeof(uint32_t)), 0};
    lg_error why;
    bool good = g.samples && g.models;
    if (good) {
        list_generated(&g, dataset, samples, count);
        if (lg_image_pairs_draw(g.models, g.count, (uint32_t)set->models, seed, pairs, set->pairs,
                                &why))
            set->pair_count = pairs;
        else
            snprintf(set->why, sizeof set->why, "%.159s", why.message);
        place_pairs(set, &g, dataset->count);
    }
    free(g.samples);
    free(g.models);
    return good || lg_fail(e, "not enough memory");
}

static bool make_room(lg_attack_set *set, const lg_lgpn *lgpn, lg_error *e)
{
    bool good = true;
    for (int r = 0; r < LG_REPRESENTATIONS; r++) {
        if (!lgpn->output[rows[r].output])
            continue;
        size_t bytes = lgpn->width[rows[r].output] * sizeof(float);
        set->width[r] = lgpn->width[rows[r].output];
        set->vectors[r] = calloc(set->needed + 1, bytes);
        set->sums[r] = calloc(set->models + 1, sizeof *set->sums[r]);
        good = good && set->vectors[r] && set->sums[r];
    }
    return good || lg_fail(e, "not enough memory for %zu pairs of images", set->pair_count);
}

lg_attack_set *lg_attack_set_new(const lg_dataset *dataset, const size_t *samples, size_t count,
                                 size_t pairs, uint64_t seed, const lg_lgpn *lgpn, lg_error *e)
{
    lg_attack_set *set = calloc(1, sizeof *set);
    if (!set) {
        lg_fail(e, "not enough memory");
        return NULL;
    }
    set->models = dataset->table->count;
    set->pairs = calloc(pairs + 1, sizeof *set->pairs);
    set->samples = calloc(dataset->count + 1, sizeof *set->samples);
    set->place = calloc(dataset->count + 1, sizeof *set->place);
    set->is_there = calloc(dataset->count + 1, sizeof *set->is_there);
    set->images = calloc(set->models + 1, sizeof *set->images);
    bool good = set->pairs && set->samples && set->place && set->is_there && set->images;
    if (!good)
        lg_fail(e, "not enough memory");
    if (good && draw_pairs(set, dataset, samples, count, pairs, seed, e) && make_room(set, lgpn, e))
        return set;
    lg_attack_set_free(set);
    return NULL;
}

void lg_attack_set_free(lg_attack_set *set)
{
    if (!set)
        return;
    for (int r = 0; r < LG_REPRESENTATIONS; r++) {
        for (size_t m = 0; set->sums[r] && m < set->models; m++)
            free(set->sums[r][m].unit);
        free(set->sums[r]);
        free(set->vectors[r]);
    }
    free(set->pairs);
    free(set->samples);
    free(set->place);
    free(set->is_there);
    free(set->images);
    free(set);
}

const size_t *lg_attack_set_samples(const lg_attack_set *set, size_t *count)
{
    *count = set->needed;
    return set->samples;
}

// ---- images

static void add_unit(double *sum, double *square, const float *vector, size_t width)
{
    double length = 0;
    for (size_t i = 0; i < width; i++)
        length += (double)vector[i] * (double)vector[i];
    length = sqrt(length);
    if (length == 0)
        return;
    for (size_t i = 0; i < width; i++)
        sum[i] += (double)vector[i] / length;
    *square += 1;
}

bool lg_attack_set_add(lg_attack_set *set, const lg_inferred *image, lg_error *e)
{
    if (image->of->model == LG_REAL)
        return true;
    size_t model = (size_t)image->of->model, place = set->place[image->sample];
    set->images[model]++;
    if (place)
        set->is_there[place - 1] = true;
    for (int r = 0; r < LG_REPRESENTATIONS; r++) {
        const float *vector = image->output[rows[r].output];
        if (!vector)
            continue;
        vector_sum *sum = &set->sums[r][model];
        if (!sum->unit)
            sum->unit = calloc(set->width[r] + 1, sizeof *sum->unit);
        if (!sum->unit)
            return lg_fail(e, "not enough memory");
        add_unit(sum->unit, &sum->square, vector, set->width[r]);
        if (place)
            memcpy(set->vectors[r] + (place - 1) * set->width[r], vector,
                   set->width[r] * sizeof *vector);
    }
    return true;
}

// ---- scores

// Scores the pairs that have both images; how many those are.
static size_t score_pairs(const lg_attack_set *set, int r, lg_scored *scored)
{
    size_t count = 0, width = set->width[r];
    for (size_t i = 0; i < set->pair_count; i++) {
        const lg_image_pair *pair = &set->pairs[i];
        if (!set->is_there[pair->a] || !set->is_there[pair->b])
            continue;
        const float *a = set->vectors[r] + pair->a * width, *b = set->vectors[r] + pair->b * width;
        scored[count++] = (lg_scored){lg_cosine(a, b, width), pair->same};
    }
    return count;
}

// The best threshold on the training pairs.
static bool find_threshold(const lg_attack_set *training, int r, double *threshold, size_t *pairs,
                           lg_error *e)
{
    if (*training->why)
        return lg_fail(e, "training models: %s", training->why);
    lg_scored *scored = calloc(training->pair_count + 1, sizeof *scored);
    if (!scored)
        return lg_fail(e, "not enough memory");
    *pairs = score_pairs(training, r, scored);
    lg_curve *curve = lg_curve_new(scored, *pairs, e);
    if (curve)
        *threshold = lg_curve_best_threshold(curve, NULL);
    else
        lg_fail_prefix(e, "pairs of training models: ");
    free(scored);
    bool good = curve != NULL;
    lg_curve_free(curve);
    return good;
}

bool lg_attack_rank(const lg_attack_set *set, const lg_attack_set *training, int r,
                    lg_attack_scores *scores, lg_error *e)
{
    lg_error why;
    double threshold;
    if (set->width[r] == 0) {
        snprintf(why.message, sizeof why.message, "the model has no output %s", rows[r].name);
        lg_ranking_scores_none(&scores->ranking, why.message);
        return true;
    }
    if (*set->why) {
        lg_ranking_scores_none(&scores->ranking, set->why);
        return true;
    }
    lg_scored *scored = calloc(set->pair_count + 1, sizeof *scored);
    if (!scored)
        return lg_fail(e, "not enough memory");
    scores->pairs = score_pairs(set, r, scored);
    lg_ranking_scores_make(&scores->ranking, scored, scores->pairs);
    if (scores->ranking.curve &&
        find_threshold(training, r, &threshold, &scores->training_pairs, &why))
        lg_ranking_scores_cut(&scores->ranking, scored, scores->pairs, threshold);
    else if (scores->ranking.curve)
        snprintf(scores->ranking.why_accuracy, sizeof scores->ranking.why_accuracy, "%.159s",
                 why.message);
    free(scored);
    return true;
}

static double mean_cosine(const lg_attack_set *set, size_t a, size_t b, int r)
{
    const vector_sum *x = &set->sums[r][a], *y = &set->sums[r][b];
    double pairs = (double)set->images[a] * ((double)set->images[b] - (a == b));
    if (pairs == 0)
        return NAN;
    double sum = a == b ? -x->square : 0;
    for (size_t i = 0; i < set->width[r]; i++)
        sum += x->unit[i] * y->unit[i];
    return sum / pairs;
}

bool lg_attack_similarity(const lg_attack_set *set, const size_t *table_rows, size_t models, int r,
                          double *similarity)
{
    if (set->width[r] == 0)
        return false;
    for (size_t i = 0; i < models; i++)
        for (size_t j = 0; j < models; j++)
            similarity[i * models + j] = mean_cosine(set, table_rows[i], table_rows[j], r);
    return true;
}
