// The scalar functions of the kernel IR as a Markdown table, printed from ir/scalars.def: what
// docs/ir.md shows is what the compiler has.
#include "ir/kernel.h"

// `a + b` or `max(a, b)`; a bar would end the cell.
static void print_form(const lg_scalar_info *info, FILE *out)
{
    static const char *const operands[] = {"a", "a, b", "a, b, c"};
    if (*info->infix)
        fprintf(out, "`a %s%s b`", *info->infix == '|' ? "\\" : "", info->infix);
    else
        fprintf(out, "`%s(%s)`", info->name, operands[info->arity - 1]);
}

static void print_operand_types(lg_scalar fn, FILE *out)
{
    static const lg_dtype dtypes[] = {LG_F32, LG_I32, LG_I64, LG_BOOL};
    const char *separator = "";
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        if (!lg_scalar_accepts(fn, dtypes[i]))
            continue;
        fprintf(out, "%s%s", separator, lg_dtype_name(dtypes[i]));
        separator = " ";
    }
}

void lg_print_scalar_reference(FILE *out)
{
    fputs("| function | name | of | result | precedence |\n| --- | --- | --- | --- | --- |\n", out);
    for (int i = 0; i < LG_SCALAR_COUNT; i++) {
        const lg_scalar_info *info = lg_scalar_info_of((lg_scalar)i);
        fputs("| ", out);
        print_form(info, out);
        fprintf(out, " | %s | ", info->name);
        print_operand_types((lg_scalar)i, out);
        fprintf(out, " | %s | ", info->to_bool ? "bool" : "the same");
        if (*info->infix)
            fprintf(out, "%d", info->precedence);
        fputs(" |\n", out);
    }
}
