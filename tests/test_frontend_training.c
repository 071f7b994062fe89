// Training in the DSL, by the reference interpreter: losses against numbers made by hand, batch
// statistics, optimizers, what a step writes and when it writes nothing. Faults:
// test_frontend_training_faults.
#include "tests/support/built_model.h"

#include <check.h>

enum { ALL = LG_MODEL_INFER | LG_MODEL_LOSS_AND_GRAD | LG_MODEL_TRAIN_STEP };

// ---- losses

static void build_losses(lg_name_scope *s)
{
    lg_value *logits = input(s, "logits", LG_F32, 2, 3), *labels = input(s, "labels", LG_I32, 2);
    lg_value *x = input(s, "x", LG_F32, 4), *t = input(s, "t", LG_F32, 4);
    lg_value *known = greater(s, t, 0.25);
    output(s, "cross_entropy", cross_entropy(s, logits, labels));
    output(s, "log_softmax", log_softmax(s, logits, 0));
    output(s, "binary", binary_cross_entropy(s, x, t));
    output(s, "binary_of_one", binary_cross_entropy(s, x, 1));
    output(s, "mse", mse(s, x, t));
    output(s, "l1", l1(s, x, 0.5));
    output(s, "huber", huber(s, x, 0.0, 1.5));
    output(s, "hinge", hinge(s, x, -1));
    output(s, "mean_all", mean_all(s, logits));
    output(s, "masked_mean", masked_mean(s, div(s, 1, t), known));
    output(s, "masked_by_column", masked_mean(s, logits, reshape(s, greater(s, labels, 1), 2, 1)));
    output(s, "masked_by_nothing", masked_mean(s, t, greater(s, t, 100)));
}

START_TEST(losses_are_those_made_by_hand)
{
    static const struct {
        const char *name;
        int count;
        double values[6];
    } rows[] = {
        {"cross_entropy", 2, {0.407605964, 1000}},
        {"log_softmax", 6, {-999, -0.126928011, -0.000000000, 0, -2.126928011, -1003}},
        {"binary", 4, {0.693147181, 0.126928011, 800, 800}},
        {"binary_of_one", 4, {0.693147181, 0.126928011, 800, 0}},
        {"mse", 4, {0.25, 1, 641601, 640000}},
        {"l1", 4, {0.5, 1.5, 800.5, 799.5}},
        {"huber", 4, {0, 1.875, 1198.875, 1198.875}},
        {"hinge", 4, {1, 3, 0, 801}},
        {"mean_all", 1, {1}},
        {"masked_mean", 1, {4.0 / 3}},
        {"masked_by_column", 1, {2}},
        {"masked_by_nothing", 1, {0}},
    };
    // The last 1/t is infinite, and masked out.
    static const double inputs[] = {1, 2, 3, 1000, 0, -1000, 2, 1, 0, 2, -800, 800, 0.5, 1, 1, 0};
    lg_built_model m = lg_built_model_new(build_losses, LG_MODEL_INFER, NULL);
    lg_built_model_run(&m, "infer", inputs);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int j = 0; j < rows[i].count; j++)
            lg_expect_number(rows[i].name, lg_built_model_result(&m, rows[i].name, j),
                             rows[i].values[j]);
    lg_built_model_free(&m);
}
END_TEST

// ---- batch norm

static void build_norm(lg_name_scope *s)
{
    lg_value *x = input(s, "x", LG_F32, 2, 2, 1, 2);
    lg_value *y = batch_norm(s, "bn", x, .eps = 0.25, .momentum = 0.5);
    lg_value *other = batch_norm(scope(s, "other"), "bn", x);
    loss(s, "first", sum(s, slice(s, reshape(s, y, 8), 0, 0, 1), 0));
    loss(s, "second", sum(s, slice(s, reshape(s, y, 8), 0, 1, 2), 0));
    loss(s, "other", mean_all(s, mul(s, other, other)));
    output(s, "y", y);
}

// Channel 0 is 1 3 5 7: mean 4, variance 5, over n - 1 20/3. Channel 1 is 2 2 2 10: 4, 12, 16.
START_TEST(batch_norm_uses_the_batch_and_moves_the_running_statistics)
{
    static const double inputs[] = {1, 2, 3, 2, 5, 2, 7, 10, 0};
    lg_built_model m = lg_built_model_new(build_norm, ALL, NULL);
    lg_reference_set(&m.reference, "bn.weight", 1, 3);
    lg_reference_set(&m.reference, "bn.bias", 1, 0.5);
    lg_reference_set(&m.reference, "bn.running_mean", 0, 2);
    lg_built_model_run(&m, "loss_and_grad", inputs);
    lg_expect_number("y[0]", lg_built_model_result(&m, "loss_first", 0), -3 / (sqrt)(5.25));
    lg_expect_number("y[1]", lg_built_model_result(&m, "loss_second", 0),
                     -2 / (sqrt)(12.25) * 3 + 0.5);
    lg_expect_number("running_mean before", lg_built_model_symbol(&m, "bn.running_mean", 0), 2);
    lg_built_model_run(&m, "train_step", inputs);
    lg_expect_number("y[0]", lg_built_model_result(&m, "loss_first", 0), -3 / (sqrt)(5.25));
    lg_expect_number("running_mean[0]", lg_built_model_symbol(&m, "bn.running_mean", 0), 3);
    lg_expect_number("running_mean[1]", lg_built_model_symbol(&m, "bn.running_mean", 1), 2);
    lg_expect_number("running_var[0]", lg_built_model_symbol(&m, "bn.running_var", 0),
                     (1 + 20.0 / 3) / 2);
    lg_expect_number("running_var[1]", lg_built_model_symbol(&m, "bn.running_var", 1), 8.5);
    lg_expect_number("num_batches_tracked", lg_built_model_symbol(&m, "bn.num_batches_tracked", 0),
                     1);
    lg_expect_number("other running_var", lg_built_model_symbol(&m, "other.bn.running_var", 0),
                     0.9 + 0.1 * 20 / 3);
    lg_built_model_run(&m, "infer", inputs); // reads what the step has written; the rate was 0
    lg_expect_number("inference", lg_built_model_result(&m, "y", 0),
                     -2 / (sqrt)((1 + 20.0 / 3) / 2 + 0.25));
    lg_built_model_free(&m);
}
END_TEST

// ---- optimizers and what a step writes

static void build_line(lg_name_scope *s)
{
    lg_value *x = input(s, "x", LG_F32, 2);
    lg_value *w = parameter(s, "w", LG_F32, LG_SHAPE(2), LG_INIT_CONSTANT, 1);
    lg_value *unread = parameter(s, "unread", LG_F32, LG_SHAPE(3), LG_INIT_CONSTANT, 2);
    lg_value *idle = parameter(s, "idle", LG_F32, LG_SHAPE(1), LG_INIT_CONSTANT, 2);
    lg_value *own = state(s, "own", LG_F32, LG_SHAPE(2), LG_INIT_CONSTANT, 0);
    (void)unread;
    write(s, own, mul(s, x, 2));
    output(s, "y", mul(s, add(s, x, idle), w));
    loss(s, "product", sum(s, mul(s, x, w), 0));
    loss(s, "logarithm", sum(s, mul(s, log(s, slice(s, x, 0, 0, 1)), 0), 0));
}

START_TEST(functions_have_their_arguments_results_and_symbols)
{
    static const char *const results[] = {"loss",   "loss_product", "loss_logarithm",
                                          "grad.w", "grad.unread",  "grad.idle"};
    static const char *const symbols[] = {"w",
                                          "unread",
                                          "idle",
                                          "own",
                                          "optimizer.step",
                                          "optimizer.exp_avg.w",
                                          "optimizer.exp_avg_sq.w"};
    static const double inputs[] = {1, 2};
    lg_built_model m = lg_built_model_new(build_line, ALL, NULL);
    const lg_function *grad = lg_module_function(m.module, "loss_and_grad");
    const lg_function *step = lg_module_function(m.module, "train_step");
    ck_assert_int_eq(grad->arguments.count, 1);
    ck_assert_int_eq(grad->results.count, 6);
    for (int i = 0; i < 6; i++)
        ck_assert_str_eq(grad->result_names.items[i], results[i]);
    ck_assert_int_eq(step->arguments.count, 2);
    ck_assert_str_eq(step->arguments.items[1]->name, "learning_rate");
    ck_assert_int_eq(step->arguments.items[1]->type.rank, 0);
    ck_assert_int_eq(step->results.count, 3);
    int count = 0;
    LG_FOR_SYMBOLS (at, m.module) {
        ck_assert_int_eq(at->value->index, count);
        ck_assert_str_eq(at->name, symbols[count++]);
    }
    ck_assert_int_eq(count, sizeof symbols / sizeof *symbols);
    lg_built_model_run(&m, "loss_and_grad", inputs);
    lg_expect_number("loss", lg_built_model_result(&m, "loss", 0), 3);
    lg_expect_number("grad.w", lg_built_model_result(&m, "grad.w", 1), 2);
    lg_expect_number("grad.unread", lg_built_model_result(&m, "grad.unread", 2), 0);
    lg_expect_number("grad.idle", lg_built_model_result(&m, "grad.idle", 0), 0);
    lg_expect_number("own", lg_built_model_symbol(&m, "own", 0), 0);
    lg_built_model_free(&m);
}
END_TEST

// Two steps of Adam on the gradients (1, 2) and weight decay 0.1, from w = (1, 1).
START_TEST(adam_takes_the_steps_of_its_paper)
{
    static const double inputs[] = {1, 2, 0.01};
    lg_training t = {.optimizer = {.beta1 = 0.9, .beta2 = 0.99, .eps = 1e-3, .weight_decay = 0.1}};
    lg_built_model m = lg_built_model_new(build_line, ALL, &t);
    double w[2] = {1, 1}, a[2] = {0}, v[2] = {0};
    for (int step = 1; step <= 3; step++) {
        lg_built_model_run(&m, "train_step", inputs);
        for (int i = 0; i < 2; i++) {
            double g = inputs[i] + 0.1 * w[i];
            a[i] = 0.9 * a[i] + 0.1 * g;
            v[i] = 0.99 * v[i] + 0.01 * g * g;
            w[i] -= 0.01 / (1 - pow(0.9, step)) * a[i] /
                    ((sqrt)(v[i]) / (sqrt)(1 - pow(0.99, step)) + 1e-3);
            lg_expect_number("w", lg_built_model_symbol(&m, "w", i), w[i]);
            lg_expect_number("exp_avg", lg_built_model_symbol(&m, "optimizer.exp_avg.w", i), a[i]);
            lg_expect_number("exp_avg_sq", lg_built_model_symbol(&m, "optimizer.exp_avg_sq.w", i),
                             v[i]);
        }
        lg_expect_number("step", lg_built_model_symbol(&m, "optimizer.step", 0), step);
    }
    lg_expect_number("own", lg_built_model_symbol(&m, "own", 1), 4);
    lg_expect_number("what nothing reads", lg_built_model_symbol(&m, "unread", 0), 2);
    lg_built_model_free(&m);
}
END_TEST

START_TEST(sgd_keeps_its_momentum)
{
    static const double inputs[] = {1, 2, 0.5};
    lg_training t = {.optimizer = {.kind = LG_SGD, .momentum = 0.5}};
    lg_built_model m = lg_built_model_new(build_line, ALL, &t);
    lg_built_model_run(&m, "train_step", inputs);
    lg_built_model_run(&m, "train_step", inputs);
    lg_expect_number("w", lg_built_model_symbol(&m, "w", 1), 1 - 0.5 * 2 - 0.5 * 3);
    lg_expect_number("buffer", lg_built_model_symbol(&m, "optimizer.momentum_buffer.w", 1), 3);
    lg_built_model_free(&m);
    t.optimizer.momentum = 0;
    m = lg_built_model_new(build_line, ALL, &t);
    lg_built_model_run(&m, "train_step", inputs);
    lg_expect_number("w", lg_built_model_symbol(&m, "w", 1), 0);
    ck_assert_ptr_null(lg_module_symbol(m.module, "optimizer.momentum_buffer.w"));
    lg_built_model_free(&m);
}
END_TEST

// Two sides of one game: a gains what b loses; `both` follows the sum, `none` has no loss.
static void build_game(lg_name_scope *s)
{
    static const char *const names[] = {"a.w", "b.w", "both", "none"};
    lg_value *x = input(s, "x", LG_F32, 1), *w[4];
    for (int i = 0; i < 4; i++)
        w[i] = parameter(s, names[i], LG_F32, LG_SHAPE(1), LG_INIT_CONSTANT, i + 1);
    lg_value *game = mul(s, mul(s, x, w[0]), mul(s, mul(s, w[1], w[2]), w[3]));
    loss_of(s, "a", "first", sum(s, game, 0));
    loss_of(scope(s, "b"), "w", "second", mul(s, sum(s, game, 0), -1));
    loss_of(s, "both", "third", sum(s, w[2], 0));
    loss_of(s, "both", "fourth", sum(s, mul(s, w[2], x), 0));
    use_optimizer(s, .kind = LG_SGD);
    output(s, "y", game);
}

START_TEST(every_group_of_parameters_follows_its_own_losses)
{
    static const double inputs[] = {2, 0.5}; // the game is 2 * 1 * 2 * 3 * 4
    lg_built_model m = lg_built_model_new(build_game, ALL, NULL);
    lg_built_model_run(&m, "loss_and_grad", inputs);
    lg_expect_number("loss", lg_built_model_result(&m, "loss", 0), 3 + 6);
    lg_expect_number("grad.a.w", lg_built_model_result(&m, "grad.a.w", 0), 48);
    lg_expect_number("grad.b.w", lg_built_model_result(&m, "grad.b.w", 0), -24);
    lg_expect_number("grad.both", lg_built_model_result(&m, "grad.both", 0), 3);
    lg_expect_number("grad.none", lg_built_model_result(&m, "grad.none", 0), 0);
    lg_built_model_run(&m, "train_step", inputs);
    lg_expect_number("a.w", lg_built_model_symbol(&m, "a.w", 0), 1 - 0.5 * 48);
    lg_expect_number("b.w", lg_built_model_symbol(&m, "b.w", 0),
                     2 + 0.5 * 24); // of where a.w stood before
    lg_expect_number("both", lg_built_model_symbol(&m, "both", 0), 3 - 0.5 * 3);
    lg_expect_number("none", lg_built_model_symbol(&m, "none", 0), 4);
    lg_built_model_free(&m);
}
END_TEST

// log of a negative number is NaN, of 0 infinite, which 0 makes NaN too.
START_TEST(a_step_that_is_not_finite_changes_nothing)
{
    static const double bad[][3] = {{-1, 2, 0.01}, {0, 2, 0.01}, {NAN, 2, 0.01}, {INFINITY, 2, 1}};
    lg_built_model m = lg_built_model_new(build_line, ALL, NULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        lg_built_model_run(&m, "train_step", bad[i]);
        ck_assert(!isfinite(lg_built_model_result(&m, "loss", 0)));
        ck_assert_double_eq(lg_built_model_symbol(&m, "w", 1), 1);
        ck_assert_double_eq(lg_built_model_symbol(&m, "own", 1), 0);
        ck_assert_double_eq(lg_built_model_symbol(&m, "optimizer.step", 0), 0);
        ck_assert_double_eq(lg_built_model_symbol(&m, "optimizer.exp_avg.w", 1), 0);
    }
    lg_built_model_run(&m, "train_step", (const double[]){1, 2, 0.01});
    lg_expect_number("step", lg_built_model_symbol(&m, "optimizer.step", 0), 1);
    lg_built_model_free(&m);
}
END_TEST

// A model that takes its optimizer in its own hands: half the learning rate, no weight decay.
static void build_by_hand(lg_name_scope *s)
{
    lg_value *rate = learning_rate(s), *x = input(s, "x", LG_F32, 1);
    lg_value *w = parameter(s, "w", LG_F32, LG_SHAPE(1), LG_INIT_CONSTANT, 1);
    lg_value *product = sum(s, mul(s, w, x), 0);
    const lg_optimizer sgd = {.kind = LG_SGD};
    optimizer_step(s, &sgd, w, is_training(s) ? gradient(s, product, w) : NULL,
                   rate ? mul(s, rate, 0.5) : NULL);
    loss(s, "product", product);
    output(s, "y", product);
}

START_TEST(a_model_may_choose_its_own_step)
{
    lg_built_model m = lg_built_model_new(build_by_hand, ALL, NULL);
    const lg_function *step = lg_module_function(m.module, "train_step");
    ck_assert_str_eq(step->arguments.items[0]->name, "x");
    ck_assert_str_eq(step->arguments.items[1]->name, "learning_rate");
    lg_built_model_run(&m, "train_step", (const double[]){3, 0.1});
    lg_expect_number("w", lg_built_model_symbol(&m, "w", 0), 1 - 0.5 * 0.1 * 3);
    lg_built_model_free(&m);
}
END_TEST

// ---- order

static void build_scattered(lg_name_scope *s)
{
    lg_value *x = input(s, "x", LG_F32, 4, 3);
    lg_value *y = dropout(s, linear(scope(s, "b"), "fc", x, 3), 0.5);
    y = linear(scope(s, "a"), "fc", y, 2);
    order_symbols(s, "a", "b");
    loss(s, "mse", mean_all(s, mse(s, y, 1)));
    output(s, "y", y);
}

START_TEST(the_order_of_the_checkpoint_is_the_same_for_every_mask)
{
    static const char *const names[] = {"a.fc.weight", "a.fc.bias",   "b.fc.weight",
                                        "b.fc.bias",   "random.seed", "random.counter"};
    for (unsigned mask = 1; mask <= ALL; mask++) {
        lg_built_model m = lg_built_model_new(build_scattered, mask, NULL);
        const lg_symbol *at = m.module->first_symbol;
        for (int i = 0; i < (mask == LG_MODEL_INFER ? 4 : 6); i++, at = at->next) {
            ck_assert_str_eq(at->name, names[i]);
            ck_assert_int_eq(at->value->index, i);
        }
        ck_assert(!at == !(mask & LG_MODEL_TRAIN_STEP));
        ck_assert(!at || strcmp(at->name, "optimizer.step") == 0);
        ck_assert(!lg_module_function(m.module, "infer") == !(mask & LG_MODEL_INFER));
        lg_built_model_free(&m);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("training in the DSL");
    TCase *tests = tcase_create("training in the DSL");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, losses_are_those_made_by_hand);
    tcase_add_test(tests, batch_norm_uses_the_batch_and_moves_the_running_statistics);
    tcase_add_test(tests, functions_have_their_arguments_results_and_symbols);
    tcase_add_test(tests, adam_takes_the_steps_of_its_paper);
    tcase_add_test(tests, sgd_keeps_its_momentum);
    tcase_add_test(tests, every_group_of_parameters_follows_its_own_losses);
    tcase_add_test(tests, a_step_that_is_not_finite_changes_nothing);
    tcase_add_test(tests, a_model_may_choose_its_own_step);
    tcase_add_test(tests, the_order_of_the_checkpoint_is_the_same_for_every_mask);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
