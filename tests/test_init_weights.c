// Initial weights: the distributions asked for, nothing that depends on order, and a file with
// every tensor of the checkpoint. That the generator is the one described, tests/test_resnet.c
// checks against PyTorch.
#include "models/models.h"
#include "runtime/safetensors.h"
#include "tests/support/temporary.h"
#include "tools/init_weights.h"

#include <check.h>

enum { MANY = 60000 };

static lg_symbol *add_symbol(lg_module *module, const char *name, lg_dtype dtype, lg_init_kind init,
                             double bound)
{
    lg_symbol *symbol = lg_symbol_new(module, LG_ROLE_PARAM, name, LG_TYPE(dtype, MANY));
    symbol->init = init;
    symbol->bound = bound;
    return symbol;
}

static void moments(const float *values, double *mean, double *deviation, double *most)
{
    double total = 0, squares = 0;
    *most = 0;
    for (int i = 0; i < MANY; i++) {
        total += values[i];
        squares += (double)values[i] * values[i];
        *most = fmax(*most, fabs((double)values[i]));
    }
    *mean = total / MANY;
    *deviation = (sqrt)(squares / MANY - *mean * *mean);
}

START_TEST(distributions)
{
    static float values[MANY];
    double mean, deviation, most;
    lg_module *module = lg_module_new("test");
    lg_init_symbol(add_symbol(module, "n", LG_F32, LG_INIT_NORMAL, 0.5), 1, values);
    moments(values, &mean, &deviation, &most);
    ck_assert(fabs(mean) < 0.01 && fabs(deviation - 0.5) < 0.005 && most > 1.75 && most < 3);
    lg_init_symbol(add_symbol(module, "u", LG_F32, LG_INIT_UNIFORM, 0.5), 1, values);
    moments(values, &mean, &deviation, &most);
    ck_assert(fabs(mean) < 0.01 && fabs(deviation - 0.288675) < 0.003);
    ck_assert(most <= 0.5 && most > 0.4999);
    lg_init_symbol(add_symbol(module, "c", LG_F32, LG_INIT_CONSTANT, 3), 1, values);
    ck_assert(values[0] == 3 && values[MANY - 1] == 3);
    static int64_t integers[MANY];
    lg_init_symbol(add_symbol(module, "i", LG_I64, LG_INIT_CONSTANT, 7), 1, integers);
    ck_assert_int_eq(integers[MANY - 1], 7);
    lg_module_free(module);
}
END_TEST

START_TEST(a_value_depends_on_seed_and_name_alone)
{
    static float first[MANY], again[MANY];
    lg_module *one = lg_module_new("one"), *two = lg_module_new("two");
    lg_symbol *a = add_symbol(one, "a", LG_F32, LG_INIT_NORMAL, 1);
    lg_symbol *b = add_symbol(two, "b", LG_F32, LG_INIT_NORMAL, 1);
    lg_symbol *a_too = add_symbol(two, "a", LG_F32, LG_INIT_NORMAL, 1);
    lg_init_symbol(a, 5, first);
    lg_init_symbol(a_too, 5, again);
    ck_assert_mem_eq(first, again, sizeof first);
    lg_init_symbol(b, 5, again);
    ck_assert(first[0] != again[0] && first[MANY - 1] != again[MANY - 1]);
    lg_init_symbol(a, 6, again);
    ck_assert(first[0] != again[0] && first[MANY - 1] != again[MANY - 1]);
    lg_module_free(one);
    lg_module_free(two);
}
END_TEST

START_TEST(a_file_holds_every_tensor)
{
    lg_temporary folder = lg_temporary_new();
    lg_diag *diag = lg_diag_new();
    lg_module *module = lg_model_build("lgpn:width=8,image=16,feat=8,dim=8,blocks=1-1-1-1",
                                       LG_MODEL_INFER, NULL, diag);
    ck_assert_ptr_nonnull(module);
    lg_error e = {""};
    const char *path = lg_temporary_path(&folder, "w.safetensors");
    ck_assert_msg(lg_init_weights(module, 3, path, &e), "%s", e.message);
    lg_safetensors *file = lg_safetensors_open(path, &e);
    ck_assert_msg(file != NULL, "%s", e.message);
    ck_assert_str_eq(lg_safetensors_metadata(file, "seed"), "3");
    ck_assert_str_eq(lg_safetensors_metadata(file, "model"), "lgpn");
    ck_assert(lg_safetensors_check_finite(file, &e));
    size_t i = 0;
    LG_FOR_SYMBOLS (symbol, module) {
        const lg_safetensor *tensor = lg_safetensors_at(file, i++);
        ck_assert_str_eq(tensor->name, symbol->name);
        ck_assert_int_eq(tensor->rank, symbol->value->type.rank);
    }
    ck_assert_uint_eq(lg_safetensors_count(file), i);
    lg_safetensors_close(file);
    ck_assert(!lg_init_weights(module, 3, "/nonexistent/w.safetensors", &e));
    ck_assert_ptr_nonnull(strstr(e.message, "/nonexistent"));
    lg_module_free(module);
    lg_diag_free(diag);
    lg_temporary_free(&folder);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("init_weights");
    TCase *tests = tcase_create("init_weights");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, distributions);
    tcase_add_test(tests, a_value_depends_on_seed_and_name_alone);
    tcase_add_test(tests, a_file_holds_every_tensor);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
