#define LG_NO_SHORT_NAMES
#include "tools/zoo_plan.h"

#include "models/models.h"
#include "runtime/cooccurrence.h"
#include "runtime/random.h"
#include "tools/zoo_labels.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char prefix[] = "zoo-"; // of the models' names in models/models.def

enum { MOST_FAMILIES = 32, MOST_DRAWS = 4000 };

// What trains within a minute and does not die on the way: gradients get through a plain stack of
// some layers, and through fewer sigmoids. FLOPs are those of @infer a pixel.
enum { MOST_CONV_PLAIN = 12, MOST_CONV_SIGMOID = 9, MOST_CONV_NO_NORM = 24 };
static const double most_flops = 80e3;

typedef struct drawing {
    const lg_zoo_choice *choice;
    const lg_model_info *families[MOST_FAMILIES];
    int family_count;
    lg_zoo_plan *plan;
    int drawn; // networks of the plan so far, all attempts
    uint8_t (*labels)[LG_NODES];
    lg_diag *diag;
} drawing;

// ---- one network

static int count_choices(const char *choices)
{
    int count = 1;
    for (; *choices; choices++)
        count += *choices == '|';
    return count;
}

static void print_choice(const char *choices, uint64_t index, FILE *out)
{
    while (index-- > 0)
        choices = strchr(choices, '|') + 1;
    fwrite(choices, 1, strcspn(choices, "|"), out);
}

// The options that make a network deep enough for the second interval of its numbers of layers,
// each of the last `among` of its choices; what else a deep one needs to be trained at all.
static const struct {
    const char *option;
    uint64_t among;
} deep_options[] = {{"blocks", 2}, {"layers", 1}, {"skip", 1}};

static uint64_t draw_choice(const lg_model_option *option, bool deep, lg_random *random)
{
    uint64_t count = (uint64_t)count_choices(option->choices);
    for (size_t i = 0; deep && i < sizeof deep_options / sizeof *deep_options; i++)
        if (strcmp(option->name, deep_options[i].option) == 0)
            return count - 1 - lg_random_below(random, deep_options[i].among);
    return lg_random_below(random, count);
}

static char *draw_spec(const drawing *d, const lg_model_info *info, bool deep, lg_random *random)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    if (!out)
        return NULL;
    fprintf(out, "%s:image=%d,batch=%d", info->name, d->choice->size, d->choice->batch);
    for (int i = 0; i < LG_MAX_OPTIONS && info->options[i].name; i++) {
        const lg_model_option *option = &info->options[i];
        if (!option->choices)
            continue;
        fprintf(out, ",%s=", option->name);
        print_choice(option->choices, draw_choice(option, deep, random), out);
    }
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

static int64_t value_of(const lg_model_facts *facts, const char *column)
{
    for (int i = 0; i < LG_ARCHITECTURE_VALUES; i++)
        if (strcmp(lg_architecture_column(i), column) == 0)
            return facts->architecture[i];
    return 0;
}

static bool has_loss(const lg_model_facts *facts, const char *column)
{
    for (int i = 0; i < LG_LOSSES; i++)
        if (strcmp(lg_loss_column(i), column) == 0)
            return facts->losses[i];
    return false;
}

static bool can_be_trained(const drawing *d, const lg_zoo_network *n)
{
    const lg_model_facts *f = &n->facts;
    enum { SIGMOID = 3, NO_NORM = 3 };
    int64_t convs = value_of(f, "conv_layers");
    double pixels = (double)d->choice->batch * d->choice->size * d->choice->size;
    if (n->flops > most_flops * pixels)
        return false;
    if (!value_of(f, "skip") && convs > MOST_CONV_PLAIN)
        return false;
    if (value_of(f, "act_block") == SIGMOID && convs > MOST_CONV_SIGMOID)
        return false;
    return value_of(f, "norm_type") != NO_NORM || convs <= MOST_CONV_NO_NORM;
}

// A likelihood of 0 and 1 wants an image between them. A gradient penalty on top of a network that
// maps images to images takes ten times as long as any other model.
static bool losses_fit(const lg_model_facts *f)
{
    if (has_loss(f, "loss_wgan") && (has_loss(f, "loss_l1") || has_loss(f, "loss_l2") ||
                                     has_loss(f, "loss_mse") || has_loss(f, "loss_ce")))
        return false;
    enum { TANH = 1, SIGMOID_LAST = 3, NO_LAST = 5 };
    int64_t last = value_of(f, "act_last");
    return !has_loss(f, "loss_ce") || last == TANH || last == SIGMOID_LAST || last == NO_LAST;
}

typedef bool labels_reader(const lg_module *module, lg_model_facts *facts, lg_diag *diag);

// Builds one function of the spec and reads it; false if it is none. Options are drawn one by one,
// so some combinations are no network: what is said of those is not for the user.
static bool read_function(lg_zoo_network *n, lg_model_function function, labels_reader *read)
{
    lg_diag *diag = lg_diag_new();
    lg_module *module = lg_model_build(n->spec, function, NULL, diag);
    bool good = module && read(module, &n->facts, diag);
    if (good && function == LG_MODEL_INFER)
        n->flops = lg_function_flops(lg_module_function(module, "infer"));
    lg_module_free(module);
    lg_diag_free(diag);
    return good;
}

// The larger function, which has the losses, is built only for what may be taken.
static bool read_network(const drawing *d, lg_zoo_network *n)
{
    return read_function(n, LG_MODEL_INFER, lg_zoo_architecture) && can_be_trained(d, n) &&
           read_function(n, LG_MODEL_TRAIN_STEP, lg_zoo_losses) && losses_fit(&n->facts);
}

static bool is_new(drawing *d, const lg_zoo_network *n)
{
    uint8_t *labels = d->labels[d->drawn];
    lg_node_labels(&n->facts, labels);
    for (int i = 0; i < d->drawn; i++)
        if (memcmp(d->labels[i], labels, LG_NODES) == 0)
            return false;
    return true;
}

static bool draw_network(drawing *d, const lg_model_info *info, bool deep, lg_random *random,
                         lg_zoo_network *n)
{
    for (int i = 0; i < MOST_DRAWS; i++) {
        n->spec = draw_spec(d, info, deep, random);
        if (!n->spec)
            return lg_error_at(d->diag, (lg_location){0}, "no memory");
        if (read_network(d, n) && is_new(d, n)) {
            d->drawn++;
            return true;
        }
        free(n->spec);
        n->spec = NULL;
    }
    return lg_error_at(d->diag, (lg_location){0},
                       "%d models are too many: no more distinct ones of the family %s were found",
                       d->choice->models, info->name + strlen(prefix));
}

// ---- all of them

static void find_families(drawing *d)
{
    const lg_model_info *info;
    for (int i = 0; (info = lg_model_at(i)) && d->family_count < MOST_FAMILIES; i++)
        if (strncmp(info->name, prefix, strlen(prefix)) == 0)
            d->families[d->family_count++] = info;
}

// Folds are dealt family by family, so that each has its share of every family.
static void deal_folds(drawing *d)
{
    int dealt = 0;
    for (int f = 0; f < d->family_count; f++)
        for (int i = f; i < d->plan->count; i += d->family_count)
            d->plan->models[i].fold = dealt++ % LG_TEST_SETS + 1;
}

// Drawn alone, hardly one in a hundred would be deep. A quarter of each family is, but for its
// first two models, in a fold that differs from family to family; none where the maps of a small
// image are still too large a part of it for so many layers.
static bool is_deep(const drawing *d, int model)
{
    enum { LEAST_SIZE = 64 };
    if (d->choice->size < LEAST_SIZE)
        return false;
    int family = model % d->family_count, place = model / d->family_count;
    return place >= 2 && (place + family) % LG_TEST_SETS == LG_TEST_SETS - 1;
}

// All first networks before any substitute: how many those are does not change the models.
static bool draw_all(drawing *d)
{
    for (int attempt = 0; attempt < LG_ZOO_ATTEMPTS; attempt++)
        for (int i = 0; i < d->plan->count; i++) {
            const lg_model_info *info = d->families[i % d->family_count];
            lg_zoo_model *model = &d->plan->models[i];
            lg_random random = lg_random_start(
                d->choice->seed, (uint64_t)attempt * LG_ZOO_MOST_MODELS + (uint64_t)i);
            model->family = info->name + strlen(prefix);
            snprintf(model->name, sizeof model->name, "%s_%02d", model->family,
                     i / d->family_count + 1);
            if (!draw_network(d, info, is_deep(d, i), &random, &model->attempts[attempt]))
                return false;
        }
    deal_folds(d);
    return true;
}

bool lg_zoo_plan_draw(lg_zoo_plan *plan, const lg_zoo_choice *choice, lg_diag *diag)
{
    drawing d = {.choice = choice, .plan = plan, .diag = diag};
    size_t networks = (size_t)choice->models * LG_ZOO_ATTEMPTS;
    *plan = (lg_zoo_plan){0};
    find_families(&d);
    assert(d.family_count > 0 && "the table of models has families");
    plan->models = calloc((size_t)choice->models, sizeof *plan->models);
    d.labels = calloc(networks + 1, sizeof *d.labels);
    bool good = plan->models && d.labels;
    if (good)
        plan->count = choice->models;
    good = good ? draw_all(&d) : lg_error_at(diag, (lg_location){0}, "no memory");
    free(d.labels);
    return good;
}

void lg_zoo_plan_free(lg_zoo_plan *plan)
{
    for (int i = 0; i < plan->count; i++)
        for (int a = 0; a < LG_ZOO_ATTEMPTS; a++)
            free(plan->models[i].attempts[a].spec);
    free(plan->models);
    *plan = (lg_zoo_plan){0};
}
