// What rewriting passes share: who uses a value, and a worklist of ops that are worth a look. When
// a value is replaced, its users are looked at again and what nobody uses any more goes, so that a
// pass never starts from the top.
#ifndef LG_PASSES_REWRITER_H
#define LG_PASSES_REWRITER_H

#include "ir/graph.h"
#include "passes/map.h"
#include "passes/pass.h"

typedef struct lg_users {
    LG_LIST(lg_op *) ops; // may hold ops that are gone or use something else by now
} lg_users;

typedef struct lg_rewriter {
    lg_pass_ctx *ctx;
    lg_function *function;
    lg_map users;  // value -> lg_users
    lg_map queued; // op -> it waits in `work`
    LG_LIST(lg_op *) work;
    int next; // in `work`
} lg_rewriter;

// Every op of `function` is in the worklist, in order.
void lg_rewrite_begin(lg_rewriter *r, lg_pass_ctx *ctx, lg_function *function);
// The next op that is still there, or NULL when there is nothing left to do.
lg_op *lg_rewrite_next(lg_rewriter *r);

// Like lg_build right before `at` and with its location; the rewriter knows of the op from then on.
lg_value *lg_rewrite_build(lg_rewriter *r, lg_op *at, lg_opcode code, int operand_count,
                           lg_value *const *operands, int attr_count, const lg_attr *attrs,
                           const lg_type *declared);
// Lets all uses of the result `old` use `new`, which must not depend on it, looks at them again,
// removes the op of `old` and whatever only it used, and counts one change.
void lg_rewrite_replace(lg_rewriter *r, lg_value *old, lg_value *new);
// Removes `op` and what only it used, if nothing uses its results.
void lg_rewrite_erase(lg_rewriter *r, lg_op *op);

// The ops that use `value`, each once, in `arena`; the results of the function don't count.
typedef LG_LIST(lg_op *) lg_op_list;
lg_op_list lg_rewrite_users(lg_rewriter *r, const lg_value *value);
bool lg_rewrite_is_result(const lg_rewriter *r, const lg_value *value); // of the function
// The only op that uses `value`, where it is used once and is no result of the function, or NULL.
lg_op *lg_rewrite_single_user(lg_rewriter *r, const lg_value *value);

// ---- building blocks, right before `at`. Those that move data return their operand where there
// is nothing to do.

lg_value *lg_rewrite_unary(lg_rewriter *r, lg_op *at, lg_opcode code, lg_value *a);
lg_value *lg_rewrite_binary(lg_rewriter *r, lg_op *at, lg_opcode code, lg_value *a, lg_value *b);
lg_value *lg_rewrite_reshape(lg_rewriter *r, lg_op *at, lg_value *a, int rank, const int64_t *dims);
lg_value *lg_rewrite_transpose(lg_rewriter *r, lg_op *at, lg_value *a, const int64_t *perm);
lg_value *lg_rewrite_broadcast(lg_rewriter *r, lg_op *at, lg_value *a, const lg_type *to);
lg_value *lg_rewrite_splat(lg_rewriter *r, lg_op *at, const lg_type *type, double value);
lg_value *lg_rewrite_concat(lg_rewriter *r, lg_op *at, int axis, int count,
                            lg_value *const *values);
// Elements start..limit along `axis`, all along the others.
lg_value *lg_rewrite_slice(lg_rewriter *r, lg_op *at, lg_value *a, int axis, int64_t start,
                           int64_t limit);

// ---- questions

lg_opcode lg_code_of(const lg_value *value); // LG_OPCODE_COUNT for arguments and symbols
// Is it a constant with the same number everywhere?
bool lg_is_splat(const lg_value *value, double *number);
bool lg_is_constant(const lg_value *value);
// Marks, in `map`, every value of `function` that depends on at least one symbol and nothing but
// symbols and constants; symbols included that `function` itself uses.
void lg_mark_symbol_only(lg_map *map, const lg_function *function);
// What `prepack` can compute once for a function: its values of symbols and constants alone, but
// for symbols that the function itself writes.
typedef struct lg_packable {
    lg_map weights, written;
} lg_packable;
lg_packable lg_packable_of(const lg_function *function, lg_arena *scratch);
bool lg_is_packable(const lg_packable *packable, const lg_value *value);
// Copies `op` with other operands to stand before `before` in `function`.
lg_op *lg_op_copy(lg_function *function, lg_op *before, const lg_op *op, lg_value *const *operands,
                  lg_diag *diag);

#endif
