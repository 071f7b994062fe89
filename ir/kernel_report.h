// Faults of kernels, told by the kernel's name and the text of the statement: a kernel is built by
// a schedule, so there is no line of a file to point at.
#ifndef LG_IR_KERNEL_REPORT_H
#define LG_IR_KERNEL_REPORT_H

#include "ir/kernel.h"

// Reports "kernel @name: TEXT, in `STATEMENT`"; of a loop or an `if` the head alone. `stmt` may be
// NULL. Always returns false.
bool lg_kernel_fault(lg_diag *diag, const lg_kernel *kernel, const lg_kstmt *stmt,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
