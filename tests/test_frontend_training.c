// Training in the DSL, by the reference interpreter: losses against numbers made by hand, random
// numbers against what chance allows, batch statistics, optimizers, what a step writes and when it
// writes nothing, and every kind of fault at its line.
#include "frontend/lgpnc.h"
#include "tests/support/reference.h"

#include <check.h>

enum { ALL = LG_MODEL_INFER | LG_MODEL_LOSS_AND_GRAD | LG_MODEL_TRAIN_STEP };

static lg_module *make_with(void (*build)(lg_name_scope *s), unsigned functions,
                            const lg_training *training, char **messages)
{
    const lg_model_info info = {.bytes = sizeof info, .name = "test", .build = build};
    size_t length;
    lg_diag *diag = lg_diag_new();
    lg_module *module = lg_model_instantiate(&info, NULL, "test", functions, training, diag);
    FILE *out = open_memstream(messages, &length);
    lg_diag_print(diag, out);
    fclose(out);
    lg_diag_free(diag);
    return module;
}

// A module, its symbols at their initial values, and a function of it that runs on numbers.
typedef struct machine {
    lg_module *module;
    lg_reference reference;
} machine;

static machine start_with(void (*build)(lg_name_scope *s), unsigned functions,
                          const lg_training *training)
{
    char *messages = NULL;
    machine m = {.module = make_with(build, functions, training, &messages)};
    ck_assert_msg(m.module != NULL, "%s", messages);
    free(messages);
    m.reference = lg_reference_new(m.module);
    lg_reference_init(&m.reference, 1);
    return m;
}

static machine start(void (*build)(lg_name_scope *s), unsigned functions)
{
    return start_with(build, functions, NULL);
}

static void stop(machine *m)
{
    lg_reference_free(&m->reference);
    lg_module_free(m->module);
}

// `inputs` holds the elements of all arguments, one behind the other.
static void run(machine *m, const char *name, const double *inputs)
{
    lg_reference *r = &m->reference;
    lg_reference_choose(r, name);
    lg_array *arguments[8];
    for (int i = 0; i < r->function->arguments.count; i++) {
        arguments[i] = lg_array_new(r->arena, &r->function->arguments.items[i]->type);
        bool is_float = lg_dtype_is_float(arguments[i]->type.dtype);
        for (int64_t j = 0; j < lg_type_elements(&arguments[i]->type); j++, inputs++)
            arguments[i]->data[j] =
                is_float ? (lg_number){.f = *inputs} : (lg_number){.i = (int64_t)*inputs};
    }
    lg_diag *diag = lg_diag_new();
    r->results = LG_NEW_ARRAY(r->arena, lg_array *, r->function->results.count);
    bool ok = lg_interpret(r->arena, r->function, arguments, r->results, &r->environment, diag);
    lg_diag_print(diag, stderr);
    lg_diag_free(diag);
    ck_assert(ok);
}

static double result(const machine *m, const char *name, int64_t element)
{
    return lg_reference_result(&m->reference, name)->data[element].f;
}

static double symbol(const machine *m, const char *name, int64_t element)
{
    return lg_reference_get(&m->reference, name, element);
}

static void expect(const char *what, double got, double wanted)
{
    ck_assert_msg(fabs(got - wanted) <= 1e-6 * fmax(1, fabs(wanted)), "%s is %.9g, not %.9g", what,
                  got, wanted);
}

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
    machine m = start(build_losses, LG_MODEL_INFER);
    run(&m, "infer", inputs);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int j = 0; j < rows[i].count; j++)
            expect(rows[i].name, result(&m, rows[i].name, j), rows[i].values[j]);
    stop(&m);
}
END_TEST

// ---- random numbers

enum { DRAWS = 1 << 16 };

static void build_uniform(lg_name_scope *s)
{
    output(s, "first", uniform(s, 16, DRAWS / 16));
    output(s, "second", uniform(s, DRAWS));
    output(s, "scalar", lg_uniform(s, LG_HERE, LG_SCALAR_SHAPE));
}

static double *draw(machine *m, double seed, double counter, const char *call)
{
    lg_reference_set(&m->reference, "random.seed", 0, seed);
    lg_reference_set(&m->reference, "random.counter", 0, counter);
    run(m, "infer", NULL);
    double *numbers = malloc(DRAWS * sizeof *numbers);
    ck_assert_ptr_nonnull(numbers);
    for (int i = 0; i < DRAWS; i++)
        numbers[i] = result(m, call, i);
    return numbers;
}

static double correlation(const double *a, const double *b, int count)
{
    double product = 0;
    for (int i = 0; i < count; i++)
        product += (a[i] - 0.5) * (b[i] - 0.5);
    return product * 12 / count; // the variance is 1/12
}

// 5 deviations of a sum of DRAWS independent numbers: chance fails one seed in a million.
static const double five_sigma = 5.0 / 256;

static void check_uniform(const double *numbers, const char *what)
{
    int bins[256] = {0}, ones[24] = {0};
    double sum = 0, chi = 0;
    for (int i = 0; i < DRAWS; i++) {
        ck_assert(numbers[i] >= 0 && numbers[i] < 1);
        int bits = (int)(numbers[i] * 0x1p24);
        bins[bits >> 16]++;
        for (int b = 0; b < 24; b++)
            ones[b] += bits >> b & 1;
        sum += numbers[i];
    }
    for (int i = 0; i < 256; i++)
        chi += (bins[i] - DRAWS / 256.0) * (bins[i] - DRAWS / 256.0) / (DRAWS / 256.0);
    ck_assert_msg(fabs(sum / DRAWS - 0.5) < five_sigma / (sqrt)(12), "%s: mean %g", what,
                  sum / DRAWS);
    ck_assert_msg(fabs(chi - 255) < 5 * (sqrt)(2 * 255), "%s: chi squared %g", what, chi);
    for (int b = 0; b < 24; b++)
        ck_assert_msg(fabs(ones[b] * 2.0 / DRAWS - 1) < five_sigma, "%s: bit %d is set %d times",
                      what, b, ones[b]);
    for (int lag = 1; lag <= 4096; lag *= 2) // neighbours, and those in the rows above
        ck_assert_msg(fabs(correlation(numbers, numbers + lag, DRAWS - lag)) < 1.1 * five_sigma,
                      "%s: elements %d apart correlate", what, lag);
}

START_TEST(random_numbers_are_uniform_and_independent)
{
    machine m = start(build_uniform, LG_MODEL_INFER);
    static const double keys[][2] = {{0, 0}, {0, 1}, {1, 0}, {7, 1000000}, {0x1p40, 1}};
    enum { KEYS = sizeof keys / sizeof *keys };
    double *streams[2 * KEYS];
    for (int i = 0; i < KEYS; i++) {
        streams[2 * i] = draw(&m, keys[i][0], keys[i][1], "first");
        streams[2 * i + 1] = draw(&m, keys[i][0], keys[i][1], "second");
    }
    for (int i = 0; i < 2 * KEYS; i++) {
        char what[64];
        snprintf(what, sizeof what, "seed %g, counter %g, call %d", keys[i / 2][0], keys[i / 2][1],
                 i % 2);
        check_uniform(streams[i], what);
        for (int j = 0; j < i; j++)
            ck_assert_msg(fabs(correlation(streams[i], streams[j], DRAWS)) < five_sigma,
                          "streams %d and %d correlate", i, j);
    }
    for (int i = 0; i < 2 * KEYS; i++)
        free(streams[i]);
    stop(&m);
}
END_TEST

static void build_normal(lg_name_scope *s)
{
    output(s, "first", normal(s, DRAWS));
    output(s, "second", normal(s, DRAWS));
}

// Mean, variance and fourth moment within five deviations; what lies within one, two and three.
static void check_normal(const double *x)
{
    static const double shares[] = {0.682689, 0.954500, 0.997300};
    double sums[3] = {0};
    int within[3] = {0};
    for (int i = 0; i < DRAWS; i++) {
        ck_assert(fabs(x[i]) < 5.8);
        sums[0] += x[i];
        sums[1] += x[i] * x[i];
        sums[2] += pow(x[i], 4);
        for (int k = 0; k < 3; k++)
            within[k] += fabs(x[i]) < k + 1;
    }
    ck_assert(fabs(sums[0] / DRAWS) < five_sigma);
    ck_assert(fabs(sums[1] / DRAWS - 1) < five_sigma * (sqrt)(2));
    ck_assert(fabs(sums[2] / DRAWS - 3) < five_sigma * (sqrt)(96));
    for (int k = 0; k < 3; k++)
        ck_assert(fabs(within[k] / (double)DRAWS - shares[k]) < five_sigma / 2);
}

START_TEST(normal_numbers_have_the_moments_of_theirs)
{
    machine m = start(build_normal, LG_MODEL_INFER);
    double *a = draw(&m, 3, 9, "first"), *b = draw(&m, 3, 9, "second"), product = 0;
    check_normal(a);
    check_normal(b);
    for (int i = 0; i < DRAWS; i++)
        product += a[i] * b[i];
    ck_assert(fabs(product / DRAWS) < five_sigma);
    free(a);
    free(b);
    stop(&m);
}
END_TEST

static void build_dropout(lg_name_scope *s)
{
    lg_value *x = input(s, "x", LG_F32, 1), *ones = broadcast(s, x, 200, 300);
    lg_value *a = dropout(s, ones, 0.2), *b = dropout(s, ones, 0.2);
    loss(s, "mean", mean_all(s, a));
    loss(s, "kept", mean_all(s, cast(s, greater(s, a, 0), LG_F32)));
    loss(s, "most", sum(s, reduce_max(s, a, 0, 1), 0, 1));
    loss(s, "both_kept", mean_all(s, cast(s, greater(s, mul(s, a, b), 0), LG_F32)));
    output(s, "y", mean_all(s, a));
}

START_TEST(dropout_scales_what_it_keeps_and_is_repeatable)
{
    static const double inputs[] = {1, 0.1};
    machine m = start(build_dropout, ALL);
    run(&m, "infer", inputs);
    expect("dropout in inference", result(&m, "y", 0), 1);
    run(&m, "loss_and_grad", inputs);
    double before = result(&m, "loss_mean", 0);
    ck_assert_double_eq_tol(before, 1, 5 * 0.5 / (sqrt)(60000));
    ck_assert_double_eq_tol(result(&m, "loss_kept", 0), 0.8, 5 * 0.4 / (sqrt)(60000));
    ck_assert_double_eq_tol(result(&m, "loss_both_kept", 0), 0.64, 5 * 0.48 / (sqrt)(60000));
    expect("what is kept", result(&m, "loss_most", 0), 1.25);
    ck_assert_double_eq(symbol(&m, "random.counter", 0), 0);
    run(&m, "train_step", inputs); // draws what @loss_and_grad drew
    ck_assert_double_eq(result(&m, "loss_mean", 0), before);
    ck_assert_double_eq(symbol(&m, "random.counter", 0), 1);
    run(&m, "train_step", inputs);
    ck_assert_double_ne(result(&m, "loss_mean", 0), before);
    lg_reference_set(&m.reference, "random.counter", 0, 0);
    run(&m, "loss_and_grad", inputs);
    ck_assert_double_eq(result(&m, "loss_mean", 0), before);
    lg_reference_set(&m.reference, "random.seed", 0, 5);
    run(&m, "loss_and_grad", inputs);
    ck_assert_double_ne(result(&m, "loss_mean", 0), before);
    stop(&m);

    lg_training none = LG_TRAINING_DEFAULTS;
    none.no_dropout = true;
    m = start_with(build_dropout, ALL, &none);
    run(&m, "train_step", inputs);
    expect("without dropout", result(&m, "loss_mean", 0), 1);
    ck_assert_ptr_null(lg_module_symbol(m.module, "random.seed"));
    stop(&m);
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
    machine m = start(build_norm, ALL);
    lg_reference_set(&m.reference, "bn.weight", 1, 3);
    lg_reference_set(&m.reference, "bn.bias", 1, 0.5);
    lg_reference_set(&m.reference, "bn.running_mean", 0, 2);
    run(&m, "loss_and_grad", inputs);
    expect("y[0]", result(&m, "loss_first", 0), -3 / (sqrt)(5.25));
    expect("y[1]", result(&m, "loss_second", 0), -2 / (sqrt)(12.25) * 3 + 0.5);
    expect("running_mean before", symbol(&m, "bn.running_mean", 0), 2);
    run(&m, "train_step", inputs);
    expect("y[0]", result(&m, "loss_first", 0), -3 / (sqrt)(5.25));
    expect("running_mean[0]", symbol(&m, "bn.running_mean", 0), 3);
    expect("running_mean[1]", symbol(&m, "bn.running_mean", 1), 2);
    expect("running_var[0]", symbol(&m, "bn.running_var", 0), (1 + 20.0 / 3) / 2);
    expect("running_var[1]", symbol(&m, "bn.running_var", 1), 8.5);
    expect("num_batches_tracked", symbol(&m, "bn.num_batches_tracked", 0), 1);
    expect("other running_var", symbol(&m, "other.bn.running_var", 0), 0.9 + 0.1 * 20 / 3);
    run(&m, "infer", inputs); // reads what the step has written; the rate was 0
    expect("inference", result(&m, "y", 0), -2 / (sqrt)((1 + 20.0 / 3) / 2 + 0.25));
    stop(&m);
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
    machine m = start(build_line, ALL);
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
    run(&m, "loss_and_grad", inputs);
    expect("loss", result(&m, "loss", 0), 3);
    expect("grad.w", result(&m, "grad.w", 1), 2);
    expect("grad.unread", result(&m, "grad.unread", 2), 0);
    expect("grad.idle", result(&m, "grad.idle", 0), 0);
    expect("own", symbol(&m, "own", 0), 0);
    stop(&m);
}
END_TEST

// Two steps of Adam on the gradients (1, 2) and weight decay 0.1, from w = (1, 1).
START_TEST(adam_takes_the_steps_of_its_paper)
{
    static const double inputs[] = {1, 2, 0.01};
    lg_training t = {.optimizer = {.beta1 = 0.9, .beta2 = 0.99, .eps = 1e-3, .weight_decay = 0.1}};
    machine m = start_with(build_line, ALL, &t);
    double w[2] = {1, 1}, a[2] = {0}, v[2] = {0};
    for (int step = 1; step <= 3; step++) {
        run(&m, "train_step", inputs);
        for (int i = 0; i < 2; i++) {
            double g = inputs[i] + 0.1 * w[i];
            a[i] = 0.9 * a[i] + 0.1 * g;
            v[i] = 0.99 * v[i] + 0.01 * g * g;
            w[i] -= 0.01 / (1 - pow(0.9, step)) * a[i] /
                    ((sqrt)(v[i]) / (sqrt)(1 - pow(0.99, step)) + 1e-3);
            expect("w", symbol(&m, "w", i), w[i]);
            expect("exp_avg", symbol(&m, "optimizer.exp_avg.w", i), a[i]);
            expect("exp_avg_sq", symbol(&m, "optimizer.exp_avg_sq.w", i), v[i]);
        }
        expect("step", symbol(&m, "optimizer.step", 0), step);
    }
    expect("own", symbol(&m, "own", 1), 4);
    expect("what nothing reads", symbol(&m, "unread", 0), 2);
    stop(&m);
}
END_TEST

START_TEST(sgd_keeps_its_momentum)
{
    static const double inputs[] = {1, 2, 0.5};
    lg_training t = {.optimizer = {.kind = LG_SGD, .momentum = 0.5}};
    machine m = start_with(build_line, ALL, &t);
    run(&m, "train_step", inputs);
    run(&m, "train_step", inputs);
    expect("w", symbol(&m, "w", 1), 1 - 0.5 * 2 - 0.5 * 3);
    expect("buffer", symbol(&m, "optimizer.momentum_buffer.w", 1), 3);
    stop(&m);
    t.optimizer.momentum = 0;
    m = start_with(build_line, ALL, &t);
    run(&m, "train_step", inputs);
    expect("w", symbol(&m, "w", 1), 0);
    ck_assert_ptr_null(lg_module_symbol(m.module, "optimizer.momentum_buffer.w"));
    stop(&m);
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
    machine m = start(build_game, ALL);
    run(&m, "loss_and_grad", inputs);
    expect("loss", result(&m, "loss", 0), 3 + 6);
    expect("grad.a.w", result(&m, "grad.a.w", 0), 48);
    expect("grad.b.w", result(&m, "grad.b.w", 0), -24);
    expect("grad.both", result(&m, "grad.both", 0), 3);
    expect("grad.none", result(&m, "grad.none", 0), 0);
    run(&m, "train_step", inputs);
    expect("a.w", symbol(&m, "a.w", 0), 1 - 0.5 * 48);
    expect("b.w", symbol(&m, "b.w", 0), 2 + 0.5 * 24); // of where a.w stood before
    expect("both", symbol(&m, "both", 0), 3 - 0.5 * 3);
    expect("none", symbol(&m, "none", 0), 4);
    stop(&m);
}
END_TEST

// log of a negative number is NaN, of 0 infinite, which 0 makes NaN too.
START_TEST(a_step_that_is_not_finite_changes_nothing)
{
    static const double bad[][3] = {{-1, 2, 0.01}, {0, 2, 0.01}, {NAN, 2, 0.01}, {INFINITY, 2, 1}};
    machine m = start(build_line, ALL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        run(&m, "train_step", bad[i]);
        ck_assert(!isfinite(result(&m, "loss", 0)));
        ck_assert_double_eq(symbol(&m, "w", 1), 1);
        ck_assert_double_eq(symbol(&m, "own", 1), 0);
        ck_assert_double_eq(symbol(&m, "optimizer.step", 0), 0);
        ck_assert_double_eq(symbol(&m, "optimizer.exp_avg.w", 1), 0);
    }
    run(&m, "train_step", (const double[]){1, 2, 0.01});
    expect("step", symbol(&m, "optimizer.step", 0), 1);
    stop(&m);
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
    machine m = start(build_by_hand, ALL);
    const lg_function *step = lg_module_function(m.module, "train_step");
    ck_assert_str_eq(step->arguments.items[0]->name, "x");
    ck_assert_str_eq(step->arguments.items[1]->name, "learning_rate");
    run(&m, "train_step", (const double[]){3, 0.1});
    expect("w", symbol(&m, "w", 0), 1 - 0.5 * 0.1 * 3);
    stop(&m);
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
        machine m = start(build_scattered, mask);
        const lg_symbol *at = m.module->first_symbol;
        for (int i = 0; i < (mask == LG_MODEL_INFER ? 4 : 6); i++, at = at->next) {
            ck_assert_str_eq(at->name, names[i]);
            ck_assert_int_eq(at->value->index, i);
        }
        ck_assert(!at == !(mask & LG_MODEL_TRAIN_STEP));
        ck_assert(!at || strcmp(at->name, "optimizer.step") == 0);
        ck_assert(!lg_module_function(m.module, "infer") == !(mask & LG_MODEL_INFER));
        stop(&m);
    }
}
END_TEST

// ---- faults

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
    "parameter \"optimizer.step\": optimizer.step: names below random and optimizer",
    NULL,
    "optimizer_step: beta1 2, beta2 0",
    "optimizer_step: takes a parameter of floats",
    "optimizer_step: the gradient of w is f32[2,3], not f32[]",
    "masked_mean: takes f32, not i32[3]",
    "table: 3 elements for shape [2]",
    "loss \"a b\": letters, digits",
};

START_TEST(all_faults_are_told_at_their_lines)
{
    char *messages = NULL, begin[256];
    ck_assert_ptr_null(make_with(build_faults, LG_MODEL_TRAIN_STEP, NULL, &messages));
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

static void refuse(void (*build)(lg_name_scope *s), const lg_training *training, const char *wanted)
{
    char *messages = NULL;
    ck_assert_ptr_null(make_with(build, ALL, training, &messages));
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
    Suite *suite = suite_create("training in the DSL");
    TCase *tests = tcase_create("training in the DSL");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, losses_are_those_made_by_hand);
    tcase_add_test(tests, random_numbers_are_uniform_and_independent);
    tcase_add_test(tests, normal_numbers_have_the_moments_of_theirs);
    tcase_add_test(tests, dropout_scales_what_it_keeps_and_is_repeatable);
    tcase_add_test(tests, batch_norm_uses_the_batch_and_moves_the_running_statistics);
    tcase_add_test(tests, functions_have_their_arguments_results_and_symbols);
    tcase_add_test(tests, adam_takes_the_steps_of_its_paper);
    tcase_add_test(tests, sgd_keeps_its_momentum);
    tcase_add_test(tests, every_group_of_parameters_follows_its_own_losses);
    tcase_add_test(tests, a_step_that_is_not_finite_changes_nothing);
    tcase_add_test(tests, a_model_may_choose_its_own_step);
    tcase_add_test(tests, the_order_of_the_checkpoint_is_the_same_for_every_mask);
    tcase_add_test(tests, all_faults_are_told_at_their_lines);
    tcase_add_test(tests, models_that_cannot_train_are_refused);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
