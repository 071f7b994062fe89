// The verifier of one kernel. What it lets through, emitters spell without asking again: names are
// in scope, types and widths fit, registers are indexed by constants, and loops have the roles that
// their place allows. Whether an address is inside its buffer only a run can tell
// (ir/kernel_interp.c), but for registers, which are variables of the emitted code.
#include "ir/kernel.h"
#include "ir/kernel_internal.h"
#include "ir/kernel_report.h"

#include <inttypes.h>

enum {
    MOST_DEPTH = 64,           // of nested blocks
    MOST_UNROLLED = 1 << 16,   // iterations of a nest of unroll loops
    MOST_REGISTERS = 4096,     // elements of a buffer
    MOST_LOCAL_BYTES = 1 << 26 // of a tile
};

// What stands around the statement at hand.
typedef struct place {
    int depth;
    bool in_block, in_thread;
    int64_t unrolled; // iterations of the unroll loops around, multiplied
} place;

typedef struct verifier {
    const lg_kernel *kernel;
    lg_diag *diag;
    const lg_kstmt *stmt;
    bool *var_in_scope, *var_is_unrolled, *buffer_in_scope;
    int64_t threads;          // of the thread loops seen so far; 0: none yet
    int64_t matrix_registers; // in scope
    bool is_cuda, ok;
} verifier;

#define FAULT(v, ...) ((v)->ok = lg_kernel_fault((v)->diag, (v)->kernel, (v)->stmt, __VA_ARGS__))

static bool same_type(lg_ktype a, lg_ktype b)
{
    return a.dtype == b.dtype && a.lanes == b.lanes;
}

// ---- expressions

static bool check_expression(verifier *v, const place *at, const lg_kx *x);

static bool is_unrolled_constant(const verifier *v, const lg_kx *x)
{
    if (x->kind == LG_KX_VAR)
        return v->var_is_unrolled[x->as.var->id];
    if (x->kind != LG_KX_APPLY)
        return x->kind == LG_KX_INT;
    for (int i = 0; i < lg_scalar_info_of(x->as.apply.fn)->arity; i++)
        if (!is_unrolled_constant(v, x->as.apply.args[i]))
            return false;
    return true;
}

static bool check_register_index(verifier *v, const lg_kbuffer *buffer, int d, const lg_kx *index)
{
    if (!is_unrolled_constant(v, index))
        return FAULT(v,
                     "index %d of the register buffer %%%s is not made of constants and "
                     "variables of unroll loops",
                     d, buffer->name);
    int64_t low, high;
    lg_kx_range(index, &low, &high);
    if (low < 0 || high >= buffer->dims[d])
        return FAULT(v, "index %d of %%%s may be %" PRId64 " to %" PRId64 ", its size is %" PRId64,
                     d, buffer->name, low, high, buffer->dims[d]);
    return true;
}

static bool is_known_buffer(const verifier *v, const lg_kbuffer *buffer)
{
    int params = v->kernel->params.count;
    if (buffer->id < 0 || buffer->id >= params + v->kernel->locals.count)
        return false;
    return buffer == (buffer->id < params ? v->kernel->params.items[buffer->id]
                                          : v->kernel->locals.items[buffer->id - params]);
}

// Indices of an access; sets how many lanes vector indices give it (1: none).
static bool check_indices(verifier *v, const place *at, const lg_kbuffer *buffer,
                          lg_kx *const *index, int *lanes)
{
    *lanes = 1;
    if (!is_known_buffer(v, buffer) || !v->buffer_in_scope[buffer->id])
        return FAULT(v, "%%%s is not in scope", buffer->name);
    for (int d = 0; d < buffer->rank; d++) {
        if (!check_expression(v, at, index[d]))
            return false;
        if (index[d]->type.dtype != LG_I64)
            return FAULT(v, "index %d of %%%s is %s, must be i64", d, buffer->name,
                         lg_dtype_name(index[d]->type.dtype));
        int width = index[d]->type.lanes;
        if (width > 1 && *lanes > 1 && width != *lanes)
            return FAULT(v, "indices of %%%s are vectors of %d and of %d lanes", buffer->name,
                         *lanes, width);
        if (width > 1)
            *lanes = width;
        if (buffer->scope >= LG_SCOPE_REGISTER && !check_register_index(v, buffer, d, index[d]))
            return false;
    }
    return true;
}

// What a matrix register holds no expression sees.
static bool check_visible(verifier *v, const lg_kbuffer *buffer)
{
    return buffer->scope != LG_SCOPE_MATRIX ||
           FAULT(v, "%%%s is a matrix register: only zero, load, dot and store name it",
                 buffer->name);
}

static bool check_load(verifier *v, const place *at, const lg_kx *x)
{
    const lg_kbuffer *buffer = x->as.load.buffer;
    int gathered;
    if (!check_indices(v, at, buffer, x->as.load.index, &gathered) || !check_visible(v, buffer))
        return false;
    if (buffer->scope == LG_SCOPE_OUT)
        return FAULT(v, "%%%s is an out parameter and is read; make it inout", buffer->name);
    bool is_register = buffer->scope == LG_SCOPE_REGISTER;
    if (is_register && v->is_cuda && !at->in_thread)
        return FAULT(v,
                     "the register buffer %%%s has a value a thread and is read outside of "
                     "thread loops",
                     buffer->name);
    int lanes = is_register ? buffer->lanes : gathered > 1 ? gathered : x->type.lanes;
    if (x->type.lanes != lanes || (lanes > 1 && buffer->rank == 0 && !is_register))
        return FAULT(v, "a load of %d lanes from %%%s gives %d", lanes, buffer->name,
                     x->type.lanes);
    if (x->type.dtype != lg_kernel_dtype(buffer->dtype))
        return FAULT(v, "a load from %%%s of %s is typed %s", buffer->name,
                     lg_dtype_name(buffer->dtype), lg_dtype_name(x->type.dtype));
    return true;
}

static bool check_apply(verifier *v, const place *at, const lg_kx *x)
{
    lg_ktype types[3], type;
    char message[160];
    for (int i = 0; i < lg_scalar_info_of(x->as.apply.fn)->arity; i++) {
        if (!check_expression(v, at, x->as.apply.args[i]))
            return false;
        types[i] = x->as.apply.args[i]->type;
    }
    if (!lg_kx_check_apply(x->as.apply.fn, types, &type, message))
        return FAULT(v, "%s", message);
    if (!same_type(type, x->type))
        return FAULT(v, "%s gives %d lanes of %s, not %d of %s",
                     lg_scalar_info_of(x->as.apply.fn)->name, type.lanes, lg_dtype_name(type.dtype),
                     x->type.lanes, lg_dtype_name(x->type.dtype));
    return true;
}

static bool check_var(verifier *v, const lg_kx *x)
{
    const lg_kvar *var = x->as.var;
    bool known =
        var->id >= 0 && var->id < v->kernel->vars.count && v->kernel->vars.items[var->id] == var;
    if (!known || !v->var_in_scope[var->id])
        return FAULT(v, "%%%s is not in scope", var->name);
    return same_type(var->type, x->type) || FAULT(v, "a use of %%%s has another type", var->name);
}

// Casts and what works across the lanes of a vector.
static bool check_unary(verifier *v, const place *at, const lg_kx *x)
{
    const lg_kx *arg = x->as.arg;
    if (!check_expression(v, at, arg))
        return false;
    lg_ktype wanted = arg->type;
    if (x->kind == LG_KX_CAST)
        wanted.dtype = x->type.dtype;
    else if (x->kind == LG_KX_LOW && x->type.lanes <= arg->type.lanes)
        wanted.lanes = x->type.lanes;
    else if (x->kind != LG_KX_LOW)
        wanted.lanes = arg->type.dtype == LG_BOOL ? 0 : 1;
    return same_type(wanted, x->type) ||
           FAULT(v, "%d lanes of %s made of %d lanes of %s", x->type.lanes,
                 lg_dtype_name(x->type.dtype), arg->type.lanes, lg_dtype_name(arg->type.dtype));
}

static bool is_arithmetic(lg_dtype dtype)
{
    return dtype == LG_F32 || dtype == LG_I32 || dtype == LG_I64 || dtype == LG_BOOL;
}

static bool check_expression(verifier *v, const place *at, const lg_kx *x)
{
    if (!is_arithmetic(x->type.dtype))
        return FAULT(v, "there is no arithmetic in %s", lg_dtype_name(x->type.dtype));
    if (x->type.lanes < 1 || x->type.lanes > LG_MAX_LANES)
        return FAULT(v, "a vector of %d lanes; at most %d", x->type.lanes, LG_MAX_LANES);
    switch (x->kind) {
    case LG_KX_INT:
        return (x->type.dtype != LG_F32 && x->type.lanes == 1) ||
               FAULT(v, "an integer constant that is no integer scalar");
    case LG_KX_FLOAT:
        return same_type(x->type, (lg_ktype){LG_F32, 1}) ||
               FAULT(v, "a float constant that is no f32 scalar");
    case LG_KX_LANES:
        return x->type.dtype == LG_I64 || FAULT(v, "lanes(%d) is i64", x->type.lanes);
    case LG_KX_VAR:
        return check_var(v, x);
    case LG_KX_LOAD:
        return check_load(v, at, x);
    case LG_KX_APPLY:
        return check_apply(v, at, x);
    case LG_KX_CAST:
    case LG_KX_SUM:
    case LG_KX_MAXIMUM:
    case LG_KX_LOW:
        return check_unary(v, at, x);
    }
    return FAULT(v, "an expression of no known kind");
}

// ---- statements

static void check_block(verifier *v, place at, const lg_kblock *block);

static bool is_constant(const lg_kx *x)
{
    return x->kind == LG_KX_INT;
}

static bool is_from_zero(const lg_kstmt *loop)
{
    return lg_kx_is_int(loop->as.loop.low, 0) && is_constant(loop->as.loop.high) &&
           loop->as.loop.step == 1;
}

// `is_whole`: the loop is all there is in the kernel.
static void check_role(verifier *v, place *at, const lg_kstmt *loop, bool is_whole)
{
    switch (loop->as.loop.role) {
    case LG_LOOP_SERIAL:
        return;
    case LG_LOOP_UNROLL:
        if (!is_constant(loop->as.loop.low) || !is_constant(loop->as.loop.high))
            FAULT(v, "the bounds of an unroll loop must be constants");
        else if (loop->as.loop.high->as.integer > loop->as.loop.low->as.integer) {
            double span =
                (double)loop->as.loop.high->as.integer - (double)loop->as.loop.low->as.integer;
            double count = span / (double)loop->as.loop.step * (double)at->unrolled;
            if (count > MOST_UNROLLED)
                FAULT(v, "more than %d statements when unrolled", MOST_UNROLLED);
            else
                at->unrolled = (int64_t)count + 1;
        }
        return;
    case LG_LOOP_PARALLEL:
    case LG_LOOP_BLOCK:
        if (!is_whole)
            FAULT(v, "a parallel or block loop must be the only statement of its kernel");
        if (!is_from_zero(loop))
            FAULT(v, "must run from 0 to a constant in steps of 1");
        at->in_block = loop->as.loop.role == LG_LOOP_BLOCK;
        return;
    case LG_LOOP_THREAD:
        if (!at->in_block || at->in_thread)
            FAULT(v, "a thread loop stands inside a block loop and no other thread loop");
        else if (!is_from_zero(loop) || loop->as.loop.high->as.integer < 1)
            FAULT(v, "must run from 0 to a constant in steps of 1");
        else if (v->threads && v->threads != loop->as.loop.high->as.integer)
            FAULT(v, "has %" PRId64 " threads, another thread loop %" PRId64,
                  loop->as.loop.high->as.integer, v->threads);
        else
            v->threads = loop->as.loop.high->as.integer;
        at->in_thread = true;
        return;
    }
    FAULT(v, "a loop of no known role");
}

static bool check_bound(verifier *v, const place *at, const lg_kx *x)
{
    return check_expression(v, at, x) &&
           (same_type(x->type, (lg_ktype){LG_I64, 1}) || FAULT(v, "a bound must be an i64 scalar"));
}

static bool is_own_var(verifier *v, const lg_kvar *var)
{
    bool known =
        var->id >= 0 && var->id < v->kernel->vars.count && v->kernel->vars.items[var->id] == var;
    return known || FAULT(v, "%%%s is not a variable of the kernel", var->name);
}

static void check_loop(verifier *v, place at, const lg_kstmt *loop, bool is_whole)
{
    const lg_kvar *var = loop->as.loop.var;
    if (!is_own_var(v, var) || !check_bound(v, &at, loop->as.loop.low) ||
        !check_bound(v, &at, loop->as.loop.high))
        return;
    if (loop->as.loop.step < 1) {
        FAULT(v, "the step must be at least 1");
        return;
    }
    check_role(v, &at, loop, is_whole);
    v->var_in_scope[var->id] = true;
    v->var_is_unrolled[var->id] = loop->as.loop.role == LG_LOOP_UNROLL;
    check_block(v, at, &loop->as.loop.body);
    v->var_in_scope[var->id] = false;
}

static bool check_size(verifier *v, const lg_kbuffer *buffer)
{
    int64_t elements = 1;
    if (buffer->rank < 0 || buffer->rank > LG_MAX_PHYSICAL)
        return FAULT(v, "%%%s has %d dimensions", buffer->name, buffer->rank);
    for (int d = 0; d < buffer->rank; d++) {
        if (buffer->dims[d] < 1 || buffer->dims[d] > LG_MAX_ELEMENTS / elements)
            return FAULT(v, "the size of %%%s is out of range", buffer->name);
        elements *= buffer->dims[d];
    }
    if (buffer->scope >= LG_SCOPE_REGISTER && elements > MOST_REGISTERS)
        return FAULT(v, "%%%s has more than %d registers", buffer->name, MOST_REGISTERS);
    if (buffer->scope > LG_SCOPE_INOUT &&
        elements * lg_dtype_bytes(buffer->dtype) > MOST_LOCAL_BYTES)
        return FAULT(v, "%%%s has more than %d bytes", buffer->name, MOST_LOCAL_BYTES);
    return true;
}

static int64_t register_count(const lg_kbuffer *buffer)
{
    int64_t count = 1;
    for (int d = 0; d < buffer->rank; d++)
        count *= buffer->dims[d];
    return count;
}

static void check_matrix_registers(verifier *v, const lg_kbuffer *buffer)
{
    if (!lg_matrix_holds(buffer->dtype, buffer->lanes))
        FAULT(v, "%%%s is a matrix register and holds f32x256 or bf16x512", buffer->name);
    if (v->is_cuda)
        FAULT(v, "%%%s is a matrix register of a CPU in a kernel with a block loop", buffer->name);
    v->matrix_registers += register_count(buffer);
    if (v->matrix_registers > LG_MATRIX_REGISTERS)
        FAULT(v, "%" PRId64 " matrix registers are alive, there are %d", v->matrix_registers,
              LG_MATRIX_REGISTERS);
}

static void check_alloc(verifier *v, const place *at, const lg_kbuffer *buffer)
{
    bool is_register = buffer->scope >= LG_SCOPE_REGISTER;
    if (!is_known_buffer(v, buffer) || buffer->id < v->kernel->params.count) {
        FAULT(v, "%%%s is not a local buffer of the kernel", buffer->name);
        return;
    }
    v->buffer_in_scope[buffer->id] = check_size(v, buffer);
    if (buffer->scope <= LG_SCOPE_INOUT)
        FAULT(v, "%%%s has the scope of a parameter", buffer->name);
    if (buffer->lanes < 1 || buffer->lanes > LG_MAX_LANES || (buffer->lanes > 1 && !is_register))
        FAULT(v, "%%%s has elements of %d lanes", buffer->name, buffer->lanes);
    if (buffer->scope == LG_SCOPE_SHARED && !at->in_block)
        FAULT(v, "shared memory is for kernels with a block loop");
    if (!is_register && at->in_thread)
        FAULT(v, "%%%s belongs to the block and is allocated by a thread", buffer->name);
    if (buffer->scope == LG_SCOPE_MATRIX && v->buffer_in_scope[buffer->id])
        check_matrix_registers(v, buffer);
}

static void check_store(verifier *v, const place *at, const lg_kstmt *stmt)
{
    const lg_kbuffer *buffer = stmt->as.store.buffer;
    const lg_kx *value = stmt->as.store.value;
    int scattered;
    if (!check_indices(v, at, buffer, stmt->as.store.index, &scattered) ||
        !check_visible(v, buffer) || !check_expression(v, at, value))
        return;
    bool is_register = buffer->scope == LG_SCOPE_REGISTER;
    int lanes = stmt->as.store.lanes, width = is_register ? buffer->lanes : lanes;
    if (buffer->scope == LG_SCOPE_IN)
        FAULT(v, "%%%s is a parameter that is only read", buffer->name);
    if (scattered > 1)
        FAULT(v, "a store has no vector index");
    if (lanes < 1 || lanes > LG_MAX_LANES || (lanes > 1 && buffer->rank == 0) ||
        (is_register && lanes != 1 && lanes != buffer->lanes))
        FAULT(v, "%d lanes cannot be stored in %%%s", lanes, buffer->name);
    if (value->type.lanes != 1 && value->type.lanes != width)
        FAULT(v, "a vector of %d lanes goes to %d elements", value->type.lanes, width);
    if (value->type.dtype != lg_kernel_dtype(buffer->dtype))
        FAULT(v, "a value of %s goes to %%%s of %s", lg_dtype_name(value->type.dtype), buffer->name,
              lg_dtype_name(buffer->dtype));
}

static void check_matrix(verifier *v, const place *at, const lg_kstmt *stmt)
{
    const lg_matrix_info *info = lg_matrix_info_of(stmt->as.matrix.action);
    for (int i = 0; i < info->operands; i++) {
        const lg_kplace *place = &stmt->as.matrix.operands[i];
        const lg_kbuffer *buffer = place->buffer;
        const char *wanted;
        int scattered;
        if (!check_indices(v, at, buffer, place->index, &scattered))
            return;
        if (!lg_matrix_takes(info->roles[i], buffer, &wanted))
            FAULT(v, "%%%s is not %s", buffer->name, wanted);
        if (scattered > 1)
            FAULT(v, "where a block of %%%s begins is one element", buffer->name);
        if (info->roles[i] == LG_MATRIX_TARGET && buffer->scope == LG_SCOPE_IN)
            FAULT(v, "%%%s is a parameter that is only read", buffer->name);
        if (info->roles[i] == LG_MATRIX_SOURCE && buffer->scope == LG_SCOPE_OUT)
            FAULT(v, "%%%s is an out parameter and is read; make it inout", buffer->name);
    }
    // The instruction takes three different registers.
    const lg_kbuffer *left = stmt->as.matrix.operands[1].buffer;
    if (stmt->as.matrix.action == LG_MATRIX_DOT && left == stmt->as.matrix.operands[2].buffer)
        FAULT(v, "both operands of a dot are of %%%s; they need a buffer each", left->name);
}

static void check_prefetch(verifier *v, const place *at, const lg_kstmt *stmt)
{
    const lg_kbuffer *buffer = stmt->as.prefetch.buffer;
    int scattered;
    if (!check_indices(v, at, buffer, stmt->as.prefetch.index, &scattered))
        return;
    if (scattered != 1 || buffer->scope > LG_SCOPE_INOUT)
        FAULT(v, "one element of a parameter is prefetched");
}

static void check_let(verifier *v, const place *at, const lg_kstmt *stmt)
{
    const lg_kvar *var = stmt->as.let.var;
    if (!check_expression(v, at, stmt->as.let.value) || !is_own_var(v, var))
        return;
    if (!same_type(var->type, stmt->as.let.value->type))
        FAULT(v, "%%%s has another type than its value", var->name);
    v->var_in_scope[var->id] = true;
    v->var_is_unrolled[var->id] = false;
}

static void check_statement(verifier *v, const place *at, const lg_kstmt *stmt, bool is_whole)
{
    v->stmt = stmt;
    switch (stmt->kind) {
    case LG_K_LOOP:
        check_loop(v, *at, stmt, is_whole);
        return;
    case LG_K_LET:
        check_let(v, at, stmt);
        return;
    case LG_K_ALLOC:
        check_alloc(v, at, stmt->as.alloc);
        return;
    case LG_K_STORE:
        check_store(v, at, stmt);
        return;
    case LG_K_MATRIX:
        check_matrix(v, at, stmt);
        return;
    case LG_K_PREFETCH:
        check_prefetch(v, at, stmt);
        return;
    case LG_K_IF:
        if (!check_expression(v, at, stmt->as.branch.condition))
            return;
        if (!same_type(stmt->as.branch.condition->type, (lg_ktype){LG_BOOL, 1}))
            FAULT(v, "the condition must be a bool scalar");
        check_block(v, *at, &stmt->as.branch.then);
        check_block(v, *at, &stmt->as.branch.otherwise);
        return;
    case LG_K_BARRIER:
        if (!at->in_block || at->in_thread)
            FAULT(v, "a barrier stands between thread loops, inside the block loop");
        return;
    case LG_K_COMMENT:
        return;
    }
    FAULT(v, "a statement of no known kind");
}

// What a block declares goes out of scope with it.
static void leave_block(verifier *v, const lg_kblock *block)
{
    for (const lg_kstmt *stmt = block->first; stmt; stmt = stmt->next) {
        if (stmt->kind == LG_K_LET && is_own_var(v, stmt->as.let.var))
            v->var_in_scope[stmt->as.let.var->id] = false;
        if (stmt->kind == LG_K_ALLOC && is_known_buffer(v, stmt->as.alloc) &&
            stmt->as.alloc->id >= v->kernel->params.count) {
            bool *in_scope = &v->buffer_in_scope[stmt->as.alloc->id];
            if (*in_scope && stmt->as.alloc->scope == LG_SCOPE_MATRIX)
                v->matrix_registers -= register_count(stmt->as.alloc);
            *in_scope = false;
        }
    }
}

static void check_block(verifier *v, place at, const lg_kblock *block)
{
    if (++at.depth > MOST_DEPTH) {
        FAULT(v, "blocks are nested more than %d deep", MOST_DEPTH);
        return;
    }
    int statements = 0;
    for (const lg_kstmt *stmt = block->first; stmt; stmt = stmt->next)
        statements += stmt->kind != LG_K_COMMENT;
    for (const lg_kstmt *stmt = block->first; stmt; stmt = stmt->next)
        check_statement(v, &at, stmt, at.depth == 1 && statements == 1);
    leave_block(v, block);
}

// A loop over blocks makes a CUDA kernel of it.
static bool has_block_loop(const lg_kblock *body)
{
    for (const lg_kstmt *stmt = body->first; stmt; stmt = stmt->next)
        if (stmt->kind == LG_K_LOOP && stmt->as.loop.role == LG_LOOP_BLOCK)
            return true;
    return false;
}

bool lg_verify_kernel(const lg_kernel *kernel, lg_diag *diag)
{
    lg_arena *scratch = lg_arena_new();
    int buffers = kernel->params.count + kernel->locals.count;
    verifier v = {.kernel = kernel,
                  .diag = diag,
                  .var_in_scope = LG_NEW_ARRAY(scratch, bool, kernel->vars.count + 1),
                  .var_is_unrolled = LG_NEW_ARRAY(scratch, bool, kernel->vars.count + 1),
                  .buffer_in_scope = LG_NEW_ARRAY(scratch, bool, buffers + 1),
                  .is_cuda = has_block_loop(&kernel->body),
                  .ok = true};
    for (int i = 0; i < kernel->params.count; i++) {
        const lg_kbuffer *param = kernel->params.items[i];
        if (param->scope > LG_SCOPE_INOUT || param->lanes != 1 || param->id != i)
            FAULT(&v, "%%%s is no parameter", param->name);
        v.buffer_in_scope[i] = check_size(&v, param);
    }
    check_block(&v, (place){.unrolled = 1}, &kernel->body);
    lg_arena_free(scratch);
    return v.ok;
}
