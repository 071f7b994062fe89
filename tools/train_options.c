#include "tools/train_options.h"

#include "tools/cli.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_THREADS = 256 };

enum {
    KEY_LR = 0x100,
    KEY_SCHEDULE,
    KEY_SAMPLING,
    KEY_RESUME,
    KEY_VAL_EVERY,
    KEY_SAVE_EVERY,
    KEY_DISPLAY_STEP,
    KEY_WORKERS,
    KEY_IMAGE_CACHE,
    KEY_DEBUG
};

static const struct row {
    const char *name;
    int key;
    const char *argument, *initial;
    bool fixed;
    const char *aliases, *help;
} rows[TRAIN_OPTIONS] = {
#define ROW(id, name, key, argument, initial, fixed, aliases, help)                                \
    {name, key, argument, initial, fixed, aliases, help},
#include "tools/train_options.def"
#undef ROW
    {"MODEL", 0, "MODEL", "lgpn", true, NULL, NULL},
};

const char *lg_train_option_name(int option)
{
    static const char *const names[TRAIN_OPTIONS] = {
#define ROW(id, name, ...) "--" name,
#include "tools/train_options.def"
#undef ROW
        "MODEL",
    };
    return names[option];
}

// ---- the command line

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    lg_train_options *o = state->input;
    if (key == ARGP_KEY_INIT) {
        state->child_inputs[0] = &o->compile;
        return 0;
    }
    if (key == ARGP_KEY_ARG) {
        if (o->text[TRAIN_MODEL])
            argp_error(state, "one MODEL only, `%s' is the second", value);
        o->text[TRAIN_MODEL] = value;
        return 0;
    }
    for (int i = 0; i < TRAIN_MODEL; i++)
        if (rows[i].help && rows[i].key == key) {
            o->text[i] = value ? value : "yes";
            return 0;
        }
    return ARGP_ERR_UNKNOWN;
}

// The rows, each followed by its other name.
static void list_rows(struct argp_option *list)
{
    size_t count = 0;
    for (int i = 0; i < TRAIN_MODEL; i++) {
        if (!rows[i].help)
            continue;
        list[count++] = (struct argp_option){
            .name = rows[i].name, .key = rows[i].key, .arg = rows[i].argument, .doc = rows[i].help};
        if (rows[i].aliases)
            list[count++] = (struct argp_option){.name = rows[i].aliases,
                                                 .flags = OPTION_ALIAS | OPTION_HIDDEN};
    }
    list[count] = (struct argp_option){0};
}

// Texts of the options of compiling that decide the bits.
static void read_compile_options(lg_train_options *o)
{
    const lg_compile_options *c = &o->compile;
    o->text[TRAIN_NO_DROPOUT] = c->no_dropout ? "yes" : NULL;
    o->text[TRAIN_CPU] = strcmp(c->cpu, "native") == 0 ? NULL : c->cpu;
    o->text[TRAIN_LEVEL] = c->level;
    o->text[TRAIN_PASSES] = c->passes;
    o->text[TRAIN_DISABLE] = c->disable;
    o->text[TRAIN_SET] = *c->set ? c->set : NULL;
}

// And back, where they came from a checkpoint.
static bool write_compile_options(lg_train_options *o)
{
    lg_compile_options *c = &o->compile;
    const char *set = o->text[TRAIN_SET];
    c->no_dropout = o->text[TRAIN_NO_DROPOUT] != NULL;
    c->cpu = o->text[TRAIN_CPU] ? o->text[TRAIN_CPU] : c->cpu;
    c->level = o->text[TRAIN_LEVEL];
    c->passes = o->text[TRAIN_PASSES];
    c->disable = o->text[TRAIN_DISABLE];
    if (!set || set == c->set)
        return true;
    return snprintf(c->set, sizeof c->set, "%s", set) < (int)sizeof c->set;
}

void lg_train_options_parse(lg_train_options *options, int argc, char **argv)
{
    struct argp_option list[2 * TRAIN_OPTIONS + 1];
    list_rows(list);
    const struct argp_child children[] = {{&lg_compile_argp, 0, NULL, 0}, {0}};
    const struct argp parser = {
        .options = list,
        .parser = parse_option,
        .children = children,
        .args_doc = "[MODEL]",
        .doc = "Trains MODEL (lgpn) on a folder of images. Ctrl-C finishes the step and saves.\v"
               "Example:\n"
               "  lgpnc train lgpn:image=128,width=32 --data=RED140 --real=photos \\\n"
               "      --batch-size=32 --epochs=20 --model-dir=fold1\n"
               "  lgpnc train --resume --model-dir=fold1\n"
               "  lgpnc predict lgpn:image=128,width=32 --weights=fold1/best.safetensors a.jpg\n"
               "docs/training.md tells what is in the files that it writes."};
    *options = (lg_train_options){.compile = lg_compile_defaults()};
    argp_parse(&parser, argc, argv, 0, NULL, options);
    if (!options->text[TRAIN_MODEL_DIR]) // needed before the checkpoint, which is in it
        options->text[TRAIN_MODEL_DIR] = rows[TRAIN_MODEL_DIR].initial;
    read_compile_options(options);
}

void lg_train_options_free(lg_train_options *options)
{
    for (int i = 0; i < TRAIN_OPTIONS; i++)
        free(options->owned[i]);
}

// ---- resuming

bool lg_train_options_merge(lg_train_options *options, const char *checkpoint, const char *name,
                            lg_diag *diag)
{
    bool good = true;
    for (int i = 0; i < TRAIN_OPTIONS; i++) {
        char *text = lg_training_option(checkpoint, rows[i].name);
        const char *given = options->text[i], *was = text ? text : rows[i].initial;
        options->owned[i] = text;
        if (!given && i != TRAIN_RESUME && i != TRAIN_DEBUG)
            options->text[i] = text;
        else if (given && rows[i].fixed && (!was || strcmp(given, was) != 0))
            good = lg_error_at(diag, (lg_location){.file = name},
                               "this training has %s%s%s, which cannot become %s; train anew in "
                               "another --model-dir",
                               was ? lg_train_option_name(i) : "no ",
                               was ? "=" : lg_train_option_name(i), was ? was : "", given);
    }
    if (!write_compile_options(options))
        good = lg_error_at(diag, (lg_location){.file = name}, "its options of passes are too long");
    return good;
}

// ---- numbers

static bool fail_option(const lg_train_options *o, int option, const char *wanted, lg_diag *diag)
{
    return lg_error_at(diag, (lg_location){0}, "%s=%s: %s", lg_train_option_name(option),
                       o->text[option], wanted);
}

static bool read_integer(const lg_train_options *o, int option, int64_t low, int64_t high,
                         int64_t *value, lg_diag *diag)
{
    char *end, wanted[80];
    if (!o->text[option])
        return true;
    errno = 0;
    long long number = strtoll(o->text[option], &end, 10);
    *value = number;
    if (!errno && end != o->text[option] && !*end && number >= low && number <= high)
        return true;
    snprintf(wanted, sizeof wanted, "a number from %lld to %lld is wanted", (long long)low,
             (long long)high);
    return fail_option(o, option, wanted, diag);
}

static bool read_integers(lg_train_options *o, lg_diag *diag)
{
    int64_t megabytes = 0;
    const int64_t most = (int64_t)1 << 40;
    const struct {
        int option;
        int64_t low, high, *value;
    } integers[] = {
        {TRAIN_CROSS_VAL, 0, LG_TEST_SETS, &o->fold},
        {TRAIN_EPOCHS, 1, 1000000, &o->epochs},
        {TRAIN_BATCH_SIZE, 1, 1 << 20, &o->batch},
        {TRAIN_SEED, 0, INT64_MAX, &o->seed},
        {TRAIN_VAL_EVERY, 0, 1000000, &o->validate_every},
        {TRAIN_SAVE_EVERY, 0, most, &o->save_every},
        {TRAIN_DISPLAY_STEP, 1, most, &o->display_step},
        {TRAIN_THREADS, 0, MOST_THREADS, &o->threads},
        {TRAIN_WORKERS, 0, MOST_THREADS, &o->workers},
        {TRAIN_IMAGE_CACHE, 0, 1 << 30, &megabytes},
    };
    bool good = true;
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++)
        good = read_integer(o, integers[i].option, integers[i].low, integers[i].high,
                            integers[i].value, diag) &&
               good;
    o->cache_bytes = megabytes << 20;
    return good;
}

static bool read_rest(lg_train_options *o, lg_diag *diag)
{
    char *end;
    bool good = true;
    o->learning_rate = strtod(o->text[TRAIN_LR], &end);
    if (end == o->text[TRAIN_LR] || *end || !((float)o->learning_rate > 0) ||
        !isfinite((float)o->learning_rate))
        good = fail_option(o, TRAIN_LR, "a number above 0 is wanted", diag);
    o->schedule = lg_schedule_find(o->text[TRAIN_SCHEDULE]);
    if (o->schedule == LG_SCHEDULES)
        good = fail_option(o, TRAIN_SCHEDULE, "there are released, plateau and constant", diag);
    bool released = strcmp(o->text[TRAIN_SAMPLING], "released") == 0;
    o->order = released ? LG_ORDER_RELEASED : LG_ORDER_SHUFFLED;
    if (!released && strcmp(o->text[TRAIN_SAMPLING], "shuffled") != 0)
        good = fail_option(o, TRAIN_SAMPLING, "there are shuffled and released", diag);
    o->debug = o->text[TRAIN_DEBUG] != NULL;
    return good;
}

bool lg_train_options_read(lg_train_options *options, lg_diag *diag)
{
    for (int i = 0; i < TRAIN_OPTIONS; i++)
        if (!options->text[i])
            options->text[i] = rows[i].initial;
    bool good = read_integers(options, diag);
    good = read_rest(options, diag) && good;
    if (!options->text[TRAIN_DATA])
        good = lg_error_at(diag, (lg_location){0}, "no images: name their folder with --data=DIR");
    return good;
}

size_t lg_train_options_list(const lg_train_options *options, lg_metadata *list)
{
    size_t count = 0;
    for (int i = 0; i < TRAIN_OPTIONS; i++)
        if (options->text[i] && i != TRAIN_RESUME && i != TRAIN_DEBUG)
            list[count++] = (lg_metadata){rows[i].name, options->text[i]};
    return count;
}
