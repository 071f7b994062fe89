// Labels are read as predictions are: as logits that are sure.
#include "runtime/truth.h"

#include <string.h>

static const lg_generative_model *find(const lg_model_table *table, const char *name, size_t length)
{
    for (size_t i = 0; i < table->count; i++) {
        const lg_generative_model *model = &table->models[i];
        if (strlen(model->name) == length && memcmp(model->name, name, length) == 0)
            return model;
    }
    return NULL;
}

static bool decode(const lg_model_facts *facts, lg_hyperparameters *result, lg_error *e)
{
    enum { SURE = 100 };
    uint8_t labels[LG_NODES];
    float logits[LG_NODES * 2] = {0};
    lg_node_labels(facts, labels);
    for (int i = 0; i < LG_NODES; i++)
        logits[2 * i + (labels[i] ? 1 : 0)] = SURE;
    return lg_hyperparameters_decode(logits, result, e);
}

bool lg_truth_of(const lg_model_table *table, const char *file, lg_truth *truth, lg_error *e)
{
    static const char real[] = "real";
    *truth = (lg_truth){0};
    const char *end = strrchr(file, '/');
    while (end && end > file) {
        const char *begin = end;
        while (begin > file && begin[-1] != '/')
            begin--;
        size_t length = (size_t)(end - begin);
        const lg_generative_model *model = find(table, begin, length);
        truth->fake = model;
        if (model)
            return decode(&model->facts, &truth->hyperparameters, e);
        if (length == sizeof real - 1 && memcmp(begin, real, length) == 0)
            return true;
        end = begin > file ? begin - 1 : NULL;
    }
    return lg_fail(e, "%s: none of its folders is called as a model of the table, or real", file);
}
