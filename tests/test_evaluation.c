// A network whose answers are known, on images whose grey level says which answer to give: every
// score of an evaluation is counted by hand.
#include "runtime/evaluation.h"
#include "runtime/grey_png.h"
#include "runtime/threads.h"
#include "tests/support/temporary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

// ---- the network
//
// Of an image of grey level k:
//   nodes         all say no by 2, but node 2 (MSE) says yes from 100 on
//   real or fake  logits 0 and (k - 100) / 10
//   feature       (1,0) below 150, then (0,1)
//   node features all 1
// Intervals are thus always the first one, and no choice has a code. Level 255 breaks it.

enum { SIZE = 2, MOST_BATCH = 7, FEATURES = 2 };

static void answer(int level, float *real_fake, float *logits, float *feature, float *v)
{
    for (int j = 0; j < LG_NODES; j++) {
        bool yes = j == 2 && level >= 100;
        logits[2 * j] = yes ? -1 : 1;
        logits[2 * j + 1] = level == 255 ? NAN : -logits[2 * j];
        v[j] = 1;
    }
    real_fake[0] = 0;
    real_fake[1] = (float)(level - 100) / 10;
    feature[0] = level < 150;
    feature[1] = level >= 150;
}

static int run_batch(const lg_call *call, int batch)
{
    const float *images = call->inputs[0];
    for (int i = 0; i < batch; i++) {
        float value = images[i * SIZE * SIZE * 3];
        answer((int)lroundf((value + 1) * 127.5f), (float *)call->outputs[0] + (size_t)i * 2,
               (float *)call->outputs[1] + (size_t)i * 2 * LG_NODES,
               (float *)call->outputs[2] + (size_t)i * FEATURES,
               (float *)call->outputs[3] + (size_t)i * LG_NODES);
    }
    return 0;
}

static int run_1(const lg_call *call)
{
    return run_batch(call, 1);
}

static int run_3(const lg_call *call)
{
    return run_batch(call, 3);
}

static int run_7(const lg_call *call)
{
    return run_batch(call, MOST_BATCH);
}

static lg_tensor_desc tensor(const char *name, uint32_t rank, int64_t a, int64_t b, int64_t c,
                             int64_t d)
{
    lg_tensor_desc desc = {.name = name, .dtype = LG_ABI_F32, .rank = rank, .shape = {a, b, c, d}};
    desc.bytes = sizeof(float);
    for (uint32_t i = 0; i < rank; i++)
        desc.bytes *= (uint64_t)desc.shape[i];
    return desc;
}

// The network for a batch; must stay where it is.
typedef struct network {
    lg_tensor_desc inputs[2], outputs[4];
    lg_entry_desc entry;
    lg_artifact artifact;
    lg_model *model;
} network;

static void make_network(network *n, int batch)
{
    lg_error e = {""};
    *n = (network){
        .inputs = {tensor("image", 4, batch, SIZE, SIZE, 3),
                   tensor("graph", 2, LG_NODES, LG_NODES, 0, 0)},
        .outputs = {tensor("real_fake", 2, batch, 2, 0, 0),
                    tensor("node_logits", 3, batch, LG_NODES, 2, 0),
                    tensor("feature", 2, batch, FEATURES, 0, 0),
                    tensor("node_features", 3, batch, LG_NODES, 1, 0)},
        .entry = {.name = "infer",
                  .input_count = 2,
                  .output_count = 4,
                  .run = batch == 1   ? run_1
                         : batch == 3 ? run_3
                                      : run_7},
        .artifact = {.abi = LG_ARTIFACT_ABI,
                     .bytes = sizeof(lg_artifact),
                     .compiler = "test",
                     .model = "test",
                     .entry_count = 1},
    };
    n->entry.inputs = n->inputs;
    n->entry.outputs = n->outputs;
    n->artifact.entries = &n->entry;
    n->model = lg_model_new(&n->artifact, "test", &e);
    ck_assert_msg(n->model, "%s", e.message);
}

// ---- images

// Fold 1 tests DDPM_256 and FGAN; of 20 real images it tests the first and the eleventh.
static const struct {
    const char *folder;
    int levels[4]; // 0 ends, -1 is a file that is no image
} folders[] = {
    {"DDPM_256", {200, 210, 90}},
    {"FGAN", {120, -1, 110}},
    {"ACGAN", {130, 131, 132}},
    {"WGAN", {180, 181}},
};

enum { FOLDERS = sizeof folders / sizeof *folders, REALS = 20 };

static lg_temporary data, real;
static lg_dataset *dataset;

static void write_image(lg_temporary *t, const char *name, int level)
{
    uint8_t pixels[4];
    size_t size;
    memset(pixels, level, sizeof pixels);
    uint8_t *png = lg_grey_png(pixels, 2, 2, &size);
    ck_assert_ptr_nonnull(png);
    lg_temporary_write(t, name, png, level < 0 ? 20 : size);
    free(png);
}

static void make_set(void)
{
    char name[64];
    lg_error e = {""};
    data = lg_temporary_new();
    real = lg_temporary_new();
    for (int i = 0; i < FOLDERS; i++) {
        lg_temporary_folder(&data, folders[i].folder);
        for (int k = 0; k < 4 && folders[i].levels[k] != 0; k++) {
            snprintf(name, sizeof name, "%s/%d.png", folders[i].folder, k);
            write_image(&data, name, folders[i].levels[k]);
        }
    }
    for (int i = 0; i < REALS; i++) {
        snprintf(name, sizeof name, "%02d.png", i);
        write_image(&real, name, i == 10 ? 105 : 50);
    }
    const lg_dataset_options options = {.data = data.folder, .real = real.folder, .fold = 1};
    dataset = lg_dataset_open(&options, &e);
    ck_assert_msg(dataset, "%s", e.message);
}

static void remove_set(void)
{
    lg_dataset_free(dataset);
    lg_temporary_free(&data);
    lg_temporary_free(&real);
}

static lg_evaluation_options options_of(const network *n)
{
    return (lg_evaluation_options){.model = n->model,
                                   .dataset = dataset,
                                   .samples = dataset->test,
                                   .count = dataset->test_count,
                                   .pairs = 2000,
                                   .seed = 5,
                                   .workers = 2};
}

static lg_model_scores evaluate(int batch)
{
    network n;
    lg_error e = {""};
    lg_model_scores r;
    make_network(&n, batch);
    lg_evaluation_options options = options_of(&n);
    ck_assert_msg(lg_evaluate_model(&options, &r, &e), "%s", e.message);
    lg_model_free(n.model);
    return r;
}

// ---- what was counted by hand

static void check_parsing(const lg_model_scores *r)
{
    const lg_parsing_scores *p = &r->parsing;
    const uint64_t(*mse)[2] = p->confusion[2].count;
    double right = log1p(exp(-2.0)), mean;
    ck_assert_uint_eq(p->images, 5);
    ck_assert(mse[0][0] == 0 && mse[0][1] == 2 && mse[1][0] == 1 && mse[1][1] == 2);
    ck_assert_double_eq_tol(p->nodes[2].score[LG_F1_MACRO], 2.0 / 7, 1e-14);
    ck_assert_double_eq_tol(p->nodes[2].score[LG_F1_WEIGHTED], 4.0 / 7 * 3 / 5, 1e-14);
    ck_assert_double_eq_tol(p->nodes[2].score[LG_F1_WEIGHTED_PREDICTED], 4.0 / 7 * 4 / 5, 1e-14);
    ck_assert_double_eq(p->nodes[2].score[LG_ACCURACY], 0.4);
    ck_assert_double_eq(p->nodes[0].score[LG_F1_MACRO], 1);
    // 16 of 55 nodes are on in both models: 15, 15, 16, 17, 17 answers are wrong, each by 2.
    ck_assert_double_eq_tol(p->node_loss, 55 * right + 2 * 80 / 5.0, 1e-12);
    // Layers: the middle of 1..299, against 225 and 5, of 1..717; filters: known of FGAN only.
    double middle = 149, scale = 716;
    ck_assert(lg_l1_mean(&p->l1, 0, &mean));
    ck_assert_double_eq_tol(mean, (3 * (224 - middle) + 2 * (middle - 4)) / 5 / scale, 1e-6);
    ck_assert(lg_l1_mean(&p->l1, 5, &mean));
    ck_assert_double_eq_tol(mean, 2999 / 2.0 / 8365, 1e-6);
    ck_assert_uint_eq(p->l1.count[5], 2);
    ck_assert_uint_eq(p->interval_hits[0], 5);
    ck_assert_uint_eq(p->interval_hits[1], 2);
    ck_assert_uint_eq(p->choice_hits[0], 0); // norm_type: never none
    ck_assert_uint_eq(p->choice_hits[5], 2); // down: off in FGAN
    ck_assert(!r->has_regression);
}

// Training: 3 images of ACGAN, 2 of WGAN, so ACGAN's labels are the majority.
static void check_majority(const lg_model_scores *r)
{
    double mean;
    ck_assert_str_eq(r->why_majority, "");
    ck_assert_double_eq(r->majority.nodes[0].score[LG_ACCURACY], 0);  // L1: on in ACGAN
    ck_assert_double_eq(r->majority.nodes[53].score[LG_ACCURACY], 1); // skip: on everywhere
    ck_assert(lg_l1_mean(&r->majority.l1, 0, &mean));                 // 18 layers are the median
    ck_assert_double_eq_tol(mean, (3 * (225 - 18) + 2 * (18 - 5)) / 5.0 / 716, 1e-6);
}

static void check_detection(const lg_model_scores *r)
{
    // Fake: 210 200 120 110 . 90 ., real: . . . . 105 . 50.
    ck_assert_double_eq_tol(r->detection.auc, 0.9, 1e-14);
    ck_assert_double_eq_tol(r->detection.average_precision, (4 + 5.0 / 6) / 5, 1e-14);
    ck_assert(r->detection.has_accuracy);
    ck_assert_double_eq(r->detection.threshold, 0.5);
    ck_assert_double_eq_tol(r->detection.accuracy, 5.0 / 7, 1e-14);
    ck_assert_double_eq_tol(r->detection_majority, 5.0 / 7, 1e-14);
    ck_assert_uint_eq(r->reals_called_fake, 1);
    double loss = 0;
    static const double margins[] = {10, 11, -1, 2, 1, 5, -0.5};
    for (int i = 0; i < 7; i++)
        loss += log1p(exp(-margins[i]));
    ck_assert_double_eq_tol(r->real_fake_loss, loss / 7, 1e-6);
}

static void check_models(const lg_model_scores *r, const lg_dataset *d)
{
    ck_assert_uint_eq(r->model_count, 2);
    const lg_evaluated_model *fgan = &r->models[0], *ddpm = &r->models[1];
    ck_assert_str_eq(d->table->models[ddpm->row].name, "DDPM_256");
    ck_assert_str_eq(d->table->models[fgan->row].name, "FGAN");
    ck_assert_uint_eq(ddpm->images, 3);
    ck_assert_uint_eq(fgan->images, 2);
    ck_assert_uint_eq(ddpm->right_nodes, 3 * 55 - 46);
    ck_assert_uint_eq(fgan->right_nodes, 2 * 55 - 34);
    ck_assert_uint_eq(ddpm->called_fake, 2);
    ck_assert_uint_eq(fgan->called_fake, 2);
    ck_assert_uint_eq(r->broken_count, 1);
    ck_assert_ptr_nonnull(strstr(r->broken[0], "FGAN/1.png"));
}

static void check_attacks(const lg_model_scores *r)
{
    // Features: (0,1), (0,1), (1,0) of DDPM_256 and (1,0), (1,0) of FGAN.
    const lg_attack_scores *f = &r->attacks[LG_BY_FEATURE], *v = &r->attacks[LG_BY_NODE_FEATURES];
    static const double similarity[] = {1, 1.0 / 3, 1.0 / 3, 1.0 / 3};
    for (int i = 0; i < 4; i++) {
        ck_assert_double_eq_tol(f->similarity[i], similarity[i], 1e-12);
        ck_assert_double_eq_tol(v->similarity[i], 1, 1e-12);
    }
    // Pairs of one model: a third of DDPM_256's and all of FGAN's are told rightly, but of FGAN's
    // only a third has both images: 1/2. Pairs of two: 2/3. Training pairs are all clear.
    ck_assert_double_eq(f->ranking.threshold, 0.5);
    ck_assert_double_eq_tol(f->ranking.accuracy, 7.0 / 12, 0.04);
    ck_assert_double_eq_tol(f->ranking.auc, 7.0 / 12, 0.04);
    ck_assert_double_eq(v->ranking.auc, 0.5);
    ck_assert_uint_eq(f->training_pairs, 2000);
    ck_assert_msg(f->pairs > 1000 && f->pairs < 1700, "%zu", f->pairs); // FGAN/1.png is no image
    ck_assert_str_eq(r->attacks[LG_BY_GENERATED_GRAPH].ranking.why,
                     "the model has no output generated_graph");
    ck_assert_ptr_null(r->attacks[LG_BY_GENERATED_GRAPH].similarity);
}

START_TEST(scores_by_hand)
{
    static const int batches[] = {1, 3, MOST_BATCH};
    lg_model_scores r = evaluate(batches[_i]);
    ck_assert_uint_eq(r.images, 7);
    ck_assert_uint_eq(r.fakes, 5);
    ck_assert_uint_eq(r.reals, 2);
    check_parsing(&r);
    check_majority(&r);
    check_detection(&r);
    check_models(&r, dataset);
    check_attacks(&r);
    lg_model_scores_free(&r);
}
END_TEST

static bool same_bits(const void *a, const void *b, size_t size)
{
    return memcmp(a, b, size) == 0;
}

START_TEST(same_scores_for_every_batch)
{
    lg_model_scores a = evaluate(1), b = evaluate(3);
    // Of one image each: 5 batches and 2 without a node loss.
    ck_assert_double_eq_tol(a.parsing.validation_loss, 5 * a.parsing.node_loss / 6, 1e-12);
    b.parsing.validation_loss = a.parsing.validation_loss;
    ck_assert(same_bits(&a.parsing, &b.parsing, sizeof a.parsing));
    ck_assert(a.real_fake_loss == b.real_fake_loss);
    for (int k = 0; k < LG_BY_GENERATED_GRAPH; k++) {
        ck_assert(a.attacks[k].ranking.auc == b.attacks[k].ranking.auc);
        ck_assert(a.attacks[k].ranking.accuracy == b.attacks[k].ranking.accuracy);
        ck_assert(same_bits(a.attacks[k].similarity, b.attacks[k].similarity, 4 * sizeof(double)));
    }
    lg_model_scores_free(&a);
    lg_model_scores_free(&b);
}
END_TEST

// ---- what cannot be computed

START_TEST(without_real_images_and_attacks)
{
    network n;
    lg_error e = {""};
    lg_model_scores r;
    make_network(&n, 3);
    lg_evaluation_options options = options_of(&n);
    options.samples += 3; // DDPM_256
    options.count = 3;
    options.pairs = 0;
    ck_assert_msg(lg_evaluate_model(&options, &r, &e), "%s", e.message);
    ck_assert_ptr_null(r.detection.curve);
    ck_assert_str_eq(r.detection.why, "there are no negatives");
    ck_assert_double_eq_tol(r.detection.accuracy, 2.0 / 3, 1e-14);
    ck_assert_str_eq(r.attacks[LG_BY_FEATURE].ranking.why, "not asked for");
    lg_model_scores_free(&r);
    options.pairs = 100;
    ck_assert_msg(lg_evaluate_model(&options, &r, &e), "%s", e.message);
    ck_assert_str_eq(r.attacks[LG_BY_FEATURE].ranking.why,
                     "pairs of different models need images of at least two models");
    ck_assert_double_eq_tol(r.attacks[LG_BY_FEATURE].similarity[0], 1.0 / 3, 1e-12);
    lg_model_scores_free(&r);
    lg_model_free(n.model);
}
END_TEST

START_TEST(only_real_images)
{
    network n;
    lg_error e = {""};
    lg_model_scores r;
    make_network(&n, 3);
    lg_evaluation_options options = options_of(&n);
    options.samples += options.count - 2;
    options.count = 2;
    ck_assert_msg(lg_evaluate_model(&options, &r, &e), "%s", e.message);
    ck_assert_uint_eq(r.parsing.images, 0);
    ck_assert_double_eq(r.parsing.node_loss, 0);
    ck_assert_str_eq(r.detection.why, "there are no positives");
    ck_assert_uint_eq(r.model_count, 0);
    lg_model_scores_free(&r);
    options.count = 0;
    ck_assert(!lg_evaluate_model(&options, &r, &e));
    ck_assert_str_eq(e.message, "there are no images to evaluate");
    lg_model_scores_free(&r);
    lg_model_free(n.model);
}
END_TEST

START_TEST(results_that_are_not_finite)
{
    network n;
    lg_error e = {""};
    lg_model_scores r;
    write_image(&data, "DDPM_256/1.png", 255);
    make_network(&n, 3);
    lg_evaluation_options options = options_of(&n);
    ck_assert(!lg_evaluate_model(&options, &r, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "DDPM_256/1.png: what the model says of it is not"));
    lg_model_scores_free(&r);
    lg_model_free(n.model);
}
END_TEST

static bool stop(void *context, size_t done, size_t total)
{
    *(size_t *)context = done;
    return done < total / 2;
}

START_TEST(can_be_stopped)
{
    network n;
    lg_error e = {""};
    lg_model_scores r;
    size_t done = 0;
    make_network(&n, 1);
    lg_evaluation_options options = options_of(&n);
    options.progress = stop;
    options.context = &done;
    ck_assert(!lg_evaluate_model(&options, &r, &e)); // 8 samples, and 5 for the threshold
    ck_assert_str_eq(e.message, "interrupted");
    ck_assert_uint_eq(done, 6);
    lg_model_scores_free(&r);
    lg_model_free(n.model);
}
END_TEST

START_TEST(models_that_are_not_lgpn)
{
    network n;
    lg_error e = {""};
    lg_model_scores r;
    make_network(&n, 3);
    lg_evaluation_options options = options_of(&n);
    n.outputs[3].shape[1] = 54;
    ck_assert(!lg_evaluate_model(&options, &r, &e));
    ck_assert_str_eq(e.message, "test: its output node_features is f32[3,54,1], that of LGPN is "
                                "f32[3,55,0] (0: any)");
    lg_model_scores_free(&r);
    n.inputs[0].name = "picture";
    ck_assert(!lg_evaluate_model(&options, &r, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "test: not LGPN"));
    lg_model_scores_free(&r);
    lg_model_free(n.model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("evaluation");
    TCase *t = tcase_create("evaluation");
    tcase_add_checked_fixture(t, make_set, remove_set);
    tcase_add_loop_test(t, scores_by_hand, 0, 3);
    tcase_add_test(t, same_scores_for_every_batch);
    tcase_add_test(t, without_real_images_and_attacks);
    tcase_add_test(t, only_real_images);
    tcase_add_test(t, results_that_are_not_finite);
    tcase_add_test(t, can_be_stopped);
    tcase_add_test(t, models_that_are_not_lgpn);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
