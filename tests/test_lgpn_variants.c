// What the options of LGPN leave out: tensors, outputs and losses that go, those that stay as they
// are in the whole network, and that training leaves alone what no loss depends on.
#include "runtime/hierarchy.h"
#include "tests/support/network.h"
#include "tests/support/reference.h"

#include <check.h>

#define SMALL "lgpn:image=20,width=8,feat=10,dim=9,blocks=1-1-1-1,batch=2"
#define OUTPUTS "real_fake node_logits node_features feature "

static const struct {
    const char *options;
    const char *absent; // the beginning of names that are not there, in words
    const char *outputs, *losses;
} variants[] = {
    {"", "none", OUTPUTS "mm1 mm2 cg1 cg2 ", "ce hierarchy real_fake "},
    {",generated_graph=1", "none", OUTPUTS "mm1 mm2 cg1 cg2 generated_graph ",
     "ce hierarchy real_fake "},
    {",pooling=0,generated_graph=1", "GCN_refine.corr_list GCN_refine.match_lst conv_1x1_merge",
     OUTPUTS "generated_graph ", "ce real_fake "},
    {",gcn=0,generated_graph=1",
     "GCN_refine.a GCN_refine.W GCN_refine.corr_list GCN_refine.match_lst", OUTPUTS,
     "ce real_fake "},
    {",high_resolution=0", "GTC.latlayer0 GTC.output_branch GTC.conv_red_0 GTC.fc_2",
     OUTPUTS "mm1 mm2 cg1 cg2 ", "ce hierarchy real_fake "},
    {",node_loss=0", "none", OUTPUTS "mm1 mm2 cg1 cg2 ", "hierarchy real_fake "},
    {",hierarchy_loss=0", "none", OUTPUTS "mm1 mm2 cg1 cg2 ", "ce real_fake "},
    {",detection_loss=0,continuous=1", "none", OUTPUTS "mm1 mm2 cg1 cg2 continuous ",
     "ce hierarchy l1 "},
};

enum { VARIANTS = sizeof variants / sizeof *variants };

static lg_module *build(int variant, unsigned functions)
{
    char spec[256];
    snprintf(spec, sizeof spec, SMALL "%s", variants[variant].options);
    return lg_network_module(spec, functions);
}

// Their names, from the one at `first`, in words.
static const char *names_of(const lg_function *function, int first, const char *prefix,
                            char text[static 512])
{
    size_t length = strlen(prefix), used = 0;
    text[0] = '\0';
    for (int i = first; i < function->results.count; i++) {
        const char *name = function->result_names.items[i];
        if (strncmp(name, prefix, length) == 0)
            used += (size_t)snprintf(text + used, 512 - used, "%s ", name + length);
    }
    return text;
}

START_TEST(outputs_and_losses)
{
    char text[512];
    lg_module *module = build(_i, LG_MODEL_INFER | LG_MODEL_TRAIN_STEP);
    const lg_function *infer = lg_module_function(module, "infer");
    ck_assert_str_eq(names_of(infer, 0, "", text), variants[_i].outputs);
    const lg_function *step = lg_module_function(module, "train_step");
    ck_assert_str_eq(names_of(step, 1, "loss_", text), variants[_i].losses);
    bool has_graph = strstr(variants[_i].options, "gcn=0") == NULL;
    ck_assert_int_eq(infer->arguments.count, has_graph ? 2 : 1);
    lg_module_free(module);
}
END_TEST

static bool is_absent(const char *name, const char *absent)
{
    char words[256];
    snprintf(words, sizeof words, "%s", absent);
    for (char *rest = words, *word; (word = strsep(&rest, " "));)
        if (strncmp(name, word, strlen(word)) == 0)
            return true;
    return false;
}

// All tensors of a variant are of the whole network, most in the same shape; a variant of the
// structure has none that nothing reads.
START_TEST(tensors_are_those_of_the_whole_network)
{
    lg_module *whole = lg_network_module(SMALL ",continuous=1", LG_MODEL_INFER);
    lg_module *module = build(_i, LG_MODEL_INFER);
    bool released = strcmp(variants[_i].absent, "none") == 0;
    LG_FOR_SYMBOLS (symbol, module) {
        const lg_symbol *of = lg_module_symbol(whole, symbol->name);
        ck_assert_msg(of != NULL, "%s", symbol->name);
        ck_assert_msg(!is_absent(symbol->name, variants[_i].absent), "%s", symbol->name);
        ck_assert_msg(lg_type_equal(&of->value->type, &symbol->value->type) ||
                          strcmp(symbol->name, "GTC.conv_smooth_last.0.weight") == 0,
                      "%s", symbol->name);
        ck_assert(released || !symbol->dead || strstr(symbol->name, "num_batches_tracked"));
    }
    LG_FOR_SYMBOLS (symbol, whole)
        ck_assert_msg(!released || lg_module_symbol(module, symbol->name) ||
                          strncmp(symbol->name, "continuous.", 11) == 0,
                      "%s", symbol->name);
    lg_module_free(whole);
    lg_module_free(module);
}
END_TEST

// ---- losses

START_TEST(without_a_loss_there_is_no_training)
{
    static const char *const specs[] = {
        SMALL ",node_loss=0,hierarchy_loss=0,detection_loss=0",
        SMALL ",node_loss=0,detection_loss=0,pooling=0", // nothing is assigned
    };
    for (int i = 0; i < 2; i++) {
        lg_diag *diag = lg_diag_new();
        ck_assert_ptr_null(lg_model_build(specs[i], LG_MODEL_TRAIN_STEP, NULL, diag));
        ck_assert_int_eq(lg_diag_errors(diag), 1);
        lg_diag_free(diag);
        lg_module_free(lg_network_module(specs[i], LG_MODEL_INFER));
    }
}
END_TEST

static bool is_trained(const lg_module *module, const char *parameter)
{
    char name[128];
    snprintf(name, sizeof name, "optimizer.exp_avg.%s", parameter);
    return lg_module_symbol(module, name) != NULL;
}

// Weight decay would shrink them.
START_TEST(what_no_loss_depends_on_is_left_alone)
{
    lg_module *module = lg_network_module(SMALL, LG_MODEL_TRAIN_STEP);
    ck_assert(is_trained(module, "classifier.0.weight"));
    ck_assert(is_trained(module, "classifier_real_fake.0.weight"));
    ck_assert(is_trained(module, "GCN_refine.corr_list.1.weight"));
    lg_module_free(module);
    module = lg_network_module(SMALL ",node_loss=0", LG_MODEL_TRAIN_STEP);
    ck_assert(!is_trained(module, "classifier.0.weight"));
    ck_assert(!is_trained(module, "GCN_refine.output_mlp.weight"));
    ck_assert(is_trained(module, "GTC.conv1.weight"));
    lg_module_free(module);
    module = lg_network_module(SMALL ",detection_loss=0", LG_MODEL_TRAIN_STEP);
    ck_assert(!is_trained(module, "classifier_real_fake.0.weight"));
    lg_module_free(module);
    // Edges are made of the correlations by a comparison, which nothing comes back through.
    module = lg_network_module(SMALL ",hierarchy_loss=0", LG_MODEL_TRAIN_STEP);
    ck_assert(!is_trained(module, "GCN_refine.corr_list.1.weight"));
    ck_assert(is_trained(module, "GCN_refine.match_lst.1.weight"));
    lg_module_free(module);
}
END_TEST

static double loss_of_step(lg_reference *reference)
{
    lg_reference_run_made(reference);
    return lg_reference_result(reference, "loss")->data[0].f;
}

START_TEST(a_step_lowers_the_loss)
{
    lg_module *module = build(_i, LG_MODEL_TRAIN_STEP);
    lg_reference_differentiate(module);
    lg_reference reference = lg_reference_new(module);
    lg_reference_init(&reference, 1);
    double before = loss_of_step(&reference), after = loss_of_step(&reference);
    ck_assert_msg(after < before, "%s: %g after %g", variants[_i].options, after, before);
    lg_reference_free(&reference);
    lg_module_free(module);
}
END_TEST

static void losses_of_step(const char *spec, double *real_fake, double *nodes)
{
    lg_module *module = lg_network_module(spec, LG_MODEL_TRAIN_STEP);
    lg_reference_differentiate(module);
    lg_reference reference = lg_reference_new(module);
    lg_reference_init(&reference, 1);
    lg_reference_run_made(&reference);
    *real_fake = lg_reference_result(&reference, "loss_real_fake")->data[0].f;
    *nodes = lg_reference_result(&reference, "loss_ce")->data[0].f;
    lg_reference_free(&reference);
    lg_module_free(module);
}

START_TEST(detection_weighs_multiples_of_the_released_weight)
{
    double real_fake[2], nodes[2];
    losses_of_step(SMALL, &real_fake[0], &nodes[0]);
    losses_of_step(SMALL ",detection_weight=64", &real_fake[1], &nodes[1]);
    ck_assert_double_gt(real_fake[0], 0);
    ck_assert_double_eq_tol(real_fake[1], 64 * real_fake[0], 1e-5 * real_fake[1]);
    ck_assert_double_eq(nodes[0], nodes[1]);
}
END_TEST

// ---- the hierarchy

// The table of models/lgpn.c is the one of runtime/hierarchy.c.
START_TEST(supernodes_are_those_of_the_runtime)
{
    int tables = 0;
    lg_module *module = lg_network_module(SMALL, LG_MODEL_LOSS_AND_GRAD);
    LG_FOR_OPS (op, lg_module_function(module, "loss_and_grad")) {
        const lg_type table = LG_TYPE(LG_I32, LG_NODES);
        const lg_attr *values = op->code == LG_OP_constant ? lg_op_attr(op, LG_ATTR_values) : NULL;
        if (!values || !lg_type_equal(&op->results[0]->type, &table))
            continue;
        tables++;
        for (int i = 0; i < LG_NODES; i++)
            ck_assert_msg((int)values->as.numbers[i] == lg_supernode_of(i), "node %d", i);
    }
    ck_assert_int_ge(tables, 1);
    lg_module_free(module);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lgpn variants");
    TCase *tests = tcase_create("variants");
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, outputs_and_losses, 0, VARIANTS);
    tcase_add_loop_test(tests, tensors_are_those_of_the_whole_network, 0, VARIANTS);
    tcase_add_loop_test(tests, a_step_lowers_the_loss, 1, VARIANTS);
    tcase_add_test(tests, without_a_loss_there_is_no_training);
    tcase_add_test(tests, what_no_loss_depends_on_is_left_alone);
    tcase_add_test(tests, detection_weighs_multiples_of_the_released_weight);
    tcase_add_test(tests, supernodes_are_those_of_the_runtime);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
