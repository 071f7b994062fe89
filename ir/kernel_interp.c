// The reference interpreter of the kernel IR: a kernel run statement by statement on real memory,
// arithmetic in f64. It is the definition of what a kernel means and the test of a schedule: every
// access is checked (ir/kernel_memory.c). Iterations of a parallel loop run in order; that they
// could run in any other follows from the check that no two touch what one of them writes. Threads
// of a block run one after the other from barrier to barrier.
//
// Kernels must have passed lg_verify_kernel. The first fault ends the run.
#include "ir/kernel_internal.h"
#include "ir/kernel_interp_internal.h"

#include <assert.h>
#include <string.h>

static bool run_block(lg_kinterp *in, const lg_kblock *block);

// ---- expressions. Values lie on a stack that is as large as the largest expression needs.

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t stack_for_list(lg_kx *const *items, int count, int64_t lanes);

static int64_t stack_for(const lg_kx *x)
{
    switch (x->kind) {
    case LG_KX_LOAD:
        return stack_for_list(x->as.load.index, x->as.load.buffer->rank, 1);
    case LG_KX_APPLY:
        return stack_for_list(x->as.apply.args, lg_scalar_info_of(x->as.apply.fn)->arity,
                              x->type.lanes);
    case LG_KX_CAST:
    case LG_KX_SUM:
    case LG_KX_MAXIMUM:
    case LG_KX_LOW:
        return stack_for_list(&x->as.arg, 1, 1);
    default:
        return 0;
    }
}

// Each item's value of at least `lanes` lanes, and the work of one at a time.
static int64_t stack_for_list(lg_kx *const *items, int count, int64_t lanes)
{
    int64_t values = 0, work = 0;
    for (int i = 0; i < count; i++) {
        values += larger(lanes, items[i]->type.lanes);
        work = larger(work, stack_for(items[i]));
    }
    return values + work;
}

// The values of a statement of the matrix unit, and the indices of one operand at a time.
static int64_t stack_for_matrix(const lg_kstmt *stmt)
{
    int64_t indices = 0;
    for (int i = 0; i < lg_matrix_info_of(stmt->as.matrix.action)->operands; i++) {
        const lg_kplace *place = &stmt->as.matrix.operands[i];
        indices = larger(indices, stack_for_list(place->index, place->buffer->rank, 1));
    }
    return indices + LG_MATRIX_SUMS + 2 * LG_MATRIX_NUMBERS;
}

static int64_t stack_for_block(const lg_kblock *block)
{
    int64_t most = 0;
    for (const lg_kstmt *stmt = block->first; stmt; stmt = stmt->next) {
        int64_t needed = 0;
        if (stmt->kind == LG_K_LOOP)
            needed = larger(stack_for_list(&stmt->as.loop.low, 1, 1),
                            stack_for_list(&stmt->as.loop.high, 1, 1));
        else if (stmt->kind == LG_K_LET)
            needed = stack_for(stmt->as.let.value);
        else if (stmt->kind == LG_K_STORE)
            needed = stack_for_list(stmt->as.store.index, stmt->as.store.buffer->rank, 1) +
                     larger(stmt->as.store.lanes, stmt->as.store.buffer->lanes) +
                     stack_for(stmt->as.store.value);
        else if (stmt->kind == LG_K_MATRIX)
            needed = stack_for_matrix(stmt);
        else if (stmt->kind == LG_K_IF)
            needed = stack_for_list(&stmt->as.branch.condition, 1, 1);
        most = larger(most, needed);
        if (stmt->kind == LG_K_LOOP)
            most = larger(most, stack_for_block(&stmt->as.loop.body));
        if (stmt->kind == LG_K_IF)
            most = larger(most, larger(stack_for_block(&stmt->as.branch.then),
                                       stack_for_block(&stmt->as.branch.otherwise)));
    }
    return most;
}

static lg_number *push(lg_kinterp *in, int64_t count)
{
    lg_number *values = in->stack;
    in->stack += count;
    return values;
}

static bool evaluate(lg_kinterp *in, const lg_kx *x, lg_number *values);

// The value of `x` in `lanes` lanes, a scalar repeated.
static bool evaluate_wide(lg_kinterp *in, const lg_kx *x, int lanes, lg_number *values)
{
    if (!evaluate(in, x, values))
        return false;
    for (int i = 1; x->type.lanes == 1 && i < lanes; i++)
        values[i] = values[0];
    return true;
}

static bool evaluate_index(lg_kinterp *in, const lg_kbuffer *buffer, lg_kx *const *index,
                           lg_kindex *result)
{
    result->gathers = false;
    for (int d = 0; d < buffer->rank; d++) {
        lg_number *values = push(in, index[d]->type.lanes);
        if (!evaluate(in, index[d], values))
            return false;
        result->at[d] = values;
        result->vector[d] = index[d]->type.lanes > 1;
        result->gathers |= result->vector[d];
    }
    return true;
}

static bool evaluate_apply(lg_kinterp *in, const lg_kx *x, lg_number *values)
{
    int arity = lg_scalar_info_of(x->as.apply.fn)->arity;
    const lg_number *args[3] = {NULL};
    for (int i = 0; i < arity; i++) {
        lg_number *arg = push(in, x->type.lanes);
        if (!evaluate_wide(in, x->as.apply.args[i], x->type.lanes, arg))
            return false;
        args[i] = arg;
    }
    lg_dtype dtype = x->as.apply.args[arity - 1]->type.dtype;
    lg_scalar_evaluate_many(x->as.apply.fn, dtype, args, values, x->type.lanes);
    return true;
}

// Lane i with lane i + half, until one is left; the middle lane of an odd number goes on alone.
static lg_number over_lanes(lg_scalar fn, lg_dtype dtype, lg_number *values, int lanes)
{
    while (lanes > 1) {
        int half = (lanes + 1) / 2;
        lg_scalar_evaluate_many(fn, dtype, (const lg_number *[]){values, values + half}, values,
                                lanes - half);
        lanes = half;
    }
    return values[0];
}

static bool evaluate_unary(lg_kinterp *in, const lg_kx *x, lg_number *values)
{
    const lg_kx *arg = x->as.arg;
    lg_number *from = push(in, arg->type.lanes);
    if (!evaluate(in, arg, from))
        return false;
    if (x->kind == LG_KX_SUM || x->kind == LG_KX_MAXIMUM)
        values[0] = over_lanes(x->kind == LG_KX_SUM ? LG_S_ADD : LG_S_MAX, x->type.dtype, from,
                               arg->type.lanes);
    else
        for (int i = 0; i < x->type.lanes; i++)
            values[i] = lg_number_cast(from[i], arg->type.dtype, x->type.dtype);
    return true;
}

static bool evaluate_load(lg_kinterp *in, const lg_kx *x, lg_number *values)
{
    lg_kindex index;
    return evaluate_index(in, x->as.load.buffer, x->as.load.index, &index) &&
           lg_kmemory_load(in, x->as.load.buffer, &index, x->type.lanes, values);
}

static bool evaluate(lg_kinterp *in, const lg_kx *x, lg_number *values)
{
    lg_number *stack = in->stack;
    bool right = true;
    switch (x->kind) {
    case LG_KX_INT:
        values[0].i = x->as.integer;
        break;
    case LG_KX_FLOAT:
        values[0].f = x->as.number;
        break;
    case LG_KX_VAR:
        memcpy(values, in->vars[x->as.var->id], sizeof *values * (size_t)x->type.lanes);
        break;
    case LG_KX_LANES:
        for (int i = 0; i < x->type.lanes; i++)
            values[i].i = i;
        break;
    case LG_KX_LOAD:
        right = evaluate_load(in, x, values);
        break;
    case LG_KX_APPLY:
        right = evaluate_apply(in, x, values);
        break;
    case LG_KX_CAST:
    case LG_KX_SUM:
    case LG_KX_MAXIMUM:
    case LG_KX_LOW:
        right = evaluate_unary(in, x, values);
        break;
    }
    in->stack = stack;
    return right;
}

// ---- statements

// What an iteration of the loop means for the order of accesses.
static void enter_iteration(lg_kinterp *in, lg_loop_role role, int64_t i)
{
    if (role == LG_LOOP_PARALLEL || role == LG_LOOP_BLOCK)
        in->actor = (lg_kactor){.group = i,
                                .epoch = in->actor.epoch + 1,
                                .thread = role == LG_LOOP_BLOCK ? LG_ALL_THREADS : 0};
    else if (role == LG_LOOP_THREAD)
        in->actor.thread = i;
}

static bool run_loop(lg_kinterp *in, const lg_kstmt *loop)
{
    lg_number low, high;
    if (!evaluate(in, loop->as.loop.low, &low) || !evaluate(in, loop->as.loop.high, &high))
        return false;
    lg_number *var = in->vars[loop->as.loop.var->id];
    lg_loop_role role = loop->as.loop.role;
    LG_PUSH(in->arena, &in->loops, loop->as.loop.var);
    bool right = true;
    for (int64_t i = low.i; right && i < high.i;) {
        var->i = i;
        enter_iteration(in, role, i);
        right = run_block(in, &loop->as.loop.body);
        if (__builtin_add_overflow(i, loop->as.loop.step, &i))
            break;
    }
    in->loops.count--;
    if (role == LG_LOOP_THREAD)
        in->actor.thread = LG_ALL_THREADS;
    return right;
}

static bool run_store(lg_kinterp *in, const lg_kstmt *stmt)
{
    const lg_kbuffer *buffer = stmt->as.store.buffer;
    bool is_register = buffer->scope == LG_SCOPE_REGISTER;
    int lanes = is_register ? buffer->lanes : stmt->as.store.lanes;
    lg_number *stack = in->stack;
    lg_kactor actor = in->actor;
    // Outside of thread loops memory is written by one thread.
    if (!is_register && actor.thread == LG_ALL_THREADS)
        in->actor.thread = 0;
    lg_kindex index;
    lg_number *values = push(in, larger(lanes, stmt->as.store.value->type.lanes));
    bool right = evaluate_index(in, buffer, stmt->as.store.index, &index) &&
                 evaluate_wide(in, stmt->as.store.value, lanes, values) &&
                 lg_kmemory_store(in, buffer, &index, lanes, values);
    in->actor = actor;
    in->stack = stack;
    return right;
}

static bool load_matrix(lg_kinterp *in, const lg_kplace *place, int count, lg_number *values)
{
    lg_number *stack = in->stack;
    lg_kindex index;
    bool right = evaluate_index(in, place->buffer, place->index, &index) &&
                 lg_kmemory_load_run(in, place->buffer, &index, count, values);
    in->stack = stack;
    return right;
}

static bool store_matrix(lg_kinterp *in, const lg_kplace *place, int count, const lg_number *values)
{
    lg_number *stack = in->stack;
    lg_kindex index;
    bool right = evaluate_index(in, place->buffer, place->index, &index) &&
                 lg_kmemory_store_run(in, place->buffer, &index, count, values);
    in->stack = stack;
    return right;
}

// a is [16][32], b is [16][16][2]: number 2k + h of a row of a meets b[k][n][h].
static void multiply_matrices(lg_number *acc, const lg_number *a, const lg_number *b)
{
    for (int m = 0; m < 16; m++)
        for (int n = 0; n < 16; n++)
            for (int k = 0; k < 32; k++)
                acc[m * 16 + n].f += a[m * 32 + k].f * b[(k / 2 * 16 + n) * 2 + k % 2].f;
}

static bool run_matrix(lg_kinterp *in, const lg_kstmt *stmt)
{
    const lg_kplace *places = stmt->as.matrix.operands;
    lg_number *stack = in->stack;
    lg_number *acc = push(in, LG_MATRIX_SUMS);
    lg_number *left = push(in, LG_MATRIX_NUMBERS), *right = push(in, LG_MATRIX_NUMBERS);
    bool good = false;
    switch (stmt->as.matrix.action) {
    case LG_MATRIX_ZERO:
        for (int i = 0; i < LG_MATRIX_SUMS; i++)
            acc[i].f = 0;
        good = store_matrix(in, &places[0], LG_MATRIX_SUMS, acc);
        break;
    case LG_MATRIX_LOAD:
        good = load_matrix(in, &places[1], LG_MATRIX_NUMBERS, left) &&
               store_matrix(in, &places[0], LG_MATRIX_NUMBERS, left);
        break;
    case LG_MATRIX_DOT:
        good = load_matrix(in, &places[0], LG_MATRIX_SUMS, acc) &&
               load_matrix(in, &places[1], LG_MATRIX_NUMBERS, left) &&
               load_matrix(in, &places[2], LG_MATRIX_NUMBERS, right);
        if (good) {
            multiply_matrices(acc, left, right);
            good = store_matrix(in, &places[0], LG_MATRIX_SUMS, acc);
        }
        break;
    case LG_MATRIX_STORE:
        good = load_matrix(in, &places[1], LG_MATRIX_SUMS, acc) &&
               store_matrix(in, &places[0], LG_MATRIX_SUMS, acc);
        break;
    case LG_MATRIX_ACTION_COUNT:
        assert(!"a statement of the matrix unit");
    }
    in->stack = stack;
    return good;
}

static bool run_if(lg_kinterp *in, const lg_kstmt *stmt)
{
    lg_number condition;
    if (!evaluate(in, stmt->as.branch.condition, &condition))
        return false;
    return run_block(in, condition.i ? &stmt->as.branch.then : &stmt->as.branch.otherwise);
}

static bool run_statement(lg_kinterp *in, const lg_kstmt *stmt)
{
    in->stmt = stmt;
    switch (stmt->kind) {
    case LG_K_LOOP:
        return run_loop(in, stmt);
    case LG_K_LET:
        return evaluate(in, stmt->as.let.value, in->vars[stmt->as.let.var->id]);
    case LG_K_ALLOC:
        lg_kmemory_reset(in, stmt->as.alloc, in->actor.thread != LG_ALL_THREADS);
        return true;
    case LG_K_STORE:
        return run_store(in, stmt);
    case LG_K_IF:
        return run_if(in, stmt);
    case LG_K_BARRIER:
        in->actor.epoch++;
        return true;
    case LG_K_MATRIX:
        return run_matrix(in, stmt);
    case LG_K_PREFETCH:
    case LG_K_COMMENT:
        return true;
    }
    assert(!"a statement");
    return false;
}

static bool run_block(lg_kinterp *in, const lg_kblock *block)
{
    for (const lg_kstmt *stmt = block->first; stmt; stmt = stmt->next)
        if (!run_statement(in, stmt))
            return false;
    return true;
}

// ---- kernels and entries

// The extent of the first thread loop; the verifier saw to it that all are alike.
static int64_t count_threads(const lg_kblock *block)
{
    int64_t threads = 0;
    for (const lg_kstmt *stmt = block->first; stmt && !threads; stmt = stmt->next) {
        if (stmt->kind == LG_K_LOOP)
            threads = stmt->as.loop.role == LG_LOOP_THREAD ? stmt->as.loop.high->as.integer
                                                           : count_threads(&stmt->as.loop.body);
        if (stmt->kind == LG_K_IF) {
            threads = count_threads(&stmt->as.branch.then);
            threads = threads ? threads : count_threads(&stmt->as.branch.otherwise);
        }
    }
    return threads;
}

bool lg_kernel_interpret(const lg_kernel *kernel, void *const *buffers, lg_diag *diag)
{
    lg_arena *arena = lg_arena_new();
    lg_kinterp in = {.kernel = kernel,
                     .arena = arena,
                     .diag = diag,
                     .threads = count_threads(&kernel->body),
                     .vars = LG_NEW_ARRAY(arena, lg_number *, kernel->vars.count + 1)};
    for (int i = 0; i < kernel->vars.count; i++)
        in.vars[i] = LG_NEW_ARRAY(arena, lg_number, kernel->vars.items[i]->type.lanes);
    in.stack = LG_NEW_ARRAY(arena, lg_number, stack_for_block(&kernel->body) + 1);
    lg_kmemory_begin(&in, buffers);
    bool right = run_block(&in, &kernel->body);
    lg_arena_free(arena);
    return right;
}

static void *address_of(const lg_kslot *slot, const lg_memory *memory)
{
    switch (slot->place) {
    case LG_PLACE_INPUT:
        return memory->inputs[slot->index];
    case LG_PLACE_OUTPUT:
        return memory->outputs[slot->index];
    case LG_PLACE_PARAM:
        return memory->params[slot->index];
    case LG_PLACE_PACKED:
        return (char *)memory->packed + slot->offset;
    case LG_PLACE_WORKSPACE:
        return (char *)memory->workspace + slot->offset;
    }
    assert(!"a place");
    return NULL;
}

bool lg_entry_interpret(const lg_entry *entry, const lg_memory *memory, lg_diag *diag)
{
    bool right = true;
    for (int i = 0; right && i < entry->launches.count; i++) {
        const lg_launch *launch = &entry->launches.items[i];
        lg_arena *scratch = lg_arena_new();
        void **buffers = LG_NEW_ARRAY(scratch, void *, launch->slot_count + 1);
        for (int s = 0; s < launch->slot_count; s++)
            buffers[s] = address_of(launch->slots[s], memory);
        right = lg_kernel_interpret(launch->kernel, buffers, diag);
        lg_arena_free(scratch);
    }
    return right;
}
