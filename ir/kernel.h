// The kernel IR: how it is computed. A kernel is a loop nest over buffers; a program is the list of
// kernel launches that an entry point makes. Schedules (passes/) write it, emitters (codegen/)
// spell it, the reference interpreter runs it; it prints, parses and verifies like the graph IR:
//
//   kernel @relu_sum(%x: f32[12,100], %y: f32[12,100], %z: out f32[12,100]) {
//     // z = relu(x + y)
//     parallel %i in 0..12 {
//       for %j in 0..96 step 8 {
//         %z[%i, %j : 8] = max(%x[%i, %j : 8] + %y[%i, %j : 8], 0.0)
//       }
//       %z[%i, 96 : 4] = max(%x[%i, 96 : 4] + %y[%i, 96 : 4], 0.0)
//     }
//   }
//
// The body of a CPU kernel is one parallel loop 0..N (comments aside), or has none and runs once;
// of a CUDA kernel one block loop. Lane counts need not be powers of two: tails are short vectors.
//
// Buffers are dense and row-major in the physical dimensions of their type: layouts are gone.
// Vectors are explicit: `[... : 8]` reads or writes eight elements that follow each other; an
// operation on a scalar and a vector repeats the scalar. Arithmetic happens in f32, i32, i64 and
// bool; narrower elements are cast when read and when written (loads of bf16/f16 give f32, of u8
// i32, stores round to nearest even).
//
// Index arithmetic is i64 and simplified as it is built (lg_kx_*): a schedule writes the
// straightforward formula and (%c * 8 + %i) / 8 becomes %c where %i is known to be in 0..7.
#ifndef LG_IR_KERNEL_H
#define LG_IR_KERNEL_H

#include "ir/diag.h"
#include "ir/names.h"
#include "ir/type.h"

typedef enum lg_scalar {
#define SCALAR(enumerator, name, arity, result, infix, precedence, cuda) LG_S_##enumerator,
#include "ir/scalars.def"
#undef SCALAR
    LG_SCALAR_COUNT
} lg_scalar;

typedef struct lg_scalar_info {
    const char *name;
    int arity;
    bool to_bool;
    const char *infix;
    int precedence;
} lg_scalar_info;

const lg_scalar_info *lg_scalar_info_of(lg_scalar fn);

enum { LG_MAX_LANES = 1024 };

typedef struct lg_ktype {
    lg_dtype dtype; // F32, I32, I64 or BOOL
    int lanes;      // 1: scalar; at most LG_MAX_LANES
} lg_ktype;

// What an element is computed with: f32 for any float type, i32 for u8.
lg_dtype lg_kernel_dtype(lg_dtype element);

typedef struct lg_kx lg_kx;
typedef struct lg_kvar lg_kvar;
typedef struct lg_kbuffer lg_kbuffer;
typedef struct lg_kstmt lg_kstmt;
typedef struct lg_kernel lg_kernel;

typedef enum lg_kx_kind {
    LG_KX_INT,     // 3 (i64), 3i32, true/false (bool)
    LG_KX_FLOAT,   // 0.5, inf, -inf
    LG_KX_VAR,     // %i
    LG_KX_LANES,   // lanes(8): the vector 0, 1, ... 7 of i64
    LG_KX_LOAD,    // %x[i, j] or %x[i, j : 8]; an index that is a vector makes it a gather
    LG_KX_APPLY,   // a scalar function of ir/scalars.def
    LG_KX_CAST,    // f32(a), i32(a), i64(a), bool(a)
    LG_KX_SUM,     // sum(v): of the lanes of a vector, pairwise: lane i with lane i + n/2 ...
    LG_KX_MAXIMUM, // maximum(v)
    LG_KX_LOW      // low(v, n): the first n lanes
} lg_kx_kind;

struct lg_kx {
    lg_kx_kind kind;
    lg_ktype type;
    union {
        int64_t integer;
        double number;
        lg_kvar *var;
        struct {
            lg_kbuffer *buffer;
            lg_kx **index; // buffer->rank of them
        } load;
        struct {
            lg_scalar fn;
            lg_kx *args[3];
        } apply;
        lg_kx *arg; // CAST, SUM, MAXIMUM, LOW
    } as;
};

// A loop variable or the name of a `let`.
struct lg_kvar {
    const char *name; // without %, unique in the kernel
    lg_ktype type;
    int64_t low, high; // known range, inclusive, of an i64 scalar
    int id;            // 0, 1, ... in the kernel
};

typedef enum lg_scope {
    LG_SCOPE_IN,       // a parameter that is read
    LG_SCOPE_OUT,      // a parameter that is written
    LG_SCOPE_INOUT,    // read and written
    LG_SCOPE_TILE,     // scratch memory of one iteration of the parallel loop (or of a block)
    LG_SCOPE_SHARED,   // CUDA: seen by the threads of a block
    LG_SCOPE_REGISTER, // must be indexed by constants once unroll loops are unrolled
    LG_SCOPE_MATRIX    // registers of the matrix unit, indexed likewise; only matrix statements
                       // name them
} lg_scope;

// A matrix register holds an accumulator, f32[16][16], or an operand of 512 numbers: a left one,
// bf16[16][32], or a right one, bf16[16][16][2], whose rows 2k and 2k + 1 adjoin.
enum { LG_MATRIX_SUMS = 256, LG_MATRIX_NUMBERS = 512, LG_MATRIX_REGISTERS = 8 };

struct lg_kbuffer {
    const char *name;
    lg_scope scope;
    lg_dtype dtype;
    int lanes; // of a REGISTER buffer of vectors or a MATRIX buffer, else 1
    int rank;
    int64_t dims[LG_MAX_PHYSICAL];
    int id; // of a parameter its position, then the local ones
};

typedef enum lg_kstmt_kind {
    LG_K_LOOP,
    LG_K_LET,
    LG_K_ALLOC,
    LG_K_STORE,
    LG_K_IF,
    LG_K_MATRIX,   // zero, load, dot, store: what the matrix unit does
    LG_K_PREFETCH, // brings the cache line of an element near; changes nothing
    LG_K_BARRIER,  // CUDA: threads of the block wait for each other
    LG_K_COMMENT
} lg_kstmt_kind;

typedef enum lg_loop_role {
    LG_LOOP_SERIAL,   // `for`
    LG_LOOP_UNROLL,   // constant bounds; the emitter repeats the body
    LG_LOOP_PARALLEL, // iterations in any order, on any thread; only outermost, at most one a
                      // kernel
    LG_LOOP_BLOCK,    // CUDA: over the blocks of the grid; outermost
    LG_LOOP_THREAD    // CUDA: over the threads of a block, all at once; every thread loop of a
                      // kernel has the kernel's thread count as its extent and low 0, step 1
} lg_loop_role;

// The statements of the matrix unit write their first operand. Numbers in memory follow each other:
// the run from an element of a buffer on goes over the following dimensions and ends inside it.
typedef enum lg_matrix_action {
    LG_MATRIX_ZERO,  // zero %acc[0]: all sums are 0
    LG_MATRIX_LOAD,  // load %a[0], %x[i, 0]: 512 numbers of a bf16 buffer in memory
    LG_MATRIX_DOT,   // dot %acc[0], %a[0], %b[0]: acc[m][n] += sum over k of
                     // a[m][2k] * b[k][n][0] + a[m][2k + 1] * b[k][n][1]; %a and %b are two buffers
    LG_MATRIX_STORE, // store %y[i, 0], %acc[0]: 256 sums to an f32 buffer in memory
    LG_MATRIX_ACTION_COUNT
} lg_matrix_action;

// An element of a buffer, or a register of one.
typedef struct lg_kplace {
    lg_kbuffer *buffer;
    lg_kx **index; // buffer->rank of them
} lg_kplace;

typedef struct lg_kblock {
    lg_kstmt *first, *last;
} lg_kblock;

struct lg_kstmt {
    lg_kstmt_kind kind;
    lg_kstmt *next;
    union {
        struct {
            lg_loop_role role;
            lg_kvar *var;
            lg_kx *low, *high; // low <= var < high
            int64_t step;
            lg_kblock body;
        } loop;
        struct {
            lg_kvar *var;
            lg_kx *value;
        } let;
        lg_kbuffer *alloc;
        struct {
            lg_kbuffer *buffer;
            lg_kx **index;
            int lanes;
            lg_kx *value;
        } store;
        struct {
            lg_matrix_action action;
            lg_kplace operands[3];
        } matrix;
        struct {
            lg_kbuffer *buffer;
            lg_kx **index;
        } prefetch;
        struct {
            lg_kx *condition; // a bool scalar
            lg_kblock then, otherwise;
        } branch;
        const char *comment;
    } as;
};

struct lg_kernel {
    lg_arena *arena; // of the program it belongs to
    const char *name;
    LG_LIST(lg_kbuffer *) params;
    LG_LIST(lg_kbuffer *) locals;
    LG_LIST(lg_kvar *) vars;
    lg_names names; // of the three lists above
    lg_kblock body;
    double flops, bytes; // for reports: as the graph counts them, not as executed
    // What the schedule decided and for which shape, for reports and tuning; NULL where it had
    // nothing to decide and after parsing (a comment of the body says it to people).
    const char *key, *choice;
    lg_kernel *next;
};

// ---- a program: the launches of one entry point

typedef enum lg_place {
    LG_PLACE_INPUT,    // `index`th input of the entry point
    LG_PLACE_OUTPUT,   // `index`th output
    LG_PLACE_PARAM,    // `index`th parameter or state of the artifact, as in the checkpoint
    LG_PLACE_PACKED,   // `offset` into the packed weights
    LG_PLACE_WORKSPACE // `offset` into the workspace
} lg_place;

// A named stretch of memory. Names differ within an entry and within a program's params.
typedef struct lg_kslot {
    const char *name;
    lg_type type; // of what lies there, layout included
    lg_place place;
    int index;
    bool state;              // of a program's param: a state, which programs may write
    int64_t offset;          // bytes
    int first_use, last_use; // launches between which a workspace slot is alive
} lg_kslot;

typedef struct lg_launch {
    lg_kernel *kernel;
    int slot_count;
    lg_kslot **slots;  // one a parameter of the kernel
    const char *label; // what it computes, for reports ("GTC.layer1.0.conv1"), or ""
} lg_launch;

typedef struct lg_entry {
    const char *name; // "infer", "pack"
    LG_LIST(lg_kslot *) slots;
    LG_LIST(lg_launch) launches;
    int input_count, output_count;
    int64_t workspace; // bytes
} lg_entry;

typedef struct lg_program {
    lg_arena *arena;
    const char *name;
    lg_kernel *first, *last;
    LG_LIST(lg_entry *) entries;
    // What PARAM indexes and the size of what PACKED offsets point into.
    LG_LIST(lg_kslot *) params;
    int64_t packed; // bytes
} lg_program;

lg_program *lg_program_new(const char *name);
void lg_program_free(lg_program *program);
lg_kernel *lg_program_kernel(const lg_program *program, const char *name); // or NULL
lg_entry *lg_program_entry(const lg_program *program, const char *name);   // or NULL
int lg_program_kernel_count(const lg_program *program);
// Does a launch of the entry read, or write, what lies there?
bool lg_entry_reads(const lg_entry *entry, lg_place place);
bool lg_entry_writes(const lg_entry *entry, lg_place place);
// Does the kernel, or that of a launch, have MATRIX registers?
bool lg_kernel_uses_matrix_unit(const lg_kernel *kernel);
bool lg_entry_uses_matrix_unit(const lg_entry *entry);

// ---- building kernels (ir/kernel.c). Everything lives in the program's arena.

lg_kernel *lg_kernel_new(lg_program *program, const char *name); // name made unique
lg_kbuffer *lg_kernel_param(lg_kernel *kernel, const char *name, lg_scope scope, lg_dtype dtype,
                            int rank, const int64_t *dims);
// Parameter whose dims are the physical dims of `type`.
lg_kbuffer *lg_kernel_param_of(lg_kernel *kernel, const char *name, lg_scope scope,
                               const lg_type *type);

// Statements are appended at a cursor. A block opened by lg_k_loop or lg_k_if is closed by
// lg_k_end.
typedef struct lg_kbuilder {
    lg_kernel *kernel;
    lg_kblock *block;
    LG_LIST(lg_kblock *) outer;
} lg_kbuilder;

void lg_k_begin(lg_kbuilder *k, lg_kernel *kernel);
// Opens a loop; returns its variable (an i64 scalar), with its range noted when bounds are
// constant.
lg_kx *lg_k_loop(lg_kbuilder *k, lg_loop_role role, const char *name, lg_kx *low, lg_kx *high,
                 int64_t step);
// The common case 0..extent, step 1.
lg_kx *lg_k_for(lg_kbuilder *k, lg_loop_role role, const char *name, int64_t extent);
void lg_k_if(lg_kbuilder *k, lg_kx *condition);
void lg_k_else(lg_kbuilder *k);
void lg_k_end(lg_kbuilder *k);
lg_kx *lg_k_let(lg_kbuilder *k, const char *name, lg_kx *value);
lg_kbuffer *lg_k_alloc(lg_kbuilder *k, const char *name, lg_scope scope, lg_dtype dtype, int lanes,
                       int rank, const int64_t *dims);
void lg_k_store(lg_kbuilder *k, lg_kbuffer *buffer, lg_kx *const *index, int lanes, lg_kx *value);
// The matrix unit (ir/kernel_matrix.c): `acc`, `left`, `right` and `operand` are MATRIX buffers.
void lg_k_matrix_zero(lg_kbuilder *k, lg_kbuffer *acc, lg_kx *const *index);
void lg_k_matrix_load(lg_kbuilder *k, lg_kbuffer *operand, lg_kx *const *index, lg_kbuffer *from,
                      lg_kx *const *from_index);
void lg_k_matrix_dot(lg_kbuilder *k, lg_kbuffer *acc, lg_kx *const *index, lg_kbuffer *left,
                     lg_kx *const *left_index, lg_kbuffer *right, lg_kx *const *right_index);
void lg_k_matrix_store(lg_kbuilder *k, lg_kbuffer *to, lg_kx *const *to_index, lg_kbuffer *acc,
                       lg_kx *const *index);
// A hint that the element is read soon: emitters may leave it out.
void lg_k_prefetch(lg_kbuilder *k, lg_kbuffer *buffer, lg_kx *const *index);
void lg_k_barrier(lg_kbuilder *k);
void lg_k_comment(lg_kbuilder *k, const char *format, ...) __attribute__((format(printf, 2, 3)));

// ---- expressions (ir/kernel_expr.c). Constants fold; i64 scalars are kept simplified.

lg_kx *lg_kx_int(lg_kbuilder *k, int64_t value);                     // i64
lg_kx *lg_kx_integer(lg_kbuilder *k, lg_dtype dtype, int64_t value); // i32, i64 or bool
lg_kx *lg_kx_float(lg_kbuilder *k, double value);                    // f32
// A constant of element type `dtype` (f32 for any float type, i32 for u8).
lg_kx *lg_kx_number(lg_kbuilder *k, lg_dtype dtype, double value);
lg_kx *lg_kx_lanes(lg_kbuilder *k, int lanes);
// `index` holds buffer->rank i64 expressions; `lanes` elements from there on along the last
// dimension (of a REGISTER buffer of vectors: 1, the result has the buffer's lanes).
lg_kx *lg_kx_load(lg_kbuilder *k, lg_kbuffer *buffer, lg_kx *const *index, int lanes);
// `c` and `b` are NULL where `fn` takes fewer. A scalar operand is repeated over a vector's lanes.
lg_kx *lg_kx_apply(lg_kbuilder *k, lg_scalar fn, lg_kx *a, lg_kx *b, lg_kx *c);
// Does `fn` take operands of `types` (one for each it takes)? Sets the type of the result, or
// writes what is wrong into `message`. lg_kx_apply asserts it, the parser and the verifier report
// it.
bool lg_kx_check_apply(lg_scalar fn, const lg_ktype *types, lg_ktype *result, char message[160]);
lg_kx *lg_kx_cast(lg_kbuilder *k, lg_dtype dtype, lg_kx *a);
lg_kx *lg_kx_sum(lg_kbuilder *k, lg_kx *vector);
lg_kx *lg_kx_maximum(lg_kbuilder *k, lg_kx *vector);
lg_kx *lg_kx_low(lg_kbuilder *k, lg_kx *vector, int lanes);

// Index arithmetic on i64.
lg_kx *lg_kx_add(lg_kbuilder *k, lg_kx *a, lg_kx *b);
lg_kx *lg_kx_addi(lg_kbuilder *k, lg_kx *a, int64_t b);
lg_kx *lg_kx_muli(lg_kbuilder *k, lg_kx *a, int64_t b);
lg_kx *lg_kx_divi(lg_kbuilder *k, lg_kx *a, int64_t b); // floor
lg_kx *lg_kx_modi(lg_kbuilder *k, lg_kx *a, int64_t b);
lg_kx *lg_kx_mini(lg_kbuilder *k, lg_kx *a, int64_t b); // the smaller
bool lg_kx_is_int(const lg_kx *a, int64_t value);
// The known range of an i64 scalar expression, inclusive; INT64_MIN/4 .. INT64_MAX/4 if nothing is
// known.
void lg_kx_range(const lg_kx *a, int64_t *low, int64_t *high);

// The meaning of an elementwise op's row in scalar functions (ir/elementwise.c): `args` are its
// operands, all of element type `dtype` (f32, i32, i64, bool).
lg_kx *lg_expand_elementwise(lg_kbuilder *k, int opcode, lg_dtype dtype, lg_kx *const *args);

// ---- scalar semantics (ir/scalar.c), shared by both reference interpreters

// A number as the interpreters hold it: floats in f64, integers and bools in 64 bits.
typedef union lg_number {
    double f;
    int64_t i;
} lg_number;

// `fn` of arguments of element type `dtype` (for SELECT: of args[1]). i32 results wrap to 32 bits.
lg_number lg_scalar_evaluate(lg_scalar fn, lg_dtype dtype, const lg_number *args);
// The same `count` times: args[j][i] is the jth argument of results[i]. `results` may be an
// argument.
void lg_scalar_evaluate_many(lg_scalar fn, lg_dtype dtype, const lg_number *const *args,
                             lg_number *results, int count);
// Whether `fn` is defined on arguments of element type `dtype` (SELECT: args[1] and args[2]); a
// front end asks before it builds, evaluating asserts it.
bool lg_scalar_accepts(lg_scalar fn, lg_dtype dtype);
// Float to integer goes toward zero and saturates, NaN is 0; integers wrap; to bool is `!= 0`. All
// float types are f64 here: only memory rounds.
lg_number lg_number_cast(lg_number value, lg_dtype from, lg_dtype to);
// Memory to number and back: f32, bf16, f16 (round to nearest even), integers, bool.
lg_number lg_number_load(lg_dtype dtype, const void *at);
void lg_number_store(lg_dtype dtype, void *at, lg_number value);

// ---- text (ir/kernel_print.c, ir/kernel_parse.c)

// Reading returns NULL after reporting every fault it found. The tree is as the text says, without
// simplification: print(parse(text)) is `text` to the byte for any text that print made. The
// `program` line may be missing, for a file of kernels alone.

void lg_print_program(const lg_program *program, FILE *out);
void lg_print_kernel(const lg_kernel *kernel, FILE *out);
void lg_print_kx(const lg_kx *x, FILE *out);
lg_program *lg_parse_program(const char *file, const char *text, size_t length, lg_diag *diag);
// The table of scalar functions in docs/ir.md (ir/kernel_reference.c).
void lg_print_scalar_reference(FILE *out);

// ---- verifier (ir/program_verify.c, ir/kernel_verify.c): scopes, types, roles of loops, constant
// register indices, launches that fit their kernels, slots that do not overlap while both are alive

bool lg_verify_program(const lg_program *program, lg_diag *diag);
bool lg_verify_kernel(const lg_kernel *kernel, lg_diag *diag); // alone, as the above does for each

// ---- the reference interpreter (ir/kernel_interp.c). Runs one kernel on real memory, one buffer a
// parameter; arithmetic in f64 (loads and stores convert). Checks bounds of every access, reads of
// uninitialised locals, and that iterations of a parallel loop write different elements. Returns
// false after reporting to `diag`.

bool lg_kernel_interpret(const lg_kernel *kernel, void *const *buffers, lg_diag *diag);
// Runs an entry: `memory[place]` for INPUT, OUTPUT, PARAM are arrays of pointers, for PACKED and
// WORKSPACE the block itself.
typedef struct lg_memory {
    void *const *inputs, *const *outputs, *const *params;
    void *packed, *workspace;
} lg_memory;
bool lg_entry_interpret(const lg_entry *entry, const lg_memory *memory, lg_diag *diag);

#endif
