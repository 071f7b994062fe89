// The run of a pipeline: for every stage what it needs, the pass itself, what it promised. A fault
// ends the run; the unit is then what the pass left, for the caller to free.
#include "passes/check.h"
#include "passes/pipeline_text.h"
#include "passes/report.h"

#include <string.h>
#include <time.h>

typedef struct pass_run {
    lg_unit *unit;
    const lg_pipeline_options *options;
    lg_diag *diag;
    lg_arena *arena;
    unsigned properties;
    lg_check *check;
    LG_LIST(lg_pass_timing) timings;
} pass_run;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// Comma-separated names of the passes that make a property, for a message.
static const char *makers(pass_run *r, unsigned property)
{
    const char *names = "";
    const lg_pass_info *pass;
    for (int i = 0; (pass = lg_pass_at(i)); i++)
        if (pass->makes & property)
            names = lg_format(r->arena, "%s%s`%s`", names, *names ? " or " : "", pass->name);
    return names;
}

static bool needs_are_met(pass_run *r, const lg_stage *stage)
{
    bool ok = true;
    for (int bit = 0; lg_property_text(bit); bit++) {
        unsigned property = 1u << bit;
        if (!(stage->pass->needs & property & ~r->properties))
            continue;
        ok = lg_error_at(r->diag, stage->where, "pass `%s` needs %s: run %s before it",
                         stage->pass->name, lg_property_text(bit), makers(r, property));
    }
    if (r->properties & LG_IS_LOWERED && stage->pass->makes & LG_IS_LOWERED)
        ok = lg_error_at(r->diag, stage->where, "pass `%s` runs once: the unit is lowered already",
                         stage->pass->name);
    return ok;
}

static bool verify(pass_run *r, const char *pass)
{
    bool ok = lg_verify_module(r->unit->module, r->diag) &&
              (!r->unit->program || lg_verify_program(r->unit->program, r->diag));
    if (!ok)
        lg_note_at(r->diag, (lg_location){0},
                   "the IR was right before pass `%s`: this is a fault of the pass", pass);
    return ok;
}

static bool run_timed(pass_run *r, const lg_stage *stage, int *changes)
{
    lg_pass_timing row = {.name = stage->pass->name, .ops_before = lg_unit_ops(r->unit)};
    int errors = lg_diag_errors(r->diag);
    double start = now();
    bool ok = lg_pass_run(stage->pass, r->unit, stage->options.count, stage->options.items,
                          r->options->target, &row.changes, r->diag);
    row.seconds = now() - start;
    row.ops_after = lg_unit_ops(r->unit);
    *changes = row.changes;
    LG_PUSH(r->arena, &r->timings, row);
    if (!ok && lg_diag_errors(r->diag) == errors)
        lg_error_at(r->diag, stage->where, "pass `%s` failed", stage->pass->name);
    return ok;
}

static bool run_stage(pass_run *r, const lg_stage *stage, int number)
{
    const lg_pipeline_options *options = r->options;
    const char *name = stage->pass->name;
    int changes = 0;
    if (!needs_are_met(r, stage))
        return false;
    if (options->check_each && !r->check) {
        r->check = lg_check_begin(r->unit, r->diag);
        if (!r->check)
            return false;
    }
    if (!run_timed(r, stage, &changes))
        return false;
    r->properties = (r->properties | stage->pass->makes) & ~stage->pass->breaks;
    bool show = lg_list_has(options->print_after, name) || lg_list_has(options->print_after, "all");
    // A folder alone asks for every pass.
    show |= options->dump_dir && !options->print_after;
    if (changes > 0 && show && !lg_report_unit(r->unit, number, name, changes, options, r->diag))
        return false;
    if (options->verify && !verify(r, name))
        return false;
    return !r->check || lg_check_after(r->check, r->unit, name, r->properties, r->diag);
}

// Reports names of a comma-separated list that are no passes.
static bool check_names(pass_run *r, const char *list, const char *option)
{
    bool ok = true;
    for (const char *at = list; at && *at;) {
        at += strspn(at, ", ");
        size_t length = strcspn(at, ", ");
        const char *name = lg_strndup(r->arena, at, length);
        at += length;
        if (length > 0 && !(strcmp(name, "all") == 0 && list == r->options->print_after))
            ok &= lg_pipeline_find(name, r->options->loaded_count, r->options->loaded,
                                   (lg_location){0}, option, r->diag) != NULL;
    }
    return ok;
}

// The options of `text`, a pipeline itself, go before those of the stages of the same pass.
static bool set_options(pass_run *r, const char *text, lg_pipeline *pipeline)
{
    lg_pipeline given = {0};
    if (!text)
        return true;
    bool ok = lg_pipeline_parse(r->arena, text, r->options->loaded_count, r->options->loaded,
                                &given, r->diag);
    for (int i = 0; i < pipeline->stages.count; i++)
        for (int j = 0; j < given.stages.count; j++) {
            lg_stage *stage = &pipeline->stages.items[i], *own = &given.stages.items[j];
            if (own->pass != stage->pass)
                continue;
            for (int o = 0; o < stage->options.count; o++)
                LG_PUSH(r->arena, &own->options, stage->options.items[o]);
            stage->options = own->options;
        }
    return ok;
}

bool lg_pipeline_run(lg_unit *unit, const char *text, const lg_pipeline_options *options,
                     lg_diag *diag)
{
    pass_run r = {.unit = unit, .options = options, .diag = diag, .arena = lg_arena_new()};
    lg_pipeline pipeline = {0};
    bool ok =
        lg_pipeline_parse(r.arena, text, options->loaded_count, options->loaded, &pipeline, diag);
    ok &= set_options(&r, options->set, &pipeline);
    ok &= check_names(&r, options->print_after, "print-after");
    ok &= check_names(&r, options->disable, "disable");
    r.properties = lg_unit_properties(unit);
    for (int i = 0; ok && i < pipeline.stages.count; i++)
        if (!lg_list_has(options->disable, pipeline.stages.items[i].pass->name))
            ok = run_stage(&r, &pipeline.stages.items[i], i + 1);
    if (options->timing && r.timings.count > 0)
        lg_report_timing(r.timings.items, r.timings.count, options->timing);
    lg_check_end(r.check);
    lg_arena_free(r.arena);
    return ok;
}
