// safetensors files that come back as they were written, and everything that can be wrong with one.
#include "runtime/read_file.h"
#include "runtime/safetensors.h"
#include "tests/support/temporary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

static const float weight[6] = {1, -2, 3, 0.5f, 1e30f, -1e-30f};
static const int64_t steps = 7;
static const uint8_t mask[3] = {1, 0, 1};
static const uint16_t halves[2] = {0x3c00, 0x4000};

static const lg_safetensor sample[] = {
    {.name = "a.mask", .dtype = LG_ABI_BOOL, .rank = 1, .shape = {3}, .data = mask},
    {.name = "a.weight", .dtype = LG_ABI_F32, .rank = 2, .shape = {2, 3}, .data = weight},
    {.name = "a.steps", .dtype = LG_ABI_I64, .rank = 0, .data = &steps},
    {.name = "empty", .dtype = LG_ABI_F32, .rank = 2, .shape = {0, 4}, .data = weight},
    {.name = "half", .dtype = LG_ABI_F16, .rank = 1, .shape = {2}, .data = halves},
};
enum { SAMPLES = sizeof sample / sizeof *sample };

START_TEST(written_files_are_read)
{
    static const lg_metadata metadata[] = {{"format", "pt"}, {"epoch", "12"}};
    lg_temporary folder = lg_temporary_new();
    lg_error e = {""};
    const char *path = lg_temporary_path(&folder, "w.safetensors");
    ck_assert_msg(lg_safetensors_write(path, sample, SAMPLES, metadata, 2, &e), "%s", e.message);
    ck_assert_int_eq(lg_temporary_count(&folder), 1);
    lg_safetensors *file = lg_safetensors_open(path, &e);
    ck_assert_msg(file != NULL, "%s", e.message);
    ck_assert_uint_eq(lg_safetensors_count(file), SAMPLES);
    ck_assert_str_eq(lg_safetensors_metadata(file, "epoch"), "12");
    ck_assert_ptr_null(lg_safetensors_metadata(file, "none"));
    for (size_t i = 0; i < SAMPLES; i++) {
        const lg_safetensor *t = lg_safetensors_find(file, sample[i].name);
        ck_assert_ptr_nonnull(t);
        ck_assert_str_eq(lg_safetensors_at(file, i)->name, sample[i].name);
        ck_assert_int_eq(t->dtype, sample[i].dtype);
        ck_assert_int_eq(t->rank, sample[i].rank);
        ck_assert_mem_eq(t->shape, sample[i].shape, sizeof t->shape);
        ck_assert_uint_eq((uintptr_t)t->data % lg_abi_dtype_size(t->dtype), 0);
        if (t->bytes)
            ck_assert_mem_eq(t->data, sample[i].data, t->bytes);
    }
    ck_assert_ptr_null(lg_safetensors_find(file, "a"));
    ck_assert_ptr_null(lg_safetensors_find(file, ""));
    ck_assert_msg(lg_safetensors_check_finite(file, &e), "%s", e.message);
    lg_safetensors_close(file);
    lg_temporary_free(&folder);
}
END_TEST

START_TEST(dropped_files_leave_nothing)
{
    lg_temporary folder = lg_temporary_new();
    lg_error e = {""};
    lg_safetensors_writer *w =
        lg_safetensors_create(lg_temporary_path(&folder, "w"), sample, SAMPLES, NULL, 0, &e);
    ck_assert_msg(w != NULL, "%s", e.message);
    ck_assert_int_eq(lg_safetensors_next(w), 2); // the widest element comes first
    ck_assert(lg_safetensors_append(w, &steps, &e));
    ck_assert_int_eq(lg_safetensors_next(w), 1);
    ck_assert(!lg_safetensors_discard(w));
    ck_assert_int_eq(lg_temporary_count(&folder), 0);

    const lg_safetensor twice[2] = {sample[0], sample[0]};
    ck_assert(!lg_safetensors_write(lg_temporary_path(&folder, "w"), twice, 2, NULL, 0, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "tensor a.mask is there twice"));
    ck_assert(!lg_safetensors_write("/nonexistent/w", sample, 1, NULL, 0, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "/nonexistent/w: cannot write"));
    ck_assert_int_eq(lg_temporary_count(&folder), 0);
    lg_temporary_free(&folder);
}
END_TEST

// A file of this header and as many zero bytes.
static lg_safetensors *open_file(const char *header, size_t data, lg_error *e)
{
    unsigned char bytes[4096] = {0};
    uint64_t length = strlen(header);
    lg_temporary folder = lg_temporary_new();
    memcpy(bytes, &length, sizeof length);
    memcpy(bytes + 8, header, length + 1);
    const char *path = lg_temporary_write(&folder, "w", bytes, 8 + length + data);
    lg_safetensors *file = lg_safetensors_open(path, e);
    lg_temporary_free(&folder);
    return file;
}

START_TEST(misaligned_data_is_aligned)
{
    // The format allows it, and writers in the wild do it.
    lg_error e = {""};
    lg_safetensors *file =
        open_file("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                  "\"b\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[1,9]}}",
                  9, &e);
    ck_assert_msg(file != NULL, "%s", e.message);
    const lg_safetensor *b = lg_safetensors_find(file, "b");
    ck_assert_uint_eq((uintptr_t)b->data % 8, 0);
    ck_assert_int_eq(*(const int64_t *)b->data, 0);
    lg_safetensors_close(file);
}
END_TEST

START_TEST(parallel_prefix_is_taken_off)
{
    lg_error e = {""};
    const char *all = "{\"module.a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                      "\"module.b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}";
    const char *some = "{\"module.a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                       "\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}";
    lg_safetensors *file = open_file(all, 2, &e);
    ck_assert_msg(file != NULL, "%s", e.message);
    ck_assert_ptr_nonnull(lg_safetensors_find(file, "b"));
    ck_assert_str_eq(lg_safetensors_at(file, 0)->name, "a");
    lg_safetensors_close(file);
    file = open_file(some, 2, &e);
    ck_assert_msg(file != NULL, "%s", e.message);
    ck_assert_ptr_nonnull(lg_safetensors_find(file, "module.a"));
    ck_assert_ptr_null(lg_safetensors_find(file, "a"));
    lg_safetensors_close(file);
}
END_TEST

static void check_refused(const char *header, size_t data, const char *part)
{
    lg_error e = {""};
    ck_assert_ptr_null(open_file(header, data, &e));
    ck_assert_msg(e.message[0] == '/', "no file in: %s", e.message);
    ck_assert_msg(strstr(e.message, part) != NULL, "\"%s\" not in: %s", part, e.message);
}

#define T(name, dtype, shape, offsets)                                                             \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":[" shape "],\"data_offsets\":[" offsets "]}"

START_TEST(faults_are_located)
{
    check_refused("", 0, "the header is not JSON");
    check_refused("{\"a\":", 0, "the header is not JSON");
    check_refused("[]", 0, "must be a JSON object");
    check_refused("{\"a\":3}", 0, "tensor a: must be an object");
    check_refused("{\"a\":{}}", 0, "tensor a: dtype (missing)");
    check_refused("{" T("a", "F64", "1", "0,8") "}", 8, "tensor a: dtype F64 is not supported");
    check_refused("{" T("a", "F32", "-1", "0,4") "}", 4, "tensor a: shape must hold non-negative");
    check_refused("{" T("a", "F32", "1.5", "0,4") "}", 4, "tensor a: shape must hold non-negative");
    check_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":4,\"data_offsets\":[0,4]}}", 4,
                  "shape must be an array");
    check_refused("{" T("a", "F32", "1,1,1,1,1,1,1,1,1", "0,4") "}", 4, "more than 8 axes");
    check_refused("{" T("a", "F32", "4000000000,4000000000", "0,4") "}", 4, "too large");
    check_refused("{" T("a", "F32", "99999999999999999999", "0,4") "}", 4, "not JSON");
    check_refused("{" T("a", "F32", "2", "0,4") "}", 4,
                  "tensor a: shape [2] of f32 needs 8 bytes, data_offsets give 4");
    check_refused("{" T("a", "F32", "1", "4,0") "}", 4, "0 <= begin <= end");
    check_refused("{" T("a", "F32", "1", "-4,0") "}", 4, "0 <= begin <= end");
    check_refused("{" T("a", "F32", "1", "0") "}", 4, "data_offsets must be [begin, end]");
    check_refused("{" T("a", "F32", "1", "4,8") "}", 4, "lie outside of the data");
    check_refused("{" T("a", "F32", "1", "0,4") "," T("b", "F32", "1", "0,4") "}", 8, "overlap");
    check_refused("{" T("a", "F32", "1", "0,4") "," T("b", "F32", "2", "2,10") "}", 10, "overlap");
    check_refused("{" T("a", "F32", "1", "0,4") "," T("b", "F32", "1", "8,12") "}", 12, "gap");
    check_refused("{" T("a", "F32", "1", "0,4") "}", 9, "5 bytes follow the last tensor");
    check_refused("{" T("a", "U8", "1", "0,1") "," T("a", "U8", "1", "1,2") "}", 2, "duplicate");
    check_refused("{\"__metadata__\":{\"x\":1}}", 0,
                  "__metadata__: the value of \"x\" must be a string");
    check_refused("{\"__metadata__\":[]}", 0, "__metadata__ must be an object");
    // Two faults, both told.
    check_refused("{" T("a", "F64", "1", "0,8") "," T("b", "C64", "1", "8,16") "}", 16, "F64");
    check_refused("{" T("a", "F64", "1", "0,8") "," T("b", "C64", "1", "8,16") "}", 16, "tensor b");
}
END_TEST

static void check_bytes_refused(const void *bytes, size_t size, const char *part)
{
    lg_error e = {""};
    lg_temporary folder = lg_temporary_new();
    const char *path = lg_temporary_write(&folder, "w", bytes, size);
    ck_assert_ptr_null(lg_safetensors_open(path, &e));
    ck_assert_msg(strstr(e.message, part) != NULL, "\"%s\" not in: %s", part, e.message);
    lg_temporary_free(&folder);
}

START_TEST(other_files_are_told)
{
    lg_error e;
    lg_temporary folder = lg_temporary_new();
    check_bytes_refused("", 0, "the file is empty");
    check_bytes_refused("abc", 3, "truncated: 3 bytes");
    check_bytes_refused("PK\3\4............", 16, "a PyTorch .pth file; save it with safetensors");
    check_bytes_refused("not a safetensors file", 22, "at most 100000000 are allowed");
    check_bytes_refused("\x40\0\0\0\0\0\0\0{}", 10, "truncated: copy or download it again");
    ck_assert_ptr_null(lg_safetensors_open(folder.folder, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "is a folder"));
    ck_assert_ptr_null(lg_safetensors_open("/nonexistent/w", &e));
    ck_assert_ptr_nonnull(strstr(e.message, "/nonexistent/w: cannot open"));
    ck_assert_ptr_null(lg_safetensors_open("/dev/null", &e));
    ck_assert_ptr_nonnull(strstr(e.message, "not a regular file"));
    lg_temporary_free(&folder);
}
END_TEST

START_TEST(damaged_files_do_no_harm)
{
    lg_temporary folder = lg_temporary_new();
    lg_error e = {""};
    size_t size;
    const char *path = lg_temporary_path(&folder, "w");
    ck_assert(lg_safetensors_write(path, sample, SAMPLES, NULL, 0, &e));
    unsigned char *bytes = lg_file_read(path, 1 << 20, &size, &e);
    ck_assert_ptr_nonnull(bytes);
    for (size_t length = 0; length < size; length++) {
        ck_assert_ptr_null(
            lg_safetensors_open(lg_temporary_write(&folder, "w", bytes, length), &e));
    }
    uint32_t random = 11;
    ck_assert_uint_gt(size, 0);
    for (int trial = 0; trial < 1500; trial++) {
        random = random * 1664525u + 1013904223u;
        size_t at = (random >> 8) % size;
        unsigned char old = bytes[at];
        bytes[at] = (unsigned char)(random >> 24);
        lg_safetensors *file =
            lg_safetensors_open(lg_temporary_write(&folder, "w", bytes, size), &e);
        if (file)
            (void)lg_safetensors_check_finite(file, &e);
        lg_safetensors_close(file);
        bytes[at] = old;
    }
    free(bytes);
    lg_temporary_free(&folder);
}
END_TEST

START_TEST(nan_weights_are_found)
{
    enum { COUNT = 10000 };
    float values[COUNT] = {0};
    for (size_t at = 0; at < COUNT; at += 1237) {
        values[at] = at % 2 ? NAN : -INFINITY;
        ck_assert_uint_eq(lg_floats_first_nonfinite(values, COUNT), at);
        ck_assert_uint_eq(lg_floats_first_nonfinite(values, at), at);
        values[at] = 3e38f;
    }
    ck_assert_uint_eq(lg_floats_first_nonfinite(values, COUNT), COUNT);

    const uint16_t broken[2] = {0x3c00, 0x7e00};
    values[4096] = NAN;
    const lg_safetensor tensors[] = {
        {.name = "good", .dtype = LG_ABI_F32, .rank = 1, .shape = {100}, .data = values},
        {.name = "bad", .dtype = LG_ABI_F32, .rank = 1, .shape = {COUNT}, .data = values},
        {.name = "worse", .dtype = LG_ABI_F16, .rank = 1, .shape = {2}, .data = broken},
    };
    lg_temporary folder = lg_temporary_new();
    lg_error e = {""};
    const char *path = lg_temporary_path(&folder, "w");
    ck_assert(lg_safetensors_write(path, tensors, 3, NULL, 0, &e));
    lg_safetensors *file = lg_safetensors_open(path, &e);
    ck_assert_msg(file != NULL, "%s", e.message);
    ck_assert(!lg_safetensors_check_finite(file, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "tensor bad: element 4096 is NaN or infinite"));
    ck_assert_ptr_nonnull(strstr(e.message, "tensor worse: element 1"));
    ck_assert_ptr_null(strstr(e.message, "tensor good"));
    lg_safetensors_close(file);
    lg_temporary_free(&folder);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("safetensors");
    TCase *tests = tcase_create("safetensors");
    tcase_add_test(tests, written_files_are_read);
    tcase_add_test(tests, dropped_files_leave_nothing);
    tcase_add_test(tests, misaligned_data_is_aligned);
    tcase_add_test(tests, parallel_prefix_is_taken_off);
    tcase_add_test(tests, faults_are_located);
    tcase_add_test(tests, other_files_are_told);
    tcase_add_test(tests, damaged_files_do_no_harm);
    tcase_add_test(tests, nan_weights_are_found);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
