// CUDA C text to PTX or cubin by NVRTC, NVIDIA's compiler as a library. It is opened at run time:
// building and installing lgpnc needs nothing of CUDA, and compiling for it needs no GPU and no
// driver.
#ifndef LG_CODEGEN_NVRTC_H
#define LG_CODEGEN_NVRTC_H

#include "ir/diag.h"

#include <stddef.h>

typedef struct lg_nvrtc lg_nvrtc;

typedef enum lg_cuda_binary {
    LG_CUDA_PTX,  // assembly text; the driver compiles it for its device
    LG_CUDA_CUBIN // machine code; needs a real architecture, sm_80
} lg_cuda_binary;

// Opens the newest NVRTC found: $CUDA_HOME and $CUDA_PATH first, then where the dynamic linker
// looks, then /usr/local/cuda*. NULL after reporting every name tried and what to install.
lg_nvrtc *lg_nvrtc_open(lg_diag *diag);
void lg_nvrtc_close(lg_nvrtc *nvrtc); // NULL allowed
// "13.0"
const char *lg_nvrtc_version(const lg_nvrtc *nvrtc);

// Compiles `text` for `arch` ("compute_80", "sm_80"). `name` is the file that messages speak of. On
// success *data is *length bytes (and a 0 behind them) that the caller frees. False after reporting
// what is wrong, the compiler's log included.
bool lg_nvrtc_compile(lg_nvrtc *nvrtc, const char *name, const char *text, const char *arch,
                      lg_cuda_binary kind, void **data, size_t *length, lg_diag *diag);

#endif
