#include "runtime/trainer.h"

#include "runtime/checkpoint.h"
#include "runtime/threads.h"
#include "runtime/trainer_internal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double SECONDS_BETWEEN_SAVES = 600, SECONDS_OF_RATE = 5;

void trainer_note(const trainer *t, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (t->o->listener.noted)
        t->o->listener.noted(t->o->listener.context, text);
}

// ---- checkpoints

bool trainer_save(trainer *t, const char *name, lg_error *e)
{
    char *path = NULL;
    t->state->log_bytes = lg_training_log_bytes(t->log);
    char *progress = lg_training_state_print(t->state, t->o->options, t->o->option_count);
    bool good = progress && asprintf(&path, "%s/%s", t->o->folder, name) >= 0
                    ? lg_checkpoint_save(t->o->model, path, progress, e)
                    : lg_fail(e, "%s: no memory for a checkpoint", t->o->folder);
    free(progress);
    free(path);
    return good;
}

static bool save_last(trainer *t, lg_error *e)
{
    t->saved_at = lg_now();
    if (!trainer_save(t, "last.safetensors", e))
        return lg_fail_prefix(e, "the checkpoint before this one is whole and stays: ");
    t->saved_steps = t->state->steps;
    return true;
}

static bool is_time_to_save(const trainer *t)
{
    if (t->o->save_every > 0)
        return t->state->steps % t->o->save_every == 0;
    return lg_now() - t->saved_at > SECONDS_BETWEEN_SAVES;
}

// ---- steps

static void tell_broken_images(trainer *t)
{
    size_t count;
    const lg_broken_image *broken = lg_batches_broken(t->batches, &count);
    for (; t->broken_told < count; t->broken_told++)
        trainer_note(t, "%s; another one takes its place", broken[t->broken_told].reason);
}

static bool log_step(trainer *t, double waited, lg_error *e)
{
    lg_logged values[LG_MOST_LOSSES + 3];
    size_t count = 0;
    for (int i = 0; i < t->step.loss_count; i++)
        values[count++] = (lg_logged){t->step.loss_names[i], (double)t->step.losses[i]};
    values[count++] = (lg_logged){"learning_rate", t->state->rate.rate};
    values[count++] = (lg_logged){"images_per_second", t->rate};
    values[count++] = (lg_logged){"wait_seconds", waited};
    return lg_training_log_write(t->log, "step", t->state->steps, t->state->epoch, values, count,
                                 e);
}

// Images a second over the last few seconds.
static void measure(trainer *t, int images)
{
    double now = lg_now(), seconds = now - t->since;
    t->images += images;
    if (seconds > 0)
        t->rate = t->images / seconds;
    if (seconds < SECONDS_OF_RATE)
        return;
    t->images /= 2; // half of what was seen keeps its weight
    t->since = now - seconds / 2;
}

static void forget_rate(trainer *t)
{
    t->images = 0;
    t->since = lg_now();
}

// Ran, with inspect_all, without a value that is not finite anywhere?
static bool is_clean(const trainer *t)
{
    return lg_train_step_is_finite(&t->step) &&
           (!t->o->inspect_all || !t->o->inspection.finding ||
            !t->o->inspection.finding(t->o->inspection.context));
}

static bool run_step(trainer *t, const lg_batch *batch, lg_error *e)
{
    const lg_inspection *inspection = &t->o->inspection;
    bool inspect = t->o->inspect_all && inspection->parallel;
    if (inspect)
        inspection->clear(inspection->context);
    if (!lg_train_step_run(&t->step, batch, t->o->dataset->graph, (float)t->state->rate.rate,
                           inspect ? inspection->parallel : t->o->parallel, e))
        return false;
    bool kept = !lg_train_step_is_finite(&t->step); // such a step writes nothing
    const char *param = kept ? NULL : lg_model_not_finite_param(t->o->model);
    if (param || !is_clean(t))
        return trainer_explain(t, batch, param, e);
    t->state->steps++;
    t->state->epoch_steps++;
    for (int i = 0; i < t->step.loss_count; i++)
        t->state->epoch_losses[i] += (double)t->step.losses[i];
    return true;
}

static lg_step_report report_of(const trainer *t)
{
    return (lg_step_report){.state = t->state,
                            .step = &t->step,
                            .epochs = t->o->epochs,
                            .batches = t->per_epoch,
                            .rate = t->rate};
}

static bool train_on(trainer *t, const lg_batch *batch, lg_error *e)
{
    const lg_training_listener *l = &t->o->listener;
    double before = t->waited;
    t->waited = lg_batches_statistics_of(t->batches).waited;
    if (batch->fakes == 0) {
        t->state->skipped++;
        t->state->batch = batch->index + 1;
        return true;
    }
    if (!run_step(t, batch, e))
        return false;
    t->state->batch = batch->index + 1;
    measure(t, batch->count);
    if (!log_step(t, t->waited - before, e))
        return false;
    if (l->stepped) {
        lg_step_report report = report_of(t);
        report.waited = t->waited - before;
        l->stepped(l->context, &report);
    }
    return !is_time_to_save(t) || save_last(t, e);
}

// ---- epochs

static void begin_epoch(trainer *t)
{
    if (lg_learning_rate_begin_epoch(&t->state->rate, t->state->epoch))
        lg_model_clear_params(t->o->model, "optimizer.");
    t->state->epoch_steps = 0;
    memset(t->state->epoch_losses, 0, sizeof t->state->epoch_losses);
}

static bool log_epoch(trainer *t, lg_error *e)
{
    const lg_training_listener *l = &t->o->listener;
    lg_step_report report = report_of(t);
    if (t->state->epoch_steps == 0) {
        trainer_note(t, "epoch %lld: no batch had a generated image, so there was no step",
                     (long long)t->state->epoch + 1);
        return true;
    }
    if (l->ended_epoch)
        l->ended_epoch(l->context, &report);
    lg_logged values[LG_MOST_LOSSES];
    double steps = (double)t->state->epoch_steps;
    for (int i = 0; i < t->step.loss_count; i++)
        values[i] = (lg_logged){t->step.loss_names[i], t->state->epoch_losses[i] / steps};
    return lg_training_log_write(t->log, "epoch", t->state->steps, t->state->epoch, values,
                                 (size_t)t->step.loss_count, e);
}

static bool is_asked_to_stop(const trainer *t)
{
    return t->o->stop && t->o->stop(t->o->stop_context);
}

// A validation that was interrupted is done again by whoever resumes: back to the end of the epoch.
static bool take_back(trainer *t, const lg_training_state *before, bool *stopped, lg_error *e)
{
    if (!is_asked_to_stop(t))
        return false; // it failed by itself
    *t->state = *before;
    *stopped = true;
    return lg_training_log_rewind(t->log, before->log_bytes, e) && save_last(t, e);
}

static bool end_epoch(trainer *t, bool *stopped, lg_error *e)
{
    lg_training_state before = *t->state;
    before.log_bytes = lg_training_log_bytes(t->log);
    if (!log_epoch(t, e))
        return false;
    t->state->epoch++;
    t->state->batch = 0;
    bool last = t->state->epoch >= t->o->epochs;
    if (t->o->validate_every > 0 && (last || t->state->epoch % t->o->validate_every == 0) &&
        !trainer_validate(t, e))
        return take_back(t, &before, stopped, e);
    forget_rate(t);
    return save_last(t, e);
}

// Trains to the end of the epoch. `*stopped`: saved before.
static bool train_epoch(trainer *t, bool *stopped, lg_error *e)
{
    const lg_batch *batch;
    if (t->state->batch == 0)
        begin_epoch(t);
    while (t->state->batch < t->per_epoch) {
        lg_batch_status status = lg_batches_next(t->batches, &batch, e);
        assert(status != LG_BATCH_END);
        if (status != LG_BATCH_READY)
            return false;
        assert(batch->epoch == t->state->epoch && batch->index == t->state->batch);
        tell_broken_images(t);
        if (!train_on(t, batch, e))
            return false;
        *stopped = is_asked_to_stop(t);
        if (*stopped)
            return save_last(t, e);
    }
    return end_epoch(t, stopped, e);
}

static bool start_batches(trainer *t, lg_error *e)
{
    return lg_batches_start(t->batches, t->state->epoch, t->state->batch, t->o->epochs, e);
}

static lg_training_end run(trainer *t, lg_error *e)
{
    bool whole_epochs = t->per_epoch == lg_batches_per_epoch(t->batches);
    for (bool first = true; t->state->epoch < t->o->epochs; first = false) {
        bool stopped = false;
        if ((first || !whole_epochs) && !start_batches(t, e))
            return LG_TRAINING_FAILED;
        if (!train_epoch(t, &stopped, e))
            return LG_TRAINING_FAILED;
        if (stopped || (is_asked_to_stop(t) && t->state->epoch < t->o->epochs))
            return LG_TRAINING_STOPPED;
    }
    return LG_TRAINING_DONE;
}

// The graph goes with what is trained: into its checkpoints, and into what is built of them.
static bool keep_graph(const trainer *t, lg_error *e)
{
    const lg_entry_desc *step = t->step.entry;
    int place = lg_tensor_desc_find(step->inputs, step->input_count, "graph");
    return place < 0 ||
           lg_model_set_input_value(t->o->model, &step->inputs[place], t->o->dataset->graph, e);
}

static bool open(trainer *t, lg_error *e)
{
    const lg_trainer_options *o = t->o;
    if (!lg_train_step_init(&t->step, o->model, e) || !keep_graph(t, e))
        return false;
    t->batches = lg_batches_open(&(lg_batches_options){.dataset = o->dataset,
                                                       .samples = o->dataset->train,
                                                       .count = o->dataset->train_count,
                                                       .order = o->order,
                                                       .seed = o->seed,
                                                       .batch = t->step.batch,
                                                       .size = t->step.size,
                                                       .workers = o->workers,
                                                       .cache_bytes = o->cache_bytes},
                                 e);
    if (!t->batches)
        return false;
    t->per_epoch = lg_batches_per_epoch(t->batches);
    if (o->most_batches > 0 && o->most_batches < t->per_epoch)
        t->per_epoch = o->most_batches;
    if (t->state->batch > t->per_epoch)
        return lg_fail(e, "%s: the checkpoint is at batch %lld of an epoch, which has %lld",
                       o->folder, (long long)t->state->batch, (long long)t->per_epoch);
    t->log = lg_training_log_open(o->folder, t->state->log_bytes, t->state->steps, e);
    return t->log && save_last(t, e);
}

lg_training_end lg_train(const lg_trainer_options *options, lg_training_state *state, lg_error *e)
{
    trainer t = {.o = options, .state = state, .saved_at = lg_now(), .since = lg_now()};
    lg_training_end end = open(&t, e) ? run(&t, e) : LG_TRAINING_FAILED;
    lg_training_log_close(t.log);
    lg_batches_free(t.batches);
    return end;
}
