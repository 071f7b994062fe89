// What model.c and weights.c share.
#ifndef LG_RUNTIME_MODEL_INTERNAL_H
#define LG_RUNTIME_MODEL_INTERNAL_H

#include "runtime/model.h"
#include "runtime/pages.h"

struct lg_model {
    const lg_artifact *artifact;
    char *name;
    const void *packed; // built in, or packed_pages
    lg_pages packed_pages, workspace;
};

const lg_entry_desc *lg_model_find_entry(const lg_model *model, const char *entry); // or NULL
bool lg_model_tensor_fits(const lg_tensor_desc *wanted, enum lg_abi_dtype dtype, int rank,
                          const int64_t *shape);

#endif
