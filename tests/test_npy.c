// .npy files as NumPy writes them, and everything that can be wrong with one.
#include "runtime/npy.h"
#include "runtime/read_file.h"
#include "tests/support/temporary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

// A version 1.0 file with this dictionary and `size` bytes of data.
static size_t make_npy(unsigned char *file, const char *dictionary, const void *data, size_t size)
{
    size_t length = strlen(dictionary);
    memcpy(file, "\x93NUMPY\1", 8);
    file[8] = (unsigned char)(length & 255);
    file[9] = (unsigned char)(length >> 8);
    memcpy(file + 10, dictionary, length + 1);
    memcpy(file + 10 + length, data, size);
    return 10 + length + size;
}

static lg_tensor *decode(const char *dictionary, const void *data, size_t size, lg_error *e)
{
    unsigned char file[1024];
    size_t total = make_npy(file, dictionary, data, size);
    unsigned char *exact = malloc(total); // so that a sanitizer sees a read beyond the end
    ck_assert_ptr_nonnull(exact);
    memcpy(exact, file, total);
    lg_tensor *tensor = lg_npy_decode(exact, total, "a.npy", e);
    free(exact);
    return tensor;
}

START_TEST(numpys_types)
{
    static const double f8[3] = {1.5, -2.25, 1e300};
    static const unsigned char bytes[24] = {0, 1, 2, 3, 255};
    static const struct {
        const char *descr;
        enum lg_abi_dtype dtype;
        size_t size; // of three elements
    } types[] = {
        {"<f4", LG_ABI_F32, 12}, {"<f2", LG_ABI_F16, 6}, {"<i4", LG_ABI_I32, 12},
        {"<i8", LG_ABI_I64, 24}, {"|u1", LG_ABI_U8, 3},  {"<f8", LG_ABI_F32, 24},
    };
    lg_error e = {""};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char dictionary[128];
        snprintf(dictionary, sizeof dictionary,
                 "{'descr': '%s', 'fortran_order': False, 'shape': (3,), }   \n", types[i].descr);
        bool wide = strcmp(types[i].descr, "<f8") == 0;
        lg_tensor *t = decode(dictionary, wide ? (const void *)f8 : bytes, types[i].size, &e);
        ck_assert_msg(t != NULL, "%s", e.message);
        ck_assert_int_eq(t->dtype, types[i].dtype);
        ck_assert(t->rank == 1 && t->shape[0] == 3);
        if (wide)
            ck_assert(((float *)t->data)[0] == 1.5f && ((float *)t->data)[1] == -2.25f);
        else
            ck_assert_mem_eq(t->data, bytes, t->bytes);
        lg_tensor_free(t);
    }
    lg_tensor *b = decode("{'descr':'|b1','fortran_order':False,'shape':(3,)}", bytes, 3, &e);
    ck_assert_msg(b != NULL, "%s", e.message);
    ck_assert_mem_eq(b->data, "\0\1\1", 3);
    lg_tensor_free(b);
}
END_TEST

START_TEST(shapes)
{
    static const float values[6] = {1, 2, 3, 4, 5, 6};
    lg_error e = {""};
    lg_tensor *t =
        decode("{'shape': (1, 2, 3), 'descr': \"<f4\", 'fortran_order': False}", values, 24, &e);
    ck_assert_msg(t != NULL, "%s", e.message);
    ck_assert(t->rank == 3 && t->shape[1] == 2 && t->shape[2] == 3);
    lg_tensor_free(t);
    t = decode("{'shape': (), 'descr': '<f4', 'fortran_order': False}", values, 4, &e);
    ck_assert_msg(t != NULL, "%s", e.message);
    ck_assert(t->rank == 0 && lg_tensor_count(t) == 1);
    lg_tensor_free(t);
    t = decode("{'shape': (0, 9), 'descr': '<f4', 'fortran_order': False}", values, 0, &e);
    ck_assert_msg(t != NULL, "%s", e.message);
    ck_assert(lg_tensor_count(t) == 0);
    lg_tensor_free(t);
    t = decode("{'shape': (6,), 'descr': '<f4', 'fortran_order': True}", values, 24, &e);
    ck_assert_msg(t != NULL, "one axis has no order: %s", e.message);
    lg_tensor_free(t);
}
END_TEST

START_TEST(wide_headers)
{
    // Version 2.0 and 3.0 have a header length of four bytes.
    static const char dictionary[] = "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }\n";
    unsigned char file[256] = "\x93NUMPY";
    size_t length = sizeof dictionary - 1;
    file[8] = (unsigned char)length;
    memcpy(file + 12, dictionary, sizeof dictionary);
    file[12 + length] = 5;
    file[13 + length] = 6;
    for (unsigned char version = 2; version <= 4; version++) {
        lg_error e = {""};
        file[6] = version;
        lg_tensor *t = lg_npy_decode(file, 14 + length, "a.npy", &e);
        ck_assert_msg((t != NULL) == (version < 4), "%s", e.message);
        if (t)
            ck_assert_mem_eq(t->data, "\5\6", 2);
        lg_tensor_free(t);
    }
}
END_TEST

static void check_refused(const char *dictionary, size_t size, const char *part)
{
    static const unsigned char zeros[64];
    lg_error e = {""};
    ck_assert_ptr_null(decode(dictionary, zeros, size, &e));
    ck_assert_msg(strstr(e.message, "a.npy: ") == e.message, "no file in: %s", e.message);
    ck_assert_msg(strstr(e.message, part) != NULL, "\"%s\" not in: %s", part, e.message);
}

#define F4 "{'descr': '<f4', 'fortran_order': False, 'shape': "

START_TEST(faults_are_located)
{
    check_refused("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }", 16,
                  "np.ascontiguousarray");
    check_refused("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", 4,
                  "element type >f4 is not supported; convert it: a.astype(np.float32)");
    check_refused("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", 8, "<c8");
    check_refused("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,), }", 4,
                  "a structured array");
    check_refused(F4 "(2,), }", 4, "truncated");
    check_refused(F4 "(2,), }", 12, "bytes are left over");
    check_refused(F4 "(-2,), }", 8, "byte 61: damaged .npy header: the shape needs non-negative");
    check_refused(F4 "(2 3), }", 24, "a comma or )");
    check_refused(F4 "(2), }", 8, "a comma or )");
    check_refused(F4 "2, }", 8, "the shape is a tuple");
    check_refused(F4 "(2,) ", 8, "a comma or }");
    check_refused(F4 "(2,), } x", 8, "text after the dictionary");
    check_refused(F4 "(1,1,1,1,1,1,1,1,1), }", 4, "more than 8 axes");
    check_refused(F4 "(99999999999999999999,), }", 4, "too large");
    check_refused(F4 "(4000000000, 4000000000), }", 4, "too large");
    check_refused(F4 "(4000000000000,), }", 4, "truncated");
    check_refused(F4 "(2,), 'shape': (2,), }", 8, "unknown or repeated key");
    check_refused("{'descr': '<f4', 'shape': (2,), }", 8,
                  "it needs descr, fortran_order and shape");
    check_refused("{'descr': '<f4", 8, "does not end");
    check_refused("{'descr': '<f4xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx', }", 8,
                  "not one that NumPy writes");
    check_refused("{'fortran_order': Maybe, }", 8, "True or False");
    check_refused("[]", 8, "a dictionary is expected");
    check_refused("", 0, "a dictionary is expected");
}
END_TEST

START_TEST(damaged_files_do_no_harm)
{
    static const float values[4] = {1, 2, 3, 4};
    unsigned char file[256];
    uint32_t random = 3;
    size_t size = make_npy(file, F4 "(2, 2), }                 \n", values, sizeof values);
    for (size_t length = 0; length < size; length++) {
        unsigned char *copy = malloc(length + 1);
        lg_error e = {""};
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, file, length);
        ck_assert_ptr_null(lg_npy_decode(copy, length, "a.npy", &e));
        ck_assert(e.message[0]);
        free(copy);
    }
    for (int trial = 0; trial < 5000; trial++) {
        random = random * 1664525u + 1013904223u;
        size_t at = (random >> 8) % size;
        unsigned char old = file[at];
        lg_error e = {""};
        file[at] = (unsigned char)(random >> 24);
        lg_tensor *t = lg_npy_decode(file, size, "a.npy", &e);
        ck_assert((t == NULL) == (e.message[0] != '\0'));
        lg_tensor_free(t);
        file[at] = old;
    }
}
END_TEST

START_TEST(written_files_are_read)
{
    lg_temporary folder = lg_temporary_new();
    lg_error e = {""};
    for (int dtype = LG_ABI_F32; dtype <= LG_ABI_BOOL; dtype++) {
        for (int rank = 0; rank <= 4; rank++) {
            lg_tensor *a = lg_tensor_new(dtype, rank, (const int64_t[]){2, 1, 5, 3}, &e);
            ck_assert_msg(a != NULL, "%s", e.message);
            for (size_t i = 0; i < a->bytes; i++)
                ((unsigned char *)a->data)[i] = dtype == LG_ABI_BOOL ? i & 1 : i & 0x3f;
            const char *path = lg_temporary_path(&folder, "a.npy");
            ck_assert_msg(lg_npy_write(path, a, &e), "%s", e.message);
            lg_tensor *b = lg_npy_read(path, &e);
            ck_assert_msg(b != NULL, "%s", e.message);
            ck_assert_int_eq(b->rank, rank);
            ck_assert_mem_eq(b->shape, a->shape, sizeof a->shape);
            if (dtype == LG_ABI_BF16) {
                ck_assert_int_eq(b->dtype, LG_ABI_F32);
                ck_assert_mem_eq((char *)b->data + 2, a->data, 2);
            } else {
                ck_assert_int_eq(b->dtype, dtype);
                ck_assert_mem_eq(b->data, a->data, a->bytes);
            }
            lg_tensor_free(a);
            lg_tensor_free(b);
        }
    }
    ck_assert_int_eq(lg_temporary_count(&folder), 1);
    lg_temporary_free(&folder);
}
END_TEST

START_TEST(headers_are_numpys)
{
    // The bytes that np.save wrote must come out again.
    lg_error e = {""};
    size_t wanted_size, size;
    const char *golden = LGPNC_TESTS_DIR "/goldens/images/photo.input.npy";
    lg_temporary folder = lg_temporary_new();
    lg_tensor *a = lg_npy_read(golden, &e);
    ck_assert_msg(a != NULL, "%s", e.message);
    ck_assert(lg_npy_write(lg_temporary_path(&folder, "b.npy"), a, &e));
    unsigned char *wanted = lg_file_read(golden, 1 << 20, &wanted_size, &e);
    unsigned char *got = lg_file_read(folder.path, 1 << 20, &size, &e);
    ck_assert(wanted && got);
    ck_assert_uint_eq(size, wanted_size);
    ck_assert_mem_eq(got, wanted, size);
    free(wanted);
    free(got);
    lg_tensor_free(a);
    lg_temporary_free(&folder);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("npy");
    TCase *tests = tcase_create("npy");
    tcase_add_test(tests, numpys_types);
    tcase_add_test(tests, shapes);
    tcase_add_test(tests, wide_headers);
    tcase_add_test(tests, faults_are_located);
    tcase_add_test(tests, damaged_files_do_no_harm);
    tcase_add_test(tests, written_files_are_read);
    tcase_add_test(tests, headers_are_numpys);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
