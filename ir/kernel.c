// Programs, kernels and the builder that schedules write loops with. Everything lives in the
// program's arena. A name is what the text form shows, so it is unique by construction: the second
// %acc of a kernel is called %acc_1.
#include "ir/kernel.h"
#include "ir/kernel_internal.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

const lg_scalar_info *lg_scalar_info_of(lg_scalar fn)
{
    enum { SAME, BOOL };
    static const lg_scalar_info infos[LG_SCALAR_COUNT] = {
#define SCALAR(enumerator, name, arity, result, infix, precedence, cuda)                           \
    {#name, arity, result == BOOL, infix, precedence},
#include "ir/scalars.def"
#undef SCALAR
    };
    assert((unsigned)fn < LG_SCALAR_COUNT);
    return &infos[fn];
}

const char *lg_loop_role_name(lg_loop_role role)
{
    static const char *const names[] = {"for", "unroll", "parallel", "block", "thread"};
    return names[role];
}

const char *lg_scope_name(lg_scope scope)
{
    static const char *const names[] = {"in",     "out",      "inout", "tile",
                                        "shared", "register", "matrix"};
    return names[scope];
}

const char *lg_place_name(lg_place place)
{
    static const char *const names[] = {"input", "output", "param", "packed", "workspace"};
    return names[place];
}

lg_dtype lg_kernel_dtype(lg_dtype element)
{
    if (lg_dtype_is_float(element))
        return LG_F32;
    return element == LG_U8 ? LG_I32 : element;
}

// ---- programs

lg_program *lg_program_new(const char *name)
{
    lg_arena *arena = lg_arena_new();
    lg_program *program = LG_NEW(arena, lg_program);
    program->arena = arena;
    program->name = lg_strdup(arena, name);
    return program;
}

void lg_program_free(lg_program *program)
{
    if (program)
        lg_arena_free(program->arena);
}

lg_kernel *lg_program_kernel(const lg_program *program, const char *name)
{
    for (lg_kernel *kernel = program->first; kernel; kernel = kernel->next)
        if (strcmp(kernel->name, name) == 0)
            return kernel;
    return NULL;
}

lg_entry *lg_program_entry(const lg_program *program, const char *name)
{
    for (int i = 0; i < program->entries.count; i++)
        if (strcmp(program->entries.items[i]->name, name) == 0)
            return program->entries.items[i];
    return NULL;
}

int lg_program_kernel_count(const lg_program *program)
{
    int count = 0;
    for (const lg_kernel *kernel = program->first; kernel; kernel = kernel->next)
        count++;
    return count;
}

// Is a slot of that place given to a parameter of a kernel that has not the scope `other`?
static bool is_accessed(const lg_entry *entry, lg_place place, lg_scope other)
{
    for (int i = 0; i < entry->launches.count; i++) {
        const lg_launch *launch = &entry->launches.items[i];
        for (int j = 0; j < launch->slot_count; j++)
            if (launch->slots[j]->place == place && launch->kernel->params.items[j]->scope != other)
                return true;
    }
    return false;
}

bool lg_entry_reads(const lg_entry *entry, lg_place place)
{
    return is_accessed(entry, place, LG_SCOPE_OUT);
}

bool lg_entry_writes(const lg_entry *entry, lg_place place)
{
    return is_accessed(entry, place, LG_SCOPE_IN);
}

bool lg_kernel_uses_matrix_unit(const lg_kernel *kernel)
{
    for (int i = 0; i < kernel->locals.count; i++)
        if (kernel->locals.items[i]->scope == LG_SCOPE_MATRIX)
            return true;
    return false;
}

bool lg_entry_uses_matrix_unit(const lg_entry *entry)
{
    for (int i = 0; i < entry->launches.count; i++)
        if (lg_kernel_uses_matrix_unit(entry->launches.items[i].kernel))
            return true;
    return false;
}

// ---- names

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

// What the lexer takes for a name, with _ for what it would not.
static char *clean_name(lg_arena *arena, const char *name)
{
    char *clean = lg_strdup(arena, name && *name ? name : "v");
    for (char *c = clean; *c; c++)
        if (!is_word(*c) && !(*c == '.' && is_word(c[1])))
            *c = '_';
    return clean;
}

lg_kname *lg_kernel_find(const lg_kernel *kernel, const char *name)
{
    lg_name_entry *entry = lg_names_find(&kernel->names, name);
    return entry ? entry->value : NULL;
}

lg_kname *lg_kernel_enter(lg_kernel *kernel, const char *name)
{
    lg_kname *entered = LG_NEW(kernel->arena, lg_kname);
    lg_names_set(kernel->arena, &kernel->names, name, entered);
    return entered;
}

static const char *unique_name(lg_kernel *kernel, const char *wanted)
{
    const char *base = clean_name(kernel->arena, wanted), *name = base;
    lg_kname *taken = lg_kernel_find(kernel, base);
    while (lg_kernel_find(kernel, name))
        name = lg_format(kernel->arena, "%s_%d", base, ++taken->suffixes);
    return name;
}

// ---- kernels

lg_kernel *lg_kernel_new(lg_program *program, const char *name)
{
    const char *base = clean_name(program->arena, name), *unique = base;
    for (int suffix = 1; lg_program_kernel(program, unique); suffix++)
        unique = lg_format(program->arena, "%s_%d", base, suffix);
    lg_kernel *kernel = LG_NEW(program->arena, lg_kernel);
    kernel->arena = program->arena;
    kernel->name = unique;
    if (program->last)
        program->last->next = kernel;
    else
        program->first = kernel;
    program->last = kernel;
    return kernel;
}

static lg_kbuffer *new_buffer(lg_kernel *kernel, const char *name, lg_scope scope, lg_dtype dtype,
                              int lanes, int rank, const int64_t *dims)
{
    assert(rank >= 0 && rank <= LG_MAX_PHYSICAL);
    lg_kbuffer *buffer = LG_NEW(kernel->arena, lg_kbuffer);
    buffer->name = unique_name(kernel, name);
    buffer->scope = scope;
    buffer->dtype = dtype;
    buffer->lanes = lanes;
    buffer->rank = rank;
    for (int d = 0; d < rank; d++) {
        assert(dims[d] > 0);
        buffer->dims[d] = dims[d];
    }
    buffer->id = kernel->params.count + kernel->locals.count;
    lg_kernel_enter(kernel, buffer->name)->buffer = buffer;
    return buffer;
}

lg_kbuffer *lg_kernel_param(lg_kernel *kernel, const char *name, lg_scope scope, lg_dtype dtype,
                            int rank, const int64_t *dims)
{
    assert(scope <= LG_SCOPE_INOUT && kernel->locals.count == 0);
    lg_kbuffer *buffer = new_buffer(kernel, name, scope, dtype, 1, rank, dims);
    LG_PUSH(kernel->arena, &kernel->params, buffer);
    return buffer;
}

lg_kbuffer *lg_kernel_param_of(lg_kernel *kernel, const char *name, lg_scope scope,
                               const lg_type *type)
{
    int64_t dims[LG_MAX_PHYSICAL];
    int rank = lg_type_physical_rank(type);
    for (int d = 0; d < rank; d++)
        dims[d] = lg_type_physical_dim(type, d);
    return lg_kernel_param(kernel, name, scope, type->dtype, rank, dims);
}

static lg_kvar *new_var(lg_kernel *kernel, const char *name, lg_ktype type)
{
    lg_kvar *var = LG_NEW(kernel->arena, lg_kvar);
    var->name = unique_name(kernel, name);
    var->type = type;
    var->low = INT64_MIN / 4;
    var->high = INT64_MAX / 4;
    var->id = kernel->vars.count;
    lg_kernel_enter(kernel, var->name)->var = var;
    LG_PUSH(kernel->arena, &kernel->vars, var);
    return var;
}

// ---- statements

void lg_k_begin(lg_kbuilder *k, lg_kernel *kernel)
{
    *k = (lg_kbuilder){.kernel = kernel, .block = &kernel->body};
}

lg_kstmt *lg_k_append(lg_kbuilder *k, lg_kstmt_kind kind)
{
    lg_kstmt *stmt = LG_NEW(k->kernel->arena, lg_kstmt);
    stmt->kind = kind;
    if (k->block->last)
        k->block->last->next = stmt;
    else
        k->block->first = stmt;
    k->block->last = stmt;
    return stmt;
}

static void open_block(lg_kbuilder *k, lg_kblock *block)
{
    LG_PUSH(k->kernel->arena, &k->outer, k->block);
    k->block = block;
}

// The values the variable of a loop takes, as far as the bounds are known.
static void note_loop_range(lg_kvar *var, const lg_kx *low, const lg_kx *high, int64_t step)
{
    int64_t first, first_high, end_low, end;
    lg_kx_range(low, &first, &first_high);
    lg_kx_range(high, &end_low, &end);
    var->low = first;
    var->high = end - 1;
    if (first == first_high && var->high > first && end < INT64_MAX / 4)
        var->high = first + (end - 1 - first) / step * step;
    if (var->high < var->low) // the body never runs
        var->high = var->low;
}

lg_kx *lg_k_loop(lg_kbuilder *k, lg_loop_role role, const char *name, lg_kx *low, lg_kx *high,
                 int64_t step)
{
    assert(lg_kx_is_index(low) && lg_kx_is_index(high) && step > 0);
    lg_kstmt *loop = lg_k_append(k, LG_K_LOOP);
    loop->as.loop.role = role;
    loop->as.loop.var = new_var(k->kernel, name, (lg_ktype){LG_I64, 1});
    loop->as.loop.low = low;
    loop->as.loop.high = high;
    loop->as.loop.step = step;
    note_loop_range(loop->as.loop.var, low, high, step);
    open_block(k, &loop->as.loop.body);
    return lg_kx_var(k, loop->as.loop.var);
}

lg_kx *lg_k_for(lg_kbuilder *k, lg_loop_role role, const char *name, int64_t extent)
{
    return lg_k_loop(k, role, name, lg_kx_int(k, 0), lg_kx_int(k, extent), 1);
}

void lg_k_if(lg_kbuilder *k, lg_kx *condition)
{
    assert(condition->type.dtype == LG_BOOL && condition->type.lanes == 1);
    lg_kstmt *branch = lg_k_append(k, LG_K_IF);
    branch->as.branch.condition = condition;
    open_block(k, &branch->as.branch.then);
}

void lg_k_else(lg_kbuilder *k)
{
    assert(k->outer.count > 0);
    lg_kstmt *branch = k->outer.items[k->outer.count - 1]->last;
    assert(branch->kind == LG_K_IF && k->block == &branch->as.branch.then);
    k->block = &branch->as.branch.otherwise;
}

void lg_k_end(lg_kbuilder *k)
{
    assert(k->outer.count > 0);
    k->block = k->outer.items[--k->outer.count];
}

lg_kx *lg_k_let(lg_kbuilder *k, const char *name, lg_kx *value)
{
    lg_kstmt *let = lg_k_append(k, LG_K_LET);
    lg_kvar *var = new_var(k->kernel, name, value->type);
    if (lg_kx_is_index(value))
        lg_kx_range(value, &var->low, &var->high);
    let->as.let.var = var;
    let->as.let.value = value;
    return lg_kx_var(k, var);
}

lg_kbuffer *lg_k_alloc(lg_kbuilder *k, const char *name, lg_scope scope, lg_dtype dtype, int lanes,
                       int rank, const int64_t *dims)
{
    assert(scope > LG_SCOPE_INOUT && lanes > 0 && (lanes == 1 || scope >= LG_SCOPE_REGISTER));
    lg_kbuffer *buffer = new_buffer(k->kernel, name, scope, dtype, lanes, rank, dims);
    LG_PUSH(k->kernel->arena, &k->kernel->locals, buffer);
    lg_k_append(k, LG_K_ALLOC)->as.alloc = buffer;
    return buffer;
}

void lg_k_store(lg_kbuilder *k, lg_kbuffer *buffer, lg_kx *const *index, int lanes, lg_kx *value)
{
    assert(value->type.dtype == lg_kernel_dtype(buffer->dtype));
    lg_kstmt *store = lg_k_append(k, LG_K_STORE);
    store->as.store.buffer = buffer;
    store->as.store.index =
        lg_copy(k->kernel->arena, index, sizeof(lg_kx *) * (size_t)buffer->rank);
    store->as.store.lanes = lanes;
    store->as.store.value = value;
}

void lg_k_prefetch(lg_kbuilder *k, lg_kbuffer *buffer, lg_kx *const *index)
{
    lg_kstmt *prefetch = lg_k_append(k, LG_K_PREFETCH);
    prefetch->as.prefetch.buffer = buffer;
    prefetch->as.prefetch.index =
        lg_copy(k->kernel->arena, index, sizeof(lg_kx *) * (size_t)buffer->rank);
}

void lg_k_barrier(lg_kbuilder *k)
{
    lg_k_append(k, LG_K_BARRIER);
}

void lg_k_comment(lg_kbuilder *k, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = lg_vformat(k->kernel->arena, format, args);
    va_end(args);
    for (char *c = text; *c; c++)
        if (iscntrl((unsigned char)*c))
            *c = ' ';
    for (size_t n = strlen(text); n > 0 && text[n - 1] == ' '; n--)
        text[n - 1] = '\0';
    lg_k_append(k, LG_K_COMMENT)->as.comment = text;
}
