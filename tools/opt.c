// lgpnc opt: IR text in, passes, IR text out.
#include "passes/pass.h"
#include "tools/cli.h"
#include "tools/pass_list.h"
#include "tools/supervise.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_LOADED = 64 };

typedef struct opt_arguments {
    const char *file, *output;
    const char *passes; // or NULL
    const char *level;  // "O0" .. "O3" or NULL
    const char *loads[MOST_LOADED];
    int load_count;
    void (*list)(FILE *out);
    bool time;
    lg_pipeline_options options;
} opt_arguments;

enum {
    KEY_PASSES = 256,
    KEY_TARGET,
    KEY_PRINT_AFTER,
    KEY_DUMP_DIR,
    KEY_CHECK_EACH,
    KEY_VERIFY,
    KEY_DISABLE,
    KEY_LOAD,
    KEY_TIME,
    KEY_LIST,
    KEY_HELP_OPS,
    KEY_HELP_SCALARS
};

static const struct argp_option option_rows[] = {
    {"passes", KEY_PASSES, "PIPELINE", 0, "passes to run: `fold-bn,inline,fold{max-elements=64}'",
     0},
    {NULL, 'O', "LEVEL", 0, "the named pipeline O0, O1, O2 or O3", 0},
    {"target", KEY_TARGET, "NAME", 0, "machine that schedules are for (x86-64-v3)", 0},
    {"output", 'o', "FILE", 0, "write there instead of to standard output", 0},
    {"print-after", KEY_PRINT_AFTER, "PASS,...", 0,
     "print the IR to standard error after these passes, or `all', where they changed it", 1},
    {"dump-dir", KEY_DUMP_DIR, "DIR", 0, "write it to numbered files there instead", 1},
    {"verify", KEY_VERIFY, NULL, 0, "verify the IR after every pass", 1},
    {"check-each", KEY_CHECK_EACH, NULL, 0,
     "compare with the reference interpreter before and after every pass", 1},
    {"disable", KEY_DISABLE, "PASS,...", 0, "leave these passes out", 1},
    {"load", KEY_LOAD, "FILE.so", 0, "a pass of your own; may be repeated", 1},
    {"time-passes", KEY_TIME, NULL, 0, "a table of time and changes on standard error", 1},
    {"list", KEY_LIST, "markdown", OPTION_ARG_OPTIONAL, "list passes, pipelines and targets", 1},
    {"help-ops", KEY_HELP_OPS, NULL, 0, "every op of the graph IR, as in docs/ir.md", 1},
    {"help-scalars", KEY_HELP_SCALARS, NULL, 0,
     "every scalar function of the kernel IR, as in docs/ir.md", 1},
    {0},
};

static void set_level(opt_arguments *a, const char *level, struct argp_state *state)
{
    static const char *const levels[] = {"O0", "O1", "O2", "O3"};
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
        if (strcmp(level, levels[i] + 1) == 0) {
            a->level = levels[i];
            return;
        }
    argp_error(state, "-O%s: there are -O0, -O1, -O2 and -O3", level);
}

static void add_load(opt_arguments *a, const char *path, struct argp_state *state)
{
    if (a->load_count == MOST_LOADED)
        argp_error(state, "more than %d passes to load", MOST_LOADED);
    else
        a->loads[a->load_count++] = path;
}

static void set_list(opt_arguments *a, const char *format, struct argp_state *state)
{
    if (format && strcmp(format, "markdown") != 0)
        argp_error(state, "--list=%s: there is only --list and --list=markdown", format);
    a->list = format ? lg_list_passes_markdown : lg_list_passes;
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    opt_arguments *a = state->input;
    switch (key) {
    case KEY_PASSES:
        a->passes = value;
        break;
    case 'O':
        set_level(a, value, state);
        break;
    case KEY_TARGET:
        a->options.target = lg_cli_target(state, value);
        break;
    case 'o':
        a->output = value;
        break;
    case KEY_PRINT_AFTER:
        a->options.print_after = value;
        break;
    case KEY_DUMP_DIR:
        a->options.dump_dir = value;
        break;
    case KEY_VERIFY:
        a->options.verify = true;
        break;
    case KEY_CHECK_EACH:
        a->options.check_each = true;
        break;
    case KEY_DISABLE:
        a->options.disable = value;
        break;
    case KEY_LOAD:
        add_load(a, value, state);
        break;
    case KEY_TIME:
        a->time = true;
        break;
    case KEY_LIST:
        set_list(a, value, state);
        break;
    case KEY_HELP_OPS:
        a->list = lg_print_op_reference;
        break;
    case KEY_HELP_SCALARS:
        a->list = lg_print_scalar_reference;
        break;
    case ARGP_KEY_ARG:
        if (a->file)
            argp_error(state, "one FILE only, `%s' is the second", value);
        a->file = value;
        break;
    case ARGP_KEY_END:
        if (!a->file && !a->list)
            argp_error(state, "no FILE given; `-' is standard input");
        if (a->passes && a->level)
            argp_error(state, "both --passes and -%s", a->level);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static void print_unit(const void *what, FILE *out)
{
    const lg_unit *unit = what;
    if (unit->program)
        lg_print_program(unit->program, out);
    else
        lg_print_module(unit->module, out);
}

static bool run_pipeline(opt_arguments *a, lg_unit *unit, lg_diag *diag)
{
    const lg_pass_info *loaded[MOST_LOADED];
    for (int i = 0; i < a->load_count; i++)
        if (!(loaded[i] = lg_pass_load(a->loads[i], diag)))
            return false;
    a->options.loaded = loaded;
    a->options.loaded_count = a->load_count;
    a->options.print_to = stderr;
    a->options.timing = a->time ? stderr : NULL;
    const char *text = a->level    ? lg_pipeline_named(a->level, a->options.target->kind)
                       : a->passes ? a->passes
                                   : "";
    bool ok = lg_pipeline_run(unit, text, &a->options, diag);
    a->options.loaded = NULL;
    return ok;
}

static bool run(opt_arguments *a, lg_diag *diag)
{
    size_t length;
    char *text = lg_cli_read(a->file, &length, diag);
    if (!text)
        return false;
    const char *name = strcmp(a->file, "-") == 0 ? "<stdin>" : a->file;
    if (name != a->file)
        lg_diag_add_source(diag, name, text, length);
    lg_unit unit = {.module = lg_parse_module(name, text, length, diag)};
    bool ok = unit.module && lg_verify_module(unit.module, diag) && run_pipeline(a, &unit, diag) &&
              lg_cli_write(a->output, print_unit, &unit, diag);
    if (unit.program)
        lg_program_free(unit.program);
    if (unit.module)
        lg_module_free(unit.module);
    free(text);
    return ok;
}

static int work(void *context)
{
    lg_diag *diag = lg_diag_new();
    return lg_cli_finish(diag, run(context, diag));
}

int lg_command_opt(int argc, char **argv)
{
    static const struct argp parser = {
        .options = option_rows,
        .parser = parse_option,
        .args_doc = "FILE.ir",
        .doc =
            "Runs passes on the IR in FILE.ir (`-': standard input) and prints the result: graph "
            "IR, or kernel IR after `lower'. Without passes: parses, verifies and prints."
            "\vExample:\n  lgpnc opt model.ir --passes=inline,simplify,dce --check-each"};
    opt_arguments a = {.options = {.target = lg_target_find("x86-64-v3")}};
    argp_parse(&parser, argc, argv, 0, NULL, &a);
    if (a.list) {
        a.list(stdout);
        return LG_EXIT_OK;
    }
    return lg_supervise(a.output, work, &a);
}
