// Two passes over images: the samples, where everything is counted, and then the images of the
// training models that the threshold of coordinated attacks needs.
#include "runtime/evaluation.h"

#include "runtime/inference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAKE_THRESHOLD 0.5

typedef struct evaluating {
    const lg_evaluation_options *options;
    lg_model_scores *result;
    lg_lgpn lgpn;
    lg_parsed_nodes *truth;     // by row of the table
    lg_evaluated_model *models; // by row of the table
    lg_parsed_nodes majority;
    lg_scored *scored; // p(fake) of the images so far
    double batch_loss; // node cross entropy of the generated images of this batch
    size_t batch_fakes, batches;
    lg_attack_set *attacks, *training; // NULL: not wanted
    size_t broken_room;
    size_t done, total; // before this pass, and of all
} evaluating;

// ---- an image

static bool check_finite(const evaluating *v, const lg_inferred *image, lg_error *e)
{
    for (int k = 0; k < LG_LGPN_OUTPUTS; k++)
        if (image->output[k] &&
            lg_floats_first_nonfinite(image->output[k], v->lgpn.width[k]) < v->lgpn.width[k])
            return lg_fail(e, "%s: what the model says of it is not finite: the weights are broken",
                           image->of->path);
    return true;
}

static double clip(double x)
{
    return fmin(fmax(x, 0), 1);
}

static double node_losses(const float *logits, const bool *truth)
{
    double sum = 0;
    for (int i = 0; i < LG_NODES; i++)
        sum += lg_cross_entropy_of_two(logits + 2 * (size_t)i, truth[i]);
    return sum;
}

static bool add_generated(evaluating *v, const lg_inferred *image, lg_error *e)
{
    lg_model_scores *r = v->result;
    lg_parsed_nodes said;
    const lg_parsed_nodes *truth = &v->truth[image->of->model];
    lg_evaluated_model *model = &v->models[image->of->model];
    const float *logits = image->output[LG_LGPN_NODE_LOGITS];
    const float *regressed = image->output[LG_LGPN_CONTINUOUS];
    if (!lg_parse_nodes(logits, &said, e))
        return lg_fail_prefix(e, "%s: ", image->of->path);
    for (int i = 0; regressed && i < LG_CONTINUOUS_VALUES; i++)
        said.values[i] = clip((double)regressed[i]);
    lg_parsing_add(&r->parsing, &said, truth);
    if (!*r->why_majority)
        lg_parsing_add(&r->majority, &v->majority, truth);
    double loss = node_losses(logits, truth->nodes);
    r->parsing.node_loss += loss;
    v->batch_loss += loss;
    v->batch_fakes++;
    model->images++;
    for (int i = 0; i < LG_NODES; i++)
        model->right_nodes += said.nodes[i] == truth->nodes[i];
    return !v->attacks || lg_attack_set_add(v->attacks, image, e);
}

// A batch without generated images has no node loss.
static void end_batch(evaluating *v)
{
    if (v->batch_fakes > 0) {
        v->result->parsing.validation_loss += v->batch_loss / (double)v->batch_fakes;
        v->batches++;
    }
    v->batch_loss = 0;
    v->batch_fakes = 0;
}

static bool visit_sample(void *context, const lg_inferred *image, lg_error *e)
{
    evaluating *v = context;
    lg_model_scores *r = v->result;
    bool fake = image->of->model != LG_REAL;
    if (!check_finite(v, image, e) || (fake && !add_generated(v, image, e)))
        return false;
    const float *logits = image->output[LG_LGPN_REAL_FAKE];
    double p = lg_probability_of_second(logits);
    v->scored[r->images++] = (lg_scored){p, fake};
    r->real_fake_loss += lg_cross_entropy_of_two(logits, fake);
    r->fakes += fake;
    r->reals += !fake;
    if (fake)
        v->models[image->of->model].called_fake += p >= FAKE_THRESHOLD;
    else
        r->reals_called_fake += p >= FAKE_THRESHOLD;
    if (image->ends_batch)
        end_batch(v);
    return true;
}

static bool visit_training(void *context, const lg_inferred *image, lg_error *e)
{
    evaluating *v = context;
    return check_finite(v, image, e) && lg_attack_set_add(v->training, image, e);
}

static bool add_broken(void *context, const char *reason, lg_error *e)
{
    evaluating *v = context;
    lg_model_scores *r = v->result;
    if (r->broken_count == v->broken_room) {
        size_t room = 2 * v->broken_room + 16;
        char **more = realloc(r->broken, room * sizeof *more);
        if (!more)
            return lg_fail(e, "not enough memory");
        r->broken = more;
        v->broken_room = room;
    }
    r->broken[r->broken_count] = strdup(reason);
    return r->broken[r->broken_count++] || lg_fail(e, "not enough memory");
}

static bool tell_progress(void *context, size_t done)
{
    const evaluating *v = context;
    const lg_evaluation_options *o = v->options;
    return !o->progress || o->progress(o->context, v->done + done, v->total);
}

// ---- passes

static bool infer(evaluating *v, const size_t *samples, size_t count,
                  bool (*visit)(void *, const lg_inferred *, lg_error *), lg_error *e)
{
    const lg_evaluation_options *o = v->options;
    const float *own = lg_lgpn_own_graph(&v->lgpn);
    const lg_inference inference = {.lgpn = &v->lgpn,
                                    .parallel = o->parallel,
                                    .dataset = o->dataset,
                                    .graph = o->graph ? o->graph
                                             : own    ? own
                                                      : o->dataset->graph,
                                    .workers = o->workers,
                                    .visit = visit,
                                    .broken = add_broken,
                                    .progress = tell_progress,
                                    .context = v};
    bool good = count == 0 || lg_infer_samples(&inference, samples, count, e);
    v->done += count;
    return good;
}

// Pairs of two seeds, so that sets of the same images do not give the same pairs.
static bool draw_attacks(evaluating *v, lg_error *e)
{
    const lg_evaluation_options *o = v->options;
    const lg_dataset *d = o->dataset;
    size_t more;
    v->total = o->count;
    if (o->pairs == 0)
        return true;
    v->attacks = lg_attack_set_new(d, o->samples, o->count, o->pairs, o->seed, &v->lgpn, e);
    if (v->attacks)
        v->training =
            lg_attack_set_new(d, d->train, d->train_count, o->pairs, o->seed + 1, &v->lgpn, e);
    if (!v->training)
        return false;
    lg_attack_set_samples(v->training, &more);
    v->total += more;
    return true;
}

static bool prepare(evaluating *v, lg_error *e)
{
    const lg_dataset *d = v->options->dataset;
    lg_error why;
    v->truth = calloc(d->table->count + 1, sizeof *v->truth);
    v->models = calloc(d->table->count + 1, sizeof *v->models);
    v->scored = calloc(v->options->count + 1, sizeof *v->scored);
    if (!v->truth || !v->models || !v->scored)
        return lg_fail(e, "not enough memory");
    for (size_t i = 0; i < d->table->count; i++) {
        lg_true_nodes(&d->models[i], &v->truth[i]);
        v->models[i].row = i;
    }
    lg_model_scores *r = v->result;
    if (!lg_majority_nodes(d, &v->majority, &why))
        snprintf(r->why_majority, sizeof r->why_majority, "%.159s", why.message);
    r->has_regression = v->lgpn.output[LG_LGPN_CONTINUOUS] != NULL;
    return draw_attacks(v, e);
}

// ---- scores

static bool list_models(evaluating *v, lg_error *e)
{
    lg_model_scores *r = v->result;
    r->models = calloc(v->options->dataset->table->count + 1, sizeof *r->models);
    if (!r->models)
        return lg_fail(e, "not enough memory");
    for (size_t i = 0; i < v->options->dataset->table->count; i++)
        if (v->models[i].images > 0)
            r->models[r->model_count++] = v->models[i];
    return true;
}

static void finish_counts(evaluating *v)
{
    lg_model_scores *r = v->result;
    lg_parsing_finish(&r->parsing);
    lg_parsing_finish(&r->majority);
    r->parsing.validation_loss /= (double)v->batches + 1;
    if (r->fakes > 0)
        r->parsing.node_loss /= (double)r->fakes;
    r->real_fake_loss /= (double)r->images;
    r->detection_majority = (double)(r->fakes > r->reals ? r->fakes : r->reals) / (double)r->images;
    lg_ranking_scores_make(&r->detection, v->scored, r->images);
    lg_ranking_scores_cut(&r->detection, v->scored, r->images, FAKE_THRESHOLD);
}

static bool add_similarity(evaluating *v, int representation, lg_error *e)
{
    lg_model_scores *r = v->result;
    size_t *rows = calloc(r->model_count + 1, sizeof *rows);
    double *similarity = calloc(r->model_count * r->model_count + 1, sizeof *similarity);
    if (!rows || !similarity) {
        free(rows);
        free(similarity);
        return lg_fail(e, "not enough memory");
    }
    for (size_t i = 0; i < r->model_count; i++)
        rows[i] = r->models[i].row;
    if (!lg_attack_similarity(v->attacks, rows, r->model_count, representation, similarity)) {
        free(similarity);
        similarity = NULL;
    }
    r->attacks[representation].similarity = similarity;
    free(rows);
    return true;
}

static bool score_attacks(evaluating *v, lg_error *e)
{
    bool good = true;
    for (int k = 0; good && k < LG_REPRESENTATIONS; k++) {
        lg_attack_scores *scores = &v->result->attacks[k];
        if (v->attacks)
            good = lg_attack_rank(v->attacks, v->training, k, scores, e) && add_similarity(v, k, e);
        else
            lg_ranking_scores_none(&scores->ranking, "not asked for");
    }
    return good;
}

static bool evaluate(evaluating *v, lg_error *e)
{
    const lg_evaluation_options *o = v->options;
    size_t more = 0;
    if (!lg_lgpn_open(&v->lgpn, o->model, e))
        return false;
    if (o->count == 0)
        return lg_fail(e, "there are no images to evaluate");
    if (!prepare(v, e) || !infer(v, o->samples, o->count, visit_sample, e))
        return false;
    if (v->result->images == 0)
        return lg_fail(e, "no image can be read; the first: %s", v->result->broken[0]);
    const size_t *samples = v->training ? lg_attack_set_samples(v->training, &more) : NULL;
    if (!infer(v, samples, more, visit_training, e) || !list_models(v, e))
        return false;
    finish_counts(v);
    return score_attacks(v, e);
}

bool lg_evaluate_model(const lg_evaluation_options *options, lg_model_scores *result, lg_error *e)
{
    *result = (lg_model_scores){0};
    evaluating v = {.options = options, .result = result};
    bool good = evaluate(&v, e);
    lg_lgpn_close(&v.lgpn);
    lg_attack_set_free(v.attacks);
    lg_attack_set_free(v.training);
    free(v.truth);
    free(v.models);
    free(v.scored);
    return good;
}

void lg_model_scores_free(lg_model_scores *result)
{
    lg_ranking_scores_free(&result->detection);
    for (int k = 0; k < LG_REPRESENTATIONS; k++) {
        lg_ranking_scores_free(&result->attacks[k].ranking);
        free(result->attacks[k].similarity);
    }
    for (size_t i = 0; i < result->broken_count; i++)
        free(result->broken[i]);
    free(result->broken);
    free(result->models);
    *result = (lg_model_scores){0};
}
