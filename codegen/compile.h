// From a program to relocatable objects in memory, for whoever links them.
#ifndef LG_CODEGEN_COMPILE_H
#define LG_CODEGEN_COMPILE_H

#include "codegen/llvm_emit.h"

#include <llvm-c/TargetMachine.h>

// The objects of a program: one a kernel in the order of the program, then one with the entry
// points and tables.
typedef struct lg_objects {
    int count;
    LLVMMemoryBufferRef *buffers; // NULL where an owner took the buffer
} lg_objects;

// `getter`: export lgpnc_artifact(). False with messages; on success free with lg_objects_free.
bool lg_compile(const lg_program *program, const lg_codegen_options *options, bool getter,
                lg_objects *objects, lg_diag *diag);
void lg_objects_free(lg_objects *objects);

// The program as one object in the file `path`, without a getter: its kernels are functions that
// nobody else sees. `packed`: the file of the packed weights, or NULL. False with messages.
bool lg_compile_whole(const lg_program *program, const lg_codegen_options *options,
                      const char *packed, const char *path, lg_diag *diag);
// Assembly of the section that holds the bytes of the file `path` as PREFIX_packed: read-only pages
// of their own, mapped when touched and shared by all processes that run the file.
char *lg_packed_section(lg_arena *arena, const lg_codegen_options *options, const char *path);

// The words of the command that assembles and links for the target, behind which options go: what
// `options->cc` says, else for this machine $CC or cc, else TRIPLE-gcc. NULL after reporting that
// there is none.
char *lg_toolchain_command(lg_arena *arena, const lg_codegen_options *options, const char *output,
                           lg_diag *diag);

// Registers LLVM's targets; again and again does no harm, but it comes before threads.
void lg_initialize_llvm(void);
// A machine of the target for position-independent code; NULL with `message` (to be freed with
// LLVMDisposeMessage) when LLVM does not know it.
LLVMTargetMachineRef lg_target_machine_new(const lg_cpu_target *target, LLVMCodeGenOptLevel level,
                                           char **message);
// The passes between emission and instruction selection. NULL, or a message to be freed with
// LLVMDisposeMessage.
char *lg_optimize(lg_emitter *e, LLVMTargetMachineRef machine);
// What would fail at run time or in LLVM is told beforehand: stack, prefix.
bool lg_codegen_accepts(const lg_program *program, const lg_codegen_options *options,
                        lg_diag *diag);

#endif
