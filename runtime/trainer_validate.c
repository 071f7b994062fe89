// Validation: the test set of the fold through @infer, with the weights as they are now.
#include "runtime/lgpn.h"
#include "runtime/trainer_internal.h"

#include <stdio.h>
#include <string.h>

static bool on_progress(void *context, size_t done, size_t total)
{
    const lg_trainer_options *o = context;
    const lg_training_listener *l = &o->listener;
    if (l->validating)
        l->validating(l->context, done, total);
    return !o->stop || !o->stop(o->stop_context);
}

// ---- pictures

// Outputs of @infer that are worth a look, of the first image.
static const char *const pictures[] = {"mm1", "mm2", "cg1", "cg2", "generated_graph"};

// Rows and columns of an output [rows,columns] or [batch,rows,columns]; false for any other.
static bool find_matrix(const lg_tensor_desc *desc, int *rows, int *columns)
{
    if (desc->dtype != LG_ABI_F32 || desc->rank < 2 || desc->rank > 3)
        return false;
    int64_t r = desc->shape[desc->rank - 2], c = desc->shape[desc->rank - 1];
    *rows = (int)r;
    *columns = (int)c;
    return r > 0 && r <= LG_NODES && c > 0 && c <= LG_NODES && desc->bytes > 0;
}

static bool log_picture(trainer *t, const lg_tensor_desc *desc, const float *values, lg_error *e)
{
    int rows, columns;
    char tag[64];
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++)
        if (strcmp(pictures[i], desc->name) == 0 && find_matrix(desc, &rows, &columns)) {
            snprintf(tag, sizeof tag, "matrix/%s", desc->name);
            return lg_training_log_matrix(t->log, tag, t->state->steps, values, rows, columns, e);
        }
    return true;
}

static bool log_pictures_of(trainer *t, const float *images, lg_error *e)
{
    lg_lgpn lgpn;
    bool good = lg_lgpn_open(&lgpn, t->o->model, e) &&
                lg_lgpn_run(&lgpn, images, t->o->dataset->graph, t->o->parallel, e);
    for (uint32_t i = 0; good && i < lgpn.infer->output_count; i++)
        good = log_picture(t, &lgpn.infer->outputs[i], lgpn.outputs[i], e);
    lg_lgpn_close(&lgpn);
    return good;
}

// Of the first batch of test images.
static bool log_pictures(trainer *t, lg_error *e)
{
    const lg_batch *batch;
    const lg_dataset *d = t->o->dataset;
    size_t count = d->test_count < (size_t)t->step.batch ? d->test_count : (size_t)t->step.batch;
    lg_batches *batches = lg_batches_open(&(lg_batches_options){.dataset = d,
                                                                .samples = d->test,
                                                                .count = count,
                                                                .order = LG_ORDER_GIVEN,
                                                                .batch = t->step.batch,
                                                                .size = t->step.size,
                                                                .workers = 1},
                                          e);
    bool good = batches && lg_batches_start(batches, 0, 0, 1, e);
    if (good) {
        lg_batch_status status = lg_batches_next(batches, &batch, e);
        good = status == LG_BATCH_END ||
               (status == LG_BATCH_READY && log_pictures_of(t, batch->images, e));
    }
    lg_batches_free(batches);
    return good && lg_training_log_matrix(t->log, "matrix/graph", t->state->steps, d->graph,
                                          LG_NODES, LG_NODES, e);
}

// ---- scores

static bool log_scores(trainer *t, const lg_model_scores *scores, lg_error *e)
{
    static const char *const groups[LG_NODE_GROUPS][2] = {
        {"f1_macro_losses", "accuracy_losses"},
        {"f1_macro_continuous", "accuracy_continuous"},
        {"f1_macro_codes", "accuracy_codes"}};
    lg_logged values[2 * LG_NODE_GROUPS + 4];
    size_t count = 0;
    values[count++] = (lg_logged){"node_loss", scores->parsing.node_loss};
    values[count++] = (lg_logged){"real_fake_loss", scores->real_fake_loss};
    for (int g = 0; g < LG_NODE_GROUPS; g++) {
        const lg_class_scores *of = &scores->parsing.groups[g];
        values[count++] = (lg_logged){groups[g][0], of->score[LG_F1_MACRO]};
        values[count++] = (lg_logged){groups[g][1], of->score[LG_ACCURACY]};
    }
    if (scores->detection.curve)
        values[count++] = (lg_logged){"real_fake_auc", scores->detection.auc};
    return lg_training_log_write(t->log, "validation", t->state->steps, t->state->epoch, values,
                                 count, e);
}

static bool evaluate(trainer *t, lg_model_scores *scores, lg_error *e)
{
    const lg_trainer_options *o = t->o;
    return lg_model_repack(o->model, o->parallel, e) &&
           lg_evaluate_model(&(lg_evaluation_options){.model = o->model,
                                                      .parallel = o->parallel,
                                                      .dataset = o->dataset,
                                                      .samples = o->dataset->test,
                                                      .count = o->dataset->test_count,
                                                      .seed = o->seed,
                                                      .workers = o->workers,
                                                      .progress = on_progress,
                                                      .context = (void *)o},
                             scores, e);
}

static bool judge(trainer *t, const lg_model_scores *scores, lg_error *e)
{
    const lg_training_listener *l = &t->o->listener;
    double loss = scores->parsing.node_loss;
    if (scores->parsing.images == 0)
        trainer_note(t, "the test set has no generated image that can be read: no validation loss");
    bool best = scores->parsing.images > 0 && loss < t->state->best_loss;
    if (scores->parsing.images > 0)
        lg_learning_rate_validated(&t->state->rate, loss);
    if (best) {
        t->state->best_loss = loss;
        t->state->best_epoch = t->state->epoch;
    }
    if (l->validated)
        l->validated(l->context, t->state, scores, best);
    return log_scores(t, scores, e) && (!best || trainer_save(t, "best.safetensors", e));
}

bool trainer_validate(trainer *t, lg_error *e)
{
    if (t->o->dataset->test_count == 0)
        return true;
    lg_model_scores scores = {0};
    bool good = evaluate(t, &scores, e) || lg_fail_prefix(e, "validation: ");
    good = good && judge(t, &scores, e);
    lg_model_scores_free(&scores);
    return good && log_pictures(t, e);
}
