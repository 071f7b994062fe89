// The options of compiling, parsed once for all commands that compile.
#include "tools/compile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_CPU = 0x1000,
    KEY_TRIPLE,
    KEY_PASSES,
    KEY_DISABLE,
    KEY_WINOGRAD,
    KEY_MATRIX_UNIT,
    KEY_LOAD,
    KEY_PRINT_AFTER,
    KEY_DUMP_DIR,
    KEY_CHECK_EACH,
    KEY_TIME_PASSES,
    KEY_DEPTH_FIRST,
    KEY_MEMORY_LIMIT,
    KEY_TUNE_CACHE,
    KEY_NO_TUNE_CACHE,
    KEY_NO_DROPOUT
};

static const struct argp_option option_rows[] = {
    {NULL, 0, NULL, 0, "Compiling:", 10},
    {"cpu", KEY_CPU, "NAME", 0,
     "machine to compile for: native (default), x86-64-v3, sapphirerapids, ...; `lgpnc opt --list' "
     "shows all",
     10},
    {"triple", KEY_TRIPLE, "TRIPLE", 0, "system to compile for, as LLVM names it", 10},
    {NULL, 'O', "LEVEL", 0, "pipeline O0, O1, O2 (default) or O3", 10},
    {"passes", KEY_PASSES, "PIPELINE", 0, "these passes in place of those of -O", 10},
    {"disable", KEY_DISABLE, "PASS,...", 0, "leave these passes out", 10},
    {"depth-first", KEY_DEPTH_FIRST, "WHEN", 0,
     "fuse chains of convolutions (bottlenecks) strip by strip: auto (default), where it saves "
     "time; memory, for the least workspace; on, everywhere; off",
     10},
    {"winograd", KEY_WINOGRAD, "TILE", 0,
     "3x3 convolutions by tiles of 2, 4 or 6 outputs a side: auto (default), the cheapest of 2, 4 "
     "and none; off; rounding errors grow with the tile",
     10},
    {"matrix-unit", KEY_MATRIX_UNIT, "PARTS", 0,
     "convolutions as products of parts in bf16 on a CPU that has a unit for these: auto (default), "
     "2 parts where that is faster; 2 or 3, wherever it can be done; off; rounding errors of 2 are "
     "between those of --winograd=4 and 6, of 3 those of float",
     10},
    {"memory-limit", KEY_MEMORY_LIMIT, "SIZE", 0,
     "let no function need more than SIZE (800M, 2G): weights, states, inputs, results and workspace "
     "of one thread; values are computed again rather than kept, which takes time",
     10},
    {"load", KEY_LOAD, "FILE.so", 0, "a pass of your own, to name in --passes", 10},
    {"print-after", KEY_PRINT_AFTER, "PASS,...", 0,
     "print the IR to standard error after these passes, or `all', where they changed it", 10},
    {"dump-dir", KEY_DUMP_DIR, "DIR", 0,
     "write the IR after the passes of --print-after (all) to numbered files there", 10},
    {"check-each", KEY_CHECK_EACH, NULL, 0,
     "compare with the reference interpreter before and after every pass (small models)", 10},
    {"time-passes", KEY_TIME_PASSES, NULL, 0, "a table of passes on standard error", 10},
    {"tune-cache", KEY_TUNE_CACHE, "FILE", 0,
     "use what `lgpnc tune' found and kept in this file; default: ~/.cache/lgpnc/tune, if it is "
     "there",
     10},
    {"no-tune-cache", KEY_NO_TUNE_CACHE, NULL, 0, "do without what `lgpnc tune' found", 10},
    {"no-dropout", KEY_NO_DROPOUT, NULL, 0, "functions that train leave dropout out", 10},
    {"verbose", 'v', NULL, 0, "tell each phase with its seconds on standard error", 10},
    {0},
};

lg_compile_options lg_compile_defaults(void)
{
    return (lg_compile_options){.cpu = "native"};
}

static void set_level(lg_compile_options *o, const char *text, struct argp_state *state)
{
    static const char *const levels[] = {"O0", "O1", "O2", "O3"};
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (strcmp(text, levels[i] + 1) == 0) {
            o->level = levels[i];
            return;
        }
    argp_error(state, "-O%s: there are -O0, -O1, -O2 and -O3", text);
}

// Adds what a pass of the pipeline shall be told.
static void set_option(lg_compile_options *o, const char *text, struct argp_state *state)
{
    size_t used = strlen(o->set);
    int length = snprintf(o->set + used, sizeof o->set - used, "%s%s", used ? "," : "", text);
    if (length >= (int)(sizeof o->set - used))
        argp_error(state, "too many options for passes");
}

// Options that choose among a few things, and what passes are told then.
static const struct choice {
    int key;
    const char *option, *value, *passes;
} choices[] = {
    {KEY_DEPTH_FIRST, "depth-first", "auto", "depth-first{mode=1}"},
    {KEY_DEPTH_FIRST, "depth-first", "memory", "depth-first{mode=2}"},
    {KEY_DEPTH_FIRST, "depth-first", "on", "depth-first{mode=3}"},
    {KEY_DEPTH_FIRST, "depth-first", "off", "depth-first{mode=0}"},
    {KEY_MATRIX_UNIT, "matrix-unit", "auto", "matrix-unit{parts=0}"},
    {KEY_MATRIX_UNIT, "matrix-unit", "off", "matrix-unit{parts=-1},depth-first{matrix=0}"},
    {KEY_MATRIX_UNIT, "matrix-unit", "2", "matrix-unit{parts=2}"},
    {KEY_MATRIX_UNIT, "matrix-unit", "3", "matrix-unit{parts=3}"},
    {KEY_WINOGRAD, "winograd", "auto", "winograd{tile=0}"},
    {KEY_WINOGRAD, "winograd", "off", "winograd{tile=-1}"},
    {KEY_WINOGRAD, "winograd", "2", "winograd{tile=2}"},
    {KEY_WINOGRAD, "winograd", "4", "winograd{tile=4}"},
    {KEY_WINOGRAD, "winograd", "6", "winograd{tile=6}"},
};
enum { CHOICES = sizeof choices / sizeof *choices };

static const struct choice *first_choice(int key)
{
    for (int i = 0; i < CHOICES; i++)
        if (choices[i].key == key)
            return &choices[i];
    return NULL;
}

static void set_choice(lg_compile_options *o, const struct choice *first, const char *value,
                       struct argp_state *state)
{
    char known[64] = "";
    for (const struct choice *c = first; c < choices + CHOICES && c->key == first->key; c++) {
        if (strcmp(value, c->value) == 0) {
            set_option(o, c->passes, state);
            return;
        }
        bool last = c + 1 == choices + CHOICES || c[1].key != c->key;
        const char *before = last ? " and " : ", ";
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", c == first ? "" : before, c->value);
    }
    argp_error(state, "--%s=%s: there are %s", first->option, value, known);
}

// "800M" or "2G".
static void set_memory_limit(lg_compile_options *o, const char *size, struct argp_state *state)
{
    enum { MOST_GIBIBYTES = 1 << 20 };
    char *unit;
    long number = strtol(size, &unit, 10);
    bool gibibytes = *unit == 'G' || *unit == 'g', mebibytes = *unit == 'M' || *unit == 'm';
    if (number < 1 || number > MOST_GIBIBYTES || !(gibibytes || mebibytes) || unit[1] != '\0')
        argp_error(state, "--memory-limit=%s: a size like 800M or 2G is wanted", size);
    o->memory_limit = number * (gibibytes ? 1024 : 1);
}

static void add_load(lg_compile_options *o, const char *path, struct argp_state *state)
{
    if (o->load_count == LG_MOST_LOADED_PASSES)
        argp_error(state, "more than %d passes to load", LG_MOST_LOADED_PASSES);
    else
        o->loads[o->load_count++] = path;
}

static const char **text_of(lg_compile_options *o, int key)
{
    switch (key) {
    case KEY_CPU:
        return &o->cpu;
    case KEY_TRIPLE:
        return &o->triple;
    case KEY_PASSES:
        return &o->passes;
    case KEY_DISABLE:
        return &o->disable;
    case KEY_PRINT_AFTER:
        return &o->print_after;
    case KEY_DUMP_DIR:
        return &o->dump_dir;
    case KEY_TUNE_CACHE:
        return &o->tune_cache;
    default:
        return NULL;
    }
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    lg_compile_options *o = state->input;
    const struct choice *choice = first_choice(key);
    const char **text = choice ? NULL : text_of(o, key);
    if (choice)
        set_choice(o, choice, value, state);
    else if (text)
        *text = value;
    else if (key == 'O')
        set_level(o, value, state);
    else if (key == KEY_LOAD)
        add_load(o, value, state);
    else if (key == KEY_MEMORY_LIMIT)
        set_memory_limit(o, value, state);
    else if (key == KEY_CHECK_EACH)
        o->check_each = true;
    else if (key == KEY_TIME_PASSES)
        o->time_passes = true;
    else if (key == KEY_NO_TUNE_CACHE)
        o->no_tune_cache = true;
    else if (key == KEY_NO_DROPOUT)
        o->no_dropout = true;
    else if (key == 'v')
        o->verbose = true;
    else if (key == ARGP_KEY_END && o->passes && o->level)
        argp_error(state, "both --passes and -%s", o->level);
    else if (key == ARGP_KEY_END && o->memory_limit && o->passes)
        argp_error(state, "both --passes and --memory-limit; write recompute{limit=MIB} there");
    else if (key == ARGP_KEY_END && o->memory_limit && o->level && !strcmp(o->level, "O0"))
        argp_error(state, "-O0 keeps what it is told to keep: --memory-limit needs -O1 or more");
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

const struct argp lg_compile_argp = {.options = option_rows, .parser = parse_option};
