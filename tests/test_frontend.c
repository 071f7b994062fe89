// Every layer of the DSL against PyTorch (tests/goldens/layers.py), and every kind of fault: told
// at the caller's line, all in one go.
#include "tests/support/built_model.h"

#include <check.h>

// ---- values

static void build_layers(lg_name_scope *s)
{
    lg_value *x = input(s, "x", LG_F32, 2, 7, 5, 4), *v = input(s, "v", LG_F32, 2, 3, 6);
    lg_value *w = input(s, "w", LG_F32, 3, 1), *matrix = input(s, "matrix", LG_F32, 6, 4);
    lg_value *indices = input(s, "indices", LG_I32, 3);

    output(s, "conv_a", conv2d(s, "conv_a", x, .filters = 3, .kernel = 3));
    output(s, "conv_b",
           conv2d(s, "conv_b", x, .filters = 6, .kernel = 3, .stride = 2, .dilation = 2, .pad = 1,
                  .groups = 2, .bias = true));
    output(s, "conv_c", conv2d(s, "conv_c", x, .filters = 2, .kernel = 3, .pad = LG_NO_PAD));
    output(s, "bn", batch_norm(s, "bn", x, .eps = 0.01));
    output(s, "transpose_a",
           conv2d_transpose(s, "transpose_a", x, .filters = 3, .kernel = 4, .stride = 2, .pad = 1,
                            .bias = true));
    output(s, "transpose_b",
           conv2d_transpose(s, "transpose_b", x, .filters = 2, .kernel = 3, .stride = 2, .pad = 1,
                            .output_pad = 1));
    output(s, "instance", instance_norm(s, "instance", x));
    output(s, "group", group_norm(s, "group", x, .groups = 2, .eps = 0.01));
    output(s, "nearest", upsample_nearest(s, x, 3));
    output(s, "leaky_relu", leaky_relu(s, v, 0.2));
    output(s, "elu", elu(s, v));
    output(s, "silu", silu(s, v));
    output(s, "fc", linear(s, "fc", v, 5));
    output(s, "softmax_1", softmax(s, v, 1));
    output(s, "softmax_last", softmax(s, v, -1));
    output(s, "l2_normalize", l2_normalize(s, v, 2));
    output(s, "max_pool", max_pool(s, x, .kernel = 3, .stride = 2, .pad = 1));
    output(s, "max_pool_2", max_pool(s, x, .kernel = 2));
    output(s, "avg_pool", avg_pool(s, x, .kernel = 3, .stride = 2, .pad = 1));
    output(s, "global_average", global_average_pool(s, x));
    output(s, "resize_up", resize_bilinear(s, x, 9, 16));
    output(s, "resize_down", resize_bilinear(s, x, 3, 5));
    output(s, "broadcast_add", add(s, v, w));
    output(s, "from_number", sub(s, 2, v));
    output(s, "by_number", div(s, v, 3.0));
    output(s, "where", where(s, greater(s, v, 0.1), v, -1));
    lg_value *signs = where(s, greater(s, slice(s, v, 2, 0, 1), 0), 1, -2);
    output(s, "where_numbers", broadcast(s, signs, 2, 3, 6));
    output(s, "activations", add(s, relu(s, v), mul(s, sigmoid(s, v), tanh(s, v))));
    output(s, "sum", sum(s, v, 1));
    output(s, "mean", mean(s, v, 2, 0));
    output(s, "reduce_max", reduce_max(s, v, -1));
    output(s, "concat", concat(s, 1, v, mul(s, v, 2)));
    output(s, "stack", stack(s, 1, v, neg(s, v)));
    output(s, "slice", slice(s, v, 1, 1, 3));
    output(s, "pad", pad(s, v, 2, 1, 2, 0.5));
    output(s, "transpose", transpose(s, v, 2, 0, 1));
    output(s, "reshape", reshape(s, v, -1, 6));
    output(s, "gather", gather(s, v, 1, indices));
    output(s, "matmul", matmul(s, v, matrix));
    output(s, "matmul_ta", matmul(s, v, v, .ta = true));
    output(s, "matmul_tb", matmul(s, v, v, .tb = true));
}

START_TEST(layers_equal_pytorch)
{
    char path[512], *messages = NULL;
    lg_error e = {""};
    snprintf(path, sizeof path, "%s/goldens/layers.safetensors", LGPNC_TESTS_DIR);
    lg_safetensors *golden = lg_safetensors_open(path, &e);
    ck_assert_msg(golden != NULL, "%s", e.message);
    lg_module *module = lg_module_of_builder(build_layers, LG_MODEL_INFER, NULL, &messages);
    ck_assert_msg(module != NULL, "%s", messages);
    lg_reference reference = lg_reference_new(module);
    lg_reference_load(&reference, golden);
    lg_reference_run(&reference, golden);
    for (int i = 0; i < reference.function->results.count; i++) {
        const char *name = reference.function->result_names.items[i];
        double scale, difference = lg_reference_difference(&reference, golden, name, &scale);
        ck_assert_msg(difference <= 1e-6 * scale, "%s differs by %g of %g", name, difference,
                      scale);
    }
    lg_reference_free(&reference);
    lg_safetensors_close(golden);
    lg_module_free(module);
    free(messages);
}
END_TEST

// ---- composites and names

static void build_three_norms(lg_name_scope *s)
{
    lg_value *x = input(s, "x", LG_F32, 1, 4, 4, 8);
    lg_name_scope *a = scope(s, "a.%d", 1);
    lg_value *y = batch_norm(s, "n2", batch_norm(a, "n", batch_norm(s, "n1", x)), .eps = 1e-3);
    order_symbols(s, "n2", "n1");
    output(s, "y", y);
}

START_TEST(equal_composites_are_one_function)
{
    char *messages = NULL;
    lg_module *module = lg_module_of_builder(build_three_norms, LG_MODEL_INFER, NULL, &messages);
    ck_assert_msg(module != NULL, "%s", messages);
    int composites = 0, constants = 0;
    LG_FOR_FUNCTIONS (function, module) {
        if (function->kind != LG_COMPOSITE)
            continue;
        composites++;
        ck_assert_str_eq(function->composite, "batch_norm");
        ck_assert_int_eq(function->arguments.count, 5);
        LG_FOR_OPS (op, function)
            constants += op->code == LG_OP_constant;
    }
    ck_assert_int_eq(composites, 2); // two values of eps
    ck_assert_int_eq(constants, 2);
    lg_module_free(module);
    free(messages);
}
END_TEST

START_TEST(symbols_are_named_by_scope_and_ordered)
{
    static const char *const first[] = {
        "n2.weight", "n2.bias", "n2.running_mean", "n2.running_var", "n2.num_batches_tracked",
        "n1.weight"};
    char *messages = NULL;
    lg_module *module = lg_module_of_builder(build_three_norms, LG_MODEL_INFER, NULL, &messages);
    ck_assert_msg(module != NULL, "%s", messages);
    const lg_symbol *symbol = module->first_symbol;
    for (size_t i = 0; i < sizeof first / sizeof *first; i++, symbol = symbol->next) {
        ck_assert_str_eq(symbol->name, first[i]);
        ck_assert_int_eq(symbol->value->index, i);
    }
    ck_assert_str_eq(module->last_symbol->name, "a.1.n.num_batches_tracked");
    lg_module_free(module);
    free(messages);
}
END_TEST

// ---- faults

enum { FIRST_FAULT = __LINE__ + 6 }; // the line of the first call below

static void build_faults(lg_name_scope *s)
{
    lg_value *x = input(s, "x", LG_F32, 1, 8, 8, 3), *v = input(s, "v", LG_F32, 2, 3);
    // clang-format off
    lg_value *y = relu(s, conv2d(s, "conv1", v, .filters = 4));
    output(s, "never", batch_norm(s, "bn", add(s, y, x)));
    conv2d(s, "conv2", x);
    conv2d(s, "conv3", x, .filters = 4, .groups = 3);
    conv2d(s, "conv4", x, .filters = 4, .kernel = 9, .pad = LG_NO_PAD);
    conv2d(s, "conv5", x, .filters = 4, .stride = -1);
    conv2d(scope(s, "a"), "conv6", x, .filters = 4); conv2d(scope(s, "a"), "conv6", x, .filters = 4);
    add(s, x, v);
    add(s, v, cast(s, v, LG_I32));
    softmax(s, v, 2);
    reshape(s, v, 4, -1);
    slice(s, v, 1, 2, 5);
    matmul(s, v, v);
    max_pool(s, x, .kernel = 3, .pad = 2);
    concat(s, 1, v, reshape(s, v, 3, 2));
    linear(s, "a b", v, 4);
    where(s, v, v, v);
    transpose(s, v, 0, 0);
    mean(s, v, 1, -1);
    parameter(s, "p", LG_F32, LG_SHAPE(0, 3), LG_INIT_CONSTANT, 0);
    input(s, "v", LG_F32, 1);
    option(s, "width");
    broadcast(s, v, 1 << 20, 1 << 20, 2, 3);
    order_symbols(s, "nothing");
    conv2d(s, "conv7", x, .filters = INT64_MAX);
    output(s, "x", x); output(s, "x", x);
    conv2d_transpose(s, "up1", x, .filters = 4, .stride = 2, .output_pad = 2);
    conv2d_transpose(s, "up2", x, .filters = 4, .kernel = 3, .pad = 9);
    group_norm(s, "norm", x, .groups = 2);
    instance_norm(s, "norm", v);
    upsample_nearest(s, x, 0);
    leaky_relu(s, v, 2);
    // clang-format on
}

static const char *const faults[] = {
    "conv2d \"conv1\": takes an image [batch,height,width,channels], not f32[2,3]",
    NULL,
    "conv2d \"conv2\": needs .filters",
    "conv2d \"conv3\": 3 channels and 4 filters do not fall into 3 equal groups",
    "conv2d \"conv4\": a window of 9 does not fit into the image f32[1,8,8,3]",
    "conv2d \"conv5\": .stride is out of range",
    "conv2d \"a.conv6\": the name a.conv6.weight is taken",
    "add: shapes [1,8,8,3] and [2,3] do not fit",
    "add: element types f32 and i32 differ",
    "softmax: axis 2 of a tensor of 2 axes",
    "reshape: 6 elements do not make shape [4,-1]",
    "slice: elements 2..4 of axis 1, which has 0..2",
    "matmul: ",
    "max_pool: .pad 2 is not in 0..1",
    "concat: ",
    "linear \"a b\": \"a b.weight\" is no name",
    "where: the condition is f32[2,3], not of type bool",
    "transpose: ",
    "mean: axis 1 is there twice",
    "parameter \"p\": axis 0 of shape [0,3] has size 0",
    "input \"v\": there is one of that name already",
    "option \"width\": the model has no such option",
    "broadcast: shape [1048576,1048576,2,3] has more than 2^40 elements",
    "order_symbols \"nothing\": there is no tensor below it",
    "conv2d \"conv7\": .filters is out of range",
    "output \"x\": there is one of that name already",
    "conv2d_transpose \"up1\": .output_pad 2 is not in 0..1",
    "conv2d_transpose \"up2\": with a window of 3 and pad 9 nothing is left of f32[1,8,8,3]",
    "group_norm \"norm\": 3 channels do not fall into .groups = 2 equal groups",
    "instance_norm \"norm\": takes an image [batch,height,width,channels], not f32[2,3]",
    "upsample_nearest: a factor of 0 is out of range",
    "leaky_relu: a slope of 2",
};

START_TEST(all_faults_are_told_at_their_lines)
{
    char *messages = NULL, start[256];
    ck_assert_ptr_null(lg_module_of_builder(build_faults, LG_MODEL_INFER, NULL, &messages));
    int wanted = 0, told = 0;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        snprintf(start, sizeof start, "%s:%d: error: ", __FILE__, FIRST_FAULT + (int)i);
        const char *line = strstr(messages, start);
        if (!faults[i]) {
            ck_assert_msg(!line, "%s is told: a consequence", start);
            continue;
        }
        wanted++;
        ck_assert_msg(line && strncmp(line + strlen(start), faults[i], strlen(faults[i])) == 0,
                      "%s%s is not told, but:\n%s", start, faults[i], messages);
    }
    for (const char *at = messages; (at = strstr(at, ": error: ")); at++)
        told++;
    ck_assert_msg(told == wanted, "%d faults, not %d:\n%s", told, wanted, messages);
    free(messages);
}
END_TEST

static void build_choice(lg_name_scope *s)
{
    lg_value *x = input(s, "x", LG_F32, option(s, "size"), option(s, "norm") + 1);
    output(s, "x", relu(s, x));
}

// The number of an option whose choices are words is that of the word.
START_TEST(choices_may_be_words)
{
    const lg_model_info info = LG_MODEL_INFO(
        "test", build_choice, "", {.name = "size", .initial = "18", .choices = "18|50"},
        {.name = "norm", .initial = "none", .choices = "none|batch|instance"});
    static const struct {
        const char *options;
        int64_t size, norm; // 0: refused
    } rows[] = {{NULL, 18, 1},        {"norm=instance", 18, 3}, {"size=50,norm=batch", 50, 2},
                {"norm=bat", 0, 0},   {"norm=1", 0, 0},         {"norm=", 0, 0},
                {"norm=none|b", 0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lg_diag *diag = lg_diag_new();
        lg_module *module =
            lg_model_instantiate(&info, rows[i].options, "test", LG_MODEL_INFER, NULL, diag);
        ck_assert_int_eq(module != NULL, rows[i].size != 0);
        if (module) {
            const int64_t *dims = module->first->arguments.items[0]->type.dims;
            ck_assert_int_eq(dims[0], rows[i].size);
            ck_assert_int_eq(dims[1], rows[i].norm);
        }
        lg_module_free(module);
        lg_diag_free(diag);
    }
}
END_TEST

static void build_nothing(lg_name_scope *s)
{
    input(s, "x", LG_F32, 1);
}

START_TEST(a_model_without_output_is_refused)
{
    char *messages = NULL;
    ck_assert_ptr_null(lg_module_of_builder(build_nothing, LG_MODEL_INFER, NULL, &messages));
    ck_assert_ptr_nonnull(strstr(messages, "model test has no output"));
    free(messages);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("frontend");
    TCase *tests = tcase_create("frontend");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, layers_equal_pytorch);
    tcase_add_test(tests, equal_composites_are_one_function);
    tcase_add_test(tests, symbols_are_named_by_scope_and_ordered);
    tcase_add_test(tests, all_faults_are_told_at_their_lines);
    tcase_add_test(tests, choices_may_be_words);
    tcase_add_test(tests, a_model_without_output_is_refused);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
