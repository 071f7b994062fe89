// Leave to use the matrix unit. The registers of AMX would make every signal's stack frame 8 KiB
// longer, so Linux keeps them from a process until it asks (Documentation/arch/x86/xstate.rst);
// without that the first instruction ends it with SIGILL. What was granted holds for all threads,
// for children, and until the process ends. Compiled code asks by itself
// (codegen/llvm_permission.c); here is asked beforehand, so that a refusal is a message.
#ifndef LG_RUNTIME_MATRIX_UNIT_H
#define LG_RUNTIME_MATRIX_UNIT_H

#include <stdbool.h>

enum {
    LG_ARCH_REQ_XCOMP_PERM = 0x1023, // of arch_prctl; <asm/prctl.h> of Linux 5.16 has it
    LG_XFEATURE_XTILEDATA = 18,      // the component of the state that is asked for
    LG_SYS_ARCH_PRCTL = 158
};

#if defined(__x86_64__) && defined(__linux__)
#include <unistd.h>

// Whether the CPU has the unit, and a system that knows of it.
static inline bool lg_matrix_unit_exists(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-bf16") &&
           __builtin_cpu_supports("avx512bf16");
}

// And whether this process may use it; asks for that. False with `errno` where it is refused.
// Asking again is cheap (0.2 us) and changes nothing.
static inline bool lg_matrix_unit_is_permitted(void)
{
    return lg_matrix_unit_exists() &&
           syscall(LG_SYS_ARCH_PRCTL, LG_ARCH_REQ_XCOMP_PERM, LG_XFEATURE_XTILEDATA) == 0;
}
#else
static inline bool lg_matrix_unit_exists(void)
{
    return false;
}

static inline bool lg_matrix_unit_is_permitted(void)
{
    return false;
}
#endif

#endif
