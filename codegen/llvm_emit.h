// What the files of the LLVM emitter share: the state of one module under construction and the
// helpers that spell values. Vectors and scalars go through the same functions: an LLVM type says
// how many lanes a value has.
#ifndef LG_CODEGEN_LLVM_EMIT_H
#define LG_CODEGEN_LLVM_EMIT_H

#include "codegen/codegen.h"
#include "codegen/scratch.h"

#include <llvm-c/Core.h>

enum { LG_EMIT_CACHE = 256 };

typedef struct lg_emitter {
    const lg_codegen_options *options;
    lg_arena *arena; // dies with the module
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMBuilderRef builder;
    LLVMTypeRef i1, i8, i16, i32, i64, f32, f64, pointer;

    // Of the kernel being emitted.
    const lg_kernel *kernel;
    LLVMValueRef function;
    LLVMValueRef begin, end;                // share of the parallel loop
    LLVMValueRef *vars;                     // by lg_kvar.id
    LLVMValueRef *buffers;                  // by lg_kbuffer.id: address; NULL for REGISTER buffers
    LLVMValueRef **registers;               // by lg_kbuffer.id: one alloca an element
    LLVMValueRef *own_scope, *other_scopes; // by lg_kbuffer.id: lists for accesses; NULL: none
    int *matrix_numbers;                    // by lg_kbuffer.id: first register of a MATRIX buffer
    int matrix_used;                        // registers of those that are alive
    // Expressions share subtrees; what a statement has computed it does not compute again. A cache
    // that forgets costs instructions, never meaning.
    struct {
        const lg_kx *key;
        unsigned statement;
        LLVMValueRef value;
    } cache[LG_EMIT_CACHE];
    unsigned statement;
} lg_emitter;

// ---- llvm_module.c

void lg_emitter_open(lg_emitter *e, const lg_codegen_options *options, const char *module_name);
void lg_emitter_close(lg_emitter *e); // the module too
// void kernel(ptr buffers, i64 begin, i64 end, i32 worker): lg_kernel_fn.
LLVMTypeRef lg_emit_kernel_type(lg_emitter *e);
// Declares or finds `PREFIX_k_NAME`, the function of a kernel.
LLVMValueRef lg_emit_kernel_declaration(lg_emitter *e, const lg_kernel *kernel);
void lg_emit_function_attributes(lg_emitter *e, LLVMValueRef function);

// ---- llvm_kernel.c, llvm_entry.c

// The function of a kernel; `internal` where everything is in one module.
void lg_emit_kernel(lg_emitter *e, const lg_kernel *kernel, bool internal);
// All entry points and the tables. `getter`: and lgpnc_artifact(), which two objects that are
// linked together cannot both have.
void lg_emit_artifact(lg_emitter *e, const lg_program *program, bool getter);

// ---- llvm_permission.c

// At the builder's place in an entry point: asks the system for the matrix unit, and returns
// LG_ENTRY_REFUSED from `function` without it.
void lg_emit_permission(lg_emitter *e, LLVMValueRef function);

// ---- llvm_alias.c

// Makes the alias scopes of a kernel's buffers; before its first access.
void lg_emit_alias_scopes(lg_emitter *e, const lg_kernel *kernel);
// Tells LLVM what `access`, a load or store of `buffer`, cannot touch.
void lg_emit_alias(lg_emitter *e, const lg_kbuffer *buffer, LLVMValueRef access);

// ---- llvm_matrix.c

// Where the kernel's function begins and ends: the matrix unit is set up, if it is used, and given
// back.
void lg_emit_matrix_begin(lg_emitter *e);
void lg_emit_matrix_end(lg_emitter *e);
// Gives a MATRIX buffer its registers; they are free again where `matrix_used` is set back.
void lg_emit_matrix_alloc(lg_emitter *e, const lg_kbuffer *buffer);
void lg_emit_matrix(lg_emitter *e, const lg_kstmt *s);

// ---- llvm_expr.c

LLVMValueRef lg_emit_value(lg_emitter *e, const lg_kx *x);
// Address of an element of a buffer in memory; all indices are scalars.
LLVMValueRef lg_emit_address(lg_emitter *e, const lg_kbuffer *buffer, lg_kx *const *index);
// Number of an element of a REGISTER or MATRIX buffer in it.
int64_t lg_emit_register_index(lg_emitter *e, const lg_kbuffer *buffer, lg_kx *const *index);
// Alloca of an element of a REGISTER buffer.
LLVMValueRef lg_emit_register(lg_emitter *e, const lg_kbuffer *buffer, lg_kx *const *index);

// ---- llvm_scalar.c, llvm_math.c

// `fn` of operands with equal lanes; `dtype` is the element type of the arguments (of SELECT: of
// args[1]). `positive`: both operands of DIV and MOD are known to be >= 0, the second > 0.
LLVMValueRef lg_emit_scalar(lg_emitter *e, lg_scalar fn, lg_dtype dtype, LLVMValueRef *args,
                            bool positive);
LLVMValueRef lg_emit_exp(lg_emitter *e, LLVMValueRef x);
LLVMValueRef lg_emit_log(lg_emitter *e, LLVMValueRef x);
LLVMValueRef lg_emit_tanh(lg_emitter *e, LLVMValueRef x);
LLVMValueRef lg_emit_cos(lg_emitter *e, LLVMValueRef x);

// ---- llvm_value.c

LLVMTypeRef lg_emit_type(lg_emitter *e, lg_dtype dtype, int lanes);        // as a value
LLVMTypeRef lg_emit_memory_type(lg_emitter *e, lg_dtype dtype, int lanes); // as it lies in memory
int lg_emit_lanes(LLVMValueRef value);
// The vector type of `value` with another element type.
LLVMTypeRef lg_emit_like(LLVMTypeRef element, LLVMValueRef value);
// A constant with the lanes of `like`.
LLVMValueRef lg_emit_float(lg_emitter *e, double number, LLVMValueRef like);
LLVMValueRef lg_emit_int(LLVMTypeRef element, int64_t number, LLVMValueRef like);
LLVMValueRef lg_emit_splat(lg_emitter *e, LLVMValueRef value, int lanes);
// Lanes low, low + 1, ... of a vector; a scalar when `count` is 1.
LLVMValueRef lg_emit_slice(lg_emitter *e, LLVMValueRef vector, int low, int count);
// An intrinsic that is overloaded on the type of its first argument.
LLVMValueRef lg_emit_intrinsic(lg_emitter *e, const char *name, LLVMValueRef *args, int count);
LLVMValueRef lg_emit_fma(lg_emitter *e, LLVMValueRef a, LLVMValueRef b, LLVMValueRef c);
LLVMValueRef lg_emit_select(lg_emitter *e, LLVMValueRef condition, LLVMValueRef yes,
                            LLVMValueRef no);
LLVMValueRef lg_emit_bitcast(lg_emitter *e, LLVMTypeRef element, LLVMValueRef value);
// Between memory and value: bf16, f16, u8 and bool change, the others stay.
LLVMValueRef lg_emit_widen(lg_emitter *e, lg_dtype dtype, LLVMValueRef raw);
LLVMValueRef lg_emit_narrow(lg_emitter *e, lg_dtype dtype, LLVMValueRef value);
LLVMValueRef lg_emit_cast(lg_emitter *e, lg_dtype from, lg_dtype to, LLVMValueRef value);

#endif
