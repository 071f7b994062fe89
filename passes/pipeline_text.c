// A hand-written scan, because names hold dashes and every fault wants its column.
#include "passes/pipeline_text.h"

#include "ir/nearest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct scan {
    lg_arena *arena;
    const char *text, *at;
    int loaded_count;
    const lg_pass_info *const *loaded;
    lg_diag *diag;
} scan;

static lg_location place(const scan *s, const char *at)
{
    return (lg_location){"<pipeline>", 1, (int)(at - s->text) + 1};
}

static void skip_spaces(scan *s)
{
    s->at += strspn(s->at, " \t\n");
}

static bool accept(scan *s, char c)
{
    skip_spaces(s);
    if (*s->at != c)
        return false;
    s->at++;
    return true;
}

// The text up to the next separator; empty where there is none.
static const char *word(scan *s)
{
    skip_spaces(s);
    size_t length = strcspn(s->at, " \t\n,{}=");
    const char *text = lg_strndup(s->arena, s->at, length);
    s->at += length;
    return text;
}

static const lg_pass_info *find(const char *name, int loaded_count,
                                const lg_pass_info *const *loaded)
{
    for (int i = 0; i < loaded_count; i++)
        if (strcmp(loaded[i]->name, name) == 0)
            return loaded[i];
    return lg_pass_find(name);
}

const lg_pass_info *lg_pipeline_find(const char *name, int loaded_count,
                                     const lg_pass_info *const *loaded, lg_location where,
                                     const char *what, lg_diag *diag)
{
    const lg_pass_info *pass = find(name, loaded_count, loaded);
    if (pass)
        return pass;
    lg_arena *scratch = lg_arena_new();
    const char *all = "";
    lg_nearest nearest = {.wanted = name};
    for (int i = 0; (pass = i < loaded_count ? loaded[i] : lg_pass_at(i - loaded_count)); i++) {
        lg_nearest_consider(&nearest, pass->name);
        all = lg_format(scratch, "%s%s%s", all, *all ? ", " : "", pass->name);
    }
    if (nearest.name)
        lg_error_at(diag, where, "%s: there is no pass `%s`; did you mean `%s`?", what, name,
                    nearest.name);
    else
        lg_error_at(diag, where, "%s: there is no pass `%s`; there are: %s", what, name, all);
    lg_arena_free(scratch);
    return NULL;
}

static bool has_option(scan *s, const lg_pass_info *pass, const char *name, const char *start)
{
    lg_nearest nearest = {.wanted = name};
    const char *all = "";
    lg_option_row row;
    for (const char *at = pass->options; lg_option_next(&at, &row);) {
        const char *known = lg_strndup(s->arena, row.name, (size_t)row.name_length);
        if (strcmp(known, name) == 0)
            return true;
        lg_nearest_consider(&nearest, known);
        all = lg_format(s->arena, "%s%s%s", all, *all ? ", " : "", known);
    }
    if (!*all)
        return lg_error_at(s->diag, place(s, start), "pass `%s` takes no options", pass->name);
    return lg_error_at(s->diag, place(s, start),
                       nearest.name ? "pass `%s` has no option `%s`; did you mean `%s`?"
                                    : "pass `%s` has no option `%s`; it has: %s",
                       pass->name, name, nearest.name ? nearest.name : all);
}

static bool parse_value(scan *s, int64_t *value)
{
    *value = 1;
    if (!accept(s, '='))
        return true;
    skip_spaces(s);
    const char *start = s->at, *text = word(s);
    char *end;
    errno = 0;
    *value = strtoll(text, &end, 10);
    if (end == text || *end || errno)
        return lg_error_at(s->diag, place(s, start), "`%s` is not an integer", text);
    return true;
}

static bool parse_options(scan *s, lg_stage *stage)
{
    bool ok = true;
    do {
        skip_spaces(s);
        const char *start = s->at;
        lg_pass_option option = {.name = word(s)};
        // After an unknown pass its options can't be known either.
        ok &= !stage->pass || has_option(s, stage->pass, option.name, start);
        ok &= parse_value(s, &option.value);
        LG_PUSH(s->arena, &stage->options, option);
    } while (accept(s, ','));
    if (!accept(s, '}'))
        return lg_error_at(s->diag, place(s, s->at), "expected `,` or `}` after an option");
    return ok;
}

static bool parse_stage(scan *s, lg_stage *stage)
{
    skip_spaces(s);
    const char *start = s->at, *name = word(s);
    stage->where = place(s, start);
    if (!*name)
        return lg_error_at(s->diag, stage->where, "expected the name of a pass");
    stage->pass =
        lg_pipeline_find(name, s->loaded_count, s->loaded, stage->where, "pipeline", s->diag);
    bool ok = stage->pass != NULL;
    if (accept(s, '{'))
        ok &= parse_options(s, stage);
    return ok;
}

bool lg_pipeline_parse(lg_arena *arena, const char *text, int loaded_count,
                       const lg_pass_info *const *loaded, lg_pipeline *pipeline, lg_diag *diag)
{
    lg_diag_add_source(diag, "<pipeline>", text, strlen(text));
    scan s = {arena, text, text, loaded_count, loaded, diag};
    bool ok = true;
    skip_spaces(&s);
    if (!*s.at)
        return true;
    do {
        lg_stage stage = {0};
        if (parse_stage(&s, &stage))
            LG_PUSH(arena, &pipeline->stages, stage);
        else
            ok = false;
    } while (accept(&s, ','));
    if (ok && *s.at)
        return lg_error_at(diag, place(&s, s.at), "expected `,` between passes");
    return ok;
}
