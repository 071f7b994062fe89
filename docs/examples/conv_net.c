// One convolution with what usually follows it: docs/architecture.md follows it through the
// compiler.
#include "frontend/lgpnc.h"

static void build(lg_name_scope *s)
{
    lg_value *x = input(s, "x", LG_F32, 1, 8, 8, 16);
    x = conv2d(s, "conv", x, .filters = 32, .kernel = 3);
    output(s, "y", relu(s, batch_norm(s, "bn", x)));
}

LG_MODEL("conv_net", build, "one convolution");
