// What the user may name as a model: built-ins with options, C files, IR files; and everything that
// can be wrong with each.
#include "models/models.h"
#include "tests/support/temporary.h"
#include "tools/load_model.h"

#include <check.h>

static char *messages; // of the last load

static lg_module *load_functions(const char *spec, unsigned functions)
{
    size_t length;
    free(messages);
    lg_diag *diag = lg_diag_new();
    lg_module *module = lg_load_model(spec, LGPNC_TESTS_DIR "/..", functions, NULL, diag);
    FILE *out = open_memstream(&messages, &length);
    lg_diag_print(diag, out);
    fclose(out);
    ck_assert_msg((module != NULL) == (lg_diag_errors(diag) == 0), "%s", messages);
    lg_diag_free(diag);
    return module;
}

static lg_module *load(const char *spec)
{
    return load_functions(spec, LG_MODEL_INFER);
}

static void expect_fault(const char *spec, const char *text)
{
    ck_assert_msg(load(spec) == NULL, "%s is taken", spec);
    ck_assert_msg(strstr(messages, text) != NULL, "%s: no \"%s\" in:\n%s", spec, text, messages);
}

// ---- built-ins

START_TEST(every_built_in_model_builds)
{
    for (int i = 0; lg_model_at(i); i++) {
        lg_module *module = load(lg_model_at(i)->name);
        ck_assert_msg(module != NULL, "%s", messages);
        ck_assert_str_eq(module->name, lg_model_at(i)->name);
        lg_module_free(module);
    }
    ck_assert_ptr_null(lg_model_at(-1));
}
END_TEST

START_TEST(wrong_specs_have_their_messages)
{
    static const struct {
        const char *spec, *text;
    } rows[] = {
        {"lpgn",
         "there is no model \"lpgn\"; did you mean \"lgpn\"? There are: lgpn, fen_pn, resnet"},
        {"zebra", "there is no model \"zebra\"; There are: lgpn, fen_pn, resnet"},
        {"", "there is no model \"\""},
        {"lgpn:imge=64", "model lgpn has no option \"imge\"; did you mean \"image\"?"},
        {"lgpn:image", "option image=: it takes a number in 1..8192"},
        {"lgpn:image=", "option image=: it takes"},
        {"lgpn:image=0", "option image=0: it takes"},
        {"lgpn:image=-3", "option image=-3: it takes"},
        {"lgpn:image=64x", "option image=64x: it takes"},
        {"lgpn:image=99999999999999999999", "it takes a number in 1..8192"},
        {"lgpn:width=12", "a multiple of 8"},
        {"lgpn:blocks=3-4-6", "option blocks=3-4-6: it takes 4 numbers like 3-4-6-3"},
        {"lgpn:blocks=3-4-6-3-2", "option blocks=3-4-6-3-2"},
        {"lgpn:image=64,image=32", "option image is there twice"},
        {"lgpn:image=64,", "model lgpn has no option \"\""},
        {"resnet:depth=34", "option depth=34: it takes one of 18|50"},
        {"resnet:depth=1", "option depth=1: it takes one of 18|50"},
        {"lgpn:image=8192,batch=4096,width=4096", "more than 2^40 elements"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_fault(rows[i].spec, rows[i].text);
    expect_fault("lgpn:imge=64,width=3", "multiple of 8"); // and both are told
    ck_assert_ptr_nonnull(strstr(messages, "imge"));
}
END_TEST

// ---- C files

START_TEST(the_tutorials_model_loads)
{
    lg_module *module = load(LGPNC_TESTS_DIR "/../docs/examples/tiny_net.c:width=8,batch=2");
    ck_assert_msg(module != NULL, "%s", messages);
    const lg_function *infer = lg_module_function(module, "infer");
    lg_type type = LG_TYPE(LG_F32, 2, 10);
    ck_assert(lg_type_equal(&infer->results.items[0]->type, &type));
    ck_assert_ptr_nonnull(lg_module_symbol(module, "block1.bn.running_var"));
    lg_module_free(module);
    expect_fault(LGPNC_TESTS_DIR "/../docs/examples/tiny_net.c:widht=8",
                 "tiny_net has no option \"widht\"; did you mean \"width\"?");
}
END_TEST

START_TEST(the_example_that_trains_has_all_functions)
{
    lg_module *module =
        load_functions(LGPNC_TESTS_DIR "/../docs/examples/train_net.c:batch=4",
                       LG_MODEL_INFER | LG_MODEL_LOSS_AND_GRAD | LG_MODEL_TRAIN_STEP);
    ck_assert_msg(module != NULL, "%s", messages);
    const lg_function *step = lg_module_function(module, "train_step");
    ck_assert_int_eq(step->arguments.count, 3); // image, labels, learning_rate
    ck_assert_int_eq(step->results.count, 3);
    ck_assert_int_eq(lg_module_function(module, "loss_and_grad")->results.count, 3 + 10);
    ck_assert_int_eq(lg_module_function(module, "infer")->results.count, 2);
    lg_module_free(module);
    ck_assert_ptr_null(
        load_functions(LGPNC_TESTS_DIR "/../docs/examples/tiny_net.c", LG_MODEL_TRAIN_STEP));
    ck_assert_ptr_nonnull(strstr(messages, "tiny_net has no loss to train with"));
}
END_TEST

static const char *write_text(lg_temporary *folder, const char *name, const char *text)
{
    return lg_temporary_write(folder, name, text, strlen(text));
}

START_TEST(faults_of_a_c_file_name_its_line)
{
    lg_temporary folder = lg_temporary_new();
    const char *path = write_text(&folder, "wrong.c",
                                  "#include \"frontend/lgpnc.h\"\n"
                                  "static void build(lg_name_scope *s)\n"
                                  "{\n"
                                  "    lg_value *x = input(s, \"x\", LG_F32, 1, 8, 8, 3);\n"
                                  "    conv2d(s, \"c\", x, .kernel = 3);\n"
                                  "    softmax(s, x, 9);\n"
                                  "}\n"
                                  "LG_MODEL(\"wrong\", build, \"faulty\");\n");
    ck_assert_ptr_null(load(path));
    char place[512];
    snprintf(place, sizeof place, "%s:5: error: conv2d \"c\": needs .filters", path);
    ck_assert_msg(strstr(messages, place) != NULL, "%s", messages);
    snprintf(place, sizeof place, "%s:6: error: softmax: axis 9", path);
    ck_assert_msg(strstr(messages, place) != NULL, "%s", messages);
    ck_assert_int_eq(lg_temporary_count(&folder), 1);
    lg_temporary_free(&folder);
}
END_TEST

START_TEST(c_files_that_are_no_models)
{
    lg_temporary folder = lg_temporary_new();
    expect_fault(lg_temporary_path(&folder, "absent.c"), "No such file or directory");
    expect_fault(write_text(&folder, "none.c", "int x;\n"), "defines no model");
    expect_fault(write_text(&folder, "missing.c",
                            "void lg_nothing(void);\n"
                            "void f(void);\nvoid f(void) { lg_nothing(); }\n"),
                 "cannot be loaded: undefined symbol: lg_nothing");
    setenv("CC", "false", 1);
    expect_fault(write_text(&folder, "refused.c", "int x;\n"), "the C compiler `false` refused it");
    setenv("CC", "/nonexistent/cc -O1", 1);
    expect_fault(lg_temporary_path(&folder, "refused.c"), "needs a C compiler");
    unsetenv("CC");
    lg_temporary_free(&folder);
}
END_TEST

// ---- IR files

START_TEST(ir_files)
{
    lg_temporary folder = lg_temporary_new();
    lg_module *module = load(write_text(&folder, "net.ir",
                                        "func @infer(%x: f32[2]) -> (%y: f32[2]) {\n"
                                        "  %0 = relu %x : f32[2]\n"
                                        "  return %0\n"
                                        "}\n"));
    ck_assert_msg(module != NULL, "%s", messages);
    ck_assert_ptr_nonnull(lg_module_function(module, "infer"));
    lg_module_free(module);
    expect_fault(write_text(&folder, "wrong.ir", "func @infer(\n"), "wrong.ir:");
    expect_fault(lg_temporary_path(&folder, "absent.ir"), "No such file or directory");
    lg_temporary_free(&folder);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("load_model");
    TCase *tests = tcase_create("load_model");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, every_built_in_model_builds);
    tcase_add_test(tests, wrong_specs_have_their_messages);
    tcase_add_test(tests, the_tutorials_model_loads);
    tcase_add_test(tests, the_example_that_trains_has_all_functions);
    tcase_add_test(tests, faults_of_a_c_file_name_its_line);
    tcase_add_test(tests, c_files_that_are_no_models);
    tcase_add_test(tests, ir_files);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    free(messages);
    return failed ? 1 : 0;
}
