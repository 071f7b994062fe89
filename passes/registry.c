// The tables of passes and pipelines.
#include "passes/passes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const lg_pass_info passes[] = {
#define PASS(name, text, help, options, needs, makes, breaks)                                      \
    {text, help, options, lg_pass_##name, needs, makes, breaks},
#include "passes/passes.def"
#undef PASS
};

enum { PASS_COUNT = (int)(sizeof passes / sizeof passes[0]) };

const lg_pass_info *lg_pass_at(int index)
{
    return index >= 0 && index < PASS_COUNT ? &passes[index] : NULL;
}

const lg_pass_info *lg_pass_find(const char *name)
{
    for (int i = 0; i < PASS_COUNT; i++)
        if (strcmp(passes[i].name, name) == 0)
            return &passes[i];
    return NULL;
}

const char *lg_pipeline_named(const char *name, lg_target_kind kind)
{
    static const struct {
        const char *name, *texts[2]; // by lg_target_kind
    } pipelines[] = {
#define PIPELINE(name, cpu, cuda, summary) {name, {cpu, cuda}},
#include "passes/pipelines.def"
#undef PIPELINE
    };
    for (size_t i = 0; i < sizeof pipelines / sizeof pipelines[0]; i++)
        if (strcmp(pipelines[i].name, name) == 0)
            return pipelines[i].texts[kind];
    return NULL;
}

// Does "; name=" stand at `text`? A semicolon may stand in a help text as well.
static bool ends_option(const char *text)
{
    if (*text != ';')
        return *text == '\0';
    text += 1 + strspn(text + 1, " ");
    size_t name = strcspn(text, " =;:,");
    return name > 0 && text[name] == '=';
}

bool lg_option_next(const char **at, lg_option_row *row)
{
    const char *text = *at + strspn(*at, " ;");
    const char *equals = strchr(text, '=');
    if (!equals) // the end, or a row from outside that is not as it should be
        return false;
    char *end;
    row->name = text;
    row->name_length = (int)(equals - text);
    row->initial = strtoll(equals + 1, &end, 10);
    row->help = end + strspn(end, ": ");
    row->help_length = 0;
    while (!ends_option(row->help + row->help_length))
        row->help_length++;
    *at = row->help + row->help_length;
    return true;
}

int64_t lg_pass_option_value(const lg_pass_ctx *ctx, const char *name, int64_t initial)
{
    for (int i = 0; i < ctx->option_count; i++)
        if (strcmp(ctx->options[i].name, name) == 0)
            return ctx->options[i].value;
    return initial;
}

int64_t lg_pass_option_of(const lg_pass_ctx *ctx, const char *name)
{
    for (int i = 0; i < ctx->option_count; i++)
        if (strcmp(ctx->options[i].name, name) == 0)
            return ctx->options[i].value;
    assert(!"the row of the pass has the option");
    return 0;
}

bool lg_pass_run(const lg_pass_info *pass, lg_unit *unit, int option_count,
                 const lg_pass_option *options, const lg_target *target, int *changes,
                 lg_diag *diag)
{
    lg_arena *scratch = lg_arena_new();
    LG_LIST(lg_pass_option) all = {0};
    for (int i = 0; i < option_count; i++)
        LG_PUSH(scratch, &all, options[i]);
    lg_option_row row;
    for (const char *at = pass->options; lg_option_next(&at, &row);) {
        lg_pass_option initial = {lg_strndup(scratch, row.name, (size_t)row.name_length),
                                  row.initial};
        LG_PUSH(scratch, &all, initial); // behind what was given: the first one counts
    }
    lg_pass_ctx ctx = {.diag = diag,
                       .scratch = scratch,
                       .target = target,
                       .option_count = all.count,
                       .options = all.items};
    bool ok = pass->run(unit, &ctx);
    if (changes)
        *changes = ctx.changes;
    lg_arena_free(scratch);
    return ok;
}
