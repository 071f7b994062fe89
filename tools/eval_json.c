// The schema stands in docs/training.md. What cannot be computed is null, with the reason beside it
// as "missing".
#include "tools/eval_report.h"

#include <jansson.h>
#include <math.h>

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *count(size_t value)
{
    return json_integer((json_int_t)value);
}

// NULL is null; what is no UTF-8 (a path may be anything) is told as such.
static json_t *text(const char *value)
{
    json_t *string = value ? json_string(value) : json_null();
    return string ? string : json_string("(not UTF-8)");
}

static void add_class_scores(json_t *object, const lg_class_scores *scores)
{
    for (int k = 0; k < LG_CLASS_SCORES; k++)
        json_object_set_new(object, lg_class_score_name(k), number(scores->score[k]));
}

static json_t *class_scores(const lg_class_scores *scores)
{
    json_t *object = json_object();
    add_class_scores(object, scores);
    return object;
}

// ---- parsing

static json_t *groups(const lg_model_scores *s)
{
    json_t *array = json_array();
    for (int g = 0; g < LG_NODE_GROUPS; g++) {
        const lg_node_group *group = lg_node_group_at(g);
        json_t *object = json_object();
        json_object_set_new(object, "name", text(group->name));
        json_object_set_new(object, "first_node", json_integer(group->first));
        json_object_set_new(object, "nodes", json_integer(group->count));
        add_class_scores(object, &s->parsing.groups[g]);
        if (!*s->why_majority)
            json_object_set_new(object, "majority", class_scores(&s->majority.groups[g]));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *nodes(const lg_model_scores *s)
{
    json_t *array = json_array();
    for (int i = 0; i < LG_NODES; i++) {
        char name[40], title[64];
        const uint64_t(*n)[2] = s->parsing.confusion[i].count;
        json_t *object = json_object();
        json_object_set_new(object, "node", json_integer(i));
        json_object_set_new(object, "name", text(lg_node_name(i, name)));
        json_object_set_new(object, "title", text(lg_node_title(i, title)));
        json_object_set_new(object, "support", count((size_t)(n[1][0] + n[1][1])));
        json_object_set_new(object, "predicted", count((size_t)(n[0][1] + n[1][1])));
        add_class_scores(object, &s->parsing.nodes[i]);
        if (!*s->why_majority)
            json_object_set_new(object, "majority", class_scores(&s->majority.nodes[i]));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *l1_mean(const lg_l1 *l1, int value)
{
    double mean;
    return lg_l1_mean(l1, value, &mean) ? number(mean) : json_null();
}

static json_t *continuous(const lg_model_scores *s)
{
    json_t *object = json_object(), *values = json_array();
    const lg_parsing_scores *p = &s->parsing;
    json_object_set_new(object, "from", text(s->has_regression ? "regression" : "intervals"));
    json_object_set_new(object, "l1", l1_mean(&p->l1, -1));
    if (!*s->why_majority)
        json_object_set_new(object, "median_l1", l1_mean(&s->majority.l1, -1));
    for (int i = 0; i < LG_CONTINUOUS_VALUES; i++) {
        json_t *value = json_object();
        json_object_set_new(value, "name", text(lg_architecture_column(i)));
        json_object_set_new(value, "images", count((size_t)p->l1.count[i]));
        json_object_set_new(value, "l1", l1_mean(&p->l1, i));
        if (!*s->why_majority)
            json_object_set_new(value, "median_l1", l1_mean(&s->majority.l1, i));
        json_object_set_new(value, "interval_accuracy",
                            number((double)p->interval_hits[i] / (double)p->images));
        json_array_append_new(values, value);
    }
    json_object_set_new(object, "values", values);
    return object;
}

static json_t *choices(const lg_model_scores *s)
{
    json_t *array = json_array();
    double images = (double)s->parsing.images;
    for (int i = 0; i < LG_DISCRETE_VALUES; i++) {
        json_t *object = json_object();
        json_object_set_new(object, "name", text(lg_architecture_column(LG_CONTINUOUS_VALUES + i)));
        json_object_set_new(object, "accuracy", number((double)s->parsing.choice_hits[i] / images));
        if (!*s->why_majority)
            json_object_set_new(object, "majority",
                                number((double)s->majority.choice_hits[i] / images));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *missing(const char *why)
{
    json_t *object = json_object();
    json_object_set_new(object, "missing", text(why));
    return object;
}

static json_t *parsing(const lg_model_scores *s)
{
    if (s->parsing.images == 0)
        return missing("there are no generated images");
    json_t *object = json_object();
    json_object_set_new(object, "node_loss", number(s->parsing.node_loss));
    json_object_set_new(object, "validation_loss", number(s->parsing.validation_loss));
    json_object_set_new(object, "groups", groups(s));
    json_object_set_new(object, "nodes", nodes(s));
    json_object_set_new(object, "continuous", continuous(s));
    json_object_set_new(object, "choices", choices(s));
    if (*s->why_majority)
        json_object_set_new(object, "majority_missing", text(s->why_majority));
    return object;
}

// ---- rankings

static json_t *ranking(const lg_ranking_scores *r)
{
    json_t *object = r->curve ? json_object() : missing(r->why);
    json_object_set_new(object, "auc", r->curve ? number(r->auc) : json_null());
    json_object_set_new(object, "average_precision",
                        r->curve ? number(r->average_precision) : json_null());
    json_object_set_new(object, "accuracy", r->has_accuracy ? number(r->accuracy) : json_null());
    json_object_set_new(object, "threshold", r->has_accuracy ? number(r->threshold) : json_null());
    if (r->curve && !r->has_accuracy)
        json_object_set_new(object, "accuracy_missing", text(r->why_accuracy));
    return object;
}

static json_t *detection(const lg_model_scores *s)
{
    json_t *object = ranking(&s->detection);
    json_object_set_new(object, "loss", number(s->real_fake_loss));
    json_object_set_new(object, "majority", number(s->detection_majority));
    json_object_set_new(object, "real_called_fake", count(s->reals_called_fake));
    return object;
}

static json_t *similarity(const double *values, size_t models)
{
    json_t *array = json_array();
    for (size_t i = 0; i < models; i++) {
        json_t *row = json_array();
        for (size_t j = 0; j < models; j++)
            json_array_append_new(row, number(values[i * models + j]));
        json_array_append_new(array, row);
    }
    return array;
}

static json_t *attacks(const lg_eval_report *r)
{
    json_t *object = json_object(), *array = json_array();
    const lg_model_scores *s = r->scores;
    json_object_set_new(object, "seed", json_integer((json_int_t)r->seed));
    for (int k = 0; k < LG_REPRESENTATIONS; k++) {
        const lg_attack_scores *a = &s->attacks[k];
        json_t *row = ranking(&a->ranking);
        json_object_set_new(row, "name", text(lg_representation_name(k)));
        json_object_set_new(row, "pairs", count(a->pairs));
        json_object_set_new(row, "training_pairs", count(a->training_pairs));
        json_object_set_new(row, "similarity",
                            a->similarity ? similarity(a->similarity, s->model_count)
                                          : json_null());
        json_array_append_new(array, row);
    }
    json_object_set_new(object, "representations", array);
    return object;
}

// ---- all of it

static json_t *models(const lg_eval_report *r)
{
    json_t *array = json_array();
    for (size_t i = 0; i < r->scores->model_count; i++) {
        const lg_evaluated_model *m = &r->scores->models[i];
        json_t *object = json_object();
        json_object_set_new(object, "name", text(r->dataset->table->models[m->row].name));
        json_object_set_new(object, "images", count(m->images));
        json_object_set_new(object, "node_accuracy",
                            number((double)m->right_nodes / (double)(m->images * LG_NODES)));
        json_object_set_new(object, "called_fake", count(m->called_fake));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *images(const lg_model_scores *s)
{
    json_t *object = json_object(), *broken = json_array();
    json_object_set_new(object, "generated", count(s->fakes));
    json_object_set_new(object, "real", count(s->reals));
    for (size_t i = 0; i < s->broken_count; i++)
        json_array_append_new(broken, text(s->broken[i]));
    json_object_set_new(object, "left_out", broken);
    return object;
}

void lg_eval_print_json(const void *report, FILE *out)
{
    const lg_eval_report *r = report;
    json_t *root = json_object();
    json_object_set_new(root, "format", text("lgpnc-eval"));
    json_object_set_new(root, "version", json_integer(1));
    json_object_set_new(root, "model", text(r->model));
    json_object_set_new(root, "weights", text(r->weights));
    json_object_set_new(root, "data", text(r->data));
    json_object_set_new(root, "real", text(r->real));
    json_object_set_new(root, "fold", json_integer(r->dataset->fold));
    json_object_set_new(root, "split", text(r->split));
    json_object_set_new(root, "batch_size", json_integer(r->batch));
    json_object_set_new(root, "images", images(r->scores));
    json_object_set_new(root, "models", models(r));
    json_object_set_new(root, "parsing", parsing(r->scores));
    json_object_set_new(root, "detection", detection(r->scores));
    json_object_set_new(root, "coordinated_attacks", attacks(r));
    json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    fputc('\n', out);
    json_decref(root);
}
