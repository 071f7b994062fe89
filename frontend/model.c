// From a row of a table of models, and what the user wrote behind it, to a module. The options are
// read in full, and all their faults told, before the builder runs.
#include "frontend/scope.h"
#include "ir/nearest.h"

#include <errno.h>

typedef struct option_reader {
    lg_builder *builder;
    lg_location where;
    bool seen[LG_MAX_OPTIONS];
} option_reader;

static int numbers_of(const lg_model_option *option)
{
    return option->count ? option->count : 1;
}

static int option_count(const lg_model_info *info)
{
    int count = 0;
    while (count < LG_MAX_OPTIONS && info->options[count].name)
        count++;
    return count;
}

// "lgpn has no option imge; did you mean image? It has image, width, ..."
static bool unknown_option(const option_reader *reader, const char *name)
{
    const lg_model_info *info = reader->builder->info;
    lg_arena *arena = reader->builder->module->arena;
    lg_nearest nearest = {.wanted = name};
    const char *known = "";
    for (int i = 0; i < option_count(info); i++) {
        lg_nearest_consider(&nearest, info->options[i].name);
        known = lg_format(arena, "%s%s%s", known, i ? ", " : "", info->options[i].name);
    }
    const char *guess =
        nearest.name ? lg_format(arena, "; did you mean \"%s\"?", nearest.name) : ";";
    return lg_error_at(reader->builder->diag, reader->where,
                       "model %s has no option \"%s\"%s Its options: %s", info->name, name, guess,
                       *known ? known : "none");
}

// The form of a value in words: "a number in 1..64", "3 numbers like 3-4-6", "18 or 50".
static const char *describe(lg_arena *arena, const lg_model_option *option)
{
    if (option->choices)
        return lg_format(arena, "one of %s", option->choices);
    const char *text = numbers_of(option) == 1 ? "a number"
                                               : lg_format(arena, "%d numbers like %s, each",
                                                           numbers_of(option), option->initial);
    text =
        lg_format(arena, "%s in %lld..%lld", text, (long long)option->min, (long long)option->max);
    if (option->multiple > 1)
        text = lg_format(arena, "%s that is a multiple of %lld", text, (long long)option->multiple);
    return text;
}

// Which of the choices it is, from 0; -1: none.
static int find_choice(const char *choices, const char *text)
{
    size_t length = strlen(text);
    int index = 0;
    for (const char *at = choices; at; at = strchr(at, '|'), index++) {
        at += *at == '|';
        if (length > 0 && strncmp(at, text, length) == 0 && (at[length] == '|' || !at[length]))
            return index;
    }
    return -1;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// Reads "3-4-6-3"; false when it is not what the option takes.
static bool read_numbers(const lg_model_option *option, const char *text, int64_t *numbers)
{
    if (option->choices) {
        int choice = find_choice(option->choices, text);
        if (choice < 0 || !is_digit(option->choices[0])) {
            *numbers = choice;
            return choice >= 0;
        }
    }
    for (int i = 0; i < numbers_of(option); i++) {
        char *end;
        if (!is_digit(*text))
            return false;
        errno = 0;
        numbers[i] = strtoll(text, &end, 10);
        if (errno || *end != (i + 1 < numbers_of(option) ? '-' : '\0'))
            return false;
        if (!option->choices && (numbers[i] < option->min || numbers[i] > option->max))
            return false;
        if (option->multiple > 1 && numbers[i] % option->multiple)
            return false;
        text = end + 1;
    }
    return true;
}

// One "name=value".
static void read_option(option_reader *reader, char *text)
{
    lg_builder *builder = reader->builder;
    char *value = strchr(text, '=');
    if (value)
        *value++ = '\0';
    int i = 0, count = option_count(builder->info);
    while (i < count && strcmp(builder->info->options[i].name, text) != 0)
        i++;
    if (i == count) {
        unknown_option(reader, text);
        return;
    }
    const lg_model_option *option = &builder->info->options[i];
    if (reader->seen[i])
        lg_error_at(builder->diag, reader->where, "option %s is there twice", option->name);
    else if (!value || !read_numbers(option, value, builder->options[i]))
        lg_error_at(builder->diag, reader->where, "option %s=%s: it takes %s", option->name,
                    value ? value : "", describe(builder->module->arena, option));
    reader->seen[i] = true;
}

static bool read_options(lg_builder *builder, const char *options, const char *spec)
{
    const lg_model_info *info = builder->info;
    option_reader reader = {builder, {spec, 0, 0}, {false}};
    int before = lg_diag_errors(builder->diag);
    for (int i = 0; i < option_count(info); i++)
        if (!info->options[i].initial || numbers_of(&info->options[i]) > LG_MAX_OPTION_NUMBERS ||
            !read_numbers(&info->options[i], info->options[i].initial, builder->options[i]))
            lg_error_at(builder->diag, reader.where, "the default %s of option %s is not %s",
                        info->options[i].initial, info->options[i].name,
                        describe(builder->module->arena, &info->options[i]));
    char *rest = options && *options ? lg_strdup(builder->module->arena, options) : NULL;
    while (rest) {
        char *text = strsep(&rest, ",");
        read_option(&reader, text);
    }
    return lg_diag_errors(builder->diag) == before;
}

static const struct {
    lg_model_function kind;
    const char *name;
} functions_of_models[] = {{LG_MODEL_INFER, "infer"},
                           {LG_MODEL_LOSS_AND_GRAD, "loss_and_grad"},
                           {LG_MODEL_TRAIN_STEP, "train_step"}};

enum { FUNCTIONS = sizeof functions_of_models / sizeof *functions_of_models };

unsigned lg_model_function_named(const char *name)
{
    for (int i = 0; i < FUNCTIONS; i++)
        if (strcmp(functions_of_models[i].name, name) == 0)
            return functions_of_models[i].kind;
    return 0;
}

// One function; false after reporting what is wrong with it.
static bool run_builder(lg_builder *builder, lg_model_function kind, const char *name,
                        lg_location where)
{
    int before = lg_diag_errors(builder->diag);
    lg_function *function = lg_function_new(builder->module, LG_FUNC, name);
    lg_name_scope root = {builder, function, ""};
    function->where = where;
    builder->run = (lg_builder_run){.kind = kind, .optimizer = builder->training.optimizer};
    builder->info->build(&root);
    if (lg_diag_errors(builder->diag) > before)
        return false;
    if (lg_is_training(&root))
        lg_finish_training(&root, where);
    else if (function->results.count == 0)
        lg_error_at(builder->diag, where,
                    "model %s has no output; its builder must call output(...)",
                    builder->info->name);
    return lg_diag_errors(builder->diag) == before;
}

// The first function that has a fault is the last: the others would repeat it.
static bool run_builders(lg_builder *builder, unsigned functions, lg_location where)
{
    lg_name_scope root = {builder, NULL, ""};
    lg_site site = {&root, where, "training", NULL};
    if (!lg_check_optimizer(site, &builder->training.optimizer))
        return false;
    for (int i = 0; i < FUNCTIONS; i++)
        if ((functions & functions_of_models[i].kind) &&
            !run_builder(builder, functions_of_models[i].kind, functions_of_models[i].name, where))
            return false;
    return lg_verify_module(builder->module, builder->diag);
}

lg_module *lg_model_instantiate(const lg_model_info *info, const char *options, const char *spec,
                                unsigned functions, const lg_training *training, lg_diag *diag)
{
    lg_location where = {spec, 0, 0};
    if (info->bytes != sizeof(lg_model_info) || !info->name || !info->build) {
        lg_error_at(diag, where, "the model was built with another version of frontend/lgpnc.h");
        return NULL;
    }
    lg_module *module = lg_module_new(info->name);
    lg_builder *builder = LG_NEW(module->arena, lg_builder);
    builder->module = module;
    builder->diag = diag;
    builder->info = info;
    builder->training = training ? *training : LG_TRAINING_DEFAULTS;
    if (read_options(builder, options, spec) && run_builders(builder, functions, where))
        return module;
    lg_module_free(module);
    return NULL;
}

static void unknown_model(int count, const lg_model_info *models, const char *name,
                          const char *spec, lg_diag *diag)
{
    lg_arena *arena = lg_arena_new();
    lg_nearest nearest = {.wanted = name};
    const char *known = "";
    for (int i = 0; i < count; i++) {
        lg_nearest_consider(&nearest, models[i].name);
        known = lg_format(arena, "%s%s%s", known, i ? ", " : "", models[i].name);
    }
    const char *guess =
        nearest.name ? lg_format(arena, "; did you mean \"%s\"?", nearest.name) : ";";
    lg_error_at(diag, (lg_location){spec, 0, 0},
                "there is no model \"%s\"%s There are: %s; or name a file, ./my_net.c or my_net.ir",
                name, guess, known);
    lg_arena_free(arena);
}

lg_module *lg_model_from_spec(int count, const lg_model_info *models, const char *spec,
                              unsigned functions, const lg_training *training, lg_diag *diag)
{
    size_t length = strcspn(spec, ":");
    const char *options = spec[length] ? spec + length + 1 : NULL;
    for (int i = 0; i < count; i++)
        if (strlen(models[i].name) == length && strncmp(models[i].name, spec, length) == 0)
            return lg_model_instantiate(&models[i], options, spec, functions, training, diag);
    char *name = strndup(spec, length);
    if (name)
        unknown_model(count, models, name, spec, diag);
    free(name);
    return NULL;
}
