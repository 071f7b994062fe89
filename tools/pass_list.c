// Printed from the rows, so that no documentation of a pass can be out of date.
#include "tools/pass_list.h"

#include "passes/pass.h"

#include <string.h>

static const struct {
    const char *name, *cpu, *cuda, *summary;
} pipelines[] = {
#define PIPELINE(name, cpu, cuda, summary) {name, cpu, cuda, summary},
#include "passes/pipelines.def"
#undef PIPELINE
};

enum { PIPELINE_COUNT = (int)(sizeof pipelines / sizeof pipelines[0]) };

// The properties of a set, comma-separated, or "-".
static void print_properties(unsigned set, FILE *out)
{
    const char *separator = "";
    for (int bit = 0; lg_property_text(bit); bit++)
        if (set & 1u << bit) {
            fprintf(out, "%s%s", separator, lg_property_text(bit));
            separator = ", ";
        }
    if (!*separator)
        fputc('-', out);
}

void lg_list_passes(FILE *out)
{
    const lg_pass_info *pass;
    lg_option_row row;
    fprintf(out, "Passes:\n");
    for (int i = 0; (pass = lg_pass_at(i)); i++) {
        fprintf(out, "  %-16s %s\n", pass->name, pass->help);
        for (const char *at = pass->options; lg_option_next(&at, &row);)
            fprintf(out, "  %-16s   %.*s=%lld: %.*s\n", "", row.name_length, row.name,
                    (long long)row.initial, row.help_length, row.help);
    }
    fprintf(out, "\nPipelines:\n");
    for (int i = 0; i < PIPELINE_COUNT; i++)
        fprintf(out, "  %-16s %s\n  %-16s   %s\n", pipelines[i].name, pipelines[i].summary, "",
                pipelines[i].cpu);
    fprintf(out, "\nTargets:\n");
    const lg_target *target;
    for (int i = 0; (target = lg_target_at(i)); i++)
        fprintf(out, "  %-16s %s\n", target->name, target->summary);
}

static void pass_section(const lg_pass_info *pass, FILE *out)
{
    lg_option_row row;
    fprintf(out, "### `%s`\n\n%s.\n\n", pass->name, pass->help);
    if (*pass->options)
        fprintf(out, "| option | default | |\n| --- | --- | --- |\n");
    for (const char *at = pass->options; lg_option_next(&at, &row);)
        fprintf(out, "| `%.*s` | %lld | %.*s |\n", row.name_length, row.name,
                (long long)row.initial, row.help_length, row.help);
    fprintf(out, "%sNeeds: ", *pass->options ? "\n" : "");
    print_properties(pass->needs, out);
    fprintf(out, ". Makes: ");
    print_properties(pass->makes, out);
    fprintf(out, ". Breaks: ");
    print_properties(pass->breaks, out);
    fprintf(out, ".\n\n");
}

static void pipeline_sections(FILE *out)
{
    for (int i = 0; i < PIPELINE_COUNT; i++) {
        fprintf(out, "### `%s`\n\n%s.\n\n```\n%s\n```\n\n", pipelines[i].name, pipelines[i].summary,
                pipelines[i].cpu);
        if (strcmp(pipelines[i].cpu, pipelines[i].cuda) != 0)
            fprintf(out, "For CUDA:\n\n```\n%s\n```\n\n", pipelines[i].cuda);
    }
}

void lg_list_passes_markdown(FILE *out)
{
    const lg_pass_info *pass;
    const lg_target *target;
    fprintf(out,
            "# Passes\n\nPrinted by `lgpnc opt --list=markdown` from `passes/passes.def`,\n"
            "`passes/pipelines.def` and `passes/targets.def`; a test compares.\n"
            "[writing-a-pass.md](writing-a-pass.md) shows how to add one.\n\n"
            "A pipeline is text: `fold-bn,inline,fold{max-elements=64},dce`. An option without a\n"
            "value is 1. `lgpnc opt FILE.ir --passes=...` runs one on an IR file;\n"
            "`--disable=NAME,...` leaves passes out of it.\n\n## The passes\n\n");
    for (int i = 0; (pass = lg_pass_at(i)); i++)
        pass_section(pass, out);
    fprintf(out, "## The pipelines\n\n");
    pipeline_sections(out);
    fprintf(out, "## The targets\n\n"
                 "| target | | lanes | registers | matrix unit | L1 | L2 | tile memory |\n"
                 "| --- | --- | --- | --- | --- | --- | --- | --- |\n");
    for (int i = 0; (target = lg_target_at(i)); i++)
        fprintf(out, "| `%s` | %s | %d | %d | %s | %lld KiB | %lld KiB | %lld KiB |\n",
                target->name, target->summary, target->lanes, target->registers,
                target->matrix_unit ? "yes" : "no", (long long)target->l1 / 1024,
                (long long)target->l2 / 1024, (long long)target->tile_memory / 1024);
}
