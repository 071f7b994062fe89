// The table of models.
#include "models/models.h"

static const lg_model_info models[] = {
#define MODEL(name, build, summary, ...) LG_MODEL_INFO(name, build, summary, __VA_ARGS__),
#include "models/models.def"
#undef MODEL
};

enum { MODELS = sizeof models / sizeof *models };

const lg_model_info *lg_model_at(int index)
{
    return index >= 0 && index < MODELS ? &models[index] : NULL;
}

lg_module *lg_model_build(const char *spec, unsigned functions, const lg_training *training,
                          lg_diag *diag)
{
    return lg_model_from_spec(MODELS, models, spec, functions, training, diag);
}
