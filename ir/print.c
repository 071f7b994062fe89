// The text form of modules: one symbol or op a line, with everything it means and nothing else, so
// that two texts are equal exactly if the modules are. Results are numbered in order; a number that
// an argument already has as its name is left out.
#include "ir/graph.h"
#include "ir/lexer.h"
#include "ir/names.h"

#include <assert.h>

const char *lg_function_kind_name(lg_function_kind kind)
{
    static const char *const names[] = {
        [LG_FUNC] = "func", [LG_COMPOSITE] = "composite", [LG_KERNEL] = "kernel"};
    return names[kind];
}

const char *lg_role_name(lg_role role)
{
    static const char *const names[] = {
        [LG_ROLE_PARAM] = "param", [LG_ROLE_STATE] = "state", [LG_ROLE_PACKED] = "packed"};
    return names[role];
}

const char *lg_init_name(lg_init_kind init)
{
    static const char *const names[] = {[LG_INIT_CONSTANT] = "constant",
                                        [LG_INIT_NORMAL] = "normal",
                                        [LG_INIT_UNIFORM] = "uniform"};
    return names[init];
}

// ---- parts of a line

static void print_type(const lg_type *type, FILE *out)
{
    lg_arena *scratch = lg_arena_new();
    fputs(lg_type_text(scratch, type), out);
    lg_arena_free(scratch);
}

static void print_number(double value, FILE *out)
{
    char buffer[32];
    fputs(lg_number_text(buffer, value, false), out);
}

// A number among the elements of the op's result is written as these are.
static void print_element(const lg_op *op, double value, FILE *out)
{
    if (op->result_count && !lg_dtype_is_float(op->results[0]->type.dtype))
        fprintf(out, "%.0f", value + 0.0); // no -0
    else
        print_number(value, out);
}

static void number_results(const lg_function *function)
{
    lg_arena *scratch = lg_arena_new();
    lg_names taken = {0};
    for (int i = 0; i < function->arguments.count; i++)
        lg_names_set(scratch, &taken, function->arguments.items[i]->name, NULL);
    int id = 0;
    LG_FOR_OPS (op, function) {
        for (int i = 0; i < op->result_count; i++) {
            char text[16];
            do {
                snprintf(text, sizeof text, "%d", id++);
            } while (lg_names_find(&taken, text));
            op->results[i]->id = id - 1;
        }
    }
    lg_arena_free(scratch);
}

static void print_value(const lg_value *value, FILE *out)
{
    switch (value->kind) {
    case LG_VALUE_RESULT:
        fprintf(out, "%%%d", value->id);
        break;
    case LG_VALUE_ARGUMENT:
        fprintf(out, "%%%s", value->name);
        break;
    case LG_VALUE_SYMBOL:
        fprintf(out, "@%s", value->name);
        break;
    }
}

static void print_values(lg_value *const *values, int count, FILE *out)
{
    for (int i = 0; i < count; i++) {
        if (i)
            fputs(", ", out);
        print_value(values[i], out);
    }
}

static void print_attribute(const lg_op *op, const lg_attr *attr, FILE *out)
{
    const lg_attr_info *info = lg_attr_info_of(attr->name);
    fputs(info->name, out);
    if (info->kind == LG_KIND_FLAG)
        return;
    bool is_list = info->kind == LG_KIND_INTS || info->kind == LG_KIND_NUMBERS;
    bool brackets = is_list && attr->count != 1;
    fputs(brackets ? "=[" : "=", out);
    for (int i = 0; i < (is_list ? attr->count : 1); i++) {
        if (i)
            fputc(',', out);
        if (info->kind == LG_KIND_INT)
            fprintf(out, "%lld", (long long)attr->as.integer);
        else if (info->kind == LG_KIND_INTS)
            fprintf(out, "%lld", (long long)attr->as.ints[i]);
        else
            print_element(op, is_list ? attr->as.numbers[i] : attr->as.number, out);
    }
    if (brackets)
        fputc(']', out);
}

// The callee stands in front of the operands, in the form of a call.
static void print_attributes(const lg_op *op, FILE *out)
{
    int printed = 0;
    for (int i = 0; i < op->attr_count; i++) {
        if (lg_attr_info_of(op->attrs[i].name)->kind == LG_KIND_FUNCTION)
            continue;
        fputs(printed++ ? ", " : " {", out);
        print_attribute(op, &op->attrs[i], out);
    }
    if (printed)
        fputc('}', out);
}

// ---- lines

static void print_op(const lg_op *op, FILE *out)
{
    print_values(op->results, op->result_count, out);
    fprintf(out, "%s%s", op->result_count ? " = " : "", lg_op_info_of(op->code)->name);
    if (op->code == LG_OP_call)
        fprintf(out, " @%s(", lg_op_callee(op)->name);
    else if (op->operand_count)
        fputc(' ', out);
    print_values(op->operands, op->operand_count, out);
    if (op->code == LG_OP_call)
        fputc(')', out);
    print_attributes(op, out);
    for (int i = 0; i < op->result_count; i++) {
        fputs(i ? ", " : " : ", out);
        print_type(&op->results[i]->type, out);
    }
    fputc('\n', out);
}

void lg_print_op(const lg_op *op, FILE *out)
{
    number_results(op->function);
    print_op(op, out);
}

static void print_header(const lg_function *function, FILE *out)
{
    fprintf(out, "%s ", lg_function_kind_name(function->kind));
    if (function->kind == LG_COMPOSITE)
        fprintf(out, "%s ", function->composite);
    fprintf(out, "@%s(", function->name);
    for (int i = 0; i < function->arguments.count; i++) {
        const lg_value *argument = function->arguments.items[i];
        fprintf(out, "%s%%%s: ", i ? ", " : "", argument->name);
        print_type(&argument->type, out);
    }
    fputs(") -> (", out);
    for (int i = 0; i < function->results.count; i++) {
        fprintf(out, "%s%%%s: ", i ? ", " : "", function->result_names.items[i]);
        print_type(&function->results.items[i]->type, out);
    }
    fputs(") {\n", out);
}

void lg_print_function(const lg_function *function, FILE *out)
{
    number_results(function);
    print_header(function, out);
    LG_FOR_OPS (op, function) {
        fputs("  ", out);
        print_op(op, out);
    }
    fprintf(out, "  return%s", function->results.count ? " " : "");
    print_values(function->results.items, function->results.count, out);
    fputs("\n}\n", out);
}

static void print_symbol(const lg_symbol *symbol, FILE *out)
{
    fprintf(out, "%s @%s: ", lg_role_name(symbol->role), symbol->name);
    print_type(&symbol->value->type, out);
    if (symbol->dead)
        fputs(" dead", out);
    if (symbol->init != LG_INIT_CONSTANT || symbol->bound != 0) {
        fprintf(out, " {%s=", lg_init_name(symbol->init));
        print_number(symbol->bound, out);
        fputc('}', out);
    }
    fputc('\n', out);
}

void lg_print_module(const lg_module *module, FILE *out)
{
    fprintf(out, "module @%s\n", module->name);
    if (module->first_symbol)
        fputc('\n', out);
    LG_FOR_SYMBOLS (symbol, module)
        print_symbol(symbol, out);
    LG_FOR_FUNCTIONS (function, module) {
        fputc('\n', out);
        lg_print_function(function, out);
    }
}
