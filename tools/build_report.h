// What `build --report` says of a program.
#ifndef LG_TOOLS_BUILD_REPORT_H
#define LG_TOOLS_BUILD_REPORT_H

#include "ir/kernel.h"

// For every entry point: its kernels with launches, FLOPs, bytes and arithmetic intensity, and what
// lies where in its workspace, when. Then the size of the packed weights.
void lg_build_report(const lg_program *program, FILE *out);

#endif
