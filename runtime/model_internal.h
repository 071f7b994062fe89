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
    lg_pages params_pages; // where lg_model_keep_params was called:
    void **params;         // one pointer a parameter of the artifact into them, else NULL
};

bool lg_model_tensor_fits(const lg_tensor_desc *wanted, enum lg_abi_dtype dtype, int rank,
                          const int64_t *shape);

#endif
