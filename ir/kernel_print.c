// The text of programs and kernels, one statement a line. What is printed parses back to the same
// tree, so parentheses stand exactly where the grammar of ir/kernel_parse_expr.c would otherwise
// group differently: infix operators group to the left.
#include "ir/kernel.h"
#include "ir/kernel_internal.h"
#include "ir/lexer.h"

#include <inttypes.h>

// ---- expressions

static void print_expression(const lg_kx *x, int precedence, FILE *out);

static void print_list(lg_kx *const *items, int count, FILE *out)
{
    for (int i = 0; i < count; i++) {
        if (i)
            fputs(", ", out);
        print_expression(items[i], 0, out);
    }
}

// `%x[%i, %j : 8]`; lanes that the buffer or a vector index gives are not repeated.
static void print_access(const lg_kbuffer *buffer, lg_kx *const *index, int lanes, FILE *out)
{
    fprintf(out, "%%%s[", buffer->name);
    print_list(index, buffer->rank, out);
    bool gathers = buffer->lanes > 1;
    for (int d = 0; d < buffer->rank; d++)
        gathers = gathers || index[d]->type.lanes > 1;
    if (lanes > 1 && !gathers)
        fprintf(out, " : %d", lanes);
    fputc(']', out);
}

static void print_constant(const lg_kx *x, FILE *out)
{
    char text[32];
    if (x->kind == LG_KX_FLOAT)
        fputs(lg_number_text(text, x->as.number, true), out);
    else if (x->type.dtype == LG_BOOL)
        fputs(x->as.integer ? "true" : "false", out);
    else
        fprintf(out, "%" PRId64 "%s", x->as.integer, x->type.dtype == LG_I32 ? "i32" : "");
}

static void print_apply(const lg_kx *x, int precedence, FILE *out)
{
    const lg_scalar_info *info = lg_scalar_info_of(x->as.apply.fn);
    lg_kx *const *args = x->as.apply.args;
    if (!*info->infix) {
        fprintf(out, "%s(", info->name);
        print_list(args, info->arity, out);
        fputc(')', out);
        return;
    }
    bool grouped = info->precedence < precedence;
    if (grouped)
        fputc('(', out);
    print_expression(args[0], info->precedence, out);
    fprintf(out, " %s ", info->infix);
    print_expression(args[1], info->precedence + 1, out);
    if (grouped)
        fputc(')', out);
}

static void print_call(const char *name, const lg_kx *arg, FILE *out)
{
    fprintf(out, "%s(", name);
    print_expression(arg, 0, out);
    fputc(')', out);
}

// `x` where an operator of `precedence` stands beside it.
static void print_expression(const lg_kx *x, int precedence, FILE *out)
{
    switch (x->kind) {
    case LG_KX_INT:
    case LG_KX_FLOAT:
        print_constant(x, out);
        return;
    case LG_KX_VAR:
        fprintf(out, "%%%s", x->as.var->name);
        return;
    case LG_KX_LANES:
        fprintf(out, "lanes(%d)", x->type.lanes);
        return;
    case LG_KX_LOAD:
        print_access(x->as.load.buffer, x->as.load.index, x->type.lanes, out);
        return;
    case LG_KX_APPLY:
        print_apply(x, precedence, out);
        return;
    case LG_KX_CAST:
        print_call(lg_dtype_name(x->type.dtype), x->as.arg, out);
        return;
    case LG_KX_SUM:
        print_call("sum", x->as.arg, out);
        return;
    case LG_KX_MAXIMUM:
        print_call("maximum", x->as.arg, out);
        return;
    case LG_KX_LOW:
        fputs("low(", out);
        print_expression(x->as.arg, 0, out);
        fprintf(out, ", %d)", x->type.lanes);
        return;
    }
}

void lg_print_kx(const lg_kx *x, FILE *out)
{
    print_expression(x, 0, out);
}

// ---- statements

static void print_block(const lg_kblock *block, int depth, FILE *out);

static void indent(int depth, FILE *out)
{
    fprintf(out, "%*s", 2 * depth, "");
}

static void print_loop(const lg_kstmt *stmt, int depth, FILE *out)
{
    fprintf(out, "%s %%%s in ", lg_loop_role_name(stmt->as.loop.role), stmt->as.loop.var->name);
    print_expression(stmt->as.loop.low, 0, out);
    fputs("..", out);
    print_expression(stmt->as.loop.high, 0, out);
    if (stmt->as.loop.step != 1)
        fprintf(out, " step %" PRId64, stmt->as.loop.step);
    fputs(" {\n", out);
    print_block(&stmt->as.loop.body, depth + 1, out);
    indent(depth, out);
    fputs("}\n", out);
}

static void print_branch(const lg_kstmt *stmt, int depth, FILE *out)
{
    fputs("if ", out);
    print_expression(stmt->as.branch.condition, 0, out);
    fputs(" {\n", out);
    print_block(&stmt->as.branch.then, depth + 1, out);
    indent(depth, out);
    if (stmt->as.branch.otherwise.first) {
        fputs("} else {\n", out);
        print_block(&stmt->as.branch.otherwise, depth + 1, out);
        indent(depth, out);
    }
    fputs("}\n", out);
}

// `f32[6,2]`, `f32x8[6,2]`
static void print_buffer_type(const lg_kbuffer *buffer, FILE *out)
{
    fputs(lg_dtype_name(buffer->dtype), out);
    if (buffer->lanes > 1)
        fprintf(out, "x%d", buffer->lanes);
    fputc('[', out);
    for (int d = 0; d < buffer->rank; d++)
        fprintf(out, "%s%" PRId64, d ? "," : "", buffer->dims[d]);
    fputc(']', out);
}

static void print_matrix(const lg_kstmt *stmt, FILE *out)
{
    const lg_matrix_info *info = lg_matrix_info_of(stmt->as.matrix.action);
    fputs(info->word, out);
    for (int i = 0; i < info->operands; i++) {
        const lg_kplace *place = &stmt->as.matrix.operands[i];
        fputs(i ? ", " : " ", out);
        print_access(place->buffer, place->index, 1, out);
    }
}

static void print_statement(const lg_kstmt *stmt, int depth, FILE *out)
{
    indent(depth, out);
    switch (stmt->kind) {
    case LG_K_LOOP:
        print_loop(stmt, depth, out);
        return;
    case LG_K_IF:
        print_branch(stmt, depth, out);
        return;
    case LG_K_LET:
        fprintf(out, "let %%%s = ", stmt->as.let.var->name);
        print_expression(stmt->as.let.value, 0, out);
        break;
    case LG_K_ALLOC:
        fprintf(out, "alloc %%%s: ", stmt->as.alloc->name);
        print_buffer_type(stmt->as.alloc, out);
        fprintf(out, " %s", lg_scope_name(stmt->as.alloc->scope));
        break;
    case LG_K_STORE:
        print_access(stmt->as.store.buffer, stmt->as.store.index, stmt->as.store.lanes, out);
        fputs(" = ", out);
        print_expression(stmt->as.store.value, 0, out);
        break;
    case LG_K_MATRIX:
        print_matrix(stmt, out);
        break;
    case LG_K_PREFETCH:
        fputs("prefetch ", out);
        print_access(stmt->as.prefetch.buffer, stmt->as.prefetch.index, 1, out);
        break;
    case LG_K_BARRIER:
        fputs("barrier", out);
        break;
    case LG_K_COMMENT:
        fprintf(out, "//%s%s", *stmt->as.comment ? " " : "", stmt->as.comment);
        break;
    }
    fputc('\n', out);
}

static void print_block(const lg_kblock *block, int depth, FILE *out)
{
    for (const lg_kstmt *stmt = block->first; stmt; stmt = stmt->next)
        print_statement(stmt, depth, out);
}

void lg_print_kernel(const lg_kernel *kernel, FILE *out)
{
    fprintf(out, "kernel @%s(", kernel->name);
    for (int i = 0; i < kernel->params.count; i++) {
        const lg_kbuffer *param = kernel->params.items[i];
        fprintf(out, "%s%%%s: ", i ? ", " : "", param->name);
        if (param->scope != LG_SCOPE_IN)
            fprintf(out, "%s ", lg_scope_name(param->scope));
        print_buffer_type(param, out);
    }
    fputs(") {\n", out);
    if (kernel->flops != 0 || kernel->bytes != 0) {
        char flops[32], bytes[32];
        fprintf(out, "  cost flops=%s bytes=%s\n", lg_number_text(flops, kernel->flops, false),
                lg_number_text(bytes, kernel->bytes, false));
    }
    print_block(&kernel->body, 1, out);
    fputs("}\n", out);
}

// ---- programs

// A string has no escapes: what would end it is spelt otherwise.
static void print_string(const char *text, FILE *out)
{
    fputc('"', out);
    for (; *text; text++)
        fputc(*text == '"' ? '\'' : *text == '\n' ? ' ' : *text, out);
    fputc('"', out);
}

static void print_typed_name(lg_arena *arena, const lg_kslot *slot, FILE *out)
{
    fprintf(out, "@%s: %s", slot->name, lg_type_text(arena, &slot->type));
}

static void print_slot(lg_arena *arena, const lg_kslot *slot, FILE *out)
{
    bool named_by_user = slot->place == LG_PLACE_INPUT || slot->place == LG_PLACE_OUTPUT;
    if (named_by_user)
        fprintf(out, "  %s %d ", lg_place_name(slot->place), slot->index);
    else
        fputs("  slot ", out);
    print_typed_name(arena, slot, out);
    if (slot->place == LG_PLACE_PARAM)
        fprintf(out, " param %d", slot->index);
    else if (!named_by_user)
        fprintf(out, " %s %" PRId64, lg_place_name(slot->place), slot->offset);
    if (slot->place == LG_PLACE_WORKSPACE)
        fprintf(out, " uses %d..%d", slot->first_use, slot->last_use);
    fputc('\n', out);
}

static void print_entry(lg_arena *arena, const lg_entry *entry, FILE *out)
{
    fprintf(out, "entry @%s workspace %" PRId64 " {\n", entry->name, entry->workspace);
    for (int i = 0; i < entry->slots.count; i++)
        print_slot(arena, entry->slots.items[i], out);
    for (int i = 0; i < entry->launches.count; i++) {
        const lg_launch *launch = &entry->launches.items[i];
        fprintf(out, "  launch @%s(", launch->kernel->name);
        for (int s = 0; s < launch->slot_count; s++)
            fprintf(out, "%s@%s", s ? ", " : "", launch->slots[s]->name);
        fputc(')', out);
        if (launch->label && *launch->label) {
            fputc(' ', out);
            print_string(launch->label, out);
        }
        fputc('\n', out);
    }
    fputs("}\n", out);
}

void lg_print_program(const lg_program *program, FILE *out)
{
    lg_arena *scratch = lg_arena_new();
    fputs("program ", out);
    print_string(program->name, out);
    fprintf(out, " packed %" PRId64 "\n", program->packed);
    for (int i = 0; i < program->params.count; i++) {
        fputs(program->params.items[i]->state ? "state " : "param ", out);
        print_typed_name(scratch, program->params.items[i], out);
        fputc('\n', out);
    }
    for (const lg_kernel *kernel = program->first; kernel; kernel = kernel->next) {
        fputc('\n', out);
        lg_print_kernel(kernel, out);
    }
    for (int i = 0; i < program->entries.count; i++) {
        fputc('\n', out);
        print_entry(scratch, program->entries.items[i], out);
    }
    lg_arena_free(scratch);
}
