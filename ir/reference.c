// The reference of the graph IR as Markdown, printed from the rows of the tables: what docs/ir.md
// and `lgpnc opt --help-ops` show is what the compiler has.
#include "ir/graph.h"

#include <string.h>

// A bar would end the cell.
static void print_cell(const char *text, FILE *out)
{
    for (; *text; text++)
        fprintf(out, *text == '|' ? "\\|" : "%c", *text);
}

static void print_code_cell(const char *text, FILE *out)
{
    fputs(*text ? " | `" : " | ", out);
    print_cell(text, out);
    if (*text)
        fputc('`', out);
}

// ---- ops

typedef struct elementwise_columns {
    const char *name, *takes, *gives;
} elementwise_columns;

static const elementwise_columns elementwise[] = {
#define ELEMENTWISE(name, arity, operands, result, summary, ...) {#name, #operands, #result},
#define OP(name, class, operands, attributes, summary)
#include "ir/ops.def"
#undef ELEMENTWISE
#undef OP
};

static void print_elementwise(FILE *out)
{
    static const char *const words[][2] = {
        {"FLOAT", "floats"}, {"NUMBER", "floats, integers"}, {"BITS", "integers, bool"},
        {"ANY", "any"},      {"SAME", "the same"},           {"BOOL", "bool"}};
    fputs("### Elementwise ops\n\n"
          "All operands have one shape and one element type (the first of `select` is bool).\n\n"
          "| op | operands | of | result | meaning | definition |\n"
          "| --- | --- | --- | --- | --- | --- |\n",
          out);
    for (size_t i = 0; i < sizeof elementwise / sizeof *elementwise; i++) {
        lg_opcode code;
        lg_opcode_parse(elementwise[i].name, strlen(elementwise[i].name), &code);
        const lg_op_info *info = lg_op_info_of(code);
        const char *takes = "", *gives = "";
        for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
            takes = strcmp(words[w][0], elementwise[i].takes) == 0 ? words[w][1] : takes;
            gives = strcmp(words[w][0], elementwise[i].gives) == 0 ? words[w][1] : gives;
        }
        fprintf(out, "| `%s` | %d | %s | %s | ", info->name, info->operands, takes, gives);
        print_cell(info->summary, out);
        print_code_cell(info->expression, out);
        fputs(" |\n", out);
    }
}

static void print_class(lg_op_class class, const char *title, FILE *out)
{
    fprintf(out,
            "\n### %s\n\n| op | operands | attributes | meaning |\n| --- | --- | --- | --- |\n",
            title);
    for (int i = 0; i < LG_OPCODE_COUNT; i++) {
        const lg_op_info *info = lg_op_info_of((lg_opcode)i);
        if (info->class != class)
            continue;
        fprintf(out, "| `%s` | ", info->name);
        if (info->operands == LG_VARIADIC)
            fputs("any number", out);
        else
            fprintf(out, "%d", info->operands);
        print_code_cell(info->attributes, out);
        fputs(" | ", out);
        print_cell(info->summary, out);
        fputs(" |\n", out);
    }
}

static void print_ops(FILE *out)
{
    print_elementwise(out);
    print_class(LG_CLASS_SOURCE, "Sources", out);
    print_class(LG_CLASS_MOVEMENT, "Data movement", out);
    print_class(LG_CLASS_REDUCTION, "Reductions", out);
    print_class(LG_CLASS_CONTRACTION, "Contractions", out);
    print_class(LG_CLASS_CONTROL, "Control", out);
}

// ---- attributes and types

static void print_attributes(FILE *out)
{
    static const char *const kinds[] = {
        [LG_KIND_INT] = "integer",   [LG_KIND_INTS] = "integers",
        [LG_KIND_NUMBER] = "number", [LG_KIND_NUMBERS] = "numbers",
        [LG_KIND_FLAG] = "flag",     [LG_KIND_FUNCTION] = "function"};
    fputs("\n### Attributes\n\n"
          "The default is what an optional attribute means where it is absent.\n\n"
          "| attribute | kind | default | meaning |\n| --- | --- | --- | --- |\n",
          out);
    for (int i = 0; i < LG_ATTR_COUNT; i++) {
        const lg_attr_info *info = lg_attr_info_of((lg_attr_name)i);
        fprintf(out, "| `%s` | %s | ", info->name, kinds[info->kind]);
        if (info->kind == LG_KIND_FLAG)
            fputs("off", out);
        else if (info->kind != LG_KIND_FUNCTION)
            fprintf(out, "%lld", (long long)info->initial);
        fputs(" | ", out);
        print_cell(info->summary, out);
        fputs(" |\n", out);
    }
}

static void print_types(FILE *out)
{
    fputs("\n### Element types\n\n| type | bytes | kind |\n| --- | --- | --- |\n", out);
    for (int i = 0; i < LG_DTYPE_COUNT; i++) {
        lg_dtype dtype = (lg_dtype)i;
        fprintf(out, "| `%s` | %d | %s |\n", lg_dtype_name(dtype), lg_dtype_bytes(dtype),
                lg_dtype_is_float(dtype) ? "float"
                : dtype == LG_BOOL       ? "truth value"
                                         : "integer");
    }
}

void lg_print_op_reference(FILE *out)
{
    print_ops(out);
    print_attributes(out);
    print_types(out);
}
