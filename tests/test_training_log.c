// What a training keeps beside parameters: learning rates over the epochs, its state as text, and
// the logs that a resumed training continues.
#include "runtime/learning_rate.h"
#include "runtime/read_file.h"
#include "runtime/training_log.h"
#include "runtime/training_state.h"
#include "tests/support/temporary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

// ---- learning rates

START_TEST(released_schedule_does_not_compound)
{
    lg_learning_rate rate = lg_learning_rate_new(LG_SCHEDULE_RELEASED, 0.01);
    for (int epoch = 0; epoch < 70; epoch++) {
        bool anew = lg_learning_rate_begin_epoch(&rate, epoch);
        ck_assert_int_eq(anew, epoch == 20 || epoch == 40 || epoch == 60);
        ck_assert(rate.rate == (epoch < 20 ? 0.01 : 0.8 * 0.01));
        lg_learning_rate_validated(&rate, 1); // says nothing to it
    }
}
END_TEST

START_TEST(plateau_schedule)
{
    // torch.optim.lr_scheduler.ReduceLROnPlateau: patience 5 lets 5 bad validations pass.
    lg_learning_rate rate = lg_learning_rate_new(LG_SCHEDULE_PLATEAU, 0.01);
    lg_learning_rate_validated(&rate, 10);
    for (int bad = 1; bad <= 5; bad++) {
        lg_learning_rate_validated(&rate, 9.9995); // better, but by less than 1e-4 of it
        ck_assert(rate.rate == 0.01 && rate.bad_epochs == bad);
    }
    lg_learning_rate_validated(&rate, 10);
    ck_assert(rate.rate == 0.01 * 0.1 && rate.bad_epochs == 0);
    lg_learning_rate_validated(&rate, 5);
    ck_assert(rate.best == 5 && rate.bad_epochs == 0);
    for (int i = 0; i < 60; i++)
        lg_learning_rate_validated(&rate, 6);
    ck_assert(fabs(rate.rate - 1e-6) < 1e-18);
    ck_assert(!lg_learning_rate_begin_epoch(&rate, 20));
}
END_TEST

START_TEST(names_of_schedules)
{
    for (int i = 0; i < LG_SCHEDULES; i++)
        ck_assert_int_eq(lg_schedule_find(lg_schedule_name((lg_schedule)i)), i);
    ck_assert_int_eq(lg_schedule_find("linear"), LG_SCHEDULES);
    lg_learning_rate rate = lg_learning_rate_new(LG_SCHEDULE_CONSTANT, 0.5);
    ck_assert(!lg_learning_rate_begin_epoch(&rate, 20));
    lg_learning_rate_validated(&rate, 3);
    ck_assert(rate.rate == 0.5);
}
END_TEST

// ---- the state

START_TEST(state_survives_its_text)
{
    lg_training_state state = lg_training_state_new(LG_SCHEDULE_PLATEAU, 0.1), read;
    lg_error e = {""};
    state.epoch = 3;
    state.batch = 17;
    state.steps = 123456789012;
    state.best_loss = 1.0 / 3;
    state.best_epoch = 2;
    state.rate.bad_epochs = 4;
    state.rate.best = 0.1 + 0.2;
    state.epoch_losses[7] = -1e-300;
    state.log_bytes = 99;
    const lg_metadata options[] = {{"lr", "0.1"}, {"data", "a \"folder\""}};
    char *text = lg_training_state_print(&state, options, 2);
    ck_assert_ptr_nonnull(text);
    ck_assert_msg(lg_training_state_parse(text, "f", &read, &e), "%s", e.message);
    char *again = lg_training_state_print(&read, options, 2);
    ck_assert_str_eq(text, again);
    ck_assert(read.rate.best == state.rate.best && read.epoch_losses[7] == -1e-300);
    ck_assert(read.steps == state.steps && read.rate.schedule == LG_SCHEDULE_PLATEAU);
    char *folder = lg_training_option(text, "data");
    ck_assert_str_eq(folder, "a \"folder\"");
    ck_assert_ptr_null(lg_training_option(text, "seed"));
    ck_assert_ptr_null(lg_training_option("{", "seed"));
    free(folder);
    free(again);
    free(text);
}
END_TEST

START_TEST(infinity_before_the_first_validation)
{
    lg_training_state state = lg_training_state_new(LG_SCHEDULE_RELEASED, 0.01), read;
    lg_error e = {""};
    char *text = lg_training_state_print(&state, NULL, 0);
    ck_assert_msg(lg_training_state_parse(text, "f", &read, &e), "%s", e.message);
    ck_assert(isinf(read.best_loss) && isinf(read.rate.best));
    free(text);
}
END_TEST

// `text` with the first `from` replaced by `to` is refused with a message that has `wanted`.
static void check_refused(const char *text, const char *from, const char *to, const char *wanted)
{
    lg_training_state read;
    lg_error e = {""};
    char changed[4096];
    const char *at = strstr(text, from);
    ck_assert_ptr_nonnull(at);
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    ck_assert(!lg_training_state_parse(changed, "last.safetensors", &read, &e));
    ck_assert_msg(strstr(e.message, wanted) == e.message, "%s", e.message);
}

START_TEST(states_that_cannot_be)
{
    const char *wrong = "last.safetensors: what it says of its training cannot be";
    const char *none = "last.safetensors: does not say how far a training has come";
    lg_training_state state = lg_training_state_new(LG_SCHEDULE_RELEASED, 0.01);
    char *text = lg_training_state_print(&state, NULL, 0);
    check_refused(text, "\"epoch\":0", "\"epoch\":-1", wrong);
    check_refused(text, "\"steps\":0", "\"steps\":1e300", wrong);
    check_refused(text, "\"batch\":0,", "", wrong);
    check_refused(text, "\"schedule\":\"released\"", "\"schedule\":\"linear\"", wrong);
    check_refused(text, "\"epoch_losses\":[", "\"epoch_losses\":[1,", wrong);
    check_refused(text, "\"learning_rate\":0.01", "\"learning_rate\":\"0.01\"", wrong);
    check_refused(text, "\"format\":1", "\"format\":2",
                  "last.safetensors: its training is of format 2, this program reads 1");
    check_refused(text, "{", "", none);
    check_refused(text, "\"progress\"", "\"progres\"", none);
    free(text);
}
END_TEST

// ---- the logs

static char *read_text(const char *path)
{
    lg_error e = {""};
    size_t size;
    char *text = (char *)lg_file_read(path, 1 << 20, &size, &e);
    ck_assert_msg(text != NULL, "%s", e.message);
    return text;
}

static void check_text(const char *path, const char *wanted)
{
    char *text = read_text(path);
    ck_assert_str_eq(text, wanted);
    free(text);
}

static lg_training_log *open_log(const lg_temporary *folder, int64_t keep)
{
    lg_error e = {""};
    lg_training_log *log = lg_training_log_open(folder->folder, keep, 0, &e);
    ck_assert_msg(log != NULL, "%s", e.message);
    return log;
}

START_TEST(resumed_log_has_no_step_twice)
{
    static const char first[] =
        "{\"kind\": \"step\", \"step\": 1, \"epoch\": 0, \"loss\": 38.25, \"rate\": null}\n";
    static const char second[] = "{\"kind\": \"step\", \"step\": 2, \"epoch\": 0}\n";
    lg_temporary folder = lg_temporary_new();
    lg_error e = {""};
    const lg_logged values[] = {{"loss", 38.25}, {"rate", (double)NAN}};
    lg_training_log *log = open_log(&folder, 0);
    ck_assert(lg_training_log_write(log, "step", 1, 0, values, 2, &e));
    int64_t bytes = lg_training_log_bytes(log);
    ck_assert_int_eq(bytes, sizeof first - 1);
    ck_assert(lg_training_log_write(log, "step", 2, 0, NULL, 0, &e));
    lg_training_log_close(log); // and it is killed here, long after its last checkpoint

    char path[160], both[sizeof first + sizeof second];
    snprintf(path, sizeof path, "%s/metrics.jsonl", folder.folder);
    log = open_log(&folder, bytes);
    check_text(path, first);
    ck_assert(lg_training_log_write(log, "step", 2, 0, NULL, 0, &e));
    snprintf(both, sizeof both, "%s%s", first, second);
    check_text(path, both);
    ck_assert(lg_training_log_rewind(log, bytes, &e));
    check_text(path, first);
    lg_training_log_close(log);
    lg_temporary_free(&folder);
}
END_TEST

START_TEST(log_that_lost_its_end)
{
    lg_temporary folder = lg_temporary_new();
    char path[160];
    snprintf(path, sizeof path, "%s",
             lg_temporary_write(&folder, "metrics.jsonl", "{\"a\": 1}\n{\"b\"", 13));
    lg_training_log_close(open_log(&folder, 1000)); // as the checkpoint remembers it
    check_text(path, "{\"a\": 1}\n");
    lg_training_log_close(open_log(&folder, 5));
    check_text(path, "");
    lg_temporary_free(&folder);
}
END_TEST

START_TEST(folder_that_is_missing)
{
    lg_error e = {""};
    ck_assert_ptr_null(lg_training_log_open("/nonexistent", 0, 0, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "/nonexistent/metrics.jsonl: cannot write"));
    lg_training_log_close(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("training_log");
    TCase *tests = tcase_create("training_log");
    tcase_add_test(tests, released_schedule_does_not_compound);
    tcase_add_test(tests, plateau_schedule);
    tcase_add_test(tests, names_of_schedules);
    tcase_add_test(tests, state_survives_its_text);
    tcase_add_test(tests, infinity_before_the_first_validation);
    tcase_add_test(tests, states_that_cannot_be);
    tcase_add_test(tests, resumed_log_has_no_step_twice);
    tcase_add_test(tests, log_that_lost_its_end);
    tcase_add_test(tests, folder_that_is_missing);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
