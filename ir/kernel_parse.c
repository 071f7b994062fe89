// Programs of the kernel IR from text, the inverse of ir/kernel_print.c; the grammar is in
// docs/ir.md. A statement stands on one line: after a fault the parser goes on at the next one,
// past the block that a faulty header opens, so that one run tells all faults. Names are entered
// even if their definition is at fault; their uses are not reported again.
#include "ir/kernel_parse_internal.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

enum { MAX_DEPTH = 64 };

bool lg_kparse_error(lg_kparser *p, lg_location where, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = lg_vformat(p->program->arena, format, args);
    va_end(args);
    return lg_error_at(p->lexer.diag, where, "%s", text);
}

const char *lg_kparse_text(lg_kparser *p)
{
    return lg_strndup(p->program->arena, p->lexer.token.text, p->lexer.token.length);
}

static bool expect_name(lg_kparser *p, lg_token_kind kind, const char **name)
{
    return lg_lexer_expect_kind(&p->lexer, kind, p->program->arena, name);
}

// ---- going on after a fault

static void skip_braces(lg_kparser *p)
{
    int open = 1;
    while (open > 0 && p->lexer.token.kind != LG_TOKEN_END) {
        open += lg_lexer_is(&p->lexer, "{") - lg_lexer_is(&p->lexer, "}");
        lg_lexer_next(&p->lexer);
    }
}

// Leaves the line on which the fault was found, if the parser is still there, and the block that it
// opens.
static void recover(lg_kparser *p, int line)
{
    bool opens = false;
    while (p->lexer.token.kind != LG_TOKEN_END && p->lexer.token.where.line == line) {
        opens = lg_lexer_is(&p->lexer, "{");
        lg_lexer_next(&p->lexer);
    }
    if (opens)
        skip_braces(p);
}

// ---- types of buffers

static bool parse_dims(lg_kparser *p, int *rank, int64_t dims[LG_MAX_PHYSICAL])
{
    int64_t elements = 1;
    *rank = 0;
    if (!lg_lexer_expect(&p->lexer, "["))
        return false;
    while (!lg_lexer_is(&p->lexer, "]")) {
        lg_location where = p->lexer.token.where;
        if (*rank && !lg_lexer_expect(&p->lexer, ","))
            return false;
        if (*rank == LG_MAX_PHYSICAL)
            return lg_kparse_error(p, where, "a buffer has at most %d dimensions", LG_MAX_PHYSICAL);
        if (!lg_kparse_positive(p, "a buffer's size", LG_MAX_ELEMENTS / elements, &dims[*rank]))
            return false;
        elements *= dims[(*rank)++];
    }
    lg_lexer_next(&p->lexer);
    return true;
}

// `f32` or `f32x8`
static bool parse_element(lg_kparser *p, lg_dtype *dtype, int *lanes)
{
    lg_token token = p->lexer.token;
    const char *text;
    if (!expect_name(p, LG_TOKEN_WORD, &text))
        return false;
    *lanes = 1;
    const char *x = strchr(text, 'x');
    size_t length = x ? (size_t)(x - text) : token.length;
    if (x && x[1] >= '1' && x[1] <= '9') {
        const char *digit = x + 1;
        int count = 0;
        while (*digit >= '0' && *digit <= '9' && count <= LG_MAX_LANES)
            count = count * 10 + (*digit++ - '0');
        *lanes = *digit || count > LG_MAX_LANES ? 0 : count;
    } else if (x) {
        *lanes = 0;
    }
    if (*lanes == 0 || !lg_dtype_parse(text, length, dtype))
        return lg_kparse_error(p, token.where, "expected an element type, found `%s`", text);
    return true;
}

static bool parse_scope(lg_kparser *p, lg_scope first, lg_scope last, lg_scope *scope)
{
    for (int s = (int)first; s <= (int)last; s++) {
        *scope = (lg_scope)s;
        if (lg_lexer_accept(&p->lexer, lg_scope_name(*scope)))
            return true;
    }
    return false;
}

// Enters a name that must be new.
static bool check_new(lg_kparser *p, lg_location where, const char *name)
{
    return !lg_kernel_find(p->k.kernel, name) ||
           lg_kparse_error(p, where, "%%%s is defined twice in this kernel", name);
}

// ---- statements

static void parse_block(lg_kparser *p);

// Blocks that the end of the file cuts off are one fault.
static bool expect_closing(lg_kparser *p)
{
    if (p->ended)
        return false;
    p->ended = p->lexer.token.kind == LG_TOKEN_END;
    return lg_lexer_expect(&p->lexer, "}");
}

static bool parse_body(lg_kparser *p)
{
    if (p->depth == MAX_DEPTH) {
        lg_kparse_error(p, p->lexer.token.where, "blocks are nested more than %d deep", MAX_DEPTH);
        skip_braces(p);
        return true;
    }
    p->depth++;
    parse_block(p);
    p->depth--;
    return expect_closing(p);
}

static lg_kx *parse_bound(lg_kparser *p)
{
    lg_location where = p->lexer.token.where;
    lg_kx *bound = lg_kparse_expression(p);
    if (bound && !lg_kx_is_index(bound)) {
        lg_kparse_error(p, where, "the bound of a loop is an i64 scalar");
        return NULL;
    }
    return bound;
}

static bool parse_loop(lg_kparser *p, lg_loop_role role)
{
    const char *name;
    lg_location where = p->lexer.token.where;
    int64_t step = 1;
    if (!expect_name(p, LG_TOKEN_LOCAL, &name) || !check_new(p, where, name) ||
        !lg_lexer_expect(&p->lexer, "in"))
        return false;
    lg_kx *low = parse_bound(p);
    if (!low || !lg_lexer_expect(&p->lexer, ".."))
        return false;
    lg_kx *high = parse_bound(p);
    if (!high || (lg_lexer_accept(&p->lexer, "step") &&
                  !lg_kparse_positive(p, "a step", LG_MAX_ELEMENTS, &step)))
        return false;
    if (!lg_lexer_expect(&p->lexer, "{"))
        return false;
    lg_k_loop(&p->k, role, name, low, high, step);
    bool closed = parse_body(p);
    lg_k_end(&p->k);
    return closed;
}

static bool parse_if(lg_kparser *p)
{
    lg_location where = p->lexer.token.where;
    lg_kx *condition = lg_kparse_expression(p);
    if (!condition)
        return false;
    if (condition->type.dtype != LG_BOOL || condition->type.lanes != 1)
        return lg_kparse_error(p, where, "a condition is a bool scalar");
    if (!lg_lexer_expect(&p->lexer, "{"))
        return false;
    lg_k_if(&p->k, condition);
    bool closed = parse_body(p);
    if (closed && lg_lexer_accept(&p->lexer, "else")) {
        lg_k_else(&p->k);
        closed = lg_lexer_expect(&p->lexer, "{") && parse_body(p);
    }
    lg_k_end(&p->k);
    return closed;
}

static bool parse_let(lg_kparser *p)
{
    const char *name;
    lg_location where = p->lexer.token.where;
    if (!expect_name(p, LG_TOKEN_LOCAL, &name) || !check_new(p, where, name))
        return false;
    lg_kx *value = lg_lexer_expect(&p->lexer, "=") ? lg_kparse_expression(p) : NULL;
    if (!value) {
        lg_kernel_enter(p->k.kernel, name);
        return false;
    }
    lg_k_let(&p->k, name, value);
    return true;
}

static bool parse_alloc(lg_kparser *p)
{
    const char *name;
    lg_location where = p->lexer.token.where;
    lg_dtype dtype = LG_F32;
    lg_scope scope;
    int lanes = 1, rank = 0;
    int64_t dims[LG_MAX_PHYSICAL];
    if (!expect_name(p, LG_TOKEN_LOCAL, &name) || !check_new(p, where, name))
        return false;
    bool right = lg_lexer_expect(&p->lexer, ":") && parse_element(p, &dtype, &lanes) &&
                 parse_dims(p, &rank, dims);
    if (right && !parse_scope(p, LG_SCOPE_TILE, LG_SCOPE_MATRIX, &scope))
        right = lg_kparse_error(p, p->lexer.token.where,
                                "expected a scope: tile, shared, register or matrix");
    if (right && lanes > 1 && scope < LG_SCOPE_REGISTER)
        right = lg_kparse_error(p, where, "only register buffers hold vectors");
    if (right && scope == LG_SCOPE_MATRIX && !lg_matrix_holds(dtype, lanes))
        right = lg_kparse_error(p, where, "a matrix register holds f32x256 or bf16x512");
    if (!right) {
        lg_kernel_enter(p->k.kernel, name);
        return false;
    }
    lg_k_alloc(&p->k, name, scope, dtype, lanes, rank, dims);
    return true;
}

static bool parse_store(lg_kparser *p)
{
    lg_location where = p->lexer.token.where;
    const char *name;
    if (!expect_name(p, LG_TOKEN_LOCAL, &name))
        return false;
    const lg_kname *found = lg_kernel_find(p->k.kernel, name);
    if (!found || found->var)
        return lg_kparse_error(p, where, "%%%s is not a buffer", name);
    lg_kaccess access;
    if (!found->buffer || !lg_kparse_access(p, found->buffer, &access) ||
        !lg_lexer_expect(&p->lexer, "="))
        return false;
    lg_location value_where = p->lexer.token.where;
    lg_kx *value = lg_kparse_expression(p);
    if (!value)
        return false;
    lg_dtype dtype = lg_kernel_dtype(found->buffer->dtype);
    if (value->type.dtype != dtype)
        return lg_kparse_error(p, value_where, "%%%s takes %s, not %s; cast the value", name,
                               lg_dtype_name(dtype), lg_dtype_name(value->type.dtype));
    if (value->type.lanes > 1 && value->type.lanes != access.width)
        return lg_kparse_error(p, value_where, "a vector of %d lanes goes to %d elements",
                               value->type.lanes, access.width);
    lg_k_store(&p->k, found->buffer, access.index, access.lanes, value);
    return true;
}

// The place that a statement names: a buffer with its indices.
static bool parse_place_of_buffer(lg_kparser *p, lg_kbuffer **buffer, lg_kaccess *access)
{
    lg_location where = p->lexer.token.where;
    const char *name;
    if (!expect_name(p, LG_TOKEN_LOCAL, &name))
        return false;
    const lg_kname *found = lg_kernel_find(p->k.kernel, name);
    if (!found || !found->buffer) {
        lg_kparse_error(p, where, "%%%s is not a buffer", name);
        return false;
    }
    *buffer = found->buffer;
    return lg_kparse_access(p, found->buffer, access);
}

static bool parse_prefetch(lg_kparser *p)
{
    lg_location where = p->lexer.token.where;
    lg_kbuffer *buffer;
    lg_kaccess access;
    if (!parse_place_of_buffer(p, &buffer, &access))
        return false;
    if (access.lanes != 1)
        return lg_kparse_error(p, where, "one element of %%%s is prefetched", buffer->name);
    lg_k_prefetch(&p->k, buffer, access.index);
    return true;
}

static bool parse_matrix(lg_kparser *p, lg_matrix_action action)
{
    const lg_matrix_info *info = lg_matrix_info_of(action);
    lg_kplace places[3] = {{0}};
    lg_kaccess accesses[3];
    for (int i = 0; i < info->operands; i++) {
        if (i && !lg_lexer_expect(&p->lexer, ","))
            return false;
        lg_location where = p->lexer.token.where;
        const char *wanted;
        places[i].index = accesses[i].index;
        if (!parse_place_of_buffer(p, &places[i].buffer, &accesses[i]))
            return false;
        const lg_kbuffer *buffer = places[i].buffer;
        if (!lg_matrix_takes(info->roles[i], buffer, &wanted))
            return lg_kparse_error(p, where, "%%%s is not %s", buffer->name, wanted);
        if (accesses[i].width != buffer->lanes)
            return lg_kparse_error(p, where, "where a block of %%%s begins is one element",
                                   buffer->name);
    }
    lg_k_matrix(&p->k, action, places);
    return true;
}

static bool parse_statement(lg_kparser *p)
{
    p->parts = p->nesting = 0;
    if (p->lexer.token.kind == LG_TOKEN_COMMENT) {
        lg_k_comment(&p->k, "%.*s", (int)p->lexer.token.length, p->lexer.token.text);
        lg_lexer_next(&p->lexer);
        return true;
    }
    if (p->lexer.token.kind == LG_TOKEN_LOCAL)
        return parse_store(p);
    for (int role = 0; role < LG_LOOP_ROLE_COUNT; role++)
        if (lg_lexer_accept(&p->lexer, lg_loop_role_name((lg_loop_role)role)))
            return parse_loop(p, (lg_loop_role)role);
    for (int action = 0; action < LG_MATRIX_ACTION_COUNT; action++)
        if (lg_lexer_accept(&p->lexer, lg_matrix_info_of((lg_matrix_action)action)->word))
            return parse_matrix(p, (lg_matrix_action)action);
    if (lg_lexer_accept(&p->lexer, "let"))
        return parse_let(p);
    if (lg_lexer_accept(&p->lexer, "alloc"))
        return parse_alloc(p);
    if (lg_lexer_accept(&p->lexer, "if"))
        return parse_if(p);
    if (lg_lexer_accept(&p->lexer, "prefetch"))
        return parse_prefetch(p);
    if (lg_lexer_accept(&p->lexer, "barrier")) {
        lg_k_barrier(&p->k);
        return true;
    }
    return lg_kparse_error(p, p->lexer.token.where,
                           "expected a statement: a loop, let, alloc, if, zero, load, dot, store, "
                           "prefetch, barrier, or an assignment");
}

// Up to the closing brace, which stays.
static void parse_block(lg_kparser *p)
{
    while (p->lexer.token.kind != LG_TOKEN_END && !lg_lexer_is(&p->lexer, "}")) {
        int line = p->lexer.token.where.line;
        if (!parse_statement(p))
            recover(p, line);
    }
}

// ---- kernels

static bool parse_param(lg_kparser *p)
{
    const char *name;
    lg_location where = p->lexer.token.where;
    lg_dtype dtype;
    int lanes, rank;
    int64_t dims[LG_MAX_PHYSICAL];
    lg_scope scope;
    if (!expect_name(p, LG_TOKEN_LOCAL, &name) || !check_new(p, where, name) ||
        !lg_lexer_expect(&p->lexer, ":"))
        return false;
    if (!parse_scope(p, LG_SCOPE_OUT, LG_SCOPE_INOUT, &scope))
        scope = LG_SCOPE_IN;
    lg_location element = p->lexer.token.where;
    if (!parse_element(p, &dtype, &lanes) || !parse_dims(p, &rank, dims))
        return false;
    if (lanes > 1)
        return lg_kparse_error(p, element, "only register buffers hold vectors");
    lg_kernel_param(p->k.kernel, name, scope, dtype, rank, dims);
    return true;
}

static bool parse_params(lg_kparser *p)
{
    if (!lg_lexer_expect(&p->lexer, "("))
        return false;
    while (!lg_lexer_is(&p->lexer, ")")) {
        if (p->k.kernel->params.count && !lg_lexer_expect(&p->lexer, ","))
            return false;
        if (!parse_param(p))
            return false;
    }
    lg_lexer_next(&p->lexer);
    return lg_lexer_expect(&p->lexer, "{");
}

static bool parse_cost(lg_kparser *p)
{
    lg_lexer *lexer = &p->lexer;
    return !lg_lexer_accept(lexer, "cost") ||
           (lg_lexer_expect(lexer, "flops") && lg_lexer_expect(lexer, "=") &&
            lg_lexer_expect_number(lexer, &p->k.kernel->flops) && lg_lexer_expect(lexer, "bytes") &&
            lg_lexer_expect(lexer, "=") && lg_lexer_expect_number(lexer, &p->k.kernel->bytes));
}

static bool parse_kernel(lg_kparser *p)
{
    const char *name;
    lg_location where = p->lexer.token.where;
    if (!expect_name(p, LG_TOKEN_GLOBAL, &name))
        return false;
    if (lg_program_kernel(p->program, name))
        return lg_kparse_error(p, where, "kernel @%s is defined twice", name);
    lg_kernel *kernel = lg_kernel_new(p->program, name);
    if (strcmp(kernel->name, name) != 0)
        return lg_kparse_error(p, where, "the name of a kernel holds letters, digits, _ and .");
    lg_k_begin(&p->k, kernel);
    p->depth = 0;
    if (!parse_params(p))
        return false;
    int line = p->lexer.token.where.line;
    if (!parse_cost(p))
        recover(p, line);
    parse_block(p);
    return expect_closing(p);
}

// ---- programs

static bool parse_typed_name(lg_kparser *p, lg_kslot *slot)
{
    return expect_name(p, LG_TOKEN_GLOBAL, &slot->name) && lg_lexer_expect(&p->lexer, ":") &&
           lg_type_parse(&p->lexer, p->program->arena, &slot->type);
}

// An integer of at least 0.
static bool parse_count(lg_kparser *p, int64_t limit, int64_t *value)
{
    lg_location where = p->lexer.token.where;
    if (!lg_lexer_expect_integer(&p->lexer, value))
        return false;
    if (*value < 0 || *value > limit)
        return lg_kparse_error(p, where, "expected a number between 0 and %lld", (long long)limit);
    return true;
}

static bool parse_small(lg_kparser *p, int *value)
{
    int64_t number;
    if (!parse_count(p, INT32_MAX / 2, &number))
        return false;
    *value = (int)number;
    return true;
}

static bool parse_program_param(lg_kparser *p, bool state)
{
    lg_kslot *slot = LG_NEW(p->program->arena, lg_kslot);
    slot->place = LG_PLACE_PARAM;
    slot->index = p->program->params.count;
    slot->state = state;
    if (!parse_typed_name(p, slot))
        return false;
    LG_PUSH(p->program->arena, &p->program->params, slot);
    return true;
}

static bool parse_header(lg_kparser *p)
{
    return expect_name(p, LG_TOKEN_STRING, &p->program->name) &&
           lg_lexer_expect(&p->lexer, "packed") &&
           parse_count(p, INT64_MAX / 4, &p->program->packed);
}

typedef struct entry_parser {
    lg_entry *entry;
    lg_names slots;
} entry_parser;

static bool parse_place(lg_kparser *p, lg_kslot *slot)
{
    if (lg_lexer_accept(&p->lexer, "param")) {
        slot->place = LG_PLACE_PARAM;
        return parse_small(p, &slot->index);
    }
    if (lg_lexer_accept(&p->lexer, "packed")) {
        slot->place = LG_PLACE_PACKED;
        return parse_count(p, INT64_MAX / 4, &slot->offset);
    }
    slot->place = LG_PLACE_WORKSPACE;
    if (!lg_lexer_accept(&p->lexer, "workspace"))
        return lg_kparse_error(p, p->lexer.token.where,
                               "expected a place: param, packed or workspace");
    return parse_count(p, INT64_MAX / 4, &slot->offset) && lg_lexer_expect(&p->lexer, "uses") &&
           parse_small(p, &slot->first_use) && lg_lexer_expect(&p->lexer, "..") &&
           parse_small(p, &slot->last_use);
}

static bool parse_slot(lg_kparser *p, entry_parser *e, lg_place place)
{
    lg_kslot *slot = LG_NEW(p->program->arena, lg_kslot);
    slot->place = place;
    bool named_by_user = place == LG_PLACE_INPUT || place == LG_PLACE_OUTPUT;
    if (named_by_user && !parse_small(p, &slot->index))
        return false;
    lg_location where = p->lexer.token.where;
    if (!parse_typed_name(p, slot))
        return false;
    if (lg_names_find(&e->slots, slot->name))
        return lg_kparse_error(p, where, "@%s is defined twice in this entry", slot->name);
    lg_names_set(p->program->arena, &e->slots, slot->name, slot);
    if (!named_by_user && !parse_place(p, slot))
        return false;
    int *count = place == LG_PLACE_INPUT ? &e->entry->input_count : &e->entry->output_count;
    if (named_by_user && slot->index >= *count)
        *count = slot->index + 1;
    LG_PUSH(p->program->arena, &e->entry->slots, slot);
    return true;
}

static bool parse_launch_slots(lg_kparser *p, const entry_parser *e, lg_launch *launch)
{
    LG_LIST(lg_kslot *) slots = {0};
    while (!lg_lexer_is(&p->lexer, ")")) {
        const char *name;
        if (slots.count && !lg_lexer_expect(&p->lexer, ","))
            return false;
        lg_location where = p->lexer.token.where;
        if (!expect_name(p, LG_TOKEN_GLOBAL, &name))
            return false;
        const lg_name_entry *found = lg_names_find(&e->slots, name);
        if (!found)
            return lg_kparse_error(p, where, "@%s is not a slot of this entry", name);
        LG_PUSH(p->program->arena, &slots, found->value);
    }
    lg_lexer_next(&p->lexer);
    launch->slots = slots.items;
    launch->slot_count = slots.count;
    return true;
}

static bool parse_launch(lg_kparser *p, entry_parser *e)
{
    lg_launch launch = {.label = ""};
    const char *name;
    lg_location where = p->lexer.token.where;
    if (!expect_name(p, LG_TOKEN_GLOBAL, &name))
        return false;
    launch.kernel = lg_program_kernel(p->program, name);
    if (!launch.kernel)
        return lg_kparse_error(p, where, "kernel @%s is not defined before", name);
    if (!lg_lexer_expect(&p->lexer, "(") || !parse_launch_slots(p, e, &launch))
        return false;
    if (launch.slot_count != launch.kernel->params.count)
        return lg_kparse_error(p, where, "kernel @%s takes %d buffers, not %d", name,
                               launch.kernel->params.count, launch.slot_count);
    if (p->lexer.token.kind == LG_TOKEN_STRING && !expect_name(p, LG_TOKEN_STRING, &launch.label))
        return false;
    LG_PUSH(p->program->arena, &e->entry->launches, launch);
    return true;
}

static bool parse_entry_line(lg_kparser *p, entry_parser *e)
{
    if (lg_lexer_accept(&p->lexer, "input"))
        return parse_slot(p, e, LG_PLACE_INPUT);
    if (lg_lexer_accept(&p->lexer, "output"))
        return parse_slot(p, e, LG_PLACE_OUTPUT);
    if (lg_lexer_accept(&p->lexer, "slot"))
        return parse_slot(p, e, LG_PLACE_WORKSPACE);
    if (lg_lexer_accept(&p->lexer, "launch"))
        return parse_launch(p, e);
    return lg_kparse_error(p, p->lexer.token.where, "expected input, output, slot or launch");
}

static bool parse_entry(lg_kparser *p)
{
    entry_parser e = {.entry = LG_NEW(p->program->arena, lg_entry)};
    lg_location where = p->lexer.token.where;
    if (!expect_name(p, LG_TOKEN_GLOBAL, &e.entry->name))
        return false;
    if (lg_program_entry(p->program, e.entry->name))
        return lg_kparse_error(p, where, "entry @%s is defined twice", e.entry->name);
    if (!lg_lexer_expect(&p->lexer, "workspace") ||
        !parse_count(p, INT64_MAX / 4, &e.entry->workspace) || !lg_lexer_expect(&p->lexer, "{"))
        return false;
    LG_PUSH(p->program->arena, &p->program->entries, e.entry);
    while (p->lexer.token.kind != LG_TOKEN_END && !lg_lexer_is(&p->lexer, "}")) {
        int line = p->lexer.token.where.line;
        if (p->lexer.token.kind == LG_TOKEN_COMMENT)
            lg_lexer_next(&p->lexer);
        else if (!parse_entry_line(p, &e))
            recover(p, line);
    }
    return lg_lexer_expect(&p->lexer, "}");
}

static bool parse_item(lg_kparser *p)
{
    if (lg_lexer_accept(&p->lexer, "program"))
        return parse_header(p);
    if (lg_lexer_accept(&p->lexer, "param"))
        return parse_program_param(p, false);
    if (lg_lexer_accept(&p->lexer, "state"))
        return parse_program_param(p, true);
    if (lg_lexer_accept(&p->lexer, "kernel"))
        return parse_kernel(p);
    if (lg_lexer_accept(&p->lexer, "entry"))
        return parse_entry(p);
    return lg_kparse_error(p, p->lexer.token.where,
                           "expected program, param, state, kernel or entry");
}

lg_program *lg_parse_program(const char *file, const char *text, size_t length, lg_diag *diag)
{
    int before = lg_diag_errors(diag);
    lg_kparser p = {.program = lg_program_new("program"), .lexer.keep_comments = true};
    lg_diag_add_source(diag, file, text, length);
    lg_lexer_begin(&p.lexer, file, text, length, diag);
    while (p.lexer.token.kind != LG_TOKEN_END) {
        int line = p.lexer.token.where.line;
        if (p.lexer.token.kind == LG_TOKEN_COMMENT)
            lg_lexer_next(&p.lexer);
        else if (!parse_item(&p))
            recover(&p, line);
    }
    if (lg_diag_errors(diag) == before)
        return p.program;
    lg_program_free(p.program);
    return NULL;
}
