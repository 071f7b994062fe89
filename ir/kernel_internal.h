// What the builder, the expressions and the parser of the kernel IR share.
#ifndef LG_IR_KERNEL_INTERNAL_H
#define LG_IR_KERNEL_INTERNAL_H

#include "ir/kernel.h"

#include <assert.h>

static inline int lg_scalar_arity(lg_scalar fn)
{
    int arity = lg_scalar_info_of(fn)->arity;
    assert(arity >= 1 && arity <= 3);
    return arity;
}

// A node as it is, without simplification; the caller fills in the rest.
lg_kx *lg_kx_node(lg_kbuilder *k, lg_kx_kind kind, lg_ktype type);
lg_kx *lg_kx_apply_node(lg_kbuilder *k, lg_scalar fn, lg_ktype type, lg_kx *const *args);
lg_kx *lg_kx_load_node(lg_kbuilder *k, lg_kbuffer *buffer, lg_kx *const *index, int lanes);
// The use of a variable.
lg_kx *lg_kx_var(lg_kbuilder *k, lg_kvar *var);

bool lg_kx_is_index(const lg_kx *x);    // an i64 scalar?
bool lg_kx_is_constant(const lg_kx *x); // INT or FLOAT?
bool lg_kx_same(const lg_kx *a, const lg_kx *b);

// The range of an i64 scalar, ends included (ir/kernel_range.c). Unknown ends are outside
// LG_KRANGE_LOW .. LG_KRANGE_HIGH or at them.
typedef struct lg_krange {
    int64_t low, high;
} lg_krange;

#define LG_KRANGE_LOW (INT64_MIN / 4)
#define LG_KRANGE_HIGH (INT64_MAX / 4)
#define LG_KRANGE_UNKNOWN ((lg_krange){LG_KRANGE_LOW, LG_KRANGE_HIGH})

lg_krange lg_krange_of(const lg_kx *x);
bool lg_krange_known(lg_krange r); // both ends
lg_krange lg_krange_clamp(lg_krange r);
// Of sums and products that wrap: unknown as soon as an end is.
lg_krange lg_krange_add(lg_krange a, lg_krange b);
lg_krange lg_krange_scale(lg_krange a, int64_t factor);
bool lg_kx_is_positive(const lg_kx *x); // a constant above 0?

// fn(args) of i64 scalars in canonical form, or NULL if there is nothing to simplify
// (ir/kernel_index.c).
lg_kx *lg_kx_simplify_index(lg_kbuilder *k, lg_scalar fn, lg_kx *const *args);

// Words of the text form.
const char *lg_loop_role_name(lg_loop_role role);
const char *lg_scope_name(lg_scope scope);
const char *lg_place_name(lg_place place);

enum { LG_LOOP_ROLE_COUNT = LG_LOOP_THREAD + 1, LG_SCOPE_COUNT = LG_SCOPE_MATRIX + 1 };

// A matrix statement as it is written (ir/kernel_matrix.c): its word and what its operands are.
typedef enum lg_matrix_role {
    LG_MATRIX_ACC,     // f32x256 in a register
    LG_MATRIX_OPERAND, // bf16x512 in a register
    LG_MATRIX_SOURCE,  // bf16 in memory
    LG_MATRIX_TARGET   // f32 in memory
} lg_matrix_role;

typedef struct lg_matrix_info {
    const char *word;
    int operands;
    lg_matrix_role roles[3];
} lg_matrix_info;

const lg_matrix_info *lg_matrix_info_of(lg_matrix_action action);
// Can an operand of `role` be of the buffer? Else says what it must be: "an accumulator, f32x256".
bool lg_matrix_takes(lg_matrix_role role, const lg_kbuffer *buffer, const char **wanted);
// Is there a kind of matrix register that holds `lanes` of `dtype`?
bool lg_matrix_holds(lg_dtype dtype, int lanes);
// Appends a statement; the caller fills in the rest.
lg_kstmt *lg_k_append(lg_kbuilder *k, lg_kstmt_kind kind);
// Likewise; behind the last operand the buffer is NULL.
void lg_k_matrix(lg_kbuilder *k, lg_matrix_action action, const lg_kplace operands[3]);

// What a name stands for in a kernel: a variable, a buffer, or neither after a fault.
typedef struct lg_kname {
    lg_kvar *var;
    lg_kbuffer *buffer;
    int suffixes; // given to others that wanted this name
} lg_kname;

lg_kname *lg_kernel_find(const lg_kernel *kernel, const char *name); // or NULL
// Enters `name`, which is not taken.
lg_kname *lg_kernel_enter(lg_kernel *kernel, const char *name);

#endif
