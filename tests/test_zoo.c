// The zoo: labels against counts made by hand, losses against numbers made by hand, what is drawn,
// that every family trains.
#include "models/models.h"
#include "models/zoo/parts.h"
#include "runtime/dataset.h"
#include "tests/support/built_model.h"
#include "tests/support/temporary.h"
#include "tools/session.h"
#include "tools/zoo_labels.h"
#include "tools/zoo_plan.h"
#include "tools/zoo_train.h"

#include <check.h>
#include <png.h>

// ---- labels

// One network a family; values in the order of the table, and the losses that are on.
static const struct {
    const char *spec;
    int64_t values[LG_ARCHITECTURE_VALUES];
    const char *losses[2];
} counted[] = {
    {"zoo-autoencoder:image=32,width=8,blocks=3,layers=2,norm=batch,act=relu,skip=1,last=tanh,"
     "up=nearest,down=max,loss=l1",
     // stem, 2 down, 2 of the neck, 6 in blocks, 2 up, last; all but neck and last with a norm
     {27, 14, 0, 2, 11, 235, 3, 4, 37083, 0, 1, 1, 0, 1, 1},
     {"loss_l1"}},
    {"zoo-vae:image=32,width=8,blocks=1,layers=1,norm=none,act=elu,skip=0,last=sigmoid,"
     "up=transposed,loss=ce,prior=kl",
     // the first layer is linear; one in the block, 3 up, last
     {6, 5, 1, 0, 0, 91, 1, 1, 53043, 3, 3, 0, 1, 0, 0},
     {"loss_kl", "loss_ce"}},
    {"zoo-gan:image=32,width=8,blocks=2,layers=3,norm=group,act=leaky_relu,skip=1,last=relu,"
     "up=bilinear,loss=ls",
     {20, 10, 1, 0, 9, 251, 2, 6, 104267, 4, 0, 2, 2, 1, 0},
     {"loss_ls"}},
    {"zoo-translator:image=32,width=8,blocks=1,layers=1,norm=instance,act=silu,skip=1,last=none,"
     "up=nearest,down=average,loss=mse,game=wgan,task=grey",
     {15, 7, 0, 2, 6, 115, 1, 2, 22619, 1, 5, 5, 0, 1, 1},
     {"loss_mse", "loss_wgan"}},
    {"zoo-pixel:image=32,width=8,blocks=2,layers=1,norm=none,act=relu,skip=0,grid=8",
     {4, 4, 0, 0, 0, 816, 2, 1, 24624, 3, 5, 1, 3, 0, 0},
     {"loss_ce"}},
    {"zoo-diffusion:image=32,width=8,blocks=1,layers=1,norm=group,act=silu,skip=0,up=nearest,"
     "down=stride,loss=mse",
     // the block: a linear layer of the time, a convolution, a norm
     {15, 7, 2, 0, 6, 115, 1, 3, 22995, 4, 5, 5, 0, 0, 1},
     {"loss_mse"}},
};

static bool is_named(const char *const *names, const char *name)
{
    for (int i = 0; i < 2; i++)
        if (names[i] && strcmp(names[i], name) == 0)
            return true;
    return false;
}

START_TEST(labels_are_what_is_counted_by_hand)
{
    lg_diag *diag = lg_diag_new();
    lg_model_facts facts;
    lg_module *module =
        lg_model_build(counted[_i].spec, LG_MODEL_INFER | LG_MODEL_TRAIN_STEP, NULL, diag);
    ck_assert_ptr_nonnull(module);
    ck_assert(lg_zoo_architecture(module, &facts, diag) && lg_zoo_losses(module, &facts, diag));
    for (int i = 0; i < LG_ARCHITECTURE_VALUES; i++)
        ck_assert_msg(facts.architecture[i] == counted[_i].values[i], "%s of %s is %lld, not %lld",
                      lg_architecture_column(i), counted[_i].spec, (long long)facts.architecture[i],
                      (long long)counted[_i].values[i]);
    for (int i = 0; i < LG_LOSSES; i++)
        ck_assert_int_eq(facts.losses[i], is_named(counted[_i].losses, lg_loss_column(i)));
    lg_module_free(module);
    lg_diag_free(diag);
}
END_TEST

START_TEST(what_is_no_generative_model_has_no_labels)
{
    lg_diag *diag = lg_diag_new();
    lg_model_facts facts;
    lg_module *module = lg_model_build("resnet:image=32,depth=18,batch=2",
                                       LG_MODEL_INFER | LG_MODEL_LOSS_AND_GRAD, NULL, diag);
    ck_assert_ptr_nonnull(module);
    ck_assert(!lg_zoo_architecture(module, &facts, diag));
    ck_assert(!lg_zoo_losses(module, &facts, diag));
    lg_module_free(module);
    lg_diag_free(diag);
}
END_TEST

// ---- losses

// Runs @loss_and_grad of a module without inputs and compares its losses.
static void expect_losses(void (*build)(lg_name_scope *s), int count, const char *const *names,
                          const double *wanted, const char *zeroed, int64_t zeros)
{
    lg_built_model m = lg_built_model_new(build, LG_MODEL_LOSS_AND_GRAD, NULL);
    for (int64_t i = 0; i < zeros; i++)
        lg_reference_set(&m.reference, zeroed, i, 0);
    if (zeros)
        lg_reference_set(&m.reference, "discriminator.score.bias", 0, 0.25);
    // Only the losses: gradients are of no concern here.
    lg_function *f = lg_module_function(m.module, "loss_and_grad");
    f->results.count = f->result_names.count = count + 1;
    for (lg_op *op = f->last, *before; op; op = before) {
        before = op->previous;
        if (op->code == LG_OP_gradient && lg_count_uses(f, op->results[0]) == 0)
            lg_op_remove(op);
    }
    lg_built_model_run(&m, "loss_and_grad", NULL);
    for (int i = 0; i < count; i++) {
        double got = lg_built_model_result(&m, names[i], 0);
        ck_assert_msg(fabs(got - wanted[i]) <= 1e-5 * fmax(1, fabs(wanted[i])),
                      "%s is %.9g, not %.9g", names[i], got, wanted[i]);
    }
    lg_built_model_free(&m);
}

// Two images of one pixel: (0.5 0.5 0.5) for (0 1 0.5), and (0.2 0.2 0.2) for the same.
static void build_pixel_losses(lg_name_scope *s)
{
    lg_value *y = table(s, LG_F32, LG_SHAPE(2, 1, 1, 3), 0.5, 0.5, 0.5, 0.2, 0.2, 0.2);
    lg_value *x = table(s, LG_F32, LG_SHAPE(2, 1, 1, 3), 0, 1, 0.5, 0.2, 0.2, 0.2);
    for (int kind = ZOO_PIXEL_L1; kind <= ZOO_PIXEL_CE; kind++)
        lg_zoo_pixel_loss(s, kind, y, x);
}

START_TEST(losses_of_pixels)
{
    static const char *const names[] = {"loss_l1", "loss_l2", "loss_mse", "loss_ce"};
    double entropy = -0.2 * (log)(0.2) - 0.8 * (log)(0.8);
    const double wanted[] = {1.0 / 6, ((sqrt)(0.5 / 3) + 1e-4) / 2, 0.5 / 6,
                             (3 * (log)(2) + 3 * entropy) / 6};
    expect_losses(build_pixel_losses, 4, names, wanted, NULL, 0);
}
END_TEST

// KL of N(1, e) and N(0, 1) is (1 + e - 1 - 1) / 2 a number. Points 0 and 2 against 0 and 0.
static void build_latent_losses(lg_name_scope *s)
{
    lg_value *ones = constant(s, LG_F32, LG_SHAPE(3, 2), 1);
    lg_value *a = table(s, LG_F32, LG_SHAPE(2, 1), 0, 2),
             *b = constant(s, LG_F32, LG_SHAPE(2, 1), 0);
    loss(s, "kl", lg_zoo_kl(s, ones, ones));
    loss(s, "mmd", lg_zoo_mmd(s, a, b));
}

START_TEST(losses_of_codes)
{
    static const char *const names[] = {"loss_kl", "loss_mmd"};
    static const double scales[] = {0.1, 0.5, 1, 2, 5};
    double wanted[] = {2 * (M_E - 1) / 2, 0};
    for (int i = 0; i < 5; i++) {
        double c = 2 * scales[i],
               k = c / (c + 4); // means: of a (2 + 2k)/4, of b 1, both (2 + 2k)/4
        wanted[1] += (1 + k) / 2 + 1 - 2 * (1 + k) / 2;
    }
    expect_losses(build_latent_losses, 2, names, wanted, NULL, 0);
}
END_TEST

static void play(lg_name_scope *s, int64_t kind)
{
    lg_value *real = constant(s, LG_F32, LG_SHAPE(1, 8, 8, 3), 0.25);
    lg_value *made = mul(
        s, real, parameter(s, "generator.w", LG_F32, LG_SHAPE(1, 1, 1, 1), LG_INIT_CONSTANT, 1));
    lg_zoo_adversarial_losses(s, kind, real, made, 0.5);
}

static void build_adv(lg_name_scope *s)
{
    play(s, 0);
}

static void build_ls(lg_name_scope *s)
{
    play(s, 1);
}

static void build_wgan(lg_name_scope *s)
{
    play(s, 2);
}

static void build_hinge(lg_name_scope *s)
{
    play(s, 3);
}

// A discriminator whose last weights are 0 says its bias, 0.25, of everything, and has no slope.
START_TEST(losses_of_games)
{
    const double b = 0.25, fake = (log)(1 + (exp)(b)), real = (log)(1 + (exp)(-b));
    const struct {
        void (*build)(lg_name_scope *s);
        const char *names[2];
        double wanted[2];
    } rows[] = {
        {build_adv, {"loss_adv.discriminator", "loss_adv.generator"}, {fake + real, 0.5 * real}},
        {build_ls,
         {"loss_ls.discriminator", "loss_ls.generator"},
         {((b - 1) * (b - 1) + b * b) / 2, 0.5 * (b - 1) * (b - 1) / 2}},
        {build_wgan,
         {"loss_wgan.discriminator", "loss_wgan.generator"},
         {10 * (1 - 1e-4) * (1 - 1e-4), -0.5 * b}},
        {build_hinge,
         {"loss_hinge.discriminator", "loss_hinge.generator"},
         {(1 - b) + (1 + b), -0.5 * b}}};
    enum { WEIGHTS = 64 };
    expect_losses(rows[_i].build, 2, rows[_i].names, rows[_i].wanted, "discriminator.score.weight",
                  WEIGHTS);
}
END_TEST

// ---- what is drawn

enum { MODELS = 14 };

static lg_zoo_plan draw(uint64_t seed, int size)
{
    lg_diag *diag = lg_diag_new();
    lg_zoo_plan plan;
    const lg_zoo_choice choice = {MODELS, size, 4, seed};
    ck_assert(lg_zoo_plan_draw(&plan, &choice, diag));
    lg_diag_free(diag);
    return plan;
}

START_TEST(what_is_drawn_follows_from_the_seed)
{
    lg_zoo_plan a = draw(5, 16), b = draw(5, 16), c = draw(6, 16);
    int different = 0;
    for (int i = 0; i < MODELS; i++) {
        ck_assert_str_eq(a.models[i].name, b.models[i].name);
        ck_assert_int_eq(a.models[i].fold, b.models[i].fold);
        for (int k = 0; k < LG_ZOO_ATTEMPTS; k++)
            ck_assert_str_eq(a.models[i].attempts[k].spec, b.models[i].attempts[k].spec);
        different += strcmp(a.models[i].attempts[0].spec, c.models[i].attempts[0].spec) != 0;
    }
    ck_assert_int_gt(different, MODELS / 2);
    lg_zoo_plan_free(&a);
    lg_zoo_plan_free(&b);
    lg_zoo_plan_free(&c);
}
END_TEST

// No label twice, whichever attempt is taken: so no model has a twin, in its fold or another. Of
// the first three of each family only one is deep, in all of its attempts.
START_TEST(no_model_has_a_twin_and_folds_have_their_share)
{
    enum { DEEP = 13, CONVS_100 = 14, NORMS_BELOW_80 = 22 };
    lg_zoo_plan plan = draw(7, 64); // small images have no deep models
    static uint8_t labels[MODELS * LG_ZOO_ATTEMPTS][LG_NODES];
    int folds[5] = {0}, count = 0;
    for (int i = 0; i < MODELS; i++) {
        ck_assert(plan.models[i].fold >= 1 && plan.models[i].fold <= 4);
        folds[plan.models[i].fold]++;
        for (int other = 0; other < i; other++)
            ck_assert_str_ne(plan.models[i].name, plan.models[other].name);
        for (int k = 0; k < LG_ZOO_ATTEMPTS; k++, count++) {
            lg_node_labels(&plan.models[i].attempts[k].facts, labels[count]);
            if (i == DEEP)
                ck_assert(labels[count][CONVS_100] && !labels[count][NORMS_BELOW_80]);
            for (int other = 0; other < count; other++)
                ck_assert(memcmp(labels[other], labels[count], LG_NODES) != 0);
        }
    }
    for (int fold = 1; fold <= 4; fold++)
        ck_assert(folds[fold] == MODELS / 4 || folds[fold] == MODELS / 4 + 1);
    lg_zoo_plan_free(&plan);
}
END_TEST

// ---- photographs

// Photographs whose quarters have a colour each; red tells which. The last two are too small for
// quarters, and of one colour.
START_TEST(no_pixel_is_in_two_parts_of_real_images)
{
    enum { PHOTOS = 9, SMALL = 2, SIZE = 16, TRAIN = 24, REALS = 120, STEP = 5, MOST = 45 };
    int part_of[256];
    lg_temporary folder = lg_temporary_new();
    lg_diag *diag = lg_diag_new();
    lg_progress progress;
    lg_progress_init(&progress, false);
    for (int p = 0; p < PHOTOS; p++) {
        bool is_small = p >= PHOTOS - SMALL;
        int width = is_small ? 20 : 36 + p, height = is_small ? 31 : MOST - p;
        uint8_t rgb[MOST * MOST * 3];
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++) {
                int quarter = is_small ? 0 : 2 * (y >= height / 2) + (x >= width / 2);
                memset(rgb + (y * width + x) * 3, STEP * (4 * p + quarter), 3);
            }
        char name[16];
        snprintf(name, sizeof name, "%02d.png", p);
        png_image png = {.version = PNG_IMAGE_VERSION,
                         .width = (png_uint_32)width,
                         .height = (png_uint_32)height,
                         .format = PNG_FORMAT_RGB};
        ck_assert(png_image_write_to_file(&png, lg_temporary_path(&folder, name), 0, rgb, 0, NULL));
    }
    lg_zoo_crops crops;
    ck_assert(lg_zoo_crops_make(&crops, folder.folder, SIZE, TRAIN, REALS, 3, &progress, diag));
    ck_assert_uint_eq(crops.photos, PHOTOS);
    memset(part_of, -1, sizeof part_of);
    for (int i = 0; i < REALS; i++) {
        const uint8_t *crop = lg_zoo_crop(&crops, TRAIN + (size_t)i);
        for (size_t k = 1; k < lg_zoo_crop_bytes(&crops); k++)
            ck_assert_msg(crop[k] == *crop, "real image %d is of two quarters", i);
        ck_assert(part_of[*crop] < 0 || part_of[*crop] == i % LG_REAL_SPLIT);
        part_of[*crop] = i % LG_REAL_SPLIT;
    }
    for (int p = 0; p < PHOTOS; p++)
        for (int quarter = 0; quarter < (p < PHOTOS - SMALL ? 4 : 1); quarter++) {
            int part = part_of[STEP * (4 * p + quarter)];
            ck_assert_msg(part >= 0, "quarter %d of photograph %d gives no real image", quarter, p);
            for (int other = 0; other < quarter; other++)
                ck_assert_int_ne(part, part_of[STEP * (4 * p + other)]);
        }
    lg_zoo_crops_free(&crops);
    lg_diag_free(diag);
    lg_temporary_free(&folder);
}
END_TEST

// ---- training

// Crops with a bright left and a dark right half, each in a colour of its own.
static lg_zoo_crops make_crops(void)
{
    enum { SIZE = 16, COUNT = 32 };
    lg_zoo_crops crops = {.size = SIZE, .count = COUNT, .rgb = malloc(SIZE * SIZE * 3 * COUNT)};
    ck_assert_ptr_nonnull(crops.rgb);
    for (int i = 0; i < COUNT; i++)
        for (int k = 0; k < SIZE * SIZE * 3; k++)
            crops.rgb[i * SIZE * SIZE * 3 + k] =
                (uint8_t)(k / 3 % SIZE < SIZE / 2 ? 200 - 3 * i : 20 + (i * (k % 3)) % 60);
    return crops;
}

static const struct {
    const char *spec;
    bool falls; // a game has no loss that must fall
} trained[] = {
    {"zoo-autoencoder:image=16,batch=4,width=8,blocks=1,layers=1,norm=batch,loss=mse", true},
    {"zoo-vae:image=16,batch=4,width=8,blocks=1,layers=1,up=bilinear,loss=l2,prior=mmd", true},
    {"zoo-gan:image=16,batch=4,width=8,blocks=1,layers=1,norm=group,up=transposed,loss=wgan",
     false},
    {"zoo-translator:image=16,batch=4,width=8,blocks=1,layers=1,norm=none,act=elu,loss=l1,"
     "game=hinge",
     false},
    {"zoo-pixel:image=16,batch=4,width=8,blocks=1,layers=1,grid=8", true},
    {"zoo-diffusion:image=16,batch=4,width=8,blocks=1,layers=1,norm=group,act=silu", true},
};

START_TEST(every_family_trains)
{
    lg_zoo_crops crops = make_crops();
    lg_zoo_result result;
    lg_diag *diag = lg_diag_new();
    const lg_zoo_training training = {
        .crops = &crops, .steps = 60, .images = 6, .learning_rate = 0.005, .seed = 3};
    lg_zoo_end end = lg_zoo_train(trained[_i].spec, &training, &result, diag);
    lg_diag_print(diag, stderr);
    ck_assert_msg(end == LG_ZOO_MADE, "%s: end %d: %s", trained[_i].spec, end, result.reason);
    ck_assert(isfinite(result.loss));
    if (trained[_i].falls)
        ck_assert_msg(result.loss < 0.9 * result.first_loss, "%s: loss %g after %g",
                      trained[_i].spec, result.loss, result.first_loss);
    free(result.rgb);
    lg_diag_free(diag);
    lg_zoo_crops_free(&crops);
}
END_TEST

// What a model makes, and how it was trained, has nothing of the real images.
START_TEST(no_model_sees_a_real_image)
{
    enum { IMAGES = 4, REALS = 8 };
    const lg_zoo_training training_of = {
        .steps = 10, .images = IMAGES, .learning_rate = 0.005, .seed = 3};
    static const char spec[] = "zoo-translator:image=16,batch=4,width=8,blocks=1,layers=1";
    lg_diag *diag = lg_diag_new();
    lg_zoo_result results[2];
    for (int i = 0; i < 2; i++) {
        lg_zoo_crops crops = make_crops();
        lg_zoo_training training = training_of;
        size_t bytes = lg_zoo_crop_bytes(&crops);
        crops.reals = REALS;
        if (i == 1)
            memset(crops.rgb + (crops.count - REALS) * bytes, 255, REALS * bytes);
        training.crops = &crops;
        ck_assert_int_eq(lg_zoo_train(spec, &training, &results[i], diag), LG_ZOO_MADE);
        lg_zoo_crops_free(&crops);
    }
    ck_assert(results[0].loss == results[1].loss);
    ck_assert_mem_eq(results[0].rgb, results[1].rgb, (size_t)IMAGES * 16 * 16 * 3);
    free(results[0].rgb);
    free(results[1].rgb);
    lg_diag_free(diag);
}
END_TEST

static float loss_with_seed(lg_session *session, const lg_entry_desc *entry, int64_t seed,
                            void *const *data, lg_diag *diag)
{
    lg_error error;
    uint32_t inputs = entry->input_count;
    ck_assert(lg_session_begin_training(session, seed, diag));
    ck_assert(lg_model_call(session->model, entry, (const void *const *)data, data + inputs, NULL,
                            &error));
    return *(const float *)data[inputs];
}

START_TEST(what_a_step_draws_follows_from_the_seed)
{
    enum { MOST = 128 };
    static const char spec[] = "zoo-vae:image=16,batch=4,width=8,blocks=1,layers=1,prior=kl";
    lg_session session;
    lg_diag *diag = lg_diag_new();
    lg_tensor *tensors[MOST];
    void *data[MOST];
    lg_compile_options options = lg_compile_defaults();
    options.functions[options.function_count++] = "train_step";
    options.functions[options.function_count++] = "loss_and_grad"; // changes no parameter
    ck_assert(lg_session_open_random(&session, spec, NULL, 1, 1, &options, NULL, diag));
    lg_error error;
    const lg_entry_desc *entry = lg_model_entry(session.model, "loss_and_grad", &error);
    ck_assert_ptr_nonnull(entry);
    uint32_t inputs = entry->input_count, count = inputs + entry->output_count;
    ck_assert_uint_le(count, MOST);
    for (uint32_t i = 0; i < count; i++) {
        tensors[i] =
            lg_random_tensor(i < inputs ? &entry->inputs[i] : &entry->outputs[i - inputs], 2, diag);
        ck_assert_ptr_nonnull(tensors[i]);
        data[i] = tensors[i]->data;
    }
    float loss = loss_with_seed(&session, entry, 1, data, diag);
    ck_assert_float_ne(loss_with_seed(&session, entry, 2, data, diag), loss);
    ck_assert_float_eq(loss_with_seed(&session, entry, 1, data, diag), loss);
    for (uint32_t i = 0; i < count; i++)
        lg_tensor_free(tensors[i]);
    lg_session_close(&session);
    lg_diag_free(diag);
}
END_TEST

START_TEST(images_without_content_are_found)
{
    enum { IMAGES = 4, BYTES = 8 * 8 * 3 };
    uint8_t rgb[IMAGES * BYTES];
    for (int i = 0; i < IMAGES * BYTES; i++)
        rgb[i] = (uint8_t)(i * 37 + i / BYTES * 11);
    ck_assert_ptr_null(lg_zoo_fault_of_images(rgb, IMAGES, BYTES));
    for (int i = 1; i < IMAGES; i++)
        memcpy(rgb + i * BYTES, rgb, BYTES);
    ck_assert_str_eq(lg_zoo_fault_of_images(rgb, IMAGES, BYTES), "its images are all alike");
    for (int i = 0; i < IMAGES * BYTES; i++)
        rgb[i] = (uint8_t)(i / BYTES * 50 + i % 3 * 20); // of a colour each
    ck_assert_str_eq(lg_zoo_fault_of_images(rgb, IMAGES, BYTES), "its images are of one colour");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("zoo");
    TCase *tests = tcase_create("zoo");
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, labels_are_what_is_counted_by_hand, 0,
                        sizeof counted / sizeof *counted);
    tcase_add_test(tests, what_is_no_generative_model_has_no_labels);
    tcase_add_test(tests, losses_of_pixels);
    tcase_add_test(tests, losses_of_codes);
    tcase_add_loop_test(tests, losses_of_games, 0, 4);
    tcase_add_test(tests, what_is_drawn_follows_from_the_seed);
    tcase_add_test(tests, no_model_has_a_twin_and_folds_have_their_share);
    tcase_add_test(tests, no_pixel_is_in_two_parts_of_real_images);
    tcase_add_test(tests, no_model_sees_a_real_image);
    tcase_add_loop_test(tests, every_family_trains, 0, sizeof trained / sizeof *trained);
    tcase_add_test(tests, what_a_step_draws_follows_from_the_seed);
    tcase_add_test(tests, images_without_content_are_found);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
