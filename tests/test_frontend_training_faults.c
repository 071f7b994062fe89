// Training in the DSL: every kind of fault is told at its line, and what cannot train is refused.
#include "tests/support/built_model.h"

#include <check.h>

enum { ALL = LG_MODEL_INFER | LG_MODEL_LOSS_AND_GRAD | LG_MODEL_TRAIN_STEP };

enum { FIRST_FAULT = __LINE__ + 9 }; // the line of the first call below

static void build_faults(lg_name_scope *s)
{
    lg_value *x = input(s, "x", LG_F32, 2, 3), *labels = input(s, "labels", LG_I32, 3);
    lg_value *w = parameter(s, "w", LG_F32, LG_SHAPE(2, 3), LG_INIT_CONSTANT, 0);
    lg_value *l = mean_all(s, mul(s, x, w));
    const lg_optimizer wild = {.beta1 = 2}, adam = LG_TRAINING_DEFAULTS.optimizer;
    // clang-format off
    loss(s, "a", x);
    loss(s, "b", l); loss(s, "b", l);
    cross_entropy(s, x, labels);
    cross_entropy(s, labels, labels);
    mse(s, labels, 1);
    huber(s, x, 1, 0.0);
    dropout(s, x, 1);
    dropout(s, labels, 0.5);
    gradient(s, x, w);
    gradient(s, l, labels);
    write(s, x, w);
    write(s, w, l);
    write(s, w, x); write(s, w, x);
    batch_norm(s, "bn", reshape(s, x, 1, 1, 6));
    batch_norm(s, "bn2", x, .momentum = 2);
    parameter(s, "optimizer.step", LG_F32, LG_SHAPE(1), LG_INIT_CONSTANT, 0);
    state(s, "s", LG_F32, LG_SHAPE(is_training(s) ? 2 : 3), LG_INIT_CONSTANT, 0);
    optimizer_step(s, &wild, w, w, learning_rate(s));
    optimizer_step(s, &adam, x, x, learning_rate(s));
    optimizer_step(s, &adam, w, l, learning_rate(s));
    masked_mean(s, labels, labels);
    table(s, LG_F32, LG_SHAPE(2), 1, 2, 3);
    loss(s, "a b", l);
    parameter(s, "lgpnc.input.x", LG_F32, LG_SHAPE(1), LG_INIT_CONSTANT, 0);
    // clang-format on
    output(s, "y", w);
}

// In @infer some of them are no faults.
static const char *const faults[] = {
    "loss \"a\": is f32[], not f32[2,3]",
    "loss \"b\": there is one of that name already",
    "cross_entropy: logits f32[2,3] take labels i32[2], not i32[3]",
    "cross_entropy: takes logits f32",
    "mse: takes floats, not i32[3]",
    "huber: delta 0 is not positive",
    "dropout: a rate of 1",
    "dropout: takes floats",
    "gradient: is of a loss f32[] that was computed, not of f32[2,3]",
    "gradient: is by floats, not by i32[3]",
    "write: is to a parameter or a state",
    "write: w is f32[2,3], the value f32[]",
    "write: w is written twice in a step",
    "batch_norm \"bn\": f32[1,1,6] has one value a channel",
    "batch_norm \"bn2\": .momentum must be",
    "parameter \"optimizer.step\": optimizer.step: names below random, optimizer and lgpnc",
    NULL,
    "optimizer_step: beta1 2, beta2 0",
    "optimizer_step: takes a parameter of floats",
    "optimizer_step: the gradient of w is f32[2,3], not f32[]",
    "masked_mean: takes f32, not i32[3]",
    "table: 3 elements for shape [2]",
    "loss \"a b\": letters, digits",
    "parameter \"lgpnc.input.x\": lgpnc.input.x: names below random, optimizer and lgpnc",
};

START_TEST(all_faults_are_told_at_their_lines)
{
    char *messages = NULL, begin[256];
    ck_assert_ptr_null(lg_module_of_builder(build_faults, LG_MODEL_TRAIN_STEP, NULL, &messages));
    int wanted = 0, told = 0;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        snprintf(begin, sizeof begin, "%s:%d: error: ", __FILE__, FIRST_FAULT + (int)i);
        const char *line = strstr(messages, begin);
        if (!faults[i]) {
            ck_assert_msg(!line, "%s is told", begin);
            continue;
        }
        wanted++;
        ck_assert_msg(line && strncmp(line + strlen(begin), faults[i], strlen(faults[i])) == 0,
                      "%s%s is not told, but:\n%s", begin, faults[i], messages);
    }
    for (const char *at = messages; (at = strstr(at, ": error: ")); at++)
        told++;
    ck_assert_msg(told == wanted, "%d faults, not %d:\n%s", told, wanted, messages);
    free(messages);
}
END_TEST

static void build_without_loss(lg_name_scope *s)
{
    lg_value *x = input(s, "x", LG_F32, is_training(s) ? 2 : 1);
    output(s, "y", x);
}

static void build_two_shapes(lg_name_scope *s)
{
    lg_value *w = parameter(s, "w", LG_F32, LG_SHAPE(is_training(s) ? 2 : 3), LG_INIT_CONSTANT, 0);
    loss(s, "l", mean_all(s, w));
    output(s, "y", w);
}

static void build_line(lg_name_scope *s)
{
    lg_value *x = input(s, "x", LG_F32, 2);
    lg_value *w = parameter(s, "w", LG_F32, LG_SHAPE(2), LG_INIT_CONSTANT, 1);
    loss(s, "product", sum(s, mul(s, x, w), 0));
    output(s, "y", w);
}

static void refuse(void (*build)(lg_name_scope *s), const lg_training *training, const char *wanted)
{
    char *messages = NULL;
    ck_assert_ptr_null(lg_module_of_builder(build, ALL, training, &messages));
    ck_assert_msg(strstr(messages, wanted) != NULL, "%s", messages);
    free(messages);
}

START_TEST(models_that_cannot_train_are_refused)
{
    refuse(build_without_loss, NULL, "test: error: model test has no loss to train with");
    refuse(build_two_shapes, NULL, "w is another tensor in another function of the model");
    lg_training t = LG_TRAINING_DEFAULTS;
    t.optimizer.weight_decay = -1;
    refuse(build_line, &t, "test: error: training: eps 1e-08 and weight decay -1 are 0 or more");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("faults of training in the DSL");
    TCase *tests = tcase_create("faults of training in the DSL");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, all_faults_are_told_at_their_lines);
    tcase_add_test(tests, models_that_cannot_train_are_refused);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
