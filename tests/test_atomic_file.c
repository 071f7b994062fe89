// Output files: what a reader sees before, after and instead of a write. And the messages.
#include "runtime/atomic_file.h"
#include "runtime/read_file.h"
#include "tests/support/temporary.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

static void check_content(const char *path, const char *wanted)
{
    lg_error e = {""};
    size_t size;
    unsigned char *bytes = lg_file_read(path, 1 << 20, &size, &e);
    ck_assert_msg(bytes != NULL, "%s", e.message);
    ck_assert_str_eq((char *)bytes, wanted);
    free(bytes);
}

START_TEST(output_appears_whole_or_not_at_all)
{
    lg_temporary folder = lg_temporary_new();
    lg_error e = {""};
    lg_atomic_file out;
    const char *path = lg_temporary_write(&folder, "a", "old", 3);
    ck_assert(lg_atomic_open(&out, path, 0666, &e));
    ck_assert(lg_atomic_write(&out, "new", 3, &e));
    ck_assert_int_eq(fflush(out.stream), 0);
    check_content(path, "old");
    ck_assert(!lg_atomic_abort(&out));
    check_content(path, "old");
    ck_assert_int_eq(lg_temporary_count(&folder), 1);
    ck_assert(lg_atomic_write_file(path, 0777, "new", 3, &e));
    check_content(path, "new");
    ck_assert_int_eq(lg_temporary_count(&folder), 1);
    struct stat info;
    mode_t mask = umask(0);
    umask(mask);
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_int_eq(info.st_mode & 0777, 0777 & ~mask);
    lg_temporary_free(&folder);
}
END_TEST

START_TEST(links_and_pipes)
{
    lg_temporary folder = lg_temporary_new();
    lg_error e = {""};
    char target[128];
    snprintf(target, sizeof target, "%s", lg_temporary_write(&folder, "target", "old", 3));
    const char *link_path = lg_temporary_path(&folder, "link");
    ck_assert_int_eq(symlink(target, link_path), 0);
    ck_assert_msg(lg_atomic_write_file(link_path, 0666, "new", 3, &e), "%s", e.message);
    check_content(target, "new");
    ck_assert_int_eq(readlink(link_path, (char[8]){0}, 8), 8); // still a link
    ck_assert(lg_atomic_write_file("/dev/null", 0666, "x", 1, &e));

    int ends[2];
    char name[32], text[4] = "";
    ck_assert_int_eq(pipe(ends), 0);
    snprintf(name, sizeof name, "/dev/fd/%d", ends[1]);
    ck_assert_msg(lg_atomic_write_file(name, 0666, "abc", 3, &e), "%s", e.message);
    ck_assert_int_eq(read(ends[0], text, 3), 3);
    ck_assert_str_eq(text, "abc");
    close(ends[0]);
    close(ends[1]);
    lg_temporary_free(&folder);
}
END_TEST

START_TEST(unwritable_output)
{
    lg_temporary folder = lg_temporary_new();
    lg_error e = {""};
    ck_assert(!lg_atomic_write_file("/nonexistent/a", 0666, "x", 1, &e));
    ck_assert_str_eq(e.message, "/nonexistent/a: cannot write: No such file or directory; make the "
                                "folder first");
    ck_assert(!lg_atomic_write_file(folder.folder, 0666, "x", 1, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "Is a directory"));
    ck_assert(!lg_atomic_write_file("", 0666, "x", 1, &e));
    if (access("/dev/full", W_OK) == 0) {
        ck_assert(!lg_atomic_write_file("/dev/full", 0666, "x", 1, &e));
        ck_assert_str_eq(e.message, "/dev/full: cannot write: No space left on device");
    }
    ck_assert_int_eq(lg_temporary_count(&folder), 0);
    lg_temporary_free(&folder);
}
END_TEST

START_TEST(messages_stay_in_their_buffer)
{
    lg_error e;
    lg_error_clear(&e);
    for (int i = 0; i < 400; i++)
        ck_assert(!lg_fail_more(&e, "fault number %d", i));
    ck_assert_uint_lt(strlen(e.message), sizeof e.message);
    ck_assert_str_eq(e.message + strlen(e.message) - 4, "\n...");
    ck_assert_ptr_eq(strstr(e.message, "fault number 0\nfault number 1\n"), e.message);
    ck_assert(!lg_fail_prefix(&e, "%s: ", "file"));
    ck_assert_ptr_eq(strstr(e.message, "file: fault number 0"), e.message);
    ck_assert(!lg_fail(NULL, "nobody listens") && !lg_fail_more(NULL, "nor here"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("atomic_file");
    TCase *tests = tcase_create("atomic_file");
    tcase_add_test(tests, output_appears_whole_or_not_at_all);
    tcase_add_test(tests, links_and_pipes);
    tcase_add_test(tests, unwritable_output);
    tcase_add_test(tests, messages_stay_in_their_buffer);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
