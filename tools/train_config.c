#include "tools/train_config.h"

#include "tools/cli.h"

#include "runtime/atomic_file.h"
#include "runtime/training_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static const struct {
    const char *key, *what;
} facts[LG_TRAIN_FACTS] = {
    {"images", "the set of images (names, labels, split)"},
    {"compiled", "the compiled model"},
};

void lg_train_config_facts(const lg_dataset *dataset, const lg_model *model,
                           char texts[LG_TRAIN_FACTS][LG_TRAIN_FACT_BYTES], lg_metadata *list,
                           size_t *count)
{
    const lg_artifact *artifact = lg_model_artifact(model);
    snprintf(texts[0], LG_TRAIN_FACT_BYTES, "%016" PRIx64, dataset->fingerprint);
    snprintf(texts[1], LG_TRAIN_FACT_BYTES, "%s", artifact->model);
    for (int i = 0; i < LG_TRAIN_FACTS; i++)
        list[(*count)++] = (lg_metadata){facts[i].key, texts[i]};
}

bool lg_train_config_check(const lg_metadata *list, size_t count, const char *checkpoint,
                           const char *name, lg_diag *diag)
{
    bool good = true;
    for (size_t i = 0; i < count; i++)
        for (int fact = 0; fact < LG_TRAIN_FACTS; fact++) {
            if (strcmp(list[i].key, facts[fact].key) != 0)
                continue;
            char *was = lg_training_option(checkpoint, list[i].key);
            if (!was || strcmp(was, list[i].value) != 0)
                good = lg_error_at(diag, (lg_location){.file = name},
                                   "%s is another one: it was %s and is %s; train anew in another "
                                   "--model-dir, with --weights to begin with what was learnt",
                                   facts[fact].what, was ? was : "not told", list[i].value);
            free(was);
        }
    return good;
}

static json_t *describe_dataset(const lg_dataset *d)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:i}", "generative_models",
                     (json_int_t)d->model_count, "training_images", (json_int_t)d->train_count,
                     "test_images", (json_int_t)d->test_count, "real_images",
                     (json_int_t)d->real_count, "test_generated_images", (json_int_t)d->test_fakes,
                     "cross_validation", d->fold);
}

static json_t *describe_model(const lg_model *model)
{
    const lg_artifact *a = lg_model_artifact(model);
    json_int_t values = 0;
    for (uint32_t i = 0; i < a->param_count; i++) {
        json_int_t count = 1;
        for (uint32_t d = 0; d < a->params[i].rank; d++)
            count *= a->params[i].shape[d];
        values += a->params[i].state ? 0 : count;
    }
    return json_pack("{s:s, s:s, s:I}", "name", a->model, "target", a->target, "parameters",
                     values);
}

bool lg_train_config_write(const char *path, const lg_metadata *options, size_t count,
                           const lg_dataset *dataset, const lg_model *model, lg_diag *diag)
{
    lg_error error;
    json_t *all = json_object(), *given = json_object();
    for (size_t i = 0; i < count; i++)
        json_object_set_new(given, options[i].key, json_string(options[i].value));
    json_object_set_new(all, "lgpnc", json_string(lg_version()));
    json_object_set_new(all, "options", given);
    json_object_set_new(all, "model", describe_model(model));
    json_object_set_new(all, "data", describe_dataset(dataset));
    char *text = json_dumps(all, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    json_decref(all);
    bool good = text ? lg_atomic_write_file(path, 0666, text, strlen(text), &error)
                     : lg_fail(&error, "%s: no memory", path);
    free(text);
    return good || lg_cli_fail(diag, &error);
}
