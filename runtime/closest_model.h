// "Did you mean?" for folders of generative models.
#ifndef LG_RUNTIME_CLOSEST_MODEL_H
#define LG_RUNTIME_CLOSEST_MODEL_H

#include "runtime/cooccurrence.h"

enum { LG_CLOSEST_BYTES = 256 };

// The names of the table that are most like `name`, at most three, as "STYLEGAN, STYLEGAN_2". Case
// and what is neither letter nor digit do not count, so "StyleGAN-2" is STYLEGAN_2. False and ""
// when none is close.
bool lg_closest_models(const lg_model_table *table, const char *name,
                       char text[static LG_CLOSEST_BYTES]);

#endif
