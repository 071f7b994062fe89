// The graph IR: what is computed, not how.
//
// A module holds symbols (parameters, states, packed weights) and functions. A function is a list
// of ops in SSA order over values with static types. Three kinds of functions share one form:
//
//   func       an entry point of the artifact
//   composite  the boundary of something a pass may want to recognise (batch_norm, softmax ...);
//              called from a func, it means nothing but its body
//   kernel     a fused group of ops that becomes one generated kernel
//
// The text form (grammar in docs/ir.md) of a small module:
//
//   param @conv1.weight: f32[64,3,7,7]
//   func @infer(%image: f32[1,8,8,3]) -> (%y: f32[1,8,8,64]) {
//     %0 = conv2d %image, @conv1.weight {pad=[3,3]} : f32[1,8,8,64]
//     %1 = relu %0 : f32[1,8,8,64]
//     return %1
//   }
//
// Functions are pure but for `write`: a symbol keeps its old value until the function ends.
// Everything lives in the module's arena. An op is never moved between modules.
#ifndef LG_IR_GRAPH_H
#define LG_IR_GRAPH_H

#include "ir/diag.h"
#include "ir/type.h"

typedef enum lg_opcode {
#define ELEMENTWISE(name, arity, operands, result, summary, ...) LG_OP_##name,
#define OP(name, class, operands, attributes, summary) LG_OP_##name,
#include "ir/ops.def"
#undef ELEMENTWISE
#undef OP
    LG_OPCODE_COUNT
} lg_opcode;

typedef enum lg_attr_name {
#define ATTR(name, kind, initial, summary) LG_ATTR_##name,
#include "ir/attrs.def"
#undef ATTR
    LG_ATTR_COUNT
} lg_attr_name;

typedef enum lg_attr_kind {
    LG_KIND_INT,
    LG_KIND_INTS,
    LG_KIND_NUMBER,
    LG_KIND_NUMBERS,
    LG_KIND_FLAG,
    LG_KIND_FUNCTION
} lg_attr_kind;

typedef enum lg_op_class {
    LG_CLASS_ELEMENTWISE,
    LG_CLASS_SOURCE,
    LG_CLASS_REDUCTION,
    LG_CLASS_CONTRACTION,
    LG_CLASS_MOVEMENT,
    LG_CLASS_CONTROL
} lg_op_class;

enum { LG_VARIADIC = -1 };

// The static columns of an op's row.
typedef struct lg_op_info {
    const char *name;
    lg_op_class class;
    int operands; // or LG_VARIADIC
    const char *attributes, *summary;
    const char *expression; // of an elementwise op, else NULL
} lg_op_info;

typedef struct lg_attr_info {
    const char *name;
    lg_attr_kind kind;
    int64_t initial;
    const char *summary;
} lg_attr_info;

const lg_op_info *lg_op_info_of(lg_opcode code);
const lg_attr_info *lg_attr_info_of(lg_attr_name name);
// False if `length` characters at `text` name no op or attribute.
bool lg_opcode_parse(const char *text, size_t length, lg_opcode *code);
bool lg_attr_parse(const char *text, size_t length, lg_attr_name *name);
// Prints the reference of ops, attributes and types as Markdown: the generated part of docs/ir.md.
void lg_print_op_reference(FILE *out);

typedef struct lg_module lg_module;
typedef struct lg_function lg_function;
typedef struct lg_op lg_op;
typedef struct lg_value lg_value;
typedef struct lg_symbol lg_symbol;

typedef struct lg_attr {
    lg_attr_name name;
    int count; // of ints and numbers
    union {    // by the kind of the name's row; read through the accessors below
        int64_t integer;
        const int64_t *ints;
        double number;
        const double *numbers;
        lg_function *function;
    } as;
} lg_attr;

typedef enum lg_value_kind { LG_VALUE_ARGUMENT, LG_VALUE_RESULT, LG_VALUE_SYMBOL } lg_value_kind;

struct lg_value {
    lg_value_kind kind;
    lg_type type;
    const char *name;  // without % or @; of a result a hint or NULL: the printer numbers those
    int index;         // among the arguments, the results of its op or the symbols of the module
    lg_op *op;         // of a result
    lg_symbol *symbol; // of a symbol
    int id;            // scratch of whoever walks the function (numbering, tables)
};

struct lg_op {
    lg_opcode code;
    int operand_count, result_count, attr_count;
    lg_value **operands;
    lg_value **results;
    lg_attr *attrs; // in the order of ir/attrs.def
    lg_function *function;
    lg_op *previous, *next;
    lg_location where;
};

typedef enum lg_function_kind { LG_FUNC, LG_COMPOSITE, LG_KERNEL } lg_function_kind;

struct lg_function {
    lg_function_kind kind;
    const char *name;      // without @, unique in the module
    const char *composite; // what a composite is ("batch_norm"), else NULL
    lg_module *module;
    LG_LIST(lg_value *) arguments;
    LG_LIST(lg_value *) results; // the values returned
    LG_LIST(const char *) result_names;
    lg_op *first, *last;
    lg_function *previous, *next;
    lg_location where;
};

// How a symbol gets its value: a parameter and a state from a checkpoint (a parameter has a
// gradient, a state is written by the program), a packed weight from the function @pack.
typedef enum lg_role { LG_ROLE_PARAM, LG_ROLE_STATE, LG_ROLE_PACKED } lg_role;

// How `lgpnc init` and a training run fill a symbol; `bound` is the deviation of a normal
// distribution, half the width of a uniform one, or the value of a constant.
typedef enum lg_init_kind { LG_INIT_CONSTANT, LG_INIT_NORMAL, LG_INIT_UNIFORM } lg_init_kind;

struct lg_symbol {
    lg_role role;
    const char *name; // the state_dict name
    lg_value *value;
    bool dead; // in the checkpoint, but no function reads it
    lg_init_kind init;
    double bound;
    lg_symbol *next;
    lg_location where;
};

struct lg_module {
    lg_arena *arena;
    const char *name;
    lg_function *first, *last;
    lg_symbol *first_symbol, *last_symbol;
    int fresh; // for unique names
    struct lg_names *symbols_by_name;
};

// ---- modules, functions, symbols

lg_module *lg_module_new(const char *name);
void lg_module_free(lg_module *module);
// A deep copy in an arena of its own.
lg_module *lg_module_clone(const lg_module *module);

// Appends an empty function; the name is made unique by a suffix if it is taken.
lg_function *lg_function_new(lg_module *module, lg_function_kind kind, const char *name);
lg_value *lg_function_argument(lg_function *function, const char *name, lg_type type);
void lg_function_return(lg_function *function, const char *name, lg_value *value);
void lg_function_remove(lg_function *function);
lg_function *lg_module_function(const lg_module *module, const char *name); // or NULL
// Names are unique; asserts that they are (a front end checks with lg_module_symbol first).
lg_symbol *lg_symbol_new(lg_module *module, lg_role role, const char *name, lg_type type);
lg_symbol *lg_module_symbol(const lg_module *module, const char *name); // or NULL
void lg_symbol_remove(lg_module *module, lg_symbol *symbol);

// ---- ops

// Makes an op before `before` (NULL: at the end of `function`), infers and checks its types by the
// op's shape rule and returns it, or NULL after reporting to `diag` at `where`. `declared` is the
// type of the result where operands do not fix it (constant, iota, cast, reshape, broadcast,
// scatter_add, relayout, split, conv2d_*_grad); elsewhere it may be NULL, and is checked where it
// is not. Attributes are copied; optional ones that equal their default are left out. A layout in
// `declared` is taken over.
lg_op *lg_op_new(lg_function *function, lg_op *before, lg_opcode code, int operand_count,
                 lg_value *const *operands, int attr_count, const lg_attr *attrs,
                 const lg_type *declared, lg_location where, lg_diag *diag);
// The same for an op that is right by construction: asserts, returns the single result.
lg_value *lg_build(lg_function *function, lg_op *before, lg_opcode code, int operand_count,
                   lg_value *const *operands, int attr_count, const lg_attr *attrs,
                   const lg_type *declared, lg_location where);
// A call of `callee`, whose arguments the operands fit (asserts it). A call has a result for each
// result of the callee and may have no operands; lg_op_new makes calls too, and checks.
lg_op *lg_build_call(lg_function *function, lg_op *before, lg_function *callee,
                     lg_value *const *operands, lg_location where);
// Unlinks an op; nothing may use its results any more.
void lg_op_remove(lg_op *op);
// Moves `op` within its function to stand before `before` (NULL: at the end).
void lg_op_move(lg_op *op, lg_op *before);
// Lets every use of `old` in `function` (operands and results) use `new` instead.
void lg_replace_uses(lg_function *function, lg_value *old, lg_value *new);
// Number of uses in the function, results of the function included.
int lg_count_uses(const lg_function *function, const lg_value *value);

#define LG_OPERANDS(...)                                                                           \
    (int)(sizeof((lg_value *[]){__VA_ARGS__}) / sizeof(lg_value *)), (lg_value *[])                \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

// ---- attributes

lg_attr lg_attr_int(lg_attr_name name, int64_t value);
lg_attr lg_attr_flag(lg_attr_name name, bool value);
lg_attr lg_attr_number(lg_attr_name name, double value);
lg_attr lg_attr_ints(lg_attr_name name, int count, const int64_t *values); // copied by lg_op_new
lg_attr lg_attr_numbers(lg_attr_name name, int count, const double *values);
lg_attr lg_attr_function(lg_attr_name name, lg_function *function);

const lg_attr *lg_op_attr(const lg_op *op, lg_attr_name name); // or NULL
// With the default of the attribute's row when it is absent.
int64_t lg_op_int(const lg_op *op, lg_attr_name name);
int64_t lg_op_int_at(const lg_op *op, lg_attr_name name, int index);
double lg_op_number(const lg_op *op, lg_attr_name name);
lg_function *lg_op_callee(const lg_op *op);

#define LG_FOR_OPS(op, function) for (lg_op *op = (function)->first; op; op = op->next)
#define LG_FOR_FUNCTIONS(f, module) for (lg_function *f = (module)->first; f; f = f->next)
#define LG_FOR_SYMBOLS(s, module) for (lg_symbol *s = (module)->first_symbol; s; s = s->next)

// ---- shape rules (ir/infer.c)

// Infers the result type of `op` from its operands and attributes. `declared` may be NULL; where
// it is not, it must agree. Of a write and a call (which have no result or several) checks the
// operands and leaves `result` alone. On a fault reports it to `diag` and returns false.
bool lg_infer(const lg_op *op, const lg_type *declared, lg_type *result, lg_diag *diag);

enum { LG_MOST_PARTS = 3 }; // that an op split makes
// The filter [o,c/groups,kh,kw] that the parts bf16[parts,o,c/groups/2,kh,kw,2] of an op
// split_conv2d add up to; its element type is theirs.
lg_type lg_split_filter(const lg_type *parts);

// ---- cost (ir/cost.c): multiply-add counts as 2 FLOPs; bytes: operands and results once each

double lg_op_flops(const lg_op *op);
double lg_function_flops(const lg_function *function);

// ---- text (ir/print.c, ir/parse.c)

// The words of the text form: "func", "param", "normal" ...
const char *lg_function_kind_name(lg_function_kind kind);
const char *lg_role_name(lg_role role);
const char *lg_init_name(lg_init_kind init);

void lg_print_module(const lg_module *module, FILE *out);
void lg_print_function(const lg_function *function, FILE *out);
void lg_print_op(const lg_op *op, FILE *out);
// Parses the text form; NULL after reporting every fault that could be found. `file` names the
// text in messages and must outlive the module and its diagnostics. print(parse(text)) is `text` to
// the byte for any text that print made. What needs the whole module (cycles of calls, two writes
// of a symbol) is left to lg_verify_module.
lg_module *lg_parse_module(const char *file, const char *text, size_t length, lg_diag *diag);

// ---- verifier (ir/verify.c)

// Checks every invariant of the module: SSA order, types by the shape rules, calls and their
// callees, unique names, writes only to symbols. Reports all faults.
bool lg_verify_module(const lg_module *module, lg_diag *diag);

#endif
