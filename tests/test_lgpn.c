// LGPN as built by models/lgpn.c: its tensors are those of the released checkpoint, and what it
// computes is what PyTorch computes (tests/goldens/make_lgpn.sh).
#include "tests/support/network.h"
#include "tests/support/reference.h"

#include <check.h>

static lg_safetensors *open_golden(const char *name)
{
    char path[512];
    lg_error e = {""};
    snprintf(path, sizeof path, "%s/goldens/%s.safetensors", LGPNC_TESTS_DIR, name);
    lg_safetensors *file = lg_safetensors_open(path, &e);
    ck_assert_msg(file != NULL, "%s", e.message);
    return file;
}

// ---- results

static const struct {
    const char *folder;
    const char *spec;
} cases[] = {
    {"square", "lgpn:image=32,width=8,feat=32,dim=16,blocks=1-1-1-1,batch=2"},
    {"mixed_graph", "lgpn:image=32,width=8,feat=32,dim=16,blocks=1-1-1-1"},
    {"odd", "lgpn:image=37,width=8,feat=32,dim=16,blocks=1-1-1-1,batch=3"},
};

// The correlations are sigmoids of 1000 times a logit: an error of the logit comes out up to 250
// times as large.
static double tolerance(const char *name, double scale)
{
    bool steep = strncmp(name, "cg", 2) == 0;
    return (steep ? 250.0 : 1.0) * 1e-6 * scale;
}

START_TEST(results_equal_pytorch)
{
    char path[64];
    lg_module *module = lg_network_module(cases[_i].spec, LG_MODEL_INFER);
    snprintf(path, sizeof path, "lgpn/%s/weights", cases[_i].folder);
    lg_safetensors *weights = open_golden(path);
    snprintf(path, sizeof path, "lgpn/%s/case", cases[_i].folder);
    lg_safetensors *expected = open_golden(path);
    lg_reference reference = lg_reference_new(module);
    lg_reference_load(&reference, weights);
    lg_reference_run(&reference, expected);
    const lg_function *infer = reference.function;
    ck_assert_int_eq(infer->results.count, 8);
    for (int i = 0; i < infer->results.count; i++) {
        const char *name = infer->result_names.items[i];
        double scale, difference = lg_reference_difference(&reference, expected, name, &scale);
        ck_assert_msg(difference <= tolerance(name, scale), "%s: %s differs by %g of %g",
                      cases[_i].folder, name, difference, scale);
    }
    lg_reference_free(&reference);
    lg_safetensors_close(weights);
    lg_safetensors_close(expected);
    lg_module_free(module);
}
END_TEST

START_TEST(inputs_and_outputs_have_their_names_and_shapes)
{
    static const struct {
        const char *name;
        int rank;
        int64_t dims[4];
    } outputs[] = {
        {"real_fake", 2, {3, 2}}, {"node_logits", 3, {3, 55, 2}}, {"node_features", 3, {3, 55, 9}},
        {"feature", 2, {3, 10}},  {"mm1", 3, {3, 18, 55}},        {"mm2", 3, {3, 55, 18}},
        {"cg1", 3, {3, 18, 55}},  {"cg2", 3, {3, 55, 18}},
    };
    lg_module *module = lg_network_module(
        "lgpn:image=20,width=8,feat=10,dim=9,blocks=1-2-1-1,batch=3", LG_MODEL_INFER);
    const lg_function *infer = lg_module_function(module, "infer");
    ck_assert_int_eq(infer->arguments.count, 2);
    ck_assert_str_eq(infer->arguments.items[0]->name, "image");
    ck_assert_str_eq(infer->arguments.items[1]->name, "graph");
    lg_type image = LG_TYPE(LG_F32, 3, 20, 20, 3), graph = LG_TYPE(LG_F32, 55, 55);
    ck_assert(lg_type_equal(&infer->arguments.items[0]->type, &image));
    ck_assert(lg_type_equal(&infer->arguments.items[1]->type, &graph));
    ck_assert_int_eq(infer->results.count, 8);
    for (int i = 0; i < 8; i++) {
        lg_type type = lg_type_make(LG_F32, outputs[i].rank, outputs[i].dims);
        ck_assert_str_eq(infer->result_names.items[i], outputs[i].name);
        ck_assert_msg(lg_type_equal(&infer->results.items[i]->type, &type), "%s", outputs[i].name);
    }
    lg_module_free(module);
}
END_TEST

// ---- tensors of the checkpoint

// One line of state_dict.tsv: name, F32 or I64, sizes, whether it is used.
static void check_row(char *line, const lg_symbol *symbol)
{
    line[strcspn(line, "\n")] = '\0';
    char *name = strsep(&line, "\t"), *dtype = strsep(&line, "\t"), *shape = strsep(&line, "\t");
    ck_assert_msg(symbol != NULL, "%s is missing", name);
    ck_assert_str_eq(symbol->name, name);
    const lg_type *type = &symbol->value->type;
    ck_assert_msg(type->dtype == (strcmp(dtype, "F32") == 0 ? LG_F32 : LG_I64), "%s", name);
    int rank = 0;
    for (char *size; *shape && (size = strsep(&shape, ",")); rank++) {
        ck_assert_msg(rank < type->rank && type->dims[rank] == strtoll(size, NULL, 10), "%s", name);
        if (!shape)
            shape = "";
    }
    ck_assert_msg(rank == type->rank, "%s", name);
    ck_assert_msg(symbol->dead == (*line == '0'), "%s", name);
}

START_TEST(full_size_has_the_released_tensors_in_order)
{
    char path[512], line[512];
    snprintf(path, sizeof path, "%s/goldens/state_dict.tsv", LGPNC_TESTS_DIR);
    FILE *table = fopen(path, "r");
    ck_assert_ptr_nonnull(table);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, table));
    lg_module *module = lg_network_module("lgpn", LG_MODEL_INFER);
    const lg_symbol *symbol = module->first_symbol;
    int rows = 0;
    for (; fgets(line, sizeof line, table); rows++) {
        check_row(line, symbol);
        ck_assert_int_eq(symbol->value->index, rows);
        symbol = symbol->next;
    }
    ck_assert_ptr_null(symbol);
    ck_assert_int_eq(rows, 671);
    ck_assert_str_eq(module->last_symbol->name, "classifier_real_fake.2.bias");
    fclose(table);
    lg_module_free(module);
}
END_TEST

typedef struct totals {
    int64_t parameters, dead, buffers;
    int parameter_tensors, dead_tensors;
} totals;

static totals count(const lg_module *module)
{
    totals t = {0};
    LG_FOR_SYMBOLS (symbol, module) {
        int64_t elements = lg_type_elements(&symbol->value->type);
        bool trained = symbol->role == LG_ROLE_PARAM;
        t.parameters += trained ? elements : 0;
        t.parameter_tensors += trained;
        t.dead += trained && symbol->dead ? elements : 0;
        t.dead_tensors += trained && symbol->dead;
        t.buffers += trained ? 0 : elements;
    }
    return t;
}

START_TEST(full_size_has_the_released_counts)
{
    lg_module *module = lg_network_module("lgpn", LG_MODEL_INFER);
    totals t = count(module);
    ck_assert_int_eq(t.parameters, 46485751);
    ck_assert_int_eq(t.parameter_tensors, 470);
    ck_assert_int_eq(t.dead, 771425);
    ck_assert_int_eq(t.dead_tensors, 32);
    ck_assert_int_eq(t.buffers, 61987);
    lg_module_free(module);
}
END_TEST

// Filters: He over fan out, or over fan in where the released code draws again.
START_TEST(initial_values)
{
    static const struct {
        const char *name;
        lg_init_kind init;
        double bound;
    } rows[] = {
        {"GTC.conv1.weight", LG_INIT_NORMAL, 0.02525381361},  // sqrt(2 / (64 49))
        {"GTC.conv1_0.weight", LG_INIT_NORMAL, 0.1632993162}, // sqrt(2 / (3 25))
        {"GTC.stem_merge.0.weight", LG_INIT_NORMAL, 0.1767766953},
        {"GTC.layer2.0.downsample.0.weight", LG_INIT_NORMAL, 0.0625},
        {"GTC.latlayer0.weight", LG_INIT_NORMAL, 0.08838834765},
        {"GTC.latlayer0.bias", LG_INIT_UNIFORM, 0.0625},
        {"GTC.output_branch.0.weight", LG_INIT_NORMAL, 0.05892556510},
        {"GTC.conv_smooth_last.0.weight", LG_INIT_NORMAL, 0.04351941398}, // sqrt(2 / 1056)
        {"GTC.bn1.weight", LG_INIT_CONSTANT, 1},
        {"GTC.bn1.running_var", LG_INIT_CONSTANT, 1},
        {"GTC.bn1.running_mean", LG_INIT_CONSTANT, 0},
        {"GTC.fc.weight", LG_INIT_UNIFORM, 0.02209708691},
        {"GCN_refine.a", LG_INIT_UNIFORM, 0.2160520906},
        {"GCN_refine.W.5.bias", LG_INIT_UNIFORM, 0.08838834765},
    };
    lg_module *module = lg_network_module("lgpn", LG_MODEL_INFER);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const lg_symbol *symbol = lg_module_symbol(module, rows[i].name);
        ck_assert_msg(symbol != NULL, "%s", rows[i].name);
        ck_assert_int_eq(symbol->init, rows[i].init);
        ck_assert_msg(fabs(symbol->bound - rows[i].bound) < 1e-7, "%s: %.10g", rows[i].name,
                      symbol->bound);
    }
    lg_module_free(module);
}
END_TEST

// Multiply-adds at 256x256 per image, of convolutions and linear layers and of the graph.
START_TEST(full_size_has_the_known_cost)
{
    lg_module *module = lg_network_module("lgpn", LG_MODEL_INFER);
    double flops = 0;
    LG_FOR_OPS (op, lg_module_function(module, "infer"))
        if (op->code == LG_OP_conv2d || op->code == LG_OP_matmul)
            flops += lg_op_flops(op);
    ck_assert_double_eq(flops, 2.0 * (89444366336.0 + 2062492.0));
    lg_module_free(module);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lgpn");
    TCase *tests = tcase_create("lgpn");
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, results_equal_pytorch, 0, sizeof cases / sizeof *cases);
    tcase_add_test(tests, inputs_and_outputs_have_their_names_and_shapes);
    tcase_add_test(tests, full_size_has_the_released_tensors_in_order);
    tcase_add_test(tests, full_size_has_the_released_counts);
    tcase_add_test(tests, initial_values);
    tcase_add_test(tests, full_size_has_the_known_cost);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
