// Event files: known checksums, the bytes of a record, and what a reader finds in a file.
#include "runtime/event_file.h"
#include "runtime/grey_png.h"
#include "runtime/image.h"
#include "runtime/read_file.h"
#include "tests/support/temporary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

START_TEST(checksums)
{
    uint8_t bytes[32];
    ck_assert_uint_eq(lg_crc32c("123456789", 9), 0xe3069283U);
    ck_assert_uint_eq(lg_crc32c("", 0), 0);
    memset(bytes, 0, sizeof bytes); // RFC 3720, B.4
    ck_assert_uint_eq(lg_crc32c(bytes, 32), 0x8a9136aaU);
    memset(bytes, 0xff, sizeof bytes);
    ck_assert_uint_eq(lg_crc32c(bytes, 32), 0x62a8ab43U);
    for (int i = 0; i < 32; i++)
        bytes[i] = (uint8_t)i;
    ck_assert_uint_eq(lg_crc32c(bytes, 32), 0x46dd794eU);
}
END_TEST

static uint64_t little_endian(const uint8_t *bytes, int size)
{
    uint64_t value = 0;
    for (int i = size; i-- > 0;)
        value = value << 8 | bytes[i];
    return value;
}

typedef struct record {
    const uint8_t *data;
    size_t size;
} record;

// The records of a file, checksums and all; `bytes` is to be freed.
static int read_records(const char *path, uint8_t **bytes, record *records, int most)
{
    lg_error e;
    size_t size, at = 0;
    int count = 0;
    *bytes = lg_file_read(path, 1 << 20, &size, &e);
    ck_assert_msg(*bytes != NULL, "%s", e.message);
    while (at < size) {
        ck_assert_uint_ge(size - at, 16);
        const uint8_t *r = *bytes + at;
        uint64_t length = little_endian(r, 8);
        ck_assert_uint_le(length, size - at - 16);
        for (int part = 0; part < 2; part++) {
            const uint8_t *data = part ? r + 12 : r;
            size_t data_size = part ? length : 8;
            uint32_t crc = (uint32_t)little_endian(data + data_size, 4) - 0xa282ead8U;
            crc = crc << 15 | crc >> 17;
            ck_assert_uint_eq(crc, lg_crc32c(data, data_size));
        }
        ck_assert_int_lt(count, most);
        records[count++] = (record){r + 12, length};
        at += 16 + length;
    }
    return count;
}

static bool holds(record r, const void *bytes, size_t size)
{
    return memmem(r.data, r.size, bytes, size) != NULL;
}

START_TEST(bytes_of_a_scalar)
{
    // Event{wall_time: 1.5, step: 300, summary{value{tag: "loss", simple_value: 0.5}}}, encoded
    // by hand from the .proto files and framed by a few lines of Python.
    static const uint8_t golden[] = {
        0x1b, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x1a, 0x0d, 0x9e, 0x13, 0x09, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0xf8, 0x3f, 0x10, 0xac, 0x02, 0x2a, 0x0d, 0x0a, 0x0b, 0x0a, 0x04,
        0x6c, 0x6f, 0x73, 0x73, 0x15, 0x00, 0x00, 0x00, 0x3f, 0x69, 0xf9, 0x31, 0x5b,
    };
    lg_temporary folder = lg_temporary_new();
    lg_error e = {""};
    lg_event_file *events = lg_event_file_open(folder.folder, 1.0, 0, &e);
    ck_assert_msg(events != NULL, "%s", e.message);
    ck_assert_msg(lg_event_scalar(events, 1.5, 300, "loss", 0.5F, &e), "%s", e.message);
    uint8_t *bytes;
    record records[8]; // readable while the file is open: nothing waits in a buffer
    ck_assert_int_eq(read_records(lg_event_file_path(events), &bytes, records, 8), 3);
    ck_assert(holds(records[0], "brain.Event:2", 13));
    ck_assert_uint_eq(records[2].size + 16, sizeof golden);
    ck_assert_mem_eq(records[2].data - 12, golden, sizeof golden);
    free(bytes);
    lg_event_file_close(events);
    lg_temporary_free(&folder);
}
END_TEST

START_TEST(start_of_a_resumed_session)
{
    static const uint8_t start_at_300[] = {0x10, 0xac, 0x02, 0x3a, 0x02, 0x08, 0x01};
    lg_temporary folder = lg_temporary_new();
    lg_error e = {""};
    lg_event_file *first = lg_event_file_open(folder.folder, 7, 0, &e);
    lg_event_file *second = lg_event_file_open(folder.folder, 7, 300, &e);
    ck_assert(first && second);
    ck_assert_str_ne(lg_event_file_path(first), lg_event_file_path(second));
    ck_assert_ptr_nonnull(strstr(lg_event_file_path(first), "tfevents"));
    uint8_t *bytes;
    record records[4];
    ck_assert_int_eq(read_records(lg_event_file_path(second), &bytes, records, 4), 2);
    ck_assert(holds(records[1], start_at_300, sizeof start_at_300));
    free(bytes);
    lg_event_file_close(first);
    lg_event_file_close(second);
    lg_temporary_free(&folder);
}
END_TEST

// The PNG in a record, decoded.
static lg_image *picture_of(record r)
{
    static const uint8_t head[] = {0x89, 'P', 'N', 'G'};
    lg_error e = {""};
    const uint8_t *png = memmem(r.data, r.size, head, sizeof head);
    ck_assert_ptr_nonnull(png);
    lg_image *image = lg_image_decode(png, (size_t)(r.data + r.size - png), "picture", &e);
    ck_assert_msg(image != NULL, "%s", e.message);
    return image;
}

START_TEST(pictures)
{
    const float values[] = {0, 0.5F, 1, -3, 9, NAN};
    const uint8_t wanted[] = {0, 128, 255, 0, 255, 0};
    lg_temporary folder = lg_temporary_new();
    lg_error e = {""};
    lg_event_file *events = lg_event_file_open(folder.folder, 1, 0, &e);
    ck_assert(lg_event_matrix(events, 2, 1, "mm1", values, 2, 3, 0, 1, &e));
    ck_assert(!lg_event_matrix(events, 2, 1, "mm1", values, 0, 3, 0, 1, &e));
    uint8_t *bytes;
    record records[4];
    ck_assert_int_eq(read_records(lg_event_file_path(events), &bytes, records, 4), 3);
    lg_image *image = picture_of(records[2]);
    ck_assert_int_eq(image->width, 24);
    ck_assert_int_eq(image->height, 16);
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(image->rgb[3 * ((i / 3 * 8 + 4) * 24 + i % 3 * 8 + 4)], wanted[i]);
    lg_image_free(image);
    free(bytes);
    lg_event_file_close(events);
    lg_temporary_free(&folder);
}
END_TEST

START_TEST(folder_that_is_not_there)
{
    lg_error e = {""};
    ck_assert_ptr_null(lg_event_file_open("/nonexistent/folder", 1, 0, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "/nonexistent/folder: cannot make an event file"));
    lg_event_file_close(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("event_file");
    TCase *tests = tcase_create("event_file");
    tcase_add_test(tests, checksums);
    tcase_add_test(tests, bytes_of_a_scalar);
    tcase_add_test(tests, start_of_a_resumed_session);
    tcase_add_test(tests, pictures);
    tcase_add_test(tests, folder_that_is_not_there);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
