// The reference interpreter of the graph IR: the definition of what the IR means, in f64, simple
// and trusted, never fast. It evaluates a function on tensors of numbers; layouts do not matter to
// it.
#ifndef LG_IR_INTERP_H
#define LG_IR_INTERP_H

#include "ir/graph.h"
#include "ir/kernel.h"

// A tensor of the reference interpreter: logical row-major elements, floats held in f64.
typedef struct lg_array {
    lg_type type; // layout ignored
    lg_number *data;
} lg_array;

lg_array *lg_array_new(lg_arena *arena, const lg_type *type); // zeros
// Between an array and memory in its type's physical layout (borders and rounding filled with
// zeros).
void lg_array_load(lg_array *array, const lg_type *type, const void *memory);
void lg_array_store(const lg_array *array, const lg_type *type, void *memory);
// Deterministic random content for checks: floats roughly normal, integers small, bools even odds.
void lg_array_randomize(lg_array *array, uint64_t seed);

// What symbols hold: arrays.items[i] belongs to symbols.items[i].
typedef struct lg_environment {
    LG_LIST(const lg_symbol *) symbols;
    LG_LIST(lg_array *) arrays;
} lg_environment;

lg_array *lg_environment_get(const lg_environment *environment, const lg_symbol *symbol); // or NULL
void lg_environment_set(lg_arena *arena, lg_environment *environment, const lg_symbol *symbol,
                        lg_array *array);
// Other lists of the same arrays.
lg_environment lg_environment_copy(lg_arena *arena, const lg_environment *from);

// Evaluates `function` on `arguments` (one an argument of the function) in `arena`; `results` gets
// one array a result. Symbols are read from `environment`, writes appear there when the function
// ends; then results and written arrays live in `arena`. Numbers the values it meets (lg_value.id).
// Reports a symbol that has no value and returns false.
bool lg_interpret(lg_arena *arena, const lg_function *function, lg_array *const *arguments,
                  lg_array **results, lg_environment *environment, lg_diag *diag);

// Evaluates one op that is not CONTROL on arrays (the semantics column of its row) into `result`,
// which is fresh from lg_array_new; `arena` is for scratch. Used by constant folding.
void lg_interpret_op(lg_arena *arena, const lg_op *op, lg_array *const *operands, lg_array *result);

#endif
