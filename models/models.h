// The models that are built in: models.def in C.
#ifndef LG_MODELS_MODELS_H
#define LG_MODELS_MODELS_H

#include "models/zoo/zoo.h"

// The row at `index`, from 0; NULL behind the last.
const lg_model_info *lg_model_at(int index);

// Builds "lgpn" or "lgpn:image=128,width=32". NULL after reporting an unknown model (and which
// there are) or every fault of its options. `functions` and `training`: see lg_model_instantiate.
// `spec` must outlive `diag`. Free with lg_module_free.
lg_module *lg_model_build(const char *spec, unsigned functions, const lg_training *training,
                          lg_diag *diag);

void lg_build_fen_pn(lg_name_scope *s);
void lg_build_lgpn(lg_name_scope *s);
void lg_build_resnet(lg_name_scope *s);

#endif
