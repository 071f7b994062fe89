// One table says which member of the struct is which member of the JSON object. Reals keep 17
// digits, enough for the same double; JSON has no infinity, so a missing member stands for it.
#include "runtime/training_state.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

enum { FORMAT = 1, LARGEST_COUNT_BITS = 53 };

typedef struct count_row {
    const char *name;
    size_t offset;
} count_row;

static const count_row counts[] = {
    {"epoch", offsetof(lg_training_state, epoch)},
    {"batch", offsetof(lg_training_state, batch)},
    {"steps", offsetof(lg_training_state, steps)},
    {"skipped_batches", offsetof(lg_training_state, skipped)},
    {"best_epoch", offsetof(lg_training_state, best_epoch)},
    {"epoch_steps", offsetof(lg_training_state, epoch_steps)},
    {"log_bytes", offsetof(lg_training_state, log_bytes)},
};

typedef struct real_row {
    const char *name;
    size_t offset;
    bool may_be_missing; // infinity
} real_row;

static const real_row reals[] = {
    {"best_loss", offsetof(lg_training_state, best_loss), true},
    {"base_learning_rate", offsetof(lg_training_state, rate.base), false},
    {"learning_rate", offsetof(lg_training_state, rate.rate), false},
    {"plateau_best", offsetof(lg_training_state, rate.best), true},
};

enum {
    COUNTS = (int)(sizeof counts / sizeof *counts),
    REALS = (int)(sizeof reals / sizeof *reals)
};

static void *field_at(const lg_training_state *state, size_t offset)
{
    return (char *)(uintptr_t)state + offset;
}

static int64_t *count_at(const lg_training_state *state, int row)
{
    return field_at(state, counts[row].offset);
}

static double *real_at(const lg_training_state *state, int row)
{
    return field_at(state, reals[row].offset);
}

lg_training_state lg_training_state_new(lg_schedule schedule, double learning_rate)
{
    return (lg_training_state){.best_loss = (double)INFINITY,
                               .rate = lg_learning_rate_new(schedule, learning_rate)};
}

// ---- printing

static json_t *progress_of(const lg_training_state *state)
{
    json_t *progress = json_object(), *losses = json_array();
    for (int i = 0; i < COUNTS; i++)
        json_object_set_new(progress, counts[i].name, json_integer(*count_at(state, i)));
    for (int i = 0; i < REALS; i++)
        if (isfinite(*real_at(state, i)))
            json_object_set_new(progress, reals[i].name, json_real(*real_at(state, i)));
    json_object_set_new(progress, "plateau_bad_epochs", json_integer(state->rate.bad_epochs));
    json_object_set_new(progress, "schedule", json_string(lg_schedule_name(state->rate.schedule)));
    for (int i = 0; i < LG_MOST_LOSSES; i++)
        json_array_append_new(losses, json_real(state->epoch_losses[i]));
    json_object_set_new(progress, "epoch_losses", losses);
    return progress;
}

char *lg_training_state_print(const lg_training_state *state, const lg_metadata *options,
                              size_t option_count)
{
    json_t *all = json_object(), *given = json_object();
    bool good = all && given;
    for (size_t i = 0; good && i < option_count; i++)
        good = json_object_set_new(given, options[i].key, json_string(options[i].value)) == 0;
    good = json_object_set_new(all, "format", json_integer(FORMAT)) == 0 && good;
    good = json_object_set_new(all, "progress", progress_of(state)) == 0 && good;
    good = json_object_set_new(all, "options", given) == 0 && good;
    char *text = good ? json_dumps(all, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(all);
    return text;
}

// ---- parsing

static bool read_counts(const json_t *progress, lg_training_state *state)
{
    for (int i = 0; i < COUNTS; i++) {
        const json_t *value = json_object_get(progress, counts[i].name);
        json_int_t count = json_is_integer(value) ? json_integer_value(value) : -1;
        if (count < 0 || count > (json_int_t)1 << LARGEST_COUNT_BITS)
            return false;
        *count_at(state, i) = count;
    }
    return true;
}

static bool read_reals(const json_t *progress, lg_training_state *state)
{
    for (int i = 0; i < REALS; i++) {
        const json_t *value = json_object_get(progress, reals[i].name);
        if (value ? !json_is_number(value) : !reals[i].may_be_missing)
            return false;
        *real_at(state, i) = value ? json_number_value(value) : (double)INFINITY;
    }
    return true;
}

static bool read_rest(const json_t *progress, lg_training_state *state)
{
    const json_t *bad = json_object_get(progress, "plateau_bad_epochs");
    const json_t *losses = json_object_get(progress, "epoch_losses");
    const char *schedule = json_string_value(json_object_get(progress, "schedule"));
    if (!json_is_integer(bad) || json_integer_value(bad) < 0 || json_integer_value(bad) > 1000 ||
        !schedule || json_array_size(losses) != LG_MOST_LOSSES)
        return false;
    state->rate.bad_epochs = (int)json_integer_value(bad);
    state->rate.schedule = lg_schedule_find(schedule);
    for (size_t i = 0; i < LG_MOST_LOSSES; i++) {
        if (!json_is_number(json_array_get(losses, i)))
            return false;
        state->epoch_losses[i] = json_number_value(json_array_get(losses, i));
    }
    return state->rate.schedule != LG_SCHEDULES;
}

bool lg_training_state_parse(const char *text, const char *name, lg_training_state *state,
                             lg_error *e)
{
    json_t *all = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const json_t *progress = json_object_get(all, "progress");
    const json_t *format = json_object_get(all, "format");
    lg_training_state read = {0};
    bool good = json_is_integer(format) && json_is_object(progress);
    if (!good)
        lg_fail(e, "%s: does not say how far a training has come", name);
    else if (json_integer_value(format) != FORMAT)
        good = lg_fail(e, "%s: its training is of format %lld, this program reads %d", name,
                       (long long)json_integer_value(format), FORMAT);
    else if (!read_counts(progress, &read) || !read_reals(progress, &read) ||
             !read_rest(progress, &read))
        good = lg_fail(e, "%s: what it says of its training cannot be", name);
    json_decref(all);
    if (good)
        *state = read;
    return good;
}

char *lg_training_option(const char *text, const char *key)
{
    json_t *all = json_loads(text, 0, NULL);
    const char *value = json_string_value(json_object_get(json_object_get(all, "options"), key));
    char *copy = value ? strdup(value) : NULL;
    json_decref(all);
    return copy;
}
