#include "runtime/parsing_scores.h"

#include <math.h>
#include <stdlib.h>

static double scaled_middle(const lg_prediction *p, int value)
{
    return ((double)lg_scaled_value(value, (int64_t)p->low) +
            (double)lg_scaled_value(value, (int64_t)p->high)) /
           2;
}

bool lg_parse_nodes(const float *logits, lg_parsed_nodes *nodes, lg_error *e)
{
    lg_hyperparameters h;
    if (!lg_hyperparameters_decode(logits, &h, e))
        return false;
    for (int i = 0; i < LG_NODES; i++)
        nodes->nodes[i] = logits[2 * i + 1] > logits[2 * i];
    for (int i = 0; i < LG_CONTINUOUS_VALUES; i++) {
        nodes->intervals[i] = h.all[LG_LOSSES + i].choice;
        nodes->values[i] = scaled_middle(&h.all[LG_LOSSES + i], i);
    }
    for (int i = 0; i < LG_DISCRETE_VALUES; i++)
        nodes->choices[i] = h.choices[i].choice;
    return true;
}

// Decoded from logits that say the labels, so that what is true is told like what is predicted.
void lg_true_nodes(const lg_dataset_model *model, lg_parsed_nodes *nodes)
{
    float logits[LG_NODES * 2];
    for (int i = 0; i < LG_NODES; i++) {
        logits[2 * i] = model->labels[i] ? -1 : 1;
        logits[2 * i + 1] = -logits[2 * i];
    }
    lg_parse_nodes(logits, nodes, NULL);
    for (int i = 0; i < LG_CONTINUOUS_VALUES; i++)
        nodes->values[i] = (double)model->values[i];
}

double lg_cross_entropy_of_two(const float logits[2], bool truth)
{
    double other = (double)logits[!truth] - (double)logits[truth];
    return other > 0 ? other + log1p(exp(-other)) : log1p(exp(other));
}

void lg_parsing_add(lg_parsing_scores *scores, const lg_parsed_nodes *said,
                    const lg_parsed_nodes *truth)
{
    scores->images++;
    for (int i = 0; i < LG_NODES; i++)
        lg_confusion_add(&scores->confusion[i], truth->nodes[i], said->nodes[i]);
    for (int i = 0; i < LG_CONTINUOUS_VALUES; i++)
        scores->interval_hits[i] += said->intervals[i] == truth->intervals[i];
    for (int i = 0; i < LG_DISCRETE_VALUES; i++)
        scores->choice_hits[i] += said->choices[i] == truth->choices[i];
    lg_l1_add(&scores->l1, said->values, truth->values);
}

void lg_parsing_finish(lg_parsing_scores *scores)
{
    if (scores->images == 0)
        return;
    for (int i = 0; i < LG_NODES; i++)
        scores->nodes[i] = lg_confusion_scores(&scores->confusion[i]);
    for (int g = 0; g < LG_NODE_GROUPS; g++)
        scores->groups[g] = lg_group_scores(scores->nodes, g);
}

// ---- the majority

// A thing that `weight` images have; what is equal may come several times.
typedef struct weighted {
    double value;
    size_t weight;
} weighted;

static int compare_values(const void *a, const void *b)
{
    double x = ((const weighted *)a)->value, y = ((const weighted *)b)->value;
    return (x > y) - (x < y);
}

// The lower median, or NaN of nothing.
static double median(weighted *items, size_t count)
{
    size_t total = 0, below = 0;
    qsort(items, count, sizeof *items, compare_values);
    for (size_t i = 0; i < count; i++)
        total += items[i].weight;
    for (size_t i = 0; i < count; i++) {
        below += items[i].weight;
        if (2 * below >= total)
            return items[i].value;
    }
    return NAN;
}

// The value that most images have, the smallest of several.
static double mode(weighted *items, size_t count)
{
    double best = 0;
    size_t most = 0, weight = 0;
    qsort(items, count, sizeof *items, compare_values);
    for (size_t i = 0; i < count; i++) {
        weight = i > 0 && items[i].value == items[i - 1].value ? weight : 0;
        weight += items[i].weight;
        if (weight > most) {
            most = weight;
            best = items[i].value;
        }
    }
    return best;
}

// The training models that have images, and room for a thing of each.
typedef struct training {
    const lg_parsed_nodes *truth;
    const size_t *weights;
    size_t count;
    weighted *items;
} training;

static double most_frequent_node(const training *t, int node)
{
    for (size_t m = 0; m < t->count; m++)
        t->items[m] = (weighted){t->truth[m].nodes[node], t->weights[m]};
    return mode(t->items, t->count);
}

static int most_frequent_interval(const training *t, int value)
{
    for (size_t m = 0; m < t->count; m++)
        t->items[m] = (weighted){t->truth[m].intervals[value], t->weights[m]};
    return (int)mode(t->items, t->count);
}

static int most_frequent_choice(const training *t, int choice)
{
    for (size_t m = 0; m < t->count; m++)
        t->items[m] = (weighted){t->truth[m].choices[choice], t->weights[m]};
    return (int)mode(t->items, t->count);
}

static double median_value(const training *t, int value)
{
    size_t known = 0;
    for (size_t m = 0; m < t->count; m++)
        if (!isnan(t->truth[m].values[value]))
            t->items[known++] = (weighted){t->truth[m].values[value], t->weights[m]};
    return known ? median(t->items, known) : 0;
}

static void choose_majority(const training *t, lg_parsed_nodes *nodes)
{
    for (int i = 0; i < LG_NODES; i++)
        nodes->nodes[i] = most_frequent_node(t, i) != 0;
    for (int i = 0; i < LG_CONTINUOUS_VALUES; i++) {
        nodes->intervals[i] = most_frequent_interval(t, i);
        nodes->values[i] = median_value(t, i);
    }
    for (int i = 0; i < LG_DISCRETE_VALUES; i++)
        nodes->choices[i] = most_frequent_choice(t, i);
}

bool lg_majority_nodes(const lg_dataset *dataset, lg_parsed_nodes *nodes, lg_error *e)
{
    size_t models = dataset->table->count;
    lg_parsed_nodes *truth = calloc(models + 1, sizeof *truth);
    size_t *weights = calloc(models + 1, sizeof *weights);
    training t = {truth, weights, 0, calloc(models + 1, sizeof(weighted))};
    bool good = truth && weights && t.items;
    if (!good)
        lg_fail(e, "not enough memory");
    for (size_t m = 0; good && m < models; m++) {
        if (dataset->models[m].is_test || dataset->models[m].images == 0)
            continue;
        lg_true_nodes(&dataset->models[m], &truth[t.count]);
        weights[t.count++] = dataset->models[m].images;
    }
    if (good && t.count == 0)
        good = lg_fail(e, "there are no images of training models");
    if (good)
        choose_majority(&t, nodes);
    free(truth);
    free(weights);
    free(t.items);
    return good;
}
