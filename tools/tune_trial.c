#include "tools/tune_trial.h"

#include "tools/cli.h"

#include <stdlib.h>

enum { SEED = 1 };

static bool allocate(lg_trial *t, lg_diag *diag)
{
    uint32_t inputs = t->entry->input_count, count = inputs + t->entry->output_count;
    t->tensors = calloc(count + 1, sizeof(lg_tensor *));
    t->data = calloc(count + 1, sizeof(void *));
    t->seconds = calloc(t->entry->launch_count + 1, sizeof(double));
    if (!t->tensors || !t->data || !t->seconds)
        return lg_error_at(diag, (lg_location){0}, "no memory");
    for (uint32_t i = 0; i < count; i++) {
        const lg_tensor_desc *desc =
            i < inputs ? &t->entry->inputs[i] : &t->entry->outputs[i - inputs];
        t->tensors[i] = lg_random_tensor(desc, SEED, diag);
        if (!t->tensors[i])
            return false;
        t->data[i] = t->tensors[i]->data;
    }
    return true;
}

bool lg_trial_open(lg_trial *t, const char *spec, const char *weights, int threads,
                   const lg_compile_options *options, const lg_choices *choices, lg_diag *diag)
{
    *t = (lg_trial){.choices = *choices};
    lg_compile_options own = *options;
    own.choices = &t->choices;
    if (!lg_session_open_random(&t->session, spec, weights, SEED, threads, &own, NULL, diag))
        return false;
    t->entry = t->session.entry;
    t->launches = lg_program_entry(t->session.compilation.program, t->entry->name);
    return allocate(t, diag);
}

bool lg_trial_run(lg_trial *t, lg_diag *diag)
{
    lg_error error;
    lg_timing timing;
    lg_timing_init(&timing, &t->session.threads.parallel, t->seconds, t->entry->launch_count);
    return lg_model_call(t->session.model, t->entry, (const void *const *)t->data,
                         t->data + t->entry->input_count, &timing.parallel, &error) ||
           lg_cli_fail(diag, &error);
}

void lg_trial_close(lg_trial *t)
{
    for (uint32_t i = 0; t->tensors && i < t->entry->input_count + t->entry->output_count; i++)
        lg_tensor_free(t->tensors[i]);
    free(t->tensors);
    free(t->data);
    free(t->seconds);
    lg_session_close(&t->session);
    *t = (lg_trial){0};
}

const char *lg_trial_key(const lg_trial *t, int i)
{
    return t->launches->launches.items[i].kernel->key;
}

const char *lg_trial_choice(const lg_trial *t, int i)
{
    return t->launches->launches.items[i].kernel->choice;
}
