// What a training is a function of beside its options, and config.json, which tells people all of
// it.
#ifndef LG_TOOLS_TRAIN_CONFIG_H
#define LG_TOOLS_TRAIN_CONFIG_H

#include "ir/diag.h"
#include "runtime/dataset.h"
#include "runtime/model.h"
#include "runtime/safetensors.h"

enum { LG_TRAIN_FACTS = 2, LG_TRAIN_FACT_BYTES = 256 };

// Appends the facts to list[*count], their texts in `texts`: which set of images and which model.
void lg_train_config_facts(const lg_dataset *dataset, const lg_model *model,
                           char texts[LG_TRAIN_FACTS][LG_TRAIN_FACT_BYTES], lg_metadata *list,
                           size_t *count);

// Are they those of `checkpoint`, the text of the checkpoint file `name`? Reports what is not.
bool lg_train_config_check(const lg_metadata *list, size_t count, const char *checkpoint,
                           const char *name, lg_diag *diag);

// Writes config.json: options, model, data, versions.
bool lg_train_config_write(const char *path, const lg_metadata *options, size_t count,
                           const lg_dataset *dataset, const lg_model *model, lg_diag *diag);

#endif
