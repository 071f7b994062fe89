// A model by what the user wrote: a built-in, a C file, or an IR file.
#ifndef LG_TOOLS_LOAD_MODEL_H
#define LG_TOOLS_LOAD_MODEL_H

#define LG_NO_SHORT_NAMES
#include "frontend/lgpnc.h"

// `spec` is one of
//   lgpn, lgpn:image=128,width=32     a model of models/models.def
//   my_net.c, ./my_net.c:width=8      a C file that exports LG_MODEL(...): it is compiled with $CC
//                                     (cc), finds "frontend/lgpnc.h" in `include_dir`, and runs
//                                     inside this program, whose lg_* functions it calls
//   my_net.ir                         the text form
// A model gets the `functions` (a mask) that are asked for, with `training`, NULL for the defaults:
// see lg_model_instantiate. An IR file has those that it has.
// NULL after reporting to `diag`; the C compiler's own messages go to standard error. `spec` must
// outlive `diag`. A C file's code stays loaded to the end of the process: messages and ops point
// to its name. Free the module with lg_module_free.
lg_module *lg_load_model(const char *spec, const char *include_dir, unsigned functions,
                         const lg_training *training, lg_diag *diag);

#endif
