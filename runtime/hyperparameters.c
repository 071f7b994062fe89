// Everything is driven by the rows of hyperparameters.def: node numbers follow from their order.
#include "runtime/hyperparameters.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

// In place of a code: any value but 0 sets the node.
enum { LG_ANY_CODE = -1 };

static const struct {
    const char *column, *label;
} losses[] = {
#define LG_LOSS(column, label) {#column, label},
#include "runtime/hyperparameters.def"
};

static const struct {
    const char *column, *label;
    int64_t cuts[2], min, max;
} continuous[] = {
#define LG_CONTINUOUS(column, label, cut, cut2, min, max) {#column, label, {cut, cut2}, min, max},
#include "runtime/hyperparameters.def"
};

static const struct {
    const char *column, *label;
} discrete[] = {
#define LG_DISCRETE(column, label) {#column, label},
#include "runtime/hyperparameters.def"
};

enum {
#define LG_CONTINUOUS(column, label, cut, cut2, min, max) CONTINUOUS_##column,
#include "runtime/hyperparameters.def"
};

enum {
#define LG_DISCRETE(column, label) DISCRETE_##column,
#include "runtime/hyperparameters.def"
};

static const struct {
    int discrete; // index of the choice it belongs to
    int code;
    const char *label;
} codes[] = {
#define LG_CODE(column, code, label) {DISCRETE_##column, code, label},
#include "runtime/hyperparameters.def"
};

static_assert(sizeof losses / sizeof *losses == LG_LOSSES, "one row a loss");
static_assert(sizeof continuous / sizeof *continuous == LG_CONTINUOUS_VALUES, "one row a value");
static_assert(sizeof discrete / sizeof *discrete == LG_DISCRETE_VALUES, "one row a choice");
static_assert(sizeof codes / sizeof *codes == LG_CODES, "one row a code");

enum { FIRST_INTERVAL = LG_LOSSES, FIRST_CODE = LG_NODES - LG_CODES };

const char *lg_architecture_column(int i)
{
    assert(i >= 0 && i < LG_ARCHITECTURE_VALUES);
    return i < LG_CONTINUOUS_VALUES ? continuous[i].column
                                    : discrete[i - LG_CONTINUOUS_VALUES].column;
}

const char *lg_architecture_label(int i)
{
    assert(i >= 0 && i < LG_ARCHITECTURE_VALUES);
    return i < LG_CONTINUOUS_VALUES ? continuous[i].label
                                    : discrete[i - LG_CONTINUOUS_VALUES].label;
}

const char *lg_loss_column(int i)
{
    assert(i >= 0 && i < LG_LOSSES);
    return losses[i].column;
}

const char *lg_loss_label(int i)
{
    assert(i >= 0 && i < LG_LOSSES);
    return losses[i].label;
}

char *lg_node_name(int node, char name[static 40])
{
    assert(node >= 0 && node < LG_NODES);
    if (node < FIRST_INTERVAL) {
        snprintf(name, 40, "%s", losses[node].column);
    } else if (node < FIRST_CODE) {
        int k = node - FIRST_INTERVAL;
        snprintf(name, 40, "%s[%d]", continuous[k / LG_INTERVALS].column, k % LG_INTERVALS);
    } else {
        int k = node - FIRST_CODE;
        const char *column = discrete[codes[k].discrete].column;
        if (codes[k].code == LG_ANY_CODE)
            snprintf(name, 40, "%s", column);
        else
            snprintf(name, 40, "%s=%d", column, codes[k].code);
    }
    return name;
}

void lg_node_labels(const lg_model_facts *facts, uint8_t labels[LG_NODES])
{
    memset(labels, 0, LG_NODES);
    for (int i = 0; i < LG_LOSSES; i++)
        labels[i] = facts->losses[i] != 0;
    for (int i = 0; i < LG_CONTINUOUS_VALUES; i++) {
        int64_t value = facts->architecture[i];
        int interval = (value >= continuous[i].cuts[0]) + (value >= continuous[i].cuts[1]);
        labels[FIRST_INTERVAL + i * LG_INTERVALS + interval] = 1;
    }
    for (int i = 0; i < LG_CODES; i++) {
        int64_t value = facts->architecture[LG_CONTINUOUS_VALUES + codes[i].discrete];
        labels[FIRST_CODE + i] = codes[i].code == LG_ANY_CODE ? value != 0 : value == codes[i].code;
    }
}

float lg_scaled_value(int i, int64_t value)
{
    assert(i >= 0 && i < LG_CONTINUOUS_VALUES);
    if (i == CONTINUOUS_filters && value == LG_UNKNOWN_FILTERS)
        return NAN;
    double min = (double)continuous[i].min, max = (double)continuous[i].max;
    return (float)fmin(fmax(((double)value - min) / (max - min), 0.0), 1.0);
}

double lg_unscaled_value(int i, double scaled)
{
    assert(i >= 0 && i < LG_CONTINUOUS_VALUES);
    double min = (double)continuous[i].min, max = (double)continuous[i].max;
    return min + scaled * (max - min);
}

double lg_probability_of_second(const float logits[2])
{
    return 1.0 / (1.0 + exp((double)logits[0] - (double)logits[1]));
}

// How much more a node says yes than no.
static double difference(const float *logits, int node)
{
    return (double)logits[2 * node + 1] - (double)logits[2 * node];
}

static double probability(const float *logits, int node)
{
    return lg_probability_of_second(logits + 2 * (size_t)node);
}

static void set_flag(lg_prediction *p, double on)
{
    p->choice = on > 0.5;
    p->probability = on;
    p->confidence = p->choice ? on : 1.0 - on;
    snprintf(p->value, sizeof p->value, "%s", p->choice ? "yes" : "no");
}

static lg_prediction predict_loss(const float *logits, int i)
{
    lg_prediction p = {.kind = LG_PREDICT_LOSS, .name = losses[i].column, .label = losses[i].label};
    set_flag(&p, probability(logits, i));
    return p;
}

static lg_prediction predict_code(const float *logits, int i)
{
    int d = codes[i].discrete;
    lg_prediction p = {.kind = LG_PREDICT_CODE,
                       .name = discrete[d].column,
                       .label = discrete[d].label,
                       .code = codes[i].label};
    set_flag(&p, probability(logits, FIRST_CODE + i));
    return p;
}

// "<300", "300..599", ">=600".
static void print_interval(int value, int interval, char *text, size_t capacity)
{
    const int64_t *cuts = continuous[value].cuts;
    if (interval == 0)
        snprintf(text, capacity, "<%" PRId64, cuts[0]);
    else if (interval == 1)
        snprintf(text, capacity, "%" PRId64 "..%" PRId64, cuts[0], cuts[1] - 1);
    else
        snprintf(text, capacity, ">=%" PRId64, cuts[1]);
}

char *lg_node_title(int node, char title[static 64])
{
    assert(node >= 0 && node < LG_NODES);
    if (node < FIRST_INTERVAL) {
        snprintf(title, 64, "loss %s", losses[node].label);
    } else if (node < FIRST_CODE) {
        char interval[40];
        int k = node - FIRST_INTERVAL;
        print_interval(k / LG_INTERVALS, k % LG_INTERVALS, interval, sizeof interval);
        snprintf(title, 64, "%s %s", continuous[k / LG_INTERVALS].label, interval);
    } else {
        int k = node - FIRST_CODE;
        bool is_flag = codes[k].code == LG_ANY_CODE;
        snprintf(title, 64, "%s%s%s", discrete[codes[k].discrete].label, is_flag ? "" : ": ",
                 is_flag ? "" : codes[k].label);
    }
    return title;
}

static lg_prediction predict_continuous(const float *logits, int i)
{
    lg_prediction p = {
        .kind = LG_PREDICT_CONTINUOUS, .name = continuous[i].column, .label = continuous[i].label};
    const int64_t *cuts = continuous[i].cuts;
    int first = FIRST_INTERVAL + i * LG_INTERVALS;
    for (int k = 1; k < LG_INTERVALS; k++)
        if (difference(logits, first + k) > difference(logits, first + p.choice))
            p.choice = k;
    print_interval(i, p.choice, p.value, sizeof p.value);
    p.low = (double)(p.choice == 0 ? continuous[i].min : cuts[p.choice - 1]);
    p.high = (double)(p.choice == 2 ? continuous[i].max : cuts[p.choice] - 1);
    p.middle = (p.low + p.high) / 2.0;
    p.probability = p.confidence = probability(logits, first + p.choice);
    return p;
}

static lg_prediction predict_discrete(const float *logits, int d)
{
    lg_prediction p = {
        .kind = LG_PREDICT_DISCRETE, .name = discrete[d].column, .label = discrete[d].label};
    int first = 0, best;
    while (codes[first].discrete != d)
        first++;
    best = first;
    for (int i = first + 1; i < LG_CODES && codes[i].discrete == d; i++)
        if (difference(logits, FIRST_CODE + i) > difference(logits, FIRST_CODE + best))
            best = i;
    double on = probability(logits, FIRST_CODE + best);
    set_flag(&p, on);
    bool is_flag = codes[best].code == LG_ANY_CODE;
    if (!is_flag) {
        snprintf(p.value, sizeof p.value, "%s", p.choice ? codes[best].label : "none");
        p.choice = p.choice ? best - first : -1;
    }
    return p;
}

bool lg_hyperparameters_decode(const float logits[LG_NODES * 2], lg_hyperparameters *result,
                               lg_error *e)
{
    for (int i = 0; i < LG_NODES * 2; i++) {
        char name[40];
        if (!isfinite(logits[i]))
            return lg_fail(e, "the logits of node %d (%s) are not finite: the weights are broken",
                           i / 2, lg_node_name(i / 2, name));
    }
    lg_prediction *next = result->all;
    for (int i = 0; i < LG_LOSSES; i++)
        *next++ = predict_loss(logits, i);
    for (int i = 0; i < LG_CONTINUOUS_VALUES; i++)
        *next++ = predict_continuous(logits, i);
    for (int i = 0; i < LG_CODES; i++)
        *next++ = predict_code(logits, i);
    for (int i = 0; i < LG_DISCRETE_VALUES; i++)
        result->choices[i] = predict_discrete(logits, i);
    return true;
}
